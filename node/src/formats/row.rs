//! One row as its file holds it, whatever the format: cells by the number of their column. Judges no meaning.

use std::borrow::Cow;

use csv::ByteRecord;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    limits::COLUMNS_MAX,
    problem::{Reason, excerpt},
};

/// What is wrong, and where in the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) column: String,
    pub(super) excerpt: String,
    pub(super) reason: Reason,
}

impl Flaw {
    pub(super) fn of_row(reason: Reason) -> Self {
        Self {
            column: String::new(),
            excerpt: String::new(),
            reason,
        }
    }
}

/// A row.
#[derive(Debug)]
pub(super) enum Row<'a> {
    Table(&'a ByteRecord),
    Object(&'a Entries<'a>),
    /// It can't be taken apart at all.
    Broken(Flaw),
}

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Empty,
    Text(Cow<'a, str>),
    /// A JSON number, as written.
    Number(&'a str),
    /// A JSON list of texts and numbers.
    List(Vec<String>),
    Bad {
        reason: Reason,
        excerpt: String,
    },
}

impl Row<'_> {
    /// The cell of a column; empty where the row has none.
    pub(super) fn cell(&self, column: usize) -> Cell<'_> {
        match self {
            Self::Table(record) => record.get(column).map_or(Cell::Empty, table_cell),
            Self::Object(entries) => entries
                .0
                .get(column)
                .map_or(Cell::Empty, |(_, v)| json_cell(v)),
            Self::Broken(_) => Cell::Empty,
        }
    }
}

fn table_cell(bytes: &[u8]) -> Cell<'_> {
    match str::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => Cell::Empty,
        Ok(text) => Cell::Text(Cow::Borrowed(text)),
        Err(_) => Cell::Bad {
            reason: Reason::NotUtf8,
            excerpt: excerpt(&String::from_utf8_lossy(bytes)),
        },
    }
}

fn json_cell(value: &RawValue) -> Cell<'_> {
    let raw = value.get();
    match raw.as_bytes().first() {
        Some(b'"') => match serde_json::from_str::<Cow<'_, str>>(raw) {
            Ok(text) if text.trim().is_empty() => Cell::Empty,
            Ok(text) => Cell::Text(text),
            Err(_) => Cell::Bad {
                reason: Reason::NotUtf8,
                excerpt: excerpt(raw),
            },
        },
        Some(b'0'..=b'9' | b'-') => Cell::Number(raw),
        Some(b't' | b'f') => Cell::Text(Cow::Borrowed(raw)),
        Some(b'[') => list_cell(raw),
        Some(b'n') | None => Cell::Empty,
        Some(_) => Cell::Bad {
            reason: Reason::Nested,
            excerpt: excerpt(raw),
        },
    }
}

fn list_cell(raw: &str) -> Cell<'_> {
    let nested = || Cell::Bad {
        reason: Reason::Nested,
        excerpt: excerpt(raw),
    };
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw) else {
        return nested();
    };
    let mut texts = Vec::new();
    for item in items {
        match json_cell_of_one(item) {
            Some(text) if text.is_empty() => {}
            Some(text) => texts.push(text),
            None => return nested(),
        }
    }
    if texts.is_empty() {
        Cell::Empty
    } else {
        Cell::List(texts)
    }
}

/// The text of a list's item; nothing where it is a list or an object itself.
fn json_cell_of_one(item: &RawValue) -> Option<String> {
    let raw = item.get();
    match raw.as_bytes().first() {
        Some(b'[' | b'{') | None => None,
        Some(b'"') => serde_json::from_str(raw).ok(),
        Some(b'n') => Some(String::new()),
        Some(_) => Some(raw.to_owned()),
    }
}

/// The keys and values of a JSON object in their order, values as written, keys possibly twice.
#[derive(Debug)]
pub(super) struct Entries<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry::<String, &'de RawValue>()? {
            if entries.len() == COLUMNS_MAX {
                return Err(serde::de::Error::custom(format_args!(
                    "more than {COLUMNS_MAX} keys"
                )));
            }
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}
