//! What waits to be published: paced, and offered again while nobody listens. Pure: time is an
//! argument, and publishing is `driver`'s.
//!
//! Gossipsub retries nothing, and remembers a message even when all its queues were full, so
//! that the same bytes can't be offered twice. What is lost here reaches others by catch-up.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::Topic;

const WAITING_MAX: usize = 1_024;
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;

/// At most so much a second (48 messages of the largest size): below what loopback measurements
/// showed to overrun peers' queues.
const BYTES_PER_SECOND: usize = 3 * 1024 * 1024;
const MESSAGES_PER_SECOND: usize = 200;
const SLICE: Duration = Duration::from_millis(100);

const RETRY_AFTER: Duration = Duration::from_millis(500);
const RETRY_FOR: Duration = Duration::from_secs(60);
const PAUSE_WHEN_FULL: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct News {
    pub(super) topic: Topic,
    pub(super) bytes: Vec<u8>,
    since: Instant,
    not_before: Instant,
}

/// What became of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// Sent, or sent before.
    Done,
    /// No connected peer has subscribed to the topic.
    NobodyListens,
    /// Every peer's queue was full.
    QueuesFull,
}

/// Too much waits already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMuch;

#[derive(Debug)]
pub(super) struct Outlet {
    waiting: VecDeque<News>,
    waiting_bytes: usize,
    slice_began: Instant,
    slice_bytes: usize,
    slice_messages: usize,
    paused_until: Instant,
    /// Given up because nobody listened, or lost because queues were full.
    pub(super) left_to_catch_up: u64,
}

impl Outlet {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            slice_began: now,
            slice_bytes: 0,
            slice_messages: 0,
            paused_until: now,
            left_to_catch_up: 0,
        }
    }

    pub(super) fn push(
        &mut self,
        topic: Topic,
        bytes: Vec<u8>,
        now: Instant,
    ) -> Result<(), TooMuch> {
        let total = self.waiting_bytes.saturating_add(bytes.len());
        if self.waiting.len() >= WAITING_MAX || total > WAITING_BYTES_MAX {
            self.left_to_catch_up = self.left_to_catch_up.saturating_add(1);
            return Err(TooMuch);
        }
        self.waiting_bytes = total;
        self.waiting.push_back(News {
            topic,
            bytes,
            since: now,
            not_before: now,
        });
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// What may be published now, if anything.
    pub(super) fn next(&mut self, now: Instant) -> Option<News> {
        if now < self.paused_until {
            return None;
        }
        if now.duration_since(self.slice_began) >= SLICE {
            self.slice_began = now;
            self.slice_bytes = 0;
            self.slice_messages = 0;
        }
        if self.slice_bytes >= BYTES_PER_SECOND / 10
            || self.slice_messages >= MESSAGES_PER_SECOND / 10
        {
            return None;
        }
        let ready = self.waiting.iter().position(|n| n.not_before <= now)?;
        let news = self.waiting.remove(ready)?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(news.bytes.len());
        Some(news)
    }

    /// Must follow each [`Outlet::next`].
    pub(super) fn tried(&mut self, mut news: News, attempt: Attempt, now: Instant) {
        match attempt {
            Attempt::Done => {
                self.slice_bytes = self.slice_bytes.saturating_add(news.bytes.len());
                self.slice_messages = self.slice_messages.saturating_add(1);
            }
            Attempt::NobodyListens if now.duration_since(news.since) < RETRY_FOR => {
                news.not_before = now + RETRY_AFTER;
                self.waiting_bytes = self.waiting_bytes.saturating_add(news.bytes.len());
                self.waiting.push_back(news);
            }
            Attempt::NobodyListens => {
                self.left_to_catch_up = self.left_to_catch_up.saturating_add(1);
            }
            Attempt::QueuesFull => {
                self.left_to_catch_up = self.left_to_catch_up.saturating_add(1);
                self.paused_until = now + PAUSE_WHEN_FULL;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_within(outlet: &mut Outlet, begin: Instant, ms: u64) -> usize {
        let mut sent = 0;
        for step in 0..=ms / 10 {
            let now = begin + Duration::from_millis(step * 10);
            while let Some(news) = outlet.next(now) {
                sent += 1;
                outlet.tried(news, Attempt::Done, now);
            }
        }
        sent
    }

    #[test]
    fn a_flood_is_paced_by_count_and_by_bytes() {
        for (bytes, least, most) in [(100, 180, 240), (65_536, 40, 70)] {
            let begin = Instant::now();
            let mut outlet = Outlet::new(begin);
            for _ in 0..250 {
                outlet.push(Topic::Profiles, vec![0; bytes], begin).unwrap();
            }
            let sent = sent_within(&mut outlet, begin, 1_000);
            assert!((least..=most).contains(&sent), "{bytes}: {sent}");
        }
    }

    #[test]
    fn what_nobody_hears_is_offered_again_for_a_minute() {
        let begin = Instant::now();
        let mut outlet = Outlet::new(begin);
        outlet.push(Topic::Profiles, vec![1], begin).unwrap();
        let mut tries = 0;
        for ms in (0..70_000).step_by(100) {
            let now = begin + Duration::from_millis(ms);
            while let Some(news) = outlet.next(now) {
                tries += 1;
                outlet.tried(news, Attempt::NobodyListens, now);
            }
        }
        assert!((100..=125).contains(&tries), "{tries}");
        assert_eq!((outlet.len(), outlet.left_to_catch_up), (0, 1));
    }

    #[test]
    fn full_queues_pause_everything() {
        let begin = Instant::now();
        let mut outlet = Outlet::new(begin);
        outlet.push(Topic::Profiles, vec![1], begin).unwrap();
        outlet.push(Topic::Profiles, vec![2], begin).unwrap();
        let news = outlet.next(begin).unwrap();
        outlet.tried(news, Attempt::QueuesFull, begin);
        assert_eq!(outlet.next(begin + PAUSE_WHEN_FULL / 2), None);
        assert_eq!(outlet.next(begin + PAUSE_WHEN_FULL).unwrap().bytes, [2]);
    }

    #[test]
    fn what_waits_is_bounded() {
        let begin = Instant::now();
        for (bytes, most) in [(1, WAITING_MAX), (65_536, WAITING_BYTES_MAX / 65_536)] {
            let mut outlet = Outlet::new(begin);
            let taken = (0..2_000)
                .filter(|_| outlet.push(Topic::Profiles, vec![0; bytes], begin).is_ok())
                .count();
            assert_eq!(taken, most);
        }
    }
}
