//! Agreements per second between two nodes with synced disks, as a share of what a naive program
//! reaches in the same run; and what one agreement costs in syncs and in bytes on the disk.

mod naive;
pub(crate) mod nodes;

use omni_tests::ratio::{Ratio, Wanted, median};
use tokio::runtime::Runtime;

/// Agreements under way at once, how many are timed, and the least share of the floor.
const RUNS: [(usize, usize, f64); 3] = [(1, 150, 0.5), (16, 800, 0.5), (128, 2_500, 0.5)];
/// Both are measured in turns, and the median counts: the machine may be shared.
const ROUNDS: usize = 3;
/// Where syncs and bytes are counted: so many under way, so many counted.
const COUNTED: (usize, usize) = (20, 1_000);
/// Syncs per node and agreement.
const SYNCS_MOST: f64 = 2.0;
/// Bytes on the disk: entries, records and proofs of both sides, deals and accounts, against four
/// bare records.
const BYTES_MOST: f64 = 12.0;

pub(crate) fn measure(runtime: &Runtime) -> Vec<Ratio> {
    let mut ratios = Vec::new();
    for (in_flight, count, at_least) in RUNS {
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(runtime.block_on(nodes::agree(in_flight, count)).per_second);
            floor.push(runtime.block_on(naive::agree(in_flight, count)).per_second);
        }
        ratios.push(Ratio {
            what: format!("agreements per second, {in_flight} in flight ÷ naive program"),
            ours: median(ours),
            floor: median(floor),
            wanted: Wanted::AtLeast(at_least),
        });
    }
    let (in_flight, count) = COUNTED;
    let ours = runtime.block_on(nodes::agree(in_flight, count));
    let floor = runtime.block_on(naive::agree(in_flight, count));
    ratios.push(Ratio {
        what: format!("syncs per node and agreement, {in_flight} in flight"),
        ours: ours.syncs,
        floor: 1.0,
        wanted: Wanted::AtMost(SYNCS_MOST),
    });
    ratios.push(Ratio {
        what: "bytes on disk per agreement and node ÷ naive program".to_owned(),
        ours: ours.bytes,
        floor: floor.bytes,
        wanted: Wanted::AtMost(BYTES_MOST),
    });
    ratios
}
