//! Gossip whose authors' keys are unknown, until the keys come or others need the place. Pure:
//! time is an argument; asking, and the verdict that each message still waits for, are `driver`'s.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use libp2p::{PeerId, gossipsub::MessageId};
use omni_protocol::hash::PartnerId;

/// 4 MiB at worst.
pub(crate) const BATCHES_MAX: usize = 64;

/// Authors are free to make, so one of them gets only an eighth of the places.
const BATCHES_PER_AUTHOR_MAX: usize = 8;

const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// At once, after one second, after three; given up after six. Gossipsub keeps a message for ten.
const ASKED_TIMES_MAX: u32 = 3;

/// A message that waits for its verdict, and who forwarded it.
pub(crate) type Message = (PeerId, MessageId);

/// A message without its author's keys.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) author: PartnerId,
    pub(crate) message: Message,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug)]
struct Asked {
    times: u32,
    next: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Aside {
    waiting: VecDeque<Waiting>,
    asked: BTreeMap<PartnerId, Asked>,
}

impl Aside {
    /// Puts a message aside. Answers with the one that has no place: this one, or the oldest.
    pub(crate) fn put(&mut self, waiting: Waiting, now: Instant) -> Option<Message> {
        let author = waiting.author;
        let of_author = self.waiting.iter().filter(|w| w.author == author).count();
        if of_author >= BATCHES_PER_AUTHOR_MAX {
            return Some(waiting.message);
        }
        let oldest = (self.waiting.len() >= BATCHES_MAX)
            .then(|| self.waiting.pop_front())
            .flatten();
        self.waiting.push_back(waiting);
        let fresh = Asked {
            times: 0,
            next: now,
        };
        self.asked.entry(author).or_insert(fresh);
        self.forget_those_gone();
        oldest.map(|w| w.message)
    }

    /// Messages whose authors' keys nobody gave.
    pub(crate) fn give_up(&mut self, now: Instant) -> Vec<Message> {
        let tired = |a: &Asked| a.times >= ASKED_TIMES_MAX && a.next <= now;
        let asked = self.asked.iter();
        let tired: Vec<PartnerId> = asked.filter(|(_, a)| tired(a)).map(|(p, _)| *p).collect();
        self.take(&tired).into_iter().map(|w| w.message).collect()
    }

    /// Authors whose keys are to be asked for now.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<PartnerId> {
        let mut due = vec![];
        for (author, asked) in &mut self.asked {
            if asked.next <= now && asked.times < ASKED_TIMES_MAX {
                asked.times = asked.times.saturating_add(1);
                asked.next = now + ASK_AGAIN_AFTER.saturating_mul(asked.times);
                due.push(*author);
            }
        }
        due
    }

    /// What waited for one of these authors.
    pub(crate) fn take(&mut self, authors: &[PartnerId]) -> Vec<Waiting> {
        let all = self.waiting.drain(..);
        let (taken, kept): (Vec<Waiting>, Vec<Waiting>) =
            all.partition(|w| authors.contains(&w.author));
        self.waiting = kept.into();
        self.forget_those_gone();
        taken
    }

    fn forget_those_gone(&mut self) {
        let waiting = &self.waiting;
        self.asked
            .retain(|author, _| waiting.iter().any(|w| w.author == *author));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn author(n: u8) -> PartnerId {
        PartnerId::from_bytes([n; 32])
    }

    fn waiting(of: u8, n: u8) -> Waiting {
        Waiting {
            author: author(of),
            message: (PeerId::random(), MessageId(vec![n])),
            bytes: vec![n],
        }
    }

    fn put(aside: &mut Aside, of: u8, n: u8, now: Instant) -> Option<u8> {
        let homeless = aside.put(waiting(of, n), now);
        homeless.and_then(|(_, id)| id.0.first().copied())
    }

    #[test]
    fn places_are_bounded_in_all_and_for_each_author() {
        let now = Instant::now();
        let mut aside = Aside::default();
        for n in 0..20 {
            let homeless = put(&mut aside, 1, n, now);
            assert_eq!(homeless, (n >= 8).then_some(n), "{n}");
        }
        for n in 2..58 {
            assert_eq!(put(&mut aside, n, n, now), None, "{n}");
        }
        for n in 58..200 {
            assert!(put(&mut aside, n, n, now).is_some_and(|oldest| oldest < n));
        }
        assert_eq!(aside.waiting.len(), BATCHES_MAX);
        assert_eq!(aside.asked.len(), BATCHES_MAX);
        assert!(aside.take(&[author(1)]).is_empty());
        let taken = aside.take(&[author(199), author(198)]);
        let bytes: Vec<u8> = taken.into_iter().flat_map(|w| w.bytes).collect();
        assert_eq!(bytes, [198, 199]);
        assert_eq!(aside.waiting.len(), BATCHES_MAX - 2);
    }

    #[test]
    fn keys_are_asked_for_some_times_and_then_given_up() {
        let begin = Instant::now();
        let mut aside = Aside::default();
        put(&mut aside, 1, 1, begin);
        let (mut times, mut given_up) = (0, vec![]);
        for ms in (0..30_000).step_by(100) {
            let now = begin + Duration::from_millis(ms);
            times += aside.due(now).len();
            given_up.extend(aside.give_up(now).into_iter().map(|_| ms));
        }
        assert_eq!((times, given_up), (3, vec![6_000]));
        assert!(aside.waiting.is_empty() && aside.asked.is_empty());
    }
}
