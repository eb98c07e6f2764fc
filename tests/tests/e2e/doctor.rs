//! `omni doctor` names each fault that is planted here, says what to do, and finds nothing wrong
//! where nothing is. A disk that runs full is planted in the crash tests, which mount one. A clock
//! that is wrong is planted in the unit tests beside doctor alone: daemons here have the clock of the
//! machine, which is nobody's to move.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use omni_node::home::Home;
use omni_node::keys::Identity;
use omni_node::store::market::{self, Arrival, Proved, Shelved};
use omni_protocol::hash::RecordId;
use omni_protocol::proof::Proof;
use omni_protocol::slot::Family;
use omni_tests::omni::{Node, PATIENCE, Place, wait_for};
use serde_json::Value;

use crate::peers::address;
use crate::recovery::copy;
use crate::trade::{partners, words};
use crate::trade_ends::agreed;

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
    assert!(
        is_only_fault(found, about, what, next),
        "{about}, {what}, {next}: {found:?}"
    );
}

fn is_only_fault(
    (code, findings): &(Option<i32>, Vec<Value>),
    about: &str,
    what: &str,
    next: &str,
) -> bool {
    let faults: Vec<_> = findings.iter().filter(|f| f["state"] == "fault").collect();
    let named = |f: &Value, member: &str, words: &str| {
        f[member].as_str().is_some_and(|text| text.contains(words))
    };
    let is_it =
        |f: &&Value| f["about"] == about && named(f, "what", what) && named(f, "next", next);
    !faults.is_empty() && faults.iter().all(is_it) && *code == Some(1)
}

fn good(found: &(Option<i32>, Vec<Value>)) {
    let faults: Vec<_> = found.1.iter().filter(|f| f["state"] == "fault").collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(found.0, Some(0));
}

/// A note is about this, in these words, with these in the advice.
fn noted(found: &(Option<i32>, Vec<Value>), about: &str, what: &str, next: &str) {
    let named = |f: &Value, member: &str, words: &str| {
        f[member].as_str().is_some_and(|text| text.contains(words))
    };
    let is_it = |f: &Value| {
        let is_note = f["about"] == about && f["state"] == "note";
        is_note && named(f, "what", what) && named(f, "next", next)
    };
    assert!(
        found.1.iter().any(is_it),
        "{about}, {what}, {next}: {found:?}"
    );
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
    noted(&found, "node", "killed or failed", "omni up");
    let place = stopped(place.up(&[])).1;
    let found = diagnosis(&place, &[]);
    noted(&found, "node", "does not run", "omni up");
    let is_killed = |f: &Value| f["what"].as_str().is_some_and(|w| w.contains("killed"));
    assert!(!found.1.iter().any(is_killed), "it ended in good order");
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

/// What a kill leaves before the spent keys are removed, and before the new one is in force.
#[test]
fn keys_that_a_replacement_left_are_named() {
    let place = home();
    let keys = place.home().join("keys");
    let before = place.path().join("before");
    copy(&keys, &before);
    place.ok(&["key", "rotate", "--yes"]);
    good(&diagnosis(&place, &[]));
    for name in ["market-0.key", "next-and-recovery.key"] {
        fs::copy(before.join(name), keys.join(name)).expect("ours");
        only_fault(&diagnosis(&place, &[]), "keys", name, "rm ");
        fs::remove_file(keys.join(name)).expect("ours");
    }
    for name in ["market-1.key", "next-and-recovery-2.key"] {
        fs::copy(keys.join(name), before.join(name)).expect("ours");
    }
    fs::remove_dir_all(&keys).expect("ours");
    copy(&before, &keys);
    let found = diagnosis(&place, &[]);
    only_fault(&found, "keys", "cut short", "omni key rotate");
    place.ok(&["key", "rotate", "--yes"]);
    good(&diagnosis(&place, &[]));
}

#[test]
fn a_damaged_market_is_named() {
    let (one, other) = (Node::named("One"), Node::named("Other"));
    one.befriend(&other);
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR"));
    let catalogue = catalogue.join("../examples/catalogues/caldmoor.csv.gz");
    let catalogue = catalogue.display().to_string();
    other
        .place()
        .ok(&["import", &catalogue, "--apply", "--no-stock"]);
    let all = |node: &Node| {
        let totals = node.json(&["offer", "ls", "--totals"]);
        let catalogues = totals["catalogues"].as_array().expect("a list");
        catalogues
            .iter()
            .any(|catalogue| catalogue["offers"] == 2_400)
            .then_some(())
    };
    wait_for("all offers", PATIENCE, || all(&one));
    // What is found in the log at a start is written to a table then.
    let one = one.killed_and_up_again();
    one.wait_for_session(&other);
    let files = fs::read_dir(one.place().home().join("market"))
        .expect("ours")
        .flatten();
    let files = files.map(|file| file.path());
    let tables: Vec<_> = files
        .filter(|f| f.extension().is_some_and(|e| e == "sst"))
        .collect();
    assert!(!tables.is_empty(), "the offers are in a table");
    for table in tables {
        let mut bytes = fs::read(&table).expect("ours");
        let (from, to) = (bytes.len() / 4, bytes.len() / 4 * 3);
        bytes[from..to].fill(0xff);
        fs::write(&table, bytes).expect("ours");
    }
    let listed = one.place().run(&["offer", "ls", "--limit", "2400"]);
    let told = String::from_utf8_lossy(&listed.stderr).into_owned();
    assert!(told.contains("it fetches all of it anew"), "{told}");
    let found = diagnosis(one.place(), &[]);
    only_fault(&found, "market", "damaged", "omni down, omni up");
    let one = stopped(one).1.up(&[]);
    one.wait_for_session(&other);
    wait_for("all offers, fetched anew", PATIENCE, || all(&one));
    good(&diagnosis(one.place(), &[]));
}

#[test]
fn what_waits_for_the_operator_is_noted() {
    let (retailer, wholesaler) = partners();
    let propose = "deal propose Wholesaler --sku HTR --qty 2 --ship-country GB";
    let proposed = retailer.json(&words(propose));
    let thread = proposed["thread"].as_str().expect("a text");
    wholesaler.json(&["deal", "wait", thread, "--for", "to-answer"]);
    let found = diagnosis(wholesaler.place(), &[]);
    good(&found);
    noted(&found, "deals", "1 deal waits", "omni deal ls --mine");
    noted(&found, "ports", "of this machine only", "net.listen");
    wholesaler
        .place()
        .ok(&["config", "set", "partner.about", "Heaters"]);
    let found = diagnosis(wholesaler.place(), &[]);
    noted(
        &found,
        "settings",
        "after the node started",
        "omni down, omni up",
    );
}

/// Of two nodes with the same keys the one that is shown what the other signed signs nothing.
#[test]
fn a_second_node_with_the_same_keys_is_named() {
    let (retailer, wholesaler) = partners();
    let place = wholesaler.killed();
    let second = Place::new();
    copy(&place.home(), &second.home());
    // The kill left it, and it names the first one.
    fs::remove_file(second.home().join("api.json")).expect("ours");
    let wholesaler = place.up(&[]);
    retailer.wait_for_session(&wholesaler);
    agreed(&retailer, &wholesaler);
    drop(wholesaler);
    let second = second.up(&[]);
    wait_for("the second to be shown it", PATIENCE, || {
        let status = second.json(&["status"]);
        (status["ledger"]["recovering"] == true).then_some(())
    });
    let found = diagnosis(second.place(), &[]);
    only_fault(
        &found,
        "recovery",
        "a second node runs",
        "end the second node",
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

/// Nobody else is told of it, so each side has to see what the other said.
#[test]
fn partners_that_refuse_are_named() {
    let (one, other) = (Node::named("One"), Node::named("Other"));
    one.befriend(&other);
    let (id, other_id) = (one.partner(), other.partner());
    wait_for("the name", PATIENCE, || {
        (one.peer(&other_id)["name"] == "Other").then_some(())
    });
    other.place().ok(&["peer", "block", &id]);
    let refused = |node: &Node, what: &str| {
        wait_for(what, PATIENCE, || {
            let peers = node.json(&["peer", "ls"]);
            let refused = &peers["peers"][0]["nodes"][0]["refused"];
            refused["code"].is_string().then_some(())
        });
    };
    refused(&one, "a refusal to be told");
    // Each time it is met anew, nothing is known for an instant.
    wait_for("the refusal to be named", PATIENCE, || {
        is_only_fault(
            &diagnosis(one.place(), &[]),
            "partners",
            "Other has blocked this node",
            "its operator alone",
        )
        .then_some(())
    });
    other.place().ok(&["peer", "trust", &id]);
    one.wait_for_session(&other);
    good(&diagnosis(one.place(), &[]));

    let foreign = Place::new();
    foreign.ok(&["init", "--name", "Foreign", "--network", "elsewhere"]);
    let foreign = foreign.up(&[]);
    drop(other);
    let lonely = Node::named("Lonely");
    lonely.place().ok(&["peer", "add", &address(&foreign)]);
    refused(&lonely, "another network");
    only_fault(
        &diagnosis(lonely.place(), &[]),
        "partners",
        "is in another network",
        "ask for an invite",
    );
}

#[test]
fn offers_that_end_are_noted() {
    let node = Node::start();
    let publish = "offer publish --sku HTR --title Heater --price 129.00 --currency GBP --days";
    let publish = |days| {
        let words = words(publish).into_iter().chain([days]);
        node.place().ok(&words.collect::<Vec<_>>());
        diagnosis(node.place(), &[])
    };
    let is_told =
        |found: &(Option<i32>, Vec<Value>)| found.1.iter().any(|f| f["about"] == "offers");
    assert!(!is_told(&publish("30")), "that is long");
    noted(
        &publish("1"),
        "offers",
        "1 offer ends soon",
        "omni offer revise",
    );
}

/// Two nodes with the same keys may each publish, at the same moment.
#[test]
fn an_offer_that_was_published_twice_at_once_is_noted() {
    let (retailer, wholesaler) = partners();
    let author = wholesaler.partner().parse().expect("an id");
    let place = stopped(retailer).1;
    let identity = Identity::load(&Home::at(place.home())).expect("an identity");
    let (reader, mut writer) =
        market::open(&place.home(), identity.network().id()).expect("a market");
    let page = reader.page(author, 0, 1 << 20).expect("readable");
    let mut records = page.records.into_iter();
    let is_offer = |(record, _): &(Shelved, Proof)| record.slot.family == Family::Offer;
    let (record, proof) = records.find(is_offer).expect("the offer");
    let twin = Arrival {
        slot: record.slot,
        revision: record.revision,
        id: RecordId::from_bytes([0; 32]),
        until: record.until,
        words: String::new(),
        reach: record.reach,
        record: record.record,
        proof: Proved::Alone(proof),
    };
    writer.take(vec![twin]).expect("taken");
    drop((reader, writer));
    let retailer = place.up(&[]);
    let found = diagnosis(retailer.place(), &[]);
    let words = "Wholesaler published two versions at once of 1 record, such as HTR";
    noted(&found, "offers", words, "omni offer ls --partner");
}
