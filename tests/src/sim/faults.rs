//! How the actions of a plan are carried out that an operator does not do: faults of processes,
//! disks, clocks and links.

use super::{
    chance::Chance,
    coverage::Fault,
    goods,
    plan::{MINUTE_MS, What},
    world::{Event, Strike, World},
};
use crate::observation::Observation;

impl World<'_> {
    /// Carries out an action of the plan.
    pub(super) fn act(&mut self, place: usize) {
        let action = self.plan.actions[place].clone();
        let (node, mut dice) = (action.node, Chance::new(action.dice));
        match action.what {
            What::Operate => self.operate(node, &mut dice),
            What::Bundle => self.begin_bundle(node, &mut dice),
            What::Change => self.begin_changes(node, &mut dice),
            What::Tend => self.tend_bundles(node, &mut dice),
            What::Lapse => self.let_lapse(),
            What::Chain => self.begin_chain(node, &mut dice),
            What::Source => self.source_all(&mut dice),
            What::Race => {
                let article = dice.below(goods::ARTICLES);
                self.race(node, (article, 0), &mut dice);
            }
            What::Answer => self.answer_most_urgent(node, &mut dice),
            What::Keep => self.keep_house(node, &mut dice),
            What::Cut => self.cut_some(node, &mut dice),
            What::Part => {
                if let Some(other) = self.some_partner(node, &mut dice) {
                    if self.links.partners_with_session(node).contains(&other) {
                        self.met.insert(Fault::Part);
                    }
                    self.end_session(node, other);
                }
            }
            What::Crash => {
                self.crash(node);
                let back = down_ms(&mut dice);
                self.after(back, Event::Up(node));
            }
            What::CrashInSync => self.sites[node].strike = Some(Strike::CrashInSync),
            What::FailSync => self.sites[node].strike = Some(Strike::FailSync),
            What::FailWrite => self.sites[node].strike = Some(Strike::FailWrite),
            What::Pause => {
                let most = *dice.pick(&[500, 20_000, MINUTE_MS]);
                if self.sites[node].process.is_some() {
                    self.sites[node].paused_until = self.now + dice.within(100, most);
                }
            }
            What::Jump => self.jump(node, &mut dice),
            What::End => self.end_a_hold(node, &mut dice),
            What::Freeze => {
                let reading = self.clock(node);
                let until = self.now + dice.within(1_000, 5 * MINUTE_MS);
                self.sites[node].wall.frozen = Some((until, reading));
            }
            What::Slow => self.sites[node].slow_until = self.now + dice.within(1_000, MINUTE_MS),
            What::Backup => {
                self.sites[node].backup = Some(self.sites[node].disk.image());
            }
            What::Restore => {
                let back = down_ms(&mut dice);
                self.restore(node, back);
            }
            What::Rewind => self.sites[node].rewinds = true,
        }
    }

    fn some_partner(&self, node: usize, dice: &mut Chance) -> Option<usize> {
        let partners = self.partners(node);
        (!partners.is_empty()).then(|| *dice.pick(&partners))
    }

    /// With whom a node trades.
    pub(super) fn partners(&self, node: usize) -> Vec<usize> {
        let pairs = self.plan.mix.pairs.iter();
        pairs
            .filter_map(|(one, other)| match node {
                _ if *one == node => Some(*other),
                _ if *other == node => Some(*one),
                _ => None,
            })
            .collect()
    }

    /// One way, both ways, or one way after the other.
    fn cut_some(&mut self, node: usize, dice: &mut Chance) {
        let Some(other) = self.some_partner(node, dice) else {
            return;
        };
        let most = *dice.pick(&[2_000, 30_000, 5 * MINUTE_MS]);
        self.cut(node, other, dice.within(100, most));
        if dice.one_in(2) {
            self.cut(other, node, dice.within(100, most));
        }
    }

    /// Seconds, minutes or hours, ahead or back; or right again.
    fn jump(&mut self, node: usize, dice: &mut Chance) {
        self.met.insert(Fault::Jump);
        let most = *dice.pick(&[2_000, 15 * MINUTE_MS, 180 * MINUTE_MS]);
        let by = i64::try_from(dice.below(most)).expect("small");
        let wall = &mut self.sites[node].wall;
        wall.off_ms = match dice.below(3) {
            0 => 0,
            1 => wall.off_ms + by,
            _ => wall.off_ms - by,
        };
    }

    /// The partner commits, or others want what is held, while the hold ends.
    fn end_a_hold(&mut self, node: usize, dice: &mut Chance) {
        let Some((end_ms, partner, article)) = self.a_hold(node) else {
            return;
        };
        let partner = self.node_of(partner);
        let commits = dice.one_in(2);
        if commits {
            self.commit_all(partner);
        }
        let ahead = end_ms.saturating_sub(self.clock(node)) + dice.within(1, 500);
        self.sites[node].wall.off_ms += i64::try_from(ahead).expect("small");
        self.met.insert(Fault::Jump);
        if !commits {
            self.race(node, (article, 1), dice);
        }
    }

    /// The disk of a node is put back to its copy, and the node starts again after a while.
    pub(super) fn restore(&mut self, node: usize, back_ms: u64) {
        let Some(image) = self.sites[node].backup.clone() else {
            return;
        };
        self.crash(node);
        let restored = Observation::Restored {
            node,
            at_ms: self.now,
            entries: image.entries,
        };
        if self.sites[node].disk.lacks(&image) {
            self.met.insert(Fault::Restore);
        }
        let site = &mut self.sites[node];
        site.disk.restore(image);
        site.was_restored = true;
        self.show(&restored);
        self.after(back_ms, Event::Up(node));
    }
}

fn down_ms(dice: &mut Chance) -> u64 {
    let most = *dice.pick(&[1_000, 20_000, 10 * MINUTE_MS]);
    dice.within(100, most)
}
