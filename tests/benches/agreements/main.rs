//! Agreements per second between two nodes with synced disks, as a share of what a naive program
//! reaches in the same run; and what one agreement costs in syncs and in bytes on the disk.

mod naive;
mod nodes;

use std::process::ExitCode;

use omni_tests::ratio::{Ratio, median, report};

/// Agreements under way at once, how many are timed, and the least share of the floor.
const RUNS: [(usize, usize, f64); 3] = [(1, 150, 0.5), (16, 800, 0.5), (128, 2_500, 0.5)];
/// Both are measured in turns, and the median counts: the machine may be shared.
const ROUNDS: usize = 3;
/// Syncs per node and agreement with this many under way must stay below this.
const SYNCS: (usize, f64) = (20, 2.0);

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("threads");
    let mut ratios = Vec::new();
    for (in_flight, count, at_least) in RUNS {
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(runtime.block_on(nodes::agree(in_flight, count)).per_second);
            floor.push(runtime.block_on(naive::agree(in_flight, count)));
        }
        ratios.push(Ratio {
            what: format!("agreements per second, {in_flight} in flight"),
            ours: median(ours),
            floor: median(floor),
            at_least,
        });
    }
    let floor = "4 signatures, each step synced in batches, over one libp2p stream";
    let exit = report(floor, &ratios);
    let (in_flight, most) = SYNCS;
    let cost = runtime.block_on(nodes::agree(in_flight, 1_000));
    println!(
        "syncs per node and agreement, {in_flight} in flight: {:.2} (at most {most})",
        cost.syncs
    );
    println!("bytes on disk per agreement and node: {:.0}", cost.bytes);
    if cost.syncs > most {
        return ExitCode::FAILURE;
    }
    exit
}
