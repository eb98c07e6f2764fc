//! The driver's part in gossip: each message gets a verdict, news is paced, partners are explicit
//! peers, and peers that stay mute are met anew.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use libp2p::{
    PeerId,
    gossipsub::{self, MessageAcceptance, PublishError},
};
use omni_protocol::{hash::PartnerId, limits::GOSSIP_FRAME_BYTES_MAX};

use super::{Driver, checking::Checked};
use crate::net::{
    Topic,
    catchup::{Errand, SessionNumber},
    event::{NetEvent, Source},
    publish::Attempt,
    shared::Shared,
    verify::{Fresh, Message, Unfit, Waiting},
};

/// More partners than these take part in the mesh like everybody: explicit peers get every message
/// from us, which a hub could not carry.
const EXPLICIT_MAX: usize = 32;

impl Driver {
    pub(super) fn gossip_event(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            } => {
                let about = (propagation_source, message_id);
                if message.data.len() > GOSSIP_FRAME_BYTES_MAX || !self.topics.knows(&message.topic)
                {
                    self.shared.counters.gossip_refused.add(1);
                    self.judge(&about, MessageAcceptance::Reject);
                } else if !self.checking.has_room(&propagation_source) || !self.has_room() {
                    self.dropped(Instant::now());
                    self.judge(&about, MessageAcceptance::Ignore);
                } else {
                    self.check(about, message.data);
                }
            }
            gossipsub::Event::SlowPeer { peer_id, .. } => {
                tracing::debug!(peer = %peer_id, "a peer takes gossip too slowly");
            }
            gossipsub::Event::GossipsubNotSupported { peer_id } => {
                tracing::debug!(peer = %peer_id, "a peer has no gossip");
            }
            gossipsub::Event::Subscribed { .. } | gossipsub::Event::Unsubscribed { .. } => {}
        }
    }

    fn check(&mut self, message: Message, bytes: Vec<u8>) {
        let Shared { pool, checks, .. } = &*self.shared;
        self.checking.begin(pool, checks.clone(), (message, bytes));
    }

    pub(super) fn checked(&mut self, checked: Checked) {
        let (now, message) = (Instant::now(), checked.message);
        let counters = &self.shared.counters;
        let acceptance = match checked.heard {
            Some(Ok(fresh)) if self.has_room() => {
                counters.gossip_taken.add(1);
                self.take_news(fresh, message.0, now);
                MessageAcceptance::Accept
            }
            Some(Ok(_)) | None => {
                self.dropped(now);
                MessageAcceptance::Ignore
            }
            Some(Err(Unfit::Ignored(code))) => {
                tracing::trace!(%code, "a gossip message is of no use");
                counters.gossip_ignored.add(1);
                MessageAcceptance::Ignore
            }
            Some(Err(Unfit::Refused(code))) => {
                tracing::debug!(%code, peer = %message.0, "a gossip message is refused");
                counters.gossip_refused.add(1);
                MessageAcceptance::Reject
            }
            Some(Err(Unfit::UnknownKeys(author))) => {
                let bytes = checked.bytes;
                let waiting = Waiting {
                    author,
                    message,
                    bytes,
                };
                return self.set_aside(waiting, now);
            }
        };
        self.judge(&message, acceptance);
    }

    fn take_news(&mut self, fresh: Fresh, from: PeerId, now: Instant) {
        let sources = self.sources(&fresh.batch.author(), from);
        for want in fresh.wants {
            self.catchup.want(want, sources.iter().copied(), now);
        }
        if let Some(chain) = fresh.keys {
            self.tell(NetEvent::Keys { chain });
        }
        if !fresh.batch.records().is_empty() {
            let (batch, source) = (fresh.batch, Source::Gossip);
            self.tell(NetEvent::Records { batch, source });
        }
    }

    /// Every message gets exactly one verdict, else gossipsub would keep and never forward it.
    fn judge(&mut self, (peer, id): &Message, acceptance: MessageAcceptance) {
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        if matches!(acceptance, MessageAcceptance::Reject) {
            // Scores do not bind explicit peers: one that forwards what it must not is one no more.
            gossip.remove_explicit_peer(peer);
        }
        if !gossip.report_message_validation_result(id, peer, acceptance) {
            tracing::debug!(%peer, "the verdict came after gossip had forgotten the message");
        }
    }

    /// What finds no place is left to the comparison that follows the keys.
    fn set_aside(&mut self, waiting: Waiting, now: Instant) {
        if let Some(homeless) = self.aside.put(waiting, now) {
            self.dropped(now);
            self.judge(&homeless, MessageAcceptance::Ignore);
        }
    }

    /// Gossip that was dropped is not heard again: catalogues are compared sooner.
    fn dropped(&mut self, now: Instant) {
        self.shared.counters.gossip_dropped.add(1);
        self.catchup.soon(now);
    }

    /// Asks for keys without which something waits, each time of another neighbour.
    pub(super) fn ask_for_keys(&mut self, now: Instant) {
        for message in self.aside.give_up(now) {
            self.dropped(now);
            self.judge(&message, MessageAcceptance::Ignore);
        }
        for author in self.aside.due(now) {
            let own = self.peers.session_of(&author);
            let session = own.or_else(|| self.catchup.some_neighbour());
            let errand = Errand::Keys(vec![author]);
            let asked = session.map(|s| self.peers.errand(s, errand).is_ok());
            if asked != Some(true) {
                tracing::debug!(%author, "its keys can't be asked for just now");
            }
        }
    }

    /// Key chains came: what waited for one is checked again, and what found no place to wait is
    /// compared.
    pub(super) fn keys_came(
        &mut self,
        session: SessionNumber,
        authors: Vec<PartnerId>,
        now: Instant,
    ) {
        for waiting in self.aside.take(&authors) {
            self.check(waiting.message, waiting.bytes);
        }
        self.errand(session, Errand::Heads(authors), now);
    }

    /// Sessions that may have what an author published, the best last: the forwarder may itself
    /// only be about to ask.
    fn sources(&self, author: &PartnerId, from: PeerId) -> Vec<SessionNumber> {
        let forwarder = self.peers.session_with(&from);
        let own = self.peers.session_of(author);
        forwarder.into_iter().chain(own).collect()
    }

    pub(super) fn publish(&mut self, topic: Topic, batch: Vec<u8>) {
        if batch.len() > GOSSIP_FRAME_BYTES_MAX {
            tracing::error!(
                bytes = batch.len(),
                "a batch of this node is too large for gossip"
            );
            return;
        }
        let now = Instant::now();
        if self.outlet.push(topic, batch, now).is_err() {
            tracing::warn!("too much waits to be published: the rest goes by catch-up");
        }
        self.publish_waiting(now);
    }

    /// As much as the pace allows, at once and with each pulse.
    pub(super) fn publish_waiting(&mut self, now: Instant) {
        while let Some(news) = self.outlet.next(now) {
            let Some(topic) = self.topics.hash(news.topic) else {
                continue;
            };
            let gossip = &mut self.swarm.behaviour_mut().gossip;
            let attempt = match gossip.publish(topic.clone(), news.bytes.clone()) {
                Ok(_) | Err(PublishError::Duplicate) => Attempt::Done,
                Err(PublishError::NoPeersSubscribedToTopic) => Attempt::NobodyListens,
                Err(PublishError::AllQueuesFull(_)) => Attempt::QueuesFull,
                Err(
                    error @ (PublishError::MessageTooLarge
                    | PublishError::SigningError(_)
                    | PublishError::TransformFailed(_)),
                ) => {
                    tracing::error!(%error, "a message of this node can't be published");
                    Attempt::Done
                }
            };
            self.outlet.tried(news, attempt, now);
        }
    }

    /// Partners hear everything from us, whatever the mesh looks like. Both sides must think so:
    /// an explicit peer is never in a mesh.
    pub(super) fn choose_explicit_peers(&mut self) {
        let partners = &self.partners;
        let is_partner = |id: &PartnerId| partners.iter().any(|p| p.partner == *id);
        let standing = self.peers.standing().filter(|(_, id)| is_partner(id));
        let chosen: Vec<PeerId> = standing.map(|(peer, _)| peer).take(EXPLICIT_MAX).collect();
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        for peer in self.explicit.iter().filter(|p| !chosen.contains(p)) {
            gossip.remove_explicit_peer(peer);
        }
        for peer in chosen.iter().filter(|p| !self.explicit.contains(p)) {
            gossip.add_explicit_peer(peer);
        }
        self.explicit = chosen;
    }

    /// A peer that stands and has subscribed to nothing did not hear us as new, or we not it
    /// (rust-libp2p 5097). All connections to it are closed; dialling begins anew.
    pub(super) fn meet_mute_peers_anew(&mut self, now: Instant) {
        if now < self.next_mute_check {
            return;
        }
        self.next_mute_check = now + Duration::from_secs(1);
        let gossip = &self.swarm.behaviour().gossip;
        let heard = gossip.all_peers().filter(|(_, topics)| !topics.is_empty());
        let heard: BTreeSet<PeerId> = heard.map(|(peer, _)| *peer).collect();
        let settled: Vec<PeerId> = self.peers.settled(now).collect();
        for peer in settled {
            if heard.contains(&peer) {
                self.peers.was_heard(&peer);
                continue;
            }
            tracing::info!(%peer, "a peer subscribed to nothing: meeting it anew");
            self.shared.counters.mute_peers_met_anew.add(1);
            self.peers.was_mute(peer);
            self.disconnect(&peer);
        }
    }
}
