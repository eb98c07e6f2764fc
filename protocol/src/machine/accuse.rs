//! Evidence (SPEC.md sections 8.1, 12 and 14): a partner's contradicting signatures, kept in a
//! record of this node's own and found by partner; and two checkpoints that no one ledger has. It
//! keeps out which records of a deal contradict each other.

use alloc::vec::Vec;

use super::{Grant, Key, Overlay, Standing, Stop, Trial, View, grant, step::Event, stored};
use crate::{
    code::Code,
    fence::{Bytes, List},
    hash::{PartnerId, RecordId},
    ledger::note::SignedCheckpoint,
    public::{Claim, Evidence, Exhibit, ExhibitForm, PublicBody},
    record::Signed,
    value::Time,
};

/// The Evidence against one partner that is kept: its record, and when it was signed.
#[must_use]
pub fn evidence_against(view: &dyn View, accused: PartnerId) -> Vec<(RecordId, Time)> {
    let mut after = Key::Evidence {
        accused,
        record: RecordId::from_bytes([0; 32]),
    };
    let mut kept = Vec::new();
    while let Some((
        key @ Key::Evidence {
            accused: of,
            record,
        },
        _,
    )) = view.next(&after)
        && of == accused
    {
        kept.push((record, stored(view, &key).unwrap_or_default()));
        after = key;
    }
    kept
}

impl Trial<'_> {
    /// Signs an Evidence; its author's partner is quarantined by it.
    pub(crate) fn accuse(
        &mut self,
        accused: PartnerId,
        claim: Claim,
        exhibits: Vec<Exhibit>,
    ) -> Result<(), Code> {
        let evidence = Evidence {
            accused,
            claim,
            exhibits: List::new(exhibits)?,
        };
        let config = &self.machine.config;
        let body = PublicBody::Evidence(evidence);
        let record = Signed::write(&config.network, config.partner, body)?;
        self.sign_public(core::slice::from_ref(&record));
        self.event(Event::Accused {
            partner: accused,
            claim,
            record: record.id(),
        });
        Ok(())
    }
}

/// Two checkpoints of a partner were met, their signatures checked. What contradicts nothing, and
/// what comes from whom new deals are refused already, changes nothing.
pub(super) fn checkpoints(
    trial: &mut Trial<'_>,
    from: PartnerId,
    notes: &[SignedCheckpoint; 2],
) -> Result<(), Stop> {
    let [one, other] = notes;
    let are_theirs = notes.iter().all(|note| {
        note.checkpoint.partner == from && note.checkpoint.network == trial.machine.config.network
    });
    let is_known = grant::Terms::read(&trial.view, from).standing == Standing::Quarantined;
    if !are_theirs
        || is_known
        || trial.machine.recovering
        || !one.checkpoint.contradicts(&other.checkpoint)
    {
        return Ok(());
    }
    let exhibit = |note: &SignedCheckpoint| {
        Ok(Exhibit {
            form: ExhibitForm::Checkpoint,
            bytes: Bytes::new(note.text().into_bytes())?,
            proof: None,
        })
    };
    let exhibits: Result<Vec<Exhibit>, Code> = notes.iter().map(exhibit).collect();
    Ok(trial.accuse(from, Claim::InconsistentCheckpoints, exhibits?)?)
}

/// What an Evidence changes: it is found again, and whoever contradicted itself begins no new deal;
/// its agreements go on.
pub(super) fn accused(view: &mut Overlay<'_>, record: RecordId, evidence: &Evidence, at: Time) {
    let accused = evidence.accused;
    view.put(Key::Evidence { accused, record }, &at);
    let standing = Standing::Quarantined;
    let partner = accused;
    grant::granted(view, &Grant::Standing { partner, standing });
}
