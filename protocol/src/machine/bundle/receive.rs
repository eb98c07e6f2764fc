//! What a member's record of a bundle meets: whether it may be taken here at all, then the table of
//! the leg or of the bundle. It keeps out what either table makes of it.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named has no part here"
)]

use super::{
    Bundle,
    carry::{self, Said},
    epoch,
    fold::{concerns, kept_manifest},
    parts, provide, require, silence,
};
use crate::{
    bundle::{BundleBody, Manifest},
    code::Code,
    deal::Deal,
    hash::{DealId, ManifestId, RecordId},
    machine::{Case, No, ProofGroup, Received, Trial, outbox},
    record::{Kind, Signed},
    thread::{LegName, ThreadBody},
};

/// What a record says of a leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Word {
    /// It armed.
    Armed,
    /// It refused.
    Refused,
    /// It lapsed.
    Lapsed,
}

/// Whether a record is one that all members of a bundle see.
pub(crate) fn is_of_a_bundle(body: &ThreadBody) -> bool {
    manifest_of(body).is_some() || is_manifest(body)
}

fn is_manifest(body: &ThreadBody) -> bool {
    matches!(body, ThreadBody::Bundle(BundleBody::Manifest(_)))
}

/// Which leg a record names, with its deal.
fn named(body: &ThreadBody) -> Option<(LegName, DealId, Word)> {
    match body {
        ThreadBody::Bundle(BundleBody::ArmReceipt(body)) => {
            Some((body.leg, body.deal, Word::Armed))
        }
        ThreadBody::Bundle(BundleBody::Lapse(body)) => Some((body.leg, body.deal, Word::Lapsed)),
        ThreadBody::Refusal(refusal) => Some((refusal.leg?, refusal.deal, Word::Refused)),
        _ => None,
    }
}

fn manifest_of(body: &ThreadBody) -> Option<ManifestId> {
    named(body).map(|(leg, ..)| leg.manifest)
}

/// Who sees an own record: what names a leg is for all members of its manifest, the Refusal too,
/// which stands in the thread of its deal; all else is for the partner to whom it is addressed.
pub(in crate::machine) fn audience_of(record: &Signed<ThreadBody>) -> ProofGroup {
    let body = record.body();
    let of = manifest_of(body).or_else(|| is_manifest(body).then(|| record.id().into()));
    of.map_or(ProofGroup::Partner(body.header().to), ProofGroup::Members)
}

/// The order in which the records of a deal are made: by their kinds, but that a Manifest stands
/// for its Commit.
pub(crate) fn order_of(record: &Signed<ThreadBody>) -> Kind {
    match record.kind() {
        Kind::Manifest => Kind::Commit,
        kind => kind,
    }
}

/// The deals that an own record of a bundle is about.
pub(in crate::machine) fn about(record: &Signed<ThreadBody>) -> Option<DealId> {
    match record.body() {
        ThreadBody::Bundle(BundleBody::Manifest(manifest)) => {
            manifest.legs().first().map(|leg| leg.deal)
        }
        body => named(body).map(|(_, deal, _)| deal),
    }
}

/// The records of a letter, those that are attached too.
fn all<'a>(case: Case<'a>) -> impl Iterator<Item = &'a Received> {
    core::iter::once(case.received).chain(case.attached)
}

/// The Manifest of a record: itself, kept, or in the same letter.
fn find(trial: &Trial<'_>, case: Case<'_>, id: RecordId) -> Option<Manifest> {
    let brought = all(case).find(|one| one.record.id() == id);
    if let Some(brought) = brought
        && let ThreadBody::Bundle(BundleBody::Manifest(manifest)) = brought.record.body()
    {
        return Some((**manifest).clone());
    }
    kept_manifest(&trial.view, &trial.machine.config.network, id)
}

/// Decides about one record of a bundle.
pub(crate) fn received(trial: &mut Trial<'_>, case: Case<'_>) -> Result<(), No> {
    let body = case.record().body();
    let id = manifest_of(body).map_or(case.id(), RecordId::from);
    let manifest = find(trial, case, id).ok_or(No::Unanswered)?;
    if parts::serve(trial, case, &manifest) {
        return Ok(());
    }
    check_admitted(trial, case, (id, &manifest))?;
    trial.import_shown(case)?;
    if case.record().author() == trial.machine.config.partner {
        own(trial, case)?;
        take_decided_parts(trial, case, id.into());
        return Ok(());
    }
    if case.id() == id {
        epoch::heard(trial, case, (id.into(), &manifest));
    }
    let answered = take_manifest(trial, case, id)?;
    let id = ManifestId::from(id);
    if let Some((leg, deal, word)) = named(body) {
        manifest.counts(id, case.record().author(), (deal, leg))?;
        hear(trial, case, deal);
        let bundle = Bundle::read(&trial.view, id).ok_or(No::Unanswered)?;
        if bundle.requester == trial.machine.config.partner {
            require::said(trial, case, (id, &bundle), (leg.number, word))?;
        } else {
            provide::said(trial, case, (id, &manifest), (leg.number, word))?;
        }
        outbox::answered(trial, case);
        take_decided_parts(trial, case, id);
    } else if answered == Said::All {
        trial.stored(case);
    }
    provide::arm_last(trial, case, (id, &manifest))
}

/// A Manifest is for its members alone, and only they bring what it admits.
fn check_admitted(
    trial: &Trial<'_>,
    case: Case<'_>,
    (id, manifest): (RecordId, &Manifest),
) -> Result<(), No> {
    let requester = manifest.members().first().map(|member| member.partner);
    manifest.requester(requester.ok_or(Code::Malformed)?)?;
    if let Some(named) = manifest.whole() {
        let whole = find(trial, case, named.manifest.into()).ok_or(No::Unanswered)?;
        let first = whole.members().first().map(|member| member.partner);
        whole.requester(first.ok_or(Code::Malformed)?)?;
        if whole.whole().is_some() || whole.leg(named.number).is_none() {
            return Err(Code::LegUnknown.into());
        }
    }
    let own = trial.machine.config.partner;
    if is_manifest(case.record().body()) {
        manifest.requester(case.record().author())?;
    }
    let is_member = manifest.admits(own) && manifest.admits(case.from);
    let is_witness = || {
        let bundle = Bundle::of(case.from, manifest);
        bundle.is_some_and(|bundle| epoch::witnesses(trial, &bundle).contains(&case.from))
    };
    if is_member || decides_own(trial, case, id) || is_witness() && manifest.admits(own) {
        Ok(())
    } else {
        Err(Code::NotAddressed.into())
    }
}

/// Whether this manifest decides a part of which this node has a leg, and comes from whom that part
/// names, or from a member of the whole that was asked. Anybody else is answered as by a node that has
/// none: it is not to learn who provides the part.
fn decides_own(trial: &Trial<'_>, case: Case<'_>, id: RecordId) -> bool {
    let own = trial.machine.config.partner;
    let brings = all(case).any(|one| match one.record.body() {
        ThreadBody::Bundle(BundleBody::Manifest(manifest)) => {
            let whole = manifest.whole().map(|whole| RecordId::from(whole.manifest));
            whole == Some(id) && manifest.admits(own) && manifest.admits(case.from)
        }
        _ => false,
    });
    let parts = super::parts_of(&trial.view, id.into()).into_iter();
    let mut parts = parts.filter_map(|part| Bundle::read(&trial.view, part));
    brings || parts.any(|part| part.admits(case.from) || silence::is_asked(trial, case.from, &part))
}

/// One's own, brought by another member: it is known, or was lost.
fn own(trial: &mut Trial<'_>, case: Case<'_>) -> Result<(), No> {
    if !trial.knows(case.id()) {
        // What is said of a part is taken only where the whole is, and a letter of that has no room for it.
        take_whole(trial, case, &case);
        trial.take_lost(case, case.received)?;
    }
    trial.stored(case);
    Ok(())
}

/// Takes the Manifest that came along, if it is not known yet, or answers it where it asks again.
fn take_manifest(trial: &mut Trial<'_>, case: Case<'_>, id: RecordId) -> Result<Said, No> {
    let is_known = Bundle::read(&trial.view, id.into()).is_some();
    let brought = all(case).find(|one| one.record.id() == id);
    match brought {
        Some(received) if !is_known => {
            let manifest = Case { received, ..case };
            take_whole(trial, case, &manifest);
            if manifest.record().author() == trial.machine.config.partner {
                trial.take_lost(case, received)?;
                return Ok(Said::All);
            }
            provide::manifest(trial, manifest)
        }
        _ if case.id() == id => provide::manifest_again(trial, case),
        _ if is_known => Ok(Said::All),
        _ => Err(No::Unanswered),
    }
}

/// Keeps the Manifest of the whole, with which that of parts travels.
fn take_whole(trial: &mut Trial<'_>, case: Case<'_>, parts: &Case<'_>) {
    let ThreadBody::Bundle(BundleBody::Manifest(manifest)) = parts.record().body() else {
        return;
    };
    let whole = manifest.whole().map(|whole| RecordId::from(whole.manifest));
    let brought = all(case).find(|one| Some(one.record.id()) == whole);
    if let Some(received) = brought.filter(|brought| !trial.knows(brought.record.id())) {
        trial.keep(Case { received, ..case });
    }
}

/// With the certificate of a whole comes the Manifest of a part, which that binds and decides though
/// it was lost on its own way.
fn take_decided_parts(trial: &mut Trial<'_>, case: Case<'_>, whole: ManifestId) {
    let is_decided = Bundle::read(&trial.view, whole).is_some_and(|whole| whole.ended.is_some());
    for received in case.attached.iter().filter(|_| is_decided) {
        let id = received.record.id();
        let part = Case { received, ..case };
        let names_it = |part: &Manifest| {
            let named = part.whole().map(|named| named.manifest);
            let mut legs = part.legs().iter();
            named == Some(whole) && legs.any(|leg| Deal::read(&trial.view, leg.deal).is_some())
        };
        if let Some(manifest) = carry::manifest_in(part.record()).filter(|part| names_it(part))
            && !trial.knows(id)
            && check_admitted(trial, part, (id, manifest)).is_ok()
        {
            trial.keep(part);
        }
    }
}

/// Takes a Manifest as it stands, without deciding by it: an own record that rests on it came back.
pub(in crate::machine) fn admit_shown(
    trial: &mut Trial<'_>,
    case: Case<'_>,
    record: &Signed<ThreadBody>,
) -> bool {
    let Some(id) = manifest_of(record.body()) else {
        return true;
    };
    if Bundle::read(&trial.view, id).is_some() {
        return true;
    }
    let brought = all(case).find(|one| one.record.id() == id.into());
    let Some(received) = brought else {
        return false;
    };
    let ThreadBody::Bundle(BundleBody::Manifest(manifest)) = received.record.body() else {
        return false;
    };
    let brought = Case { received, ..case };
    if check_admitted(trial, brought, (id.into(), manifest)).is_err() {
        return false;
    }
    let stands = manifest
        .legs()
        .iter()
        .any(|leg| Deal::read(&trial.view, leg.deal).is_some());
    if stands {
        trial.keep(brought);
    }
    stands
}

/// Notes that a member spoke of a deal which an earlier epoch opened.
fn hear(trial: &mut Trial<'_>, case: Case<'_>, id: DealId) {
    let partner = concerns(trial.machine.config.partner, case.record());
    let deal = Deal::read(&trial.view, id).filter(|deal| Some(deal.partner) == partner);
    if let Some(deal) = deal {
        trial.spoken(id, &deal);
    }
}
