//! Proving anew: after its market key was replaced a partner proves its standing public records
//! again, with the same ids (SPEC.md 5). Which records stand is read from the ledger.

use std::time::Duration;

use omni_protocol::fence;
use omni_protocol::machine::Key;

use super::news::{left_slots, own_record, own_slots};
use super::signer::{Own, Signer};
use crate::store::{Appender, Delta, LedgerReader, StoreError};

/// Where the store keeps under which key everything is proved. The core's keys are below 128.
const PROVED_UNDER: [u8; 1] = [132];
/// Records of one write.
const STEP: usize = 4_096;
/// For how long the database may be behind with its own work.
const PATIENCE: Duration = Duration::from_secs(10);

/// Proves what stands under another key than the one in force, and says how many records that
/// were. Where the key did not change since the last time, nothing is read.
///
/// # Errors
/// What the ledger answers.
pub fn prove_again(
    ledger: &LedgerReader,
    appender: &mut Appender,
    signer: &Signer,
) -> Result<usize, StoreError> {
    let index = signer.key().index();
    let known = ledger.read(&PROVED_UNDER)?;
    let known = known.and_then(|bytes| bytes.try_into().ok());
    if known.map_or(0, u32::from_be_bytes) == index {
        return Ok(0);
    }
    let network = *signer.key().network();
    let (mut stale, mut count) = (Vec::new(), 0_usize);
    for slot in own_slots(ledger).chain(left_slots(ledger)) {
        let slot = slot?;
        let Some((record, proof)) = own_record(&network, ledger, slot.record)? else {
            continue;
        };
        if proof.key_index == index {
            continue;
        }
        stale.push(signer.standing(record, &slot));
        count = count.saturating_add(1);
        if stale.len() >= STEP {
            write(appender, signer, std::mem::take(&mut stale), None)?;
        }
    }
    write(appender, signer, stale, Some(index))?;
    Ok(count)
}

fn write(
    appender: &mut Appender,
    signer: &Signer,
    stale: Vec<Own>,
    done: Option<u32>,
) -> Result<(), StoreError> {
    let mut delta = Delta::default();
    for record in signer.prove(stale).records {
        let key = Key::Proof { record: record.id };
        delta.put(key.to_bytes(), Some(fence::to_bytes(&record.proof)));
    }
    if let Some(index) = done {
        delta.put(PROVED_UNDER.to_vec(), Some(index.to_be_bytes().to_vec()));
    }
    appender.append_within(&delta, PATIENCE).map(drop)
}
