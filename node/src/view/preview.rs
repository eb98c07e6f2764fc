//! The documents about what publishing and counting would change.

use serde::{Deserialize, Serialize};

use super::offer::OfferDoc;
use super::stock::CountDoc;

/// A price that moves by this factor, up or down, is likelier a slip than meant.
pub const STEEP: u128 = 5;

/// `POST /v1/previews`: what would be published and counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreviewAsk {
    /// At most 256.
    pub offers: Vec<OfferDoc>,
    /// At most 256, of these offers or of own ones that stand.
    #[serde(default)]
    pub counts: Vec<CountDoc>,
}

/// Its answer. Nothing was changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewView {
    /// Articles that were never offered.
    pub new: u64,
    /// Offers that stand so already.
    pub unchanged: u64,
    /// Offers that say something else than what stands, or that do not stand any more.
    pub changed: Vec<OfferChangeView>,
    /// Counts of stock that say something else than what is known.
    pub counts: Vec<CountChangeView>,
    /// Counts that say what is so already, or the first of an article.
    pub counts_unchanged: u64,
}

/// What would become of an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferChangeView {
    /// The article.
    pub sku: String,
    /// The price list.
    pub list: String,
    /// `withdrawn` or `ended`, where it does not stand any more and would be offered again.
    pub again: Option<String>,
    /// Whether the price moves by a factor of 5 or more.
    pub steep: bool,
    /// What differs from what stands.
    pub fields: Vec<FieldChangeView>,
}

/// A field of an offer that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChangeView {
    /// Its name, as offers have it.
    pub field: String,
    /// What it says now; empty where it says nothing.
    pub from: String,
    /// What it would say.
    pub to: String,
}

/// A count that would be replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountChangeView {
    /// The article.
    pub sku: String,
    /// The price list.
    pub list: String,
    /// At the last count.
    pub counted: String,
    /// Sold since.
    pub sold: String,
    /// What would be counted.
    pub to: String,
}
