//! How trades end otherwise: cancelled by either side, and in doubt because the provider is down.

use std::fs;

use omni_tests::omni::Node;
use serde_json::{Value, json};

use crate::trade::{customer, partners, words};

/// Lets the retailer propose two at 100.00 and the wholesaler hold them, and gives the thread.
fn held(retailer: &Node, wholesaler: &Node) -> String {
    let propose = "deal propose Wholesaler --sku HTR --qty 2 --price 100.00 --ship-country GB";
    let proposed = retailer.json(&words(propose));
    let thread = proposed["thread"].as_str().expect("a text").to_owned();
    wholesaler.json(&["deal", "wait", &thread, "--for", "to-answer"]);
    wholesaler.json(&["deal", "accept", &thread, "--yes"]);
    retailer.json(&["deal", "wait", &thread, "--for", "held"]);
    thread
}

/// Lets the retailer buy two at 100.00, and gives the thread.
pub(crate) fn agreed(retailer: &Node, wholesaler: &Node) -> String {
    let thread = held(retailer, wholesaler);
    retailer.json(&["deal", "accept", &thread, "--yes"]);
    retailer.json(&["deal", "wait", &thread, "--for", "agreed"]);
    wholesaler.json(&["deal", "wait", &thread, "--for", "sold"]);
    thread
}

fn account(node: &Node, member: &str) -> Value {
    node.json(&["ledger", "owed"])["accounts"][0][member]["text"].clone()
}

fn good(node: &Node) {
    let found = node.json(&["ledger", "verify"]);
    assert_eq!(found["good"], true, "{found}");
}

#[test]
fn the_requester_cancels_for_the_fee_of_the_terms() {
    let (retailer, wholesaler) = partners();
    let file = wholesaler.place().path().join("offer.json");
    let right = json!({
        "state": "before fulfilment", "to": "cancel", "within_hours": 24, "fee": "10",
    });
    let offer = json!({
        "sku": "HTR", "title": "Patio heater", "price": "129.00", "currency": "GBP",
        "regions": ["GB"], "rights": [right],
    });
    fs::write(&file, offer.to_string()).expect("a file");
    wholesaler.json(&["offer", "publish", &file.display().to_string()]);
    omni_tests::omni::wait_for("the new terms", omni_tests::omni::PATIENCE, || {
        let shown = retailer.json(&["offer", "show", "HTR"]);
        shown["offer"]["rights"].is_array().then_some(())
    });
    let thread = agreed(&retailer, &wholesaler);
    let order = retailer.json(&["order", "show", &thread]);
    assert_eq!(order["cancellation_fee"]["text"], "20.00", "{order}");
    retailer.json(&["order", "cancel", &thread, "--yes"]);
    for node in [&retailer, &wholesaler] {
        node.json(&["deal", "wait", &thread, "--for", "cancelled"]);
        let order = node.json(&["order", "show", &thread]);
        assert_eq!(order["owed"]["text"], "20.00", "{order}");
        assert_eq!(order["version"], 2);
        good(node);
    }
    assert_eq!(account(&retailer, "we_owe"), "20.00");
    assert_eq!(account(&wholesaler, "they_owe"), "20.00");
    let stock = wholesaler.json(&["stock", "ls"]);
    assert_eq!(stock["stock"][0]["available"], "40", "{stock}");
}

#[test]
fn the_provider_asks_to_cancel_and_the_requester_agrees() {
    let (retailer, wholesaler) = partners();
    let thread = agreed(&retailer, &wholesaler);
    let asked = wholesaler.json(&["order", "cancel", &thread, "--yes"]);
    let change = asked["thread"].as_str().expect("a text").to_owned();
    retailer.json(&["deal", "wait", &change, "--for", "held"]);
    let mine = retailer.json(&["deal", "ls", "--mine"]);
    assert_eq!(mine["deals"][0]["thread"], change.as_str(), "{mine}");
    retailer.json(&["deal", "accept", &change, "--yes"]);
    for node in [&retailer, &wholesaler] {
        node.json(&["deal", "wait", &thread, "--for", "cancelled"]);
        good(node);
    }
    assert_eq!(account(&retailer, "we_owe"), "0.00");
    assert_eq!(account(&wholesaler, "they_owe"), "0.00");
}

fn stock(node: &Node, member: &str) -> Value {
    node.json(&["stock", "ls"])["stock"][0][member].clone()
}

#[test]
fn either_side_amends_and_the_difference_moves() {
    let (retailer, wholesaler) = partners();
    let thread = agreed(&retailer, &wholesaler);
    let amend = ["order", "amend", &thread, "--line", "1=5"];
    let plan = retailer.json(&[&amend[..], &["--dry-run"]].concat());
    assert_eq!(plan["difference"]["text"], "300.00", "{plan}");
    assert_eq!(plan["decides"], "partner", "{plan}");
    assert_eq!(
        stock(&wholesaler, "available"),
        "38",
        "a plan changes nothing"
    );
    let asked = retailer.json(&[&amend[..], &["--yes"]].concat());
    let change = asked["thread"].as_str().expect("a text").to_owned();
    assert_eq!(account(&retailer, "in_doubt"), "300.00");
    wholesaler.json(&["deal", "wait", &change, "--for", "offered"]);
    wholesaler.json(&["deal", "accept", &change, "--yes"]);
    retailer.json(&["deal", "wait", &change, "--for", "agreed"]);
    assert_eq!(account(&retailer, "we_owe"), "500.00");
    assert_eq!(account(&wholesaler, "they_owe"), "500.00");
    assert_eq!(stock(&wholesaler, "available"), "35");

    // The wholesaler gives one less, and something off; that is a hold, which the retailer commits.
    let less = [
        "order", "amend", &thread, "--line", "1=4", "--price", "1=90.00",
    ];
    let asked = wholesaler.json(&[&less[..], &["--yes"]].concat());
    let change = asked["thread"].as_str().expect("a text").to_owned();
    retailer.json(&["deal", "wait", &change, "--for", "held"]);
    let before = retailer.json(&["order", "show", &thread]);
    assert_eq!(before["version"], 2, "the terms before stand: {before}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = customer(folder.path());
    let hand_over = ["order", "hand-over", &thread, "--ship-to", &file];
    retailer.place().ok(&hand_over);
    wholesaler.json(&["deal", "wait", &thread, "--for", "handed-over"]);
    let all = wholesaler.place().run(&["order", "complete", &thread]);
    let told = String::from_utf8_lossy(&all.stderr).into_owned();
    assert_eq!(all.status.code(), Some(5), "{told}");
    assert!(told.contains("held for the partner"), "{told}");
    retailer.json(&["deal", "accept", &change, "--yes"]);
    for node in [&retailer, &wholesaler] {
        let (order, _) =
            omni_tests::omni::wait_for("version 3", omni_tests::omni::PATIENCE, || {
                let order = node.json(&["order", "show", &thread]);
                (order["version"] == 3).then_some(order)
            });
        assert_eq!(order["owed"]["text"], "360.00", "{order}");
        assert_eq!(order["versions"][2]["difference"]["text"], "-140.00");
        assert_eq!(order["progress"][0]["open"], "4", "{order}");
        good(node);
    }
    assert_eq!(stock(&wholesaler, "available"), "36");
}

#[test]
fn what_was_written_off_still_binds_when_the_receipt_comes() {
    let (retailer, wholesaler) = partners();
    let thread = held(&retailer, &wholesaler);
    let place = wholesaler.killed();
    retailer.json(&["deal", "accept", &thread, "--yes"]);
    let doubt = retailer.json(&["deal", "show", &thread]);
    assert_eq!(doubt["state"], "doubt", "{doubt}");
    assert_eq!(account(&retailer, "in_doubt"), "200.00");
    let unsaid = retailer.place().run(&["deal", "write-off", &thread]);
    let told = String::from_utf8_lossy(&unsaid.stderr).into_owned();
    assert_eq!(unsaid.status.code(), Some(5), "{told}");
    assert!(told.contains("duty remains"), "{told}");
    retailer.json(&["deal", "write-off", &thread, "--yes"]);
    assert_eq!(account(&retailer, "in_doubt"), "0.00");
    let wholesaler = place.up(&[]);
    retailer.json(&["deal", "wait", &thread, "--for", "agreed"]);
    wholesaler.json(&["deal", "wait", &thread, "--for", "sold"]);
    assert_eq!(account(&retailer, "we_owe"), "200.00");
    assert_eq!(account(&wholesaler, "they_owe"), "200.00");
    good(&retailer);
    good(&wholesaler);
}

#[test]
fn a_recipient_outlives_kills_of_both_sides() {
    let (retailer, wholesaler) = partners();
    let thread = held(&retailer, &wholesaler);
    let place = wholesaler.killed();
    let accept = [
        "deal",
        "accept",
        &thread,
        "--yes",
        "--ship-name",
        "Ada Moor",
    ];
    let doubt = retailer.json(&accept);
    assert_eq!(doubt["hand_over"], "kept", "{doubt}");
    let retailer = retailer.killed_and_up_again();
    let wholesaler = place.up(&[]);
    wholesaler.json(&["deal", "wait", &thread, "--for", "handed-over"]);
    let order = wholesaler.json(&["order", "show", &thread]);
    assert_eq!(order["ship_to"]["name"], "Ada Moor", "{order}");
    let sent = |said: &&Value| said["kind"] == "Handover";
    let story = retailer.json(&["deal", "show", &thread]);
    let said = story["said"].as_array().expect("a list");
    assert_eq!(said.iter().filter(sent).count(), 1, "sent once: {story}");
}

/// Whoever accepts a proposal at an old price is told of the new one.
#[test]
fn a_list_price_that_changed_is_told_before_the_acceptance() {
    let (retailer, wholesaler) = partners();
    let propose = "deal propose Wholesaler --sku HTR --qty 2 --ship-country GB";
    let proposed = retailer.json(&words(propose));
    let thread = proposed["thread"].as_str().expect("a text");
    wholesaler.json(&["deal", "wait", thread, "--for", "to-answer"]);
    let told = |node: &Node| {
        let asked = node.place().run(&["deal", "accept", thread]);
        String::from_utf8_lossy(&asked.stderr).into_owned()
    };
    let check = |words: &[&str], line: Option<&str>| {
        wholesaler.place().ok(words);
        let said = told(&wholesaler);
        assert_eq!(line.is_some(), said.contains("of HTR"), "{said}");
        assert!(line.is_none_or(|line| said.contains(line)), "{said}");
    };
    check(&["status"], None);
    check(&words("offer revise HTR --title Heater"), None);
    check(
        &words("offer revise HTR --price 139.00"),
        Some("The list price of HTR was 129.00 then, and is 139.00 GBP now."),
    );
    check(
        &words("offer revise HTR --currency EUR"),
        Some("The list price of HTR was 129.00 then, and is 139.00 EUR now."),
    );
    check(
        &words("offer withdraw HTR"),
        Some("The offer of HTR does not stand any more."),
    );
}
