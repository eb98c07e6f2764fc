//! A node whose old image is put back: its partner shows what it lost, it signs nothing until the
//! next epoch is opened, and then both say the same again (SPEC.md section 14).

use std::collections::{BTreeMap, VecDeque};

use omni_protocol::{
    code::Code,
    deal::{
        Deal, State,
        credit::{Account, Posting},
        order::{Order, Status},
    },
    hash::{DealId, RecordId},
    ledger::{Payload, verify},
    machine::{
        Approval, Binding, Grant, Input, Key, Message, Policy, Proposing, Received, Requesting,
        Standing, Step, Verb, Verdict,
    },
    record::Signed,
    thread::{Change, ChangeWhat, Happening, Role, ThreadBody},
    value::{Minor, Money, Prose, Text},
};
use omni_tests::market::{Node, Store, amendment, article, network, terms};

const REQUESTER: usize = 0;
const PROVIDER: usize = 1;
const MINUTE_MS: u64 = 60_000;

/// Two nodes, and what is on its way between them, which arrives in order.
#[derive(Clone)]
struct Two {
    nodes: [Node; 2],
    mail: VecDeque<(usize, Input)>,
    /// What each kept after each of its steps.
    images: [Vec<Store>; 2],
}

fn policy() -> Policy {
    Policy {
        proposals: Approval::Given,
        ..Policy::default()
    }
}

impl Two {
    fn new() -> Self {
        let mut nodes = [Node::started(1, policy()), Node::started(2, policy())];
        article(&mut nodes[PROVIDER], "B", 700, 9);
        for one in 0..2 {
            let partner = nodes[1 - one].partner();
            let limit = Money {
                minor: Minor::new(9_000).unwrap(),
                currency: "EUR".parse().unwrap(),
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
        Self {
            nodes,
            mail: VecDeque::new(),
            images: [Vec::new(), Vec::new()],
        }
    }

    fn put(&mut self, at: usize, input: Input) -> Step {
        let may_sign = input == Input::OpenEpoch || !self.is_recovering(at);
        let told = format!("it signs nothing: {input:?}");
        let step = self.nodes[at].put(input);
        assert!(may_sign || step.entries().count() == 0, "{told}");
        self.images[at].push(self.nodes[at].store.clone());
        for outgoing in step.replies.iter().chain(&step.sends) {
            let input = self.arrives(at, &outgoing.message);
            self.mail.push_back((1 - at, input));
        }
        step
    }

    fn is_recovering(&self, at: usize) -> bool {
        self.nodes[at].store.0.contains_key(&Key::Recovery {})
    }

    /// A message as the other side's runtime puts it to its machine.
    fn arrives(&self, at: usize, message: &Message) -> Input {
        let [one, other] = &self.nodes;
        let (from, authors) = (self.nodes[at].partner(), [&one.identity, &other.identity]);
        let load = |ids: &[RecordId]| -> Vec<Received> {
            assert!(ids.len() <= 4, "a letter has room for four");
            let load = |id: &RecordId| self.nodes[at].received(*id, &authors);
            ids.iter().filter_map(load).collect()
        };
        let partner = self.nodes[1 - at].partner();
        let lives = || self.nodes[at].machine.lives(partner).expect("it was met");
        match message {
            Message::Letter { records, attached } => Input::Letter {
                from,
                lives: lives(),
                records: load(records),
                attached: load(attached),
            },
            Message::Stored { record, head } => Input::Stored {
                from,
                lives: lives(),
                record: *record,
                head: *head,
            },
            Message::Notice(notice) => Input::Notice(*notice),
            Message::Greeting(greeting) => Input::Greeting(greeting.clone()),
            Message::WhatIs { .. } => panic!("nobody asks so"),
        }
    }

    fn meet(&mut self) {
        self.connect();
        self.settle();
    }

    /// A new connection stands, and no greeting has arrived yet.
    fn connect(&mut self) {
        self.mail.clear();
        for at in 0..2 {
            let partner = self.nodes[1 - at].partner();
            self.put(at, Input::Gone(partner));
            self.put(at, Input::Met(partner));
        }
    }

    /// Delivers until nothing is on its way.
    fn settle(&mut self) {
        for _ in 0..1_000 {
            match self.mail.pop_front() {
                Some((to, input)) => {
                    self.put(to, input);
                }
                None => return,
            }
        }
        panic!("two nodes drive each other");
    }

    fn say(&mut self, at: usize, verb: Verb) {
        let step = self.put(at, Input::Verb(Box::new(verb)));
        assert!(
            matches!(step.verdict, Verdict::Made(_)),
            "{:?}",
            step.verdict
        );
        self.settle();
    }

    /// A firm proposal of this side.
    fn firm(&self, at: usize, role: Role) -> Verb {
        Verb::Propose(Proposing {
            partner: self.nodes[1 - at].partner(),
            thread: None,
            role,
            binding: Binding::Firm,
            valid_until: self.nodes[0].now().plus_ms(30 * MINUTE_MS),
            alternatives: vec![terms("B", 700, 2)],
        })
    }

    /// Opens a deal in one of the three ways, and gives its id.
    fn trade(&mut self, opening: Opening) -> DealId {
        match opening {
            Opening::Request => self.say(
                REQUESTER,
                Verb::Request(Requesting {
                    partner: self.nodes[PROVIDER].partner(),
                    thread: None,
                    proposal: None,
                    valid_until: self.nodes[0].now().plus_ms(30 * MINUTE_MS),
                    terms: terms("B", 700, 2),
                    commit: Approval::Given,
                }),
            ),
            Opening::OfRequester => {
                let firm = self.firm(REQUESTER, Role::Requester);
                self.say(REQUESTER, firm);
            }
            Opening::OfProvider => {
                let firm = self.firm(PROVIDER, Role::Provider);
                self.say(PROVIDER, firm);
                let accept = self.acceptance();
                self.say(REQUESTER, accept);
            }
        }
        self.deal(REQUESTER).0
    }

    /// The requester's word that takes a firm proposal.
    fn acceptance(&self) -> Verb {
        let (deal, _) = self.deal(REQUESTER);
        Verb::Accept {
            thread: RecordId::from(deal).into(),
            alternative: 0,
        }
    }

    fn deal(&self, at: usize) -> (DealId, Deal) {
        let store = &self.nodes[at].store;
        let mut deals = store.0.keys().filter_map(|key| match key {
            Key::Deal { deal } => Some((*deal, Deal::read(store, *deal)?)),
            _ => None,
        });
        deals.next().expect("a deal")
    }

    fn happen(&mut self, order: DealId, what: Happening) {
        self.say(
            PROVIDER,
            Verb::Happen {
                order,
                what,
                occurred: self.nodes[PROVIDER].now(),
                lines: Vec::new(),
                reference: Text::default(),
                note: Prose::default(),
            },
        );
    }

    /// Puts an image in the place of what a node keeps, and starts it.
    fn put_back(&mut self, at: usize, image: Store) {
        self.nodes[at].store = image;
        self.nodes[at].restart(policy());
        // Of what was signed since, the new life has nothing to fold.
        self.nodes[at].ms += MINUTE_MS;
    }

    fn orders(&self, deal: DealId) -> [Order; 2] {
        let nodes = self.nodes.each_ref();
        nodes.map(|node| Order::read(&node.store, deal).expect("an order"))
    }

    fn check_same(&mut self, deal: DealId, status: &[Status], context: &str) {
        let states = [REQUESTER, PROVIDER].map(|at| self.deal(at).1.state);
        assert_eq!(states, [State::Agreed, State::Sold], "{context}");
        let [one, other] = self.orders(deal);
        assert_eq!(one.agreed, other.agreed, "{context}");
        if one.status() == other.status() {
            let times = |order: &Order| (order.begun, order.completed);
            assert_eq!(times(&one), times(&other), "{context}");
        }
        for (at, order) in [one, other].into_iter().enumerate() {
            let node = &mut self.nodes[at];
            assert!(
                status.contains(&order.status()),
                "{context}, {at}: {}",
                order.status()
            );
            let posting = Posting::read(&node.store, deal).expect("posted");
            assert_eq!(posting.lines[0].amount, Minor::new(1_400).unwrap());
            node.sign_checkpoint();
        }
        let keys = self.nodes.each_ref().map(|node| node.identity.clone());
        let key_of = |partner, _| {
            let known = keys.iter().find(|known| known.partner == partner);
            known.map(|known| known.key.clone())
        };
        for node in &self.nodes {
            verify(&node.config(), &node.store, &key_of)
                .unwrap_or_else(|e| panic!("{context}: {e}"));
        }
    }

    /// No decision twice, and no Commit twice, over all that was ever signed.
    fn check_signed_once(&self, context: &str) {
        for node in &self.nodes {
            let mut signed: BTreeMap<(DealId, &str), RecordId> = BTreeMap::new();
            for entry in &node.entries {
                if !matches!(entry.body.payload, Payload::Signed(_)) {
                    continue;
                }
                for carried in &entry.records {
                    let Ok(record) = Signed::<ThreadBody>::read(&network(), &*carried.bytes) else {
                        continue;
                    };
                    let slot = match record.body() {
                        ThreadBody::Receipt(receipt) => (receipt.deal, "decision"),
                        ThreadBody::Refusal(refusal) => (refusal.deal, "decision"),
                        ThreadBody::Commit(commit) => (commit.deal, "bound"),
                        ThreadBody::Release(release) => (release.deal, "bound"),
                        ThreadBody::Hold(hold) => (hold.deal, "hold"),
                        _ => continue,
                    };
                    let before = signed.insert(slot, record.id());
                    assert_eq!(before, None, "{context}: {slot:?} twice");
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Opening {
    Request,
    OfProvider,
    OfRequester,
}

#[test]
fn any_old_image_comes_back_from_the_partner() {
    let mut recovered = 0;
    for opening in [Opening::Request, Opening::OfProvider, Opening::OfRequester] {
        for announced in [false, true] {
            let mut two = Two::new();
            two.meet();
            let deal = two.trade(opening);
            two.happen(deal, Happening::Packed);
            two.happen(deal, Happening::Completed);
            if announced {
                // The partner has seen the whole ledger, and says so.
                two.meet();
            }
            two.check_same(deal, &[Status::Completed], "before");
            for at in 0..2 {
                for (number, image) in two.images[at].clone().into_iter().enumerate() {
                    let context = format!("{opening:?} {announced} {at} {number}");
                    recovered += put_back(&two, deal, (at, image), &context);
                }
            }
        }
    }
    assert!(recovered > 50, "only {recovered} images lacked something");
}

/// Gives 1 if something had to be recovered.
fn put_back(two: &Two, deal: DealId, (at, image): (usize, Store), context: &str) -> usize {
    let [before, _] = two.orders(deal);
    let mut two = two.clone();
    two.put_back(at, image);
    two.meet();
    let mut recovered = 0;
    if two.is_recovering(at) {
        let grant = Grant::Standing {
            partner: two.nodes[1 - at].partner(),
            standing: Standing::Blocked,
        };
        let step = two.put(at, Input::Grant(grant));
        assert_eq!(
            step.verdict,
            Verdict::Refused(Code::Recovering),
            "{context}"
        );
        recovered = 1;
    }
    let opened = two.put(at, Input::OpenEpoch);
    if opened.verdict == Verdict::Done {
        assert_eq!(two.nodes[at].machine.head().epoch, 1);
        two.settle();
    } else {
        assert_eq!(
            opened.verdict,
            Verdict::Refused(Code::Outdated),
            "{context}"
        );
        assert_eq!(recovered, 0);
    }
    for _hour in 0..3 {
        for at in 0..2 {
            two.nodes[at].ms += 60 * MINUTE_MS;
            two.put(at, Input::Pulse);
        }
        two.settle();
    }
    // Of what it lost nobody knows where it signed nothing since and announced no head.
    let status = [Status::Completed, Status::InFulfilment, Status::Ordered];
    let known = if opened.verdict == Verdict::Done {
        1
    } else {
        3
    };
    two.check_same(deal, &status[..known], context);
    let [after, _] = two.orders(deal);
    assert_eq!(after.agreed, before.agreed, "{context}");
    two.check_signed_once(context);
    recovered
}

/// What is agreed of the change of an order can't be booked before the order.
#[test]
fn a_change_waits_for_its_order_that_comes_back_after_it() {
    let mut two = Two::new();
    two.meet();
    let image = two.nodes[PROVIDER].store.clone();
    let order = two.trade(Opening::OfRequester);
    let on = Change {
        order,
        version: 1,
        what: ChangeWhat::Amend,
    };
    let mut firm = two.firm(PROVIDER, Role::Provider);
    if let Verb::Propose(proposing) = &mut firm {
        proposing.alternatives = vec![amendment(&terms("B", 700, 2), &[("B", 700, 1)], 0, on)];
    }
    let Verdict::Made(made) = two.put(PROVIDER, Input::Verb(Box::new(firm))).verdict else {
        panic!("it may propose");
    };
    two.settle();
    two.put_back(PROVIDER, image);
    two.meet();
    assert!(two.is_recovering(PROVIDER));
    two.put(PROVIDER, Input::OpenEpoch);
    // What shows the order comes last.
    let mut late = VecDeque::new();
    while let Some((to, input)) = two.mail.pop_front() {
        if to == PROVIDER && matches!(input, Input::Letter { .. }) {
            late.push_back((to, input));
        } else {
            two.put(to, input);
        }
    }
    let change = DealId::from(made[0]);
    let accept = Verb::Accept {
        thread: made[0].into(),
        alternative: 0,
    };
    two.say(REQUESTER, accept);
    let state = |two: &Two| Deal::read(&two.nodes[PROVIDER].store, change).map(|deal| deal.state);
    assert_eq!(state(&two), None);
    two.mail.extend(late);
    two.settle();
    for _minute in 0..2 {
        for at in 0..2 {
            two.nodes[at].ms += MINUTE_MS;
            two.put(at, Input::Pulse);
        }
        two.settle();
    }
    assert_eq!(state(&two), Some(State::Sold));
    let orders = two.orders(order);
    assert_eq!(
        orders.map(|order| (order.version, order.lines[0].ordered)),
        [(2, 1); 2]
    );
    let [one, other] = two.nodes.each_ref();
    let euro = "EUR".parse().unwrap();
    let owes = Account::read(&one.store, other.partner(), euro).payable;
    let is_owed = Account::read(&other.store, one.partner(), euro).receivable;
    assert_eq!((owes, is_owed), (Minor::new(700).unwrap(), owes));
}

#[test]
fn a_partner_that_only_claims_gets_no_recovery_but_the_operator_may_open() {
    let mut two = Two::new();
    two.meet();
    let image = two.nodes[PROVIDER].store.clone();
    // What no partner is shown: a count alone.
    article(&mut two.nodes[PROVIDER], "C", 900, 4);
    two.meet();
    two.put_back(PROVIDER, image);
    two.meet();
    assert!(!two.is_recovering(PROVIDER), "a claim proves nothing");
    let opened = two.put(PROVIDER, Input::OpenEpoch);
    assert_eq!(opened.verdict, Verdict::Done, "the operator may believe it");
    two.settle();
    two.trade(Opening::Request);
    assert_eq!(two.deal(PROVIDER).1.state, State::Sold);
}

#[test]
fn a_firm_proposal_is_not_asked_again_once_it_was_taken_up() {
    for gives_up in [false, true] {
        let mut two = Two::new();
        two.meet();
        let firm = two.firm(PROVIDER, Role::Provider);
        two.put(PROVIDER, Input::Verb(Box::new(firm)));
        let (to, proposal) = two.mail.pop_front().expect("a letter");
        two.put(to, proposal);
        // That it is stored never arrives.
        two.mail.clear();
        let (deal, _) = two.deal(REQUESTER);
        let word = if gives_up {
            Verb::Cancel { deal }
        } else {
            two.acceptance()
        };
        two.say(REQUESTER, word);
        let decided = two.deal(PROVIDER).1.state;
        let expected = [State::Sold, State::Refused][usize::from(gives_up)];
        assert_eq!(decided, expected);
        let mut keys = two.nodes[PROVIDER].store.0.keys();
        let asks = keys.any(|key| matches!(key, Key::Outbox { .. }));
        assert!(
            !asks,
            "{expected:?}: a requester that falls back would take it anew"
        );
    }
}

/// The requester signed nothing in a deal of the thread, which its provider lost, so that nothing asks by
/// it: it comes with the next question of the thread that is left without an answer.
#[test]
fn a_deal_in_which_a_partner_signed_nothing_comes_back_with_its_thread() {
    let mut two = Two::new();
    two.meet();
    let image = two.nodes[PROVIDER].store.clone();
    let firm = two.firm(PROVIDER, Role::Provider);
    two.say(PROVIDER, firm);
    let (deal, _) = two.deal(REQUESTER);
    let pulses = |two: &mut Two, ms: u64| {
        for at in 0..2 {
            two.nodes[at].ms += ms;
            two.put(at, Input::Pulse);
        }
        two.settle();
    };
    pulses(&mut two, 60 * MINUTE_MS);
    assert_eq!(two.deal(REQUESTER).1.state, State::Aborted);
    two.put_back(PROVIDER, image);
    two.meet();
    let asking = Verb::Inquire {
        partner: two.nodes[PROVIDER].partner(),
        thread: Some(RecordId::from(deal).into()),
        text: Prose::new("Once more?").unwrap(),
    };
    two.say(REQUESTER, asking);
    two.put(PROVIDER, Input::OpenEpoch);
    two.settle();
    for _ in 0..8 {
        pulses(&mut two, MINUTE_MS);
    }
    assert_eq!(two.deal(PROVIDER).1.state, State::Refused);
    let mut keys = two.nodes[REQUESTER].store.0.keys();
    assert!(!keys.any(|key| matches!(key, Key::Outbox { .. })));
}

/// What answers a `Lost` is no question, and no greeting follows while the connection stands: it is said
/// again, and the partner answers again.
#[test]
fn a_partner_is_asked_of_a_deal_of_an_earlier_epoch_until_it_has_spoken() {
    let mut two = Two::new();
    two.meet();
    let firm = two.firm(PROVIDER, Role::Provider);
    two.say(PROVIDER, firm);
    let image = two.nodes[PROVIDER].store.clone();
    article(&mut two.nodes[PROVIDER], "C", 900, 4);
    two.meet();
    two.put_back(PROVIDER, image);
    two.meet();
    two.put(PROVIDER, Input::OpenEpoch);
    let mut lost = 0;
    while let Some((to, input)) = two.mail.pop_front() {
        if to == PROVIDER && matches!(input, Input::Notice(_)) {
            lost += 1;
        } else {
            two.put(to, input);
        }
    }
    assert_eq!(lost, 1, "the requester signed nothing in it, and says so");
    // Once it has spoken nothing is due any more, and the end of the hold is told at once.
    let mut wakes = Vec::new();
    for ms in [MINUTE_MS, MINUTE_MS, 60 * MINUTE_MS] {
        two.nodes[PROVIDER].ms += ms;
        wakes.push(two.put(PROVIDER, Input::Pulse).wake.is_some());
        two.settle();
    }
    let states = [REQUESTER, PROVIDER].map(|at| two.deal(at).1.state);
    assert_eq!(states, [State::Aborted, State::Refused]);
    assert_eq!(wakes, [true, false, false]);
}

/// Two with many deals that both fell back would show each other all of them at every greeting, of which
/// a meeting has several.
#[test]
fn what_was_lost_is_shown_once_in_a_meeting() {
    let mut two = Two::new();
    two.meet();
    let image = two.nodes[PROVIDER].store.clone();
    two.trade(Opening::Request);
    two.put_back(PROVIDER, image);
    two.meet();
    two.put(PROVIDER, Input::OpenEpoch);
    two.settle();
    let shows = |step: &Step| {
        let is_letter = |message| matches!(message, &Message::Letter { .. });
        step.sends.iter().any(|out| is_letter(&out.message))
    };
    for meeting in ["the first", "another"] {
        two.connect();
        let mut shown = Vec::new();
        while let Some((to, input)) = two.mail.pop_front() {
            let is_greeting = to == REQUESTER && matches!(input, Input::Greeting(_));
            let step = two.put(to, input.clone());
            if is_greeting {
                two.settle();
                shown.extend([shows(&step), shows(&two.put(to, input))]);
            }
        }
        assert_eq!(shown, [true, false], "{meeting} meeting");
    }
}
