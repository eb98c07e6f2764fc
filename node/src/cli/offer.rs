//! `omni offer`: publishes own offers, and looks at those of all partners.

mod fields;
mod list;
mod publish;
mod show;
mod slots;
mod which;

use clap::{Args, Subcommand};

pub(super) use self::list::per;
pub(super) use self::publish::{ARTICLES_MAX, OFFERS_MAX};

use super::Ctx;
use super::exit;
use super::outcome::{CliError, Outcome};

/// Publish offers, and look at those of all partners
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct OfferArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Publish(Box<publish::PublishArgs>),
    Ls(list::LsArgs),
    Show(show::ShowArgs),
    Slots(slots::SlotsArgs),
    Revise(Box<publish::ReviseArgs>),
    Withdraw(publish::WithdrawArgs),
    Search(list::SearchArgs),
}

pub(super) fn run(ctx: &Ctx, args: &OfferArgs) -> Result<Outcome, CliError> {
    match &args.verb {
        Verb::Publish(args) => publish::publish(ctx, args),
        Verb::Ls(args) => list::ls(ctx, args),
        Verb::Show(args) => show::run(ctx, args),
        Verb::Slots(args) => slots::run(ctx, args),
        Verb::Revise(args) => publish::revise(ctx, args),
        Verb::Withdraw(args) => publish::withdraw(ctx, args),
        Verb::Search(args) => list::search(ctx, args),
    }
}
