//! The routes about deals: proposing, answering, and the story of each thread. What a word of the
//! operator means where a thread stands is the core's matter.

mod asking;
pub(super) mod building;
pub(super) mod chains;
pub(super) mod naming;
pub(super) mod refusing;
pub(super) mod sourcing;
pub(super) mod telling;
mod timing;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use omni_protocol::hash::{DealId, PartnerId, RecordId, ThreadId};
use omni_protocol::limits::{HOLD_MINUTES_DEFAULT, MINUTE_MS};
use omni_protocol::machine::{Binding, Bundling, Input, Key, Proposing, Verb};
use omni_protocol::thread::{Role, Shipto};
use omni_protocol::value::Time;
use serde::Deserialize;

use self::naming::Named;
use self::telling::Situation;
use super::failover::telling::check_not_asked;
use super::offers::{Params, params, word};
use super::{ApiCode, Desk, Problem, Reading, json, page, partner};
use crate::hand_over::{Kept, KeptError};
use crate::view::deal::{
    AcceptAsk, CounterAsk, DealView, DealsView, ProposeAsk, WAITS_FOR, thread_states,
};
use crate::view::ship_to::{BadShipTo, ShipToDoc};

/// How long a proposal stands where nobody says otherwise.
pub(super) const VALID_MINUTES: u64 = 120;

/// The routes of this noun.
pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/v1/deals", get(list).post(propose))
        .route("/v1/deals/{thread}", get(show))
        .route("/v1/deals/{thread}/counter", post(counter))
        .route("/v1/deals/{thread}/accept", post(accept))
        .route("/v1/deals/{thread}/reject", post(reject))
        .route("/v1/deals/{thread}/withdraw", post(withdraw))
        .route("/v1/deals/{thread}/write-off", post(write_off))
        .route("/v1/deals/{thread}/lapse", post(lapse))
        .merge(asking::routes())
        .merge(sourcing::routes())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    limit: Option<String>,
    cursor: Option<String>,
    /// One of [`WAITS_FOR`].
    waits_for: Option<String>,
    /// One of [`thread_states`].
    state: Option<String>,
    partner: Option<String>,
}

async fn list(State(desk): State<Desk>, given: Params) -> Result<Json<DealsView>, Problem> {
    let query: ListQuery = params(given)?;
    desk.read(move |reading| listed(reading, &query))
        .await
        .map(Json)
}

fn listed(reading: &Reading, query: &ListQuery) -> Result<DealsView, Problem> {
    let limit = page::limit(query.limit.as_deref())?;
    let first = ThreadId::from_bytes([0; 32]);
    let thread = page::after(query.cursor.as_deref(), first)?;
    let whose = partner::named(reading, query.partner.as_deref())?;
    let threads = reading.after(Key::Thread { thread });
    let threads = threads.map_while(|(key, _)| {
        let Key::Thread { thread } = key else {
            return None;
        };
        Some(thread)
    });
    let waits = word("waits_for", query.waits_for.as_deref(), &WAITS_FOR)?;
    let state = word("state", query.state.as_deref(), &thread_states())?;
    let row = |thread: &ThreadId| {
        let row = telling::row(reading, *thread)?;
        let is_meant = waits.is_none_or(|who| who == row.waits_for)
            && state.is_none_or(|state| state == row.state)
            && whose.is_none_or(|whose| whose.to_string() == row.partner);
        Ok(is_meant.then_some(row))
    };
    let (deals, next) = page::fill(threads, limit, row)?;
    Ok(DealsView { deals, next })
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(ApiCode::Invalid, detail)
}

async fn show(
    State(desk): State<Desk>,
    Named(thread): Named<ThreadId>,
) -> Result<Json<DealView>, Problem> {
    told(&desk, thread).await
}

async fn told(desk: &Desk, thread: ThreadId) -> Result<Json<DealView>, Problem> {
    desk.read(move |reading| telling::view(reading, thread))
        .await
        .map(Json)
}

async fn propose(State(desk): State<Desk>, body: Bytes) -> Result<Json<DealView>, Problem> {
    let mut ask: ProposeAsk = json(&body)?;
    let clear = clear(ask.ship_to.take())?;
    let country = clear.as_ref().map(country);
    let for_whom = ask.role.clone();
    let proposing = desk
        .read(move |reading| proposing(reading, &ask, country.as_deref()))
        .await?;
    if clear.is_some() && proposing.role == Role::Provider {
        return Err(not_the_requester(for_whom.as_deref()));
    }
    open(&desk, Verb::Propose(proposing), clear).await
}

/// Puts a word of the operator to the core. A refusal names what it is about, and says in numbers
/// which limit it would pass.
pub(super) async fn made(desk: &Desk, verb: Verb) -> Result<Vec<RecordId>, Problem> {
    let made = desk.made(Input::Verb(Box::new(verb.clone()))).await;
    match made {
        Ok(made) => Ok(made),
        Err(problem) => {
            let told = move |reading: &Reading| Ok(refusing::told(reading, problem, &verb));
            Err(desk.read(told).await?)
        }
    }
}

/// Puts a word of the operator to the core that opens a thread.
async fn open(desk: &Desk, verb: Verb, clear: Option<Shipto>) -> Result<Json<DealView>, Problem> {
    let made = made(desk, verb).await?;
    let thread = made.last().copied().map(ThreadId::from);
    let thread = thread.ok_or_else(nothing_made)?;
    keep(desk, thread, clear).await?;
    told(desk, thread).await
}

pub(super) fn not_oneself(own: PartnerId, partner: PartnerId) -> Result<(), Problem> {
    if partner == own {
        return Err(invalid(
            "partner: a thread takes two, and this is the node's own partner.",
        ));
    }
    Ok(())
}

pub(super) fn nothing_made() -> Problem {
    Problem::new(ApiCode::Conflict, "The node made no record of it.").next("see all: omni deal ls")
}

fn not_the_requester(role: Option<&str>) -> Problem {
    let role = role.unwrap_or("provider");
    invalid(format!(
        "ship_to: only the requester says who receives, and this node is the {role}."
    ))
}

/// What is to be proposed in a new thread.
fn proposing(
    reading: &Reading,
    ask: &ProposeAsk,
    country: Option<&str>,
) -> Result<Proposing, Problem> {
    let role = match ask.role.as_deref() {
        None => Role::Requester,
        Some(name) => {
            Role::from_name(name).ok_or_else(|| invalid("role is requester or provider."))?
        }
    };
    let whom = partner::named(reading, ask.partner.as_deref())?;
    let first = ask
        .alternatives
        .first()
        .and_then(|terms| terms.lines.first());
    let (partner, provider) = match (role, whom) {
        (Role::Requester, Some(partner)) => (partner, partner),
        (Role::Requester, None) => {
            let line = first.ok_or_else(|| invalid("lines is empty."))?;
            let author = building::offer(reading, line, None)?.author;
            (author, author)
        }
        (Role::Provider, Some(partner)) => (partner, reading.partner),
        (Role::Provider, None) => return Err(invalid("partner: to whom?")),
    };
    not_oneself(reading.partner, partner)?;
    let alternatives = building::alternatives(reading, &ask.alternatives, provider, country)?;
    Ok(Proposing {
        partner,
        thread: None,
        role,
        binding: binding(ask.firm),
        valid_until: valid_until(reading, ask.valid_minutes, (role, ask.firm))?,
        alternatives,
    })
}

fn binding(firm: bool) -> Binding {
    if firm { Binding::Firm } else { Binding::Open }
}

/// The end of validity. What is too short or too long is the core's to refuse.
pub(super) fn valid_until(
    reading: &Reading,
    minutes: Option<u64>,
    (role, firm): (Role, bool),
) -> Result<Time, Problem> {
    let otherwise = match (role, firm) {
        (Role::Provider, true) => u64::from(HOLD_MINUTES_DEFAULT),
        (Role::Provider | Role::Requester, _) => VALID_MINUTES,
    };
    let minutes = minutes.unwrap_or(otherwise);
    let ms = minutes.checked_mul(MINUTE_MS);
    let ms = ms.ok_or_else(|| invalid("valid_minutes is out of range."))?;
    Ok(reading.now().plus_ms(ms))
}

async fn counter(
    State(desk): State<Desk>,
    Named(thread): Named<ThreadId>,
    body: Bytes,
) -> Result<Json<DealView>, Problem> {
    let mut ask: CounterAsk = json(&body)?;
    let clear = clear(ask.ship_to.take())?;
    let proposing = desk
        .read(move |reading| countering(reading, thread, &ask))
        .await?;
    if clear.is_some() && proposing.role == Role::Provider {
        return Err(not_the_requester(None));
    }
    let verb = Verb::Propose(proposing);
    say(&desk, thread, verb, clear).await
}

fn countering(reading: &Reading, thread: ThreadId, ask: &CounterAsk) -> Result<Proposing, Problem> {
    let situation = telling::situation(reading, thread)?;
    let standing = chosen(&situation, ask.alternative)?;
    let terms = standing.and_then(|index| situation.alternatives.get(usize::from(index)));
    let terms = terms.ok_or_else(|| invalid("Nothing was proposed yet that could be changed."))?;
    let role = situation.role.ok_or_else(nothing_made)?;
    let provider = match role {
        Role::Requester => situation.thread.partner,
        Role::Provider => reading.partner,
    };
    Ok(Proposing {
        partner: situation.thread.partner,
        thread: Some(thread),
        role,
        binding: binding(ask.firm),
        valid_until: valid_until(reading, ask.valid_minutes, (role, ask.firm))?,
        alternatives: vec![building::countered(reading, terms, (ask, provider))?],
    })
}

/// The index of an alternative that was named by its number.
fn chosen(situation: &Situation, number: Option<u8>) -> Result<Option<u8>, Problem> {
    let there = situation.alternatives.len();
    match number {
        None if there <= 1 => Ok((there == 1).then_some(0)),
        None => Err(invalid(format!(
            "alternative: there are {there}; name one by its number."
        ))),
        Some(number) if (1..=there).contains(&usize::from(number)) => Ok(number.checked_sub(1)),
        Some(_) => Err(invalid(format!(
            "alternative: the numbers are 1 to {there}."
        ))),
    }
}

async fn accept(
    State(desk): State<Desk>,
    Named(thread): Named<ThreadId>,
    body: Bytes,
) -> Result<Json<DealView>, Problem> {
    let mut ask: AcceptAsk = optional(&body)?;
    let clear = clear(ask.ship_to.take())?;
    let (alternative, role) = desk
        .read(move |reading| {
            let situation = telling::situation(reading, thread)?;
            let alternative = chosen(&situation, ask.alternative)?.unwrap_or_default();
            if let Some((deal, _)) = &situation.deal {
                check_not_asked(reading, *deal)?;
            }
            Ok((alternative, situation.role))
        })
        .await?;
    if clear.is_some() && role != Some(Role::Requester) {
        return Err(not_the_requester(None));
    }
    let verb = Verb::Accept {
        thread,
        alternative,
    };
    say(&desk, thread, verb, clear).await
}

/// The body, where an empty one says nothing.
pub(super) fn optional<T: Default + serde::de::DeserializeOwned>(
    body: &Bytes,
) -> Result<T, Problem> {
    if body.is_empty() {
        Ok(T::default())
    } else {
        json(body)
    }
}

/// Puts a word of the operator to the core. The recipient is kept before, since a Receipt may come
/// at any time after, and forgotten again where the word was refused.
async fn say(
    desk: &Desk,
    thread: ThreadId,
    verb: Verb,
    clear: Option<Shipto>,
) -> Result<Json<DealView>, Problem> {
    let kept = Kept::of(desk.about().home.root());
    let is_new = clear.is_some() && !kept.has(thread);
    keep(desk, thread, clear).await?;
    let said = made(desk, verb).await;
    if said.is_err() && is_new {
        kept.forget(thread)?;
    }
    let _made: Vec<RecordId> = said?;
    told(desk, thread).await
}

async fn reject(
    State(desk): State<Desk>,
    Named(thread): Named<ThreadId>,
) -> Result<Json<DealView>, Problem> {
    say(&desk, thread, Verb::Reject { thread }, None).await
}

async fn withdraw(
    State(desk): State<Desk>,
    Named(thread): Named<ThreadId>,
) -> Result<Json<DealView>, Problem> {
    say(&desk, thread, Verb::Withdraw { thread }, None).await
}

async fn write_off(
    State(desk): State<Desk>,
    Named(thread): Named<ThreadId>,
) -> Result<Json<DealView>, Problem> {
    let deal = open_deal(&desk, thread, "nothing to write off").await?;
    say(&desk, thread, Verb::WriteOff { deal }, None).await
}

/// As a provider: an armed leg waits no longer for the rest of its bundle.
async fn lapse(
    State(desk): State<Desk>,
    Named(thread): Named<ThreadId>,
) -> Result<Json<DealView>, Problem> {
    let deal = open_deal(&desk, thread, "nothing waits").await?;
    let verb = Verb::Bundle(Bundling::Lapse { deal });
    say(&desk, thread, verb, None).await
}

async fn open_deal(desk: &Desk, thread: ThreadId, otherwise: &str) -> Result<DealId, Problem> {
    let open = desk
        .read(move |reading| Ok(telling::situation(reading, thread)?.thread.open))
        .await?;
    open.ok_or_else(|| {
        let detail = format!("No deal of this thread is open: {otherwise}.");
        Problem::new(ApiCode::Conflict, detail)
    })
}

/// The recipient of a request, checked.
pub(super) fn clear(doc: Option<ShipToDoc>) -> Result<Option<Shipto>, Problem> {
    let clear = doc.map(|doc| doc.clear()).transpose();
    clear.map_err(|bad: BadShipTo| invalid(format!("ship_to.{bad}.")))
}

/// Where to, as far as terms say it.
pub(super) fn country(clear: &Shipto) -> String {
    match &clear.region.0 {
        Some(region) => region.as_str().to_owned(),
        None => clear.country.to_string(),
    }
}

/// Keeps a recipient for a thread.
pub(super) async fn keep(
    desk: &Desk,
    thread: ThreadId,
    clear: Option<Shipto>,
) -> Result<(), Problem> {
    let Some(clear) = clear else { return Ok(()) };
    let kept = Kept::of(desk.about().home.root());
    desk.read(move |_| Ok(kept.keep(thread, &clear)?)).await
}

impl From<KeptError> for Problem {
    fn from(error: KeptError) -> Self {
        match error {
            KeptError::TooLong => invalid(format!("ship_to: {error}.")),
            KeptError::File(_) | KeptError::Damaged(_) | KeptError::Entropy => {
                Self::new(ApiCode::Store, format!("{error}."))
            }
        }
    }
}
