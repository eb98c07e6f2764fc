//! `omni offer show`: all that one offer says.

use clap::Args;

use super::super::Ctx;
use super::super::address::with_query;
use super::super::exit;
use super::super::outcome::{CliError, Outcome, Report, pairs};
use super::super::when::when;
use super::list::per;
use super::which::Which;
use crate::view::offer::{CalendarDoc, OfferDoc, OfferView};

/// Show one offer by its id, or by article number
///
/// By article number own offers come first, then those of all other partners.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct ShowArgs {
    #[command(flatten)]
    which: Which,
}

impl Report for OfferView {
    const SCHEMA: &'static str = "omni.offer/1";

    fn text(&self) -> String {
        let doc = &self.offer;
        let whose = match (&self.name, self.mine) {
            (_, true) => "(mine)".to_owned(),
            (Some(name), false) => format!("{name}  {}", self.partner),
            (None, false) => self.partner.clone(),
        };
        let price = format!(
            "{} {} {}",
            doc.price,
            doc.currency,
            per(&doc.per, &doc.unit)
        );
        let mut lines = vec![
            ("offer", self.id.clone()),
            ("partner", whose),
            ("sku", doc.sku.clone()),
        ];
        lines.push(("list", doc.list.clone()));
        lines.push(("title", doc.title.clone()));
        lines.push(("description", doc.description.clone()));
        lines.push(("brand", doc.brand.clone()));
        lines.push(("gtin", doc.gtin.clone().unwrap_or_default()));
        lines.push(("mpn", doc.mpn.clone()));
        let category = doc.category.as_ref().map(|c| c.code.clone());
        lines.push(("category", category.unwrap_or_default()));
        lines.push(("price", price));
        for tier in &doc.tiers {
            lines.push(("", format!("{} from {} on", tier.price, tier.from)));
        }
        lines.push(("suggested", doc.suggested.clone().unwrap_or_default()));
        lines.push(("quantity", quantity(doc)));
        lines.push(("stock", self.availability.clone().unwrap_or_default()));
        lines.push(("delivery", delivery(doc)));
        lines.push(("service", service(doc)));
        lines.push(("for", doc.audience.join(", ")));
        for attribute in &doc.attributes {
            lines.push((
                "attribute",
                format!("{}: {}", attribute.name, attribute.value),
            ));
        }
        for media in &doc.media {
            lines.push((media_label(&media.role), media.location.clone()));
        }
        lines.push(("published", when(self.published_ms)));
        let renewed = match self.renewal.as_deref() {
            Some("automatic") => "  renewed before that",
            Some("off") => "  not renewed: offers.renew is off",
            Some("ends") => "  it ends then",
            Some(_) | None => "",
        };
        if let Some(until) = doc.valid_until_ms {
            lines.push(("valid until", when(until) + renewed));
        }
        lines.retain(|(_, value)| !value.is_empty());
        pairs(&lines)
    }
}

fn media_label(role: &str) -> &'static str {
    match role {
        "image" => "image",
        "model" => "model",
        "video" => "video",
        _ => "document",
    }
}

fn quantity(doc: &OfferDoc) -> String {
    let mut text = format!("at least {}", doc.minimum.as_deref().unwrap_or("1"));
    if let Some(most) = &doc.maximum {
        text.push_str(&format!(", at most {most}"));
    }
    if let Some(step) = doc.increment.as_deref().filter(|step| *step != "1") {
        text.push_str(&format!(", in steps of {step}"));
    }
    text
}

fn delivery(doc: &OfferDoc) -> String {
    let mut text = doc.methods.join(", ");
    if !doc.regions.is_empty() {
        text.push_str(&format!(" in {}", doc.regions.join(", ")));
    }
    if doc.lead.to_hours > 0 {
        text.push_str(&format!(
            ", within {} to {} hours",
            doc.lead.from_hours, doc.lead.to_hours
        ));
    }
    if doc.white_label {
        text.push_str(", under your name");
    }
    text
}

/// How long a service takes, and when it can be had.
fn service(doc: &OfferDoc) -> String {
    let Some(service) = &doc.service else {
        return String::new();
    };
    let mut text = format!("{} min", service.duration_minutes);
    if let Some(calendar) = &service.calendar {
        let CalendarDoc {
            rule,
            start,
            zone,
            capacity,
        } = calendar;
        let places = if *capacity == 1 { "place" } else { "places" };
        text.push_str(&format!(
            ", {capacity} {places} in each slot: {rule} from {start} {zone}"
        ));
    }
    text
}

pub(super) fn run(ctx: &Ctx, args: &ShowArgs) -> Result<Outcome, CliError> {
    let path = with_query(&args.which.path(), &args.which.params());
    ctx.report::<OfferView>(ctx.client()?.get(&path))
}
