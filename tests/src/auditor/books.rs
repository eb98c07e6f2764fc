//! The books of one node as its entries give them, kept a second time: deals, stock and accounts,
//! in numbers that can't overflow here. What an entry does that section 12 of SPEC.md does not
//! allow is found on the way; what another node has is not known here.

mod bundles;
mod changes;
mod middle;
mod provide;
mod require;
mod slots;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    bytes::Id,
    chain::Kept,
    finding::{Check, Findings},
    read::{Body, Record, Taken, Terms, Waits},
    read_ledger::Payload,
};

pub use self::{bundles::Bundle, changes::Standing, middle::Part};

/// A deal, at either side.
#[derive(Clone, Debug)]
pub struct Deal {
    pub partner: Id,
    pub provides: bool,
    /// The state by its name in the tables of section 12, and all that it went through.
    pub state: &'static str,
    pub was: Vec<&'static str>,
    /// The alternatives of the record that opened it; none if only its end is known.
    pub alternatives: Vec<Terms>,
    pub alternative: usize,
    /// End of the hold or of the firm proposal's validity.
    pub until: u64,
    pub hold: Option<Id>,
    /// What the hold promises for a bundle.
    waits: Option<Waits>,
    /// On what the hold rests, as whoever asked for it took it.
    rests_on: Option<Id>,
    pub commit: Option<Id>,
    /// Whether that Commit came back after a loss.
    commit_came_back: bool,
    pub release: Option<Id>,
    pub decision: Option<Id>,
    /// The manifest of which it is a leg.
    pub manifest: Option<Id>,
    /// What a hold says that rests on this deal alone.
    commitment: Option<Id>,
    /// The chain in which another deal of its requester's rests on it.
    chain: Option<Id>,
    /// Whether a part was asked for while it waited.
    is_sourced: bool,
    /// Minor units reserved or posted.
    pub amount: i128,
    reserved: BTreeMap<Taken, i128>,
    /// Steps and places that it moved on the own shelf when it was agreed.
    moved: BTreeMap<Taken, i128>,
    /// Of a change that was agreed, its order and how that stood before.
    before: Option<(Id, Standing)>,
}

impl Deal {
    fn new(partner: Id, provides: bool, state: &'static str) -> Self {
        Self {
            partner,
            provides,
            state,
            was: vec![state],
            alternatives: Vec::new(),
            alternative: 0,
            until: 0,
            hold: None,
            waits: None,
            rests_on: None,
            commit: None,
            commit_came_back: false,
            release: None,
            decision: None,
            manifest: None,
            commitment: None,
            chain: None,
            is_sourced: false,
            amount: 0,
            reserved: BTreeMap::new(),
            moved: BTreeMap::new(),
            before: None,
        }
    }

    /// What its hold says on what it rests.
    pub fn passed_on(&self) -> Option<Id> {
        self.waits?.passed_on.filter(|_| self.provides)
    }

    /// Until when whoever asked for it may wait for what nobody shows any more: to the end of the hold,
    /// where that rests on one of these.
    pub fn awaits(&self, hidden: &BTreeSet<Id>) -> u64 {
        let is_hidden = self.rests_on.is_some_and(|part| hidden.contains(&part));
        if is_hidden { self.until } else { 0 }
    }

    /// Whether what it takes is on the own shelf. Where its hold was lost, a part that was asked for
    /// tells that it is not.
    fn takes_stock(&self) -> bool {
        match self.waits {
            Some(waits) => waits.passed_on.is_none(),
            None => !self.is_sourced,
        }
    }

    /// Whether a Receipt may follow: for what is held on the own shelf or for what is held below,
    /// and for either where it comes back.
    fn may_be_sold(&self, comes_back: bool) -> bool {
        match self.state {
            "held" => comes_back || self.passed_on().is_none(),
            "closed" => comes_back,
            state => matches!(state, "passed" | "offered"),
        }
    }

    fn now(&mut self, state: &'static str) {
        self.state = state;
        self.was.push(state);
    }

    /// The terms that were committed.
    pub fn terms(&self) -> Option<&Terms> {
        self.alternatives.get(self.alternative)
    }

    /// Whether it is a leg that was agreed, and lapsed at its provider.
    pub fn is_taken_back(&self) -> bool {
        self.manifest.is_some() && self.state == "aborted" && self.was.contains(&"agreed")
    }

    pub fn currency(&self) -> Option<[u8; 3]> {
        Some(self.alternatives.first()?.currency)
    }
}

/// Steps of one article.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Stock {
    pub counted: i128,
    pub held: i128,
    pub sold: i128,
}

/// What the node and one partner owe each other in one currency.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Account {
    pub receivable: i128,
    pub held: i128,
    pub payable: i128,
    pub doubt: i128,
}

/// The books of one node.
#[derive(Default)]
pub struct Books {
    pub deals: BTreeMap<Id, Deal>,
    pub stock: BTreeMap<Taken, Stock>,
    /// Places of each slot of a service, and when its slots begin.
    timetables: BTreeMap<Id, (i128, BTreeSet<u64>)>,
    pub accounts: BTreeMap<(Id, [u8; 3]), Account>,
    /// Orders as they stand.
    orders: BTreeMap<Id, Standing>,
    /// Highest revision that it published, and the record of each slot at each revision.
    revision: u64,
    slots: BTreeMap<(u64, Id, u64), Id>,
    pub bundles: BTreeMap<Id, Bundle>,
    /// Partners whose Release came, by deal.
    given_back: BTreeSet<Id>,
    partner: Id,
}

/// Where an entry stands, for what is found about it.
pub struct At<'a> {
    pub node: usize,
    pub kept: &'a Kept,
    /// Whether a fact comes back that was signed before: then nothing is granted, and a promise may
    /// exceed the stock.
    comes_back: bool,
}

impl At<'_> {
    const fn ms(&self) -> u64 {
        self.kept.entry.at
    }

    fn find(&self, found: &mut Findings, check: Check, ids: &[Id], why: impl Into<String>) {
        found.add(check, (self.node, Some(self.kept.place())), ids, why);
    }
}

impl Books {
    pub fn new(partner: Id) -> Self {
        Self {
            partner,
            ..Self::default()
        }
    }

    /// Books the next entry.
    pub fn fold(&mut self, node: usize, kept: &Kept, found: &mut Findings) {
        let at = At {
            node,
            kept,
            comes_back: matches!(kept.payload, Payload::Recovered(_)),
        };
        match &kept.payload {
            Payload::Opened | Payload::Lived(_) | Payload::Granted => {}
            Payload::Signed(_) => {
                for record in &kept.records {
                    self.signed(&at, record, found);
                }
            }
            Payload::Recovered(_) => {
                let own = |record: &&Record| record.author == self.partner;
                for record in kept.records.iter().filter(own).cloned().collect::<Vec<_>>() {
                    self.signed(&at, &record, found);
                    if let Some(deal) = record.body.deal(record.id) {
                        self.lead_again(deal);
                    }
                }
            }
            Payload::Taken(_) => {
                for record in &kept.records {
                    self.taken(&at, record, found);
                }
            }
            Payload::Counted { subject, steps } => {
                let stock = self.stock.entry((*subject, None)).or_default();
                stock.counted = *steps;
                stock.sold = 0;
            }
            Payload::Timetable {
                subject,
                places,
                begins,
            } => self.reckoned(&at, *subject, (*places, begins), found),
            Payload::Closed(deal) => self.closed(&at, *deal, found),
            Payload::WrittenOff(deal) => self.written_off(&at, *deal, found),
        }
    }

    fn signed(&mut self, at: &At<'_>, record: &Record, found: &mut Findings) {
        check_totals(at, record, found);
        if self.of_a_bundle(at, record, found) {
            return;
        }
        let to = record.header.as_ref().map_or([0; 32], |header| header.to);
        let id = record.id;
        match &record.body {
            Body::Public {
                revision,
                family,
                subject,
            } => self.published(at, (*family, *subject, *revision), id, found),
            Body::Request { terms, chain, .. } => {
                let salt = record.header.as_ref().map(|header| header.salt);
                self.requested(at, (id, to), terms, found);
                self.rests(id, (*chain, salt));
            }
            Body::Proposal {
                provides: true,
                firm: true,
                valid_until,
                terms,
                waits,
            } => self.proposed_hold(at, (id, to), (terms, *valid_until, *waits), found),
            Body::Proposal {
                provides: false,
                firm: true,
                valid_until,
                terms,
                ..
            } => self.proposed_commit(at, (id, to), (terms, *valid_until), found),
            Body::Hold {
                deal,
                terms_hash,
                until,
                waits,
            } => self.held(at, id, (*deal, *terms_hash), (*until, *waits), found),
            Body::Commit {
                deal,
                hold,
                alternative,
            } => self.committed(at, id, (*deal, *hold, *alternative), found),
            Body::Receipt {
                deal,
                commit,
                alternative,
            } => self.sold(at, (id, to), (*deal, *commit, *alternative), found),
            Body::Refusal { deal, code, .. } => self.refused(at, (id, to), (*deal, *code), found),
            Body::Release { deal } => self.released(at, id, *deal, found),
            Body::Proposal { firm: false, .. }
            | Body::Manifest { .. }
            | Body::Armed { .. }
            | Body::Lapsed { .. }
            | Body::Evidence { .. }
            | Body::Other => {}
        }
    }

    fn taken(&mut self, at: &At<'_>, record: &Record, found: &mut Findings) {
        if self.of_a_bundle(at, record, found) {
            return;
        }
        let (id, from) = (record.id, record.author);
        match &record.body {
            Body::Request {
                valid_until,
                terms,
                chain,
            } => {
                self.offered(
                    id,
                    from,
                    "asked",
                    (std::slice::from_ref(terms), *valid_until),
                );
                self.is_in_chain(id, *chain);
            }
            Body::Proposal {
                provides: false,
                firm: true,
                valid_until,
                terms,
                ..
            } => self.offered(id, from, "offered", (terms, *valid_until)),
            Body::Proposal {
                provides: true,
                firm: true,
                valid_until,
                terms,
                ..
            } => self.kept_hold(id, from, (terms, *valid_until)),
            Body::Hold {
                deal, until, waits, ..
            } => self.kept(id, *deal, (*until, waits.passed_on)),
            Body::Commit { deal, .. } => self.commit_came(id, *deal),
            Body::Release { deal } => {
                self.given_back.insert(*deal);
            }
            Body::Receipt {
                deal,
                commit,
                alternative,
            } => self.agreed(id, (*deal, *commit, *alternative)),
            Body::Refusal { deal, .. } => self.aborted(id, *deal),
            Body::Public { .. }
            | Body::Proposal { firm: false, .. }
            | Body::Manifest { .. }
            | Body::Armed { .. }
            | Body::Lapsed { .. }
            | Body::Evidence { .. }
            | Body::Other => {}
        }
    }

    fn published(
        &mut self,
        at: &At<'_>,
        (family, subject, revision): (u64, Id, u64),
        id: Id,
        found: &mut Findings,
    ) {
        let before = self.slots.insert((family, subject, revision), id);
        if before.is_some_and(|before| before != id) {
            let why = "two records of one slot have one revision";
            at.find(found, Check::Twice, &[id, subject], why);
        }
        if revision <= self.revision && before.is_none() && !at.comes_back {
            at.find(found, Check::Twice, &[id], "its revision does not ascend");
        }
        self.revision = self.revision.max(revision);
    }

    fn account(&mut self, partner: Id, currency: Option<[u8; 3]>) -> Option<&mut Account> {
        Some(self.accounts.entry((partner, currency?)).or_default())
    }

    /// What an agreement moves: the amount, and at the provider the steps, of which no more come
    /// back than were sold since the last count.
    fn post(&mut self, deal_id: Id) {
        let Some(deal) = self.deals.get(&deal_id) else {
            return;
        };
        let (partner, currency, provides) = (deal.partner, deal.currency(), deal.provides);
        let own = deal.takes_stock();
        let Some(terms) = deal.terms().cloned() else {
            return;
        };
        let (amount, steps) = self.moves(&terms);
        if provides && own {
            self.sell(&steps, 1);
        }
        self.stand(deal_id, &terms);
        if let Some(deal) = self.deals.get_mut(&deal_id) {
            deal.amount = amount;
            deal.moved = steps;
        }
        if let Some(account) = self.account(partner, currency) {
            if provides {
                account.receivable += amount;
            } else {
                account.payable += amount;
            }
        }
    }

    fn sell(&mut self, steps: &BTreeMap<Taken, i128>, sign: i128) {
        for (taken, steps) in steps {
            let stock = self.stock_of(*taken);
            stock.sold = (stock.sold + sign * steps).max(0);
        }
    }
}

fn check_totals(at: &At<'_>, record: &Record, found: &mut Findings) {
    let all = match &record.body {
        Body::Request { terms, .. } => std::slice::from_ref(terms),
        Body::Proposal { terms, .. } => terms,
        _ => return,
    };
    if !all.iter().all(Terms::adds_up) {
        let why = "the totals of its terms are not what the lines give";
        at.find(found, Check::Totals, &[record.id], why);
    }
}
