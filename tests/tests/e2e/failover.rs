//! Failover between real nodes: a leg of an agreed bundle that fails is bound anew by the node itself,
//! with one partner of those that its operator named, or with nobody.

use std::time::{SystemTime, UNIX_EPOCH};

use omni_node::store::failover;
use omni_tests::omni::{Node, PATIENCE, wait_for};
use serde_json::{Value, json};

use crate::chains::{named, owed, reaches, sells, thread, verified};
use crate::trade::{customer, ledger_of, words};

/// A retailer, two firms that keep a promise with it, and two that might keep the second part instead.
struct Market {
    retailer: Node,
    maker: Node,
    carrier: Node,
    /// Dearer than the carrier, and named first.
    second: Node,
    /// A little dearer than the carrier.
    third: Node,
}

const SET: &str = "bundle failover home 2 --from Second=VAN2 --from Third=VAN3";

impl Market {
    /// The bundle of the two, agreed. `third`: settings of the third; it has so many.
    fn open(carrier: &[(&str, &str)], (third, count): (&[(&str, &str)], &str)) -> Self {
        let market = Self {
            retailer: Node::named("Retailer"),
            maker: Node::named("Maker"),
            carrier: named("Carrier", carrier),
            second: Node::named("Second"),
            third: named("Third", third),
        };
        sells(&market.maker, &market.retailer, ("TV", "499.00", "3"));
        sells(&market.carrier, &market.retailer, ("VAN", "39.00", "3"));
        sells(&market.second, &market.retailer, ("VAN2", "45.00", "3"));
        sells(&market.third, &market.retailer, ("VAN3", "42.00", count));
        market
    }

    fn agreed() -> Self {
        let market = Self::open(&[], (&[], "3"));
        market.collect();
        market.commit();
        market
    }

    /// Where the third waits for its operator, who has nothing to give yet.
    fn with_a_slow_third() -> Self {
        let market = Self::open(&[], (&[("stock.short", "ask")], "0"));
        market.collect();
        market.commit();
        market
    }

    fn collect(&self) {
        let place = self.retailer.place();
        place.ok(&["bundle", "new", "home"]);
        let folder = tempfile::tempdir().expect("a folder");
        let file = customer(folder.path());
        for (firm, sku) in [("Maker", "TV"), ("Carrier", "VAN")] {
            let add = format!("bundle add home {firm} --sku {sku} --qty 1 --ship-country DE");
            place.ok(&[&words(&add)[..], &["--ship-to", &file]].concat());
        }
        wait_for("all holds", PATIENCE, || {
            (self.shown()["waits_for"] == "us").then_some(())
        });
    }

    fn commit(&self) {
        let place = self.retailer.place();
        place.ok(&["bundle", "commit", "home", "--yes"]);
        place.ok(&["bundle", "show", "home", "--follow"]);
        assert_eq!(self.shown()["state"], "agreed");
    }

    fn shown(&self) -> Value {
        self.retailer.json(&["bundle", "show", "home"])
    }

    fn say(&self, line: &str) -> Value {
        self.retailer.json(&words(line))
    }

    /// The failover of the second leg, once it stands so.
    fn comes_to(&self, state: &str) -> Value {
        wait_for(state, PATIENCE, || {
            let found = self.say("bundle failover home 2");
            (found["state"] == state).then_some(found)
        })
        .0
    }

    /// Who was asked, by name, and why each came to nothing.
    fn asked(&self) -> Vec<(Value, Value)> {
        let found = self.say("bundle failover home 2");
        let asked = found["asked"].as_array().cloned().unwrap_or_default();
        let asked = asked.into_iter();
        asked
            .map(|one| (one["name"].clone(), one["over"].clone()))
            .collect()
    }

    /// The carrier cancels its order, and the retailer lets it.
    fn carrier_cancels(&self) {
        let order = thread(&self.shown()["legs"][1]);
        cancelled_by(&self.carrier, (&self.retailer, &order));
    }

    /// What the node did by itself, oldest first.
    fn did(&self) -> Vec<String> {
        let text = self
            .retailer
            .place()
            .ok(&["events", "--last", "900", "--json"]);
        let events = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("an event"));
        let acts = events.filter(|event: &Value| event["event"] == "failover");
        acts.map(|act| act["did"].as_str().expect("a word").to_owned())
            .collect()
    }

    fn verified(&self) {
        let Self {
            retailer,
            maker,
            carrier,
            second,
            third,
        } = self;
        verified(&[retailer, maker, carrier, second, third]);
    }
}

/// A provider cancels an order by its own wish, free, and its requester lets it.
fn cancelled_by(provider: &Node, (requester, order): (&Node, &str)) {
    reaches(provider, order, "sold");
    let proposed = provider.json(&["order", "cancel", order, "--yes"]);
    let proposed = thread(&proposed);
    reaches(requester, &proposed, "held");
    let accept = ["deal", "accept", &proposed, "--yes"];
    requester.place().ok(&accept);
    reaches(requester, order, "cancelled");
}

/// How many deals a node has.
fn deals(node: &Node) -> usize {
    let listed = node.json(&["deal", "ls"]);
    listed["deals"].as_array().expect("a list").len()
}

/// So many seconds from now, as a person writes it.
fn in_seconds(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let at = now.expect("a time").as_secs() + seconds;
    let at = i64::try_from(at).expect("a time");
    let at = jiff::Timestamp::from_second(at).expect("a time");
    at.to_string()
}

#[test]
fn a_leg_that_its_provider_cancels_is_replaced() {
    let market = Market::agreed();
    let plan = market.say(&format!("{SET} --most 50.00EUR --dry-run"));
    let sources = plan["sources"].as_array().expect("a list").iter();
    let sources: Vec<_> = sources
        .map(|one| (&one["name"], &one["costs"]["text"], &one["why"]))
        .collect();
    let fits = |name: &str, costs: &str| (json!(name), json!(costs), Value::Null);
    let [third, second] = [fits("Third", "42.00"), fits("Second", "45.00")];
    let expected = [&third, &second].map(|(name, costs, why)| (name, costs, why));
    assert_eq!(sources, expected, "{plan}");
    assert_eq!(plan["has_failed"], false);
    assert_eq!(market.did(), Vec::<String>::new());

    let set = market.say(&format!("{SET} --most 50.00EUR"));
    assert_eq!(set["state"], "set", "{set}");
    market.carrier_cancels();
    let found = market.comes_to("replaced");
    assert_eq!(found["failed"]["why"], "cancelled", "{found}");
    assert_eq!(market.asked(), [(json!("Third"), Value::Null)]);
    assert_eq!(market.did(), ["failed", "asked", "committed", "replaced"]);
    assert_eq!(deals(&market.second), 0, "it was not asked");

    // The whole price is that of what stands, and the bundle is what it was.
    let shown = market.shown();
    assert_eq!(shown["totals"][0]["text"], "541.00", "{shown}");
    assert_eq!(shown["legs"][1]["order_status"], "cancelled", "{shown}");
    let instead = thread(&json!({"thread": found["order"]}));
    reaches(&market.third, &instead, "sold");
    let deal = market.say(&format!("deal show {instead}"));
    let of = ["bundle", "leg", "state"].map(|name| deal["failover"][name].clone());
    assert_eq!(of, [json!("home"), json!(2), json!("replaced")], "{deal}");
    // The recipient went on, and is not kept for the leg any more.
    wait_for("the recipient", PATIENCE, || {
        let order = market.third.json(&["order", "show", &instead]);
        (order["ship_to"]["name"] == "Ada Moor").then_some(())
    });
    let owes = |name: &str| owed(&market.retailer, name).0;
    assert_eq!([owes("Carrier"), owes("Third")], ["0.00", "42.00"]);

    // What stands in can't be taken away, nor another be asked.
    for more in ["--off", "--from Second=VAN2 --most 50.00EUR"] {
        let line = format!("bundle failover home 2 {more}");
        let refused = market.retailer.place().run(&words(&line));
        assert_eq!(refused.status.code(), Some(5), "{more}");
    }
    // But it is found anew when it fails in turn.
    cancelled_by(&market.third, (&market.retailer, &instead));
    wait_for("the second", PATIENCE, || {
        (market.asked().len() == 2).then_some(())
    });
    let found = market.comes_to("replaced");
    assert_eq!(found["total"]["text"], "45.00", "{found}");
    wait_for("the recipient", PATIENCE, || {
        let found = market.say("bundle failover home 2");
        (found["hand_over"] == "sent").then_some(())
    });
    market.verified();
}

#[test]
fn where_nobody_fits_it_says_so_and_leaves_it() {
    let market = Market::agreed();
    let dear = format!("{SET} --most 41.99EUR");
    let plan = market
        .retailer
        .place()
        .run(&words(&format!("{dear} --dry-run")));
    assert_eq!(plan.status.code(), Some(5));
    market.say(&dear);
    // What the operator gives up itself has not failed.
    let maker = "bundle failover home 1 --from Second=VAN2 --most 900.00EUR";
    market.say(maker);
    let order = thread(&market.shown()["legs"][0]);
    let cancel = market.say(&format!("order cancel {order} --yes"));
    let cancel = thread(&cancel);
    reaches(&market.maker, &cancel, "offered");
    market
        .maker
        .place()
        .ok(&["deal", "accept", &cancel, "--yes"]);
    reaches(&market.retailer, &order, "cancelled");

    market.carrier_cancels();
    market.comes_to("nobody");
    assert_eq!(market.did(), ["failed", "nobody"]);
    assert_eq!(market.say("bundle failover home 1")["state"], "over");
    assert_eq!([deals(&market.second), deals(&market.third)], [0, 0]);
    let told = market.retailer.place().ok(&["bundle", "show", "home"]);
    assert!(told.contains("nobody is left to ask instead"), "{told}");

    // Who may not be owed more is passed over, which the plan says before.
    let poor = format!("peer set {} --budget 1.00EUR", market.third.partner());
    market.retailer.place().ok(&words(&poor));
    let third = "bundle failover home 2 --from Third=VAN3 --most 50.00EUR";
    let plan = market
        .retailer
        .place()
        .run(&words(&format!("{third} --dry-run")));
    assert_eq!(plan.status.code(), Some(5));
    market.say(third);
    market.comes_to("nobody");
    assert_eq!(market.asked(), [(json!("Third"), json!("over-credit"))]);
    let rich = format!("peer set {} --budget 1000.00EUR", market.third.partner());
    market.retailer.place().ok(&words(&rich));

    // A wider envelope asks at once.
    market.say(&format!("{SET} --most 42.00EUR"));
    let found = market.comes_to("replaced");
    assert_eq!(found["total"]["text"], "42.00", "{found}");
    let over = market.retailer.place().run(&words(maker));
    assert_eq!(over.status.code(), Some(5), "that leg can't fail any more");
    market.verified();
    // Who stands in may fail yet, and of the other leg nothing is left to look at.
    market.retailer.place().ok(&["down"]);
    let (_, place) = market.retailer.end();
    let ledger = ledger_of(&place.home());
    assert_eq!(failover::legs(&ledger).expect("readable").len(), 1);
    assert_eq!(failover::done(&ledger).expect("readable").len(), 1);
}

#[test]
fn a_restart_asks_nobody_twice() {
    let market = Market::with_a_slow_third();
    market.say(&format!("{SET} --most 50.00EUR"));
    market.carrier_cancels();
    market.comes_to("asking");
    wait_for("the request", PATIENCE, || {
        (deals(&market.third) == 1).then_some(())
    });
    let market = Market {
        retailer: market.retailer.killed_and_up_again(),
        ..market
    };
    market.retailer.wait_for_session(&market.third);
    let asked = market.third.json(&["deal", "ls"]);
    let asked = thread(&asked["deals"][0]);
    // The node commits by itself: its operator is not to be in its way.
    let by_hand = ["deal", "accept", &asked, "--yes"];
    assert_eq!(market.retailer.place().run(&by_hand).status.code(), Some(5));
    market.third.place().ok(&["stock", "set", "VAN3", "1"]);
    market
        .third
        .place()
        .ok(&["deal", "accept", &asked, "--yes"]);
    market.comes_to("replaced");
    assert_eq!(market.asked(), [(json!("Third"), Value::Null)]);
    assert_eq!([deals(&market.third), deals(&market.second)], [1, 0]);
    market.verified();
}

/// Where the retailer is killed: around the syncs of its Request and of its Commit (its first is that
/// to the cancellation), and while it keeps the recipient for who stands in.
const PLACES: [&str; 5] = [
    "before-sync:signed-request",
    "after-sync:signed-request",
    "before-sync:signed-commit@2",
    "after-sync:signed-commit@2",
    "hand-over-kept",
];

#[test]
fn killed_at_any_step_it_is_replaced_once() {
    for place in PLACES {
        let market = Market::agreed();
        market.say(&format!("{SET} --most 50.00EUR"));
        let order = thread(&market.shown()["legs"][1]);
        wait_for("the recipient", PATIENCE, || {
            let shown = market.carrier.json(&["order", "show", &order]);
            shown["ship_to"].is_object().then_some(())
        });
        let proposed = thread(&market.carrier.json(&["order", "cancel", &order, "--yes"]));
        reaches(&market.retailer, &proposed, "held");
        let faulty = market.retailer.killed();
        let faulty = faulty.up_faulty(&[("OMNI_CRASH", place)]);
        faulty.wait_for_session(&market.carrier);
        // It may be killed before it says that it did so.
        let accept = ["deal", "accept", &proposed, "--yes", "--json"];
        wait_for("the word", PATIENCE, || {
            let said = faulty.place().run(&accept);
            let is_early = String::from_utf8_lossy(&said.stdout).contains("\"code\":\"away\"");
            (!is_early).then_some(())
        });
        let (ended, home) = faulty.end();
        assert!(!ended.success(), "{place}");
        let market = Market {
            retailer: home.up(&[]),
            ..market
        };
        market.comes_to("replaced");
        assert_eq!(market.asked(), [(json!("Third"), Value::Null)], "{place}");
        assert_eq!(
            [deals(&market.third), deals(&market.second)],
            [1, 0],
            "{place}"
        );
        let instead = market.third.json(&["deal", "ls"]);
        let instead = thread(&instead["deals"][0]);
        wait_for("the recipient", PATIENCE, || {
            let order = market.third.json(&["order", "show", &instead]);
            (order["ship_to"]["name"] == "Ada Moor").then_some(())
        });
        market.verified();
    }
}

#[test]
fn who_is_silent_is_passed_over_for_the_next() {
    let market = Market::with_a_slow_third();
    market.carrier_cancels();
    let until = in_seconds(16);
    market.say(&format!("{SET} --most 50.00EUR --until {until}"));
    let found = market.comes_to("replaced");
    let over = [
        (json!("Third"), json!("silent")),
        (json!("Second"), Value::Null),
    ];
    assert_eq!(market.asked(), over, "{found}");
    // Whoever was passed over has nothing, and can give nothing any more.
    let late = market.third.json(&["deal", "ls"]);
    let late = thread(&late["deals"][0]);
    reaches(&market.third, &late, "refused");
    assert_eq!(owed(&market.retailer, "Second").0, "45.00");
    market.verified();
}

#[test]
fn who_is_away_has_nothing_when_it_comes_back() {
    let market = Market::agreed();
    market.carrier_cancels();
    let (retailer, away) = (&market.retailer, market.third.killed());
    let until = in_seconds(16);
    retailer.json(&words(&format!("{SET} --most 50.00EUR --until {until}")));
    wait_for("the second", PATIENCE, || {
        let found = retailer.json(&words("bundle failover home 2"));
        (found["state"] == "replaced").then_some(())
    });
    let market = Market {
        third: away.up(&[]),
        ..market
    };
    let passed = market.say("bundle failover home 2")["asked"][0].clone();
    assert_eq!(passed["over"], "silent", "{passed}");
    reaches(&market.retailer, &thread(&passed), "aborted");
    let stock = market.third.json(&["stock", "ls", "VAN3"]);
    assert_eq!([&stock["held"], &stock["sold"]], ["0", "0"], "{stock}");
    market.verified();
}

#[test]
fn a_leg_that_lapsed_is_replaced() {
    let market = Market::open(&[("bundles.patience", "1s")], (&[], "3"));
    market.collect();
    market.say(&format!("{SET} --most 50.00EUR"));
    let leg = thread(&market.shown()["legs"][1]);
    market.maker.signal("STOP");
    let place = market.retailer.place();
    place.ok(&["bundle", "commit", "home", "--yes"]);
    reaches(&market.carrier, &leg, "armed");
    let lapse = ["deal", "lapse", &leg, "--yes"];
    wait_for("the lapse", PATIENCE, || {
        let lapsed = market.carrier.place().run(&lapse);
        lapsed.status.success().then_some(())
    });
    // Nothing has failed before the rest of it is agreed.
    assert_eq!(market.say("bundle failover home 2")["state"], "set");
    market.maker.signal("CONT");
    let found = market.comes_to("replaced");
    assert_eq!(found["failed"]["why"], "lapsed", "{found}");
    assert_eq!(found["total"]["text"], "42.00", "{found}");
    let told = market.retailer.place().ok(&["bundle", "show", "home"]);
    assert!(told.contains("lapsed, replaced by "), "{told}");
    market.verified();
}

#[test]
fn a_service_is_asked_for_in_a_slot_within_the_window() {
    const HOUR_MS: u64 = 3_600_000;
    let market = Market::agreed();
    let retailer = market.retailer.partner();
    let slots = format!(
        "offer publish --sku VAN3 --title VAN3 --price 42.00 --currency EUR --nature service --method \
         deliver --region DE --duration 60 --slot-rule FREQ=DAILY;BYHOUR=0,8,16 --slot-start \
         2026-01-01T08:00 --slot-zone UTC --slot-places 1 --for {retailer}"
    );
    market.third.place().ok(&words(&slots));
    wait_for("the calendar", PATIENCE, || {
        let shown = market.retailer.place();
        let slots = shown.run(&["offer", "slots", "VAN3"]);
        slots.status.success().then_some(())
    });
    // The leg had no time, and a service in slots needs one.
    let plan = market.say(&format!("{SET} --most 50.00EUR --dry-run"));
    assert_eq!(plan["sources"][0]["name"], "Second", "{plan}");
    let why = plan["sources"][1]["why"].as_str().expect("a reason");
    assert!(why.contains("performed in slots"), "{why}");
    let window = format!("{}..{}", in_seconds(3_600), in_seconds(40 * 3_600));
    let set = format!("{SET} --most 50.00EUR --window {window}");
    let plan = market.say(&format!("{set} --dry-run"));
    assert_eq!(plan["sources"][0]["name"], "Third", "{plan}");
    let lasts = |window: &Value| {
        let ms = |name: &str| window[name].as_u64().expect("a time");
        ms("until_ms") - ms("from_ms")
    };
    assert_eq!(lasts(&plan["sources"][0]["window"]), HOUR_MS, "{plan}");
    market.say(&set);
    market.carrier_cancels();
    let found = market.comes_to("replaced");
    let instead = thread(&json!({"thread": found["order"]}));
    let deal = market.say(&format!("deal show {instead}"));
    let window = &deal["alternatives"][0]["window"];
    assert_eq!(window, &plan["sources"][0]["window"], "{deal}");
    market.verified();
}

#[test]
fn the_same_article_is_found_by_its_gtin() {
    let market = Market::open(&[], (&[], "3"));
    for (firm, sku, price, gtin) in [
        (&market.carrier, "VAN", "39.00", "4006381333931"),
        (&market.second, "VAN2", "45.00", "96385074"),
        (&market.third, "VAN3", "42.00", "4006381333931"),
    ] {
        let offer = format!(
            "offer publish --sku {sku} --title {sku} --price {price} --currency EUR --nature service \
             --method deliver --region DE --gtin {gtin}"
        );
        firm.place().ok(&words(&offer));
        wait_for("the GTIN", PATIENCE, || {
            let shown = market.retailer.json(&["offer", "show", sku]);
            shown["offer"]["gtin"].is_string().then_some(())
        });
    }
    market.collect();
    market.commit();
    let by_gtin = "bundle failover home 2 --from Second --from Third --most 50.00EUR";
    let plan = market.say(&format!("{by_gtin} --dry-run"));
    assert_eq!(plan["sources"][0]["name"], "Third", "{plan}");
    assert!(plan["sources"][0]["why"].is_null(), "{plan}");
    let why = plan["sources"][1]["why"].as_str().expect("a reason");
    assert!(why.contains("with the GTIN of \"VAN\""), "{why}");
    market.say(by_gtin);
    // Its own offers are gone when it cancels, and what was known of them is kept.
    market.carrier.place().ok(&["offer", "withdraw", "VAN"]);
    wait_for("the withdrawal", PATIENCE, || {
        let shown = market.retailer.place().run(&["offer", "show", "VAN"]);
        (!shown.status.success()).then_some(())
    });
    market.carrier_cancels();
    let found = market.comes_to("replaced");
    assert_eq!(found["total"]["text"], "42.00", "{found}");
    market.verified();
}
