//! `omni man`: the manual pages.

use clap::Args;
use serde::Serialize;

use super::exit::{self, Exit};
use super::outcome::{CliError, Outcome, Report};
use super::plain::plain;

/// Print a manual page
///
/// To read one: omni man config set | man -l -
#[derive(Debug, Args)]
#[command(after_help = exit::help(&[Exit::NotFound]))]
pub(super) struct ManArgs {
    /// The command, such as config set; without one, the page of omni itself
    command: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ManReport {
    page: String,
    roff: String,
}

impl Report for ManReport {
    const SCHEMA: &'static str = "omni.man/1";

    fn text(&self) -> String {
        self.roff.clone()
    }
}

pub(super) fn run(args: &ManArgs) -> Result<Outcome, CliError> {
    let mut root = super::command();
    root.build();
    let mut command = &root;
    let mut page = String::from("omni");
    for word in &args.command {
        command = command.find_subcommand(word).ok_or_else(|| {
            let words = plain(&args.command.join(" "));
            let what = format!("there is no command omni {words}");
            CliError::new(Exit::NotFound, "unknown-command", what).next("see all with omni --help")
        })?;
        page.push('-');
        page.push_str(word);
    }
    let mut roff = Vec::new();
    let man = clap_mangen::Man::new(command.clone()).title(page.clone());
    man.render(&mut roff).map_err(|e| {
        CliError::new(
            Exit::Failure,
            "system",
            format!("the page can't be made: {e}"),
        )
    })?;
    Ok(Outcome::of(&ManReport {
        page,
        roff: String::from_utf8_lossy(&roff).into_owned(),
    }))
}
