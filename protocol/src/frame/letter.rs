//! Letters, which carry the records of a thread with their proofs, what answers them unsigned, and
//! the question what became of a deal. Repeating a question is the machine's matter.

use super::Head;
use crate::{
    fence::{Bytes, List},
    hash::{DealId, RecordId},
    ledger::note::NOTE_BYTES_MAX,
    limits::{LETTER_RECORDS_MAX, RECORD_BYTES_MAX},
    proof::Proof,
    thread::Life,
    value::Invalid,
    wire,
};

/// A record as it travels, with the proof that its author made it; neither is read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedRecord {
    /// The record's bytes.
    pub record: Bytes<RECORD_BYTES_MAX>,
    /// Its proof.
    pub proof: Proof,
}

wire!(ProvedRecord { record, proof });

impl ProvedRecord {
    /// Puts stored bytes and their proof together.
    ///
    /// # Errors
    /// `TooMany` bytes, which no record has.
    pub fn new(record: &[u8], proof: Proof) -> Result<Self, Invalid> {
        Ok(Self {
            record: Bytes::new(record)?,
            proof,
        })
    }
}

/// Between which lives a letter is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lives {
    /// The sender's present life.
    pub from: Life,
    /// The receiver's, as the sender heard of it last.
    pub to: Life,
}

wire!(Lives { from, to });

impl Lives {
    /// As the other side has them.
    #[must_use]
    pub const fn turned(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
        }
    }
}

/// What surrounds stored records, fresh at each sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Between which lives it is sent.
    pub lives: Lives,
    /// The sender's latest checkpoint, as text.
    pub checkpoint: Bytes<NOTE_BYTES_MAX>,
    /// That its tree extends the one of the checkpoint that the receiver is known to have seen.
    pub consistency: List<[u8; 32], 64>,
    /// The receiver's highest checkpoint that the sender has seen, as text; empty for none.
    pub seen: Bytes<NOTE_BYTES_MAX>,
}

wire!(Envelope {
    lives,
    checkpoint,
    consistency,
    seen
});

/// Records of one thread, taken together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// What surrounds them.
    pub envelope: Envelope,
    /// The records, in their order.
    pub records: List<ProvedRecord, LETTER_RECORDS_MAX, 1>,
    /// Records that they rest on and that the receiver may lack.
    pub attached: List<ProvedRecord, LETTER_RECORDS_MAX>,
}

wire!(Letter {
    envelope,
    records,
    attached
});

/// A record of a thread is kept. It never ends a Commit or a Request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stored {
    /// Between which lives it is sent.
    pub lives: Lives,
    /// The record.
    pub record: RecordId,
    /// How far the sender's ledger is with it: a sender that comes back with less lost it.
    pub head: Head,
}

wire!(Stored {
    lives,
    record,
    head
});

/// What became of a deal? Answered with what the store holds, or with `Lost`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatIs {
    /// The deal.
    pub deal: DealId,
    /// What the asker sent: its Request, firm Proposal or Commit.
    pub records: List<ProvedRecord, LETTER_RECORDS_MAX, 1>,
}

wire!(WhatIs { deal, records });
