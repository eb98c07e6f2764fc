//! Two daemons trade, and at each of 24 named points one of them is killed, or its power is cut:
//! before and after each of the six syncs of a deal, the one that syncs or the other one. Afterwards
//! both ledgers say the same, one unit of stock was sold once, and starting both once more changes
//! nothing.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use omni_tests::disk::{Cut, Disk};
use omni_tests::effort::number_from;
use omni_tests::omni::{PATIENCE, wait_for};

use crate::pair::{Pair, Side};

/// The six syncs: who syncs, and what.
const SYNCS: [(Side, &str); 6] = [
    (Side::Buyer, "signed-request"),
    (Side::Seller, "signed-hold"),
    (Side::Buyer, "signed-commit"),
    (Side::Seller, "signed-receipt"),
    (Side::Buyer, "signed-ack"),
    (Side::Seller, "taken-ack"),
];
/// How soon a node that was killed serves again. The median, since twelve nodes share the machine
/// with all other tests.
const SERVES_AGAIN_MAX: Duration = Duration::from_secs(5);
/// Of each sync: two moments, two victims.
const POINTS: u64 = 4;
const POINTS_ALL: u64 = 6 * POINTS;

#[test]
fn killed_at_24_points_both_ledgers_say_the_same() {
    let rounds = number_from("OMNI_KILLS", 2 * POINTS_ALL).div_ceil(POINTS_ALL);
    let begun = Instant::now();
    let mut served = end_at_all_points(rounds, Ending::Kill);
    served.sort();
    let median = served[served.len() / 2];
    assert!(median < SERVES_AGAIN_MAX, "serving after {median:?}");
    println!(
        "{} kills at 24 points, none lost, ledgers equal; serving again after {median:?}, at most {:?}; all in {:?}",
        served.len(),
        served[served.len() - 1],
        begun.elapsed()
    );
}

/// What the victim had not synced is lost, or torn.
#[test]
fn cut_off_at_24_points_both_ledgers_say_the_same() {
    let rounds = number_from("OMNI_CUTS_IN_DEALS", POINTS_ALL).div_ceil(POINTS_ALL);
    let begun = Instant::now();
    let cuts = end_at_all_points(rounds, Ending::PowerCut).len();
    let took = begun.elapsed();
    println!("{cuts} power cuts at 24 points, none lost, ledgers equal; {took:?}");
}

/// How the victim ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Kill,
    PowerCut,
}

/// A point and its victim.
struct Fault {
    syncing: Side,
    place: String,
    victim: Side,
    ending: Ending,
    /// Draws what a power cut leaves.
    seed: u64,
}

/// Returns how long each victim took until it served again. Each sync has two nodes of its own, so
/// that six victims recover at once; most of that is waiting until two nodes meet again.
fn end_at_all_points(rounds: u64, ending: Ending) -> Vec<Duration> {
    thread::scope(|scope| {
        let around = SYNCS.map(|(side, what)| {
            let all = move || end_around(side, what, rounds, ending);
            scope.spawn(all)
        });
        let times = around.map(|sync| sync.join().expect("all of its victims recover"));
        times.concat()
    })
}

/// All points of one sync, `rounds` times, one after the other between the same two nodes.
fn end_around(syncing: Side, what: &str, rounds: u64, ending: Ending) -> Vec<Duration> {
    let mut pair = Pair::begin(rounds * POINTS);
    let mut served = Vec::new();
    for round in 0..rounds {
        for moment in ["before-sync", "after-sync"] {
            for victim in [syncing, syncing.other()] {
                let fault = Fault {
                    syncing,
                    place: format!("{moment}:{what}"),
                    victim,
                    ending,
                    seed: round * POINTS + served.len() as u64,
                };
                served.push(trade(&mut pair, &fault));
            }
        }
    }
    served
}

/// One trade, in which the victim ends where the fault says. Returns how long it took until it
/// served again.
fn trade(pair: &mut Pair, fault: &Fault) -> Duration {
    let case = format!("{:?} at {}: {:?}", fault.victim, fault.place, fault.ending);
    let folder = tempfile::tempdir().expect("a folder");
    let disk = begin(pair, fault, folder.path());
    pair.meet();
    let thread = pair.propose();
    let accepting = pair.accept(&thread);
    if fault.victim == fault.syncing {
        pair.await_crash(fault.victim);
    } else {
        let stop = folder.path().join("stopped");
        wait_for(&case, PATIENCE, || stop.exists().then_some(()));
        pair.kill(fault.victim);
        std::fs::remove_file(&stop).expect("it is ours");
    }
    if let Some(disk) = disk {
        disk.cut_here(match fault.seed % 2 {
            0 => Cut::Strict,
            _ => Cut::Torn(fault.seed),
        });
    }
    let took = pair.start(fault.victim, &[]);
    pair.finish(&thread, accepting, &case);
    let before = pair.account(&thread);
    for side in Side::BOTH {
        pair.kill(side);
        pair.verify(side);
    }
    for side in Side::BOTH {
        pair.start(side, &[]);
    }
    let after = pair.account(&thread);
    for (before, after) in before.iter().zip(&after) {
        let found = before.differences(after);
        assert!(found.is_empty(), "{case}: another start changed {found:#?}");
    }
    took
}

/// Starts again whoever takes part in a fault. Before a power cut the victim's disk is followed.
fn begin(pair: &mut Pair, fault: &Fault, folder: &Path) -> Option<Disk> {
    let stop = folder.join("stopped").display().to_string();
    let mut armed = vec![("OMNI_CRASH", fault.place.as_str())];
    if fault.victim != fault.syncing {
        armed.push(("OMNI_CRASH_STOP", &stop));
    }
    let mut disk = None;
    for side in Side::BOTH {
        let faults: &[_] = if side == fault.syncing { &armed } else { &[] };
        if side == fault.victim && fault.ending == Ending::PowerCut {
            pair.kill(side);
            disk = Some(pair.start_on_disk(side, faults, folder));
        } else if side == fault.syncing {
            pair.kill(side);
            pair.start(side, faults);
        }
    }
    disk
}
