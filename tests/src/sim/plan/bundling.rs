//! What a seed draws for bundles: who may be in one, how long its legs wait, when each is begun and
//! gone on with, and the faults that strike just then. It keeps out the rest of a plan.

use super::{Chance, LATE_AFTER_REWIND, MINUTE_MS, Mix, Plan, SETTING_UP_MS, What};

/// Most nodes in a run with bundles.
const NODES_MAX: usize = 5;
/// Least nodes: a requester and two who provide.
const NODES_MIN: usize = 3;
/// Most bundles of one run.
const BUNDLES_MAX: u64 = 10;
/// Most of the other actions in such a run: each bundle comes with some of its own.
const OTHERS_MAX: usize = 30;
/// How long it may take until the operator looks at a bundle again, each time.
const TENDING_MS: [u64; 4] = [2_000, 5_000, 20_000, 60_000];
/// How long it may take, from the beginning of a bundle, until the operator wants to change what
/// bundles came to.
const CHANGE_MS: (u64, u64) = (MINUTE_MS, 5 * MINUTE_MS);
/// One in so many is followed by that.
const CHANGED_ONE_IN: u64 = 3;
/// How long after that a fault may strike it.
const BLOW_MS_MAX: u64 = 1_500;
/// How long after a fault operators may lose their patience.
const LAPSE_MS_MAX: u64 = 30_000;
/// What may strike just when a bundle is committed.
const BLOWS: [What; 9] = [
    What::Cut,
    What::Part,
    What::Crash,
    What::CrashInSync,
    What::Pause,
    What::End,
    What::Slow,
    What::Restore,
    What::Rewind,
];

/// What bundles have in common over a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleMix {
    /// How long an armed leg waits before it may lapse.
    pub patience_ms: u64,
    /// Minutes for which holds are given.
    pub hold_minutes: u32,
    /// Whether the providers are strangers to each other, who meet by the Manifest alone.
    pub strangers: bool,
    /// Whether operators change what bundles came to.
    pub changes: bool,
}

impl Mix {
    pub(super) fn draw_bundles(&mut self, chance: &mut Chance) {
        if self.nodes > NODES_MAX || !chance.one_in(3) {
            return;
        }
        let bundles = BundleMix {
            patience_ms: *chance.pick(&[1_000, 10_000, 3 * MINUTE_MS]),
            hold_minutes: *chance.pick(&[1, 10, 10]),
            strangers: chance.one_in(3),
            changes: false,
        };
        self.make_room(NODES_MIN, bundles.strangers, chance);
        self.bundles = Some(bundles);
    }

    pub(super) fn draw_changes(&mut self, chance: &mut Chance) {
        if let Some(bundles) = &mut self.bundles {
            bundles.changes = chance.one_in(2);
        }
    }

    /// Whether operators change what bundles came to.
    pub(in crate::sim) fn has_changes(&self) -> bool {
        self.bundles.as_ref().is_some_and(|bundles| bundles.changes)
    }
}

impl Plan {
    /// Adds the bundles, each with what is done about it and against it.
    pub(super) fn draw_bundles(&mut self, chance: &mut Chance) {
        let Some(bundles) = &self.mix.bundles else {
            return;
        };
        let requesters = if bundles.strangers { 1 } else { self.mix.nodes };
        self.actions.truncate(OTHERS_MAX);
        let end_ms = self.end_ms();
        let blows = self.draw_blows(chance);
        for _ in 0..chance.within(2, BUNDLES_MAX) {
            let at_ms = chance.within(SETTING_UP_MS, end_ms);
            let requester = chance.index(requesters);
            self.draw_bundle((requester, at_ms), &blows, chance);
        }
        self.actions.sort_by_key(|action| action.at_ms);
    }

    fn draw_bundle(
        &mut self,
        (requester, at_ms): (usize, u64),
        blows: &[What],
        chance: &mut Chance,
    ) {
        let dice = self.act((at_ms, requester, What::Bundle), chance);
        self.draw_tending((requester, at_ms), blows, (dice, chance));
    }

    fn draw_tending(
        &mut self,
        (requester, mut at_ms): (usize, u64),
        blows: &[What],
        (mut dice, chance): (Chance, &mut Chance),
    ) {
        for most in TENDING_MS {
            at_ms += dice.within(300, most);
            dice = self.act((at_ms, requester, What::Tend), chance);
            self.blow(at_ms, blows, (&mut dice, chance));
        }
    }

    /// Adds bundles of changes, after some of the bundles.
    pub(super) fn draw_changes(&mut self, chance: &mut Chance) {
        if !self.mix.has_changes() {
            return;
        }
        let begun = self.actions.iter();
        let begun = begun.filter(|action| action.what == What::Bundle);
        let begun: Vec<_> = begun.map(|begun| (begun.node, begun.at_ms)).collect();
        let blows = self.draw_blows(chance);
        for (requester, begun_ms) in begun {
            if !chance.one_in(CHANGED_ONE_IN) {
                continue;
            }
            let (least, most) = CHANGE_MS;
            let at_ms = begun_ms + chance.within(least, most);
            let dice = self.act((at_ms, requester, What::Change), chance);
            self.draw_tending((requester, at_ms), &blows, (dice, chance));
        }
        self.actions.sort_by_key(|action| action.at_ms);
    }

    /// Which faults strike in a run just when something is committed.
    pub(super) fn draw_blows(&mut self, chance: &mut Chance) -> Vec<What> {
        let blows = BLOWS.iter().copied().filter(|_| chance.one_in(3));
        let blows: Vec<What> = blows.collect();
        if blows.contains(&What::Rewind) {
            self.mix.network.late = self.mix.network.late.max(LATE_AFTER_REWIND);
        }
        blows
    }

    /// Sometimes one of the faults strikes somebody at this time.
    pub(super) fn blow(
        &mut self,
        at_ms: u64,
        blows: &[What],
        (dice, chance): (&mut Chance, &mut Chance),
    ) {
        if blows.is_empty() || !dice.one_in(3) {
            return;
        }
        let (blow, struck) = (*dice.pick(blows), dice.index(self.mix.nodes));
        let strikes_ms = match blow {
            // A hold that ends while its Manifest is under way.
            What::End => at_ms.saturating_sub(1),
            _ => at_ms + dice.below(BLOW_MS_MAX),
        };
        if blow == What::Restore {
            let copied_ms = at_ms.saturating_sub(dice.below(3_000));
            self.act((copied_ms, struck, What::Backup), chance);
        }
        self.act((strikes_ms, struck, blow), chance);
        let lapses_ms = strikes_ms + dice.within(1_000, LAPSE_MS_MAX);
        self.act((lapses_ms, struck, What::Lapse), chance);
    }
}
