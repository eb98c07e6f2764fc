//! `omni bundle`: deals with several partners that are agreed all or not at all.

mod change;
mod collect;
mod commit;
mod failover;
mod list;
mod show;

use clap::{Args, Subcommand};

use super::Ctx;
use super::address::segment;
use super::exit;
use super::outcome::{CliError, Outcome};
use crate::client::ClientError;
use crate::plain::quoted;
use crate::view::bundle::BundleView;

/// Agree deals with several partners together: all of them, or none; change and cancel them so
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct BundleArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    New(collect::NewArgs),
    Add(Box<collect::AddArgs>),
    Remove(collect::RemoveArgs),
    Plan(commit::PlanArgs),
    Commit(commit::CommitArgs),
    Ls(list::LsArgs),
    Show(show::ShowArgs),
    Failover(failover::FailoverArgs),
    Cancel(change::CancelArgs),
    Amend(Box<change::AmendArgs>),
}

pub(super) fn run(ctx: &Ctx, args: &BundleArgs) -> Result<Outcome, CliError> {
    match &args.verb {
        Verb::New(args) => collect::new(ctx, args),
        Verb::Add(args) => collect::add(ctx, args),
        Verb::Remove(args) => collect::remove(ctx, args),
        Verb::Plan(args) => commit::plan(ctx, args),
        Verb::Commit(args) => commit::commit(ctx, args),
        Verb::Ls(args) => list::run(ctx, args),
        Verb::Show(args) => show::run(ctx, args),
        Verb::Failover(args) => failover::run(ctx, args),
        Verb::Cancel(args) => change::cancel(ctx, args),
        Verb::Amend(args) => change::amend(ctx, args),
    }
}

fn path(name: &str) -> String {
    format!("/v1/bundles/{}", segment(name))
}

/// The name of a bundle as a shell reads it.
fn named(name: &str) -> String {
    quoted(name)
}

fn get(ctx: &Ctx, name: &str) -> Result<BundleView, CliError> {
    ctx.client()?.get(&path(name)).map_err(|e| ctx.asked(e))
}

/// The bundle after something was done, told.
fn told(ctx: &Ctx, answer: Result<BundleView, ClientError>) -> Result<Outcome, CliError> {
    let view = answer.map_err(|e| ctx.asked(e))?;
    Ok(Outcome::of(&show::Story::of(ctx, view)))
}
