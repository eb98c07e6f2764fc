//! Bundles between production machines while letters are lost, repeated and late, links break, and
//! nodes restart. Each run is made by one seed, which a failure names.

use omni_protocol::{
    hash::DealId,
    machine::{Bundling, Verb},
};
use omni_tests::party::Party;

use crate::weather::{Chance, Weather, storms};

const SEEDS: u64 = 120;
const STEPS: usize = 120;

struct Storm {
    party: Party,
    weather: Weather,
    deals: Vec<DealId>,
    legs: Vec<usize>,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
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
            weather: Weather::new(chance, &party),
            party,
            deals,
            legs,
        };
        // Before it is committed something may go wrong already.
        for _ in 0..storm.weather.chance.below(6) {
            storm.step();
        }
        storm.party.commit(bundle);
        storm
    }

    fn step(&mut self) {
        let chance = &mut self.weather.chance;
        match chance.below(20) {
            0..=16 => self.weather.strike(&mut self.party),
            17 | 18 => {
                let place = chance.below(self.deals.len());
                let deal = self.deals[place];
                self.party
                    .verb(self.legs[place], Verb::Bundle(Bundling::Lapse { deal }));
            }
            _ => {
                let place = chance.below(self.deals.len());
                let deal = self.deals[place];
                let verb = match chance.below(4) {
                    0 => Verb::WriteOff { deal },
                    _ => Verb::Cancel { deal },
                };
                let at = *[0, self.legs[place]].get(chance.below(2)).unwrap();
                self.party.verb(at, verb);
            }
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
        self.weather.judge(&self.party);
        for at in 0..self.party.nodes.len() {
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
    storm.weather.heal(&mut storm.party);
    storm.judge();
    let mut states = storm.deals.iter().map(|deal| storm.party.state(0, *deal));
    states.any(|state| state == "agreed")
}

#[test]
fn i21_honest_members_end_alike_through_loss_and_restarts() {
    storms(SEEDS, 5, run);
}
