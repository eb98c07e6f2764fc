//! The provider's side of a deal (SPEC.md section 12, first table). Every path that ends a deal
//! writes its decision in the entry that moves the stock. It keeps out whether terms are fit, which
//! is `judge`'s, and the requester's side.

use super::{Deal, Opening, State, change, credit, holds, opened, order, stock, tombstone};
use crate::{
    bundle::Backing,
    fence::List,
    hash::{DealId, PartnerId, RecordId},
    machine::{Fold, Key},
    record::Signed,
    thread::{Ack, Commit, Hold, Receipt, Release, ThreadBody},
};

mod decide;

pub(crate) use self::decide::{
    commit, firm_proposal, give, give_hold, overdue, receive_ack, refusal, refuse, release,
    request, sell,
};

/// A Request was taken. One that was lost may have been refused since.
pub(super) fn asked(fold: &mut Fold<'_, '_>, partner: PartnerId, record: &Signed<ThreadBody>) {
    let id = record.id().into();
    if Deal::read(fold.view, id).is_none() {
        opened(fold, partner, record, State::Asked).keep(fold.view, id);
    }
}

/// The requester's firm proposal was taken.
pub(super) fn offered(fold: &mut Fold<'_, '_>, partner: PartnerId, record: &Signed<ThreadBody>) {
    let deal = opened(fold, partner, record, State::Offered);
    deal.keep(fold.view, record.id().into());
    change::begun(fold, record.id().into(), &deal);
}

/// An own firm proposal was signed, which is a hold.
pub(super) fn proposed(fold: &mut Fold<'_, '_>, partner: PartnerId, record: &Signed<ThreadBody>) {
    let mut deal = opened(fold, partner, record, State::Held);
    reserve(fold, &mut deal);
    deal.keep(fold.view, record.id().into());
    change::begun(fold, record.id().into(), &deal);
}

/// A Hold was signed, or one's own was shown again: then its deal may have gone on.
pub(super) fn held(fold: &mut Fold<'_, '_>, id: RecordId, hold: &Hold) {
    let asked = Deal::read(fold.view, hold.deal).filter(|deal| deal.state == State::Asked);
    let Some(mut deal) = asked else {
        return;
    };
    deal.backing = Backing::Stock;
    if hold.hold.passed_on.is_some() {
        // Others hold it; nothing of the own stock is promised.
        deal.backing = Backing::Parts;
        deal.reserved = List::default();
    }
    reserve(fold, &mut deal);
    deal.state = State::Held;
    deal.hold = Some(id);
    deal.until = hold.hold.until;
    deal.keep(fold.view, hold.deal);
    change::begun(fold, hold.deal, &deal);
}

/// A Commit was taken. The decision is the next entry, or comes from downstream.
pub(super) fn committed(fold: &mut Fold<'_, '_>, id: RecordId, commit: &Commit) {
    let alone = |deal: &Deal| deal.manifest.is_none();
    if let Some(mut deal) = Deal::read(fold.view, commit.deal).filter(alone) {
        if deal.state == State::Held && deal.backing == Backing::Parts {
            deal.state = State::Passed;
        }
        deal.commit = Some(id);
        deal.alternative = commit.alternative;
        deal.keep(fold.view, commit.deal);
    }
}

/// A Receipt was signed, or one's own was shown again.
pub(super) fn sold(fold: &mut Fold<'_, '_>, id: RecordId, receipt: &Receipt) {
    let unsold = Deal::read(fold.view, receipt.deal).filter(|deal| deal.state != State::Sold);
    let Some(mut deal) = unsold else {
        return;
    };
    if matches!(deal.state, State::Held | State::Passed) {
        free(fold, &deal, holds::Ended::Used);
    }
    tombstone::lift(fold.view, deal.until, receipt.deal);
    deal.alternative = receipt.alternative;
    deal.commit = Some(receipt.commit);
    deal.state = State::Sold;
    deal.decision = Some(id);
    came(fold, receipt.deal, &deal);
    fold.view.put(Key::Decision { deal: receipt.deal }, &id);
    let network = fold.machine.config.network;
    if let Some(terms) = deal.terms(fold.view, &network, receipt.deal) {
        let at = receipt.header.at;
        order::agreed(fold, (receipt.deal, at), &mut deal, &terms);
    }
    deal.keep(fold.view, receipt.deal);
}

/// A Refusal was signed.
pub(super) fn refused(fold: &mut Fold<'_, '_>, partner: PartnerId, record: &Signed<ThreadBody>) {
    let ThreadBody::Refusal(refusal) = record.body() else {
        return;
    };
    let mut deal = Deal::read(fold.view, refusal.deal)
        .unwrap_or_else(|| opened(fold, partner, record, State::Refused));
    if matches!(deal.state, State::Sold | State::Armed | State::Lapsed) {
        // A Receipt binds, and so does what a leg said in its bundle, whatever is shown beside it.
        return;
    }
    if matches!(deal.state, State::Held | State::Passed | State::Waiting) {
        let how = if refusal.code == crate::code::Code::HoldOver {
            holds::Ended::Expired
        } else {
            holds::Ended::Used
        };
        free(fold, &deal, how);
    }
    deal.state = State::Refused;
    deal.decision = Some(record.id());
    fold.view
        .put(Key::Decision { deal: refusal.deal }, &record.id());
    deal.keep(fold.view, refusal.deal);
    tombstone::lay(fold.view, deal.until, refusal.deal);
    change::ended(fold, refusal.deal, &deal);
}

/// A hold was closed by a local entry: its units are free and the Refusal is owed.
pub(crate) fn closed(fold: &mut Fold<'_, '_>, deal_id: DealId) {
    let Some(mut deal) = Deal::read(fold.view, deal_id) else {
        return;
    };
    if matches!(deal.state, State::Held | State::Waiting) {
        free(fold, &deal, holds::Ended::Expired);
        deal.state = State::Closed;
        deal.keep(fold.view, deal_id);
    }
}

/// A Release was taken; the Refusal is the next entry.
pub(super) fn released(fold: &mut Fold<'_, '_>, id: RecordId, release: &Release) {
    if let Some(mut deal) = Deal::read(fold.view, release.deal) {
        deal.release = Some(id);
        came(fold, release.deal, &deal);
        deal.keep(fold.view, release.deal);
    }
}

/// Whoever commits or releases an own firm proposal has it. Asked again, a requester that fell back
/// would take it for a new one, and might bind itself otherwise than before.
fn came(fold: &mut Fold<'_, '_>, deal_id: DealId, deal: &Deal) {
    if deal.opening == Opening::ProviderProposal {
        fold.answered(deal.partner, deal_id.into());
    }
}

/// An Ack was taken.
pub(super) fn acknowledged(fold: &mut Fold<'_, '_>, id: RecordId, ack: &Ack) {
    let network = fold.machine.config.network;
    let receipt = crate::machine::kept_record(fold.view, &network, ack.receipt);
    let Some(deal_id) = receipt.and_then(|receipt| super::decided_by(receipt.body())) else {
        return;
    };
    if let Some(mut deal) = Deal::read(fold.view, deal_id) {
        deal.ack = Some(id);
        deal.keep(fold.view, deal_id);
        fold.answered(deal.partner, ack.receipt);
    }
}

pub(super) fn reserve(fold: &mut Fold<'_, '_>, deal: &mut Deal) {
    deal.holder = stock::holder(fold.view, deal.partner);
    stock::hold(fold.view, &deal.reserved, deal.holder);
    let held = deal.amount.get();
    let shift = credit::Shift {
        held,
        ..Default::default()
    };
    credit::shift(fold.view, deal.partner, deal.currency, shift);
    holds::held(fold.view, deal.partner);
}

pub(super) fn free(fold: &mut Fold<'_, '_>, deal: &Deal, how: holds::Ended) {
    stock::free(fold.view, &deal.reserved, deal.holder);
    let held = deal.amount.get().saturating_neg();
    let shift = credit::Shift {
        held,
        ..Default::default()
    };
    credit::shift(fold.view, deal.partner, deal.currency, shift);
    holds::ended(fold.view, deal.partner, how, fold.header.at);
}
