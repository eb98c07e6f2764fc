//! A sync that fails once: the process ends, nothing is acknowledged after it, and what was
//! acknowledged before survives a power cut.

use omni_tests::disk::{Cut, Disk};
use omni_tests::effort::number_from;
use omni_tests::omni::{Place, faulty_binary};
use serde_json::Value;

/// Syncs that a node needs to become ready; the first that may fail comes after them.
const SYNCS_TO_BEGIN: u64 = 9;
/// Far more than any of the failures needs.
const TRIES_MAX: u64 = 100;

#[test]
fn after_a_failed_sync_nothing_is_acknowledged() {
    let failures = number_from("OMNI_SYNC_FAILURES", 2);
    for failure in 1..=failures {
        fail(SYNCS_TO_BEGIN + failure);
    }
    println!("{failures} failed syncs, each ended the process, none lost");
}

fn fail(sync: u64) {
    let place = Place::new();
    place.ok(&["init", "--name", "Node", "--network", "test"]);
    let beside = tempfile::tempdir().expect("a folder");
    let disk = Disk::follow(&place.home(), beside.path());
    let mut up = place.command_of(&faulty_binary(), &["up"]);
    disk.carry(&mut up, Some(sync));
    let node = place.up_by(up);
    let mut acknowledged = node.json(&["status"])["ledger"]["size"]
        .as_u64()
        .expect("a number");
    let mut tries = 0;
    while node.place().run(&["peer", "invite"]).status.success() {
        acknowledged += 1;
        tries += 1;
        assert!(tries < TRIES_MAX, "the sync {sync} never failed");
    }
    let (status, place) = node.end();
    assert!(!status.success(), "it went on after a failed sync");
    let log = std::fs::read_to_string(place.path().join("log")).expect("a log");
    assert!(log.contains("the ledger can't be kept"), "{log}");
    // The failed sync left nothing: the pages that it was to write are lost.
    disk.cut_here(Cut::Strict);
    let text = place.ok(&["ledger", "verify", "--json"]);
    let found: Value = serde_json::from_str(&text).expect("one document");
    assert_eq!(
        (&found["good"], &found["size"]),
        (&Value::from(true), &Value::from(acknowledged))
    );
    let node = place.up(&[]);
    node.json(&["peer", "invite"]);
}
