//! Which connections stand to which peer, and which of them must go. Pure: time is an argument,
//! and closing is `driver`'s.
//!
//! Gossipsub tells its subscriptions on the *first* connection to a peer only. A peer that
//! restarts while its dead connection still counts here would therefore never hear them, and
//! could publish to nobody (rust-libp2p 5097). So a second connection that comes later than by a
//! coincidence of dialling ends them all, and the peer is met anew.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use libp2p::{PeerId, swarm::ConnectionId};

/// Two partners that dial each other at once get two connections within about a handshake.
const TWIN_WINDOW: Duration = Duration::from_secs(4);

/// Twins live so long, that what was sent on either has arrived.
const TWIN_GRACE: Duration = Duration::from_secs(3);

/// Three pings in a row without an answer.
const SILENCE_MAX: Duration = Duration::from_secs(13);

/// What a new connection means for its peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opened {
    /// There was none.
    First,
    /// Both sides dialled at once; one of the two goes after a while.
    Twin,
    /// The peer does not know of the older one any more: all must go.
    Again,
}

#[derive(Debug, Clone)]
struct Link {
    id: ConnectionId,
    dialled_here: bool,
    since: Instant,
    heard: Instant,
}

#[derive(Debug)]
pub(super) struct Links {
    own: PeerId,
    by_peer: BTreeMap<PeerId, Vec<Link>>,
}

impl Links {
    pub(super) fn new(own: PeerId) -> Self {
        let by_peer = BTreeMap::new();
        Self { own, by_peer }
    }

    pub(super) fn opened(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        dialled_here: bool,
        now: Instant,
    ) -> Opened {
        let links = self.by_peer.entry(peer).or_default();
        let youngest = links.iter().map(|l| l.since).max();
        links.push(Link {
            id,
            dialled_here,
            since: now,
            heard: now,
        });
        match youngest {
            None => Opened::First,
            Some(then) if now.duration_since(then) < TWIN_WINDOW => Opened::Twin,
            Some(_) => Opened::Again,
        }
    }

    /// Says whether none is left.
    pub(super) fn closed(&mut self, peer: &PeerId, id: ConnectionId) -> bool {
        if let Some(links) = self.by_peer.get_mut(peer) {
            links.retain(|l| l.id != id);
            if !links.is_empty() {
                return false;
            }
            self.by_peer.remove(peer);
        }
        true
    }

    /// The peer answered a ping.
    pub(super) fn heard(&mut self, peer: &PeerId, id: ConnectionId, now: Instant) {
        let links = self.by_peer.get_mut(peer);
        if let Some(link) = links.and_then(|l| l.iter_mut().find(|l| l.id == id)) {
            link.heard = now;
        }
    }

    pub(super) fn is_connected(&self, peer: &PeerId) -> bool {
        self.by_peer.contains_key(peer)
    }

    pub(super) fn peers(&self) -> impl Iterator<Item = &PeerId> {
        self.by_peer.keys()
    }

    /// Connections to close now: those that fell silent, and one of each pair of twins. Both
    /// sides choose the same twin.
    pub(super) fn overdue(&self, now: Instant) -> Vec<ConnectionId> {
        let mut found = vec![];
        for (peer, links) in &self.by_peer {
            let silent = links
                .iter()
                .filter(|l| now.duration_since(l.heard) > SILENCE_MAX);
            found.extend(silent.map(|l| l.id));
            if let [older, younger] = links.as_slice()
                && now.duration_since(younger.since) > TWIN_GRACE
            {
                found.push(self.weaker(peer, older, younger).id);
            }
        }
        found
    }

    /// Of twins dialled from both ends the one that the smaller peer id dialled, else the older.
    fn weaker<'a>(&self, peer: &PeerId, older: &'a Link, younger: &'a Link) -> &'a Link {
        if older.dialled_here == younger.dialled_here {
            return older;
        }
        let (here, there) = if older.dialled_here {
            (older, younger)
        } else {
            (younger, older)
        };
        if self.own < *peer { here } else { there }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> ConnectionId {
        ConnectionId::new_unchecked(n)
    }

    fn at(begin: Instant, ms: u64) -> Instant {
        begin + Duration::from_millis(ms)
    }

    #[test]
    fn a_second_connection_is_a_twin_or_a_restart() {
        for (ms, expected) in [
            (0, Opened::Twin),
            (3_900, Opened::Twin),
            (4_100, Opened::Again),
            (60_000, Opened::Again),
        ] {
            let begin = Instant::now();
            let mut links = Links::new(PeerId::random());
            let peer = PeerId::random();
            assert_eq!(links.opened(peer, id(1), true, begin), Opened::First);
            let second = links.opened(peer, id(2), false, at(begin, ms));
            assert_eq!(second, expected, "{ms} ms");
        }
    }

    #[test]
    fn both_ends_close_the_same_twin() {
        let begin = Instant::now();
        for _ in 0..8 {
            let (a, b) = (PeerId::random(), PeerId::random());
            // Connection 1 is dialled by a, connection 2 by b; b sees them the other way round.
            let mut of_a = Links::new(a);
            of_a.opened(b, id(1), true, begin);
            of_a.opened(b, id(2), false, begin);
            let mut of_b = Links::new(b);
            of_b.opened(a, id(2), true, begin);
            of_b.opened(a, id(1), false, begin);
            assert_eq!(of_a.overdue(at(begin, 2_000)), []);
            let closed = of_a.overdue(at(begin, 3_100));
            assert_eq!(closed, of_b.overdue(at(begin, 3_100)));
            assert_eq!(closed, [id(if a < b { 1 } else { 2 })]);
            assert!(!of_a.closed(&b, closed[0]));
            assert_eq!(of_a.overdue(at(begin, 3_200)), []);
        }
    }

    #[test]
    fn silence_ends_a_connection_and_an_answer_keeps_it() {
        let begin = Instant::now();
        let mut links = Links::new(PeerId::random());
        let peer = PeerId::random();
        links.opened(peer, id(1), true, begin);
        links.heard(&peer, id(1), at(begin, 4_000));
        assert_eq!(links.overdue(at(begin, 16_000)), []);
        assert_eq!(links.overdue(at(begin, 18_000)), [id(1)]);
        assert!(links.closed(&peer, id(1)));
        assert!(!links.is_connected(&peer));
    }
}
