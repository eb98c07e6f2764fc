//! `omni doctor`: looks at all that an operator can meet, with the node up or down, names each
//! fault and says what to do about it. It mends nothing.

mod running;

use std::fs;
use std::net::IpAddr;
use std::time::UNIX_EPOCH;

use clap::Args;
use serde::Serialize;

use super::Ctx;
use super::exit::{self, Exit};
use super::outcome::{CliError, Outcome, Report};
use super::plain::plain;
use super::when::{now_ms, when};
use crate::client::{Client, ClientError};
use crate::config::layers::unknown_variables;
use crate::home::InUse;
use crate::offline::look::{self, Depth};
use crate::view::StatusView;
use crate::view::health::{FindingState, FindingView};

const EXITS: &[Exit] = &[Exit::NotFound];
/// A clock that is behind what it showed before by more was set back. Clocks that are kept right
/// are moved by less.
const STEP_MS_MAX: u64 = 5_000;
/// No clock is right that shows an earlier time than this program was written at.
const WRITTEN_MS: u64 = 1_795_000_000_000;
const SET_CLOCK: &str = "let the machine keep its clock right (NTP), then start the node again";

/// Look for what may be wrong with the node, and say what to do about it
///
/// It works with the node up and down, and mends nothing. It ends with 0 where nothing has to be
/// mended, and with 1 where something has.
#[derive(Debug, Args)]
#[command(after_help = exit::help(EXITS))]
pub(super) struct DoctorArgs {
    /// Leave out the check of the whole ledger, which takes long where it is long
    #[arg(long)]
    quick: bool,
}

#[derive(Debug, Serialize)]
struct Diagnosis {
    faults: usize,
    findings: Vec<FindingView>,
}

impl Report for Diagnosis {
    const SCHEMA: &'static str = "omni.doctor/1";

    fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let mark = match finding.state {
                FindingState::Good => "good ",
                FindingState::Note => "note ",
                FindingState::Fault => "FAULT",
            };
            let (about, what) = (&finding.about, plain(&finding.what));
            text.push_str(&format!("{mark}  {about:<8}  {what}\n"));
            let next = finding.next.iter().flat_map(|next| next.lines());
            for line in next {
                text.push_str(&format!("                 {}\n", plain(line)));
            }
        }
        text.push_str(&match self.faults {
            0 => "\nnothing has to be mended\n".to_owned(),
            1 => "\n1 fault\n".to_owned(),
            faults => format!("\n{faults} faults\n"),
        });
        text
    }
}

pub(super) fn run(ctx: &Ctx, args: &DoctorArgs) -> Result<Outcome, CliError> {
    ctx.home.existing().map_err(|e| ctx.home_error(e))?;
    let depth = if args.quick {
        Depth::Quick
    } else {
        Depth::Whole
    };
    let mut findings = settings(ctx);
    findings.extend(look::home(&ctx.home));
    let asked = Client::find(&ctx.home).and_then(|client| {
        let status: StatusView = client.get("/v1/status")?;
        Ok((client, status))
    });
    match asked {
        Ok((client, status)) => {
            findings.extend(running::look(&client, &status, depth));
            findings.extend(as_set(ctx, &status));
        }
        Err(e) => findings.extend(silent(ctx, e, depth)),
    }
    for finding in &mut findings {
        // The node's words name commands, and this command line knows of which home.
        let next = finding.next.take();
        finding.next = next.map(|next| next.replace("omni ", &ctx.typed("")));
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.state));
    let is_fault = |finding: &&FindingView| finding.state == FindingState::Fault;
    let faults = findings.iter().filter(is_fault).count();
    let exit = if faults == 0 { Exit::Ok } else { Exit::Failure };
    Ok(Outcome::of(&Diagnosis { faults, findings }).ending(exit))
}

/// The settings, and what else in the environment looks like one.
fn settings(ctx: &Ctx) -> Vec<FindingView> {
    let read = ctx.layers().and_then(|layers| Ok(layers.config()?));
    let mut found = vec![match read {
        Ok(_) => FindingView::good("settings", ctx.home.config_file().display().to_string()),
        Err(error) => {
            let (what, next) = error.clauses();
            FindingView::fault("settings", what, &next)
        }
    }];
    for name in unknown_variables(&ctx.env) {
        let what = format!("the variable {name} is no setting and does nothing");
        let next = "unset it; all settings: omni config show";
        found.push(FindingView::note("settings", what, next));
    }
    found
}

/// The settings against a node that runs: whether it has them, and who can reach it by them.
fn as_set(ctx: &Ctx, status: &StatusView) -> Vec<FindingView> {
    let mut found = Vec::new();
    let changed = fs::metadata(ctx.home.config_file()).and_then(|file| file.modified());
    let changed = changed
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    if changed.is_some_and(|at| at.as_millis() > u128::from(status.started_ms)) {
        let what = "the file was changed after the node started, which does not know of it";
        let next = "start it again: omni down, omni up";
        found.push(FindingView::note("settings", what, next));
    }
    let config = ctx.layers().and_then(|layers| Ok(layers.config()?));
    if config.is_ok_and(|config| config.net.announce.is_empty()) {
        found.extend(reach(&status.listening));
    }
    found
}

/// Who can't reach a node at these addresses, where that is not everybody.
fn reach(listening: &[String]) -> Option<FindingView> {
    let ips = listening.iter().filter_map(|address| {
        let mut parts = address.split('/');
        parts.find(|part| matches!(*part, "ip4" | "ip6"))?;
        parts.next()?.parse::<IpAddr>().ok()
    });
    let ips: Vec<_> = ips.collect();
    if ips.is_empty() {
        return None;
    }
    let is_private = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    let (who, next) = if ips.iter().all(IpAddr::is_loopback) {
        (
            "machine",
            "to listen everywhere: omni config set net.listen \
             /ip4/0.0.0.0/udp/4117/quic-v1,/ip4/0.0.0.0/tcp/4117",
        )
    } else if ips.iter().all(|ip| ip.is_loopback() || is_private(ip)) {
        (
            "network",
            "behind a router, let it forward the port, and say where that is: omni config set \
             net.announce /ip4/…/tcp/…",
        )
    } else {
        return None;
    };
    let what = format!(
        "it listens at addresses of this {who} only: partners elsewhere are met only where this \
         node dials them"
    );
    Some(FindingView::note("ports", what, next))
}

/// What can be seen where no node answers.
fn silent(ctx: &Ctx, error: ClientError, depth: Depth) -> Vec<FindingView> {
    let in_use = match error {
        ClientError::Unreachable { in_use, .. } => in_use,
        // That is told of the token already.
        ClientError::Token(_) => ctx.home.in_use(),
        error @ (ClientError::Home(_)
        | ClientError::TimedOut(_)
        | ClientError::Refused(_)
        | ClientError::Strange(_)
        | ClientError::System(_)) => {
            let (what, next) = ctx.asked(error).clauses();
            return vec![FindingView::fault("node", what, &next)];
        }
    };
    if in_use == InUse::Yes {
        let what = "a process holds the home and was not asked, or did not answer";
        let next = "it is starting or ending: omni wait --ready\nif it stays so, end it, and look at its log";
        return vec![FindingView::fault("node", what, next)];
    }
    // A node that ends in good order takes this file away.
    let mut found = vec![if ctx.home.endpoint_file().exists() {
        FindingView::note(
            "node",
            "it does not run, and was killed or failed",
            "see the end of its log, and start it: omni up",
        )
    } else {
        FindingView::note("node", "it does not run", "start it: omni up")
    }];
    if let Ok(config) = ctx.layers().and_then(|layers| Ok(layers.config()?)) {
        found.extend(look::ports(&config));
    }
    let (ledger, last_ms) = look::ledger(&ctx.home, depth);
    found.extend(ledger);
    found.push(clock(now_ms(), last_ms.unwrap_or_default()));
    found
}

/// The clock against the time of the last entry, behind which it can't be.
fn clock(now: u64, last_ms: u64) -> FindingView {
    if now < WRITTEN_MS {
        let what = format!("it shows {}, which is long past", when(now));
        return FindingView::fault("clock", what, SET_CLOCK);
    }
    if now.saturating_add(STEP_MS_MAX) < last_ms {
        let what = format!(
            "it shows {}, and the last entry was written at {}: it was set back",
            when(now),
            when(last_ms)
        );
        return FindingView::fault("clock", what, SET_CLOCK);
    }
    FindingView::good("clock", when(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_reach_a_node_is_told_where_not_everybody_can() {
        let check = |addresses: &[&str], words: Option<&str>| {
            let listening: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            let found = reach(&listening);
            assert_eq!(found.is_some(), words.is_some(), "{found:?}");
            let said = found
                .zip(words)
                .is_none_or(|(f, words)| f.what.contains(words));
            assert!(said, "{addresses:?}");
        };
        let here = "/ip4/127.0.0.1/tcp/4117";
        check(&[], None);
        check(&[here, "/ip6/::1/tcp/4117"], Some("of this machine"));
        check(
            &[here, "/ip4/192.168.1.7/udp/4117/quic-v1"],
            Some("of this network"),
        );
        check(
            &["/ip6/fe80::1/tcp/1", "/ip6/fd00::1/tcp/1"],
            Some("of this network"),
        );
        check(
            &[here, "/ip4/192.168.1.7/tcp/1", "/ip4/198.51.100.7/tcp/1"],
            None,
        );
        check(&["/ip6/2001:db8::1/tcp/1", here], None);
    }

    #[test]
    fn a_clock_that_is_wrong_is_named() {
        let check = |now: u64, last: u64, words: &str| {
            let found = clock(now, last);
            assert_eq!(found.state, FindingState::Fault, "{now} {last}");
            assert!(found.what.contains(words), "{found:?}");
        };
        check(1_000, 0, "long past");
        check(WRITTEN_MS, WRITTEN_MS + STEP_MS_MAX + 1, "set back");
        let good = clock(WRITTEN_MS, WRITTEN_MS + STEP_MS_MAX);
        assert_eq!(good.state, FindingState::Good);
    }
}
