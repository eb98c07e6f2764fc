//! What a record of a thread asks (SPEC.md section 15.2): which answer ends it, and what goes along.
//! It keeps out when it is asked again, which is the outbox's.

use alloc::vec::Vec;

use crate::{
    bundle::{ArmReceipt, BundleBody, Lapse},
    fence::List,
    hash::RecordId,
    machine::{EndsBy, Fold, Question, outbox},
    record::Signed,
    thread::{Proposal, Role, ThreadBody},
};

/// Puts the questions of a letter of one's own into the outbox.
pub(crate) fn ask(fold: &mut Fold<'_, '_>, letter: &[Signed<ThreadBody>]) {
    let ids: Vec<RecordId> = letter.iter().map(Signed::id).collect();
    let Ok(ids) = List::new(ids) else { return };
    for record in letter {
        let Some(ends_by) = ends_by(record.body()) else {
            continue;
        };
        let question = Question {
            record: record.id(),
            ends_by,
            letter: ids.clone(),
            attached: List::new(rests_on(record.body())).unwrap_or_default(),
            at: fold.header.at,
        };
        let partner = record.body().header().to;
        outbox::put(fold.machine, fold.view, partner, &question);
    }
}

/// Which answer ends a question (SPEC.md section 15.2); none for what is itself an answer.
fn ends_by(body: &ThreadBody) -> Option<EndsBy> {
    match body {
        ThreadBody::Request(_) => Some(EndsBy::HoldOrRefusal),
        ThreadBody::Commit(_) => Some(EndsBy::Decision),
        ThreadBody::Proposal(proposal) if is_commit(proposal) => Some(EndsBy::Decision),
        ThreadBody::Release(_) => Some(EndsBy::Refusal),
        ThreadBody::Receipt(_) => Some(EndsBy::Ack),
        // What is asked in a bundle is asked of each member apart.
        ThreadBody::Hold(_) | ThreadBody::Refusal(_) | ThreadBody::Bundle(_) => None,
        ThreadBody::Inquiry(_)
        | ThreadBody::Proposal(_)
        | ThreadBody::Question(_)
        | ThreadBody::Answer(_)
        | ThreadBody::Reject(_)
        | ThreadBody::Withdraw(_)
        | ThreadBody::Ack(_)
        | ThreadBody::Event(_)
        | ThreadBody::Handover(_) => Some(EndsBy::Stored),
    }
}

/// Whether a proposal binds the requester, so that it is a Commit without a hold.
fn is_commit(proposal: &Proposal) -> bool {
    proposal.is_firm() && proposal.role() == Role::Requester
}

/// The records that this one rests on: they go along, so that whoever lost them is shown them.
pub(crate) fn rests_on(body: &ThreadBody) -> Vec<RecordId> {
    match body {
        // A firm proposal is hold and opening in one.
        ThreadBody::Commit(commit) if commit.hold == commit.deal.into() => Vec::from([commit.hold]),
        ThreadBody::Commit(commit) => Vec::from([commit.hold, commit.deal.into()]),
        ThreadBody::Hold(hold) => Vec::from([hold.deal.into()]),
        ThreadBody::Receipt(receipt) => Vec::from([receipt.commit]),
        ThreadBody::Ack(ack) => Vec::from([ack.receipt]),
        ThreadBody::Release(release) => Vec::from([release.deal.into()]),
        ThreadBody::Refusal(refusal) => {
            let manifest = refusal.leg.map(|leg| leg.manifest.into());
            manifest.into_iter().collect()
        }
        ThreadBody::Bundle(BundleBody::ArmReceipt(ArmReceipt { leg, .. }))
        | ThreadBody::Bundle(BundleBody::Lapse(Lapse { leg, .. })) => {
            Vec::from([leg.manifest.into()])
        }
        ThreadBody::Inquiry(_)
        | ThreadBody::Proposal(_)
        | ThreadBody::Question(_)
        | ThreadBody::Answer(_)
        | ThreadBody::Reject(_)
        | ThreadBody::Withdraw(_)
        | ThreadBody::Request(_)
        | ThreadBody::Event(_)
        | ThreadBody::Handover(_)
        | ThreadBody::Bundle(BundleBody::Manifest(_)) => Vec::new(),
    }
}
