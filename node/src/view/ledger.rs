//! The documents about the own ledger: its entries, its checkpoint, whether it holds, and what it
//! says that partners owe each other.

use serde::{Deserialize, Serialize};

use super::money::MoneyView;

/// `GET /v1/ledger/entries`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntriesView {
    /// One page, oldest first.
    pub entries: Vec<EntryView>,
    /// What to ask for next as `cursor`; absent where this is the end.
    pub next: Option<String>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryView {
    /// Epoch.
    pub epoch: u32,
    /// Number in it, from 0.
    pub sequence: u64,
    /// Kind of SPEC.md 14, such as `Signed`.
    pub kind: String,
    /// Ledger time, in milliseconds since 1970.
    pub at_ms: u64,
    /// The life that wrote it, 16 hexadecimal digits.
    pub life: String,
    /// The partner whom it concerns.
    pub counterparty: Option<String>,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// The entry's hash.
    pub hash: String,
    /// The hash of the entry before it.
    pub previous: String,
    /// The hash of its body.
    pub body: String,
    /// What it says, in short; of a body that is gone, nothing.
    pub says: String,
    /// The records that it names.
    pub records: Vec<EntryRecord>,
}

/// A record that an entry names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRecord {
    /// Its id.
    pub record: String,
    /// Its kind, such as `Receipt`; absent where its bytes are not kept.
    pub kind: Option<String>,
}

/// `GET /v1/ledger/checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointView {
    /// The signed note (C2SP) as it is sent to partners.
    pub note: String,
}

/// `GET /v1/ledger/verification`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationView {
    /// Whether all of it holds.
    pub good: bool,
    /// What does not, if something does not.
    pub broken: Option<String>,
    /// Entries that were checked; 0 where something does not hold.
    pub entries: u64,
    /// Records whose signatures were checked.
    pub records: u64,
    /// Records of authors whose keys are not known here.
    pub unchecked: u64,
    /// The epoch of its end.
    pub epoch: u32,
    /// Entries in that epoch.
    pub size: u64,
    /// The hash of the last entry.
    pub last: String,
}

/// `GET /v1/ledger/accounts`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountsView {
    /// One for each partner and currency.
    pub accounts: Vec<AccountView>,
}

/// What this node and one partner owe each other in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// The partner.
    pub partner: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// Agreed and unpaid, owed to this node.
    pub they_owe: MoneyView,
    /// Agreed and unpaid, owed by this node.
    pub we_owe: MoneyView,
    /// Held for the partner, so that it may come to owe it.
    pub held: MoneyView,
    /// Committed by this node and not decided.
    pub in_doubt: MoneyView,
}

/// `GET /v1/ledger/export`: entries whole, as bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportView {
    /// One page, oldest first.
    pub entries: Vec<ExportEntry>,
    /// What to ask for next as `cursor`; absent where this is the end.
    pub next: Option<String>,
    /// The signed note, with the last page.
    pub checkpoint: Option<String>,
}

/// One entry as bytes, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportEntry {
    /// Epoch.
    pub epoch: u32,
    /// Number in it.
    pub sequence: u64,
    /// The header.
    pub header: String,
    /// The body; absent where it is gone.
    pub body: Option<String>,
    /// The records that it names.
    pub records: Vec<ExportRecord>,
}

/// One record as bytes, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportRecord {
    /// Its id.
    pub record: String,
    /// Its bytes; absent where they are gone.
    pub bytes: Option<String>,
    /// Its proof.
    pub proof: Option<String>,
}
