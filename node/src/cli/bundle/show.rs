//! `omni bundle show`: where a bundle stands and what waits for whom, once or until it is over.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;

use super::super::Ctx;
use super::super::deal::window_text;
use super::super::exit;
use super::super::money::sum;
use super::super::outcome::{CliError, Outcome, Report, pairs, print};
use super::super::plain::plain;
use super::super::wait::PAUSE;
use super::super::when::{left, now_ms, when};
use super::{failover, get, named};
use crate::view::bundle::{BundleView, LegSaid, LegView};
use crate::view::deal::HandOverState;

/// Show a bundle: its legs, what waits for whom, and what to type next
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct ShowArgs {
    /// The bundle
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    name: String,
    /// Show it again whenever it changes, until it is over
    #[arg(long)]
    follow: bool,
}

pub(super) fn run(ctx: &Ctx, args: &ShowArgs) -> Result<Outcome, CliError> {
    let mut before = None;
    loop {
        let view = get(ctx, &args.name)?;
        if !args.follow {
            return Ok(Outcome::of(&Story::of(ctx, view)));
        }
        let is_over = view.row.waits_for == "nobody";
        if before.as_ref() != Some(&view) {
            if before.is_some() && !ctx.json {
                super::super::to_stdout("\n");
            }
            print(Ok(Outcome::of(&Story::of(ctx, view.clone()))), ctx.json);
            before = Some(view);
        }
        if is_over {
            return Ok(Outcome::silent());
        }
        std::thread::sleep(PAUSE);
    }
}

/// A bundle with the commands to type next.
#[derive(Debug, Serialize)]
pub(super) struct Story {
    #[serde(flatten)]
    view: BundleView,
    next: Vec<String>,
}

impl Story {
    pub(super) fn of(ctx: &Ctx, view: BundleView) -> Self {
        let next = next(&view)
            .iter()
            .map(|command| ctx.typed(command))
            .collect();
        Self { view, next }
    }
}

impl Report for Story {
    const SCHEMA: &'static str = "omni.bundle/1";

    fn text(&self) -> String {
        let mut text = text(&self.view);
        if !self.next.is_empty() {
            text.push_str("\nnext\n");
            for command in &self.next {
                text.push_str(&format!("  {command}\n"));
            }
        }
        text
    }
}

/// The bundle without what to type next.
pub(super) fn text(view: &BundleView) -> String {
    let row = &view.row;
    let waits = match row.waits_for.as_str() {
        "us" => ", waits for you",
        "them" => ", waits for partners",
        _ => "",
    };
    let means = match row.state.as_str() {
        "doubt" => " (committed; each leg arms or refuses)",
        "written" => " (written off in doubt)",
        _ => "",
    };
    let mut lines = vec![
        ("bundle", row.name.clone()),
        ("state", format!("{}{means}{waits}", row.state)),
    ];
    lines.extend(view.changes.clone().map(|of| ("changes", of)));
    if !row.totals.is_empty() {
        let label = if view.changes.is_some() {
            "difference"
        } else {
            "total"
        };
        lines.push((label, sum(&row.totals)));
    }
    lines.extend(view.commit_before_ms.map(|until| {
        let until = format!("{} ({})", when(until), left(until, now_ms()));
        ("commit before", until)
    }));
    let mut text = pairs(&lines);
    if !view.legs.is_empty() {
        text.push_str("\nlegs\n");
    }
    for leg in &view.legs {
        text.push_str(&format!("  {}\n", plain(&leg_text(leg))));
    }
    text
}

fn leg_text(leg: &LegView) -> String {
    let whom = leg.name.as_deref().unwrap_or(&leg.partner);
    let thread: String = leg.thread.chars().take(12).collect();
    let total = leg.total.as_slice();
    let change = leg.change.iter().map(|what| format!("{what}: "));
    let mut parts = vec![format!(
        "{}  {thread}  {whom}: {}{} for {}",
        leg.number,
        change.collect::<String>(),
        leg.title,
        sum(total)
    )];
    parts.push(match (leg.said, leg.code.as_deref()) {
        (LegSaid::Nothing, None) => leg.state.clone(),
        (LegSaid::Nothing, Some(code)) => format!("{} ({code})", leg.state),
        (LegSaid::Lapsed, _) if leg.failover.is_some() => "lapsed".to_owned(),
        (LegSaid::Lapsed, _) => "lapsed: find somebody else for it".to_owned(),
        (LegSaid::Refused, Some(code)) => format!("refused ({code})"),
        (said, _) if leg.state == "doubt" => said.word().to_owned(),
        _ => leg.state.clone(),
    });
    // Of what was agreed and then cancelled that is what matters.
    match (leg.order_status.as_deref(), leg.order_version) {
        (Some("cancelled"), _) => parts.push("cancelled since".to_owned()),
        (Some(_), Some(version)) if version > 1 => {
            parts.push(format!("changed since to version {version}"));
        }
        _ => {}
    }
    if leg.waits_for == "them" {
        parts.push(format!("waits for {whom}"));
    }
    parts.extend(leg.window.map(window_text));
    if !leg.after.is_empty() {
        let after: Vec<_> = leg.after.iter().map(ToString::to_string).collect();
        parts.push(format!("after leg {}", after.join(" and ")));
    }
    if leg.passed_on {
        parts.push("passed through to another firm".to_owned());
    }
    if leg.arms_last {
        parts.push("arms last".to_owned());
    }
    if leg.hand_over == HandOverState::Missing && leg.state == "agreed" {
        parts.push("recipient not said yet".to_owned());
    }
    parts.extend(leg.failover.as_ref().and_then(failover::leg_text));
    parts.join(", ")
}

/// What an operator may type next, the likeliest first.
fn next(view: &BundleView) -> Vec<String> {
    let name = named(&view.row.name);
    let mut all: Vec<String> = Vec::new();
    let may = |verb: &str| view.may.iter().any(|may| may == verb);
    if may("commit") {
        all.push(format!("bundle commit {name}"));
    }
    if may("plan") {
        all.push(format!("bundle plan {name}"));
    }
    if may("add") {
        all.push(format!(
            "bundle add {name} PARTNER --sku SKU --qty QUANTITY"
        ));
    }
    if may("cancel") && view.row.state == "collecting" {
        all.push(format!("bundle cancel {name}"));
    }
    let short = |thread: &str| thread.chars().take(12).collect::<String>();
    match view.row.state.as_str() {
        "doubt" => all.push(format!("bundle show {name} --follow")),
        "agreed" => {
            let agreed = view.legs.iter().filter(|leg| leg.state == "agreed");
            let failovers = view.legs.iter().filter_map(|leg| leg.failover.as_ref());
            let failovers =
                failovers.filter(|failover| !matches!(failover.state.as_str(), "set" | "over"));
            all.extend(failovers.flat_map(failover::next));
            all.extend(agreed.map(|leg| format!("order show {}", short(&leg.thread))));
        }
        _ => {}
    }
    all
}
