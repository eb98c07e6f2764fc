//! The documents about the slots of a service: when they begin, and of own ones what is left.

use serde::{Deserialize, Serialize};

/// `GET /v1/offers/{id or sku}/slots`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotsView {
    /// The offer's record.
    pub id: String,
    /// Whose it is.
    pub partner: String,
    /// That partner's name, as it says in its Profile.
    pub name: Option<String>,
    /// Whether it is this node's own.
    pub mine: bool,
    /// The author's article number.
    pub sku: String,
    /// The price list; empty is the general one.
    pub list: String,
    /// What people see first.
    pub title: String,
    /// IANA time zone of its local times.
    pub zone: String,
    /// How long each slot lasts.
    pub duration_minutes: u32,
    /// Its slots, ascending; at most 512.
    pub slots: Vec<SlotView>,
    /// Whether there are more in the time that was asked for, after the last one.
    pub more: bool,
}

/// A slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotView {
    /// When it begins, as local time: the `slot` by which terms ask for it.
    pub slot: String,
    /// When it begins, in milliseconds since 1970.
    pub from_ms: u64,
    /// When it ends.
    pub until_ms: u64,
    /// Its places, of an own one. What a partner has left is its own matter.
    pub places: Option<PlacesView>,
}

/// The places of an own slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacesView {
    /// How many there are; 0 where the calendar has the slot no more.
    pub all: u64,
    /// Held for deals that are not decided.
    pub held: u64,
    /// Sold.
    pub sold: u64,
    /// Free.
    pub free: u64,
    /// Promised beyond what there is.
    pub short: u64,
}
