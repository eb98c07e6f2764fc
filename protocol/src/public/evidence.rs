//! Evidence: signed bytes of a partner that contradict each other, for everybody to check. Whether
//! they do is judged elsewhere.

use crate::{
    body,
    fence::{Bytes, List},
    hash::PartnerId,
    limits::RECORD_BYTES_MAX,
    proof::Proof,
    wire, words,
};

words! {
    /// What a partner is accused of.
    pub enum Claim {
        /// Receipt and Refusal for one deal.
        1 TwoDecisions "two decisions",
        /// Release and Commit for one deal.
        2 ReleaseBesideCommit "Release beside Commit",
        /// Two manifests over one hold.
        3 TwoManifests "two manifests over one hold",
        /// Armed and refused for one leg.
        4 ArmReceiptBesideRefusal "ArmReceipt beside Refusal",
        /// More sold than was allotted.
        5 OverspentAllotment "overspent allotment",
        /// Two entries of one life at one epoch and sequence.
        6 TwoEntries "two entries at one place",
        /// Two checkpoints that no one ledger has.
        7 InconsistentCheckpoints "inconsistent checkpoints",
        /// Two key events at one index.
        8 TwoKeyEvents "two key events at one index",
    }
}

words! {
    /// What the bytes of an exhibit are.
    pub enum ExhibitForm {
        /// A record.
        1 Record "record",
        /// The header of a ledger's entry.
        2 EntryHeader "entry header",
        /// A checkpoint.
        3 Checkpoint "checkpoint",
    }
}

/// Signed bytes of the accused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhibit {
    /// What they are.
    pub form: ExhibitForm,
    /// The bytes.
    pub bytes: Bytes<RECORD_BYTES_MAX>,
    /// The proof of a record.
    pub proof: Option<Proof>,
}

wire!(Exhibit { form, bytes, proof });

/// An accusation with what proves it. The record's own limit binds before that of the exhibits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Who is accused.
    pub accused: PartnerId,
    /// Of what.
    pub claim: Claim,
    /// What proves it.
    pub exhibits: List<Exhibit, 4>,
}

wire!(Evidence {
    accused,
    claim,
    exhibits
});
body!(Evidence);
