//! Chains alone between production machines while letters are lost, repeated and late, links break,
//! and nodes restart or fall back. Each run is made by one seed, which a failure names.

use omni_protocol::{
    hash::DealId,
    machine::{Verb, Verdict},
};
use omni_tests::{effort::number_from, party::made};

use crate::{
    chains::Line,
    weather::{Chance, Weather, storms},
};

const STEPS: usize = 150;

struct Storm {
    line: Line,
    weather: Weather,
    /// What each node asked for, the top first.
    asked: Vec<Vec<DealId>>,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let deals = 2 + chance.below(2);
        let line = Line::new(deals);
        let mut storm = Self {
            weather: Weather::new(chance, &line.party),
            asked: vec![Vec::new(); deals],
            line,
        };
        // Often all is held before the weather comes: else little would ever be committed.
        if storm.weather.chance.one_in(4) {
            let top = storm.line.party.request(1, 1);
            storm.asked[0].push(top);
            return storm;
        }
        storm.line.ask();
        for (asked, deal) in storm.asked.iter_mut().zip(&storm.line.deals) {
            asked.push(*deal);
        }
        storm.line.deals.truncate(1);
        storm.line.accept();
        storm
    }

    fn step(&mut self) {
        let chance = &mut self.weather.chance;
        match chance.below(20) {
            0..=14 => self.weather.strike(&mut self.line.party),
            15 | 16 => {
                let at = 1 + chance.below(self.asked.len() - 1);
                self.source(at);
            }
            17 | 18 => {
                self.line.deals.clone_from(&self.asked[0]);
                self.line.accept();
            }
            _ if chance.one_in(3) => {
                let at = chance.below(self.asked.len());
                let side = chance.below(2);
                let deals = &self.asked[at];
                let Some(deal) = deals.get(chance.below(deals.len().max(1))).copied() else {
                    return;
                };
                let verb = match chance.below(4) {
                    0 => Verb::WriteOff { deal },
                    _ => Verb::Cancel { deal },
                };
                self.line.party.verb(at + side, verb);
            }
            _ => {}
        }
    }

    /// The operator of a node asks for what one before it waits for.
    fn source(&mut self, at: usize) {
        let Some(above) = self.asked[at - 1].last().copied() else {
            return;
        };
        let part = self.line.party.source(at, above, at + 1);
        if let Verdict::Made(_) = part {
            self.asked[at].push(made(&part));
        }
    }

    /// A node that fell back knows nothing of what it asked for, and of what nobody could show it.
    fn judge(&self) -> bool {
        let party = &self.line.party;
        let agreed = party.state(0, self.asked[0][0]) == "agreed";
        for (at, deals) in self.asked.iter().enumerate() {
            let mut bought = 0;
            for deal in deals {
                let states = (party.state(at, *deal), party.state(at + 1, *deal));
                let ends: &[(&str, &str)] = &[
                    ("agreed", "sold"),
                    ("aborted", "refused"),
                    // What it did not commit it need not know to be over.
                    ("held", "refused"),
                    // Nobody else had it.
                    ("none", "none"),
                    ("none", "refused"),
                    ("aborted", "none"),
                ];
                assert!(
                    ends.contains(&states),
                    "{at}: {states:?} of {:?}",
                    self.states()
                );
                bought += usize::from(states.0 == "agreed");
            }
            assert_eq!(bought, usize::from(agreed), "{at}: {:?}", self.states());
        }
        self.weather.judge(party);
        for at in 0..party.nodes.len() {
            let stock = party.stock(at);
            let leaf = at == self.asked.len();
            let sold = u64::from(agreed && leaf);
            assert_eq!((stock.held, stock.sold), (0, sold), "stock of {at}");
            assert_eq!(
                party.questions(at),
                [""; 0],
                "asked by {at}: {:?}",
                self.states()
            );
        }
        agreed
    }

    fn states(&self) -> Vec<Vec<(&'static str, &'static str)>> {
        let party = &self.line.party;
        let of = |(at, deals): (usize, &Vec<DealId>)| {
            let states = deals.iter();
            states
                .map(|deal| (party.state(at, *deal), party.state(at + 1, *deal)))
                .collect()
        };
        self.asked.iter().enumerate().map(of).collect()
    }
}

#[test]
fn i24_honest_partners_of_a_chain_end_alike_through_loss_and_restarts() {
    storms(number_from("OMNI_CHAIN_STORMS", 120), 4, |seed| {
        let mut storm = Storm::new(seed);
        for _ in 0..STEPS {
            storm.step();
        }
        storm.weather.heal(&mut storm.line.party);
        let agreed = storm.judge();
        storm.line.party.verify();
        agreed
    });
}
