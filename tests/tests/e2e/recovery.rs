//! An old copy of a home is put back: the node signs nothing until its operator opens the next
//! epoch, and its partner gives it back what was agreed since.

use std::fs;
use std::path::Path;

use omni_tests::omni::{Node, PATIENCE, wait_for};

use crate::doctor::{diagnosis, only_fault};
use crate::trade::partners;
use crate::trade_ends::agreed;

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    let mode = fs::metadata(from).expect("a folder").permissions();
    fs::set_permissions(to, mode).expect("its own");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).expect("a copy");
        }
    }
}

/// Its orders as they stand.
fn orders(node: &Node) -> String {
    let orders = node.json(&["order", "ls"]);
    let status = |order: &serde_json::Value| order["status"].to_string();
    orders["orders"]
        .as_array()
        .expect("a list")
        .iter()
        .map(status)
        .collect()
}

#[test]
fn an_old_home_is_recovered_from_the_partner() {
    let (retailer, wholesaler) = partners();
    let unneeded = wholesaler.place().run(&["ledger", "recover", "--yes"]);
    assert_eq!(unneeded.status.code(), Some(5), "nothing is lost");
    let old = retailer.place().path().join("old-home");
    let place = wholesaler.killed();
    copy(&place.home(), &old);
    let wholesaler = place.up(&[]);
    retailer.wait_for_session(&wholesaler);
    let thread = agreed(&retailer, &wholesaler);
    let recipient = ["--ship-name", "Ada Moor", "--ship-city", "Leeds"];
    retailer.json(&[&["order", "hand-over", &thread][..], &recipient].concat());
    wholesaler.json(&["deal", "wait", &thread, "--for", "handed-over"]);
    wholesaler.json(&["order", "complete", &thread]);
    retailer.json(&["deal", "wait", &thread, "--for", "completed"]);

    let before = wholesaler.json(&["order", "show", &thread]);

    let place = wholesaler.killed();
    fs::remove_dir_all(place.home()).expect("removed");
    copy(&old, &place.home());
    let wholesaler = place.up(&[]);
    wait_for("the partner to show it", PATIENCE, || {
        let status = wholesaler.json(&["status"]);
        (status["ledger"]["recovering"] == true).then_some(())
    });
    only_fault(
        &diagnosis(wholesaler.place(), &[]),
        "recovery",
        "an older copy",
        "omni ledger recover",
    );
    assert_eq!(orders(&wholesaler), "");
    let refused = wholesaler.place().run(&["stock", "set", "HTR", "39"]);
    assert_eq!(refused.status.code(), Some(5));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("omni ledger recover"), "{told}");
    let unsaid = wholesaler.place().run(&["ledger", "recover"]);
    assert_eq!(unsaid.status.code(), Some(5), "what binds takes a yes");
    let opened = wholesaler.json(&["ledger", "recover", "--yes"]);
    assert_eq!(opened["epoch"], 1);
    wait_for("the order to be back", PATIENCE, || {
        (orders(&wholesaler) == "\"completed\"").then_some(())
    });
    let order = wholesaler.json(&["order", "show", &thread]);
    assert_eq!(order["ship_to"]["name"], "Ada Moor", "{order}");
    assert_eq!(order["agreed_ms"], before["agreed_ms"], "{order}");
    let same = retailer.json(&["order", "show", &thread]);
    assert_eq!(order["agreed_ms"], same["agreed_ms"], "{same}");
    for (node, member) in [(&retailer, "we_owe"), (&wholesaler, "they_owe")] {
        let accounts = node.json(&["ledger", "owed"]);
        assert_eq!(accounts["accounts"][0][member]["text"], "200.00");
        let found = node.json(&["ledger", "verify"]);
        assert_eq!(found["good"], true, "{found}");
    }
    let again = agreed(&retailer, &wholesaler);
    assert_ne!(again, thread, "it trades again");
}
