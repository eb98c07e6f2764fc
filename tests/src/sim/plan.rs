//! What one seed draws: who takes part, which kinds of faults the run has and how strong they are,
//! and a list of actions. Each action carries its own random number, so that one can be left out
//! and the others still mean the same. It keeps out how any of it is carried out.

mod bundling;
mod chaining;

pub use self::{bundling::BundleMix, chaining::ChainMix};

use super::chance::Chance;

/// Most nodes in one run.
const NODES_MAX: u64 = 8;
/// Milliseconds of a minute.
pub(super) const MINUTE_MS: u64 = 60_000;
/// Of a thousand frames so many come late where disks are put back.
const LATE_AFTER_REWIND: u64 = 300;
/// When the first action may come: until then nodes start, meet, and say what they sell.
pub(super) const SETTING_UP_MS: u64 = 5_000;

/// A whole run before it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// What stays the same over the run.
    pub mix: Mix,
    /// What is done, in the order of the times.
    pub actions: Vec<Action>,
}

/// What stays the same over a run. Each seed draws its own mix of faults (after swarm testing:
/// Groce and others 2012), since faults of all kinds at once hide each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    /// How many nodes take part.
    pub nodes: usize,
    /// Who trades with whom.
    pub pairs: Vec<(usize, usize)>,
    /// What the network does to frames.
    pub network: Network,
    /// Longest sync.
    pub sync_ms_max: u64,
    /// How far each node's clock is off.
    pub skew_ms: Vec<i64>,
    /// Pieces of each article in the beginning.
    pub stock: u64,
    /// What partners may owe each other.
    pub credit: i64,
    /// Whether operators may lower counts below what is promised.
    pub low_counts: bool,
    /// How bundles are drawn, where operators put some together.
    pub bundles: Option<BundleMix>,
    /// How chains are drawn, where operators ask on for what they lack.
    pub chains: Option<ChainMix>,
    /// Places of each slot, where each node also sells a service that has slots.
    pub places: Option<u32>,
}

/// What the network does to frames while there are faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Of a thousand frames so many are lost.
    pub loss: u64,
    /// Of a thousand so many arrive twice.
    pub duplication: u64,
    /// Longest delay.
    pub delay_ms_max: u64,
    /// Whether frames overtake each other.
    pub reorders: bool,
    /// Of a thousand so many arrive once more after a minute, whatever session stands then, as from
    /// a mailbox.
    pub late: u64,
}

/// One thing that is done to or by a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// When, from the beginning.
    pub at_ms: u64,
    /// To whom.
    pub node: usize,
    /// What.
    pub what: What,
    /// Decides all that the kind leaves open.
    pub dice: u64,
}

/// Kinds of actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The operator says something.
    Operate,
    /// The operator begins a bundle with some of the partners.
    Bundle,
    /// The operator begins to change what a bundle came to.
    Change,
    /// The operator goes on with the bundles that were begun.
    Tend,
    /// Operators let the legs lapse that have waited for long enough.
    Lapse,
    /// The operator asks for something of one who lacks it.
    Chain,
    /// Operators ask on for what they are asked for and lack.
    Source,
    /// All partners want the last of an article at once.
    Race,
    /// The operator does what seems most urgent.
    Answer,
    /// The operator counts, publishes, or changes a grant.
    Keep,
    /// Frames from this node to another are lost for a while, maybe those back as well.
    Cut,
    /// The session with a partner ends.
    Part,
    /// The process ends without notice.
    Crash,
    /// The process ends in the middle of the next sync.
    CrashInSync,
    /// The next sync fails.
    FailSync,
    /// The next write fails.
    FailWrite,
    /// The process gets no time for a while.
    Pause,
    /// The clock jumps.
    Jump,
    /// The clock jumps just beyond the end of a hold, and partners act on that hold.
    End,
    /// The clock stands still for a while.
    Freeze,
    /// The next syncs are slow.
    Slow,
    /// The disk is copied.
    Backup,
    /// The disk is put back to the copy.
    Restore,
    /// The disk is put back to what it was before the next batch, when that was sent already.
    Rewind,
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let mut chance = Chance::new(seed.wrapping_mul(0xd134_2543_de82_ef95));
        let mut mix = Mix::draw(&mut chance);
        let kinds = kinds(&mut chance);
        // By dice of their own, so that the runs without bundles stay what they are.
        let mut bundle_dice = Chance::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        mix.draw_bundles(&mut bundle_dice);
        let mut chain_dice = Chance::new(seed.wrapping_mul(0x9fb2_1c65_1e98_df25));
        mix.draw_chains(&mut chain_dice);
        let mut change_dice = Chance::new(seed.wrapping_mul(0xaf25_1af3_b0f0_25b5));
        mix.draw_changes(&mut change_dice);
        let mut slot_dice = Chance::new(seed.wrapping_mul(0xd6e8_feb8_6659_fd93));
        mix.places = slot_dice.one_in(3).then(|| *slot_dice.pick(&[1, 1, 2]));
        if kinds.contains(&What::Rewind) {
            // What was lost at its author is still under way.
            mix.network.late = mix.network.late.max(LATE_AFTER_REWIND);
        }
        let mut actions = Vec::new();
        let mut at_ms = SETTING_UP_MS;
        let pace = *chance.pick(&[200, 2_000, 10_000]);
        for _ in 0..chance.within(20, 70) {
            at_ms += match chance.below(12) {
                0..=3 => 0,
                4..=6 => chance.below(20),
                11 => chance.below(30 * pace),
                _ => chance.below(pace),
            };
            actions.push(Action {
                at_ms,
                node: chance.index(mix.nodes),
                what: *chance.pick(&kinds),
                dice: chance.draw(),
            });
        }
        let mut plan = Self { seed, mix, actions };
        plan.draw_bundles(&mut bundle_dice);
        plan.draw_chains(&mut chain_dice);
        plan.draw_changes(&mut change_dice);
        plan
    }

    /// Adds an action, and hands back dice for what is to come of it.
    fn act(&mut self, (at_ms, node, what): (u64, usize, What), chance: &mut Chance) -> Chance {
        let dice = chance.draw();
        self.actions.push(Action {
            at_ms,
            node,
            what,
            dice,
        });
        Chance::new(!dice)
    }

    /// When the last action is done.
    #[must_use]
    pub fn end_ms(&self) -> u64 {
        self.actions.last().map_or(SETTING_UP_MS, |last| last.at_ms)
    }
}

impl Mix {
    fn draw(chance: &mut Chance) -> Self {
        let most = *chance.pick(&[2, 2, 2, 3, 3, 4, NODES_MAX]);
        let nodes = usize::try_from(chance.within(2, most)).expect("few");
        let skewed = chance.one_in(2);
        Self {
            nodes,
            pairs: pairs(nodes, chance),
            network: Network::draw(chance),
            sync_ms_max: *chance.pick(&[1, 5, 40, 400]),
            skew_ms: (0..nodes)
                .map(|_| if skewed { skew(chance) } else { 0 })
                .collect(),
            stock: *chance.pick(&[1, 3, 10]),
            credit: *chance.pick(&[4_000, 100_000]),
            low_counts: chance.one_in(4),
            bundles: None,
            chains: None,
            places: None,
        }
    }

    /// So many nodes at least, all of them partners of each other but for strangers, whom the first
    /// alone knows, with enough to sell and to owe.
    fn make_room(&mut self, nodes_min: usize, strangers: bool, chance: &mut Chance) {
        self.nodes = self.nodes.max(nodes_min);
        self.skew_ms.resize(self.nodes, 0);
        self.stock = *chance.pick(&[10, 40]);
        self.credit = self.credit.max(*chance.pick(&[10_000, 100_000]));
        let nodes = 0..self.nodes;
        let all = nodes.flat_map(|one| (one + 1..self.nodes).map(move |other| (one, other)));
        self.pairs = all.filter(|(one, _)| !strangers || *one == 0).collect();
    }
}

impl Network {
    fn draw(chance: &mut Chance) -> Self {
        let mut share = |of: u64| {
            if chance.one_in(2) {
                chance.below(of)
            } else {
                0
            }
        };
        let (loss, duplication, late) = (share(301), share(501), share(201));
        Self {
            loss,
            duplication,
            late,
            delay_ms_max: *chance.pick(&[1, 30, 500, 5_000]),
            reorders: chance.one_in(2),
        }
    }
}

/// Everybody with everybody, all with the first, or a chain.
fn pairs(nodes: usize, chance: &mut Chance) -> Vec<(usize, usize)> {
    let all = (0..nodes).flat_map(|one| (one + 1..nodes).map(move |other| (one, other)));
    match chance.below(3) {
        0 if nodes <= 4 => all.collect(),
        0 | 1 => all.filter(|(one, _)| *one == 0).collect(),
        _ => all.filter(|(one, other)| one + 1 == *other).collect(),
    }
}

fn skew(chance: &mut Chance) -> i64 {
    let most = *chance.pick(&[50, 2_000, 90_000]);
    let off = i64::try_from(chance.below(most)).expect("small");
    if chance.one_in(2) { off } else { -off }
}

/// What operators do, and some kinds of faults.
fn kinds(chance: &mut Chance) -> Vec<What> {
    const FAULTS: [&[What]; 12] = [
        &[What::Cut, What::Cut],
        &[What::Part],
        &[What::Crash, What::Crash],
        &[What::CrashInSync, What::CrashInSync],
        &[What::FailSync],
        &[What::FailWrite],
        &[What::Pause],
        &[What::Jump, What::Freeze],
        &[What::End, What::End],
        &[What::Slow],
        &[What::Backup, What::Restore],
        &[What::Rewind],
    ];
    let mut kinds = Vec::from([What::Operate; 8]);
    kinds.extend([What::Race; 2]);
    kinds.extend([What::Answer; 6]);
    kinds.push(What::Keep);
    for fault in FAULTS {
        if chance.one_in(3) {
            kinds.extend(fault);
        }
    }
    kinds
}
