//! What operators say about orders: what happened to them, that they be cancelled, that they be
//! amended. It keeps out when they do, and whether it can be done.

use omni_protocol::{
    deal::{
        Side,
        order::{Order, amendment_fee, cancellation_fee},
    },
    hash::DealId,
    machine::{Binding, Verb},
    thread::{Happening, Role},
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
            Side::Requester => self.cancellation(deal, &order),
        }
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

    fn cancellation(&self, deal: DealId, order: &Order) -> Option<Say> {
        let in_force = order.in_force(&self.view, &network())?;
        let on = (deal, order.version);
        let free = goods::cancellation(&in_force, Minor::ZERO, on);
        let fee = cancellation_fee(&self.view, &network(), deal, &free, self.now);
        let terms = goods::cancellation(&in_force, fee.unwrap_or(Minor::ZERO), on);
        let to = (order.partner, None);
        let say = self.proposal(to, Role::Requester, Binding::Firm, vec![terms]);
        Some(say.about(Asked::CancelOrder, deal))
    }

    /// More or fewer pieces, and now and then another article.
    fn amendment(&self, deal: DealId, order: &Order, dice: &mut Chance) -> Option<Say> {
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
        let terms = goods::amendment(&in_force, what, fee.unwrap_or(Minor::ZERO), on);
        let binding = *dice.pick(&[Binding::Firm, Binding::Firm, Binding::Open]);
        let to = (order.partner, None);
        let say = self.proposal(to, role, binding, vec![terms]);
        Some(say.about(Asked::AmendOrder, deal))
    }
}
