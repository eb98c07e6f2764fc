//! Processes that are killed while they append: what they had acknowledged is there afterwards,
//! each batch whole, whether the kill came at random or at a named place.
//!
//! This shows that no order of steps loses a batch, and not that a sync reaches the disk: what a
//! killed process has written lives on in the system's memory.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use omni_node::crash;
use omni_node::store::{Writer, abort_process, ledger};
use omni_tests::effort::number_from;
use omni_tests::ledger::{OWNER, batch, expect_exactly};

const HOME: &str = "OMNI_TEST_KILL_HOME";
/// The places that the store itself passes with each batch.
const PLACES: [&str; 5] = [
    "batch-handed-over",
    "batch-before-write",
    "batch-after-write",
    "head-after-write",
    "batch-after-report",
];

/// Not a test, and empty unless the tests of this file start it in a process of its own. It appends
/// until it is killed and prints each batch that was reported to it as synced.
#[test]
fn child_appends_until_it_is_killed() {
    let Some(home) = std::env::var_os(HOME) else {
        return;
    };
    crash::arm_from_environment();
    let (_reader, appender) = ledger::open(Path::new(&home), OWNER, 1).expect("opened");
    let mut number = appender.last().number;
    let (reports, mut reported) = tokio::sync::mpsc::channel(1);
    let writer = Writer::start(appender, reports, abort_process).expect("started");
    let mut out = std::io::stdout();
    loop {
        number += 1;
        writer
            .hand_over(Arc::new(batch(number)))
            .expect("handed over");
        let report = reported.blocking_recv().expect("reported");
        assert_eq!(report.batch.number, number);
        writeln!(out, "synced {number}").expect("printed");
        out.flush().expect("printed");
    }
}

#[test]
fn killed_at_random_nothing_acknowledged_is_lost() {
    let kills = number_from("OMNI_KILLS", 25);
    let home = tempfile::tempdir().expect("folder");
    ledger::create(home.path(), OWNER).expect("made");
    let mut total = 0;
    for kill in 0..kills {
        let child = start(home.path(), None);
        let wait = Duration::from_micros(1000 + kill.wrapping_mul(7919) % 60_000);
        let acknowledged = kill_after_first(child, wait).max(total);
        total = check(home.path(), acknowledged);
    }
    println!("{kills} kills at random, {total} batches, none lost");
    assert!(
        total > kills,
        "{total} batches: the kills came before anything was written"
    );
}

#[test]
fn killed_at_each_named_place_nothing_acknowledged_is_lost() {
    let home = tempfile::tempdir().expect("folder");
    ledger::create(home.path(), OWNER).expect("made");
    let mut total = 0;
    for place in PLACES {
        for turn in [1, 2, 5] {
            let mut child = start(home.path(), Some((place, turn)));
            let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
            let acknowledged = lines
                .map_while(Result::ok)
                .filter_map(|line| number_in(&line))
                .last()
                .unwrap_or(total);
            let status = child.wait().expect("ended");
            assert!(
                !status.success(),
                "{place} {turn}: the place was never passed"
            );
            let found = check(home.path(), acknowledged);
            // The place says which batches must be there, beyond what was acknowledged.
            let turn = u64::from(turn);
            let expected = match place {
                "batch-handed-over" | "batch-before-write" => total + turn - 1,
                _ => total + turn,
            };
            assert!(
                found == expected || found == expected + 1,
                "{place} {turn}: {found}, expected {expected}"
            );
            total = found;
        }
    }
}

/// Opens the ledger again and returns how many batches it holds, all of them whole.
fn check(home: &Path, acknowledged: u64) -> u64 {
    let (reader, appender) = ledger::open(home, OWNER, 2).expect("opens after a kill");
    let found = appender.last().number;
    assert!(
        found >= acknowledged,
        "{acknowledged} were acknowledged, {found} are there"
    );
    assert!(
        found <= acknowledged + 1,
        "{found} are there, of which only {acknowledged} were acknowledged"
    );
    expect_exactly(&reader, found).expect("readable");
    found
}

fn start(home: &Path, place: Option<(&str, u32)>) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("known"));
    command.args([
        "--exact",
        "kill::child_appends_until_it_is_killed",
        "--nocapture",
    ]);
    command
        .env(HOME, home)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some((place, turn)) = place {
        command.env("OMNI_CRASH", format!("{place}@{turn}"));
    }
    command.spawn().expect("started")
}

/// Waits for the first batch, then for `wait`, kills, and returns the last batch acknowledged.
fn kill_after_first(mut child: Child, wait: Duration) -> u64 {
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let (first, started) = std::sync::mpsc::sync_channel(1);
    let reading = std::thread::spawn(move || {
        let mut last = 0;
        for number in lines
            .map_while(Result::ok)
            .filter_map(|line| number_in(&line))
        {
            last = number;
            if first.try_send(()).is_err() {
                continue; // Told already.
            }
        }
        last
    });
    started.recv().expect("the child acknowledges a batch");
    std::thread::sleep(wait);
    child.kill().expect("killed");
    child.wait().expect("ended");
    reading.join().expect("read")
}

/// The number in a whole line `synced <number>`. The test harness may print before it.
fn number_in(line: &str) -> Option<u64> {
    line.split_once("synced ")?.1.parse().ok()
}
