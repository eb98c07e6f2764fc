//! A process that is stopped in the middle of a deal and goes on later, as a laptop that sleeps:
//! both sides bring the deal to one end.

use std::thread;
use std::time::Duration;

use omni_tests::effort::number_from;

use crate::pair::{Pair, Side};

/// Pairs that trade at once, since a paused one waits and computes nothing.
const PAIRS_MAX: u64 = 16;

#[test]
fn a_paused_side_goes_on_where_it_stood() {
    let pauses = number_from("OMNI_PAUSES", 4);
    let pause = Duration::from_secs(number_from("OMNI_PAUSE_SECONDS", 3));
    let pairs = (pauses / 2).clamp(1, PAIRS_MAX);
    thread::scope(|scope| {
        for first in 0..pairs {
            let step = usize::try_from(pairs).expect("few");
            scope.spawn(move || pause_one_pair((first..pauses).step_by(step), pause));
        }
    });
    println!("{pauses} pauses of {pause:?}, none lost, ledgers equal");
}

/// One pair trades as often as there are turns; each is paused at another moment.
fn pause_one_pair(turns: impl Iterator<Item = u64> + Clone, pause: Duration) {
    let mut pair = Pair::begin(turns.clone().count() as u64);
    for (turn, side) in turns.zip(Side::BOTH.into_iter().cycle()) {
        let thread = pair.propose();
        let accepting = pair.accept(&thread);
        // The whole takes some 100 ms.
        thread::sleep(Duration::from_millis(turn * 37 % 150));
        pair.node(side).signal("STOP");
        thread::sleep(pause);
        pair.node(side).signal("CONT");
        pair.finish(&thread, accepting, &format!("{side:?} paused, turn {turn}"));
        pair.account(&thread);
    }
}
