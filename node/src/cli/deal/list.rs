//! `omni deal ls`: all threads, those that wait for the operator first.

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::super::Ctx;
use super::super::exit;
use super::super::outcome::{CliError, Outcome, Report};
use super::super::pages::{Page, Part, fetch};
use super::super::table::{Side, page};
use super::super::when::when;
use crate::view::deal::{DealRow, DealsView, thread_states};

/// List threads: with whom, about what, where they stand, and for whom they wait
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct LsArgs {
    /// Only those that wait for you
    #[arg(long)]
    mine: bool,
    /// Only those in this state
    #[arg(long, value_parser = PossibleValuesParser::new(thread_states()))]
    state: Option<String>,
    /// Only those with this partner, by id or name
    #[arg(long)]
    partner: Option<String>,
    #[command(flatten)]
    part: Part,
}

impl Report for DealsView {
    const SCHEMA: &'static str = "omni.deal.ls/1";

    fn text(&self) -> String {
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
        page("no threads", &header, &rows, self.next.as_deref())
    }
}

impl Page for DealsView {
    type Row = DealRow;

    fn rows(&mut self) -> &mut Vec<DealRow> {
        &mut self.deals
    }

    fn next(&mut self) -> &mut Option<String> {
        &mut self.next
    }
}

fn row(deal: &DealRow) -> Vec<String> {
    let more = match deal.lines {
        0 | 1 => String::new(),
        lines => format!(" and {} more", lines.saturating_sub(1)),
    };
    let short = |thread: &String| thread.chars().take(12).collect::<String>();
    let chain = match (&deal.rests_on, &deal.is_for) {
        (Some(part), _) => format!("rests on {}: ", short(part)),
        (None, Some(above)) => format!("for {}: ", short(above)),
        (None, None) => String::new(),
    };
    let total = deal.total.as_ref();
    // The total of a cancellation is what it costs.
    let (change, fee) = match &deal.change {
        Some(change) if change == "amend" => (format!("{change}: "), ""),
        Some(change) => (format!("{change}: "), "fee "),
        None => (String::new(), ""),
    };
    vec![
        deal.thread.chars().take(12).collect(),
        deal.name
            .clone()
            .unwrap_or_else(|| deal.partner.chars().take(16).collect()),
        deal.role.clone().unwrap_or_default(),
        format!("{change}{chain}{}{more}", deal.title),
        total
            .map(|total| format!("{fee}{total}"))
            .unwrap_or_default(),
        deal.state.clone(),
        deal.waits_for.clone(),
        when(deal.latest_ms),
    ]
}

pub(in crate::cli) fn run(ctx: &Ctx, args: &LsArgs) -> Result<Outcome, CliError> {
    let params = [
        ("waits_for", args.mine.then_some("us")),
        ("state", args.state.as_deref()),
        ("partner", args.partner.as_deref()),
    ];
    fetch::<DealsView>(ctx, "/v1/deals", &params, &args.part)
}
