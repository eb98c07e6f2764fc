//! A member that lost synced data, in its next epoch (SPEC.md section 20, Losses): its leg decides
//! nothing by itself before each other member has said what it knows of it. Which cell then
//! decides is `provide`'s.

use alloc::vec::Vec;

use super::{Bundle, KnownLeg, ask, carry, parts, receive::is_of_a_bundle, unknown};
use crate::{
    bundle::{Backing, Manifest, Member},
    code::Code,
    deal::{Deal, State},
    frame::NoticeWhat,
    hash::{ManifestId, PartnerId, RecordId},
    machine::{Case, Key, Mark, No, Received, Stop, Trial, chain, kept_record, stored},
};

/// Whether the leg may decide by itself: its hold is of this life or epoch, in which nothing was
/// lost, or all other members have spoken.
pub(super) fn may_decide(
    trial: &Trial<'_>,
    deal: &Deal,
    (id, bundle): (ManifestId, &Bundle),
) -> bool {
    !is_of_an_earlier_epoch(trial, deal) || unspoken(trial, (id, bundle)).is_empty()
}

fn is_of_an_earlier_epoch(trial: &Trial<'_>, deal: &Deal) -> bool {
    let network = trial.machine.config.network;
    let hold = deal
        .hold
        .and_then(|hold| kept_record(&trial.view, &network, hold));
    hold.is_some_and(|hold| {
        let header = hold.body().header();
        header.life.get() != trial.machine.life && header.epoch != trial.machine.head.epoch
    })
}

/// Who may know what became of the own legs of a manifest: the other members, and who provides what
/// one of them rests on, since the certificate is handed down to it.
pub(super) fn witnesses(trial: &Trial<'_>, bundle: &Bundle) -> Vec<PartnerId> {
    let own = trial.machine.config.partner;
    let mut witnesses = bundle.others(own);
    for (_, leg) in bundle.of_provider(own) {
        let part = Deal::read(&trial.view, leg.deal)
            .filter(|deal| deal.backing == Backing::Parts)
            .and_then(|deal| chain::below(trial, (leg.deal, &deal)));
        if let Some((_, part)) = part.filter(|(_, part)| !witnesses.contains(&part.partner)) {
            witnesses.push(part.partner);
        }
    }
    witnesses
}

/// Whether all witnesses have greeted, and said in the present epoch what they know.
pub(super) fn all_spoke(trial: &Trial<'_>, at: (ManifestId, &Bundle)) -> bool {
    let witnesses = witnesses(trial, at.1);
    !trial.machine.recovering
        && witnesses
            .iter()
            .all(|partner| trial.machine.is_greeted(*partner))
        && unspoken(trial, at).is_empty()
}

/// The witnesses that have not said in the present epoch what they know.
fn unspoken(trial: &Trial<'_>, (manifest, bundle): (ManifestId, &Bundle)) -> Vec<PartnerId> {
    let mut others = witnesses(trial, bundle);
    others.retain(|partner| {
        let partner = *partner;
        let spoken: Option<u32> = stored(&trial.view, &Key::SpokenOf { manifest, partner });
        spoken != Some(trial.machine.head.epoch)
    });
    others
}

/// The own legs of a manifest that wait for words of the others.
fn waiting<'a>(
    trial: &'a Trial<'_>,
    bundle: &'a Bundle,
) -> impl Iterator<Item = (&'a KnownLeg, Deal)> {
    let legs = bundle.of_provider(trial.machine.config.partner);
    legs.filter_map(|(_, leg)| Some((leg, Deal::read(&trial.view, leg.deal)?)))
        .filter(|(leg, deal)| leg.armed.is_none() && is_of_an_earlier_epoch(trial, deal))
}

/// A member sent the Manifest. It says all that it knows by one beside which nothing stands but what
/// this node signed itself; one that asks to arm stands on the holds.
pub(super) fn heard(
    trial: &mut Trial<'_>,
    case: Case<'_>,
    (id, manifest): (ManifestId, &Manifest),
) {
    let own = trial.machine.config.partner;
    let provides = |member: &Member| member.partner == own;
    let is_provider = manifest.members().iter().skip(1).any(provides);
    let lacks_one = || {
        let known = Bundle::read(&trial.view, id);
        known.is_some_and(|bundle| !unknown::of(trial, &bundle).is_empty())
    };
    let may_lack = trial.machine.head.epoch > 0 || lacks_one();
    if is_provider && may_lack && says_what_it_knows(trial, case) {
        speak(trial, case.from, id);
    }
}

/// Whether a letter with a Manifest says what its sender knows, and does not ask to arm. With that of
/// a part goes that of the whole.
pub(super) fn says_what_it_knows(trial: &Trial<'_>, case: Case<'_>) -> bool {
    let own = trial.machine.config.partner;
    let whole = carry::manifest_in(case.record()).and_then(Manifest::whole);
    let whole = whole.map(|whole| RecordId::from(whole.manifest));
    let is_own =
        |beside: &Received| beside.record.author() == own && is_of_a_bundle(beside.record.body());
    let mut beside = case.attached.iter();
    beside.all(|beside| is_own(beside) || Some(beside.record.id()) == whole)
}

fn speak(trial: &mut Trial<'_>, partner: PartnerId, manifest: ManifestId) {
    let epoch = trial.machine.head.epoch;
    let key = Key::SpokenOf { manifest, partner };
    if stored::<u32>(&trial.view, &key) != Some(epoch) {
        trial.mark(Mark::SpokenOf { manifest, partner });
    }
}

/// Asks the members that have not spoken, if a leg waits for them: all, or the one that greeted.
pub(super) fn ask(
    trial: &mut Trial<'_>,
    (id, bundle): (ManifestId, &Bundle),
    only: Option<PartnerId>,
) {
    let waits = waiting(trial, bundle).next().is_some() || !unknown::of(trial, bundle).is_empty();
    if trial.machine.recovering || !waits {
        return;
    }
    for partner in unspoken(trial, (id, bundle)) {
        if only.is_none_or(|only| only == partner) && trial.machine.is_greeted(partner) {
            let about = RecordId::from(id);
            trial.notice(partner, NoticeWhat::Lost, about, Code::Lost);
        }
    }
}

/// A member asks what is known of a manifest: handed back is whether this node knows it.
pub(crate) fn lost(trial: &mut Trial<'_>, partner: PartnerId, about: RecordId) -> bool {
    let id = ManifestId::from(about);
    let own = trial.machine.config.partner;
    // Who has it as the whole of a part tells that to whom the part names.
    let may_tell = |bundle: &Bundle| {
        bundle.admits(own) || {
            let parts = parts::parts_of(&trial.view, id).into_iter();
            let mut parts = parts.filter_map(|part| Bundle::read(&trial.view, part));
            parts.any(|part| part.admits(partner))
        }
    };
    let known =
        Bundle::read(&trial.view, id).filter(|bundle| bundle.admits(partner) && may_tell(bundle));
    if let Some(bundle) = &known {
        ask::show(trial, partner, (id, bundle));
    }
    known.is_some()
}

/// A member signed nothing in a manifest, and does not know it.
pub(crate) fn declined(
    trial: &mut Trial<'_>,
    partner: PartnerId,
    about: RecordId,
) -> Result<(), Stop> {
    let id = ManifestId::from(about);
    let known = Bundle::read(&trial.view, id);
    let known = known.filter(|bundle| witnesses(trial, bundle).contains(&partner));
    let Some(bundle) = known else { return Ok(()) };
    let legs: Vec<_> = waiting(trial, &bundle)
        .map(|(leg, deal)| (leg.deal, deal))
        .collect();
    if legs.is_empty() && unknown::of(trial, &bundle).is_empty() {
        return Ok(());
    }
    speak(trial, partner, id);
    unknown::decide(trial, id)
        .map(drop)
        .or_else(No::without_a_record)?;
    for (deal_id, deal) in legs {
        trial.share_of(deal_id, |trial| {
            if deal.state == State::Closed {
                super::provide::overdue(trial, deal_id, &deal)?;
            }
            parts::look_again(trial, deal_id)
        })?;
    }
    Ok(())
}
