//! `omni wait`: waits until the node can be asked.

use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::Ctx;
use super::exit::{self, Exit};
use super::outcome::{CliError, Outcome, Report};
use crate::client::{Client, ClientError};
use crate::view::{NodeState, StatusView};

const EXITS: &[Exit] = &[Exit::NotFound, Exit::Refused, Exit::TimedOut];

/// Between two looks; short against what a person notices.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// Wait until the node is ready, for scripts that start it
#[derive(Debug, Args)]
#[command(after_help = exit::help(EXITS))]
pub(super) struct WaitArgs {
    /// Until it answers requests
    #[arg(long, required = true)]
    ready: bool,
    /// How long to wait, such as 500ms, 10s or 2m
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    timeout: Duration,
}

#[derive(Debug, Serialize)]
struct WaitReport {
    pid: u32,
    waited_ms: u64,
}

impl Report for WaitReport {
    const SCHEMA: &'static str = "omni.wait/1";

    fn text(&self) -> String {
        format!("ready  process {}\n", self.pid)
    }
}

pub(super) fn run(ctx: &Ctx, args: &WaitArgs) -> Result<Outcome, CliError> {
    let begun = Instant::now();
    loop {
        let asked = Client::find(&ctx.home).and_then(|c| c.get::<StatusView>("/v1/status"));
        let last = match asked {
            Ok(status) if status.state == NodeState::Ready => {
                let waited_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                return Ok(Outcome::of(&WaitReport {
                    pid: status.pid,
                    waited_ms,
                }));
            }
            Ok(_) => "it is on its way down".to_owned(),
            Err(ClientError::Unreachable { why, .. }) => why,
            Err(e) => return Err(ctx.asked(e)),
        };
        if begun.elapsed() >= args.timeout {
            let what = format!("no node was ready within {:?}", args.timeout);
            return Err(CliError::new(Exit::TimedOut, "timed-out", what)
                .why(last)
                .next(format!("start it: {}", ctx.typed("up"))));
        }
        std::thread::sleep(PAUSE);
    }
}

/// Reads a time such as `500ms`, `10s`, `2m` or, in seconds, `10`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let wrong = || "a time is a whole number and ms, s or m, such as 500ms, 10s or 2m".to_owned();
    let number: u64 = number.parse().or(Err(wrong()))?;
    let ms = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        _ => return Err(wrong()),
    };
    number
        .checked_mul(ms)
        .map(Duration::from_millis)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let check = |text: &str, ms: u64| {
            assert_eq!(duration(text).unwrap(), Duration::from_millis(ms), "{text}");
        };
        check("500ms", 500);
        check("10", 10_000);
        check("10s", 10_000);
        check("2m", 120_000);
        check("0", 0);
    }

    #[test]
    fn hostile_times_are_refused() {
        for text in ["", "s", "-1s", "1.5s", "1h ", "é", "18446744073709551615m"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
