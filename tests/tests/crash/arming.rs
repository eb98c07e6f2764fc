//! Which of the two programs obeys the variables of the tests.

use std::os::unix::process::ExitStatusExt as _;

use omni_tests::omni::{Place, binary, faulty_binary};

/// Every node passes this place before it is ready.
const ARMED: (&str, &str) = ("OMNI_CRASH", "batch-before-write");
const SIGABRT: i32 = 6;

fn home() -> Place {
    let place = Place::new();
    place.ok(&["init", "--name", "Node", "--network", "test"]);
    place
}

#[test]
fn omni_has_its_places_unarmed() {
    let place = home();
    let mut up = place.command_of(&binary(), &["up"]);
    up.env(ARMED.0, ARMED.1);
    let node = place.up_by(up);
    node.json(&["peer", "invite"]);
    assert_eq!(node.json(&["status"])["state"], "ready");
}

#[test]
fn omni_faulty_has_them_armed() {
    let place = home();
    let mut up = place.command_of(&faulty_binary(), &["up"]);
    let ended = up.env(ARMED.0, ARMED.1).output().expect("it runs");
    assert_eq!(ended.status.signal(), Some(SIGABRT), "{ended:?}");
    // Without a variable it is `omni`.
    let node = place.up_faulty(&[]);
    assert_eq!(node.json(&["status"])["state"], "ready");
}
