//! Who provides a part, between real nodes: nobody above its middle partner hears of it, also where it
//! has a session with them, but where that partner stays away for long while it is in doubt.

use std::collections::BTreeSet;
use std::time::Duration;

use omni_node::home;
use omni_node::keys::Keys;
use omni_node::store::{Owner, ledger};
use omni_protocol::hash::{PartnerId, RecordId};
use omni_protocol::machine::Key;
use omni_tests::omni::{Node, PATIENCE, Place, wait_for};
use serde_json::Value;

use crate::chains::{Market, bundle, reaches, verified};

/// The silence of SPEC.md 17, and what it takes to notice, to dial and to ask.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// Whom a node that is down would ask something, as its ledger says.
fn asked_by(place: &Place) -> BTreeSet<String> {
    let home = home::Home::at(place.home());
    let keys = Keys::load(&home).expect("keys");
    let owner = Owner {
        network: *keys.standing().network().as_bytes(),
        partner: *keys.standing().partner().as_bytes(),
    };
    let (reader, _) = ledger::open(home.root(), owner, 1).expect("opened");
    let first = Key::Question {
        record: RecordId::from_bytes([0; 32]),
        partner: PartnerId::from_bytes([0; 32]),
    };
    let end = [first.family() + 1];
    let questions = reader.walk(&first.to_bytes(), &end);
    let partners = questions.map(|pair| match Key::from_bytes(&pair.expect("read").key) {
        Some(Key::Question { partner, .. }) => partner.to_string(),
        other => panic!("{other:?}"),
    });
    partners.collect()
}

/// What the ledger of a node has with a partner.
fn entries_with(node: &Node, partner: &str) -> Vec<Value> {
    let all = node.json(&["ledger", "ls", "--after", "0-0", "--limit", "500"]);
    let all = all["entries"].as_array().expect("a list").iter();
    all.filter(|entry| entry["counterparty"] == partner)
        .cloned()
        .collect()
}

#[test]
fn a_retailer_that_meets_the_leaf_learns_nothing() {
    let market = Market::open("1", &[]);
    market.retailer.befriend(&market.leaf);
    let (maker, leg, part) = bundle(&market);
    maker.befriend(&market.leaf);
    let Market {
        retailer,
        firm,
        leaf,
        ..
    } = market;
    let leaf_id = leaf.partner();
    let before = [&retailer, &maker].map(|node| entries_with(node, &leaf_id));
    maker.signal("STOP");
    retailer.place().ok(&["bundle", "commit", "room", "--yes"]);
    reaches(&firm, &leg, "armed");
    reaches(&leaf, &part, "armed");
    // In doubt it asks who asked it, and nobody else, also in its next life.
    let place = leaf.killed();
    assert_eq!(asked_by(&place), BTreeSet::from([firm.partner()]));
    let leaf = place.up(&[]);
    for node in [&retailer, &firm] {
        leaf.wait_for_session(node);
    }
    let place = leaf.killed();
    assert_eq!(asked_by(&place), BTreeSet::from([firm.partner()]));
    let leaf = place.up(&[]);
    maker.signal("CONT");
    reaches(&leaf, &part, "sold");
    reaches(&firm, &leg, "sold");
    reaches(&retailer, &leg, "agreed");
    let after = [&retailer, &maker].map(|node| entries_with(node, &leaf_id));
    assert_eq!(before, after);
    verified(&[&retailer, &firm, &leaf, &maker]);
}

#[test]
fn a_leaf_whose_middle_partner_stays_dead_learns_how_it_ended() {
    let market = Market::open("1", &[]);
    let (maker, leg, part) = bundle(&market);
    let Market {
        retailer,
        firm,
        leaf,
        ..
    } = market;
    // One leg is slow, so that there is a middle of the commit for the firm to die in.
    maker.signal("STOP");
    retailer.place().ok(&["bundle", "commit", "room", "--yes"]);
    reaches(&firm, &leg, "armed");
    wait_for("what the firm said", PATIENCE, || {
        let shown = retailer.json(&["bundle", "show", "room"]);
        (shown["legs"][1]["said"] == "armed").then_some(())
    });
    reaches(&leaf, &part, "armed");
    let _dead = firm.killed();
    maker.signal("CONT");
    reaches(&retailer, &leg, "agreed");
    // It knows neither of them, and no session stands: it dials those whom the Manifest names.
    let retailer_id = retailer.partner();
    assert_ne!(leaf.peer(&retailer_id)["connected"], true);
    wait_for("the certificate at the leaf", SILENCE_MAX, || {
        let shown = leaf.json(&["deal", "show", &part]);
        (shown["state"] == "sold").then_some(())
    });
    verified(&[&retailer, &leaf, &maker]);
}
