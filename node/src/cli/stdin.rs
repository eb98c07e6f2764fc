//! Texts that are arguments, or come by the standard input where they shall not stand among the
//! arguments of a process. What they say is kept out.

use std::io::Read;

use super::exit::Exit;
use super::outcome::CliError;

/// Far longer than any invite and any question.
const BYTES_MAX: u64 = 64 * 1024;

/// The text of an argument; `-` reads it from the standard input. Without spaces around it.
pub(super) fn or_stdin(argument: &str) -> Result<String, CliError> {
    let mut text = argument.to_owned();
    if argument == "-" {
        text.clear();
        let read = std::io::stdin().take(BYTES_MAX).read_to_string(&mut text);
        read.map_err(|e| {
            let what = "can't read the standard input";
            CliError::new(Exit::Invalid, "stdin", what).why(e.to_string())
        })?;
    }
    Ok(text.trim().to_owned())
}
