//! What the records of a bundle change, as they are signed by this node, taken from a member, or
//! shown again. It reads only what entries before wrote, and can't refuse; who decides did.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named has no part here"
)]

use super::{Bundle, Ended, KnownLeg};
use crate::{
    bundle::{BundleBody, Manifest, Outcome},
    deal::{
        Deal, State, leg,
        negotiation::{self, Thread, Who},
    },
    hash::{DealId, ManifestId, PartnerId, RecordId},
    machine::{Fold, Key, kept_record, outbox, stored},
    record::Signed,
    thread::{LegName, ThreadBody},
};

/// Which record of a leg is here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Said {
    Armed,
    Refused,
    Lapsed,
}

/// With whom a record of a bundle is recorded: the other side of an own one, else its author. A
/// Manifest is addressed to its author, and an own one is with nobody.
pub(crate) fn concerns(own: PartnerId, record: &Signed<ThreadBody>) -> Option<PartnerId> {
    let to = record.body().header().to;
    if record.author() != own {
        Some(record.author())
    } else if to != own {
        Some(to)
    } else {
        None
    }
}

/// What a record of a bundle changes. Handed back is whether it is one.
pub(crate) fn recorded(fold: &mut Fold<'_, '_>, who: Who, record: &Signed<ThreadBody>) -> bool {
    let (named, deal, said) = match record.body() {
        ThreadBody::Bundle(BundleBody::Manifest(body)) => {
            manifest(fold, record, body);
            return true;
        }
        ThreadBody::Bundle(BundleBody::ArmReceipt(body)) => (body.leg, body.deal, Said::Armed),
        ThreadBody::Bundle(BundleBody::Lapse(body)) => (body.leg, body.deal, Said::Lapsed),
        ThreadBody::Refusal(refusal) => match refusal.leg {
            Some(leg) => (leg, refusal.deal, Said::Refused),
            None => return false,
        },
        _ => return false,
    };
    // The Refusal of a leg stands in the thread of its deal, which the two sides alone have.
    if said == Said::Refused
        && Thread::read(fold.view, negotiation::thread_of(record)).is_some()
        && let Some(partner) = concerns(fold.machine.config.partner, record)
    {
        negotiation::recorded(fold.view, who, partner, record);
    }
    // One that is shown again comes with its deal.
    let is_signed_now = record.author() == fold.machine.config.partner
        && record.body().header().life.get() == fold.header.life;
    if said == Said::Refused && is_signed_now && Deal::read(fold.view, deal).is_none() {
        leg::never_seen(fold, record, (deal, named.manifest));
    }
    said_of_a_leg(fold, record, (named, deal, said));
    true
}

/// A Manifest is here: the holds that it names are bound, or at its requester all in doubt.
fn manifest(fold: &mut Fold<'_, '_>, record: &Signed<ThreadBody>, body: &Manifest) {
    let manifest = ManifestId::from(record.id());
    let known = Bundle::read(fold.view, manifest);
    let Some(bundle) = known.or_else(|| Bundle::of(record.author(), body)) else {
        return;
    };
    let own = fold.machine.config.partner;
    for known in &*bundle.legs {
        let deal = Deal::read(fold.view, known.deal);
        let comes_later = if bundle.requester == own {
            deal.is_none()
        } else {
            known.provider == own && deal.is_none_or(|deal| deal.hold.is_none())
        };
        if comes_later {
            fold.view.put(Key::Leg { deal: known.deal }, &manifest);
        }
    }
    // Whoever has it only as the whole of a part is none of its members.
    if bundle.admits(own) {
        for partner in bundle.others(own) {
            fold.view
                .put_bytes(joint(partner, &bundle, manifest), alloc::vec::Vec::new());
        }
    }
    keep(fold, manifest, &bundle);
    if let Some(LegName {
        manifest: whole, ..
    }) = bundle.whole
    {
        fold.view
            .put_bytes(Key::PartsOf { whole, manifest }, alloc::vec::Vec::new());
        if let Some(whole) = Bundle::read(fold.view, whole) {
            decided_above(fold, manifest, &whole);
        }
    }
}

/// The certificate of the whole decides its parts, and travels no further by itself.
fn decided_above(fold: &mut Fold<'_, '_>, manifest: ManifestId, whole: &Bundle) {
    let open = Bundle::read(fold.view, manifest).filter(|bundle| bundle.ended.is_none());
    let Some(mut bundle) = open.filter(|_| whole.ended.is_some()) else {
        return;
    };
    (bundle.ended, bundle.refusal) = (whole.ended, whole.refusal);
    decide_joint(fold, manifest, &bundle);
    keep(fold, manifest, &bundle);
    answered(fold, manifest, &bundle);
}

/// Whether a hold of this node's own is bound by the manifest of its requester: it is the first that
/// names it, and nothing else has committed it. Of a leg of which this node said something it may have
/// lost the hold.
fn may_bind(fold: &Fold<'_, '_>, leg: &KnownLeg, requester: PartnerId) -> bool {
    let was_said = leg.armed.or(leg.refused).is_some();
    Deal::read(fold.view, leg.deal).is_some_and(|deal| {
        let is_free = matches!(deal.state, State::Held | State::Closed | State::Refused);
        deal.partner == requester
            && deal.manifest.is_none()
            && (was_said && (is_free || deal.state == State::Asked)
                || deal.hold == Some(leg.hold) && is_free)
    })
}

fn joint(partner: PartnerId, bundle: &Bundle, manifest: ManifestId) -> Key {
    Key::Joint {
        partner,
        decided: u8::from(bundle.ended.is_some()),
        manifest,
    }
}

/// What is said of a leg is kept once, and the first certificate that is whole ends the bundle.
fn said_of_a_leg(
    fold: &mut Fold<'_, '_>,
    record: &Signed<ThreadBody>,
    (named, deal, said): (LegName, DealId, Said),
) {
    let manifest = named.manifest;
    let Some(mut bundle) = Bundle::read(fold.view, manifest) else {
        return;
    };
    let mut legs = bundle.legs.clone().into_vec();
    let leg = legs.get_mut(usize::from(named.number));
    let Some(leg) = leg.filter(|leg| leg.deal == deal && leg.provider == record.author()) else {
        return;
    };
    let place = match said {
        Said::Armed => &mut leg.armed,
        Said::Refused => &mut leg.refused,
        Said::Lapsed => &mut leg.lapsed,
    };
    place.get_or_insert(record.id());
    if let Ok(legs) = crate::fence::List::new(legs) {
        bundle.legs = legs;
    }
    if bundle.ended.is_none() && bundle.whole.is_none() {
        bundle.ended = match bundle.tally().outcome() {
            Outcome::Open => None,
            Outcome::Commit => Some(Ended::Agreed),
            Outcome::Abort => Some(Ended::Aborted),
        };
        if bundle.ended == Some(Ended::Aborted) {
            bundle.refusal = Some(record.id());
        }
        if bundle.ended.is_some() {
            decide_joint(fold, manifest, &bundle);
        }
    }
    keep(fold, manifest, &bundle);
    answered(fold, manifest, &bundle);
    for part in super::parts_of(fold.view, manifest) {
        decided_above(fold, part, &bundle);
    }
}

fn decide_joint(fold: &mut Fold<'_, '_>, manifest: ManifestId, bundle: &Bundle) {
    if !bundle.admits(fold.machine.config.partner) {
        return;
    }
    let open = Bundle {
        ended: None,
        ..bundle.clone()
    };
    for partner in bundle.others(fold.machine.config.partner) {
        fold.view.delete(joint(partner, &open, manifest));
        fold.view
            .put_bytes(joint(partner, bundle, manifest), alloc::vec::Vec::new());
    }
}

/// Keeps what is known, and brings each own deal to where that leads it.
fn keep(fold: &mut Fold<'_, '_>, manifest: ManifestId, bundle: &Bundle) {
    fold.view.put(Key::Bundle { manifest }, bundle);
    let own = fold.machine.config.partner;
    for leg in &*bundle.legs {
        if bundle.requester == own {
            lead_requester(fold, manifest, (bundle, leg));
        } else if leg.provider == own {
            lead_provider(fold, manifest, (bundle, leg));
        }
    }
}

fn lead_provider(
    fold: &mut Fold<'_, '_>,
    manifest: ManifestId,
    (bundle, leg): (&Bundle, &KnownLeg),
) {
    if may_bind(fold, leg, bundle.requester) {
        leg::bound(fold, leg.deal, (manifest, leg.alternative));
    }
    let bound = |deal: &Deal| deal.manifest == Some(manifest);
    if !Deal::read(fold.view, leg.deal).is_some_and(|deal| bound(&deal)) {
        return;
    }
    if let Some(lapse) = leg.lapsed {
        leg::armed(fold, leg.deal);
        return leg::lapsed(fold, leg.deal, lapse);
    }
    match (bundle.ended, leg.armed, leg.refused.or(bundle.refusal)) {
        (Some(Ended::Aborted), _, Some(refusal)) => leg::refused(fold, leg.deal, refusal),
        // A part that refused is over, though the whole is not decided by that.
        (None, None, Some(refusal)) => leg::refused(fold, leg.deal, refusal),
        (ended, Some(receipt), _) => {
            leg::armed(fold, leg.deal);
            if ended == Some(Ended::Agreed) {
                leg::sold(fold, leg.deal, receipt);
            }
        }
        _ => {}
    }
}

fn lead_requester(
    fold: &mut Fold<'_, '_>,
    manifest: ManifestId,
    (bundle, leg): (&Bundle, &KnownLeg),
) {
    let Some(deal) = Deal::read(fold.view, leg.deal) else {
        return;
    };
    if deal.manifest.is_none() {
        leg::committed(fold, leg.deal, leg.hold, (manifest, leg.alternative));
    }
    let refusal = leg.refused.or(bundle.refusal);
    match (bundle.ended, leg.lapsed, leg.armed) {
        // The others are agreed; this one is to be sourced anew.
        (Some(Ended::Agreed), Some(lapse), _) => leg::given_up(fold, leg.deal, lapse),
        (Some(Ended::Agreed), None, Some(receipt)) => leg::agreed(fold, leg.deal, receipt),
        (Some(Ended::Aborted), ..) => {
            if let Some(refusal) = refusal {
                leg::aborted(fold, leg.deal, refusal);
            }
        }
        _ => {}
    }
}

/// Takes the questions out of the outbox that have their answers: the Manifest at each provider
/// whose legs have all spoken, and the own `ArmReceipt` everywhere once a certificate is whole. What
/// ends a part says nothing of its Manifest, which is asked until it is stored.
fn answered(fold: &mut Fold<'_, '_>, manifest: ManifestId, bundle: &Bundle) {
    let own = fold.machine.config.partner;
    let whole = bundle
        .whole
        .and_then(|whole| Bundle::read(fold.view, whole.manifest));
    let above = whole.iter().flat_map(|whole| whole.others(own));
    let asked: alloc::vec::Vec<PartnerId> = bundle.others(own).into_iter().chain(above).collect();
    for partner in asked {
        if bundle.requester == own {
            let mut legs = bundle.of_provider(partner);
            let spoke = |leg: &KnownLeg| leg.armed.is_some() || leg.refused.is_some();
            match (legs.all(|(_, leg)| spoke(leg)), bundle.ended, bundle.whole) {
                (true, ..) | (_, Some(_), None) => fold.answered(partner, manifest.into()),
                (false, Some(_), Some(_)) => {
                    let asked = (partner, manifest.into());
                    outbox::until_stored(fold.machine, fold.view, asked);
                }
                (false, None, _) => {}
            }
            continue;
        }
        for (_, leg) in bundle.of_provider(own) {
            let waits_below = || super::parts::waits_below(fold.view, own, (manifest, bundle));
            if let Some(receipt) = leg.armed
                && (bundle.ended.is_some() || leg.lapsed.is_some() && !waits_below())
            {
                outbox::end(fold.machine, fold.view, partner, receipt);
            }
        }
    }
}

/// An own Request or hold came back that a Manifest names which is here already.
pub(crate) fn joined(fold: &mut Fold<'_, '_>, record: &Signed<ThreadBody>) {
    let deal = match record.body() {
        ThreadBody::Hold(hold) => hold.deal,
        _ => record.id().into(),
    };
    let Some(manifest) = stored::<ManifestId>(fold.view, &Key::Leg { deal }) else {
        return;
    };
    fold.view.delete(Key::Leg { deal });
    if let Some(bundle) = Bundle::read(fold.view, manifest) {
        keep(fold, manifest, &bundle);
    }
}

/// The Manifest with this id, if it is kept.
pub(super) fn kept_manifest(
    view: &dyn crate::machine::View,
    network: &crate::hash::NetworkId,
    id: RecordId,
) -> Option<Manifest> {
    let kept = kept_record(view, network, id)?;
    match kept.body() {
        ThreadBody::Bundle(BundleBody::Manifest(manifest)) => Some((**manifest).clone()),
        _ => None,
    }
}
