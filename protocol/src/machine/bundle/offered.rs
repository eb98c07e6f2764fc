//! A Commit or a Release of a deal that is bound by a manifest: what both sides of a deal between
//! two may still say of a leg.

use super::{carry, provide};
use crate::{
    bundle::LegInput,
    deal::Deal,
    hash::DealId,
    machine::{Case, No, Trial},
};

/// A Commit of a leg's deal alone.
pub(crate) fn commit(trial: &mut Trial<'_>, case: Case<'_>, at: (DealId, &Deal)) -> Result<(), No> {
    said(trial, case, at, LegInput::Commit)
}

/// A Release of a leg's deal.
pub(crate) fn release(
    trial: &mut Trial<'_>,
    case: Case<'_>,
    at: (DealId, &Deal),
) -> Result<(), No> {
    said(trial, case, at, LegInput::Release)
}

fn said(
    trial: &mut Trial<'_>,
    case: Case<'_>,
    (deal_id, deal): (DealId, &Deal),
    input: LegInput,
) -> Result<(), No> {
    let network = trial.machine.config.network;
    let standing = deal.manifest.and_then(|id| {
        let bundle = super::Bundle::read(&trial.view, id)?;
        let manifest = super::fold::kept_manifest(&trial.view, &network, id.into())?;
        let (number, _) = bundle.numbered().find(|(_, leg)| leg.deal == deal_id)?;
        provide::stand(trial, (id, &manifest, &bundle), number)
    });
    let standing = standing.ok_or(No::Unanswered)?;
    if !trial.knows(case.id()) {
        let (_, acts) = standing.leg.step(input, &standing.facts);
        trial.keep(case);
        carry::out(trial, Some(case), (&standing.at, input), acts)?;
    }
    trial.stored(case);
    Ok(())
}
