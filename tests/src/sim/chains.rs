//! What operators say about chains: they ask those who have nothing on the shelf, and those ask on for
//! what they are asked for. It keeps out when all that is done.

use std::collections::BTreeSet;

use omni_protocol::{
    deal::{Deal, Side, State},
    hash::DealId,
    machine::{Approval, Sourcing, Verb},
};

use super::{
    chance::Chance,
    goods,
    operate::{Desk, Say},
    world::World,
};
use crate::observation::Asked;

impl World<'_> {
    /// Whether a node had nothing on the shelf in the beginning.
    pub(super) fn lacks_all(&self, node: usize) -> bool {
        let chains = self.plan.mix.chains.as_ref();
        chains.is_some_and(|chains| chains.lacks[node])
    }

    /// The operator asks for something of a partner who lacks it.
    pub(super) fn begin_chain(&mut self, node: usize, dice: &mut Chance) {
        let Some(desk) = self.desk(node) else { return };
        let mut asked = desk.partners.clone();
        asked.retain(|(other, _)| self.lacks_all(*other));
        if asked.is_empty() {
            return;
        }
        let (provider, partner) = *dice.pick(&asked);
        let article = dice.below(goods::ARTICLES);
        let terms = goods::terms((provider, article), dice.within(1, 3), 0);
        let commit = *dice.pick(&[Approval::Given, Approval::Given, Approval::Asked]);
        let say = desk.request((partner, None), terms, commit);
        self.say(node, say);
    }

    /// All operators ask on for what they are asked for and lack.
    pub(super) fn source_all(&mut self, dice: &mut Chance) {
        for node in 0..self.sites.len() {
            self.source_what_is_asked(node, dice);
        }
    }

    /// The operator asks on for what it is asked for, mostly where it lacks it.
    pub(super) fn source_what_is_asked(&mut self, node: usize, dice: &mut Chance) {
        let Some(desk) = self.desk(node).filter(|_| self.plan.mix.chains.is_some()) else {
            return;
        };
        for (deal, asked) in desk.asked() {
            let Some(desk) = self.desk(node) else { return };
            let mut others = desk.partners.clone();
            others.retain(|(_, partner)| *partner != asked.partner);
            if others.is_empty() || !(self.lacks_all(node) || dice.one_in(4)) {
                continue;
            }
            let (provider, partner) = *dice.pick(&others);
            let article = dice.below(goods::ARTICLES);
            let sourcing = Sourcing {
                deal,
                partner,
                valid_until: desk.valid_until(),
                terms: goods::chained((provider, article), dice.within(1, 2), 0),
            };
            self.say(node, Say::verb(Asked::Source, Verb::Source(sourcing)));
        }
    }
}

impl Desk<'_> {
    /// Requests that wait for this operator, and for which nothing is asked for yet.
    fn asked(&self) -> Vec<(DealId, Deal)> {
        let deals = self.deals();
        let is_part = |deal: &&Deal| deal.side() == Side::Requester && !deal.state.is_over();
        let parts = deals.values().filter(is_part);
        let sourced: BTreeSet<DealId> = parts.filter_map(|part| Some(part.chain?.id)).collect();
        let waits = |id: &DealId, deal: &Deal| {
            let chain = deal.chain.map_or(*id, |chain| chain.id);
            deal.state == State::Asked && !sourced.contains(&chain)
        };
        let asked = deals.iter().filter(|(id, deal)| waits(id, deal));
        asked.map(|(id, deal)| (*id, deal.clone())).collect()
    }
}
