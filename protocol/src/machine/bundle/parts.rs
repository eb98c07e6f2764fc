//! A leg that rests on a part of this node's own (SPEC.md sections 20 and 21): the Manifest over the
//! part, what it says above, and the certificate of the whole, which alone decides it and is handed
//! down unchanged. It keeps out which cell of a table is met.

use alloc::vec::Vec;

use super::{
    Bundle, Ended, ask,
    carry::{self, At, Said},
    draft, fold, provide, require,
};
use crate::{
    bundle::{Backing, Greeted, Leg, LegInput, Manifest, Member, Outcome, Place, Tally, Turn},
    code::Code,
    deal::{Deal, State},
    fence::List,
    hash::{DealId, ManifestId, PartnerId},
    limits::LETTER_RECORDS_MAX,
    machine::{Case, Key, Message, No, Stop, Trial, View, chain},
    thread::LegName,
};

/// The manifests of parts here that this one decides.
pub(crate) fn parts_of(view: &dyn View, whole: ManifestId) -> Vec<ManifestId> {
    let mut after = Key::PartsOf {
        whole,
        manifest: ManifestId::from_bytes([0; 32]),
    };
    let mut found = Vec::new();
    while let Some((
        key @ Key::PartsOf {
            whole: of,
            manifest,
        },
        _,
    )) = view.next(&after)
        && of == whole
    {
        found.push(manifest);
        after = key;
    }
    found
}

/// Whether own parts wait for the certificate that decides a manifest, also where the leg that rests on
/// them waits for it no more.
pub(super) fn waits_below(
    view: &dyn View,
    own: PartnerId,
    (manifest, bundle): (ManifestId, &Bundle),
) -> bool {
    let whole = bundle.whole.map_or(manifest, |whole| whole.manifest);
    let parts = parts_of(view, whole).into_iter();
    let mut parts = parts.filter_map(|part| Bundle::read(view, part));
    parts.any(|part| part.requester == own && part.ended.is_none())
}

/// The Manifest that decides one of parts, if it is here.
pub(super) fn whole_of(trial: &Trial<'_>, manifest: &Manifest) -> Option<Manifest> {
    let network = trial.machine.config.network;
    let whole = manifest.whole()?.manifest;
    fold::kept_manifest(&trial.view, &network, whole.into())
}

fn decider(trial: &Trial<'_>, bundle: &Bundle) -> Option<Bundle> {
    match bundle.whole {
        None => Some(bundle.clone()),
        Some(whole) => Bundle::read(&trial.view, whole.manifest),
    }
}

/// Which place a leg has in the manifest that decides it; a part has none of its own.
pub(super) fn place(
    trial: &Trial<'_>,
    bundle: &Bundle,
    (number, turn): (u16, Turn),
) -> Option<Place> {
    let legs = decider(trial, bundle)?.legs.len();
    Some(Place {
        legs: u16::try_from(legs).ok()?,
        number: Some(number).filter(|_| bundle.whole.is_none()),
        turn,
    })
}

/// What is known of the legs of the manifest that decides a bundle.
pub(super) fn tally(trial: &Trial<'_>, bundle: &Bundle) -> Tally {
    decider(trial, bundle).map_or(Tally::new(0), |decider| decider.tally())
}

/// Signs the Manifest over the part on which a leg rests, and asks its provider to arm.
pub(super) fn commit(trial: &mut Trial<'_>, case: Option<Case<'_>>, at: &At) -> Result<Said, No> {
    let above = Bundle::read(&trial.view, at.manifest).ok_or(No::Unanswered)?;
    if above.ended.is_some() {
        return Ok(Said::All);
    }
    let part = chain::below(trial, (at.known.deal, &at.deal));
    let Some((id, part)) = part.filter(|(_, part)| part.state != State::Aborted) else {
        // It came to nothing, or was lost: nothing is held for the leg any more. What an earlier
        // life said of that is shown first.
        return match provide::who_greeted(trial, &at.deal, (at.manifest, &above)) {
            Greeted::All => carry::refuse(trial, at, Code::PartRefused).map(|()| Said::All),
            Greeted::Wanting => Ok(carry::not_yet(trial, case, at)),
        };
    };
    let topmost = above.whole.unwrap_or(LegName {
        manifest: at.manifest,
        number: at.number,
    });
    if let Some(asked) = part.manifest.and_then(|id| Bundle::read(&trial.view, id)) {
        // It was asked by an earlier life, and came back before this.
        let is_for_this = asked.whole == Some(topmost);
        return if is_for_this {
            Ok(Said::All)
        } else {
            Err(No::Unanswered)
        };
    }
    let may_sign = part.state == State::Kept
        && trial.machine.is_greeted(part.partner)
        && trial.check_whole(id, &part).is_ok();
    if !may_sign {
        return Err(No::Unanswered);
    }
    let own = trial.machine.config.partner;
    let member = |partner: PartnerId| Member {
        partner,
        keys: List::default(),
        addresses: List::default(),
        mailboxes: List::default(),
    };
    let leg = Leg {
        member: 1,
        deal: id,
        hold: part.hold.ok_or(No::Unanswered)?,
        alternative: 0,
    };
    let members = List::new([member(own), member(part.partner)]).map_err(Code::from)?;
    let legs = List::new([leg]).map_err(Code::from)?;
    let header = trial.header(own, None, None)?;
    let manifest = Manifest::of_parts(header, topmost, members, legs).map_err(Code::from)?;
    let manifest = draft::sign(trial, manifest)?;
    let bundle = Bundle::read(&trial.view, manifest).ok_or(Code::Malformed)?;
    ask::to_arm(trial, part.partner, (manifest, &bundle));
    Ok(Said::All)
}

/// What the part of a waiting leg says of it: it may arm, or must refuse.
pub(crate) fn said_below(trial: &mut Trial<'_>, (id, deal): (DealId, &Deal)) -> Result<(), No> {
    let part = chain::below(trial, (id, deal)).map(|(_, part)| part);
    let bound = part.as_ref().and_then(|part| part.manifest);
    let outcome = match bound.and_then(|manifest| Bundle::read(&trial.view, manifest)) {
        Some(parts) => parts.tally().outcome(),
        // It came to nothing before it was asked to arm.
        None if part.is_some_and(|part| part.state == State::Aborted) => Outcome::Abort,
        None => Outcome::Open,
    };
    let input = match outcome {
        Outcome::Open => return Ok(()),
        Outcome::Commit => LegInput::PartsArmed,
        Outcome::Abort => LegInput::PartRefused,
    };
    provide::word(trial, (id, deal), input)?;
    Ok(())
}

/// As [`said_below`], for a leg that may wait for its part.
pub(super) fn look_again(trial: &mut Trial<'_>, id: DealId) -> Result<(), Stop> {
    let waiting = Deal::read(&trial.view, id)
        .filter(|deal| deal.state == State::Waiting && deal.backing == Backing::Parts);
    let said = waiting.map_or(Ok(()), |deal| said_below(trial, (id, &deal)));
    said.or_else(No::without_a_record)
}

/// Hands the certificate of the whole down to the provider of an own part that it decided.
pub(crate) fn handed_down(trial: &mut Trial<'_>, part: DealId) {
    let Some((manifest, deal)) = Deal::read(&trial.view, part)
        .and_then(|deal| Some((deal.manifest?, deal)))
        .filter(|(_, deal)| matches!(deal.state, State::Agreed | State::Aborted))
    else {
        return;
    };
    let own = trial.machine.config.partner;
    let Some(bundle) = Bundle::read(&trial.view, manifest)
        .filter(|bundle| bundle.requester == own && bundle.whole.is_some())
    else {
        return;
    };
    match (bundle.ended, bundle.refusal, bundle.whole) {
        (Some(Ended::Agreed), ..) if deal.ack.is_none() => {
            require::acknowledge(trial, (manifest, &bundle)).ok();
        }
        (Some(Ended::Aborted), Some(refusal), Some(whole)) => {
            let asked = crate::machine::outbox::question(&trial.view, deal.partner, refusal);
            if asked.is_none() {
                // The Manifest of the part may not have come, and is asked no more.
                let told = (Vec::from([refusal]), &[whole.manifest, manifest][..]);
                ask::until_stored(trial, deal.partner, told);
            }
        }
        _ => {}
    }
}

/// Serves what is known of the certificate of a whole to whoever holds a part of it.
pub(super) fn certificate(
    trial: &mut Trial<'_>,
    to: PartnerId,
    (whole, part): (ManifestId, ManifestId),
) {
    let Some(bundle) = Bundle::read(&trial.view, whole) else {
        return;
    };
    let armed = bundle.legs.iter().filter_map(|leg| leg.armed);
    let records: Vec<_> = match bundle.refusal {
        Some(refusal) => Vec::from([refusal]),
        None => armed.collect(),
    };
    for records in records.chunks(LETTER_RECORDS_MAX) {
        let records = Vec::from(records);
        let attached = Vec::from([whole.into(), part.into()]);
        let attached = attached.into_iter().filter(|id| trial.knows(*id)).collect();
        trial.send(to, Message::Letter { records, attached });
    }
}

/// A holder of a part that is no member of the whole asks for its certificate. Handed back is whether
/// it does.
pub(super) fn serve(trial: &mut Trial<'_>, case: Case<'_>, manifest: &Manifest) -> bool {
    let own = trial.machine.config.partner;
    let Some(whole) = manifest.whole().filter(|_| !manifest.admits(own)) else {
        return false;
    };
    let is_theirs = manifest.admits(case.from)
        && Bundle::read(&trial.view, whole.manifest).is_some_and(|whole| whole.admits(own));
    if is_theirs && carry::manifest_in(case.record()).is_some() {
        certificate(trial, case.from, (whole.manifest, case.id().into()));
    }
    is_theirs
}
