//! What operators say about orders: what happened to them, that they be cancelled, that they be
//! amended, alone or as legs of a bundle of changes. It keeps out when they do, and whether it can be
//! done.

use omni_protocol::{
    deal::{
        Side,
        order::{Order, amendment_fee, cancellation_fee},
    },
    hash::{BundleId, DealId},
    machine::{Approval, Binding, Bundling, Verb},
    thread::{Happening, Role, Terms},
    value::{Minor, Prose, Text},
};

use super::{
    chance::Chance,
    goods,
    operate::{Desk, Say},
};
use crate::{market::network, observation::Asked};

impl Desk<'_> {
    /// An event of an order, its amendment, or its cancellation.
    pub(super) fn about_order(&self, deal: DealId, dice: &mut Chance) -> Option<Say> {
        let order = Order::read(&self.view, deal)?;
        if dice.one_in(2) {
            return self.amendment(deal, &order, dice);
        }
        match order.side {
            Side::Provider => Some(self.event(deal, dice)),
            Side::Requester => {
                let terms = self.cancelled(deal, &order)?;
                let say = self.proposed((&order, Role::Requester), Binding::Firm, terms);
                Some(say.about(Asked::CancelOrder, deal))
            }
        }
    }

    /// Asks to change an order that this operator requested, as a leg of this bundle.
    pub(super) fn change_in(
        &self,
        bundle: BundleId,
        deal: DealId,
        dice: &mut Chance,
    ) -> Option<Say> {
        let order = Order::read(&self.view, deal)?;
        let terms = match dice.one_in(3) {
            true => self.cancelled(deal, &order)?,
            false => self.amended(deal, &order, dice)?.1,
        };
        let requesting = self.requesting((order.partner, None), terms, Approval::Asked);
        let verb = Bundling::Ask {
            bundle,
            requesting: Box::new(requesting),
            after: Vec::new(),
        };
        Some(Say::verb(Asked::Bundle, Verb::Bundle(verb)))
    }

    fn event(&self, order: DealId, dice: &mut Chance) -> Say {
        let verb = Verb::Happen {
            order,
            what: *dice.pick(&[
                Happening::Packed,
                Happening::HandedOver,
                Happening::Completed,
            ]),
            occurred: self.now,
            lines: Vec::new(),
            reference: Text::default(),
            note: Prose::default(),
        };
        Say::verb(Asked::Happen, verb)
    }

    /// One piece less, as the operator who requested an order may have it.
    fn cancelled(&self, deal: DealId, order: &Order) -> Option<Terms> {
        let in_force = order.in_force(&self.view, &network())?;
        let on = (deal, order.version);
        let free = goods::cancellation(&in_force, Minor::ZERO, on);
        let fee = cancellation_fee(&self.view, &network(), deal, &free, self.now);
        let fee = fee.unwrap_or(Minor::ZERO);
        Some(goods::cancellation(&in_force, fee, on))
    }

    fn amendment(&self, deal: DealId, order: &Order, dice: &mut Chance) -> Option<Say> {
        let (role, terms) = self.amended(deal, order, dice)?;
        let binding = *dice.pick(&[Binding::Firm, Binding::Firm, Binding::Open]);
        let say = self.proposed((order, role), binding, terms);
        Some(say.about(Asked::AmendOrder, deal))
    }

    /// More or fewer pieces, and now and then another article.
    fn amended(&self, deal: DealId, order: &Order, dice: &mut Chance) -> Option<(Role, Terms)> {
        let in_force = order.in_force(&self.view, &network())?;
        let (role, provider) = match order.side {
            Side::Provider => (Role::Provider, self.node),
            Side::Requester => {
                let mut partners = self.partners.iter();
                let known = partners.find(|(_, partner)| *partner == order.partner)?;
                (Role::Requester, known.0)
            }
        };
        let other = dice
            .one_in(3)
            .then(|| (provider, dice.below(goods::ARTICLES)));
        let what = (dice.within(1, 4), other);
        let on = (deal, order.version);
        let free = goods::amendment(&in_force, what, Minor::ZERO, on);
        let fee = amendment_fee(&self.view, &network(), &free, self.now);
        let fee = fee.unwrap_or(Minor::ZERO);
        Some((role, goods::amendment(&in_force, what, fee, on)))
    }

    fn proposed(&self, (order, role): (&Order, Role), binding: Binding, terms: Terms) -> Say {
        self.proposal((order.partner, None), role, binding, vec![terms])
    }
}
