//! What must hold of machines: of each alone whatever partners do, and between two of them once
//! nothing is open. It names the invariants of SPEC.md section 19.

use std::collections::{BTreeMap, BTreeSet};

use omni_protocol::{
    deal::{
        Deal, State,
        credit::{Account, Posting},
        stock::Stock,
    },
    fence,
    hash::{DealId, RecordId},
    ledger::Payload,
    machine::{Key, Machine},
    record::{Envelope, Kind, Signed},
    slot::subject,
    thread::ThreadBody,
    value::{Minor, Text},
};

use super::{Machines, Node, Store, euro, network, sold_by};

impl Machines<'_> {
    /// I8 and I10, and that a decision is final, after each step.
    pub(super) fn watch(&mut self, at: usize) {
        for (deal, state) in states(&self.nodes[at]) {
            let before = self.seen[at].insert(deal, state);
            if before == Some(State::Doubt) {
                assert!(
                    matches!(
                        state,
                        State::Doubt | State::Written | State::Agreed | State::Aborted
                    ),
                    "I10: {at} goes from doubt to {state}"
                );
            }
            if let Some(before) = before.filter(|before| before.is_over()) {
                assert_eq!(before, state, "the decision of a deal changes at {at}");
            }
        }
        // What partners show a node that fell back may be more than it counted.
        if self.has_fallen_back() {
            return;
        }
        for (key, value) in &self.nodes[at].store.0 {
            if let Key::Stock { .. } = key {
                let stock: Stock = fence::decode(value, 1_000).unwrap();
                assert_eq!(stock.short(), 0, "I8: {at} has {stock:?}");
            }
        }
    }

    fn has_fallen_back(&self) -> bool {
        self.is_troubled && self.trouble == super::Trouble::OldCopies
    }
}

/// Judges machines of which nothing is open, and counts the decisions that both sides hold.
pub(super) fn judge(machines: &Machines<'_>) -> usize {
    for (at, node) in machines.nodes.iter().enumerate() {
        check_signed(at, node, machines.is_troubled);
        check_fold(at, node);
    }
    if machines.is_troubled {
        return 0;
    }
    (0..machines.nodes.len())
        .map(|at| check_agreement(machines, at))
        .sum()
}

/// The deals of a node.
pub(super) fn states(node: &Node) -> BTreeMap<DealId, State> {
    let deals = node.store.0.iter().filter_map(|(key, value)| match key {
        Key::Deal { deal } => Some((*deal, fence::decode::<Deal>(value, 65_536).unwrap().state)),
        _ => None,
    });
    deals.collect()
}

/// I6, I7, I9, I11 and I17, from what a node signed.
fn check_signed(at: usize, node: &Node, is_troubled: bool) {
    let mut decided: BTreeMap<DealId, RecordId> = BTreeMap::new();
    let mut bound: BTreeMap<DealId, RecordId> = BTreeMap::new();
    let mut closed: BTreeSet<DealId> = BTreeSet::new();
    for entry in &node.entries {
        if let Payload::Closed(deal) = entry.body.payload {
            closed.insert(deal);
        }
        if !matches!(entry.body.payload, Payload::Signed(_)) {
            continue;
        }
        for carried in &entry.records {
            let envelope = Envelope::read(&network(), &*carried.bytes).unwrap();
            let accuses = envelope.kind() == Some(Kind::Evidence);
            assert!(is_troubled || !accuses, "I17: {at} accuses a partner");
            let Ok(record) = Signed::<ThreadBody>::read(&network(), &*carried.bytes) else {
                continue;
            };
            let (slot, deal) = match record.body() {
                ThreadBody::Receipt(receipt) => {
                    assert!(!closed.contains(&receipt.deal), "I9: sold by {at}");
                    (&mut decided, receipt.deal)
                }
                ThreadBody::Refusal(refusal) => (&mut decided, refusal.deal),
                ThreadBody::Commit(commit) => (&mut bound, commit.deal),
                ThreadBody::Release(release) => (&mut bound, release.deal),
                _ => continue,
            };
            let before = slot.insert(deal, record.id());
            assert_eq!(before, None, "I6, I7, I11: {at} signs twice for {deal}");
        }
    }
}

/// I15.
fn check_fold(at: usize, node: &Node) {
    let mut folded = Store::default();
    let mut machine = Machine::load(node.config(), &folded);
    for entry in &node.entries {
        let writes = machine.apply(entry, &folded);
        folded.write(writes);
    }
    let (stored, folded) = (node.store.projections(), folded.projections());
    let keys = stored.keys().chain(folded.keys());
    let other = keys.filter(|key| stored.get(key) != folded.get(key)).min();
    assert_eq!(other, None, "I15: {at} keeps something else");
}

/// I12 and I13 of all deals of a node.
fn check_agreement(machines: &Machines<'_>, at: usize) -> usize {
    let own = &machines.nodes[at];
    for key in own.store.0.keys() {
        let asks = matches!(key, Key::Outbox { .. });
        assert!(!asks, "a question of {at} has no answer");
    }
    let mut decided = 0;
    for (deal, state) in states(own) {
        let partner = Deal::read(&own.store, deal).unwrap().partner;
        let other = &machines.nodes[machines.node_of(partner)];
        let theirs = Deal::read(&other.store, deal).map(|deal| deal.state);
        let expected = match state {
            State::Agreed => State::Sold,
            State::Aborted => State::Refused,
            State::Sold => State::Agreed,
            // The requester need not know of a deal that its Release or firm proposal never
            // opened there.
            State::Refused => continue,
            open => panic!("I12: {deal} is {open} at {at}"),
        };
        assert_eq!(theirs, Some(expected), "I12: {deal} is {state} at {at}");
        decided += 1;
        let amount = |node: &Node| {
            let posting = Posting::read(&node.store, deal)?;
            let sum: i64 = posting.lines.iter().map(|line| line.amount.get()).sum();
            assert_eq!(sum, 0, "I13: postings sum to zero");
            Some(posting.lines[0].amount)
        };
        assert_eq!(amount(own), amount(other), "I13: {deal}");
    }
    for other in machines
        .nodes
        .iter()
        .filter(|other| !std::ptr::eq(*other, own))
    {
        let mine = Account::read(&own.store, other.partner(), euro());
        let their = Account::read(&other.store, own.partner(), euro());
        assert_eq!(mine.payable, their.receivable, "I13: what {at} owes");
        let open = (mine.doubt, mine.held);
        assert_eq!(open, (Minor::ZERO, Minor::ZERO), "{at} reserves money");
    }
    let subject = subject(&sold_by(at).0.parse().unwrap(), &Text::default());
    let held = Stock::read(&own.store, subject).held;
    assert_eq!(held, 0, "{at} holds stock");
    decided
}
