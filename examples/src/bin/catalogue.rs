//! Writes the catalogues of the example market: `cargo run -p omni-examples --bin catalogue -- --out examples/catalogues`.

use std::{fs, io, path::PathBuf, process::ExitCode};

use clap::Parser;
use omni_examples::catalogue::{DEFAULT_SEED, Role};

/// Write the catalogues of the example market.
#[derive(Debug, Parser)]
struct Cli {
    /// Another seed gives other articles, prices and stocks.
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,
    /// Only this partner's: retailer, maker, wholesaler, carrier or installer.
    #[arg(long)]
    role: Option<Role>,
    /// The folder to write into; made if it is not there.
    #[arg(long, default_value = "examples/catalogues")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match write(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            // Nothing more can be done where not even this can be said.
            drop(io::Write::write_all(
                &mut io::stderr(),
                format!("catalogue: {e}\n").as_bytes(),
            ));
            ExitCode::FAILURE
        }
    }
}

fn write(cli: &Cli) -> io::Result<()> {
    fs::create_dir_all(&cli.out)?;
    for role in Role::ALL {
        if cli.role.is_none_or(|wanted| wanted == role) {
            fs::write(cli.out.join(role.file()), role.bytes(cli.seed)?)?;
        }
    }
    Ok(())
}
