//! Offers for named partners: who is left out of one, or for whom it is withdrawn, sees it no more,
//! also who was away.

use omni_tests::omni::{Node, PATIENCE, wait_for};

fn sees(node: &Node, sku: &str) -> bool {
    node.place().run(&["offer", "show", sku]).status.success()
}

fn wait_until(node: &Node, sku: &str, is_seen: bool) {
    let what = format!("{sku}, seen: {is_seen}");
    let (_, took) = wait_for(&what, PATIENCE, || {
        (sees(node, sku) == is_seen).then_some(())
    });
    println!("{what}: {took:?}");
}

fn publish(seller: &Node, sku: &str, named: &[&str]) {
    let mut args = vec!["offer", "publish", "--sku", sku, "--title", sku];
    args.extend(["--price", "10.00", "--currency", "EUR"]);
    args.extend(named.iter().flat_map(|partner| ["--for", partner]));
    seller.place().ok(&args);
}

#[test]
fn what_is_withdrawn_or_narrowed_is_gone_at_whom_it_was_for() {
    let (seller, buyer, other) = (
        Node::named("Seller"),
        Node::named("Buyer"),
        Node::named("Other"),
    );
    buyer.befriend(&seller);
    other.befriend(&seller);
    let ids = [buyer.partner(), other.partner()];
    let both = [ids[0].as_str(), ids[1].as_str()];
    let skus = ["WITHDRAWN", "NARROWED", "GONE-AWAY", "NARROWED-AWAY"];
    for sku in skus {
        publish(&seller, sku, &both);
    }
    publish(&seller, "PUBLIC", &[]);
    for node in [&buyer, &other] {
        for sku in skus.into_iter().chain(["PUBLIC"]) {
            wait_until(node, sku, true);
        }
    }
    seller.place().ok(&["offer", "withdraw", "WITHDRAWN"]);
    publish(&seller, "NARROWED", &both[..1]);
    publish(&seller, "PUBLIC", &both[..1]);
    wait_until(&other, "WITHDRAWN", false);
    wait_until(&other, "NARROWED", false);
    wait_until(&other, "PUBLIC", false);
    wait_until(&buyer, "WITHDRAWN", false);
    wait_until(&buyer, "PUBLIC", true);
    assert!(sees(&buyer, "NARROWED"), "it is for this one as before");
    let other = other.killed();
    seller.place().ok(&["offer", "withdraw", "GONE-AWAY"]);
    publish(&seller, "NARROWED-AWAY", &both[..1]);
    wait_until(&buyer, "GONE-AWAY", false);
    let seller = seller.killed();
    let other = other.up(&[]);
    assert!(sees(&other, "GONE-AWAY"), "it knows of nothing yet");
    let seller = seller.up(&[]);
    other.wait_for_session(&seller);
    wait_until(&other, "GONE-AWAY", false);
    wait_until(&other, "NARROWED-AWAY", false);
    wait_until(&buyer, "NARROWED-AWAY", true);
    let mine = seller.json(&["offer", "ls", "--mine"]);
    let mine: Vec<_> = mine["offers"].as_array().expect("a list").to_owned();
    assert_eq!(mine.len(), 3, "{mine:?}");
}
