//! What a cell of the provider's table signs and sends. It keeps out which cell it is.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named has no part here"
)]

use alloc::vec::Vec;

use super::{Bundle, Ended, KnownLeg, ask, epoch, parts};
use crate::{
    bundle::{Act, ArmReceipt, BundleBody, Kept, Lapse, LegInput, Manifest},
    code::Code,
    deal::{Deal, evidence},
    frame::NoticeWhat,
    hash::{ManifestId, PartnerId, RecordId},
    machine::{Case, Message, No, Trial},
    public::Claim,
    record::Signed,
    thread::{AtFault, LegName, Refusal, ThreadBody},
};

/// Which leg of which manifest, with its deal as it was.
pub(super) struct At {
    pub(super) manifest: ManifestId,
    pub(super) number: u16,
    pub(super) known: KnownLeg,
    pub(super) deal: Deal,
}

impl At {
    fn name(&self) -> LegName {
        LegName {
            manifest: self.manifest,
            number: self.number,
        }
    }
}

/// The Manifest in a record.
pub(super) fn manifest_in(record: &Signed<ThreadBody>) -> Option<&Manifest> {
    match record.body() {
        ThreadBody::Bundle(BundleBody::Manifest(manifest)) => Some(manifest),
        _ => None,
    }
}

/// Whether a cell said all that there is to say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Said {
    /// It did.
    All,
    /// It must not say yet, and said so: whoever asks goes on asking.
    NotYet,
}

/// Carries out what a cell says, in its order.
pub(super) fn out(
    trial: &mut Trial<'_>,
    case: Option<Case<'_>>,
    (at, input): (&At, LegInput),
    acts: Vec<Act>,
) -> Result<Said, No> {
    let mut said = Said::All;
    for act in acts {
        match (act, case) {
            (Act::ArmReceipt, _) => said = said.max(arm(trial, case, at)?),
            (Act::Manifest, _) => said = said.max(parts::commit(trial, case, at)?),
            (Act::Refusal(code), _) => refuse(trial, at, code)?,
            (Act::Lapse, _) => lapse(trial, at)?,
            (Act::Evidence, Some(case)) => accuse(trial, case, (at, input))?,
            (Act::Again(kept), Some(case)) => serve(trial, case, (at, kept)),
            (Act::Reject(code), Some(_)) => return Err(code.into()),
            (Act::Lost, Some(case)) => said = said.max(lost(trial, case.from, at)),
            (Act::WhatIs, _) => ask::in_doubt(trial, at.manifest),
            // Each record is answered by Stored where it is taken. A part of a chain, a Commit and
            // a Release of its own are not a leg's; the operator's word is answered elsewhere.
            (Act::Stored | Act::Hold | Act::Commit | Act::Receipt, _)
            | (Act::Release, _)
            | (Act::Ack | Act::Operator(_), _)
            | (Act::Evidence | Act::Again(_) | Act::Reject(_) | Act::Lost, None) => {}
        }
    }
    Ok(said)
}

/// It must not say yet: the earlier life may have armed, or A has not greeted this one.
fn lost(trial: &mut Trial<'_>, to: PartnerId, at: &At) -> Said {
    if let Some(bundle) = Bundle::read(&trial.view, at.manifest) {
        epoch::ask(trial, (at.manifest, &bundle), None);
    }
    let about = at.known.deal.into();
    // In recovery nothing could be taken yet that would answer it.
    let code = if trial.machine.recovering {
        Code::Recovering
    } else {
        Code::Lost
    };
    trial.notice(to, NoticeWhat::Lost, about, code);
    Said::NotYet
}

/// The same of a word that no record asks for.
pub(super) fn not_yet(trial: &mut Trial<'_>, case: Option<Case<'_>>, at: &At) -> Said {
    match case {
        Some(case) => lost(trial, case.from, at),
        None => {
            if let Some(bundle) = Bundle::read(&trial.view, at.manifest) {
                epoch::ask(trial, (at.manifest, &bundle), None);
            }
            Said::NotYet
        }
    }
}

fn arm(trial: &mut Trial<'_>, case: Option<Case<'_>>, at: &At) -> Result<Said, No> {
    // Another own leg of the same manifest may have refused before it.
    let bundle = Bundle::read(&trial.view, at.manifest).ok_or(No::Unanswered)?;
    if bundle.ended == Some(Ended::Aborted) {
        return Ok(Said::All);
    }
    let requester = at.deal.partner;
    let may_say = trial.machine.is_greeted(requester)
        && epoch::may_decide(trial, &at.deal, (at.manifest, &bundle));
    if !may_say {
        return Ok(not_yet(trial, case, at));
    }
    let thread = RecordId::from(at.manifest);
    let header = trial.header(requester, Some(thread.into()), Some(thread))?;
    let body = ArmReceipt {
        header,
        deal: at.known.deal,
        leg: at.name(),
    };
    trial.sign(
        requester,
        Vec::from([ThreadBody::Bundle(BundleBody::ArmReceipt(body))]),
    )?;
    ask::armed(trial, (at.manifest, at.number));
    Ok(Said::All)
}

pub(super) fn refuse(trial: &mut Trial<'_>, at: &At, code: Code) -> Result<(), No> {
    let deal = &at.deal;
    let parent = deal.release.or(deal.hold).unwrap_or(at.known.deal.into());
    let header = trial.header(deal.partner, Some(deal.thread), Some(parent))?;
    let refusal = Refusal {
        header,
        deal: at.known.deal,
        code,
        fault: AtFault::of(code),
        leg: Some(at.name()),
    };
    trial.sign(deal.partner, Vec::from([ThreadBody::Refusal(refusal)]))?;
    tell_others(trial, (at.manifest, at.number));
    Ok(())
}

fn lapse(trial: &mut Trial<'_>, at: &At) -> Result<(), No> {
    let requester = at.deal.partner;
    let thread = RecordId::from(at.manifest);
    let header = trial.header(
        requester,
        Some(thread.into()),
        at.known.armed.or(Some(thread)),
    )?;
    let body = Lapse {
        header,
        deal: at.known.deal,
        leg: at.name(),
    };
    trial.sign(
        requester,
        Vec::from([ThreadBody::Bundle(BundleBody::Lapse(body))]),
    )?;
    tell_others(trial, (at.manifest, at.number));
    let known = Bundle::read(&trial.view, at.manifest);
    let said = known.and_then(|bundle| Some(lapsed(bundle.leg(at.number)?)));
    ask::until_stored(trial, requester, (said.unwrap_or_default(), &[at.manifest]));
    Ok(())
}

/// The members beside the requester hear once what was just signed; who misses it asks.
pub(super) fn tell_others(trial: &mut Trial<'_>, (id, number): (ManifestId, u16)) {
    let Some(bundle) = Bundle::read(&trial.view, id) else {
        return;
    };
    let Some(leg) = bundle.leg(number) else {
        return;
    };
    let said = leg
        .refused
        .map_or(lapsed(leg), |refusal| Vec::from([refusal]));
    let own = trial.machine.config.partner;
    for partner in bundle.others(own) {
        if partner != bundle.requester {
            let records = said.clone();
            let attached = Vec::from([id.into()]);
            trial.send(partner, Message::Letter { records, attached });
        }
    }
}

/// What a leg that lapsed says: that it armed, which counts as before, and that it waits no more.
pub(super) fn lapsed(leg: &KnownLeg) -> Vec<RecordId> {
    [leg.armed, leg.lapsed].into_iter().flatten().collect()
}

/// Sends stored records of a bundle with their Manifest.
pub(super) fn again(
    trial: &mut Trial<'_>,
    to: PartnerId,
    (records, of): (Vec<RecordId>, ManifestId),
) {
    let manifest = Vec::from([of.into()]);
    let attached = match Bundle::read(&trial.view, of) {
        Some(bundle) => ask::along(&bundle, manifest),
        None => manifest,
    };
    trial.reply(to, Message::Letter { records, attached });
}

fn serve(trial: &mut Trial<'_>, case: Case<'_>, (at, kept): (&At, Kept)) {
    let known = Bundle::read(&trial.view, at.manifest);
    let Some((bundle, leg)) = known.and_then(|bundle| {
        let leg = *bundle.leg(at.number)?;
        Some((bundle, leg))
    }) else {
        return;
    };
    let said = |record: Option<RecordId>| record.into_iter().collect();
    let records: Vec<RecordId> = match kept {
        Kept::ArmReceipt => said(leg.armed),
        Kept::Refusal => said(leg.refused.or(bundle.refusal)),
        // Who asks in doubt may have lost it.
        Kept::Lapse if case.from == bundle.requester => {
            return ask::until_stored(trial, case.from, (lapsed(&leg), &[at.manifest]));
        }
        Kept::Lapse => lapsed(&leg),
        Kept::Certificate => return ask::certificate(trial, case.from, (at.manifest, &bundle)),
        Kept::Manifest | Kept::Hold | Kept::Receipt | Kept::Release => Vec::new(),
    };
    if !records.is_empty() {
        again(trial, case.from, (records, at.manifest));
    }
}

/// Two records that no honest member signs beside each other.
fn accuse(trial: &mut Trial<'_>, case: Case<'_>, (at, input): (&At, LegInput)) -> Result<(), No> {
    if trial.machine.recovering {
        return Err(No::Unanswered);
    }
    let other_leg = |number: u16| {
        let bundle = Bundle::read(&trial.view, at.manifest)?;
        bundle.leg(number).copied()
    };
    let (claim, first) = match input {
        LegInput::OtherManifest | LegInput::Manifest(_) | LegInput::Commit => {
            (Claim::TwoManifests, at.deal.commit)
        }
        LegInput::Release => (Claim::ReleaseBesideCommit, at.deal.commit),
        LegInput::Refusal(_, number) => (
            Claim::ArmReceiptBesideRefusal,
            other_leg(number).and_then(|leg| leg.armed),
        ),
        LegInput::ArmReceipt(_, number) => (
            Claim::ArmReceiptBesideRefusal,
            other_leg(number).and_then(|leg| leg.refused),
        ),
        _ => return Ok(()),
    };
    // Against whom two records are no proof, nothing is said.
    let Some(first) = first.filter(|first| *first != case.id()) else {
        return Ok(());
    };
    let accused = case.record().author();
    evidence::show(trial, (accused, claim), (Some(first), case.id()))
}
