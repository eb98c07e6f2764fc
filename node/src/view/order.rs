//! The documents about orders: what was agreed, how far it is fulfilled, and what may be said
//! about it. Quantities and amounts are decimal texts.

use serde::{Deserialize, Serialize};

use super::change::VersionView;
use super::deal::HandOverState;
use super::money::MoneyView;
use super::ship_to::ShipToDoc;
use super::terms::TermsView;

/// How an order can stand.
pub const ORDER_STATUSES: [&str; 4] = ["ordered", "in-fulfilment", "completed", "cancelled"];

/// `GET /v1/orders`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrdersView {
    /// One page, in the order of the orders' ids.
    pub orders: Vec<OrderRow>,
    /// What to ask for next as `cursor`; absent where this is the end.
    pub next: Option<String>,
}

/// An order in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRow {
    /// Its id, which is that of its deal.
    pub order: String,
    /// The thread in which it was agreed.
    pub thread: String,
    /// The other side.
    pub partner: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// The own side: `requester` or `provider`.
    pub side: String,
    /// How it stands: one of [`ORDER_STATUSES`].
    pub status: String,
    /// The kind of the latest event.
    pub latest: Option<String>,
    /// The first line's title.
    pub title: String,
    /// Lines of the order.
    pub lines: u64,
    /// What was agreed.
    pub total: Option<MoneyView>,
    /// What is owed for it after all its changes: positive, owed by the requester to the provider.
    pub owed: Option<MoneyView>,
    /// Ledger time of the agreement, in milliseconds since 1970.
    pub agreed_ms: u64,
}

/// `GET /v1/orders/{order}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// As in a list.
    #[serde(flatten)]
    pub row: OrderRow,
    /// 1 with the Receipt, one more with each agreed change.
    pub version: u32,
    /// How far each line has come.
    pub progress: Vec<ProgressView>,
    /// The terms in force: as they were agreed, or amended last.
    pub terms: Option<TermsView>,
    /// Whether the Receipt came late: it binds, and the requester may cancel free.
    pub late: bool,
    /// The change that is open, by its deal.
    pub change: Option<String>,
    /// What a cancellation of all that is open would cost now; absent where the terms grant none.
    pub cancellation_fee: Option<MoneyView>,
    /// What becomes of the recipient's address.
    pub hand_over: HandOverState,
    /// Who receives it, opened at the fulfiller.
    pub ship_to: Option<ShipToDoc>,
    /// Why what was handed over can't be opened.
    pub ship_to_error: Option<String>,
    /// Events and agreed changes, oldest first.
    pub steps: Vec<StepView>,
    /// What was agreed at first, and what each change made of it.
    pub versions: Vec<VersionView>,
}

/// How far one line has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressView {
    /// The provider's article number.
    pub sku: String,
    /// Title.
    pub title: String,
    /// UN/ECE Recommendation 20 code.
    pub unit: String,
    /// Agreed.
    pub ordered: String,
    /// Handed over to the carrier, as the events say; never more than was ordered.
    pub shipped: String,
    /// Fulfilled.
    pub fulfilled: String,
    /// Cancelled.
    pub cancelled: String,
    /// Still owed.
    pub open: String,
}

/// An event or an agreed change of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// The record: an Event, or what opened the deal of a change.
    pub record: String,
    /// The event's name of SPEC.md 13, or `Changed`.
    pub what: String,
    /// When it happened, as its author says, in milliseconds since 1970.
    pub occurred_ms: u64,
    /// The version of the order that it is about, or that a change made.
    pub version: u32,
    /// The carrier's reference, or another; may be empty.
    pub reference: String,
    /// A note; may be empty.
    pub note: String,
    /// The lines that it names, counted from 1; none: all.
    pub lines: Vec<StepLine>,
}

/// Part of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepLine {
    /// Which, counted from 1.
    pub line: u16,
    /// How much of it.
    pub quantity: String,
}

/// `POST /v1/orders/{order}/ship`, `/complete` and `/events`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventAsk {
    /// The event's name of SPEC.md 13; `HandedOver` for `ship`, `Completed` for `complete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// When it happened; now if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_ms: Option<u64>,
    /// The carrier's reference, or another.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// A note.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The lines that it is about; all if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<StepLine>,
}

/// `POST /v1/orders/{order}/cancel`: a binding proposal to cancel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelAsk {
    /// The lines to be cancelled; all that is open if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<StepLine>,
    /// The fee; if left out that of the terms, and nothing where they grant none or the provider
    /// cancels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<String>,
    /// A note to the other side.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// `POST /v1/orders/{order}/hand-over`: who receives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandOverAsk {
    /// The recipient.
    pub ship_to: ShipToDoc,
}

#[cfg(test)]
mod tests {
    use omni_protocol::deal::order::Status;

    use super::ORDER_STATUSES;

    #[test]
    fn the_statuses_are_those_of_the_core() {
        let names: Vec<_> = Status::ALL.iter().map(|status| status.name()).collect();
        assert_eq!(ORDER_STATUSES[..], names);
    }
}
