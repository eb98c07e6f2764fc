//! `omni up`: runs the node.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::Ctx;
use super::exit::{self, Exit};
use super::outcome::{self, CliError, Outcome, Report, pairs};
use super::plain::{plain, quoted};
use crate::config::layers::unknown_variables;
use crate::config::{ConfigError, Layers, Value};
use crate::home::endpoint::Endpoint;
use crate::launch::{Launch, LaunchError};

const EXITS: &[Exit] = &[Exit::NotFound, Exit::Refused, Exit::Invalid];

/// Run the node, in the foreground
///
/// It runs until Ctrl-C, SIGTERM or `omni down`, and logs to stderr. One node runs in one home.
/// Says on stdout when it is ready; with --json that is the one document.
#[derive(Debug, Args)]
#[command(after_help = exit::help(EXITS))]
pub(super) struct UpArgs {
    /// What to log, such as debug or info,libp2p=warn (setting log.filter)
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// Where the local API listens, on loopback (setting api.http)
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<String>,
    /// Where to listen for other nodes; may be given several times (setting net.listen)
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
}

#[derive(Debug, Serialize)]
struct UpReport {
    home: PathBuf,
    pid: u32,
    socket: PathBuf,
    http: String,
    version: String,
}

impl Report for UpReport {
    const SCHEMA: &'static str = "omni.up/1";

    fn text(&self) -> String {
        pairs(&[
            ("ready", self.home.display().to_string()),
            ("api", format!("http://{}/v1/", self.http)),
            ("stop", "Ctrl-C, or omni down".to_owned()),
        ])
    }
}

impl UpArgs {
    fn lay(self, layers: &mut Layers) -> Result<(), ConfigError> {
        if let Some(filter) = self.log {
            layers.lay_flag("log.filter", Value::Text(filter), "--log")?;
        }
        if let Some(http) = self.http {
            layers.lay_flag("api.http", Value::Text(http), "--http")?;
        }
        if !self.listen.is_empty() {
            layers.lay_flag("net.listen", Value::List(self.listen), "--listen")?;
        }
        Ok(())
    }
}

pub(super) fn run(ctx: &Ctx, args: UpArgs) -> Result<Outcome, CliError> {
    ctx.home.existing().map_err(|e| ctx.home_error(e))?;
    let mut layers = ctx.layers()?;
    args.lay(&mut layers)?;
    warn_of_variables(ctx);
    let (root, json) = (ctx.home.root().to_owned(), ctx.json);
    let ready = move |endpoint: &Endpoint| {
        let report = Outcome::of(&UpReport {
            home: root,
            pid: endpoint.pid,
            socket: endpoint.socket.clone(),
            http: endpoint.http.to_string(),
            version: endpoint.version.clone(),
        });
        outcome::print(Ok(report), json);
    };
    let launch = Launch {
        config: layers.config()?,
        home: ctx.home.clone(),
        env: ctx.env.clone(),
        ready: Box::new(ready),
    };
    (ctx.daemon)(launch).map_err(|e| launch_error(ctx, e))?;
    Ok(Outcome::silent())
}

fn warn_of_variables(ctx: &Ctx) {
    for name in unknown_variables(&ctx.env) {
        outcome::warn(&format!(
            "the variable {} is no setting and does nothing",
            plain(&name)
        ));
    }
}

fn launch_error(ctx: &Ctx, e: LaunchError) -> CliError {
    let what = e.to_string();
    let failed = |code| CliError::new(Exit::Failure, code, what.clone());
    match e {
        LaunchError::Home(e) => ctx.home_error(e),
        LaunchError::Keys(e) => match e.open_path() {
            Some(path) => failed("keys")
                .why("the node does not trust keys that others may have copied")
                .next(format!("chmod go= {}", quoted(path))),
            None => CliError::new(Exit::Invalid, "keys", what)
                .why("without its keys a node can't speak for its partner")
                .next("put the right file there from your backup"),
        },
        LaunchError::Token(_) => failed("token")
            .next("let only yourself read it (chmod 600), or remove it: the node makes a new one"),
        LaunchError::Socket(_) => {
            failed("socket").next("set XDG_RUNTIME_DIR or TMPDIR to a short folder of your own")
        }
        LaunchError::Api(_) => failed("api")
            .next("choose another address with --http, or omni config set api.http 127.0.0.1:0"),
        LaunchError::Ledger(_) => {
            failed("ledger").why("a node must not go on with a ledger that it can't rely on")
        }
        LaunchError::Net(_) => failed("net")
            .next("choose other addresses with --listen, or omni config set net.listen …"),
        LaunchError::Endpoint(_) => {
            failed("file").next("look at the home's owner, its rights and the space left")
        }
        LaunchError::System(_) => failed("system"),
    }
}
