//! `omni deal ask` and `answer`: words between partners, which bind nobody.

use clap::Args;

use super::super::Ctx;
use super::super::exit;
use super::super::outcome::CliError;
use super::super::stdin::or_stdin;
use super::{Outcome, begins_id, path, told};
use crate::view::deal::{InquiryAsk, TextAsk};

/// Ask a partner something, in a new thread or in one that is known; it binds nobody
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct AskArgs {
    /// The partner by its id or name, or a thread by at least 8 digits of its beginning
    #[arg(value_name = "PARTNER|THREAD")]
    whom: String,
    /// The question, at most 2048 bytes; - reads it from stdin
    text: String,
}

/// Answer a question; it binds nobody
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct AnswerArgs {
    /// The thread, or at least 8 digits of its beginning
    thread: String,
    /// The answer, at most 2048 bytes; - reads it from stdin
    text: String,
}

pub(in crate::cli) fn ask(ctx: &Ctx, args: &AskArgs) -> Result<Outcome, CliError> {
    let text = or_stdin(&args.text)?;
    let client = ctx.client()?;
    let asked = if begins_id(&args.whom) {
        client.post(&format!("{}/question", path(&args.whom)), &TextAsk { text })
    } else {
        let partner = args.whom.clone();
        client.post("/v1/inquiries", &InquiryAsk { partner, text })
    };
    told(ctx, asked)
}

pub(in crate::cli) fn answer(ctx: &Ctx, args: &AnswerArgs) -> Result<Outcome, CliError> {
    let text = or_stdin(&args.text)?;
    let path = format!("{}/answer", path(&args.thread));
    told(ctx, ctx.client()?.post(&path, &TextAsk { text }))
}
