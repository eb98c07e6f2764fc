//! What an Offer is made of besides plain values: category, attributes, media, price tiers, and how
//! a service is performed or something recurs.

use crate::{
    limits::URL_BYTES_MAX,
    value::{Minor, Steps, Text},
    wire, words,
};

/// Where an offer stands in somebody's order of things.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Category {
    /// Whose order: `google`, `unspsc`, `gpc`, or the author's own.
    pub scheme: Text<32>,
    /// The place in it; segments are divided by ` > `.
    pub code: Text<128>,
}

wire!(Category { scheme, code });

/// A property of the thing, as text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attribute {
    /// Name of the property.
    pub name: Text<64, 1>,
    /// Its value; may be empty.
    pub value: Text<256>,
}

wire!(Attribute { name, value });

words! {
    /// What a file shows.
    pub enum MediaRole {
        /// A picture.
        1 Image "image",
        /// A model in three dimensions.
        2 Model "model",
        /// A document.
        3 Document "document",
        /// A film.
        4 Video "video",
    }
}

/// A file that shows the thing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Media {
    /// What it shows.
    pub role: MediaRole,
    /// Its URL, or empty when the hash names the content.
    pub location: Text<URL_BYTES_MAX>,
    /// Media type (RFC 6838).
    pub media_type: Text<64>,
    /// Bytes; 0 if not known.
    pub size: u64,
    /// SHA-256 of the content.
    pub sha256: Option<[u8; 32]>,
}

wire!(Media {
    role,
    location,
    media_type,
    size,
    sha256
});

/// A price from a number of steps on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tier {
    /// From so many steps on.
    pub from: Steps,
    /// Minor units for as many steps as the offer's price is for.
    pub minor: Minor,
}

wire!(Tier { from, minor });

/// How a service is performed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Service {
    /// How long it takes.
    pub duration_minutes: u32,
    /// When it can be had.
    pub calendar: Option<Calendar>,
}

wire!(Service {
    duration_minutes,
    calendar
});

/// The slots in which a service can be had.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Calendar {
    /// Recurrence rule (RFC 5545 RRULE).
    pub rule: Text<256>,
    /// Local time of the first slot.
    pub start: Text<32>,
    /// Time zone (IANA).
    pub zone: Text<64>,
    /// How many a slot has room for.
    pub capacity: u32,
}

wire!(Calendar {
    rule,
    start,
    zone,
    capacity
});

words! {
    /// The length of a cycle.
    pub enum Period {
        /// A day.
        1 Day "day",
        /// A week.
        2 Week "week",
        /// A month.
        3 Month "month",
        /// A year.
        4 Year "year",
    }
}

/// How something recurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Recurring {
    /// Length of a cycle.
    pub period: Period,
    /// How many cycles; 0: until it is ended.
    pub cycles: u32,
    /// Days of notice to end it.
    pub notice_days: u32,
    /// Whether it can be paused.
    pub pause: bool,
}

wire!(Recurring {
    period,
    cycles,
    notice_days,
    pause
});
