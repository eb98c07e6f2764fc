//! Bundles of several partners between real nodes: agreed all together, or not at all.

use omni_tests::omni::{Node, PATIENCE, wait_for};

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

impl Market {
    fn open() -> Self {
        let retailer = Node::named("Retailer");
        let firms = FIRMS.map(|(name, sku, price)| {
            let firm = Node::named(name);
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

    fn shown(&self, name: &str) -> serde_json::Value {
        self.retailer.json(&["bundle", "show", name])
    }

    /// The thread of each leg, as far as commands want it.
    fn threads(&self, name: &str) -> Vec<String> {
        let shown = self.shown(name);
        let legs = shown["legs"].as_array().expect("legs").iter();
        legs.map(|leg| leg["thread"].as_str().expect("a text")[..12].to_owned())
            .collect()
    }

    fn verified(&self) {
        for node in self.firms.iter().chain([&self.retailer]) {
            let found = node.json(&["ledger", "verify"]);
            assert_eq!(found["good"], true, "{found}");
        }
    }
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
    for ((firm, thread), (_, sku, _)) in market.firms.iter().zip(market.threads("first")).zip(FIRMS)
    {
        firm.place()
            .ok(&["deal", "wait", &thread, "--for", "refused"]);
        let stock = firm.json(&["stock", "ls"]);
        assert_eq!(stock["stock"][0]["held"], "0", "{sku}: {stock}");
    }
    market.verified();
}
