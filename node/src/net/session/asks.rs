//! What this node asked of a peer and the peer has not answered: catalogues, pages, keys. Answers
//! to nothing are not looked at.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use omni_protocol::{
    fence::List,
    frame::{Filter, Frame, HeadsAsk, KeysAsk, PullAsk},
    hash::{PartnerId, RecordId},
    public::IdSum,
    slot::Revision,
};

use super::{Note, Talk};
use crate::net::{
    catchup::{Answered, Errand, Head, PULL_PATIENCE, Pulled, Want, Word},
    event::NetEvent,
    verify::Counted,
};

/// Asks to one peer at once.
const ASKS_MAX: usize = 4;

/// Catalogues compared at once (SPEC 15.1).
const KNOWN_MAX: usize = 1_024;

/// Ids remembered of a catalogue that is pulled whole: 8 MiB.
const WHOLE_IDS_MAX: usize = 262_144;

/// A catalogue on its way.
#[derive(Debug, Clone)]
pub(super) struct Pull {
    pub(super) want: Want,
    /// The revision after which the next page is asked.
    pub(super) next_after: Revision,
    /// The highest counted revision that the source has, as far as it showed.
    pub(super) reached: Revision,
    /// Whether anything that came was of use.
    pub(super) is_news: bool,
    /// The counted ids that came, of a whole pull.
    named: Option<Vec<RecordId>>,
}

impl Pull {
    fn begin(want: Want, is_whole: bool) -> Self {
        Self {
            next_after: want.after,
            reached: want.after,
            is_news: false,
            named: is_whole.then(Vec::new),
            want,
        }
    }

    /// Notes what a page brought. Of more than can be remembered nothing is forgotten.
    pub(super) fn count(&mut self, counted: Counted) {
        self.reached = self.reached.max(counted.highest);
        if let Some(named) = &mut self.named {
            named.extend(counted.ids);
            if named.len() > WHOLE_IDS_MAX {
                self.named = None;
            }
        }
    }

    /// All that the author counts, if this is known now: its own word, and an answer that bears
    /// it out. A source that has only a part, or lies, takes nothing from anybody.
    pub(super) fn all_counted(&mut self) -> Option<Vec<RecordId>> {
        let named = self.named.take()?;
        let sum: IdSum = named.iter().copied().collect();
        let Head {
            count, fingerprint, ..
        } = self.want.head;
        let is_all = sum.count() == u64::from(count) && sum.fingerprint() == fingerprint;
        (self.want.word == Word::Author && is_all).then_some(named)
    }
}

/// What an answer is for.
#[derive(Debug)]
pub(super) enum Goal {
    Heads,
    Keys(Vec<PartnerId>),
    /// Keys without which a pull is of no use.
    KeysFor(Want),
    Pull(Box<Pull>),
}

impl Goal {
    /// Whose keys were asked for.
    pub(super) fn authors(&self) -> Vec<PartnerId> {
        match self {
            Self::Keys(authors) => authors.clone(),
            Self::KeysFor(want) => vec![want.author],
            Self::Heads | Self::Pull(_) => vec![],
        }
    }
}

#[derive(Debug)]
struct Asked {
    goal: Goal,
    since: Instant,
}

#[derive(Debug, Default)]
struct Open {
    last: u32,
    by_number: BTreeMap<u32, Asked>,
}

#[derive(Debug, Default)]
pub(super) struct Asks(Mutex<Open>);

impl Asks {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a new ask; gives the goal back when too many are open.
    fn begin(&self, goal: Goal) -> Result<u32, Goal> {
        let mut open = self.open();
        if open.by_number.len() >= ASKS_MAX {
            return Err(goal);
        }
        open.last = open.last.wrapping_add(1);
        let (number, since) = (open.last, Instant::now());
        open.by_number.insert(number, Asked { goal, since });
        Ok(number)
    }

    /// What an answer with this number is for, if it was asked for.
    pub(super) fn take(&self, number: u32) -> Option<Goal> {
        self.open().by_number.remove(&number).map(|a| a.goal)
    }

    fn take_overdue(&self, now: Instant) -> Vec<Goal> {
        let mut open = self.open();
        let overdue = |a: &mut Asked| now.duration_since(a.since) > PULL_PATIENCE;
        let late = open.by_number.extract_if(.., |_, a| overdue(a));
        late.map(|(_, a)| a.goal).collect()
    }
}

impl Talk {
    pub(super) async fn begin_errand(&self, errand: Errand) {
        match errand {
            Errand::Heads(authors) => self.ask_heads(authors).await,
            Errand::Keys(authors) => self.ask_keys(Goal::Keys(authors.clone()), authors).await,
            Errand::Pull(want) if want.needs_keys => {
                let author = want.author;
                self.ask_keys(Goal::KeysFor(want), vec![author]).await;
            }
            Errand::Pull(want) => self.begin_pull(want).await,
        }
    }

    async fn ask_heads(&self, authors: Vec<PartnerId>) {
        let Ok(authors) = List::new(authors) else {
            return self.fail(Goal::Heads).await;
        };
        let filter = Filter { authors };
        let (checks, wanted) = (self.shared.checks.clone(), filter.clone());
        let known = self
            .shared
            .pool
            .run(move || checks.shelf().known(&wanted, KNOWN_MAX))
            .await;
        let known = known.ok().and_then(|k| List::new(k).ok());
        let Some(known) = known else {
            return self.fail(Goal::Heads).await;
        };
        let frame = |number| {
            Frame::HeadsAsk(HeadsAsk {
                number,
                filter,
                known,
            })
        };
        self.ask(Goal::Heads, frame).await;
    }

    async fn ask_keys(&self, goal: Goal, authors: Vec<PartnerId>) {
        let Ok(authors) = List::new(authors) else {
            return self.fail(goal).await;
        };
        let frame = |number| Frame::KeysAsk(KeysAsk { number, authors });
        self.ask(goal, frame).await;
    }

    pub(super) async fn begin_pull(&self, want: Want) {
        let is_whole = want.is_whole();
        let event = NetEvent::PullBegan {
            author: want.author,
            is_whole,
        };
        self.shared.tell(event).await;
        self.ask_page(Pull::begin(want, is_whole)).await;
    }

    pub(super) async fn ask_page(&self, pull: Pull) {
        let (author, after) = (pull.want.author, pull.next_after);
        let frame = |number| {
            Frame::PullAsk(PullAsk {
                number,
                author,
                after,
            })
        };
        self.ask(Goal::Pull(Box::new(pull)), frame).await;
    }

    async fn ask(&self, goal: Goal, frame: impl FnOnce(u32) -> Frame) {
        let number = match self.asks.begin(goal) {
            Ok(number) => number,
            Err(goal) => return self.fail(goal).await,
        };
        let sent = match frame(number).encode() {
            // Without waiting: the reader asks too, and must go on reading.
            Ok(bytes) => self.outbox.offer(bytes).is_ok(),
            Err(error) => {
                tracing::error!(%error, "an ask of this node is invalid");
                false
            }
        };
        if !sent && let Some(goal) = self.asks.take(number) {
            self.fail(goal).await;
        }
    }

    /// Tells the driver that an errand came to nothing, so that it may be given to another.
    pub(super) async fn fail(&self, goal: Goal) {
        let session = self.session;
        let note = match goal {
            Goal::Heads => Note::Compared {
                session,
                wants: vec![],
                answered: Answered::Not,
            },
            Goal::Keys(_) => return,
            Goal::KeysFor(want) => Note::Pulled {
                session,
                want,
                pulled: Pulled::Failed,
            },
            Goal::Pull(pull) => Note::Pulled {
                session,
                want: pull.want,
                pulled: Pulled::Failed,
            },
        };
        self.note(note).await;
    }

    pub(super) async fn give_up_overdue(&self) {
        for goal in self.asks.take_overdue(Instant::now()) {
            tracing::debug!(partner = %self.partner, "a peer did not answer for catch-up");
            self.fail(goal).await;
        }
    }
}
