//! Orders as they stand, kept a second time by section 13 of SPEC.md: what a change moves is what
//! makes the difference, once, with its Receipt, and no version is changed twice. How far an order is
//! fulfilled is not known here.

use std::collections::{BTreeMap, BTreeSet};

use super::{At, Books, Deal};
use crate::auditor::{
    bytes::Id,
    finding::{Check, Findings},
    read::{On, Taken, Terms},
};

/// What stands of an order after its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    version: u64,
    /// What its lines cost, without fees.
    worth: i128,
    /// Steps of each article.
    steps: BTreeMap<Id, i128>,
    /// Which of them are services, and when the window begins in which they are performed.
    services: BTreeSet<Id>,
    begins: Option<u64>,
}

/// What terms move when they are agreed: minor units, and steps of each article or places of a slot.
pub(super) type Moves = (i128, BTreeMap<Taken, i128>);

impl Standing {
    fn of(terms: &Terms) -> Self {
        Self {
            version: 1,
            worth: terms.worth(),
            steps: terms.steps(),
            services: terms.services(),
            begins: terms.begins,
        }
    }

    /// What stands takes: steps of each article; of a service in a window one place of its slot.
    fn takes(&self) -> BTreeMap<Taken, i128> {
        let stands = self.steps.iter().filter(|(_, steps)| **steps > 0);
        let takes = stands.map(|(subject, steps)| {
            let slot = self.begins.filter(|_| self.services.contains(subject));
            let taken = slot.map_or(*steps, |_begins| 1);
            ((*subject, slot), taken)
        });
        takes.collect()
    }

    /// What it becomes by a change.
    fn after(&self, on: On, terms: &Terms) -> Self {
        let version = self.version + 1;
        if !on.cancels {
            return Self {
                version,
                ..Self::of(terms)
            };
        }
        let mut steps = self.steps.clone();
        for (subject, less) in terms.steps() {
            *steps.entry(subject).or_default() -= less;
        }
        Self {
            version,
            worth: self.worth - terms.worth(),
            steps,
            ..self.clone()
        }
    }
}

impl Books {
    /// What these terms move: of a new order all of it, of a change the difference; nothing where
    /// its order is not here. Of what others hold no steps move.
    pub(super) fn moves(&self, terms: &Terms) -> Moves {
        let Some(on) = terms.on else {
            return (terms.total, Standing::of(terms).takes());
        };
        let Some(before) = self.orders.get(&on.order) else {
            return Moves::default();
        };
        let after = before.after(on, terms);
        let fee = terms.total - if on.cancels { 0 } else { terms.worth() };
        let mut steps = BTreeMap::new();
        let order = self.deals.get(&on.order);
        if order.is_none_or(Deal::takes_stock) {
            steps = after.takes();
            for (taken, had) in before.takes() {
                *steps.entry(taken).or_default() -= had;
            }
        }
        (after.worth - before.worth + fee, steps)
    }

    /// A deal that was opened, with the most that any of its alternatives takes.
    pub(super) fn opened(
        &self,
        partner: Id,
        provides: bool,
        state: &'static str,
        alternatives: &[Terms],
    ) -> Deal {
        let mut deal = Deal::new(partner, provides, state);
        for terms in alternatives {
            let (amount, steps) = self.moves(terms);
            deal.amount = amount.max(deal.amount);
            for (taken, steps) in steps.into_iter().filter(|(_, steps)| *steps > 0) {
                let most = deal.reserved.entry(taken).or_insert(0);
                *most = steps.max(*most);
            }
        }
        deal.alternatives = alternatives.to_vec();
        deal
    }

    /// Whether a change is granted for the version that its order has.
    pub(super) fn check_version(&self, at: &At<'_>, id: Id, found: &mut Findings) {
        let terms = self.deals.get(&id).and_then(Deal::terms);
        let Some(on) = terms.and_then(|terms| terms.on) else {
            return;
        };
        let version = self.orders.get(&on.order).map(|order| order.version);
        if version != Some(on.version) && !at.comes_back {
            let why = format!(
                "a change of version {} is granted where the order has {version:?}",
                on.version
            );
            at.find(found, Check::Twice, &[id, on.order], why);
        }
    }

    /// What an agreement makes of the order.
    pub(super) fn stand(&mut self, id: Id, terms: &Terms) {
        let Some(on) = terms.on else {
            self.orders.insert(id, Standing::of(terms));
            return;
        };
        let Some(before) = self.orders.get(&on.order).cloned() else {
            return;
        };
        self.orders.insert(on.order, before.after(on, terms));
        if let Some(deal) = self.deals.get_mut(&id) {
            deal.before = Some((on.order, before));
        }
    }

    /// What a leg that lapsed had made of an order is taken back, unless it has changed since.
    pub(super) fn stand_back(&mut self, id: Id) {
        let changed = self.deals.get_mut(&id).and_then(|deal| deal.before.take());
        match changed {
            Some((order, before)) => {
                let now = self.orders.get(&order).map(|now| now.version);
                if now == Some(before.version + 1) {
                    self.orders.insert(order, before);
                }
            }
            None => {
                self.orders.remove(&id);
            }
        }
    }
}
