//! The flags that say what an offer says, and what they make of its document.

use clap::Args;
use omni_protocol::limits::{DAY_MS, OFFER_DAYS_MAX};
use serde_json::{Map, Value, json};

use super::super::exit::Exit;
use super::super::outcome::CliError;
use super::super::plain::plain;
use super::super::when::now_ms;
use crate::formats::units;
use crate::view::offer::OfferDoc;

/// For so many days an offer may have an end that is chosen; the most is no end, and is renewed.
fn days(text: &str) -> Result<u64, String> {
    let days = text.parse().ok();
    let days = days.filter(|days| (1..OFFER_DAYS_MAX).contains(days));
    days.ok_or_else(|| format!("it is not a number from 1 to {}", OFFER_DAYS_MAX - 1))
}

/// Fields of an offer.
#[derive(Debug, Args)]
pub(super) struct Fields {
    /// What people see first
    #[arg(long)]
    title: Option<String>,
    /// The price for one unit, or for --per: 129.00
    #[arg(long, allow_negative_numbers = true)]
    price: Option<String>,
    /// Its currency, ISO 4217: EUR
    #[arg(long)]
    currency: Option<String>,
    /// The quantity that the price is for
    #[arg(long, value_name = "QUANTITY")]
    per: Option<String>,
    /// Its unit, a word or a UN/ECE Rec 20 code, with its decimals where it has some: pc, h:1, KGM:3
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
    /// product, service or recurring
    #[arg(long)]
    nature: Option<String>,
    /// More about it
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Its brand
    #[arg(long)]
    brand: Option<String>,
    /// Its GTIN, 8 to 14 digits
    #[arg(long, value_name = "DIGITS")]
    gtin: Option<String>,
    /// Its category, segments divided by " > "
    #[arg(long, value_name = "PATH")]
    category: Option<String>,
    /// The least quantity of one deal
    #[arg(long, value_name = "QUANTITY")]
    minimum: Option<String>,
    /// The most of one deal
    #[arg(long, value_name = "QUANTITY")]
    maximum: Option<String>,
    /// Quantities come in multiples of this
    #[arg(long, value_name = "QUANTITY")]
    increment: Option<String>,
    /// A price from a quantity on, as 12:122.55; may be given several times
    #[arg(long, value_name = "FROM:PRICE")]
    tier: Vec<String>,
    /// ship, "pick up", deliver, "on site", remote, digital; may be given several times
    #[arg(long, value_name = "METHOD")]
    method: Vec<String>,
    /// Where it can be had, ISO 3166; may be given several times
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,
    /// Hours until fulfilment: 24-72
    #[arg(long, value_name = "HOURS")]
    lead: Option<String>,
    /// Minutes that a service takes
    #[arg(long, value_name = "MINUTES")]
    duration: Option<u32>,
    /// When the slots of a service begin, an RFC 5545 rule: "FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=8,13"
    #[arg(long, value_name = "RRULE")]
    slot_rule: Option<String>,
    /// Local time from which on that rule counts: 2027-03-01T08:00
    #[arg(long, value_name = "TIME")]
    slot_start: Option<String>,
    /// The time zone of the slots: Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    slot_zone: Option<String>,
    /// How many deals a slot has room for; 1 if it was not said before
    #[arg(long, value_name = "NUMBER")]
    slot_places: Option<u32>,
    /// Only for this partner, by its id; may be given several times
    #[arg(long, value_name = "PARTNER")]
    r#for: Vec<String>,
    /// It ends after so many days; without this the node renews it until it is withdrawn
    #[arg(long, value_name = "DAYS", value_parser = days)]
    days: Option<u64>,
    /// Any field as the JSON document has it: --set tax=S --set 'attributes=[…]'
    #[arg(long, value_name = "FIELD=VALUE")]
    set: Vec<String>,
}

impl Fields {
    /// Lays what the flags say over a document.
    pub(super) fn lay(&self, doc: &mut Map<String, Value>) -> Result<(), CliError> {
        let texts = [
            ("title", &self.title),
            ("price", &self.price),
            ("currency", &self.currency),
            ("per", &self.per),
            ("nature", &self.nature),
            ("description", &self.description),
            ("brand", &self.brand),
            ("gtin", &self.gtin),
            ("minimum", &self.minimum),
            ("maximum", &self.maximum),
            ("increment", &self.increment),
        ];
        for (field, text) in texts {
            if let Some(text) = text {
                doc.insert(field.to_owned(), json!(text));
            }
        }
        let lists = [
            ("methods", &self.method),
            ("regions", &self.region),
            ("audience", &self.r#for),
        ];
        for (field, items) in lists {
            if !items.is_empty() {
                doc.insert(field.to_owned(), json!(items));
            }
        }
        if let Some(category) = &self.category {
            doc.insert("category".to_owned(), json!({ "code": category }));
        }
        if let Some(unit) = &self.unit {
            let (code, scale) = unit.split_once(':').unwrap_or((unit, "0"));
            let scale: u8 = scale
                .parse()
                .map_err(|_why| form("--unit", unit, "h or h:1"))?;
            doc.insert("unit".to_owned(), json!(units::code(code)));
            doc.insert("scale".to_owned(), json!(scale));
        }
        if let Some(lead) = &self.lead {
            let hours = lead.split_once('-').unwrap_or((lead, lead));
            let (Ok(from), Ok(to)) = (hours.0.parse::<u32>(), hours.1.parse::<u32>()) else {
                return Err(form("--lead", lead, "24-72"));
            };
            doc.insert(
                "lead".to_owned(),
                json!({ "from_hours": from, "to_hours": to }),
            );
        }
        if let Some(days) = self.days {
            let end = now_ms().saturating_add(days.saturating_mul(DAY_MS));
            doc.insert("valid_until_ms".to_owned(), json!(end));
        }
        self.lay_service(doc)?;
        self.lay_tiers(doc)?;
        self.lay_others(doc)
    }

    /// How a service is performed; what is not named stays.
    fn lay_service(&self, doc: &mut Map<String, Value>) -> Result<(), CliError> {
        let mut calendar = Map::new();
        let texts = [
            ("rule", &self.slot_rule),
            ("start", &self.slot_start),
            ("zone", &self.slot_zone),
        ];
        for (field, text) in texts {
            if let Some(text) = text {
                calendar.insert(field.to_owned(), json!(text));
            }
        }
        if let Some(places) = self.slot_places {
            calendar.insert("capacity".to_owned(), json!(places));
        }
        if calendar.is_empty() && self.duration.is_none() {
            return Ok(());
        }
        let service = doc.entry("service").or_insert_with(|| json!({}));
        let no_object = || form("service", "that", r#"{"duration_minutes":60}"#);
        let service = service.as_object_mut().ok_or_else(no_object)?;
        if let Some(minutes) = self.duration {
            service.insert("duration_minutes".to_owned(), json!(minutes));
        }
        if !calendar.is_empty() {
            let before = service
                .entry("calendar")
                .or_insert_with(|| json!({"capacity": 1}));
            before
                .as_object_mut()
                .ok_or_else(no_object)?
                .append(&mut calendar);
        }
        Ok(())
    }

    fn lay_tiers(&self, doc: &mut Map<String, Value>) -> Result<(), CliError> {
        if !self.tier.is_empty() {
            let tier = |tier: &String| {
                let (from, price) = tier
                    .split_once(':')
                    .ok_or_else(|| form("--tier", tier, "12:122.55"))?;
                Ok(json!({ "from": from, "price": price }))
            };
            let tiers: Result<Vec<_>, CliError> = self.tier.iter().map(tier).collect();
            doc.insert("tiers".to_owned(), Value::Array(tiers?));
        }
        Ok(())
    }

    /// What `--set` names.
    fn lay_others(&self, doc: &mut Map<String, Value>) -> Result<(), CliError> {
        for set in &self.set {
            let (field, value) = set
                .split_once('=')
                .ok_or_else(|| form("--set", set, "tax=S"))?;
            // Numbers stay texts where the document has texts, so only what can't be one is JSON.
            let is_json = value.starts_with(['[', '{', '"'])
                || matches!(value, "true" | "false" | "null")
                || matches!(field, "scale" | "hold_minutes" | "valid_until_ms");
            let value = if is_json {
                serde_json::from_str(value).map_err(|e| form("--set", set, &e.to_string()))?
            } else {
                json!(value)
            };
            doc.insert(field.to_owned(), value);
        }
        Ok(())
    }
}

/// The document with these fields.
pub(super) fn document(fields: Map<String, Value>) -> Result<OfferDoc, CliError> {
    serde_json::from_value(Value::Object(fields)).map_err(|e| {
        let what = format!("this is no offer: {}", plain(&e.to_string()));
        CliError::new(Exit::Invalid, "invalid", what)
            .why("an offer needs sku, title, price and currency")
            .next("see the fields of one that stands: omni offer show SKU --json")
    })
}

fn form(flag: &str, value: &str, such_as: &str) -> CliError {
    let what = format!("{flag} can't be {}", plain(value));
    CliError::new(Exit::Invalid, "invalid", what).next(format!("write it like this: {such_as}"))
}
