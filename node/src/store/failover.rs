//! What is kept of the failover of legs: in the ledger's database beside the core's own keys, since it
//! must outlive a restart. What it says is the API's matter; the core does not see it.

use super::{LedgerReader, Pair, StoreError};

/// First byte of the keys of envelopes, by the deals of their legs.
const LEGS: u8 = 135;
/// First byte of the keys that lead from a deal that was asked for to the deal of its leg.
const ASKED: u8 = 136;

/// First byte of the keys of envelopes by which nothing is left to do, by the deals of their legs.
const DONE: u8 = 137;

/// Where the failover of the leg with this deal is kept.
#[must_use]
pub fn key(leg: &[u8; 32]) -> Vec<u8> {
    [&[LEGS], leg.as_slice()].concat()
}

/// Where it is kept once nothing is left to do.
#[must_use]
pub fn done_key(leg: &[u8; 32]) -> Vec<u8> {
    [&[DONE], leg.as_slice()].concat()
}

/// Where it is kept for which leg a deal was asked for.
#[must_use]
pub fn asked_key(deal: &[u8; 32]) -> Vec<u8> {
    [&[ASKED], deal.as_slice()].concat()
}

/// What is kept of legs of which nothing is left to do, with the keys.
///
/// # Errors
/// What the ledger answers.
pub fn done(ledger: &LedgerReader) -> Result<Vec<Pair>, StoreError> {
    ledger.walk(&[DONE], &[DONE.saturating_add(1)]).collect()
}

/// The deals of all legs by whose envelopes something may be left to do.
///
/// # Errors
/// What the ledger answers.
pub fn legs(ledger: &LedgerReader) -> Result<Vec<[u8; 32]>, StoreError> {
    let all = ledger.walk(&[LEGS], &[LEGS.saturating_add(1)]);
    let leg = |pair: Pair| pair.key.get(1..).and_then(|leg| leg.try_into().ok());
    all.filter_map(|pair| pair.map(leg).transpose()).collect()
}
