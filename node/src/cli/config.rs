//! `omni config`: shows and changes settings.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::exit::{self, Exit};
use super::outcome::{CliError, Outcome, Report, warn};
use super::{Ctx, plain::plain};
use crate::config::layers::{edit_file, unknown_variables};
use crate::config::{Setting, Value};
use crate::home::InUse;

/// Show and change settings
///
/// A setting comes from a flag, else from the environment (api.http from `OMNI_API_HTTP`), else
/// from config.toml in the home, else from the program. A change counts from the next `omni up`.
#[derive(Debug, Args)]
#[command(after_help = exit::help(&[Exit::NotFound, Exit::Invalid]))]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Show(ShowArgs),
    Get(GetArgs),
    Set(SetArgs),
    Path(PathArgs),
}

/// Show all settings
#[derive(Debug, Args)]
#[command(after_help = exit::help(&[Exit::Invalid]))]
struct ShowArgs {
    /// Also show where each value comes from, and what it means
    #[arg(long)]
    origin: bool,
}

/// Print the value of one setting
#[derive(Debug, Args)]
#[command(after_help = exit::help(&[Exit::NotFound, Exit::Invalid]))]
struct GetArgs {
    /// The setting, such as api.http
    key: String,
}

/// Change one setting in config.toml
#[derive(Debug, Args)]
#[command(after_help = exit::help(&[Exit::NotFound, Exit::Invalid]))]
struct SetArgs {
    /// The setting, such as api.http
    key: String,
    /// Its value; several for a list, none for an empty list
    value: Vec<String>,
}

/// Print where config.toml lies
#[derive(Debug, Args)]
#[command(after_help = exit::help(&[]))]
struct PathArgs {}

#[derive(Debug, Serialize)]
struct SettingView {
    key: &'static str,
    value: Value,
    origin: String,
    about: &'static str,
}

#[derive(Debug, Serialize)]
struct ShowReport {
    settings: Vec<SettingView>,
    #[serde(skip)]
    origin: bool,
}

impl Report for ShowReport {
    const SCHEMA: &'static str = "omni.config.show/1";

    fn text(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for setting in &self.settings {
            let (own, name) = setting.key.split_once('.').unwrap_or(("", setting.key));
            if own != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                text.push_str(&format!("{gap}[{own}]\n"));
                section = own;
            }
            if self.origin {
                let about = setting.about;
                text.push_str(&format!("# {about} ({})\n", plain(&setting.origin)));
            }
            let value = plain(&setting.value.to_string());
            text.push_str(&format!("{name} = {value}\n"));
        }
        text
    }
}

#[derive(Debug, Serialize)]
struct GetReport {
    key: &'static str,
    value: Value,
    origin: String,
}

impl Report for GetReport {
    const SCHEMA: &'static str = "omni.config.get/1";

    fn text(&self) -> String {
        self.value
            .items()
            .fold(String::new(), |text, item| text + &plain(item) + "\n")
    }
}

#[derive(Debug, Serialize)]
struct SetReport {
    key: &'static str,
    value: Value,
    path: PathBuf,
    #[serde(skip)]
    hint: Option<String>,
}

impl Report for SetReport {
    const SCHEMA: &'static str = "omni.config.set/1";

    fn text(&self) -> String {
        let mut text = format!("{} = {}\n", self.key, plain(&self.value.to_string()));
        if let Some(hint) = &self.hint {
            text.push_str(hint);
        }
        text
    }
}

#[derive(Debug, Serialize)]
struct PathReport {
    path: PathBuf,
}

impl Report for PathReport {
    const SCHEMA: &'static str = "omni.config.path/1";

    fn text(&self) -> String {
        format!("{}\n", plain(&self.path.display().to_string()))
    }
}

pub(super) fn run(ctx: &Ctx, args: ConfigArgs) -> Result<Outcome, CliError> {
    match args.verb {
        Verb::Show(args) => show(ctx, &args),
        Verb::Get(args) => get(ctx, &args.key),
        Verb::Set(args) => set(ctx, args),
        Verb::Path(_) => Ok(Outcome::of(&PathReport {
            path: ctx.home.config_file(),
        })),
    }
}

fn show(ctx: &Ctx, args: &ShowArgs) -> Result<Outcome, CliError> {
    for name in unknown_variables(&ctx.env) {
        let name = plain(&name);
        warn(&format!(
            "the variable {name} is no setting and does nothing"
        ));
    }
    let layers = ctx.layers()?;
    let settings = layers.iter().map(|(setting, placed)| SettingView {
        key: setting.key,
        value: placed.value.clone(),
        origin: placed.origin.to_string(),
        about: setting.about,
    });
    Ok(Outcome::of(&ShowReport {
        settings: settings.collect(),
        origin: args.origin,
    }))
}

fn get(ctx: &Ctx, key: &str) -> Result<Outcome, CliError> {
    let layers = ctx.layers()?;
    let found = layers.iter().find(|(setting, _)| setting.key == key);
    let (setting, placed) = found.ok_or_else(|| unknown(key))?;
    Ok(Outcome::of(&GetReport {
        key: setting.key,
        value: placed.value.clone(),
        origin: placed.origin.to_string(),
    }))
}

fn set(ctx: &Ctx, args: SetArgs) -> Result<Outcome, CliError> {
    ctx.home.existing().map_err(|e| ctx.home_error(e))?;
    let setting = Setting::named(&args.key).ok_or_else(|| unknown(&args.key))?;
    let value = match (setting.default(), <[String; 1]>::try_from(args.value)) {
        (Value::Text(_), Ok([text])) => Value::Text(text),
        (Value::List(_), Ok([item])) => Value::List(vec![item]),
        (Value::List(_), Err(items)) => Value::List(items),
        (Value::Text(_), Err(items)) => {
            let what = format!(
                "{} takes one value, and {} were given",
                setting.key,
                items.len()
            );
            return Err(CliError::new(Exit::Invalid, "invalid-setting", what)
                .next("put a value with spaces into quotes; \"\" is the empty one"));
        }
    };
    if let Err(reason) = setting.check(&value) {
        let what = format!("{} can't be {}", setting.key, plain(&value.to_string()));
        return Err(CliError::new(Exit::Invalid, "invalid-setting", what)
            .why(reason)
            .next("nothing was changed; say it again with another value"));
    }
    edit_file(&ctx.home, &[(setting, value.clone())])?;
    let variable = setting.variable();
    let hint = if ctx.env.value(&variable).is_some() {
        Some(format!(
            "note: the variable {variable} still overrides it.\n"
        ))
    } else {
        match ctx.home.in_use() {
            InUse::Yes => Some("note: the running node takes it at its next start.\n".to_owned()),
            InUse::No => None,
        }
    };
    Ok(Outcome::of(&SetReport {
        key: setting.key,
        value,
        path: ctx.home.config_file(),
        hint,
    }))
}

fn unknown(key: &str) -> CliError {
    let what = format!("there is no setting {}", plain(key));
    CliError::new(Exit::NotFound, "unknown-setting", what).next("see all with omni config show")
}
