//! The documents about changes of an order: what shall become of it, what that would come to, and
//! the versions that it had. Quantities and amounts are decimal texts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::deal::LineAsk;
use super::money::MoneyView;
use super::order::CancelAsk;
use super::preview::FieldChangeView;
use super::terms::{LineView, TermsView, WindowDoc};
use crate::formats::units::word;

/// `POST /v1/orders/{order}/amend`: a binding proposal to amend; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmendAsk {
    /// What becomes of lines of the order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<AmendLine>,
    /// Lines that it has not yet, on offers of the provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<LineAsk>,
    /// How it reaches the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Where to: ISO 3166.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postcode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    /// Another slot, by its local time as `GET /v1/offers/{name}/slots` shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<String>,
    /// When it shall be fulfilled, in place of a slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowDoc>,
    /// The fee; if left out that of the terms for what is given up, and nothing where they grant
    /// none or the provider amends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<String>,
    /// A note to the other side.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What becomes of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmendLine {
    /// Which, counted from 1.
    pub line: u16,
    /// How much of it in all, with what is fulfilled; 0 takes it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    /// The price for as much as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
}

/// `POST /v1/orders/{order}/amend/plan`: what an amendment would come to. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmendPlanView {
    /// The order.
    pub order: String,
    /// The version that would be amended.
    pub version: u32,
    /// The other side.
    pub partner: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// The own side: `requester` or `provider`.
    pub side: String,
    /// What would change, field by field.
    pub changes: Vec<FieldChangeView>,
    /// What the order would be from then on.
    pub after: TermsView,
    /// What is owed for the order now.
    pub owed: MoneyView,
    /// What the requester would owe more, the fee with it; below zero less.
    pub difference: MoneyView,
    /// The fee in that.
    pub fee: MoneyView,
    /// The fee for which the terms grant what is given up; absent where they do not.
    pub granted_fee: Option<MoneyView>,
    /// Who decides: `terms` where they grant it for this fee, else `partner`.
    pub decides: String,
}

/// A version of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionView {
    /// Its number.
    pub version: u32,
    /// `agreed`, then `amend` or `cancel`.
    pub what: String,
    /// The deal that made it.
    pub deal: String,
    /// Ledger time of the record by which that was proposed, in milliseconds since 1970.
    pub at_ms: u64,
    /// The terms of that deal.
    pub terms: TermsView,
    /// What changed to the version before, field by field.
    pub changes: Vec<FieldChangeView>,
    /// What the requester owes more by it, the fee with it; below zero less.
    pub difference: MoneyView,
}

/// `POST /v1/bundles/{name}/change`: changes orders that a bundle came to, all of them or none. It
/// begins a bundle of its own, whose legs are the changes, and asks each provider for a hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleChangeAsk {
    /// How that bundle is called here; if left out a name is made from that of the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What becomes of which leg. If left out all is cancelled that is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legs: Vec<LegChangeAsk>,
}

/// What becomes of a leg: one of both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegChangeAsk {
    /// Which, counted from 1.
    pub leg: u16,
    /// How it is amended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amend: Option<AmendAsk>,
    /// What of it is cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<CancelAsk>,
}

/// `POST /v1/bundles/{name}/change/plan`: what that would come to. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleChangePlanView {
    /// The bundle.
    pub bundle: String,
    /// All its legs, in their order.
    pub legs: Vec<LegChangeView>,
    /// What would be owed more together, fees with it; one amount for each currency.
    pub differences: Vec<MoneyView>,
    /// The fees in that.
    pub fees: Vec<MoneyView>,
    /// Why it can't be asked for now; empty if it can.
    pub against: Vec<String>,
}

/// What would become of a leg.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegChangeView {
    /// From 1, in the order of the bundle.
    pub number: u16,
    /// Who provides it.
    pub partner: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// The first line's title.
    pub title: String,
    /// How its order stands, or the state of its deal where it came to none.
    pub status: String,
    /// `amend` or `cancel`; absent where it stays as it is.
    pub what: Option<String>,
    /// Its order, by its id.
    pub order: Option<String>,
    /// What would change, field by field.
    pub changes: Vec<FieldChangeView>,
    /// What would be owed more for it, the fee with it; below zero less.
    pub difference: Option<MoneyView>,
    /// The fee in that.
    pub fee: Option<MoneyView>,
    /// The fee for which the terms grant it; absent where they do not.
    pub granted_fee: Option<MoneyView>,
    /// Who decides: `terms` where they grant it for this fee, else `partner`.
    pub decides: Option<String>,
}

/// What differs between the terms of an order before and after; none where nothing is left of it.
#[must_use]
pub fn changes(before: Option<&TermsView>, after: Option<&TermsView>) -> Vec<FieldChangeView> {
    let mut changes = lines(
        before.map_or(&[][..], |terms| &terms.lines),
        after.map_or(&[][..], |terms| &terms.lines),
    );
    let (Some(before), Some(after)) = (before, after) else {
        return changes;
    };
    let fields = |terms: &TermsView| {
        let window = terms.window.map(|window| {
            let (from, until) = (time_text(window.from_ms), time_text(window.until_ms));
            format!("{from}..{until}")
        });
        [
            ("window", window.unwrap_or_default()),
            ("method", terms.method.clone()),
            ("region", terms.region.clone()),
            ("postcode", terms.postcode.clone()),
            ("payment days", terms.payment_days.to_string()),
        ]
    };
    for ((field, from), (_, to)) in fields(before).into_iter().zip(fields(after)) {
        changes.extend(differs(field, from, to));
    }
    changes
}

fn differs(field: &str, from: String, to: String) -> Option<FieldChangeView> {
    let field = field.to_owned();
    (from != to).then_some(FieldChangeView { field, from, to })
}

/// Each line by its article number, with its quantity and price.
fn lines(before: &[LineView], after: &[LineView]) -> Vec<FieldChangeView> {
    let is_same = |one: &LineView, other: &LineView| {
        (&one.sku, &one.list, &one.unit) == (&other.sku, &other.list, &other.unit)
    };
    let amount =
        |line: &LineView| format!("{} {} at {}", line.quantity, word(&line.unit), line.price);
    let mut rest: Vec<&LineView> = after.iter().collect();
    let mut changes = Vec::new();
    for line in before {
        let exact = rest
            .iter()
            .position(|other| is_same(line, other) && line.price == other.price);
        let found = exact.or_else(|| rest.iter().position(|other| is_same(line, other)));
        let to = found.map(|at| amount(rest.remove(at)));
        changes.extend(differs(&line.sku, amount(line), to.unwrap_or_default()));
    }
    let new = rest.into_iter();
    changes.extend(new.filter_map(|line| differs(&line.sku, String::new(), amount(line))));
    changes
}

/// A time as `--window` takes it.
fn time_text(ms: u64) -> String {
    let at = i64::try_from(ms).ok();
    let at = at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let text = |at: Timestamp| match ms % 60_000 {
        0 => at.strftime("%Y-%m-%dT%H:%MZ").to_string(),
        _ => at.to_string(),
    };
    at.map_or_else(|| format!("{ms} ms"), text)
}
