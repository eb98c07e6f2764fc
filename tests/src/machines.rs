//! Two or three production machines that bytes drive: each byte is one choice among what may befall
//! them, so a fuzzer changes a run where it changes a byte, and tests draw the bytes. It keeps out
//! disks, frames and everything else of a runtime; `sim` has those.

mod hostile;
mod judge;
mod operate;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    thread,
};

use omni_protocol::{
    deal::State,
    frame::{Greeting, Head, Notice},
    hash::{DealId, PartnerId, RecordId},
    machine::{Approval, Input, Key, Message, Outgoing, Policy, Received, Strangers},
    value::{Currency, Minor, Money},
};

use super::market::{
    Identity, Node, Store, article, cancellation, network, signed, verified, withdrawable,
};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
/// Messages on their way; beyond that the oldest are lost.
const MAIL_MAX: usize = 48;
/// Greetings that may come once more.
const GREETINGS_MAX: usize = 8;
/// More greetings than this answer each other never.
const ANSWERS_MAX: usize = 64;
/// More messages than this follow from one hour never.
const HOURLY_MAX: usize = 2_000;
/// Hours after which nothing is open any more.
const HOURS_MAX: usize = 40;

/// What a run may meet beside what networks, clocks, crashes and operators do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// Old copies of what a node keeps are put back.
    OldCopies,
    /// Partners sign what no honest machine would.
    Hostile,
    /// A node that ends has lost its latest step, though it was sent: a planted bug, which no bytes
    /// choose.
    Unsynced,
}

/// What a run came to, once nothing was open any more.
pub struct Played {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Decisions that both sides hold.
    pub decided: usize,
    /// Whether any trouble came.
    pub is_troubled: bool,
}

/// Lets happen what the bytes choose, then lets all heal, and judges.
///
/// # Panics
/// When a machine does, or where one of the invariants of SPEC.md does not hold; then it tells the
/// run step by step.
#[must_use]
pub fn play(bytes: &[u8]) -> Played {
    let mut choices = Choices(bytes);
    let troubles = [Trouble::None, Trouble::OldCopies, Trouble::Hostile];
    let trouble = troubles[choices.below(troubles.len())];
    play_in(trouble, choices.0)
}

/// As [`play`], with this trouble.
///
/// # Panics
/// As [`play`] does.
#[must_use]
pub fn play_in(trouble: Trouble, bytes: &[u8]) -> Played {
    let mut choices = Choices(bytes);
    let count = 2 + choices.below(2);
    let policies = (0..count).map(|_| policy(&mut choices)).collect();
    let mut machines = Machines::new(policies, trouble, choices);
    while !machines.choices.0.is_empty() {
        machines.step();
    }
    machines.heal();
    let decided = judge::judge(&machines);
    Played {
        nodes: std::mem::take(&mut machines.nodes),
        decided,
        is_troubled: machines.is_troubled,
    }
}

/// What is chosen next, a byte each; where they end, the first of what may be.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit.max(1)
    }

    fn one_in(&mut self, parts: usize) -> bool {
        self.below(parts) == 0
    }
}

/// A message on its way.
#[derive(Clone, Debug)]
struct Mail {
    from: usize,
    to: usize,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Letter(Vec<Received>, Vec<Received>),
    Ask(Vec<Received>),
    Stored(RecordId, Head),
    Notice(Notice),
    Greeting(Greeting),
}

struct Machines<'a> {
    nodes: Vec<Node>,
    policies: Vec<Policy>,
    /// Copies of nodes, made earlier.
    copies: Vec<Option<Node>>,
    mail: Vec<Mail>,
    /// Greetings that were heard.
    greetings: VecDeque<Mail>,
    /// Pairs with a session, the lower number first.
    sessions: BTreeSet<(usize, usize)>,
    choices: Choices<'a>,
    trouble: Trouble,
    is_troubled: bool,
    /// All records that were ever sent, verified.
    records: BTreeMap<RecordId, Received>,
    /// The state of each deal at each node, as last seen.
    seen: Vec<BTreeMap<DealId, State>>,
    /// What happened, for whoever wants to see a failure.
    told: Vec<String>,
}

impl Drop for Machines<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            for line in &self.told {
                println!("{line}");
            }
        }
    }
}

fn policy(choices: &mut Choices<'_>) -> Policy {
    let mut approval = || [Approval::Given, Approval::Asked][choices.below(2)];
    Policy {
        requests: approval(),
        proposals: approval(),
        hold_minutes: 15,
        strangers: Strangers::HoldNothing,
        ..Policy::default()
    }
}

fn euro() -> Currency {
    "EUR".parse().unwrap()
}

/// The article that a node sells, and its price.
fn sold_by(node: usize) -> (&'static str, i64) {
    [("A", 1_000), ("B", 700), ("C", 1_300)][node]
}

impl<'a> Machines<'a> {
    fn new(policies: Vec<Policy>, trouble: Trouble, choices: Choices<'a>) -> Self {
        let started = |(at, policy): (usize, &Policy)| {
            let mut node = Node::started(u8::try_from(at + 1).unwrap(), policy.clone());
            let (sku, price) = sold_by(at);
            article(&mut node, sku, price, 9);
            node
        };
        let mut nodes: Vec<Node> = policies.iter().enumerate().map(started).collect();
        let partners: Vec<PartnerId> = nodes.iter().map(Node::partner).collect();
        for node in &mut nodes {
            let own = node.partner();
            for partner in partners.iter().filter(|other| **other != own) {
                grant_all(node, *partner);
            }
        }
        let count = nodes.len();
        let mut machines = Self {
            nodes,
            policies,
            copies: vec![None; count],
            mail: Vec::new(),
            greetings: VecDeque::new(),
            sessions: BTreeSet::new(),
            choices,
            trouble,
            is_troubled: false,
            records: BTreeMap::new(),
            seen: vec![BTreeMap::new(); count],
            told: Vec::new(),
        };
        for pair in machines.pairs() {
            machines.connect(pair);
        }
        machines
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let all = 0..self.nodes.len();
        all.clone()
            .flat_map(|one| all.clone().map(move |other| (one, other)))
            .filter(|(one, other)| one < other)
            .collect()
    }

    fn node_of(&self, partner: PartnerId) -> usize {
        let mut nodes = self.nodes.iter();
        nodes.position(|node| node.partner() == partner).unwrap()
    }

    fn has_session(&self, one: usize, other: usize) -> bool {
        self.sessions.contains(&(one.min(other), one.max(other)))
    }

    fn tell(&mut self, line: String) {
        self.told.push(line);
    }

    fn put(&mut self, at: usize, input: Input) {
        self.put_all([(at, input)]);
    }

    /// Puts inputs to machines in their order, and what these send on its way; greetings arrive
    /// after the inputs and at once.
    fn put_all<const COUNT: usize>(&mut self, inputs: [(usize, Input); COUNT]) {
        let mut inputs = VecDeque::from(inputs);
        let mut count = 0;
        while let Some((at, input)) = inputs.pop_front() {
            count += 1;
            assert!(count < ANSWERS_MAX, "two nodes greet each other for ever");
            if self.trouble == Trouble::Unsynced {
                self.copies[at] = Some(self.nodes[at].clone());
            }
            let step = self.nodes[at].put(input);
            let signed = signed(&step).join(", ");
            self.tell(format!("    {at}: {:?} {signed}", step.verdict));
            self.watch(at);
            for outgoing in step.replies.into_iter().chain(step.sends) {
                let mail = self.mail_of(at, outgoing);
                let What::Greeting(greeting) = &mail.what else {
                    self.post(mail);
                    continue;
                };
                if self.has_session(at, mail.to) {
                    inputs.push_back((mail.to, Input::Greeting(Box::new(greeting.clone()))));
                    self.greetings.push_back(mail);
                    if self.greetings.len() > GREETINGS_MAX {
                        self.greetings.pop_front();
                    }
                }
            }
        }
    }

    fn post(&mut self, mail: Mail) {
        if self.mail.len() == MAIL_MAX {
            self.mail.remove(0);
        }
        self.mail.push(mail);
    }

    fn mail_of(&mut self, from: usize, outgoing: Outgoing) -> Mail {
        let mut load = |ids: Vec<RecordId>| -> Vec<Received> {
            ids.into_iter()
                .filter_map(|id| self.received(from, id))
                .collect()
        };
        let what = match outgoing.message {
            Message::Letter { records, attached } => What::Letter(load(records), load(attached)),
            Message::WhatIs { records, .. } => What::Ask(load(records)),
            Message::Stored { record, head } => What::Stored(record, head),
            Message::Notice(notice) => What::Notice(notice),
            Message::Greeting(greeting) => What::Greeting(*greeting),
        };
        let to = self.node_of(outgoing.to);
        Mail { from, to, what }
    }

    /// A record that a node keeps, as others get it; its proof is checked once.
    fn received(&mut self, at: usize, id: RecordId) -> Option<Received> {
        if let Some(known) = self.records.get(&id) {
            return Some(known.clone());
        }
        let authors: Vec<&Identity> = self.nodes.iter().map(|node| &node.identity).collect();
        let received = self.nodes[at].received(id, &authors)?;
        self.records.insert(id, received.clone());
        Some(received)
    }

    fn connect(&mut self, (one, other): (usize, usize)) {
        if self.sessions.insert((one, other)) {
            self.tell(format!("{one} and {other} meet"));
            let met = |at: usize, with: usize| (at, Input::Met(self.nodes[with].partner()));
            self.put_all([met(one, other), met(other, one)]);
        }
    }

    fn disconnect(&mut self, (one, other): (usize, usize)) {
        if !self.sessions.remove(&(one, other)) {
            return;
        }
        self.tell(format!("{one} and {other} part"));
        for (at, with) in [(one, other), (other, one)] {
            let partner = self.nodes[with].partner();
            self.put(at, Input::Gone(partner));
        }
    }

    /// Ends the process of a node and begins another over what was kept, or over an old copy.
    fn restart(&mut self, at: usize, copy: Option<Node>) {
        for pair in self.pairs() {
            if pair.0 == at || pair.1 == at {
                self.disconnect(pair);
            }
        }
        self.tell(format!("{at} starts again"));
        let policy = self.policies[at].clone();
        let node = &mut self.nodes[at];
        if let Some(copy) = copy {
            node.store = copy.store;
            node.entries = copy.entries;
            self.seen[at].clear();
        }
        node.restart(policy);
    }

    /// Puts an old copy back, or makes one where none is.
    fn copy_or_put_back(&mut self, at: usize) {
        let Some(copy) = self.copies[at].take() else {
            self.tell(format!("{at} is copied"));
            self.copies[at] = Some(self.nodes[at].clone());
            return;
        };
        self.tell(format!("{at} is put back to its copy"));
        self.is_troubled = true;
        self.restart(at, Some(copy));
    }

    fn deliver(&mut self, mail: Mail) {
        let Mail { from, to, what } = mail;
        self.tell(format!("from {from} to {to}: {}", told(&what)));
        let lives = self.nodes[from].machine.lives(self.nodes[to].partner());
        let from = self.nodes[from].partner();
        let input = match what {
            What::Letter(records, attached) => {
                // Who has not greeted this life is asked when it does.
                let Some(lives) = lives else { return };
                Input::Letter {
                    from,
                    lives,
                    records,
                    attached,
                }
            }
            What::Ask(records) => Input::WhatIs { from, records },
            What::Stored(record, head) => {
                let Some(lives) = lives else { return };
                Input::Stored {
                    from,
                    lives,
                    record,
                    head,
                }
            }
            What::Notice(notice) => Input::Notice(notice),
            What::Greeting(greeting) => Input::Greeting(Box::new(greeting)),
        };
        self.put(to, input);
    }

    fn step(&mut self) {
        match self.choices.below(24) {
            0..=9 if !self.mail.is_empty() => self.carry(),
            0..=11 => self.wait(),
            12 | 13 => {
                let at = self.node();
                self.tell(format!("{at} has a pulse"));
                self.put(at, Input::Pulse);
            }
            14 => {
                let pair = self.pair();
                self.connect(pair);
            }
            15 => {
                let pair = self.pair();
                if self.choices.one_in(3) {
                    self.disconnect(pair);
                }
            }
            16 => {
                let at = self.node();
                if self.choices.one_in(3) {
                    let lost = self.trouble == Trouble::Unsynced;
                    let copy = self.copies[at].take().filter(|_| lost);
                    self.restart(at, copy);
                }
            }
            17 => self.greet_late(),
            18 => self.ask(),
            19 => self.meet_trouble(),
            _ => self.operate(),
        }
    }

    fn node(&mut self) -> usize {
        self.choices.below(self.nodes.len())
    }

    fn pair(&mut self) -> (usize, usize) {
        let pairs = self.pairs();
        pairs[self.choices.below(pairs.len())]
    }

    /// One message arrives, once, twice, now and later, or never.
    fn carry(&mut self) {
        let index = self.choices.below(self.mail.len());
        match self.choices.below(10) {
            0 => {
                self.mail.swap_remove(index);
            }
            1 => {
                let mail = self.mail.swap_remove(index);
                self.deliver(mail.clone());
                self.deliver(mail);
            }
            2 => self.deliver(self.mail[index].clone()),
            _ => {
                let mail = self.mail.swap_remove(index);
                self.deliver(mail);
            }
        }
    }

    /// Time passes, at all nodes or, by a clock that is off, at one.
    fn wait(&mut self) {
        let ms = [500, 2_000, 70_000, 16 * MINUTE_MS][self.choices.below(4)];
        let one = self.choices.below(2 * self.nodes.len());
        self.tell(format!("{ms} ms pass at {one}, or everywhere"));
        match self.nodes.get_mut(one) {
            Some(node) => node.ms += ms,
            None => self.nodes.iter_mut().for_each(|node| node.ms += ms),
        }
    }

    /// A greeting that was heard comes once more.
    fn greet_late(&mut self) {
        let index = self.choices.below(self.greetings.len());
        if let Some(mail) = self.greetings.get(index).cloned() {
            self.deliver(mail);
        }
    }

    /// A node asks what became of a deal, and shows what it signed for it.
    fn ask(&mut self) {
        let at = self.node();
        let partner = self.nodes[at].partner();
        let own: Vec<Received> = self
            .records
            .values()
            .filter(|known| known.record.author() == partner)
            .cloned()
            .collect();
        if own.is_empty() {
            return;
        }
        let shown = own[self.choices.below(own.len())].clone();
        let to = self.node_of(shown.record.body().header().to);
        let what = What::Ask(vec![shown]);
        self.deliver(Mail { from: at, to, what });
    }

    fn meet_trouble(&mut self) {
        match self.trouble {
            Trouble::None | Trouble::Unsynced => {}
            Trouble::OldCopies => {
                let at = self.node();
                if self.choices.one_in(2) {
                    self.tell(format!("{at} may open an epoch"));
                    self.put(at, Input::OpenEpoch);
                } else {
                    self.copy_or_put_back(at);
                }
            }
            Trouble::Hostile => self.forge(),
        }
    }

    /// The network works again, clocks are set, and everybody waits until nothing is open.
    fn heal(&mut self) {
        self.tell("all heals".to_owned());
        let latest = self.nodes.iter().map(|node| node.ms).max().unwrap();
        for node in &mut self.nodes {
            node.ms = latest;
        }
        let mut quiet = 0;
        for _ in 0..HOURS_MAX {
            let before: Vec<_> = self.nodes.iter().map(|node| *node.machine.head()).collect();
            self.heal_for_an_hour();
            let after = self.nodes.iter().map(|node| *node.machine.head());
            quiet = if after.eq(before) { quiet + 1 } else { 0 };
            if quiet == 3 {
                break;
            }
        }
    }

    fn heal_for_an_hour(&mut self) {
        for pair in self.pairs() {
            self.connect(pair);
        }
        for at in 0..self.nodes.len() {
            self.nodes[at].ms += HOUR_MS;
            if self.nodes[at].store.0.contains_key(&Key::Recovery {}) {
                self.put(at, Input::OpenEpoch);
            }
            self.put(at, Input::Pulse);
            self.give_back(at);
        }
        for _ in 0..HOURLY_MAX {
            if self.mail.is_empty() {
                return;
            }
            let mail = self.mail.remove(0);
            self.deliver(mail);
        }
        panic!("nodes drive each other");
    }
}

fn grant_all(node: &mut Node, partner: PartnerId) {
    let limit = Money {
        minor: Minor::new(9_000).unwrap(),
        currency: euro(),
    };
    node.trust(partner, limit);
}

fn told(what: &What) -> String {
    let names = |records: &[Received]| {
        let names = records.iter().map(|one| one.record.kind().name());
        names.collect::<Vec<_>>().join("+")
    };
    match what {
        What::Letter(records, attached) => format!("{} with {}", names(records), names(attached)),
        What::Ask(records) => format!("WhatIs {}", names(records)),
        What::Stored(record, _) => format!("Stored {record}"),
        What::Notice(notice) => format!("{:?} {}", notice.what, notice.code.name()),
        What::Greeting(_) => "a late greeting".to_owned(),
    }
}
