//! What a partner's record of a thread meets, by its kind: text and proposals are dealt with here,
//! the rest goes to the side of the deal whose table has it.

use super::{
    Deal, judge,
    negotiation::{Thread, Who, thread_of},
    order, provider, requester,
};
use crate::{
    code::Code,
    machine::{Case, GrantTerms, No, Standing, Trial, kept_record},
    thread::{Proposal, Role, ThreadBody},
};

/// Decides about one record.
pub(crate) fn received(trial: &mut Trial<'_>, case: Case<'_>) -> Result<(), No> {
    let body = case.received.record.body();
    match body {
        ThreadBody::Inquiry(_) | ThreadBody::Question(_) | ThreadBody::Answer(_) => {
            unless_known(trial, case, |trial, _| check_not_blocked(trial, case))
        }
        ThreadBody::Proposal(proposal) => match (proposal.is_firm(), proposal.role()) {
            (false, _) => unless_known(trial, case, |trial, thread| {
                propose(trial, case, thread, proposal)
            }),
            (true, Role::Requester) => provider::firm_proposal(trial, case, proposal),
            (true, Role::Provider) => requester::firm_proposal(trial, case, proposal),
        },
        ThreadBody::Reject(_) => unless_known(trial, case, |_, thread| {
            thread.map_or(Ok(()), |thread| thread.may_reject(Who::Them))
        }),
        ThreadBody::Withdraw(_) => unless_known(trial, case, |_, thread| {
            thread.map_or(Ok(()), |thread| thread.may_withdraw(Who::Them))
        }),
        ThreadBody::Request(request) => provider::request(trial, case, request),
        ThreadBody::Hold(hold) => requester::hold(trial, case, hold),
        ThreadBody::Commit(commit) => provider::commit(trial, case, commit),
        ThreadBody::Receipt(receipt) => requester::receipt(trial, case, receipt),
        ThreadBody::Refusal(refusal) => requester::refusal(trial, case, refusal.deal),
        ThreadBody::Release(release) => provider::release(trial, case, release.deal),
        ThreadBody::Ack(_) => {
            provider::receive_ack(trial, case);
            Ok(())
        }
        ThreadBody::Event(event) => unless_known(trial, case, |trial, _| {
            let side = match event.what.by() {
                Role::Provider => super::Side::Requester,
                Role::Requester => super::Side::Provider,
            };
            order::judge_event(&trial.view, (case.from, side), event)
        }),
        // What all members of a bundle see is met before, with its Manifest.
        ThreadBody::Bundle(_) => Err(Code::Malformed.into()),
        ThreadBody::Handover(handover) => unless_known(trial, case, |trial, _| {
            let deal = Deal::read(&trial.view, handover.deal);
            match deal {
                Some(deal) if deal.partner == case.from => Ok(()),
                Some(_) | None => Err(Code::DealUnknown),
            }
        }),
    }
}

/// Keeps a record that is not known yet and meets the rule, and answers that it is stored.
fn unless_known(
    trial: &mut Trial<'_>,
    case: Case<'_>,
    rule: impl FnOnce(&Trial<'_>, Option<Thread>) -> Result<(), Code>,
) -> Result<(), No> {
    if !trial.knows(case.id()) {
        let thread = place(trial, case)?;
        rule(trial, thread)?;
        trial.keep(case);
    }
    trial.stored(case);
    Ok(())
}

/// What a blocked partner or an onlooker says is not kept. Its deals go on, and a new one is refused
/// by a decision, so that it is not left in doubt.
pub(super) fn check_not_blocked(trial: &Trial<'_>, case: Case<'_>) -> Result<(), Code> {
    match GrantTerms::read(&trial.view, case.from).standing {
        Standing::Blocked | Standing::Onlooker => Err(Code::NotTrusted),
        Standing::Stranger | Standing::Partner | Standing::Quarantined => Ok(()),
    }
}

/// The thread in which a record has its place; none if it opens one. What rests on something that
/// is not known yet is left without an answer, and comes again after it.
pub(crate) fn place(trial: &Trial<'_>, case: Case<'_>) -> Result<Option<Thread>, No> {
    let header = case.header();
    let Some(thread_id) = header.thread else {
        return Ok(None);
    };
    let thread = Thread::read(&trial.view, thread_id).ok_or(No::Unanswered)?;
    if thread.partner != case.from {
        return Err(Code::ThreadUnknown.into());
    }
    let Some(parent) = header.parent else {
        return Err(Code::ParentUnknown.into());
    };
    let network = trial.machine.config.network;
    let parent = kept_record(&trial.view, &network, parent).ok_or(No::Unanswered)?;
    if thread_of(&parent) != thread_id {
        return Err(Code::ParentUnknown.into());
    }
    Ok(Some(thread))
}

/// Whether what opened a deal, which came with the record that ended it, is lacking here and may be
/// taken.
pub(crate) fn takes_opening(trial: &Trial<'_>, opening: Case<'_>) -> bool {
    opening.header().to == trial.machine.config.partner
        && !trial.knows(opening.id())
        && Deal::read(&trial.view, opening.id().into()).is_none()
        && place(trial, opening).is_ok()
}

/// A proposal that binds nobody.
fn propose(
    trial: &Trial<'_>,
    case: Case<'_>,
    thread: Option<Thread>,
    proposal: &Proposal,
) -> Result<(), Code> {
    check_not_blocked(trial, case)?;
    if let Some(thread) = thread {
        thread.may_propose(Who::Them)?;
    }
    if trial.at() > proposal.valid_until() {
        return Err(Code::ValidityOver);
    }
    judge::meaning(trial, case.header().at, proposal)
}
