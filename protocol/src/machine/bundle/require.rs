//! The requester's bundle once its Manifest is signed: which cell of the second table of SPEC.md
//! section 20 a member's record meets, and what is signed and sent then.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named has no part here"
)]

use alloc::vec::Vec;

use super::{Bundle, Ended, ask, carry, receive::Word};
use crate::{
    bundle::{Act, BundleInput, BundleState, Decides, Kept, Outcome, RequesterBundle, Tally},
    deal::{Deal, State, evidence},
    hash::{ManifestId, PartnerId, RecordId},
    ledger::Payload,
    machine::{Case, No, Stop, Trial, chain},
    public::Claim,
    thread::{Ack, ThreadBody},
};

/// A leg armed, refused or lapsed.
pub(super) fn said(
    trial: &mut Trial<'_>,
    case: Case<'_>,
    (id, bundle): (ManifestId, &Bundle),
    (number, word): (u16, Word),
) -> Result<(), No> {
    let input = match word {
        Word::Armed => BundleInput::ArmReceipt(number),
        Word::Refused => BundleInput::Refusal(number),
        Word::Lapsed => BundleInput::Lapse(number),
    };
    let (_, acts) = stand(trial, bundle).step(input, Ok(()));
    let is_known = trial.knows(case.id());
    if !is_known {
        trial.keep(case);
    }
    let now = Bundle::read(&trial.view, id).unwrap_or_else(|| bundle.clone());
    for act in acts {
        match act {
            Act::Ack => acknowledge(trial, (id, &now))?,
            Act::Again(Kept::Certificate) => ask::certificate(trial, case.from, (id, &now)),
            Act::Again(Kept::Refusal) => {
                if let Some(refusal) = now.refusal {
                    carry::again(trial, case.from, (Vec::from([refusal]), id));
                }
            }
            Act::Evidence if !is_known => accuse(trial, case, (&now, number, word))?,
            // Each record is answered by Stored below.
            _ => {}
        }
    }
    if word != Word::Armed || !waits_for_its_deal(trial, case, (bundle, number)) {
        trial.stored(case);
    }
    if bundle.whole.is_some() {
        // What rests on this part may arm now, or must refuse.
        if let Some(part) = now.leg(number) {
            chain::go_on(trial, part.deal);
        }
    } else if bundle.ended.is_none() && !is_known {
        pass_on(trial, (id, &now));
    }
    Ok(())
}

/// Whether the provider of a leg says that it armed, and its deal was lost here: that comes with the
/// same record, which its provider asks again by until it is answered.
fn waits_for_its_deal(trial: &Trial<'_>, case: Case<'_>, (bundle, number): (&Bundle, u16)) -> bool {
    let leg = bundle.leg(number);
    let lost = leg.filter(|leg| Deal::read(&trial.view, leg.deal).is_none());
    lost.is_some_and(|leg| leg.provider == case.from)
}

/// How the bundle stands, from what is kept of its legs.
fn stand(trial: &Trial<'_>, bundle: &Bundle) -> RequesterBundle {
    let is_written = |deal: Deal| deal.state == State::Written;
    let mut deals = bundle
        .legs
        .iter()
        .filter_map(|leg| Deal::read(&trial.view, leg.deal));
    let decides = match bundle.whole {
        None => Decides::Own,
        Some(_) => Decides::Whole,
    };
    let have_armed = bundle.tally().outcome() == Outcome::Commit;
    let state = match bundle.ended {
        Some(Ended::Agreed) => BundleState::Agreed,
        Some(Ended::Aborted) => BundleState::Aborted,
        None if deals.any(is_written) => BundleState::Written,
        None if have_armed && decides == Decides::Whole => BundleState::Armed,
        None => BundleState::Doubt,
    };
    let legs = u16::try_from(bundle.legs.len()).unwrap_or_default();
    let mut holds = Tally::new(legs);
    (0..legs).for_each(|number| holds.arm(number));
    RequesterBundle::kept(state, decides, holds, bundle.tally())
}

/// An Ack for each leg, and the certificate to each provider. Who misses it asks.
pub(super) fn acknowledge(
    trial: &mut Trial<'_>,
    (id, bundle): (ManifestId, &Bundle),
) -> Result<(), No> {
    for leg in &*bundle.legs {
        let (Some(deal), Some(receipt)) = (Deal::read(&trial.view, leg.deal), leg.armed) else {
            continue;
        };
        if deal.ack.is_some() || leg.lapsed.is_some() {
            continue;
        }
        // Whoever did not take the thread is acknowledged nothing; the agreement stands without.
        let Ok(header) = trial.within(deal.thread) else {
            continue;
        };
        let ack = Ack {
            header,
            receipt,
            cosignature: crate::fence::Bytes::default(),
        };
        trial.sign(leg.provider, Vec::from([ThreadBody::Ack(ack)]))?;
    }
    for provider in bundle.others(bundle.requester) {
        ask::certificate(trial, provider, (id, bundle));
    }
    Ok(())
}

/// What the others wait for: the Refusal that aborted the bundle, or where one leg arms last the
/// `ArmReceipt`s of all others.
pub(super) fn pass_on(trial: &mut Trial<'_>, (id, bundle): (ManifestId, &Bundle)) {
    if let (Some(Ended::Aborted), Some(refusal)) = (bundle.ended, bundle.refusal) {
        let by = bundle.legs.iter().find(|leg| leg.refused == Some(refusal));
        let by = by.map(|leg| leg.provider);
        let others = bundle.others(bundle.requester).into_iter();
        let others: Vec<PartnerId> = others.filter(|provider| Some(*provider) != by).collect();
        for provider in others {
            ask::until_stored(trial, provider, (Vec::from([refusal]), &[id]));
        }
    }
    let last = bundle.last.filter(|_| bundle.ended.is_none());
    if let Some((number, leg)) = last.and_then(|last| Some((last, bundle.leg(last)?)))
        && leg.armed.is_none()
        && bundle.tally().all_others_armed(number)
    {
        let provider = leg.provider;
        let receipts: Vec<RecordId> = bundle.receipts_but_of(provider);
        for receipt in receipts {
            ask::until_stored(trial, provider, (Vec::from([receipt]), &[id]));
        }
    }
}

fn accuse(
    trial: &mut Trial<'_>,
    case: Case<'_>,
    (bundle, number, word): (&Bundle, u16, Word),
) -> Result<(), No> {
    if trial.machine.recovering {
        return Err(No::Unanswered);
    }
    let leg = bundle.leg(number).copied();
    let first = leg.and_then(|leg| match word {
        Word::Armed => leg.refused,
        Word::Refused | Word::Lapsed => leg.armed,
    });
    let Some(first) = first else { return Ok(()) };
    let accused = (case.record().author(), Claim::ArmReceiptBesideRefusal);
    evidence::show(trial, accused, (Some(first), case.id()))
}

/// The operator writes a bundle in doubt off: all its deals.
pub(crate) fn write_off(trial: &mut Trial<'_>, id: ManifestId) -> Result<(), Stop> {
    let Some(bundle) = Bundle::read(&trial.view, id) else {
        return Ok(());
    };
    for leg in &*bundle.legs {
        let deal = Deal::read(&trial.view, leg.deal);
        if let Some(deal) = deal.filter(|deal| deal.state == State::Doubt) {
            let partner = Some(deal.partner);
            trial.enter(Payload::WrittenOff(leg.deal), partner, Vec::new());
        }
    }
    Ok(())
}
