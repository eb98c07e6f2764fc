//! What the loop wants of the net.

use std::{collections::BTreeSet, time::Duration};

use libp2p::{Multiaddr, PeerId};
use omni_protocol::{code::Code, frame::Frame, hash::PartnerId};
use tokio::sync::oneshot;

use super::{dials::Node, event::Refused, gossip::Topic, session::OwnHello};

/// Something to do. None of it is confirmed but by what it brings about.
#[derive(Debug)]
pub enum NetCommand {
    /// What this node says of itself in sessions from now on.
    Hello(Box<OwnHello>),
    /// All partners whose nodes are dialled and hear everything from us; a later list replaces
    /// this one.
    Partners(Vec<KnownPartner>),
    /// All partners whose introductions are refused; a later list replaces this one.
    Blocked(BTreeSet<PartnerId>),
    /// Meet the giver of an invite, and show its token.
    Accept(Invitation),
    /// A frame for a partner. Dropped if there is no session with it, or too much waits there.
    Send {
        /// For whom.
        partner: PartnerId,
        /// What.
        frame: Frame,
    },
    /// News for everybody: one encoded Batch of at most `GOSSIP_FRAME_BYTES_MAX` bytes.
    Publish {
        /// Where.
        topic: Topic,
        /// The Batch.
        batch: Vec<u8>,
    },
    /// Compare catalogues with all neighbours now.
    Heads,
    /// End the session with a partner.
    Disconnect {
        /// With whom.
        partner: PartnerId,
        /// What it is told.
        code: Code,
    },
    /// Answer with what the net knows of itself.
    Status(oneshot::Sender<NetStatus>),
    /// Say Bye to all and end; the channel of events closes.
    Shutdown,
}

/// A partner and its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPartner {
    /// Who.
    pub partner: PartnerId,
    /// Its nodes, as its Profile, its invite or earlier sessions named them.
    pub nodes: Vec<Node>,
}

/// What of an invite the net needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The node to meet.
    pub node: Node,
    /// What to show it; nothing where the operator named an address alone.
    pub token: Option<[u8; 16]>,
    /// For how long it is dialled.
    pub good_for: Duration,
}

/// The net at one moment; counters begin with the process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetStatus {
    /// Addresses that are bound.
    pub listening: Vec<Multiaddr>,
    /// This node.
    pub peer: Option<PeerId>,
    /// Connected peers.
    pub peers: u64,
    /// Partners and strangers with a session.
    pub partners: Vec<PartnerId>,
    /// Nodes that are dialled, and whose latest talk one of the two refused.
    pub refusals: Vec<(PeerId, Refused)>,
    /// Catalogues that are being caught up.
    pub catalogues_wanted: u64,
    /// Messages that wait to be published.
    pub news_waiting: u64,
    /// Messages that nobody heard, left to catch-up.
    pub news_left_to_catch_up: u64,
    /// Messages that were taken and handed on.
    pub gossip_taken: u64,
    /// Messages of no use: known, expired, over budget.
    pub gossip_ignored: u64,
    /// Messages that a correct peer would not have sent.
    pub gossip_refused: u64,
    /// Messages for which there was no room.
    pub gossip_dropped: u64,
    /// Frames for partners for which there was no session or no room.
    pub letters_dropped: u64,
    /// Asks of peers for which there was no room.
    pub asks_dropped: u64,
    /// Pages of catalogues that were sent.
    pub pages_served: u64,
    /// Pages of catalogues that were taken.
    pub pages_taken: u64,
    /// Peers that had not heard our subscriptions.
    pub mute_peers_met_anew: u64,
}
