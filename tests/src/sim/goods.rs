//! What the nodes of a run sell: a few articles each, at prices that need rounding.

use omni_protocol::{
    fence::List,
    hash::SubjectId,
    machine::Publication,
    public::{Calendar, OfferDraft, Service},
    slot,
    thread::{Change, ChangeWhat, Conditions, Item, Terms, Window},
    trade::{Destination, HundredthsOfPercent, Method, Nature, Right, RightState, RightTo},
    value::{Currency, Minor, Price, Steps, Text, Time, Unit},
};

use crate::market::BEGINNING_MS;

const DAY_MS: u64 = 86_400_000;
const MINUTE_MS: u64 = 60_000;
/// Articles of one node.
pub(super) const ARTICLES: u64 = 2;
/// The number of its service, where it sells one.
const SERVICE: u64 = ARTICLES;
/// When the slots of a service begin, in minutes from the beginning: some begin while the run lasts.
const SLOTS: [u64; 4] = [5, 20, 70, 26 * 60];
/// How long each lasts.
const SLOT_MINUTES: u32 = 60;
/// The price counts for so many pieces, so that few totals come out even.
const PER: u64 = 6;

/// The currency of all of it.
pub(super) fn euro() -> Currency {
    "EUR".parse().expect("a currency")
}

/// An article's number.
pub(super) fn sku(node: usize, article: u64) -> String {
    format!("{node}-{article}")
}

/// Its subject.
pub(super) fn subject(node: usize, article: u64) -> SubjectId {
    let sku = sku(node, article).parse().expect("short");
    slot::subject(&sku, &Text::default())
}

fn price(node: usize, article: u64, less: i64) -> Price {
    let node = i64::try_from(node).expect("few");
    let article = i64::try_from(article).expect("few");
    let minor = Minor::new(5_001 + 100 * node + 1_000 * article - less).expect("small");
    Price::new(minor, Steps::new(PER).expect("small")).expect("not negative")
}

fn piece() -> Unit {
    Unit::new("C62", 0).expect("a unit")
}

/// An offer of it.
pub(super) fn offer(node: usize, article: u64) -> OfferDraft {
    let sku = sku(node, article);
    let mut draft = OfferDraft::product(
        sku.parse().expect("short"),
        format!("Article {sku}").parse().expect("short"),
        (price(node, article, 0), euro()),
        piece(),
        Time::new(BEGINNING_MS + 60 * DAY_MS).expect("valid"),
    )
    .expect("within limits");
    draft.hold_minutes = 10;
    draft
}

/// An offer of a service with so many places in each slot.
pub(super) fn service(node: usize, places: u32) -> OfferDraft {
    let mut draft = offer(node, SERVICE);
    draft.nature = Nature::Service;
    // The times themselves come from outside of the machine, which does not read this.
    let calendar = Calendar {
        rule: "FREQ=DAILY".parse().expect("short"),
        start: "2023-11-14T22:00".parse().expect("short"),
        zone: "Etc/UTC".parse().expect("short"),
        capacity: places,
    };
    draft.service = Some(Service {
        duration_minutes: SLOT_MINUTES,
        calendar: Some(calendar),
    });
    draft
}

/// Its slots, as far as they are kept.
pub(super) fn timetable(node: usize, mut keeps: impl FnMut() -> bool) -> Publication {
    let slots = SLOTS.into_iter().filter(|_| keeps());
    Publication::Timetable(subject(node, SERVICE), slots.map(begins).collect())
}

fn begins(minute: u64) -> Time {
    Time::new(BEGINNING_MS + minute * MINUTE_MS).expect("valid")
}

/// Terms for so many pieces of it, in the slot that is drawn.
pub(super) fn slot_terms(node: usize, drawn: u64, (steps, less): (u64, i64)) -> Terms {
    let terms = terms((node, SERVICE), steps, less);
    let mut conditions = terms.conditions().clone();
    let [first, ..] = SLOTS;
    let mut slots = (0..).zip(SLOTS);
    let slot = slots.find(|(number, _)| *number == drawn % 4);
    let from = begins(slot.map_or(first, |(_, minute)| minute));
    let until = from.plus_ms(u64::from(SLOT_MINUTES) * MINUTE_MS);
    conditions.window = Window::new(from, until).ok();
    let mut item = terms.lines()[0].item().clone();
    item.nature = Nature::Service;
    Terms::new(vec![item], euro(), conditions).expect("within limits")
}

/// Terms for so many pieces, at so much less than the list says; the requester may cancel.
pub(super) fn terms((node, article): (usize, u64), steps: u64, less: i64) -> Terms {
    let right = Right {
        state: RightState::Before,
        to: RightTo::Cancel,
        within_hours: 24,
        fee: HundredthsOfPercent::new(1_000).expect("10 %"),
    };
    let mut conditions = Conditions::plain(Method::Ship, Destination::default());
    conditions.rights = List::new([right]).expect("one");
    let sku = sku(node, article);
    let item = Item {
        sku: sku.parse().expect("short"),
        list: Text::default(),
        offer: None,
        title: format!("Article {sku}").parse().expect("short"),
        nature: Nature::Product,
        unit: piece(),
        steps: Steps::new(steps).expect("few"),
        price: price(node, article, less),
    };
    Terms::new(vec![item], euro(), conditions).expect("within limits")
}

/// The same terms, for what another deal is to rest on.
pub(super) fn chained(article: (usize, u64), steps: u64, less: i64) -> Terms {
    let terms = terms(article, steps, less);
    let items = terms.lines().iter().map(|line| line.item().clone());
    let mut conditions = terms.conditions().clone();
    conditions.for_chain = true;
    Terms::new(items.collect(), euro(), conditions).expect("within limits")
}

/// Terms that amend an order: of its first line so many pieces, and where `other` names one, another
/// article after it, for a fee.
pub(super) fn amendment(
    in_force: &Terms,
    (steps, other): (u64, Option<(usize, u64)>),
    fee: Minor,
    on: (omni_protocol::hash::DealId, u32),
) -> Terms {
    let mut conditions = in_force.conditions().clone();
    conditions.on = Some(Change {
        order: on.0,
        version: on.1,
        what: ChangeWhat::Amend,
    });
    let mut first = in_force.lines()[0].item().clone();
    first.steps = Steps::new(steps).expect("few");
    let other = other.map(|article| terms(article, 1, 0));
    let other = other.iter().flat_map(Terms::lines);
    let items = [first]
        .into_iter()
        .chain(other.map(|line| line.item().clone()));
    Terms::amendment(items.collect(), euro(), fee, conditions).expect("within limits")
}

/// Terms that cancel one piece of an order's first line, for a fee.
pub(super) fn cancellation(
    agreed: &Terms,
    fee: Minor,
    on: (omni_protocol::hash::DealId, u32),
) -> Terms {
    let mut conditions = Conditions::plain(Method::Ship, Destination::default());
    conditions.on = Some(Change {
        order: on.0,
        version: on.1,
        what: ChangeWhat::Cancel,
    });
    let mut item = agreed.lines()[0].item().clone();
    item.steps = Steps::new(1).expect("one");
    Terms::cancellation(vec![item], euro(), fee, conditions).expect("within limits")
}
