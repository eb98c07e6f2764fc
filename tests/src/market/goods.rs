//! Something to trade.

use omni_protocol::{
    machine::{Count, Input, Publication},
    public::{Calendar, OfferDraft, Service},
    slot,
    thread::{Conditions, Item, Terms, Window},
    trade::{Destination, Method, Nature},
    value::{Currency, Minor, Price, Steps, Text, Time, Unit},
};

use super::{BEGINNING_MS, Node};

/// Milliseconds of an hour, which a slot lasts here.
pub const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

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

/// An offer of a service at so many cents a piece, performed in slots of an hour with so many places.
pub fn service(sku: &str, minor: i64, places: u32) -> OfferDraft {
    let mut draft = offer(sku, minor);
    draft.nature = Nature::Service;
    // The times themselves come from outside of the machine, which does not read this.
    let calendar = Calendar {
        rule: "FREQ=HOURLY".parse().unwrap(),
        start: "2023-11-14T22:00".parse().unwrap(),
        zone: "Etc/UTC".parse().unwrap(),
        capacity: places,
    };
    draft.service = Some(Service {
        duration_minutes: 60,
        calendar: Some(calendar),
    });
    draft
}

/// The slots of a service that begin so many hours after the beginning.
pub fn timetable(sku: &str, hours: &[u64]) -> Publication {
    let begins = hours.iter().map(|hour| begins(*hour)).collect();
    let subject = slot::subject(&sku.parse().unwrap(), &Text::default());
    Publication::Timetable(subject, begins)
}

fn begins(hour: u64) -> Time {
    Time::new(BEGINNING_MS + hour * HOUR_MS).unwrap()
}

/// The slot that begins so many hours after the beginning.
pub fn slot(hour: u64) -> Window {
    Window::new(begins(hour), begins(hour + 1)).unwrap()
}

/// Terms for so many pieces of a service at so many cents each, in this window.
pub fn slot_terms(sku: &str, minor: i64, steps: u64, window: Option<Window>) -> Terms {
    let mut conditions = Conditions::plain(Method::Ship, Destination::default());
    conditions.window = window;
    let mut item = item(sku, minor, steps);
    item.nature = Nature::Service;
    Terms::new(vec![item], euro(), conditions).unwrap()
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

/// Terms that amend an order with these terms: its lines are these from then on, for a fee.
pub fn amendment(
    in_force: &Terms,
    lines: &[(&str, i64, u64)],
    fee: i64,
    on: omni_protocol::thread::Change,
) -> Terms {
    let conditions = Conditions {
        on: Some(on),
        ..in_force.conditions().clone()
    };
    let items = lines
        .iter()
        .map(|(sku, minor, steps)| item(sku, *minor, *steps));
    let fee = Minor::new(fee).unwrap();
    Terms::amendment(items.collect(), euro(), fee, conditions).unwrap()
}
