//! Gossip messages whose check is under way on the pool. How a message is checked, and what follows
//! from it, is kept out.

use std::{collections::BTreeMap, sync::Arc};

use libp2p::PeerId;
use tokio::sync::mpsc;

use crate::net::{
    pool::Pool,
    verify::{ASIDE_MAX, Checks, Fresh, Message, Unfit},
};

/// Messages that wait for their check: 16 MiB at worst.
const CHECKS_MAX: usize = 256;

/// Of these, from one forwarder.
const CHECKS_PER_PEER_MAX: usize = 64;

/// One check that came to its end.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) message: Message,
    /// None if the check was lost.
    pub(super) heard: Option<Result<Fresh, Unfit>>,
    /// To set aside if the author's keys are unknown.
    pub(super) bytes: Vec<u8>,
}

/// The checks under way. What was begun comes back once, also where it is lost.
#[derive(Debug)]
pub(super) struct Checking {
    /// With room for all that can be under way: those that looked for room, and what was aside.
    done_in: mpsc::Sender<Checked>,
    done: mpsc::Receiver<Checked>,
    /// How many are under way of what each peer forwarded.
    of: BTreeMap<PeerId, usize>,
}

impl Checking {
    pub(super) fn new() -> Self {
        let (done_in, done) = mpsc::channel(CHECKS_MAX + ASIDE_MAX);
        Self {
            done_in,
            done,
            of: BTreeMap::new(),
        }
    }

    /// Whether one more message of this peer may be checked.
    pub(super) fn has_room(&self, peer: &PeerId) -> bool {
        let of_peer = self.of.get(peer).copied().unwrap_or(0);
        of_peer < CHECKS_PER_PEER_MAX && self.of.values().sum::<usize>() < CHECKS_MAX
    }

    /// Begins a check. Whoever calls it looked for room, or takes up what was set aside before.
    pub(super) fn begin(
        &mut self,
        pool: &Pool,
        checks: Arc<Checks>,
        (message, bytes): (Message, Vec<u8>),
    ) {
        let of_peer = self.of.entry(message.0).or_insert(0);
        *of_peer = of_peer.saturating_add(1);
        let check = UnderWay {
            checked: Some(Checked {
                message,
                heard: None,
                bytes,
            }),
            done: self.done_in.clone(),
        };
        pool.start(move || check.run(&checks));
    }

    /// The next one that comes back; never where none is under way. It may be given up without loss.
    pub(super) async fn next(&mut self) -> Option<Checked> {
        let checked = self.done.recv().await?;
        let peer = checked.message.0;
        if let Some(of_peer) = self.of.get_mut(&peer) {
            *of_peer = of_peer.saturating_sub(1);
            if *of_peer == 0 {
                self.of.remove(&peer);
            }
        }
        Some(checked)
    }
}

/// One check under way, which comes back when it is let go: done, or lost.
struct UnderWay {
    checked: Option<Checked>,
    done: mpsc::Sender<Checked>,
}

impl UnderWay {
    fn run(mut self, checks: &Checks) {
        if let Some(checked) = &mut self.checked {
            checked.heard = Some(checks.gossip(&checked.bytes));
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(checked) = self.checked.take()
            && self.done.try_send(checked).is_err()
        {
            tracing::trace!("the driver has ended");
        }
    }
}
