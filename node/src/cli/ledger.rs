//! `omni ledger`: what this node recorded, whether it holds, and what it says that is owed.

use std::ops::ControlFlow;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Ctx;
use super::address::with_query;
use super::confirm::confirm;
use super::exit::{self, Exit};
use super::number::whole;
use super::outcome::{CliError, Outcome, Report, pairs};
use super::pages::{Page, Part, fetch};
use super::table::{Side, page};
use super::when::when;
use crate::client::{Client, ClientError};
use crate::home::InUse;
use crate::offline::check::{CheckError, Opened};
use crate::view::ledger::{
    AccountView, AccountsView, EntriesView, EntryView, ExportEntry, ExportView, VerificationView,
};
use crate::view::money::MoneyView;
use crate::view::{LedgerHeadView, StatusView};

/// Look at what this node recorded, check it, and see what is owed
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
pub(super) struct LedgerArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Ls(LsArgs),
    Show(ShowArgs),
    Verify(VerifyArgs),
    Export(ExportArgs),
    Owed(OwedArgs),
    Recover(RecoverArgs),
}

/// List the newest entries, or all from a place on
///
/// A place is epoch and number: --after 0-0 begins behind the very first entry.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct LsArgs {
    #[command(flatten)]
    part: Part,
}

/// Show one entry
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct ShowArgs {
    /// Its number
    #[arg(value_parser = whole::<u64>, allow_negative_numbers = true)]
    number: u64,
    /// Its epoch; else the present one
    #[arg(long, value_parser = whole::<u32>, allow_negative_numbers = true)]
    epoch: Option<u32>,
}

/// Check the whole ledger: chain, tree, records, signatures, and that its entries give what is stored
///
/// It works with the node up and down. It trusts nothing that lies on the disk but the keys.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct VerifyArgs {}

/// Print all entries as JSON Lines, bytes in hexadecimal digits, the signed checkpoint last
///
/// It works with the node up and down.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct ExportArgs {
    /// From after this place on, as EPOCH-NUMBER
    #[arg(long, value_name = "EPOCH-NUMBER")]
    after: Option<String>,
}

/// Show what partners owe this node and what it owes them, in each currency
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct OwedArgs {
    /// Only this partner, by id or name
    #[arg(long)]
    partner: Option<String>,
}

/// Give up what the ledger lacks and open its next epoch, so that this node signs again
///
/// A node that partners show something of its own that it lacks, as after an old copy of its home
/// was put back, signs nothing. First look for a newer copy. After this, partners add what they
/// hold: agreements and their events. Counts of stock, grants and offers since that copy stay lost.
#[derive(Debug, Args)]
#[command(after_help = exit::help(exit::OF_NODE))]
struct RecoverArgs {
    /// Don't ask
    #[arg(long)]
    yes: bool,
}

impl Report for LedgerHeadView {
    const SCHEMA: &'static str = "omni.ledger.recover/1";

    fn text(&self) -> String {
        let next =
            "count the stock anew (omni stock set) and look at omni offer ls and omni peer ls";
        pairs(&[
            ("epoch", format!("{} opened", self.epoch)),
            ("next", next.to_owned()),
        ])
    }
}

impl Report for EntriesView {
    const SCHEMA: &'static str = "omni.ledger.ls/1";

    fn text(&self) -> String {
        let header = [
            ("epoch", Side::Left),
            ("number", Side::Right),
            ("at", Side::Left),
            ("kind", Side::Left),
            ("with", Side::Left),
            ("what", Side::Left),
        ];
        let rows: Vec<_> = self.entries.iter().map(row).collect();
        page("no entries", &header, &rows, self.next.as_deref())
    }
}

impl Page for EntriesView {
    type Row = EntryView;

    fn rows(&mut self) -> &mut Vec<EntryView> {
        &mut self.entries
    }

    fn next(&mut self) -> &mut Option<String> {
        &mut self.next
    }
}

fn row(entry: &EntryView) -> Vec<String> {
    let partner = entry.counterparty.as_deref().unwrap_or_default();
    let with = entry
        .name
        .clone()
        .unwrap_or_else(|| partner.chars().take(16).collect());
    vec![
        entry.epoch.to_string(),
        entry.sequence.to_string(),
        when(entry.at_ms),
        entry.kind.clone(),
        with,
        what(entry),
    ]
}

/// The kinds of its records where it has some, else what it says.
fn what(entry: &EntryView) -> String {
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for record in &entry.records {
        let kind = record.kind.as_deref().unwrap_or("(gone)");
        match kinds.iter_mut().find(|(known, _)| known == kind) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => kinds.push((kind.to_owned(), 1)),
        }
    }
    if kinds.is_empty() {
        return entry.says.clone();
    }
    let texts: Vec<_> = kinds
        .iter()
        .map(|(kind, count)| match count {
            1 => kind.clone(),
            count => format!("{count} {kind}"),
        })
        .collect();
    texts.join(", ")
}

impl Report for EntryView {
    const SCHEMA: &'static str = "omni.ledger.entry/1";

    fn text(&self) -> String {
        let partner = self.counterparty.as_deref().unwrap_or("-");
        let with = match &self.name {
            Some(name) => format!("{name}  {partner}"),
            None => partner.to_owned(),
        };
        let mut lines = vec![
            ("entry", format!("{}/{}", self.epoch, self.sequence)),
            ("kind", self.kind.clone()),
            ("at", when(self.at_ms)),
            ("life", self.life.clone()),
            ("with", with),
            ("says", self.says.clone()),
            ("hash", self.hash.clone()),
            ("previous", self.previous.clone()),
            ("body", self.body.clone()),
        ];
        for record in &self.records {
            let kind = record.kind.as_deref().unwrap_or("(gone)");
            lines.push(("record", format!("{}  {kind}", record.record)));
        }
        pairs(&lines)
    }
}

impl Report for VerificationView {
    const SCHEMA: &'static str = "omni.ledger.verify/1";

    fn text(&self) -> String {
        if let Some(broken) = &self.broken {
            let next = "stop the node, keep a copy of its home, and restore a backup";
            return pairs(&[
                ("ledger", "BROKEN".to_owned()),
                ("", broken.clone()),
                ("next", next.to_owned()),
            ]);
        }
        let unchecked = match self.unchecked {
            0 => String::new(),
            count => format!(", {count} of authors whose keys are not known here"),
        };
        pairs(&[
            ("ledger", "good".to_owned()),
            (
                "entries",
                format!(
                    "{} (epoch {}, {} in it)",
                    self.entries, self.epoch, self.size
                ),
            ),
            (
                "records",
                format!("{} signatures checked{unchecked}", self.records),
            ),
            ("last", self.last.clone()),
        ])
    }
}

impl Report for AccountsView {
    const SCHEMA: &'static str = "omni.ledger.owed/1";

    fn text(&self) -> String {
        let header = [
            ("partner", Side::Left),
            ("currency", Side::Left),
            ("they owe", Side::Right),
            ("we owe", Side::Right),
            ("held for them", Side::Right),
            ("in doubt", Side::Right),
        ];
        let amount = |money: &MoneyView| money.text.clone();
        let rows: Vec<Vec<String>> = self
            .accounts
            .iter()
            .map(|account: &AccountView| {
                let beginning = || account.partner.chars().take(16).collect();
                vec![
                    account.name.clone().unwrap_or_else(beginning),
                    account.we_owe.currency.clone(),
                    amount(&account.they_owe),
                    amount(&account.we_owe),
                    amount(&account.held),
                    amount(&account.in_doubt),
                ]
            })
            .collect();
        page("nobody owes anything", &header, &rows, None)
    }
}

pub(super) fn run(ctx: &Ctx, args: &LedgerArgs) -> Result<Outcome, CliError> {
    match &args.verb {
        Verb::Ls(args) => ls(ctx, args),
        Verb::Show(args) => {
            let path = format!("/v1/ledger/entries/{}", args.number);
            let epoch = args.epoch.map(|epoch| epoch.to_string());
            let path = with_query(&path, &[("epoch", epoch.as_deref())]);
            ctx.report::<EntryView>(ctx.client()?.get(&path))
        }
        Verb::Verify(VerifyArgs {}) => verify(ctx),
        Verb::Export(args) => export(ctx, args),
        Verb::Recover(args) => recover(ctx, args),
        Verb::Owed(args) => {
            let params = [("partner", args.partner.as_deref())];
            let path = with_query("/v1/ledger/accounts", &params);
            ctx.report::<AccountsView>(ctx.client()?.get(&path))
        }
    }
}

fn recover(ctx: &Ctx, args: &RecoverArgs) -> Result<Outcome, CliError> {
    let what = "It opens the next epoch of the ledger. What is lost and no partner shows stays lost; a newer copy of the home can't be put back afterwards.";
    confirm(ctx, args.yes, what)?;
    ctx.report::<LedgerHeadView>(ctx.client()?.post("/v1/ledger/epoch", &()))
}

fn ls(ctx: &Ctx, args: &LsArgs) -> Result<Outcome, CliError> {
    let latest = args.part.limit().to_string();
    let params = [("latest", Some(latest.as_str()))];
    fetch::<EntriesView>(ctx, "/v1/ledger/entries", &params, &args.part)
}

/// Asks the node if one is up, since it holds the ledger; else reads the disk itself.
fn verify(ctx: &Ctx) -> Result<Outcome, CliError> {
    let asked = Client::find(&ctx.home);
    let view = match asked.and_then(|client| client.get("/v1/ledger/verification")) {
        Ok(view) => view,
        Err(ClientError::Unreachable {
            in_use: InUse::No, ..
        }) => {
            let opened = Opened::of(&ctx.home).map_err(|e| unchecked(ctx, e))?;
            opened.check().map_err(|e| unchecked(ctx, e.into()))?
        }
        Err(e) => return Err(ctx.asked(e)),
    };
    let exit = if view.good { Exit::Ok } else { Exit::Failure };
    Ok(Outcome::of(&view).ending(exit))
}

fn unchecked(ctx: &Ctx, e: CheckError) -> CliError {
    match e {
        CheckError::Home(e) => ctx.home_error(e),
        CheckError::Keys(e) => CliError::new(Exit::Failure, "keys", e.to_string())
            .why("the keys say whose ledger it is"),
        CheckError::Store(e) => CliError::new(Exit::Failure, "store", e.to_string()),
        CheckError::Place(e) => {
            CliError::new(Exit::Invalid, "invalid", "--after names no entry").why(e.to_string())
        }
    }
}

fn export(ctx: &Ctx, args: &ExportArgs) -> Result<Outcome, CliError> {
    #[derive(Serialize)]
    struct Line<'a> {
        schema: &'static str,
        #[serde(flatten)]
        entry: &'a ExportEntry,
    }
    #[derive(Serialize)]
    struct Last<'a> {
        schema: &'static str,
        note: &'a str,
    }
    let source = Source::of(ctx)?;
    let mut next = args.after.clone();
    loop {
        let page = source.page(ctx, next.as_deref())?;
        for entry in &page.entries {
            let schema = "omni.ledger.export/1";
            if line(&Line { schema, entry }).is_break() {
                return Ok(Outcome::silent());
            }
        }
        next = page.next;
        if next.is_none() {
            let note = page.checkpoint.as_deref().unwrap_or_default();
            let schema = "omni.ledger.checkpoint/1";
            // Nobody reads any more, or there is nothing left to print.
            let (ControlFlow::Continue(()) | ControlFlow::Break(())) = line(&Last { schema, note });
            return Ok(Outcome::silent());
        }
    }
}

/// Where an export comes from: the node, since it holds the ledger, or the disk while it is down.
enum Source {
    Node(Box<Client>),
    Disk(Box<Opened>),
}

impl Source {
    fn of(ctx: &Ctx) -> Result<Self, CliError> {
        // A killed node leaves its address behind, so only an answer shows that one is up.
        let asked = Client::find(&ctx.home).and_then(|client| {
            let _up: StatusView = client.get("/v1/status")?;
            Ok(client)
        });
        match asked {
            Ok(client) => Ok(Self::Node(Box::new(client))),
            Err(ClientError::Unreachable {
                in_use: InUse::No, ..
            }) => {
                let opened = Opened::of(&ctx.home).map_err(|e| unchecked(ctx, e))?;
                Ok(Self::Disk(Box::new(opened)))
            }
            Err(e) => Err(ctx.asked(e)),
        }
    }

    fn page(&self, ctx: &Ctx, after: Option<&str>) -> Result<ExportView, CliError> {
        match self {
            Self::Node(client) => {
                let params = [("limit", Some("500")), ("cursor", after)];
                let page = client.get(&with_query("/v1/ledger/export", &params));
                page.map_err(|e| ctx.asked(e))
            }
            Self::Disk(opened) => opened.export(after).map_err(|e| unchecked(ctx, e)),
        }
    }
}

fn line<T: Serialize>(document: &T) -> ControlFlow<()> {
    let text = serde_json::to_string(document).unwrap_or_default();
    super::to_stdout_or_end(&(text + "\n"))
}
