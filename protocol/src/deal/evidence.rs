//! Contradictions (SPEC.md section 12): two decisions for one deal are proof against their author.
//! Both are kept, an Evidence is signed, and its author begins no new deal here.

use alloc::vec::Vec;

use super::Deal;
use crate::{
    code::Code,
    fence::{self, Bytes, List},
    hash::RecordId,
    limits::RECORD_BYTES_MAX,
    machine::{Case, Key, No, Trial},
    proof::Proof,
    public::{Claim, Evidence, Exhibit, ExhibitForm, PublicBody},
    record::Signed,
};

/// Bytes of the longest proof: a path of eight hashes and less than 128 bytes beside it.
const PROOF_BYTES_MAX: usize = 512;

/// The decision that came first and the one that is at hand.
pub(super) fn two_decisions(trial: &mut Trial<'_>, case: Case<'_>, deal: &Deal) -> Result<(), No> {
    if trial.knows(case.id()) {
        trial.stored(case);
        return Ok(());
    }
    trial.keep(case);
    let exhibits: Vec<Exhibit> = deal
        .decision
        .into_iter()
        .chain([case.id()])
        .filter_map(|id| exhibit(trial, id))
        .collect();
    let evidence = Evidence {
        accused: case.from,
        claim: Claim::TwoDecisions,
        exhibits: List::new(exhibits).map_err(Code::from)?,
    };
    let config = &trial.machine.config;
    let body = PublicBody::Evidence(evidence);
    let record = Signed::write(&config.network, config.partner, body).map_err(Code::from)?;
    trial.sign_public(&[record]);
    Ok(())
}

fn exhibit(trial: &Trial<'_>, id: RecordId) -> Option<Exhibit> {
    use crate::machine::View as _;

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
