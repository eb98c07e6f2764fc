//! `omni deal ls`: all threads, those that wait for the operator first.

use clap::Args;

use super::super::Ctx;
use super::super::address::with_query;
use super::super::exit;
use super::super::outcome::{CliError, Outcome, Report};
use super::super::table::{Side, table};
use super::super::when::when;
use super::EXITS;
use crate::view::deal::{DealRow, DealsView};

/// The most that one request gives.
const PAGE_MAX: usize = 500;

/// List threads: with whom, about what, where they stand, and for whom they wait
#[derive(Debug, Args)]
#[command(after_help = exit::help(EXITS))]
pub(in crate::cli) struct LsArgs {
    /// Only those that wait for you
    #[arg(long)]
    mine: bool,
    /// Only those with this partner, by id or name
    #[arg(long)]
    partner: Option<String>,
    /// How many to show
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Where to go on, as the page before said
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

impl Report for DealsView {
    const SCHEMA: &'static str = "omni.deal.ls/1";

    fn text(&self) -> String {
        if self.deals.is_empty() {
            return "no threads\n".to_owned();
        }
        let header = [
            ("thread", Side::Left),
            ("partner", Side::Left),
            ("part", Side::Left),
            ("about", Side::Left),
            ("total", Side::Right),
            ("state", Side::Left),
            ("waits for", Side::Left),
            ("latest", Side::Left),
        ];
        let mut deals: Vec<_> = self.deals.iter().collect();
        deals.sort_by_key(|deal| (deal.waits_for != "us", std::cmp::Reverse(deal.latest_ms)));
        let rows: Vec<_> = deals.into_iter().map(row).collect();
        let mut text = table(&header, &rows);
        if let Some(next) = &self.next {
            text.push_str(&format!("more: --after {next}\n"));
        }
        text
    }
}

fn row(deal: &DealRow) -> Vec<String> {
    let more = match deal.lines {
        0 | 1 => String::new(),
        lines => format!(" and {} more", lines.saturating_sub(1)),
    };
    let total = deal.total.as_ref();
    vec![
        deal.thread.chars().take(12).collect(),
        deal.name
            .clone()
            .unwrap_or_else(|| deal.partner.chars().take(16).collect()),
        deal.role.clone().unwrap_or_default(),
        format!("{}{more}", deal.title),
        total
            .map(|total| format!("{} {}", total.text, total.currency))
            .unwrap_or_default(),
        deal.state.clone(),
        deal.waits_for.clone(),
        when(deal.latest_ms),
    ]
}

pub(in crate::cli) fn run(ctx: &Ctx, args: &LsArgs) -> Result<Outcome, CliError> {
    let client = ctx.client()?;
    let wanted = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let mut all = DealsView {
        deals: Vec::new(),
        next: args.after.clone(),
    };
    loop {
        let limit = wanted
            .saturating_sub(all.deals.len())
            .min(PAGE_MAX)
            .to_string();
        let params = [
            ("limit", Some(limit.as_str())),
            ("cursor", all.next.as_deref()),
            ("waits_for", args.mine.then_some("us")),
            ("partner", args.partner.as_deref()),
        ];
        let page: Result<DealsView, _> = client.get(&with_query("/v1/deals", &params));
        let page = page.map_err(|e| ctx.asked(e))?;
        all.deals.extend(page.deals);
        all.next = page.next;
        if all.next.is_none() || all.deals.len() >= wanted {
            return Ok(Outcome::of(&all));
        }
    }
}
