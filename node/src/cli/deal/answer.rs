//! `omni deal accept`, `reject`, `withdraw`, `write-off`, `lapse` and `wait`.

use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::Serialize;
use serde_json::json;

use super::super::Ctx;
use super::super::confirm::confirm;
use super::super::exit::{self, Exit};
use super::super::outcome::{CliError, Report, pairs};
use super::super::plain::plain;
use super::super::ship_to::ShipTo;
use super::super::wait::{PAUSE, duration};
use super::story::{recipient, terms_line};
use super::{Outcome, get, path, told};
use crate::client::ClientError;
use crate::view::deal::{AcceptAsk, DealView, HandOverState, thread_states};
use crate::view::order::ORDER_STATUSES;

/// What a thread can be waited for: where it stands, what became of the recipient, and how its order
/// stands.
fn awaited() -> PossibleValuesParser {
    let states = thread_states().into_iter().chain(["handed-over"]);
    PossibleValuesParser::new(states.chain(ORDER_STATUSES))
}

/// Accept what stands in a thread; says what that binds to, and asks
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct AcceptArgs {
    /// The thread, or at least 8 digits of its beginning
    thread: String,
    /// Which alternative, where there are several
    #[arg(long, value_name = "NUMBER")]
    alternative: Option<u8>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    ship_to: ShipTo,
}

/// Decline what stands in a thread, or give up what was asked for and not committed
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct RejectArgs {
    /// The thread, or at least 8 digits of its beginning
    thread: String,
}

/// Take back the own proposal, as long as it is not firm
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct WithdrawArgs {
    /// The thread, or at least 8 digits of its beginning
    thread: String,
}

/// Stop counting on a deal in doubt whose provider does not answer
///
/// It frees the credit and sends nothing. The duty remains: if the provider did accept, its
/// Receipt binds whenever it comes.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct WriteOffArgs {
    /// The thread, or at least 8 digits of its beginning
    thread: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// As a provider, stop waiting for the rest of a bundle
///
/// A leg that armed waits for all others. When the patience of its hold is over it may lapse: its
/// stock is free again, nobody is refused, and what is agreed of the bundle stands without it.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct LapseArgs {
    /// The thread, or at least 8 digits of its beginning
    thread: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Wait until a thread comes to a state, for scripts
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(in crate::cli) struct WaitArgs {
    /// The thread, or at least 8 digits of its beginning; it need not be known yet
    thread: String,
    /// The state of the thread, handed-over, or the state of its order; may be repeated
    #[arg(long = "for", value_name = "STATE", required = true, value_parser = awaited())]
    state: Vec<String>,
    /// How long to wait, such as 500ms, 10s or 2m
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    timeout: Duration,
}

pub(in crate::cli) fn accept(ctx: &Ctx, args: &AcceptArgs) -> Result<Outcome, CliError> {
    let ask = AcceptAsk {
        alternative: args.alternative,
        ship_to: args.ship_to.doc()?,
    };
    let thread = get(ctx, &args.thread)?;
    let binds = thread
        .accepting
        .clone()
        .ok_or_else(|| nothing(ctx, &thread, "accept"))?;
    let ways = thread.alternatives.len();
    if args.alternative.is_none() && ways > 1 {
        let what = format!("there are {ways} alternatives, and one is to be accepted");
        return Err(CliError::new(Exit::Usage, "usage", what)
            .next("name it by its number: --alternative 1"));
    }
    let index = usize::from(args.alternative.unwrap_or(1).saturating_sub(1));
    let terms = thread
        .alternatives
        .get(index)
        .map(terms_line)
        .unwrap_or_default();
    let whom = thread.row.name.as_deref().unwrap_or(&thread.row.partner);
    let what = format!("With {whom}: {terms}\n{binds}");
    confirm(ctx, args.yes, &what)?;
    told(
        ctx,
        ctx.client()?
            .post(&format!("{}/accept", path(&args.thread)), &ask),
    )
}

fn nothing(ctx: &Ctx, thread: &DealView, verb: &str) -> CliError {
    let what = format!("there is nothing to {verb}");
    let whom = match thread.row.waits_for.as_str() {
        "us" => "you",
        "them" => "the partner",
        nobody => nobody,
    };
    let why = format!("the thread is {} and waits for {whom}", thread.row.state);
    let beginning: String = thread.row.thread.chars().take(12).collect();
    let verbs = thread
        .may
        .iter()
        .map(|verb| format!("deal {verb} {beginning}"));
    let show = format!("deal show {beginning}");
    let typed: Vec<_> = verbs
        .chain([show])
        .map(|command| ctx.typed(&command))
        .collect();
    CliError::new(Exit::Refused, "conflict", what)
        .why(why)
        .next(typed.join("\n"))
}

pub(in crate::cli) fn reject(ctx: &Ctx, args: &RejectArgs) -> Result<Outcome, CliError> {
    may(ctx, &args.thread, "reject", "decline")
}

pub(in crate::cli) fn withdraw(ctx: &Ctx, args: &WithdrawArgs) -> Result<Outcome, CliError> {
    may(ctx, &args.thread, "withdraw", "take back")
}

/// Does what needs no confirmation, where the thread lets it be done.
fn may(ctx: &Ctx, thread: &str, verb: &str, in_words: &str) -> Result<Outcome, CliError> {
    let view = get(ctx, thread)?;
    if !view.may.iter().any(|may| may == verb) {
        return Err(nothing(ctx, &view, in_words));
    }
    post(ctx, thread, verb)
}

fn post(ctx: &Ctx, thread: &str, verb: &str) -> Result<Outcome, CliError> {
    told(
        ctx,
        ctx.client()?
            .post(&format!("{}/{verb}", path(thread)), &json!({})),
    )
}

pub(in crate::cli) fn write_off(ctx: &Ctx, args: &WriteOffArgs) -> Result<Outcome, CliError> {
    let thread = get(ctx, &args.thread)?;
    if !thread.may.iter().any(|verb| verb == "write-off") {
        return Err(nothing(ctx, &thread, "write off"));
    }
    let terms = thread
        .alternatives
        .first()
        .map(terms_line)
        .unwrap_or_default();
    let risk = match &thread.bundle {
        None => {
            "This node committed, and no answer came. Writing it off frees the credit; the duty \
             remains. If the provider did accept, its Receipt binds whenever it comes: whoever \
             buys the same elsewhere meanwhile may end up with both."
        }
        Some(_) => {
            "This node committed it as a leg of a bundle, and not all of its partners have \
             answered. Writing it off frees the credit of all its legs; the duty remains. If all \
             armed, or arm yet, the bundle binds whenever that is known: whoever buys the same \
             elsewhere meanwhile may end up with both."
        }
    };
    confirm(ctx, args.yes, &format!("{terms}\n{risk}"))?;
    post(ctx, &args.thread, "write-off")
}

pub(in crate::cli) fn lapse(ctx: &Ctx, args: &LapseArgs) -> Result<Outcome, CliError> {
    let thread = get(ctx, &args.thread)?;
    if !thread.may.iter().any(|verb| verb == "lapse") {
        return Err(nothing(ctx, &thread, "let lapse"));
    }
    let what = "This node armed, and does not know yet how the bundle ends. When it lapses the stock \
                is free again. If the others are agreed, the requester finds somebody else for this \
                leg, and owes nothing for it here.";
    confirm(ctx, args.yes, what)?;
    post(ctx, &args.thread, "lapse")
}

/// A thread that came to the state that was waited for.
#[derive(Debug, Serialize)]
struct Reached(DealView);

impl Report for Reached {
    const SCHEMA: &'static str = "omni.deal/1";

    fn text(&self) -> String {
        let Self(view) = self;
        let mut lines = vec![("state", view.row.state.clone())];
        lines.extend(view.order_status.clone().map(|status| ("order", status)));
        if view.hand_over != HandOverState::NotNeeded {
            lines.push(("recipient", recipient(view.hand_over).to_owned()));
        }
        pairs(&lines)
    }
}

pub(in crate::cli) fn wait(ctx: &Ctx, args: &WaitArgs) -> Result<Outcome, CliError> {
    let begun = Instant::now();
    let client = ctx.client()?;
    loop {
        let last = match client.get::<DealView>(&path(&args.thread)) {
            Ok(view) if args.state.iter().any(|state| is_in(&view, state)) => {
                return Ok(Outcome::of(&Reached(view)));
            }
            Ok(view) => view.row.state,
            Err(ClientError::Refused(problem)) if problem.status == 404 => {
                "not known here".to_owned()
            }
            Err(e) => return Err(ctx.asked(e)),
        };
        if begun.elapsed() >= args.timeout {
            let wanted = plain(&args.state.join(" or "));
            let what = format!("the thread was not {wanted} within {:?}", args.timeout);
            return Err(CliError::new(Exit::TimedOut, "timed-out", what)
                .why(format!("it is {last}"))
                .next(format!("see it: {}", ctx.typed("deal ls"))));
        }
        std::thread::sleep(PAUSE);
    }
}

fn is_in(view: &DealView, state: &str) -> bool {
    use HandOverState::{Received, Sent};
    match state {
        "handed-over" => matches!(view.hand_over, Received | Sent),
        state => view.row.state == state || view.order_status.as_deref() == Some(state),
    }
}
