//! What a daemon with a full market store costs in memory and in time to start, as shares of what an
//! empty one costs: neither may grow with what others publish.

use std::path::Path;

use omni_node::store::market;
use omni_tests::node::network;
use omni_tests::ratio::{Ratio, Wanted, median};
use tokio::runtime::Runtime;

use crate::{catalogue, daemon};

const OFFERS: usize = 100_000;
/// Both homes are started in turns, and the median counts.
const ROUNDS: usize = 7;
/// What two empty homes may differ by.
const START_MOST: f64 = 1.25;
/// The cache of blocks, and what one search touched.
const MEMORY_MOST: f64 = 2.0;
const IDLE_MIB_MOST: f64 = 64.0;

pub(crate) fn measure(_runtime: &Runtime) -> Vec<Ratio> {
    let places = [0, OFFERS].map(|offers| {
        let place = daemon::place("Collector");
        fill(&place.home(), offers);
        place
    });
    let (mut ms, mut mib) = ([vec![], vec![]], [vec![], vec![]]);
    for _ in 0..ROUNDS {
        for ((place, ms), mib) in places.iter().zip(&mut ms).zip(&mut mib) {
            let (daemon, took) = daemon::begin(place);
            ms.push(took.as_secs_f64() * 1_000.0);
            place.ok(&["offer", "search", "drill"]);
            mib.push(daemon::resident_mib(daemon.pid()));
            place.ok(&["down"]);
        }
    }
    let [idle_ms, full_ms] = ms.map(median);
    let [idle_mib, full_mib] = mib.map(median);
    vec![
        Ratio {
            what: "MiB of a daemon that caches nothing".to_owned(),
            ours: idle_mib,
            floor: 1.0,
            wanted: Wanted::AtMost(IDLE_MIB_MOST),
        },
        Ratio {
            what: format!("MiB with {OFFERS} cached offers ÷ with none"),
            ours: full_mib,
            floor: idle_mib,
            wanted: Wanted::AtMost(MEMORY_MOST),
        },
        Ratio {
            what: format!("ms to start with {OFFERS} cached offers ÷ with none"),
            ours: full_ms,
            floor: idle_ms,
            wanted: Wanted::AtMost(START_MOST),
        },
    ]
}

/// Lays the catalogue of another partner into the market store of a home.
fn fill(home: &Path, offers: usize) {
    let (_reader, mut writer) = market::open(home, network().id()).expect("opened");
    for arrivals in catalogue::arrivals(offers) {
        writer.take(arrivals).expect("taken");
    }
}
