//! `omni stock`: what there is of the own articles.

use clap::{Args, Subcommand};

use super::Ctx;
use super::address::{segment, with_query};
use super::exit::{self, Exit};
use super::outcome::{CliError, Outcome, Report};
use super::table::{Side, table};
use crate::view::stock::{CountDoc, CountsAsk, CountsView, StockView, StocksView};

const EXITS: &[Exit] = &[
    Exit::Unreachable,
    Exit::NotFound,
    Exit::Refused,
    Exit::Invalid,
    Exit::TimedOut,
];
/// The most that one request gives.
const PAGE_MAX: usize = 500;

/// Count stock, and see what deals hold and sold of it
#[derive(Debug, Args)]
#[command(after_help = exit::help(EXITS))]
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
#[command(after_help = exit::help(EXITS))]
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
#[command(after_help = exit::help(EXITS))]
struct LsArgs {
    /// Only articles of which more is promised than was counted
    #[arg(long)]
    short: bool,
    /// How many to show
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Where to go on, as the page before said
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

impl Report for StocksView {
    const SCHEMA: &'static str = "omni.stock/1";

    fn text(&self) -> String {
        if self.stock.is_empty() {
            return "nothing was counted\n".to_owned();
        }
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
        let mut text = table(&header, &rows);
        if let Some(next) = &self.next {
            text.push_str(&format!("more: --after {next}\n"));
        }
        text
    }
}

impl Report for StockView {
    const SCHEMA: &'static str = "omni.stock.article/1";

    fn text(&self) -> String {
        let one = StocksView {
            stock: vec![self.clone()],
            next: None,
        };
        one.text()
    }
}

fn row(stock: &StockView) -> Vec<String> {
    let sku = match (&stock.sku, stock.list.as_deref()) {
        (Some(sku), None | Some("")) => sku.clone(),
        (Some(sku), Some(list)) => format!("{sku} [{list}]"),
        (None, _) => "(no offer stands)".to_owned(),
    };
    vec![
        sku,
        stock.title.clone().unwrap_or_default(),
        stock.unit.clone(),
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
    let path = format!("/v1/stock/{}", segment(&args.sku));
    let stock: Result<StockView, _> =
        client.get(&with_query(&path, &[("list", args.list.as_deref())]));
    stock.map(|s| Outcome::of(&s)).map_err(|e| ctx.asked(e))
}

fn ls(ctx: &Ctx, args: &LsArgs) -> Result<Outcome, CliError> {
    let client = ctx.client()?;
    let wanted = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let mut all = StocksView {
        stock: Vec::new(),
        next: args.after.clone(),
    };
    loop {
        let limit = wanted
            .saturating_sub(all.stock.len())
            .min(PAGE_MAX)
            .to_string();
        let params = [
            ("limit", Some(limit.as_str())),
            ("cursor", all.next.as_deref()),
            ("short", args.short.then_some("true")),
        ];
        let page: Result<StocksView, _> = client.get(&with_query("/v1/stock", &params));
        let page = page.map_err(|e| ctx.asked(e))?;
        all.stock.extend(page.stock);
        all.next = page.next;
        if all.next.is_none() || all.stock.len() >= wanted {
            return Ok(Outcome::of(&all));
        }
    }
}
