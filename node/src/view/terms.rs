//! Terms as documents have them: decimal texts in the currency's and the unit's own digits. Which
//! terms a partner grants is kept out.

use omni_protocol::thread::{Line, Terms, Window};
use omni_protocol::trade::Right;
use omni_protocol::value::{Currency, Minor, Money, Region, Unit};
use serde::{Deserialize, Serialize};

use super::money::{MoneyView, amount, amount_text, quantity_text};
use super::offer::RightDoc;

/// Terms in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsView {
    /// What is traded, at least one line.
    pub lines: Vec<LineView>,
    /// ISO 4217 code of all amounts.
    pub currency: String,
    /// What it comes to; of a cancellation, its fee.
    pub total: MoneyView,
    /// What a change of an order costs beside its lines; absent where the terms change none.
    pub fee: Option<MoneyView>,
    /// How it reaches the customer.
    pub method: String,
    /// Where to, as far as the price needs it; may be empty.
    pub region: String,
    /// Postcode; may be empty.
    pub postcode: String,
    /// When it shall be fulfilled; of a service its slot.
    pub window: Option<WindowDoc>,
    /// Incoterms 2020; may be empty.
    pub incoterm: String,
    /// Days from fulfilment until payment is due.
    pub payment_days: u16,
    /// What the requester may ask for, and when.
    pub rights: Vec<RightDoc>,
    /// Whether the provider does not show itself to the customer.
    pub white_label: bool,
    /// Whether nothing ships before the Receipt is acknowledged.
    pub for_chain: bool,
    /// A note to the other side.
    pub note: String,
    /// The order that it changes, if it changes one.
    pub on: Option<ChangeView>,
    /// The terms hash, by which a Hold names them.
    pub hash: String,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineView {
    /// The provider's article number.
    pub sku: String,
    /// Its price list; empty is the general one.
    pub list: String,
    /// Id of the offer on which it rests.
    pub offer: Option<String>,
    /// Title, as both sides read it.
    pub title: String,
    /// `product`, `service` or `recurring`.
    pub nature: String,
    /// UN/ECE Recommendation 20 code.
    pub unit: String,
    /// How much.
    pub quantity: String,
    /// Price for `per`.
    pub price: String,
    /// The quantity that the price is for.
    pub per: String,
    /// What the line costs.
    pub total: MoneyView,
}

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowDoc {
    /// Its beginning, in milliseconds since 1970.
    pub from_ms: u64,
    /// Its end.
    pub until_ms: u64,
}

/// A change of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeView {
    /// The order.
    pub order: String,
    /// The version that it changes.
    pub version: u32,
    /// `amend` or `cancel`.
    pub what: String,
}

/// The document of these terms.
#[must_use]
pub fn terms_view(terms: &Terms) -> TermsView {
    let conditions = terms.conditions();
    let currency = terms.currency();
    TermsView {
        lines: terms.lines().iter().map(|l| line(l, currency)).collect(),
        currency: currency.to_string(),
        total: money(terms.total(), currency),
        fee: conditions.on.map(|_| money(terms.fee(), currency)),
        method: conditions.method.name().to_owned(),
        region: region_text(conditions.region.0.as_ref()),
        postcode: conditions.postcode.to_string(),
        window: conditions.window.map(window_doc),
        incoterm: conditions.incoterm.to_string(),
        payment_days: conditions.payment_days,
        rights: conditions.rights.iter().map(right).collect(),
        white_label: conditions.white_label,
        for_chain: conditions.for_chain,
        note: conditions.note.to_string(),
        on: conditions.on.map(|change| ChangeView {
            order: change.order.to_string(),
            version: change.version,
            what: change.what.name().to_owned(),
        }),
        hash: terms.hash().to_string(),
    }
}

/// The document of a window.
#[must_use]
pub fn window_doc(window: Window) -> WindowDoc {
    WindowDoc {
        from_ms: window.from().ms(),
        until_ms: window.until().ms(),
    }
}

fn line(line: &Line, currency: Currency) -> LineView {
    let item = line.item();
    LineView {
        sku: item.sku.to_string(),
        list: item.list.to_string(),
        offer: item.offer.map(|offer| offer.to_string()),
        title: item.title.to_string(),
        nature: item.nature.name().to_owned(),
        unit: item.unit.code().to_owned(),
        quantity: quantity_text(item.steps.get(), &item.unit),
        price: amount_text(item.price.minor(), currency),
        per: quantity_text(item.price.per().get(), &item.unit),
        total: money(line.total(), currency),
    }
}

/// An amount in a currency, as a document has it.
#[must_use]
pub fn money(minor: Minor, currency: Currency) -> MoneyView {
    amount(&Money { minor, currency })
}

fn region_text(region: Option<&Region>) -> String {
    region
        .map(|region| region.as_str().to_owned())
        .unwrap_or_default()
}

fn right(right: &Right) -> RightDoc {
    let share = u64::from(right.fee.get());
    // Percent (UN/ECE Recommendation 20) with two decimals.
    let fee = match Unit::new("P1", 2) {
        Ok(percent) => quantity_text(share, &percent),
        Err(_) => share.to_string(),
    };
    RightDoc {
        state: right.state.name().to_owned(),
        to: right.to.name().to_owned(),
        within_hours: right.within_hours,
        fee,
    }
}
