//! Sourcing: what a partner asked this node for is asked of another one, on whose hold this node's
//! own is to rest. What rests on what, and how it ends, is the core's matter.

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use omni_protocol::code::Code;
use omni_protocol::deal::Deal;
use omni_protocol::hash::{DealId, PartnerId, RecordId, ThreadId};
use omni_protocol::limits::{CHAIN_DEPTH_MAX, CHAIN_MARGIN_MS, MINUTE_MS, PROPOSAL_MINUTES_MIN};
use omni_protocol::machine::{Sourcing, Verb, deal_below};
use omni_protocol::thread::{Role, Terms};

use super::naming::Named;
use super::refusing::short;
use super::{
    VALID_MINUTES, building, chains, invalid, keep, made, not_oneself, nothing_made, telling, told,
    valid_until,
};
use crate::api::offers::of_author;
use crate::api::{ApiCode, Desk, Problem, Reading, json, partner};
use crate::view::chain::{SourceAsk, SourcePlanView};
use crate::view::deal::DealView;
use crate::view::terms::{terms_view, window_doc};

const SECOND_MS: u64 = 1_000;

/// The routes of this part of the noun.
pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/v1/deals/{thread}/source", post(source))
        .route("/v1/deals/{thread}/source/plan", post(plan))
}

/// What is to be asked, and what for.
pub(in crate::api) struct Asked {
    above: Deal,
    above_terms: Terms,
    valid_minutes: u64,
    pub(in crate::api) sourcing: Sourcing,
}

async fn source(
    State(desk): State<Desk>,
    Named(thread): Named<ThreadId>,
    body: Bytes,
) -> Result<Json<DealView>, Problem> {
    let mut ask: SourceAsk = json(&body)?;
    let clear = super::clear(ask.ship_to.take())?;
    let country = clear.as_ref().map(super::country);
    let read = move |reading: &Reading| asked(reading, thread, &ask, country.as_deref());
    let Asked { sourcing, .. } = desk.read(read).await?;
    let made = said(&desk, Verb::Source(sourcing.clone()), sourcing).await?;
    let part = made.first().copied().map(ThreadId::from);
    keep(&desk, part.ok_or_else(nothing_made)?, clear).await?;
    told(&desk, thread).await
}

async fn plan(
    State(desk): State<Desk>,
    Named(thread): Named<ThreadId>,
    body: Bytes,
) -> Result<Json<SourcePlanView>, Problem> {
    let mut ask: SourceAsk = json(&body)?;
    let clear = super::clear(ask.ship_to.take())?;
    let country = clear.as_ref().map(super::country);
    let read = move |reading: &Reading| {
        let asked = asked(reading, thread, &ask, country.as_deref())?;
        Ok((plan_view(reading, thread, &asked)?, asked.sourcing))
    };
    let (plan, sourcing) = desk.read(read).await?;
    // The core judges it as it would ask for it.
    said(&desk, Verb::PlanSource(sourcing.clone()), sourcing).await?;
    Ok(Json(plan))
}

/// Puts a word about sourcing to the core. A refusal says what it means for a chain.
pub(in crate::api) async fn said(
    desk: &Desk,
    verb: Verb,
    sourcing: Sourcing,
) -> Result<Vec<RecordId>, Problem> {
    match made(desk, verb).await {
        Ok(made) => Ok(made),
        Err(problem) => {
            let told = move |reading: &Reading| Ok(in_words(reading, problem, &sourcing));
            Err(desk.read(told).await?)
        }
    }
}

/// What asking for a part would say, as far as it can be said from here.
///
/// # Errors
/// What is wrong with the words, or what the market refuses already here.
pub(in crate::api) fn asked(
    reading: &Reading,
    thread: ThreadId,
    ask: &SourceAsk,
    country: Option<&str>,
) -> Result<Asked, Problem> {
    let (id, above) = asked_for(reading, thread)?;
    let above_terms = above
        .terms(reading, &reading.network, id)
        .ok_or_else(nothing_made)?;
    let whom = partner::named(reading, ask.partner.as_deref())?;
    let partner = match (whom, ask.terms.lines.first()) {
        (Some(partner), _) => partner,
        (None, Some(line)) => building::offer(reading, line, None)?.author,
        (None, None) => return Err(invalid("lines is empty.")),
    };
    not_oneself(reading.partner, partner)?;
    let mut wanted = ask.terms.clone();
    wanted.for_chain = true;
    // Unless another slot is named, it is to be done when it was asked for.
    if wanted.slot.is_none() && wanted.window.is_none() {
        wanted.window = above_terms.conditions().window.map(window_doc);
    }
    let region = &above_terms.conditions().region;
    let region = region.0.as_ref().map(ToString::to_string);
    let country = country.map(str::to_owned).or(region);
    let wanted = std::slice::from_ref(&wanted);
    let terms = building::alternatives(reading, wanted, partner, country.as_deref())?;
    check_holds(reading, partner, &terms)?;
    let left_minutes = above.until.ms_since(reading.now()) / MINUTE_MS;
    // The core counts from its own time, which may be a moment later.
    let least = PROPOSAL_MINUTES_MIN.saturating_add(1);
    let valid_minutes = ask
        .valid_minutes
        .unwrap_or_else(|| left_minutes.clamp(least, VALID_MINUTES));
    Ok(Asked {
        sourcing: Sourcing {
            deal: id,
            partner,
            valid_until: valid_until(reading, Some(valid_minutes), (Role::Requester, false))?,
            terms: terms.into_iter().next().ok_or_else(nothing_made)?,
        },
        above,
        above_terms,
        valid_minutes,
    })
}

/// The deal of a thread that waits here for its operator, as a provider.
pub(in crate::api) fn asked_for(
    reading: &Reading,
    thread: ThreadId,
) -> Result<(DealId, Deal), Problem> {
    let situation = telling::situation(reading, thread)?;
    let conflict = |detail: &str| {
        Problem::new(ApiCode::Conflict, detail)
            .next("see where it stands: omni deal show THREAD")
            .naming("THREAD", &short(&thread))
    };
    match (situation.role, situation.deal) {
        (Some(Role::Requester), _) => Err(conflict(
            "This node requests there; it sources what a partner asked it for.",
        )),
        (_, Some(open)) if situation.thread.open == Some(open.0) => Ok(open),
        _ => Err(conflict(
            "Nobody asks there for a hold: only what a partner asked a hold for is sourced.",
        )),
    }
}

fn plan_view(
    reading: &Reading,
    thread: ThreadId,
    asked: &Asked,
) -> Result<SourcePlanView, Problem> {
    let Asked {
        above,
        above_terms,
        sourcing,
        ..
    } = asked;
    let terms = &sourcing.terms;
    let price = |terms: &Terms| Some((terms.total(), terms.currency()));
    let above_depth = above.chain.map_or(0, |chain| chain.depth);
    Ok(SourcePlanView {
        thread: thread.to_string(),
        asked_by: above.partner.to_string(),
        asked_by_name: partner::name(reading, above.partner)?,
        asked: terms_view(above_terms),
        partner: sourcing.partner.to_string(),
        name: partner::name(reading, sourcing.partner)?,
        terms: terms_view(terms),
        margin: chains::margin(price(above_terms), price(terms)),
        depth: above_depth.saturating_add(1),
        depth_max: CHAIN_DEPTH_MAX,
        valid_minutes: asked.valid_minutes,
    })
}

/// Refuses offers that are held no longer than a hold that rests on them must end before.
fn check_holds(reading: &Reading, provider: PartnerId, terms: &[Terms]) -> Result<(), Problem> {
    for line in terms.iter().flat_map(Terms::lines) {
        let item = line.item();
        let known = of_author(reading, provider, &item.sku, &item.list)?;
        let minutes = known.map_or(0, |known| known.offer.draft().hold_minutes);
        if minutes > 0 && u64::from(minutes).saturating_mul(MINUTE_MS) <= CHAIN_MARGIN_MS {
            let seconds = CHAIN_MARGIN_MS / SECOND_MS;
            let detail = format!(
                "\"{}\" is held for {minutes} min only, and what rests on a hold ends {seconds} s \
                 before it.",
                item.sku
            );
            let problem = Problem::of_market(Code::HoldOver, detail);
            return Err(problem.next("ask its provider for longer holds, or somebody else"));
        }
    }
    Ok(())
}

/// What the codes of the market mean where somebody sources a deal.
fn in_words(reading: &Reading, problem: Problem, sourcing: &Sourcing) -> Problem {
    let Some(above) = Deal::read(reading, sourcing.deal) else {
        return problem;
    };
    let thread = short(&above.thread);
    let part = deal_below(reading, &reading.network, (sourcing.deal, &above));
    let show = "see where it stands: omni deal show THREAD";
    let words = [
        (
            Code::HoldStands,
            "This node holds it already: what is sourced is asked for before.".to_owned(),
            show,
        ),
        (
            Code::InDoubt,
            "It is committed already: what is sourced is asked for before.".to_owned(),
            show,
        ),
        (
            Code::Outdated,
            "It is not asked for any more.".to_owned(),
            show,
        ),
        (
            Code::ChangesOrder,
            "It changes an order, and no part is asked for that.".to_owned(),
            "grant it from what is here: omni deal accept THREAD\nor decline it: omni deal reject THREAD",
        ),
        (
            Code::TooLarge,
            format!(
                "{CHAIN_DEPTH_MAX} deals rest on each other above it already, which is as deep as a chain \
                 may be."
            ),
            "give it from what is here, or decline it: omni deal reject THREAD",
        ),
        (
            Code::ValidityWrong,
            format!("A hold is asked for with {PROPOSAL_MINUTES_MIN} minutes to answer at least."),
            "choose another time: --valid 2h",
        ),
    ];
    if problem.is(Code::InChain) {
        return match part {
            Some((_, part)) => problem
                .detail("It is asked of a partner already, on whose hold it is to rest.")
                .next("see it: omni deal show PART\ngive that up first: omni deal reject PART")
                .naming("PART", &short(&part.thread)),
            None => problem
                .detail("Who asks this node for it can't be the one that provides it.")
                .next("name another partner: omni deal source THREAD PARTNER --sku SKU --qty QUANTITY")
                .naming("THREAD", &thread),
        };
    }
    let found = words.into_iter().find(|(code, ..)| problem.is(*code));
    match found {
        Some((_, detail, next)) => problem.detail(detail).next(next).naming("THREAD", &thread),
        None => problem,
    }
}
