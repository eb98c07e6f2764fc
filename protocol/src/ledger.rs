//! The ledger (SPEC.md section 14): entries in a hash chain, the tree over them, checkpoints, and
//! the check of a whole ledger. It keeps out what entries mean, where they lie, and keys that sign.

mod base64;
mod entry;
pub mod growth;
pub mod note;
mod verify;

pub use self::entry::{
    Carried, ENTRY_IDS_MAX, Entry, EntryBody, EntryHeader, EntryKind, GRANT_BYTES_MAX, Payload,
    Reason, Version,
};

pub use self::verify::{Broken, Verified, verify};
use crate::{hash::EntryHash, value::Time, wire};

/// Where a ledger ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LedgerHead {
    /// The epoch.
    pub epoch: u32,
    /// Entries in it, which is the next entry's number.
    pub size: u64,
    /// Hash of the last entry, of whatever epoch.
    pub last: EntryHash,
    /// Ledger time of the last entry.
    pub at: Time,
    /// Life that wrote it; 0 before the first.
    pub life: u64,
    /// Highest revision ever published.
    pub revision: u64,
}

wire!(LedgerHead {
    epoch,
    size,
    last,
    at,
    life,
    revision,
});

impl LedgerHead {
    /// That of a ledger without entries.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            epoch: 0,
            size: 0,
            last: EntryHash::NONE,
            at: Time::default(),
            life: 0,
            revision: 0,
        }
    }
}
