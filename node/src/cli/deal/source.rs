//! `omni deal source`: asks another partner for what a partner asked this node for.

use clap::Args;
use serde::Serialize;

use super::super::Ctx;
use super::super::confirm::confirm;
use super::super::exit;
use super::super::money::amounts;
use super::super::outcome::{CliError, Report, pairs};
use super::super::ship_to::ShipTo;
use super::super::when::span;
use super::story::terms_line;
use super::what::What;
use super::{Outcome, minutes, path, told};
use crate::view::chain::{SourceAsk, SourcePlanView};

/// Source what a partner asks a hold for: ask another partner for it
///
/// The thread is one in which a partner asks this node for a hold and waits for an answer. When the
/// other one holds, this node holds on that, and none of its own stock. Whoever asked learns that it
/// is passed on, and neither to whom nor at what price; whoever is asked learns that it is for a
/// chain, and neither for whom nor at what price. Several articles are lines, written by repeating
/// --sku and --qty.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct SourceArgs {
    /// The thread, or at least 8 digits of its beginning
    thread: String,
    /// Whom to ask for a hold, by its id or name; or an offer by its id
    #[arg(value_name = "PARTNER|OFFER")]
    whom: String,
    #[command(flatten)]
    what: What,
    /// For how long the hold may be answered: 2h, 30m, 1d; else as long as the thread waits, at most 2h
    #[arg(long, value_name = "TIME", value_parser = minutes)]
    valid: Option<u64>,
    /// A note to the provider
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Say what would come of it, and ask nobody
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    ship_to: ShipTo,
}

/// A plan for people.
#[derive(Debug, Serialize)]
struct Planned(SourcePlanView);

impl Report for Planned {
    const SCHEMA: &'static str = "omni.deal.source/1";

    fn text(&self) -> String {
        let Self(plan) = self;
        format!("{}\nit can be asked for now\n", pairs(&lines(plan)))
    }
}

fn lines(plan: &SourcePlanView) -> Vec<(&'static str, String)> {
    let (above, below) = names(plan);
    vec![
        ("for", format!("{above}: {}", terms_line(&plan.asked))),
        ("from", format!("{below}: {}", terms_line(&plan.terms))),
        ("margin", amounts(&plan.margin)),
        ("depth", format!("{} of {}", plan.depth, plan.depth_max)),
        ("answer within", span(plan.valid_minutes.saturating_mul(60))),
    ]
}

fn names(plan: &SourcePlanView) -> (&str, &str) {
    let above = plan.asked_by_name.as_deref().unwrap_or(&plan.asked_by);
    (above, plan.name.as_deref().unwrap_or(&plan.partner))
}

/// What sourcing binds to.
fn binds(plan: &SourcePlanView) -> String {
    let (above, below) = names(plan);
    format!(
        "{}When {below} holds it, this node holds it for {above} at once, on that alone and on none of its \
         own stock. When {above} commits, this node commits to {below} by itself, and is bound until \
         {below} decides: it owes the one total and is owed the other, or neither.",
        pairs(&lines(plan))
    )
}

pub(in crate::cli) fn run(ctx: &Ctx, args: &SourceArgs) -> Result<Outcome, CliError> {
    let terms = args
        .what
        .terms(&args.whom, (&args.ship_to, args.note.clone()))?;
    let ask = SourceAsk {
        partner: (!args.what.by_offer()).then(|| args.whom.clone()),
        terms,
        valid_minutes: args.valid,
        ship_to: args.ship_to.doc()?,
    };
    let source = format!("{}/source", path(&args.thread));
    let client = ctx.client()?;
    let plan: SourcePlanView = client
        .post(&format!("{source}/plan"), &ask)
        .map_err(|e| ctx.asked(e))?;
    if args.dry_run {
        return Ok(Outcome::of(&Planned(plan)));
    }
    confirm(ctx, args.yes, &binds(&plan))?;
    told(ctx, client.post(&source, &ask))
}
