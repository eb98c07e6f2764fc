//! The provider's legs: which cell of the first table of SPEC.md section 20 a record, a pulse, a
//! greeting or the operator meets. What the cell says is carried out in `carry`.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named has no part here"
)]

use alloc::vec::Vec;

use super::{
    Bundle, Ended, KnownLeg,
    carry::{self, At, Said},
    epoch, parts,
    receive::Word,
    unknown,
};
use crate::{
    bundle::{
        Act, Backing, Greeted, LegFacts, LegInput, LegState, Manifest, Naming, Place, ProviderLeg,
        Span, Turn,
    },
    code::Code,
    deal::{Deal, State},
    hash::{DealId, ManifestId, PartnerId},
    ledger::Payload,
    machine::{Case, GrantTerms, Key, No, Standing, Stop, Trial, View as _, chain, kept_record},
    thread::{CoLegs, HoldTerms, ThreadBody},
    value::Time,
};

/// A leg as it stands at this moment.
pub(super) struct Leg {
    pub(super) at: At,
    pub(super) leg: ProviderLeg,
    pub(super) facts: LegFacts,
    pub(super) place: Place,
}

/// The first manifest that names holds of this node's own, or another one.
pub(super) fn manifest(trial: &mut Trial<'_>, case: Case<'_>) -> Result<Said, No> {
    let id = ManifestId::from(case.id());
    let Some(body) = carry::manifest_in(case.record()) else {
        return Ok(Said::All);
    };
    let requester = case.record().author();
    let own = trial.machine.config.partner;
    let bundle = Bundle::of(requester, body).ok_or(Code::Malformed)?;
    let known = |leg: &KnownLeg| {
        let is_known = unknown::is_known(&trial.view, requester, leg);
        Deal::read(&trial.view, leg.deal).filter(|_| is_known)
    };
    let legs = bundle.of_provider(own);
    let legs: Vec<_> = legs
        .map(|(number, leg)| (number, leg, known(leg)))
        .collect();
    let lacks_one = legs.iter().any(|(.., deal)| deal.is_none());
    let lacks_all = legs.iter().all(|(.., deal)| deal.is_none());
    // Who asks to arm shows all holds that it has; who says what it knows has none to show.
    let shows_none = lacks_one && epoch::says_what_it_knows(trial, case);
    if (shows_none || lacks_all) && unknown::may_be_lost(trial, case, &bundle) {
        trial.keep(case);
        return Ok(unknown::lost(trial, case, &bundle));
    }
    if shows_none || lacks_one && case.from != requester {
        return Err(No::Unanswered);
    }
    let mut cells = Vec::new();
    for (number, leg, deal) in legs {
        let Some(deal) = deal else { continue };
        if case.from == requester {
            trial.spoken(leg.deal, &deal);
        }
        let mut standing = stand(trial, (id, body, &bundle), number).ok_or(No::Unanswered)?;
        if lacks_one {
            // It waits for no leg that both sides lost.
            standing.facts.fit = Err(Code::CoLegsRefused);
        }
        let input = match deal.manifest {
            // One proof is enough: what else it signs over this hold is not kept.
            Some(other) if other != id && is_quarantined(trial, requester) => {
                return Err(Code::OtherManifest.into());
            }
            Some(other) if other != id => LegInput::OtherManifest,
            Some(_) | None => LegInput::Manifest(standing.place),
        };
        let (_, acts) = standing.leg.step(input, &standing.facts);
        if acts.contains(&Act::Reject(Code::HoldUnknown)) {
            // One that was lost here comes with the Manifest when that is asked.
            return Err(if epoch::says_what_it_knows(trial, case) {
                No::Unanswered
            } else {
                Code::HoldUnknown.into()
            });
        }
        cells.push((standing.at, input, acts));
    }
    if lacks_one && cells.is_empty() {
        return Err(Code::HoldUnknown.into());
    }
    trial.keep(case);
    // Where one of them refuses, the others have nothing to arm for.
    cells.sort_by_key(|(_, _, acts)| !acts.iter().any(|act| matches!(act, Act::Refusal(_))));
    let mut said = Said::All;
    for (at, input, acts) in cells {
        said = said.max(carry::out(trial, Some(case), (&at, input), acts)?);
    }
    Ok(said)
}

/// A manifest that is known comes again, from a member that may lack what followed.
pub(super) fn manifest_again(trial: &mut Trial<'_>, case: Case<'_>) -> Result<Said, No> {
    let id = ManifestId::from(case.id());
    let Some(body) = carry::manifest_in(case.record()) else {
        return Ok(Said::All);
    };
    let mut said = Said::All;
    let legs = u16::try_from(body.legs().len()).or(Err(Code::Malformed))?;
    for number in 0..legs {
        // What one own leg says may end the others.
        let Some(bundle) = Bundle::read(&trial.view, id) else {
            return Ok(said);
        };
        let own = trial.machine.config.partner;
        let Some(leg) = bundle.leg(number).filter(|leg| leg.provider == own) else {
            continue;
        };
        let is_known = unknown::is_known(&trial.view, bundle.requester, leg);
        if let Some(said) = leg.refused.or(leg.armed.filter(|_| !is_known)) {
            carry::again(trial, case.from, (Vec::from([said]), id));
        }
        if leg.refused.is_some() || !is_known {
            continue;
        }
        let Some(standing) = stand(trial, (id, body, &bundle), number) else {
            continue;
        };
        if case.from == bundle.requester {
            trial.spoken_of(leg.deal);
        }
        let input = LegInput::Manifest(standing.place);
        let (_, acts) = standing.leg.step(input, &standing.facts);
        said = said.max(carry::out(trial, Some(case), (&standing.at, input), acts)?);
        // What its part said may have waited for this.
        parts::look_again(trial, leg.deal)?;
    }
    Ok(said.max(unknown::decide(trial, id)?))
}

/// Another leg armed, refused or lapsed.
pub(super) fn said(
    trial: &mut Trial<'_>,
    case: Case<'_>,
    (id, manifest): (ManifestId, &Manifest),
    (number, word): (u16, Word),
) -> Result<(), No> {
    let own = trial.machine.config.partner;
    let bundle = Bundle::read(&trial.view, id).ok_or(No::Unanswered)?;
    let is_known = trial.knows(case.id());
    let mut cells = Vec::new();
    for (mine, _) in bundle.of_provider(own).filter(|(mine, _)| *mine != number) {
        let Some(standing) = stand(trial, (id, manifest, &bundle), mine) else {
            continue;
        };
        let input = match word {
            Word::Armed => LegInput::ArmReceipt(standing.place, number),
            Word::Refused => LegInput::Refusal(standing.place, number),
            Word::Lapsed => LegInput::CoLapse,
        };
        let (_, acts) = standing.leg.step(input, &standing.facts);
        cells.push((standing.at, input, acts));
    }
    if !is_known {
        trial.keep(case);
    }
    for (at, input, mut acts) in cells {
        if is_known {
            acts.retain(|act| *act != Act::Evidence);
        }
        carry::out(trial, Some(case), (&at, input), acts)?;
    }
    trial.stored(case);
    Ok(())
}

/// An own leg that arms last does so once all others have, of whom one may be this node's own too.
pub(super) fn arm_last(
    trial: &mut Trial<'_>,
    case: Case<'_>,
    (id, manifest): (ManifestId, &Manifest),
) -> Result<(), No> {
    let own = trial.machine.config.partner;
    let Some(bundle) = Bundle::read(&trial.view, id).filter(|bundle| bundle.ended.is_none()) else {
        return Ok(());
    };
    let last = bundle.last.and_then(|last| Some((last, bundle.leg(last)?)));
    let Some((number, _)) = last.filter(|(_, leg)| leg.provider == own && leg.armed.is_none())
    else {
        return Ok(());
    };
    let other = if number == 0 { 1 } else { 0 };
    if !bundle.tally().all_others_armed(number) {
        return Ok(());
    }
    let Some(standing) = stand(trial, (id, manifest, &bundle), number) else {
        return Ok(());
    };
    let input = LegInput::ArmReceipt(standing.place, other);
    let (_, mut acts) = standing.leg.step(input, &standing.facts);
    acts.retain(|act| *act != Act::Stored);
    carry::out(trial, Some(case), (&standing.at, input), acts)?;
    Ok(())
}

/// The end of a hold that a manifest names is noticed, or what waited for greetings may be said.
pub(crate) fn overdue(trial: &mut Trial<'_>, deal_id: DealId, deal: &Deal) -> Result<(), Stop> {
    let input = match deal.state {
        State::Held | State::Waiting if trial.at() > deal.until => LegInput::Over,
        State::Closed => LegInput::Greeted,
        _ => return Ok(()),
    };
    word(trial, (deal_id, deal), input)
}

/// A word of the operator, of the clock or of a greeting about one leg.
pub(super) fn word(
    trial: &mut Trial<'_>,
    (deal_id, deal): (DealId, &Deal),
    input: LegInput,
) -> Result<(), Stop> {
    let manifest_id = deal.manifest.ok_or(Code::LegUnknown)?;
    let bundle = Bundle::read(&trial.view, manifest_id).ok_or(Code::LegUnknown)?;
    let number = bundle.numbered().find(|(_, leg)| leg.deal == deal_id);
    let (number, _) = number.ok_or(Code::LegUnknown)?;
    let network = trial.machine.config.network;
    let kept = super::fold::kept_manifest(&trial.view, &network, manifest_id.into());
    let manifest = kept.ok_or(Code::LegUnknown)?;
    let standing = stand(trial, (manifest_id, &manifest, &bundle), number);
    let standing = standing.ok_or(Code::LegUnknown)?;
    let waits = standing.facts.greeted == Greeted::Wanting;
    if input == LegInput::Greeted && waits {
        return Ok(());
    }
    let (next, acts) = standing.leg.step(input, &standing.facts);
    if next.state() == LegState::Closed && deal.state != State::Closed {
        trial.enter(Payload::Closed(deal_id), Some(deal.partner), Vec::new());
        return Ok(());
    }
    if let Some(Act::Operator(code)) = acts.first() {
        return Err((*code).into());
    }
    let said = carry::out(trial, None, (&standing.at, input), acts);
    said.map(drop).or_else(No::without_a_record)
}

/// The leg with this number, if its deal is here.
pub(super) fn stand(
    trial: &Trial<'_>,
    (id, manifest, bundle): (ManifestId, &Manifest, &Bundle),
    number: u16,
) -> Option<Leg> {
    let known = *bundle.leg(number)?;
    let deal = Deal::read(&trial.view, known.deal)?;
    let turn = if bundle.last == Some(number) {
        Turn::Last
    } else {
        Turn::Asked
    };
    let place = parts::place(trial, bundle, (number, turn))?;
    // What it is bound to may be another manifest than the one at hand.
    let bound = deal.manifest.and_then(|bound| {
        let of = if bound == id {
            bundle.clone()
        } else {
            Bundle::read(&trial.view, bound)?
        };
        Some((of, bound))
    });
    let is_bound_here = deal.manifest == Some(id);
    let state = if is_yet_to_ask(trial, (known.deal, &deal)) {
        LegState::Held
    } else {
        leg_state(&deal, turn, bound.as_ref().map(|(of, _)| of))
    };
    let refused = match state {
        LegState::Refused => Some((refusal_code(trial, &deal)?, naming(&known))),
        _ => None,
    };
    let tally = bound
        .as_ref()
        .map(|(of, _)| (place, parts::tally(trial, of)));
    let hold = hold_terms(trial, &deal);
    let deal_backing = deal.backing;
    let at = trial.at();
    let alternatives = Deal::alternatives(&trial.view, &trial.machine.config.network, known.deal);
    let facts = LegFacts {
        hold: span(at > deal.until),
        patience: span(is_patience_over(trial, (&known, hold), at)),
        greeted: who_greeted(trial, &deal, (id, bundle)),
        names_hold: is_bound_here
            || (deal.hold == Some(known.hold)
                && deal.partner == bundle.requester
                && usize::from(known.alternative) < alternatives.len()),
        fit: fit(trial, (manifest, hold), &deal),
    };
    Some(Leg {
        at: At {
            manifest: id,
            number,
            known,
            deal,
        },
        leg: ProviderLeg::kept(state, deal_backing, tally, refused),
        facts,
        place,
    })
}

/// Whether a leg was bound by a Manifest that came with something else, and has not asked its part to
/// arm yet.
fn is_yet_to_ask(trial: &Trial<'_>, (id, deal): (DealId, &Deal)) -> bool {
    deal.state == State::Waiting
        && deal.backing == Backing::Parts
        && chain::below(trial, (id, deal)).is_none_or(|(_, part)| part.manifest.is_none())
}

fn leg_state(deal: &Deal, turn: Turn, bound: Option<&Bundle>) -> LegState {
    match deal.state {
        // Bound and not armed: a leg that arms when it is asked waits for greetings alone.
        State::Waiting if turn == Turn::Last || deal.backing == Backing::Parts => LegState::Waiting,
        State::Closed => LegState::Closed,
        State::Armed => LegState::Armed,
        State::Lapsed => LegState::Lapsed,
        State::Sold if bound.is_some() => LegState::Agreed,
        State::Sold => LegState::Sold,
        State::Refused => match bound.and_then(|bound| bound.ended) {
            Some(Ended::Aborted) => LegState::Aborted,
            Some(Ended::Agreed) | None => LegState::Refused,
        },
        _ => LegState::Held,
    }
}

fn naming(known: &KnownLeg) -> Naming {
    match known.refused {
        Some(_) => Naming::Leg,
        None => Naming::Deal,
    }
}

fn refusal_code(trial: &Trial<'_>, deal: &Deal) -> Option<Code> {
    let network = trial.machine.config.network;
    let kept = kept_record(&trial.view, &network, deal.decision?)?;
    match kept.body() {
        ThreadBody::Refusal(refusal) => Some(refusal.code),
        _ => None,
    }
}

/// What the own hold promised.
fn hold_terms(trial: &Trial<'_>, deal: &Deal) -> Option<HoldTerms> {
    let network = trial.machine.config.network;
    let kept = kept_record(&trial.view, &network, deal.hold?)?;
    match kept.body() {
        ThreadBody::Hold(hold) => Some(hold.hold),
        ThreadBody::Proposal(proposal) => proposal.hold().copied(),
        _ => None,
    }
}

fn is_quarantined(trial: &Trial<'_>, partner: PartnerId) -> bool {
    GrantTerms::read(&trial.view, partner).standing == Standing::Quarantined
}

/// Whom the hold waits for.
fn fit(
    trial: &Trial<'_>,
    (manifest, hold): (&Manifest, Option<HoldTerms>),
    deal: &Deal,
) -> Result<(), Code> {
    let is_partner = |partner: PartnerId| {
        partner == deal.partner
            || GrantTerms::read(&trial.view, partner).standing == Standing::Partner
    };
    let co_legs = hold.map_or(CoLegs::None, |hold| hold.co_legs);
    let own = trial.machine.config.partner;
    manifest.waits(own, co_legs, is_partner)?;
    match parts::whole_of(trial, manifest) {
        Some(whole) => whole.waits(own, co_legs, is_partner),
        None => Ok(()),
    }
}

fn is_patience_over(
    trial: &Trial<'_>,
    (known, hold): (&KnownLeg, Option<HoldTerms>),
    at: Time,
) -> bool {
    let network = trial.machine.config.network;
    let armed = known
        .armed
        .and_then(|id| kept_record(&trial.view, &network, id));
    let (Some(armed), Some(hold)) = (armed, hold) else {
        return false;
    };
    at >= armed.body().header().at.plus_ms(hold.patience_ms)
}

/// Who has greeted: A before anything is signed for it, and before a Refusal in a deal of an earlier
/// life all who may know that it armed. In a deal of an earlier epoch they have said what they know of
/// it, too.
pub(super) fn who_greeted(trial: &Trial<'_>, deal: &Deal, at: (ManifestId, &Bundle)) -> Greeted {
    let here = |partner: &PartnerId| trial.machine.is_greeted(*partner);
    let greeted = here(&deal.partner)
        && (trial.held_in_this_life(deal) || epoch::witnesses(trial, at.1).iter().all(here))
        && epoch::may_decide(trial, deal, at);
    if greeted && !trial.machine.recovering {
        Greeted::All
    } else {
        Greeted::Wanting
    }
}

fn span(is_over: bool) -> Span {
    if is_over { Span::Over } else { Span::Runs }
}

/// Whether the requester of a hold of an earlier life said that it committed it.
pub(crate) fn is_committed(trial: &Trial<'_>, deal: DealId) -> bool {
    trial.view.read(&Key::Committed { deal }).is_some()
}
