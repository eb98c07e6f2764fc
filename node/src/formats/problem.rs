//! What is wrong with a row or a file, said so that whoever keeps the catalogue can find and mend it. Decides nothing.

use std::{fmt, io};

use omni_protocol::value::Invalid;

use super::{decimal::NumberFault, field::Field, limits};
use crate::plain::plain;

/// What became of a row that gave no offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The same article with the same content stood before.
    Repeat,
    /// The same article with other content stood before; the first stands.
    Conflict,
    /// The price is empty.
    WithoutPrice,
    /// The row can't become an offer.
    Refused,
    /// The row became an offer, but something in it was left out.
    Note,
}

impl Fate {
    /// The word for reports and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Repeat => "repeat",
            Self::Conflict => "conflict",
            Self::WithoutPrice => "without-price",
            Self::Refused => "refused",
            Self::Note => "note",
        }
    }
}

/// One row that gave no offer, or not a whole one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub file: String,
    /// CSV and JSON Lines: the line on which the row begins, from 1, the header included. JSON: the number of the item, from 1.
    pub row: u64,
    pub fate: Fate,
    /// The article number, where it could be read.
    pub sku: String,
    /// The column as the file names it, the flag that gave the value, or the field that no column gives.
    pub column: String,
    /// The beginning of the value, control and bidirectional characters escaped.
    pub excerpt: String,
    pub reason: Reason,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("has the same content as row {row} of {file}")]
    Repeats { file: String, row: u64 },
    #[error("differs in {} from row {row} of {file}, which stands", .fields.join(", "))]
    Differs {
        file: String,
        row: u64,
        fields: Vec<&'static str>,
    },
    #[error("the price is empty")]
    NoPrice,
    #[error("the row has no {0}, and no column is known to give it: name one with --{0}-from")]
    Missing(Field),
    #[error("the row has no {0}")]
    Empty(Field),
    #[error("the row has no currency: give it with --currency")]
    NoCurrency,
    #[error(
        "the row has {found} columns and the header {expected}: a missing or surplus delimiter, or a quote that does not close"
    )]
    Ragged { expected: usize, found: usize },
    #[error("a quote opens here and the file ends before it closes")]
    UnclosedQuote,
    #[error("is not UTF-8: save the file with that encoding")]
    NotUtf8,
    #[error("holds a control character (U+{0:04X})")]
    Control(u32),
    #[error("is a formula, not a value: export values")]
    Formula,
    #[error("is a spreadsheet's error, not a value")]
    SpreadsheetError,
    #[error("has {found} bytes, at most {most} are allowed")]
    TooLong { found: usize, most: usize },
    #[error("is a list or an object where one value belongs")]
    Nested,
    #[error("{0}")]
    Number(NumberFault),
    #[error("is negative")]
    Negative,
    #[error("is zero: an offer at no price would bind you")]
    Zero,
    #[error("is more than any amount of this market ({0} minor units)")]
    TooMuch(i64),
    #[error("has more decimal places than {0} takes, even for a larger quantity")]
    TooFine(String),
    #[error("does not fit the price's quantity")]
    UnlikePrice,
    #[error("names the currency {named}, and the row is in {row}")]
    OtherCurrency { named: String, row: String },
    #[error("is no currency of ISO 4217 with which one can pay")]
    UnknownCurrency,
    #[error("is no unit of UN/ECE Recommendation 20 or 21")]
    UnknownUnit,
    #[error("is finer than the unit's steps: give the unit a scale, as in KGM:3")]
    FinerThanStep,
    #[error("is not one of: {0}")]
    NotOneOf(&'static str),
    #[error("does not have the form {0}")]
    NotOfForm(&'static str),
    #[error("is out of range: {0}")]
    OutOfRange(&'static str),
    #[error("can't be that of a slot: {0}")]
    BadSlot(String),
    #[error("names {0} twice")]
    KeyTwice(String),
    #[error("is not a JSON object: {0}")]
    NotAnObject(String),
    #[error("is left out: a GTIN {0}")]
    BadGtin(&'static str),
    #[error("is cut at {0} bytes")]
    Cut(usize),
    #[error("the whole is no offer: {0}")]
    NotAnOffer(Invalid),
    #[error("is left out: {0}")]
    LeftOut(&'static str),
}

impl Reason {
    /// The word for reports and JSON; stable.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Repeats { .. } => "repeats",
            Self::Differs { .. } => "differs",
            Self::NoPrice => "no-price",
            Self::Missing(_) => "missing",
            Self::Empty(_) => "empty",
            Self::NoCurrency => "no-currency",
            Self::Ragged { .. } => "ragged",
            Self::UnclosedQuote => "unclosed-quote",
            Self::NotUtf8 => "not-utf8",
            Self::Control(_) => "control-character",
            Self::Formula => "formula",
            Self::SpreadsheetError => "spreadsheet-error",
            Self::TooLong { .. } => "too-long",
            Self::Nested => "nested",
            Self::Number(NumberFault::Ambiguous) => "ambiguous-number",
            Self::Number(_) => "not-a-number",
            Self::Negative => "negative",
            Self::Zero => "zero",
            Self::TooMuch(_) => "too-much",
            Self::TooFine(_) | Self::FinerThanStep => "too-fine",
            Self::UnlikePrice => "unlike-price",
            Self::OtherCurrency { .. } => "other-currency",
            Self::UnknownCurrency => "unknown-currency",
            Self::UnknownUnit => "unknown-unit",
            Self::NotOneOf(_) => "unknown-word",
            Self::NotOfForm(_) => "wrong-form",
            Self::OutOfRange(_) => "out-of-range",
            Self::BadSlot(_) => "bad-slot",
            Self::KeyTwice(_) => "key-twice",
            Self::NotAnObject(_) => "not-an-object",
            Self::BadGtin(_) => "bad-gtin",
            Self::Cut(_) => "cut",
            Self::NotAnOffer(_) => "not-an-offer",
            Self::LeftOut(_) => "left-out",
        }
    }
}

/// Why a whole file can't be imported.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    #[error("can't be opened: {0}")]
    Open(io::Error),
    #[error("can't be read: {0}")]
    Read(io::Error),
    #[error("holds nothing")]
    Empty,
    #[error("is broken gzip ({0}): fetch or make it anew")]
    Gzip(io::Error),
    #[error("is gzip within gzip: open it once")]
    GzipTwice,
    #[error("grows more than {0} times when opened, as no catalogue does")]
    Bomb(u64),
    #[error("has more than {0} bytes when opened: divide it")]
    TooLarge(u64),
    #[error("has more than {0} rows with the files before it: divide the import")]
    TooManyRows(u64),
    #[error(
        "holds a row of more than {most} bytes after row {after}: a quote that does not close, or no catalogue"
    )]
    RowTooLong { most: u64, after: u64 },
    #[error("has more than {0} columns")]
    TooManyColumns(usize),
    #[error("is {0}: export it as CSV or JSON")]
    Foreign(&'static str),
    #[error("holds zero bytes, so it is no text: export it as CSV or JSON")]
    Binary,
    #[error("is UTF-16: save it as UTF-8")]
    Utf16,
    #[error("has a header that is not UTF-8: save the file with that encoding")]
    HeaderNotUtf8,
    #[error(
        "has no column for {field}; its columns are {columns}: name one with --{field}-from, or all fields with --map FIELD=COLUMN"
    )]
    NoColumn { field: Field, columns: String },
    #[error("has no column {column:?}, which is to give {field}; its columns are {columns}")]
    NoSuchColumn {
        field: Field,
        column: String,
        columns: String,
    },
    #[error(
        "has two columns for {field}, {first:?} and {second:?}: name one with --map {field}=COLUMN, or give them different names"
    )]
    TwoColumns {
        field: Field,
        first: String,
        second: String,
    },
    #[error("is broken CSV: {0}")]
    Csv(String),
    #[error("is broken JSON: {0}")]
    Json(String),
    #[error("is a JSON document that holds no list of rows")]
    NoList,
    #[error("holds two lists, {first:?} and {second:?}: name one with --rows-from KEY")]
    TwoLists { first: String, second: String },
}

/// The beginning of a value, safe to print on a terminal.
#[must_use]
pub fn excerpt(value: &str) -> String {
    let mut chars = value.chars();
    let beginning: String = chars.by_ref().take(limits::EXCERPT_CHARS_MAX).collect();
    let cut = if chars.next().is_some() { "…" } else { "" };
    plain(&beginning) + cut
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, row {}", self.file, self.row)?;
        if !self.column.is_empty() {
            write!(f, ", {}", self.column)?;
        }
        if !self.excerpt.is_empty() {
            write!(f, " \"{}\"", self.excerpt)?;
        }
        write!(f, ": {}", self.reason)
    }
}
