//! What the records of a bundle change in the deals that are its legs (SPEC.md section 20). Which
//! record changes what stands in `machine::bundle`; how stock, credit and orders are booked is
//! theirs.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named has no part here"
)]

use super::{
    Deal, Side, State, change, holds,
    negotiation::{self, Settled},
    opened, order, provider, requester, reservation, tombstone,
};
use crate::{
    hash::{DealId, ManifestId, RecordId},
    machine::{Fold, Key, kept_record},
    record::Signed,
    thread::ThreadBody,
};

/// Provider: the first manifest that names its hold is here.
pub(crate) fn bound(
    fold: &mut Fold<'_, '_>,
    id: DealId,
    (manifest, alternative): (ManifestId, u8),
) {
    let Some(mut deal) = Deal::read(fold.view, id) else {
        return;
    };
    if deal.state == State::Held {
        deal.state = State::Waiting;
    }
    deal.manifest = Some(manifest);
    deal.commit = Some(manifest.into());
    deal.alternative = alternative;
    deal.keep(fold.view, id);
    if deal.state == State::Refused {
        // It waits for the members that must greet before its Refusal names the leg.
        let partner = deal.partner;
        let open = Key::OpenDeal { partner, deal: id };
        fold.view.put_bytes(open, alloc::vec::Vec::new());
    }
}

/// Provider: the own `ArmReceipt` was signed, or is shown again, whatever became of the hold since.
pub(crate) fn armed(fold: &mut Fold<'_, '_>, id: DealId) {
    let Some(mut deal) = Deal::read(fold.view, id) else {
        return;
    };
    match deal.state {
        State::Waiting | State::Held => {}
        // Its hold may be lost for good.
        State::Closed | State::Asked => provider::reserve(fold, &mut deal),
        State::Refused if is_refused_alone(fold, &deal) => {
            undecided(fold, id, &mut deal);
            provider::reserve(fold, &mut deal);
        }
        _ => return,
    }
    deal.state = State::Armed;
    deal.keep(fold.view, id);
}

/// Whether a Refusal without leg ended it, and no Release before: beside the Manifest that decides
/// nothing, and its provider only signs one where that was lost.
fn is_refused_alone(fold: &Fold<'_, '_>, deal: &Deal) -> bool {
    let network = fold.machine.config.network;
    let decision = deal
        .decision
        .and_then(|id| kept_record(fold.view, &network, id));
    let is_alone = decision.is_some_and(|record| match record.body() {
        ThreadBody::Refusal(refusal) => refusal.leg.is_none(),
        _ => false,
    });
    is_alone && deal.release.is_none()
}

/// What was refused alone is remembered no more as refused.
fn undecided(fold: &mut Fold<'_, '_>, id: DealId, deal: &mut Deal) {
    deal.decision = None;
    fold.view.delete(Key::Decision { deal: id });
    tombstone::lift(fold.view, deal.until, id);
    change::begun(fold, id, deal);
}

/// Provider: the commit certificate is here.
pub(crate) fn sold(fold: &mut Fold<'_, '_>, id: DealId, receipt: RecordId) {
    let armed = Deal::read(fold.view, id).filter(|deal| deal.state == State::Armed);
    let Some(mut deal) = armed else { return };
    provider::free(fold, &deal, holds::Ended::Used);
    deal.state = State::Sold;
    agree(fold, (id, receipt), deal);
}

/// Provider: an abort certificate is here.
pub(crate) fn refused(fold: &mut Fold<'_, '_>, id: DealId, refusal: RecordId) {
    let Some(mut deal) = Deal::read(fold.view, id) else {
        return;
    };
    match deal.state {
        State::Held | State::Waiting | State::Armed => {
            provider::free(fold, &deal, holds::Ended::Used);
        }
        State::Asked | State::Closed => {}
        // Its Refusal did not name the leg yet; this one does.
        State::Refused => {
            deal.decision = Some(refusal);
            let partner = deal.partner;
            fold.view.delete(Key::OpenDeal { partner, deal: id });
            return deal.keep(fold.view, id);
        }
        _ => return,
    }
    deal.state = State::Refused;
    end(fold, (id, refusal), deal);
}

/// Provider: a leg is refused whose deal this node lost, or never had.
pub(crate) fn never_seen(
    fold: &mut Fold<'_, '_>,
    refusal: &Signed<ThreadBody>,
    (id, manifest): (DealId, ManifestId),
) {
    let requester = refusal.body().header().to;
    let mut deal = opened(fold, requester, refusal, State::Refused);
    deal.manifest = Some(manifest);
    deal.commit = Some(manifest.into());
    end(fold, (id, refusal.id()), deal);
}

/// Provider: it has waited as long as its hold said.
pub(crate) fn lapsed(fold: &mut Fold<'_, '_>, id: DealId, lapse: RecordId) {
    let Some(mut deal) = Deal::read(fold.view, id) else {
        return;
    };
    match deal.state {
        State::Armed => provider::free(fold, &deal, holds::Ended::Used),
        // It was agreed while its Lapse was lost, and its requester owes nothing.
        State::Sold => order::undone(fold, id, &deal),
        _ => return,
    }
    deal.state = State::Lapsed;
    end(fold, (id, lapse), deal);
}

/// Requester: the own Manifest was signed, or is shown again.
pub(crate) fn committed(
    fold: &mut Fold<'_, '_>,
    id: DealId,
    hold: RecordId,
    (manifest, alternative): (ManifestId, u8),
) {
    let Some(mut deal) = Deal::read(fold.view, id) else {
        return;
    };
    match deal.state {
        State::Requested | State::Kept => {}
        State::Aborted if deal.commit.is_none() && is_refused_alone(fold, &deal) => {
            undecided(fold, id, &mut deal);
        }
        _ => return,
    }
    deal.state = State::Doubt;
    deal.hold = Some(hold);
    deal.manifest = Some(manifest);
    deal.commit = Some(manifest.into());
    deal.alternative = alternative;
    let network = fold.machine.config.network;
    if let Some(terms) = deal.terms(fold.view, &network, id) {
        deal.amount = reservation(fold.view, &network, core::slice::from_ref(&terms)).0;
    }
    requester::doubt(fold, &deal, deal.amount.get());
    fold.view.delete(Key::Approval { deal: id });
    deal.keep(fold.view, id);
    // One that comes back may find the Request still asked; the Manifest asks in its place.
    fold.answered(deal.partner, id.into());
}

/// Requester: the commit certificate is here.
pub(crate) fn agreed(fold: &mut Fold<'_, '_>, id: DealId, receipt: RecordId) {
    if let Some(mut deal) = out_of_doubt(fold, id) {
        deal.state = State::Agreed;
        agree(fold, (id, receipt), deal);
    }
}

/// Requester: an abort certificate is here.
pub(crate) fn aborted(fold: &mut Fold<'_, '_>, id: DealId, refusal: RecordId) {
    if let Some(mut deal) = out_of_doubt(fold, id) {
        deal.state = State::Aborted;
        end(fold, (id, refusal), deal);
    }
}

/// Requester: the leg of an agreed bundle lapsed, so nobody owes anything for it.
pub(crate) fn given_up(fold: &mut Fold<'_, '_>, id: DealId, lapse: RecordId) {
    let Some(mut deal) = Deal::read(fold.view, id) else {
        return;
    };
    if deal.state == State::Agreed {
        order::undone(fold, id, &deal);
        deal.state = State::Aborted;
        end(fold, (id, lapse), deal);
    } else {
        aborted(fold, id, lapse);
    }
}

fn out_of_doubt(fold: &mut Fold<'_, '_>, id: DealId) -> Option<Deal> {
    let deal = Deal::read(fold.view, id)?;
    match deal.state {
        State::Doubt => requester::doubt(fold, &deal, deal.amount.get().saturating_neg()),
        State::Written => {}
        _ => return None,
    }
    Some(deal)
}

/// Both sides: what is agreed is booked.
fn agree(fold: &mut Fold<'_, '_>, (id, receipt): (DealId, RecordId), mut deal: Deal) {
    deal.decision = Some(receipt);
    let network = fold.machine.config.network;
    let terms = deal.terms(fold.view, &network, id);
    // An order has the time of the record that its provider signed for it alone.
    if let (Some(terms), Some(armed)) = (terms, kept_record(fold.view, &network, receipt)) {
        let at = armed.body().header().at;
        order::agreed(fold, (id, at), &mut deal, &terms);
    }
    negotiation::settled(fold.view, deal.thread, (id, Settled::Agreed));
    decided(fold, (id, receipt), &deal);
}

/// Both sides: what came to nothing is remembered for a while.
fn end(fold: &mut Fold<'_, '_>, (id, by): (DealId, RecordId), mut deal: Deal) {
    deal.decision = Some(by);
    negotiation::settled(fold.view, deal.thread, (id, Settled::Not));
    decided(fold, (id, by), &deal);
    tombstone::lay(fold.view, deal.until, id);
    change::ended(fold, id, &deal);
}

fn decided(fold: &mut Fold<'_, '_>, (id, by): (DealId, RecordId), deal: &Deal) {
    if deal.side() == Side::Provider {
        fold.view.put(Key::Decision { deal: id }, &by);
    }
    deal.keep(fold.view, id);
}
