//! A second, naive model that judges a run from what it shows: it keeps books of its own from the
//! bytes that were synced, sent and told, by SPEC.md, and says what does not hold. It is written
//! apart from what it judges: it names nothing of the protocol crate, not even its decoder.
//!
//! Its checks are those of [`Check`]: what was told as agreed is in both ledgers and equal; no deal
//! has both a valid Receipt and a valid Refusal; nothing is granted beyond stock at any entry; what
//! one owes is what the other has to come; chain, tree and signatures hold from the start; what is
//! stored is what the entries give; nothing is signed twice for one slot; nothing leaves before its
//! sync; no hold is honoured after its end; nothing void is taken; nothing stays in doubt; totals
//! are what lines give; one more restart changes nothing; no leg of a bundle is final without the
//! whole certificate, and all end alike but for those that lapsed; who is in the middle of a chain
//! holds, sells and refuses only what is held, agreed and refused below.

mod books;
mod bound;
mod bytes;
mod chain;
mod finding;
mod homes;
mod quiet;
mod read;
mod read_ledger;
mod together;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use crate::observation::{Answer, Asked, EntryBytes, Moment, Observation};

use self::{
    books::{Books, Deal, Part},
    bound::Bindings,
    bytes::Id,
    chain::{Keys, Ledger, Who},
    finding::Findings,
    quiet::{Kept, Side},
    read_ledger::{Frame, Payload},
    wire::Heard,
};

pub use self::{
    finding::{Check, Finding},
    homes::{Home, audit_homes},
    together::{Bundles, Chains},
};

/// After healing, a deal may be in doubt for so long (FAULTS.md row 8).
const DOUBT_MS_MAX: u64 = 60_000;

/// What is known of one node.
struct Node {
    ledger: Ledger,
    books: Books,
    heard: Heard,
    /// Since when each deal is in doubt.
    doubted_ms: BTreeMap<Id, u64>,
    /// When it opened its present epoch: before that it may have been in recovery, and decides nothing.
    opened_ms: u64,
    /// Deals and manifests of which a restored image took an entry away.
    lost: BTreeSet<Id>,
    lost_parts: BTreeMap<Id, Part>,
    /// Deals that were told as agreed, with the entries that the ledger had then.
    told: BTreeSet<Id>,
    stored: BTreeMap<u8, Kept>,
}

/// Judges one run.
#[derive(Default)]
pub struct Auditor {
    nodes: Vec<Node>,
    keys: Keys,
    found: Findings,
    bindings: Bindings,
    bundles: Bundles,
    chains: Chains,
    healed_ms: Option<u64>,
    doubt_ms_max: Option<u64>,
}

/// What does not hold in a run.
#[must_use]
pub fn audit(run: &[Observation]) -> Vec<Finding> {
    let mut auditor = Auditor::default();
    for seen in run {
        auditor.see(seen);
    }
    auditor.end()
}

impl Auditor {
    /// Takes the next thing that happened.
    pub fn see(&mut self, seen: &Observation) {
        match seen {
            Observation::Node {
                node,
                network,
                partner,
                key,
            } => self.begin(Who {
                node: *node,
                network: *network,
                partner: *partner,
                key: *key,
            }),
            Observation::Started { node, life, .. } => {
                let node = &mut self.nodes[*node];
                node.ledger.lives.push(*life);
                node.heard.begin();
            }
            Observation::Sent { from, bytes, .. } => {
                if let Some(frame) = self.frame(*from, bytes) {
                    wire::check_sent(&self.nodes[*from].ledger, &frame, &mut self.found);
                }
            }
            Observation::Received {
                from, to, bytes, ..
            } => self.received(*from, *to, bytes),
            Observation::Synced {
                node,
                at_ms,
                entries,
                deals,
                checkpoint,
                ..
            } => {
                self.took(*node, entries);
                self.synced(*node, *at_ms, entries);
                self.closed(*node, deals, checkpoint);
            }
            Observation::Told {
                node,
                asked,
                answer,
                ..
            } => self.told(*node, *asked, answer),
            Observation::Happened {
                node, deal, state, ..
            } => self.happened(*node, *deal, state),
            Observation::Crashed { .. } => {}
            Observation::Restored { node, entries, .. } => self.restored(*node, *entries),
            Observation::Healed { at_ms } => self.healed_ms = Some(*at_ms),
            Observation::Quiet { at_ms } => self.quiet(*at_ms),
            Observation::Stored {
                node,
                moment,
                deals,
                stock,
                accounts,
                questions,
            } => {
                let kept = Kept {
                    deals: deals.clone(),
                    stock: stock.clone(),
                    accounts: accounts.clone(),
                    questions: *questions,
                };
                self.stored(*node, *moment, kept);
            }
        }
    }

    /// How the bundles ended, as they stood when all was quiet.
    #[must_use]
    pub const fn bundles(&self) -> Bundles {
        self.bundles
    }

    /// How what was passed on ended, as it stood when all was quiet.
    #[must_use]
    pub const fn chains(&self) -> Chains {
        self.chains
    }

    /// What was found in all of the run.
    #[must_use]
    pub fn end(mut self) -> Vec<Finding> {
        let ledgers: Vec<&Ledger> = self.nodes.iter().map(|node| &node.ledger).collect();
        let lost: Vec<&BTreeSet<Id>> = self.nodes.iter().map(|node| &node.lost).collect();
        self.bindings.check(&ledgers, &lost, &mut self.found);
        self.found.0
    }

    fn begin(&mut self, who: Who) {
        assert_eq!(who.node, self.nodes.len(), "nodes are named in order");
        self.keys.insert(who.partner, who.key);
        self.nodes.push(Node {
            books: Books::new(who.partner),
            ledger: Ledger::new(who),
            heard: Heard::default(),
            doubted_ms: BTreeMap::new(),
            opened_ms: 0,
            lost: BTreeSet::new(),
            lost_parts: BTreeMap::new(),
            told: BTreeSet::new(),
            stored: BTreeMap::new(),
        });
    }

    fn frame(&mut self, node: usize, bytes: &[u8]) -> Option<Frame> {
        let frame = read_ledger::frame(bytes);
        if frame.is_none() {
            let why = "a frame can't be read";
            self.found.add(Check::Form, (node, None), &[], why);
        }
        frame
    }

    fn received(&mut self, from: usize, to: usize, bytes: &[u8]) {
        let Some(frame) = self.frame(to, bytes) else {
            return;
        };
        let network = self.nodes[to].ledger.who.network;
        let life = self.nodes[to].ledger.lives.last().copied().unwrap_or(0);
        let mut heard = std::mem::take(&mut self.nodes[to].heard);
        heard.hear(&network, life, &frame, &self.nodes[from].ledger);
        self.nodes[to].heard = heard;
    }

    /// What is taken has arrived, and was not void.
    fn took(&mut self, number: usize, entries: &[EntryBytes]) {
        let node = &self.nodes[number];
        for bytes in entries {
            let entry = read_ledger::entry(&bytes.header);
            let Some(entry) = entry.filter(|entry| entry.kind == read_ledger::TAKEN) else {
                continue;
            };
            let place = (number, (entry.epoch, entry.sequence));
            for carried in &bytes.records {
                if let Some(record) = read::record(&node.ledger.who.network, &carried.record) {
                    node.heard.took(place, &record, &mut self.found);
                }
            }
        }
    }

    fn synced(&mut self, number: usize, at_ms: u64, entries: &[EntryBytes]) {
        let opened = self
            .nodes
            .iter()
            .map(|node| (node.ledger.who.partner, node.opened_ms));
        let opened: BTreeMap<Id, u64> = opened.collect();
        let hidden = self.hidden();
        let node = &mut self.nodes[number];
        let first = node.ledger.take(entries, &self.keys, &mut self.found);
        for kept in &node.ledger.entries[first..] {
            self.bindings.note(number, kept, &mut self.found);
            if kept.payload == Payload::Opened {
                node.opened_ms = at_ms;
            }
            let before = doubts(&node.books, kept);
            node.books.fold(number, kept, &mut self.found);
            if let Some(deal) = doubts(&node.books, kept) {
                node.doubted_ms.entry(deal).or_insert(at_ms);
            }
            let ended = before.filter(|deal| node.books.deals[deal].state != "doubt");
            let limit = self.doubt_ms_max.unwrap_or(DOUBT_MS_MAX);
            if let (Some(deal), Some(healed)) = (ended, self.healed_ms)
                && let Some(doubted) = node.doubted_ms.remove(&deal)
                && !awaited_operator(&node.books, deal)
                && let partner = node.books.deals[&deal].partner
                && let opened = opened.get(&partner).copied().unwrap_or_default()
                && let hidden = node.books.deals[&deal].awaits(&hidden)
                && let began = healed.max(doubted).max(opened).max(node.opened_ms)
                && let began = began.max(hidden)
                && at_ms > began + limit
            {
                let why = format!(
                    "it was in doubt for {} ms while nothing failed",
                    at_ms - began
                );
                let place = (number, Some(kept.place()));
                self.found.add(Check::Doubt, place, &[deal], why);
            }
        }
    }

    /// To what holds commit that both whoever gave them and whoever provides it lost.
    fn hidden(&self) -> BTreeSet<Id> {
        let has_lost = |part: &Part| {
            let mut nodes = self.nodes.iter();
            nodes.any(|node| {
                node.ledger.who.partner == part.partner && node.lost.contains(&part.deal)
            })
        };
        let parts = self.nodes.iter().flat_map(|node| &node.lost_parts);
        let hidden = parts.filter(|(_, part)| has_lost(part));
        hidden.map(|(commitment, _)| *commitment).collect()
    }

    /// A batch ends: its checkpoint is that of its entries, and each state that it leaves too.
    fn closed(&mut self, number: usize, deals: &[(Id, &'static str)], checkpoint: &[u8]) {
        self.check_states(number, deals);
        let node = &mut self.nodes[number];
        node.ledger.close(checkpoint, &mut self.found);
        node.heard.keep();
    }

    fn check_states(&mut self, number: usize, deals: &[(Id, &'static str)]) {
        let node = &self.nodes[number];
        let place = node.ledger.entries.last().map(chain::Kept::place);
        for (id, stored) in deals {
            let deal = node.books.deals.get(id);
            let given = deal.map_or("unknown", |deal| deal.state);
            if given == *stored {
                continue;
            }
            let is_leg = deal.is_some_and(|deal| deal.manifest.is_some());
            let is_final = matches!(
                *stored,
                "sold" | "agreed" | "refused" | "aborted" | "lapsed"
            );
            let check = if is_leg && is_final {
                Check::Certificate
            } else {
                Check::Projection
            };
            let why = format!("it becomes {stored}, and the entries give {given}");
            self.found.add(check, (number, place), &[*id], why);
        }
    }

    fn told(&mut self, number: usize, asked: Asked, answer: &Answer) {
        let Answer::Made(ids) = answer else { return };
        let node = &mut self.nodes[number];
        for id in ids {
            if !node.ledger.signed.contains(id) {
                let why = format!("it told {asked:?} of a record that is not synced");
                self.found.add(Check::Unsynced, (number, None), &[*id], why);
            }
            let deals = node.books.deals.iter();
            let sold = deals.filter(|(_, deal)| deal.state == "sold" && deal.decision == Some(*id));
            node.told.extend(sold.map(|(deal, _)| *deal));
        }
    }

    fn happened(&mut self, number: usize, deal: Id, state: &'static str) {
        let node = &mut self.nodes[number];
        let known = node.books.deals.get(&deal);
        if !known.is_some_and(|deal| deal.was.contains(&state)) {
            let why = format!("it told that the deal is {state}, which no synced entry gives");
            self.found
                .add(Check::Unsynced, (number, None), &[deal], why);
        }
        if matches!(state, "sold" | "agreed") {
            node.told.insert(deal);
        }
    }

    fn restored(&mut self, number: usize, entries: u64) {
        let node = &mut self.nodes[number];
        let lost = node.ledger.restore(entries);
        for kept in &lost {
            let of = |record: &read::Record| match record.body {
                read::Body::Manifest { .. } => Some(record.id),
                _ => record.body.deal(record.id),
            };
            node.lost.extend(kept.records.iter().filter_map(of));
            if let Payload::Closed(deal) | Payload::WrittenOff(deal) = kept.payload {
                node.lost.insert(deal);
            }
        }
        let parts = node.books.parts();
        let gone = parts.filter(|(_, part)| node.lost.contains(&part.deal));
        node.lost_parts.extend(gone);
        node.heard = Heard::default();
        // What is found in entries that were judged before is known.
        let mut again = Findings::default();
        node.books = Books::new(node.ledger.who.partner);
        for kept in &node.ledger.entries {
            node.books.fold(number, kept, &mut again);
        }
        // A leg is decided by records of the others too: without them it may end otherwise.
        let deals = &node.books.deals;
        node.told.retain(|id| {
            let deal = deals.get(id);
            deal.is_some_and(|deal| matches!(deal.state, "sold" | "agreed"))
        });
    }

    fn side(&self, number: usize) -> Side<'_> {
        let node = &self.nodes[number];
        Side {
            node: number,
            partner: node.ledger.who.partner,
            books: &node.books,
            lost_parts: &node.lost_parts,
            lost: &node.lost,
        }
    }

    fn quiet(&mut self, at_ms: u64) {
        let mut found = std::mem::take(&mut self.found);
        let hidden = self.hidden();
        let may_wait = |deal: &Deal| at_ms <= deal.awaits(&hidden);
        for requester in 0..self.nodes.len() {
            for provider in (0..self.nodes.len()).filter(|other| *other != requester) {
                let (requester, provider) = (self.side(requester), self.side(provider));
                quiet::check_pair(&requester, &provider, &may_wait, &mut found);
            }
            self.check_told(requester, &mut found);
        }
        let sides: Vec<Side<'_>> = (0..self.nodes.len()).map(|node| self.side(node)).collect();
        let lost: Vec<&BTreeSet<Id>> = self.nodes.iter().map(|node| &node.lost).collect();
        (self.bundles, self.chains) = together::check(&sides, &lost, &mut found);
        self.found = found;
    }

    /// What was told as agreed is so in the teller's own ledger; the other's is compared with it.
    fn check_told(&self, number: usize, found: &mut Findings) {
        let node = &self.nodes[number];
        for id in &node.told {
            let deal = node.books.deals.get(id);
            let state = deal.map_or("unknown", |deal| deal.state);
            // A leg that turns out to have lapsed is taken back (SPEC.md section 20).
            let is_taken_back = deal.is_some_and(Deal::is_taken_back);
            let stands = matches!(state, "sold" | "agreed") || is_taken_back;
            if !stands && !node.lost.contains(id) {
                let why = format!("it told that it is agreed, and its ledger has it {state}");
                found.add(Check::Agreement, (number, None), &[*id], why);
            }
        }
    }

    fn stored(&mut self, number: usize, moment: Moment, kept: Kept) {
        let mut found = std::mem::take(&mut self.found);
        quiet::check_stored(&self.side(number), &kept, &mut found);
        self.found = found;
        let turn = match moment {
            Moment::Quiet => 0,
            Moment::Over => 1,
            Moment::RestartedOnce => 2,
            Moment::RestartedTwice => 3,
        };
        if moment != Moment::Quiet && kept.questions > 0 {
            let why = format!("{} questions wait for their answers", kept.questions);
            self.found.add(Check::Unanswered, (number, None), &[], why);
        }
        let stored = &mut self.nodes[number].stored;
        if moment == Moment::RestartedTwice && stored.get(&2).is_some_and(|once| *once != kept) {
            let why = "a second restart changed what is stored";
            self.found.add(Check::Restart, (number, None), &[], why);
        }
        stored.insert(turn, kept);
    }
}

/// The deal in doubt that an entry is about.
fn doubts(books: &Books, kept: &chain::Kept) -> Option<Id> {
    let deal = kept.records.iter().find_map(|r| r.body.deal(r.id))?;
    (books.deals.get(&deal)?.state == "doubt").then_some(deal)
}

/// Whether the requester's own firm proposal was decided: by an operator, in his own time.
fn awaited_operator(books: &Books, deal: Id) -> bool {
    books.deals[&deal].commit == Some(deal)
}
