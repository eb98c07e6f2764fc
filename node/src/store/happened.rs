//! The stream of events as it is kept: numbered without gaps over all lives, the newest some
//! thousand of them. What an event says is the runtime's matter.

use super::{LedgerReader, Pair, StoreError};

/// First byte of the keys of events.
const FAMILY: u8 = 130;
/// Events that are kept. A follower that lags further is told so.
pub const EVENTS_KEPT: u64 = 10_000;

/// Where event `number` is kept.
#[must_use]
pub fn key(number: u64) -> Vec<u8> {
    let mut key = vec![FAMILY];
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The events after number `after`, at most `max`, with their numbers.
///
/// # Errors
/// What the ledger answers.
pub fn after(
    ledger: &LedgerReader,
    after: u64,
    max: usize,
) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let Some(from) = after.checked_add(1) else {
        return Ok(Vec::new());
    };
    let end = [FAMILY.saturating_add(1)];
    ledger
        .walk(&key(from), &end)
        .take(max)
        .filter_map(|pair| pair.map(numbered).transpose())
        .collect()
}

/// The number of the newest event; 0 if there is none.
///
/// # Errors
/// What the ledger answers.
pub fn newest(ledger: &LedgerReader) -> Result<u64, StoreError> {
    let mut newest = 0;
    for pair in ledger.walk(&[FAMILY], &[FAMILY.saturating_add(1)]) {
        if let Some((number, _)) = numbered(pair?) {
            newest = number;
        }
    }
    Ok(newest)
}

fn numbered(pair: Pair) -> Option<(u64, Vec<u8>)> {
    let number = pair.key.get(1..).and_then(|bytes| bytes.try_into().ok())?;
    Some((u64::from_be_bytes(number), pair.value))
}
