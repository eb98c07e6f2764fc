//! Bundles of several partners between real nodes: agreed all together, or not at all.

use omni_tests::omni::{Node, PATIENCE, Place, wait_for};
use serde_json::Value;

use crate::trade::{customer, words};

/// A retailer, and three firms of which it sells things, each with one article.
struct Market {
    retailer: Node,
    firms: [Node; 3],
}

const FIRMS: [(&str, &str, &str); 3] = [
    ("Maker", "TV", "499.00"),
    ("Carrier", "VAN", "39.00"),
    ("Fitter", "WALL", "80.00"),
];

/// Places in [`FIRMS`].
const MAKER: usize = 0;
const CARRIER: usize = 1;
const FITTER: usize = 2;

impl Market {
    fn open() -> Self {
        Self::with(&[])
    }

    /// Where firms, by their names, have other settings than the usual.
    fn with(settings: &[(&str, &str, &str)]) -> Self {
        let retailer = Node::named("Retailer");
        let firms = FIRMS.map(|(name, sku, price)| {
            let place = Place::new();
            place.ok(&["init", "--name", name, "--network", "test"]);
            for (of, key, value) in settings {
                if *of == name {
                    place.ok(&["config", "set", key, value]);
                }
            }
            let firm = place.up(&[]);
            retailer.befriend(&firm);
            let offer = format!(
                "offer publish --sku {sku} --title {sku} --price {price} --currency EUR --region DE"
            );
            firm.place().ok(&words(&offer));
            firm.place().ok(&["stock", "set", sku, "1"]);
            let credit = format!("peer set {} --credit 1000.00EUR", retailer.partner());
            firm.place().ok(&words(&credit));
            let budget = format!("peer set {} --budget 1000.00EUR", firm.partner());
            retailer.place().ok(&words(&budget));
            firm
        });
        let market = Self { retailer, firms };
        for (_, sku, _) in FIRMS {
            wait_for("the offer", PATIENCE, || {
                let shown = market.retailer.place().run(&["offer", "show", sku]);
                shown.status.success().then_some(())
            });
        }
        for (name, ..) in FIRMS {
            wait_for("the name", PATIENCE, || {
                let peer = market
                    .retailer
                    .place()
                    .run(&["deal", "ls", "--partner", name]);
                peer.status.success().then_some(())
            });
        }
        market
    }

    /// A bundle with a hold of each firm.
    fn collect(&self, name: &str) {
        self.retailer.place().ok(&["bundle", "new", name]);
        let folder = tempfile::tempdir().expect("a folder");
        let file = customer(folder.path());
        for (firm, sku, _) in FIRMS {
            let add = ["bundle", "add", name, firm, "--sku", sku, "--qty", "1"];
            let to = ["--ship-to", &file, "--ship-country", "DE"];
            self.retailer.place().ok(&[&add[..], &to].concat());
        }
        wait_for("all holds", PATIENCE, || {
            let shown = self.shown(name);
            (shown["waits_for"] == "us").then_some(())
        });
    }

    fn shown(&self, name: &str) -> Value {
        self.retailer.json(&["bundle", "show", name])
    }

    /// The thread of each leg, as far as commands want it.
    fn threads(&self, name: &str) -> Vec<String> {
        let shown = self.shown(name);
        let legs = shown["legs"].as_array().expect("legs").iter();
        legs.map(|leg| leg["thread"].as_str().expect("a text")[..12].to_owned())
            .collect()
    }

    /// Waits until a firm's deal is in this state.
    fn reaches(&self, firm: usize, thread: &str, state: &str) {
        let firm = self.firms[firm].place();
        firm.ok(&["deal", "wait", thread, "--for", state]);
    }

    /// Nothing of a firm's stock is held or sold.
    fn has_all(&self, firm: usize) {
        let stock = self.firms[firm].json(&["stock", "ls"]);
        let taken = [&stock["stock"][0]["held"], &stock["stock"][0]["sold"]];
        assert_eq!(taken, ["0", "0"], "{stock}");
    }

    fn verified(&self) {
        for node in self.firms.iter().chain([&self.retailer]) {
            let found = node.json(&["ledger", "verify"]);
            assert_eq!(found["good"], true, "{found}");
        }
    }
}

/// What the events of the retailer tell of a bundle as a whole.
fn told(market: &Market, name: &str) -> Vec<String> {
    let events = ["events", "--last", "500", "--json"];
    let events = market.retailer.place().ok(&events);
    let events = events
        .lines()
        .map(|line| serde_json::from_str(line).expect("an event"));
    let of_it =
        events.filter(|event: &Value| event["event"] == "bundle" && event["bundle"] == name);
    of_it
        .map(|event| event["state"].as_str().expect("a word").to_owned())
        .collect()
}

#[test]
fn three_firms_are_agreed_together() {
    let market = Market::open();
    let place = market.retailer.place();
    market.collect("living room");
    let planned = market.retailer.json(&["bundle", "plan", "living room"]);
    assert_eq!(
        planned["against"].as_array().map(Vec::len),
        Some(0),
        "{planned}"
    );
    assert_eq!(planned["totals"][0]["text"], "618.00");
    let members = planned["members"].as_array().expect("members");
    assert_eq!(members.len(), 4);
    for member in members {
        assert!(
            member["addresses"][0]
                .as_str()
                .is_some_and(|a| a.contains("/p2p/")),
            "{member}"
        );
    }
    // What is kept for a bundle is committed by nothing else.
    let threads = market.threads("living room");
    assert_eq!(
        place
            .run(&["deal", "accept", &threads[0], "--yes"])
            .status
            .code(),
        Some(5)
    );
    let unsaid = place.run(&["bundle", "commit", "living room"]);
    assert_eq!(unsaid.status.code(), Some(5), "what binds takes a yes");
    place.ok(&["bundle", "commit", "living room", "--yes"]);
    place.ok(&["bundle", "show", "living room", "--follow"]);
    let shown = market.shown("living room");
    assert_eq!(shown["state"], "agreed", "{shown}");
    assert_eq!(told(&market, "living room"), ["agreed"]);
    for ((thread, firm), (_, sku, price)) in threads.iter().zip(&market.firms).zip(FIRMS) {
        place.ok(&["deal", "wait", thread, "--for", "agreed"]);
        place.ok(&["deal", "wait", thread, "--for", "handed-over"]);
        firm.place().ok(&["deal", "wait", thread, "--for", "sold"]);
        firm.place()
            .ok(&["deal", "wait", thread, "--for", "handed-over"]);
        let told = firm.json(&["deal", "show", thread]);
        assert_eq!(told["bundle"]["ended"], "agreed", "{told}");
        assert_eq!(told["bundle"]["legs"].as_array().map(Vec::len), Some(3));
        let owed = firm.json(&["ledger", "owed"]);
        assert_eq!(
            owed["accounts"][0]["they_owe"]["text"], price,
            "{sku}: {owed}"
        );
        firm.place().ok(&["order", "ship", thread]);
        firm.place().ok(&["order", "complete", thread]);
        place.ok(&["deal", "wait", thread, "--for", "completed"]);
    }
    market.verified();
}

#[test]
fn what_is_refused_or_given_up_leaves_nothing_held() {
    let market = Market::open();
    let place = market.retailer.place();
    market.collect("first");
    // The last of each is held for the first bundle.
    place.ok(&["bundle", "new", "second"]);
    let add = "bundle add second Maker --sku TV --qty 1 --ship-country DE";
    place.ok(&words(add));
    let thread = market.threads("second").remove(0);
    place.ok(&["deal", "wait", &thread, "--for", "aborted"]);
    let planned = place.run(&["bundle", "plan", "second"]);
    assert_eq!(planned.status.code(), Some(5));
    let refused = place.run(&["bundle", "commit", "second", "--yes"]);
    assert_eq!(refused.status.code(), Some(5));
    place.ok(&["bundle", "remove", "second", &thread]);

    place.ok(&["bundle", "cancel", "first"]);
    assert_eq!(market.shown("first")["state"], "dropped");
    for (firm, thread) in market.threads("first").iter().enumerate() {
        market.reaches(firm, thread, "refused");
        market.has_all(firm);
    }
    market.verified();
}

/// Waits until the orders of all three have this status.
fn have_status(market: &Market, threads: &[String], status: &str) {
    for (thread, firm) in threads.iter().zip(&market.firms) {
        for node in [&market.retailer, firm] {
            wait_for("the status", PATIENCE, || {
                let order = node.json(&["order", "show", thread]);
                (order["status"] == status).then_some(())
            });
        }
    }
}

/// The bundle of all three, agreed, and its threads.
fn agreed() -> (Market, Vec<String>) {
    let market = Market::open();
    market.collect("living room");
    let place = market.retailer.place();
    place.ok(&["bundle", "commit", "living room", "--yes"]);
    place.ok(&["bundle", "show", "living room", "--follow"]);
    let threads = market.threads("living room");
    (market, threads)
}

/// Begins a bundle of changes, and gives its name.
fn begun(market: &Market, words: &[&str]) -> String {
    let begun = market.retailer.json(&[words, &["--yes"]].concat());
    let stands = [&begun["state"], &begun["changes"]];
    assert_eq!(stands, ["collecting", "living room"], "{begun}");
    begun["name"].as_str().expect("a name").to_owned()
}

/// These firms grant their changes by their own word, and all are committed.
fn granted(market: &Market, changes: &str, firms: &[usize]) {
    for (firm, thread) in firms.iter().zip(market.threads(changes)) {
        market.reaches(*firm, &thread, "asked");
        let accept = ["deal", "accept", &thread, "--yes"];
        market.firms[*firm].place().ok(&accept);
    }
    wait_for("all holds", PATIENCE, || {
        (market.shown(changes)["waits_for"] == "us").then_some(())
    });
    let place = market.retailer.place();
    place.ok(&["bundle", "commit", changes, "--yes"]);
    place.ok(&["bundle", "show", changes, "--follow"]);
    assert_eq!(market.shown(changes)["state"], "agreed");
}

#[test]
fn legs_of_a_bundle_are_amended_together() {
    let (market, threads) = agreed();
    let day = "2030-12-01T08:00Z..2030-12-01T12:00Z";
    let (van, wall) = (format!("2={day}"), format!("3={day}"));
    let amend = ["bundle", "amend", "living room"];
    let amend = [&amend[..], &["--window", &van, "--window", &wall]].concat();
    let plan = market.retailer.json(&[&amend[..], &["--dry-run"]].concat());
    let told = plan["legs"].as_array().expect("legs").iter();
    let told: Vec<_> = told.map(|leg| (&leg["what"], &leg["decides"])).collect();
    assert!(told[0].0.is_null(), "the maker's stays: {plan}");
    assert_eq!([told[1].0, told[1].1], ["amend", "partner"], "{plan}");
    let changes = begun(&market, &amend);
    granted(&market, &changes, &[CARRIER, FITTER]);
    for (thread, version) in threads.iter().zip([1, 2, 2]) {
        let order = market.retailer.json(&["order", "show", thread]);
        assert_eq!(order["version"], version, "{order}");
    }
    market.verified();
}

#[test]
fn what_a_bundle_came_to_is_cancelled_whole_or_not() {
    let (market, threads) = agreed();
    let place = market.retailer.place();
    let cancel = ["bundle", "cancel", "living room", "--fee", "1=9.00"];
    let plan = market
        .retailer
        .json(&[&cancel[..], &["--dry-run"]].concat());
    assert_eq!(plan["differences"][0]["text"], "-609.00", "{plan}");
    // The fitter will not have it, so nothing is cancelled.
    let changes = begun(&market, &cancel);
    let thread = market.threads(&changes).remove(FITTER);
    market.reaches(FITTER, &thread, "asked");
    market.firms[FITTER]
        .place()
        .ok(&["deal", "reject", &thread]);
    place.ok(&["deal", "wait", &thread, "--for", "aborted"]);
    place.ok(&["bundle", "cancel", &changes]);
    have_status(&market, &threads, "ordered");

    // Asked again, all grant it.
    for thread in &threads {
        wait_for("what was asked is given back", PATIENCE, || {
            let order = market.retailer.json(&["order", "show", thread]);
            order["change"].is_null().then_some(())
        });
    }
    let changes = begun(&market, &cancel);
    granted(&market, &changes, &[MAKER, CARRIER, FITTER]);
    have_status(&market, &threads, "cancelled");
    let owed = market.retailer.json(&["ledger", "owed"]);
    let accounts = owed["accounts"].as_array().expect("accounts").iter();
    let mut owed: Vec<_> = accounts.map(|one| one["we_owe"]["text"].clone()).collect();
    owed.sort_by_key(ToString::to_string);
    assert_eq!(owed, ["0.00", "0.00", "9.00"]);
    for firm in [MAKER, CARRIER, FITTER] {
        market.has_all(firm);
    }
    market.verified();
}

#[test]
fn legs_agree_among_themselves_while_the_retailer_sleeps() {
    let market = Market::open();
    market.collect("living room");
    let threads = market.threads("living room");
    let [_, _, fitter] = &market.firms;
    fitter.signal("STOP");
    let commit = ["bundle", "commit", "living room", "--yes"];
    market.retailer.place().ok(&commit);
    market.reaches(MAKER, &threads[MAKER], "armed");
    market.reaches(CARRIER, &threads[CARRIER], "armed");
    market.retailer.signal("STOP");
    fitter.signal("CONT");
    // Strangers to each other, who have one another's addresses of the Manifest.
    for (firm, thread) in threads.iter().enumerate() {
        market.reaches(firm, thread, "sold");
    }
    market.retailer.signal("CONT");
    for thread in &threads {
        let wait = ["deal", "wait", thread, "--for", "agreed"];
        market.retailer.place().ok(&wait);
    }
    assert_eq!(market.shown("living room")["state"], "agreed");
    market.verified();
}

#[test]
fn a_leg_that_refuses_after_the_commit_ends_all() {
    let market = Market::with(&[("Fitter", "bundles.co_legs", "known")]);
    let place = market.retailer.place();
    market.collect("living room");
    let threads = market.threads("living room");
    let planned = market.retailer.json(&["bundle", "plan", "living room"]);
    assert_eq!(planned["waits"][FITTER]["co_legs"], "known", "{planned}");
    place.ok(&["bundle", "commit", "living room", "--yes"]);
    for (firm, thread) in threads.iter().enumerate() {
        place.ok(&["deal", "wait", thread, "--for", "aborted"]);
        market.reaches(firm, thread, "refused");
        market.has_all(firm);
    }
    assert_eq!(market.shown("living room")["state"], "aborted");
    let owed = market.retailer.json(&["ledger", "owed"]);
    for account in owed["accounts"].as_array().expect("a list") {
        for kind in ["held", "in_doubt", "we_owe"] {
            assert_eq!(account[kind]["text"], "0.00", "{account}");
        }
    }
    assert_eq!(told(&market, "living room"), ["aborted"]);
    market.verified();
}

#[test]
fn a_leg_that_waited_long_enough_may_lapse() {
    let market = Market::with(&[("Maker", "bundles.patience", "2s")]);
    let place = market.retailer.place();
    market.collect("living room");
    let threads = market.threads("living room");
    let [maker, _, fitter] = &market.firms;
    fitter.signal("STOP");
    place.ok(&["bundle", "commit", "living room", "--yes"]);
    market.reaches(MAKER, &threads[MAKER], "armed");
    let lapse = ["deal", "lapse", &threads[MAKER], "--yes"];
    // Its patience may be over by now on a slow machine, so the carrier's is asked: an hour.
    market.reaches(CARRIER, &threads[CARRIER], "armed");
    let early = ["deal", "lapse", &threads[CARRIER], "--yes"];
    let early = market.firms[CARRIER].place().run(&early);
    assert_eq!(early.status.code(), Some(5), "its patience runs");
    wait_for("the lapse", PATIENCE, || {
        maker.place().run(&lapse).status.success().then_some(())
    });
    market.has_all(MAKER);
    fitter.signal("CONT");
    // What it armed still counts: the others are agreed, and its leg is the retailer's to cover.
    market.reaches(CARRIER, &threads[CARRIER], "sold");
    market.reaches(FITTER, &threads[FITTER], "sold");
    place.ok(&["bundle", "show", "living room", "--follow"]);
    let shown = market.shown("living room");
    assert_eq!(shown["state"], "agreed", "{shown}");
    assert_eq!(told(&market, "living room"), ["agreed", "lapsed"]);
    let said = |leg: usize| (&shown["legs"][leg]["said"], &shown["legs"][leg]["state"]);
    assert_eq!(said(MAKER), (&"lapsed".into(), &"aborted".into()));
    assert_eq!(said(CARRIER), (&"armed".into(), &"agreed".into()));
    market.verified();
}
