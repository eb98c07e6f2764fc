//! What a cell of the tables of SPEC.md sections 20 and 21 signs or answers, in the words of those
//! tables. Carrying it out is the machine's.

use core::fmt;

use crate::code::Code;

/// A stored record that is sent again as it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kept {
    /// The Manifest.
    Manifest,
    /// The own `ArmReceipt`.
    ArmReceipt,
    /// The `ArmReceipt`s of all legs.
    Certificate,
    /// The own Refusal, or the one that aborted.
    Refusal,
    /// The own Lapse.
    Lapse,
    /// The own Receipt.
    Receipt,
    /// The own Release.
    Release,
    /// The own Hold.
    Hold,
}

/// One thing that a cell does beside changing the state.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Act {
    /// Signs the Manifest.
    Manifest,
    /// Signs a Hold that rests on parts.
    Hold,
    /// Signs the Commit of a part.
    Commit,
    /// Signs the `ArmReceipt`.
    ArmReceipt,
    /// Signs a Refusal.
    Refusal(Code),
    /// Signs the Lapse.
    Lapse,
    /// Signs the Receipt.
    Receipt,
    /// Signs a Release of each hold that is kept.
    Release,
    /// Signs an Ack of each `ArmReceipt`.
    Ack,
    /// Signs the Evidence of two records that contradict each other.
    Evidence,
    /// Asks the other members.
    WhatIs,
    /// Sends again what is stored.
    Again(Kept),
    /// Answers that the record is kept.
    Stored,
    /// Answers by a Rejected.
    Reject(Code),
    /// Answers that it must not say yet.
    Lost,
    /// Refuses a word of the operator.
    Operator(Code),
}

impl fmt::Display for Act {
    /// The words of the tables.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest | Self::Commit | Self::ArmReceipt | Self::Lapse | Self::Receipt => {
                fmt::Debug::fmt(self, f)
            }
            Self::Hold | Self::Release | Self::Ack | Self::Evidence | Self::WhatIs => {
                fmt::Debug::fmt(self, f)
            }
            Self::Refusal(code) => write!(f, "Refusal {}", code.name()),
            Self::Again(Kept::Certificate) => f.write_str("again certificate"),
            Self::Again(kept) => write!(f, "again {kept:?}"),
            Self::Stored => f.write_str("stored"),
            Self::Reject(code) => write!(f, "reject {}", code.name()),
            Self::Lost => f.write_str("lost"),
            Self::Operator(code) => write!(f, "refused to the operator: {}", code.name()),
        }
    }
}
