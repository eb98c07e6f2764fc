//! Wrong flags, files, documents and moments of a trade: each gets a clear no, and nothing changes.

use std::fs;

use omni_tests::omni::Node;
use serde_json::{Value, json};

use crate::trade::{ask, partners, words};

/// Runs a command that must end with this code, and whose error must name `part`.
fn refused(node: &Node, args: &[&str], code: i32, part: &str) {
    let output = node.place().run(args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    assert!(
        stderr.contains(part),
        "{args:?} does not say {part:?}: {stderr}"
    );
    assert!(!stderr.contains('\u{1b}'), "{args:?}: {stderr}");
}

/// Runs commands that must end with these codes and name these parts.
fn all_refused(node: &Node, table: &[(&str, i32, &str)]) {
    for (line, code, part) in table {
        refused(node, &words(line), *code, part);
    }
}

#[test]
fn hostile_flags_change_nothing() {
    let (retailer, _wholesaler) = partners();
    let size = |node: &Node| node.json(&["status"])["ledger"]["size"].clone();
    let before = size(&retailer);
    let table = [
        ("", 2, "--sku"),
        (" --sku HTR", 2, "--qty"),
        (" --sku HTR --qty 0", 6, "line 1"),
        (" --sku HTR --qty -1", 6, "line 1"),
        (" --sku HTR --qty 1.5", 6, "decimals"),
        (" --sku HTR --qty 99999999999999999999", 6, "range"),
        (" --sku NONE --qty 1", 4, "NONE"),
        (" --sku \u{1b}[2J --qty 1", 4, "provider"),
        (" --sku HTR --qty 2 --qty 3", 2, "--qty"),
        (" --sku HTR --qty 2 --price 1.005", 6, "decimals"),
        (" --sku HTR --qty 2 --price -5", 6, "line 1"),
        (" --sku HTR --qty 2 --price 1e3", 6, "number"),
        (" --sku HTR --qty 2 --valid 1m", 5, "valid"),
        (" --sku HTR --qty 2 --valid 99999d", 5, "valid"),
        (" --sku HTR --qty 2 --valid soon", 2, "30m"),
        (" --sku HTR --qty 2 --method air", 6, "method"),
        (
            " --sku HTR --qty 2 --method remote",
            6,
            "asks for remote to GB",
        ),
        (" --sku HTR --qty 2 --as thief", 2, "requester"),
        (" --sku HTR --qty 2 --firm", 5, "commits"),
        (" --sku HTR --qty 2 --ship-name A\u{1b}", 6, "name"),
        (" --sku HTR --qty 2 --ship-to /nowhere", 6, "nowhere"),
        (" --file /nowhere", 6, "nowhere"),
    ];
    for (more, code, part) in table {
        let line = format!("deal propose Wholesaler --ship-country GB{more}");
        refused(&retailer, &words(&line), code, part);
    }
    all_refused(
        &retailer,
        &[
            ("deal propose Nobody --sku HTR --qty 1", 4, "peer ls"),
            ("deal propose Wholesaler --sku HTR --qty 1", 6, "region"),
            (
                "deal propose Wholesaler --sku HTR --qty 1 --ship-country DE",
                6,
                "offered by ship in GB, and this asks for ship to DE",
            ),
            ("deal propose 00000000 --qty 1", 4, "offer search"),
            ("ledger show 999999", 4, "ledger ls"),
            ("ledger ls --after x", 6, "0-123"),
            ("ledger owed --partner Nobody", 4, "peer ls"),
            ("deal wait 01234567 --for held --timeout 0", 7, "held"),
        ],
    );
    for verb in ["show", "accept", "reject", "withdraw", "write-off"] {
        refused(&retailer, &["deal", verb, "0123456789"], 4, "deal ls");
        refused(&retailer, &["deal", verb, "../status"], 6, "8 to 64 digits");
    }
    for verb in ["show", "ship", "complete", "cancel"] {
        refused(&retailer, &["order", verb, "0123456789"], 4, "order ls");
        refused(&retailer, &["order", verb, "zz"], 6, "8 to 64 digits");
    }
    assert_eq!(size(&retailer), before);
}

#[test]
fn hostile_files_are_refused_without_telling_them() {
    let (retailer, _wholesaler) = partners();
    let path = retailer.place().path().join("broken.json");
    let name = path.display().to_string();
    let flags = words("deal propose Wholesaler --sku HTR --qty 1 --ship-to");
    for text in [
        "",
        "{",
        "[]",
        "{\"alternatives\": 7, \"secret\": 1}",
        "name = \"secret\"\nname = \"secret\"",
        "name = \"secret",
    ] {
        fs::write(&path, text).expect("a file");
        refused(
            &retailer,
            &["deal", "propose", "--file", &name],
            6,
            "broken.json",
        );
        let args = [&flags[..], &[&name]].concat();
        refused(&retailer, &args, 6, "");
        let output = retailer.place().run(&args);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!stderr.contains("secret"), "{stderr}");
    }
}

/// What is to be typed next names the article, by a word that a command takes.
#[test]
fn refusals_name_the_article() {
    let (retailer, wholesaler) = partners();
    let offer = retailer.json(&["offer", "show", "HTR"]);
    let id = offer["id"].as_str().expect("a text");
    let short = format!("omni offer show {}", &id[..12]);
    refused(
        &retailer,
        &words("deal propose Wholesaler --sku HTR --qty 1 --ship-country DE"),
        6,
        &short,
    );
    let propose = "deal propose Wholesaler --sku HTR --qty 5 --ship-country GB";
    let proposed = retailer.json(&words(propose));
    let thread = proposed["thread"].as_str().expect("a text");
    wholesaler.json(&["deal", "wait", thread, "--for", "to-answer"]);
    wholesaler.place().ok(&["stock", "set", "HTR", "4"]);
    let accept = ["deal", "accept", thread, "--yes"];
    refused(&wholesaler, &accept, 5, "omni stock set HTR QUANTITY");
}

/// Two partners with a proposal of the retailer's that waits at the wholesaler's.
fn proposed() -> (Node, Node, String) {
    let (retailer, wholesaler) = partners();
    let propose = "deal propose Wholesaler --sku HTR --qty 2 --ship-country GB";
    let proposed = retailer.json(&words(propose));
    let thread = proposed["thread"].as_str().expect("a text").to_owned();
    wholesaler.json(&["deal", "wait", &thread, "--for", "to-answer"]);
    (retailer, wholesaler, thread)
}

#[test]
fn hostile_moments_of_a_negotiation() {
    let (retailer, wholesaler, thread) = proposed();
    let check = |node: &Node, verb: &str, more: &str, code: i32, part: &str| {
        refused(
            node,
            &words(&format!("deal {verb} {thread}{more}")),
            code,
            part,
        );
    };
    check(&retailer, "accept", " --yes", 5, "nothing to accept");
    check(&retailer, "counter", " --price 1.00", 5, "turn");
    check(&retailer, "write-off", " --yes", 5, "nothing to write off");
    refused(&retailer, &["order", "show", &thread], 4, "order ls");
    check(
        &wholesaler,
        "accept",
        " --yes --ship-name Ada",
        6,
        "requester",
    );
    check(&wholesaler, "accept", " --yes --alternative 2", 6, "1 to 1");
    check(&wholesaler, "counter", " --price 2=1.00", 6, "1 to 1");
    check(&wholesaler, "counter", " --price one=1.00", 2, "line");
    wholesaler.json(&["deal", "accept", &thread, "--yes"]);
    retailer.json(&["deal", "wait", &thread, "--for", "held"]);
    check(&wholesaler, "reject", "", 5, "held");
}

#[test]
fn hostile_moments_of_an_order() {
    let (retailer, wholesaler, thread) = proposed();
    wholesaler.json(&["deal", "accept", &thread, "--yes"]);
    retailer.json(&["deal", "wait", &thread, "--for", "held"]);
    retailer.json(&["deal", "accept", &thread, "--yes"]);
    retailer.json(&["deal", "wait", &thread, "--for", "agreed"]);
    wholesaler.json(&["deal", "wait", &thread, "--for", "sold"]);
    let check = |node: &Node, verb: &str, more: &str, code: i32, part: &str| {
        refused(
            node,
            &words(&format!("order {verb} {thread}{more}")),
            code,
            part,
        );
    };
    // Nobody said who receives it, so it can't leave.
    check(&wholesaler, "ship", "", 5, "hand-over");
    check(&retailer, "ship", "", 5, "provider");
    check(&wholesaler, "hand-over", " --ship-name A", 5, "requester");
    check(&retailer, "hand-over", "", 2, "who receives");
    check(&wholesaler, "ship", " --what Vanished", 6, "HandedOver");
    check(&retailer, "cancel", "", 5, "the provider decides");
    let recipient = ["--ship-name", "Ada", "--ship-country", "GB"];
    retailer.json(&[&["order", "hand-over", &thread], &recipient[..]].concat());
    check(&retailer, "hand-over", " --ship-name Eve", 5, "already");
    wholesaler.json(&["deal", "wait", &thread, "--for", "handed-over"]);
    check(&wholesaler, "complete", " --line 2=1", 6, "1 to 1");
    check(&wholesaler, "complete", " --line 1=3", 5, "quantity");
    wholesaler.json(&["order", "ship", &thread]);
    // What the terms don't grant is asked for, and binds who asks.
    let asked = retailer.json(&["order", "cancel", &thread, "--yes"]);
    let [terms] = asked["alternatives"].as_array().unwrap().as_slice() else {
        panic!("{asked}");
    };
    assert_eq!(terms["total"]["text"], "0.00");
    assert_eq!(asked["state"], "doubt");
}

#[test]
fn hostile_documents_are_refused() {
    let (retailer, _wholesaler) = partners();
    let check = |path: &str, body: &Value, status: u16| {
        let (found, document) = ask(&retailer, "POST", path, body);
        assert_eq!(found, status, "{path} {body}: {document}");
        assert!(document["code"].is_string(), "{document}");
    };
    check("/v1/deals", &json!([]), 400);
    check("/v1/deals", &json!({}), 400);
    check(
        "/v1/deals",
        &json!({ "alternatives": [], "partner": "Wholesaler" }),
        422,
    );
    check(
        "/v1/deals",
        &json!({ "alternatives": [{ "lines": [] }] }),
        422,
    );
    let line = json!({ "sku": "HTR", "quantity": 2 });
    check(
        "/v1/deals",
        &json!({ "alternatives": [{ "lines": [line] }] }),
        400,
    );
    let line = json!({ "sku": "HTR", "offer": "00000000", "quantity": "2" });
    let terms = json!([{ "lines": [line] }]);
    check(
        "/v1/deals",
        &json!({ "partner": "Wholesaler", "alternatives": terms }),
        422,
    );
    let line = json!({ "sku": "HTR", "quantity": "2" });
    let terms = json!([{ "lines": vec![line; 1_001], "region": "GB" }]);
    check(
        "/v1/deals",
        &json!({ "partner": "Wholesaler", "alternatives": terms }),
        422,
    );
    let propose = "deal propose Wholesaler --sku HTR --qty 2 --price 115.00 --ship-country GB";
    let proposed = retailer.json(&words(propose));
    let thread = format!("/v1/deals/{}", proposed["thread"].as_str().expect("an id"));
    for (verb, body) in [
        ("accept", json!({ "alternative": -1 })),
        ("counter", json!({ "lines": 7 })),
    ] {
        check(&format!("{thread}/{verb}"), &body, 400);
    }
    check("/v1/deals/00000000/accept", &json!({}), 404);
    check("/v1/orders/00000000/ship", &json!({}), 404);
    check(
        "/v1/orders/x/hand-over",
        &json!({ "ship_to": { "name": "" } }),
        422,
    );
}

#[test]
fn hostile_addresses_are_refused() {
    let node = Node::named("Retailer");
    for path in [
        "/v1/deals?limit=0",
        "/v1/deals?cursor=x",
        "/v1/deals?state=kept",
        "/v1/deals?state=",
        "/v1/deals?waits_for=you",
        "/v1/orders?status=sold",
        "/v1/orders?limit=501",
        "/v1/ledger/entries?cursor=1",
        "/v1/ledger/entries/x",
        "/v1/ledger/export?cursor=1-",
    ] {
        let (status, document) = ask(&node, "GET", path, &Value::Null);
        assert_eq!(status, 422, "{path}: {document}");
    }
}
