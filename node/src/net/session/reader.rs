//! Reads one peer's frames and routes them: letters to the loop, asks to `serve`, answers to what
//! was asked. While the loop or the pool is busy the peer waits; nobody else does.

use std::mem;

use libp2p::Stream;
use omni_protocol::{
    code::Code,
    frame::{Frame, Heads, Keys, Page, ProvedRecord, Received, decode_page},
    hash::PartnerId,
    identity::KeyChain,
    proof::Batch,
    record::Envelope,
    slot::Revision,
};
use tokio::sync::mpsc;

use super::{
    Note, Talk,
    asks::{Goal, Pull},
    hello,
    serve::Question,
};
use crate::net::{
    catchup::{Answered, Pulled},
    codec::{self, FRAME_PATIENCE, StreamError},
    event::{Ended, NetEvent, Source},
    pages,
    verify::{Audience, Checks, Counted, Fresh, Unfit},
};

pub(super) async fn read_loop(
    stream: &mut Stream,
    talk: &Talk,
    questions: mpsc::Sender<Question>,
) -> Ended {
    loop {
        let bytes = match codec::read_frame(stream, FRAME_PATIENCE).await {
            Ok(bytes) => bytes,
            Err(error) => return error.into(),
        };
        let frame = match Frame::decode(&bytes) {
            Ok(Received::Frame(frame)) => frame,
            Ok(Received::Unknown(number)) => {
                tracing::debug!(number, partner = %talk.partner, "an unknown frame is skipped");
                continue;
            }
            Err(code) => {
                tracing::info!(%code, partner = %talk.partner, "a frame can't be read");
                return Ended::Malformed;
            }
        };
        if let Err(ended) = talk.route(frame, &questions).await {
            return ended;
        }
    }
}

impl From<StreamError> for Ended {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Closed => Self::Closed,
            StreamError::TooLarge(_) => Self::Malformed,
            StreamError::Stalled => Self::Stalled,
            StreamError::Cut | StreamError::Io(_) => Self::Broken(error.to_string()),
        }
    }
}

impl Talk {
    async fn route(&self, frame: Frame, questions: &mpsc::Sender<Question>) -> Result<(), Ended> {
        match frame {
            Frame::Hello(_) => return Err(Ended::Malformed),
            Frame::Bye(bye) => return Err(Ended::Bye(bye.code)),
            Frame::Greeting(_)
            | Frame::Letter(_)
            | Frame::Stored(_)
            | Frame::WhatIs(_)
            | Frame::Notice(_) => {
                let event = NetEvent::Frame {
                    session: self.session,
                    partner: self.partner,
                    frame,
                };
                self.shared.tell(event).await;
            }
            Frame::HeadsAsk(ask) => self.question(questions, Question::Heads(ask)),
            Frame::PullAsk(ask) => self.question(questions, Question::Pull(ask)),
            Frame::KeysAsk(ask) => self.question(questions, Question::Keys(ask)),
            Frame::Heads(heads) => self.heads_came(heads).await,
            Frame::Page(page) => self.page_came(page).await,
            Frame::Keys(keys) => self.keys_came(keys).await,
            Frame::Push(batch) => self.push_came(*batch).await,
        }
        Ok(())
    }

    fn question(&self, questions: &mpsc::Sender<Question>, question: Question) {
        if questions.try_send(question).is_err() {
            self.shared.counters.asks_dropped.add(1);
        }
    }

    async fn heads_came(&self, heads: Heads) {
        let Some(Goal::Heads) = self.asks.take(heads.number) else {
            return;
        };
        let checks = self.shared.checks.clone();
        let (neighbour, known) = (self.partner, heads.known);
        let answered = match (heads.more, known.is_empty()) {
            (true, _) => Answered::More,
            (false, true) => Answered::Same,
            (false, false) => Answered::Otherwise,
        };
        let missing = move || checks.missing(neighbour, &known);
        let wants = self.shared.pool.run(missing).await.unwrap_or_default();
        let session = self.session;
        let note = Note::Compared {
            session,
            wants,
            answered,
        };
        self.note(note).await;
    }

    async fn keys_came(&self, keys: Keys) {
        let Some(goal) = self.asks.take(keys.number) else {
            return;
        };
        let checks = self.shared.checks.clone();
        let asked = goal.authors();
        let learn = move || {
            let learned = learn_chains(&checks, &keys.events);
            // What waits for keys goes on also if they came by another way meanwhile.
            let is_known = |author: &PartnerId| checks.chain(author).is_some();
            let known: Vec<PartnerId> = asked.into_iter().filter(is_known).collect();
            (learned, known)
        };
        let (learned, authors) = self.shared.pool.run(learn).await.unwrap_or_default();
        for chain in learned {
            let chain = Box::new(chain);
            self.shared.tell(NetEvent::Keys { chain }).await;
        }
        match goal {
            Goal::KeysFor(want) if authors.contains(&want.author) => {
                self.begin_pull(want).await;
            }
            Goal::Keys(_) => {}
            goal @ (Goal::KeysFor(_) | Goal::Heads | Goal::Pull(_)) => self.fail(goal).await,
        }
        if !authors.is_empty() {
            let session = self.session;
            self.note(Note::Keys { session, authors }).await;
        }
    }

    async fn page_came(&self, page: Page) {
        let Some(Goal::Pull(mut pull)) = self.asks.take(page.number) else {
            return;
        };
        self.shared.counters.pages_taken.add(1);
        let (checks, author) = (self.shared.checks.clone(), pull.want.author);
        let read = self
            .shared
            .pool
            .run(move || read_page(&checks, author, &page.compressed))
            .await;
        let ReadPage {
            fresh,
            counted,
            highest,
        } = match read {
            Ok(Ok(read)) => read,
            Ok(Err(code)) => {
                tracing::info!(%code, partner = %self.partner, "a page is refused");
                return self.fail(Goal::Pull(pull)).await;
            }
            Err(_unfinished) => return self.fail(Goal::Pull(pull)).await,
        };
        pull.is_news |= !fresh.is_empty();
        for fresh in fresh {
            let session = self.session;
            self.deliver(fresh, Source::Pull { session }).await;
        }
        pull.count(counted);
        // A source that says 'more' and brings nothing newer would be asked for ever.
        if page.more && highest > pull.next_after {
            pull.next_after = highest;
            return self.ask_page(*pull).await;
        }
        self.end_pull(*pull).await;
    }

    async fn end_pull(&self, mut pull: Pull) {
        let ended = NetEvent::PullEnded {
            author: pull.want.author,
            head: pull.want.known(),
            whole: pull.all_counted(),
        };
        self.shared.tell(ended).await;
        let note = Note::Pulled {
            session: self.session,
            want: pull.want,
            pulled: Pulled::Done {
                highest: pull.reached,
                is_news: pull.is_news,
            },
        };
        self.note(note).await;
    }

    async fn push_came(&self, batch: Batch) {
        let author = batch.author();
        if author != self.partner {
            tracing::info!(%author, partner = %self.partner, "a push of another's records");
            return;
        }
        let checks = self.shared.checks.clone();
        let check = move || {
            let sifted = checks.sift(batch, Audience::ThisNode, None)?;
            checks.prove(sifted)
        };
        match self.shared.pool.run(check).await {
            Ok(Ok(fresh)) => {
                let session = self.session;
                self.deliver(fresh, Source::Push { session }).await;
            }
            Ok(Err(unfit)) => {
                tracing::info!(?unfit, %author, partner = %self.partner, "a push is not taken");
            }
            Err(_unfinished) => {}
        }
    }

    async fn deliver(&self, fresh: Fresh, source: Source) {
        if let Some(chain) = fresh.keys {
            self.shared.tell(NetEvent::Keys { chain }).await;
        }
        if !fresh.batch.records().is_empty() {
            let batch = fresh.batch;
            self.shared.tell(NetEvent::Records { batch, source }).await;
        }
    }
}

/// What a page brought.
struct ReadPage {
    fresh: Vec<Fresh>,
    counted: Counted,
    highest: Revision,
}

/// A page holds records of the author that was asked for, and is verified like gossip.
fn read_page(checks: &Checks, author: PartnerId, packed: &[u8]) -> Result<ReadPage, Code> {
    let plain = pages::open(packed).map_err(|_error| Code::Malformed)?;
    let mut read = ReadPage {
        fresh: vec![],
        counted: Counted::default(),
        highest: Revision::default(),
    };
    let newest = checks.newest_of(author);
    for batch in decode_page(&plain)? {
        if batch.author() != author {
            return Err(Code::BadProof);
        }
        let proved = checks
            .sift(batch, Audience::Everybody, newest)
            .and_then(|mut sifted| {
                read.highest = read.highest.max(sifted.highest);
                read.counted.append(mem::take(&mut sifted.counted));
                checks.prove(sifted)
            });
        match proved {
            Ok(fresh) => read.fresh.push(fresh),
            Err(Unfit::Ignored(_)) => {}
            Err(Unfit::Refused(code)) => return Err(code),
            Err(Unfit::UnknownKeys(_)) => return Err(Code::UnknownKeys),
        }
    }
    Ok(read)
}

/// Chains that are new or longer. Events of one author stand together, in the order of its chain.
fn learn_chains(checks: &Checks, events: &[ProvedRecord]) -> Vec<KeyChain> {
    let network = checks.network();
    let by_author = events.chunk_by(|a, b| author_of(checks, a) == author_of(checks, b));
    by_author
        .filter_map(|events| hello::read_chain(network, events).ok())
        .filter_map(|chain| checks.learn(chain))
        .collect()
}

fn author_of(checks: &Checks, event: &ProvedRecord) -> Option<PartnerId> {
    let envelope = Envelope::read(&checks.network(), &*event.record);
    envelope.ok().map(|e| e.author())
}
