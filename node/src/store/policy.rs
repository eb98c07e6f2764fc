//! Policies of sourcing as they are kept, and which parts they asked for: in the ledger's database
//! beside the core's own keys, since they must outlive a restart. What a policy says is the API's
//! matter; the core does not see it.

use super::{LedgerReader, Pair, StoreError};

/// First byte of the keys of policies.
const POLICIES: u8 = 132;
/// First byte of the keys of parts that were asked for, by their times.
const USES: u8 = 133;
/// First byte of the keys that lead from a part to the policy that asked for it.
const PARTS: u8 = 134;

/// Where the policy with this name is kept.
#[must_use]
pub fn key(name: &str) -> Vec<u8> {
    [&[POLICIES], name.as_bytes()].concat()
}

/// Where it is kept that a part was asked for at this time.
#[must_use]
pub fn use_key(at_ms: u64, part: &[u8; 32]) -> Vec<u8> {
    [&[USES], at_ms.to_be_bytes().as_slice(), part].concat()
}

/// Where it is kept which policy asked for a part.
#[must_use]
pub fn part_key(part: &[u8; 32]) -> Vec<u8> {
    [&[PARTS], part.as_slice()].concat()
}

/// All policies, in the order of their names.
///
/// # Errors
/// What the ledger answers.
pub fn all(ledger: &LedgerReader) -> Result<Vec<Vec<u8>>, StoreError> {
    values(ledger, &[POLICIES], POLICIES)
}

/// What was asked for at this time and later, oldest first.
///
/// # Errors
/// What the ledger answers.
pub fn uses_since(ledger: &LedgerReader, at_ms: u64) -> Result<Vec<Vec<u8>>, StoreError> {
    values(ledger, &use_key(at_ms, &[0; 32]), USES)
}

/// The keys of what was asked for before this time, oldest first and at most so many.
///
/// # Errors
/// What the ledger answers.
pub fn uses_before(
    ledger: &LedgerReader,
    at_ms: u64,
    most: usize,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let end = use_key(at_ms, &[0; 32]);
    let uses = ledger.walk(&[USES], &end).take(most);
    let mut keys = Vec::new();
    for pair in uses {
        let key = pair?.key;
        keys.extend(key.last_chunk().map(part_key));
        keys.push(key);
    }
    Ok(keys)
}

fn values(ledger: &LedgerReader, from: &[u8], family: u8) -> Result<Vec<Vec<u8>>, StoreError> {
    let end = [family.saturating_add(1)];
    let value = |pair: Result<Pair, StoreError>| Ok(pair?.value);
    ledger.walk(from, &end).map(value).collect()
}
