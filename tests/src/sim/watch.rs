//! The plainest checks of a run, from what it shows: nothing leaves before its sync, nothing is
//! signed twice, nothing synced is lost, and in the end all is decided and both sides agree. It
//! keeps out arithmetic, and all else that is the auditor's.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

use omni_protocol::{
    bundle::BundleBody,
    frame::{Frame, Letter, ProvedRecord, Received},
    hash::{DealId, PartnerId, RecordId},
    ledger::{Carried, Entry, EntryBody, EntryHeader, Payload},
    machine::{Config, Key, Machine, Policy, View as _},
    record::{Envelope, Signed},
    thread::{Refusal, ThreadBody},
    value::Time,
};

use super::{Met, Plan, Planted, World, run};
use crate::{
    auditor::{Auditor, Bundles, Chains, Finding},
    market::{Store, network},
    observation::{Answer, EntryBytes, Moment, Observation, StoredAccount, StoredDeal},
};

/// Moments in their order.
const QUIET: u8 = 0;
const RESTARTED_ONCE: u8 = 2;
const RESTARTED_TWICE: u8 = 3;

/// What is known of one node.
#[derive(Debug, Default)]
struct Node {
    partner: Option<PartnerId>,
    was_restored: bool,
    /// Records that a synced entry carries.
    records: BTreeSet<RecordId>,
    /// Headers by place.
    entries: BTreeMap<(u32, u64), Vec<u8>>,
    decided: BTreeMap<DealId, RecordId>,
    bound: BTreeMap<DealId, RecordId>,
    /// When the holds and firm proposals end.
    ends: BTreeMap<DealId, Time>,
    stored: BTreeMap<u8, Stored>,
}

/// What a node has stored at some moment.
type Stored = (Vec<StoredDeal>, Vec<StoredAccount>, u64);

/// Looks on, and notes what is wrong.
#[derive(Debug, Default)]
pub struct Watch {
    nodes: Vec<Node>,
    /// What is wrong, each with what kind of wrong it is before the colon.
    pub complaints: Vec<String>,
    /// What the auditor found; it is among the complaints too.
    pub audited: Vec<Finding>,
    /// Receipts that were signed.
    pub receipts: u64,
    /// How its bundles ended.
    pub bundles: Bundles,
    /// How its chains ended.
    pub chains: Chains,
    /// Deals that are legs of a Manifest.
    legs: BTreeSet<DealId>,
    /// Faults that struck.
    pub met: Met,
}

impl Watch {
    /// Takes the next thing that happened.
    pub fn see(&mut self, what: &Observation) {
        match what {
            Observation::Node { partner, .. } => self.nodes.push(Node {
                partner: Some(PartnerId::from_bytes(*partner)),
                ..Node::default()
            }),
            Observation::Synced { node, entries, .. } => {
                for entry in entries {
                    self.entry(*node, entry);
                }
            }
            Observation::Sent { from, bytes, .. } => self.sent(*from, bytes),
            Observation::Told { node, answer, .. } => {
                if let Answer::Made(ids) = answer {
                    for id in ids {
                        self.is_synced(*node, RecordId::from_bytes(*id), "told");
                    }
                }
            }
            Observation::Restored { node, .. } => {
                self.nodes[*node].was_restored = true;
            }
            Observation::Stored {
                node,
                moment,
                deals,
                accounts,
                questions,
                ..
            } => {
                let kept = (deals.clone(), accounts.clone(), *questions);
                let number = match moment {
                    Moment::Quiet => QUIET,
                    Moment::Over => QUIET + 1,
                    Moment::RestartedOnce => RESTARTED_ONCE,
                    Moment::RestartedTwice => RESTARTED_TWICE,
                };
                self.nodes[*node].stored.insert(number, kept);
                if *node + 1 == self.nodes.len() {
                    self.compare(number);
                }
            }
            Observation::Started { .. }
            | Observation::Received { .. }
            | Observation::Happened { .. }
            | Observation::Crashed { .. }
            | Observation::Healed { .. }
            | Observation::Quiet { .. } => {}
        }
    }

    fn complain(&mut self, kind: &str, detail: &str) {
        self.complaints.push(format!("{kind}: {detail}"));
    }

    fn is_synced(&mut self, node: usize, id: RecordId, how: &str) {
        if !self.nodes[node].records.contains(&id) {
            let detail = format!("node {node} {how} {id} before its sync");
            self.complain("unsynced", &detail);
        }
    }

    fn entry(&mut self, node: usize, bytes: &EntryBytes) {
        let header = EntryHeader::from_bytes(&bytes.header).expect("a header");
        let body = EntryBody::from_bytes(header.kind, &bytes.body).expect("a body");
        let known = &mut self.nodes[node];
        known.records.extend(body.payload.records());
        let place = (header.epoch, header.sequence);
        let before = known.entries.insert(place, bytes.header.clone());
        let is_fork = before.is_some() && !known.was_restored;
        if is_fork {
            self.complain("fork", &format!("node {node} has two entries at {place:?}"));
        }
        if !matches!(body.payload, Payload::Signed(_)) {
            return;
        }
        for record in &bytes.records {
            if let Ok(record) = Signed::<ThreadBody>::read(&network(), &*record.record) {
                self.signed(node, &record);
            }
        }
    }

    fn signed(&mut self, node: usize, record: &Signed<ThreadBody>) {
        let known = &mut self.nodes[node];
        let id = record.id();
        let (before, deal) = match record.body() {
            ThreadBody::Receipt(receipt) => {
                self.receipts += 1;
                let end = known.ends.get(&receipt.deal).copied();
                let before = known.decided.insert(receipt.deal, id);
                if end.is_some_and(|end| receipt.header.at > end) {
                    let detail = format!("node {node} sells {} after the hold", receipt.deal);
                    self.complain("late", &detail);
                }
                (before, receipt.deal)
            }
            ThreadBody::Bundle(BundleBody::Manifest(manifest)) => {
                self.legs.extend(manifest.legs().iter().map(|leg| leg.deal));
                return;
            }
            // It ends a leg of a manifest, of which the auditor judges.
            ThreadBody::Refusal(Refusal { leg: Some(_), .. }) => return,
            ThreadBody::Refusal(refusal) => (known.decided.insert(refusal.deal, id), refusal.deal),
            ThreadBody::Commit(commit) => (known.bound.insert(commit.deal, id), commit.deal),
            ThreadBody::Release(release) => (known.bound.insert(release.deal, id), release.deal),
            ThreadBody::Hold(hold) => {
                // One that is passed on no longer ends by time once it is committed.
                if hold.hold.passed_on.is_none() {
                    known.ends.insert(hold.deal, hold.hold.until);
                }
                return;
            }
            ThreadBody::Proposal(proposal) if proposal.is_firm() => {
                known.ends.insert(id.into(), proposal.valid_until());
                return;
            }
            _ => return,
        };
        if before.is_some() && !self.nodes[node].was_restored {
            let kind = record.kind().name();
            self.complain("twice", &format!("node {node} signs {kind} for {deal} too"));
        }
    }

    fn sent(&mut self, node: usize, bytes: &[u8]) {
        let Ok(Received::Frame(frame)) = Frame::decode(bytes) else {
            return self.complain("frame", &format!("node {node} sends what is no frame"));
        };
        if let Frame::Letter(letter) = frame {
            let Letter {
                records, attached, ..
            } = *letter;
            for ProvedRecord { record, .. } in records.iter().chain(attached.iter()) {
                let read = Envelope::read(&network(), &**record).expect("a record");
                self.is_synced(node, read.id(), "sends");
            }
        }
    }

    /// Compares all nodes, once all have shown what they have.
    fn compare(&mut self, moment: u8) {
        let mut found = Vec::new();
        for (number, node) in self.nodes.iter().enumerate() {
            let Some((deals, accounts, questions)) = node.stored.get(&moment) else {
                continue;
            };
            if *questions > 0 && moment != QUIET {
                found.push(format!(
                    "open: node {number} still asks {questions} questions"
                ));
            }
            for deal in deals {
                found.extend(self.compare_deal(number, deal, moment));
            }
            for account in accounts {
                found.extend(self.compare_account(number, account, moment));
            }
            let twice = node.stored.get(&RESTARTED_TWICE);
            let once = node.stored.get(&RESTARTED_ONCE);
            if moment == RESTARTED_TWICE && once != twice {
                found.push(format!("restart: another one changed node {number}"));
            }
        }
        self.complaints.extend(found);
    }

    fn partner(&self, partner: [u8; 32]) -> Option<&Node> {
        let partner = PartnerId::from_bytes(partner);
        let mut nodes = self.nodes.iter();
        nodes.find(|node| node.partner == Some(partner))
    }

    fn compare_deal(&self, number: usize, deal: &StoredDeal, moment: u8) -> Option<String> {
        let id = DealId::from_bytes(deal.deal);
        let other = self.partner(deal.partner)?;
        let (theirs, _, _) = other.stored.get(&moment)?;
        let theirs = theirs.iter().find(|theirs| theirs.deal == deal.deal);
        let is_restored = self.nodes[number].was_restored || other.was_restored;
        let expected = match deal.state {
            "agreed" => Some("sold"),
            // A provider may have lost what it refused, and who signed nothing in it can't show it.
            "aborted" if is_restored && theirs.is_none() => return None,
            // The first Refusal that each side met ends a leg there, and a lapse frees it.
            "aborted" if self.legs.contains(&id) => {
                let state = theirs.map(|theirs| theirs.state);
                let ended = matches!(state, Some("refused" | "lapsed"))
                    // It was held anew by who lost that it was, and ends by its own end.
                    || (is_restored && moment == QUIET && state == Some("held"));
                return (!ended).then(|| format!("differs: leg {id} is aborted at node {number}"));
            }
            "aborted" => Some("refused"),
            "sold" => Some("agreed"),
            // The other side need not have kept what never bound it.
            "refused" | "lapsed" => return None,
            // It ends by itself, or at the operator's word; of doubt the auditor judges.
            "held" | "closed" | "requested" | "asked" | "offered" | "doubt" if moment == QUIET => {
                return None;
            }
            open => return Some(format!("open: deal {id} is {open} at node {number}")),
        };
        let state = theirs.map(|theirs| theirs.state);
        // It ends so either way: a provider that lost its Refusal signs another, as does one that lost
        // that a leg armed, and each side keeps what it met first. The auditor knows what was lost.
        let provider = if deal.provides {
            &self.nodes[number]
        } else {
            other
        };
        let may_differ = expected == Some("refused") || self.legs.contains(&id);
        let same = theirs.is_some_and(|theirs| theirs.decision == deal.decision)
            || (provider.was_restored && may_differ);
        (state != expected || !same).then(|| {
            let state = state.unwrap_or("unknown");
            let own = deal.state;
            format!("differs: deal {id} is {own} at node {number} and {state} at its partner")
        })
    }

    fn compare_account(
        &self,
        number: usize,
        account: &StoredAccount,
        moment: u8,
    ) -> Option<String> {
        let own = self.nodes[number].partner?;
        let other = self.partner(account.partner)?;
        if (account.held != 0 || account.doubt != 0) && moment != QUIET {
            let (held, doubt) = (account.held, account.doubt);
            return Some(format!(
                "open: node {number} has {held} held, {doubt} in doubt"
            ));
        }
        let (_, theirs, _) = other.stored.get(&moment)?;
        let mirrored = theirs
            .iter()
            .find(|one| one.partner == *own.as_bytes() && one.currency == account.currency);
        let owes = mirrored.map_or(0, |mirrored| mirrored.receivable);
        (owes != account.payable).then(|| {
            let payable = account.payable;
            format!("money: node {number} owes {payable}, its partner says {owes}")
        })
    }
}

/// Runs a plan under the eyes of [`Watch`] and of the auditor, shows it to `show` too, and says what
/// is wrong, with what kind of wrong it is before the colon.
pub fn judge(
    plan: &Plan,
    planted: Option<Planted>,
    show: &mut dyn FnMut(&Observation),
) -> (Watch, u64) {
    let mut watch = Watch::default();
    let mut auditor = Auditor::default();
    let ran = catch_unwind(AssertUnwindSafe(|| {
        run(plan, planted, &mut |what| {
            watch.see(what);
            auditor.see(what);
            show(what);
        })
    }));
    (watch.bundles, watch.chains) = (auditor.bundles(), auditor.chains());
    watch.audited = auditor.end();
    let audited = watch.audited.iter().map(ToString::to_string);
    watch.complaints.extend(audited);
    match ran {
        Ok(tally) => {
            watch.complaints.extend(tally.complaints);
            watch.met = tally.met;
            (watch, tally.steps)
        }
        Err(panic) => {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            let said = said.unwrap_or_else(|| "without a word".to_owned());
            watch.complaints.push(format!("panic: {said}"));
            (watch, 0)
        }
    }
}

/// Folds all entries of each node again and compares with what is stored (I15).
pub(super) fn folds(world: &World<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    for (node, site) in world.sites.iter().enumerate() {
        let store = &site.disk.store;
        let config = Config {
            network: network(),
            partner: site.own.partner,
            key_index: 0,
            policy: Policy::default(),
        };
        let mut folded = Store::default();
        let mut machine = Machine::load(config, &folded);
        for key in store.0.keys() {
            if let Key::Entry { epoch, sequence } = *key {
                let entry = entry(store, epoch, sequence);
                let writes = machine.apply(&entry, &folded);
                folded.write(writes);
            }
        }
        let (stored, folded) = (store.projections(), folded.projections());
        let keys = stored.keys().chain(folded.keys());
        let other = keys.filter(|key| stored.get(key) != folded.get(key)).min();
        if let Some(key) = other {
            complaints.push(format!(
                "fold: node {node} stores something else at {key:?}"
            ));
        }
    }
    complaints
}

fn entry(store: &Store, epoch: u32, sequence: u64) -> Entry {
    let header = store.read(&Key::Entry { epoch, sequence }).expect("listed");
    let header = EntryHeader::from_bytes(&header).expect("a header");
    let body = store.read(&Key::Body { epoch, sequence }).expect("a body");
    let body = EntryBody::from_bytes(header.kind, &body).expect("a body");
    let own = matches!(body.payload, Payload::Signed(_));
    let records = body.payload.records().iter().map(|id| Carried {
        bytes: store
            .read(&Key::Record { id: *id })
            .expect("a record")
            .into_boxed_slice(),
        proof: store
            .read(&Key::Proof { record: *id })
            .filter(|_| !own)
            .map(Vec::into_boxed_slice),
    });
    let records = records.collect();
    Entry {
        header,
        body,
        records,
    }
}
