//! Slots between real nodes: the last place of one goes to one partner, what two firms promise one
//! customer fits together, and a firm passes the time on that it was asked for.

use omni_tests::omni::{Node, PATIENCE, Place, wait_for};
use serde_json::Value;

use crate::trade::words;

/// A firm that sells a service in slots of 90 minutes with one place each, at one hour each day.
fn firm(name: &str, sku: &str, (hour, zone): (u8, &str)) -> Node {
    let node = Node::named(name);
    let offer = format!(
        "offer publish --sku {sku} --title {sku} --price 50.00 --currency EUR --nature service --unit pc \
         --method remote --duration 90 --slot-rule FREQ=DAILY;BYHOUR={hour} --slot-start 2026-11-02T00:00 \
         --slot-zone {zone}"
    );
    node.place().ok(&words(&offer));
    node
}

/// Makes partners of two nodes, one of which buys of the other.
fn trade(buyer: &Node, seller: &Node, sku: &str) {
    buyer.befriend(seller);
    let credit = format!("peer set {} --credit 1000.00EUR", buyer.partner());
    seller.place().ok(&words(&credit));
    let budget = format!("peer set {} --budget 1000.00EUR", seller.partner());
    buyer.place().ok(&words(&budget));
    wait_for("the offer", PATIENCE, || {
        let shown = buyer.place().run(&["offer", "show", sku]);
        shown.status.success().then_some(())
    });
}

/// The slots of an offer as a node sees them, from the third on, which are not over meanwhile.
fn slots(node: &Node, sku: &str) -> Vec<Value> {
    let shown = node.json(&["offer", "slots", sku]);
    let slots = shown["slots"].as_array().expect("slots");
    slots[2..].to_vec()
}

fn name(slot: &Value) -> &str {
    slot["slot"].as_str().expect("a text")
}

/// The thread of a leg, as commands want it.
fn leg_at(bundle: &Value, number: usize) -> String {
    let thread = bundle["legs"][number]["thread"].as_str().expect("a text");
    thread[..12].to_owned()
}

/// The plan says why, and nothing is committed.
fn does_not_fit(place: &Place) {
    let planned = place.run(&["bundle", "plan", "tv"]);
    assert_eq!(planned.status.code(), Some(5));
    let told = String::from_utf8_lossy(&planned.stdout).into_owned();
    let why = "Leg 2: it begins before leg 1 has ended, which must be done first.";
    assert!(
        told.contains(why) && told.contains("in this order"),
        "{told}"
    );
    let refused = place.run(&["bundle", "commit", "tv", "--yes"]);
    assert_eq!(refused.status.code(), Some(5));
}

#[test]
fn what_two_firms_promise_one_customer_fits_together() {
    let retailer = Node::named("Retailer");
    let (carrier, fitter) = (
        firm("Carrier", "VAN", (9, "Europe/Berlin")),
        firm("Fitter", "WALL", (10, "Europe/Berlin")),
    );
    trade(&retailer, &carrier, "VAN");
    trade(&retailer, &fitter, "WALL");
    let place = retailer.place();
    let brought = slots(&retailer, "VAN");
    let mounted = slots(&retailer, "WALL");
    assert!(brought[0]["places"].is_null(), "what is free is not told");
    place.ok(&["bundle", "new", "tv"]);
    let add = |firm: &Node, sku: &str, slot: &Value, after: &[&str]| {
        let add = format!(
            "bundle add tv {} --sku {sku} --qty 1 --slot {}",
            firm.partner(),
            name(slot)
        );
        let add = words(&add);
        place.ok(&[&add[..], after].concat())
    };
    // Brought from nine to half past ten; mounted at ten of the same day is too early.
    let day = |slot: &Value| name(slot)[..10].to_owned();
    let is_too_early = |slot: &&Value| day(slot) == day(&brought[1]);
    let same_day = mounted.iter().find(is_too_early).expect("each day has one");
    add(&carrier, "VAN", &brought[1], &[]);
    let van = leg_at(&retailer.json(&["bundle", "show", "tv"]), 0);
    add(&fitter, "WALL", same_day, &["--after", &van]);
    let held = || {
        let shown = retailer.json(&["bundle", "show", "tv"]);
        (shown["waits_for"] == "us").then_some(shown)
    };
    let (shown, _) = wait_for("all holds", PATIENCE, held);
    does_not_fit(place);
    // The next day fits.
    let wall = leg_at(&shown, 1);
    place.ok(&["bundle", "remove", "tv", &wall]);
    place.ok(&["deal", "reject", &wall]);
    let comes_later = |slot: &&Value| slot["from_ms"].as_u64() > same_day["until_ms"].as_u64();
    let later = mounted.iter().find(comes_later).expect("each day has one");
    add(&fitter, "WALL", later, &["--after", &van]);
    wait_for("all holds", PATIENCE, held);
    let planned = retailer.json(&["bundle", "plan", "tv"]);
    assert_eq!(
        planned["against"].as_array().map(Vec::len),
        Some(0),
        "{planned}"
    );
    place.ok(&["bundle", "commit", "tv", "--yes"]);
    wait_for("the bundle", PATIENCE, || {
        let shown = retailer.json(&["bundle", "show", "tv"]);
        (shown["state"] == "agreed").then_some(())
    });
    let sold = || {
        let own = slots(&carrier, "VAN");
        let slot = own.iter().find(|slot| name(slot) == name(&brought[1]));
        (slot?["places"]["sold"] == 1).then_some(())
    };
    wait_for("the place", PATIENCE, sold);
}

/// How many places of its slots, from the third on, a firm has sold.
fn sold(firm: &Node, sku: &str) -> Vec<u64> {
    let own = slots(firm, sku).into_iter().take(2);
    own.filter_map(|slot| slot["places"]["sold"].as_u64())
        .collect()
}

#[test]
fn an_order_moves_to_another_slot() {
    let buyer = Node::named("Retailer");
    let fitter = firm("Fitter", "WALL", (9, "Asia/Tokyo"));
    trade(&buyer, &fitter, "WALL");
    let [first, second] = [0, 1].map(|at| slots(&buyer, "WALL").remove(at));
    let propose = format!(
        "deal propose Fitter --sku WALL --qty 1 --slot {}",
        name(&first)
    );
    let asked = buyer.json(&words(&propose));
    let thread = asked["thread"].as_str().expect("a text");
    fitter.json(&["deal", "wait", thread, "--for", "to-answer"]);
    fitter.json(&["deal", "accept", thread, "--yes"]);
    buyer.json(&["deal", "wait", thread, "--for", "held"]);
    buyer.json(&["deal", "accept", thread, "--yes"]);
    buyer.json(&["deal", "wait", thread, "--for", "agreed"]);
    assert_eq!(sold(&fitter, "WALL"), [1, 0]);

    let amend = ["order", "amend", thread, "--slot"];
    let nowhen = buyer
        .place()
        .run(&[&amend[..], &["2027-01-01T03:00", "--dry-run"]].concat());
    assert_eq!(nowhen.status.code(), Some(6), "{nowhen:?}");
    let plan = buyer.json(&[&amend[..], &[name(&second), "--dry-run"]].concat());
    assert_eq!(plan["after"]["window"]["from_ms"], second["from_ms"]);
    assert_eq!(plan["difference"]["text"], "0.00", "{plan}");
    let asked = buyer.json(&[&amend[..], &[name(&second), "--yes"]].concat());
    let change = asked["thread"].as_str().expect("a text");
    fitter.json(&["deal", "wait", change, "--for", "offered"]);
    fitter.json(&["deal", "accept", change, "--yes"]);
    buyer.json(&["deal", "wait", change, "--for", "agreed"]);
    assert_eq!(sold(&fitter, "WALL"), [0, 1]);
    let order = buyer.json(&["order", "show", thread]);
    assert_eq!(order["terms"]["window"]["from_ms"], second["from_ms"]);

    // A calendar without that slot leaves the place promised, which is named.
    let revise = "offer revise WALL --slot-rule FREQ=DAILY;BYHOUR=10";
    fitter.place().ok(&words(revise));
    let (found, _) = wait_for("the finding", PATIENCE, || {
        let diagnosis = fitter.json(&["doctor"]);
        let mut findings = diagnosis["findings"].as_array().expect("findings").iter();
        findings.find(|found| found["about"] == "stock").cloned()
    });
    let what = "more is promised than there is of 1 slot";
    assert_eq!(found["what"], what, "{found}");
    let next = found["next"].as_str().expect("what to do");
    assert!(next.contains("offer slots WALL"), "{found}");
}

#[test]
fn the_last_place_of_a_slot_goes_to_one() {
    let fitter = firm("Fitter", "WALL", (9, "America/New_York"));
    let buyers = [Node::named("One"), Node::named("Other")];
    for buyer in &buyers {
        trade(buyer, &fitter, "WALL");
        buyer.place().ok(&["bundle", "new", "wall"]);
    }
    let last = slots(&fitter, "WALL").remove(0);
    std::thread::scope(|scope| {
        for buyer in &buyers {
            let add = format!(
                "bundle add wall {} --sku WALL --qty 3 --slot {}",
                fitter.partner(),
                name(&last)
            );
            scope.spawn(move || buyer.place().ok(&words(&add)));
        }
    });
    let (legs, _) = wait_for("both answers", PATIENCE, || {
        let shown = buyers
            .iter()
            .map(|buyer| buyer.json(&["bundle", "show", "wall"]));
        let legs: Vec<Value> = shown.map(|shown| shown["legs"][0].clone()).collect();
        legs.iter()
            .all(|leg| leg["state"] != "requested")
            .then_some(legs)
    });
    let mut states: Vec<_> = legs
        .iter()
        .map(|leg| (leg["state"].as_str(), leg["code"].as_str()))
        .collect();
    states.sort_unstable();
    assert_eq!(
        states,
        [(Some("aborted"), Some("slot-full")), (Some("held"), None)]
    );
    let full = slots(&fitter, "WALL").remove(0);
    let places = &full["places"];
    assert_eq!(
        (&places["all"], &places["held"], &places["free"]),
        (&1.into(), &1.into(), &0.into())
    );
}
