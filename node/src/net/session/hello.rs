//! The introduction at the beginning of a session: what this node says, and how what a peer says
//! is checked (SPEC 15.1). Whether the partner is trusted is not judged here.

use libp2p::{PeerId, identity::ed25519};
use omni_protocol::{
    code::Code,
    frame::{Bye, Frame, Hello, ProvedRecord, Received},
    hash::NetworkId,
    identity::{KeyChain, Role},
    record::Signed,
    value::Text,
};

use crate::net::{
    event::{Ended, Introduced, NetEvent},
    shared::Shared,
};

/// What this node says of itself.
#[derive(Debug, Clone)]
pub struct OwnHello(Hello);

impl OwnHello {
    /// A Hello without the token of an invite; the net puts that in where it belongs.
    #[must_use]
    pub fn new(hello: Hello) -> Self {
        Self(Hello {
            token: None,
            ..hello
        })
    }

    pub(crate) fn with_token(&self, token: Option<[u8; 16]>) -> Self {
        Self(Hello {
            token,
            ..self.0.clone()
        })
    }

    pub(super) fn frame(&self) -> Frame {
        Frame::Hello(Box::new(self.0.clone()))
    }
}

/// The last frame of a session.
pub(super) fn bye(code: Code) -> Frame {
    Frame::Bye(Bye {
        code,
        text: Text::default(),
    })
}

/// Checks the first frame of a peer: network, partner id, key chain, delegation of the key of this
/// very connection. A Bye in its place ends the talk.
pub(super) async fn check(
    shared: &Shared,
    peer: PeerId,
    first: &[u8],
) -> Result<Introduced, Ended> {
    match introduced(shared, peer, first).await {
        Ok(introduced) => Ok(introduced),
        Err(Wrong::Said(code)) => Err(Ended::Bye(code)),
        Err(Wrong::Found(code)) => Err(Ended::Refused(code)),
    }
}

/// Why there is no introduction.
enum Wrong {
    /// The peer said so.
    Said(Code),
    /// This node found it out.
    Found(Code),
}

impl From<Code> for Wrong {
    fn from(code: Code) -> Self {
        Self::Found(code)
    }
}

async fn introduced(shared: &Shared, peer: PeerId, first: &[u8]) -> Result<Introduced, Wrong> {
    let hello = match Frame::decode(first)? {
        Received::Frame(Frame::Hello(hello)) => hello,
        Received::Frame(Frame::Bye(bye)) => return Err(Wrong::Said(bye.code)),
        Received::Frame(_) | Received::Unknown(_) => return Err(Code::Malformed.into()),
    };
    if hello.network != shared.network.id() {
        return Err(Code::WrongNetwork.into());
    }
    if hello.partner == shared.own {
        return Err(Code::NotAddressed.into());
    }
    if shared.is_blocked(&hello.partner) {
        return Err(Code::NotTrusted.into());
    }
    let checks = shared.checks.clone();
    let work = move || {
        let now = checks.now();
        let key = hello.delegation.claimed().key();
        let chain = hello.check(checks.network(), key, now)?;
        if !is_of(peer, key) {
            return Err(Code::BadDelegation);
        }
        let learned = checks.learn(chain);
        let known = checks.chain(&hello.partner).ok_or(Code::UnknownKeys)?;
        // A rotation that was known before, and that the peer does not show, ends its delegation.
        let delegation = &hello.delegation;
        let delegation = delegation.check(hello.partner, Role::Transport, &known, now)?;
        let introduced = Introduced {
            life: hello.life,
            chain: (*known).clone(),
            delegation: delegation.clone(),
            agent: hello.agent.to_string(),
            token: hello.token,
        };
        Ok((introduced, learned))
    };
    let checked = shared.pool.run(work).await;
    let (introduced, learned) = checked.map_err(|_lost| Code::Overloaded)??;
    if let Some(chain) = learned {
        let chain = Box::new(chain);
        shared.tell(NetEvent::Keys { chain }).await;
    }
    Ok(introduced)
}

/// One partner's chain from its events, as Keys carries them.
pub(super) fn read_chain<'a>(
    network: NetworkId,
    events: impl IntoIterator<Item = &'a ProvedRecord>,
) -> Result<KeyChain, Code> {
    let mut read = vec![];
    for event in events {
        let record = Signed::read(&network, &*event.record)?;
        read.push((record, event.proof.clone()));
    }
    KeyChain::read(network, read)
}

/// Whether a peer is the one with this Ed25519 key.
fn is_of(peer: PeerId, key: &[u8; 32]) -> bool {
    ed25519::PublicKey::try_from_bytes(key)
        .is_ok_and(|key| libp2p::identity::PublicKey::from(key).to_peer_id() == peer)
}
