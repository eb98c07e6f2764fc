//! Bundles between production machines of which legs are chains, while letters are lost, repeated
//! and late, links break, and nodes restart or fall back. Each run is made by one seed, which a
//! failure names.

use omni_protocol::{
    hash::{BundleId, DealId},
    machine::{Bundling, Policy, Short, Verb, Verdict},
};
use omni_tests::{
    effort::number_from,
    party::{Party, made, policy},
};

use crate::weather::{Chance, Weather, storms};

const STEPS: usize = 160;

/// Who provides each leg, who provides the part on which that rests, and so on.
const SHAPES: [&[&[usize]]; 7] = [
    &[&[1], &[2, 3]],
    &[&[1], &[2, 3, 4]],
    &[&[1, 3], &[2, 4]],
    // One provides the parts of both legs.
    &[&[1, 3], &[2, 3]],
    // Who provides one leg provides a part of the other.
    &[&[1], &[2, 1]],
    // Both legs are of one in the middle.
    &[&[1, 2], &[1, 3]],
    // Who is in the middle of one leg provides a part of the other.
    &[&[1, 2, 3], &[2, 3]],
];

/// What one node asks of another for one place: one deal, or another where that came to nothing.
struct Hop {
    asks: usize,
    has: usize,
    /// The place above, on whose deal these rest.
    above: Option<usize>,
    deals: Vec<DealId>,
}

struct Storm {
    party: Party,
    weather: Weather,
    bundle: BundleId,
    hops: Vec<Hop>,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let legs = SHAPES[chance.below(SHAPES.len())];
        let nodes = legs.concat().into_iter().max().unwrap() + 1;
        let asking = Policy {
            short: Short::Ask,
            ..policy()
        };
        let mut party = Party::new(vec![asking; nodes]);
        let mut hops: Vec<Hop> = Vec::new();
        for leg in legs {
            let mut asks = 0;
            for has in *leg {
                if asks > 0 {
                    party.befriend(asks, *has);
                    party.count(asks, 0);
                }
                hops.push(Hop {
                    asks,
                    has: *has,
                    above: hops.len().checked_sub(1).filter(|_| asks > 0),
                    deals: Vec::new(),
                });
                asks = *has;
            }
        }
        party.settle();
        let tops = hops.iter_mut().filter(|hop| hop.above.is_none());
        let mut deals = Vec::new();
        for hop in tops {
            let deal = party.request(hop.has, 1);
            hop.deals.push(deal);
            deals.push(deal);
        }
        let bundle = party.draft(&deals);
        if chance.one_in(3) {
            let deal = Some(deals[chance.below(deals.len())]);
            party.word(Bundling::Last { bundle, deal });
        }
        let mut storm = Self {
            weather: Weather::new(chance, &party),
            party,
            bundle,
            hops,
        };
        // Often all is held before the weather comes: else little would ever be committed.
        if !storm.weather.chance.one_in(4) {
            for at in 0..storm.hops.len() {
                storm.party.settle();
                storm.source(at);
            }
            storm.party.settle();
            for _ in 0..storm.weather.chance.below(6) {
                storm.step();
            }
            storm.party.commit(bundle);
        }
        storm
    }

    fn step(&mut self) {
        let chance = &mut self.weather.chance;
        let at = chance.below(self.hops.len());
        let hop = &self.hops[at];
        let deal = hop.deals.get(chance.below(hop.deals.len().max(1))).copied();
        match (chance.below(40), deal) {
            (0..=31, _) => self.weather.strike(&mut self.party),
            (32..=34, _) => self.source(at),
            (35 | 36, _) => {
                self.party.commit(self.bundle);
            }
            (37, Some(deal)) if chance.one_in(2) => {
                let lapse = Verb::Bundle(Bundling::Lapse { deal });
                self.party.verb(hop.has, lapse);
            }
            (38, Some(deal)) if chance.one_in(3) => {
                let verb = match chance.below(4) {
                    0 => Verb::WriteOff { deal },
                    _ => Verb::Cancel { deal },
                };
                let node = [hop.asks, hop.has][chance.below(2)];
                self.party.verb(node, verb);
            }
            _ => {}
        }
    }

    /// The operator of a node asks for what the one before it waits for.
    fn source(&mut self, at: usize) {
        let hop = &self.hops[at];
        let above = hop.above.and_then(|above| self.hops[above].deals.last());
        let Some(above) = above.copied() else { return };
        let part = self.party.source(hop.asks, above, hop.has);
        if let Verdict::Made(_) = part {
            self.hops[at].deals.push(made(&part));
        }
    }

    /// A place with its deals, each at who asked for it and at who has it.
    fn states(&self) -> Vec<Vec<(&'static str, &'static str)>> {
        let of = |hop: &Hop| {
            let state = |node, deal: &DealId| self.party.state(node, *deal);
            let deals = hop.deals.iter();
            deals
                .map(|deal| (state(hop.asks, deal), state(hop.has, deal)))
                .collect()
        };
        self.hops.iter().map(of).collect()
    }

    /// All legs and all that they rest on end alike, but for those whose node waited no longer.
    fn judge(&mut self) -> bool {
        let all = self.states();
        let is_bought = |states: &(&str, &str)| *states == ("agreed", "sold");
        let agreed = all.iter().flatten().any(is_bought);
        for (hop, states) in self.hops.iter().zip(&all) {
            let mut bound = 0;
            for pair in states {
                let ends: &[(&str, &str)] = &[
                    ("aborted", "refused"),
                    // What it did not commit it need not know to be over.
                    ("held", "refused"),
                    ("held", "closed"),
                    // A node that fell back knows nothing of what it asked for, and of what nobody
                    // could show it.
                    ("none", "none"),
                    ("none", "refused"),
                    ("aborted", "none"),
                ];
                let is_bound = matches!(pair, ("agreed", "sold") | ("aborted", "lapsed"));
                bound += usize::from(is_bound && agreed);
                let is_good = is_bound || ends.contains(pair);
                assert!(is_good, "{} of {}: {pair:?} in {all:?}", hop.has, hop.asks);
            }
            let who = (hop.asks, hop.has);
            assert_eq!(bound, usize::from(agreed), "{who:?}: {all:?}");
            let (here, there) = (
                self.party.account(who.0, who.1),
                self.party.account(who.1, who.0),
            );
            assert_eq!((here.doubt.get(), there.held.get()), (0, 0), "{who:?}");
            assert_eq!(here.payable, there.receivable, "{who:?}: {all:?}");
        }
        self.weather.judge(&self.party);
        for at in 0..self.party.nodes.len() {
            let leaves = self.hops.iter().zip(&all).enumerate();
            let sold = leaves.filter(|(place, (hop, states))| {
                let is_leaf = self.hops.iter().all(|other| other.above != Some(*place));
                hop.has == at && is_leaf && states.iter().any(is_bought)
            });
            let stock = self.party.stock(at);
            let expected = (0, u64::try_from(sold.count()).unwrap());
            assert_eq!((stock.held, stock.sold), expected, "stock of {at}: {all:?}");
            let asked = self.party.questions(at);
            assert_eq!(asked, [""; 0], "asked by {at}: {all:?}");
        }
        self.party.verify();
        agreed
    }
}

#[test]
fn i21_legs_and_what_they_rest_on_end_alike_through_loss_and_restarts() {
    storms(number_from("OMNI_LEG_STORMS", 120), 5, |seed| {
        let mut storm = Storm::new(seed);
        for _ in 0..STEPS {
            storm.step();
        }
        storm.weather.heal(&mut storm.party);
        storm.judge()
    });
}
