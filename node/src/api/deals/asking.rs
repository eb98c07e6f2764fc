//! The routes that carry words alone: an inquiry, a question in a thread, and an answer. They bind
//! nobody and change no turn.

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use omni_protocol::hash::ThreadId;
use omni_protocol::machine::Verb;
use omni_protocol::value::Prose;

use super::naming::Named;
use super::{invalid, not_oneself, open, say};
use crate::api::{Desk, Problem, Reading, json, partner};
use crate::view::deal::{DealView, InquiryAsk, TextAsk};

/// The longest text in bytes (SPEC.md 8.2).
const TEXT_BYTES_MAX: usize = 2_048;

/// The routes of this part of the noun.
pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/v1/inquiries", post(inquire))
        .route("/v1/deals/{thread}/question", post(question))
        .route("/v1/deals/{thread}/answer", post(answer))
}

async fn inquire(State(desk): State<Desk>, body: Bytes) -> Result<Json<DealView>, Problem> {
    let ask: InquiryAsk = json(&body)?;
    let text = prose(ask.text)?;
    let find = move |reading: &Reading| {
        let partner = partner::find(reading, &ask.partner)?;
        not_oneself(reading.partner, partner).map(|()| partner)
    };
    let partner = desk.read(find).await?;
    let thread = None;
    let verb = Verb::Inquire {
        partner,
        thread,
        text,
    };
    open(&desk, verb, None).await
}

async fn question(
    State(desk): State<Desk>,
    Named(thread): Named<ThreadId>,
    body: Bytes,
) -> Result<Json<DealView>, Problem> {
    let TextAsk { text } = json(&body)?;
    let text = prose(text)?;
    say(&desk, thread, Verb::Question { thread, text }, None).await
}

async fn answer(
    State(desk): State<Desk>,
    Named(thread): Named<ThreadId>,
    body: Bytes,
) -> Result<Json<DealView>, Problem> {
    let TextAsk { text } = json(&body)?;
    let text = prose(text)?;
    say(&desk, thread, Verb::Answer { thread, text }, None).await
}

fn prose(text: String) -> Result<Prose<TEXT_BYTES_MAX>, Problem> {
    if text.is_empty() {
        return Err(invalid("text is empty."));
    }
    Prose::new(text).map_err(|why| invalid(format!("text: {why}.")))
}
