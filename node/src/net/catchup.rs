//! Which catalogues are wanted, from whom, and when the neighbours are asked again. Pure: time is
//! an argument; asking and reading is the sessions'.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use omni_protocol::{frame::Known, hash::PartnerId, public::Fingerprint, slot::Revision};

/// Authors wanted at once; what is beyond comes up again at the next round.
const WANTS_MAX: usize = 4_096;

/// Catalogues pulled at once: enough to keep the pool busy.
const PULLS_MAX: usize = 4;

/// Sessions remembered as sources of one author.
const SOURCES_MAX: usize = 8;

const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(8);

/// A head that nobody could serve for so long is left to the next round.
const WANTED_FOR: Duration = Duration::from_secs(60);

/// A pull that made no progress for so long is given up by its session.
pub(super) const PULL_PATIENCE: Duration = Duration::from_secs(30);

/// Heads of which it is remembered how they were pulled, so that it is not done again.
const REACHED_MAX: usize = 4_096;

/// What is lost is often lost with more of its kind.
const SOON_AFTER: Duration = Duration::from_secs(2);

/// Time to pull what one comparison named, before the next names more.
const MORE_AFTER: Duration = Duration::from_secs(5);

/// A session, by its number.
pub(super) type SessionNumber = u64;

/// The state of one author's catalogue: its highest revision, count and fingerprint (SPEC 16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) highest: Revision,
    pub(super) count: u32,
    pub(super) fingerprint: Fingerprint,
}

/// One catalogue that somebody else has and this node lacks, or has otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Want {
    pub(super) author: PartnerId,
    /// What the other side has.
    pub(super) head: Head,
    /// Revision from which it is pulled; 0 from its beginning.
    pub(super) after: Revision,
    /// Whether the author's key chain must be asked for first.
    pub(super) needs_keys: bool,
}

impl Want {
    /// Whether it is pulled from its beginning.
    pub(super) fn is_whole(&self) -> bool {
        self.after == Revision::default()
    }

    /// What the other side has, as it said.
    pub(super) fn known(&self) -> Known {
        Known {
            author: self.author,
            highest: self.head.highest,
            count: self.head.count,
            fingerprint: self.head.fingerprint,
        }
    }
}

/// What a session is to do for catch-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Errand {
    /// Compare all catalogues, or those of these authors.
    Heads(Vec<PartnerId>),
    /// Fetch what follows this revision.
    Pull(Want),
    /// Fetch these authors' key chains.
    Keys(Vec<PartnerId>),
}

/// How a pull ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pulled {
    /// All that the source has came: the highest revision seen, and whether anything was new.
    Done { highest: Revision, is_news: bool },
    /// The session is over, or the source did not answer or answered nonsense.
    Failed,
}

#[derive(Debug)]
struct Open {
    want: Want,
    sources: Vec<SessionNumber>,
    since: Instant,
    tries: u32,
    next: Instant,
    running: Option<SessionNumber>,
}

/// How a head was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Newer,
    Whole,
}

#[derive(Debug)]
struct Neighbour {
    next_heads: Instant,
    busy: bool,
}

#[derive(Debug)]
pub(super) struct Catchup {
    every: Duration,
    neighbours: BTreeMap<SessionNumber, Neighbour>,
    open: BTreeMap<PartnerId, Open>,
    /// Heads that were reached, by pulling what was newer or everything.
    reached: BTreeMap<PartnerId, (Head, Way)>,
    last_asked: SessionNumber,
}

impl Catchup {
    pub(super) fn new(every: Duration) -> Self {
        Self {
            every,
            neighbours: BTreeMap::new(),
            open: BTreeMap::new(),
            reached: BTreeMap::new(),
            last_asked: 0,
        }
    }

    /// A session stands: its catalogues are compared at once.
    pub(super) fn up(&mut self, session: SessionNumber, now: Instant) {
        let neighbour = Neighbour {
            next_heads: now,
            busy: false,
        };
        self.neighbours.insert(session, neighbour);
    }

    pub(super) fn down(&mut self, session: SessionNumber, now: Instant) {
        self.neighbours.remove(&session);
        for open in self.open.values_mut() {
            open.sources.retain(|s| *s != session);
            if open.running == Some(session) {
                open.running = None;
                open.next = now;
            }
        }
    }

    /// Ask all neighbours now.
    pub(super) fn hurry(&mut self, now: Instant) {
        for neighbour in self.neighbours.values_mut() {
            neighbour.next_heads = now;
        }
    }

    /// Something was lost that a comparison would find.
    pub(super) fn soon(&mut self, now: Instant) {
        for neighbour in self.neighbours.values_mut() {
            neighbour.next_heads = neighbour.next_heads.min(now + SOON_AFTER);
        }
    }

    /// A session to ask, each time another one.
    pub(super) fn some_neighbour(&mut self) -> Option<SessionNumber> {
        let last = self.last_asked;
        let mut after = self.neighbours.range(last.saturating_add(1)..);
        let next = after.next().or_else(|| self.neighbours.first_key_value());
        self.last_asked = *next?.0;
        Some(self.last_asked)
    }

    /// Somebody has what this node lacks; each of `sources` may have it too.
    pub(super) fn want(
        &mut self,
        mut want: Want,
        sources: impl IntoIterator<Item = SessionNumber>,
        now: Instant,
    ) {
        let author = want.author;
        match self.reached.get(&author) {
            // What differs though everything was pulled will differ until the head changes.
            Some((head, Way::Whole)) if *head == want.head => return,
            // There are holes below the highest revision.
            Some((head, Way::Newer)) if *head == want.head => want.after = Revision::default(),
            Some(_) | None => {}
        }
        if self.open.len() >= WANTS_MAX && !self.open.contains_key(&author) {
            return;
        }
        let open = self.open.entry(author).or_insert_with(|| Open {
            want: want.clone(),
            sources: vec![],
            since: now,
            tries: 0,
            next: now,
            running: None,
        });
        if want.head.highest > open.want.head.highest {
            open.since = now;
            open.tries = 0;
            open.next = now;
        }
        if want.head.highest >= open.want.head.highest {
            open.want = want;
        }
        for source in sources {
            if !open.sources.contains(&source) && self.neighbours.contains_key(&source) {
                open.sources.insert(0, source);
                open.sources.truncate(SOURCES_MAX);
            }
        }
    }

    /// What sessions are to do now. Each does one thing at a time.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(SessionNumber, Errand)> {
        let given_up =
            |o: &mut Open| o.running.is_some() || now.duration_since(o.since) < WANTED_FOR;
        self.open.retain(|_, o| given_up(o));
        let mut errands = vec![];
        let running = self.open.values().filter(|o| o.running.is_some()).count();
        let mut room = PULLS_MAX.saturating_sub(running);
        for open in self.open.values_mut() {
            if room == 0 {
                break;
            }
            if open.running.is_some() || open.next > now {
                continue;
            }
            let turn = usize::try_from(open.tries).unwrap_or(0);
            let free = free_source(&self.neighbours, &open.sources, turn);
            let Some(session) = free else { continue };
            if let Some(neighbour) = self.neighbours.get_mut(&session) {
                neighbour.busy = true;
            }
            open.running = Some(session);
            room = room.saturating_sub(1);
            errands.push((session, Errand::Pull(open.want.clone())));
        }
        for (session, neighbour) in &mut self.neighbours {
            if !neighbour.busy && neighbour.next_heads <= now {
                neighbour.busy = true;
                neighbour.next_heads = now + self.every + jitter(*session, self.every);
                errands.push((*session, Errand::Heads(vec![])));
            }
        }
        errands
    }

    /// A session can take its next errand.
    pub(super) fn free(&mut self, session: SessionNumber) {
        if let Some(neighbour) = self.neighbours.get_mut(&session) {
            neighbour.busy = false;
        }
    }

    /// Catalogues were compared; what did not fit one answer is compared soon.
    pub(super) fn compared(&mut self, session: SessionNumber, more: bool, now: Instant) {
        self.free(session);
        if let Some(neighbour) = self.neighbours.get_mut(&session)
            && more
        {
            neighbour.next_heads = neighbour.next_heads.min(now + MORE_AFTER);
        }
    }

    /// A pull of `want` ended; it is over when the source had all that was wanted.
    pub(super) fn pulled(
        &mut self,
        session: SessionNumber,
        want: &Want,
        pulled: Pulled,
        now: Instant,
    ) {
        self.free(session);
        let Some(open) = self.open.get_mut(&want.author) else {
            return;
        };
        if open.running == Some(session) {
            open.running = None;
        }
        if let Pulled::Done { highest, is_news } = pulled {
            let may_lack = is_news || !want.is_whole();
            if may_lack && let Some(neighbour) = self.neighbours.get_mut(&session) {
                // Whether that was all is seen by comparing, once the loop has stored it; holes
                // below the highest revision are seen by nothing else.
                neighbour.next_heads = neighbour.next_heads.min(now + SOON_AFTER);
            }
            let reached = highest.max(want.after);
            if reached >= open.want.head.highest {
                let head = open.want.head;
                self.open.remove(&want.author);
                self.remember(want, head);
                return;
            }
            if !open.want.is_whole() {
                open.want.after = open.want.after.max(reached);
            }
        }
        open.next = now
            + RETRY_MIN
                .saturating_mul(1 << open.tries.min(4))
                .min(RETRY_MAX);
        open.tries = open.tries.saturating_add(1);
    }

    fn remember(&mut self, want: &Want, head: Head) {
        let way = if want.is_whole() {
            Way::Whole
        } else {
            Way::Newer
        };
        self.reached.insert(want.author, (head, way));
        while self.reached.len() > REACHED_MAX {
            self.reached.pop_first();
        }
    }

    /// Authors that are wanted now, for status.
    pub(super) fn wanted(&self) -> usize {
        self.open.len()
    }
}

/// The sources in turn; any neighbour when there are none, or when they did not help.
fn free_source(
    neighbours: &BTreeMap<SessionNumber, Neighbour>,
    sources: &[SessionNumber],
    turn: usize,
) -> Option<SessionNumber> {
    let is_free = |s: &SessionNumber| neighbours.get(s).is_some_and(|n| !n.busy);
    let skipped = turn.checked_rem(sources.len()).unwrap_or(0);
    let in_turn = sources.iter().cycle().skip(skipped).take(sources.len());
    let known = in_turn.copied().find(|s| is_free(s));
    let may_be_anyone = sources.is_empty() || turn >= 2;
    known.or_else(|| {
        let mut anyone = neighbours.keys().copied();
        anyone.find(|s| may_be_anyone && is_free(s))
    })
}

/// Up to once more the interval, different for each session, so that rounds spread out.
fn jitter(session: SessionNumber, every: Duration) -> Duration {
    let share = u32::try_from(session.wrapping_mul(37) % 64).unwrap_or(0);
    every.saturating_mul(share) / 64
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(30);

    fn revision(n: u64) -> Revision {
        Revision::new(n).unwrap()
    }

    fn done(highest: u64) -> Pulled {
        let highest = revision(highest);
        let is_news = false;
        Pulled::Done { highest, is_news }
    }

    fn want(author: u8, highest: u64, after: u64) -> Want {
        Want {
            author: PartnerId::from_bytes([author; 32]),
            head: Head {
                highest: revision(highest),
                count: 1,
                fingerprint: Fingerprint::from_bytes([author; 16]),
            },
            after: revision(after),
            needs_keys: false,
        }
    }

    fn at(begin: Instant, ms: u64) -> Instant {
        begin + Duration::from_millis(ms)
    }

    /// A catch-up whose sessions have compared once and are free.
    fn quiet(sessions: &[SessionNumber], now: Instant) -> Catchup {
        let mut catchup = Catchup::new(EVERY);
        for session in sessions {
            catchup.up(*session, now);
        }
        let first = catchup.due(now);
        let heads = |s: &SessionNumber| (*s, Errand::Heads(vec![]));
        assert_eq!(first, sessions.iter().map(heads).collect::<Vec<_>>());
        assert_eq!(catchup.due(now), []);
        for session in sessions {
            catchup.free(*session);
        }
        catchup
    }

    #[test]
    fn neighbours_are_asked_every_half_to_whole_minute() {
        let begin = Instant::now();
        let mut catchup = quiet(&[1, 2, 3], begin);
        let mut asked: BTreeMap<SessionNumber, Vec<u64>> = BTreeMap::new();
        for ms in (0..=600_000).step_by(200) {
            for (session, errand) in catchup.due(at(begin, ms)) {
                assert_eq!(errand, Errand::Heads(vec![]));
                asked.entry(session).or_default().push(ms);
                catchup.free(session);
            }
        }
        for times in asked.values() {
            for pair in times.windows(2) {
                let gap = pair[1] - pair[0];
                assert!((30_000..=60_200).contains(&gap), "{times:?}");
            }
        }
        assert_eq!(asked.len(), 3);
    }

    #[test]
    fn a_catalogue_is_pulled_until_its_head_is_reached() {
        let begin = Instant::now();
        let mut catchup = quiet(&[1], begin);
        let wanted = want(9, 500, 100);
        catchup.want(wanted.clone(), [1], begin);
        assert_eq!(catchup.due(begin), [(1, Errand::Pull(wanted.clone()))]);
        assert_eq!(catchup.due(begin), [], "one errand at a time");

        catchup.pulled(1, &wanted, done(300), begin);
        assert_eq!(catchup.due(begin), [], "the source is not ready");
        let again = want(9, 500, 300);
        let later = at(begin, 600);
        assert_eq!(catchup.due(later), [(1, Errand::Pull(again.clone()))]);
        catchup.pulled(1, &again, done(500), later);
        assert_eq!(catchup.wanted(), 0);
    }

    #[test]
    fn a_lost_source_is_replaced() {
        let begin = Instant::now();
        let mut catchup = quiet(&[1, 2], begin);
        let wanted = want(9, 500, 0);
        catchup.want(wanted.clone(), [1], begin);
        assert_eq!(catchup.due(begin), [(1, Errand::Pull(wanted.clone()))]);
        catchup.down(1, begin);
        assert_eq!(catchup.due(begin), [(2, Errand::Pull(wanted))]);
    }

    #[test]
    fn the_same_head_is_pulled_whole_only_once() {
        let begin = Instant::now();
        let mut catchup = quiet(&[1], begin);
        let wanted = want(9, 500, 0);
        for expected in [1, 0] {
            catchup.want(wanted.clone(), [1], begin);
            assert_eq!(catchup.due(begin).len(), expected);
            catchup.pulled(1, &wanted, done(500), begin);
        }
        catchup.want(want(9, 501, 0), [1], begin);
        assert_eq!(catchup.due(begin).len(), 1);
    }

    #[test]
    fn what_differs_after_a_pull_is_pulled_whole_and_then_left() {
        let begin = Instant::now();
        let mut catchup = quiet(&[1], begin);
        let newer = want(9, 500, 100);
        for expected in [Some(100), Some(0), None] {
            catchup.want(newer.clone(), [1], begin);
            let after = match catchup.due(begin).pop() {
                Some((_, Errand::Pull(want))) => {
                    catchup.pulled(1, &want, done(500), begin);
                    Some(want.after.get())
                }
                Some((_, Errand::Heads(_) | Errand::Keys(_))) | None => None,
            };
            assert_eq!(after, expected);
        }
    }

    #[test]
    fn a_pull_is_followed_by_another_comparison_unless_it_can_show_nothing() {
        let begin = Instant::now();
        for (after, is_news, expected) in
            [(100, true, 1), (100, false, 1), (0, true, 1), (0, false, 0)]
        {
            let mut catchup = quiet(&[1], begin);
            let wanted = want(9, 500, after);
            catchup.want(wanted.clone(), [1], begin);
            catchup.due(begin);
            let highest = revision(500);
            catchup.pulled(1, &wanted, Pulled::Done { highest, is_news }, begin);
            let due = catchup.due(at(begin, 2_100)).len();
            assert_eq!(due, expected, "after {after}, news {is_news}");
        }
    }

    #[test]
    fn what_nobody_can_serve_is_left_after_a_minute() {
        let begin = Instant::now();
        let mut catchup = quiet(&[1], begin);
        catchup.want(want(9, 500, 100), [1], begin);
        let mut tries = 0;
        for ms in (0..70_000).step_by(100) {
            let now = at(begin, ms);
            for (session, errand) in catchup.due(now) {
                match errand {
                    Errand::Pull(want) => {
                        tries += 1;
                        let nothing = done(0);
                        catchup.pulled(session, &want, nothing, now);
                    }
                    Errand::Heads(_) | Errand::Keys(_) => catchup.free(session),
                }
            }
        }
        assert!((8..=14).contains(&tries), "{tries}");
        assert_eq!(catchup.wanted(), 0);
    }

    #[test]
    fn pulls_and_wants_are_bounded() {
        let begin = Instant::now();
        let mut catchup = quiet(&[1, 2, 3, 4, 5, 6], begin);
        for n in 0..5_000_u32 {
            let mut wanted = want(0, 500, 0);
            let mut id = [0; 32];
            id[..4].copy_from_slice(&n.to_be_bytes());
            wanted.author = PartnerId::from_bytes(id);
            catchup.want(wanted, [1, 2, 3, 4, 5, 6], begin);
        }
        assert_eq!(catchup.wanted(), WANTS_MAX);
        assert_eq!(catchup.due(begin).len(), PULLS_MAX);
    }
}
