//! The requester's side of a deal (SPEC.md section 12, second table). It leaves doubt only by the
//! provider's decision or the operator's write-off, and signs at most one of Commit and Release. It
//! keeps out the provider's side.

mod decide;

pub(crate) use self::decide::{
    commit_now, commit_part, firm_proposal, give_back, hold, overdue, receipt, refusal, release,
    write_off,
};

use super::{Deal, Lateness, Side, State, change, credit, opened, order, reservation, tombstone};
use crate::{
    hash::{DealId, PartnerId, RecordId},
    machine::{Fold, Key, chain, kept_record},
    record::Signed,
    thread::{Ack, Commit, Hold, Receipt, Refusal, Release, ThreadBody},
};

/// A Request was signed.
pub(super) fn requested(fold: &mut Fold<'_, '_>, partner: PartnerId, record: &Signed<ThreadBody>) {
    let deal = begun(fold, partner, record, State::Requested);
    chain::rests(fold.view, &deal);
}

/// An own firm proposal was signed, which is a Commit without a hold.
pub(super) fn proposed(fold: &mut Fold<'_, '_>, partner: PartnerId, record: &Signed<ThreadBody>) {
    let deal = begun(fold, partner, record, State::Doubt);
    doubt(fold, &deal, deal.amount.get());
}

/// The provider's firm proposal was taken, which is a Hold.
pub(super) fn kept(fold: &mut Fold<'_, '_>, partner: PartnerId, record: &Signed<ThreadBody>) {
    begun(fold, partner, record, State::Kept);
}

fn begun(
    fold: &mut Fold<'_, '_>,
    partner: PartnerId,
    record: &Signed<ThreadBody>,
    state: State,
) -> Deal {
    let deal = opened(fold, partner, record, state);
    deal.keep(fold.view, record.id().into());
    change::begun(fold, record.id().into(), &deal);
    deal
}

/// A Hold was taken.
pub(super) fn held(fold: &mut Fold<'_, '_>, id: RecordId, hold: &Hold) {
    let Some(mut deal) = Deal::read(fold.view, hold.deal) else {
        return;
    };
    if deal.state == State::Requested {
        deal.state = State::Kept;
        deal.hold = Some(id);
        deal.until = hold.hold.until;
        deal.keep(fold.view, hold.deal);
        fold.answered(deal.partner, hold.deal.into());
    }
}

/// A Commit was signed: from now on only the provider knows. Where one's own was shown again, its
/// deal may have gone on.
pub(super) fn committed(fold: &mut Fold<'_, '_>, id: RecordId, commit: &Commit) {
    let free = |deal: &Deal| matches!(deal.state, State::Requested | State::Kept);
    let Some(mut deal) = Deal::read(fold.view, commit.deal).filter(free) else {
        return;
    };
    deal.state = State::Doubt;
    deal.commit = Some(id);
    fold.view.delete(Key::Approval { deal: commit.deal });
    deal.alternative = commit.alternative;
    let network = fold.machine.config.network;
    if let Some(terms) = deal.terms(fold.view, &network, commit.deal) {
        deal.amount = reservation(fold.view, &network, core::slice::from_ref(&terms)).0;
    }
    doubt(fold, &deal, deal.amount.get());
    deal.keep(fold.view, commit.deal);
}

/// The Receipt was taken.
pub(super) fn agreed(fold: &mut Fold<'_, '_>, id: RecordId, receipt: &Receipt) {
    let alone = |deal: &Deal| deal.manifest.is_none();
    let Some(mut deal) = Deal::read(fold.view, receipt.deal).filter(alone) else {
        return;
    };
    if deal.state == State::Doubt {
        doubt(fold, &deal, deal.amount.get().saturating_neg());
    } else if deal.state != State::Written {
        // A second decision: it is kept as evidence and changes nothing.
        return;
    }
    if receipt.header.at > deal.until {
        deal.lateness = Lateness::Late;
    }
    deal.alternative = receipt.alternative;
    deal.state = State::Agreed;
    deal.decision = Some(id);
    let network = fold.machine.config.network;
    if let Some(terms) = deal.terms(fold.view, &network, receipt.deal) {
        let at = receipt.header.at;
        order::agreed(fold, (receipt.deal, at), &mut deal, &terms);
    }
    deal.keep(fold.view, receipt.deal);
    fold.answered(deal.partner, receipt.commit);
}

/// The Refusal was taken.
pub(super) fn aborted(fold: &mut Fold<'_, '_>, id: RecordId, refusal: &Refusal) {
    let alone = |deal: &Deal| deal.manifest.is_none();
    let Some(mut deal) = Deal::read(fold.view, refusal.deal).filter(alone) else {
        return;
    };
    if deal.state == State::Doubt {
        doubt(fold, &deal, deal.amount.get().saturating_neg());
    } else if deal.state.is_over() || deal.side() == Side::Provider {
        // A second decision, or one that is not this side's to take.
        return;
    }
    deal.state = State::Aborted;
    fold.view.delete(Key::Approval { deal: refusal.deal });
    deal.decision = Some(id);
    deal.keep(fold.view, refusal.deal);
    tombstone::lay(fold.view, deal.until, refusal.deal);
    change::ended(fold, refusal.deal, &deal);
    let questions = [Some(refusal.deal.into()), deal.commit, deal.release];
    for question in questions.into_iter().flatten() {
        fold.answered(deal.partner, question);
    }
}

/// A Release was signed, or one's own was shown again.
pub(super) fn released(fold: &mut Fold<'_, '_>, id: RecordId, release: &Release) {
    let free = |deal: &Deal| matches!(deal.state, State::Requested | State::Kept);
    let Some(mut deal) = Deal::read(fold.view, release.deal).filter(free) else {
        return;
    };
    deal.state = State::Released;
    deal.release = Some(id);
    fold.view.delete(Key::Approval { deal: release.deal });
    deal.keep(fold.view, release.deal);
    fold.answered(deal.partner, release.deal.into());
}

/// An Ack was signed.
pub(super) fn acknowledged(fold: &mut Fold<'_, '_>, id: RecordId, ack: &Ack) {
    let network = fold.machine.config.network;
    let receipt = kept_record(fold.view, &network, ack.receipt);
    let Some(deal_id) = receipt.and_then(|receipt| super::decided_by(receipt.body())) else {
        return;
    };
    if let Some(mut deal) = Deal::read(fold.view, deal_id) {
        deal.ack = Some(id);
        deal.keep(fold.view, deal_id);
    }
}

/// The operator wrote the deal off: the credit is free, the duty stays.
pub(crate) fn written_off(fold: &mut Fold<'_, '_>, deal_id: DealId) {
    let Some(mut deal) = Deal::read(fold.view, deal_id) else {
        return;
    };
    if deal.state == State::Doubt {
        doubt(fold, &deal, deal.amount.get().saturating_neg());
        deal.state = State::Written;
        deal.keep(fold.view, deal_id);
    }
}

pub(super) fn doubt(fold: &mut Fold<'_, '_>, deal: &Deal, by: i64) {
    let shift = credit::Shift {
        doubt: by,
        ..Default::default()
    };
    credit::shift(fold.view, deal.partner, deal.currency, shift);
}
