//! `omni key`: the partner's market keys: which there were, and a new one in place of the old. It
//! works on the files of a node that is down; what follows from a new key is the node's matter.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Ctx;
use super::confirm::confirm;
use super::exit::{self, Exit};
use super::outcome::{CliError, Outcome, Report, pairs};
use super::plain::plain;
use super::table::{Side, table};
use crate::keys::text::hex;
use crate::keys::{self, How, KeyError, Replacement, spare_file, spare_keys};
use crate::view::SpareKeys;

const EXITS: &[Exit] = &[Exit::NotFound, Exit::Refused, Exit::Invalid];

/// Look at the partner's market keys, and replace the one in force
#[derive(Debug, Args)]
#[command(after_help = exit::help(EXITS))]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    Ls(LsArgs),
    Rotate(RotateArgs),
    Recover(RecoverArgs),
}

/// List the market keys that the partner has had
#[derive(Debug, Args)]
#[command(after_help = exit::help(EXITS))]
struct LsArgs {}

/// Put the next market key in force, as one does from time to time
///
/// The partner id stays, and with it the ledger, all deals and credit. The node must be down. It
/// takes the file of spare keys, and makes a new one.
#[derive(Debug, Args)]
#[command(after_help = exit::help(EXITS))]
struct RotateArgs {
    #[command(flatten)]
    replace: ReplaceArgs,
}

/// Take the partner back with the recovery key, after its market key was stolen or lost
///
/// What others signed with the stolen key from then on proves nothing. The node must be down. It
/// takes the file of spare keys, and makes a new one.
#[derive(Debug, Args)]
#[command(after_help = exit::help(EXITS))]
struct RecoverArgs {
    #[command(flatten)]
    replace: ReplaceArgs,
}

#[derive(Debug, Args)]
struct ReplaceArgs {
    /// The file of spare keys [default: where init or the last replacement left it]
    #[arg(long, value_name = "FILE")]
    spare: Option<PathBuf>,
    /// Say what would come of it, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Don't ask
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Serialize)]
struct KeysReport {
    partner: String,
    keys: Vec<KeyRow>,
    spare_keys: SpareKeys,
    spare_file: PathBuf,
}

#[derive(Debug, Serialize)]
struct KeyRow {
    index: u32,
    event: &'static str,
    key: String,
    in_force: bool,
}

impl Report for KeysReport {
    const SCHEMA: &'static str = "omni.key.ls/1";

    fn text(&self) -> String {
        let columns = ["index", "made by", "market key", "state"].map(|name| (name, Side::Left));
        let rows = self.keys.iter().map(|row| {
            let state = if row.in_force { "in force" } else { "replaced" };
            let key = row.key.get(..16).unwrap_or(&row.key);
            vec![
                row.index.to_string(),
                row.event.to_owned(),
                key.to_owned(),
                state.to_owned(),
            ]
        });
        let rows: Vec<_> = rows.collect();
        let spare = match self.spare_keys {
            SpareKeys::InHome => format!(
                "spare keys: {}; move that file away from this machine",
                plain(&self.spare_file.display().to_string())
            ),
            SpareKeys::Away => "spare keys: not in the home, as it should be".to_owned(),
        };
        table(&columns, &rows) + "\n" + &spare + "\n"
    }
}

#[derive(Debug, Serialize)]
struct ReplaceReport {
    partner: String,
    from: u32,
    to: u32,
    done: bool,
    spare_file: PathBuf,
    old_spare_file: PathBuf,
    #[serde(skip)]
    consequences: String,
    #[serde(skip)]
    up: String,
}

impl Report for ReplaceReport {
    const SCHEMA: &'static str = "omni.key.replace/1";

    fn text(&self) -> String {
        let path = |path: &PathBuf| plain(&path.display().to_string());
        let change = format!("{} -> {}", self.from, self.to);
        if !self.done {
            let text = pairs(&[("market key", change)]);
            return format!("{text}\n{}Nothing was changed.\n", self.consequences);
        }
        let text = pairs(&[
            ("market key", change),
            ("spare keys", path(&self.spare_file)),
        ]);
        format!(
            "{text}\nNext:\n  \
             1. Move that file away from this machine, and destroy every copy of the one\n     \
             that was used. It is spent.\n  \
             2. Start the node. It proves anew what it published, and partners learn of the\n     \
             key when they meet it:\n       {}\n",
            self.up
        )
    }
}

pub(super) fn run(ctx: &Ctx, args: KeyArgs) -> Result<Outcome, CliError> {
    ctx.home.existing().map_err(|e| ctx.home_error(e))?;
    match args.command {
        KeyCommand::Ls(LsArgs {}) => list(ctx),
        KeyCommand::Rotate(RotateArgs { replace: args }) => replace(ctx, How::Rotate, args),
        KeyCommand::Recover(RecoverArgs { replace: args }) => replace(ctx, How::Recover, args),
    }
}

fn list(ctx: &Ctx) -> Result<Outcome, CliError> {
    let chain = keys::chain(&ctx.home).map_err(|e| failed(ctx, &e))?;
    let newest = chain.highest_index();
    let row = |event: &omni_protocol::identity::KeyEvent| KeyRow {
        index: event.index(),
        event: event.name(),
        key: hex(event.market_key().as_bytes()).to_string(),
        in_force: event.index() == newest,
    };
    Ok(Outcome::of(&KeysReport {
        partner: chain.partner().to_string(),
        keys: chain
            .events()
            .map(|(record, _)| row(record.body()))
            .collect(),
        spare_keys: spare_keys(&ctx.home),
        spare_file: spare_file(&ctx.home),
    }))
}

fn replace(ctx: &Ctx, how: How, args: ReplaceArgs) -> Result<Outcome, CliError> {
    // A node that runs would go on with the old key.
    let _lock = ctx.home.lock().map_err(|e| ctx.home_error(e))?;
    let chain = keys::chain(&ctx.home).map_err(|e| failed(ctx, &e))?;
    let from = chain.highest_index();
    let old_spare_file = args.spare.unwrap_or_else(|| spare_file(&ctx.home));
    let made = Replacement::make(&ctx.home, &old_spare_file, how);
    let replacement = made.map_err(|e| failed(ctx, &e))?;
    let to = replacement.index();
    let consequences = consequences(how, from, to);
    let report = |done, spare_file| ReplaceReport {
        partner: chain.partner().to_string(),
        from,
        to,
        done,
        spare_file,
        old_spare_file: old_spare_file.clone(),
        consequences: consequences.clone(),
        up: ctx.typed("up"),
    };
    if args.dry_run {
        return Ok(Outcome::of(&report(false, spare_file(&ctx.home))));
    }
    confirm(ctx, args.yes, &consequences)?;
    let written = replacement.write(&ctx.home);
    let written = written.map_err(|e| failed(ctx, &e))?;
    Ok(Outcome::of(&report(true, written)))
}

/// What comes of a new key, for whoever decides about it.
fn consequences(how: How, from: u32, to: u32) -> String {
    let void = match how {
        How::Rotate => String::new(),
        How::Recover => {
            "What others made with stolen keys is void, as soon as partners learn of it.\n"
                .to_owned()
        }
    };
    format!(
        "Market key {to} takes the place of market key {from}, for good.\n\
         The partner id stays, and so do the ledger, all deals and credit.\n\
         {void}\
         Invites that nobody used yet end: make new ones.\n\
         The spare keys used for it are spent; new ones are made.\n"
    )
}

fn failed(ctx: &Ctx, error: &KeyError) -> CliError {
    let what = error.to_string();
    let spare = ctx.typed("key rotate --spare FILE");
    match error {
        KeyError::File(file) if file.is_absent() => CliError::new(Exit::NotFound, "keys", what)
            .next(format!(
                "bring the spare keys back for this, and say where they are: {spare}"
            )),
        KeyError::Open(path) => CliError::new(Exit::Refused, "keys", what)
            .why("keys that others may have copied are not trusted")
            .next(format!("chmod go= {}", plain(&path.display().to_string()))),
        KeyError::File(_)
        | KeyError::Text { .. }
        | KeyError::Other { .. }
        | KeyError::NotCommitted { .. }
        | KeyError::Identity { .. }
        | KeyError::Entropy(_) => CliError::new(Exit::Invalid, "keys", what)
            .next(format!("take the newest file of spare keys: {spare}")),
    }
}
