//! `omni down`: asks the node to stop, and waits until it has.

use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::exit::{self, Exit};
use super::outcome::{CliError, Outcome, Report};
use super::{Ctx, wait};
use crate::home::InUse;
use crate::view::ShutdownView;

const EXITS: &[Exit] = &[
    Exit::Unreachable,
    Exit::NotFound,
    Exit::Refused,
    Exit::TimedOut,
];

/// Stop the node, and wait until it has ended
#[derive(Debug, Args)]
#[command(after_help = exit::help(EXITS))]
pub(super) struct DownArgs {
    /// How long to wait, such as 500ms, 10s or 2m
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = wait::duration)]
    timeout: Duration,
}

#[derive(Debug, Serialize)]
struct DownReport {
    pid: u32,
}

impl Report for DownReport {
    const SCHEMA: &'static str = "omni.down/1";

    fn text(&self) -> String {
        format!("stopped  process {}\n", self.pid)
    }
}

pub(super) fn run(ctx: &Ctx, args: &DownArgs) -> Result<Outcome, CliError> {
    let asked = ctx.client().and_then(|client| {
        client
            .post("/v1/shutdown", &json!({}))
            .map_err(|e| ctx.asked(e))
    });
    let ShutdownView { pid } = match asked {
        // To start one, as the client would advise, is not what was wanted.
        Err(e) if e.exit() == Exit::Unreachable && ctx.home.in_use() == InUse::No => {
            return Err(e.next("nothing: no process uses this home"));
        }
        asked => asked?,
    };
    let begun = Instant::now();
    while ctx.home.in_use() == InUse::Yes {
        if begun.elapsed() >= args.timeout {
            let what = format!("the node did not end within {:?}", args.timeout);
            return Err(CliError::new(Exit::TimedOut, "timed-out", what)
                .why("it still brings what is under way to its end")
                .next(format!("wait, or end it at once: kill -9 {pid}")));
        }
        std::thread::sleep(wait::PAUSE);
    }
    Ok(Outcome::of(&DownReport { pid }))
}
