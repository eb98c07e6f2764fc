//! The driver's part in what the loop wants and what sessions report.

use std::time::Instant;

use libp2p::{PeerId, Stream};
use omni_protocol::{code::Code, hash::PartnerId};

use super::Driver;
use crate::net::{
    catchup::{Errand, Pulled, SessionNumber},
    command::{Invitation, KnownPartner, NetCommand, NetStatus},
    dials::Node,
    session::{self, Note, Opening},
};

/// Invites that are being dialled at once.
const INVITES_MAX: usize = 64;

/// An invite that this node accepted. Its token is shown at each meeting while the loop says so:
/// the giver may have lost the first one before it was read.
#[derive(Debug)]
pub(super) struct Invited {
    node: Node,
    token: Option<[u8; 16]>,
    until: Instant,
}

impl Driver {
    pub(super) fn command(&mut self, command: NetCommand) {
        match command {
            NetCommand::Hello(hello) => self.hello = *hello,
            NetCommand::Partners(partners) => self.set_partners(partners),
            NetCommand::Blocked(partners) => {
                let standing: Vec<_> = self.peers.standing().collect();
                for (peer, _) in standing.iter().filter(|(_, p)| partners.contains(p)) {
                    self.peers.stop(peer, Code::NotTrusted);
                }
                self.shared.block_only(partners);
            }
            NetCommand::Accept(invitation) => self.accept(invitation),
            NetCommand::Send { partner, frame } => self.shared.letter(&partner, &frame),
            NetCommand::Publish { topic, batch } => self.publish(topic, batch),
            NetCommand::Heads => self.catchup.hurry(Instant::now()),
            NetCommand::Disconnect { partner, code } => {
                if let Some(peer) = self.peers.peer_of(&partner) {
                    self.peers.stop(&peer, code);
                }
            }
            NetCommand::Status(answer) => {
                let status = self.status();
                // Whoever asked may have gone.
                drop(answer.send(status));
            }
            NetCommand::Shutdown => self.is_ending = true,
        }
    }

    fn set_partners(&mut self, partners: Vec<KnownPartner>) {
        self.partners = partners;
        self.set_dials();
        self.choose_explicit_peers();
    }

    fn set_dials(&mut self) {
        let now = Instant::now();
        self.invites.retain(|i| i.until > now);
        let partners = self.partners.iter().flat_map(|p| p.nodes.iter().cloned());
        let invites = self.invites.iter().map(|i| i.node.clone());
        self.dials.set(partners.chain(invites), now);
    }

    fn accept(&mut self, invitation: Invitation) {
        let now = Instant::now();
        let peer = invitation.node.peer;
        let before = self.invites.iter().find(|i| i.node.peer == peer);
        let is_shown = before.map(|i| i.token) == Some(invitation.token);
        if invitation.token.is_some() && !is_shown && self.links.is_connected(&peer) {
            tracing::debug!(%peer, "it was met without the invite: meeting it anew");
            self.disconnect(&peer);
        }
        self.invites.retain(|i| i.node.peer != peer);
        if self.invites.len() >= INVITES_MAX {
            tracing::warn!("too many invites wait for their givers: the oldest is given up");
            self.invites.remove(0);
        }
        self.invites.push(Invited {
            node: invitation.node,
            token: invitation.token,
            until: now + invitation.good_for,
        });
        self.set_dials();
    }

    pub(super) fn errand(&mut self, session: SessionNumber, errand: Errand, now: Instant) {
        let Err(errand) = self.peers.errand(session, errand) else {
            return;
        };
        if let Errand::Pull(want) = *errand {
            self.catchup.pulled(session, &want, Pulled::Failed, now);
        } else {
            self.catchup.free(session);
        }
    }

    pub(super) fn begin_talk(&mut self, peer: PeerId, now: Instant) {
        let invited = self.invites.iter().find(|i| i.node.peer == peer);
        let token = invited.filter(|i| i.until > now).and_then(|i| i.token);
        let handle = session::begin(Opening {
            task: self.peers.next_task(),
            peer,
            hello: self.hello.with_token(token),
            control: self.control.clone(),
            shared: self.shared.clone(),
            notes: self.notes_in.clone(),
        });
        self.peers.connected(peer, handle);
    }

    pub(super) fn stream_opened(&mut self, peer: PeerId, stream: Stream) {
        self.peers.stream_opened(&peer, stream);
    }

    pub(super) fn noted(&mut self, note: Note) {
        let now = Instant::now();
        match note {
            Note::Up {
                task,
                session,
                peer,
                partner,
            } => {
                // A talk that was let go of may still say that it has begun.
                if self.peers.is_current(&peer, task) {
                    self.session_up(session, peer, partner, now);
                }
            }
            Note::Down { session, why } => {
                tracing::debug!(session, %why, "a session is over");
                self.peers.down(session);
                self.catchup.down(session, now);
                self.choose_explicit_peers();
            }
            Note::Over { peer, task, why } => {
                tracing::debug!(%peer, %why, "the talk with a peer is over");
                if let Some(refused) = why.refused() {
                    self.dials.refused(&peer, refused);
                }
                if self.peers.is_current(&peer, task) {
                    self.disconnect(&peer);
                }
            }
            Note::Compared {
                session,
                wants,
                answered,
            } => {
                self.catchup.compared(session, answered, now);
                for want in wants {
                    let author = self.peers.session_of(&want.author);
                    let sources = [session].into_iter().chain(author);
                    self.catchup.want(want, sources, now);
                }
            }
            Note::Pulled {
                session,
                want,
                pulled,
            } => self.catchup.pulled(session, &want, pulled, now),
            Note::Keys { session, authors } => self.keys_came(session, authors, now),
        }
    }

    fn session_up(
        &mut self,
        session: SessionNumber,
        peer: PeerId,
        partner: PartnerId,
        now: Instant,
    ) {
        if let Some(older) = self.peers.up(session, peer, partner, now) {
            self.peers.stop(&older, Code::Outdated);
        }
        self.dials.succeeded(&peer);
        self.catchup.up(session, now);
        self.choose_explicit_peers();
    }

    fn status(&self) -> NetStatus {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let counters = &self.shared.counters;
        NetStatus {
            listening: self.swarm.listeners().cloned().collect(),
            peer: Some(*self.swarm.local_peer_id()),
            peers: count(self.peers.count()),
            partners: self.peers.standing().map(|(_, partner)| partner).collect(),
            refusals: self.dials.refusals().collect(),
            catalogues_wanted: count(self.catchup.wanted()),
            news_waiting: count(self.outlet.len()),
            news_left_to_catch_up: self.outlet.left_to_catch_up,
            gossip_taken: counters.gossip_taken.read(),
            gossip_ignored: counters.gossip_ignored.read(),
            gossip_refused: counters.gossip_refused.read(),
            gossip_dropped: counters.gossip_dropped.read(),
            letters_dropped: counters.letters_dropped.read(),
            asks_dropped: counters.asks_dropped.read(),
            pages_served: counters.pages_served.read(),
            pages_taken: counters.pages_taken.read(),
            mute_peers_met_anew: counters.mute_peers_met_anew.read(),
        }
    }
}
