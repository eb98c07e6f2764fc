//! A bundle with all its parties: the production steps, and a network on which what was ever sent
//! may arrive at any later moment, any number of times, or never. Loss, repetition and reorder are
//! all of that; a crash loses what a life knew of greetings, and an old image put back all since the
//! hold.

use std::collections::BTreeSet;

use omni_protocol::bundle::{
    Act, Backing, BundleInput, BundleState, Decides, Greeted, LegFacts, LegInput, LegState,
    Outcome, Place, ProviderLeg, RequesterBundle, Span, Turn, Units,
};

use crate::leg::facts;

/// A rule broken on purpose, to be found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    /// None is.
    No,
    /// A leg is agreed when all but one have armed.
    AllButOne,
    /// An armed leg aborts when its hold would have ended.
    TimerAborts,
    /// A middle partner arms before its parts have.
    ArmsBeforeParts,
    /// A part is decided by the `ArmReceipt`s of the parts and not by the whole.
    LeafDecides,
    /// A leg of an earlier life refuses when its requester has greeted, and nobody else.
    OneGreeting,
}

/// What a run is made of, and what may happen in it.
#[derive(Clone, Debug)]
pub struct Shape {
    /// For each provider the one that it is a part of; the legs of the whole are parts of none, and
    /// stand first.
    pub above: Vec<Option<usize>>,
    /// The leg that arms last.
    pub last: Option<usize>,
    /// Crashes of all parties together.
    pub crashes: u8,
    /// Old images put back, of legs that rest on stock.
    pub losses: u8,
    /// Legs that lapse when they may.
    pub lapses: bool,
    /// What is broken.
    pub broken: Broken,
}

impl Shape {
    /// So many legs, of which none is a chain.
    pub fn flat(legs: usize) -> Self {
        Self {
            above: vec![None; legs],
            last: None,
            crashes: 0,
            losses: 0,
            lapses: false,
            broken: Broken::No,
        }
    }

    /// Two legs, of which the second is a chain of so many deals below it.
    pub fn chain(depth: usize) -> Self {
        let below = (0..depth).map(|above| Some(above + 1));
        Self {
            above: [None, None].into_iter().chain(below).collect(),
            ..Self::flat(0)
        }
    }

    fn roots(&self) -> usize {
        self.above.iter().filter(|above| above.is_none()).count()
    }

    fn parts(&self, of: Option<usize>) -> Vec<usize> {
        let all = 0..self.above.len();
        all.filter(|site| self.above[*site] == of).collect()
    }

    fn number(&self, site: usize) -> u16 {
        let beside = self.parts(self.above[site]);
        let at = beside.iter().position(|one| *one == site).unwrap();
        u16::try_from(at).unwrap()
    }

    fn place(&self, site: usize) -> Place {
        let is_root = self.above[site].is_none();
        let by_itself = is_root || self.broken == Broken::LeafDecides;
        let beside = if by_itself {
            self.parts(self.above[site]).len()
        } else {
            self.roots()
        };
        let legs = match self.broken {
            Broken::AllButOne => beside - 1,
            _ => beside,
        };
        Place {
            legs: u16::try_from(legs).unwrap(),
            number: by_itself.then(|| self.number(site)),
            turn: if self.last == Some(site) {
                Turn::Last
            } else {
                Turn::Asked
            },
        }
    }

    fn backing(&self, site: usize) -> Backing {
        if self.parts(Some(site)).is_empty() {
            Backing::Stock
        } else {
            Backing::Parts
        }
    }
}

/// What is sent. The number is the provider that signs it; none is the requester of the whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Letter {
    Manifest(Option<usize>),
    Release(Option<usize>),
    Armed(usize),
    /// The Refusal that names the leg.
    Refused(usize),
    /// The Refusal of the deal alone.
    RefusedAlone(usize),
    Lapsed(usize),
}

/// One thing that happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// A hold is given, as far as the requester knows too.
    Hold(usize),
    /// The requester commits.
    Accept,
    /// The requester gives up.
    Cancel,
    /// A letter comes to a provider.
    To(usize, Letter),
    /// A letter comes to the requester of the whole, or to a provider about its parts.
    Back(Option<usize>, Letter),
    /// The end of a hold passes.
    Expire(usize),
    /// That is noticed.
    Pulse(usize),
    /// An armed leg waits no longer.
    Lapse(usize),
    /// A new life begins.
    Crash(usize),
    /// An old image is put back.
    Lose(usize),
    /// All have greeted it, and shown what they have of it.
    Greet(usize),
    /// A middle partner looks at its parts, and hands down what it knows of the whole.
    Look(usize),
}

/// A provider.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Site {
    pub leg: Option<ProviderLeg>,
    below: Option<RequesterBundle>,
    hold: Span,
    greeted: Greeted,
}

/// All parties, and what was sent.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct World {
    pub requester: RequesterBundle,
    pub sites: Vec<Site>,
    pub sent: BTreeSet<Letter>,
    /// Who took whose `ArmReceipt`, where an old image may be put back.
    taken: BTreeSet<(Option<usize>, usize)>,
    crashes: u8,
    losses: u8,
}

impl World {
    /// Requests are out, nothing is held.
    pub fn begun(shape: &Shape) -> Self {
        let legs = |of| u16::try_from(shape.parts(of).len()).unwrap();
        let site = |site| Site {
            leg: None,
            below: (legs(Some(site)) > 0)
                .then(|| RequesterBundle::collecting(legs(Some(site)), Decides::Whole)),
            hold: Span::Runs,
            greeted: Greeted::All,
        };
        Self {
            requester: RequesterBundle::collecting(legs(None), Decides::Own),
            sites: (0..shape.above.len()).map(site).collect(),
            sent: BTreeSet::new(),
            taken: BTreeSet::new(),
            crashes: 0,
            losses: 0,
        }
    }

    /// All holds are given, from the leaves up.
    pub fn held(shape: &Shape) -> Self {
        let mut world = Self::begun(shape);
        for site in (0..shape.above.len()).rev() {
            world.act(shape, Action::Hold(site));
        }
        world
    }

    /// What may happen.
    pub fn actions(&self, shape: &Shape) -> Vec<Action> {
        let mut actions = vec![Action::Accept, Action::Cancel];
        for letter in &self.sent {
            self.ways_of(shape, *letter, &mut actions);
        }
        for (at, site) in self.sites.iter().enumerate() {
            let Some(leg) = site.leg else {
                actions.push(Action::Hold(at));
                continue;
            };
            match site.hold {
                Span::Runs => actions.push(Action::Expire(at)),
                Span::Over => actions.push(Action::Pulse(at)),
            }
            if shape.lapses && leg.state() == LegState::Armed {
                actions.push(Action::Lapse(at));
            }
            if self.crashes < shape.crashes {
                actions.push(Action::Crash(at));
            }
            let on_stock = shape.backing(at) == Backing::Stock;
            if self.losses < shape.losses && on_stock && leg.state() != LegState::Held {
                actions.push(Action::Lose(at));
            }
            if site.greeted == Greeted::Wanting {
                actions.push(Action::Greet(at));
            }
            if site.below.is_some() {
                actions.push(Action::Look(at));
            }
        }
        actions
    }

    fn ways_of(&self, shape: &Shape, letter: Letter, actions: &mut Vec<Action>) {
        match letter {
            Letter::Manifest(by) | Letter::Release(by) => {
                let parts = shape.parts(by).into_iter();
                actions.extend(parts.map(|part| Action::To(part, letter)));
            }
            Letter::RefusedAlone(by) | Letter::Lapsed(by) => {
                actions.push(Action::Back(shape.above[by], letter));
            }
            Letter::Armed(by) | Letter::Refused(by) => {
                actions.push(Action::Back(shape.above[by], letter));
                let all = (0..self.sites.len()).filter(|to| *to != by);
                let reached = all.filter(|to| self.reaches(shape, by, *to));
                actions.extend(reached.map(|to| Action::To(to, letter)));
            }
        }
    }

    /// Whether the record of one counts for another: in one manifest, or from the whole down to a
    /// part that was committed.
    fn reaches(&self, shape: &Shape, by: usize, to: usize) -> bool {
        match (shape.above[by], shape.above[to]) {
            (None, None) => true,
            (None, Some(above)) => {
                shape.broken != Broken::LeafDecides
                    && self.sent.contains(&Letter::Manifest(Some(above)))
            }
            (Some(one), Some(other)) => shape.broken == Broken::LeafDecides && one == other,
            (Some(_), None) => false,
        }
    }

    /// Lets it happen.
    pub fn act(&mut self, shape: &Shape, action: Action) {
        match action {
            Action::Hold(site) => {
                self.sites[site].leg = Some(ProviderLeg::held(shape.backing(site)));
                let number = shape.number(site);
                self.tell(shape.above[site], BundleInput::Hold(number));
            }
            Action::Accept => self.tell(None, BundleInput::Accept),
            Action::Cancel => self.tell(None, BundleInput::Cancel),
            Action::To(site, letter) => {
                self.take(shape, Some(site), letter);
                self.bring(shape, site, letter);
            }
            Action::Back(to, letter) => {
                self.take(shape, to, letter);
                let input = match letter {
                    Letter::Armed(by) => BundleInput::ArmReceipt(shape.number(by)),
                    Letter::Refused(by) => BundleInput::Refusal(shape.number(by)),
                    Letter::RefusedAlone(by) => BundleInput::RefusalOfDeal(shape.number(by)),
                    Letter::Lapsed(by) => BundleInput::Lapse(shape.number(by)),
                    Letter::Manifest(_) | Letter::Release(_) => return,
                };
                self.tell(to, input);
            }
            Action::Expire(site) => self.sites[site].hold = Span::Over,
            Action::Pulse(site) => {
                let armed = self.state(site) == Some(LegState::Armed);
                if armed && shape.broken == Broken::TimerAborts {
                    let place = shape.place(site);
                    self.put(shape, site, LegInput::Refusal(place, shape.number(site)));
                    self.sent.insert(Letter::Refused(site));
                }
                self.put(shape, site, LegInput::Over);
            }
            Action::Lapse(site) => self.put(shape, site, LegInput::Lapse),
            Action::Crash(site) => {
                self.crashes += 1;
                self.sites[site].greeted = Greeted::Wanting;
            }
            Action::Lose(site) => {
                self.losses += 1;
                self.sites[site].greeted = Greeted::Wanting;
                self.sites[site].leg = Some(ProviderLeg::held(Backing::Stock));
            }
            Action::Greet(site) => {
                self.show(shape, site);
                self.sites[site].greeted = Greeted::All;
                self.put(shape, site, LegInput::Greeted);
            }
            Action::Look(site) => self.look(shape, site),
        }
    }

    fn take(&mut self, shape: &Shape, to: Option<usize>, letter: Letter) {
        if let (Letter::Armed(by), 1..) = (letter, shape.losses) {
            self.taken.insert((to, by));
        }
    }

    /// Whoever greets shows a leg its own `ArmReceipt`. One that nobody has is void from then on.
    fn show(&mut self, shape: &Shape, site: usize) {
        let unarmed = [LegState::Held, LegState::Closed, LegState::Waiting];
        let lacks = self
            .state(site)
            .is_some_and(|state| unarmed.contains(&state));
        if shape.losses == 0 || !lacks || !self.sent.contains(&Letter::Armed(site)) {
            return;
        }
        let mut holders = self.taken.iter().filter(|(_, by)| *by == site);
        let shown = match shape.broken {
            Broken::OneGreeting => self.taken.contains(&(None, site)),
            _ => holders.clone().next().is_some(),
        };
        if shown {
            let place = shape.place(site);
            self.put(shape, site, LegInput::OwnArmReceipt(place));
        } else if holders.next().is_none() {
            self.sent.remove(&Letter::Armed(site));
        }
    }

    fn bring(&mut self, shape: &Shape, site: usize, letter: Letter) {
        let place = shape.place(site);
        let input = match letter {
            Letter::Manifest(_) => LegInput::Manifest(place),
            Letter::Release(_) => LegInput::Release,
            Letter::Armed(by) => LegInput::ArmReceipt(place, shape.number(by)),
            Letter::Refused(by) => LegInput::Refusal(place, shape.number(by)),
            Letter::RefusedAlone(_) | Letter::Lapsed(_) => return,
        };
        self.put(shape, site, input);
        if matches!(letter, Letter::Manifest(_)) && shape.broken == Broken::ArmsBeforeParts {
            self.put(shape, site, LegInput::PartsArmed);
        }
    }

    fn look(&mut self, shape: &Shape, site: usize) {
        let (Some(leg), Some(below)) = (self.sites[site].leg, self.sites[site].below) else {
            return;
        };
        if let Some(input) = below.parts() {
            self.put(shape, site, input);
        }
        let is_over = matches!(leg.state(), LegState::Refused | LegState::Aborted);
        let collecting = below.state() == BundleState::Collecting;
        match leg.outcome() {
            Outcome::Commit => self.tell(Some(site), BundleInput::WholeAgreed),
            Outcome::Abort => self.tell(Some(site), BundleInput::WholeAborted),
            Outcome::Open if is_over && collecting => {
                self.tell(Some(site), BundleInput::WholeAborted);
            }
            Outcome::Open => {}
        }
    }

    fn tell(&mut self, to: Option<usize>, input: BundleInput) {
        let bundle = match to {
            None => &mut self.requester,
            Some(site) => match &mut self.sites[site].below {
                Some(below) => below,
                None => return,
            },
        };
        let (next, acts) = bundle.step(input, Ok(()));
        *bundle = next;
        for act in acts {
            match act {
                Act::Manifest => self.sent.insert(Letter::Manifest(to)),
                Act::Release => self.sent.insert(Letter::Release(to)),
                _ => continue,
            };
        }
    }

    fn put(&mut self, shape: &Shape, at: usize, input: LegInput) {
        let site = &mut self.sites[at];
        let Some(leg) = site.leg else { return };
        let facts = LegFacts {
            hold: site.hold,
            greeted: site.greeted,
            ..facts()
        };
        let (next, acts) = leg.step(input, &facts);
        site.leg = Some(next);
        for act in acts {
            match act {
                Act::ArmReceipt => self.sent.insert(Letter::Armed(at)),
                Act::Refusal(_) if next.is_bound() => self.sent.insert(Letter::Refused(at)),
                Act::Refusal(_) => self.sent.insert(Letter::RefusedAlone(at)),
                Act::Lapse => self.sent.insert(Letter::Lapsed(at)),
                Act::Manifest => {
                    self.tell(Some(at), BundleInput::Accept);
                    continue;
                }
                Act::Evidence => panic!("an honest party is accused: {input:?} of {shape:?}"),
                _ => continue,
            };
        }
    }

    pub fn state(&self, site: usize) -> Option<LegState> {
        self.sites[site].leg.as_ref().map(ProviderLeg::state)
    }

    /// Units that a provider has promised.
    pub fn promised(&self, site: usize) -> usize {
        let units = self.state(site).map(LegState::units);
        usize::from(matches!(units, Some(Units::Held | Units::Sold)))
    }

    /// What is wrong at this moment, if anything is.
    pub fn complaint(&self, shape: &Shape) -> Option<&'static str> {
        let all = 0..self.sites.len();
        let sent = |letter| self.sent.contains(&letter);
        let ended = |state| all.clone().any(|site| self.state(site) == Some(state));
        let is_agreed = ended(LegState::Agreed) || self.requester.state() == BundleState::Agreed;
        let aborted = [LegState::Aborted, LegState::Refused];
        let dropped = [BundleState::Aborted, BundleState::Dropped];
        if is_agreed
            && (aborted.into_iter().any(ended) || dropped.contains(&self.requester.state()))
        {
            return Some("I21: ended in two ways");
        }
        let mut roots = all.clone().filter(|site| shape.above[*site].is_none());
        if is_agreed && !roots.all(|root| sent(Letter::Armed(root))) {
            return Some("I19: agreed without the whole certificate");
        }
        for site in all {
            if sent(Letter::Armed(site)) && sent(Letter::Refused(site)) {
                return Some("I20: refused after arming");
            }
            let mut parts = shape.parts(Some(site)).into_iter();
            if sent(Letter::Armed(site)) && !parts.all(|part| sent(Letter::Armed(part))) {
                return Some("I23: armed before its parts");
            }
        }
        None
    }

    /// Everything arrives, everybody greets, and holds end, until nothing changes any more. What
    /// the requester has not committed it gives back.
    pub fn heal(&mut self, shape: &Shape) {
        let by_itself = |action: &Action| {
            !matches!(
                action,
                Action::Hold(_)
                    | Action::Accept
                    | Action::Cancel
                    | Action::Lapse(_)
                    | Action::Crash(_)
                    | Action::Lose(_)
            )
        };
        self.settle(shape, |action| {
            by_itself(action) && !matches!(action, Action::Expire(_))
        });
        self.act(shape, Action::Cancel);
        self.settle(shape, by_itself);
    }

    /// As `heal`, but neither the requester nor its letters are there: members have the manifest
    /// from members.
    pub fn heal_without_requester(&mut self, shape: &Shape) {
        let among_members = |action: &Action| {
            matches!(
                action,
                Action::To(_, Letter::Armed(_) | Letter::Refused(_))
                    | Action::Pulse(_)
                    | Action::Greet(_)
            )
        };
        self.settle(shape, among_members);
        // The end of a hold refuses a leg that nobody asked in time.
        self.settle(shape, |action| {
            among_members(action) || matches!(action, Action::Expire(_))
        });
    }

    fn settle(&mut self, shape: &Shape, happens: impl Fn(&Action) -> bool) {
        loop {
            let before = self.clone();
            for action in self.actions(shape) {
                if happens(&action) {
                    self.act(shape, action);
                }
            }
            if *self == before {
                return;
            }
        }
    }

    /// What is wrong once nothing changes any more.
    pub fn unsettled(&self, shape: &Shape) -> Option<String> {
        if let Some(complaint) = self.complaint(shape) {
            return Some(complaint.to_owned());
        }
        let is_agreed = self.requester.state() == BundleState::Agreed;
        for (at, site) in self.sites.iter().enumerate() {
            let expected: &[LegState] = if is_agreed {
                &[LegState::Agreed, LegState::Lapsed]
            } else {
                &[LegState::Aborted, LegState::Refused, LegState::Lapsed]
            };
            let state = self.state(at);
            if state.is_some_and(|state| !expected.contains(&state)) {
                return Some(format!("I22: {at} is {state:?}, agreed: {is_agreed}"));
            }
            let below = site.below.map(|below| below.state());
            let open = [
                BundleState::Doubt,
                BundleState::Armed,
                BundleState::Collecting,
            ];
            if below.is_some_and(|below| open.contains(&below)) && site.leg.is_some() {
                return Some(format!("I22: the parts of {at} are {below:?}"));
            }
        }
        let open = [BundleState::Doubt, BundleState::Collecting];
        open.contains(&self.requester.state())
            .then(|| "I22: the requester is in doubt".to_owned())
    }
}
