//! Whom a leg of a part asks while it is in doubt (SPEC.md section 21): the middle partner that asked
//! for it, and past that one only after it was away for long. It keeps out how a question is put, and
//! which record decides.

use alloc::vec::Vec;

use super::{Bundle, ask};
use crate::{
    hash::{ManifestId, PartnerId},
    limits::CHAIN_SILENCE_MS,
    machine::{Key, Machine, Mark, Trial, View, outbox},
    value::Time,
};

/// A life begins in which nobody was heard of yet.
pub(crate) fn began(trial: &mut Trial<'_>) {
    for partner in undecided_with(&trial.view) {
        away(trial, partner);
    }
}

/// A partner is away: from now on it is silent to the legs in doubt that it asked for.
pub(crate) fn away(trial: &mut Trial<'_>, partner: PartnerId) {
    let is_known = trial.machine.silent.contains_key(&partner);
    if !is_known && !in_doubt_for(trial, partner).is_empty() {
        let since = Some(trial.at());
        trial.mark(Mark::Silent { partner, since });
    }
}

/// A partner is heard of again: it alone is asked from now on.
pub(super) fn heard(trial: &mut Trial<'_>, partner: PartnerId) {
    if trial.machine.silent.contains_key(&partner) {
        let since = None;
        trial.mark(Mark::Silent { partner, since });
    }
    for id in in_doubt_for(trial, partner) {
        let Some(bundle) = Bundle::read(&trial.view, id) else {
            continue;
        };
        for partner in above(trial, &bundle) {
            for record in receipts(trial, &bundle) {
                if outbox::question(&trial.view, partner, record).is_some() {
                    trial.mark(Mark::Answered { partner, record });
                }
            }
        }
    }
}

/// Asks the members of the whole where a middle partner was silent for long.
pub(crate) fn pulse(trial: &mut Trial<'_>) {
    if trial.machine.recovering {
        return;
    }
    let now = trial.at();
    let silent = trial.machine.silent.iter();
    let long = silent.filter(|(_, since)| since.plus_ms(CHAIN_SILENCE_MS) <= now);
    let long: Vec<PartnerId> = long.map(|(partner, _)| *partner).collect();
    for partner in long {
        let since = None;
        trial.mark(Mark::Silent { partner, since });
        for id in in_doubt_for(trial, partner) {
            let Some(bundle) = Bundle::read(&trial.view, id) else {
                continue;
            };
            for member in above(trial, &bundle) {
                ask::in_doubt_to(trial, member, (id, &bundle));
            }
        }
    }
}

/// When the next middle partner was silent for long. In recovery nobody is asked, however late it is.
pub(crate) fn next_wake(machine: &Machine) -> Option<Time> {
    if machine.recovering {
        return None;
    }
    let since = machine.silent.values().min();
    since.map(|since| since.plus_ms(CHAIN_SILENCE_MS))
}

/// Whether this node asked a member of the whole about this part.
pub(super) fn is_asked(trial: &Trial<'_>, member: PartnerId, part: &Bundle) -> bool {
    let mut receipts = receipts(trial, part).into_iter();
    receipts.any(|receipt| outbox::question(&trial.view, member, receipt).is_some())
}

/// The own `ArmReceipt`s in a manifest that wait for its certificate.
fn receipts(trial: &Trial<'_>, bundle: &Bundle) -> Vec<crate::hash::RecordId> {
    let legs = bundle.of_provider(trial.machine.config.partner);
    let waiting = legs.filter(|(_, leg)| leg.lapsed.is_none());
    waiting.filter_map(|(_, leg)| leg.armed).collect()
}

/// The members of the whole that are none of the part.
fn above(trial: &Trial<'_>, part: &Bundle) -> Vec<PartnerId> {
    let whole = part.whole.map(|whole| whole.manifest);
    let whole = whole.and_then(|whole| Bundle::read(&trial.view, whole));
    let own = trial.machine.config.partner;
    let others = whole.iter().flat_map(|whole| whole.others(own));
    others.filter(|other| !part.admits(*other)).collect()
}

/// The manifests of parts that this partner signed, with an own leg in doubt.
fn in_doubt_for(trial: &Trial<'_>, middle: PartnerId) -> Vec<ManifestId> {
    let waits = |id: &ManifestId| {
        let part = Bundle::read(&trial.view, *id);
        let part = part.filter(|part| part.whole.is_some() && part.requester == middle);
        part.is_some_and(|part| !receipts(trial, &part).is_empty())
    };
    let mut manifests = ask::joint(trial, middle, 0);
    manifests.retain(waits);
    manifests
}

/// The partners with whom this node is in a manifest that is not decided.
fn undecided_with(view: &dyn View) -> Vec<PartnerId> {
    let mut after = joint(PartnerId::from_bytes([0; 32]), 0, 0);
    let mut found = Vec::new();
    while let Some((
        Key::Joint {
            partner, decided, ..
        },
        _,
    )) = view.next(&after)
    {
        if decided == 0 {
            found.push(partner);
        }
        after = joint(partner, 1, 0xff);
    }
    found
}

const fn joint(partner: PartnerId, decided: u8, fill: u8) -> Key {
    Key::Joint {
        partner,
        decided,
        manifest: ManifestId::from_bytes([fill; 32]),
    }
}
