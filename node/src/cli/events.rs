//! `omni events`: what happened in the node, and what happens.

use std::ops::ControlFlow;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::Ctx;
use super::exit::{self, Exit};
use super::number::{some, whole};
use super::outcome::{CliError, Outcome};
use super::plain::plain;
use crate::client::ClientError;
use crate::view::event::{EventView, EventsView};

/// Show what happened: one line for each event, numbered without gaps
///
/// The newest 10,000 events are kept, over restarts too. With --json each line is one document.
/// To go on where you were, say the last number that you saw: --after NUMBER.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct EventsArgs {
    /// Only events after this number; with --follow and without this, only those to come
    #[arg(long, value_name = "NUMBER", value_parser = whole::<u64>, allow_negative_numbers = true)]
    after: Option<u64>,
    /// Begin with so many of the newest
    #[arg(long, value_name = "NUMBER", value_parser = some, allow_negative_numbers = true, conflicts_with = "after")]
    last: Option<u32>,
    /// Go on as events happen, until Ctrl-C or the node's end
    #[arg(long)]
    follow: bool,
    /// End after so many events
    #[arg(long, value_name = "NUMBER", value_parser = some, allow_negative_numbers = true)]
    limit: Option<u32>,
}

pub(super) fn run(ctx: &Ctx, args: &EventsArgs) -> Result<Outcome, CliError> {
    let printer = Printer {
        json: ctx.json,
        left: args.limit,
    };
    if args.follow {
        follow(ctx, args, printer)
    } else {
        list(ctx, args, printer)
    }
}

fn list(ctx: &Ctx, args: &EventsArgs, mut printer: Printer) -> Result<Outcome, CliError> {
    let client = ctx.client()?;
    let mut path = path(args);
    loop {
        let page: EventsView = client.get(&path).map_err(|e| ctx.asked(e))?;
        for event in &page.events {
            if printer.show(event).is_break() {
                return Ok(Outcome::silent());
            }
        }
        match page.events.last() {
            Some(last) if last.number < page.newest => {
                path = after_number(last.number);
            }
            Some(_) | None => return Ok(Outcome::silent()),
        }
    }
}

fn follow(ctx: &Ctx, args: &EventsArgs, mut printer: Printer) -> Result<Outcome, CliError> {
    let client = ctx.client()?;
    let (mut problem, mut is_over) = (None, false);
    let (begin, mut after) = (path(args), args.after);
    let take = |kind: &str, data: &str| {
        if kind == "end" {
            problem = serde_json::from_str(data).ok();
            return ControlFlow::Break(());
        }
        let Ok(event) = serde_json::from_str::<EventView>(data) else {
            return ControlFlow::Continue(());
        };
        after = Some(event.number);
        let shown = printer.show(&event);
        is_over = shown.is_break();
        shown
    };
    let followed = client.follow(&begin, take);
    if is_over {
        return Ok(Outcome::silent());
    }
    if let Some(problem) = problem {
        return Err(ctx.asked(ClientError::Refused(Box::new(problem))));
    }
    let again = after.map_or(String::new(), |after| format!(" --after {after}"));
    let next = ctx.typed(&format!("events --follow{again}"));
    match followed {
        Ok(()) => Err(
            CliError::new(Exit::Unreachable, "ended", "the node ended the stream")
                .why("it is on its way down")
                .next(format!("when it is up again: {next}")),
        ),
        Err(e) => Err(ctx.asked(e)),
    }
}

fn path(args: &EventsArgs) -> String {
    match (args.after, args.last) {
        (Some(after), _) => after_number(after),
        (None, Some(last)) => format!("/v1/events?last={last}"),
        (None, None) => "/v1/events".to_owned(),
    }
}

fn after_number(number: u64) -> String {
    format!("/v1/events?after={number}")
}

/// Prints events until nobody wants more.
struct Printer {
    json: bool,
    left: Option<u32>,
}

impl Printer {
    /// Prints one event; breaks when it was the last that is wanted, or nobody reads any more.
    fn show(&mut self, event: &EventView) -> ControlFlow<()> {
        #[derive(Serialize)]
        struct Line<'a> {
            schema: &'a str,
            #[serde(flatten)]
            event: &'a EventView,
        }
        let line = Line {
            schema: "omni.event/1",
            event,
        };
        let text = if self.json {
            serde_json::to_string(&line).unwrap_or_default()
        } else {
            text(event)
        };
        super::to_stdout_or_end(&(text + "\n"))?;
        self.left = self.left.map(|left| left.saturating_sub(1));
        match self.left {
            Some(0) => ControlFlow::Break(()),
            Some(_) | None => ControlFlow::Continue(()),
        }
    }
}

/// Ids by their beginnings, which every command takes for the whole.
fn short(text: &str) -> String {
    let digits = match text.len() {
        64 => 12,
        _ if text.starts_with("omni1") => 16,
        length => length,
    };
    plain(text.get(..digits).unwrap_or(text))
}

fn text(event: &EventView) -> String {
    let at = i64::try_from(event.at_ms).ok();
    let at = at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let at = at.map_or(String::new(), |at| format!("{at:.3}"));
    let what = serde_json::to_value(&event.what).unwrap_or_default();
    let members = what.as_object().into_iter().flatten();
    let details = members.filter(|(name, _)| *name != "event");
    let details: Vec<_> = details
        .map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name}={}", short(text)),
            // Only a grant may have no partner: it is an invite, and whoever shows it comes later.
            None if value.is_null() => "an invite".to_owned(),
            None => format!("{name}={value}"),
        })
        .collect();
    let kind = event.what.kind();
    format!(
        "{:>6}  {at}  {kind:<10} {}",
        event.number,
        details.join(" ")
    )
    .trim_end()
    .to_owned()
}
