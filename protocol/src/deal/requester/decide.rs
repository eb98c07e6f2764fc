//! What the requester decides, cell by cell of its table.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a cell that the table does not list stays, and is answered by Stored"
)]

use alloc::vec::Vec;

use crate::{
    code::Code,
    deal::{
        Deal, State, credit, evidence, has_order, has_room, judge, negotiation::Who, receive,
        reservation,
    },
    hash::{DealId, RecordId},
    ledger::Payload,
    machine::{Case, Key, No, Stop, Trial, View as _, bundle, chain},
    thread::{Ack, Commit, Hold, Proposal, Receipt, Release, Role, ThreadBody},
    trade::Absent,
};

/// A Hold.
pub(crate) fn hold(trial: &mut Trial<'_>, case: Case<'_>, hold: &Hold) -> Result<(), No> {
    let deal = Deal::read(&trial.view, hold.deal).filter(|deal| deal.partner == case.from);
    let Some(deal) = deal else {
        return Err(Code::DealUnknown.into());
    };
    match deal.state {
        State::Requested => new_hold(trial, case, hold, &deal)?,
        State::Doubt | State::Written => match deal.manifest {
            Some(manifest) => bundle::again_to(trial, case.from, manifest),
            None => again(trial, case, deal.commit),
        },
        State::Released => again(trial, case, deal.release),
        _ => trial.stored(case),
    }
    Ok(())
}

fn new_hold(trial: &mut Trial<'_>, case: Case<'_>, hold: &Hold, deal: &Deal) -> Result<(), No> {
    let network = trial.machine.config.network;
    let terms = deal.terms(&trial.view, &network, hold.deal);
    let same = terms.is_some_and(|terms| terms.hash() == hold.terms)
        && judge::hold_end(hold.header.at, hold.hold.until).is_ok();
    trial.keep(case);
    if !same {
        return Ok(give_back(trial, hold.deal)?);
    }
    let approved = trial
        .view
        .read(&Key::Approval { deal: hold.deal })
        .is_some();
    if !approved || trial.at() > hold.hold.until {
        trial.stored(case);
        return Ok(());
    }
    match commit_now(trial, hold.deal, 0) {
        Err(Stop::Refused(Code::OverCredit)) => Ok(give_back(trial, hold.deal)?),
        outcome => Ok(outcome?),
    }
}

/// A firm proposal of the provider.
pub(crate) fn firm_proposal(
    trial: &mut Trial<'_>,
    case: Case<'_>,
    proposal: &Proposal,
) -> Result<(), No> {
    let id = DealId::from(case.id());
    if let Some(deal) = Deal::read(&trial.view, id) {
        match deal.state {
            State::Released => again(trial, case, deal.release),
            _ => trial.stored(case),
        }
        return Ok(());
    }
    let thread = receive::place(trial, case)?;
    if let Some(thread) = thread {
        thread.may_propose(Who::Them)?;
    }
    let fit = judge::may_begin(trial, case.from)
        .and_then(|()| judge::meaning(trial, case.header().at, proposal));
    let verdict = fit.and_then(|()| {
        proposal.alternatives().iter().try_for_each(|terms| {
            let with = (case.from, crate::deal::Side::Requester);
            judge::change_of(trial, with, None, terms)
        })
    });
    trial.keep(case);
    match verdict {
        Ok(()) => trial.stored(case),
        Err(_) => give_back(trial, id)?,
    }
    Ok(())
}

/// A Receipt.
pub(crate) fn receipt(trial: &mut Trial<'_>, case: Case<'_>, receipt: &Receipt) -> Result<(), No> {
    let deal = Deal::read(&trial.view, receipt.deal).filter(|deal| deal.partner == case.from);
    let Some(deal) = deal else {
        return Err(Code::DealUnknown.into());
    };
    if deal.manifest.is_some() {
        // Its manifest decides it, and nothing else.
        return Err(Code::NoCommit.into());
    }
    let network = trial.machine.config.network;
    if !has_order(&trial.view, &network, (receipt.deal, &deal)) {
        // It comes again after the order that it changes.
        return Err(No::Unanswered);
    }
    let same = Some(receipt.commit) == deal.commit && has_alternative(trial, receipt, &deal);
    match deal.state {
        State::Doubt | State::Written if same => {
            trial.keep(case);
            let header = trial.answering(case)?;
            let ack = Ack {
                header,
                receipt: case.id(),
                cosignature: crate::fence::Bytes::default(),
            };
            trial.sign(case.from, Vec::from([ThreadBody::Ack(ack)]))?;
        }
        State::Doubt | State::Written | State::Requested | State::Kept | State::Released => {
            return Err(Code::NoCommit.into());
        }
        State::Agreed if same && receipt.alternative == deal.alternative => {
            again(trial, case, deal.ack);
        }
        State::Agreed => evidence::two_decisions(trial, case, &deal)?,
        State::Aborted if Some(receipt.commit) == deal.commit => {
            evidence::two_decisions(trial, case, &deal)?;
        }
        State::Aborted => return Err(Code::NoCommit.into()),
        State::Asked
        | State::Offered
        | State::Held
        | State::Closed
        | State::Sold
        | State::Refused
        | State::Waiting
        | State::Armed
        | State::Lapsed
        | State::Passed => return Err(Code::DealUnknown.into()),
    }
    Ok(())
}

/// A Commit fixes the alternative; of an own firm proposal the provider chooses.
fn has_alternative(trial: &Trial<'_>, receipt: &Receipt, deal: &Deal) -> bool {
    match deal.opening {
        crate::deal::Opening::RequesterProposal => {
            let network = trial.machine.config.network;
            let alternatives = Deal::alternatives(&trial.view, &network, receipt.deal);
            usize::from(receipt.alternative) < alternatives.len()
        }
        crate::deal::Opening::Request | crate::deal::Opening::ProviderProposal => {
            receipt.alternative == deal.alternative
        }
    }
}

/// A Refusal.
pub(crate) fn refusal(trial: &mut Trial<'_>, case: Case<'_>, deal_id: DealId) -> Result<(), No> {
    take_refused(trial, case, deal_id);
    match Deal::read(&trial.view, deal_id).filter(|deal| deal.partner == case.from) {
        Some(Deal {
            manifest: Some(manifest),
            state: State::Doubt | State::Written,
            ..
        }) => {
            // It knew of no manifest yet.
            bundle::again_to(trial, case.from, manifest);
            trial.stored(case);
        }
        Some(deal) => match deal.state {
            State::Requested | State::Kept | State::Doubt | State::Released | State::Written => {
                trial.keep(case);
                trial.stored(case);
            }
            State::Agreed if !trial.knows(case.id()) && deal.manifest.is_none() => {
                evidence::two_decisions(trial, case, &deal)?;
            }
            _ => trial.stored(case),
        },
        None => trial.stored(case),
    }
    Ok(())
}

/// A firm Proposal that was lost here comes with the Refusal that ended it: its thread goes on, so
/// this node must know it.
fn take_refused(trial: &mut Trial<'_>, case: Case<'_>, deal_id: DealId) {
    if let Some(opening) = case.opening(deal_id)
        && let ThreadBody::Proposal(proposal) = opening.record().body()
        && (proposal.is_firm(), proposal.role()) == (true, Role::Provider)
        && has_room(trial, opening)
        && receive::takes_opening(trial, opening)
    {
        trial.keep(opening);
    }
}

/// Signs the Commit for a hold that is kept.
pub(crate) fn commit_now(
    trial: &mut Trial<'_>,
    deal_id: DealId,
    alternative: u8,
) -> Result<(), Stop> {
    let deal = Deal::read(&trial.view, deal_id).ok_or(Code::DealUnknown)?;
    chain::check_alone(trial, &deal)?;
    if trial.view.read(&Key::Drafted { deal: deal_id }).is_some() {
        return Err(Code::OtherManifest.into());
    }
    let network = trial.machine.config.network;
    let terms = Deal::alternatives(&trial.view, &network, deal_id)
        .into_iter()
        .nth(usize::from(alternative))
        .ok_or(Code::HoldUnknown)?;
    if trial.at() > deal.until {
        return Err(Code::HoldOver.into());
    }
    let (amount, _) = reservation(&trial.view, &network, core::slice::from_ref(&terms));
    credit::may_owe_them(&trial.view, deal.partner, terms.currency(), amount)?;
    sign_commit(trial, (deal_id, &deal), alternative)
}

/// Signs the Commit of a part, for the hold that rests on it. What it costs was judged when that
/// was given.
pub(crate) fn commit_part(trial: &mut Trial<'_>, part: DealId) -> Result<(), Stop> {
    let deal = Deal::read(&trial.view, part).ok_or(Code::DealUnknown)?;
    sign_commit(trial, (part, &deal), 0)
}

fn sign_commit(
    trial: &mut Trial<'_>,
    (deal_id, deal): (DealId, &Deal),
    alternative: u8,
) -> Result<(), Stop> {
    let hold = deal.hold.ok_or(Code::HoldUnknown)?;
    trial.check_whole(deal_id, deal)?;
    trial.check_greeted(deal.partner)?;
    let header = trial.header(deal.partner, Some(deal.thread), Some(hold))?;
    let commit = Commit {
        header,
        deal: deal_id,
        hold,
        alternative,
        manifest: Absent,
    };
    trial.sign(deal.partner, Vec::from([ThreadBody::Commit(commit)]))
}

/// Signs the Release of a Request, or of a hold that is kept.
pub(crate) fn give_back(trial: &mut Trial<'_>, deal_id: DealId) -> Result<(), Stop> {
    let release = release(trial, deal_id)?;
    let partner = release.header.to;
    trial.sign(partner, Vec::from([ThreadBody::Release(release)]))
}

/// The Release of a deal that was not committed.
pub(crate) fn release(trial: &mut Trial<'_>, deal_id: DealId) -> Result<Release, Stop> {
    let deal = Deal::read(&trial.view, deal_id).ok_or(Code::DealUnknown)?;
    match deal.state {
        State::Requested | State::Kept => {}
        State::Doubt | State::Written => return Err(Code::InDoubt.into()),
        _ => return Err(Code::Outdated.into()),
    }
    trial.check_whole(deal_id, &deal)?;
    trial.check_greeted(deal.partner)?;
    bundle::check_co_legs(trial, deal_id)?;
    let parent = deal.hold.unwrap_or(deal_id.into());
    let header = trial.header(deal.partner, Some(deal.thread), Some(parent))?;
    Ok(Release {
        header,
        deal: deal_id,
    })
}

/// The operator writes a deal in doubt off.
pub(crate) fn write_off(trial: &mut Trial<'_>, deal_id: DealId) -> Result<(), Stop> {
    let deal = Deal::read(&trial.view, deal_id).ok_or(Code::DealUnknown)?;
    if let Some(manifest) = deal.manifest {
        return bundle::write_off(trial, manifest);
    }
    if deal.state == State::Doubt {
        let partner = Some(deal.partner);
        trial.enter(Payload::WrittenOff(deal_id), partner, Vec::new());
    }
    Ok(())
}

/// What the end of a Request's validity brings about.
pub(crate) fn overdue(trial: &mut Trial<'_>, deal_id: DealId, deal: &Deal) -> Result<(), Stop> {
    if deal.state == State::Requested
        && trial.machine.is_greeted(deal.partner)
        && !trial.machine.recovering
        && trial.check_whole(deal_id, deal).is_ok()
        && bundle::check_co_legs(trial, deal_id).is_ok()
    {
        give_back(trial, deal_id)?;
    }
    Ok(())
}

fn again(trial: &mut Trial<'_>, case: Case<'_>, record: Option<RecordId>) {
    match record {
        Some(record) => trial.again(case.from, record),
        None => trial.stored(case),
    }
}
