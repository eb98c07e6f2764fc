//! What operators say: they ask for what seems useful given what their node has stored, and often
//! for what does not. It keeps out when they do.

use std::collections::BTreeMap;

use omni_protocol::{
    deal::{
        Deal, State,
        negotiation::{Thread, Who},
        stock::Stock,
    },
    hash::{DealId, PartnerId, ThreadId},
    machine::{
        Approval, Binding, Count, Grant, Input, Key, Proposing, Publication, Requesting, Standing,
        Verb, View,
    },
    public::WithdrawalReason,
    thread::{Role, Terms},
    value::{Minor, Money, Prose, Text, Time},
};

use super::{
    chance::Chance,
    goods,
    plan::MINUTE_MS,
    shell::{Asker, Layers},
    world::World,
};
use crate::observation::Asked;

/// Something to say, and what it is about.
pub(super) struct Say {
    asked: Asked,
    thread: Option<ThreadId>,
    deal: Option<DealId>,
    input: Input,
}

impl Say {
    pub(super) fn verb(asked: Asked, verb: Verb) -> Self {
        let (thread, deal) = match &verb {
            Verb::Accept { thread, .. } | Verb::Reject { thread } | Verb::Withdraw { thread } => {
                (Some(*thread), None)
            }
            Verb::Cancel { deal } | Verb::WriteOff { deal } => (None, Some(*deal)),
            Verb::Happen { order, .. } => (None, Some(*order)),
            Verb::Propose(proposing) => (proposing.thread, None),
            Verb::Request(requesting) => (requesting.thread, None),
            _ => (None, None),
        };
        let input = Input::Verb(Box::new(verb));
        Self {
            asked,
            thread,
            deal,
            input,
        }
    }

    /// The same as what it means for a deal.
    pub(super) fn about(self, asked: Asked, deal: DealId) -> Self {
        Self {
            asked,
            deal: Some(deal),
            ..self
        }
    }

    fn plain(asked: Asked, input: Input) -> Self {
        Self {
            asked,
            thread: None,
            deal: None,
            input,
        }
    }
}

/// What an operator sees of its node.
pub(super) struct Desk<'a> {
    pub(super) view: Layers<'a>,
    pub(super) node: usize,
    pub(super) now: Time,
    /// Whether each node sells a service that has slots.
    pub(super) serves: bool,
    /// Its partners, with their numbers.
    pub(super) partners: Vec<(usize, PartnerId)>,
}

impl World<'_> {
    pub(super) fn desk(&self, node: usize) -> Option<Desk<'_>> {
        let site = &self.sites[node];
        let process = site.process.as_ref()?;
        if self.now < site.paused_until {
            return None;
        }
        let partners = self.partners(node).into_iter();
        Some(Desk {
            view: process.view(&site.disk),
            node,
            now: Time::new(self.clock(node)).expect("valid"),
            serves: self.plan.mix.places.is_some(),
            partners: partners
                .map(|other| (other, self.sites[other].own.partner))
                .collect(),
        })
    }

    pub(super) fn say(&mut self, node: usize, say: Say) {
        let asker = Asker {
            asked: say.asked,
            thread: say.thread.map(|id| *id.as_bytes()),
            deal: say.deal.map(|id| *id.as_bytes()),
        };
        self.put(node, say.input, Some(asker));
    }

    /// Grants, offers and counts, as every node begins.
    pub(super) fn set_up(&mut self, node: usize) {
        let Some(desk) = self.desk(node) else { return };
        let mut says = Vec::new();
        for (_, partner) in &desk.partners {
            says.extend(grants(*partner, self.plan.mix.credit));
        }
        for article in 0..goods::ARTICLES {
            says.push(publish(node, article));
            let stock = match self.lacks_all(node) {
                true => 0,
                false => self.plan.mix.stock,
            };
            says.push(count(node, article, stock));
        }
        if let Some(places) = self.plan.mix.places {
            let lacks_all = self.lacks_all(node);
            says.push(serve(node, places, || !lacks_all));
        }
        for say in says {
            self.say(node, say);
        }
    }

    /// The operator says something.
    pub(super) fn operate(&mut self, node: usize, dice: &mut Chance) {
        let say = self.desk(node).and_then(|desk| desk.something(dice));
        if let Some(say) = say {
            self.say(node, say);
        }
    }

    /// The operator does what waits for it, or something else where nothing does.
    pub(super) fn answer_most_urgent(&mut self, node: usize, dice: &mut Chance) {
        if dice.one_in(2) && self.gives_up(node) {
            return;
        }
        let say = self.desk(node).and_then(|desk| {
            let urgent = desk.urgent(dice);
            urgent.or_else(|| desk.something(dice))
        });
        if let Some(say) = say {
            self.say(node, say);
        }
    }

    /// All partners of a node want the last of an article, or the last place of a slot, at the same
    /// moment, and maybe some more.
    pub(super) fn race(&mut self, node: usize, (article, more): (u64, u64), dice: &mut Chance) {
        let Some(desk) = self.desk(node) else { return };
        let left = Stock::read(&desk.view, goods::subject(node, article)).available();
        let steps = (left + more).clamp(1, 3);
        let wanted = match desk.serves && dice.one_in(2) {
            true => goods::slot_terms(node, dice.draw(), (steps, 0)),
            false => goods::terms((node, article), steps, 0),
        };
        let firm = dice.one_in(3);
        let (provider, racers) = (self.sites[node].own.partner, desk.partners);
        for (racer, _) in racers {
            for _ in 0..=dice.below(2) {
                let Some(desk) = self.desk(racer) else {
                    continue;
                };
                let terms = wanted.clone();
                let say = if firm {
                    desk.proposal(
                        (provider, None),
                        Role::Requester,
                        Binding::Firm,
                        vec![terms],
                    )
                } else {
                    desk.request((provider, None), terms, Approval::Given)
                };
                self.say(racer, say);
            }
        }
    }

    /// The operator counts, publishes, or changes a grant.
    pub(super) fn keep_house(&mut self, node: usize, dice: &mut Chance) {
        let article = dice.below(goods::ARTICLES);
        let low = self.plan.mix.low_counts && dice.one_in(2);
        let credit = self.plan.mix.credit;
        let places = self.plan.mix.places;
        let Some(desk) = self.desk(node) else { return };
        let subject = goods::subject(node, article);
        // Bundles come to something only where there is enough to sell.
        let more = match self.plan.mix.bundles {
            Some(_) => self.plan.mix.stock,
            None => 4,
        };
        let say = match dice.below(8) {
            0 => {
                let reason = WithdrawalReason::Ended;
                let end = Publication::WithdrawOffer(subject, reason);
                Say::plain(Asked::EndOffer, Input::Publish(vec![end]))
            }
            1 if places.is_some() => serve(node, places.unwrap_or(1), || {
                // Slots that are taken out leave a shortage, as a low count does.
                !low || dice.one_in(2)
            }),
            1 | 2 => publish(node, article),
            3 if !desk.partners.is_empty() => {
                let (_, partner) = *dice.pick(&desk.partners);
                let limit = *dice.pick(&[0, credit, 2 * credit]);
                let [_, credit, budget] = grants(partner, limit);
                if dice.one_in(2) { credit } else { budget }
            }
            _ => {
                let held = Stock::read(&desk.view, subject).held;
                let counted = if low { 0 } else { held };
                count(node, article, counted + dice.below(more))
            }
        };
        self.say(node, say);
    }

    /// When a hold ends that this node gave, to whom, and of which article.
    pub(super) fn a_hold(&self, node: usize) -> Option<(u64, PartnerId, u64)> {
        let deals = self.desk(node)?.deals();
        let mut held = deals.values().filter(|deal| deal.state == State::Held);
        let held = held.next()?;
        let is_held = |article: &u64| {
            let subject = goods::subject(node, *article);
            held.reserved.iter().any(|part| part.subject == subject)
        };
        let article = (0..goods::ARTICLES).find(is_held).unwrap_or_default();
        Some((held.until.ms(), held.partner, article))
    }

    /// The operator commits all that is held for it.
    pub(super) fn commit_all(&mut self, node: usize) {
        let Some(desk) = self.desk(node) else { return };
        for (_, deal) in desk.waiting() {
            if deal.state == State::Kept {
                self.say(node, accept(deal.thread));
            }
        }
    }

    /// The operator grants all that is asked of it.
    pub(super) fn grant_what_is_asked(&mut self, node: usize) {
        let Some(desk) = self.desk(node) else { return };
        for (_, deal) in desk.waiting() {
            if deal.state == State::Asked {
                self.say(node, accept(deal.thread));
            }
        }
    }

    /// The operator opens the next epoch, if something is lost.
    fn gives_up(&mut self, node: usize) -> bool {
        let Some(desk) = self.desk(node) else {
            return false;
        };
        let recovers = desk.view.read(&Key::Recovery {}).is_some();
        let process = self.sites[node].process.as_mut();
        let is_behind = process.is_some_and(|process| std::mem::take(&mut process.is_behind));
        let is_lost = is_behind || recovers;
        if is_lost {
            self.say(node, Say::plain(Asked::OpenEpoch, Input::OpenEpoch));
        }
        is_lost
    }

    /// Without faults: the operator ends what waits for it, and gives up what is lost.
    pub(super) fn tidy(&mut self, node: usize) {
        let mut dice = Chance::new(self.plan.seed ^ self.now);
        if self.gives_up(node) {
            return;
        }
        self.tidy_bundles(node, &mut dice);
        let Some(desk) = self.desk(node) else { return };
        let mut waiting = desk.waiting();
        waiting.extend(desk.not_taken());
        for (deal, kept) in waiting {
            let accepts = dice.one_in(2);
            let say = match kept.state {
                State::Kept if accepts => accept(kept.thread),
                State::Kept | State::Requested => Say::verb(Asked::Cancel, Verb::Cancel { deal }),
                _ if accepts => accept(kept.thread),
                _ => reject(kept.thread),
            };
            self.say(node, say);
        }
    }
}

impl Desk<'_> {
    pub(super) fn deals(&self) -> BTreeMap<DealId, Deal> {
        let of = |key| match key {
            Key::Deal { deal } => Some((deal, Deal::read(&self.view, deal)?)),
            _ => None,
        };
        self.all(|key| matches!(key, Key::Deal { .. }))
            .into_iter()
            .filter_map(of)
            .collect()
    }

    fn threads(&self) -> BTreeMap<ThreadId, Thread> {
        let of = |key| match key {
            Key::Thread { thread } => Some((thread, Thread::read(&self.view, thread)?)),
            _ => None,
        };
        self.all(|key| matches!(key, Key::Thread { .. }))
            .into_iter()
            .filter_map(of)
            .collect()
    }

    pub(super) fn all(&self, is_family: impl Fn(&Key) -> bool) -> Vec<Key> {
        let mut after = Key::families()
            .find(|key| is_family(key))
            .expect("a family");
        let mut keys = Vec::new();
        while let Some((key, _)) = self.view.next(&after) {
            keys.push(key);
            after = key;
        }
        keys
    }

    /// Deals that wait for this operator.
    fn waiting(&self) -> Vec<(DealId, Deal)> {
        let waits = |state| matches!(state, State::Asked | State::Offered | State::Kept);
        let deals = self.deals().into_iter();
        deals
            .filter(|(_, deal)| waits(deal.state))
            .filter(|(id, _)| !self.is_drafted(*id))
            .collect()
    }

    /// Deals whose Request the partner did not take.
    fn not_taken(&self) -> Vec<(DealId, Deal)> {
        let is_rejected = |id: DealId, partner| {
            let record = id.into();
            self.view.read(&Key::Inbox { partner, record }).is_some()
        };
        let deals = self.deals().into_iter();
        deals
            .filter(|(_, deal)| deal.state == State::Requested)
            .filter(|(id, deal)| is_rejected(*id, deal.partner))
            .collect()
    }

    fn urgent(&self, dice: &mut Chance) -> Option<Say> {
        let mut says: Vec<Say> = self
            .waiting()
            .iter()
            .map(|(_, deal)| match dice.below(5) {
                0 | 1 => reject(deal.thread),
                _ => accept(deal.thread),
            })
            .collect();
        for (id, thread) in self.threads() {
            let stands = thread.standing.filter(|standing| !standing.firm);
            if stands.is_some_and(|standing| standing.by == Who::Them) {
                says.push(accept(id));
            }
        }
        let place = dice.index(says.len());
        (!says.is_empty()).then(|| says.swap_remove(place))
    }

    /// Anything.
    fn something(&self, dice: &mut Chance) -> Option<Say> {
        let threads: Vec<(ThreadId, Thread)> = self.threads().into_iter().collect();
        let deals: Vec<(DealId, Deal)> = self.deals().into_iter().collect();
        let thread = (!threads.is_empty()).then(|| *dice.pick(&threads));
        let deal = (!deals.is_empty()).then(|| dice.pick(&deals).clone());
        if self.partners.is_empty() {
            return None;
        }
        Some(match (dice.below(14), thread, deal) {
            (0..=3, thread, _) => {
                let (to, other) = self.addressee(thread.filter(|_| dice.one_in(3)), dice);
                let terms = self.some_terms(other, dice);
                let commit = *dice.pick(&[Approval::Given, Approval::Asked]);
                self.request(to, terms, commit)
            }
            (4..=7, thread, _) => self.some_proposal(thread, dice),
            (8, Some((thread, _)), _) => accept(thread),
            (9, Some((thread, _)), _) => reject(thread),
            (10, _, Some((deal, _))) => Say::verb(Asked::Cancel, Verb::Cancel { deal }),
            (11, _, Some((deal, _))) if dice.one_in(3) => {
                Say::verb(Asked::WriteOff, Verb::WriteOff { deal })
            }
            (11, Some((thread, _)), _) => Say::verb(Asked::Withdraw, Verb::Withdraw { thread }),
            (12 | 13, _, Some((deal, _))) => return self.about_order(deal, dice),
            (_, thread, _) => {
                let ((partner, thread), _) = self.addressee(thread, dice);
                let text = Prose::new("What do you say?").expect("short");
                let verb = Verb::Inquire {
                    partner,
                    thread,
                    text,
                };
                Say::verb(Asked::Inquire, verb)
            }
        })
    }

    /// The partner of the thread, or any, with its number.
    fn addressee(
        &self,
        thread: Option<(ThreadId, Thread)>,
        dice: &mut Chance,
    ) -> ((PartnerId, Option<ThreadId>), usize) {
        let known = thread.and_then(|(id, thread)| {
            let mut partners = self.partners.iter();
            let known = partners.find(|(_, partner)| *partner == thread.partner);
            known.map(|(other, partner)| ((*partner, Some(id)), *other))
        });
        known.unwrap_or_else(|| {
            let (other, partner) = *dice.pick(&self.partners);
            ((partner, None), other)
        })
    }

    fn some_terms(&self, provider: usize, dice: &mut Chance) -> Terms {
        let article = dice.below(goods::ARTICLES);
        let less = *dice.pick(&[0, 0, 0, 100]);
        let steps = dice.within(1, 3);
        if self.serves && dice.one_in(3) {
            return goods::slot_terms(provider, dice.draw(), (steps, less));
        }
        goods::terms((provider, article), steps, less)
    }

    fn some_proposal(&self, thread: Option<(ThreadId, Thread)>, dice: &mut Chance) -> Say {
        let (to, other) = self.addressee(thread.filter(|_| !dice.one_in(3)), dice);
        let role = *dice.pick(&[Role::Requester, Role::Provider]);
        let binding = *dice.pick(&[Binding::Open, Binding::Firm]);
        let provider = if role == Role::Provider {
            self.node
        } else {
            other
        };
        let alternatives = if dice.one_in(3) { 2 } else { 1 };
        let alternatives = (0..alternatives).map(|_| self.some_terms(provider, dice));
        self.proposal(to, role, binding, alternatives.collect())
    }

    pub(super) fn proposal(
        &self,
        (partner, thread): (PartnerId, Option<ThreadId>),
        role: Role,
        binding: Binding,
        alternatives: Vec<Terms>,
    ) -> Say {
        let asked = match binding {
            Binding::Open => Asked::ProposeOpen,
            Binding::Firm => Asked::ProposeFirm,
        };
        let proposing = Proposing {
            partner,
            thread,
            role,
            binding,
            valid_until: self.now.plus_ms(12 * MINUTE_MS),
            alternatives,
        };
        Say::verb(asked, Verb::Propose(proposing))
    }

    pub(super) fn request(
        &self,
        to: (PartnerId, Option<ThreadId>),
        terms: Terms,
        commit: Approval,
    ) -> Say {
        let requesting = self.requesting(to, terms, commit);
        Say::verb(Asked::Request, Verb::Request(requesting))
    }

    pub(super) fn requesting(
        &self,
        (partner, thread): (PartnerId, Option<ThreadId>),
        terms: Terms,
        commit: Approval,
    ) -> Requesting {
        Requesting {
            partner,
            thread,
            proposal: None,
            valid_until: self.valid_until(),
            terms,
            commit,
        }
    }

    /// Until when a Request that is made now may be answered.
    pub(super) fn valid_until(&self) -> Time {
        self.now.plus_ms(11 * MINUTE_MS)
    }
}

fn accept(thread: ThreadId) -> Say {
    let alternative = 0;
    let verb = Verb::Accept {
        thread,
        alternative,
    };
    Say::verb(Asked::Accept, verb)
}

fn reject(thread: ThreadId) -> Say {
    Say::verb(Asked::Reject, Verb::Reject { thread })
}

fn publish(node: usize, article: u64) -> Say {
    let offer = Box::new(goods::offer(node, article));
    let input = Input::Publish(vec![Publication::Offer(offer)]);
    Say::plain(Asked::Publish, input)
}

/// Publishes the service of a node, with those of its slots that are kept.
fn serve(node: usize, places: u32, keeps: impl FnMut() -> bool) -> Say {
    let offer = Publication::Offer(Box::new(goods::service(node, places)));
    let input = Input::Publish(vec![offer, goods::timetable(node, keeps)]);
    Say::plain(Asked::Publish, input)
}

fn count(node: usize, article: u64, steps: u64) -> Say {
    let count = Count {
        sku: goods::sku(node, article).parse().expect("short"),
        list: Text::default(),
        steps,
    };
    Say::plain(Asked::Count, Input::Count(count))
}

fn grants(partner: PartnerId, minor: i64) -> [Say; 3] {
    let limit = Money {
        minor: Minor::new(minor).expect("small"),
        currency: goods::euro(),
    };
    let standing = Standing::Partner;
    [
        Grant::Standing { partner, standing },
        Grant::Credit { partner, limit },
        Grant::Budget { partner, limit },
    ]
    .map(|grant| Say::plain(Asked::Grant, Input::Grant(grant)))
}
