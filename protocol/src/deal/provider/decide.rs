//! What the provider decides, cell by cell of its table.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a cell that the table does not list stays, and is answered by Stored"
)]

use crate::{
    bundle::Backing,
    code::Code,
    deal::{Deal, Opening, Side, State, evidence, judge, negotiation::Who, receive, tombstone},
    hash::{DealId, RecordId},
    ledger::Payload,
    machine::{Approval, Case, Key, No, Stop, Trial, View as _, bundle, chain, kept_record},
    thread::{
        AtFault, Commit, Header, Hold, HoldTerms, Proposal, Receipt, Refusal, Request, ThreadBody,
    },
    value::Time,
};
use alloc::vec::Vec;

/// A Request.
pub(crate) fn request(trial: &mut Trial<'_>, case: Case<'_>, request: &Request) -> Result<(), No> {
    let id = DealId::from(case.id());
    let Some(deal) = Deal::read(&trial.view, id) else {
        return new_request(trial, case, request);
    };
    match deal.state {
        State::Held | State::Passed => match deal.hold {
            Some(hold) => trial.again(case.from, hold),
            None => trial.stored(case),
        },
        State::Sold | State::Refused => again_decision(trial, case, &deal),
        State::Closed => {
            // Of an earlier epoch: now its requester has spoken of it.
            overdue(trial, id, &deal)?;
            if Deal::read(&trial.view, id).is_some_and(|deal| deal.state == State::Closed) {
                trial.stored(case);
            }
        }
        _ => trial.stored(case),
    }
    Ok(())
}

fn new_request(trial: &mut Trial<'_>, case: Case<'_>, request: &Request) -> Result<(), No> {
    check_horizon(trial, request.valid_until)?;
    let id = DealId::from(case.id());
    if trial.at() > request.valid_until {
        // Whatever became of its thread: its author may ask until it knows.
        trial.keep(case);
        return Ok(refuse(trial, id, Code::ValidityOver)?);
    }
    let thread = receive::place(trial, case)?;
    if let Some(thread) = thread {
        thread.may_request(Who::Them)?;
    }
    let fit = judge::request(trial, case, request, thread.as_ref());
    let policy = &trial.machine.config.policy;
    let may_source = policy.may_source(&request.terms, fit);
    // A change that the terms of its order don't grant is the operator's to grant.
    let changes = request.terms.conditions().on.is_some();
    let asks_operator = request.proposal.is_none()
        && if changes {
            !judge::is_granted(trial, &request.terms)
        } else {
            policy.requests == Approval::Asked
        };
    let verdict = fit.or(if may_source { Ok(()) } else { fit });
    let verdict = verdict.and_then(|()| chain::check_new(&trial.view, request.chain));
    trial.keep(case);
    if let Err(code) = verdict {
        return Ok(refuse(trial, id, code)?);
    }
    if asks_operator || may_source {
        trial.stored(case);
        return Ok(());
    }
    Ok(give_hold(trial, id)?)
}

/// A firm proposal of the requester.
pub(crate) fn firm_proposal(
    trial: &mut Trial<'_>,
    case: Case<'_>,
    proposal: &Proposal,
) -> Result<(), No> {
    let id = DealId::from(case.id());
    if let Some(deal) = Deal::read(&trial.view, id) {
        match deal.state {
            State::Sold | State::Refused => again_decision(trial, case, &deal),
            _ => trial.stored(case),
        }
        return Ok(());
    }
    check_horizon(trial, proposal.valid_until())?;
    if trial.at() > proposal.valid_until() {
        // Whatever became of its thread: its author is in doubt.
        trial.keep(case);
        return Ok(refuse(trial, id, Code::ValidityOver)?);
    }
    let thread = receive::place(trial, case)?;
    // Its author is in doubt until it is decided, so a proposal out of turn is refused by a
    // decision and not only rejected.
    let turn = thread.map_or(Ok(()), |thread| thread.may_propose(Who::Them));
    let verdict = turn.and_then(|()| judge::meaning_of(trial, case, proposal));
    let accepted = verdict.is_ok() && judge::accepts(trial, case, proposal);
    trial.keep(case);
    match verdict {
        Err(code) => refuse(trial, id, code)?,
        Ok(()) if accepted => sell(trial, id, 0)?,
        Ok(()) => trial.stored(case),
    }
    Ok(())
}

/// A Commit.
pub(crate) fn commit(trial: &mut Trial<'_>, case: Case<'_>, commit: &Commit) -> Result<(), No> {
    let Some(deal) = Deal::read(&trial.view, commit.deal) else {
        return Err(Code::HoldUnknown.into());
    };
    if deal.partner != case.from {
        return Err(Code::HoldUnknown.into());
    }
    if deal.manifest.is_some() {
        return bundle::commit(trial, case, (commit.deal, &deal));
    }
    if deal.backing == Backing::Parts && matches!(deal.state, State::Held | State::Passed) {
        return chain::commit(trial, case, (commit, &deal));
    }
    match deal.state {
        State::Held => {
            if trial.at() > deal.until {
                trial.keep(case);
                return Ok(refuse(trial, commit.deal, Code::HoldOver)?);
            }
            let network = trial.machine.config.network;
            let alternatives = match deal.opening {
                Opening::Request => 1,
                Opening::ProviderProposal | Opening::RequesterProposal => {
                    Deal::alternatives(&trial.view, &network, commit.deal).len()
                }
            };
            if Some(commit.hold) != deal.hold || usize::from(commit.alternative) >= alternatives {
                return Err(Code::HoldUnknown.into());
            }
            trial.keep(case);
            sell(trial, commit.deal, commit.alternative)?;
        }
        State::Closed => {
            trial.keep(case);
            refuse(trial, commit.deal, Code::HoldOver)?;
        }
        State::Sold | State::Refused => {
            if let Some(release) = deal.release {
                evidence::release_beside_commit(trial, case, release)?;
            }
            again_decision(trial, case, &deal);
        }
        _ => trial.stored(case),
    }
    Ok(())
}

/// A Release.
pub(crate) fn release(trial: &mut Trial<'_>, case: Case<'_>, deal_id: DealId) -> Result<(), No> {
    take_released(trial, case, deal_id);
    match Deal::read(&trial.view, deal_id) {
        Some(deal) if deal.partner != case.from => return Err(Code::DealUnknown.into()),
        Some(deal) if deal.manifest.is_some() => {
            bundle::release(trial, case, (deal_id, &deal))?;
        }
        Some(deal)
            if deal.backing == Backing::Parts
                && matches!(deal.state, State::Held | State::Passed) =>
        {
            chain::release(trial, case, (deal_id, &deal))?;
        }
        Some(deal) if matches!(deal.state, State::Sold | State::Refused) => {
            if let Some(commit) = kept_commit(trial, &deal) {
                evidence::release_beside_commit(trial, case, commit)?;
            }
            again_decision(trial, case, &deal);
        }
        Some(_) => {
            trial.keep(case);
            refuse(trial, deal_id, Code::Released)?;
        }
        // A Release of what never came is refused too, so that what comes late finds that.
        None => {
            trial.keep(case);
            let header = trial.answering(case)?;
            let refusal = refusal_with(header, deal_id, Code::Released);
            trial.sign(case.from, Vec::from([ThreadBody::Refusal(refusal)]))?;
        }
    }
    Ok(())
}

/// The Commit that is kept of a deal. A firm proposal, which stands for one, names its terms, and
/// is shown to nobody else.
fn kept_commit(trial: &Trial<'_>, deal: &Deal) -> Option<RecordId> {
    let network = trial.machine.config.network;
    let kept = kept_record(&trial.view, &network, deal.commit?)?;
    matches!(kept.body(), ThreadBody::Commit(_)).then(|| kept.id())
}

/// A Request that comes no more, since its Release overtook it, comes with the Release: its thread
/// goes on, so this node must know it.
fn take_released(trial: &mut Trial<'_>, case: Case<'_>, deal_id: DealId) {
    if let Some(request) = case.opening(deal_id)
        && let ThreadBody::Request(body) = request.record().body()
        && check_horizon(trial, body.valid_until).is_ok()
        && receive::takes_opening(trial, request)
    {
        trial.keep(request);
    }
}

/// An Ack.
pub(crate) fn receive_ack(trial: &mut Trial<'_>, case: Case<'_>) {
    let known = match case.record().body() {
        ThreadBody::Ack(ack) => trial.knows(ack.receipt),
        _ => false,
    };
    if known && !trial.knows(case.id()) {
        trial.keep(case);
    }
    trial.stored(case);
}

/// What the end of a hold or validity brings about, noticed by ledger time or at a greeting.
pub(crate) fn overdue(trial: &mut Trial<'_>, deal_id: DealId, deal: &Deal) -> Result<(), Stop> {
    if deal.manifest.is_some() && deal.side() == Side::Provider {
        return bundle::overdue(trial, deal_id, deal);
    }
    let awaited = is_committed(trial, deal_id, deal)
        || trial.view.read(&Key::Decided { deal: deal_id }).is_some();
    let may_sign = !trial.machine.recovering && trial.check_whole(deal_id, deal).is_ok();
    if deal.state == State::Held && deal.backing == Backing::Parts {
        return if awaited || !may_sign {
            Ok(())
        } else {
            chain::overdue(trial, deal_id, deal)
        };
    }
    let greeted = trial.machine.is_greeted(deal.partner) && may_sign;
    match deal.state {
        State::Asked | State::Offered if greeted => refuse(trial, deal_id, Code::ValidityOver),
        State::Held | State::Closed if greeted && !awaited => {
            refuse(trial, deal_id, Code::HoldOver)
        }
        State::Held => {
            let partner = Some(deal.partner);
            trial.enter(Payload::Closed(deal_id), partner, Vec::new());
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Whether the hold is of an earlier life, and its requester says that it committed it: that life
/// may have armed it for a bundle. Its Commit or Manifest comes, and says who else must greet.
fn is_committed(trial: &Trial<'_>, deal_id: DealId, deal: &Deal) -> bool {
    bundle::is_committed(trial, deal_id) && deal.hold.is_some() && !trial.held_in_this_life(deal)
}

/// Signs the Hold for a Request that was taken.
pub(crate) fn give_hold(trial: &mut Trial<'_>, deal_id: DealId) -> Result<(), Stop> {
    let deal = Deal::read(&trial.view, deal_id).ok_or(Code::DealUnknown)?;
    let network = trial.machine.config.network;
    let terms = deal
        .terms(&trial.view, &network, deal_id)
        .ok_or(Code::DealUnknown)?;
    let until = trial.at().plus_ms(judge::hold_ms(trial, &terms));
    let hold = judge::hold_terms(trial, deal.partner, until);
    give(trial, deal_id, hold)
}

/// Signs the Hold for a Request that was taken, with what it promises.
pub(crate) fn give(
    trial: &mut Trial<'_>,
    deal_id: DealId,
    promised: HoldTerms,
) -> Result<(), Stop> {
    let deal = Deal::read(&trial.view, deal_id).ok_or(Code::DealUnknown)?;
    trial.check_whole(deal_id, &deal)?;
    trial.check_greeted(deal.partner)?;
    let network = trial.machine.config.network;
    let terms = deal
        .terms(&trial.view, &network, deal_id)
        .ok_or(Code::DealUnknown)?;
    let parent = Some(deal_id.into());
    let header = trial.header(deal.partner, Some(deal.thread), parent)?;
    let hold = Hold {
        header,
        deal: deal_id,
        terms: terms.hash(),
        hold: promised,
    };
    trial.sign(deal.partner, Vec::from([ThreadBody::Hold(hold)]))
}

/// Signs the Receipt. Who calls has seen that the deal may be agreed.
pub(crate) fn sell(trial: &mut Trial<'_>, deal_id: DealId, alternative: u8) -> Result<(), Stop> {
    let deal = undecided(trial, deal_id)?;
    let commit = deal.commit.ok_or(Code::NoCommit)?;
    let header = trial.header(deal.partner, Some(deal.thread), Some(commit))?;
    let receipt = Receipt {
        header,
        deal: deal_id,
        commit,
        alternative,
    };
    trial.sign(deal.partner, Vec::from([ThreadBody::Receipt(receipt)]))
}

/// Signs the Refusal.
pub(crate) fn refuse(trial: &mut Trial<'_>, deal_id: DealId, code: Code) -> Result<(), Stop> {
    let refusal = refusal(trial, deal_id, code)?;
    let partner = refusal.header.to;
    trial.sign(partner, Vec::from([ThreadBody::Refusal(refusal)]))
}

/// The Refusal of a deal that may be refused now.
pub(crate) fn refusal(trial: &mut Trial<'_>, deal_id: DealId, code: Code) -> Result<Refusal, Stop> {
    let deal = undecided(trial, deal_id)?;
    let parent = deal.release.or(deal.commit).unwrap_or(deal_id.into());
    let header = trial.header(deal.partner, Some(deal.thread), Some(parent))?;
    Ok(refusal_with(header, deal_id, code))
}

fn refusal_with(header: Header, deal: DealId, code: Code) -> Refusal {
    Refusal {
        header,
        deal,
        code,
        fault: AtFault::of(code),
        leg: None,
    }
}

/// The deal, if its decision slot is empty and its partner may be told.
fn undecided(trial: &Trial<'_>, deal_id: DealId) -> Result<Deal, Stop> {
    let deal = Deal::read(&trial.view, deal_id).ok_or(Code::DealUnknown)?;
    if deal.decision.is_some() {
        return Err(Code::Outdated.into());
    }
    trial.check_whole(deal_id, &deal)?;
    trial.check_greeted(deal.partner)?;
    Ok(deal)
}

fn check_horizon(trial: &Trial<'_>, valid_until: Time) -> Result<(), No> {
    match tombstone::horizon(&trial.view) {
        Some(horizon) if valid_until <= horizon => Err(Code::TooOld.into()),
        Some(_) | None => Ok(()),
    }
}

fn again_decision(trial: &mut Trial<'_>, case: Case<'_>, deal: &Deal) {
    match deal.decision {
        Some(decision) => trial.again(case.from, decision),
        None => trial.stored(case),
    }
}
