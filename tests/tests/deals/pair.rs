//! Two production machines over a network that loses, repeats and reorders letters, with restarts
//! and operators who do as they please. Each run is made by one seed, which a failure names.

use std::collections::{BTreeMap, BTreeSet};

use omni_protocol::{
    deal::{
        Deal, Side, State,
        credit::{Account, Posting},
        order::{Order, cancellation_fee},
        stock::Stock,
    },
    frame::{Greeting, Lives, Notice},
    hash::{DealId, PartnerId, RecordId, ThreadId},
    ledger::{Payload, verify},
    machine::{
        Approval, Binding, Grant, Input, Key, Message, Policy, Proposing, Received, Requesting,
        Standing, Step, Strangers, Verb,
    },
    record::Signed,
    thread::{Change, ChangeWhat, Happening, Role, Terms, ThreadBody},
    value::{Currency, Minor, Money, Prose, Text},
};
use omni_tests::market::{Node, article, cancellation, network, withdrawable};

const SEEDS: u64 = 60;
const STEPS: usize = 220;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// Numbers that look random and are the same for one seed (xorshift, Marsaglia 2003).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % limit
    }

    fn one_in(&mut self, parts: usize) -> bool {
        self.below(parts) == 0
    }
}

/// A letter, a word about one, or nothing of the kind.
#[derive(Clone)]
enum Mail {
    Letter(Lives, Vec<Received>, Vec<Received>),
    Stored(RecordId),
    Notice(Notice),
}

struct Pair {
    nodes: [Node; 2],
    /// On their way to the node of that index.
    mail: Vec<(usize, Mail)>,
    connected: bool,
    chance: Chance,
    /// The state of each deal at each node, as last seen.
    seen: [BTreeMap<DealId, State>; 2],
    seed: u64,
}

fn policy(number: usize) -> Policy {
    Policy {
        requests: if number == 0 {
            Approval::Given
        } else {
            Approval::Asked
        },
        proposals: if number == 0 {
            Approval::Asked
        } else {
            Approval::Given
        },
        hold_minutes: 15,
        strangers: Strangers::HoldNothing,
        ..Policy::default()
    }
}

fn euro() -> Currency {
    "EUR".parse().unwrap()
}

impl Pair {
    fn new(seed: u64) -> Self {
        let mut nodes = [Node::started(1, policy(0)), Node::started(2, policy(1))];
        article(&mut nodes[0], "A", 1000, 9);
        article(&mut nodes[1], "B", 700, 9);
        for one in 0..2 {
            let partner = nodes[1 - one].partner();
            let limit = Money {
                minor: Minor::new(9_000).unwrap(),
                currency: euro(),
            };
            let standing = Standing::Partner;
            for grant in [
                Grant::Standing { partner, standing },
                Grant::Credit { partner, limit },
                Grant::Budget { partner, limit },
            ] {
                nodes[one].must(Input::Grant(grant));
            }
        }
        let chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let seen = [BTreeMap::new(), BTreeMap::new()];
        Self {
            nodes,
            mail: Vec::new(),
            connected: false,
            chance,
            seen,
            seed,
        }
    }

    fn put(&mut self, at: usize, input: Input) -> Step {
        let step = self.nodes[at].put(input);
        self.post(at, &step);
        self.watch(at);
        step
    }

    /// Puts what a step sends on its way; greetings arrive at once and in order.
    fn post(&mut self, at: usize, step: &Step) {
        let mut greetings: Vec<Greeting> = Vec::new();
        for outgoing in step.replies.iter().chain(&step.sends) {
            match &outgoing.message {
                Message::Letter { records, attached } => {
                    let [one, other] = &self.nodes;
                    let authors = [&one.identity, &other.identity];
                    let load = |ids: &[RecordId]| -> Vec<Received> {
                        let node = &self.nodes[at];
                        ids.iter()
                            .filter_map(|id| node.received(*id, &authors))
                            .collect()
                    };
                    let partner = self.nodes[1 - at].partner();
                    // Who was never met is asked at its first greeting.
                    let lives = self.nodes[at].machine.lives(partner);
                    let letter =
                        lives.map(|lives| Mail::Letter(lives, load(records), load(attached)));
                    self.mail.extend(letter.map(|letter| (1 - at, letter)));
                }
                Message::Stored(id) => self.mail.push((1 - at, Mail::Stored(*id))),
                Message::Notice(notice) => self.mail.push((1 - at, Mail::Notice(*notice))),
                Message::Greeting(greeting) => greetings.push((**greeting).clone()),
                Message::WhatIs { .. } => {}
            }
        }
        for greeting in greetings {
            if self.connected {
                self.put(1 - at, Input::Greeting(Box::new(greeting)));
            }
        }
    }

    fn connect(&mut self) {
        if self.connected {
            return;
        }
        self.connected = true;
        let partners = [self.nodes[1].partner(), self.nodes[0].partner()];
        // Both sides see the session before either greeting arrives.
        let first = self.nodes[0].put(Input::Met(partners[0]));
        let second = self.nodes[1].put(Input::Met(partners[1]));
        self.post(0, &first);
        self.post(1, &second);
    }

    fn disconnect(&mut self) {
        if !self.connected {
            return;
        }
        self.connected = false;
        for at in 0..2 {
            let partner = self.nodes[1 - at].partner();
            self.put(at, Input::Gone(partner));
        }
    }

    fn restart(&mut self, at: usize) {
        self.disconnect();
        self.nodes[at].restart(policy(at));
    }

    fn deliver(&mut self, index: usize, times: usize) {
        let (to, mail) = self.mail.swap_remove(index);
        let from = self.nodes[1 - to].partner();
        for _ in 0..times {
            let input = match mail.clone() {
                Mail::Letter(lives, records, attached) => Input::Letter {
                    from,
                    lives,
                    records,
                    attached,
                },
                Mail::Stored(record) => Input::Stored { from, record },
                Mail::Notice(notice) => Input::Notice(notice),
            };
            self.put(to, input);
        }
    }

    /// I8 and I10, after each step.
    fn watch(&mut self, at: usize) {
        for (deal, state) in states(&self.nodes[at]) {
            let before = self.seen[at].insert(deal, state);
            if before == Some(State::Doubt) {
                assert!(
                    matches!(
                        state,
                        State::Doubt | State::Written | State::Agreed | State::Aborted
                    ),
                    "I10: from doubt to {state} in seed {}",
                    self.seed
                );
            }
            if before.is_some_and(State::is_over) {
                assert_eq!(
                    before,
                    Some(state),
                    "a decision is final, seed {}",
                    self.seed
                );
            }
        }
        for (key, value) in &self.nodes[at].store.0 {
            if let Key::Stock { .. } = key {
                let stock: Stock = omni_protocol::fence::decode(value, 1000).unwrap();
                assert_eq!(stock.short(), 0, "I8 in seed {}: {stock:?}", self.seed);
            }
        }
    }

    fn step(&mut self) {
        let at = self.chance.below(2);
        match self.chance.below(20) {
            0..=8 if !self.mail.is_empty() => {
                let index = self.chance.below(self.mail.len());
                match self.chance.below(10) {
                    0 => {
                        self.mail.swap_remove(index);
                    }
                    1 => self.deliver(index, 2),
                    2 => {
                        let again = self.mail[index].clone();
                        self.deliver(index, 1);
                        self.mail.push(again);
                    }
                    _ => self.deliver(index, 1),
                }
            }
            0..=10 => {
                let ms = [500, 2_000, 70_000, 16 * MINUTE_MS][self.chance.below(4)];
                self.nodes[0].ms += ms;
                self.nodes[1].ms += ms + self.chance.below(50) as u64;
            }
            11 | 12 => {
                self.put(at, Input::Pulse);
            }
            13 => self.connect(),
            14 if self.chance.one_in(3) => self.disconnect(),
            15 if self.chance.one_in(3) => self.restart(at),
            _ => self.operate(at),
        }
    }

    /// The operator of a node does something.
    fn operate(&mut self, at: usize) {
        let partner = self.nodes[1 - at].partner();
        let threads = threads(&self.nodes[at]);
        let deals: Vec<DealId> = states(&self.nodes[at]).into_keys().collect();
        let some_thread =
            (!threads.is_empty()).then(|| threads[self.chance.below(threads.len().max(1))]);
        let some_deal = (!deals.is_empty()).then(|| deals[self.chance.below(deals.len().max(1))]);
        let verb = match (self.chance.below(12), some_thread, some_deal) {
            (0 | 1, thread, _) => {
                let thread = if self.chance.one_in(2) { thread } else { None };
                Some(self.request(at, partner, thread))
            }
            (2..=4, thread, _) => {
                let thread = if self.chance.one_in(3) { None } else { thread };
                Some(self.propose(at, partner, thread))
            }
            (5..=7, Some(thread), _) => Some(Verb::Accept {
                thread,
                alternative: 0,
            }),
            (8, Some(thread), _) => Some(Verb::Reject { thread }),
            (9, _, Some(deal)) => Some(Verb::Cancel { deal }),
            (10, _, Some(deal)) if self.chance.one_in(2) => Some(Verb::WriteOff { deal }),
            (10, Some(thread), _) => Some(Verb::Withdraw { thread }),
            (11, _, Some(deal)) => self.about_order(at, partner, deal),
            _ => None,
        };
        if let Some(verb) = verb {
            self.put(at, Input::Verb(Box::new(verb)));
        }
    }

    fn terms(&mut self, provider: usize) -> Terms {
        let (sku, price) = [("A", 1000), ("B", 700)][provider];
        let price = price - [0, 0, 100][self.chance.below(3)];
        let steps = 1 + self.chance.below(4) as u64;
        withdrawable(sku, price, steps, 1_000)
    }

    fn request(&mut self, at: usize, partner: PartnerId, thread: Option<ThreadId>) -> Verb {
        Verb::Request(Requesting {
            partner,
            thread,
            proposal: None,
            valid_until: self.nodes[at].now().plus_ms(30 * MINUTE_MS),
            terms: self.terms(1 - at),
            commit: if self.chance.one_in(2) {
                Approval::Given
            } else {
                Approval::Asked
            },
        })
    }

    fn propose(&mut self, at: usize, partner: PartnerId, thread: Option<ThreadId>) -> Verb {
        let role = if self.chance.one_in(2) {
            Role::Requester
        } else {
            Role::Provider
        };
        let provider = if role == Role::Provider { at } else { 1 - at };
        let mut alternatives = vec![self.terms(provider)];
        if self.chance.one_in(3) {
            alternatives.push(self.terms(provider));
        }
        Verb::Propose(Proposing {
            partner,
            thread,
            role,
            binding: if self.chance.one_in(2) {
                Binding::Firm
            } else {
                Binding::Open
            },
            valid_until: self.nodes[at].now().plus_ms(25 * MINUTE_MS),
            alternatives,
        })
    }

    /// An event of an order, or its cancellation.
    fn about_order(&mut self, at: usize, partner: PartnerId, deal: DealId) -> Option<Verb> {
        let store = &self.nodes[at].store;
        let order = Order::read(store, deal)?;
        if order.side == Side::Provider {
            return Some(Verb::Happen {
                order: deal,
                what: [Happening::Packed, Happening::Completed][self.chance.below(2)],
                occurred: self.nodes[at].now(),
                lines: Vec::new(),
                reference: Text::default(),
                note: Prose::default(),
            });
        }
        let agreed = Deal::read(store, deal)?.terms(store, &network(), deal)?;
        let item = agreed.lines()[0].item();
        let what = ChangeWhat::Cancel;
        let on = Change {
            order: deal,
            version: order.version,
            what,
        };
        let article = (item.sku.as_str(), item.price.minor().get(), 1);
        let free = cancellation(article, 0, on);
        let now = self.nodes[at].now();
        let fee = cancellation_fee(store, &network(), deal, &free, now).map_or(0, Minor::get);
        Some(Verb::Propose(Proposing {
            partner,
            thread: None,
            role: Role::Requester,
            binding: Binding::Firm,
            valid_until: now.plus_ms(25 * MINUTE_MS),
            alternatives: vec![cancellation(article, fee, on)],
        }))
    }

    /// The network works again, and everybody waits until nothing is open.
    fn heal(&mut self) {
        for hour in 0..40 {
            self.connect();
            for at in 0..2 {
                self.nodes[at].ms += HOUR_MS;
                self.put(at, Input::Pulse);
                // What is kept and not committed is given back.
                for (deal, state) in states(&self.nodes[at]) {
                    if state == State::Kept {
                        self.put(at, Input::Verb(Box::new(Verb::Cancel { deal })));
                    }
                }
            }
            for _ in 0..2_000 {
                if self.mail.is_empty() {
                    break;
                }
                let last = self.mail.len() - 1;
                self.mail.swap(0, last);
                self.deliver(last, 1);
            }
            assert!(
                self.mail.is_empty(),
                "two nodes drive each other, seed {} hour {hour}",
                self.seed
            );
        }
    }
}

fn states(node: &Node) -> BTreeMap<DealId, State> {
    node.store
        .0
        .keys()
        .filter_map(|key| match key {
            Key::Deal { deal } => Some((*deal, Deal::read(&node.store, *deal)?.state)),
            _ => None,
        })
        .collect()
}

fn threads(node: &Node) -> Vec<ThreadId> {
    node.store
        .0
        .keys()
        .filter_map(|key| match key {
            Key::Thread { thread } => Some(*thread),
            _ => None,
        })
        .collect()
}

/// I6, I7, I9 and I11, from what a node signed.
fn check_signed(node: &Node, seed: u64) {
    let mut decided: BTreeMap<DealId, RecordId> = BTreeMap::new();
    let mut bound: BTreeMap<DealId, &str> = BTreeMap::new();
    let mut closed: BTreeSet<DealId> = BTreeSet::new();
    for entry in &node.entries {
        if let Payload::Closed(deal) = entry.body.payload {
            closed.insert(deal);
        }
        if !matches!(entry.body.payload, Payload::Signed(_)) {
            continue;
        }
        for carried in &entry.records {
            let Ok(record) = Signed::<ThreadBody>::read(&network(), &*carried.bytes) else {
                continue;
            };
            let id = record.id();
            let deal = match record.body() {
                ThreadBody::Receipt(receipt) => {
                    assert!(!closed.contains(&receipt.deal), "I9 in seed {seed}");
                    receipt.deal
                }
                ThreadBody::Refusal(refusal) => refusal.deal,
                ThreadBody::Commit(commit) => {
                    assert_eq!(
                        bound.insert(commit.deal, "Commit"),
                        None,
                        "I11 in seed {seed}"
                    );
                    continue;
                }
                ThreadBody::Release(release) => {
                    assert_eq!(
                        bound.insert(release.deal, "Release"),
                        None,
                        "I11 in seed {seed}"
                    );
                    continue;
                }
                _ => continue,
            };
            assert_eq!(decided.insert(deal, id), None, "I6 and I7 in seed {seed}");
        }
    }
}

/// I12 and I13, once nothing is open.
fn check_agreement(pair: &Pair) {
    let seed = pair.seed;
    for node in &pair.nodes {
        let asking = node
            .store
            .0
            .keys()
            .find(|key| matches!(key, Key::Outbox { .. }));
        assert_eq!(asking, None, "each question has its answer, seed {seed}");
    }
    let mut decided = 0;
    for at in 0..2 {
        let (own, other) = (&pair.nodes[at], &pair.nodes[1 - at]);
        let theirs = states(other);
        for (deal, state) in states(own) {
            let expected = match state {
                State::Agreed => Some(State::Sold),
                State::Aborted => Some(State::Refused),
                State::Sold => Some(State::Agreed),
                // A requester may have forgotten nothing, but need not know of a deal that its
                // Release or firm proposal never opened here.
                State::Refused => continue,
                open => panic!("I12: {deal:?} is {open} at {at} in seed {seed}"),
            };
            assert_eq!(
                theirs.get(&deal).copied(),
                expected,
                "I12: {state} at {at}, seed {seed}"
            );
            decided += 1;
            let (ours, mirrored) = (
                Posting::read(&own.store, deal),
                Posting::read(&other.store, deal),
            );
            let amount = |posting: &Option<Posting>| {
                posting.as_ref().map(|posting| {
                    let sum: i64 = posting.lines.iter().map(|line| line.amount.get()).sum();
                    assert_eq!(sum, 0, "I13: postings sum to zero, seed {seed}");
                    posting.lines[0].amount
                })
            };
            assert_eq!(amount(&ours), amount(&mirrored), "I13 in seed {seed}");
        }
        let mine = Account::read(&own.store, other.partner(), euro());
        let their = Account::read(&other.store, own.partner(), euro());
        assert_eq!(mine.payable, their.receivable, "I13 in seed {seed}");
        assert_eq!(
            (mine.doubt, mine.held),
            (Minor::ZERO, Minor::ZERO),
            "nothing is reserved, seed {seed}"
        );
    }
    for (sku, at) in [("A", 0), ("B", 1)] {
        let subject = omni_protocol::slot::subject(&sku.parse().unwrap(), &Text::default());
        assert_eq!(
            Stock::read(&pair.nodes[at].store, subject).held,
            0,
            "seed {seed}"
        );
    }
    DECIDED.fetch_add(decided, std::sync::atomic::Ordering::Relaxed);
}

static DECIDED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

/// I15 and the whole check of a ledger.
fn check_ledger(pair: &mut Pair, at: usize) {
    pair.nodes[at].sign_checkpoint();
    let [one, other] = &pair.nodes;
    let keys = [one.identity.clone(), other.identity.clone()];
    let node = &pair.nodes[at];
    let key_of = |partner, index| {
        keys.iter()
            .find(|known| known.partner == partner && index == 0)
            .map(|known| known.key.clone())
    };
    let found = verify(&node.config(), &node.store, &key_of).unwrap();
    assert_eq!(found.entries, node.entries.len() as u64);
    assert_eq!(found.unchecked, 0);
    assert_eq!(found.head, *node.machine.head());
}

#[test]
fn two_nodes_end_with_the_same_decisions() {
    for seed in 1..=SEEDS {
        let mut pair = Pair::new(seed);
        pair.connect();
        for _ in 0..STEPS {
            pair.step();
        }
        pair.heal();
        for at in 0..2 {
            check_signed(&pair.nodes[at], seed);
        }
        check_agreement(&pair);
        for at in 0..2 {
            check_ledger(&mut pair, at);
        }
    }
    let decided = DECIDED.load(std::sync::atomic::Ordering::Relaxed);
    assert!(
        decided > 100,
        "only {decided} decisions: the runs try too little"
    );
}
