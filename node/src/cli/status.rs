//! `omni status`: how the node is.

use clap::Args;

use super::Ctx;
use super::exit::{self, Exit};
use super::outcome::{CliError, Outcome, Report, pairs};
use super::when::span;
use crate::view::{NodeState, SpareKeys, StatusView};

pub(super) const EXITS: &[Exit] = &[
    Exit::Unreachable,
    Exit::NotFound,
    Exit::Refused,
    Exit::TimedOut,
];

/// Show how the node is; also when no command is given
#[derive(Debug, Args)]
#[command(after_help = exit::help(EXITS))]
pub(super) struct StatusArgs {}

impl Report for StatusView {
    const SCHEMA: &'static str = "omni.status/1";

    fn text(&self) -> String {
        let state = match self.state {
            NodeState::Ready => "ready",
            NodeState::Stopping => "stopping",
        };
        let mut lines = vec![
            ("state", format!("{state}, up {}", span(self.up_s))),
            ("partner", self.partner.clone()),
            ("name", self.name.clone()),
            ("network", self.network.clone()),
            ("home", self.home.display().to_string()),
        ];
        // Whole, so that another operator can be told one of them as it stands.
        let whole = |address: &String| format!("{address}/p2p/{}", self.peer);
        let listening: Vec<_> = self.listening.iter().map(whole).collect();
        let labels = ["listens"].into_iter().chain(std::iter::repeat(""));
        lines.extend(labels.zip(listening));
        lines.extend([
            (
                "peers",
                format!(
                    "{} connected, {} with a session, {} waiting for an answer",
                    self.peers, self.partners_connected, self.requests
                ),
            ),
            (
                "market",
                format!(
                    "records: {}, catalogues: {}, being caught up: {}",
                    self.records_known, self.catalogues, self.catalogues_wanted
                ),
            ),
            (
                "ledger",
                format!("epoch {}, {} entries", self.ledger.epoch, self.ledger.size),
            ),
            ("free space", format!("{} MiB", self.free_bytes / (1 << 20))),
            ("api", format!("http://{}/v1/", self.http)),
            ("process", self.pid.to_string()),
            ("version", self.version.clone()),
        ]);
        let mut text = pairs(&lines);
        if self.ledger.recovering {
            text.push_str(
                "\nnote: the ledger lacks what this node once signed, so it signs nothing; put the newest copy of the home back, or see omni ledger recover --help.\n",
            );
        }
        match self.spare_keys {
            SpareKeys::Away => {}
            SpareKeys::InHome => text.push_str(
                "\nnote: the spare keys are still in the home (omni key ls); move them away from this machine.\n",
            ),
        }
        text
    }
}

pub(super) fn run(ctx: &Ctx) -> Result<Outcome, CliError> {
    ctx.report::<StatusView>(ctx.client()?.get("/v1/status"))
}
