//! A process that is stopped in the middle of a deal and goes on later, as a laptop that sleeps:
//! both sides bring the deal to one end.

use std::time::Duration;

use omni_tests::effort::number_from;

use crate::pair::{Pair, Side};

#[test]
fn a_paused_side_goes_on_where_it_stood() {
    let pauses = number_from("OMNI_PAUSES", 4);
    let pause = Duration::from_secs(number_from("OMNI_PAUSE_SECONDS", 3));
    let mut pair = Pair::begin(pauses);
    for (n, side) in (0..pauses).zip(Side::BOTH.into_iter().cycle()) {
        let thread = pair.propose();
        let accepting = pair.accept(&thread);
        // Another moment of the deal in each turn; the whole takes some 100 ms.
        std::thread::sleep(Duration::from_millis(n * 37 % 150));
        pair.node(side).signal("STOP");
        std::thread::sleep(pause);
        pair.node(side).signal("CONT");
        pair.finish(&thread, accepting, &format!("{side:?} paused, turn {n}"));
        pair.account(&thread);
    }
    println!("{pauses} pauses of {pause:?}, none lost, ledgers equal");
}
