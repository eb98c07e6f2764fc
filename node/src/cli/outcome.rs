//! What a command ends with, and the one place that prints it: for people, or as one JSON
//! document for programs. What the commands do is kept out.

use clap::error::ErrorKind;
use serde::Serialize;

use super::exit::Exit;
use super::plain::plain;
use crate::client::ClientError;
use crate::config::ConfigError;
use crate::config::setting::SETTINGS;
use crate::home::{HomeError, InUse};

/// What a command says of itself when it has done its work.
pub(super) trait Report: Serialize {
    /// Name and version of its JSON document, such as `omni.status/1`. A new version is a new
    /// number; fields may be added without one.
    const SCHEMA: &'static str;

    /// The same for people, ending with a line feed.
    fn text(&self) -> String;
}

/// A command's good end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    text: String,
    json: String,
    exit: Exit,
}

impl Outcome {
    pub(super) fn of<R: Report>(report: &R) -> Self {
        Self {
            text: report.text(),
            json: document(R::SCHEMA, report),
            exit: Exit::Ok,
        }
    }

    /// The same outcome with an exit code that says what is wrong in it.
    pub(super) fn ending(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// A text that has no parts for programs, such as the help.
    pub(super) fn text(text: String) -> Self {
        #[derive(Serialize)]
        struct Text<'a> {
            text: &'a str,
        }
        let json = document("omni.text/1", &Text { text: &text });
        Self {
            text,
            json,
            exit: Exit::Ok,
        }
    }

    /// Nothing more to say, since the command printed while it worked.
    pub(super) fn silent() -> Self {
        Self {
            text: String::new(),
            json: String::new(),
            exit: Exit::Ok,
        }
    }
}

/// One line of JSON with the name of its form in front.
fn document<T: Serialize>(schema: &str, content: &T) -> String {
    #[derive(Serialize)]
    struct Document<'a, T> {
        schema: &'a str,
        #[serde(flatten)]
        content: &'a T,
    }
    match serde_json::to_string(&Document { schema, content }) {
        Ok(line) => line + "\n",
        // Reports are plain structs, so this shows a mistake in one of them.
        Err(e) => format!(
            "{{\"schema\":\"omni.error/1\",\"what\":{:?}}}\n",
            e.to_string()
        ),
    }
}

/// A command's bad end: what is the matter, why, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliError {
    exit: Exit,
    code: String,
    what: String,
    why: Option<String>,
    next: Option<String>,
}

impl CliError {
    /// `code` is stable, for programs; `what` is a clause without a full stop.
    pub(super) fn new(exit: Exit, code: &str, what: impl Into<String>) -> Self {
        Self {
            exit,
            code: code.to_owned(),
            what: what.into(),
            why: None,
            next: None,
        }
    }

    pub(super) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    pub(super) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// The same error as the end of something longer, of which `what` tells.
    pub(super) fn after(self, what: &str) -> Self {
        let why = match &self.why {
            Some(why) => format!("{}: {why}", self.what),
            None => self.what,
        };
        let next = "run the same command again: what stands is not published twice";
        let next = match &self.next {
            Some(first) => format!("{first}\n{next}"),
            None => next.to_owned(),
        };
        Self {
            exit: self.exit,
            code: self.code,
            what: what.trim_end_matches('.').to_owned(),
            why: Some(why),
            next: Some(next),
        }
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// A command line that can't be read. The parser's own words tell what is wrong and what
    /// would be right.
    pub(super) fn usage(e: &clap::Error) -> Self {
        let text = e.render().to_string();
        if e.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            return Self::new(Exit::Usage, "usage", "a command is missing").next(text.trim());
        }
        let text = text.strip_prefix("error: ").unwrap_or(&text).trim();
        let (what, next) = text.split_once("\n\n").unwrap_or((text, "try --help"));
        let mut next: Vec<_> = next.lines().map(str::trim).collect();
        next.retain(|line| !line.is_empty());
        if is_far_fetched(e) {
            // The usage has what is suggested too.
            next.retain(|line| !line.starts_with("tip: a similar") && !line.starts_with("Usage:"));
        }
        Self::new(Exit::Usage, "usage", what).next(next.join("\n"))
    }

    /// What is the matter and why as one clause, and what to do.
    pub(super) fn clauses(self) -> (String, String) {
        let what = match self.why {
            Some(why) => format!("{}: {why}", self.what),
            None => self.what,
        };
        (
            what,
            self.next
                .unwrap_or_else(|| "look at the node's log".to_owned()),
        )
    }

    fn text(&self) -> String {
        let mut text = format!("error: {}", self.what);
        for (label, part) in [("why", &self.why), ("next", &self.next)] {
            if let Some(part) = part {
                let indented = part
                    .replace('\n', "\n        ")
                    .replace("\n        \n", "\n\n");
                text.push_str(&format!("\n  {label:<5} {indented}"));
            }
        }
        text.push('\n');
        text
    }

    fn json(&self) -> String {
        #[derive(Serialize)]
        struct Error<'a> {
            exit: u8,
            code: &'a str,
            what: &'a str,
            why: Option<&'a str>,
            next: Option<&'a str>,
        }
        let error = Error {
            exit: self.exit.number(),
            code: &self.code,
            what: &self.what,
            why: self.why.as_deref(),
            next: self.next.as_deref(),
        };
        document("omni.error/1", &error)
    }
}

/// Prints the end of a command. An error is told on stderr, and for programs on stdout as well,
/// where they look for their document.
pub(super) fn print(result: Result<Outcome, CliError>, json: bool) -> Exit {
    match result {
        Ok(outcome) if json => super::to_stdout(&outcome.json).max(outcome.exit),
        Ok(outcome) => super::to_stdout(&outcome.text).max(outcome.exit),
        Err(error) => {
            use std::io::Write as _;
            // When stderr is gone there is nobody left to tell.
            drop(std::io::stderr().write_all(error.text().as_bytes()));
            if json {
                super::to_stdout(&error.json());
            }
            error.exit()
        }
    }
}

/// Tells something that does not stop the command.
pub(super) fn warn(text: &str) {
    use std::io::Write as _;
    // When stderr is gone there is nobody left to tell.
    drop(std::io::stderr().write_all(format!("warning: {text}\n").as_bytes()));
}

/// Lines of a label and a value, the values under one another.
pub(super) fn pairs(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(label, _)| label.len()).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for (label, value) in pairs {
        text.push_str(&format!("{label:<width$}  {}\n", plain(value)));
    }
    text
}

/// Whether the parser suggests what nobody would have meant: it calls `--json` similar to `--reason`.
fn is_far_fetched(e: &clap::Error) -> bool {
    use clap::error::{ContextKind, ContextValue};
    let text = |kind| match e.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(_) | None => Vec::new(),
    };
    let pairs = [
        (ContextKind::InvalidArg, ContextKind::SuggestedArg),
        (
            ContextKind::InvalidSubcommand,
            ContextKind::SuggestedSubcommand,
        ),
    ];
    pairs.into_iter().any(|(typed, meant)| {
        let (typed, meant) = (text(typed), text(meant));
        let typed = typed.first();
        let is_near = |meant: &String| typed.is_some_and(|typed| is_near(typed, meant));
        !meant.is_empty() && !meant.iter().any(is_near)
    })
}

/// Whether few slips lead from one word to the other: one letter in three wrong, left out or too much.
fn is_near(typed: &str, meant: &str) -> bool {
    let meant: Vec<char> = meant.trim_start_matches('-').chars().collect();
    let typed = typed.trim_start_matches('-');
    // How many slips lead from what was read of `typed` to each beginning of `meant`.
    let mut slips: Vec<usize> = (0..=meant.len()).collect();
    for (read, c) in (1..).zip(typed.chars()) {
        let mut row: Vec<usize> = vec![read];
        for (n, (m, pair)) in meant.iter().zip(slips.windows(2)).enumerate() {
            let (Some(&left), &[above_left, above]) = (row.get(n), pair) else {
                return false;
            };
            let replaced = above_left.saturating_add(usize::from(*m != c));
            row.push(
                replaced
                    .min(above.saturating_add(1))
                    .min(left.saturating_add(1)),
            );
        }
        slips = row;
    }
    let most = (typed.chars().count() / 3).max(1);
    slips.last().is_some_and(|slips| *slips <= most)
}

impl From<ConfigError> for CliError {
    fn from(e: ConfigError) -> Self {
        let what = e.to_string();
        match e {
            ConfigError::Syntax { .. } => Self::new(Exit::Invalid, "broken-config", what)
                .next("mend that line; texts stand in quotes, lists in [ ]"),
            ConfigError::Unknown { .. } => Self::new(Exit::Invalid, "unknown-setting", what)
                .next(format!("remove or mend it; there are {}", all_settings())),
            ConfigError::Invalid {
                key,
                value,
                origin,
                reason,
            } => {
                let what = format!("{key} can't be {}", plain(&value));
                Self::new(Exit::Invalid, "invalid-setting", what)
                    .why(reason)
                    .next(format!("change it where it stands: {origin}"))
            }
            ConfigError::File(_) => Self::new(Exit::Failure, "file", what)
                .next("look at the file's owner and its rights"),
        }
    }
}

fn all_settings() -> String {
    let keys: Vec<_> = SETTINGS.iter().map(|setting| setting.key).collect();
    keys.join(", ")
}

impl super::Ctx {
    /// An error of the home, with the command to type.
    pub(super) fn home_error(&self, e: HomeError) -> CliError {
        let what = e.to_string();
        match e {
            HomeError::Missing(home) => {
                let error = CliError::new(Exit::NotFound, "no-home", what);
                let error = match std::fs::exists(home) {
                    Ok(true) => error.why("the folder is there, but omni init did not make it"),
                    Ok(false) | Err(_) => error,
                };
                let init = self.typed("init --name \"Your firm\"");
                error.next(format!(
                    "make one: {init}\nor name another with --home or OMNI_HOME"
                ))
            }
            HomeError::Exists(_) => CliError::new(Exit::Refused, "home-exists", what)
                .why("its keys are the partner, and nothing overwrites them")
                .next("use it as it is, or name another folder with --home"),
            HomeError::Occupied(_) => CliError::new(Exit::Refused, "folder-in-use", what)
                .next("name a folder that is empty or not there yet, with --home"),
            HomeError::Busy { pid, .. } => {
                let error = CliError::new(Exit::Refused, "already-running", what);
                let error = match pid {
                    Some(pid) => error.why(format!("process {pid} holds its lock")),
                    None => error,
                };
                let (status, down) = (self.typed("status"), self.typed("down"));
                error.next(format!("look at it: {status}\nor stop it: {down}"))
            }
            HomeError::NoFolder | HomeError::File(_) => CliError::new(Exit::Failure, "file", what)
                .next("look at the folder's owner, its rights and the space left"),
        }
    }

    /// What the node answered, as the outcome of a command.
    pub(super) fn report<R: Report>(
        &self,
        answer: Result<R, ClientError>,
    ) -> Result<Outcome, CliError> {
        answer
            .map(|report| Outcome::of(&report))
            .map_err(|e| self.asked(e))
    }

    /// An error of the way to the daemon, with the command to type.
    pub(super) fn asked(&self, e: ClientError) -> CliError {
        let what = e.to_string();
        match e {
            ClientError::Home(e) => self.home_error(e),
            ClientError::Unreachable { why, in_use, .. } => {
                let error = CliError::new(Exit::Unreachable, "unreachable", what).why(why);
                match in_use {
                    InUse::No => error.next(format!("start it: {}", self.typed("up"))),
                    InUse::Yes => error.next(format!(
                        "it is starting or ending; wait for it: {}",
                        self.typed("wait --ready")
                    )),
                }
            }
            ClientError::Token(e) => CliError::new(
                Exit::Failure,
                "token",
                "the API's token can't be used",
            )
            .why(e.to_string())
            .next(format!(
                "let only yourself read it (chmod 600), or remove it and start the node again: {}",
                self.typed("up")
            )),
            ClientError::TimedOut(_) => CliError::new(Exit::TimedOut, "timed-out", what)
                .next("ask again; if it stays so, look at the node's log"),
            ClientError::Refused(problem) => self.refused(&problem),
            ClientError::Strange(_) => CliError::new(Exit::Failure, "strange-answer", what)
                .why("the node may be of another version than this program")
                .next(format!(
                    "stop it and start it again: {}",
                    self.typed("down")
                )),
            ClientError::System(_) => CliError::new(Exit::Failure, "system", what),
        }
    }

    /// A refusal of the API: its status says which exit code, its code stays as it is.
    fn refused(&self, problem: &crate::view::ProblemView) -> CliError {
        let exit = match problem.status {
            400 | 413 | 415 | 422 => Exit::Invalid,
            404 => Exit::NotFound,
            401 | 403 | 409 | 503 => Exit::Refused,
            408 | 504 => Exit::TimedOut,
            _ => Exit::Failure,
        };
        let clause = |text: &str| plain(text.trim_end_matches('.'));
        let error = CliError::new(exit, &plain(&problem.code), clause(&problem.title));
        let error = error.why(clause(&problem.detail));
        match &problem.next {
            // The node knows the commands, and this command line knows of which home.
            Some(next) => {
                let lines = next.lines().map(|line| self.advice(&plain(line)));
                error.next(lines.collect::<Vec<_>>().join("\n"))
            }
            None => error,
        }
    }

    /// A line of advice that ends in a command, with the home that the command is for. What
    /// stands before the command may quote anything.
    fn advice(&self, line: &str) -> String {
        let (words, command) = match line.rsplit_once(": omni ") {
            Some((words, command)) => (format!("{words}: "), Some(command)),
            None => (String::new(), line.strip_prefix("omni ")),
        };
        match command {
            Some(command) => words + &self.typed(command),
            None => line.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn only_slips_of_the_hand_are_near() {
        for (typed, meant, near) in [
            ("--jsn", "--json", true),
            ("--jsom", "--json", true),
            ("serach", "search", true),
            ("--limt", "--limit", true),
            ("offers", "offer", true),
            ("--reason", "--json", false),
            ("stop", "stock", false),
            ("x", "deal", false),
            ("", "up", false),
        ] {
            assert_eq!(is_near(typed, meant), near, "{typed} {meant}");
        }
    }
}
