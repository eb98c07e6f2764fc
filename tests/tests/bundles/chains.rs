//! Chains alone between production machines: who holds when, how all deals of a chain end, and what
//! befalls whoever is in the middle.

use omni_protocol::{
    code::Code,
    deal::Deal,
    hash::{DealId, ThreadId},
    limits::{CHAIN_DEPTH_MAX, CHAIN_MARGIN_MS},
    machine::{Grant, Input, Policy, Short, Verb, Verdict},
    thread::Happening,
    value::{Minor, Money, Prose, Text},
};
use omni_tests::market::Node;

use omni_tests::party::{MINUTE_MS, Party, What, made, policy};

/// A line of nodes of which each provides to the one before it. Those in the middle have nothing on
/// the shelf.
#[derive(Clone)]
pub struct Line {
    pub party: Party,
    /// What each but the first provides to the one before it.
    pub deals: Vec<DealId>,
}

fn asking() -> Policy {
    Policy {
        short: Short::Ask,
        ..policy()
    }
}

impl Line {
    /// Nobody has asked for anything.
    pub fn new(deals: usize) -> Self {
        let mut party = Party::new(vec![asking(); deals + 1]);
        for one in 1..deals {
            party.befriend(one, one + 1);
            party.count(one, 0);
        }
        for (one, other) in party.pairs() {
            if other > one + 1 {
                party.disconnect(one, other);
            }
        }
        party.settle();
        Self {
            party,
            deals: Vec::new(),
        }
    }

    /// The first asks, and each in the middle asks on.
    pub fn ask(&mut self) {
        let first = self.party.request(1, 1);
        self.deals = vec![first];
        self.party.settle();
        for at in 1..self.party.nodes.len() - 1 {
            let verdict = self.party.source(at, self.deals[at - 1], at + 1);
            self.deals.push(made(&verdict));
            self.party.settle();
        }
    }

    pub fn held(deals: usize) -> Self {
        let mut line = Self::new(deals);
        line.ask();
        assert_eq!(line.states(), vec![("held", "held"); deals]);
        line
    }

    fn thread(&self, at: usize, deal: usize) -> ThreadId {
        Deal::read(&self.party.nodes[at].store, self.deals[deal])
            .unwrap()
            .thread
    }

    /// The one in the middle restarts, and is committed to before it meets who provides its part.
    #[track_caller]
    fn commits_before_the_part_is_met(&mut self) {
        self.party.restart(1);
        self.party.connect(0, 1);
        self.party.settle();
        self.accept();
        self.party.settle();
        assert_eq!(self.states(), [("doubt", "held"), ("held", "held")]);
    }

    /// The one in the middle loses what the one above alone has seen of it.
    fn falls_back(&mut self) {
        self.party.cut_off(1);
        let copy = self.party.nodes[1].clone();
        self.party.go_on(1);
        self.party.connect(0, 1);
        self.party.settle();
        self.party.put_back(1, copy);
    }

    fn opens_an_epoch(&mut self) {
        self.party.connect(0, 1);
        self.party.settle();
        assert_eq!(self.party.put(1, Input::OpenEpoch).verdict, Verdict::Done);
        self.party.settle();
    }

    /// The operator at the top commits.
    pub fn accept(&mut self) -> Verdict {
        let thread = self.thread(0, 0);
        let alternative = 0;
        self.party.verb(
            0,
            Verb::Accept {
                thread,
                alternative,
            },
        )
    }

    /// Each deal at its requester and at its provider.
    pub fn states(&self) -> Vec<(&'static str, &'static str)> {
        let deals = self.deals.iter().enumerate();
        deals
            .map(|(at, deal)| (self.party.state(at, *deal), self.party.state(at + 1, *deal)))
            .collect()
    }

    /// All ended like this, nothing is held or in doubt, and nobody asks any more.
    #[track_caller]
    pub fn ended(&mut self, agreed: bool) {
        let expected = if agreed {
            ("agreed", "sold")
        } else {
            ("aborted", "refused")
        };
        assert_eq!(self.states(), vec![expected; self.deals.len()]);
        let leaf = self.deals.len();
        for at in 0..leaf {
            let (here, there) = (
                self.party.account(at, at + 1),
                self.party.account(at + 1, at),
            );
            assert_eq!(here.doubt.get(), 0, "in doubt at {at}");
            assert_eq!(there.held.get(), 0, "held for {at}");
            assert_eq!(here.payable, there.receivable, "owed by {at}");
            let stock = self.party.stock(at + 1);
            let sold = u64::from(agreed && at + 1 == leaf);
            assert_eq!((stock.held, stock.sold), (0, sold), "stock of {}", at + 1);
        }
        for at in 0..=leaf {
            assert_eq!(self.party.questions(at), [""; 0], "asked by {at}");
        }
        self.party.verify();
    }

    /// Everybody meets, and what is over is noticed.
    pub fn heal(&mut self) {
        for _ in 0..3 {
            for at in 0..self.deals.len() {
                self.party.connect(at, at + 1);
            }
            self.party.settle();
            self.party.open_epochs();
            self.party.wait(2 * MINUTE_MS);
        }
    }

    /// What the leaf says first of its order.
    fn packed(&self) -> Verb {
        Verb::Happen {
            order: self.deals[2],
            what: Happening::Packed,
            occurred: self.party.nodes[3].now(),
            lines: Vec::new(),
            reference: Text::default(),
            note: Prose::new("").unwrap(),
        }
    }

    fn until(&self, at: usize, deal: usize) -> u64 {
        let known = Deal::read(&self.party.nodes[at].store, self.deals[deal]);
        known.unwrap().until.ms()
    }
}

#[test]
fn holds_come_up_and_commits_go_down() {
    for deals in 2..=usize::from(CHAIN_DEPTH_MAX) + 1 {
        let mut line = Line::held(deals);
        for deal in 1..deals {
            let ends = line.until(deal, deal - 1) + CHAIN_MARGIN_MS;
            assert!(ends <= line.until(deal, deal), "{deal} of {deals}");
            assert_eq!(line.party.stock(deal).held, 0, "no own stock is promised");
        }
        assert!(matches!(line.accept(), Verdict::Made(_)));
        line.party.settle();
        line.ended(true);
    }
}

#[test]
fn nobody_holds_before_it_is_held_for() {
    let mut line = Line::new(3);
    line.party.disconnect(2, 3);
    let first = line.party.request(1, 1);
    line.party.settle();
    let second = made(&line.party.source(1, first, 2));
    line.party.settle();
    line.deals = vec![first, second];
    assert_eq!(line.states(), [("requested", "asked"); 2]);
    // Sourcing is refused twice over, and where it makes no sense.
    let refused = |code| Verdict::Refused(code);
    assert_eq!(line.party.source(1, first, 2), refused(Code::InChain));
    assert_eq!(line.party.source(2, second, 1), refused(Code::InChain));
    assert_eq!(line.party.source(0, first, 1), refused(Code::Outdated));
    // By the time of their Requests all is given up.
    line.party.wait(21 * MINUTE_MS);
    line.heal();
    line.ended(false);
}

#[test]
fn a_plan_says_what_sourcing_would_and_changes_nothing() {
    let mut line = Line::new(2);
    let first = line.party.request(1, 1);
    line.party.settle();
    let before = line.party.nodes[1].store.clone();
    let sourcing = line.party.sourcing(1, first, 2);
    let plan = Verb::PlanSource(sourcing);
    assert_eq!(line.party.verb(1, plan.clone()), Verdict::Done);
    assert_eq!(line.party.nodes[1].store, before);
    assert!(line.party.mail.is_empty(), "nothing is sent");
    made(&line.party.source(1, first, 2));
    let refused = Verdict::Refused(Code::InChain);
    assert_eq!(line.party.verb(1, plan), refused);
}

#[test]
fn a_chain_ends_and_does_not_close() {
    let deals = usize::from(CHAIN_DEPTH_MAX) + 2;
    let mut line = Line::new(deals);
    let mut above = line.party.request(1, 1);
    line.party.settle();
    for at in 1..deals - 1 {
        above = made(&line.party.source(at, above, at + 1));
        line.party.settle();
    }
    let deeper = line.party.source(deals - 1, above, deals);
    assert_eq!(deeper, Verdict::Refused(Code::TooLarge));

    // The second asks one that asked the first, which has the chain already.
    let mut line = Line::new(3);
    line.party.befriend(1, 3);
    line.party.connect(1, 3);
    line.party.count(3, 0);
    line.ask();
    let around = made(&line.party.source(3, line.deals[2], 1));
    line.party.settle();
    assert_eq!(line.party.state(3, around), "aborted");
    assert_eq!(line.states(), [("requested", "asked"); 3]);
}

#[test]
fn what_a_hold_rests_on_is_decided_through_it_alone() {
    let mut line = Line::held(2);
    let part = line.deals[1];
    let cancel = Verb::Cancel { deal: part };
    let refused = |code| Verdict::Refused(code);
    assert_eq!(line.party.verb(1, cancel), refused(Code::HoldStands));
    let thread = line.thread(1, 1);
    let alternative = 0;
    let accept = Verb::Accept {
        thread,
        alternative,
    };
    assert_eq!(line.party.verb(1, accept), refused(Code::InChain));
    let cancel = |deal| Verb::Cancel { deal };
    let upper = line.deals[0];
    assert_eq!(line.party.verb(1, cancel(upper)), refused(Code::HoldStands));
    // In a new life its Commit can't be signed before the provider has greeted, so the one above is
    // not taken.
    line.commits_before_the_part_is_met();
    line.party.connect(1, 2);
    line.heal();
    line.ended(true);
}

/// It is over above, and its provider has yet to greet. What was refused of the same chain does not
/// stand above it.
#[test]
fn a_part_that_is_to_be_given_back_is_not_committed() {
    let mut line = Line::new(4);
    line.party.befriend(1, 4);
    line.party.connect(1, 4);
    line.party.count(4, 0);
    line.ask();
    for _ in 0..8 {
        let around = made(&line.party.source(4, line.deals[3], 1));
        line.party.settle();
        assert_eq!(line.party.state(1, around), "refused");
    }
    let accept = |line: &Line, at: usize, deal: usize| Verb::Accept {
        thread: line.thread(at, deal),
        alternative: 0,
    };
    line.party.count(4, 1);
    made(&line.party.verb(4, accept(&line, 4, 3)));
    line.party.settle();
    assert_eq!(line.states(), [("held", "held"); 4]);
    line.party.restart(1);
    line.party.connect(0, 1);
    line.party.settle();
    let deal = line.deals[0];
    line.party.verb(0, Verb::Cancel { deal });
    line.party.settle();
    assert_eq!(line.states()[0], ("aborted", "refused"));
    assert_eq!(line.states()[1], ("held", "held"));
    let refused = Verdict::Refused(Code::InChain);
    assert_eq!(line.party.verb(1, accept(&line, 1, 1)), refused);
    line.heal();
    line.ended(false);
}

#[test]
fn what_is_given_back_or_over_is_given_back_below() {
    let mut line = Line::held(3);
    let deal = line.deals[0];
    assert!(matches!(
        line.party.verb(0, Verb::Cancel { deal }),
        Verdict::Made(_)
    ));
    line.party.settle();
    line.ended(false);

    // Before it is held too, though the one in the middle comes back only later.
    let mut line = Line::new(3);
    line.party.cut_off(3);
    line.deals = vec![line.party.request(1, 1)];
    line.party.settle();
    for at in 1..3 {
        let part = line.party.source(at, line.deals[at - 1], at + 1);
        if let Verdict::Made(_) = part {
            line.deals.push(made(&part));
        }
        line.party.settle();
    }
    let deal = line.deals[0];
    line.party.verb(0, Verb::Cancel { deal });
    line.heal();
    line.ended(false);

    let mut line = Line::held(3);
    line.party.wait(20 * MINUTE_MS);
    line.ended(false);
}

#[test]
fn a_leaf_that_refuses_refuses_all() {
    let mut line = Line::held(3);
    // Its clock runs ahead, beyond the end of its hold.
    line.party.nodes[3].ms += 16 * MINUTE_MS;
    line.accept();
    line.party.settle();
    line.ended(false);
}

#[test]
fn a_hold_that_is_passed_on_does_not_end_by_time() {
    for receipts in [false, true] {
        let mut line = Line::held(3);
        line.accept();
        // The leaf gets the Commit, and its answer waits; or it gets nothing.
        while let Some(mail) = line.party.mail.pop_front() {
            let is_leaf = (mail.from, mail.to) == (2, 3);
            if !is_leaf || receipts {
                line.party.deliver(mail);
            }
            if is_leaf {
                line.party.cut_off(3);
                line.party.settle();
            }
        }
        let below = if receipts { "sold" } else { "held" };
        let expected = [("doubt", "passed"), ("doubt", "passed"), ("doubt", below)];
        assert_eq!(line.states(), expected);
        line.party.wait(30 * MINUTE_MS);
        assert_eq!(line.states()[..2], expected[..2]);
        for at in 1..3 {
            let deal = line.deals[at - 1];
            let cancel = line.party.verb(at, Verb::Cancel { deal });
            assert_eq!(cancel, Verdict::Refused(Code::InDoubt));
        }
        let packed = line.packed();
        if receipts {
            // Whoever bought it may not know yet: nothing is sent before its Ack.
            let early = line.party.verb(3, packed.clone());
            assert_eq!(early, Verdict::Refused(Code::InDoubt));
        }
        line.heal();
        line.ended(receipts);
        let packed = line.party.verb(3, packed);
        assert_eq!(matches!(packed, Verdict::Made(_)), receipts, "{packed:?}");
    }
}

#[test]
fn who_lets_itself_owe_too_little_holds_nothing() {
    let mut line = Line::new(2);
    let partner = line.party.partner(2);
    let limit = Money {
        minor: Minor::new(1_500).unwrap(),
        currency: "EUR".parse().unwrap(),
    };
    let budget = Grant::Budget { partner, limit };
    line.party.nodes[1].must(Input::Grant(budget));
    line.ask();
    let first = std::mem::take(&mut line.deals);
    assert_eq!(line.party.state(1, first[0]), "held");
    // One part is within it, and a second would not be, though the first is not committed yet.
    line.ask();
    assert_eq!(line.states(), [("aborted", "refused"); 2]);
    line.deals = first;
    line.accept();
    line.party.settle();
    assert_eq!(line.states(), [("agreed", "sold"); 2]);
}

/// What each node has kept at each step of a chain that is agreed.
fn copies(line: &mut Line) -> Vec<(usize, Node)> {
    let mut copies = Vec::new();
    line.accept();
    loop {
        for (at, node) in line.party.nodes.iter().enumerate() {
            let is_new = copies
                .iter()
                .rev()
                .find(|(of, _): &&(usize, Node)| *of == at)
                .is_none_or(|(_, last)| last.store != node.store);
            if is_new {
                copies.push((at, node.clone()));
            }
        }
        let Some(mail) = line.party.mail.pop_front() else {
            return copies;
        };
        line.party.deliver(mail);
    }
}

#[test]
fn i24_whoever_falls_back_or_restarts_a_chain_ends_alike() {
    let mut whole = Line::held(3);
    let copies = copies(&mut whole);
    assert!(copies.len() > 12, "only {} steps", copies.len());
    for (step, (loser, copy)) in copies.into_iter().enumerate() {
        let context = format!("{loser} fell back to step {step}");
        let mut line = whole.clone();
        line.party.put_back(loser, copy);
        for node in &mut line.party.nodes {
            node.ms += 30 * MINUTE_MS;
        }
        line.heal();
        line.heal();
        let states = line.states();
        assert_eq!(states, [("agreed", "sold"); 3], "{context}");
        line.party.verify();
    }
}

/// At each moment all that is under way is lost, one in the middle falls back to any copy of it, and
/// meets who bought from it long before it meets the rest.
#[test]
fn i24_who_falls_back_in_the_middle_loses_nothing_by_whom_it_meets_first() {
    let mut line = Line::held(3);
    let mut copies: Vec<(usize, Node)> = Vec::new();
    for at in 1..3 {
        copies.push((at, line.party.nodes[at].clone()));
    }
    line.accept();
    let mut agreed = 0;
    loop {
        for at in 1..3 {
            let node = &line.party.nodes[at];
            if copies.iter().all(|(_, copy)| copy.store != node.store) {
                copies.push((at, node.clone()));
            }
        }
        for (loser, copy) in &copies {
            let mut line = line.clone();
            line.party.put_back(*loser, copy.clone());
            (0..4).for_each(|at| line.party.cut_off(at));
            line.party.wait(30 * MINUTE_MS);
            line.party.connect(loser - 1, *loser);
            line.party.settle();
            line.heal();
            line.heal();
            let states = line.states();
            let alike = |state| states == vec![state; 3];
            let is_agreed = alike(("agreed", "sold"));
            assert!(
                is_agreed || alike(("aborted", "refused")),
                "{loser}: {states:?}"
            );
            line.party.verify();
            agreed += usize::from(is_agreed);
        }
        let Some(mail) = line.party.mail.pop_front() else {
            break;
        };
        line.party.deliver(mail);
    }
    assert!(agreed > 0);
}

/// The end of a hold of an earlier epoch is not said before whoever asked for it has spoken of it,
/// and nothing else waits for that.
#[test]
fn i24_an_end_that_waits_to_be_said_holds_nothing_else_up() {
    let mut line = Line::held(2);
    let party = &mut line.party;
    let copy = party.nodes[1].clone();
    party.go_on(1);
    for other in [0, 2] {
        party.disconnect(other, 1);
        party.connect(other, 1);
    }
    party.settle();
    party.put_back(1, copy);
    party.wait(30 * MINUTE_MS);
    for other in [2, 0] {
        party.connect(other, 1);
        party.settle();
    }
    assert_eq!(party.put(1, Input::OpenEpoch).verdict, Verdict::Done);
    // All greet, and of what else is said at the top all is lost.
    while let Some(mail) = party.mail.pop_front() {
        let is_below = mail.from != 0 && mail.to != 0;
        if is_below || matches!(&mail.what, What::Greeting(_)) {
            party.deliver(mail);
        }
    }
    assert_eq!(party.state(1, line.deals[0]), "held");
    assert!(party.nodes[1].machine.lives(party.partner(0)).is_some());
    party.nodes[1].ms += MINUTE_MS;
    assert_eq!(party.put(1, Input::Pulse).verdict, Verdict::Done);
    line.heal();
    line.ended(false);
}

#[test]
fn i24_a_chain_that_everybody_restarts_in_ends_alike() {
    for node in 0..4 {
        for carried in 0..12 {
            let mut line = Line::held(3);
            line.accept();
            for _ in 0..carried {
                if let Some(mail) = line.party.mail.pop_front() {
                    line.party.deliver(mail);
                }
            }
            line.party.restart(node);
            line.heal();
            line.ended(true);
        }
    }
}

/// The one in the middle fell back, and the Commit from above, which it may have passed on before that,
/// comes before its part was spoken of: it is answered as soon as that was, and not a pause later.
#[test]
fn i24_a_commit_that_came_before_its_part_was_spoken_of_is_asked_for() {
    for was_passed in [false, true] {
        let mut line = Line::held(2);
        if was_passed {
            line.accept();
            while line.states()[0] != ("doubt", "passed") {
                line.party.round();
            }
        }
        line.falls_back();
        line.accept();
        line.opens_an_epoch();
        let expected = if was_passed { "passed" } else { "held" };
        assert_eq!(line.states()[0], ("doubt", expected));
        line.party.connect(1, 2);
        line.party.settle();
        assert_eq!(line.states(), [("agreed", "sold"); 2]);
    }
}

/// The one in the middle restarted, and the Commit from above comes before it has met who provides
/// its part.
#[test]
fn i24_a_commit_that_came_before_its_part_was_met_is_asked_for() {
    let mut line = Line::held(2);
    line.commits_before_the_part_is_met();
    line.party.connect(1, 2);
    line.party.settle();
    line.ended(true);
}
