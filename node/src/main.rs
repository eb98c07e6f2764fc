//! The binary `omni`: hands the command line to [`omni_node::cli`] and does no work of its own.
//!
//! It is the one place that knows both the commands and the daemon, so that no command can
//! reach past the local API into a running node.

use std::process::ExitCode;

fn main() -> ExitCode {
    omni_node::cli::main(omni_node::daemon::run)
}
