//! What the auditor finds: which of its checks, at which node and place, about which ids, and why.

use std::fmt;

use super::bytes::{Id, short};

/// What is checked; each is a sentence of the list of checks (see the module `auditor`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Check {
    /// What was told as agreed, or was sold or agreed, is in both ledgers and equal.
    Agreement,
    /// No deal has both a valid Receipt and a valid Refusal.
    Contradiction,
    /// Nobody accuses an honest partner.
    Accused,
    /// Nothing is granted beyond stock, at any entry.
    Stock,
    /// What A owes B is what B is owed by A.
    Accounts,
    /// Chain, tree, hashes and signatures hold from the first entry on.
    Chain,
    /// What is stored is what the entries give.
    Projection,
    /// Nothing is signed twice for one slot, or after what excludes it.
    Twice,
    /// Nothing leaves before the sync of the batch that causes it.
    Unsynced,
    /// No hold is honoured after its end, and none ends before.
    Hold,
    /// Nothing void is taken.
    Void,
    /// No leg of a bundle is final, and none that arms last armed, before what that needs is whole.
    Certificate,
    /// The legs of a bundle end alike but for those that lapsed, and an abort leaves nothing held.
    Together,
    /// A middle partner holds, sells and refuses only what is so downstream.
    Middle,
    /// Nothing is in doubt for long after healing.
    Doubt,
    /// Every question gets its answer.
    Unanswered,
    /// Totals are what their lines give.
    Totals,
    /// One more restart changes nothing.
    Restart,
    /// What is shown to the auditor can be read.
    Form,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What does not hold.
    pub check: Check,
    /// The node, by its number in the run.
    pub node: usize,
    /// Epoch and number of the entry, where it is about one.
    pub place: Option<(u64, u64)>,
    /// Deals, records or articles.
    pub ids: Vec<Id>,
    /// A sentence.
    pub why: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: node {}", self.check, self.node)?;
        if let Some((epoch, sequence)) = self.place {
            write!(f, ", entry {epoch}/{sequence}")?;
        }
        for id in &self.ids {
            write!(f, ", {}", short(id))?;
        }
        write!(f, ": {}", self.why)
    }
}

/// Findings as they come, bounded: after so many the rest says nothing new.
#[derive(Clone, Debug, Default)]
pub struct Findings(pub Vec<Finding>);

/// Findings that are kept.
const FINDINGS_MAX: usize = 100;

impl Findings {
    pub fn add(
        &mut self,
        check: Check,
        (node, place): (usize, Option<(u64, u64)>),
        ids: &[Id],
        why: impl Into<String>,
    ) {
        if self.0.len() < FINDINGS_MAX {
            self.0.push(Finding {
                check,
                node,
                place,
                ids: ids.to_vec(),
                why: why.into(),
            });
        }
    }
}
