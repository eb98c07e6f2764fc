//! Which peers are connected, the talk with each of them, and whose session stands. Pure but for
//! the handles that it keeps; it opens no stream.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use libp2p::{PeerId, Stream};
use omni_protocol::{code::Code, hash::PartnerId};

use crate::net::{
    catchup::{Errand, SessionNumber},
    session::Handle,
};

/// Each time a mute peer was met anew in vain, the next time comes later.
const MUTE_PATIENCE: Duration = Duration::from_secs(10);

/// Peers of whom it is remembered that they were mute.
const MUTE_MAX: usize = 1_024;

#[derive(Debug)]
struct Standing {
    session: SessionNumber,
    partner: PartnerId,
    since: Instant,
}

#[derive(Debug)]
struct Peer {
    talk: Handle,
    standing: Option<Standing>,
}

#[derive(Debug, Default)]
pub(super) struct Peers {
    by_peer: BTreeMap<PeerId, Peer>,
    by_partner: BTreeMap<PartnerId, PeerId>,
    by_session: BTreeMap<SessionNumber, PeerId>,
    mute: BTreeMap<PeerId, u32>,
    last_task: u64,
}

impl Peers {
    pub(super) fn next_task(&mut self) -> u64 {
        self.last_task = self.last_task.wrapping_add(1);
        self.last_task
    }

    /// A peer is connected, and the talk with it begins.
    pub(super) fn connected(&mut self, peer: PeerId, talk: Handle) {
        let standing = None;
        self.by_peer.insert(peer, Peer { talk, standing });
    }

    /// The last connection is gone: the talk may wait for a stream that can't come any more.
    pub(super) fn disconnected(&mut self, peer: &PeerId) {
        if let Some(mut known) = self.by_peer.remove(peer) {
            known.talk.stop(Code::Overloaded);
        }
        self.by_partner.retain(|_, p| p != peer);
    }

    pub(super) fn stream_opened(&mut self, peer: &PeerId, stream: Stream) {
        match self.by_peer.get(peer) {
            Some(known) => known.talk.hand_in(stream),
            None => tracing::debug!(%peer, "a stream of a peer that is gone"),
        }
    }

    /// Both Hellos are checked. Answers with another node of the same partner, if one had the
    /// session before.
    pub(super) fn up(
        &mut self,
        session: SessionNumber,
        peer: PeerId,
        partner: PartnerId,
        now: Instant,
    ) -> Option<PeerId> {
        let known = self.by_peer.get_mut(&peer)?;
        known.standing = Some(Standing {
            session,
            partner,
            since: now,
        });
        self.by_session.insert(session, peer);
        let before = self.by_partner.insert(partner, peer);
        before.filter(|older| *older != peer)
    }

    pub(super) fn down(&mut self, session: SessionNumber) {
        let Some(peer) = self.by_session.remove(&session) else {
            return;
        };
        let Some(known) = self.by_peer.get_mut(&peer) else {
            return;
        };
        if known
            .standing
            .as_ref()
            .is_some_and(|s| s.session == session)
        {
            known.standing = None;
            self.by_partner.retain(|_, p| *p != peer);
        }
    }

    /// Whether this talk is the present one with the peer.
    pub(super) fn is_current(&self, peer: &PeerId, task: u64) -> bool {
        self.by_peer.get(peer).is_some_and(|p| p.talk.task == task)
    }

    /// Peers whose session stands so long that they ought to have told what they subscribe to.
    pub(super) fn settled(&self, now: Instant) -> impl Iterator<Item = PeerId> {
        let is_settled = move |(peer, known): (&PeerId, &Peer)| {
            let times = self.mute.get(peer).copied().unwrap_or(0);
            let patience = MUTE_PATIENCE.saturating_mul(1 << times.min(6));
            let since = known.standing.as_ref()?.since;
            (now.duration_since(since) > patience).then_some(*peer)
        };
        self.by_peer.iter().filter_map(is_settled)
    }

    pub(super) fn was_mute(&mut self, peer: PeerId) {
        let times = self.mute.entry(peer).or_insert(0);
        *times = times.saturating_add(1);
        while self.mute.len() > MUTE_MAX {
            self.mute.pop_first();
        }
    }

    pub(super) fn was_heard(&mut self, peer: &PeerId) {
        self.mute.remove(peer);
    }

    pub(super) fn errand(&self, session: SessionNumber, errand: Errand) -> Result<(), Box<Errand>> {
        let peer = self.by_session.get(&session);
        match peer.and_then(|p| self.by_peer.get(p)) {
            Some(known) => known.talk.errand(errand),
            None => Err(Box::new(errand)),
        }
    }

    pub(super) fn session_of(&self, partner: &PartnerId) -> Option<SessionNumber> {
        self.session_with(self.by_partner.get(partner)?)
    }

    pub(super) fn session_with(&self, peer: &PeerId) -> Option<SessionNumber> {
        let standing = self.by_peer.get(peer)?.standing.as_ref();
        standing.map(|s| s.session)
    }

    pub(super) fn peer_of(&self, partner: &PartnerId) -> Option<PeerId> {
        self.by_partner.get(partner).copied()
    }

    /// Peers whose session stands, and whose nodes they are.
    pub(super) fn standing(&self) -> impl Iterator<Item = (PeerId, PartnerId)> {
        let standing = |(peer, known): (&PeerId, &Peer)| {
            let partner = known.standing.as_ref()?.partner;
            Some((*peer, partner))
        };
        self.by_peer.iter().filter_map(standing)
    }

    pub(super) fn stop(&mut self, peer: &PeerId, code: Code) {
        if let Some(known) = self.by_peer.get_mut(peer) {
            known.talk.stop(code);
        }
    }

    pub(super) fn stop_all(&mut self) {
        for known in self.by_peer.values_mut() {
            known.talk.stop(Code::Overloaded);
        }
    }

    /// Whether no session stands.
    pub(super) fn is_quiet(&self) -> bool {
        self.by_session.is_empty()
    }

    pub(super) fn count(&self) -> usize {
        self.by_peer.len()
    }
}
