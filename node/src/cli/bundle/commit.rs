//! `omni bundle plan` and `commit`: what committing would do, and doing it.

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::super::Ctx;
use super::super::confirm::confirm;
use super::super::deal::window_text;
use super::super::exit::{self, Exit};
use super::super::money::sum;
use super::super::outcome::{CliError, Outcome, Report};
use super::super::plain::plain;
use super::super::when::span;
use super::show::text;
use super::{named, path, told};
use crate::view::bundle::{BundleView, PlanView, WaitsView};

/// Say what committing a bundle would do; signs and sends nothing
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct PlanArgs {
    /// The bundle
    name: String,
}

/// Commit a bundle: all its legs, or none; says what that binds to, and asks
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct CommitArgs {
    /// The bundle
    name: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// A plan for people.
#[derive(Debug, Serialize)]
struct Planned(PlanView);

impl Report for Planned {
    const SCHEMA: &'static str = "omni.bundle.plan/1";

    fn text(&self) -> String {
        let Self(plan) = self;
        let mut lines = text(&plan.bundle);
        lines.push_str(&times_text(&plan.bundle));
        if !plan.waits.is_empty() {
            lines.push_str("\nwhen a leg has armed\n");
        }
        for waits in &plan.waits {
            lines.push_str(&format!("  {}\n", waits_text(waits)));
        }
        lines.push_str(&learns_text(plan));
        if plan.against.is_empty() {
            lines.push_str("\nit can be committed now\n");
        } else {
            lines.push_str("\nit can't be committed now\n");
            for why in &plan.against {
                lines.push_str(&format!("  {}\n", plain(why)));
            }
        }
        lines
    }
}

/// The times of the legs in their order, where they have some.
fn times_text(bundle: &BundleView) -> String {
    let timed = bundle.legs.iter();
    let mut timed: Vec<_> = timed.filter_map(|leg| Some((leg.window?, leg))).collect();
    timed.sort_by_key(|(window, leg)| (window.from_ms, leg.number));
    let mut text = String::new();
    if !timed.is_empty() {
        text.push_str("\nin this order\n");
    }
    for (window, leg) in timed {
        let line = format!("leg {} {}: {}", leg.number, window_text(window), leg.title);
        text.push_str(&format!("  {}\n", plain(&line)));
    }
    text
}

fn waits_text(waits: &WaitsView) -> String {
    let co_legs = match waits.co_legs.as_str() {
        "any" => "any other partner",
        "known" => "partners of its own",
        _ => "nobody",
    };
    let wish = if waits.wishes_last {
        "; it wishes to arm last"
    } else {
        ""
    };
    format!(
        "leg {} waits for {co_legs}, and may lapse after {}{wish}",
        waits.number,
        span(waits.patience_s)
    )
}

/// Who would learn of whom.
fn learns_text(plan: &PlanView) -> String {
    let mut text = String::from("\nthese would learn of each other: ids and addresses, no terms\n");
    for member in &plan.members {
        let whom = member.name.as_deref().unwrap_or(&member.partner);
        let addresses = match member.addresses.as_slice() {
            [] => "no address is known".to_owned(),
            addresses => addresses.join(", "),
        };
        text.push_str(&format!("  {}\n", plain(&format!("{whom}: {addresses}"))));
    }
    text
}

fn planned(ctx: &Ctx, name: &str) -> Result<PlanView, CliError> {
    let plan = format!("{}/plan", path(name));
    ctx.client()?.get(&plan).map_err(|e| ctx.asked(e))
}

pub(super) fn plan(ctx: &Ctx, args: &PlanArgs) -> Result<Outcome, CliError> {
    let planned = Planned(planned(ctx, &args.name)?);
    let is_ready = planned.0.against.is_empty();
    let outcome = Outcome::of(&planned);
    Ok(if is_ready {
        outcome
    } else {
        outcome.ending(Exit::Refused)
    })
}

pub(super) fn commit(ctx: &Ctx, args: &CommitArgs) -> Result<Outcome, CliError> {
    let plan = planned(ctx, &args.name)?;
    let row = &plan.bundle.row;
    if row.state == "collecting" && !plan.against.is_empty() {
        let show = ctx.typed(&format!("bundle show {}", named(&row.name)));
        return Err(
            CliError::new(Exit::Refused, "conflict", "it can't be committed now")
                .why(plain(plan.against.join(" ").trim_end_matches('.')))
                .next(format!("see its legs: {show}")),
        );
    }
    let what = format!(
        "{} legs for {}.\nIt commits this node to all of them at once: it is bound until all legs have \
         armed, which binds everybody, or one has refused, which frees everybody. It owes the total \
         with the last of them.{}",
        row.count,
        sum(&row.totals),
        learns_text(&plan).trim_end()
    );
    if row.state == "collecting" {
        confirm(ctx, args.yes, &what)?;
    }
    let commit = format!("{}/commit", path(&args.name));
    told(ctx, ctx.client()?.post(&commit, &json!({})))
}
