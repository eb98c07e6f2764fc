//! What the nodes of a run sell: a few articles each, at prices that need rounding.

use omni_protocol::{
    fence::List,
    hash::SubjectId,
    public::OfferDraft,
    slot,
    thread::{Change, ChangeWhat, Conditions, Item, Terms},
    trade::{Destination, HundredthsOfPercent, Method, Nature, Right, RightState, RightTo},
    value::{Currency, Minor, Price, Steps, Text, Time, Unit},
};

use crate::market::BEGINNING_MS;

const DAY_MS: u64 = 86_400_000;
/// Articles of one node.
pub(super) const ARTICLES: u64 = 2;
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
