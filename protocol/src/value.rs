//! The values of which records are made (SPEC.md section 4): text, money, quantities, times,
//! article numbers and regions. A value that exists is valid; how it is shown is the shell's
//! matter.

mod gtin;
mod money;
mod quantity;
mod region;
mod text;
mod time;

use thiserror::Error;

pub use self::{
    gtin::Gtin,
    money::{Currency, Minor, Money, Price},
    quantity::{Quantity, Steps, Unit},
    region::{Country, Region},
    text::{Prose, Text},
    time::Time,
};

/// Why a value can't be made. Locally it is shown to the person who typed it; of a peer's bytes it
/// says no more than [`Code::Malformed`](crate::code::Code::Malformed).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Invalid {
    /// The bytes end before the value does.
    #[error("the bytes end too early; send or copy all of them")]
    CutShort,
    /// A structure has more bytes than it may.
    #[error("it takes {found} bytes and may take {bytes_max}; shorten its texts or lists")]
    TooLarge {
        /// Bytes that it takes.
        found: usize,
        /// Bytes that it may take.
        bytes_max: usize,
    },
    /// A text, list or set is too long.
    #[error("it has {found} bytes or items and may have {max}; leave some out")]
    TooMany {
        /// What was counted.
        found: u64,
        /// What is allowed.
        max: usize,
    },
    /// A text, list or set is too short.
    #[error("it has {found} bytes or items and needs {min}; fill it in")]
    TooFew {
        /// What was counted.
        found: usize,
        /// What is needed.
        min: usize,
    },
    /// A text has a character that it must not have.
    #[error("it has a control character or a line break at byte {at}; remove it")]
    Character {
        /// Where, in bytes from the beginning.
        at: usize,
    },
    /// A text begins or ends with white space.
    #[error("it begins or ends with white space; trim it")]
    Edges,
    /// A text is not UTF-8.
    #[error("it is not UTF-8; convert it")]
    Utf8,
    /// A number stands for nothing that this version knows.
    #[error("this number names no {what}; see SPEC.md for those that do")]
    Word {
        /// What the number should name.
        what: &'static str,
    },
    /// A number lies outside its range.
    #[error("the {what} must be from {min} to {max}")]
    Range {
        /// What is out of range.
        what: &'static str,
        /// The least that is allowed.
        min: i64,
        /// The most that is allowed.
        max: i64,
    },
    /// A rule of the value or structure, said as what must hold.
    #[error("{0}")]
    Rule(&'static str),
}
