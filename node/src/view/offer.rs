//! The documents about offers. Prices and quantities are decimal texts in the currency's and the
//! unit's own digits, so that no program is tempted to read them as floats.

use serde::{Deserialize, Serialize};

use super::money::MoneyView;

/// What an offer says: what `POST /v1/offers` takes, and `GET /v1/offers/{id}` gives back. What is
/// left out has the value that is written at its field. Limits are those of SPEC.md 8.1 and 17.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferDoc {
    /// The own article number.
    pub sku: String,
    /// The price list; empty is the general one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub list: String,
    /// Ids of the partners for whom alone it is; none: it is public.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// `product`, `service` or `recurring`.
    #[serde(default = "product")]
    pub nature: String,
    /// What people see first.
    pub title: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Language of title and description (BCP 47).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// Its brand.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub brand: String,
    /// GTIN, 8 to 14 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtin: Option<String>,
    /// The maker's part number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mpn: String,
    /// Where it stands in somebody's order of things.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryDoc>,
    /// Properties, each name once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeDoc>,
    /// What the variants of one thing have in common.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Files that show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<MediaDoc>,
    /// The price for `per` of the unit, such as `129.00`.
    pub price: String,
    /// ISO 4217 code of all its amounts.
    pub currency: String,
    /// The quantity that the price is for, in the unit.
    #[serde(default = "one")]
    pub per: String,
    /// Prices from a quantity on, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<TierDoc>,
    /// Suggested retail price for `per`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggested: Option<String>,
    /// Commission for whoever passes it on, in percent, such as `2.50`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commission: Option<String>,
    /// Tax category (UN/EDIFACT 5305: `S`, `Z`, `E` …).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tax: String,
    /// UN/ECE Recommendation 20 code: `C62` pieces, `HUR` hours.
    #[serde(default = "piece")]
    pub unit: String,
    /// Decimals of a quantity: 1 sells tenths of the unit.
    #[serde(default)]
    pub scale: u8,
    /// Quantities come in multiples of this; one step of the unit if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub increment: Option<String>,
    /// The least quantity of one deal; the increment if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<String>,
    /// The most of one deal; no limit if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<String>,
    /// How it reaches the customer: `ship`, `pick up`, `deliver`, `on site`, `remote`, `digital`.
    #[serde(default = "ship")]
    pub methods: Vec<String>,
    /// Where it can be had, ISO 3166 codes such as `DE` or `GB-SCT`; none: everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Hours until fulfilment.
    #[serde(default)]
    pub lead: LeadDoc,
    /// Incoterms 2020.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub incoterm: String,
    /// How a service is performed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceDoc>,
    /// How it recurs; for what recurs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurring: Option<RecurringDoc>,
    /// What the customer may ask for, and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rights: Vec<RightDoc>,
    /// Whether the provider does not show itself to the customer.
    #[serde(default)]
    pub white_label: bool,
    /// Minutes for which it can be held; 15 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_minutes: Option<u32>,
    /// Until when it stands, in milliseconds since 1970; 90 days from now if left out, and at most.
    /// What is left out, or less than an hour before the most, is no end: the node renews it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until_ms: Option<u64>,
}

fn product() -> String {
    "product".to_owned()
}

fn one() -> String {
    "1".to_owned()
}

fn piece() -> String {
    "C62".to_owned()
}

fn ship() -> Vec<String> {
    vec!["ship".to_owned()]
}

/// A category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryDoc {
    /// Whose order: `google`, `unspsc`, `gpc`, or the author's own.
    #[serde(default)]
    pub scheme: String,
    /// The place in it; segments are divided by ` > `.
    pub code: String,
}

/// A property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeDoc {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

/// A file that shows the thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaDoc {
    /// `image`, `model`, `document` or `video`.
    pub role: String,
    /// Its URL.
    #[serde(default)]
    pub location: String,
    /// Media type (RFC 6838).
    #[serde(default)]
    pub media_type: String,
    /// Bytes; 0 if not known.
    #[serde(default)]
    pub size: u64,
    /// SHA-256 of the content, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A price from a quantity on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierDoc {
    /// From this quantity on.
    pub from: String,
    /// The price for `per`.
    pub price: String,
}

/// Hours until fulfilment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeadDoc {
    /// At the earliest.
    pub from_hours: u32,
    /// At the latest.
    pub to_hours: u32,
}

/// How a service is performed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceDoc {
    /// How long it takes.
    pub duration_minutes: u32,
    /// When it can be had; then a deal of it names one of its slots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<CalendarDoc>,
}

/// The slots of a service. Each lasts as long as the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarDoc {
    /// When they begin: an RFC 5545 RRULE by day, week, month or year, such as
    /// `FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=8,13`.
    pub rule: String,
    /// Local time from which on the rule counts, such as `2027-03-01T08:00`.
    pub start: String,
    /// IANA time zone, such as `Europe/Berlin`.
    pub zone: String,
    /// Places of each slot, at least 1: a deal takes one, whatever its quantity.
    pub capacity: u32,
}

/// How something recurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecurringDoc {
    /// `day`, `week`, `month` or `year`.
    pub period: String,
    /// How many cycles; 0: until it is ended.
    #[serde(default)]
    pub cycles: u32,
    /// Days of notice to end it.
    #[serde(default)]
    pub notice_days: u32,
    /// Whether it can be paused.
    #[serde(default)]
    pub pause: bool,
}

/// A right of the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RightDoc {
    /// `before fulfilment`, `in fulfilment` or `after fulfilment`.
    pub state: String,
    /// `cancel`, `return`, `refund` or `replace`.
    pub to: String,
    /// For how many hours.
    pub within_hours: u32,
    /// What it costs, in percent of the total, such as `10.00`.
    #[serde(default = "nothing")]
    pub fee: String,
}

fn nothing() -> String {
    "0".to_owned()
}

/// `POST /v1/offers`: all of them are published, or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishAsk {
    /// At most 256.
    pub offers: Vec<OfferDoc>,
}

/// The answer to [`PublishAsk`] and [`WithdrawAsk`]: what changed. It is on the disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishView {
    /// What was published, in the order of the request.
    pub published: Vec<PublishedView>,
    /// How many say what stood already, so that nothing was published for them.
    pub unchanged: u64,
}

/// An article of which something was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedView {
    /// The article.
    pub sku: String,
    /// The price list.
    pub list: String,
    /// The id of the new record.
    pub id: String,
}

/// `POST /v1/withdrawals`: all of them are withdrawn, or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawAsk {
    /// At most 128.
    pub articles: Vec<ArticleDoc>,
    /// `ended`, `replaced` or `mistake`.
    #[serde(default = "ended")]
    pub reason: String,
}

fn ended() -> String {
    "ended".to_owned()
}

/// An own article.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArticleDoc {
    /// Its number.
    pub sku: String,
    /// The price list; empty is the general one.
    #[serde(default)]
    pub list: String,
}

/// `GET /v1/offers/{id or sku}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferView {
    /// The record's id.
    pub id: String,
    /// Whose it is.
    pub partner: String,
    /// That partner's name, as it says in its Profile.
    pub name: Option<String>,
    /// Whether it is this node's own.
    pub mine: bool,
    /// What becomes of an own one when its time is over: `automatic`, it is renewed before that;
    /// `off`, it ends, since the node is set not to renew; `ends`, as its author chose.
    pub renewal: Option<String>,
    /// When it was published, in milliseconds since 1970.
    pub published_ms: u64,
    /// `out`, `low`, `some` or `plenty`, as its author published it.
    pub availability: Option<String>,
    /// The price for one `per`, with its minor units.
    pub money: MoneyView,
    /// All that it says; `POST /v1/offers` takes it.
    pub offer: OfferDoc,
}

/// `GET /v1/offers` and `GET /v1/search`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffersView {
    /// One page.
    pub offers: Vec<OfferRow>,
    /// What to ask for next as `cursor`; absent where this is the end.
    pub next: Option<String>,
}

/// An offer in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferRow {
    /// The record's id.
    pub id: String,
    /// Whose it is.
    pub partner: String,
    /// That partner's name, as it says in its Profile.
    pub name: Option<String>,
    /// Whether it is this node's own.
    pub mine: bool,
    /// The author's article number.
    pub sku: String,
    /// The price list; empty is the general one.
    pub list: String,
    /// What people see first.
    pub title: String,
    /// The price.
    pub price: MoneyView,
    /// The quantity that the price is for, in the unit.
    pub per: String,
    /// UN/ECE Recommendation 20 code.
    pub unit: String,
    /// `out`, `low`, `some` or `plenty`, as its author published it.
    pub availability: Option<String>,
    /// Until when it stands, in milliseconds since 1970.
    pub valid_until_ms: u64,
}

/// `GET /v1/catalogues`: how many offers of whom this node knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CataloguesView {
    /// By partner, in the order of their ids; the own one too.
    pub catalogues: Vec<CatalogueView>,
}

/// What this node knows of one partner's catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueView {
    /// The partner.
    pub partner: String,
    /// Its name, as it says in its Profile.
    pub name: Option<String>,
    /// Whether it is this node's own.
    pub mine: bool,
    /// Its offers that stand.
    pub offers: u64,
    /// Its public offers, availabilities and withdrawals that are kept here.
    pub records: u64,
    /// How many of these its newest catalogue head announces.
    pub announced: Option<u64>,
}
