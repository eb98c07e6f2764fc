//! The highest checkpoint of each partner that its letters showed, kept over lives so that a
//! contradiction is met after a restart too, and so that a partner that lost something is shown it.
//! Kept beside the core's own keys, which it is not: it decides nothing.

use omni_protocol::hash::PartnerId;

use super::{LedgerReader, StoreError};

/// First byte of the keys of checkpoints. The core's are below 128.
const FAMILY: u8 = 131;

/// Where that of a partner is kept.
#[must_use]
pub fn key(partner: PartnerId) -> Vec<u8> {
    [&[FAMILY], partner.as_bytes().as_slice()].concat()
}

/// The text of that of a partner, as the partner wrote it.
///
/// # Errors
/// What the ledger answers.
pub fn of(ledger: &LedgerReader, partner: PartnerId) -> Result<Option<Vec<u8>>, StoreError> {
    ledger.read(&key(partner))
}
