//! Policies between real nodes: a firm asks its approved partners by itself for what it lacks, within
//! the limits that its operator set, and says of each step which policy took it.

use omni_tests::omni::{Node, PATIENCE, wait_for};
use serde_json::{Value, json};

use crate::chains::{named, owed, reaches, sells, thread, verified};
use crate::trade::words;

/// A retailer, a firm that has nothing of what it sells, and two that might do it for it, of whom the
/// first has nothing either.
struct Market {
    retailer: Node,
    firm: Node,
    empty: Node,
    leaf: Node,
}

impl Market {
    fn open(firm: &[(&str, &str)]) -> Self {
        let retailer = Node::named("Retailer");
        let firm = named("Firm", firm);
        let (empty, leaf) = (Node::named("Empty"), Node::named("Leaf"));
        sells(&firm, &retailer, ("MOUNT", "80.00", "0"));
        sells(&empty, &firm, ("FITTING", "60.00", "0"));
        sells(&leaf, &firm, ("FIT", "61.50", "9"));
        Self {
            retailer,
            firm,
            empty,
            leaf,
        }
    }

    /// The retailer asks the firm for one; handed back is the thread.
    fn ask(&self, bundle: &str) -> String {
        self.retailer.place().ok(&["bundle", "new", bundle]);
        self.ask_again(bundle)
    }

    /// The same once more in a bundle that is begun.
    fn ask_again(&self, bundle: &str) -> String {
        let add = format!("bundle add {bundle} Firm --sku MOUNT --qty 1 --ship-country DE");
        self.retailer.place().ok(&words(&add));
        let shown = self.retailer.json(&["bundle", "show", bundle]);
        let legs = shown["legs"].as_array().expect("legs");
        thread(legs.last().expect("a leg"))
    }

    fn policy(&self, words_of_it: &str) -> Value {
        let line = format!("policy {words_of_it}");
        self.firm.json(&words(&line))
    }

    /// What the firm's policies did, oldest first.
    fn did(&self) -> Vec<(String, String)> {
        let text = self.firm.place().ok(&["events", "--last", "500", "--json"]);
        let events = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("an event"));
        let acts = events.filter(|event: &Value| event["event"] == "policy");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        acts.map(|act| (text(&act["did"]), text(&act["code"])))
            .collect()
    }

    /// The parts that were asked for in a thread: by which policy, state and code.
    fn parts(&self, thread: &str) -> Vec<[Value; 3]> {
        let shown = self.firm.json(&["deal", "show", thread]);
        let parts = shown["chain"]["rests_on"].as_array().cloned();
        let parts = parts.unwrap_or_default().into_iter();
        parts
            .map(|part| ["policy", "state", "code"].map(|name| part[name].clone()))
            .collect()
    }
}

const ADD: &str = "add mounts --from Empty=FITTING --from Leaf=FIT --sku MOUNT --margin 10.00EUR \
                   --per-deal 70.00EUR --per-day 130.00EUR";

fn settled(what: &str, is_so: impl Fn() -> bool) {
    wait_for(what, PATIENCE, || is_so().then_some(()));
}

#[test]
fn what_is_short_is_asked_of_one_partner_after_the_other() {
    let market = Market::open(&[]);
    market.policy(ADD);
    let place = market.retailer.place();
    let first = market.ask("given-back");
    reaches(&market.firm, &first, "held");
    let held = market.parts(&first);
    let expected = [
        [json!("mounts"), json!("aborted"), json!("no-stock")],
        [json!("mounts"), json!("held"), Value::Null],
    ];
    assert_eq!(held, expected);
    let spent = || market.policy("show mounts")["today"].clone();
    assert_eq!(spent()[0]["text"], "61.50");
    place.ok(&["bundle", "cancel", "given-back"]);
    settled("what was given back", || spent() == json!([]));

    // Two are within the limit of a day, and a third is not.
    let threads = [market.ask("two"), market.ask_again("two")];
    for thread in &threads {
        reaches(&market.firm, thread, "held");
    }
    assert_eq!(spent()[0]["text"], "123.00");
    let third = market.ask("three");
    reaches(&market.retailer, &third, "aborted");
    let refused = market.retailer.json(&["bundle", "show", "three"]);
    assert_eq!(refused["legs"][0]["code"], "no-stock", "{refused}");
    let listed = market.firm.place().ok(&["policy", "ls"]);
    assert!(listed.contains("123.00 of 130.00 EUR"), "{listed}");
    let shown = market.policy("show mounts");
    assert_eq!(shown["used"].as_array().map(Vec::len), Some(6), "{shown}");
    let did = market.did();
    let (last, sourced) = did.split_last().expect("acts");
    assert_eq!(last, &("refused".to_owned(), "no-stock".to_owned()));
    assert_eq!(sourced, vec![("sourced".to_owned(), String::new()); 6]);

    place.ok(&["bundle", "commit", "two", "--yes"]);
    for thread in &threads {
        reaches(&market.retailer, thread, "agreed");
        reaches(&market.firm, thread, "sold");
    }
    let owes = ("123.00".to_owned(), "0.00".to_owned());
    assert_eq!(owed(&market.firm, "Leaf"), owes);
    verified(&[&market.retailer, &market.firm, &market.empty, &market.leaf]);
}

#[test]
fn whoever_refuses_at_last_has_it_refused() {
    let market = Market::open(&[]);
    market.policy("add mounts --from Empty=FITTING");
    let thread = market.ask("one");
    reaches(&market.retailer, &thread, "aborted");
    let refused = market.retailer.json(&["bundle", "show", "one"]);
    assert_eq!(refused["legs"][0]["code"], "part-refused", "{refused}");
    market.policy("rm mounts");
    let thread = market.ask("two");
    reaches(&market.retailer, &thread, "aborted");
    let refused = market.retailer.json(&["bundle", "show", "two"]);
    assert_eq!(refused["legs"][0]["code"], "no-stock", "{refused}");
}

#[test]
fn what_came_while_the_node_was_down_is_sourced_at_its_start() {
    let market = Market::open(&[]);
    market.policy(ADD);
    let Market {
        retailer,
        firm,
        empty,
        leaf,
    } = market;
    let place = firm.killed();
    retailer.place().ok(&["bundle", "new", "one"]);
    let add = "bundle add one Firm --sku MOUNT --qty 1 --ship-country DE";
    retailer.place().ok(&words(add));
    let shown = retailer.json(&["bundle", "show", "one"]);
    let asked = thread(&shown["legs"][0]);
    let market = Market {
        retailer,
        firm: place.up(&[]),
        empty,
        leaf,
    };
    reaches(&market.firm, &asked, "held");
    assert_eq!(market.parts(&asked).len(), 2);
}

#[test]
fn what_no_policy_may_source_waits_where_the_operator_wants_to_be_asked() {
    let market = Market::open(&[("stock.short", "ask")]);
    let tries = |policy: &str, thread: &str| {
        let dry_run = format!("{policy} --dry-run {thread}");
        market.policy(&dry_run)
    };
    market.policy("add a-night --from Leaf=FIT --hours 00:00-24:00 --days mon --zone +14:00 --margin 500.00EUR");
    market.policy("add pounds --from Leaf=FIT --margin 1.00GBP");
    let thread = market.ask("one");
    reaches(&market.firm, &thread, "asked");
    for (policy, why) in [
        ("show pounds", "no least margin in EUR"),
        (
            "add dear --from Leaf=FIT --markup 31",
            "less is left than 31.00 percent",
        ),
        (
            "add small --from Leaf=FIT --per-deal 61.49EUR",
            "more than 61.49 EUR",
        ),
        (
            "add other --from Leaf=FIT --per-day 100.00GBP",
            "nothing in EUR",
        ),
        ("add wrong --from Leaf", "sku \"MOUNT\""),
    ] {
        let tried = tries(policy, &thread);
        assert_eq!(tried["would"], "nothing", "{policy}: {tried}");
        let said = tried["sources"][0]["why"].as_str().expect("a reason");
        assert!(said.contains(why), "{policy}: {said}");
    }
    let fits = tries("add good --from Leaf=FIT --markup 30", &thread);
    assert_eq!(fits["would"], "source", "{fits}");
    assert_eq!(fits["sources"][0]["margin"][0]["text"], "18.50", "{fits}");
    assert_eq!(market.did(), []);
    assert_eq!(market.parts(&thread).len(), 0);

    // One that fits takes what waits already.
    market.policy("add good --from Leaf=FIT --markup 30");
    reaches(&market.firm, &thread, "held");
    assert_eq!(market.parts(&thread)[0][0], "good");
    let late = format!("policy show good --dry-run {thread}");
    let late = market.firm.place().run(&words(&late));
    assert_eq!(late.status.code(), Some(5), "it waits for nobody");
}
