//! `omni offer ls` and `omni offer search`: offers side by side.

use clap::Args;

use super::super::Ctx;
use super::super::exit;
use super::super::outcome::{CliError, Outcome, Report};
use super::super::pages::{Page, Part, fetch};
use super::super::table::{Side, page, table};
use super::publish::short_id;
use crate::formats::units::word;
use crate::view::offer::{CataloguesView, OfferRow, OffersView};

/// List offers: own ones, those of a partner, or all that this node knows
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct LsArgs {
    /// Only this article number, whoever offers it
    #[arg(conflicts_with = "totals")]
    sku: Option<String>,
    /// The price list of that article; else the general one
    #[arg(long, requires = "sku")]
    list: Option<String>,
    /// Own offers only
    #[arg(long, conflicts_with = "partner")]
    mine: bool,
    /// Offers of this partner only, by its id or name
    #[arg(long, value_name = "PARTNER")]
    partner: Option<String>,
    /// Only how many there are, by partner
    #[arg(long, conflicts_with_all = ["mine", "partner", "limit", "after"])]
    totals: bool,
    #[command(flatten)]
    part: Part,
}

/// Search the offers of all partners for words
///
/// Every word has to begin a word of the offer's title, brand, article number or category.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct SearchArgs {
    /// Words
    #[arg(required = true)]
    words: Vec<String>,
    /// Offers of this partner only, by its id or name
    #[arg(long, value_name = "PARTNER")]
    partner: Option<String>,
    /// Offers of others only
    #[arg(long)]
    others: bool,
    /// Only what can be had in this region, ISO 3166: DE, GB-SCT
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Only prices in this currency
    #[arg(long, value_name = "CURRENCY")]
    currency: Option<String>,
    /// Only prices up to this one
    #[arg(long, value_name = "PRICE", requires = "currency")]
    below: Option<String>,
    #[command(flatten)]
    part: Part,
}

impl Report for OffersView {
    const SCHEMA: &'static str = "omni.offers/1";

    fn text(&self) -> String {
        let header = [
            ("sku", Side::Left),
            ("title", Side::Left),
            ("price", Side::Right),
            ("", Side::Left),
            ("stock", Side::Left),
            ("partner", Side::Left),
            ("id", Side::Left),
        ];
        let rows: Vec<_> = self.offers.iter().map(row).collect();
        page("no offers", &header, &rows, self.next.as_deref())
    }
}

impl Page for OffersView {
    type Row = OfferRow;

    fn rows(&mut self) -> &mut Vec<OfferRow> {
        &mut self.offers
    }

    fn next(&mut self) -> &mut Option<String> {
        &mut self.next
    }
}

fn row(offer: &OfferRow) -> Vec<String> {
    let partner = match (&offer.name, offer.mine) {
        (_, true) => "(mine)".to_owned(),
        (Some(name), false) => name.clone(),
        (None, false) => short_id(&offer.partner),
    };
    let sku = if offer.list.is_empty() {
        offer.sku.clone()
    } else {
        format!("{} [{}]", offer.sku, offer.list)
    };
    vec![
        sku,
        offer.title.clone(),
        offer.price.text.clone(),
        format!("{} {}", offer.price.currency, per(&offer.per, &offer.unit)),
        offer.availability.clone().unwrap_or_default(),
        partner,
        short_id(&offer.id),
    ]
}

/// `per pc`, `per 10 pc`, `per h`.
pub(in crate::cli) fn per(per: &str, unit: &str) -> String {
    match per {
        "1" => format!("per {}", word(unit)),
        _ => format!("per {per} {}", word(unit)),
    }
}

impl Report for CataloguesView {
    const SCHEMA: &'static str = "omni.catalogues/1";

    fn text(&self) -> String {
        let header = [
            ("partner", Side::Left),
            ("offers", Side::Right),
            ("records", Side::Right),
            ("announced", Side::Right),
        ];
        let row = |c: &crate::view::offer::CatalogueView| {
            let name = c.name.clone().unwrap_or_else(|| short_id(&c.partner));
            let mine = if c.mine { " (mine)" } else { "" };
            vec![
                format!("{name}{mine}"),
                c.offers.to_string(),
                c.records.to_string(),
                c.announced.map(|n| n.to_string()).unwrap_or_default(),
            ]
        };
        let mut rows: Vec<_> = self.catalogues.iter().map(row).collect();
        // By name: ids are in no order that means anything.
        rows.sort();
        table(&header, &rows)
    }
}

pub(super) fn ls(ctx: &Ctx, args: &LsArgs) -> Result<Outcome, CliError> {
    if args.totals {
        return ctx.report::<CataloguesView>(ctx.client()?.get("/v1/catalogues"));
    }
    let mine = args.mine.then_some("true");
    let params = [
        ("mine", mine),
        ("partner", args.partner.as_deref()),
        ("sku", args.sku.as_deref()),
        ("list", args.list.as_deref()),
    ];
    fetch::<OffersView>(ctx, "/v1/offers", &params, &args.part)
}

pub(super) fn search(ctx: &Ctx, args: &SearchArgs) -> Result<Outcome, CliError> {
    let words = args.words.join(" ");
    let params = [
        ("q", Some(words.as_str())),
        ("partner", args.partner.as_deref()),
        ("mine", args.others.then_some("false")),
        ("region", args.region.as_deref()),
        ("currency", args.currency.as_deref()),
        ("below", args.below.as_deref()),
    ];
    fetch::<OffersView>(ctx, "/v1/search", &params, &args.part)
}
