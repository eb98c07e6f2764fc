//! What follows an agreement: the Events of an order, and the sealed hand-over of who receives it.
//! The status of an order is derived elsewhere; sealing and opening are the shell's.

use crate::{
    body,
    fence::{self, Bytes, List},
    hash::DealId,
    limits::{HANDOVER_BYTES_MAX, LINES_MAX},
    thread::{Header, Role, header::within_a_thread},
    trade::Destination,
    value::{Invalid, Prose, Steps, Text, Time},
    wire, words,
};

words! {
    /// What happened to an order.
    pub enum Happening {
        /// The goods are ready.
        1 Packed "Packed",
        /// Given to the carrier, whose reference is the event's.
        2 HandedOver "HandedOver",
        /// On its way.
        3 InTransit "InTransit",
        /// In the last vehicle.
        4 OutForDelivery "OutForDelivery",
        /// Received.
        5 Delivered "Delivered",
        /// Nobody received it; it is tried again.
        6 FailedAttempt "FailedAttempt",
        /// It can't be delivered.
        7 Undeliverable "Undeliverable",
        /// On its way back.
        8 ReturnToOrigin "ReturnToOrigin",
        /// A time was set for the service.
        16 Scheduled "Scheduled",
        /// Another time was set.
        17 Rescheduled "Rescheduled",
        /// Those who perform it are on their way.
        18 EnRoute "EnRoute",
        /// They have begun.
        19 Started "Started",
        /// They have finished.
        20 Performed "Performed",
        /// The customer was not there.
        21 NoShow "NoShow",
        /// All lines are fulfilled, or those named.
        48 Completed "Completed",
    }
}

impl Happening {
    /// Whose Event may say so.
    #[must_use]
    pub const fn by(self) -> Role {
        Role::Provider
    }
}

/// So many steps of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventLine {
    /// Index of the line in the terms, from 0.
    pub line: u16,
    /// How many steps.
    pub steps: Steps,
}

wire!(EventLine { line, steps });

/// Something that happened to an order. It names no terms, so it can be shown outside its deal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// Header.
    pub header: Header,
    /// The order: its deal id.
    pub deal: DealId,
    /// The version of the order that it belongs to.
    pub version: u32,
    /// What happened.
    pub what: Happening,
    /// When.
    pub occurred: Time,
    /// To which lines and how much of each; empty for all.
    pub lines: List<EventLine, LINES_MAX>,
    /// A reference, as the carrier's; may be empty.
    pub reference: Text<128>,
    /// A note; may be empty.
    pub note: Prose<1024>,
}

wire!(Event { header, deal, version, what, occurred, lines, reference, note } check);
body!(Event);

/// Customer details, sealed to the fulfiller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Handover {
    /// Header.
    pub header: Header,
    /// The deal.
    pub deal: DealId,
    /// The fulfiller's X25519 key to which it is sealed.
    pub sealing_key: [u8; 32],
    /// The encapsulated key of HPKE (RFC 9180).
    pub encapsulated: [u8; 32],
    /// The sealed [`Shipto`].
    pub sealed: Bytes<HANDOVER_BYTES_MAX>,
}

wire!(Handover { header, deal, sealing_key, encapsulated, sealed } check);
body!(Handover);

within_a_thread!(Event, Handover);

/// Who receives an order, and where: the clear text of a Handover. Any field may be empty.
///
/// It is no record and never travels in clear.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Shipto {
    /// Name of the recipient.
    pub name: Text<128>,
    /// Lines of the address above the city.
    pub lines: List<Text<128>, 4>,
    /// City.
    pub city: Text<128>,
    /// Postcode.
    pub postcode: Text<16>,
    /// Part of the country.
    pub region: Destination,
    /// Country, two letters.
    pub country: Text<2>,
    /// Telephone number.
    pub phone: Text<32>,
    /// E-mail address.
    pub email: Text<128>,
    /// A note for whoever delivers or performs.
    pub note: Prose<512>,
}

wire!(Shipto {
    name,
    lines,
    city,
    postcode,
    region,
    country,
    phone,
    email,
    note
});

impl Shipto {
    /// Bytes of the longest one: what sealing adds (16 bytes) still fits a Handover.
    pub const BYTES_MAX: usize = HANDOVER_BYTES_MAX - 16;

    /// The bytes to seal.
    ///
    /// # Errors
    /// None for texts within their bounds, which are far below the limit.
    pub fn encode(&self) -> Result<alloc::vec::Vec<u8>, Invalid> {
        fence::encode(self, Self::BYTES_MAX)
    }

    /// Reads the bytes that were sealed.
    ///
    /// # Errors
    /// As [`fence::decode`].
    pub fn decode(bytes: &[u8]) -> Result<Self, crate::code::Code> {
        fence::decode(bytes, Self::BYTES_MAX)
    }
}

impl core::fmt::Debug for Shipto {
    /// Customer details don't belong into a log.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Shipto")
    }
}
