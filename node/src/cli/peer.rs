//! `omni peer`: meeting other partners, and what each may do.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::Ctx;
use super::address::segment;
use super::exit::{self, Exit};
use super::money::amounts;
use super::number::whole;
use super::outcome::{CliError, Outcome, Report, pairs};
use super::plain::plain;
use super::stdin::or_stdin;
use super::table::{Side, page};
use super::when::when;
use crate::view::peer::{
    AmountAsk, EvidencesView, InviteAsk, InviteView, PeerAddedView, PeerAsk, PeerChange, PeerView,
    PeersView,
};

/// Meet other partners, and say what each may do
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct PeerArgs {
    #[command(subcommand)]
    command: PeerCommand,
}

#[derive(Debug, Subcommand)]
enum PeerCommand {
    Invite(InviteArgs),
    Add(AddArgs),
    Ls(LsArgs),
    Requests(RequestsArgs),
    Trust(TrustArgs),
    Block(BlockArgs),
    Set(SetArgs),
    Evidence(EvidenceArgs),
}

/// Make an invite for one partner
///
/// Hand it over by a way that you trust. Whoever shows it first is a partner, without a question.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct InviteArgs {
    /// For how long it is good
    #[arg(long, value_name = "HOURS", default_value_t = 72, value_parser = whole::<u64>, allow_negative_numbers = true)]
    hours: u64,
}

/// Meet a partner by its invite, or by the address of its node
///
/// By an invite both sides are partners at once. By an address its operator is asked, and answers
/// with omni peer trust or omni peer block.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct AddArgs {
    /// omniinvite1…, or a multiaddr that ends in /p2p/ and the peer id; - reads it from stdin
    #[arg(value_name = "INVITE|ADDRESS")]
    whom: String,
}

/// List the partners that are known
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct LsArgs {}

/// List the partners that came by themselves and wait for an answer
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct RequestsArgs {}

/// Say how far a partner is trusted
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct TrustArgs {
    /// Its id, the beginning of it, or its name
    partner: String,
    /// What it may do
    #[arg(value_enum, default_value_t = Level::Hold)]
    level: Level,
    /// What it may owe this node, such as 5000.00EUR; makes the level owe
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    credit: Option<AmountAsk>,
}

/// How far a partner is trusted; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    /// It may see what is public, and neither ask nor deal
    See,
    /// It may ask and be answered, as a stranger may
    Ask,
    /// It may hold what this node offers, and agree on what costs nothing before it is paid
    Hold,
    /// It may owe up to its credit
    Owe,
}

/// Take nothing from a partner any more; what was agreed is kept
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct BlockArgs {
    /// Its id, the beginning of it, or its name
    partner: String,
}

/// Set how much a partner may owe, and how much this node may owe it
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
#[command(group = clap::ArgGroup::new("limits").args(["credit", "budget"]).required(true).multiple(true))]
struct SetArgs {
    /// Its id, the beginning of it, or its name
    partner: String,
    /// What it may owe this node, such as 5000.00EUR; one limit for each currency
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    credit: Option<AmountAsk>,
    /// What this node lets itself owe it, such as 5000.00EUR
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    budget: Option<AmountAsk>,
}

/// Show how a partner contradicted itself, and what it signed
///
/// Such a partner is quarantined: what was agreed with it goes on, and no new deal is begun, until
/// omni peer trust says otherwise. Beginnings of ids are shown; --json shows all of it.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct EvidenceArgs {
    /// Its id, the beginning of it, or its name
    partner: String,
}

impl Report for InviteView {
    const SCHEMA: &'static str = "omni.peer.invite/1";

    fn text(&self) -> String {
        // Alone on its line, so that a script and a mouse find it.
        format!("{}\n", self.invite)
    }
}

impl Report for PeerAddedView {
    const SCHEMA: &'static str = "omni.peer.add/1";

    fn text(&self) -> String {
        let partner = self.partner.as_deref().unwrap_or("known when it is met");
        let mut lines = vec![
            ("meeting", self.peer.clone()),
            ("partner", partner.to_owned()),
        ];
        // Only an invite names the partner before it is met, and only its maker knows whether it
        // was used.
        if self.partner.is_some() {
            let note = "an invite is good once: if another node showed it before, its maker finds \
                        this one in omni peer requests, and answers with omni peer trust";
            lines.push(("note", note.to_owned()));
        }
        pairs(&lines)
    }
}

impl Report for PeersView {
    const SCHEMA: &'static str = "omni.peer.ls/1";

    fn text(&self) -> String {
        let columns = [
            ("partner", Side::Left),
            ("name", Side::Left),
            ("trust", Side::Left),
            ("session", Side::Left),
            ("records", Side::Right),
            ("credit", Side::Right),
            ("budget", Side::Right),
        ];
        // A person looks for a name; ids are in no order that means anything.
        let mut peers: Vec<_> = self.peers.iter().collect();
        peers.sort_by_key(|peer| peer.name.as_deref().unwrap_or_default().to_lowercase());
        let rows: Vec<_> = peers.into_iter().map(row).collect();
        page("nobody", &columns, &rows, None)
    }
}

fn row(peer: &PeerView) -> Vec<String> {
    let unmet = || peer.nodes.first().map(|node| node.peer.clone());
    let partner = match peer.partner.get(..16) {
        Some(beginning) => beginning.to_owned(),
        None => unmet().unwrap_or_default(),
    };
    let trust = match (peer.request, peer.standing.as_str()) {
        (true, _) => "asks".to_owned(),
        (false, "blocked" | "quarantined") => peer.standing.clone(),
        (false, _) => peer.trust.clone(),
    };
    let session = if peer.connected { "up" } else { "-" };
    vec![
        partner,
        peer.name.clone().unwrap_or_else(|| "-".to_owned()),
        trust,
        session.to_owned(),
        peer.records.to_string(),
        amounts(&peer.credit),
        amounts(&peer.budget),
    ]
}

impl Report for PeerView {
    const SCHEMA: &'static str = "omni.peer/1";

    fn text(&self) -> String {
        pairs(&[
            ("partner", self.partner.clone()),
            ("name", plain(self.name.as_deref().unwrap_or("-"))),
            ("standing", self.standing.clone()),
            ("trust", self.trust.clone()),
            ("credit", amounts(&self.credit)),
            ("budget", amounts(&self.budget)),
        ])
    }
}

impl Report for EvidencesView {
    const SCHEMA: &'static str = "omni.peer.evidence/1";

    fn text(&self) -> String {
        let columns = ["when", "what", "signed", "deal"].map(|name| (name, Side::Left));
        let rows = self.evidence.iter().flat_map(|evidence| {
            let signed = evidence.exhibits.iter().enumerate();
            signed.map(|(number, exhibit)| {
                let first = |text: String| if number == 0 { text } else { String::new() };
                let deal = exhibit.deal.as_deref().and_then(|deal| deal.get(..12));
                let kind = exhibit.kind.as_ref().unwrap_or(&exhibit.form);
                vec![
                    first(when(evidence.at_ms)),
                    first(evidence.claim.clone()),
                    kind.clone(),
                    deal.unwrap_or("-").to_owned(),
                ]
            })
        });
        let rows: Vec<_> = rows.collect();
        page("nothing is kept against it", &columns, &rows, None)
    }
}

pub(super) fn run(ctx: &Ctx, args: PeerArgs) -> Result<Outcome, CliError> {
    match args.command {
        PeerCommand::Invite(args) => {
            let ask = InviteAsk {
                hours: Some(args.hours),
            };
            let made = ctx.client()?.post("/v1/invites", &ask);
            ctx.report::<InviteView>(made)
        }
        PeerCommand::Add(args) => add(ctx, &args),
        PeerCommand::Ls(LsArgs {}) => ctx.report::<PeersView>(ctx.client()?.get("/v1/peers")),
        PeerCommand::Requests(RequestsArgs {}) => {
            ctx.report::<PeersView>(ctx.client()?.get("/v1/peers/requests"))
        }
        PeerCommand::Trust(args) => trust(ctx, args),
        PeerCommand::Block(args) => {
            let change = json!({ "standing": "blocked" });
            ctx.report::<PeerView>(ctx.client()?.patch(&path(&args.partner), &change))
        }
        PeerCommand::Set(args) => {
            let change = PeerChange {
                standing: None,
                credit: args.credit,
                budget: args.budget,
            };
            ctx.report::<PeerView>(ctx.client()?.patch(&path(&args.partner), &change))
        }
        PeerCommand::Evidence(args) => {
            let path = format!("{}/evidence", path(&args.partner));
            ctx.report::<EvidencesView>(ctx.client()?.get(&path))
        }
    }
}

fn path(partner: &str) -> String {
    format!("/v1/peers/{}", segment(partner))
}

fn trust(ctx: &Ctx, args: TrustArgs) -> Result<Outcome, CliError> {
    if args.level == Level::Owe && args.credit.is_none() {
        return Err(
            CliError::new(Exit::Usage, "usage", "to owe takes a limit in a currency")
                .next(ctx.typed("peer trust PARTNER owe --credit 5000.00EUR")),
        );
    }
    if matches!(args.level, Level::See | Level::Ask) && args.credit.is_some() {
        let what = "a partner that may only see or ask can owe nothing";
        return Err(CliError::new(Exit::Usage, "usage", what).next("leave out --credit"));
    }
    let standing = match args.level {
        Level::See => "onlooker",
        Level::Ask => "stranger",
        Level::Hold | Level::Owe => "partner",
    };
    let change = PeerChange {
        standing: Some(standing.to_owned()),
        credit: args.credit,
        budget: None,
    };
    ctx.report::<PeerView>(ctx.client()?.patch(&path(&args.partner), &change))
}

/// An invite opens a door once; who does not want it among the arguments of a process gives it by
/// stdin.
fn add(ctx: &Ctx, args: &AddArgs) -> Result<Outcome, CliError> {
    let whom = or_stdin(&args.whom)?;
    let ask = if whom.starts_with('/') {
        PeerAsk {
            invite: None,
            address: Some(whom),
        }
    } else {
        PeerAsk {
            invite: Some(whom),
            address: None,
        }
    };
    ctx.report::<PeerAddedView>(ctx.client()?.post("/v1/peers", &ask))
}

/// Reads an amount with its currency behind it: `5000.00EUR`, or with a space between.
pub(super) fn amount(text: &str) -> Result<AmountAsk, String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (amount, currency) = text.split_at(end.unwrap_or(text.len()));
    let currency = currency.trim();
    if amount.is_empty() || currency.is_empty() {
        return Err("an amount is a number and a currency, such as 5000.00EUR".to_owned());
    }
    Ok(AmountAsk {
        amount: amount.to_owned(),
        currency: currency.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_a_currency() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let read = amount(text).ok();
            let parts = read.as_ref().map(|ask| (&*ask.amount, &*ask.currency));
            assert_eq!(parts, expected, "{text:?}");
        };
        check("5000.00EUR", Some(("5000.00", "EUR")));
        check("5000 EUR", Some(("5000", "EUR")));
        check("5000", None);
        check("EUR", None);
        check("-5EUR", None);
        check("", None);
    }
}
