//! `omni stock`: what there is of the own articles.

use clap::{Args, Subcommand};

use super::Ctx;
use super::address::{segment, with_query};
use super::exit;
use super::outcome::{CliError, Outcome, Report};
use super::pages::{Page, Part, fetch};
use super::table::{Side, page};
use crate::formats::units::word;
use crate::view::stock::{CountDoc, CountsAsk, CountsView, ShortSlotView, StockView, StocksView};

/// Count stock, and see what deals hold and sold of it
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct StockArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Set(SetArgs),
    Ls(LsArgs),
}

/// Say how much was counted of an article; what was sold before is no longer there
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct SetArgs {
    /// The own article number
    sku: String,
    /// How much there is, in the offer's unit: 40, 7.5
    #[arg(allow_negative_numbers = true)]
    quantity: String,
    /// The price list; else the general one
    #[arg(long)]
    list: Option<String>,
}

/// List counted stock: held for open deals, sold since the count, still available, promised too much
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct LsArgs {
    /// Only this own article, by its number
    #[arg(conflicts_with_all = ["short", "limit", "after"])]
    sku: Option<String>,
    /// The price list of that article; else the general one
    #[arg(long, requires = "sku")]
    list: Option<String>,
    /// Only articles of which more is promised than was counted, and slots with too few places
    #[arg(long)]
    short: bool,
    #[command(flatten)]
    part: Part,
}

impl Report for StocksView {
    const SCHEMA: &'static str = "omni.stock/1";

    fn text(&self) -> String {
        let header = [
            ("sku", Side::Left),
            ("title", Side::Left),
            ("unit", Side::Left),
            ("counted", Side::Right),
            ("held", Side::Right),
            ("sold", Side::Right),
            ("available", Side::Right),
            ("short", Side::Right),
            ("published", Side::Left),
        ];
        let rows: Vec<_> = self.stock.iter().map(row).collect();
        if self.slots.is_empty() {
            return page("nothing was counted", &header, &rows, self.next.as_deref());
        }
        let stock = page("", &header, &rows, self.next.as_deref());
        let header = [
            ("sku", Side::Left),
            ("title", Side::Left),
            ("slot", Side::Left),
            ("zone", Side::Left),
            ("places", Side::Right),
            ("held", Side::Right),
            ("sold", Side::Right),
            ("short", Side::Right),
        ];
        let rows: Vec<_> = self.slots.iter().map(slot_row).collect();
        stock.trim_start().to_owned() + &page("", &header, &rows, None)
    }
}

fn slot_row(short: &ShortSlotView) -> Vec<String> {
    let places = &short.places;
    let figures = [places.all, places.held, places.sold, places.short];
    let texts = [
        article(short.sku.as_deref(), short.list.as_deref()),
        short.title.clone().unwrap_or_default(),
        short.slot.clone(),
        short.zone.clone(),
    ];
    let figures = figures.iter().map(u64::to_string);
    texts.into_iter().chain(figures).collect()
}

/// How an article is called.
fn article(sku: Option<&str>, list: Option<&str>) -> String {
    match (sku, list) {
        (Some(sku), None | Some("")) => sku.to_owned(),
        (Some(sku), Some(list)) => format!("{sku} [{list}]"),
        (None, _) => "(no offer stands)".to_owned(),
    }
}

impl Page for StocksView {
    type Row = StockView;

    fn rows(&mut self) -> &mut Vec<StockView> {
        &mut self.stock
    }

    fn next(&mut self) -> &mut Option<String> {
        &mut self.next
    }
}

impl Report for StockView {
    const SCHEMA: &'static str = "omni.stock.article/1";

    fn text(&self) -> String {
        let one = StocksView {
            stock: vec![self.clone()],
            slots: Vec::new(),
            next: None,
        };
        one.text()
    }
}

fn row(stock: &StockView) -> Vec<String> {
    vec![
        article(stock.sku.as_deref(), stock.list.as_deref()),
        stock.title.clone().unwrap_or_default(),
        word(&stock.unit).to_owned(),
        stock.counted.clone(),
        stock.held.clone(),
        stock.sold.clone(),
        stock.available.clone(),
        stock.short.clone(),
        stock.band.clone().unwrap_or_default(),
    ]
}

pub(super) fn run(ctx: &Ctx, args: &StockArgs) -> Result<Outcome, CliError> {
    match &args.verb {
        Verb::Set(args) => set(ctx, args),
        Verb::Ls(args) => ls(ctx, args),
    }
}

fn set(ctx: &Ctx, args: &SetArgs) -> Result<Outcome, CliError> {
    let client = ctx.client()?;
    let counts = vec![CountDoc {
        sku: args.sku.clone(),
        list: args.list.clone().unwrap_or_default(),
        quantity: args.quantity.clone(),
    }];
    let counted: Result<CountsView, _> = client.post("/v1/stock", &CountsAsk { counts });
    counted.map_err(|e| ctx.asked(e))?;
    one(ctx, &args.sku, args.list.as_deref())
}

fn one(ctx: &Ctx, sku: &str, list: Option<&str>) -> Result<Outcome, CliError> {
    let path = format!("/v1/stock/{}", segment(sku));
    let path = with_query(&path, &[("list", list)]);
    ctx.report::<StockView>(ctx.client()?.get(&path))
}

fn ls(ctx: &Ctx, args: &LsArgs) -> Result<Outcome, CliError> {
    if let Some(sku) = &args.sku {
        return one(ctx, sku, args.list.as_deref());
    }
    let params = [("short", args.short.then_some("true"))];
    fetch::<StocksView>(ctx, "/v1/stock", &params, &args.part)
}
