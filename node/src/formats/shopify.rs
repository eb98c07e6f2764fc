//! Shopify's product table: one row a variant or further picture, and what is said of a product stands in its first row only. Fills that in;
//! judges nothing.

use csv::ByteRecord;

use super::field::plain;

/// What is carried down from a product's first row.
const CARRIED: [&str; 5] = [
    "title",
    "body html",
    "vendor",
    "google shopping google product category",
    "option1 name",
];

/// The places of the columns that matter here, and the product that is being read.
#[derive(Debug)]
pub(super) struct Shopify {
    handle: usize,
    sku: usize,
    title: usize,
    carried: Vec<usize>,
    options: Vec<usize>,
    first: ByteRecord,
}

impl Shopify {
    /// Only tables with Shopify's own columns are read so.
    pub(super) fn of(columns: &[String]) -> Option<Self> {
        let place = |wanted: &str| columns.iter().position(|c| plain(c) == wanted);
        place("variant price")?;
        Some(Self {
            handle: place("handle")?,
            sku: place("variant sku")?,
            title: place("title")?,
            carried: CARRIED.iter().filter_map(|c| place(c)).collect(),
            options: ["option1 value", "option2 value", "option3 value"]
                .iter()
                .filter_map(|c| place(c))
                .collect(),
            first: ByteRecord::new(),
        })
    }

    /// The row with its product's texts in it, the options in its title, and, where the shop keeps no article numbers, one made of handle and
    /// options, which is as unique as the shop's own key.
    pub(super) fn filled(&mut self, row: &ByteRecord) -> ByteRecord {
        let handle = row.get(self.handle).unwrap_or_default();
        let is_further = self.first.get(self.handle) == Some(handle);
        if !is_further {
            self.first.clone_from(row);
        }
        let chosen: Vec<&[u8]> = self.options.iter().filter_map(|o| row.get(*o)).collect();
        let chosen: Vec<&[u8]> = chosen
            .into_iter()
            .filter(|o| !o.is_empty() && *o != b"Default Title")
            .collect();
        let mut filled = ByteRecord::new();
        for (column, cell) in row.iter().enumerate() {
            let carried = cell.is_empty() && is_further && self.carried.contains(&column);
            let cell = if carried {
                self.first.get(column).unwrap_or_default()
            } else {
                cell
            };
            if column == self.title && !chosen.is_empty() && !cell.is_empty() {
                filled.push_field(&[cell, b", ", &chosen.join(&b", "[..])].concat());
            } else if column == self.sku && cell.trim_ascii().is_empty() {
                let parts: Vec<&[u8]> =
                    [handle].into_iter().chain(chosen.iter().copied()).collect();
                filled.push_field(&parts.join(&b"/"[..]));
            } else {
                filled.push_field(cell);
            }
        }
        filled
    }
}
