//! Bundles between production machines while letters are lost, repeated and late, links break, and
//! nodes restart. Each run is made by one seed, which a failure names.

use omni_protocol::{
    hash::DealId,
    machine::{Bundling, Key, Verb},
};

use omni_tests::market::Node;

use crate::party::{MINUTE_MS, Party};

const SEEDS: u64 = 120;
const STEPS: usize = 120;

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

struct Storm {
    party: Party,
    chance: Chance,
    deals: Vec<DealId>,
    legs: Vec<usize>,
    /// The node that may lose what it wrote last, if one does: an old copy of it.
    loser: Option<usize>,
    copy: Option<Node>,
    has_lost: bool,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let count = 3 + chance.below(2);
        let mut party = Party::of(count);
        party.settle();
        let mut legs: Vec<usize> = (1..count).collect();
        if chance.one_in(3) {
            legs.push(1);
        }
        let (bundle, deals) = party.collect(&legs);
        if chance.one_in(3) {
            let deal = Some(deals[chance.below(deals.len())]);
            party.word(Bundling::Last { bundle, deal });
        }
        let mut storm = Self {
            party,
            chance,
            deals,
            legs,
            loser: None,
            copy: None,
            has_lost: false,
        };
        if storm.chance.one_in(2) {
            storm.loser = Some(storm.node());
        }
        // Before it is committed something may go wrong already.
        for _ in 0..storm.chance.below(6) {
            storm.step();
        }
        storm.party.commit(bundle);
        storm
    }

    fn node(&mut self) -> usize {
        self.chance.below(self.party.nodes.len())
    }

    fn step(&mut self) {
        match self.chance.below(20) {
            0..=11 if !self.party.mail.is_empty() => self.carry(),
            0..=12 => {
                let ms = [500, 3_000, 70_000, 6 * MINUTE_MS][self.chance.below(4)];
                let one = self.chance.below(2 * self.party.nodes.len());
                match self.party.nodes.get_mut(one) {
                    Some(node) => node.ms += ms,
                    None => self.party.nodes.iter_mut().for_each(|node| node.ms += ms),
                }
            }
            13 | 14 => {
                let at = self.node();
                self.party.put(at, omni_protocol::machine::Input::Pulse);
            }
            15 => {
                let pairs = self.party.pairs();
                let (one, other) = pairs[self.chance.below(pairs.len())];
                if self.chance.one_in(3) {
                    self.party.disconnect(one, other);
                } else {
                    self.party.connect(one, other);
                }
            }
            16 => {
                let at = self.node();
                if self.loser == Some(at) && self.chance.one_in(2) {
                    self.copy_or_put_back(at);
                } else if self.chance.one_in(2) {
                    self.party.restart(at);
                }
            }
            17 | 18 => {
                let place = self.chance.below(self.deals.len());
                let deal = self.deals[place];
                self.party
                    .verb(self.legs[place], Verb::Bundle(Bundling::Lapse { deal }));
            }
            _ => {
                let place = self.chance.below(self.deals.len());
                let deal = self.deals[place];
                let verb = match self.chance.below(4) {
                    0 => Verb::WriteOff { deal },
                    _ => Verb::Cancel { deal },
                };
                let at = *[0, self.legs[place]].get(self.chance.below(2)).unwrap();
                self.party.verb(at, verb);
            }
        }
    }

    /// An old copy is made, or put back.
    fn copy_or_put_back(&mut self, at: usize) {
        match self.copy.take() {
            None => self.copy = Some(self.party.nodes[at].clone()),
            Some(copy) => {
                self.has_lost = true;
                self.party.put_back(at, copy);
            }
        }
    }

    /// One message arrives, once, twice, now and later, or never.
    fn carry(&mut self) {
        let index = self.chance.below(self.party.mail.len());
        let mail = self.party.mail.remove(index).unwrap();
        match self.chance.below(10) {
            0 => {}
            1 => {
                self.party.deliver(mail.clone());
                self.party.deliver(mail);
            }
            2 => {
                self.party.mail.push_back(mail.clone());
                self.party.deliver(mail);
            }
            _ => self.party.deliver(mail),
        }
    }

    fn heal(&mut self) {
        let latest = self.party.nodes.iter().map(|node| node.ms).max().unwrap();
        for node in &mut self.party.nodes {
            node.ms = latest;
        }
        // A greeting that a session lost comes with the next one.
        for (one, other) in self.party.pairs() {
            self.party.disconnect(one, other);
        }
        for _ in 0..12 {
            self.party.connect_all();
            self.party.settle();
            self.party.open_epochs();
            self.party.wait(2 * MINUTE_MS);
        }
    }

    fn judge(&mut self) {
        let states = self.party.states(&self.deals, &self.legs);
        let lapsed = |state: &(&str, &str)| state.1 == "lapsed";
        let agreed = states.iter().any(|(here, _)| *here == "agreed");
        for (place, (here, there)) in states.iter().enumerate() {
            let expected: &[&str] = match *here {
                "agreed" => &["sold"],
                "aborted" if agreed => &["lapsed"],
                "aborted" => &["refused", "lapsed"],
                // It was never committed.
                "held" if !states.iter().any(lapsed) => &["held", "refused"],
                other => panic!("deal {place} is {other}: {states:?}"),
            };
            assert!(expected.contains(there), "deal {place}: {states:?}");
        }
        for (at, node) in self.party.nodes.iter().enumerate() {
            // Who lost what it signed may contradict it unknowingly.
            let loser = self.loser.filter(|_| self.has_lost);
            let loser = loser.map(|loser| self.party.partner(loser));
            let accuses =
                node.store.0.keys().any(
                    |key| matches!(key, Key::Evidence { accused, .. } if Some(*accused) != loser),
                );
            assert!(!accuses, "{at} accuses an honest partner");
            let held = self.party.stock(at).held;
            assert_eq!(held, 0, "something is held at {at}");
            assert_eq!(
                self.party.questions(at),
                [""; 0],
                "asked by {at}: {states:?}"
            );
        }
        self.party.verify();
    }
}

fn run(seed: u64) -> bool {
    let mut storm = Storm::new(seed);
    for _ in 0..STEPS {
        storm.step();
    }
    storm.heal();
    storm.judge();
    let mut states = storm.deals.iter().map(|deal| storm.party.state(0, *deal));
    states.any(|state| state == "agreed")
}

#[test]
fn i21_honest_members_end_alike_through_loss_and_restarts() {
    let mut agreed = 0;
    for seed in 0..SEEDS {
        println!("seed {seed}");
        agreed += u64::from(run(seed));
    }
    assert!(agreed > SEEDS / 5 && agreed < SEEDS, "{agreed} of {SEEDS}");
}
