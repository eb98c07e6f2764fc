//! The stream of events as it is kept: numbered without gaps over all lives, the newest some
//! thousand of them, those of one batch together. What an event says is the runtime's matter.

use super::{LedgerReader, Pair, StoreError};

/// First byte of the keys of events.
const FAMILY: u8 = 130;
/// Events that are kept at least. A follower that lags further is told so.
pub const EVENTS_KEPT: u64 = 10_000;
/// Events kept together at most, so that who follows reads little more than it asked for.
pub const EVENTS_TOGETHER: usize = 64;

/// Where the events are kept of which `last` is the number of the last one. Each is a line.
#[must_use]
pub fn key(last: u64) -> Vec<u8> {
    let mut key = vec![FAMILY];
    key.extend_from_slice(&last.to_be_bytes());
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
    let mut events = Vec::new();
    for pair in ledger.walk(&key(from), &[FAMILY.saturating_add(1)]) {
        let Pair { key, value } = pair?;
        let Some(last) = number(&key) else { continue };
        let lines: Vec<&[u8]> = value.split(|byte| *byte == b'\n').collect();
        let numbers = (0..=last).rev().zip(lines.iter().rev());
        let mut found: Vec<_> = numbers
            .take_while(|(number, _)| *number >= from)
            .map(|(number, line)| (number, line.to_vec()))
            .collect();
        found.reverse();
        events.append(&mut found);
        if events.len() >= max {
            events.truncate(max);
            break;
        }
    }
    Ok(events)
}

/// The numbers under which events are kept, ascending: those of the last of each lot.
///
/// # Errors
/// What the ledger answers.
pub fn lots(ledger: &LedgerReader) -> Result<Vec<u64>, StoreError> {
    let lots = ledger.walk(&[FAMILY], &[FAMILY.saturating_add(1)]);
    lots.filter_map(|pair| pair.map(|pair| number(&pair.key)).transpose())
        .collect()
}

fn number(key: &[u8]) -> Option<u64> {
    let number = key.get(1..)?.try_into().ok()?;
    Some(u64::from_be_bytes(number))
}
