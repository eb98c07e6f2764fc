//! What binds for good: decisions of providers, Commits and Releases of requesters, and who accuses
//! whom. Of those that stand in any ledger none may contradict another. What was signed in which
//! state of its deal is the books' matter.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    bytes::Id,
    chain::{Kept, Ledger},
    finding::{Check, Findings},
    read::Body,
    read_ledger::Payload,
};

/// A record that binds.
struct Bound {
    id: Id,
    node: usize,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// For which Commit and alternative.
    Receipt(Id, usize),
    Refusal,
    Commit,
    Release,
}

/// All that was ever signed, by deal and by side.
#[derive(Default)]
pub struct Bindings(BTreeMap<(Id, bool), Vec<Bound>>);

impl Bindings {
    /// Notes what a node signed, or was shown again.
    pub fn note(&mut self, node: usize, kept: &Kept, found: &mut Findings) {
        if !matches!(kept.payload, Payload::Signed(_) | Payload::Recovered(_)) {
            return;
        }
        for record in &kept.records {
            let (deal, what) = match &record.body {
                Body::Receipt {
                    deal,
                    commit,
                    alternative,
                } => (*deal, What::Receipt(*commit, *alternative)),
                Body::Refusal { deal, .. } => (*deal, What::Refusal),
                Body::Commit { deal, .. } => (*deal, What::Commit),
                Body::Release { deal } => (*deal, What::Release),
                Body::Proposal {
                    provides: false,
                    firm: true,
                    ..
                } => (record.id, What::Commit),
                Body::Evidence { accused } => {
                    let why = "it accuses a partner, and all are honest";
                    let place = (node, Some(kept.place()));
                    found.add(Check::Accused, place, &[*accused], why);
                    continue;
                }
                _ => continue,
            };
            let id = record.id;
            let decides = matches!(what, What::Receipt(..) | What::Refusal);
            let known = self.0.entry((deal, decides)).or_default();
            if !known.iter().any(|known| known.id == id) {
                known.push(Bound { id, node, what });
            }
        }
    }

    /// One that its author lost, and of which no other ledger knows, stands nowhere: it is void, or
    /// both sides lost it. A provider that lost its decision may sign the same anew.
    pub fn check(&self, ledgers: &[&Ledger], lost: &[&BTreeSet<Id>], found: &mut Findings) {
        let all = ledgers.iter().flat_map(|ledger| &ledger.entries);
        let records = all.flat_map(|kept| &kept.records);
        let standing: BTreeSet<Id> = records.map(|record| record.id).collect();
        for ((deal, _), bound) in &self.0 {
            let stands = |bound: &&Bound| standing.contains(&bound.id);
            let valid: Vec<&Bound> = bound.iter().filter(stands).collect();
            for pair in valid.windows(2) {
                let [first, second] = pair else { continue };
                let decides = matches!(first.what, What::Receipt(..) | What::Refusal);
                if decides && first.what == second.what && lost[first.node].contains(deal) {
                    continue;
                }
                let why = match (first.what, second.what) {
                    (What::Receipt(..), What::Receipt(..)) => "two Receipts are valid",
                    (What::Refusal, What::Refusal) => "two Refusals are valid",
                    (What::Receipt(..), _) | (_, What::Receipt(..)) => {
                        "a Receipt and a Refusal are valid"
                    }
                    (What::Commit, What::Commit) => "two Commits are valid",
                    (What::Release, What::Release) => "two Releases are valid",
                    _ => "a Commit and a Release are valid",
                };
                let ids = [*deal, first.id, second.id];
                let place = (second.node, None);
                found.add(Check::Contradiction, place, &ids, why);
            }
        }
    }
}
