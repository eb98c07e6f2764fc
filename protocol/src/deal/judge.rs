//! Whether terms are fit (SPEC.md section 12, 'judged unfit'): meaning, offer, price, quantity,
//! method and region, trust, credit, holds, stock and slots, in this order. It only reads.

use alloc::vec::Vec;

use super::{
    Holder, Side, change, credit, holds, negotiation::Thread, reservation, stock, timetable,
};
use crate::{
    bundle::Backing,
    code::Code,
    hash::{DealId, PartnerId},
    limits::{
        CLOCK_AHEAD_MS_MAX, DAY_MS, HOLD_MINUTES_MAX, MINUTE_MS, PROPOSAL_DAYS_MAX,
        PROPOSAL_MINUTES_MIN,
    },
    machine::{Approval, Case, GrantTerms, Standing, Strangers, Trial, kept_record, own_offer},
    public::Offer,
    record::Signed,
    thread::{ChangeWhat, HoldTerms, Line, Proposal, Request, Role, Terms, ThreadBody},
    value::Time,
};

/// Whether the price was granted before, or is judged by the offer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Price {
    /// An own proposal or the operator granted it.
    Granted,
    /// The offer grants it, or not.
    Listed,
}

/// What an offer grants of the own stock.
const LISTED: (Price, Backing) = (Price::Listed, Backing::Stock);
/// What was granted of the own stock.
pub(crate) const GRANTED: (Price, Backing) = (Price::Granted, Backing::Stock);

/// Judges a Request.
pub(crate) fn request(
    trial: &Trial<'_>,
    case: Case<'_>,
    request: &Request,
    thread: Option<&Thread>,
) -> Result<(), Code> {
    validity(trial, case.header().at, request.valid_until)?;
    let price = match &request.proposal {
        None => Price::Listed,
        Some(choice) => {
            let stands = thread.and_then(|thread| thread.standing);
            if stands.is_none_or(|stands| stands.proposal != choice.proposal || stands.firm) {
                return Err(Code::OfferUnknown);
            }
            let network = trial.machine.config.network;
            let kept = kept_record(&trial.view, &network, choice.proposal);
            let Some(ThreadBody::Proposal(proposal)) = kept.as_ref().map(Signed::body) else {
                return Err(Code::OfferUnknown);
            };
            if proposal.role() != Role::Provider
                || proposal.alternative(choice.alternative) != Some(&request.terms)
            {
                return Err(Code::OfferUnknown);
            }
            if trial.at() > proposal.valid_until() {
                return Err(Code::ValidityOver);
            }
            Price::Granted
        }
    };
    let terms = core::slice::from_ref(&request.terms);
    fit(trial, (case.from, None), terms, (price, Backing::Stock))
}

/// Judges a firm proposal of the requester as far as its meaning goes; what the operator may still
/// grant is not judged.
pub(crate) fn meaning_of(
    trial: &Trial<'_>,
    case: Case<'_>,
    proposal: &Proposal,
) -> Result<(), Code> {
    may_begin(trial, case.from)?;
    meaning(trial, case.header().at, proposal)?;
    for terms in proposal.alternatives() {
        change_of(trial, (case.from, Side::Provider), None, terms)?;
    }
    Ok(())
}

/// Whether new deals are begun with this partner at all.
pub(crate) fn may_begin(trial: &Trial<'_>, partner: PartnerId) -> Result<(), Code> {
    match GrantTerms::read(&trial.view, partner).standing {
        Standing::Blocked | Standing::Onlooker => Err(Code::NotTrusted),
        Standing::Quarantined => Err(Code::Quarantined),
        Standing::Stranger | Standing::Partner => Ok(()),
    }
}

/// Whether the policy accepts a firm proposal of the requester without the operator: its first
/// alternative fits an offer and the policy says so, or the order's terms grant the change.
pub(crate) fn accepts(trial: &Trial<'_>, case: Case<'_>, proposal: &Proposal) -> bool {
    let [terms] = proposal.alternatives() else {
        return false;
    };
    if terms.conditions().on.is_some() {
        return is_granted(trial, terms);
    }
    trial.machine.config.policy.proposals == Approval::Given
        && fit(trial, (case.from, None), proposal.alternatives(), LISTED).is_ok()
}

/// Whether these terms change an order as its own terms grant it.
pub(crate) fn is_granted(trial: &Trial<'_>, terms: &Terms) -> bool {
    let network = trial.machine.config.network;
    change::is_granted(&trial.view, &network, terms, trial.at())
}

/// Judges the form of a proposal's content: validity and totals.
pub(crate) fn meaning(trial: &Trial<'_>, at: Time, proposal: &Proposal) -> Result<(), Code> {
    if proposal.hold().is_some() {
        hold_end(at, proposal.valid_until())?;
    } else {
        validity(trial, at, proposal.valid_until())?;
    }
    let mut alternatives = proposal.alternatives().iter();
    let currency = alternatives.clone().next().map(Terms::currency);
    if alternatives.all(|terms| terms.totals_hold() && Some(terms.currency()) == currency) {
        Ok(())
    } else {
        Err(Code::TotalsDiffer)
    }
}

/// Judges what the operator accepts: the operator's word grants the price.
pub(crate) fn accepted(
    trial: &Trial<'_>,
    (partner, deal): (PartnerId, DealId),
    terms: &Terms,
) -> Result<(), Code> {
    let on = terms.conditions().on;
    if on.is_some_and(|on| on.what == ChangeWhat::Cancel) {
        return change_of(trial, (partner, Side::Provider), Some(deal), terms);
    }
    fit(
        trial,
        (partner, Some(deal)),
        core::slice::from_ref(terms),
        GRANTED,
    )
}

/// Judges what another partner is to hold for this node, which holds it for `partner` in turn.
pub(crate) fn sourced(trial: &Trial<'_>, partner: PartnerId, terms: &Terms) -> Result<(), Code> {
    let how = (Price::Granted, Backing::Parts);
    fit(trial, (partner, None), core::slice::from_ref(terms), how)
}

/// What a hold of this node's own promises to a partner: for a bundle it waits as the policy says,
/// but for strangers for nobody.
pub(crate) fn hold_terms(trial: &Trial<'_>, partner: PartnerId, until: Time) -> HoldTerms {
    let alone = HoldTerms::alone(until);
    if stock::holder(&trial.view, partner) == Holder::Stranger {
        return alone;
    }
    let waits = &trial.machine.config.policy.waits;
    HoldTerms {
        patience_ms: waits.patience_ms,
        co_legs: waits.co_legs,
        arm_last: waits.arm_last,
        ..alone
    }
}

/// A proposal is valid for at least so long and at most so long after its author's ledger time,
/// which lies at most so far ahead of this node's.
pub(crate) fn validity(trial: &Trial<'_>, at: Time, until: Time) -> Result<(), Code> {
    let least = at.plus_ms(PROPOSAL_MINUTES_MIN * MINUTE_MS);
    let most = at.plus_ms(PROPOSAL_DAYS_MAX * DAY_MS);
    let ahead = at.ms_since(trial.at()) > CLOCK_AHEAD_MS_MAX;
    if until < least || until > most || ahead {
        return Err(Code::ValidityWrong);
    }
    Ok(())
}

/// A hold ends after its author's ledger time, and not too long after.
pub(crate) fn hold_end(at: Time, until: Time) -> Result<(), Code> {
    if until < at || until > at.plus_ms(u64::from(HOLD_MINUTES_MAX) * MINUTE_MS) {
        return Err(Code::ValidityWrong);
    }
    Ok(())
}

/// Judges a change of an order; what changes none is fit.
pub(crate) fn change_of(
    trial: &Trial<'_>,
    with: (PartnerId, Side),
    deal: Option<DealId>,
    terms: &Terms,
) -> Result<(), Code> {
    let network = trial.machine.config.network;
    change::judge(&trial.view, &network, with, (deal, terms))
}

/// Judges terms that this node is to provide to `partner`, as the deal by which they are open if
/// they are: all alternatives must be fit, and the largest must be there.
pub(crate) fn fit(
    trial: &Trial<'_>,
    (partner, deal): (PartnerId, Option<DealId>),
    alternatives: &[Terms],
    (price, backing): (Price, Backing),
) -> Result<(), Code> {
    if !alternatives.iter().all(Terms::totals_hold) {
        return Err(Code::TotalsDiffer);
    }
    let mut judged = Vec::new();
    for terms in alternatives {
        change_of(trial, (partner, Side::Provider), deal, terms)?;
        judged.push((terms, lines(trial, partner, terms, price)?));
    }
    may_begin(trial, partner)?;
    let strangers = trial.machine.config.policy.strangers;
    let holder = stock::holder(&trial.view, partner);
    if holder == Holder::Stranger && strangers == Strangers::HoldNothing {
        return Err(Code::NotTrusted);
    }
    let network = trial.machine.config.network;
    let (amount, reserved) = reservation(&trial.view, &network, alternatives);
    if let Some(first) = alternatives.first() {
        credit::may_owe_us(&trial.view, partner, first.currency(), amount)?;
    }
    holds::may_hold(&trial.view, partner, trial.at())?;
    if backing == Backing::Parts {
        return Ok(());
    }
    for (terms, lines) in &judged {
        timetable::judge(trial, terms, lines)?;
    }
    for one in &*reserved {
        let mut lines = judged.iter().flat_map(|(_, lines)| lines);
        let increment = lines
            .find(|(_, offer)| offer.subject() == one.subject)
            .map_or(1, |(_, offer)| offer.draft().increment.get());
        let rule = (strangers, increment);
        stock::may_hold(&trial.view, one, holder, rule)?;
    }
    Ok(())
}

/// Judges each line by the own offer that stands for its article; of a change the lines that take
/// more than the order has, whose price is the operator's to grant.
fn lines<'t>(
    trial: &Trial<'_>,
    partner: PartnerId,
    terms: &'t Terms,
    price: Price,
) -> Result<Vec<(&'t Line, Offer)>, Code> {
    let network = trial.machine.config.network;
    let is_listed = price == Price::Listed && terms.conditions().on.is_none();
    let mut lines = Vec::new();
    for line in change::to_cover(&trial.view, &network, terms) {
        let item = line.item();
        let subject = stock::subject_of(item).ok_or(Code::OfferUnknown)?;
        let (_, offer) =
            own_offer(&trial.view, &network, subject, trial.at()).ok_or(Code::OfferUnknown)?;
        let draft = offer.draft();
        let for_others = !draft.audience.is_empty() && !draft.audience.contains(&partner);
        if for_others || draft.unit != item.unit {
            return Err(Code::OfferUnknown);
        }
        if is_listed {
            let listed = offer.price_for(item.steps).line_total(item.steps);
            if draft.currency != terms.currency() || listed.is_none_or(|least| line.total() < least)
            {
                return Err(Code::PriceRefused);
            }
        }
        lines.push((line, offer));
    }
    for (line, offer) in &lines {
        if !line.item().steps.is_multiple_of(offer.draft().increment) {
            return Err(Code::QuantityStep);
        }
    }
    for (line, offer) in &lines {
        let draft = offer.draft();
        if !(draft.minimum..=draft.maximum).contains(&line.item().steps) {
            return Err(Code::QuantityRange);
        }
    }
    let conditions = terms.conditions();
    let is_served = |offer: &Offer| offer.serves(conditions.method, &conditions.region);
    if !lines.iter().all(|(_, offer)| is_served(offer)) {
        return Err(Code::NotServed);
    }
    Ok(lines)
}

/// For how long a hold on these terms is given: the shortest that an offer says, else the policy's.
pub(crate) fn hold_ms(trial: &Trial<'_>, terms: &Terms) -> u64 {
    let network = trial.machine.config.network;
    let offered = terms
        .lines()
        .iter()
        .filter_map(|line| stock::subject_of(line.item()))
        .filter_map(|subject| own_offer(&trial.view, &network, subject, trial.at()))
        .map(|(_, offer)| offer.draft().hold_minutes)
        .filter(|minutes| *minutes > 0)
        .min();
    let minutes = offered.unwrap_or(trial.machine.config.policy.hold_minutes);
    u64::from(minutes.min(HOLD_MINUTES_MAX)) * MINUTE_MS
}
