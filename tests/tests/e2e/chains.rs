//! Chains between real nodes: a firm in the middle promises what another one holds for it, alone and
//! as a leg of a bundle, and nobody learns more than it must.

use omni_tests::omni::{Node, PATIENCE, Place, wait_for};
use serde_json::Value;

use crate::trade::{ask, customer, words};

/// Who asks, who is in the middle, who has it, and one more for a second leg.
pub(crate) struct Market {
    pub(crate) retailer: Node,
    pub(crate) firm: Node,
    pub(crate) leaf: Node,
    folder: tempfile::TempDir,
}

/// What the middle one asks for, and what it pays.
const ABOVE: &str = "80.00";
const BELOW: &str = "61.50";
/// What the retailer writes to the firm about its customer.
const REFERENCE: &str = "order 4711 of Ada Moor";

pub(crate) fn named(name: &str, settings: &[(&str, &str)]) -> Node {
    let place = Place::new();
    place.ok(&["init", "--name", name, "--network", "test"]);
    for (key, value) in settings {
        place.ok(&["config", "set", key, value]);
    }
    place.up(&[])
}

/// One sells to another: they are partners, and the buyer knows the offer.
pub(crate) fn sells(seller: &Node, buyer: &Node, (sku, price, count): (&str, &str, &str)) {
    buyer.befriend(seller);
    let buyer_id = buyer.partner();
    let offer = format!(
        "offer publish --sku {sku} --title {sku} --price {price} --currency EUR --nature service \
         --method deliver --region DE --for {buyer_id}"
    );
    seller
        .place()
        .ok(&offer.split_whitespace().collect::<Vec<_>>());
    seller.place().ok(&["stock", "set", sku, count]);
    let credit = format!("peer set {buyer_id} --credit 1000.00EUR");
    seller.place().ok(&words(&credit));
    let budget = format!("peer set {} --budget 1000.00EUR", seller.partner());
    buyer.place().ok(&words(&budget));
    let seller_id = seller.partner();
    wait_for("the offer and the name", PATIENCE, || {
        let shown = buyer.place().run(&["offer", "show", sku]);
        let named = buyer.peer(&seller_id)["name"].is_string();
        (shown.status.success() && named).then_some(())
    });
}

/// The thread that a document is about, as far as commands want it.
pub(crate) fn thread(document: &Value) -> String {
    document["thread"].as_str().expect("a text")[..12].to_owned()
}

pub(crate) fn reaches(node: &Node, thread: &str, state: &str) {
    node.place().ok(&["deal", "wait", thread, "--for", state]);
}

pub(crate) fn verified(nodes: &[&Node]) {
    for node in nodes {
        let found = node.json(&["ledger", "verify"]);
        assert_eq!(found["good"], true, "{found}");
    }
}

/// What a node owes (first) and is owed by the partner with this name.
pub(crate) fn owed(node: &Node, name: &str) -> (String, String) {
    let accounts = node.json(&["ledger", "owed"]);
    let accounts = accounts["accounts"].as_array().expect("a list");
    let account = accounts.iter().find(|account| account["name"] == name);
    let account = account.unwrap_or_else(|| panic!("nothing with {name}"));
    for kind in ["held", "in_doubt"] {
        assert_eq!(account[kind]["text"], "0.00", "{account}");
    }
    let text = |kind: &str| account[kind]["text"].as_str().expect("a text").to_owned();
    (text("we_owe"), text("they_owe"))
}

/// Nothing of an article is held, and so much of it sold.
fn stock(node: &Node, sku: &str, sold: &str) {
    let stock = node.json(&["stock", "ls", sku]);
    let taken = [&stock["held"], &stock["sold"]];
    assert_eq!(taken, ["0", sold], "{stock}");
}

impl Market {
    /// The firm has nothing of what it sells, and the leaf so much.
    pub(crate) fn open(count: &str, leaf: &[(&str, &str)]) -> Self {
        let retailer = Node::named("Retailer");
        let firm = named("Firm", &[("stock.short", "ask")]);
        let leaf = named("Leaf", leaf);
        sells(&firm, &retailer, ("MOUNT", ABOVE, "0"));
        sells(&leaf, &firm, ("FIT", BELOW, count));
        Self {
            retailer,
            firm,
            leaf,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// The retailer takes what the firm proposes, so that it commits as soon as it is held.
    fn asked(&self) -> String {
        let propose = ["deal", "propose", "Firm", "--sku", "MOUNT", "--qty", "1"];
        let to = ["--ship-country", "DE", "--note", REFERENCE];
        let thread = thread(&self.retailer.json(&[&propose[..], &to].concat()));
        reaches(&self.firm, &thread, "to-answer");
        // What is not there can't be promised alone.
        let alone = ["deal", "accept", &thread, "--yes"];
        assert_eq!(self.firm.place().run(&alone).status.code(), Some(5));
        let counter = ["deal", "counter", &thread, "--price", ABOVE];
        self.firm.place().ok(&counter);
        reaches(&self.retailer, &thread, "to-answer");
        let file = customer(self.folder.path());
        let accept = ["deal", "accept", &thread, "--ship-to", &file, "--yes"];
        self.retailer.place().ok(&accept);
        reaches(&self.firm, &thread, "asked");
        thread
    }

    /// The firm asks the leaf for it; handed back is the part's thread.
    fn source(&self, thread: &str) -> String {
        let source = [
            "deal", "source", thread, "Leaf", "--sku", "FIT", "--qty", "1",
        ];
        let planned = self.firm.json(&[&source[..], &["--dry-run"]].concat());
        assert_eq!(planned["margin"][0]["text"], "18.50", "{planned}");
        assert_eq!(planned["depth"], 1, "{planned}");
        let unsaid = self.firm.place().run(&source);
        assert_eq!(unsaid.status.code(), Some(5), "what binds takes a yes");
        let told = String::from_utf8_lossy(&unsaid.stderr).into_owned();
        assert!(told.contains("18.50 EUR"), "{told}");
        let sourced = self.firm.json(&[&source[..], &["--yes"]].concat());
        let parts = sourced["chain"]["rests_on"].as_array().expect("a list");
        let part = parts.last().expect("the part");
        assert_eq!(part["name"], "Leaf", "{sourced}");
        self::thread(part)
    }

    fn all(&self) -> [&Node; 3] {
        [&self.retailer, &self.firm, &self.leaf]
    }

    /// All is agreed, and everybody's books say the same.
    fn agreed(&self, (thread, part): (&str, &str)) {
        reaches(&self.retailer, thread, "agreed");
        reaches(&self.firm, thread, "sold");
        reaches(&self.firm, part, "agreed");
        reaches(&self.leaf, part, "sold");
        assert_eq!(owed(&self.retailer, "Firm"), (ABOVE.into(), "0.00".into()));
        assert_eq!(owed(&self.firm, "Retailer"), ("0.00".into(), ABOVE.into()));
        assert_eq!(owed(&self.firm, "Leaf"), (BELOW.into(), "0.00".into()));
        assert_eq!(owed(&self.leaf, "Firm"), ("0.00".into(), BELOW.into()));
        stock(&self.firm, "MOUNT", "0");
        stock(&self.leaf, "FIT", "1");
        let shown = self.firm.json(&["deal", "show", thread]);
        assert_eq!(shown["chain"]["stands"], "agreed", "{shown}");
        assert_eq!(shown["chain"]["margin"][0]["text"], "18.50", "{shown}");
        verified(&self.all());
    }

    /// What neither end may learn is in nothing that its programs are told. Who the members of a
    /// bundle are, the leaf is told with the Manifest that decides it.
    fn nobody_learns_too_much(&self, (thread, part): (&str, &str), leaf_knows: &[&str]) {
        let (retailer, leaf) = (self.retailer.partner(), self.leaf.partner());
        let hidden = [leaf.as_str(), "\"Leaf\"", part, BELOW, "\"FIT\""];
        tells_nothing(&self.retailer, &hidden);
        let terms = [thread, ABOVE, "18.50", "\"MOUNT\"", REFERENCE];
        let names = [retailer.as_str(), "\"Retailer\""];
        let names = names.iter().filter(|name| !leaf_knows.contains(name));
        let hidden: Vec<&str> = terms.iter().chain(names).copied().collect();
        tells_nothing(&self.leaf, &hidden);
        // What it does not look at would prove nothing.
        for (node, own) in [(&self.retailer, thread), (&self.leaf, part)] {
            let told = all_told(node);
            assert!(told.iter().any(|(_, text)| text.contains(own)), "{own}");
        }
    }
}

/// All that the API of a node tells of its threads, bundles, orders, ledger and partners.
fn all_told(node: &Node) -> Vec<(String, String)> {
    let lists = [
        "deal ls",
        "bundle ls",
        "order ls",
        "ledger owed",
        "ledger ls",
        "events",
        "peer ls",
        "peer requests",
        "offer ls",
        "status",
        "doctor",
    ];
    let mut commands: Vec<Vec<String>> = Vec::new();
    let typed = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    commands.extend(lists.into_iter().map(typed));
    let listed = |noun: &str, rows: &str, id: &str| {
        let all = node.json(&[noun, "ls"]);
        let rows = all[rows].as_array().expect("a list").clone();
        let show = |row: Value| {
            let id = row[id].as_str().expect("a text").to_owned();
            vec![noun.to_owned(), "show".to_owned(), id]
        };
        rows.into_iter().map(show).collect::<Vec<_>>()
    };
    commands.extend(listed("deal", "deals", "thread"));
    commands.extend(listed("order", "orders", "order"));
    commands.extend(listed("bundle", "bundles", "name"));
    let told = commands.into_iter().map(|command| {
        let mut args: Vec<&str> = command.iter().map(String::as_str).collect();
        args.push("--json");
        let output = node.place().run(&args);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (command.join(" "), text)
    });
    told.collect()
}

fn tells_nothing(node: &Node, hidden: &[&str]) {
    for (command, text) in all_told(node) {
        for secret in hidden {
            let told = text.split(secret).next().filter(|before| *before != text);
            let beside = told.map(|before| &before[before.len().saturating_sub(400)..]);
            assert_eq!(
                beside,
                None,
                "{command} tells {secret} to {}",
                node.partner()
            );
        }
    }
}

#[test]
fn a_firm_promises_what_its_partner_holds() {
    let market = Market::open("1", &[]);
    let thread = market.asked();
    let waits = market.firm.json(&["deal", "show", &thread]);
    assert_eq!(waits["may"], serde_json::json!(["source", "reject"]));
    let part = market.source(&thread);
    market.agreed((&thread, &part));
    let bought = market.retailer.json(&["deal", "show", &thread]);
    assert_eq!(bought["passed_on"], true, "{bought}");
    assert_eq!(bought["chain"], Value::Null, "{bought}");
    let given = market.leaf.json(&["deal", "show", &part]);
    assert_eq!(given["chain"]["depth"], 1, "{given}");
    assert_eq!(given["chain"]["margin"], serde_json::json!([]), "{given}");
    let rows = market.firm.json(&["deal", "ls"]);
    let rows = rows["deals"].as_array().expect("a list");
    let row = |of: &str| {
        let mut rows = rows.iter();
        let found = rows.find(|row| self::thread(row) == of);
        found.expect("a row").clone()
    };
    let begins = |text: &Value, with: &str| text.as_str().is_some_and(|t| t.starts_with(with));
    assert!(begins(&row(&thread)["rests_on"], &part), "{rows:?}");
    assert!(begins(&row(&part)["is_for"], &thread), "{rows:?}");

    // The address came to the firm, which tells the leaf; each says of its order what happened.
    reaches(&market.firm, &thread, "handed-over");
    let file = customer(market.folder.path());
    let hand_over = ["order", "hand-over", &part, "--ship-to", &file];
    market.firm.place().ok(&hand_over);
    for (seller, buyer, order) in [
        (&market.leaf, &market.firm, &part),
        (&market.firm, &market.retailer, &thread),
    ] {
        reaches(seller, order, "handed-over");
        seller.place().ok(&["order", "complete", order]);
        reaches(buyer, order, "completed");
    }
    market.nobody_learns_too_much((&thread, &part), &[]);
}

#[test]
fn what_the_last_refuses_may_be_sourced_anew_or_given_up() {
    let market = Market::open("0", &[("stock.short", "ask")]);
    let thread = market.asked();
    let part = market.source(&thread);
    let twice = [
        "deal", "source", &thread, "Leaf", "--sku", "FIT", "--qty", "1", "--yes",
    ];
    let refused = market.firm.place().run(&twice);
    assert_eq!(refused.status.code(), Some(5), "it is asked for already");
    let alone = ["deal", "accept", &thread, "--yes"];
    assert_eq!(market.firm.place().run(&alone).status.code(), Some(5));
    reaches(&market.leaf, &part, "asked");
    market.leaf.place().ok(&["deal", "reject", &part]);
    reaches(&market.firm, &part, "aborted");
    let shown = market.firm.json(&["deal", "show", &thread]);
    assert_eq!(shown["chain"]["rests_on"][0]["code"], "declined", "{shown}");
    assert_eq!(shown["state"], "asked", "{shown}");

    // Asked again, it has one; then nobody has any.
    market.leaf.place().ok(&["stock", "set", "FIT", "1"]);
    let part = market.source(&thread);
    market.agreed((&thread, &part));
    let second = market.asked();
    let part = market.source(&second);
    reaches(&market.leaf, &part, "asked");
    market.firm.place().ok(&["deal", "reject", &second]);
    // What the firm proposed still stands.
    reaches(&market.retailer, &second, "to-answer");
    reaches(&market.leaf, &part, "refused");
    reaches(&market.firm, &part, "aborted");
    verified(&market.all());
}

#[test]
fn what_cant_be_sourced_says_why() {
    let market = Market::open("1", &[]);
    let Market {
        retailer,
        firm,
        leaf,
        ..
    } = &market;
    let firm_id = firm.partner();
    for offer in [
        "--sku QUICK --title QUICK --price 10.00 --currency EUR --set hold_minutes=2",
        "--sku POUND --title POUND --price 50.00 --currency GBP",
    ] {
        let publish = format!("offer publish {offer} --region DE --for {firm_id}");
        leaf.place().ok(&words(&publish));
    }
    wait_for("the offers", PATIENCE, || {
        let known = |sku| firm.place().run(&["offer", "show", sku]).status.success();
        (known("QUICK") && known("POUND")).then_some(())
    });
    let thread = market.asked();
    let plan = |node: &Node, what: &str| {
        let line = format!("deal source {thread} {what} --dry-run");
        node.place().run(&words(&line))
    };
    let check = |node: &Node, what: &str, code: i32, says: &str| {
        let refused = plan(node, what);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(code), "{what}: {told}");
        assert!(told.contains(says), "{what}: {told}");
    };
    check(firm, "Nobody --sku FIT --qty 1", 4, "No partner");
    check(firm, "Firm --sku MOUNT --qty 1", 4, "No partner");
    check(firm, "Leaf --sku MOUNT --qty 1", 4, "sku \"MOUNT\"");
    check(firm, "Leaf --sku QUICK --qty 1", 5, "2 min only");
    check(firm, "Leaf --sku FIT --qty 1 --valid 5m", 5, "10 minutes");
    check(firm, "Leaf --sku FIT --qty 1 --sku POUND --qty 1", 6, "GBP");
    check(retailer, "Firm --sku MOUNT --qty 1", 5, "requests there");
    // No currency is converted: what comes in and what goes out stand apart.
    let place = firm.place();
    place.ok(&["peer", "set", "Leaf", "--budget", "60.00GBP"]);
    let pounds = plan(firm, "Leaf --sku POUND --qty 1");
    let pounds = String::from_utf8_lossy(&pounds.stdout).into_owned();
    assert!(pounds.contains("80.00 EUR, -50.00 GBP"), "{pounds}");
    // The limits of both sides are told in numbers.
    place.ok(&["peer", "set", "Leaf", "--budget", "60.00EUR"]);
    check(
        firm,
        "Leaf --sku FIT --qty 1",
        5,
        "budget for it is 60.00 EUR",
    );
    place.ok(&["peer", "set", "Leaf", "--budget", "61.50EUR"]);
    place.ok(&["peer", "set", "Retailer", "--credit", "79.99EUR"]);
    check(
        firm,
        "Leaf --sku FIT --qty 1",
        5,
        "credit here is 79.99 EUR",
    );
    place.ok(&["peer", "set", "Retailer", "--credit", "80.00EUR"]);
    let part = market.source(&thread);
    market.agreed((&thread, &part));
    check(firm, "Leaf --sku FIT --qty 1", 5, "asked a hold for");
}

#[test]
fn who_is_in_the_middle_may_be_killed_and_comes_back() {
    let market = Market::open("1", &[]);
    let thread = market.asked();
    market.leaf.signal("STOP");
    let part = market.source(&thread);
    let Market {
        retailer,
        firm,
        leaf,
        folder,
    } = market;
    let place = firm.killed();
    leaf.signal("CONT");
    let market = Market {
        retailer,
        firm: place.up(&[]),
        leaf,
        folder,
    };
    market.agreed((&thread, &part));
}

/// A bundle of the retailer: a table of a maker, and the mounting, which the firm passes on.
pub(crate) fn bundle(market: &Market) -> (Node, String, String) {
    let maker = Node::named("Maker");
    sells(&maker, &market.retailer, ("TABLE", "200.00", "1"));
    let place = market.retailer.place();
    place.ok(&["bundle", "new", "room"]);
    for (of, sku) in [("Maker", "TABLE"), ("Firm", "MOUNT")] {
        let add = ["bundle", "add", "room", of, "--sku", sku, "--qty", "1"];
        let to = ["--ship-country", "DE", "--note", REFERENCE];
        place.ok(&[&add[..], &to].concat());
    }
    let shown = market.retailer.json(&["bundle", "show", "room"]);
    let leg = thread(&shown["legs"][1]);
    reaches(&market.firm, &leg, "asked");
    let part = market.source(&leg);
    wait_for("all holds", PATIENCE, || {
        let shown = market.retailer.json(&["bundle", "show", "room"]);
        (shown["waits_for"] == "us").then_some(())
    });
    let planned = market.retailer.json(&["bundle", "plan", "room"]);
    let passed_on = |leg: usize| planned["legs"][leg]["passed_on"].clone();
    assert_eq!((passed_on(0), passed_on(1)), (false.into(), true.into()));
    assert_eq!(planned["members"].as_array().map(Vec::len), Some(3));
    (maker, leg, part)
}

#[test]
fn a_leg_of_a_bundle_may_be_a_chain() {
    let market = Market::open("1", &[]);
    let (maker, leg, part) = bundle(&market);
    let held = market.firm.json(&["deal", "show", &part]);
    assert_eq!(held["waits_for"], "chain", "{held}");
    let alone = ["deal", "accept", &part, "--yes"];
    assert_eq!(market.firm.place().run(&alone).status.code(), Some(5));
    let path = format!("/v1/deals/{}/accept", held["thread"].as_str().unwrap());
    let (status, refused) = ask(&market.firm, "POST", &path, &Value::Null);
    assert_eq!((status, &refused["code"]), (409, &"in-chain".into()));
    let next = refused["next"].to_string();
    assert!(next.contains(&format!("omni deal show {leg}")), "{refused}");
    // The one in the middle is asleep when the others are asked to arm.
    market.firm.signal("STOP");
    market
        .retailer
        .place()
        .ok(&["bundle", "commit", "room", "--yes"]);
    market.firm.signal("CONT");
    market
        .retailer
        .place()
        .ok(&["bundle", "show", "room", "--follow"]);
    market.agreed((&leg, &part));
    verified(&[&maker]);
    let members = [&market.retailer.partner(), "\"Retailer\""];
    market.nobody_learns_too_much((&leg, &part), &members);
}

#[test]
fn the_last_of_a_chain_that_refuses_ends_the_whole_bundle() {
    let market = Market::open("1", &[("bundles.co_legs", "known")]);
    let (maker, leg, part) = bundle(&market);
    // The firm knows all members, and the leaf does not.
    market.firm.befriend(&maker);
    let place = market.retailer.place();
    place.ok(&["bundle", "commit", "room", "--yes"]);
    place.ok(&["bundle", "show", "room", "--follow"]);
    let shown = market.retailer.json(&["bundle", "show", "room"]);
    assert_eq!(shown["state"], "aborted", "{shown}");
    assert_eq!(shown["legs"][1]["code"], "part-refused", "{shown}");
    for (node, deal) in [(&market.firm, &leg), (&market.leaf, &part)] {
        reaches(node, deal, "refused");
    }
    reaches(&market.firm, &part, "aborted");
    stock(&market.firm, "MOUNT", "0");
    stock(&market.leaf, "FIT", "0");
    stock(&maker, "TABLE", "0");
    for (node, name) in [(&market.firm, "Leaf"), (&market.retailer, "Firm")] {
        assert_eq!(owed(node, name), ("0.00".into(), "0.00".into()));
    }
    verified(&[&market.all()[..], &[&maker]].concat());
    let members = [&market.retailer.partner(), "\"Retailer\""];
    market.nobody_learns_too_much((&leg, &part), &members);
}
