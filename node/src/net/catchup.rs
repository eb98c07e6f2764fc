//! Which catalogues are wanted, from whom, and when the neighbours are asked again. Pure: time is
//! an argument; asking and reading is the sessions'.

use std::{
    cmp::Ordering,
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
/// A source that is itself catching up has more in a moment, and to ask it costs a hundred bytes.
const RETRY_MAX: Duration = Duration::from_secs(2);

/// A head that nobody could serve for so long is left to the next round.
const WANTED_FOR: Duration = Duration::from_secs(60);

/// A pull that made no progress for so long is given up by its session.
pub(super) const PULL_PATIENCE: Duration = Duration::from_secs(30);

/// Heads of which it is remembered how they were pulled, so that it is not done again.
const REACHED_MAX: usize = 4_096;

/// Times that a catalogue is pulled whole for one head, as long as each time brings something.
const WHOLE_MAX: u8 = 4;

/// What could not be had may be had later: clocks are set, and whose records find no room today
/// may be a partner tomorrow.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(600);

/// What is lost is often lost with more of its kind, and what was pulled takes a moment to store.
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

/// Who says that an author's catalogue is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// The author: in its own session, or by a head that it signed.
    Author,
    /// Somebody who may have only a part of it, or lie.
    Neighbour,
}

/// One catalogue that somebody else has and this node lacks, or has otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Want {
    pub(super) author: PartnerId,
    /// What the other side has.
    pub(super) head: Head,
    pub(super) word: Word,
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

    /// Whether this is to be pulled in place of the other: a later state, or the author's word
    /// of the same.
    fn overrules(&self, other: &Self) -> bool {
        match self.head.highest.cmp(&other.head.highest) {
            Ordering::Greater => true,
            Ordering::Equal => self.word == Word::Author || other.word == Word::Neighbour,
            Ordering::Less => false,
        }
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
    /// What was newer.
    Newer,
    /// All of it, so many times, and something came of it.
    Whole(u8),
    /// All of it, and nothing came of it.
    InVain,
}

/// The last head of an author of which all came that its source has.
#[derive(Debug)]
struct Reached {
    head: Head,
    way: Way,
    at: Instant,
}

/// What a neighbour answered to a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    /// It has all as it is here.
    Same,
    /// It has something otherwise.
    Otherwise,
    /// The same, and more of it than one answer holds.
    More,
    /// Nothing.
    Not,
}

#[derive(Debug)]
struct Neighbour {
    next_heads: Instant,
    /// Comparisons in a row that showed a difference.
    differed: u32,
    busy: bool,
}

#[derive(Debug)]
pub(super) struct Catchup {
    every: Duration,
    neighbours: BTreeMap<SessionNumber, Neighbour>,
    open: BTreeMap<PartnerId, Open>,
    reached: BTreeMap<PartnerId, Reached>,
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
            differed: 0,
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

    /// Somebody has what this node lacks; each of `sources` may have it too, the best of them last.
    pub(super) fn want(
        &mut self,
        mut want: Want,
        sources: impl IntoIterator<Item = SessionNumber>,
        now: Instant,
    ) {
        let author = want.author;
        if let Some(reached) = self.reached.get(&author) {
            let is_tired = matches!(reached.way, Way::Whole(WHOLE_MAX..) | Way::InVain);
            if reached.head != want.head {
                // What came by gossip since may lie beyond a hole.
                want.after = want.after.min(reached.head.highest);
            } else if now.duration_since(reached.at) < SOON_AFTER {
                // Not all of it is stored yet. It is compared again when that is over.
                return;
            } else if is_tired && now.duration_since(reached.at) < TRIED_AGAIN_AFTER {
                // What differs though everything was pulled will differ until the head changes.
                return;
            } else {
                // There are holes below the highest revision.
                want.after = Revision::default();
            }
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
        if want.overrules(&open.want) {
            open.want = want;
        }
        for source in sources {
            if self.neighbours.contains_key(&source) {
                open.sources.retain(|s| *s != source);
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

    /// Catalogues were compared. Whoever has something otherwise may itself be catching up, and
    /// have more in a moment: nothing else tells, so it is compared with soon, and each time later.
    pub(super) fn compared(&mut self, session: SessionNumber, answered: Answered, now: Instant) {
        self.free(session);
        let Some(neighbour) = self.neighbours.get_mut(&session) else {
            return;
        };
        let wait = match answered {
            Answered::Not => return,
            Answered::Same => {
                neighbour.differed = 0;
                return;
            }
            Answered::Otherwise => SOON_AFTER.saturating_mul(1 << neighbour.differed.min(6)),
            Answered::More => MORE_AFTER,
        };
        neighbour.differed = neighbour.differed.saturating_add(1);
        neighbour.next_heads = neighbour.next_heads.min(now + wait);
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
                self.remember(want, head, is_news, now);
                return;
            }
            if !open.want.is_whole() {
                open.want.after = open.want.after.max(reached);
            }
            if reached > want.after {
                open.tries = 0;
            }
        }
        open.next = now
            + RETRY_MIN
                .saturating_mul(1 << open.tries.min(4))
                .min(RETRY_MAX);
        open.tries = open.tries.saturating_add(1);
    }

    fn remember(&mut self, want: &Want, head: Head, is_news: bool, at: Instant) {
        let before = self.reached.get(&want.author);
        let before = before.filter(|r| r.head == head).map(|r| r.way);
        let way = match before {
            _ if !want.is_whole() => Way::Newer,
            _ if !is_news => Way::InVain,
            Some(Way::Whole(times)) => Way::Whole(times.saturating_add(1)),
            Some(Way::Newer | Way::InVain) | None => Way::Whole(1),
        };
        self.reached.insert(want.author, Reached { head, way, at });
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
mod tests;
