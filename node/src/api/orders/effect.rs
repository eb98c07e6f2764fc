//! What a change of an order would come to: what becomes of the terms, what is owed more, the fee,
//! and who decides. What is to be changed is kept out.

use omni_protocol::deal::Side;
use omni_protocol::deal::order::{
    Difference, amendment_fee, cancellation_fee, is_granted, standing,
};
use omni_protocol::thread::{ChangeWhat, Terms};

use super::telling::{self, Known};
use crate::api::Reading;
use crate::view::change::changes;
use crate::view::money::MoneyView;
use crate::view::preview::FieldChangeView;
use crate::view::terms::{money, terms_view};

/// What terms that change an order would come to.
pub(in crate::api) struct Effect {
    /// Field by field.
    pub(in crate::api) changes: Vec<FieldChangeView>,
    /// What the requester would owe more, the fee with it; below zero less.
    pub(in crate::api) difference: MoneyView,
    /// The fee in that.
    pub(in crate::api) fee: MoneyView,
    /// The fee for which the terms of the order grant it.
    pub(in crate::api) granted_fee: Option<MoneyView>,
    /// `terms` where they grant it to this node for this fee, else `partner`.
    pub(in crate::api) decides: String,
}

impl Effect {
    /// Of these terms, which amend the order or cancel some of it.
    pub(in crate::api) fn of(reading: &Reading, known: &Known, terms: &Terms) -> Self {
        let (network, now) = (&reading.network, reading.now());
        let granted = match terms.conditions().on.map(|on| on.what) {
            Some(ChangeWhat::Cancel) => cancellation_fee(reading, network, known.id, terms, now),
            Some(ChangeWhat::Amend) | None => amendment_fee(reading, network, terms, now),
        };
        let is_granted =
            known.order.side == Side::Requester && is_granted(reading, network, terms, now);
        let before = standing(&known.order, &known.terms);
        let after = before
            .as_ref()
            .and_then(|before| telling::after(before, terms));
        let document = |terms: Option<&Terms>| terms.map(terms_view);
        let difference = Difference::of(reading, network, terms).unwrap_or_default();
        let currency = terms.currency();
        Self {
            changes: changes(
                document(before.as_ref()).as_ref(),
                document(after.as_ref()).as_ref(),
            ),
            difference: money(difference.amount, currency),
            fee: money(terms.fee(), currency),
            granted_fee: granted.map(|fee| money(fee, currency)),
            decides: if is_granted { "terms" } else { "partner" }.to_owned(),
        }
    }
}
