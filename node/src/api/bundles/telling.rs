//! A bundle as its operator needs it: where it and each of its legs stand, what waits for whom, and
//! what may be done. It decides nothing.

use std::collections::BTreeMap;

use omni_protocol::deal::order::{Difference, Order};
use omni_protocol::deal::{Deal, State};
use omni_protocol::hash::{BundleId, DealId, PartnerId};
use omni_protocol::machine::{Bundle, Draft, DraftLeg, Ended, KnownLeg, Stage, bundle_id};
use omni_protocol::record::Signed;
use omni_protocol::thread::{HoldTerms, Terms, ThreadBody, Window};
use omni_protocol::value::{Currency, Minor, Text};

use crate::api::deals::{naming, telling};
use crate::api::failover::telling as failover;
use crate::api::{ApiCode, Problem, Reading, partner};
use crate::view::bundle::{BundleRow, BundleView, CoLegView, InBundleView, LegSaid, LegView};
use crate::view::deal::HandOverState;
use crate::view::money::MoneyView;
use crate::view::terms::{money, window_doc};

/// The bundle that is called so.
///
/// # Errors
/// `not-found`.
pub(in crate::api) fn named(reading: &Reading, name: &str) -> Result<(BundleId, Draft), Problem> {
    let absent = || {
        let detail = format!("No bundle is called \"{name}\" here.");
        Problem::new(ApiCode::NotFound, detail).next("see all: omni bundle ls")
    };
    let id = bundle_id(&Text::new(name).map_err(|_why| absent())?);
    let draft = Draft::read(reading, id).ok_or_else(absent)?;
    Ok((id, draft))
}

/// A leg of a draft with what is known of it here.
pub(in crate::api) struct Known {
    pub(in crate::api) leg: DraftLeg,
    pub(in crate::api) deal: Deal,
    pub(in crate::api) terms: Option<Terms>,
    /// What the hold says, once one is kept.
    pub(super) hold: Option<HoldTerms>,
    said: Option<KnownLeg>,
}

/// The legs of a draft whose deals are still remembered.
pub(in crate::api) fn legs(reading: &Reading, draft: &Draft) -> Vec<Known> {
    let bundle = draft.manifest.and_then(|id| Bundle::read(reading, id));
    let known = |leg: &DraftLeg| {
        let deal = Deal::read(reading, leg.deal)?;
        let alternatives = Deal::alternatives(reading, &reading.network, leg.deal);
        let said = bundle.as_ref().and_then(|bundle| {
            let mut legs = bundle.legs.iter();
            legs.find(|known| known.deal == leg.deal).copied()
        });
        Some(Known {
            leg: leg.clone(),
            terms: alternatives.into_iter().nth(usize::from(leg.alternative)),
            hold: hold_terms(reading, &deal),
            deal,
            said,
        })
    };
    draft.legs.iter().filter_map(known).collect()
}

/// What the hold of a deal says, once one is kept.
pub(in crate::api) fn hold_terms(reading: &Reading, deal: &Deal) -> Option<HoldTerms> {
    let kept: Signed<ThreadBody> = naming::record(reading, deal.hold?)?;
    if let ThreadBody::Hold(hold) = kept.body() {
        Some(hold.hold)
    } else if let ThreadBody::Proposal(proposal) = kept.body() {
        proposal.hold().copied()
    } else {
        None
    }
}

/// Where a bundle stands: one of [`BUNDLE_STATES`](crate::view::bundle::BUNDLE_STATES).
fn state(reading: &Reading, draft: &Draft, legs: &[Known]) -> &'static str {
    let bundle = draft.manifest.and_then(|id| Bundle::read(reading, id));
    let ended = bundle.as_ref().map(|bundle| bundle.ended);
    let is_written = legs.iter().any(|leg| leg.deal.state == State::Written);
    match (draft.stage, ended) {
        (Stage::Collecting, _) => "collecting",
        (Stage::Dropped, _) => "dropped",
        (Stage::Committed, Some(Some(Ended::Agreed))) => "agreed",
        // What was forgotten had been aborted.
        (Stage::Committed, Some(Some(Ended::Aborted)) | None) => "aborted",
        (Stage::Committed, Some(None)) if is_written => "written",
        (Stage::Committed, Some(None)) => "doubt",
    }
}

/// Who has to say something to a leg that is collected or in doubt.
fn waits_for(leg: &Known) -> &'static str {
    let is_unanswered = said(leg) == LegSaid::Nothing;
    let is_in_doubt = matches!(leg.deal.state, State::Doubt | State::Written);
    if leg.deal.state == State::Requested || is_in_doubt && is_unanswered {
        "them"
    } else {
        "nobody"
    }
}

/// Whether a leg lapsed.
pub(in crate::api) fn has_lapsed(leg: &Known) -> bool {
    said(leg) == LegSaid::Lapsed
}

fn said(leg: &Known) -> LegSaid {
    leg.said.as_ref().map_or(LegSaid::Nothing, said_of)
}

const fn said_of(leg: &KnownLeg) -> LegSaid {
    match (leg.lapsed, leg.refused, leg.armed) {
        (Some(_), _, _) => LegSaid::Lapsed,
        (None, Some(_), _) => LegSaid::Refused,
        (None, None, Some(_)) => LegSaid::Armed,
        (None, None, None) => LegSaid::Nothing,
    }
}

/// A bundle in a list.
pub(in crate::api) fn row(reading: &Reading, draft: &Draft) -> BundleRow {
    let legs = legs(reading, draft);
    row_of(reading, draft, &legs)
}

fn row_of(reading: &Reading, draft: &Draft, legs: &[Known]) -> BundleRow {
    let state = state(reading, draft, legs);
    let waits_for = match state {
        "collecting" if legs.iter().any(|leg| waits_for(leg) == "them") => "them",
        "collecting" => "us",
        "doubt" | "written" => "them",
        _ => "nobody",
    };
    BundleRow {
        name: draft.name.to_string(),
        state: state.to_owned(),
        waits_for: waits_for.to_owned(),
        count: u64::try_from(draft.legs.len()).unwrap_or(u64::MAX),
        totals: totals(reading, legs),
        begun_ms: draft.at.ms(),
    }
}

/// What the legs come to, one amount for each currency.
fn totals(reading: &Reading, legs: &[Known]) -> Vec<MoneyView> {
    let mut sums: BTreeMap<Currency, Vec<Minor>> = BTreeMap::new();
    let stands = |leg: &Known| match failover::stands_in(reading, leg.leg.deal) {
        Some((_, deal)) => Some((deal.amount, deal.currency?)),
        None => amount(reading, leg),
    };
    for (amount, currency) in legs.iter().filter_map(stands) {
        sums.entry(currency).or_default().push(amount);
    }
    let total = |(currency, sums): (Currency, Vec<Minor>)| {
        Minor::total(sums).map(|total| money(total, currency))
    };
    sums.into_iter().filter_map(total).collect()
}

/// What a leg comes to; of a change the difference.
fn amount(reading: &Reading, leg: &Known) -> Option<(Minor, Currency)> {
    let terms = leg.terms.as_ref()?;
    let amount = match (leg.deal.order, leg.deal.state) {
        (None, _) => terms.total(),
        (Some(_), State::Agreed) => leg.deal.amount,
        (Some(_), _) => Difference::of(reading, &reading.network, terms)?.amount,
    };
    Some((amount, terms.currency()))
}

/// A bundle with its legs.
///
/// # Errors
/// `store` if the disk fails.
pub(in crate::api) fn view(reading: &Reading, draft: &Draft) -> Result<BundleView, Problem> {
    let legs = legs(reading, draft);
    let row = row_of(reading, draft, &legs);
    let may: &[&str] = match row.state.as_str() {
        "collecting" if legs.len() > 1 && row.waits_for == "us" => {
            &["plan", "commit", "add", "cancel"]
        }
        "collecting" => &["add", "plan", "cancel"],
        "agreed" if legs.iter().any(|leg| is_open(reading, leg)) => &["amend", "cancel"],
        _ => &[],
    };
    let kept = legs.iter().filter(|leg| leg.deal.state == State::Kept);
    let commit_before = kept.map(|leg| leg.deal.until.ms()).min();
    let views = (1..).zip(&legs).map(|(number, leg)| {
        let at = (number, draft, legs.as_slice());
        leg_view(reading, leg, at)
    });
    Ok(BundleView {
        commit_before_ms: commit_before.filter(|_| row.state == "collecting"),
        legs: views.collect::<Result<_, _>>()?,
        manifest: draft.manifest.map(|manifest| manifest.to_string()),
        changes: draft
            .changes
            .and_then(|changes| Draft::read(reading, changes))
            .map(|changes| changes.name.to_string()),
        may: may.iter().map(ToString::to_string).collect(),
        row,
    })
}

/// Whether something of the order to which a leg came is still owed.
pub(in crate::api) fn is_open(reading: &Reading, leg: &Known) -> bool {
    let order = Order::read(reading, leg.leg.deal);
    order.is_some_and(|order| order.lines.iter().any(|line| line.open() > 0))
}

fn leg_view(
    reading: &Reading,
    leg: &Known,
    (number, draft, all): (u16, &Draft, &[Known]),
) -> Result<LegView, Problem> {
    let deal = &leg.deal;
    let first = leg.terms.as_ref().and_then(|terms| terms.lines().first());
    let numbered = (1..).zip(all);
    let after = numbered.filter(|(_, other)| leg.leg.after.contains(&other.leg.deal));
    let order = Order::read(reading, leg.leg.deal);
    let is_held = matches!(deal.state, State::Requested | State::Kept);
    let situation = telling::situation(reading, deal.thread);
    let hand_over = situation.map_or(HandOverState::NotNeeded, |situation| {
        telling::hand_over(reading, deal.thread, &situation)
    });
    Ok(LegView {
        number,
        thread: deal.thread.to_string(),
        deal: leg.leg.deal.to_string(),
        partner: deal.partner.to_string(),
        name: partner::name(reading, deal.partner)?,
        window: window_of(leg).map(window_doc),
        title: first.map_or_else(String::new, |line| line.item().title.to_string()),
        total: amount(reading, leg).map(|(amount, currency)| money(amount, currency)),
        change: leg
            .terms
            .as_ref()
            .and_then(|terms| terms.conditions().on)
            .map(|on| on.what.name().to_owned()),
        state: deal.state.name().to_owned(),
        order_status: order.as_ref().map(|order| order.status().name().to_owned()),
        order_version: order.map(|order| order.version),
        open: is_open(reading, leg),
        waits_for: waits_for(leg).to_owned(),
        until_ms: Some(deal.until.ms()).filter(|_| is_held),
        after: after.map(|(number, _)| number).collect(),
        arms_last: draft.last == Some(leg.leg.deal),
        said: said(leg),
        code: refusal_code(reading, deal),
        passed_on: leg.hold.is_some_and(|hold| hold.passed_on.is_some()),
        hand_over,
        failover: match failover::kept(reading, leg.leg.deal)? {
            Some(doc) => Some(failover::view(reading, &doc)?),
            None => None,
        },
    })
}

/// When a leg shall be fulfilled, where its terms say so.
pub(in crate::api) fn window_of(leg: &Known) -> Option<Window> {
    leg.terms.as_ref()?.conditions().window
}

/// Why a deal was refused, if it was.
pub(in crate::api) fn refusal_code(reading: &Reading, deal: &Deal) -> Option<String> {
    let kept = naming::record(reading, deal.decision?)?;
    if let ThreadBody::Refusal(refusal) = kept.body() {
        Some(refusal.code.name().to_owned())
    } else {
        None
    }
}

/// The bundle of which a deal is a leg, as its members know it; none for a deal alone.
///
/// # Errors
/// `store` if the disk fails.
pub(in crate::api) fn in_bundle(
    reading: &Reading,
    (id, deal): (DealId, &Deal),
) -> Result<Option<InBundleView>, Problem> {
    let known = deal.manifest.and_then(|manifest| {
        let bundle = Bundle::read(reading, manifest)?;
        Some((manifest, bundle))
    });
    let Some((manifest, bundle)) = known else {
        return Ok(None);
    };
    let co_leg = |(number, leg): (u16, &KnownLeg)| {
        Ok(CoLegView {
            number: number.saturating_add(1),
            partner: leg.provider.to_string(),
            name: partner::name(reading, leg.provider)?,
            said: said_of(leg),
            arms_last: bundle.last == Some(number),
        })
    };
    let legs: Result<Vec<_>, Problem> = bundle.numbered().map(co_leg).collect();
    let own = bundle.legs.iter().find(|leg| leg.deal == id);
    let is_ours = |provider: PartnerId| provider == reading.partner;
    let armed = own
        .filter(|leg| is_ours(leg.provider))
        .and_then(|leg| naming::record(reading, leg.armed?));
    let patience = armed
        .zip(hold_terms(reading, deal))
        .map(|(armed, hold)| armed.body().header().at.plus_ms(hold.patience_ms).ms());
    Ok(Some(InBundleView {
        manifest: manifest.to_string(),
        ended: bundle.ended.map(|ended| ended.name().to_owned()),
        legs: legs?,
        patience_until_ms: patience.filter(|_| deal.state == State::Armed),
    }))
}
