//! The command line: reads it, runs one command, and prints one outcome. What a command asks of a
//! running node goes through [`crate::client`] and no other way.

pub mod exit;
pub mod outcome;
mod plain;

mod address;
mod bundle;
mod completions;
mod config;
mod confirm;
mod deal;
mod doctor;
mod down;
mod events;
mod import;
mod init;
mod key;
mod ledger;
mod man;
mod money;
mod number;
mod offer;
mod order;
mod pages;
mod peer;
mod policy;
mod ship_to;
mod sources;
mod status;
mod stdin;
mod stock;
mod table;
mod up;
mod wait;
mod when;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use self::exit::Exit;
use self::outcome::{CliError, Outcome};
use crate::client::Client;
use crate::config::Layers;
use crate::home::{Environment, Home};
use crate::launch::Daemon;

/// A node of Omni Market, a market network without a controller.
///
/// One node is one partner's presence in the market: `omni init` makes its home, `omni up` runs
/// it, and every other command asks the running node. Without a command, `omni` shows its status.
#[derive(Debug, Parser)]
#[command(name = "omni", version, max_term_width = 100)]
#[command(after_help = exit::help(&Exit::ALL))]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Args)]
struct Global {
    /// The folder of the node; else `OMNI_HOME`, else omni in the user's data folder
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    home: Option<PathBuf>,
    /// Print one JSON document for programs, also for errors
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::InitArgs),
    Up(up::UpArgs),
    #[command(alias = "stop")]
    Down(down::DownArgs),
    Status(status::StatusArgs),
    Wait(wait::WaitArgs),
    Import(import::ImportArgs),
    Offer(offer::OfferArgs),
    Stock(stock::StockArgs),
    Deal(Box<deal::DealArgs>),
    Bundle(bundle::BundleArgs),
    Policy(policy::PolicyArgs),
    Order(Box<order::OrderArgs>),
    Ledger(ledger::LedgerArgs),
    Key(key::KeyArgs),
    Doctor(doctor::DoctorArgs),
    Config(config::ConfigArgs),
    Peer(peer::PeerArgs),
    Events(events::EventsArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// What a command runs with.
#[derive(Debug)]
struct Ctx {
    home: Home,
    /// Whether the home was named by a flag, which then belongs into every command to type.
    home_flag: Option<PathBuf>,
    env: Environment,
    json: bool,
    daemon: Daemon,
}

impl Ctx {
    fn new(global: Global, daemon: Daemon) -> Result<Self, CliError> {
        let env = Environment::of_process();
        let home = Home::locate(global.home.as_deref(), &env).map_err(|e| {
            CliError::new(Exit::Failure, "no-folder", e.to_string())
                .next("name one: omni --home DIR …, or set OMNI_HOME")
        })?;
        Ok(Self {
            home,
            home_flag: global.home,
            env,
            json: global.json,
            daemon,
        })
    }

    /// A command for the user to type, such as `omni up`, that means this very home.
    fn typed(&self, command: &str) -> String {
        match &self.home_flag {
            Some(home) => format!("omni --home {} {command}", plain::quoted(home)),
            None => format!("omni {command}"),
        }
    }

    /// The way to the daemon.
    fn client(&self) -> Result<Client, CliError> {
        Client::find(&self.home).map_err(|e| self.asked(e))
    }

    /// The settings without flags.
    fn layers(&self) -> Result<Layers, CliError> {
        Layers::read(&self.home, &self.env).map_err(CliError::from)
    }
}

/// All commands with their flags and help, for completions, manual pages and tests.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the process's command line. `daemon` is what `omni up` runs.
#[must_use]
pub fn main(daemon: Daemon) -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    // Also where the line can't be parsed, a program wants its document.
    let json = args
        .iter()
        .take_while(|&arg| arg != "--")
        .any(|arg| arg == "--json");
    let parsed = command()
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let result = match parsed {
        Ok(cli) => run(cli, daemon),
        Err(e) if matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            Ok(Outcome::text(e.render().to_string()))
        }
        Err(e) => Err(CliError::usage(&e)),
    };
    outcome::print(result, json).into()
}

fn run(cli: Cli, daemon: Daemon) -> Result<Outcome, CliError> {
    let ctx = || Ctx::new(cli.global, daemon);
    match cli.command {
        Some(Command::Init(args)) => init::run(&ctx()?, args),
        Some(Command::Up(args)) => up::run(&ctx()?, args),
        Some(Command::Down(args)) => down::run(&ctx()?, &args),
        Some(Command::Status(_)) | None => status::run(&ctx()?),
        Some(Command::Wait(args)) => wait::run(&ctx()?, &args),
        Some(Command::Import(args)) => import::run(&ctx()?, &args),
        Some(Command::Offer(args)) => offer::run(&ctx()?, &args),
        Some(Command::Stock(args)) => stock::run(&ctx()?, &args),
        Some(Command::Deal(args)) => deal::run(&ctx()?, &args),
        Some(Command::Bundle(args)) => bundle::run(&ctx()?, &args),
        Some(Command::Policy(args)) => policy::run(&ctx()?, &args),
        Some(Command::Order(args)) => order::run(&ctx()?, &args),
        Some(Command::Ledger(args)) => ledger::run(&ctx()?, &args),
        Some(Command::Key(args)) => key::run(&ctx()?, args),
        Some(Command::Doctor(args)) => doctor::run(&ctx()?, &args),
        Some(Command::Config(args)) => config::run(&ctx()?, args),
        Some(Command::Peer(args)) => peer::run(&ctx()?, args),
        Some(Command::Events(args)) => events::run(&ctx()?, &args),
        // These two have nothing to do with any home.
        Some(Command::Completions(args)) => Ok(completions::run(&args)),
        Some(Command::Man(args)) => man::run(&args),
    }
}

/// Writes a part of a stream to stdout; breaks when nobody reads any more.
fn to_stdout_or_end(text: &str) -> std::ops::ControlFlow<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => std::ops::ControlFlow::Continue(()),
        Err(_) => std::ops::ControlFlow::Break(()),
    }
}

/// Writes to stdout. A reader that went away, as `head` does, is no failure.
fn to_stdout(text: &str) -> Exit {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Exit::Failure,
        Ok(()) | Err(_) => Exit::Ok,
    }
}
