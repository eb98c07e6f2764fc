//! Questions of a bundle (SPEC.md sections 15.2 and 20): the Manifest at each provider, the own
//! `ArmReceipt` at all members while it is in doubt, and what is served to whoever asks so.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named has no part here"
)]

use alloc::{boxed::Box, vec::Vec};

use super::{Bundle, Ended, KnownLeg, carry, epoch, silence};
use crate::{
    bundle::BundleBody,
    deal::{Deal, State},
    fence::List,
    hash::{ManifestId, PartnerId, RecordId},
    limits::LETTER_RECORDS_MAX,
    machine::{EndsBy, Key, Mark, Message, Question, Trial, View, chain, life, outbox},
    record::Signed,
    thread::ThreadBody,
};

/// Asks a provider to arm: the Manifest, with the holds of its legs and what opened their deals.
pub(super) fn to_arm(trial: &mut Trial<'_>, to: PartnerId, at: (ManifestId, &Bundle)) {
    asks(trial, to, at, EndsBy::Armed);
}

/// Asks a provider by the Manifest until this answers it.
fn asks(
    trial: &mut Trial<'_>,
    to: PartnerId,
    (id, bundle): (ManifestId, &Bundle),
    ends_by: EndsBy,
) {
    let records = Vec::from([id.into()]);
    let attached = stands_on(bundle, to);
    put(
        trial,
        to,
        (id.into(), ends_by),
        (records.clone(), attached.clone()),
    );
    trial.send(to, Message::Letter { records, attached });
}

/// Sends a Manifest again as it is, with the holds of a provider's legs.
pub(crate) fn again_to(trial: &mut Trial<'_>, to: PartnerId, id: ManifestId) {
    if let Some(bundle) = Bundle::read(&trial.view, id) {
        let records = Vec::from([id.into()]);
        let attached = stands_on(&bundle, to);
        trial.reply(to, Message::Letter { records, attached });
    }
}

/// What an own Manifest stands on at a provider: the holds of all its legs.
pub(crate) fn stands_on(bundle: &Bundle, provider: PartnerId) -> Vec<RecordId> {
    along(bundle, holds_of(bundle, provider))
}

/// With the Manifest of parts goes that of the whole, by which whoever has it finds who decides.
pub(super) fn along(bundle: &Bundle, mut attached: Vec<RecordId>) -> Vec<RecordId> {
    if let Some(whole) = bundle.whole {
        attached.truncate(LETTER_RECORDS_MAX - 1);
        attached.push(whole.manifest.into());
    }
    attached
}

fn holds_of(bundle: &Bundle, provider: PartnerId) -> Vec<RecordId> {
    let mut attached: Vec<RecordId> = Vec::new();
    for (_, leg) in bundle.of_provider(provider) {
        for record in [leg.hold, leg.deal.into()] {
            if !attached.contains(&record) {
                attached.push(record);
            }
        }
    }
    attached
}

/// All that is known of what a member said of its own legs.
fn said_by(bundle: &Bundle, member: PartnerId) -> Vec<RecordId> {
    let legs = bundle.of_provider(member);
    // An honest leg says two of them at most.
    legs.flat_map(|(_, leg)| {
        let said = [leg.armed, leg.refused, leg.lapsed];
        said.into_iter().flatten().take(2)
    })
    .collect()
}

/// What goes along with a question of a leg in doubt, as it is at this sending, so that it says all
/// that this node knows; none for any other question.
pub(crate) fn beside(
    trial: &Trial<'_>,
    to: PartnerId,
    question: &Question,
) -> Option<Vec<RecordId>> {
    let manifest = question.letter.first()?;
    let asks = question.ends_by == EndsBy::Certificate;
    let bundle = asks.then(|| Bundle::read(&trial.view, (*manifest).into()))??;
    Some(along(&bundle, said_by(&bundle, to)))
}

/// An own leg armed. The requester has its letter; the other members are told, and asked when that
/// is sent again: most will have armed by then, and have told so themselves.
pub(super) fn armed(trial: &mut Trial<'_>, (id, number): (ManifestId, u16)) {
    let Some(bundle) = Bundle::read(&trial.view, id).filter(|bundle| bundle.ended.is_none()) else {
        return;
    };
    let receipt = bundle.leg(number).and_then(|leg| leg.armed);
    let Some(receipt) = receipt.filter(|_| bundle.whole.is_none()) else {
        in_doubt(trial, id);
        if !trial.machine.is_present(bundle.requester) {
            silence::away(trial, bundle.requester);
        }
        return;
    };
    for partner in bundle.others(trial.machine.config.partner) {
        asks_by(trial, partner, (id, &bundle), receipt);
        if partner != bundle.requester {
            let (records, attached) = (Vec::from([receipt]), Vec::from([id.into()]));
            trial.send(partner, Message::Letter { records, attached });
        }
    }
}

/// While an own leg is armed and no certificate is whole, all other members are asked: by the
/// Manifest, which they answer with what they have, and by the own `ArmReceipt`, which they count.
/// Of a part that is who asked for it, and not the members of the whole, to whom nobody names it.
pub(super) fn in_doubt(trial: &mut Trial<'_>, id: ManifestId) {
    let Some(bundle) = Bundle::read(&trial.view, id) else {
        return;
    };
    let own = trial.machine.config.partner;
    for partner in bundle.others(own) {
        in_doubt_to(trial, partner, (id, &bundle));
    }
}

/// An own Manifest or `ArmReceipt` came back: while no certificate is whole, it asks as when it was
/// signed. A Lapse that came back is told to the requester, who may not have heard it.
pub(in crate::machine) fn came_back(trial: &mut Trial<'_>, record: &Signed<ThreadBody>) {
    match record.body() {
        ThreadBody::Bundle(BundleBody::Manifest(_)) => {
            let id = record.id().into();
            let known = Bundle::read(&trial.view, id).filter(|bundle| bundle.ended.is_none());
            let Some(bundle) = known else { return };
            for provider in bundle.others(bundle.requester) {
                to_arm(trial, provider, (id, &bundle));
            }
        }
        ThreadBody::Bundle(BundleBody::ArmReceipt(armed)) => in_doubt(trial, armed.leg.manifest),
        ThreadBody::Bundle(BundleBody::Lapse(lapse)) => {
            let id = lapse.leg.manifest;
            let Some(bundle) = Bundle::read(&trial.view, id) else {
                return;
            };
            let leg = bundle.leg(lapse.leg.number);
            let said = leg.map(carry::lapsed);
            until_stored(trial, bundle.requester, (said.unwrap_or_default(), &[id]));
        }
        _ => {}
    }
}

pub(super) fn in_doubt_to(
    trial: &mut Trial<'_>,
    partner: PartnerId,
    (id, bundle): (ManifestId, &Bundle),
) {
    let own = trial.machine.config.partner;
    if bundle.ended.is_some() {
        return;
    }
    let waits_below = || super::parts::waits_below(&trial.view, own, (id, bundle));
    let armed = bundle
        .of_provider(own)
        .filter(|(_, leg)| leg.lapsed.is_none() || waits_below());
    let receipts: Vec<RecordId> = armed.filter_map(|(_, leg)| leg.armed).collect();
    for receipt in receipts {
        let records = asks_by(trial, partner, (id, bundle), receipt);
        let attached = along(bundle, said_by(bundle, partner));
        trial.send(partner, Message::Letter { records, attached });
    }
}

/// Puts the question that asks a member by the own `ArmReceipt`, unless it is asked already. Handed
/// back is its letter.
fn asks_by(
    trial: &mut Trial<'_>,
    partner: PartnerId,
    (id, bundle): (ManifestId, &Bundle),
    receipt: RecordId,
) -> Vec<RecordId> {
    // Who is only a member of the whole has nothing to count.
    let counted = Some(receipt).filter(|_| bundle.admits(partner));
    let records: Vec<RecordId> = [Some(id.into()), counted].into_iter().flatten().collect();
    if !awaits_certificate(trial, partner, receipt) {
        let letter = (records.clone(), Vec::new());
        put(trial, partner, (receipt, EndsBy::Certificate), letter);
    }
    records
}

/// Whether a member is asked by an own `ArmReceipt` until a certificate comes. One that it was only
/// shown, as what it may have lost, ends with its Stored.
fn awaits_certificate(trial: &Trial<'_>, partner: PartnerId, receipt: RecordId) -> bool {
    outbox::question(&trial.view, partner, receipt)
        .is_some_and(|question| question.ends_by == EndsBy::Certificate)
}

/// Tells a member the last of these records of a bundle until it has stored it, with the Manifests
/// by which it counts.
pub(super) fn until_stored(
    trial: &mut Trial<'_>,
    to: PartnerId,
    (records, of): (Vec<RecordId>, &[ManifestId]),
) {
    let Some(last) = records.last().copied() else {
        return;
    };
    let attached: Vec<RecordId> = of.iter().map(|id| (*id).into()).collect();
    if outbox::question(&trial.view, to, last).is_none() {
        let letter = (records.clone(), attached.clone());
        put(trial, to, (last, EndsBy::Stored), letter);
    }
    trial.send(to, Message::Letter { records, attached });
}

fn put(
    trial: &mut Trial<'_>,
    partner: PartnerId,
    (record, ends_by): (RecordId, EndsBy),
    (letter, attached): (Vec<RecordId>, Vec<RecordId>),
) {
    let (Ok(letter), Ok(attached)) = (List::new(letter), List::new(attached)) else {
        return;
    };
    let question = Box::new(Question {
        record,
        ends_by,
        letter,
        attached,
        at: trial.at(),
    });
    trial.mark(Mark::AskedAgain { partner, question });
}

/// Serves what is known of a commit certificate to a member.
pub(super) fn certificate(
    trial: &mut Trial<'_>,
    to: PartnerId,
    (id, bundle): (ManifestId, &Bundle),
) {
    lapsed(trial, to, (id, bundle));
    if let Some(whole) = bundle.whole {
        return super::parts::certificate(trial, to, (whole.manifest, id));
    }
    for records in bundle.receipts_but_of(to).chunks(LETTER_RECORDS_MAX) {
        let records = Vec::from(records);
        let attached = Vec::from([id.into()]);
        trial.send(to, Message::Letter { records, attached });
    }
}

/// Its requester shows a leg that lapsed its own Lapse until it has that. If it was lost, the
/// certificate agrees the leg, and nobody else asks about it.
fn lapsed(trial: &mut Trial<'_>, to: PartnerId, (id, bundle): (ManifestId, &Bundle)) {
    if bundle.requester != trial.machine.config.partner {
        return;
    }
    let whole = bundle.whole.map(|whole| whole.manifest);
    let of: Vec<ManifestId> = [Some(id), whole].into_iter().flatten().collect();
    let legs = bundle
        .of_provider(to)
        .filter(|(_, leg)| leg.lapsed.is_some());
    for (_, leg) in legs {
        until_stored(trial, to, (carry::lapsed(leg), &of));
    }
}

/// A member greeted: what is not decided yet is asked of it, and what waited for its greeting said.
pub(crate) fn greeted(
    trial: &mut Trial<'_>,
    partner: PartnerId,
) -> Result<(), crate::machine::Stop> {
    let own = trial.machine.config.partner;
    silence::heard(trial, partner);
    for id in joint(trial, partner, 0) {
        let Some(bundle) = Bundle::read(&trial.view, id) else {
            continue;
        };
        if bundle.requester == own {
            // Its legs have spoken; what they said since may have been lost here.
            if outbox::question(&trial.view, partner, id.into()).is_none() {
                asks(trial, partner, (id, &bundle), EndsBy::Stored);
            }
            continue;
        }
        in_doubt_again(trial, partner, (id, &bundle));
        witness_greeted(trial, partner, (id, &bundle))?;
    }
    for id in resting(trial, partner) {
        if let Some(bundle) = Bundle::read(&trial.view, id) {
            witness_greeted(trial, partner, (id, &bundle))?;
        }
    }
    Ok(())
}

/// Asks what a witness knows of a manifest of which an own leg may have lost something, and says what
/// waited for its greeting.
fn witness_greeted(
    trial: &mut Trial<'_>,
    partner: PartnerId,
    (id, bundle): (ManifestId, &Bundle),
) -> Result<(), crate::machine::Stop> {
    epoch::ask(trial, (id, bundle), Some(partner));
    let own = trial.machine.config.partner;
    let legs: Vec<KnownLeg> = bundle.of_provider(own).map(|(_, leg)| *leg).collect();
    for leg in legs {
        if let Some(deal) = Deal::read(&trial.view, leg.deal)
            && deal.manifest == Some(id)
            && deal.state == State::Closed
        {
            trial.share_of(leg.deal, |trial| {
                super::provide::overdue(trial, leg.deal, &deal)
            })?;
        }
    }
    Ok(())
}

/// The manifests of own legs that rest on deals with a partner, in which it is no member.
fn resting(trial: &Trial<'_>, partner: PartnerId) -> Vec<ManifestId> {
    let mut found = Vec::new();
    for id in life::open_deals(&trial.view, partner) {
        let above = Deal::read(&trial.view, id).and_then(|part| chain::above(&trial.view, &part));
        let manifest = above.and_then(|(_, above)| above.manifest);
        let admits = |id| Bundle::read(&trial.view, id).is_none_or(|bundle| bundle.admits(partner));
        if let Some(manifest) = manifest.filter(|id| !found.contains(id) && !admits(*id)) {
            found.push(manifest);
        }
    }
    found
}

/// The questions that stand in the outbox were sent at the greeting; those that a recovery left out
/// are put now.
fn in_doubt_again(trial: &mut Trial<'_>, partner: PartnerId, (id, bundle): (ManifestId, &Bundle)) {
    let own = trial.machine.config.partner;
    let lacks = |leg: &KnownLeg| {
        leg.armed
            .is_some_and(|receipt| !awaits_certificate(trial, partner, receipt))
    };
    let asks = bundle.of_provider(own).any(|(_, leg)| lacks(leg));
    if asks {
        in_doubt_to(trial, partner, (id, bundle));
    }
}

/// Shows a member that fell back its own records of the bundles that it shares with this node.
pub(crate) fn shown(trial: &mut Trial<'_>, partner: PartnerId) {
    for decided in [0, 1] {
        for id in joint(trial, partner, decided) {
            let Some(bundle) = Bundle::read(&trial.view, id) else {
                continue;
            };
            show(trial, partner, (id, &bundle));
        }
    }
}

/// Sends a member the Manifest with all that is known of what it said itself, and the Refusal that
/// aborted the bundle.
pub(super) fn show(trial: &mut Trial<'_>, partner: PartnerId, (id, bundle): (ManifestId, &Bundle)) {
    let attached = said_by(bundle, partner);
    let by_refusal = bundle
        .refusal
        .filter(|_| bundle.ended == Some(Ended::Aborted));
    let mut records = Vec::from([id.into()]);
    records.extend(by_refusal.filter(|refusal| !attached.contains(refusal)));
    let attached = along(bundle, attached);
    trial.send(partner, Message::Letter { records, attached });
    lapsed(trial, partner, (id, bundle));
}

/// The manifests in which this node and a partner are members.
pub(super) fn joint(trial: &Trial<'_>, partner: PartnerId, decided: u8) -> Vec<ManifestId> {
    let mut after = Key::Joint {
        partner,
        decided,
        manifest: ManifestId::from_bytes([0; 32]),
    };
    let mut found = Vec::new();
    while let Some((
        key @ Key::Joint {
            partner: of,
            decided: is,
            manifest,
        },
        _,
    )) = trial.view.next(&after)
        && (of, is) == (partner, decided)
    {
        found.push(manifest);
        after = key;
    }
    found
}
