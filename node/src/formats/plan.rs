//! Which columns of a file give which fields. Looks at names, never at rows.

use std::collections::BTreeMap;

use super::{
    field::{Field, plain},
    options::{Attributes, Options},
    problem::FileFault,
};

/// The part that each column of a file plays.
#[derive(Debug, Default)]
pub(super) struct Plan {
    columns: Vec<String>,
    fields: BTreeMap<Field, Vec<usize>>,
    attributes: Vec<usize>,
    untaken: Vec<usize>,
}

/// Whether all rows have the columns of the header, as in a table, or each row has its own, as in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    ForAll,
    ForOne,
}

impl Plan {
    pub(super) fn new(
        columns: Vec<String>,
        header: Header,
        options: &Options,
    ) -> Result<Self, FileFault> {
        let mut plan = Self {
            columns,
            ..Self::default()
        };
        for field in Field::all() {
            let found = match options.columns.get(&field) {
                Some(wanted) => plan.named(field, wanted, header)?,
                None => plan.recognised(field, options)?,
            };
            if !found.is_empty() {
                plan.fields.insert(field, found);
            }
        }
        if header == Header::ForAll {
            plan.require(&[Field::Sku, Field::Title, Field::Price], options)?;
        }
        plan.divide_the_rest(options);
        Ok(plan)
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The columns that give a field, the surest first.
    pub(super) fn of(&self, field: Field) -> &[usize] {
        self.fields.get(&field).map_or(&[], Vec::as_slice)
    }

    pub(super) fn attributes(&self) -> &[usize] {
        &self.attributes
    }

    pub(super) fn name(&self, column: usize) -> &str {
        self.columns.get(column).map_or("", String::as_str)
    }

    /// Names of the columns that give nothing.
    pub(super) fn untaken(&self) -> impl Iterator<Item = &str> {
        self.untaken
            .iter()
            .map(|c| self.name(*c))
            .filter(|n| !n.is_empty())
    }

    fn named(&self, field: Field, wanted: &str, header: Header) -> Result<Vec<usize>, FileFault> {
        let mut found = self.positions(|c| c == wanted);
        if found.is_empty() {
            found = self.positions(|c| plain(c) == plain(wanted));
        }
        match found.as_slice() {
            [] if header == Header::ForAll => Err(FileFault::NoSuchColumn {
                field,
                column: wanted.to_owned(),
                columns: self.listed(),
            }),
            [first, second, ..] => Err(self.two(field, *first, *second)),
            _ => Ok(found),
        }
    }

    fn recognised(&self, field: Field, options: &Options) -> Result<Vec<usize>, FileFault> {
        let language = options.value(Field::Language).unwrap_or_default();
        let ranked = self.columns.iter().enumerate();
        let mut ranked: Vec<(usize, usize)> = ranked
            .filter_map(|(i, c)| Some((field.rank(c, language)?, i)))
            .collect();
        ranked.sort_unstable();
        for (a, b) in ranked.iter().zip(ranked.iter().skip(1)) {
            if a.0 == b.0 && plain(self.name(a.1)) == plain(self.name(b.1)) {
                return Err(self.two(field, a.1, b.1));
            }
        }
        if !field.may_fall_back() {
            ranked.truncate(1);
        }
        Ok(ranked.into_iter().map(|(_, i)| i).collect())
    }

    fn require(&self, fields: &[Field], options: &Options) -> Result<(), FileFault> {
        for &field in fields {
            if self.of(field).is_empty() && options.value(field).is_none() {
                return Err(FileFault::NoColumn {
                    field,
                    columns: self.listed(),
                });
            }
        }
        Ok(())
    }

    fn divide_the_rest(&mut self, options: &Options) {
        let taken: Vec<usize> = self.fields.values().flatten().copied().collect();
        let rest = self
            .positions(|_| true)
            .into_iter()
            .filter(|c| !taken.contains(c));
        let is_attribute = |column: &usize| match &options.attributes {
            Attributes::None => false,
            Attributes::All => true,
            Attributes::Named(names) => names.iter().any(|n| plain(n) == plain(self.name(*column))),
        };
        (self.attributes, self.untaken) = rest.partition(is_attribute);
    }

    fn positions(&self, wanted: impl Fn(&str) -> bool) -> Vec<usize> {
        let columns = self.columns.iter().enumerate();
        columns.filter(|(_, c)| wanted(c)).map(|(i, _)| i).collect()
    }

    fn two(&self, field: Field, first: usize, second: usize) -> FileFault {
        FileFault::TwoColumns {
            field,
            first: self.name(first).to_owned(),
            second: self.name(second).to_owned(),
        }
    }

    /// The columns for an error; the first of many.
    fn listed(&self) -> String {
        const SHOWN: usize = 24;
        let shown: Vec<String> = self
            .columns
            .iter()
            .take(SHOWN)
            .map(|c| super::problem::excerpt(c))
            .collect();
        let more = self.columns.len().saturating_sub(SHOWN);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        format!("{}{more}", shown.join(", "))
    }
}
