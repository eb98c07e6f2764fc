//! `omni deal`: proposing terms, answering them, and the story of each thread.

mod answer;
mod asking;
mod chain;
mod list;
mod propose;
mod source;
mod story;
mod what;

use clap::{Args, Subcommand};

pub(super) use self::propose::minutes;
pub(super) use self::story::{recipient, window_text};
pub(super) use self::what::What;

use super::Ctx;
use super::address::segment;
use super::exit;
use super::outcome::{CliError, Outcome};
use crate::view::deal::DealView;

/// Propose terms to a partner, answer them, ask, and see where each thread stands
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct DealArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Propose(propose::ProposeArgs),
    Counter(propose::CounterArgs),
    Accept(answer::AcceptArgs),
    Source(Box<source::SourceArgs>),
    Reject(answer::RejectArgs),
    Withdraw(answer::WithdrawArgs),
    Ask(asking::AskArgs),
    Answer(asking::AnswerArgs),
    Ls(list::LsArgs),
    Show(story::ShowArgs),
    WriteOff(answer::WriteOffArgs),
    Lapse(answer::LapseArgs),
    Wait(answer::WaitArgs),
}

pub(super) fn run(ctx: &Ctx, args: &DealArgs) -> Result<Outcome, CliError> {
    match &args.verb {
        Verb::Propose(args) => propose::propose(ctx, args),
        Verb::Counter(args) => propose::counter(ctx, args),
        Verb::Accept(args) => answer::accept(ctx, args),
        Verb::Source(args) => source::run(ctx, args),
        Verb::Reject(args) => answer::reject(ctx, args),
        Verb::Withdraw(args) => answer::withdraw(ctx, args),
        Verb::Ask(args) => asking::ask(ctx, args),
        Verb::Answer(args) => asking::answer(ctx, args),
        Verb::Ls(args) => list::run(ctx, args),
        Verb::Show(args) => story::run(ctx, args),
        Verb::WriteOff(args) => answer::write_off(ctx, args),
        Verb::Lapse(args) => answer::lapse(ctx, args),
        Verb::Wait(args) => answer::wait(ctx, args),
    }
}

/// Whether a text can only be an id or the beginning of one, and no name.
fn begins_id(text: &str) -> bool {
    /// Fewer digits name no record.
    const DIGITS_MIN: usize = 8;
    let digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    text.len() >= DIGITS_MIN && text.chars().all(digit)
}

fn path(thread: &str) -> String {
    format!("/v1/deals/{}", segment(thread))
}

fn get(ctx: &Ctx, thread: &str) -> Result<DealView, CliError> {
    ctx.client()?.get(&path(thread)).map_err(|e| ctx.asked(e))
}

/// The thread after something was done, told.
pub(super) fn told(
    ctx: &Ctx,
    answer: Result<DealView, crate::client::ClientError>,
) -> Result<Outcome, CliError> {
    let view = answer.map_err(|e| ctx.asked(e))?;
    Ok(Outcome::of(&story::Story::of(ctx, view)))
}
