//! The documents about stock. Quantities are decimal texts in the article's unit.

use serde::{Deserialize, Serialize};

use super::slot::PlacesView;

/// `PUT /v1/stock/{sku}`: what was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountAsk {
    /// How much there is, such as `40` or `7.5`; what was sold before is no longer there.
    pub quantity: String,
}

/// `POST /v1/stock`: several counts. Each stands for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountsAsk {
    /// At most 256.
    pub counts: Vec<CountDoc>,
}

/// One count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountDoc {
    /// The article.
    pub sku: String,
    /// The price list; empty is the general one.
    #[serde(default)]
    pub list: String,
    /// How much there is.
    pub quantity: String,
}

/// The answer to [`CountsAsk`]; it is on the disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountsView {
    /// How many counts changed something.
    pub changed: u64,
    /// How many said what was so already.
    pub unchanged: u64,
}

/// `GET /v1/stock`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StocksView {
    /// One page.
    pub stock: Vec<StockView>,
    /// With `short=true`, in the first page: the slots to come of which more places are promised than
    /// there are, at most 512.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<ShortSlotView>,
    /// What to ask for next as `cursor`; absent where this is the end.
    pub next: Option<String>,
}

/// A slot of an own service of which more places are promised than there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShortSlotView {
    /// The article; absent where no offer of it stands any more.
    pub sku: Option<String>,
    /// Its price list.
    pub list: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// What the article is called inside: the hash of number and list.
    pub subject: String,
    /// When the slot begins, as local time.
    pub slot: String,
    /// IANA time zone of that time; UTC where no calendar stands any more.
    pub zone: String,
    /// When it begins, in milliseconds since 1970.
    pub from_ms: u64,
    /// Its places.
    pub places: PlacesView,
}

/// The stock of one own article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockView {
    /// The article; absent where no offer of it stands any more.
    pub sku: Option<String>,
    /// Its price list.
    pub list: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// What the article is called inside: the hash of number and list.
    pub subject: String,
    /// UN/ECE Recommendation 20 code; empty where no offer says it, and then quantities are steps.
    pub unit: String,
    /// At the last count.
    pub counted: String,
    /// Held for deals that are not decided.
    pub held: String,
    /// Sold since the last count.
    pub sold: String,
    /// What may still be granted.
    pub available: String,
    /// Promised beyond what was counted.
    pub short: String,
    /// The band that was published last: `out`, `low`, `some` or `plenty`.
    pub band: Option<String>,
}
