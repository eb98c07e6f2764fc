//! `omni completions`: the script with which a shell completes commands.

use clap::Args;
use clap_complete::Shell;
use serde::Serialize;

use super::exit;
use super::outcome::{Outcome, Report};

/// Print the completion script of a shell
///
/// For bash: omni completions bash > ~/.local/share/bash-completion/completions/omni
#[derive(Debug, Args)]
#[command(after_help = exit::help(&[]))]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

#[derive(Debug, Serialize)]
struct CompletionsReport {
    shell: String,
    script: String,
}

impl Report for CompletionsReport {
    const SCHEMA: &'static str = "omni.completions/1";

    fn text(&self) -> String {
        self.script.clone()
    }
}

pub(super) fn run(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "omni", &mut script);
    Outcome::of(&CompletionsReport {
        shell: args.shell.to_string(),
        script: String::from_utf8_lossy(&script).into_owned(),
    })
}
