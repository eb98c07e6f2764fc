//! The net: connections, gossip, direct streams and catch-up. It knows partners by their signed
//! introductions and public records by their proofs; it knows no rule of deals and no store.

mod catchup;
mod codec;
mod command;
mod dials;
mod driver;
mod event;
mod fabric;
mod gossip;
mod links;
mod pages;
mod pool;
mod publish;
mod session;
mod shared;
mod shelf;
mod verify;

use std::{sync::Arc, time::Duration};

use libp2p::{Multiaddr, PeerId, identity::Keypair};
use omni_protocol::hash::{NetworkName, PartnerId};
use tokio::sync::mpsc;

pub use self::{
    command::{Invitation, KnownPartner, NetCommand, NetStatus},
    dials::Node,
    event::{Ended, Introduced, NetEvent, Refused, Source},
    gossip::{Shard, Topic},
    session::OwnHello,
    shelf::{Shelf, Shelved},
    verify::{Seals, VerifiedBatch},
};
use self::{
    driver::{Beginning, Driver},
    fabric::DIRECT,
    gossip::Topics,
    shared::Shared,
    verify::Checks,
};
use crate::clock::Clock;

/// Commands that wait for the net.
const COMMANDS_MAX: usize = 1_024;

/// Events that wait for the loop.
const EVENTS_MAX: usize = 1_024;

/// Catalogues are compared with each neighbour every 30 to 60 s (SPEC 16).
pub const HEADS_EVERY: Duration = Duration::from_secs(30);

/// What the net needs to begin.
#[derive(Debug)]
pub struct Setup {
    /// The network, which gives topics and ids.
    pub network: NetworkName,
    /// Who this node speaks for.
    pub own: PartnerId,
    /// The seed of this node's Ed25519 transport key.
    pub transport_seed: [u8; 32],
    /// Where to listen; port 0 lets the machine choose.
    pub listen: Vec<Multiaddr>,
    /// What this node says of itself.
    pub hello: OwnHello,
    /// For the age of records and delegations.
    pub clock: Clock,
    /// What it may take of the machine.
    pub limits: NetLimits,
    /// Half to all of this passes between two comparisons with one neighbour; [`HEADS_EVERY`].
    pub heads_every: Duration,
}

/// What the net may take of the machine.
#[derive(Debug, Clone)]
pub struct NetLimits {
    /// Connections in both directions.
    pub peers_max: u32,
    /// Above this use of memory by the whole process no new connection is taken, in bytes.
    pub memory_bytes_max: usize,
}

impl Default for NetLimits {
    fn default() -> Self {
        Self {
            peers_max: 200,
            memory_bytes_max: 1 << 30,
        }
    }
}

/// Why the net can't start.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// Bytes that are no Ed25519 seed.
    #[error("the transport key can't be used: {0}; restore it from a backup, or make a new one")]
    Key(String),
    /// A setting that the crates refuse.
    #[error("gossip can't be set up: {0}")]
    Gossip(String),
    /// No transport for this key or machine.
    #[error("the transport can't be set up: {0}")]
    Transport(String),
    /// An address that can't be bound.
    #[error("can't listen on {address}: {reason}; choose another address or port in the config")]
    Listen {
        /// The address.
        address: Multiaddr,
        /// What the machine says.
        reason: String,
    },
}

/// The net does not take the command now: too many wait, or it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the net takes no more commands just now")]
pub struct Full;

/// The way to the net. It ends when it is told to, or when all of these are gone.
#[derive(Debug, Clone)]
pub struct Net {
    commands: mpsc::Sender<NetCommand>,
    shared: Arc<Shared>,
    peer: PeerId,
}

impl Net {
    /// Hands in a command without waiting.
    ///
    /// # Errors
    /// [`Full`]: the command is dropped. Letters are sent again by the outbox and news spreads by
    /// catch-up; lists of partners must be offered again.
    pub fn offer(&self, command: NetCommand) -> Result<(), Full> {
        if let NetCommand::Send { partner, frame } = command {
            // The driver has no part in it.
            self.shared.letter(&partner, &frame);
            return Ok(());
        }
        self.commands.try_send(command).map_err(|_full| Full)
    }

    /// This node on the wire.
    #[must_use]
    pub const fn peer(&self) -> PeerId {
        self.peer
    }
}

/// Starts the net in tasks of the present tokio runtime, and binds its addresses.
///
/// # Errors
/// See [`NetError`]; nothing runs then.
pub fn start(
    setup: Setup,
    shelf: Arc<dyn Shelf>,
) -> Result<(Net, mpsc::Receiver<NetEvent>), NetError> {
    let key = Keypair::ed25519_from_bytes(setup.transport_seed)
        .map_err(|e| NetError::Key(e.to_string()))?;
    let network = setup.network.as_str().to_owned();
    let topics = Topics::of(&network);
    let mut swarm = fabric::swarm(&key, &network, &topics, &setup.limits)?;
    let peer = *swarm.local_peer_id();
    for address in setup.listen {
        swarm
            .listen_on(address.clone())
            .map_err(|e| NetError::Listen {
                address,
                reason: e.to_string(),
            })?;
    }
    let incoming = swarm
        .behaviour()
        .streams
        .new_control()
        .accept(DIRECT)
        .map_err(|e| NetError::Transport(e.to_string()))?;
    let (events_in, events) = mpsc::channel(EVENTS_MAX);
    let (commands_in, commands) = mpsc::channel(COMMANDS_MAX);
    let checks = Checks::new(setup.network.id(), setup.own, setup.clock, shelf);
    let shared = Shared::new(setup.network, setup.own, checks, events_in.clone());
    let shared = Arc::new(shared);
    let driver = Driver::new(Beginning {
        swarm,
        topics,
        shared: Arc::clone(&shared),
        hello: setup.hello,
        events: events_in,
        heads_every: setup.heads_every,
        incoming,
    });
    tokio::spawn(driver.run(commands));
    let net = Net {
        commands: commands_in,
        shared,
        peer,
    };
    Ok((net, events))
}

#[cfg(test)]
mod tests;
