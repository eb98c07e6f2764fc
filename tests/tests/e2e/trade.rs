//! A whole trade by the commands that a person types, the same by HTTP alone, and by the example
//! that uses curl.

use std::fs;
use std::path::Path;
use std::process::Command;

use omni_node::home::Home;
use omni_node::keys::Identity;
use omni_node::store::{Owner, ledger};
use omni_tests::omni::{Node, PATIENCE, wait_for};
use serde_json::{Value, json};

/// A retailer and a wholesaler who trust each other, the wholesaler with one article.
pub(crate) fn partners() -> (Node, Node) {
    let (retailer, wholesaler) = (Node::named("Retailer"), Node::named("Wholesaler"));
    retailer.befriend(&wholesaler);
    let offer = [
        "offer",
        "publish",
        "--sku",
        "HTR",
        "--title",
        "Patio heater",
    ];
    let terms = ["--price", "129.00", "--currency", "GBP", "--region", "GB"];
    wholesaler.place().ok(&[&offer[..], &terms].concat());
    wholesaler.place().ok(&["stock", "set", "HTR", "40"]);
    let (one, other) = (retailer.partner(), wholesaler.partner());
    wholesaler
        .place()
        .ok(&["peer", "set", &one, "--credit", "1000.00GBP"]);
    retailer
        .place()
        .ok(&["peer", "set", &other, "--budget", "1000.00GBP"]);
    wait_for("the offer and the names", PATIENCE, || {
        let shown = retailer.place().run(&["offer", "show", "HTR"]);
        let named = retailer.peer(&other)["name"].is_string();
        (shown.status.success() && named).then_some(())
    });
    (retailer, wholesaler)
}

/// A command line as one types it.
pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// Writes a file with a recipient, and gives its path.
pub(crate) fn customer(folder: &Path) -> String {
    let path = folder.join("customer.toml");
    let text = "name = \"Ada Moor\"\nlines = [\"7 Hill Lane\"]\ncity = \"Leeds\"\n\
                postcode = \"LS1 4AP\"\ncountry = \"GB\"\n";
    fs::write(&path, text).expect("a file");
    path.display().to_string()
}

/// What a node owes (first) and is owed in pounds.
fn owed(node: &Node) -> (String, String) {
    let accounts = node.json(&["ledger", "owed"]);
    let account = &accounts["accounts"][0];
    let text = |name: &str| account[name]["text"].as_str().unwrap_or("-").to_owned();
    (text("we_owe"), text("they_owe"))
}

fn verified(node: &Node) {
    let found = node.json(&["ledger", "verify"]);
    assert_eq!(found["good"], true, "{found}");
}

/// What only the fulfiller is told, as [`customer`] writes it.
const CUSTOMER: [&str; 2] = ["Ada Moor", "7 Hill Lane"];

fn holds(bytes: &[u8], text: &str) -> bool {
    // The library's search is compiled with optimisation, and homes have many megabytes.
    String::from_utf8_lossy(bytes).contains(text)
}

/// Looks at the bytes of all files, as a thief of the folder would.
fn is_told_nowhere(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            is_told_nowhere(&path);
        } else if let Ok(bytes) = fs::read(&path) {
            let found = CUSTOMER.iter().any(|text| holds(&bytes, text));
            assert!(!found, "{} holds the customer in clear", path.display());
        }
    }
}

/// The ledger in the home of a node that ended.
pub(crate) fn ledger_of(home: &Path) -> ledger::LedgerReader {
    let identity = Identity::load(&Home::at(home.to_owned())).expect("an identity");
    let owner = Owner {
        network: *identity.network().id().as_bytes(),
        partner: *identity.partner().as_bytes(),
    };
    ledger::open_to_read(home, owner).expect("a ledger")
}

/// All values of a ledger as they are before `RocksDB` compresses them.
fn values_of_ledger(home: &Path) -> Vec<Vec<u8>> {
    let reader = ledger_of(home);
    let mut values = Vec::new();
    let mut after = Vec::new();
    while let Some(pair) = reader.next(&after, &[0xff]).expect("readable") {
        values.push(pair.value);
        after = pair.key;
    }
    values
}

/// Proposes less than the list says, and has it countered firmly; gives the thread.
pub(crate) fn negotiate(retailer: &Node, wholesaler: &Node) -> String {
    let propose = "deal propose Wholesaler --sku HTR --qty 2 --price 115.00 --ship-country GB";
    let proposed = retailer.json(&words(propose));
    assert_eq!(proposed["state"], "proposed");
    assert_eq!(proposed["total"]["text"], "230.00");
    let thread = proposed["thread"].as_str().expect("a text")[..8].to_owned();
    wholesaler.json(&["deal", "wait", &thread, "--for", "to-answer"]);
    let counter = ["deal", "counter", &thread, "--price", "122.00", "--firm"];
    let unsaid = wholesaler.place().run(&counter);
    assert_eq!(unsaid.status.code(), Some(5), "what binds takes a yes");
    wholesaler.json(&[&counter[..], &["--yes"]].concat());
    retailer.json(&["deal", "wait", &thread, "--for", "held"]);
    thread
}

pub(crate) fn fulfil(retailer: &Node, wholesaler: &Node, thread: &str) {
    wholesaler.json(&["deal", "wait", thread, "--for", "handed-over"]);
    let order = wholesaler.json(&["order", "show", thread]);
    assert_eq!(order["ship_to"]["name"], "Ada Moor");
    assert_eq!(order["status"], "ordered");
    let shipped = wholesaler.json(&["order", "ship", thread, "--reference", "NL-1"]);
    assert_eq!(shipped["status"], "in-fulfilment");
    assert_eq!(shipped["steps"][0]["reference"], "NL-1");
    let done = wholesaler.json(&["order", "complete", thread]);
    assert_eq!(done["status"], "completed");
    retailer.json(&["deal", "wait", thread, "--for", "completed"]);
}

#[test]
fn a_whole_trade_by_commands() {
    let (retailer, wholesaler) = partners();
    let thread = negotiate(&retailer, &wholesaler);
    let file = customer(retailer.place().path());
    let accept = ["deal", "accept", &thread, "--ship-to", &file];
    let unsaid = retailer.place().run(&accept);
    assert_eq!(unsaid.status.code(), Some(5), "what binds takes a yes");
    let told = String::from_utf8_lossy(&unsaid.stderr).into_owned();
    assert!(told.contains("244.00 GBP"), "{told}");
    assert!(told.contains("commits"), "{told}");
    retailer.json(&[&accept[..], &["--yes"]].concat());
    retailer.json(&["deal", "wait", &thread, "--for", "agreed"]);
    fs::remove_file(&file).expect("it is ours");
    is_told_nowhere(&retailer.place().home());
    fulfil(&retailer, &wholesaler, &thread);
    assert_eq!(owed(&retailer), ("244.00".to_owned(), "0.00".to_owned()));
    assert_eq!(owed(&wholesaler), ("0.00".to_owned(), "244.00".to_owned()));
    verified(&retailer);
    verified(&wholesaler);
    let story = retailer.place().ok(&["deal", "show", &thread]);
    for part in ["we committed", "wrote the Receipt", "handed the recipient"] {
        assert!(story.contains(part), "{story}");
    }
    let exported = retailer.place().ok(&["ledger", "export"]);
    let mut lines = exported.lines().map(serde_json::from_str::<Value>);
    let last = lines.next_back().expect("a last line").expect("a document");
    let note = last["note"].as_str().unwrap_or_default();
    assert!(note.starts_with("omni/1/ledger/"), "{note}");
    assert!(lines.all(|line| line.is_ok()), "each line is a document");

    wait_for("the recipient to be forgotten", PATIENCE, || {
        let left = ["hand-over", "data-keys"].map(|folder| {
            let folder = retailer.place().home().join(folder);
            fs::read_dir(folder).expect("it was made").count()
        });
        (left == [0, 0]).then_some(())
    });
    for node in [retailer, wholesaler] {
        let place = node.killed();
        is_told_nowhere(&place.home());
        let values = values_of_ledger(&place.home());
        assert!(values.len() > 20, "the ledger was read");
        for (text, value) in CUSTOMER
            .iter()
            .flat_map(|text| values.iter().map(move |v| (text, v)))
        {
            assert!(
                !holds(value, text),
                "the ledger holds the customer in clear"
            );
        }
        let found = place.ok(&["ledger", "verify"]);
        assert!(found.contains("good"), "without a node: {found}");
    }
}

/// Asks by raw HTTP, and gives the status and the document.
pub(crate) fn ask(node: &Node, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        node.endpoint("http"),
        node.token(),
        body.len(),
    );
    let answer = node.http(request.as_bytes());
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let (_, content) = answer.split_once("\r\n\r\n").expect("head and body");
    let begin = content.find('{').unwrap_or(content.len());
    let end = content.rfind('}').map_or(begin, |end| end + 1);
    let document = serde_json::from_str(&content[begin..end]).unwrap_or_default();
    (status.unwrap_or_default(), document)
}

fn post(node: &Node, path: &str, body: &Value) -> Value {
    let (status, document) = ask(node, "POST", path, body);
    assert_eq!(status, 200, "{path}: {document}");
    document
}

fn wait(node: &Node, path: &str, member: &str, value: &str) {
    wait_for(&format!("{member} {value}"), PATIENCE, || {
        let (_, document) = ask(node, "GET", path, &Value::Null);
        (document[member] == value).then_some(())
    });
}

#[test]
fn a_whole_trade_by_http_alone() {
    let (retailer, wholesaler) = partners();
    let line = json!({ "sku": "HTR", "quantity": "3", "price": "120.00" });
    let proposal = json!({
        "partner": "Wholesaler",
        "alternatives": [{ "lines": [line], "region": "GB" }],
    });
    let thread = post(&retailer, "/v1/deals", &proposal)["thread"].clone();
    let path = format!("/v1/deals/{}", thread.as_str().expect("a text"));
    wait(&wholesaler, &path, "state", "to-answer");
    // The provider's accepting is a firm proposal of the same terms.
    post(&wholesaler, &format!("{path}/accept"), &json!({}));
    wait(&retailer, &path, "state", "held");
    let ship_to = json!({ "name": "Ada Moor", "city": "Leeds", "country": "GB" });
    post(
        &retailer,
        &format!("{path}/accept"),
        &json!({ "ship_to": ship_to }),
    );
    wait(&retailer, &path, "state", "agreed");
    wait(&wholesaler, &path, "hand_over", "received");
    let (status, orders) = ask(&wholesaler, "GET", "/v1/orders", &Value::Null);
    assert_eq!(status, 200);
    let order = orders["orders"][0]["order"]
        .as_str()
        .expect("an order")
        .to_owned();
    let order = format!("/v1/orders/{order}");
    post(
        &wholesaler,
        &format!("{order}/ship"),
        &json!({ "reference": "NL-2" }),
    );
    let part = json!({ "lines": [{ "line": 1, "quantity": "1" }] });
    let partly = post(&wholesaler, &format!("{order}/complete"), &part);
    assert_eq!(partly["status"], "in-fulfilment");
    assert_eq!(partly["progress"][0]["open"], "2");
    post(&wholesaler, &format!("{order}/complete"), &json!({}));
    wait(&retailer, &order, "status", "completed");
    for (node, member) in [(&retailer, "we_owe"), (&wholesaler, "they_owe")] {
        let (_, accounts) = ask(node, "GET", "/v1/ledger/accounts", &Value::Null);
        assert_eq!(
            accounts["accounts"][0][member]["text"], "360.00",
            "{accounts}"
        );
        let (_, found) = ask(node, "GET", "/v1/ledger/verification", &Value::Null);
        assert_eq!(found["good"], true, "{found}");
    }
}

#[test]
fn threads_in_one_state_are_listed_page_by_page() {
    let (retailer, _wholesaler) = partners();
    let propose = words("deal propose Wholesaler --sku HTR --qty 1 --ship-country GB");
    let proposed = std::iter::repeat_with(|| retailer.json(&propose)["thread"].clone());
    let mut threads: Vec<String> = proposed
        .take(3)
        .map(|thread| thread.as_str().expect("a text").to_owned())
        .collect();
    threads.sort();
    // The last in the order of a list, so that behind the second page only this one follows.
    let withdrawn = threads.pop().expect("three threads");
    retailer.json(&["deal", "withdraw", &withdrawn]);
    let check = |more: &str, rows: &[&str], next: Option<&str>| {
        let listed = retailer.json(&words(&format!("deal ls --state {more}")));
        let found = listed["deals"].as_array().expect("a list").iter();
        let found: Vec<_> = found.filter_map(|deal| deal["thread"].as_str()).collect();
        assert_eq!(
            (&found[..], listed["next"].as_str()),
            (rows, next),
            "{more}"
        );
    };
    let (first, second) = (threads[0].as_str(), threads[1].as_str());
    check("proposed", &[first, second], None);
    check("proposed --limit 1", &[first], Some(first));
    check(
        &format!("proposed --limit 1 --after {first}"),
        &[second],
        None,
    );
    check("withdrawn --limit 1", &[&withdrawn], None);
    check("withdrawn --mine", &[], None);
    check("agreed", &[], None);
}

#[test]
fn a_whole_trade_by_curl_alone() {
    let (retailer, wholesaler) = partners();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/curl/trade");
    let run = Command::new(script)
        .args([retailer.place().home(), wholesaler.place().home()])
        .args(["HTR", "3", "120.00"])
        .output()
        .expect("the script runs");
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&run.stderr)
    );
    for part in ["to Ines Varley", "we_owe: 360.00", "they_owe: 360.00"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(!told.contains(&retailer.token()), "a token is never shown");
}
