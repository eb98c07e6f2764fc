//! The failover of a leg told: where it stands, whom the node asked, and what stands in for the leg. It
//! decides nothing.

use omni_protocol::deal::order::Order;
use omni_protocol::deal::{Deal, State};
use omni_protocol::hash::{DealId, RecordId, ThreadId};

use super::conflict;
use super::judging::Envelope;
use super::leg::Leg;
use crate::api::deals::{naming, telling};
use crate::api::orders::taking_back::taken_back;
use crate::api::{Problem, Reading, partner, sources};
use crate::plain::quoted;
use crate::store::failover;
use crate::view::deal::HandOverState;
use crate::view::failover::{AskedDoc, AskedView, FailoverDoc, FailoverView, OfFailoverView};
use crate::view::terms::money;

/// What is kept of the failover of the leg with this deal.
///
/// # Errors
/// `store` if the disk fails.
pub(in crate::api) fn kept(reading: &Reading, leg: DealId) -> Result<Option<FailoverDoc>, Problem> {
    let leg = RecordId::from(leg);
    let mut kept = reading.ledger.read(&failover::key(leg.as_bytes()))?;
    if kept.is_none() {
        kept = reading.ledger.read(&failover::done_key(leg.as_bytes()))?;
    }
    Ok(kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// The leg in whose place a deal was asked for.
fn leg_of(reading: &Reading, deal: DealId) -> Result<Option<DealId>, Problem> {
    let key = failover::asked_key(RecordId::from(deal).as_bytes());
    let kept = reading.ledger.read(&key)?;
    let leg = kept.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    Ok(leg.map(DealId::from_bytes))
}

/// A deal that was asked for.
pub(super) fn deal_of(reading: &Reading, asked: &AskedDoc) -> Option<(DealId, Deal)> {
    let id = DealId::from(asked.deal.parse::<RecordId>().ok()?);
    Some((id, Deal::read(reading, id)?))
}

/// Whether nothing is left to do for a leg, and nothing can be again: its failover ended, nothing that
/// was asked for it is open, and who stands in has fulfilled.
pub(super) fn is_done(reading: &Reading, doc: &FailoverDoc) -> bool {
    let asked = doc.asked.iter().filter_map(|asked| deal_of(reading, asked));
    let has_fulfilled = |id| {
        Order::read(reading, id).is_some_and(|order| {
            order.completed.is_some() || order.lines.iter().all(|line| line.open() == 0)
        })
    };
    let is_over = |(id, deal): (DealId, Deal)| {
        deal.state == State::Aborted || deal.state == State::Agreed && has_fulfilled(id)
    };
    doc.ended.is_some() && asked.into_iter().all(is_over)
}

/// The deal that is asked for now, or committed to and not decided.
pub(super) fn live(reading: &Reading, doc: &FailoverDoc) -> Option<(DealId, Deal)> {
    let last = doc.asked.last().filter(|asked| asked.over.is_none())?;
    deal_of(reading, last).filter(|(_, deal)| deal.state != State::Agreed)
}

/// The deal that stands in for the leg.
pub(super) fn replacing(reading: &Reading, doc: &FailoverDoc) -> Option<(DealId, Deal)> {
    let last = doc.asked.last().filter(|asked| asked.over.is_none())?;
    deal_of(reading, last).filter(|(_, deal)| deal.state == State::Agreed)
}

/// Where it stands: one of [`FAILOVER_STATES`](crate::view::failover::FAILOVER_STATES).
fn state(reading: &Reading, doc: &FailoverDoc) -> &'static str {
    let live = live(reading, doc).map(|(_, deal)| deal.state);
    // What was kept for the leg goes on first.
    if replacing(reading, doc).is_some() {
        return match doc.ended {
            Some(_) => "replaced",
            None => "committed",
        };
    }
    match (live, &doc.failed, doc.ended.as_deref()) {
        (Some(State::Doubt | State::Written), ..) => "committed",
        (Some(_), ..) => "asking",
        (None, _, Some("nobody")) => "nobody",
        (None, _, Some("over")) => "over",
        (None, Some(_), _) => "asking",
        (None, None, _) => "set",
    }
}

/// The failover of a leg.
///
/// # Errors
/// `store` if the disk fails.
pub(in crate::api) fn view(reading: &Reading, doc: &FailoverDoc) -> Result<FailoverView, Problem> {
    let envelope = Envelope::read(reading, &doc.envelope)?;
    let replacing = replacing(reading, doc);
    let (mut total, mut hand_over) = (None, HandOverState::NotNeeded);
    if let Some((_, deal)) = &replacing {
        let situation = telling::situation(reading, deal.thread)?;
        hand_over = telling::hand_over(reading, deal.thread, &situation);
        total = deal.currency.map(|currency| money(deal.amount, currency));
    }
    let asked = doc.asked.iter();
    let asked = asked.map(|asked| asked_view(reading, asked));
    Ok(FailoverView {
        bundle: doc.bundle.clone(),
        leg: doc.leg,
        names: sources::names(reading, &envelope.sources)?,
        envelope: doc.envelope.clone(),
        state: state(reading, doc).to_owned(),
        failed: doc.failed.clone(),
        asked: asked.collect::<Result<_, _>>()?,
        order: replacing.map(|(_, deal)| deal.thread.to_string()),
        total,
        hand_over,
    })
}

fn asked_view(reading: &Reading, asked: &AskedDoc) -> Result<AskedView, Problem> {
    let deal = deal_of(reading, asked).map(|(_, deal)| deal);
    let deal = deal.as_ref();
    let whom = asked.partner.parse().ok();
    let name = whom.map(|whom| partner::name(reading, whom)).transpose()?;
    Ok(AskedView {
        partner: asked.partner.clone(),
        name: name.flatten(),
        thread: deal.map(|deal| deal.thread.to_string()),
        costs: deal.and_then(|deal| Some(money(deal.amount, deal.currency?))),
        state: deal.map(|deal| deal.state.name().to_owned()),
        at_ms: asked.at_ms,
        until_ms: asked.until_ms,
        over: asked.over.clone(),
    })
}

/// The deal that stands in for the leg with this deal.
pub(in crate::api) fn stands_in(reading: &Reading, leg: DealId) -> Option<(DealId, Deal)> {
    let doc = kept(reading, leg).ok().flatten()?;
    replacing(reading, &doc)
}

/// Of which leg's failover a deal is a part: as the leg, or as what was asked in its place.
///
/// # Errors
/// `store` if the disk fails.
pub(in crate::api) fn of_deal(
    reading: &Reading,
    deal: DealId,
) -> Result<Option<OfFailoverView>, Problem> {
    let leg = leg_of(reading, deal)?.unwrap_or(deal);
    let (Some(doc), Some(of)) = (kept(reading, leg)?, Deal::read(reading, leg)) else {
        return Ok(None);
    };
    Ok(Some(OfFailoverView {
        thread: of.thread.to_string(),
        state: state(reading, &doc).to_owned(),
        order: replacing(reading, &doc).map(|(_, deal)| deal.thread.to_string()),
        bundle: doc.bundle,
        leg: doc.leg,
    }))
}

/// Refuses to let the operator commit to what the node asked for in place of a leg: it commits by
/// itself, or has given it up and asked somebody else.
///
/// # Errors
/// `conflict`.
pub(in crate::api) fn check_not_asked(reading: &Reading, deal: DealId) -> Result<(), Problem> {
    let is_open = |deal: Deal| matches!(deal.state, State::Requested | State::Kept);
    let open = Deal::read(reading, deal).is_some_and(is_open);
    let Some(leg) = leg_of(reading, deal)?.filter(|_| open) else {
        return Ok(());
    };
    let Some(doc) = kept(reading, leg)? else {
        return Ok(());
    };
    let (bundle, leg) = (&doc.bundle, doc.leg);
    let detail = format!(
        "This node asked for it by itself in place of leg {leg} of \"{bundle}\", and commits to one \
         partner for that, or to none."
    );
    Err(conflict(detail)
        .next("see where that stands: omni bundle failover BUNDLE LEG")
        .naming("BUNDLE", &quoted(bundle))
        .naming("LEG", &leg.to_string()))
}

/// Whether who receives what a thread was to bring may still have to be handed over to somebody else:
/// the leg has an envelope, it or who stood in for it has failed, and nobody stands in yet.
///
/// # Errors
/// `store` if the disk fails.
pub(in crate::api) fn may_need_recipient(
    reading: &Reading,
    thread: ThreadId,
) -> Result<bool, Problem> {
    for deal in naming::deals_of(reading, thread) {
        let id = leg_of(reading, deal)?.unwrap_or(deal);
        let Some(doc) = kept(reading, id)? else {
            continue;
        };
        let leg = Leg::of_doc(reading, id, &doc);
        let has_failed = leg.is_some_and(|leg| leg.failure(reading).is_some());
        let again = || replacing(reading, &doc).is_some_and(|(id, _)| has_failed_too(reading, id));
        if doc.ended.is_none() && has_failed || again() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a deal that stood in was taken back by its provider.
pub(super) fn has_failed_too(reading: &Reading, deal: DealId) -> bool {
    taken_back(reading, deal).is_some()
}
