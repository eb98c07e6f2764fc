//! Bundles that the operator puts together: which deals, in which order they are done, which arms
//! last; then their one Manifest. A draft is bookkeeping of this node alone. It keeps out what
//! follows the Manifest.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named has no part here"
)]

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use super::{Bundle, ask, provide, require};
use crate::{
    bundle::{
        Act, BundleBody, BundleInput, BundleState, Decides, Leg, LegInput, Manifest, Member,
        RequesterBundle, Tally,
    },
    code::Code,
    deal::{Deal, State, credit, requester, reservation},
    fence::List,
    hash::{BundleId, DealId, ManifestId, PartnerId, sha256},
    limits::{LEGS_MAX, LEGS_OF_ONE_MAX},
    machine::{
        Key, Mark, Overlay, Requesting, Stop, Trial, Verdict, View, chain, kept_record, stored,
        verbs,
    },
    record::Signed,
    thread::{CoLegs, HoldTerms, Terms, ThreadBody},
    value::{Currency, Minor, Text, Time},
    wire, words,
};

/// Bytes of the name of a bundle.
const NAME_BYTES_MAX: usize = 64;

words! {
    /// Whether a bundle is still put together.
    pub enum Stage {
        /// It is.
        1 Collecting "collecting",
        /// Its Manifest was signed.
        2 Committed "committed",
        /// It was given back before that.
        3 Dropped "dropped",
    }
}

/// A deal that is to be a leg.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct DraftLeg {
    /// The deal.
    pub deal: DealId,
    /// Which alternative of the hold, from 0.
    pub alternative: u8,
    /// The deals that must be done before it begins.
    pub after: List<DealId, LEGS_MAX>,
}

wire!(DraftLeg {
    deal,
    alternative,
    after,
});

/// A bundle as its operator put it together.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Draft {
    /// How the operator calls it.
    pub name: Text<NAME_BYTES_MAX, 1>,
    /// Its legs.
    pub legs: List<DraftLeg, LEGS_MAX>,
    /// The deal that arms last.
    pub last: Option<DealId>,
    /// How far it is.
    pub stage: Stage,
    /// Its Manifest, once it is committed.
    pub manifest: Option<ManifestId>,
    /// When it was begun.
    pub at: Time,
    /// The bundle whose orders its legs change, if they change any.
    pub changes: Option<BundleId>,
}

wire!(Draft {
    name,
    legs,
    last,
    stage,
    manifest,
    at,
    changes,
});

/// The id of the bundle with this name at this node.
#[must_use]
pub fn bundle_id(name: &Text<NAME_BYTES_MAX, 1>) -> BundleId {
    BundleId::from_bytes(sha256(&[name.as_str().as_bytes()]))
}

impl Draft {
    /// The bundle with this id, if the operator began one.
    #[must_use]
    pub fn read(view: &dyn View, bundle: BundleId) -> Option<Self> {
        stored(view, &Key::Draft { bundle })
    }
}

/// One word of the operator about a bundle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Bundling {
    /// Begins one.
    New {
        /// Its name.
        name: Text<NAME_BYTES_MAX, 1>,
        /// The bundle whose orders its legs are to change.
        changes: Option<BundleId>,
    },
    /// Takes a deal in, for which a hold is asked or kept, or changes how it is a leg.
    Add {
        /// The bundle.
        bundle: BundleId,
        /// The leg.
        leg: DraftLeg,
    },
    /// Asks for a hold and takes its deal in, both or neither.
    Ask {
        /// The bundle.
        bundle: BundleId,
        /// What is asked for.
        requesting: Box<Requesting>,
        /// The deals of the bundle that come before it.
        after: Vec<DealId>,
    },
    /// Takes a deal out.
    Remove {
        /// The bundle.
        bundle: BundleId,
        /// The deal.
        deal: DealId,
    },
    /// Says which leg arms last, or that none does.
    Last {
        /// The bundle.
        bundle: BundleId,
        /// The deal.
        deal: Option<DealId>,
    },
    /// Signs the Manifest.
    Commit {
        /// The bundle.
        bundle: BundleId,
        /// Keys and addresses of this node and of the providers, as far as they are known.
        members: Vec<Member>,
    },
    /// Judges whether it could be committed now, and changes nothing.
    Plan {
        /// The bundle.
        bundle: BundleId,
        /// As for the Commit.
        members: Vec<Member>,
    },
    /// Gives a bundle up that was not committed: all its holds go back.
    Cancel {
        /// The bundle.
        bundle: BundleId,
    },
    /// Writes a bundle in doubt off.
    WriteOff {
        /// The bundle.
        bundle: BundleId,
    },
    /// As a provider: waits no longer with an armed leg.
    Lapse {
        /// The deal.
        deal: DealId,
    },
}

/// Decides about the operator's word.
pub(in crate::machine) fn decide(trial: &mut Trial<'_>, word: Bundling) -> Result<(), Stop> {
    match word {
        Bundling::New { name, changes } => begin(trial, name, changes),
        Bundling::Add { bundle, leg } => add(trial, bundle, leg),
        Bundling::Ask {
            bundle,
            requesting,
            after,
        } => {
            verbs::request(trial, *requesting, None)?;
            let Verdict::Made(made) = &trial.step.verdict else {
                return Err(Code::DealUnknown.into());
            };
            let deal = made.last().copied().ok_or(Code::DealUnknown)?.into();
            let after = List::new(after).map_err(Code::from)?;
            let leg = DraftLeg {
                deal,
                alternative: 0,
                after,
            };
            add(trial, bundle, leg)
        }
        Bundling::Remove { bundle, deal } => remove(trial, bundle, deal),
        Bundling::Last { bundle, deal } => {
            let mut draft = collecting(trial, bundle)?;
            if deal.is_some_and(|deal| !draft.legs.iter().any(|leg| leg.deal == deal)) {
                return Err(Code::LegUnknown.into());
            }
            draft.last = deal;
            keep(trial, draft);
            Ok(())
        }
        Bundling::Commit { bundle, members } => commit(trial, bundle, &members),
        Bundling::Plan { bundle, members } => {
            commit(trial, bundle, &members)?;
            trial.begin_anew();
            Ok(())
        }
        Bundling::Cancel { bundle } => cancel(trial, bundle),
        Bundling::WriteOff { bundle } => {
            let draft = Draft::read(&trial.view, bundle).ok_or(Code::DealUnknown)?;
            let manifest = draft.manifest.ok_or(Code::NoCommit)?;
            require::write_off(trial, manifest)
        }
        Bundling::Lapse { deal: id } => {
            let deal = Deal::read(&trial.view, id).ok_or(Code::DealUnknown)?;
            trial.check_whole(id, &deal)?;
            trial.check_greeted(deal.partner)?;
            match deal.state {
                State::Armed => provide::word(trial, (id, &deal), LegInput::Lapse),
                State::Held | State::Waiting => Err(Code::HoldStands.into()),
                _ => Err(Code::Outdated.into()),
            }
        }
    }
}

fn begin(
    trial: &mut Trial<'_>,
    name: Text<NAME_BYTES_MAX, 1>,
    changes: Option<BundleId>,
) -> Result<(), Stop> {
    if changes.is_some_and(|changes| Draft::read(&trial.view, changes).is_none()) {
        return Err(Code::DealUnknown.into());
    }
    if Draft::read(&trial.view, bundle_id(&name)).is_some() {
        return Err(Code::Outdated.into());
    }
    let draft = Draft {
        name,
        legs: List::default(),
        last: None,
        stage: Stage::Collecting,
        manifest: None,
        at: trial.at(),
        changes,
    };
    keep(trial, draft);
    Ok(())
}

fn keep(trial: &mut Trial<'_>, draft: Draft) {
    let draft = Box::new(draft);
    trial.mark(Mark::Drafted { draft });
}

fn collecting(trial: &Trial<'_>, bundle: BundleId) -> Result<Draft, Code> {
    let draft = Draft::read(&trial.view, bundle).ok_or(Code::DealUnknown)?;
    match draft.stage {
        Stage::Collecting => Ok(draft),
        Stage::Committed => Err(Code::InDoubt),
        Stage::Dropped => Err(Code::Outdated),
    }
}

fn add(trial: &mut Trial<'_>, bundle: BundleId, leg: DraftLeg) -> Result<(), Stop> {
    let mut draft = collecting(trial, bundle)?;
    let deal = Deal::read(&trial.view, leg.deal).ok_or(Code::DealUnknown)?;
    let other = stored::<BundleId>(&trial.view, &Key::Drafted { deal: leg.deal });
    let is_approved = trial.view.read(&Key::Approval { deal: leg.deal }).is_some();
    if is_approved || other.is_some_and(|other| other != bundle) {
        return Err(Code::OtherManifest.into());
    }
    chain::check_alone(trial, &deal)?;
    // Orders are changed by a bundle that is begun for that, and by nothing else in it.
    let is_fit = deal.order.is_some() == draft.changes.is_some();
    if !is_open(&deal) || !is_fit {
        return Err(Code::HoldUnknown.into());
    }
    let mut legs = draft.legs.into_vec();
    legs.retain(|known| known.deal != leg.deal);
    let is_theirs = |known: &DraftLeg| {
        Deal::read(&trial.view, known.deal).is_some_and(|known| known.partner == deal.partner)
    };
    if legs.iter().filter(|known| is_theirs(known)).count() >= LEGS_OF_ONE_MAX {
        return Err(Code::TooLarge.into());
    }
    legs.push(leg);
    draft.legs = List::new(legs).map_err(Code::from)?;
    keep(trial, draft);
    Ok(())
}

/// Whether a hold is asked or kept, and nothing committed.
const fn is_open(deal: &Deal) -> bool {
    matches!(deal.state, State::Requested | State::Kept)
}

/// Refuses to move a deal out of a draft that an earlier life asked for, before the providers of the
/// other legs greeted this one: a Manifest that is lost here may name it, and they would know.
pub(crate) fn check_co_legs(trial: &Trial<'_>, deal_id: DealId) -> Result<(), Stop> {
    let drafted = stored::<BundleId>(&trial.view, &Key::Drafted { deal: deal_id });
    let Some(bundle) = drafted.filter(|_| !trial.is_of_this_life(deal_id.into())) else {
        return Ok(());
    };
    let draft = Draft::read(&trial.view, bundle);
    let legs = draft.iter().flat_map(|draft| &*draft.legs);
    for leg in legs.filter(|leg| leg.deal != deal_id) {
        let other = Deal::read(&trial.view, leg.deal);
        if let Some(other) = other.filter(is_open) {
            trial.check_greeted(other.partner)?;
        }
    }
    Ok(())
}

fn remove(trial: &mut Trial<'_>, bundle: BundleId, deal: DealId) -> Result<(), Stop> {
    let mut draft = collecting(trial, bundle)?;
    check_co_legs(trial, deal)?;
    let mut legs = draft.legs.into_vec();
    let before = legs.len();
    legs.retain(|leg| leg.deal != deal);
    if legs.len() == before {
        return Err(Code::LegUnknown.into());
    }
    for leg in &mut legs {
        let mut after = core::mem::take(&mut leg.after).into_vec();
        after.retain(|other| *other != deal);
        leg.after = List::new(after).map_err(Code::from)?;
    }
    draft.legs = List::new(legs).map_err(Code::from)?;
    draft.last = draft.last.filter(|last| *last != deal);
    keep(trial, draft);
    Ok(())
}

/// A leg that is to be committed, as this node knows it.
struct Ready {
    leg: DraftLeg,
    deal: Deal,
    hold: HoldTerms,
    terms: Terms,
}

/// Signs the Manifest and asks each provider to arm.
fn commit(trial: &mut Trial<'_>, id: BundleId, members: &[Member]) -> Result<(), Stop> {
    let mut draft = collecting(trial, id)?;
    let legs: Vec<DraftLeg> = Vec::from(&*draft.legs);
    let count = u16::try_from(legs.len()).or(Err(Code::Malformed))?;
    let mut holds = Tally::new(count);
    let mut ready = Vec::new();
    for (number, leg) in (0..).zip(legs) {
        if let Some(one) = ready_leg(trial, leg) {
            holds.arm(number);
            ready.push(one);
        }
    }
    let fit = judge(trial, &ready);
    let standing = {
        let none = Tally::new(count);
        RequesterBundle::kept(BundleState::Collecting, Decides::Own, holds, none)
    };
    let (_, acts) = standing.step(BundleInput::Accept, fit);
    if let Some(Act::Operator(code)) = acts.first() {
        return Err((*code).into());
    }
    for one in &ready {
        trial.check_whole(one.leg.deal, &one.deal)?;
        trial.check_greeted(one.deal.partner)?;
    }
    let last = draft
        .last
        .and_then(|last| ready.iter().position(|one| one.leg.deal == last));
    let last = last.and_then(|last| u16::try_from(last).ok());
    let manifest = manifest_of(trial, &ready, (members, last))?;
    let manifest_id = sign(trial, manifest)?;
    draft.stage = Stage::Committed;
    draft.manifest = Some(manifest_id);
    keep(trial, draft);
    let bundle = Bundle::read(&trial.view, manifest_id).ok_or(Code::Malformed)?;
    for provider in bundle.others(bundle.requester) {
        ask::to_arm(trial, provider, (manifest_id, &bundle));
    }
    Ok(())
}

fn ready_leg(trial: &Trial<'_>, leg: DraftLeg) -> Option<Ready> {
    let network = trial.machine.config.network;
    let deal = Deal::read(&trial.view, leg.deal).filter(|deal| deal.state == State::Kept)?;
    let hold = match kept_record(&trial.view, &network, deal.hold?)?.body() {
        ThreadBody::Hold(hold) => hold.hold,
        ThreadBody::Proposal(proposal) => *proposal.hold()?,
        _ => return None,
    };
    let alternatives = Deal::alternatives(&trial.view, &network, leg.deal);
    let terms = alternatives.into_iter().nth(usize::from(leg.alternative))?;
    Some(Ready {
        leg,
        deal,
        hold,
        terms,
    })
}

/// What stands against committing: a hold that is over or waits for nobody, windows that contradict
/// what must come first, or more than this node lets itself owe one of them.
fn judge(trial: &Trial<'_>, ready: &[Ready]) -> Result<(), Code> {
    if ready.iter().any(|one| trial.at() > one.deal.until) {
        return Err(Code::HoldOver);
    }
    if ready.iter().any(|one| one.hold.co_legs == CoLegs::None) {
        return Err(Code::CoLegsRefused);
    }
    if !windows_fit(ready) {
        return Err(Code::ValidityWrong);
    }
    let network = trial.machine.config.network;
    let mut owed: BTreeMap<(PartnerId, Currency), Minor> = BTreeMap::new();
    for one in ready {
        let (amount, _) = reservation(&trial.view, &network, core::slice::from_ref(&one.terms));
        let sum = owed
            .entry((one.deal.partner, one.terms.currency()))
            .or_default();
        *sum = Minor::total([*sum, amount]).ok_or(Code::OverCredit)?;
    }
    for ((partner, currency), amount) in owed {
        credit::may_owe_them(&trial.view, partner, currency, amount)?;
    }
    Ok(())
}

/// Whether each leg that has a window begins in it when all that must be done before has ended.
fn windows_fit(ready: &[Ready]) -> bool {
    let legs: Vec<DraftLeg> = ready.iter().map(|one| one.leg.clone()).collect();
    let window = |one: &Ready| one.terms.conditions().window;
    ready.iter().all(|one| {
        let before = before(&legs, one.leg.deal);
        let mut earlier = ready
            .iter()
            .filter(|other| before.contains(&other.leg.deal))
            .filter_map(window);
        window(one).is_none_or(|own| earlier.all(|other| other.until() <= own.from()))
    })
}

/// The deals that must be done before that of a leg begins: those that it waits for, and those for
/// which these wait.
#[must_use]
pub fn before(legs: &[DraftLeg], deal: DealId) -> Vec<DealId> {
    let after = |deal: DealId| {
        let leg = legs.iter().find(move |leg| leg.deal == deal);
        leg.map_or(&[][..], |leg| &*leg.after)
    };
    let mut found: Vec<DealId> = Vec::from(after(deal));
    let mut looked = 0;
    while let Some(next) = found.get(looked).copied() {
        looked += 1;
        for earlier in after(next) {
            if !found.contains(earlier) {
                found.push(*earlier);
            }
        }
    }
    found
}

fn manifest_of(
    trial: &mut Trial<'_>,
    ready: &[Ready],
    (known, last): (&[Member], Option<u16>),
) -> Result<Manifest, Stop> {
    let own = trial.machine.config.partner;
    let member = |partner: PartnerId| {
        known
            .iter()
            .find(|one| one.partner == partner)
            .cloned()
            .unwrap_or(Member {
                partner,
                keys: List::default(),
                addresses: List::default(),
                mailboxes: List::default(),
            })
    };
    let mut members = Vec::from([member(own)]);
    let mut legs = Vec::new();
    for one in ready {
        let provider = one.deal.partner;
        let place = members.iter().position(|member| member.partner == provider);
        let place = place.unwrap_or(members.len());
        if place == members.len() {
            members.push(member(provider));
        }
        legs.push(Leg {
            member: u16::try_from(place).or(Err(Code::Malformed))?,
            deal: one.leg.deal,
            hold: one.deal.hold.ok_or(Code::HoldUnknown)?,
            alternative: one.leg.alternative,
        });
    }
    let header = trial.header(own, None, None)?;
    let members = List::new(members).map_err(Code::from)?;
    let legs = List::new(legs).map_err(Code::from)?;
    Ok(Manifest::new(header, members, legs, last).map_err(Code::from)?)
}

/// Signs a Manifest, which is addressed to this node itself and sent to each provider.
pub(super) fn sign(trial: &mut Trial<'_>, manifest: Manifest) -> Result<ManifestId, Stop> {
    let body = ThreadBody::Bundle(BundleBody::Manifest(Box::new(manifest)));
    let config = &trial.machine.config;
    let record = Signed::write(&config.network, config.partner, body).map_err(Code::from)?;
    trial.sign_alone(&record)?;
    Ok(record.id().into())
}

/// Gives back every hold that is asked or kept.
fn cancel(trial: &mut Trial<'_>, id: BundleId) -> Result<(), Stop> {
    let mut draft = collecting(trial, id)?;
    for leg in draft.legs.clone().into_vec() {
        let deal = Deal::read(&trial.view, leg.deal);
        if deal.as_ref().is_some_and(is_open) {
            requester::give_back(trial, leg.deal)?;
        }
    }
    draft.stage = Stage::Dropped;
    keep(trial, draft);
    Ok(())
}

/// What a mark of a draft changes: it is kept, and its deals are found by it while it is collecting.
pub(in crate::machine) fn drafted(view: &mut Overlay<'_>, draft: &Draft) {
    let bundle = bundle_id(&draft.name);
    if let Some(before) = Draft::read(view, bundle) {
        for leg in &*before.legs {
            view.delete(Key::Drafted { deal: leg.deal });
        }
    }
    if draft.stage == Stage::Collecting {
        for leg in &*draft.legs {
            view.put(Key::Drafted { deal: leg.deal }, &bundle);
        }
    }
    if let Some(manifest) = draft.manifest {
        view.put(Key::BundleOf { manifest }, &bundle);
    }
    view.put(Key::Draft { bundle }, draft);
}
