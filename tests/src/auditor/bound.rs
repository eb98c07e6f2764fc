//! What binds for good: decisions of providers, Commits and Releases of requesters, and who accuses
//! whom. Of those that stand in any ledger none may contradict another. What was signed in which
//! state of its deal is the books' matter.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    bytes::Id,
    chain::{Kept, Ledger},
    finding::{Check, Findings},
    read::{Body, Record},
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

/// What binds a leg of a bundle.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leg {
    Armed,
    Refused,
}

/// A record that says so.
struct Said {
    id: Id,
    node: usize,
    deal: Id,
    what: Leg,
}

/// All that was ever signed.
#[derive(Default)]
pub struct Bindings {
    /// By deal and by side.
    deals: BTreeMap<(Id, bool), Vec<Bound>>,
    /// By author and by leg.
    legs: BTreeMap<(Id, (Id, u64)), Vec<Said>>,
}

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
                Body::Refusal {
                    deal,
                    leg: Some(leg),
                    ..
                } => {
                    self.note_leg((node, *deal), record, (*leg, Leg::Refused));
                    continue;
                }
                Body::Armed { deal, leg } => {
                    self.note_leg((node, *deal), record, (*leg, Leg::Armed));
                    continue;
                }
                Body::Manifest { legs, .. } => {
                    for leg in legs {
                        self.bind(node, record.id, (leg.deal, What::Commit));
                    }
                    continue;
                }
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
            self.bind(node, record.id, (deal, what));
        }
    }

    fn bind(&mut self, node: usize, id: Id, (deal, what): (Id, What)) {
        let decides = matches!(what, What::Receipt(..) | What::Refusal);
        let known = self.deals.entry((deal, decides)).or_default();
        if !known.iter().any(|known| known.id == id) {
            known.push(Bound { id, node, what });
        }
    }

    fn note_leg(
        &mut self,
        (node, deal): (usize, Id),
        record: &Record,
        (leg, what): ((Id, u64), Leg),
    ) {
        let known = self.legs.entry((record.author, leg)).or_default();
        if !known.iter().any(|said| said.id == record.id) {
            let id = record.id;
            known.push(Said {
                id,
                node,
                deal,
                what,
            });
        }
    }

    /// One that its author lost, and of which no other ledger knows, stands nowhere: it is void, or
    /// both sides lost it. A provider that lost its decision may sign the same anew.
    pub fn check(&self, ledgers: &[&Ledger], lost: &[&BTreeSet<Id>], found: &mut Findings) {
        let all = ledgers.iter().flat_map(|ledger| &ledger.entries);
        let records = all.flat_map(|kept| &kept.records);
        let standing: BTreeSet<Id> = records.map(|record| record.id).collect();
        self.check_legs(&standing, lost, found);
        for ((deal, _), bound) in &self.deals {
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

    /// Who lost that a leg armed may say so again; what is refused is refused for good.
    fn check_legs(&self, standing: &BTreeSet<Id>, lost: &[&BTreeSet<Id>], found: &mut Findings) {
        for ((_, (manifest, _)), said) in &self.legs {
            let valid = said.iter().filter(|said| standing.contains(&said.id));
            let valid: Vec<&Said> = valid.collect();
            for pair in valid.windows(2) {
                let [first, second] = pair else { continue };
                let why = match (first.what, second.what) {
                    (Leg::Armed, Leg::Armed) if !lost[first.node].contains(&first.deal) => {
                        "a leg armed twice"
                    }
                    (Leg::Armed, Leg::Armed) | (Leg::Refused, Leg::Refused) => continue,
                    _ => "a leg armed and refused",
                };
                let ids = [*manifest, first.id, second.id];
                let place = (second.node, None);
                found.add(Check::Contradiction, place, &ids, why);
            }
        }
    }
}
