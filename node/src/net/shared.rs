//! What the driver and all sessions have in common: who we are, the shelf, the pool, counters and
//! the way to the loop.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use omni_protocol::{
    frame::Frame,
    hash::{NetworkName, PartnerId},
};
use tokio::sync::mpsc;

use super::{catchup::SessionNumber, event::NetEvent, pool::Pool, session::Outbox, verify::Checks};

/// A number that only grows while the process lives.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What was lost, refused or done, for status and metrics.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) gossip_taken: Counter,
    pub(super) gossip_ignored: Counter,
    pub(super) gossip_refused: Counter,
    pub(super) gossip_dropped: Counter,
    pub(super) letters_dropped: Counter,
    pub(super) asks_dropped: Counter,
    pub(super) pages_served: Counter,
    pub(super) pages_taken: Counter,
    pub(super) mute_peers_met_anew: Counter,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) network: NetworkName,
    pub(super) own: PartnerId,

    pub(super) pool: Pool,
    pub(super) checks: Arc<Checks>,
    pub(super) counters: Counters,
    events: mpsc::Sender<NetEvent>,
    sessions: AtomicU64,
    blocked: RwLock<BTreeSet<PartnerId>>,
    /// Where letters for a partner go while a session with it stands: the youngest, if several do.
    outboxes: RwLock<BTreeMap<PartnerId, (SessionNumber, Outbox)>>,
}

impl Shared {
    pub(super) fn new(
        network: NetworkName,
        own: PartnerId,

        checks: Checks,
        events: mpsc::Sender<NetEvent>,
    ) -> Self {
        Self {
            network,
            own,

            pool: Pool::new(),
            checks: Arc::new(checks),
            counters: Counters::default(),
            events,
            sessions: AtomicU64::new(0),
            blocked: RwLock::default(),
            outboxes: RwLock::default(),
        }
    }

    /// A number for a session, larger than those before it.
    pub(super) fn next_session(&self) -> u64 {
        self.sessions
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_add(1)
    }

    /// Waits for the loop; only the tasks of one peer do so, and hold back that peer alone.
    pub(super) async fn tell(&self, event: NetEvent) {
        if self.events.send(event).await.is_err() {
            tracing::trace!("the loop has ended");
        }
    }

    /// A session stands: letters for its partner go there.
    pub(super) fn stands(&self, partner: PartnerId, session: SessionNumber, outbox: Outbox) {
        let outboxes = self.outboxes.write();
        let mut outboxes = outboxes.unwrap_or_else(PoisonError::into_inner);
        outboxes.insert(partner, (session, outbox));
    }

    /// A session is over. One that took its place before goes on.
    pub(super) fn stands_no_more(&self, partner: &PartnerId, session: SessionNumber) {
        let outboxes = self.outboxes.write();
        let mut outboxes = outboxes.unwrap_or_else(PoisonError::into_inner);
        if outboxes.get(partner).is_some_and(|(of, _)| *of == session) {
            outboxes.remove(partner);
        }
    }

    /// Hands in a letter. Without a session or room it is dropped: its question is asked again by
    /// the outbox of the ledger.
    pub(super) fn letter(&self, partner: &PartnerId, frame: &Frame) {
        let bytes = match frame.encode() {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::error!(%error, %partner, "a frame of this node is invalid");
                return;
            }
        };
        let outboxes = self.outboxes.read();
        let outboxes = outboxes.unwrap_or_else(PoisonError::into_inner);
        let outbox = outboxes.get(partner).map(|(_, outbox)| outbox);
        if outbox.is_none_or(|outbox| outbox.offer(bytes).is_err()) {
            self.counters.letters_dropped.add(1);
        }
    }

    pub(super) fn is_blocked(&self, partner: &PartnerId) -> bool {
        let blocked = self.blocked.read().unwrap_or_else(PoisonError::into_inner);
        blocked.contains(partner)
    }

    pub(super) fn block_only(&self, partners: BTreeSet<PartnerId>) {
        *self.blocked.write().unwrap_or_else(PoisonError::into_inner) = partners;
    }
}
