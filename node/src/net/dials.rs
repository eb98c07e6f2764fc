//! Whom to dial, where, when again, and what came of it. Pure: time is an argument, and dialling is
//! `driver`'s.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};

use super::event::Refused;

const BACKOFF_MIN: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Addresses of one node: those of its Profile (SPEC 17), and as many that the operator named.
const ADDRESSES_MAX: usize = 2 * omni_protocol::limits::ADDRESSES_MAX;

/// A node of a partner, by its transport key, and where it may be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub(super) peer: PeerId,
    pub(super) addresses: Vec<Multiaddr>,
}

impl Node {
    /// Drops the peer part of addresses, repetitions, and what is beyond sixteen.
    #[must_use]
    pub fn new(peer: PeerId, addresses: impl IntoIterator<Item = Multiaddr>) -> Self {
        let mut seen = BTreeSet::new();
        let bare = addresses.into_iter().map(|a| without_peer(&a));
        let addresses = bare
            .filter(|a| !a.is_empty() && seen.insert(a.to_vec()))
            .take(ADDRESSES_MAX)
            .collect();
        Self { peer, addresses }
    }

    /// The same node, which may be reached at the other's addresses too.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::new(self.peer, self.addresses.into_iter().chain(other.addresses))
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn peer(&self) -> PeerId {
        self.peer
    }
}

fn without_peer(address: &Multiaddr) -> Multiaddr {
    address
        .iter()
        .filter(|part| !matches!(part, Protocol::P2p(_)))
        .collect()
}

#[derive(Debug)]
struct Dial {
    addresses: Vec<Multiaddr>,
    tries: u32,
    next: Instant,
    /// How the latest talk ended, where one of the two refused it.
    refused: Option<Refused>,
}

#[derive(Debug, Default)]
pub(super) struct Dials {
    nodes: BTreeMap<PeerId, Dial>,
}

impl Dials {
    /// From now on these and no others; what was tried for those that stay is remembered. One that
    /// is named twice has the addresses of both.
    pub(super) fn set(&mut self, nodes: impl IntoIterator<Item = Node>, now: Instant) {
        let mut wanted: BTreeMap<PeerId, Node> = BTreeMap::new();
        for node in nodes {
            let known = wanted.remove(&node.peer);
            let node = known.map_or_else(|| node.clone(), |known| known.or(node.clone()));
            wanted.insert(node.peer, node);
        }
        let mut before = std::mem::take(&mut self.nodes);
        for node in wanted.into_values() {
            let mut dial = before.remove(&node.peer).unwrap_or(Dial {
                addresses: vec![],
                tries: 0,
                next: now,
                refused: None,
            });
            if dial.addresses != node.addresses {
                dial.addresses = node.addresses;
                dial.tries = 0;
                dial.next = now;
            }
            self.nodes.insert(node.peer, dial);
        }
    }

    /// Those not connected whose time has come; each is put off until its next try.
    pub(super) fn due(
        &mut self,
        now: Instant,
        is_connected: impl Fn(&PeerId) -> bool,
    ) -> Vec<Node> {
        let mut found = vec![];
        for (peer, dial) in &mut self.nodes {
            if dial.next > now || dial.addresses.is_empty() || is_connected(peer) {
                continue;
            }
            dial.next = now + backoff(peer, dial.tries);
            dial.tries = dial.tries.saturating_add(1);
            found.push(Node {
                peer: *peer,
                addresses: dial.addresses.clone(),
            });
        }
        found
    }

    /// A session stands: the next loss is a new one.
    pub(super) fn succeeded(&mut self, peer: &PeerId) {
        if let Some(dial) = self.nodes.get_mut(peer) {
            dial.tries = 0;
            dial.refused = None;
        }
    }

    /// A talk ended, and the next would end so too.
    pub(super) fn refused(&mut self, peer: &PeerId, refused: Refused) {
        if let Some(dial) = self.nodes.get_mut(peer) {
            dial.refused = Some(refused);
        }
    }

    /// Whose latest talk ended so.
    pub(super) fn refusals(&self) -> impl Iterator<Item = (PeerId, Refused)> {
        let all = self.nodes.iter();
        all.filter_map(|(peer, dial)| Some((*peer, dial.refused?)))
    }

    /// The last connection is gone. The wait keeps both ends from dialling at the same instant.
    pub(super) fn lost(&mut self, peer: &PeerId, now: Instant) {
        if let Some(dial) = self.nodes.get_mut(peer) {
            let wait = backoff(peer, dial.tries);
            dial.next = dial.next.max(now + wait);
            dial.tries = dial.tries.saturating_add(1);
        }
    }
}

/// Doubles from half a second to half a minute, and up to half as much again, different for each
/// peer and try.
fn backoff(peer: &PeerId, tries: u32) -> Duration {
    let doubled = BACKOFF_MIN.saturating_mul(1_u32.checked_shl(tries.min(16)).unwrap_or(u32::MAX));
    let base = doubled.min(BACKOFF_MAX);
    let sum: u32 = peer
        .to_bytes()
        .iter()
        .rev()
        .take(8)
        .map(|b| u32::from(*b))
        .sum();
    let share = sum.wrapping_add(tries.wrapping_mul(37)) % 64;
    base + base.saturating_mul(share) / 128
}

#[cfg(test)]
mod tests {
    use omni_protocol::{code::Code, deal::negotiation::Who};

    use super::*;

    fn node(peer: PeerId) -> Node {
        Node::new(peer, ["/ip4/127.0.0.1/tcp/1".parse().unwrap()])
    }

    #[test]
    fn addresses_are_bare_distinct_and_few() {
        let peer = PeerId::random();
        let mut given: Vec<Multiaddr> = vec![
            "/ip4/127.0.0.1/tcp/1".parse().unwrap(),
            format!("/ip4/127.0.0.1/tcp/1/p2p/{peer}").parse().unwrap(),
            format!("/p2p/{peer}").parse().unwrap(),
        ];
        assert_eq!(Node::new(peer, given.clone()).addresses, given[..1]);
        given.extend((2..100).map(|p| format!("/ip4/127.0.0.1/tcp/{p}").parse().unwrap()));
        assert_eq!(Node::new(peer, given).addresses.len(), ADDRESSES_MAX);
    }

    #[test]
    fn waits_grow_to_their_limit() {
        let (begin, peer) = (Instant::now(), PeerId::random());
        let mut dials = Dials::default();
        dials.set([node(peer)], begin);
        let mut now = begin;
        let mut waits = vec![];
        for _ in 0..20 {
            assert_eq!(dials.due(now, |_| false).len(), 1);
            let next = dials.nodes[&peer].next;
            assert!(
                dials
                    .due(next - Duration::from_millis(1), |_| false)
                    .is_empty()
            );
            waits.push(next - now);
            now = next;
        }
        assert!(waits[0] >= BACKOFF_MIN && waits[0] <= BACKOFF_MIN * 3 / 2);
        assert!(waits.iter().all(|w| *w <= BACKOFF_MAX * 3 / 2));
        assert!(waits[19] >= BACKOFF_MAX);
    }

    #[test]
    fn connected_and_unknown_peers_are_not_dialled() {
        let (begin, peer) = (Instant::now(), PeerId::random());
        let mut dials = Dials::default();
        assert!(dials.due(begin, |_| false).is_empty());
        dials.set([node(peer)], begin);
        assert!(dials.due(begin, |p| *p == peer).is_empty());
        dials.set([], begin);
        assert!(dials.due(begin, |_| false).is_empty());
    }

    #[test]
    fn a_lost_peer_is_dialled_again_soon_but_not_at_once() {
        let (begin, peer) = (Instant::now(), PeerId::random());
        let mut dials = Dials::default();
        dials.set([node(peer)], begin);
        for _ in 0..10 {
            let next = dials.nodes[&peer].next;
            dials.due(next, |_| false);
        }
        let lost = dials.nodes[&peer].next + Duration::from_secs(60);
        dials.succeeded(&peer);
        dials.lost(&peer, lost);
        assert!(dials.due(lost, |_| false).is_empty());
        assert_eq!(dials.due(lost + BACKOFF_MIN * 2, |_| false), [node(peer)]);
    }

    #[test]
    fn a_new_address_is_tried_at_once() {
        let (begin, peer) = (Instant::now(), PeerId::random());
        let mut dials = Dials::default();
        dials.set([node(peer)], begin);
        assert_eq!(dials.due(begin, |_| false).len(), 1);
        dials.set([node(peer)], begin);
        assert!(dials.due(begin, |_| false).is_empty());
        dials.set(
            [Node::new(peer, ["/ip4/127.0.0.1/tcp/2".parse().unwrap()])],
            begin,
        );
        assert_eq!(dials.due(begin, |_| false).len(), 1);
    }

    #[test]
    fn a_node_that_is_named_twice_is_dialled_at_both_addresses_in_turn() {
        let (begin, peer) = (Instant::now(), PeerId::random());
        let other = Node::new(peer, ["/ip4/127.0.0.1/tcp/2".parse().unwrap()]);
        let both = node(peer).or(other.clone());
        let mut dials = Dials::default();
        dials.set([node(peer), other.clone()], begin);
        assert_eq!(dials.due(begin, |_| false), [both]);
        // Told again, it waits for its turn.
        dials.set([node(peer), other], begin);
        assert!(dials.due(begin, |_| false).is_empty());
    }

    #[test]
    fn a_refusal_is_remembered_until_they_meet() {
        let (begin, peer) = (Instant::now(), PeerId::random());
        let refused = Refused {
            by: Who::Them,
            code: Code::NotTrusted,
        };
        let mut dials = Dials::default();
        let known = |dials: &Dials| dials.refusals().collect::<Vec<_>>();
        dials.refused(&peer, refused);
        assert_eq!(known(&dials), [], "of those that are not dialled nothing");
        dials.set([node(peer)], begin);
        dials.refused(&peer, refused);
        dials.lost(&peer, begin);
        assert_eq!(known(&dials), [(peer, refused)]);
        dials.succeeded(&peer);
        assert_eq!(known(&dials), []);
    }
}
