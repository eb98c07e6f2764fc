//! Own legs whose holds are not known here, since both sides lost them (SPEC.md section 20, Losses).
//! Nobody else could end such a leg: it is refused once all who could show it have said what they
//! know.

use alloc::vec::Vec;

use super::{
    Bundle, KnownLeg,
    carry::{self, Said},
    epoch,
};
use crate::{
    code::Code,
    deal::Deal,
    frame::NoticeWhat,
    hash::{ManifestId, PartnerId, RecordId},
    machine::{Case, GrantTerms, No, Standing, Trial, View},
    thread::{AtFault, LegName, Refusal, ThreadBody},
};

/// Whether this node knows the hold that a leg names, or what else binds its deal.
pub(super) fn is_known(view: &dyn View, requester: PartnerId, leg: &KnownLeg) -> bool {
    Deal::read(view, leg.deal).is_some_and(|deal| leg.is_bound_by(requester, &deal))
}

/// Whether a Manifest may be kept whose legs here are unknown: its author, who is a partner, asks. One
/// that brings a hold with it, and no deal for that could be taken in yet, comes again.
pub(super) fn may_be_lost(trial: &Trial<'_>, case: Case<'_>, bundle: &Bundle) -> bool {
    let requester = bundle.requester;
    let own = trial.machine.config.partner;
    let brings = |leg: &KnownLeg| {
        let mut attached = case.attached.iter().map(|one| one.record.id());
        attached.any(|id| id == leg.hold) && Deal::read(&trial.view, leg.deal).is_none()
    };
    case.from == requester
        && GrantTerms::read(&trial.view, requester).standing == Standing::Partner
        && !bundle.of_provider(own).any(|(_, leg)| brings(leg))
}

/// The own legs of an open manifest that are unknown, and of which nothing that was said is here.
pub(super) fn of(trial: &Trial<'_>, bundle: &Bundle) -> Vec<(u16, KnownLeg)> {
    let legs = bundle.of_provider(trial.machine.config.partner);
    legs.filter(|(_, leg)| {
        let deal = Deal::read(&trial.view, leg.deal);
        bundle.ended.is_none() && leg.is_unknown(bundle.requester, deal.as_ref())
    })
    .map(|(number, leg)| (number, *leg))
    .collect()
}

/// Says first that they are lost: A shows the deals that it has.
pub(super) fn lost(trial: &mut Trial<'_>, case: Case<'_>, bundle: &Bundle) -> Said {
    for (_, leg) in of(trial, bundle) {
        trial.notice(case.from, NoticeWhat::Lost, leg.deal.into(), Code::Lost);
    }
    Said::NotYet
}

/// Refuses them where all have spoken, else asks who has not.
pub(super) fn decide(trial: &mut Trial<'_>, id: ManifestId) -> Result<Said, No> {
    let Some(bundle) = Bundle::read(&trial.view, id) else {
        return Ok(Said::All);
    };
    let unknown = of(trial, &bundle);
    if unknown.is_empty() {
        return Ok(Said::All);
    }
    if !epoch::all_spoke(trial, (id, &bundle)) {
        epoch::ask(trial, (id, &bundle), None);
        return Ok(Said::NotYet);
    }
    for (number, leg) in unknown {
        let thread = RecordId::from(id);
        let header = trial.header(bundle.requester, Some(thread.into()), Some(thread))?;
        let refusal = Refusal {
            header,
            deal: leg.deal,
            code: Code::HoldUnknown,
            fault: AtFault::of(Code::HoldUnknown),
            leg: Some(LegName {
                manifest: id,
                number,
            }),
        };
        trial.sign(bundle.requester, Vec::from([ThreadBody::Refusal(refusal)]))?;
        carry::tell_others(trial, (id, number));
    }
    Ok(Said::All)
}
