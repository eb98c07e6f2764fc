//! A market in one thread: production machines under simulated clocks, networks, disks, crashes
//! and operators, each run made by one seed. It keeps out all judgement but the plainest; see
//! `watch` for that, and the auditor for the rest.
//!
//! What is real: the machine with all its rules, keys, signatures, proofs, record and frame bytes,
//! checkpoints. What the simulator stands in for: the runtime's loop, keeper, courier and door
//! (`shell`), the ledger's database (`disk`), the net (`links`), clocks, entropy, and operators
//! (`operate`). Not there: the market store, gossip, the API, the gate for a full disk.

mod bundles;
mod chains;
mod chance;
mod coverage;
mod disk;
mod faults;
mod goods;
mod line;
mod links;
mod operate;
mod orders;
mod plan;
mod planted;
mod seals;
mod shell;
mod shrink;
mod watch;
mod world;

pub use self::{
    chance::Chance,
    coverage::{Fault, Met},
    line::line,
    plan::{Action, BundleMix, ChainMix, Mix, Network, Plan, What},
    planted::Planted,
    shrink::shrink,
    watch::{Watch, judge},
};

use omni_protocol::{
    deal::{Deal, Side, credit::Account, stock::Stock},
    fence,
    machine::{Approval, Key, Policy, Short, Strangers, Waits},
    thread::CoLegs,
};

use self::{
    plan::MINUTE_MS,
    world::{Event, World},
};
use crate::{
    market::{BEGINNING_MS, Store},
    observation::{Moment, Observation, StoredAccount, StoredDeal, StoredStock},
};

/// For how long operators still end what waits, once there are no more faults.
const TIDYING_MS: u64 = 180_000;
/// How long after that every question has its answer: twice the longest pause of the outbox, and
/// the way there and back.
const SETTLING_MS: u64 = 70_000;
/// How often operators then look at the changes that were begun, and after how long each time.
const CHANGING_ROUNDS: u32 = 3;
const CHANGING_MS: u64 = 5_000;
/// Longest hold or validity of a run, and a little.
const LONGEST_MS: u64 = 13 * MINUTE_MS;
/// How long nodes may take to meet again after a restart.
const MEETING_MS: u64 = 70_000;

/// What a run came to, beside what the judge saw.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// What the simulator's own shell found wrong.
    pub complaints: Vec<String>,
    /// Things that happened.
    pub steps: u64,
    /// Faults that struck.
    pub met: Met,
}

/// The commit of the working tree, for who wants to see a run again.
#[must_use]
pub fn commit() -> String {
    let git = std::process::Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=12"])
        .output();
    let told = git.ok().filter(|output| output.status.success());
    let name = told.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    name.unwrap_or_else(|| "an unknown commit".to_owned())
}

/// Runs a plan and shows all that is seen of it to `judge`.
pub fn run(plan: &Plan, planted: Option<Planted>, judge: &mut dyn FnMut(&Observation)) -> Tally {
    let policies = (0..plan.mix.nodes).map(|node| policy(plan, node));
    let mut world = World::new(plan, planted, policies.collect(), judge);
    world.run_until(BEGINNING_MS + 100);
    for node in 0..plan.mix.nodes {
        world.set_up(node);
    }
    for (place, action) in plan.actions.iter().enumerate() {
        world.after(action.at_ms - 100, Event::Act(place));
    }
    world.run_until(BEGINNING_MS + plan.end_ms() + 1);
    let pauses = world.sites.iter().map(|site| site.paused_until);
    let end = pauses.max().unwrap_or_default().max(world.now);
    world.run_until(end);
    heal(&mut world);
    tidy_up(&mut world);
    if plan.mix.has_changes() {
        change_orders(&mut world);
        tidy_up(&mut world);
    }
    let quiet = Observation::Quiet { at_ms: world.now };
    world.show(&quiet);
    show_stores(&mut world, Moment::Quiet);
    wait_for_ends(&mut world);
    tidy_up(&mut world);
    show_stores(&mut world, Moment::Over);
    for moment in [Moment::RestartedOnce, Moment::RestartedTwice] {
        for node in 0..plan.mix.nodes {
            world.crash(node);
            world.after(500, Event::Up(node));
        }
        world.run_until(world.now + MEETING_MS);
        show_stores(&mut world, moment);
    }
    let fold = watch::folds(&world);
    let mut complaints = std::mem::take(&mut world.complaints);
    complaints.extend(fold);
    Tally {
        complaints,
        steps: world.steps,
        met: world.met,
    }
}

fn policy(plan: &Plan, node: usize) -> Policy {
    let mut chance = Chance::new(plan.seed.wrapping_mul(31).wrapping_add(node as u64));
    let mut approval = || *chance.pick(&[Approval::Given, Approval::Given, Approval::Asked]);
    let policy = Policy {
        requests: approval(),
        proposals: approval(),
        hold_minutes: 10,
        strangers: Strangers::HoldNothing,
        short: match plan.mix.chains {
            Some(_) => Short::Ask,
            None => Policy::default().short,
        },
        ..Policy::default()
    };
    let Some(bundles) = &plan.mix.bundles else {
        return policy;
    };
    let co_legs = [CoLegs::Any, CoLegs::Any, CoLegs::Known];
    Policy {
        requests: *chance.pick(&[Approval::Given, Approval::Given, policy.requests]),
        hold_minutes: bundles.hold_minutes,
        waits: Waits {
            co_legs: *chance.pick(&co_legs),
            patience_ms: bundles.patience_ms,
            arm_last: chance.one_in(4),
        },
        ..policy
    }
}

/// No faults from now on: everything runs, clocks go on as they stand, and operators end what
/// waits for them.
fn heal(world: &mut World<'_>) {
    world.stormy = false;
    world.links.calm();
    let healed = Observation::Healed { at_ms: world.now };
    world.show(&healed);
    for node in 0..world.sites.len() {
        let site = &mut world.sites[node];
        site.strike = None;
        site.slow_until = 0;
        site.wall.frozen = None;
        world.after(0, Event::Up(node));
    }
}

/// Operators end what waits for them, and all questions get their answers.
fn tidy_up(world: &mut World<'_>) {
    for node in 0..world.sites.len() {
        for wait in (2_000..TIDYING_MS).step_by(16_000) {
            world.after(wait, Event::Tidy(node));
        }
    }
    world.run_until(world.now + TIDYING_MS + SETTLING_MS);
}

/// Operators change what bundles came to, and all of them grant and commit that.
fn change_orders(world: &mut World<'_>) {
    let mut dice = Chance::new(!world.plan.seed);
    for node in 0..world.sites.len() {
        world.begin_changes(node, &mut dice);
    }
    for _ in 0..CHANGING_ROUNDS {
        world.run_until(world.now + CHANGING_MS);
        for node in 0..world.sites.len() {
            world.tend_bundles(node, &mut dice);
        }
    }
}

/// Until every hold and validity has ended by the clock of every node.
fn wait_for_ends(world: &mut World<'_>) {
    let sites = world.sites.iter();
    let latest = sites.map(|site| {
        let process = site.process.as_ref();
        process.map_or(0, |process| process.machine.head().at.ms())
    });
    let latest = latest.max().unwrap_or_default();
    let clocks = (0..world.sites.len()).map(|node| world.clock(node));
    let slowest = clocks.min().unwrap_or_default();
    world.run_until(world.now + latest.saturating_sub(slowest) + LONGEST_MS);
}

fn show_stores(world: &mut World<'_>, moment: Moment) {
    for node in 0..world.sites.len() {
        let stored = stored(node, &world.sites[node].disk.store, moment);
        world.show(&stored);
    }
}

fn stored(node: usize, store: &Store, moment: Moment) -> Observation {
    let (mut deals, mut stock, mut accounts, mut questions) = (vec![], vec![], vec![], 0);
    for (key, value) in &store.0 {
        match *key {
            Key::Deal { deal: id } => {
                let deal: Deal = decoded(value);
                deals.push(StoredDeal {
                    deal: *id.as_bytes(),
                    partner: *deal.partner.as_bytes(),
                    state: deal.state.name(),
                    provides: deal.side() == Side::Provider,
                    alternative: deal.alternative,
                    decision: deal.decision.map(|id| *id.as_bytes()),
                    amount: deal.amount.get(),
                    currency: deal.currency.map(code),
                });
            }
            Key::Stock { subject } | Key::Places { subject, .. } => {
                let kept: Stock = decoded(value);
                let begins = match *key {
                    Key::Places { begins, .. } => Some(begins.ms()),
                    _ => None,
                };
                stock.push(StoredStock {
                    subject: *subject.as_bytes(),
                    begins,
                    counted: kept.counted,
                    held: kept.held,
                    sold: kept.sold,
                });
            }
            Key::Account { partner, currency } => {
                let account: Account = decoded(value);
                accounts.push(StoredAccount {
                    partner: *partner.as_bytes(),
                    currency: code(currency),
                    receivable: account.receivable.get(),
                    payable: account.payable.get(),
                    held: account.held.get(),
                    doubt: account.doubt.get(),
                });
            }
            Key::Outbox { .. } => questions += 1,
            _ => {}
        }
    }
    Observation::Stored {
        node,
        moment,
        deals,
        stock,
        accounts,
        questions,
    }
}

fn code(currency: omni_protocol::value::Currency) -> [u8; 3] {
    let letters = currency.as_str().as_bytes();
    letters.try_into().expect("three letters")
}

fn decoded<T: fence::Wire>(bytes: &[u8]) -> T {
    fence::decode(bytes, 65_536).expect("a stored value")
}
