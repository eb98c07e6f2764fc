//! What a seed draws for chains: who has nothing on the shelf and asks on for what it is asked for,
//! when that happens, and the faults that strike just then. It keeps out the rest of a plan.

use super::{Chance, Mix, Plan, SETTING_UP_MS, What};

/// Most nodes in a run with chains.
const NODES_MAX: usize = 5;
/// Least nodes: one who asks, one in the middle, and one who has it.
const NODES_MIN: usize = 3;
/// Most chains that are begun by themselves in one run; each leg of a bundle may be one too.
const CHAINS_MAX: u64 = 4;
/// Most of the other actions in such a run: each chain comes with some of its own.
const OTHERS_MAX: usize = 20;
/// How long it may take until the operators look again at what they are asked for, each time.
const SOURCING_MS: [u64; 3] = [2_000, 5_000, 20_000];
/// Minutes for which holds are given, so that one that rests on another has some left.
const HOLD_MINUTES: u32 = 10;

/// What chains have in common over a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainMix {
    /// Which nodes have nothing on the shelf in the beginning.
    pub lacks: Vec<bool>,
}

impl Mix {
    pub(super) fn draw_chains(&mut self, chance: &mut Chance) {
        // A leg of a bundle that is a chain has the most that can go wrong.
        let one_in = if self.bundles.is_some() { 2 } else { 6 };
        if self.nodes > NODES_MAX || !chance.one_in(one_in) {
            return;
        }
        self.make_room(NODES_MIN, false, chance);
        if let Some(bundles) = &mut self.bundles {
            bundles.strangers = false;
            bundles.hold_minutes = HOLD_MINUTES;
        }
        let mut lacks: Vec<bool> = (0..self.nodes).map(|_| chance.one_in(2)).collect();
        // One at least has all, and one nothing.
        let full = chance.index(self.nodes);
        lacks[full] = false;
        lacks[(full + 1) % self.nodes] = true;
        self.chains = Some(ChainMix { lacks });
    }
}

impl Plan {
    /// Adds the chains, each with what is done about it and against it.
    pub(super) fn draw_chains(&mut self, chance: &mut Chance) {
        if self.mix.chains.is_none() {
            return;
        }
        if self.mix.bundles.is_none() {
            self.actions.truncate(OTHERS_MAX);
        }
        let end_ms = self.end_ms();
        let blows = self.draw_blows(chance);
        for _ in 0..chance.within(2, CHAINS_MAX) {
            let mut at_ms = chance.within(SETTING_UP_MS, end_ms);
            let requester = chance.index(self.mix.nodes);
            let mut dice = self.act((at_ms, requester, What::Chain), chance);
            for most in SOURCING_MS {
                at_ms += dice.within(300, most);
                dice = self.act((at_ms, requester, What::Source), chance);
                self.blow(at_ms, &blows, (&mut dice, chance));
            }
        }
        self.actions.sort_by_key(|action| action.at_ms);
    }
}
