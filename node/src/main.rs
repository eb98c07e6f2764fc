//! The binary `omni`: reads the command line and hands it on; it does no work of its own.

use clap::Parser;

/// A node of Omni Market, a market network without a controller.
///
/// Only the ground is laid so far: this program knows its version and its help, and no command.
#[derive(Debug, Parser)]
#[command(
    name = "omni",
    version,
    about,
    long_about,
    arg_required_else_help = true
)]
struct Cli {}

fn main() {
    Cli::parse();
}
