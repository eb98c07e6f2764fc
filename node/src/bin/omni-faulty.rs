//! The binary `omni-faulty`: the same program as `omni`, which also obeys the variables by which
//! tests end, stop or break a node at a named place. No partner gets it, and nobody should run it.

use std::process::ExitCode;

fn main() -> ExitCode {
    omni_node::crash::arm_from_environment();
    omni_node::cli::main(omni_node::daemon::run)
}
