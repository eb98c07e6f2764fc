//! The world of a run: nodes, links and one queue of what happens when, by the one true clock. It
//! keeps out what operators want and which faults strike, and it judges nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use omni_protocol::{
    deal::stock::Stock,
    hash::PartnerId,
    machine::{Config, Input, Key, Message, Now, Outgoing, Policy, Verdict},
    thread::Life,
    value::Time,
};

use super::{
    chance::Chance,
    coverage::{self, Fault, Met},
    decoded,
    disk::{Disk, Image, Tear},
    links::Links,
    plan::Plan,
    planted::Planted,
    seals::Seals,
    shell::{Asker, Process, Promise, Submitted},
};
use crate::{
    market::{BEGINNING_MS, Identity, network},
    observation::{Answer, Observation},
};

/// A process gets a pulse at least so often, though the machine asks for none. The product's loop
/// gives one each second; here the machine's own word must do.
const PULSE_MS_MAX: u64 = 20_000;
/// More than this happens in no run that comes to an end.
const STEPS_MAX: u64 = 60_000;

/// What happens at some moment.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// An action of the plan, by its place.
    Act(usize),
    /// The operator of a node looks what is left to do.
    Tidy(usize),
    /// A frame arrives.
    Arrives(OnItsWay),
    /// A session stands.
    Met {
        node: usize,
        with: usize,
        number: u64,
    },
    /// A session ended.
    Parted {
        node: usize,
        with: usize,
        number: u64,
    },
    /// A pair tries to connect.
    Connect(usize, usize),
    /// A session that a cut keeps silent ends.
    Silent {
        one: usize,
        other: usize,
        number: u64,
    },
    /// A sync ended.
    Synced { node: usize, run: u64, fails: bool },
    /// The process hears that its batch is synced.
    Landed { node: usize, run: u64 },
    /// The machine wants a pulse.
    Wake { node: usize, run: u64, pulse: u64 },
    /// The disk of a node is put back to its copy.
    Rewind(usize),
    /// A node starts.
    Up(usize),
    /// A process ends without notice.
    Down { node: usize, run: u64 },
}

/// A frame on its way.
#[derive(Clone, Debug)]
pub(super) struct OnItsWay {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) session: u64,
    /// It is taken in whatever session stands when it arrives.
    pub(super) late: bool,
    pub(super) bytes: Rc<[u8]>,
}

/// What strikes a node at its next write or sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strike {
    CrashInSync,
    FailSync,
    FailWrite,
}

/// A node's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wall {
    pub(super) off_ms: i64,
    /// Until when it stands still, and at which reading.
    pub(super) frozen: Option<(u64, u64)>,
}

impl Wall {
    fn stands_still(&self, now: u64) -> bool {
        self.frozen.is_some_and(|(until, _)| now < until)
    }

    fn reading(&self, now: u64) -> u64 {
        match self.frozen {
            Some((until, reading)) if now < until => reading,
            _ => now.saturating_add_signed(self.off_ms),
        }
    }
}

/// One node: what outlives its processes, and the one that runs.
pub(super) struct Site {
    pub(super) own: Identity,
    pub(super) policy: Policy,
    pub(super) disk: Disk,
    pub(super) process: Option<Process>,
    pub(super) runs: u64,
    pub(super) wall: Wall,
    pub(super) paused_until: u64,
    pub(super) strike: Option<Strike>,
    pub(super) slow_until: u64,
    pub(super) backup: Option<Image>,
    /// Whether the disk was ever put back: what partners show again may be more than was counted.
    pub(super) was_restored: bool,
    /// Whether the disk is put back to what it is before the next batch.
    pub(super) rewinds: bool,
    chance: Chance,
}

/// Everything.
pub(super) struct World<'a> {
    pub(super) plan: &'a Plan,
    pub(super) planted: Option<Planted>,
    pub(super) now: u64,
    pub(super) sites: Vec<Site>,
    pub(super) links: Links,
    pub(super) chance: Chance,
    pub(super) seals: Seals,
    /// Whether faults still strike.
    pub(super) stormy: bool,
    /// What the shell itself finds wrong.
    pub(super) complaints: Vec<String>,
    pub(super) steps: u64,
    /// Faults that struck.
    pub(super) met: Met,
    queue: BTreeMap<(u64, u64), Event>,
    queued: u64,
    judge: &'a mut dyn FnMut(&Observation),
}

impl<'a> World<'a> {
    /// Nothing runs yet; all nodes start in the first second.
    pub(super) fn new(
        plan: &'a Plan,
        planted: Option<Planted>,
        policies: Vec<Policy>,
        judge: &'a mut dyn FnMut(&Observation),
    ) -> Self {
        let mut chance = Chance::new(plan.seed ^ 0x6f6d_6e69);
        let sites = policies.into_iter().enumerate().map(|(node, policy)| Site {
            own: Identity::new(u8::try_from(node + 1).expect("few")),
            policy,
            disk: Disk::default(),
            process: None,
            runs: 0,
            wall: Wall {
                off_ms: plan.mix.skew_ms[node],
                frozen: None,
            },
            paused_until: 0,
            strike: None,
            slow_until: 0,
            backup: None,
            was_restored: false,
            rewinds: false,
            chance: Chance::new(chance.draw()),
        });
        let sites: Vec<_> = sites.collect();
        let mut world = Self {
            plan,
            planted,
            now: BEGINNING_MS,
            seals: Seals::of(sites.iter().map(|site| site.own.clone()).collect()),
            sites,
            links: Links::new(plan.mix.network),
            chance,
            stormy: true,
            complaints: Vec::new(),
            steps: 0,
            met: coverage::skewed(plan),
            queue: BTreeMap::new(),
            queued: 0,
            judge,
        };
        for node in 0..world.sites.len() {
            let own = &world.sites[node].own;
            let known = Observation::Node {
                node,
                network: *network().as_bytes(),
                partner: *own.partner.as_bytes(),
                key: *own.key.key().as_bytes(),
            };
            world.show(&known);
            world.after(0, Event::Up(node));
        }
        world
    }

    /// Shows something to the judge.
    pub(super) fn show(&mut self, what: &Observation) {
        (self.judge)(what);
    }

    /// Lets something happen later.
    pub(super) fn after(&mut self, ms: u64, event: Event) {
        self.queued += 1;
        self.queue.insert((self.now + ms, self.queued), event);
    }

    /// Lets all happen that happens before `end_ms`.
    pub(super) fn run_until(&mut self, end_ms: u64) {
        while let Some(first) = self.queue.first_entry()
            && first.key().0 < end_ms
        {
            let ((at, _), event) = first.remove_entry();
            self.now = at;
            self.steps += 1;
            assert!(self.steps < STEPS_MAX, "nodes drive each other");
            self.happen(event);
        }
        self.now = end_ms;
    }

    /// The number of the node that is this partner.
    pub(super) fn node_of(&self, partner: PartnerId) -> usize {
        let mut sites = self.sites.iter();
        sites
            .position(|site| site.own.partner == partner)
            .expect("a partner of the run")
    }

    /// By the node's own clock.
    pub(super) fn clock(&self, node: usize) -> u64 {
        self.sites[node].wall.reading(self.now)
    }

    fn happen(&mut self, event: Event) {
        let node = match &event {
            Event::Met { node, .. }
            | Event::Parted { node, .. }
            | Event::Landed { node, .. }
            | Event::Wake { node, .. } => Some(*node),
            Event::Arrives(frame) => Some(frame.to),
            _ => None,
        };
        if let Some(node) = node {
            let until = self.sites[node].paused_until;
            if self.now < until {
                self.met.insert(Fault::Pause);
                return self.after(until - self.now, event);
            }
        }
        match event {
            Event::Act(place) => self.act(place),
            Event::Tidy(node) => self.tidy(node),
            Event::Arrives(frame) => self.arrives(&frame),
            Event::Met { node, with, number } => self.met(node, with, number),
            Event::Parted { node, with, number } => self.parted(node, with, number),
            Event::Connect(one, other) => self.connect(one, other),
            Event::Silent { one, other, number } => self.silent(one, other, number),
            Event::Synced { node, run, fails } => self.synced(node, run, fails),
            Event::Landed { node, run } => self.landed(node, run),
            Event::Wake { node, run, pulse } => self.wake(node, run, pulse),
            // Without faults nothing is put back any more.
            Event::Rewind(_) if !self.stormy => {}
            Event::Rewind(node) => {
                let back = self.chance.within(100, 5_000);
                self.met.insert(Fault::Rewind);
                self.restore(node, back);
            }
            Event::Up(node) => self.start(node),
            Event::Down { node, run } => {
                if self.runs(node, run) {
                    self.crash(node);
                }
            }
        }
    }

    /// Whether this process of the node still runs.
    fn runs(&self, node: usize, run: u64) -> bool {
        let process = self.sites[node].process.as_ref();
        process.is_some_and(|process| process.run == run)
    }

    /// Begins a life over what is on the disk.
    pub(super) fn start(&mut self, node: usize) {
        let site = &mut self.sites[node];
        if site.process.is_some() {
            return;
        }
        site.runs += 1;
        let config = Config {
            network: network(),
            partner: site.own.partner,
            key_index: 0,
            policy: site.policy.clone(),
        };
        let life = site.chance.draw() | 1;
        site.process = Some(Process::load(site.runs, config, &site.disk));
        let begun = Observation::Started {
            node,
            at_ms: self.now,
            clock_ms: self.clock(node),
            life,
        };
        self.show(&begun);
        self.put(node, Input::Start(Life::new(life).expect("not 0")), None);
        self.connect_all(node);
    }

    /// Ends a process without notice; what its disk was about to write is torn as drawn.
    pub(super) fn crash(&mut self, node: usize) {
        let site = &mut self.sites[node];
        if site.process.take().is_none() {
            return;
        }
        site.strike = None;
        site.paused_until = 0;
        let tears = [Tear::Lost, Tear::Kept, Tear::Suffix, Tear::Reordered];
        let tear = *self.chance.pick(&tears);
        if self.stormy {
            self.met.insert(Fault::Crash);
            if site.disk.has_tail() {
                self.met.insert(match tear {
                    Tear::Lost => Fault::TailLost,
                    Tear::Kept => Fault::TailKept,
                    Tear::Suffix => Fault::TailTorn,
                    Tear::Reordered => Fault::TailReordered,
                });
            }
        }
        let found = site.disk.crash(tear, &mut self.chance);
        self.links.forget(node);
        let crashed = Observation::Crashed {
            node,
            at_ms: self.now,
        };
        self.show(&crashed);
        for shown in found {
            self.show_synced(node, shown);
        }
        let partners: BTreeSet<usize> = self.links.partners_with_session(node);
        for other in partners {
            self.end_session(node, other);
        }
    }

    /// Puts an input to the machine, and closes the batch if the disk is idle.
    pub(super) fn put(&mut self, node: usize, input: Input, asker: Option<Asker>) {
        if self.sites[node].wall.stands_still(self.now) {
            self.met.insert(Fault::Freeze);
        }
        let now = Now {
            time: Time::new(self.clock(node)).expect("valid"),
            entropy: self.sites[node].chance.bytes(),
        };
        let site = &mut self.sites[node];
        let Some(process) = &mut site.process else {
            return;
        };
        let stuck = process.decide(&site.disk, (input, asker), now, self.planted);
        // Nothing would be asked again any more, or of one deal.
        self.complaints
            .extend(stuck.map(|what| format!("stuck: node {node}: {what}")));
        self.submit(node);
    }

    fn submit(&mut self, node: usize) {
        let site = &mut self.sites[node];
        let Some(process) = &mut site.process else {
            return;
        };
        if site.strike == Some(Strike::FailWrite) && process.would_write() {
            self.met.insert(Fault::FailedWrite);
            return self.crash_and_restart(node);
        }
        match process.submit(&site.own, &mut self.seals, &mut site.disk) {
            Submitted::Nothing => {}
            Submitted::AtOnce(promises) => self.release(node, promises),
            Submitted::Written => self.written(node),
        }
    }

    /// A batch is with the disk: its sync takes its time, or never ends.
    fn written(&mut self, node: usize) {
        let site = &mut self.sites[node];
        let run = site.runs;
        let slow = self.now < site.slow_until;
        let most = if slow {
            3_000
        } else {
            self.plan.mix.sync_ms_max
        };
        let took = self.chance.within(1, most);
        if slow && took >= coverage::SLOW_MS_MIN {
            self.met.insert(Fault::SlowSync);
        }
        let strike = site.strike.take();
        if self.planted == Some(Planted::SendBeforeSync) {
            let process = self.sites[node].process.as_mut();
            let promises = process.map(Process::take_promises).unwrap_or_default();
            self.release(node, promises);
        }
        match strike {
            Some(Strike::CrashInSync) => self.after(took / 2, Event::Down { node, run }),
            other => {
                let fails = other == Some(Strike::FailSync);
                self.after(took, Event::Synced { node, run, fails });
            }
        }
        if let Some(strike) = strike {
            self.met.insert(match strike {
                Strike::CrashInSync => Fault::CrashInSync,
                Strike::FailSync => Fault::FailedSync,
                Strike::FailWrite => Fault::FailedWrite,
            });
            let back = self.chance.within(500, 20_000);
            self.after(took + back, Event::Up(node));
        }
    }

    fn crash_and_restart(&mut self, node: usize) {
        self.crash(node);
        let back = self.chance.within(500, 20_000);
        self.after(back, Event::Up(node));
    }

    fn synced(&mut self, node: usize, run: u64, fails: bool) {
        if !self.runs(node, run) {
            return;
        }
        if fails {
            return self.crash(node);
        }
        let site = &mut self.sites[node];
        if std::mem::take(&mut site.rewinds) && self.stormy {
            site.backup = Some(site.disk.image());
            let wait = self.chance.within(1, 300);
            self.after(wait, Event::Rewind(node));
        }
        let site = &mut self.sites[node];
        let skip = self.planted == Some(Planted::SkipSync) && !self.chance.one_in(8);
        let shown = site.disk.show();
        if !skip {
            site.disk.sync();
        }
        if let Some(shown) = shown {
            self.show_synced(node, shown);
        }
        self.after(0, Event::Landed { node, run });
    }

    fn show_synced(&mut self, node: usize, shown: super::disk::Shown) {
        if shown.entries.is_empty() {
            return;
        }
        let synced = Observation::Synced {
            node,
            at_ms: self.now,
            clock_ms: self.clock(node),
            entries: shown.entries,
            deals: shown.deals,
            checkpoint: shown.checkpoint,
        };
        self.show(&synced);
        let is_short = |value: &Vec<u8>| decoded::<Stock>(value).short() > 0;
        let store = &self.sites[node].disk.store.0;
        let mut stock = store
            .iter()
            .filter(|(key, _)| matches!(key, Key::Stock { .. } | Key::Places { .. }));
        let may_be_short = self.plan.mix.low_counts || self.sites[node].was_restored;
        if !may_be_short && stock.any(|(_, value)| is_short(value)) {
            let complaint = format!("oversold: node {node} promised more than it counted");
            self.complaints.push(complaint);
        }
    }

    fn landed(&mut self, node: usize, run: u64) {
        if !self.runs(node, run) {
            return;
        }
        let process = self.sites[node].process.as_mut();
        let promises = process.map(Process::landed).unwrap_or_default();
        self.release(node, promises);
        self.submit(node);
        self.meet_members(node);
    }

    /// Carries out what was decided, from top to bottom.
    fn release(&mut self, node: usize, promises: Vec<Promise>) {
        for promise in promises {
            if let Some(asker) = promise.asker {
                let told = Observation::Told {
                    node,
                    at_ms: self.now,
                    asked: asker.asked,
                    thread: asker.thread,
                    deal: asker.deal,
                    answer: answer(promise.verdict),
                };
                self.show(&told);
            }
            for outgoing in promise.sends.into_iter().chain(promise.replies) {
                self.send(node, outgoing);
            }
            for (deal, state) in promise.states {
                let happened = Observation::Happened {
                    node,
                    at_ms: self.now,
                    deal: *deal.as_bytes(),
                    state: state.name(),
                };
                self.show(&happened);
            }
        }
        self.plan_wake(node);
    }

    /// The next pulse: when the machine asked for it, at the latest the longest pause after the last.
    fn plan_wake(&mut self, node: usize) {
        let clock = self.clock(node);
        let Some(process) = &mut self.sites[node].process else {
            return;
        };
        process.pulses += 1;
        let (run, pulse) = (process.run, process.pulses);
        let latest = process.pulse_by.saturating_sub(self.now).max(1);
        let asked = process.due.map(|due| due.ms().saturating_sub(clock));
        let wait = asked.unwrap_or(latest).clamp(1, latest);
        self.after(wait, Event::Wake { node, run, pulse });
    }

    fn wake(&mut self, node: usize, run: u64, pulse: u64) {
        let process = self.sites[node].process.as_mut();
        let current = process.filter(|process| (process.run, process.pulses) == (run, pulse));
        let Some(process) = current else { return };
        process.due = None;
        process.pulse_by = self.now + PULSE_MS_MAX;
        self.put(node, Input::Pulse, None);
        self.plan_wake(node);
    }

    fn send(&mut self, node: usize, Outgoing { to, message }: Outgoing) {
        let site = &self.sites[node];
        let Some(process) = &site.process else { return };
        let Some(session) = process.sessions.get(&to).map(|session| session.number) else {
            return;
        };
        // Who has not greeted this life is asked when it does.
        let names_lives = matches!(message, Message::Letter { .. } | Message::Stored { .. });
        if names_lives && process.machine.lives(to).is_none() {
            return;
        }
        let about = format!("{message:?}");
        let own = (&site.own, &mut self.seals);
        let frame = if self.planted == Some(Planted::SendBeforeSync) {
            process.frame(message, to, own, &process.view(&site.disk))
        } else {
            process.frame(message, to, own, &site.disk.store)
        };
        let to = self.node_of(to);
        match frame {
            Some(bytes) => self.post(node, to, session, bytes.into()),
            None => self.complaints.push(format!(
                "node {node} can't make up what it sends to {to}: {about}"
            )),
        }
    }
}

fn answer(verdict: Verdict) -> Answer {
    match verdict {
        Verdict::Done => Answer::Done,
        Verdict::Made(ids) => Answer::Made(ids.iter().map(|id| *id.as_bytes()).collect()),
        Verdict::Refused(code) => Answer::Refused(code.number()),
        Verdict::Away => Answer::Away,
    }
}
