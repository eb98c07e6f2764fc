//! `omni init`: makes a home.

use std::path::PathBuf;

use clap::Args;
use omni_protocol::hash::NetworkName;
use serde::Serialize;

use super::exit::{self, Exit};
use super::outcome::{CliError, Outcome, Report, pairs};
use super::{Ctx, plain::plain};
use crate::config::{Role, Setting, Value};
use crate::offline::init::{self, InitError};

const EXITS: &[Exit] = &[Exit::Refused, Exit::Invalid];

/// Make a home: keys, identity and settings of a new partner
///
/// The partner id comes from the keys made here and is bound to the network. Nothing is sent
/// anywhere. A home that exists is never touched.
#[derive(Debug, Args)]
#[command(after_help = exit::help(EXITS))]
pub(super) struct InitArgs {
    /// The name under which other partners see this one
    #[arg(long)]
    name: Option<String>,
    /// The network to trade in, for good; a test market has one of its own
    #[arg(long, value_name = "NETWORK", default_value = "main")]
    network: String,
    /// The partner's country, ISO 3166-1 alpha-2, such as NL
    #[arg(long, value_name = "CC")]
    country: Option<String>,
    /// What the partner does; may be given several times
    #[arg(long, value_enum)]
    role: Vec<Role>,
    /// Where to listen for other nodes, as a multiaddr; may be given several times [default: a
    /// free port of its own on all interfaces]
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
}

#[derive(Debug, Serialize)]
struct InitReport {
    home: PathBuf,
    partner: String,
    name: Option<String>,
    network: String,
    listen: Vec<String>,
    spare_keys: PathBuf,
    #[serde(skip)]
    up: String,
    #[serde(skip)]
    name_it: String,
}

impl Report for InitReport {
    const SCHEMA: &'static str = "omni.init/1";

    fn text(&self) -> String {
        let name = self.name.as_deref().unwrap_or("(none yet)");
        let mut text = pairs(&[
            ("home", self.home.display().to_string()),
            ("partner", self.partner.clone()),
            ("name", name.to_owned()),
            ("network", self.network.clone()),
            ("listens", self.listen.join("  ")),
        ]);
        let spare = plain(&self.spare_keys.display().to_string());
        text.push_str(&format!(
            "\nNext:\n  \
             1. Move this file away from this machine, to where you keep what must not be lost\n     \
             or stolen. With it you take the partner back if this machine is stolen:\n       \
             {spare}\n  \
             2. Start the node:\n       {}\n",
            self.up
        ));
        if self.name.is_none() {
            text.push_str(&format!(
                "  3. Name the partner:\n       {}\n",
                self.name_it
            ));
        }
        text
    }
}

pub(super) fn run(ctx: &Ctx, args: InitArgs) -> Result<Outcome, CliError> {
    let network = NetworkName::new(&args.network).map_err(|e| {
        let what = format!("a network can't be named {}", plain(&args.network));
        CliError::new(Exit::Invalid, "invalid-network", what)
            .why(e.to_string())
            .next("choose 1 to 32 of the characters a-z 0-9 -")
    })?;
    let mut settings = Vec::new();
    let mut set = |key, value: Option<Value>| {
        settings.extend(Setting::named(key).zip(value));
    };
    let list = |items: Vec<String>| (!items.is_empty()).then_some(Value::List(items));
    let roles = args.role.iter().map(|role| role.word().to_owned());
    set("partner.name", args.name.clone().map(Value::Text));
    set("partner.country", args.country.map(Value::Text));
    set("partner.roles", list(roles.collect()));
    set("net.listen", list(args.listen));
    let made = init::make(&ctx.home, network, settings).map_err(|e| match e {
        InitError::Home(e) => ctx.home_error(e),
        // The file is not written yet, so its name and line would lead astray.
        InitError::Config(crate::config::ConfigError::Invalid {
            key, value, reason, ..
        }) => {
            let what = format!("{key} can't be {}", plain(&value));
            CliError::new(Exit::Invalid, "invalid-setting", what)
                .why(reason)
                .next("nothing was made; say it again with another value")
        }
        InitError::Config(e) => e.into(),
        InitError::Keys(e) => CliError::new(Exit::Failure, "keys", e.to_string()),
        InitError::Ledger(e) => CliError::new(Exit::Failure, "ledger", e.to_string())
            .next("nothing was made; look at the folder's rights and the space left"),
    })?;
    Ok(Outcome::of(&InitReport {
        home: ctx.home.root().to_owned(),
        partner: made.identity.partner().to_string(),
        name: args.name,
        network: made.identity.network().to_string(),
        listen: made.listen,
        spare_keys: made.spare,
        up: ctx.typed("up"),
        name_it: ctx.typed("config set partner.name \"Your firm\""),
    }))
}
