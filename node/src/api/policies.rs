//! The routes about policies, by which the node sources by itself what partners ask it for, and the task
//! that carries them out. What may be asked for at all is the core's matter.

mod judging;
mod rule;
mod working;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use omni_protocol::hash::ThreadId;
use omni_protocol::machine::{Sourced, Verb};

use self::judging::{Tried, Wanted};
use self::rule::Rule;
pub use self::working::keep_sourcing;
use super::deals::naming::Named;
use super::deals::sourcing::{asked_for, said};
use super::offers::Name;
use super::{ApiCode, Call, Desk, Problem, Reading, done, json, partner, sources};
use crate::store::policy;
use crate::view::money::amount;
use crate::view::policy::{
    PoliciesView, PolicyDoc, PolicyRemovedView, PolicyTrialView, PolicyTryAsk, PolicyUse,
    PolicyUseView, PolicyView,
};
use crate::view::terms::money;
/// Policies that are kept.
const POLICIES_MAX: usize = 256;
/// Parts that are told of one policy.
const USES_MAX: usize = 100;

/// The routes of this noun.
pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/v1/policies", get(list).post(add))
        .route("/v1/policies/{name}", get(show).delete(remove))
        .route("/v1/deals/{thread}/policy", post(try_out))
}

/// For which Requests the kept policies work, for the core.
///
/// # Errors
/// `store` if the disk fails. A policy that this program can't read works for nothing.
pub fn sourced(reading: &Reading) -> Result<Vec<Sourced>, Problem> {
    let rules = all(reading)?.into_iter();
    let rules = rules.filter_map(|doc| Rule::read(reading, &doc).ok());
    Ok(rules.map(|rule| rule.works_for).collect())
}

fn all(reading: &Reading) -> Result<Vec<PolicyDoc>, Problem> {
    let kept = policy::all(&reading.ledger)?.into_iter();
    Ok(kept
        .filter_map(|bytes| serde_json::from_slice(&bytes).ok())
        .collect())
}

fn named(reading: &Reading, name: &str) -> Result<PolicyDoc, Problem> {
    let found = all(reading)?.into_iter().find(|doc| doc.name == name);
    found.ok_or_else(|| {
        let detail = format!("There is no policy \"{name}\".");
        Problem::new(ApiCode::NotFound, detail).next("see all: omni policy ls")
    })
}

async fn list(State(desk): State<Desk>) -> Result<Json<PoliciesView>, Problem> {
    let read = |reading: &Reading| {
        let views = all(reading)?.into_iter().map(|doc| view(reading, doc));
        let policies = views.collect::<Result<_, _>>()?;
        Ok(PoliciesView { policies })
    };
    desk.read(read).await.map(Json)
}

async fn show(State(desk): State<Desk>, Name(name): Name) -> Result<Json<PolicyView>, Problem> {
    let read = move |reading: &Reading| view(reading, named(reading, &name)?);
    desk.read(read).await.map(Json)
}

fn view(reading: &Reading, doc: PolicyDoc) -> Result<PolicyView, Problem> {
    let rule = Rule::read(reading, &doc)?;
    let used = judging::used(reading, &rule.name, 0)?.into_iter().rev();
    let used = used.take(USES_MAX).map(|(one, _, part)| {
        Ok(PolicyUseView {
            at_ms: one.at_ms,
            thread: one.thread,
            part: part.thread.to_string(),
            partner: part.partner.to_string(),
            name: partner::name(reading, part.partner)?,
            costs: part.currency.map(|currency| money(part.amount, currency)),
            state: part.state.name().to_owned(),
        })
    });
    let today = judging::spent(reading, &rule)?;
    Ok(PolicyView {
        names: sources::names(reading, &rule.sources)?,
        works_now: rule.works_at(reading.now().ms()),
        today: today.iter().map(amount).collect(),
        used: used.collect::<Result<_, Problem>>()?,
        policy: doc,
    })
}

async fn add(State(desk): State<Desk>, body: Bytes) -> Result<Json<PolicyView>, Problem> {
    let doc: PolicyDoc = json(&body)?;
    let _one = desk.changing_policies().await;
    let read = move |reading: &Reading| {
        let mut doc = doc;
        let rule = Rule::read(reading, &doc)?;
        rule::check_offers(reading, &rule)?;
        let all = all(reading)?;
        if all.iter().any(|known| known.name == doc.name) {
            let detail = format!("There is a policy \"{}\" already.", doc.name);
            let next =
                "look at it: omni policy show POLICY\nremove it first: omni policy rm POLICY";
            return Err(Problem::new(ApiCode::Conflict, detail)
                .next(next)
                .naming("POLICY", &doc.name));
        }
        if all.len() >= POLICIES_MAX {
            let detail = format!("{POLICIES_MAX} policies are kept, which is as many as may be.");
            return Err(Problem::new(ApiCode::Conflict, detail).next("remove one: omni policy rm"));
        }
        let mut works = sourced(reading)?;
        works.push(rule.works_for.clone());
        sources::with_ids(&mut doc.from, &rule.sources);
        Ok((doc, works))
    };
    let (doc, works) = desk.read(read).await?;
    // A struct of texts always has a JSON form.
    let bytes = serde_json::to_vec(&doc).unwrap_or_default();
    keep(&desk, (policy::key(&doc.name), Some(bytes)), works).await?;
    let name = doc.name;
    let read = move |reading: &Reading| view(reading, named(reading, &name)?);
    desk.read(read).await.map(Json)
}

async fn remove(
    State(desk): State<Desk>,
    Name(name): Name,
) -> Result<Json<PolicyRemovedView>, Problem> {
    let _one = desk.changing_policies().await;
    let wanted = name.clone();
    let read = move |reading: &Reading| {
        named(reading, &wanted)?;
        let rest = all(reading)?.into_iter().filter(|doc| doc.name != wanted);
        let rest = rest.filter_map(|doc| Rule::read(reading, &doc).ok());
        Ok(rest.map(|rule| rule.works_for).collect())
    };
    let works = desk.read(read).await?;
    keep(&desk, (policy::key(&name), None), works).await?;
    Ok(Json(PolicyRemovedView { removed: name }))
}

/// Keeps what changed, and tells the core for which Requests all policies work.
async fn keep(
    desk: &Desk,
    write: (Vec<u8>, Option<Vec<u8>>),
    works: Vec<Sourced>,
) -> Result<(), Problem> {
    let verdict = desk.ask(|reply| Call::Policies {
        write,
        works,
        reply,
    });
    done(verdict.await?).map(drop)
}

async fn try_out(
    State(desk): State<Desk>,
    Named(thread): Named<ThreadId>,
    body: Bytes,
) -> Result<Json<PolicyTrialView>, Problem> {
    let ask: PolicyTryAsk = json(&body)?;
    let read = move |reading: &Reading| {
        let doc = match (&ask.name, &ask.policy) {
            (Some(name), None) => named(reading, name)?,
            (None, Some(doc)) => doc.clone(),
            _ => {
                let detail = "Name a policy that is kept, or give one that is not.";
                return Err(Problem::new(ApiCode::Invalid, detail));
            }
        };
        let rule = Rule::read(reading, &doc)?;
        if ask.policy.is_some() {
            rule::check_offers(reading, &rule)?;
        }
        let (id, deal) = asked_for(reading, thread)?;
        let Some(wanted) = Wanted::of(reading, id) else {
            let detail = format!("Its request waits for nobody: it is {}.", deal.state.name());
            return Err(Problem::new(ApiCode::Conflict, detail).next(
                "a policy is tried where a partner asks for a hold: omni deal ls --state asked",
            ));
        };
        let why = wanted.why_not(reading, &rule);
        let tried = match why {
            Some(_) => Vec::new(),
            None => wanted.tried(reading, &rule)?,
        };
        Ok((rule.name, wanted.is_sourced(), why, tried))
    };
    let (policy, is_sourced, why, mut tried) = desk.read(read).await?;
    if !is_sourced {
        judge_first(&desk, &mut tried).await;
    }
    let fits = tried.iter().any(|one| one.outcome.is_ok());
    let would = match (is_sourced, fits) {
        (true, _) => "wait",
        (false, true) => "source",
        (false, false) => "nothing",
    };
    let views = move |reading: &Reading| {
        let sources = tried.iter().map(|one| one.view(reading));
        Ok(PolicyTrialView {
            policy,
            thread: thread.to_string(),
            would: would.to_owned(),
            why,
            sources: sources.collect::<Result<_, _>>()?,
        })
    };
    desk.read(views).await.map(Json)
}

/// Lets the core judge those that fit, in their order, until one may be asked.
async fn judge_first(desk: &Desk, tried: &mut [Tried]) {
    for one in tried {
        let Ok(sourcing) = &one.outcome else { continue };
        let verb = Verb::PlanSource(sourcing.clone());
        match said(desk, verb, sourcing.clone()).await {
            Ok(_) => return,
            Err(problem) => one.outcome = Err(sources::sentence(&problem)),
        }
    }
}

/// Which policy asked for a part, if one did.
///
/// # Errors
/// `store` if the disk fails.
pub(super) fn asked_by(reading: &Reading, part: &[u8; 32]) -> Result<Option<String>, Problem> {
    let kept = reading.ledger.read(&policy::part_key(part))?;
    let kept = kept.and_then(|bytes| serde_json::from_slice::<PolicyUse>(&bytes).ok());
    Ok(kept.map(|one| one.policy))
}
