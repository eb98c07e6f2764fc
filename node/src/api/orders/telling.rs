//! An order told: what was agreed, how far it has come, what is owed, and at the fulfiller who
//! receives it. It decides nothing.

use omni_protocol::deal::credit::{Ledger, Posting};
use omni_protocol::deal::order::{LineState, Order, cancellation_fee, going_on};
use omni_protocol::deal::{Deal, Lateness, Side, State};
use omni_protocol::hash::{DealId, RecordId};
use omni_protocol::machine::Key;
use omni_protocol::record::Signed;
use omni_protocol::thread::{
    ChangeWhat, Conditions, Handover, Happening, Item, Line, Terms, ThreadBody,
};
use omni_protocol::value::{Currency, Minor, Steps};

use crate::api::deals::refusing::short;
use crate::api::deals::{naming, telling};
use crate::api::{ApiCode, Problem, Reading, partner};
use crate::hand_over::Sealing;
use crate::view::change::{VersionView, changes};
use crate::view::money::{MoneyView, quantity_text};
use crate::view::order::{OrderRow, OrderView, ProgressView, StepLine, StepView};
use crate::view::ship_to::ShipToDoc;
use crate::view::terms::{money, terms_view};

/// An order with what it rests on.
pub(in crate::api) struct Known {
    pub(in crate::api) id: DealId,
    pub(in crate::api) order: Order,
    pub(super) deal: Deal,
    /// Those in force.
    pub(in crate::api) terms: Terms,
}

impl Known {
    /// By which commands name it.
    pub(in crate::api) fn short(&self) -> String {
        short(&self.id)
    }
}

/// The order with this id.
pub(in crate::api) fn known(reading: &Reading, id: DealId) -> Result<Known, Problem> {
    let absent = || {
        Problem::new(ApiCode::NotFound, "There is no such order.").next("see all: omni order ls")
    };
    let order = Order::read(reading, id).ok_or_else(absent)?;
    let deal = Deal::read(reading, id).ok_or_else(absent)?;
    let terms = order.in_force(reading, &reading.network);
    let terms = terms.ok_or_else(absent)?;
    Ok(Known {
        id,
        order,
        deal,
        terms,
    })
}

/// An order in a list.
pub(super) fn row(reading: &Reading, known: &Known) -> Result<OrderRow, Problem> {
    let Known {
        id, order, terms, ..
    } = known;
    let currency = terms.currency();
    let line = terms.lines().first();
    let owed = owed(reading, known);
    Ok(OrderRow {
        order: id.to_string(),
        thread: order.thread.to_string(),
        partner: order.partner.to_string(),
        name: partner::name(reading, order.partner)?,
        side: order.side.name().to_owned(),
        status: order.status().name().to_owned(),
        latest: order.latest.map(|what| what.name().to_owned()),
        title: line
            .map(|line| line.item().title.to_string())
            .unwrap_or_default(),
        lines: u64::try_from(terms.lines().len()).unwrap_or(u64::MAX),
        total: Some(money(terms.total(), currency)),
        owed: owed.map(|owed| money(owed, currency)),
        agreed_ms: order.agreed.ms(),
    })
}

/// What the requester owes for an order, from the postings of its deal and of its changes.
pub(super) fn owed(reading: &Reading, known: &Known) -> Option<Minor> {
    let of = |deal: DealId| {
        let posting = Posting::read(reading, deal)?;
        let claims = posting.lines.iter().filter_map(|line| match line.account {
            Ledger::Receivable => Some(line.amount),
            Ledger::Payable => Minor::ZERO.checked_sub(line.amount),
            Ledger::Sales | Ledger::Purchases => None,
        });
        Minor::total(claims)
    };
    let mut owed = of(known.id)?;
    for number in 0..known.order.steps {
        let order = known.id;
        let Some(step) = reading.get::<RecordId>(&Key::OrderStep { order, number }) else {
            continue;
        };
        // Events post nothing.
        owed = owed.checked_add(of(step.into()).unwrap_or(Minor::ZERO))?;
    }
    Some(owed)
}

/// The whole order. What was handed over is opened with `sealing`, where this node fulfils.
pub(super) fn view(reading: &Reading, id: DealId, sealing: &Sealing) -> Result<OrderView, Problem> {
    let known = known(reading, id)?;
    let Known {
        order, deal, terms, ..
    } = &known;
    let opened = match order.side {
        Side::Provider => handed(reading, &known).map(|handover| sealing.open(&handover)),
        Side::Requester => None,
    };
    let situation = telling::situation(reading, order.thread)?;
    Ok(OrderView {
        row: row(reading, &known)?,
        version: order.version,
        progress: progress(reading, &known),
        terms: Some(terms_view(terms)),
        late: deal.lateness == Lateness::Late,
        change: order.change.map(|change| change.to_string()),
        cancellation_fee: fee(reading, &known),
        hand_over: telling::hand_over(reading, order.thread, &situation),
        ship_to: opened
            .as_ref()
            .and_then(|o| o.as_ref().ok())
            .map(ShipToDoc::of),
        ship_to_error: opened.and_then(Result::err).map(|why| why.to_string()),
        steps: steps(reading, &known),
        versions: versions(reading, &known),
    })
}

/// The latest hand-over of this order that came from the requester.
pub(super) fn handed(reading: &Reading, known: &Known) -> Option<Box<Handover>> {
    let records = naming::records(reading, known.order.thread, 0);
    let handed = records.filter_map(|(_, record)| {
        let ThreadBody::Handover(handover) = record.body() else {
            return None;
        };
        let is_it = handover.deal == known.id && record.author() == known.order.partner;
        is_it.then(|| handover.clone())
    });
    handed.last()
}

fn progress(reading: &Reading, known: &Known) -> Vec<ProgressView> {
    let Known { order, terms, .. } = known;
    let shipped = shipped(reading, known);
    let lines = order.lines.iter().zip(terms.lines()).zip(shipped);
    let one = |((state, line), shipped): ((&LineState, &Line), u64)| {
        let item = line.item();
        let text = |steps: u64| quantity_text(steps, &item.unit);
        ProgressView {
            sku: item.sku.to_string(),
            title: item.title.to_string(),
            unit: item.unit.code().to_owned(),
            ordered: text(state.ordered),
            shipped: text(shipped),
            fulfilled: text(state.fulfilled),
            cancelled: text(state.cancelled),
            open: text(state.open()),
        }
    };
    lines.map(one).collect()
}

/// Steps of each line that were handed over to a carrier. An event that names no line means all
/// that was not handed over before; what is said twice counts once, up to what was ordered. Lines
/// are those of the version that an event names.
fn shipped(reading: &Reading, known: &Known) -> Vec<u64> {
    let Some(mut terms) = known.deal.terms(reading, &reading.network, known.id) else {
        return Vec::new();
    };
    let mut shipped = vec![0_u64; terms.lines().len()];
    for id in step_ids(reading, known) {
        if let Some((_, amended)) = agreed_change(reading, id).filter(|(_, t)| is_amendment(t)) {
            let from = going_on(&terms, &amended).into_iter();
            let before = |index: Option<usize>| index.and_then(|index| shipped.get(index).copied());
            shipped = from
                .map(|index| before(index).unwrap_or_default())
                .collect();
            terms = amended;
            continue;
        }
        let record = naming::record(reading, id);
        let Some(ThreadBody::Event(event)) = record.as_ref().map(Signed::body) else {
            continue;
        };
        if event.what != Happening::HandedOver {
            continue;
        }
        for (index, (done, line)) in shipped.iter_mut().zip(terms.lines()).enumerate() {
            let most = line.item().steps.get();
            let named = event
                .lines
                .iter()
                .filter(|line| usize::from(line.line) == index);
            let steps = named.map(|line| line.steps.get()).sum();
            let steps = if event.lines.is_empty() { most } else { steps };
            *done = done.saturating_add(steps).min(most);
        }
    }
    for (done, state) in shipped.iter_mut().zip(known.order.lines.iter()) {
        *done = (*done).min(state.ordered.saturating_sub(state.cancelled));
    }
    shipped
}

fn is_amendment(terms: &Terms) -> bool {
    let on = terms.conditions().on;
    on.is_some_and(|on| on.what == ChangeWhat::Amend)
}

/// The deal of a change that stands, with its terms.
pub(super) fn agreed_change(reading: &Reading, step: RecordId) -> Option<(Deal, Terms)> {
    let deal = Deal::read(reading, step.into())?;
    let stands = matches!(deal.state, State::Sold | State::Agreed);
    let terms = deal.terms(reading, &reading.network, step.into())?;
    stands.then_some((deal, terms))
}

/// What was agreed at first, and what each change made of it.
fn versions(reading: &Reading, known: &Known) -> Vec<VersionView> {
    let Some(first) = known.deal.terms(reading, &reading.network, known.id) else {
        return Vec::new();
    };
    let currency = first.currency();
    let made = |deal: RecordId| {
        let record = naming::record(reading, deal);
        record.map_or(0, |record| record.body().header().at.ms())
    };
    let mut versions = vec![VersionView {
        version: 1,
        what: "agreed".to_owned(),
        deal: known.id.to_string(),
        at_ms: made(known.id.into()),
        terms: terms_view(&first),
        changes: Vec::new(),
        difference: money(known.deal.amount, currency),
    }];
    let mut stands = Some(first);
    for (id, (deal, terms)) in
        step_ids(reading, known).filter_map(|id| Some((id, agreed_change(reading, id)?)))
    {
        let Some(on) = terms.conditions().on else {
            continue;
        };
        let after = stands.as_ref().and_then(|before| after(before, &terms));
        let document = |terms: &Option<Terms>| terms.as_ref().map(terms_view);
        versions.push(VersionView {
            version: on.version.saturating_add(1),
            what: on.what.name().to_owned(),
            deal: id.to_string(),
            at_ms: made(id),
            terms: terms_view(&terms),
            changes: changes(document(&stands).as_ref(), document(&after).as_ref()),
            difference: money(deal.amount, currency),
        });
        stands = after;
    }
    versions
}

/// What stands of terms after a change; none where all was cancelled.
pub(in crate::api) fn after(stands: &Terms, change: &Terms) -> Option<Terms> {
    if is_amendment(change) {
        return Some(change.clone());
    }
    let mut left: Vec<(Item, u64)> = Vec::new();
    for line in stands.lines() {
        left.push((line.item().clone(), line.item().steps.get()));
    }
    for line in change.lines() {
        let less = line.item();
        let same = |(item, _): &&mut (Item, u64)| {
            (&item.sku, &item.list, &item.unit, item.price)
                == (&less.sku, &less.list, &less.unit, less.price)
        };
        if let Some((_, steps)) = left.iter_mut().find(same) {
            *steps = steps.saturating_sub(less.steps.get());
        }
    }
    let items = left.into_iter().filter_map(|(item, steps)| {
        let steps = Steps::new(steps).ok()?;
        Some(Item { steps, ..item })
    });
    let conditions = Conditions {
        on: None,
        ..stands.conditions().clone()
    };
    Terms::new(items.collect(), stands.currency(), conditions).ok()
}

/// What cancelling all that is open would cost now.
fn fee(reading: &Reading, known: &Known) -> Option<MoneyView> {
    let lines = super::cancelling::open_lines(&known.order, &known.terms);
    let items = super::cancelling::items(&known.terms, &lines)?;
    let currency: Currency = known.terms.currency();
    let change = super::cancelling::conditions(known, "").ok()?;
    let asked = Terms::cancellation(items, currency, Minor::ZERO, change).ok()?;
    let fee = cancellation_fee(reading, &reading.network, known.id, &asked, reading.now())?;
    Some(money(fee, currency))
}

fn steps(reading: &Reading, known: &Known) -> Vec<StepView> {
    let ids = step_ids(reading, known);
    ids.filter_map(|id| step(reading, id, &known.terms))
        .collect()
}

/// The records of its events and changes, oldest first.
pub(super) fn step_ids(reading: &Reading, known: &Known) -> impl Iterator<Item = RecordId> {
    let order = known.id;
    (0..known.order.steps)
        .filter_map(move |number| reading.get::<RecordId>(&Key::OrderStep { order, number }))
}

fn step(reading: &Reading, id: RecordId, terms: &Terms) -> Option<StepView> {
    let record = naming::record(reading, id)?;
    let header = record.body().header();
    let ThreadBody::Event(event) = record.body() else {
        return Some(StepView {
            record: id.to_string(),
            what: "Changed".to_owned(),
            occurred_ms: header.at.ms(),
            version: agreed_change(reading, id)
                .and_then(|(_, terms)| terms.conditions().on)
                .map_or(0, |on| on.version.saturating_add(1)),
            reference: String::new(),
            note: String::new(),
            lines: Vec::new(),
        });
    };
    let line = |line: &omni_protocol::thread::EventLine| {
        let unit = terms
            .lines()
            .get(usize::from(line.line))
            .map(|line| &line.item().unit);
        let steps = line.steps.get();
        StepLine {
            line: line.line.saturating_add(1),
            quantity: unit.map_or_else(|| steps.to_string(), |unit| quantity_text(steps, unit)),
        }
    };
    Some(StepView {
        record: id.to_string(),
        what: event.what.name().to_owned(),
        occurred_ms: event.occurred.ms(),
        version: event.version,
        reference: event.reference.to_string(),
        note: event.note.to_string(),
        lines: event.lines.iter().map(line).collect(),
    })
}
