//! Failover: a leg of an own bundle that fails after the commit is bound anew with somebody else, by
//! the node itself, within the *envelope* that its operator set for it: whom to ask, what it may cost,
//! until when. Here are the routes, and what else tells of it; the task that does it is `working`.
//!
//! A leg fails when its provider cancels the order to which it came, or lapses while the bundle is
//! agreed. What its requester gave up or amended has not failed, and of a bundle that was aborted
//! nothing has. Whoever stands in is asked for a hold by a Request, and committed to when it holds: a
//! deal of its own, bound alone. A firm proposal of the requester would ask and commit in one, but it
//! is in doubt until its provider decides, however long that is silent, and then nobody else may be
//! asked. So at every moment at most one deal for a leg can come to bind: the one whose Commit is
//! signed, or else the one that is asked and not over. No signed record of the bundle changes; what
//! stands in for which leg is kept beside the ledger, in the batch of each Request and each Commit.

mod judging;
mod leg;
pub(super) mod telling;
mod working;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use omni_protocol::code::Code;
use omni_protocol::hash::DealId;
use omni_protocol::machine::{Binding, Input, Proposing, Verb};
use omni_protocol::thread::Role;
use omni_protocol::value::Time;

use self::judging::{Envelope, Tried};
use self::leg::Leg;
pub use self::working::keep_replacing;
use super::bundles::telling as bundles;
use super::deals::made;
use super::{Act, ApiCode, Call, Desk, FailoverAct, Problem, Reading, done, json, sources};
use crate::plain::quoted;
use crate::view::bundle::BundleView;
use crate::view::failover::{FailoverAsk, FailoverDoc, FailoverPlanView, FailoverView};

/// The routes of this noun.
pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/v1/bundles/{name}/legs/{leg}/failover", get(show))
        .route("/v1/bundles/{name}/legs/{leg}/failover", put(set))
        .route("/v1/bundles/{name}/legs/{leg}/failover", delete(off))
        .route("/v1/bundles/{name}/legs/{leg}/failover/plan", get(would))
        .route("/v1/bundles/{name}/legs/{leg}/failover/plan", post(plan))
}

/// A leg as an address names it: by the name of its bundle and its number.
struct At {
    bundle: String,
    leg: u16,
}

impl<S: Send + Sync> FromRequestParts<S> for At {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((bundle, leg)) = path.map_err(|e| {
            let detail = format!("The names in the address can't be read: {}.", e.body_text());
            Problem::new(ApiCode::Malformed, detail)
        })?;
        match leg.parse() {
            Ok(leg) => Ok(Self { bundle, leg }),
            Err(_) => Err(invalid(format!(
                "leg: \"{leg}\" is no number; legs are counted from 1."
            ))
            .next("see its legs: omni bundle show BUNDLE")
            .naming("BUNDLE", &quoted(&bundle))),
        }
    }
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(ApiCode::Invalid, detail)
}

fn conflict(detail: impl Into<String>) -> Problem {
    Problem::new(ApiCode::Conflict, detail)
}

async fn show(State(desk): State<Desk>, at: At) -> Result<Json<FailoverView>, Problem> {
    told(&desk, at).await
}

async fn told(desk: &Desk, at: At) -> Result<Json<FailoverView>, Problem> {
    let read = move |reading: &Reading| {
        let leg = Leg::named(reading, &at.bundle, at.leg)?;
        let doc = telling::kept(reading, leg.deal())?.ok_or_else(|| nothing_set(&leg))?;
        telling::view(reading, &doc)
    };
    desk.read(read).await.map(Json)
}

fn nothing_set(leg: &Leg) -> Problem {
    let detail = format!("Leg {} of \"{}\" has no envelope.", leg.number, leg.bundle);
    Problem::new(ApiCode::NotFound, detail)
        .next("set one: omni bundle failover BUNDLE LEG --from PARTNER --most AMOUNT")
        .naming("BUNDLE", &quoted(&leg.bundle))
        .naming("LEG", &leg.number.to_string())
}

async fn set(State(desk): State<Desk>, at: At, body: Bytes) -> Result<Json<FailoverView>, Problem> {
    let ask: FailoverAsk = json(&body)?;
    {
        let _one = desk.changing_failovers().await;
        let (bundle, number) = (at.bundle.clone(), at.leg);
        let read = move |reading: &Reading| {
            let leg = Leg::named(reading, &bundle, number)?;
            let before = telling::kept(reading, leg.deal())?;
            Ok((leg.deal(), new_doc(reading, &leg, (ask, before))?))
        };
        let (leg, doc) = desk.read(read).await?;
        keep(&desk, leg, Some(doc)).await?;
    }
    told(&desk, at).await
}

/// What is kept of a leg with a new envelope. Whom the one before had asked may be asked again.
fn new_doc(
    reading: &Reading,
    leg: &Leg,
    (mut ask, before): (FailoverAsk, Option<FailoverDoc>),
) -> Result<FailoverDoc, Problem> {
    leg.check_settable(reading)?;
    if let Some(before) = &before {
        check_free(reading, leg, before)?;
    }
    let articles = leg.articles(reading, before.as_ref())?;
    let envelope = Envelope::read(reading, &ask)?;
    envelope.check_for(reading, leg, &articles)?;
    sources::with_ids(&mut ask.from, &envelope.sources);
    let asked = before.map(|before| before.asked).unwrap_or_default();
    Ok(FailoverDoc {
        bundle: leg.bundle.clone(),
        leg: leg.number,
        envelope: ask,
        articles,
        failed: None,
        before: u64::try_from(asked.len()).unwrap_or(u64::MAX),
        asked,
        ended: None,
        done_at_ms: None,
    })
}

/// Refuses to change the envelope of a leg that somebody is asked to replace, or replaced.
fn check_free(reading: &Reading, leg: &Leg, doc: &FailoverDoc) -> Result<(), Problem> {
    let number = leg.number;
    let show = |problem: Problem| {
        let next = "see where it stands: omni bundle failover BUNDLE LEG";
        let problem = problem.next(next).naming("LEG", &number.to_string());
        problem.naming("BUNDLE", &quoted(&leg.bundle))
    };
    if telling::replacing(reading, doc).is_some() {
        let detail = format!("Somebody stands in for leg {number}: that order is one of its own.");
        return Err(show(conflict(detail)));
    }
    if telling::live(reading, doc).is_some() {
        let detail = format!("Somebody is asked to stand in for leg {number} just now.");
        let problem = conflict(detail);
        return Err(show(problem).next(format!(
            "see where it stands: omni bundle failover {bundle} {number}\n\
             end that first: omni bundle failover {bundle} {number} --off",
            bundle = quoted(&leg.bundle)
        )));
    }
    Ok(())
}

/// Keeps what changed of a leg's failover, or forgets it.
async fn keep(desk: &Desk, leg: DealId, doc: Option<FailoverDoc>) -> Result<(), Problem> {
    let news = None;
    let act = Box::new(Act::Failover(Box::new(FailoverAct { leg, doc, news })));
    let verb = None;
    let verdict = desk.ask(|reply| Call::ByItself { verb, act, reply });
    done(verdict.await?).map(drop)
}

async fn off(State(desk): State<Desk>, at: At) -> Result<Json<BundleView>, Problem> {
    let _one = desk.changing_failovers().await;
    let (bundle, number) = (at.bundle.clone(), at.leg);
    let read = move |reading: &Reading| {
        let leg = Leg::named(reading, &bundle, number)?;
        let doc = telling::kept(reading, leg.deal())?.ok_or_else(|| nothing_set(&leg))?;
        if telling::replacing(reading, &doc).is_some() {
            check_free(reading, &leg, &doc)?;
        }
        Ok((leg.deal(), telling::live(reading, &doc).map(|(id, _)| id)))
    };
    let (leg, live) = desk.read(read).await?;
    if let Some(deal) = live {
        let verb = Box::new(Verb::Cancel { deal });
        desk.made(Input::Verb(verb)).await.map_err(in_words)?;
    }
    keep(&desk, leg, None).await?;
    let view = move |reading: &Reading| {
        let (_, draft) = bundles::named(reading, &at.bundle)?;
        bundles::view(reading, &draft)
    };
    desk.read(view).await.map(Json)
}

/// Why what is asked for a leg can't be given back now.
fn in_words(problem: Problem) -> Problem {
    if problem.is(Code::InDoubt) {
        return problem
            .detail("This node has committed to who was asked, and only that partner decides now.")
            .next("see what it waits for: omni deal ls --waits-for them");
    }
    problem
}

async fn plan(
    State(desk): State<Desk>,
    at: At,
    body: Bytes,
) -> Result<Json<FailoverPlanView>, Problem> {
    let ask: FailoverAsk = json(&body)?;
    planned(&desk, at, Some(ask)).await.map(Json)
}

async fn would(State(desk): State<Desk>, at: At) -> Result<Json<FailoverPlanView>, Problem> {
    planned(&desk, at, None).await.map(Json)
}

/// What an envelope would come to: the one that is kept, or another.
async fn planned(
    desk: &Desk,
    at: At,
    ask: Option<FailoverAsk>,
) -> Result<FailoverPlanView, Problem> {
    let (bundle, number) = (at.bundle.clone(), at.leg);
    let read = move |reading: &Reading| {
        let leg = Leg::named(reading, &bundle, number)?;
        let kept = telling::kept(reading, leg.deal())?;
        let doc = match ask {
            Some(ask) => new_doc(reading, &leg, (ask, kept))?,
            None => kept.ok_or_else(|| nothing_set(&leg))?,
        };
        Ok((judging::tried(reading, &leg, &doc)?, reading.now()))
    };
    let (mut tried, now) = desk.read(read).await?;
    judge_first(desk, &mut tried, now).await;
    let view = move |reading: &Reading| {
        let leg = Leg::named(reading, &at.bundle, at.leg)?;
        judging::plan(reading, &leg, tried)
    };
    desk.read(view).await
}

/// Lets the core judge those that fit, in their order, until one may be asked. Of a partner that has not
/// greeted this run of the node it says nothing.
async fn judge_first(desk: &Desk, tried: &mut [Tried], now: Time) {
    for one in tried {
        let Ok(terms) = &one.outcome else { continue };
        let verb = Verb::PlanPropose(Proposing {
            partner: one.partner,
            thread: None,
            role: Role::Requester,
            binding: Binding::Firm,
            valid_until: sources::valid_until(now, 0),
            alternatives: vec![terms.clone()],
        });
        match made(desk, verb).await {
            Err(problem) if !sources::is_passing(&problem) => {
                one.outcome = Err(sources::sentence(&problem));
            }
            Ok(_) | Err(_) => return,
        }
    }
}
