//! The stream of events: pages, and server-sent events that go on. Both read the ledger's
//! database at the pace of whoever asks, so a slow follower holds nothing in memory; one that lags
//! behind what is kept is told so and its stream ends.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use tokio::sync::watch;

use super::{ApiCode, Desk, Problem};
use crate::store::happened::{self, EVENTS_KEPT};
use crate::view::event::{EventView, EventsView};

/// Events in a page, and those read at once for a stream.
const PAGE_MAX: usize = 256;
/// A comment keeps a quiet stream alive, and shows the server that the reader has gone.
const QUIET_MAX: std::time::Duration = std::time::Duration::from_secs(15);

/// The routes of this noun.
pub fn routes() -> Router<Desk> {
    Router::new().route("/v1/events", get(events))
}

/// Where to begin.
#[derive(Debug, Deserialize)]
struct Ask {
    /// Events after this number; without it a stream begins with what is to come, and a page with
    /// the oldest that is kept.
    after: Option<u64>,
    /// How many of the newest to begin with, where no number is said.
    last: Option<u64>,
}

async fn events(
    State(desk): State<Desk>,
    query: Result<Query<Ask>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(ask) = query.map_err(|_unread| {
        Problem::new(
            ApiCode::Malformed,
            "Say after=NUMBER, the last event that you have seen, or last=NUMBER, how many of the newest.",
        )
    })?;
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &axum::http::HeaderValue| value.to_str().ok())
    };
    // A browser that connects again says here where it was.
    let resumed = text(header::HeaderName::from_static("last-event-id"));
    let resumed = resumed.and_then(|number| number.parse().ok());
    let after = resumed.or(ask.after);
    let newest = *desk.told().borrow();
    let wants_stream =
        text(header::ACCEPT).is_some_and(|types| types.contains("text/event-stream"));
    let after = match after {
        Some(after) if after > newest => {
            let detail = format!("The newest event is number {newest}.");
            return Err(Problem::new(ApiCode::Invalid, detail));
        }
        Some(after) if after.saturating_add(EVENTS_KEPT) < newest => return Err(gone(newest)),
        Some(after) => after,
        None if ask.last.is_some() => {
            let last = ask.last.unwrap_or_default().min(EVENTS_KEPT);
            newest.saturating_sub(last)
        }
        None if wants_stream => newest,
        None => newest.saturating_sub(EVENTS_KEPT),
    };
    if wants_stream {
        return Ok(stream(desk, after));
    }
    let events = page(&desk, after).await?;
    Ok(Json(EventsView { events, newest }).into_response())
}

fn gone(newest: u64) -> Problem {
    let oldest = newest.saturating_sub(EVENTS_KEPT);
    let detail = format!(
        "The newest {EVENTS_KEPT} events are kept. Go on with after={oldest}, and read the present state of what you follow."
    );
    Problem::new(ApiCode::Gone, detail)
}

/// Synced events after a number, as many as there are up to a page.
async fn page(desk: &Desk, after: u64) -> Result<Vec<EventView>, Problem> {
    let read =
        move |reading: &super::Reading| Ok(happened::after(&reading.ledger, after, PAGE_MAX)?);
    let kept = desk.read(read).await?;
    let events = kept
        .iter()
        .filter_map(|(_, bytes)| serde_json::from_slice(bytes).ok());
    Ok(events.collect())
}

/// What a stream knows of itself.
struct Follower {
    desk: Desk,
    told: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    after: u64,
    state: Follows,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Follows {
    Following,
    Ended,
}

fn stream(desk: Desk, after: u64) -> Response {
    let follower = Follower {
        told: desk.told(),
        stop: desk.stopping(),
        desk,
        after,
        state: Follows::Following,
    };
    let parts = futures::stream::unfold(follower, |mut follower| async move {
        let text = follower.next().await?;
        Some((Ok::<_, Infallible>(text), follower))
    });
    let form = [(header::CONTENT_TYPE, "text/event-stream")];
    (form, Body::from_stream(parts)).into_response()
}

impl Follower {
    /// What is sent next; nothing at the end of the stream.
    async fn next(&mut self) -> Option<String> {
        if self.state == Follows::Ended || *self.stop.borrow() {
            return None;
        }
        let newest = *self.told.borrow_and_update();
        if newest <= self.after {
            return self.wait().await;
        }
        match page(&self.desk, self.after).await {
            Ok(events) => match (events.first(), events.last()) {
                (Some(first), Some(last)) if first.number == self.after.saturating_add(1) => {
                    self.after = last.number;
                    Some(events.iter().map(sent).collect())
                }
                _ => self.end(&gone(newest)),
            },
            Err(problem) => self.end(&problem),
        }
    }

    async fn wait(&mut self) -> Option<String> {
        tokio::select! {
            changed = self.told.changed() => changed.ok().map(|()| String::new()),
            stopped = self.stop.wait_for(|&stop| stop) => { drop(stopped); None }
            () = tokio::time::sleep(QUIET_MAX) => Some(": quiet\n\n".to_owned()),
        }
    }

    /// The last word to a follower that can't be served on.
    fn end(&mut self, problem: &Problem) -> Option<String> {
        self.state = Follows::Ended;
        Some(format!("event: end\ndata: {}\n\n", problem.json()))
    }
}

fn sent(event: &EventView) -> String {
    // Structs of texts and numbers always have a JSON form.
    let data = serde_json::to_string(event).unwrap_or_default();
    let (number, kind) = (event.number, event.what.kind());
    format!("id: {number}\nevent: {kind}\ndata: {data}\n\n")
}
