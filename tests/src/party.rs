//! Several production machines, of which the first requests and the others provide, over links that
//! a test opens and closes. What is sent waits until the test lets it arrive.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::market::{Identity, Node, article, chained, terms};
use omni_protocol::{
    code::Code,
    deal::{Deal, credit::Account, stock::Stock},
    fence,
    frame::{Head, Lives, Notice, NoticeWhat},
    hash::{BundleId, DealId, PartnerId, RecordId},
    ledger::verify,
    machine::{
        Approval, Bundling, Count, DraftLeg, Input, Key, Message, Policy, Question, Received,
        Requesting, Sourcing, Step, Verb, Verdict, bundle_id,
    },
    slot,
    value::{Currency, Minor, Money, Text},
};

pub const MINUTE_MS: u64 = 60_000;
/// More messages than this follow from nothing new never.
const MAIL_MAX: usize = 5_000;
/// What each article costs.
pub const PRICE: i64 = 1_000;

#[derive(Clone, Debug)]
pub enum What {
    Letter(Lives, Vec<Received>, Vec<Received>),
    Stored(Lives, RecordId, Head),
    Notice(Notice),
    Greeting(Box<omni_protocol::frame::Greeting>),
}

#[derive(Clone, Debug)]
pub struct Mail {
    pub from: usize,
    pub to: usize,
    pub what: What,
}

#[derive(Clone)]
pub struct Party {
    pub nodes: Vec<Node>,
    policies: Vec<Policy>,
    links: BTreeSet<(usize, usize)>,
    pub mail: VecDeque<Mail>,
    records: BTreeMap<RecordId, Received>,
}

pub fn policy() -> Policy {
    Policy {
        hold_minutes: 15,
        ..Policy::default()
    }
}

fn euro() -> Currency {
    "EUR".parse().unwrap()
}

/// The article of a provider.
pub fn sku(node: usize) -> String {
    format!("ART-{node}")
}

impl Party {
    /// All trust the first, and the first trusts all; the others are strangers to each other.
    pub fn new(policies: Vec<Policy>) -> Self {
        let started = |(at, policy): (usize, &Policy)| {
            let mut node = Node::started(u8::try_from(at + 1).unwrap(), policy.clone());
            article(&mut node, &sku(at), PRICE, 5);
            node
        };
        let mut nodes: Vec<Node> = policies.iter().enumerate().map(started).collect();
        let partners: Vec<PartnerId> = nodes.iter().map(Node::partner).collect();
        for other in 1..nodes.len() {
            trust(&mut nodes[0], partners[other]);
            trust(&mut nodes[other], partners[0]);
        }
        let mut party = Self {
            nodes,
            policies,
            links: BTreeSet::new(),
            mail: VecDeque::new(),
            records: BTreeMap::new(),
        };
        party.connect_all();
        party
    }

    pub fn of(count: usize) -> Self {
        Self::new(vec![policy(); count])
    }

    pub fn partner(&self, node: usize) -> PartnerId {
        self.nodes[node].partner()
    }

    fn node_of(&self, partner: PartnerId) -> usize {
        let mut nodes = self.nodes.iter();
        nodes.position(|node| node.partner() == partner).unwrap()
    }

    pub fn pairs(&self) -> Vec<(usize, usize)> {
        let all = 0..self.nodes.len();
        all.clone()
            .flat_map(|one| all.clone().map(move |other| (one, other)))
            .filter(|(one, other)| one < other)
            .collect()
    }

    pub fn connect_all(&mut self) {
        for (one, other) in self.pairs() {
            self.connect(one, other);
        }
    }

    /// All meet again and again, until nobody has more to say.
    pub fn meet_again(&mut self) {
        for _ in 0..3 {
            self.connect_all();
            self.settle();
            self.open_epochs();
            self.wait(MINUTE_MS);
        }
    }

    pub fn connect(&mut self, one: usize, other: usize) {
        if self.links.insert((one.min(other), one.max(other))) {
            let (first, second) = (self.partner(other), self.partner(one));
            // Both sides see the session before either greeting arrives.
            let (a, b) = (
                self.nodes[one].put(Input::Met(first)),
                self.nodes[other].put(Input::Met(second)),
            );
            self.post(one, &a);
            self.post(other, &b);
        }
    }

    pub fn disconnect(&mut self, one: usize, other: usize) {
        if self.links.remove(&(one.min(other), one.max(other))) {
            self.mail.retain(|mail| {
                (mail.from, mail.to) != (one, other) && (mail.from, mail.to) != (other, one)
            });
            for (at, with) in [(one, other), (other, one)] {
                let partner = self.partner(with);
                self.put(at, Input::Gone(partner));
            }
        }
    }

    /// Nobody reaches this node any more.
    pub fn cut_off(&mut self, node: usize) {
        for other in (0..self.nodes.len()).filter(|other| *other != node) {
            self.disconnect(node, other);
        }
    }

    pub fn is_connected(&self, one: usize, other: usize) -> bool {
        self.links.contains(&(one.min(other), one.max(other)))
    }

    pub fn restart(&mut self, node: usize) {
        self.cut_off(node);
        let policy = self.policies[node].clone();
        self.nodes[node].restart(policy);
    }

    /// Puts an old copy in the place of what a node keeps, and starts it.
    pub fn put_back(&mut self, node: usize, copy: Node) {
        self.nodes[node].store = copy.store;
        self.nodes[node].entries = copy.entries;
        self.restart(node);
    }

    /// The operators of nodes that learned that they lost something give it up.
    pub fn open_epochs(&mut self) {
        for at in 0..self.nodes.len() {
            self.put(at, Input::OpenEpoch);
        }
        self.settle();
    }

    pub fn put(&mut self, at: usize, input: Input) -> Step {
        let step = self.nodes[at].put(input);
        self.post(at, &step);
        step
    }

    fn post(&mut self, from: usize, step: &Step) {
        for outgoing in step.sends.iter().chain(&step.replies) {
            let to = self.node_of(outgoing.to);
            let what = match &outgoing.message {
                Message::Letter { records, attached } => {
                    // Who has not greeted this life is asked when it does.
                    let Some(lives) = self.nodes[from].machine.lives(outgoing.to) else {
                        continue;
                    };
                    let records = self.load(from, records);
                    What::Letter(lives, records, self.load(from, attached))
                }
                Message::Stored { record, head } => {
                    let Some(lives) = self.nodes[from].machine.lives(outgoing.to) else {
                        continue;
                    };
                    What::Stored(lives, *record, *head)
                }
                Message::Notice(notice) => What::Notice(*notice),
                Message::Greeting(greeting) => What::Greeting(greeting.clone()),
                Message::WhatIs { .. } => continue,
            };
            if self.is_connected(from, to) {
                self.mail.push_back(Mail { from, to, what });
            }
        }
    }

    fn load(&mut self, at: usize, ids: &[RecordId]) -> Vec<Received> {
        let mut loaded = Vec::new();
        for id in ids {
            if let Some(known) = self.records.get(id) {
                loaded.push(known.clone());
                continue;
            }
            let authors: Vec<&Identity> = self.nodes.iter().map(|node| &node.identity).collect();
            let received = self.nodes[at].received(*id, &authors);
            let received = received.expect("what is sent is stored with its proof");
            self.records.insert(*id, received.clone());
            loaded.push(received);
        }
        loaded
    }

    pub fn deliver(&mut self, mail: Mail) {
        let from = self.partner(mail.from);
        let input = match mail.what {
            What::Letter(lives, records, attached) => Input::Letter {
                from,
                lives,
                records,
                attached,
            },
            What::Stored(lives, record, head) => Input::Stored {
                from,
                lives,
                record,
                head,
            },
            What::Notice(notice) => Input::Notice(notice),
            What::Greeting(greeting) => Input::Greeting(greeting),
        };
        self.put(mail.to, input);
    }

    /// One shows another a record that it has, and nothing else.
    pub fn show(&mut self, from: usize, to: usize, record: RecordId) {
        let lives = self.nodes[from].machine.lives(self.partner(to)).unwrap();
        let what = What::Letter(lives, self.load(from, &[record]), Vec::new());
        self.deliver(Mail { from, to, what });
    }

    /// One says to another that it lost something.
    pub fn ask_lost(&mut self, from: usize, to: usize, about: RecordId) {
        let node = &self.nodes[from];
        let notice = Notice {
            what: NoticeWhat::Lost,
            from: self.partner(from),
            to: self.partner(to),
            key_index: 0,
            life: node.life(),
            about,
            code: Code::Lost,
            at: node.now(),
        };
        let what = What::Notice(notice);
        self.deliver(Mail { from, to, what });
    }

    /// All that is on its way arrives, and nothing of what follows from it.
    pub fn round(&mut self) {
        for mail in core::mem::take(&mut self.mail) {
            self.deliver(mail);
        }
    }

    /// All that is on its way arrives, and what follows from it.
    pub fn settle(&mut self) {
        for _ in 0..MAIL_MAX {
            let Some(mail) = self.mail.pop_front() else {
                return;
            };
            self.deliver(mail);
        }
        panic!("nodes drive each other");
    }

    /// As `settle`, but that letters with such a record are lost.
    pub fn settle_without(&mut self, lost: impl Fn(&Received) -> bool) {
        while let Some(mail) = self.mail.pop_front() {
            let is_lost = matches!(&mail.what, What::Letter(_, records, attached)
                if records.iter().chain(attached).any(&lost));
            if !is_lost {
                self.deliver(mail);
            }
        }
    }

    /// Time passes everywhere, and is noticed.
    pub fn wait(&mut self, ms: u64) {
        for node in &mut self.nodes {
            node.ms += ms;
        }
        for at in 0..self.nodes.len() {
            self.put(at, Input::Pulse);
        }
        self.settle();
    }

    pub fn verb(&mut self, at: usize, verb: Verb) -> Verdict {
        self.put(at, Input::Verb(Box::new(verb))).verdict
    }

    pub fn word(&mut self, word: Bundling) -> Verdict {
        self.verb(0, Verb::Bundle(word))
    }

    /// The first asks a provider for a hold, which is to be committed with others.
    pub fn request(&mut self, provider: usize, steps: u64) -> DealId {
        let requesting = self.requesting(provider, steps);
        made(&self.verb(0, Verb::Request(requesting)))
    }

    /// What the first asks a provider for.
    pub fn requesting(&self, provider: usize, steps: u64) -> Requesting {
        Requesting {
            partner: self.partner(provider),
            thread: None,
            proposal: None,
            valid_until: self.nodes[0].now().plus_ms(20 * MINUTE_MS),
            terms: terms(&sku(provider), PRICE, steps),
            commit: Approval::Asked,
        }
    }

    /// One in the middle asks a provider for the part on which a deal is to rest.
    pub fn source(&mut self, at: usize, deal: DealId, provider: usize) -> Verdict {
        let sourcing = self.sourcing(at, deal, provider);
        self.verb(at, Verb::Source(sourcing))
    }

    /// A part to be asked of a provider.
    pub fn sourcing(&self, at: usize, deal: DealId, provider: usize) -> Sourcing {
        let partner = self.partner(provider);
        let valid_until = self.nodes[at].now().plus_ms(20 * MINUTE_MS);
        let terms = chained(&sku(provider), PRICE, 1);
        Sourcing {
            deal,
            partner,
            valid_until,
            terms,
        }
    }

    /// Makes partners of two nodes.
    pub fn befriend(&mut self, one: usize, other: usize) {
        let (first, second) = (self.partner(one), self.partner(other));
        trust(&mut self.nodes[one], second);
        trust(&mut self.nodes[other], first);
    }

    /// What is on the shelf of a node.
    pub fn count(&mut self, at: usize, steps: u64) {
        let count = Count {
            sku: sku(at).parse().unwrap(),
            list: Text::default(),
            steps,
        };
        self.nodes[at].must(Input::Count(count));
    }

    /// Its ledger grows beyond what others saw of it before.
    pub fn go_on(&mut self, at: usize) {
        for steps in 6..30 {
            self.count(at, steps);
        }
    }

    /// A bundle over a hold of each of these providers.
    pub fn collect(&mut self, providers: &[usize]) -> (BundleId, Vec<DealId>) {
        self.collect_seen(providers, &mut |_| {})
    }

    /// As `collect`; shown is how all stands before each hold.
    pub fn collect_seen(
        &mut self,
        providers: &[usize],
        see: &mut dyn FnMut(&Self),
    ) -> (BundleId, Vec<DealId>) {
        let mut deals = Vec::new();
        for provider in providers {
            see(self);
            let deal = self.request(*provider, 1);
            self.settle();
            assert_eq!(self.state(0, deal), "held");
            deals.push(deal);
        }
        (self.draft(&deals), deals)
    }

    /// A bundle of these deals.
    pub fn draft(&mut self, deals: &[DealId]) -> BundleId {
        let name: Text<64, 1> = "kitchen".parse().unwrap();
        let bundle = bundle_id(&name);
        assert_eq!(
            self.word(Bundling::New {
                name,
                changes: None,
            }),
            Verdict::Done
        );
        for deal in deals {
            let leg = DraftLeg {
                deal: *deal,
                alternative: 0,
                after: fence::List::default(),
            };
            assert_eq!(self.word(Bundling::Add { bundle, leg }), Verdict::Done);
        }
        bundle
    }

    pub fn commit(&mut self, bundle: BundleId) -> Verdict {
        let members = Vec::new();
        self.word(Bundling::Commit { bundle, members })
    }

    pub fn state(&self, at: usize, deal: DealId) -> &'static str {
        let known = Deal::read(&self.nodes[at].store, deal);
        known.map_or("none", |deal| deal.state.name())
    }

    /// The state of each deal at the first and at its provider.
    pub fn states(
        &self,
        deals: &[DealId],
        providers: &[usize],
    ) -> Vec<(&'static str, &'static str)> {
        let both = deals.iter().zip(providers);
        both.map(|(deal, provider)| (self.state(0, *deal), self.state(*provider, *deal)))
            .collect()
    }

    pub fn stock(&self, node: usize) -> Stock {
        let sku: Text<128, 1> = sku(node).parse().unwrap();
        Stock::read(
            &self.nodes[node].store,
            slot::subject(&sku, &Text::default()),
        )
    }

    pub fn account(&self, at: usize, with: usize) -> Account {
        Account::read(&self.nodes[at].store, self.partner(with), euro())
    }

    /// What a node still asks.
    pub fn questions(&self, at: usize) -> Vec<String> {
        let node = &self.nodes[at];
        let asked = node.store.0.iter().filter_map(|(key, value)| match key {
            Key::Outbox { partner, .. } => {
                let question: Question = fence::decode(value, 65_536).unwrap();
                let kind = node.record(question.record).unwrap().kind().name();
                let to = self.node_of(*partner);
                Some(format!("{kind} of {to} until {}", question.ends_by))
            }
            _ => None,
        });
        asked.collect()
    }

    /// That the ledger of each node verifies from its beginning, and gives what is stored.
    pub fn verify(&mut self) {
        let identities: Vec<Identity> = self
            .nodes
            .iter()
            .map(|node| node.identity.clone())
            .collect();
        for node in &mut self.nodes {
            node.sign_checkpoint();
            let key_of = |partner, _index| {
                let known = identities.iter().find(|one| one.partner == partner);
                known.map(|one| one.key.clone())
            };
            verify(&node.config(), &node.store, &key_of).unwrap();
        }
    }
}

/// The deal that a word opened.
pub fn made(verdict: &Verdict) -> DealId {
    let Verdict::Made(ids) = verdict else {
        panic!("{verdict:?}");
    };
    (*ids.last().unwrap()).into()
}

fn trust(node: &mut Node, partner: PartnerId) {
    let limit = Money {
        minor: Minor::new(90_000).unwrap(),
        currency: euro(),
    };
    node.trust(partner, limit);
}
