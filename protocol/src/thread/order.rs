//! What follows an agreement: the Events of an order, and the sealed hand-over of who receives it.
//! The status of an order is derived elsewhere; sealing and opening are the shell's.

use alloc::vec::Vec;

use crate::{
    body,
    code::Code,
    fence::{self, Bytes, List},
    hash::DealId,
    limits::{HANDOVER_BYTES_MAX, LINES_MAX, SHIPTO_BYTES},
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

/// Bytes of the length before a [`Shipto`].
const LENGTH_BYTES: usize = 2;

impl Shipto {
    /// The bytes to seal: always `SHIPTO_BYTES`, so that their number tells nothing.
    ///
    /// # Errors
    /// None for texts within their bounds, which together are below the limit.
    pub fn encode(&self) -> Result<Vec<u8>, Invalid> {
        let plain = fence::encode(self, SHIPTO_BYTES - LENGTH_BYTES)?;
        let length = u16::try_from(plain.len()).or(Err(Invalid::Rule("it is too long")))?;
        let mut bytes = Vec::with_capacity(SHIPTO_BYTES);
        bytes.extend(length.to_le_bytes());
        bytes.extend(plain);
        bytes.resize(SHIPTO_BYTES, 0);
        Ok(bytes)
    }

    /// Reads the bytes that were sealed.
    ///
    /// # Errors
    /// As [`fence::decode`]; `malformed` too for another length or filling.
    pub fn decode(bytes: &[u8]) -> Result<Self, Code> {
        if bytes.len() != SHIPTO_BYTES {
            return Err(Code::Malformed);
        }
        let (length, rest) = bytes.split_first_chunk().ok_or(Code::Malformed)?;
        let length = usize::from(u16::from_le_bytes(*length));
        let (plain, filling) = rest.split_at_checked(length).ok_or(Code::Malformed)?;
        if filling.iter().any(|byte| *byte != 0) {
            return Err(Code::NotCanonical);
        }
        fence::decode(plain, SHIPTO_BYTES - LENGTH_BYTES)
    }
}

impl core::fmt::Debug for Shipto {
    /// Customer details don't belong into a log.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Shipto")
    }
}
