//! The exit codes: what a script may rely on. Which error has which code is kept out.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// It failed for a reason that has no code of its own.
    Failure = 1,
    /// The command line is wrong.
    Usage = 2,
    /// No node answers.
    Unreachable = 3,
    /// What was named does not exist.
    NotFound = 4,
    /// The node, its operator's policy or a partner said no.
    Refused = 5,
    /// A file or a value is not what it should be.
    Invalid = 6,
    /// It took longer than allowed.
    TimedOut = 7,
}

impl Exit {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Failure,
        Self::Usage,
        Self::Unreachable,
        Self::NotFound,
        Self::Refused,
        Self::Invalid,
        Self::TimedOut,
    ];

    /// The number.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// What it means, in the help of a command.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done",
            Self::Failure => "failed",
            Self::Usage => "wrong command line",
            Self::Unreachable => "no node answers",
            Self::NotFound => "not found",
            Self::Refused => "refused",
            Self::Invalid => "a file or value is not valid",
            Self::TimedOut => "took too long",
        }
    }
}

/// What a command that asks the node can end with besides 0, 1 and 2.
pub(super) const OF_NODE: &[Exit] = &[
    Exit::Unreachable,
    Exit::NotFound,
    Exit::Refused,
    Exit::Invalid,
    Exit::TimedOut,
];

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// The lines about exit codes under a command's help. Every command can end with 0, 1 and 2.
#[must_use]
pub(super) fn help(more: &[Exit]) -> String {
    let always = [Exit::Ok, Exit::Failure, Exit::Usage];
    let exits = Exit::ALL
        .iter()
        .filter(|exit| always.contains(exit) || more.contains(exit));
    let mut text = String::from("Exit codes:");
    for exit in exits {
        text.push_str(&format!("\n  {}  {}", exit.number(), exit.meaning()));
    }
    text
}
