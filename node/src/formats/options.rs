//! What the user says about a file that the file does not say itself. Reads no file.

use std::{collections::BTreeMap, str::FromStr};

use super::{decimal::Separator, field::Field, judge, problem::Reason};

/// How files are to be read. The default recognises columns by their names and takes nothing else.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The column that gives a field, instead of the one that would be recognised.
    pub columns: BTreeMap<Field, String>,
    /// The value of a field in rows that name none.
    pub values: BTreeMap<Field, String>,
    pub attributes: Attributes,
    /// The decimal separator; without it a number that may mean two is refused.
    pub separator: Option<Separator>,
    /// The delimiter of a table; without it the likeliest.
    pub delimiter: Option<u8>,
    /// The key whose list holds the rows of a JSON object.
    pub rows_from: Option<String>,
}

/// Which columns that give no field are published as attributes. None unless the user says so: a price list may hold what a partner
/// paid for its goods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Attributes {
    #[default]
    None,
    Named(Vec<String>),
    All,
}

/// A value that the user set and that can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadValue {
    /// The flag.
    pub column: String,
    pub value: String,
    pub reason: Reason,
}

impl Options {
    /// Whether the values that the user set can be read; else no row that needs them could.
    ///
    /// # Errors
    /// The first that can't.
    pub fn check(&self) -> Result<(), BadValue> {
        judge::constants(self).map_err(|flaw| BadValue {
            column: flaw.column,
            value: flaw.excerpt,
            reason: flaw.reason,
        })
    }

    /// The value that stands for rows that name none, if the user gave one.
    #[must_use]
    pub fn value(&self, field: Field) -> Option<&str> {
        self.values.get(&field).map(String::as_str)
    }
}

/// A field and what gives it, as the flags `--map` and `--set` write it: `brand=Vendor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub field: Field,
    pub given: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (field, given) = text.split_once('=').ok_or("write FIELD=VALUE")?;
        let field = field
            .parse()
            .map_err(|e: super::field::UnknownField| e.to_string())?;
        Ok(Self {
            field,
            given: given.to_owned(),
        })
    }
}
