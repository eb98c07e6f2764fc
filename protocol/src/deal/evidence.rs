//! Contradictions (SPEC.md section 12): records of a deal that no honest partner signs beside each
//! other. Both are kept, an Evidence is signed, and their author begins no new deal here.

use alloc::vec::Vec;

use super::Deal;
use crate::{
    fence::{self, Bytes},
    hash::{PartnerId, RecordId},
    limits::RECORD_BYTES_MAX,
    machine::{Case, Key, No, Trial, View as _},
    proof::Proof,
    public::{Claim, Exhibit, ExhibitForm},
};

/// Bytes of the longest proof: a path of eight hashes and less than 128 bytes beside it.
const PROOF_BYTES_MAX: usize = 512;

/// The decision that came first and the one that is at hand.
pub(super) fn two_decisions(trial: &mut Trial<'_>, case: Case<'_>, deal: &Deal) -> Result<(), No> {
    if trial.knows(case.id()) {
        trial.stored(case);
        return Ok(());
    }
    contradiction(trial, case, Claim::TwoDecisions, deal.decision)
}

/// The Release or Commit that came first and the other one, which is at hand.
pub(crate) fn release_beside_commit(
    trial: &mut Trial<'_>,
    case: Case<'_>,
    first: RecordId,
) -> Result<(), No> {
    if trial.knows(case.id()) {
        return Ok(());
    }
    contradiction(trial, case, Claim::ReleaseBesideCommit, Some(first))
}

fn contradiction(
    trial: &mut Trial<'_>,
    case: Case<'_>,
    claim: Claim,
    first: Option<RecordId>,
) -> Result<(), No> {
    if trial.machine.recovering {
        // Nothing may be signed now, and it comes again.
        return Err(No::Unanswered);
    }
    trial.keep(case);
    show(trial, (case.from, claim), (first, case.id()))
}

/// Accuses the author of two kept records that contradict each other.
pub(crate) fn show(
    trial: &mut Trial<'_>,
    (accused, claim): (PartnerId, Claim),
    (first, second): (Option<RecordId>, RecordId),
) -> Result<(), No> {
    let ids = first.into_iter().chain([second]);
    let exhibits: Vec<Exhibit> = ids.filter_map(|id| exhibit(trial, id)).collect();
    Ok(trial.accuse(accused, claim, exhibits)?)
}

fn exhibit(trial: &Trial<'_>, id: RecordId) -> Option<Exhibit> {
    let bytes = trial.view.read(&Key::Record { id })?;
    let proof = trial
        .view
        .read(&Key::Proof { record: id })
        .and_then(|bytes| fence::decode::<Proof>(&bytes, PROOF_BYTES_MAX).ok());
    Some(Exhibit {
        form: ExhibitForm::Record,
        bytes: Bytes::<RECORD_BYTES_MAX>::new(bytes).ok()?,
        proof,
    })
}
