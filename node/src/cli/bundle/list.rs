//! `omni bundle ls`: all bundles, those that wait for the operator first.

use clap::Args;

use super::super::Ctx;
use super::super::exit;
use super::super::money::sum;
use super::super::outcome::{CliError, Outcome, Report};
use super::super::pages::{Page, Part, fetch};
use super::super::table::{Side, page};
use super::super::when::when;
use crate::view::bundle::{BUNDLE_STATES, BundleRow, BundlesView};

/// List bundles: what they come to, where they stand, and for whom they wait
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct LsArgs {
    /// Only those in this state
    #[arg(long, value_parser = BUNDLE_STATES)]
    state: Option<String>,
    #[command(flatten)]
    part: Part,
}

impl Report for BundlesView {
    const SCHEMA: &'static str = "omni.bundle.ls/1";

    fn text(&self) -> String {
        let header = [
            ("name", Side::Left),
            ("legs", Side::Right),
            ("total", Side::Right),
            ("state", Side::Left),
            ("waits for", Side::Left),
            ("begun", Side::Left),
        ];
        let mut bundles: Vec<_> = self.bundles.iter().collect();
        bundles.sort_by_key(|one| (one.waits_for != "us", std::cmp::Reverse(one.begun_ms)));
        let rows: Vec<_> = bundles.into_iter().map(row).collect();
        page("no bundles", &header, &rows, self.next.as_deref())
    }
}

impl Page for BundlesView {
    type Row = BundleRow;

    fn rows(&mut self) -> &mut Vec<BundleRow> {
        &mut self.bundles
    }

    fn next(&mut self) -> &mut Option<String> {
        &mut self.next
    }
}

fn row(bundle: &BundleRow) -> Vec<String> {
    vec![
        bundle.name.clone(),
        bundle.count.to_string(),
        sum(&bundle.totals),
        bundle.state.clone(),
        bundle.waits_for.clone(),
        when(bundle.begun_ms),
    ]
}

pub(super) fn run(ctx: &Ctx, args: &LsArgs) -> Result<Outcome, CliError> {
    let params = [("state", args.state.as_deref())];
    fetch::<BundlesView>(ctx, "/v1/bundles", &params, &args.part)
}
