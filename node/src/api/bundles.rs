//! The routes about bundles: putting deals together that are to be agreed all or not at all, seeing
//! what that would come to, and committing them. What decides a bundle is the core's matter.

mod changing;
mod joining;
mod members;
mod planning;
pub(super) mod telling;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use omni_protocol::code::Code;
use omni_protocol::hash::{BundleId, DealId, ThreadId};
use omni_protocol::limits::LEGS_OF_ONE_MAX;
use omni_protocol::machine::{Bundling, Draft, Input, Key, Verb};
use omni_protocol::value::Text;
use serde::Deserialize;

use super::deals::naming::Nameable;
use super::deals::optional;
use super::offers::{Name, Params, params, word};
use super::{ApiCode, Desk, Problem, Reading, json, page};
use crate::plain::quoted;
use crate::view::bundle::{
    BUNDLE_STATES, BundleAsk, BundleView, BundlesView, LegAsk, PlanView, RemoveAsk,
};
use crate::view::change::{BundleChangeAsk, BundleChangePlanView};

/// The routes of this noun.
pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/v1/bundles", get(list).post(begin))
        .route("/v1/bundles/{name}", get(show))
        .route("/v1/bundles/{name}/legs", post(add))
        .route("/v1/bundles/{name}/remove", post(remove))
        .route("/v1/bundles/{name}/plan", get(plan))
        .route("/v1/bundles/{name}/commit", post(commit))
        .route("/v1/bundles/{name}/cancel", post(cancel))
        .route("/v1/bundles/{name}/change", post(change))
        .route("/v1/bundles/{name}/change/plan", post(plan_change))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    limit: Option<String>,
    cursor: Option<String>,
    /// One of [`BUNDLE_STATES`].
    state: Option<String>,
}

async fn list(State(desk): State<Desk>, given: Params) -> Result<Json<BundlesView>, Problem> {
    let query: ListQuery = params(given)?;
    desk.read(move |reading| listed(reading, &query))
        .await
        .map(Json)
}

fn listed(reading: &Reading, query: &ListQuery) -> Result<BundlesView, Problem> {
    let limit = page::limit(query.limit.as_deref())?;
    let first = BundleId::from_bytes([0; 32]);
    let bundle = page::after(query.cursor.as_deref(), first)?;
    let state = word("state", query.state.as_deref(), &BUNDLE_STATES)?;
    let ids = reading.after(Key::Draft { bundle }).map_while(|(key, _)| {
        let Key::Draft { bundle } = key else {
            return None;
        };
        Some(bundle)
    });
    let row = |bundle: &BundleId| {
        let row = Draft::read(reading, *bundle).map(|draft| telling::row(reading, &draft));
        Ok(row.filter(|row| state.is_none_or(|state| state == row.state)))
    };
    let (bundles, next) = page::fill(ids, limit, row)?;
    Ok(BundlesView { bundles, next })
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(ApiCode::Invalid, detail)
}

async fn show(State(desk): State<Desk>, Name(name): Name) -> Result<Json<BundleView>, Problem> {
    told(&desk, name).await
}

async fn told(desk: &Desk, name: String) -> Result<Json<BundleView>, Problem> {
    let view = move |reading: &Reading| {
        let (_, draft) = telling::named(reading, &name)?;
        telling::view(reading, &draft)
    };
    desk.read(view).await.map(Json)
}

/// Puts a word about a bundle to the core. A refusal says what it means for a bundle.
async fn said(desk: &Desk, name: &str, word: Bundling) -> Result<(), Problem> {
    let made = desk.made(Input::Verb(Box::new(Verb::Bundle(word)))).await;
    made.map(drop).map_err(|problem| in_words(problem, name))
}

/// What the codes of the market mean where somebody puts a bundle together.
fn in_words(problem: Problem, name: &str) -> Problem {
    let words = [
        (
            Code::TooLarge,
            format!("A bundle has no more than 16 legs, and of one partner {LEGS_OF_ONE_MAX}."),
            "take several articles of one partner as lines of one deal",
        ),
        (
            Code::HoldUnknown,
            "Not every leg has a hold that is kept.".to_owned(),
            "see what is missing: omni bundle plan BUNDLE",
        ),
        (
            Code::HoldOver,
            "A hold has ended.".to_owned(),
            "see which: omni bundle plan BUNDLE",
        ),
        (
            Code::OtherManifest,
            "That deal is kept for another bundle, or commits by itself.".to_owned(),
            "see all: omni bundle ls",
        ),
        (
            Code::InDoubt,
            format!("\"{name}\" is committed: it waits for its partners."),
            "see what it waits for: omni bundle show BUNDLE",
        ),
        (
            Code::LegUnknown,
            "That thread is no leg of it.".to_owned(),
            "see its legs: omni bundle show BUNDLE",
        ),
        (
            Code::ValidityWrong,
            "A leg begins before another has ended that must be done first.".to_owned(),
            "see the legs and when they begin: omni bundle show BUNDLE",
        ),
        (
            Code::CoLegsRefused,
            "A hold waits for no other leg.".to_owned(),
            "see which: omni bundle plan BUNDLE",
        ),
    ];
    if problem.is(Code::Outdated) {
        let detail = format!("\"{name}\" was given up: it is over.");
        return not_now(name, detail, "begin another: omni bundle new NAME");
    }
    let found = words.into_iter().find(|(code, ..)| problem.is(*code));
    let problem = match found {
        Some((_, detail, next)) => problem.detail(detail).next(next),
        None => problem,
    };
    problem.naming("BUNDLE", &quoted(name))
}

/// Begins a bundle.
async fn begun(desk: &Desk, name: &str, word: Bundling) -> Result<(), Problem> {
    let made = desk.made(Input::Verb(Box::new(Verb::Bundle(word)))).await;
    made.map(drop).map_err(|problem| {
        if problem.is(Code::Outdated) {
            taken(name)
        } else {
            in_words(problem, name)
        }
    })
}

/// The refusal of a name that a bundle has or had.
fn taken(name: &str) -> Problem {
    let detail = format!("A bundle was called \"{name}\" before, and a name is given once.");
    not_now(name, detail, "choose another name: omni bundle new NAME")
}

/// A refusal for what a bundle is by now, with what to do besides seeing it.
fn not_now(name: &str, detail: String, next: &str) -> Problem {
    let next = format!("see it: omni bundle show BUNDLE\n{next}");
    let problem = Problem::new(ApiCode::Conflict, detail);
    problem.next(next).naming("BUNDLE", &quoted(name))
}

async fn begin(State(desk): State<Desk>, body: Bytes) -> Result<Json<BundleView>, Problem> {
    let BundleAsk { name } = json(&body)?;
    let short = Text::new(name.as_str()).map_err(|why| invalid(format!("name: {why}.")))?;
    let new = Bundling::New {
        name: short,
        changes: None,
    };
    begun(&desk, &name, new).await?;
    told(&desk, name).await
}

async fn add(
    State(desk): State<Desk>,
    Name(name): Name,
    body: Bytes,
) -> Result<Json<BundleView>, Problem> {
    let ask: LegAsk = json(&body)?;
    joining::join(&desk, &name, ask).await?;
    told(&desk, name).await
}

async fn remove(
    State(desk): State<Desk>,
    Name(name): Name,
    body: Bytes,
) -> Result<Json<BundleView>, Problem> {
    let RemoveAsk { thread } = json(&body)?;
    let of = name.clone();
    let find = move |reading: &Reading| {
        let (bundle, draft) = telling::named(reading, &of)?;
        Ok((bundle, leg_of(reading, &draft, &thread)?))
    };
    let (bundle, deal) = desk.read(find).await?;
    said(&desk, &name, Bundling::Remove { bundle, deal }).await?;
    told(&desk, name).await
}

/// The leg that a thread, or the beginning of its id, names.
fn leg_of(reading: &Reading, draft: &Draft, thread: &str) -> Result<DealId, Problem> {
    let thread = ThreadId::find(reading, thread)?;
    let legs = telling::legs(reading, draft);
    let leg = legs.into_iter().find(|leg| leg.deal.thread == thread);
    leg.map(|leg| leg.leg.deal).ok_or_else(|| {
        let problem = Problem::of_market(Code::LegUnknown, "");
        in_words(problem, draft.name.as_str())
    })
}

async fn plan(State(desk): State<Desk>, Name(name): Name) -> Result<Json<PlanView>, Problem> {
    planning::plan(&desk, name).await.map(Json)
}

async fn commit(State(desk): State<Desk>, Name(name): Name) -> Result<Json<BundleView>, Problem> {
    let of = name.clone();
    let find = move |reading: &Reading| {
        let (bundle, draft) = telling::named(reading, &of)?;
        let members = members::of(reading, &telling::legs(reading, &draft))?;
        Ok((bundle, members))
    };
    let (bundle, members) = desk.read(find).await?;
    said(&desk, &name, Bundling::Commit { bundle, members }).await?;
    told(&desk, name).await
}

async fn change(
    State(desk): State<Desk>,
    Name(name): Name,
    body: Bytes,
) -> Result<Json<BundleView>, Problem> {
    let ask: BundleChangeAsk = optional(&body)?;
    let new = changing::begin(&desk, name, ask).await?;
    told(&desk, new).await
}

async fn plan_change(
    State(desk): State<Desk>,
    Name(name): Name,
    body: Bytes,
) -> Result<Json<BundleChangePlanView>, Problem> {
    let ask: BundleChangeAsk = optional(&body)?;
    changing::plan(&desk, name, ask).await.map(Json)
}

async fn cancel(State(desk): State<Desk>, Name(name): Name) -> Result<Json<BundleView>, Problem> {
    let of = name.clone();
    let find = move |reading: &Reading| telling::named(reading, &of).map(|(bundle, _)| bundle);
    let bundle = desk.read(find).await?;
    said(&desk, &name, Bundling::Cancel { bundle }).await?;
    told(&desk, name).await
}
