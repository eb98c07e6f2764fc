//! What is traded in these tests: drills at 19.99 EUR.

use omni_protocol::fence::List;
use omni_protocol::public::OfferDraft;
use omni_protocol::thread::{Conditions, Item, Terms};
use omni_protocol::trade::{Destination, Method, Nature};
use omni_protocol::value::{Currency, Minor, Price, Prose, Steps, Text, Time, Unit};

pub fn now() -> Time {
    Time::new(omni_node::clock::Clock::System.now_ms()).expect("valid")
}

pub fn euro() -> Currency {
    Currency::new(*b"EUR").expect("valid")
}

pub fn price() -> Price {
    Price::new(
        Minor::new(1999).expect("small"),
        Steps::new(1).expect("one"),
    )
    .expect("valid")
}

pub fn unit() -> Unit {
    Unit::new("C62", 0).expect("valid")
}

pub fn offer(number: usize) -> OfferDraft {
    OfferDraft::product(
        Text::new(format!("SKU-{number}")).expect("valid"),
        Text::new(format!("Drill number {number}")).expect("valid"),
        (price(), euro()),
        unit(),
        now().plus_ms(30 * 86_400_000),
    )
    .expect("valid")
}

pub fn terms(steps: u64) -> Terms {
    let item = Item {
        sku: Text::new("SKU-1").expect("valid"),
        list: Text::default(),
        offer: None,
        title: Text::new("Drill number 1").expect("valid"),
        nature: Nature::Product,
        unit: unit(),
        steps: Steps::new(steps).expect("small"),
        price: price(),
    };
    let conditions = Conditions {
        method: Method::Ship,
        region: Destination(None),
        postcode: Text::default(),
        window: None,
        incoterm: Text::default(),
        payment_days: 0,
        rights: List::default(),
        white_label: false,
        for_chain: false,
        arbiter: None,
        note: Prose::default(),
        on: None,
    };
    Terms::new(vec![item], euro(), conditions).expect("valid")
}
