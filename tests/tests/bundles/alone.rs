//! A chain alone with all its parties, over the production step of a middle partner: what was ever
//! sent may arrive at any later moment, any number of times, or never. A crash loses what a life knew
//! of greetings, and an old image put back all since the hold. All orders of few deals, random ones
//! of more; what breaks a rule must be found.

use std::collections::BTreeSet;

use omni_protocol::bundle::{
    Act, Greeted, Span,
    middle::{MiddleFacts, MiddleInput, MiddleState, Parts, step},
};
use omni_tests::effort::number_from;
use proptest::prelude::*;

use crate::middle::facts;
use crate::search;

/// A rule broken on purpose, to be found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Broken {
    No,
    /// The hold of a middle partner still ends by time once it committed downstream.
    EndsByTime,
    /// A middle partner receipts when it is asked to, and not when the leaf did.
    SellsAtOnce,
    /// A middle partner holds before it is held for.
    HoldsUnheld,
    /// One that fell back ends its hold before its provider has shown what was committed there.
    UnspokenOf,
}

#[derive(Clone, Debug)]
struct Shape {
    /// Deals, the last at the leaf.
    deals: usize,
    crashes: u8,
    /// Old images put back at middle partners.
    losses: u8,
    broken: Broken,
}

impl Shape {
    fn of(deals: usize) -> Self {
        Self {
            deals,
            crashes: 0,
            losses: 0,
            broken: Broken::No,
        }
    }
}

/// What is sent, with the number of its deal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Letter {
    Hold(usize),
    Commit(usize),
    Release(usize),
    Receipt(usize),
    Refusal(usize),
}

/// A deal at its requester, as the second table of SPEC.md section 12 has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Asking {
    Requested,
    Kept,
    Doubt,
    Released,
    Agreed,
    Aborted,
}

/// The party that provides a deal. The leaf rests on stock, all others on the next deal.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Site {
    state: MiddleState,
    hold: Span,
    greeted: Greeted,
    /// Whether the requester above, and the provider below, have shown what they have of this one's
    /// since it fell back.
    above: Greeted,
    below: Greeted,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Action {
    /// The leaf holds.
    Hold,
    /// The requester at the top commits, or gives up.
    Accept,
    Cancel,
    /// A letter arrives.
    Deliver(Letter),
    Expire(usize),
    Pulse(usize),
    /// A middle partner looks at its part.
    Look(usize),
    Crash(usize),
    Lose(usize),
    /// The requester above greets.
    Greet(usize),
    /// The provider below greets one that fell back.
    Show(usize),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct World {
    /// Each deal at its requester and at its provider.
    asking: Vec<Asking>,
    sites: Vec<Site>,
    sent: BTreeSet<Letter>,
    /// The Commits that arrived.
    taken: BTreeSet<usize>,
    crashes: u8,
    losses: u8,
}

impl World {
    fn begun(shape: &Shape) -> Self {
        let site = Site {
            state: MiddleState::Asked,
            hold: Span::Runs,
            greeted: Greeted::All,
            above: Greeted::All,
            below: Greeted::All,
        };
        Self {
            asking: vec![Asking::Requested; shape.deals],
            sites: vec![site; shape.deals],
            sent: BTreeSet::new(),
            taken: BTreeSet::new(),
            crashes: 0,
            losses: 0,
        }
    }

    fn leaf(&self) -> usize {
        self.sites.len() - 1
    }

    fn actions(&self, shape: &Shape) -> Vec<Action> {
        let mut actions = vec![Action::Hold, Action::Accept, Action::Cancel];
        actions.extend(self.sent.iter().copied().map(Action::Deliver));
        for (at, site) in self.sites.iter().enumerate() {
            actions.push(match site.hold {
                Span::Runs => Action::Expire(at),
                Span::Over => Action::Pulse(at),
            });
            if at < self.leaf() {
                actions.push(Action::Look(at));
                if self.losses < shape.losses && site.state != MiddleState::Asked {
                    actions.push(Action::Lose(at));
                }
            }
            if self.crashes < shape.crashes {
                actions.push(Action::Crash(at));
            }
            if site.greeted == Greeted::Wanting {
                actions.push(Action::Greet(at));
            }
            if site.below == Greeted::Wanting {
                actions.push(Action::Show(at));
            }
        }
        actions
    }

    fn act(&mut self, shape: &Shape, action: Action) {
        match action {
            Action::Hold => self.put(shape, self.leaf(), MiddleInput::PartsHeld),
            Action::Accept if self.asking[0] == Asking::Kept => self.commit(0),
            Action::Cancel => self.give_back(0),
            Action::Accept => {}
            Action::Deliver(letter) => self.deliver(shape, letter),
            Action::Expire(at) => self.sites[at].hold = Span::Over,
            Action::Pulse(at) => {
                let passed = self.sites[at].state == MiddleState::Passed;
                if passed && shape.broken == Broken::EndsByTime {
                    self.end(at, MiddleState::Refused);
                }
                self.put(shape, at, MiddleInput::Over);
            }
            Action::Look(at) => self.look(shape, at),
            Action::Crash(at) => {
                self.crashes += 1;
                self.sites[at].greeted = Greeted::Wanting;
            }
            Action::Lose(at) => {
                self.losses += 1;
                let site = &mut self.sites[at];
                site.state = MiddleState::Held;
                site.greeted = Greeted::Wanting;
                site.above = Greeted::Wanting;
                site.below = Greeted::Wanting;
                self.asking[at + 1] = Asking::Kept;
            }
            Action::Greet(at) => self.greet(at),
            Action::Show(at) => self.show(at),
        }
    }

    /// The requester above shows the decision that it has; one that it has not is void from then on.
    fn greet(&mut self, at: usize) {
        let site = &mut self.sites[at];
        site.greeted = Greeted::All;
        if std::mem::replace(&mut site.above, Greeted::All) == Greeted::All {
            return;
        }
        match self.asking[at] {
            Asking::Agreed => self.sites[at].state = MiddleState::Sold,
            Asking::Aborted => self.sites[at].state = MiddleState::Refused,
            _ => {
                self.sent.remove(&Letter::Receipt(at));
                self.sent.remove(&Letter::Refusal(at));
            }
        }
    }

    /// The provider below shows the Commit that it has; one that it has not is void from then on.
    fn show(&mut self, at: usize) {
        self.sites[at].below = Greeted::All;
        let part = at + 1;
        if !self.taken.contains(&part) {
            self.sent.remove(&Letter::Commit(part));
        } else if self.asking[part] == Asking::Kept {
            self.asking[part] = Asking::Doubt;
        }
    }

    fn deliver(&mut self, shape: &Shape, letter: Letter) {
        match letter {
            Letter::Commit(deal) => {
                self.taken.insert(deal);
                self.put(shape, deal, MiddleInput::Commit);
            }
            Letter::Release(deal) => self.put(shape, deal, MiddleInput::Release),
            Letter::Hold(deal) if self.asking[deal] == Asking::Requested => {
                self.asking[deal] = Asking::Kept;
            }
            Letter::Receipt(deal) if self.asking[deal] == Asking::Doubt => {
                self.asking[deal] = Asking::Agreed;
            }
            Letter::Refusal(deal) if self.asking[deal] != Asking::Agreed => {
                self.asking[deal] = Asking::Aborted;
            }
            Letter::Hold(_) | Letter::Receipt(_) | Letter::Refusal(_) => {}
        }
    }

    fn look(&mut self, shape: &Shape, at: usize) {
        let part = self.asking[at + 1];
        let before_it = part == Asking::Requested && shape.broken == Broken::HoldsUnheld;
        match part {
            _ if before_it => self.put(shape, at, MiddleInput::PartsHeld),
            Asking::Kept => self.put(shape, at, MiddleInput::PartsHeld),
            Asking::Agreed => self.put(shape, at, MiddleInput::PartAgreed),
            Asking::Aborted => self.put(shape, at, MiddleInput::PartRefused),
            Asking::Requested | Asking::Doubt | Asking::Released => {}
        }
    }

    fn put(&mut self, shape: &Shape, at: usize, input: MiddleInput) {
        let ends = matches!(
            input,
            MiddleInput::Over | MiddleInput::Release | MiddleInput::Commit
        );
        let waits = ends && self.sites[at].below == Greeted::Wanting;
        if waits && shape.broken != Broken::UnspokenOf {
            return;
        }
        if at == self.leaf() {
            return self.decide(at, input);
        }
        let parts = match self.asking[at + 1] {
            Asking::Doubt | Asking::Agreed => Parts::Committed,
            Asking::Aborted => Parts::Refused,
            _ => Parts::Free,
        };
        let site = &self.sites[at];
        let facts = MiddleFacts {
            hold: site.hold,
            greeted: site.greeted,
            parts,
            ..facts()
        };
        let (next, acts) = step(site.state, input, &facts);
        self.sites[at].state = next;
        for act in acts {
            match act {
                Act::Hold => _ = self.sent.insert(Letter::Hold(at)),
                Act::Commit => {
                    self.commit(at + 1);
                    if shape.broken == Broken::SellsAtOnce {
                        self.end(at, MiddleState::Sold);
                    }
                }
                Act::Release => self.give_back(at + 1),
                Act::Receipt => self.end(at, MiddleState::Sold),
                Act::Refusal(_) => self.end(at, MiddleState::Refused),
                Act::Evidence => panic!("an honest party is accused: {input} at {at}"),
                _ => {}
            }
        }
    }

    /// The leaf, as the first table of SPEC.md section 12 has it.
    fn decide(&mut self, at: usize, input: MiddleInput) {
        let site = &self.sites[at];
        if site.greeted == Greeted::Wanting {
            return;
        }
        match (site.state, input) {
            (MiddleState::Asked, MiddleInput::PartsHeld) => {
                self.sites[at].state = MiddleState::Held;
                self.sent.insert(Letter::Hold(at));
            }
            (MiddleState::Held, MiddleInput::Commit) if site.hold == Span::Runs => {
                self.end(at, MiddleState::Sold);
            }
            (MiddleState::Asked, MiddleInput::Release | MiddleInput::Over)
            | (MiddleState::Held, MiddleInput::Commit | MiddleInput::Release | MiddleInput::Over) => {
                self.end(at, MiddleState::Refused)
            }
            _ => {}
        }
    }

    fn end(&mut self, at: usize, state: MiddleState) {
        self.sites[at].state = state;
        self.sent.insert(match state {
            MiddleState::Sold => Letter::Receipt(at),
            _ => Letter::Refusal(at),
        });
    }

    fn commit(&mut self, deal: usize) {
        if self.asking[deal] == Asking::Kept {
            self.asking[deal] = Asking::Doubt;
            self.sent.insert(Letter::Commit(deal));
        }
    }

    /// Waits, as all does, until a provider has shown what it has.
    fn give_back(&mut self, deal: usize) {
        if deal > 0 && self.sites[deal - 1].below == Greeted::Wanting {
            return;
        }
        if matches!(self.asking[deal], Asking::Requested | Asking::Kept) {
            self.asking[deal] = Asking::Released;
            self.sent.insert(Letter::Release(deal));
        }
    }

    fn complaint(&self) -> Option<&'static str> {
        let sent = |letter| self.sent.contains(&letter);
        for deal in 0..self.sites.len() {
            if sent(Letter::Receipt(deal)) && sent(Letter::Refusal(deal)) {
                return Some("I7: decided twice");
            }
            if sent(Letter::Commit(deal)) && sent(Letter::Release(deal)) {
                return Some("I11: committed and released");
            }
            let below = deal + 1;
            if below > self.leaf() {
                continue;
            }
            if sent(Letter::Receipt(deal)) && !sent(Letter::Receipt(below)) {
                return Some("I24: agreed before the deal below");
            }
            if sent(Letter::Refusal(deal)) && sent(Letter::Receipt(below)) {
                return Some("I24: refused above what is agreed");
            }
            if sent(Letter::Hold(deal)) && !sent(Letter::Hold(below)) {
                return Some("I25: holds what is not held");
            }
        }
        None
    }

    /// Everything arrives, everybody greets, and holds end, until nothing changes any more.
    fn heal(&mut self, shape: &Shape) {
        self.settle(shape, |action| !matches!(action, Action::Expire(_)));
        self.act(shape, Action::Cancel);
        self.settle(shape, |_| true);
    }

    fn settle(&mut self, shape: &Shape, happens: impl Fn(&Action) -> bool) {
        loop {
            let before = self.clone();
            for action in self.actions(shape) {
                let by_itself = !matches!(
                    action,
                    Action::Hold
                        | Action::Accept
                        | Action::Cancel
                        | Action::Crash(_)
                        | Action::Lose(_)
                );
                if by_itself && happens(&action) {
                    self.act(shape, action);
                }
            }
            if *self == before {
                return;
            }
        }
    }

    /// What is wrong once nothing changes any more.
    fn unsettled(&self) -> Option<String> {
        if let Some(complaint) = self.complaint() {
            return Some(complaint.to_owned());
        }
        let agreed = self.asking[0] == Asking::Agreed;
        let (asking, site) = match agreed {
            true => (Asking::Agreed, MiddleState::Sold),
            false => (Asking::Aborted, MiddleState::Refused),
        };
        let alike = self.asking.iter().all(|one| *one == asking)
            && self.sites.iter().all(|one| one.state == site);
        (!alike).then(|| format!("I24: not all end alike, agreed above: {agreed}"))
    }
}

/// All states that can be reached, or what is wrong in one of them.
fn explore(shape: &Shape, check: impl Fn(&World) -> Option<String>) -> Result<usize, String> {
    search::explore(
        World::begun(shape),
        |world| world.actions(shape),
        |world, action| world.act(shape, action),
        check,
    )
}

fn honest(shape: &Shape) -> impl Fn(&World) -> Option<String> {
    move |world| {
        if let Some(complaint) = world.complaint() {
            return Some(complaint.to_owned());
        }
        let mut healed = world.clone();
        healed.heal(shape);
        healed.unsettled()
    }
}

/// Three deals, the deepest here: two middle partners, one of which rests on the other.
#[test]
fn i24_all_orders_of_a_chain_alone_end_alike() {
    let with = |deals, crashes, losses| Shape {
        crashes,
        losses,
        ..Shape::of(deals)
    };
    let shapes = [
        (with(2, 2, 0), 2_000),
        (with(2, 1, 1), 5_000),
        (with(3, 0, 0), 2_000),
        (with(3, 1, 0), 10_000),
        (with(3, 0, 1), 20_000),
        (with(3, 2, 0), 20_000),
        (with(4, 0, 0), 10_000),
        (with(3, 1, 1), 50_000),
        (with(4, 1, 1), 50_000),
    ];
    let count = usize::try_from(number_from("OMNI_CHAIN_SHAPES", 7)).unwrap();
    for (shape, least) in shapes.iter().take(count) {
        let found = explore(shape, honest(shape)).unwrap();
        println!("{found} states of {shape:?}");
        assert!(found >= *least, "only {found} states of {shape:?}");
    }
}

#[test]
fn what_is_broken_in_a_chain_alone_is_found() {
    for (broken, losses, expected) in [
        (Broken::EndsByTime, 0, "I24: refused"),
        (Broken::SellsAtOnce, 0, "I24: agreed"),
        (Broken::HoldsUnheld, 0, "I25"),
        // It even releases what it committed.
        (Broken::UnspokenOf, 1, "I"),
    ] {
        let shape = Shape {
            losses,
            broken,
            ..Shape::of(3)
        };
        let found = explore(&shape, |world| world.complaint().map(str::to_owned));
        let complaint = found.expect_err("a broken rule shows");
        assert!(complaint.starts_with(expected), "{broken:?}: {complaint}");
    }
}

/// One random order of events in a chain of five deals, as drawn.
fn run(shape: &Shape, drawn: &[u16]) -> World {
    let mut world = World::begun(shape);
    for drawn in drawn {
        let mut actions = world.actions(shape);
        // Else nothing would ever be committed.
        actions.retain(|action| match action {
            Action::Cancel => drawn.is_multiple_of(64),
            Action::Expire(_) => drawn.is_multiple_of(128),
            _ => true,
        });
        let chosen = usize::from(*drawn) * actions.len() / (usize::from(u16::MAX) + 1);
        world.act(shape, actions[chosen]);
        assert_eq!(world.complaint(), None, "{world:#?}");
    }
    world
}

fn large() -> Shape {
    Shape {
        crashes: 4,
        losses: 1,
        ..Shape::of(5)
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: u32::try_from(number_from("OMNI_CHAINS", 400)).unwrap(),
        ..ProptestConfig::default()
    })]

    #[test]
    fn i25_random_orders_of_a_long_chain_end_alike(
        drawn in prop::collection::vec(any::<u16>(), 0..500),
    ) {
        let shape = large();
        let mut world = run(&shape, &drawn);
        world.heal(&shape);
        prop_assert_eq!(world.unsettled(), None);
    }
}

/// The random runs are of use only if many of them commit and some do not.
#[test]
fn random_orders_of_a_chain_come_to_both_ends() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};

    let (shape, mut runner) = (large(), TestRunner::deterministic());
    let orders = prop::collection::vec(any::<u16>(), 300..=500);
    let mut ends = [0, 0];
    for _ in 0..200 {
        let mut world = run(&shape, &orders.new_tree(&mut runner).unwrap().current());
        world.heal(&shape);
        ends[usize::from(world.asking[0] != Asking::Agreed)] += 1;
    }
    println!("agreed and aborted: {ends:?}");
    assert!(
        ends.iter().all(|end| *end > 10),
        "agreed and aborted: {ends:?}"
    );
}
