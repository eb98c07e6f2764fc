//! What the net tells the loop.

use std::fmt;

use libp2p::{Multiaddr, PeerId};
use omni_protocol::{
    code::Code,
    deal::negotiation::Who,
    frame::{Frame, Known},
    hash::{PartnerId, RecordId},
    identity::{Delegation, KeyChain},
    thread::Life,
};

use super::verify::VerifiedBatch;

/// Something that happened, in the order of each session.
#[derive(Debug)]
pub enum NetEvent {
    /// An address that is bound.
    Listening(Multiaddr),
    /// A peer introduced itself, and the introduction is true. Whether it is trusted is the
    /// loop's to judge; nothing else comes from a session before this.
    SessionUp {
        /// The session; a later one has a larger number.
        session: u64,
        /// Who it is.
        partner: PartnerId,
        /// The node that speaks for it.
        peer: PeerId,
        /// What it showed.
        hello: Box<Introduced>,
    },
    /// The session is over. Of a session that was replaced this may come after the `SessionUp` of
    /// the newer one: compare the numbers.
    SessionDown {
        /// The session.
        session: u64,
        /// Whose it was.
        partner: PartnerId,
        /// Why.
        why: Ended,
    },
    /// A Greeting, Letter, Stored, `WhatIs` or Notice: well formed, and not proved.
    Frame {
        /// The session.
        session: u64,
        /// Who sent it.
        partner: PartnerId,
        /// What it is.
        frame: Frame,
    },
    /// Public records that their author signed.
    Records {
        /// The records.
        batch: VerifiedBatch,
        /// How they came.
        source: Source,
    },
    /// A key chain that is new, or longer than the one that was known, or contradicts it.
    Keys {
        /// All of it.
        chain: Box<KeyChain>,
    },
    /// A catalogue is being pulled; its records follow.
    PullBegan {
        /// Whose.
        author: PartnerId,
        /// From its beginning, since it differs though nothing newer is missing.
        is_whole: bool,
    },
    /// All that the source has came.
    PullEnded {
        /// Whose.
        author: PartnerId,
        /// What the source said it has.
        head: Known,
        /// All records that the author counts, if a whole pull brought its own word and the
        /// answer bears it out: of this author forget the others as old as these (SPEC 16).
        whole: Option<Vec<RecordId>>,
    },
}

/// How public records came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// By gossip.
    Gossip,
    /// They were asked for in this session.
    Pull {
        /// The session.
        session: u64,
    },
    /// Their author sent them to this node alone.
    Push {
        /// The session.
        session: u64,
    },
}

/// What a peer showed in its Hello, checked but for trust.
#[derive(Debug, Clone)]
pub struct Introduced {
    /// Its life.
    pub life: Life,
    /// Its keys, with what was known of them before.
    pub chain: KeyChain,
    /// By which it speaks for its partner.
    pub delegation: Delegation,
    /// Its program, as it says.
    pub agent: String,
    /// The token of an invite, as it says.
    pub token: Option<[u8; 16]>,
}

impl Introduced {
    /// Whose node it is.
    #[must_use]
    pub const fn partner(&self) -> PartnerId {
        self.chain.partner()
    }
}

/// That one side did not take the other's introduction, or ended the talk for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Who did.
    pub by: Who,
    /// Why.
    pub code: Code,
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The peer does not speak this protocol.
    NotOurs,
    /// The peer did not introduce itself in time.
    NoHello,
    /// Its introduction was refused.
    Refused(Code),
    /// This node ended it.
    Told(Code),
    /// The peer ended it, and said why.
    Bye(Code),
    /// The peer sent what can't be read.
    Malformed,
    /// The peer closed the stream.
    Closed,
    /// The peer opened its stream anew.
    Anew,
    /// The peer began another life, to which no earlier connection leads.
    Restarted,
    /// The peer took too long over one frame.
    Stalled,
    /// A stream broke.
    Broken(String),
    /// No stream can be opened to the peer.
    Lost(String),
}

impl Ended {
    /// What the peer is told, if anything.
    pub(super) const fn last_word(&self) -> Option<Code> {
        match self {
            Self::Told(code) | Self::Refused(code) => Some(*code),
            Self::Malformed => Some(Code::Malformed),
            Self::NotOurs
            | Self::NoHello
            | Self::Bye(_)
            | Self::Closed
            | Self::Anew
            | Self::Restarted
            | Self::Stalled
            | Self::Broken(_)
            | Self::Lost(_) => None,
        }
    }

    /// What an operator has to know of it, since it will end so again. A node that goes down or is
    /// too busy says so too, and that passes.
    pub(super) fn refused(&self) -> Option<Refused> {
        let (by, code) = match self {
            Self::Refused(code) => (Who::Us, *code),
            Self::Bye(code) => (Who::Them, *code),
            Self::NotOurs
            | Self::NoHello
            | Self::Told(_)
            | Self::Malformed
            | Self::Closed
            | Self::Anew
            | Self::Restarted
            | Self::Stalled
            | Self::Broken(_)
            | Self::Lost(_) => return None,
        };
        (code != Code::Overloaded).then_some(Refused { by, code })
    }

    /// Whether another session with the same peer may follow at once.
    pub(super) const fn may_go_on(&self) -> bool {
        match self {
            Self::Closed | Self::Anew | Self::Broken(_) => true,
            Self::NotOurs
            | Self::NoHello
            | Self::Refused(_)
            | Self::Told(_)
            | Self::Bye(_)
            | Self::Malformed
            | Self::Restarted
            | Self::Stalled
            | Self::Lost(_) => false,
        }
    }

    /// The driver said so, or has let go of the peer.
    pub(super) fn told<E>(code: Result<Code, E>) -> Self {
        Self::Told(code.unwrap_or(Code::Overloaded))
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOurs => f.write_str("the peer does not speak this protocol"),
            Self::NoHello => f.write_str("the peer did not introduce itself in time"),
            Self::Refused(code) => write!(f, "its introduction was refused: {}", code.sentence()),
            Self::Told(code) => write!(f, "this node ended it: {}", code.sentence()),
            Self::Bye(code) => write!(f, "the peer ended it: {}", code.sentence()),
            Self::Malformed => f.write_str("the peer sent what can't be read"),
            Self::Closed => f.write_str("the peer closed the stream"),
            Self::Anew => f.write_str("the peer began anew"),
            Self::Restarted => f.write_str("the peer was restarted"),
            Self::Stalled => f.write_str("the peer took too long"),
            Self::Broken(why) => write!(f, "a stream broke: {why}"),
            Self::Lost(why) => write!(f, "no stream can be opened: {why}"),
        }
    }
}
