//! Something to trade.

use omni_protocol::{
    machine::{Count, Input, Publication},
    public::OfferDraft,
    thread::{Conditions, Item, Terms},
    trade::{Destination, Method, Nature},
    value::{Currency, Minor, Price, Steps, Text, Time, Unit},
};

use super::{BEGINNING_MS, Node};

const DAY_MS: u64 = 86_400_000;

fn euro() -> Currency {
    "EUR".parse().unwrap()
}

fn price(minor: i64) -> Price {
    Price::new(Minor::new(minor).unwrap(), Steps::new(1).unwrap()).unwrap()
}

/// An offer of an article at so many cents a piece.
pub fn offer(sku: &str, minor: i64) -> OfferDraft {
    let until = Time::new(BEGINNING_MS + 60 * DAY_MS).unwrap();
    OfferDraft::product(
        sku.parse().unwrap(),
        format!("Article {sku}").parse().unwrap(),
        (price(minor), euro()),
        Unit::new("C62", 0).unwrap(),
        until,
    )
    .unwrap()
}

/// Puts an article on sale, with so many pieces counted.
pub fn article(node: &mut Node, sku: &str, minor: i64, counted: u64) {
    node.must(Input::Publish(vec![Publication::Offer(Box::new(offer(
        sku, minor,
    )))]));
    node.must(Input::Count(Count {
        sku: sku.parse().unwrap(),
        list: Text::default(),
        steps: counted,
    }));
}

/// Terms for so many pieces at so many cents each.
pub fn terms(sku: &str, minor: i64, steps: u64) -> Terms {
    terms_with(
        sku,
        minor,
        steps,
        Conditions::plain(Method::Ship, Destination::default()),
    )
}

fn item(sku: &str, minor: i64, steps: u64) -> Item {
    Item {
        sku: sku.parse().unwrap(),
        list: Text::default(),
        offer: None,
        title: format!("Article {sku}").parse().unwrap(),
        nature: Nature::Product,
        unit: Unit::new("C62", 0).unwrap(),
        steps: Steps::new(steps).unwrap(),
        price: price(minor),
    }
}

fn terms_with(sku: &str, minor: i64, steps: u64, conditions: Conditions) -> Terms {
    Terms::new(vec![item(sku, minor, steps)], euro(), conditions).unwrap()
}

/// Terms of a part, on which another deal rests.
pub fn chained(sku: &str, minor: i64, steps: u64) -> Terms {
    let mut conditions = Conditions::plain(Method::Ship, Destination::default());
    conditions.for_chain = true;
    terms_with(sku, minor, steps, conditions)
}

/// Terms that cancel so many pieces of an order, for a fee.
pub fn cancellation(
    (sku, minor, steps): (&str, i64, u64),
    fee: i64,
    on: omni_protocol::thread::Change,
) -> Terms {
    let mut conditions = Conditions::plain(Method::Ship, Destination::default());
    conditions.on = Some(on);
    let items = vec![item(sku, minor, steps)];
    Terms::cancellation(items, euro(), Minor::new(fee).unwrap(), conditions).unwrap()
}

/// Terms whose requester may cancel before fulfilment, for a fee in hundredths of a percent.
pub fn withdrawable(sku: &str, minor: i64, steps: u64, fee: u16) -> Terms {
    use omni_protocol::{
        fence::List,
        trade::{HundredthsOfPercent, Right, RightState, RightTo},
    };

    let mut conditions = Conditions::plain(Method::Ship, Destination::default());
    let right = Right {
        state: RightState::Before,
        to: RightTo::Cancel,
        within_hours: 24,
        fee: HundredthsOfPercent::new(fee).unwrap(),
    };
    conditions.rights = List::new([right]).unwrap();
    terms_with(sku, minor, steps, conditions)
}
