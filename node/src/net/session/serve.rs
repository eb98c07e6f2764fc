//! Answers for catch-up: what this node has of catalogues, pages of them, and keys. Reads only,
//! and one answer after another, so that a peer that asks much waits for itself.

use std::time::Duration;

use omni_protocol::{
    fence::{Bytes, List},
    frame::{
        Frame, Heads, HeadsAsk, Keys, KeysAsk, Known, Page, ProvedRecord, PullAsk, encode_page,
    },
};
use tokio::{sync::mpsc, time::sleep};

use super::Talk;
use crate::net::{
    event::Ended,
    pages::{self, PAGE_PLAIN_BYTES_AIM},
    verify::Checks,
};

/// After each answer, so that no peer takes the pool for itself: 100 answers a second.
const PAUSE: Duration = Duration::from_millis(10);

/// Asks of one peer that wait; one more is dropped, and the peer asks again.
const QUESTIONS_MAX: usize = 4;

const HEADS_MAX: usize = 1_024;
const KEY_EVENTS_IN_ANSWER_MAX: usize = 256;

/// What a peer wants to know.
#[derive(Debug)]
pub(super) enum Question {
    Heads(HeadsAsk),
    Pull(PullAsk),
    Keys(KeysAsk),
}

pub(super) fn questions() -> (mpsc::Sender<Question>, mpsc::Receiver<Question>) {
    mpsc::channel(QUESTIONS_MAX)
}

pub(super) async fn serve_loop(mut questions: mpsc::Receiver<Question>, talk: &Talk) -> Ended {
    while let Some(question) = questions.recv().await {
        let checks = talk.shared.checks.clone();
        let is_page = matches!(question, Question::Pull(_));
        let answered = talk
            .shared
            .pool
            .run(move || answer(&checks, question))
            .await;
        let Ok(Some(frame)) = answered else {
            talk.shared.counters.asks_dropped.add(1);
            continue;
        };
        let bytes = match frame.encode() {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::error!(%error, "an answer of this node is invalid");
                continue;
            }
        };
        if talk.outbox.send(bytes).await.is_err() {
            return Ended::Closed;
        }
        if is_page {
            talk.shared.counters.pages_served.add(1);
        }
        sleep(PAUSE).await;
    }
    Ended::Closed
}

fn answer(checks: &Checks, question: Question) -> Option<Frame> {
    match question {
        Question::Heads(ask) => heads(checks, &ask).map(Frame::Heads),
        Question::Pull(ask) => page(checks, &ask).map(Frame::Page),
        Question::Keys(ask) => keys(checks, &ask).map(Frame::Keys),
    }
}

/// The catalogues that this node has otherwise than the asker.
fn heads(checks: &Checks, ask: &HeadsAsk) -> Option<Heads> {
    let mut differing: Vec<Known> = checks.shelf().known(&ask.filter, usize::MAX);
    differing.retain(|own| !ask.known.contains(own));
    let more = differing.len() > HEADS_MAX;
    differing.truncate(HEADS_MAX);
    Some(Heads {
        number: ask.number,
        known: List::new(differing).ok()?,
        more,
    })
}

/// The chains that this node knows; those that no longer fit are left out, and asked for again.
fn keys(checks: &Checks, ask: &KeysAsk) -> Option<Keys> {
    let mut events = vec![];
    for chain in ask.authors.iter().filter_map(|a| checks.chain(a)) {
        let proved = chain
            .events()
            .map(|(r, p)| ProvedRecord::new(r.bytes(), p.clone()));
        let proved: Vec<ProvedRecord> = proved.collect::<Result<_, _>>().ok()?;
        if events.len().saturating_add(proved.len()) <= KEY_EVENTS_IN_ANSWER_MAX {
            events.extend(proved);
        }
    }
    Some(Keys {
        number: ask.number,
        events: List::new(events).ok()?,
    })
}

/// One page; what would not fit the wire was the shelf's fault, and is halved until it does.
fn page(checks: &Checks, ask: &PullAsk) -> Option<Page> {
    let mut aim = PAGE_PLAIN_BYTES_AIM;
    for _ in 0..8 {
        let shelved = checks.shelf().page(&ask.author, ask.after, aim);
        let plain = encode_page(shelved.batches).ok();
        let packed = plain.and_then(|p| pages::pack(&p));
        if let Some(packed) = packed {
            return Some(Page {
                number: ask.number,
                compressed: Bytes::new(packed).ok()?,
                more: shelved.more,
            });
        }
        aim /= 2;
    }
    tracing::error!(author = %ask.author, "no page of this catalogue fits the wire");
    None
}
