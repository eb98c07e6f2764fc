//! `omni doctor` names each fault that is planted here, says what to do, and finds nothing wrong
//! where nothing is. What needs another clock, disk or year is planted in the unit tests beside it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use omni_tests::omni::{Node, PATIENCE, Place, wait_for};
use serde_json::Value;

/// What it finds, and how it ends.
pub(crate) fn diagnosis(place: &Place, variables: &[(&str, &str)]) -> (Option<i32>, Vec<Value>) {
    let mut command = place.command(&["doctor", "--json"]);
    let output = command
        .envs(variables.iter().copied())
        .output()
        .expect("omni runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let document: Value = serde_json::from_str(&text).expect("one document");
    assert_eq!(document["schema"], "omni.doctor/1", "{text}");
    let findings = document["findings"].as_array().expect("a list").clone();
    (output.status.code(), findings)
}

/// The one fault is about this, in these words, with these in the advice.
pub(crate) fn only_fault(found: &(Option<i32>, Vec<Value>), about: &str, what: &str, next: &str) {
    let (code, findings) = found;
    let faults: Vec<_> = findings.iter().filter(|f| f["state"] == "fault").collect();
    let named = |f: &Value, member: &str, words: &str| {
        f[member].as_str().is_some_and(|text| text.contains(words))
    };
    let is_it =
        |f: &&Value| f["about"] == about && named(f, "what", what) && named(f, "next", next);
    assert!(
        !faults.is_empty() && faults.iter().all(is_it),
        "{about}, {what}, {next}: {faults:?}"
    );
    assert_eq!(*code, Some(1));
}

fn good(found: &(Option<i32>, Vec<Value>)) {
    let faults: Vec<_> = found.1.iter().filter(|f| f["state"] == "fault").collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(found.0, Some(0));
}

fn home() -> Place {
    let place = Place::new();
    place.ok(&["init", "--name", "Patient", "--network", "test"]);
    place
}

fn open_to_others(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

#[test]
fn a_good_home_has_no_fault() {
    good(&diagnosis(&home(), &[]));
    let node = Node::start();
    good(&diagnosis(node.place(), &[]));
    let place = node.killed();
    let found = diagnosis(&place, &[]);
    good(&found);
    let note = found.1.iter().find(|f| f["about"] == "node");
    assert_eq!(note.expect("it tells of the node")["state"], "note");
}

#[test]
fn a_home_that_is_not_there_ends_with_4() {
    let output = Place::new().run(&["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stdout).contains("omni.error/1"));
}

#[test]
fn what_others_may_read_is_named() {
    let place = home();
    open_to_others(&place.home(), 0o755);
    only_fault(
        &diagnosis(&place, &[]),
        "home",
        "others may look",
        "chmod go=",
    );
    open_to_others(&place.home(), 0o700);
    let keys = place.home().join("keys");
    open_to_others(&keys, 0o750);
    only_fault(&diagnosis(&place, &[]), "keys", "other users", "chmod go=");
    open_to_others(&keys, 0o700);
    let key = fs::read_dir(&keys).expect("keys").flatten();
    let key = key
        .map(|entry| entry.path())
        .find(|path| path.ends_with("market-0.key"));
    let key = key.expect("there is a market key");
    open_to_others(&key, 0o644);
    only_fault(&diagnosis(&place, &[]), "keys", "other users", "chmod go=");
    fs::remove_file(&key).expect("it is ours");
    only_fault(&diagnosis(&place, &[]), "keys", "can't read", "backup");
}

#[test]
fn a_broken_token_is_named() {
    let place = home();
    let token = place.home().join("api.token");
    fs::write(&token, "nonsense").expect("it is ours");
    open_to_others(&token, 0o600);
    only_fault(
        &diagnosis(&place, &[]),
        "token",
        "is not a token",
        "remove it",
    );
    open_to_others(&token, 0o644);
    only_fault(&diagnosis(&place, &[]), "token", "other users", "chmod go=");
}

#[test]
fn settings_that_can_not_be_are_named_with_their_place() {
    let place = home();
    let found = diagnosis(&place, &[("OMNI_API_HTTP", "example.org:80")]);
    only_fault(&found, "settings", "api.http", "OMNI_API_HTTP");
    let found = diagnosis(&place, &[("OMNI_LOGFILTER", "debug")]);
    good(&found);
    assert!(found.1.iter().any(|f| {
        f["state"] == "note"
            && f["what"]
                .as_str()
                .is_some_and(|what| what.contains("OMNI_LOGFILTER"))
    }));
    let file = place.home().join("config.toml");
    fs::write(&file, "[partner]\nname = Patient\n").expect("it is ours");
    only_fault(
        &diagnosis(&place, &[]),
        "settings",
        "config.toml:2",
        "mend that line",
    );
}

#[test]
fn ports_that_are_taken_are_named() {
    let place = home();
    let taken = TcpListener::bind(("127.0.0.1", place.port())).expect("it is free");
    let port = place.port().to_string();
    only_fault(&diagnosis(&place, &[]), "ports", &port, "net.listen");
    drop(taken);
    let taken = TcpListener::bind("127.0.0.1:0").expect("one is free");
    let address = taken.local_addr().expect("it has one").to_string();
    let found = diagnosis(&place, &[("OMNI_API_HTTP", &address)]);
    only_fault(&found, "ports", &address, "api.http");
}

#[test]
fn a_ledger_that_is_not_whole_is_named() {
    let check = |harm: fn(&Path), what: &str| {
        let (_, place) = stopped(Node::start());
        harm(&place.home());
        only_fault(&diagnosis(&place, &[]), "ledger", what, "restore a backup");
    };
    check(
        |home| fs::remove_file(home.join("ledger.head")).expect("ours"),
        "head file",
    );
    check(
        |home| fs::remove_file(home.join("ledger/CURRENT")).expect("ours"),
        "is gone",
    );
    check(
        |home| fs::write(home.join("ledger.head"), [0; 100]).expect("ours"),
        "damaged",
    );
    check(
        |home| {
            let files = fs::read_dir(home.join("ledger")).expect("ours").flatten();
            let logs = files
                .map(|file| file.path())
                .filter(|path| path.extension().is_some_and(|e| e == "log"));
            logs.for_each(|log| fs::write(log, []).expect("ours"));
        },
        "lacks what it had acknowledged",
    );
}

/// Stops a node in good order.
fn stopped(node: Node) -> (std::process::ExitStatus, Place) {
    node.place().ok(&["down"]);
    node.end()
}

#[test]
fn a_process_that_does_not_answer_is_named() {
    let node = Node::start();
    fs::remove_file(node.place().home().join("api.json")).expect("it is ours");
    only_fault(
        &diagnosis(node.place(), &[]),
        "node",
        "a process holds the home",
        "omni wait",
    );
}

#[test]
fn partners_that_can_not_be_reached_are_named() {
    let (one, other) = (Node::named("One"), Node::named("Other"));
    one.befriend(&other);
    good(&diagnosis(one.place(), &[]));
    drop(other.killed());
    wait_for("the session's end", PATIENCE, || {
        let peers = one.json(&["peer", "ls"]);
        (peers["peers"][0]["connected"] == false).then_some(())
    });
    only_fault(
        &diagnosis(one.place(), &[]),
        "partners",
        "none of 1",
        "firewall",
    );
}
