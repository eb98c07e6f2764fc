//! All figures in one table, each a share of a floor measured in the same run. What is measured
//! stands in the modules.

mod agreements;
mod bundles;
mod catalogue;
mod daemon;
mod homes;
mod receiving;
mod spreading;
mod visible;

use std::process::ExitCode;

use omni_tests::ratio::{Ratio, report};
use tokio::runtime::{Builder, Runtime};

/// A group of figures by its name on the command line.
type Group = (&'static str, fn(&Runtime) -> Vec<Ratio>);

const GROUPS: [Group; 6] = [
    ("agreements", agreements::measure),
    ("bundles", bundles::measure),
    ("receiving", receiving::measure),
    ("spreading", spreading::measure),
    ("visible", visible::measure),
    ("homes", homes::measure),
];

fn main() -> ExitCode {
    if daemon::is_meant() {
        return omni_node::cli::main(omni_node::daemon::run);
    }
    // Cargo adds flags of its own.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("threads");
    let groups = GROUPS
        .iter()
        .filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name));
    let ratios: Vec<_> = groups.flat_map(|(_, measure)| measure(&runtime)).collect();
    report(&ratios)
}
