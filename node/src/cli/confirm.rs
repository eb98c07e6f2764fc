//! Asking before something binds. What binds, and to what, its command says.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use super::Ctx;
use super::exit::Exit;
use super::outcome::CliError;
use super::plain::{plain, quoted};

/// Shows what a command would bind to, and goes on only with `--yes` or a typed yes.
pub(super) fn confirm(ctx: &Ctx, yes: bool, what: &str) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    let text: String = what.lines().map(|line| plain(line) + "\n").collect();
    let (mut stderr, stdin) = (std::io::stderr(), std::io::stdin());
    if ctx.json || !stdin.is_terminal() || !stderr.is_terminal() {
        let error = CliError::new(
            Exit::Refused,
            "needs-yes",
            "this binds, and nobody said yes",
        );
        // The very words, since a flag that is left out would mean something else.
        let typed = std::env::args_os().skip(1);
        let typed: Vec<_> = typed.map(|arg| quoted(Path::new(&arg))).collect();
        let next = format!("to do it: omni {} --yes", plain(&typed.join(" ")));
        return Err(error.why(text.trim_end().to_owned()).next(next));
    }
    // When stderr is gone there is nobody left to ask, and the answer stays empty.
    drop(stderr.write_all(format!("{text}Type yes to do it: ").as_bytes()));
    let mut answer = String::new();
    let read = stdin.lock().read_line(&mut answer);
    if read.is_ok() && answer.trim() == "yes" {
        return Ok(());
    }
    Err(CliError::new(
        Exit::Refused,
        "not-confirmed",
        "not done: the answer was not yes",
    ))
}
