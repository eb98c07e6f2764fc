//! How offers and stock travel: an import here is complete there, changes and withdrawals follow,
//! and who comes late has everything.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use omni_tests::omni::{Node, PATIENCE, wait_for};
use serde_json::Value;

/// What was published is complete elsewhere, and a late joiner complete, within this time.
const SPREAD: Duration = Duration::from_secs(10);

fn catalogue(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join("examples/catalogues").join(name)
}

fn import(node: &Node, name: &str, more: &[&str]) -> Value {
    let file = catalogue(name).display().to_string();
    node.json(&[&["import", &file, "--apply", "--show", "0"], more].concat())
}

/// How many offers of `author` a node knows.
fn known(node: &Node, author: &str) -> u64 {
    let totals = node.json(&["offer", "ls", "--totals"]);
    let all = totals["catalogues"].as_array().expect("a list");
    let of_author = all.iter().find(|c| c["partner"] == author);
    of_author
        .and_then(|c| c["offers"].as_u64())
        .unwrap_or_default()
}

fn wait_until_known(node: &Node, author: &str, offers: u64) -> Duration {
    let what = format!("{offers} offers");
    wait_for(&what, PATIENCE, || {
        (known(node, author) == offers).then_some(())
    })
    .1
}

/// The first offer of a list or a search.
fn first(node: &Node, args: &[&str]) -> Value {
    node.json(args)["offers"][0].clone()
}

fn has_not(node: &Node, sku: &str) -> bool {
    node.place().run(&["offer", "show", sku]).status.code() == Some(4)
}

#[test]
fn an_import_is_complete_at_a_partner_and_at_who_comes_late() {
    let (seller, buyer) = (Node::named("Seller"), Node::named("Buyer"));
    buyer.befriend(&seller);
    let report = import(&seller, "caldmoor.csv.gz", &["--no-stock"]);
    assert_eq!(report["applied"]["published"], 2_400);
    let id = seller.partner();
    let took = wait_until_known(&buyer, &id, 2_400);
    assert!(took < SPREAD, "{took:?}");
    let again = import(&seller, "caldmoor.csv.gz", &["--no-stock"]);
    assert_eq!(again["applied"]["published"], 0);
    assert_eq!(again["applied"]["unchanged"], 2_400);
    let late = Node::named("Late");
    late.befriend(&seller);
    let took = wait_until_known(&late, &id, 2_400);
    assert!(took < SPREAD, "{took:?}");
    let found = first(&late, &["offer", "search", "emberly", "solano", "heater"]);
    assert_eq!(found["sku"], "CR-HTR-STORY");
    assert_eq!(found["name"], "Seller");
    assert_eq!(found["price"]["text"], "129.00");
    assert_eq!(found["price"]["minor"], 12_900);
    assert_eq!(found["price"]["currency"], "GBP");
}

#[test]
fn a_dry_run_tells_what_it_would_undo() {
    let seller = Node::named("Seller");
    let file = seller.place().path().join("three.csv");
    let write = |kettle: &str| {
        let rows = format!(
            "sku,title,price,currency,stock\nA,Kettle,{kettle},EUR,5\nB,Pan,20.00,EUR,5\nC,Pot,30.00,EUR,\n"
        );
        fs::write(&file, rows).expect("ours");
    };
    let name = file.display().to_string();
    let dry =
        |more: &[&str]| seller.json(&[&["import", &name], more].concat())["previewed"].clone();
    write("10.00");
    assert_eq!(dry(&[])["new"], 3);
    seller.json(&["import", &name, "--apply"]);
    assert_eq!(
        (&dry(&[])["new"], &dry(&[])["unchanged"]),
        (&0.into(), &3.into())
    );
    // What is done by hand is undone by the file, and that is said before.
    seller.json(&["offer", "revise", "A", "--price", "12.00"]);
    seller.json(&["offer", "withdraw", "B"]);
    seller.json(&["stock", "set", "A", "4"]);
    let told = dry(&[]);
    let counted = |name: &str| told[name].as_u64().expect("a number");
    let all = [
        "new",
        "unchanged",
        "changed",
        "again",
        "steep",
        "counts_replaced",
    ];
    assert_eq!(all.map(counted), [0, 1, 2, 1, 0, 1], "{told}");
    let text = seller.place().ok(&["import", &name]);
    for line in [
        "A: price 12.00 -> 10.00",
        "B: withdrawn before, offered again",
        "A: 4 counted -> 5",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert_eq!(dry(&["--no-stock"])["counts_replaced"], 0);
    write("0.10");
    assert_eq!(dry(&[])["steep"], 1);
    let slip = ["offer", "revise", "A", "--price", "0.10"];
    let refused = seller.place().run(&slip);
    assert_eq!(refused.status.code(), Some(5));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("from 12.00 to 0.10"), "{said}");
    seller.json(&[&slip[..], &["--yes"]].concat());
}

#[test]
fn changes_and_withdrawals_follow() {
    let (seller, buyer) = (Node::named("Seller"), Node::named("Buyer"));
    buyer.befriend(&seller);
    let publish = [
        "offer",
        "publish",
        "--sku",
        "A 1/ä",
        "--title",
        "Blue kettle",
    ];
    let price = ["--price", "12.30", "--currency", "EUR"];
    seller.place().ok(&[publish.as_slice(), &price].concat());
    let price_there = || {
        let found = first(&buyer, &["offer", "search", "kettle"]);
        found["price"]["text"].as_str().map(str::to_owned)
    };
    let wait_for_price = |price: &str| {
        wait_for(price, PATIENCE, || {
            (price_there().as_deref() == Some(price)).then_some(())
        });
    };
    wait_for_price("12.30");
    let shown = buyer.json(&["offer", "show", "A 1/ä"]);
    assert_eq!(shown["offer"]["sku"], "A 1/ä");
    assert_eq!(shown["mine"], false);
    seller.place().ok(&[
        "offer", "revise", "A 1/ä", "--price", "9.99", "--tier", "10:8.50",
    ]);
    wait_for_price("9.99");
    let same = seller.json(&["offer", "revise", "A 1/ä", "--price", "9.99"]);
    assert_eq!(same["unchanged"], 1, "{same}");
    assert_eq!(
        buyer.json(&["offer", "show", "A 1/ä"])["offer"]["tiers"][0]["price"],
        "8.50"
    );
    // What is shown can be published again, by another or with another number.
    let file = seller.place().path().join("offer.json");
    let mut shown = seller.json(&["offer", "show", "A 1/ä"]);
    shown["offer"]["sku"] = "A2".into();
    fs::write(&file, shown.to_string()).expect("a file");
    let made = seller.json(&["offer", "publish", &file.display().to_string()]);
    assert_eq!(made["published"][0]["sku"], "A2");
    let id = seller.partner();
    wait_until_known(&buyer, &id, 2);
    seller.place().ok(&["offer", "withdraw", "A 1/ä", "A2"]);
    wait_until_known(&buyer, &id, 0);
    assert!(has_not(&buyer, "A 1/ä") && has_not(&seller, "A2"));
    assert_eq!(price_there(), None);
    let again = seller.json(&["offer", "withdraw", "A2"]);
    assert_eq!(again["unchanged"], 1, "{again}");
}

#[test]
fn what_a_file_no_longer_holds_is_withdrawn_on_demand() {
    let node = Node::named("Node");
    let file = node.place().path().join("c.csv");
    let name = file.display().to_string();
    let write = |rows: &str| {
        fs::write(&file, format!("sku,title,price,currency,stock\n{rows}")).expect("a file")
    };
    let import = |more: &[&str]| node.json(&[&["import", name.as_str(), "--apply"], more].concat());
    write("A,T,1,EUR,5\nB,U,2,EUR,\nC,V,3,EUR,0\n");
    let report = import(&[]);
    assert_eq!(report["applied"]["published"], 3);
    assert_eq!(report["applied"]["counted"], 2);
    node.place().ok(&[
        "offer",
        "publish",
        "--sku",
        "D",
        "--list",
        "other",
        "--title",
        "W",
        "--price",
        "1",
        "--currency",
        "EUR",
    ]);
    write("A,T,1,EUR,5\nC,V,4,EUR,0\n");
    let report = import(&["--withdraw-missing"]);
    let applied = &report["applied"];
    let numbers = [
        "published",
        "unchanged",
        "counted",
        "counts_unchanged",
        "withdrawn",
    ];
    let numbers = numbers.map(|key| applied[key].as_u64().expect("a number"));
    assert_eq!(numbers, [1, 1, 0, 2, 1], "{report}");
    // A row that can't be read may be what is still sold: nothing is withdrawn then.
    write("A,T,1,EUR,5\nC,V,nonsense,EUR,0\n");
    let output = node
        .place()
        .run(&["import", &name, "--apply", "--withdraw-missing"]);
    assert_eq!(output.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Nothing was withdrawn"));
    let left = node.json(&["offer", "ls", "--mine"]);
    assert_eq!(left["offers"].as_array().map(Vec::len), Some(3), "{left}");
}

#[test]
fn pages_hold_each_offer_once() {
    let node = Node::named("Node");
    import(&node, "nordlauf.jsonl", &["--no-stock"]);
    let mut skus = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut args = vec!["offer", "ls", "--limit", "7"];
        if let Some(after) = &after {
            args.extend(["--after", after]);
        }
        let page = node.json(&args);
        let offers = page["offers"].as_array().expect("a list");
        assert!(offers.len() <= 7);
        skus.extend(offers.iter().map(|offer| offer["sku"].to_string()));
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(skus.len(), 96);
    skus.sort_unstable();
    skus.dedup();
    assert_eq!(skus.len(), 96);
    let all = node.json(&["offer", "ls", "--mine", "--limit", "1000"]);
    assert_eq!(all["offers"].as_array().map(Vec::len), Some(96));
    assert_eq!(all["next"], Value::Null);
}

#[test]
fn stock_is_counted_and_its_word_travels() {
    let (seller, buyer) = (Node::named("Seller"), Node::named("Buyer"));
    let seller = {
        let place = seller.killed();
        place.ok(&["config", "set", "stock.signal", "1s"]);
        place.up(&[])
    };
    buyer.befriend(&seller);
    let hours = [
        "offer", "publish", "--sku", "H", "--title", "Mounting", "--nature", "service", "--unit",
        "HUR:1",
    ];
    let more = [
        "--price",
        "48.00",
        "--currency",
        "EUR",
        "--minimum",
        "0.5",
        "--increment",
        "0.5",
    ];
    seller.place().ok(&[hours.as_slice(), &more].concat());
    let word_is = |word: &str| {
        let look = || (buyer.json(&["offer", "show", "H"])["availability"] == word).then_some(());
        wait_for(word, PATIENCE, look);
    };
    wait_for("the offer", PATIENCE, || {
        (!has_not(&buyer, "H")).then_some(())
    });
    let set = |quantity: &str| seller.json(&["stock", "set", "H", quantity]);
    let stock = set("37.5");
    assert_eq!(stock["counted"], "37.5");
    assert_eq!(stock["available"], "37.5");
    assert_eq!(stock["short"], "0");
    word_is("plenty");
    set("0");
    word_is("out");
    set("0.5");
    word_is("low");
    let listed = seller.json(&["stock", "ls"]);
    assert_eq!(listed["stock"][0]["sku"], "H");
    assert_eq!(listed["stock"][0]["counted"], "0.5");
    assert_eq!(
        seller.json(&["stock", "ls", "--short"])["stock"]
            .as_array()
            .map(Vec::len),
        Some(0)
    );
}

#[test]
fn what_was_published_survives_kill_and_is_not_published_twice() {
    let node = Node::named("Node");
    import(&node, "handfest.json", &[]);
    let before = node.json(&["offer", "ls", "--mine", "--limit", "100"]);
    let node = node.killed_and_up_again();
    assert_eq!(
        node.json(&["offer", "ls", "--mine", "--limit", "100"]),
        before
    );
    let report = import(&node, "handfest.json", &[]);
    assert_eq!(report["applied"]["published"], 0);
    assert_eq!(report["applied"]["counted"], 0);
}
