//! `omni bundle new`, `add` and `remove`: which deals belong together.

use clap::Args;

use super::super::Ctx;
use super::super::deal::{What, minutes};
use super::super::exit::{self, Exit};
use super::super::outcome::{CliError, Outcome};
use super::super::ship_to::ShipTo;
use super::{path, told};
use crate::view::bundle::{BundleAsk, LegAsk, RemoveAsk};

/// Begin a bundle
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct NewArgs {
    /// How it is called here; nobody else learns it
    name: String,
}

/// Take a leg in: ask a partner for a hold, or take what a thread holds
///
/// A hold that is asked for here commits nothing when it comes: the bundle commits all its legs
/// together. Several articles of one partner are lines of one leg, written by repeating --sku and
/// --qty. Naming a thread that is a leg already changes how it is one.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct AddArgs {
    /// The bundle
    name: String,
    /// Whom to ask for a hold, by its id or name; or an offer by its id
    #[arg(value_name = "PARTNER|OFFER", required_unless_present = "thread")]
    whom: Option<String>,
    /// A thread in which a hold is kept or asked, or a proposal of the provider stands
    #[arg(long, value_name = "THREAD", conflicts_with_all = ["whom", "sku", "qty", "price"])]
    thread: Option<String>,
    #[command(flatten)]
    what: What,
    /// Which alternative of the thread, where there are several
    #[arg(long, value_name = "NUMBER")]
    alternative: Option<u8>,
    /// The thread of a leg that must be done before; may be repeated
    #[arg(long, value_name = "THREAD")]
    after: Vec<String>,
    /// It arms after all others have; one leg may
    #[arg(long)]
    arm_last: bool,
    /// For how long the hold may be answered: 2h, 30m, 1d; else 2h
    #[arg(long, value_name = "TIME", value_parser = minutes)]
    valid: Option<u64>,
    /// A note to the provider
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    ship_to: ShipTo,
}

/// Take a leg out; its hold stays as it is, to be given back by omni deal reject
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct RemoveArgs {
    /// The bundle
    name: String,
    /// The leg's thread, or at least 8 digits of its beginning
    thread: String,
}

pub(super) fn new(ctx: &Ctx, args: &NewArgs) -> Result<Outcome, CliError> {
    let name = args.name.clone();
    told(ctx, ctx.client()?.post("/v1/bundles", &BundleAsk { name }))
}

pub(super) fn add(ctx: &Ctx, args: &AddArgs) -> Result<Outcome, CliError> {
    let ask = LegAsk {
        thread: args.thread.clone(),
        valid_minutes: args.valid,
        ship_to: args.ship_to.doc()?,
        alternative: args.alternative,
        after: args.after.clone(),
        arm_last: args.arm_last,
        ..LegAsk::default()
    };
    let ask = match &args.whom {
        None => ask,
        Some(_) if args.alternative.is_some() => {
            let what = "an alternative is chosen of a thread";
            return Err(CliError::new(Exit::Usage, "usage", what).next("name it: --thread THREAD"));
        }
        Some(whom) => LegAsk {
            partner: (!args.what.by_offer()).then(|| whom.clone()),
            terms: Some(args.what.terms(whom, (&args.ship_to, args.note.clone()))?),
            ..ask
        },
    };
    let legs = format!("{}/legs", path(&args.name));
    told(ctx, ctx.client()?.post(&legs, &ask))
}

pub(super) fn remove(ctx: &Ctx, args: &RemoveArgs) -> Result<Outcome, CliError> {
    let thread = args.thread.clone();
    let remove = format!("{}/remove", path(&args.name));
    told(ctx, ctx.client()?.post(&remove, &RemoveAsk { thread }))
}
