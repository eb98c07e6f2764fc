//! What operators say about bundles: they ask partners for holds, put them together, commit or drop
//! them, and as providers let an armed leg lapse. Who is a member and no partner is met as the
//! Manifest says. It keeps out when all that is done.

use std::collections::BTreeSet;

use omni_protocol::{
    bundle::BundleBody,
    deal::{Deal, State},
    fence::List,
    hash::{BundleId, DealId, ManifestId, PartnerId},
    machine::{Approval, Bundle, Bundling, Draft, DraftLeg, Key, Stage, Verb, View, bundle_id},
    record::Signed,
    thread::ThreadBody,
    value::Text,
};

use super::{
    chance::Chance,
    goods,
    operate::{Desk, Say},
    world::{Event, World},
};
use crate::{
    market::{Store, network},
    observation::Asked,
};

/// Most legs of one bundle.
const LEGS_MAX: u64 = 4;
/// Most legs of one provider (SPEC.md section 17).
const LEGS_OF_ONE_MAX: usize = 2;

fn word(word: Bundling) -> Say {
    Say::verb(Asked::Bundle, Verb::Bundle(word))
}

fn commit(bundle: BundleId) -> Say {
    let members = Vec::new();
    word(Bundling::Commit { bundle, members })
}

impl World<'_> {
    /// The operator begins a bundle: a hold of each of some partners is asked and kept for it.
    pub(super) fn begin_bundle(&mut self, node: usize, dice: &mut Chance) {
        let bundle = self.begin(node, None, dice);
        for _ in 0..dice.within(2, LEGS_MAX) {
            self.ask_for_leg(node, bundle, dice);
        }
        let draft = self.desk(node).and_then(|desk| desk.draft(bundle));
        let legs = draft.map(|draft| draft.legs).unwrap_or_default();
        if dice.one_in(3) && !legs.is_empty() {
            let deal = Some(dice.pick(&legs).deal);
            self.say(node, word(Bundling::Last { bundle, deal }));
        }
    }

    /// The operator begins to change what a bundle came to: of most of its orders a change is asked
    /// for, all of which are to be agreed or none.
    pub(super) fn begin_changes(&mut self, node: usize, dice: &mut Chance) {
        let came = self.desk(node).map(|desk| desk.came_to_orders());
        let came = came.unwrap_or_default();
        if came.is_empty() {
            return;
        }
        let (of, orders) = dice.pick(&came).clone();
        let bundle = self.begin(node, Some(of), dice);
        for order in orders {
            if dice.one_in(4) {
                continue;
            }
            let say = self.desk(node);
            let say = say.and_then(|desk| desk.change_in(bundle, order, dice));
            if let Some(say) = say {
                self.say(node, say);
            }
        }
    }

    fn begin(&mut self, node: usize, changes: Option<BundleId>, dice: &mut Chance) -> BundleId {
        let name: Text<64, 1> = format!("b{}", dice.draw()).parse().expect("short");
        let bundle = bundle_id(&name);
        self.say(node, word(Bundling::New { name, changes }));
        bundle
    }

    /// A hold is asked of one who does not provide too many legs yet.
    fn ask_for_leg(&mut self, node: usize, bundle: BundleId, dice: &mut Chance) {
        let Some(desk) = self.desk(node) else { return };
        let Some(draft) = desk.draft(bundle) else {
            return;
        };
        let legs_of = |partner: PartnerId| {
            let deals = draft.legs.iter();
            let deals = deals.filter_map(|leg| Deal::read(&desk.view, leg.deal));
            deals.filter(|deal| deal.partner == partner).count()
        };
        let mut open = desk.partners.clone();
        open.retain(|(_, partner)| legs_of(*partner) < LEGS_OF_ONE_MAX);
        if open.is_empty() {
            return;
        }
        let (provider, partner) = *dice.pick(&open);
        let article = dice.below(goods::ARTICLES);
        // One in so many asks for a price that is not granted.
        let less = if dice.one_in(16) { 100 } else { 0 };
        let steps = dice.within(1, 3);
        let terms = match desk.serves && dice.one_in(3) {
            true => goods::slot_terms(provider, dice.draw(), (steps, less)),
            false => goods::terms((provider, article), steps, less),
        };
        let before = desk.deals();
        let say = desk.request((partner, None), terms, Approval::Asked);
        self.say(node, say);
        let Some(desk) = self.desk(node) else { return };
        let mut deals = desk.deals().into_keys();
        if let Some(deal) = deals.find(|deal| !before.contains_key(deal)) {
            let leg = DraftLeg {
                deal,
                alternative: 0,
                after: List::default(),
            };
            self.say(node, word(Bundling::Add { bundle, leg }));
        }
    }

    /// The operator goes on with what was begun: commits what is ready, and asks again for what was
    /// refused. The partners answer what was asked of them before, for the next time.
    pub(super) fn tend_bundles(&mut self, node: usize, dice: &mut Chance) {
        for partner in self.partners(node) {
            self.source_what_is_asked(partner, dice);
            self.grant_what_is_asked(partner);
        }
        let Some(desk) = self.desk(node) else { return };
        let drafts = desk.drafts();
        let readiness = drafts.iter().map(|(_, draft)| desk.is_ready(draft));
        let readiness: Vec<bool> = readiness.collect();
        for ((bundle, draft), is_ready) in drafts.into_iter().zip(readiness) {
            if dice.one_in(16) {
                self.say(node, word(Bundling::Cancel { bundle }));
            } else if is_ready {
                self.say(node, commit(bundle));
            } else {
                self.replace_lost_legs(node, (bundle, &draft), dice);
            }
        }
        self.cancel_in_doubt(node, dice);
    }

    /// Sometimes the operator wants to give up what is in doubt, which can't be.
    fn cancel_in_doubt(&mut self, node: usize, dice: &mut Chance) {
        let Some(desk) = self.desk(node) else { return };
        let deals = desk.deals().into_iter();
        let in_doubt = deals.filter(|(_, deal)| deal.state == State::Doubt);
        let in_doubt: Vec<DealId> = in_doubt.map(|(id, _)| id).collect();
        for deal in in_doubt {
            if dice.one_in(4) {
                self.say(node, Say::verb(Asked::Cancel, Verb::Cancel { deal }));
            }
        }
    }

    fn replace_lost_legs(
        &mut self,
        node: usize,
        (bundle, draft): (BundleId, &Draft),
        dice: &mut Chance,
    ) {
        for leg in &*draft.legs {
            let Some(desk) = self.desk(node) else { return };
            let deal = leg.deal;
            if !desk.is_collected(deal) {
                self.say(node, word(Bundling::Remove { bundle, deal }));
                // The change of another order would be none of the same bundle.
                if draft.changes.is_none() {
                    self.ask_for_leg(node, bundle, dice);
                }
            }
        }
    }

    /// Every operator lets the legs lapse that the machine lets go.
    pub(super) fn let_lapse(&mut self) {
        for node in 0..self.sites.len() {
            let Some(desk) = self.desk(node) else {
                continue;
            };
            let deals = desk.deals().into_iter();
            let armed = deals.filter(|(_, deal)| deal.state == State::Armed);
            let says = armed.map(|(deal, _)| word(Bundling::Lapse { deal }));
            let says: Vec<Say> = says.collect();
            for say in says {
                self.say(node, say);
            }
        }
    }

    /// Without faults: what is collected is committed or dropped.
    pub(super) fn tidy_bundles(&mut self, node: usize, dice: &mut Chance) {
        let Some(desk) = self.desk(node) else { return };
        let drafts = desk.drafts().into_iter();
        let says = drafts.map(|(bundle, draft)| {
            if desk.is_ready(&draft) && dice.one_in(2) {
                commit(bundle)
            } else {
                word(Bundling::Cancel { bundle })
            }
        });
        let says: Vec<Say> = says.collect();
        for say in says {
            self.say(node, say);
        }
    }

    /// Connects a node with the members of its undecided bundles.
    pub(super) fn meet_members(&mut self, node: usize) {
        if !self.has_strangers() || self.sites[node].process.is_none() {
            return;
        }
        for other in self.dialled(node) {
            if self.links.seek(node, other) {
                let wait = self.chance.within(10, 300);
                self.after(wait, Event::Connect(node, other));
            }
        }
    }

    fn has_strangers(&self) -> bool {
        let bundles = self.plan.mix.bundles.as_ref();
        bundles.is_some_and(|bundles| bundles.strangers)
    }

    /// Whether two nodes want a session: as partners, or as members of a bundle.
    pub(super) fn want_session(&self, one: usize, other: usize) -> bool {
        self.partners(one).contains(&other)
            || self.dialled(one).contains(&other)
            || self.dialled(other).contains(&one)
    }

    /// Members of undecided bundles that are no partners, as `node/src/runtime/members.rs` finds
    /// them.
    fn dialled(&self, node: usize) -> BTreeSet<usize> {
        let store = &self.sites[node].disk.store;
        let (own, partners) = (self.sites[node].own.partner, self.partners(node));
        let members = undecided(store, self.sites[node].own.partner).into_iter();
        let members = members.filter(|member| *member != own);
        let nodes = members.map(|member| self.node_of(member));
        nodes.filter(|other| !partners.contains(other)).collect()
    }
}

/// The members of the manifests that bind open deals, or of which an own leg is unknown.
fn undecided(store: &Store, own: PartnerId) -> BTreeSet<PartnerId> {
    let waits = |state| {
        matches!(
            state,
            State::Waiting
                | State::Armed
                | State::Closed
                | State::Refused
                | State::Doubt
                | State::Written
        )
    };
    let open = store.0.keys().filter_map(|key| match key {
        Key::OpenDeal { deal, .. } => Deal::read(store, *deal),
        _ => None,
    });
    let bound = open.filter(|deal| waits(deal.state));
    let mut manifests: BTreeSet<ManifestId> = bound.filter_map(|deal| deal.manifest).collect();
    manifests.extend(store.0.keys().filter_map(|key| match key {
        Key::Joint {
            decided: 0,
            manifest,
            ..
        } => {
            let bundle = Bundle::read(store, *manifest)?;
            let mut legs = bundle.of_provider(own);
            let is_unknown = legs.any(|(_, leg)| {
                leg.is_unknown(bundle.requester, Deal::read(store, leg.deal).as_ref())
            });
            is_unknown.then_some(*manifest)
        }
        _ => None,
    }));
    let mut members = BTreeSet::new();
    for manifest in manifests {
        let key = Key::Record {
            id: manifest.into(),
        };
        let record = store.read(&key).expect("what binds a deal is kept");
        let record = Signed::<ThreadBody>::read(&network(), record).expect("a record");
        if let ThreadBody::Bundle(BundleBody::Manifest(manifest)) = record.body() {
            members.extend(manifest.members().iter().map(|member| member.partner));
        }
    }
    members
}

impl Desk<'_> {
    /// Whether a deal is kept for a bundle.
    pub(super) fn is_drafted(&self, deal: DealId) -> bool {
        self.view.read(&Key::Drafted { deal }).is_some()
    }

    fn draft(&self, bundle: BundleId) -> Option<Draft> {
        Draft::read(&self.view, bundle).filter(|draft| draft.stage == Stage::Collecting)
    }

    fn drafts(&self) -> Vec<(BundleId, Draft)> {
        let of = |key| match key {
            Key::Draft { bundle } => Some((bundle, self.draft(bundle)?)),
            _ => None,
        };
        let keys = self.all(|key| matches!(key, Key::Draft { .. })).into_iter();
        keys.filter_map(of).collect()
    }

    /// Bundles that came to orders, with these.
    fn came_to_orders(&self) -> Vec<(BundleId, Vec<DealId>)> {
        let of = |key| match key {
            Key::Draft { bundle } => {
                let draft = Draft::read(&self.view, bundle)?;
                let deals = draft.legs.iter().map(|leg| leg.deal);
                let orders = deals.filter(|deal| self.state(*deal) == Some(State::Agreed));
                let orders: Vec<DealId> = orders.collect();
                (draft.changes.is_none() && orders.len() > 1).then_some((bundle, orders))
            }
            _ => None,
        };
        let keys = self.all(|key| matches!(key, Key::Draft { .. })).into_iter();
        keys.filter_map(of).collect()
    }

    fn state(&self, deal: DealId) -> Option<State> {
        Deal::read(&self.view, deal).map(|deal| deal.state)
    }

    fn is_collected(&self, deal: DealId) -> bool {
        matches!(self.state(deal), Some(State::Requested | State::Kept))
    }

    fn is_ready(&self, draft: &Draft) -> bool {
        let kept = |deal| self.state(deal) == Some(State::Kept);
        draft.legs.len() > 1 && draft.legs.iter().all(|leg| kept(leg.deal))
    }
}
