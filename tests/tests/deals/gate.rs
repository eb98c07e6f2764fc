//! What an order waits for: the requester's Ack, where it is worth more than the ship gate.

use omni_protocol::{
    code::Code,
    machine::{Policy, Verb, Verdict},
    thread::Happening,
    value::{Minor, Money, Prose, Text},
};

use crate::scene::{Scene, goods};

#[test]
fn above_the_ship_gate_nothing_is_shipped_before_the_ack() {
    // The goods cost 20.00 EUR.
    for (gate, waits) in [
        ((1999, "EUR"), true),
        ((2000, "EUR"), false),
        ((1, "GBP"), false),
    ] {
        let (minor, currency) = gate;
        let policy = Policy {
            ship_gate: vec![Money {
                minor: Minor::new(minor).unwrap(),
                currency: currency.parse().unwrap(),
            }],
            ..Policy::default()
        };
        let mut scene = Scene::new(policy);
        let request = scene.them.request(goods(), 60, None);
        scene.opened_by(request.record.id());
        scene.letter(&[&request]);
        let order = scene.deal_id();
        let commit = scene.them.commit(order, scene.own_hold(), 0);
        scene.letter(&[&commit]);
        let ship = Verb::Happen {
            order,
            what: Happening::HandedOver,
            occurred: scene.us.now(),
            lines: Vec::new(),
            reference: Text::default(),
            note: Prose::default(),
        };
        let early = scene.clone().verb(ship.clone()).verdict;
        assert_eq!(early == Verdict::Refused(Code::InDoubt), waits, "{gate:?}");
        let receipt = scene.kept().unwrap().decision.unwrap();
        let ack = scene.them.ack(receipt);
        scene.letter(&[&ack]);
        let shipped = scene.verb(ship).verdict;
        assert!(matches!(shipped, Verdict::Made(_)), "{gate:?}: {shipped:?}");
    }
}
