//! Orders (SPEC.md section 13): what was agreed, how far it is fulfilled, and its changes. The
//! status is derived from events and steps; no status is stored that they do not give. Payment,
//! returns and disputes are later versions' matter.

use alloc::vec::Vec;

use super::{Deal, Reserved, Side, credit, reservation, stock};
use crate::{
    bundle::Backing,
    code::Code,
    fence::List,
    hash::{DealId, NetworkId, PartnerId, RecordId, ThreadId},
    limits::LINES_MAX,
    machine::{Fold, Key, Overlay, View, stored},
    thread::{Change, ChangeWhat, Event, Happening, Terms},
    trade::{RightState, RightTo},
    value::{Minor, Time},
    wire, words,
};

const HOUR_MS: u64 = 3_600_000;
/// Hundredths of a percent in the whole.
const WHOLE: i128 = 10_000;

/// How far one line of an order has come, in steps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct LineState {
    /// Agreed.
    pub ordered: u64,
    /// Fulfilled.
    pub fulfilled: u64,
    /// Cancelled.
    pub cancelled: u64,
    /// Returned; always 0 in this version.
    pub returned: u64,
}

wire!(LineState {
    ordered,
    fulfilled,
    cancelled,
    returned,
});

impl LineState {
    /// Steps that are still owed.
    #[must_use]
    pub const fn open(&self) -> u64 {
        self.ordered
            .saturating_sub(self.fulfilled)
            .saturating_sub(self.cancelled)
    }
}

/// An order: a deal after its Receipt.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Order {
    /// The other side.
    pub partner: PartnerId,
    /// The thread.
    pub thread: ThreadId,
    /// Which side this node is.
    pub side: Side,
    /// 1 with the Receipt, one more with each agreed change.
    pub version: u32,
    /// Each line of the terms.
    pub lines: List<LineState, LINES_MAX>,
    /// The change that is open.
    pub change: Option<DealId>,
    /// Ledger time of the agreement, as its Receipt has it.
    pub agreed: Time,
    /// When fulfilment began: the provider's ledger time, as its first Event has it.
    pub begun: Option<Time>,
    /// When everything was fulfilled, as the Event that said so has it.
    pub completed: Option<Time>,
    /// The latest event's kind.
    pub latest: Option<Happening>,
    /// Events and changes so far.
    pub steps: u64,
}

wire!(Order {
    partner,
    thread,
    side,
    version,
    lines,
    change,
    agreed,
    begun,
    completed,
    latest,
    steps,
});

words! {
    /// How an order stands, from its lines and events.
    pub enum Status {
        /// Agreed, nothing done yet.
        1 Ordered "ordered",
        /// Events came, but not all is fulfilled.
        2 InFulfilment "in-fulfilment",
        /// All that was not cancelled is fulfilled.
        3 Completed "completed",
        /// All lines are cancelled.
        4 Cancelled "cancelled",
    }
}

impl Order {
    /// The order with this deal id, if there is one.
    #[must_use]
    pub fn read(view: &dyn View, order: DealId) -> Option<Self> {
        stored(view, &Key::Order { order })
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        if self.lines.iter().all(|line| line.cancelled == line.ordered) {
            Status::Cancelled
        } else if self.lines.iter().all(|line| line.open() == 0) {
            Status::Completed
        } else if self.begun.is_some() {
            Status::InFulfilment
        } else {
            Status::Ordered
        }
    }

    fn keep(&self, view: &mut Overlay<'_>, order: DealId) {
        view.put(Key::Order { order }, self);
    }

    fn step(&mut self, view: &mut Overlay<'_>, order: DealId, record: RecordId) {
        let number = self.steps;
        self.steps += 1;
        view.put(Key::OrderStep { order, number }, &record);
    }

    /// The state of fulfilment by which rights are reckoned, and when it began.
    fn state(&self) -> (RightState, Time) {
        match (self.completed, self.begun) {
            (Some(at), _) => (RightState::After, at),
            (None, Some(at)) => (RightState::During, at),
            (None, None) => (RightState::Before, self.agreed),
        }
    }
}

/// What is agreed is booked: stock, account and posting, and the order or its change. The times of an
/// order are those of its records and not of the entries: both sides have the same, and have them
/// again after a recovery.
pub(super) fn agreed(
    fold: &mut Fold<'_, '_>,
    (deal_id, at): (DealId, Time),
    deal: &mut Deal,
    terms: &Terms,
) {
    let change = terms.conditions().on;
    match change {
        None => {
            (deal.amount, deal.reserved) = reservation(core::slice::from_ref(terms));
            if deal.side() == Side::Provider && deal.backing == Backing::Stock {
                stock::sell(fold.view, &deal.reserved);
            }
            open(fold, (deal_id, at), deal, terms);
        }
        Some(change) => match cancelled(fold, deal, change, terms) {
            Some((reserved, amount)) => {
                deal.amount = amount;
                let sold = Deal::read(fold.view, change.order);
                let own = sold.is_some_and(|sold| sold.backing == Backing::Stock);
                if deal.side() == Side::Provider && own {
                    stock::take_back(fold.view, &reserved);
                }
            }
            None => deal.amount = Minor::ZERO,
        },
    }
    book(fold, deal_id, deal);
    if let Some(order) = deal.order {
        change_agreed(fold, order, deal_id);
    }
}

/// What a leg that lapsed had booked is taken back: posting, account and order, and at its provider
/// the steps.
pub(super) fn undone(fold: &mut Fold<'_, '_>, deal_id: DealId, deal: &Deal) {
    let amount = deal.amount.get().saturating_neg();
    let shift = match deal.side() {
        Side::Requester => credit::Shift {
            payable: amount,
            ..Default::default()
        },
        Side::Provider => credit::Shift {
            receivable: amount,
            ..Default::default()
        },
    };
    if deal.side() == Side::Provider && deal.backing == Backing::Stock {
        stock::take_back(fold.view, &deal.reserved);
    }
    credit::shift(fold.view, deal.partner, deal.currency, shift);
    fold.view.delete(Key::Posting { deal: deal_id });
    fold.view.delete(Key::Order { order: deal_id });
}

fn open(fold: &mut Fold<'_, '_>, (deal_id, at): (DealId, Time), deal: &Deal, terms: &Terms) {
    let lines: Vec<LineState> = terms
        .lines()
        .iter()
        .map(|line| LineState {
            ordered: line.item().steps.get(),
            ..LineState::default()
        })
        .collect();
    let order = Order {
        partner: deal.partner,
        thread: deal.thread,
        side: deal.side(),
        version: 1,
        lines: List::new(lines).unwrap_or_default(),
        change: None,
        agreed: at,
        begun: None,
        completed: None,
        latest: None,
        steps: 0,
    };
    order.keep(fold.view, deal_id);
}

/// Books the amount to both accounts; of a cancellation it is negative.
fn book(fold: &mut Fold<'_, '_>, deal_id: DealId, deal: &Deal) {
    let amount = deal.amount.get();
    let (shift, debit, credit) = match deal.side() {
        Side::Provider => (
            credit::Shift {
                receivable: amount,
                ..Default::default()
            },
            credit::Ledger::Receivable,
            credit::Ledger::Sales,
        ),
        Side::Requester => (
            credit::Shift {
                payable: amount,
                ..Default::default()
            },
            credit::Ledger::Purchases,
            credit::Ledger::Payable,
        ),
    };
    credit::shift(fold.view, deal.partner, deal.currency, shift);
    credit::post(
        fold.view,
        deal_id,
        (fold.header.at, deal.partner, deal.currency),
        (debit, credit, deal.amount),
    );
}

/// What a cancellation takes back: steps of each article, and the fee less what the lines cost.
fn cancelled(
    fold: &mut Fold<'_, '_>,
    deal: &Deal,
    change: Change,
    terms: &Terms,
) -> Option<(Vec<Reserved>, Minor)> {
    if change.what != ChangeWhat::Cancel || deal.order != Some(change.order) {
        return None;
    }
    let mut order = Order::read(fold.view, change.order)?;
    let network = fold.machine.config.network;
    let agreed = Deal::read(fold.view, change.order)?.terms(fold.view, &network, change.order)?;
    let lines = matching(&agreed, terms)?;
    let mut states = Vec::from(&*order.lines);
    let mut back = Minor::ZERO;
    for (index, line) in lines.iter().zip(terms.lines()) {
        let state = states.get_mut(*index)?;
        state.cancelled = state.cancelled.saturating_add(line.item().steps.get());
        back = back.checked_add(line.total())?;
    }
    order.lines = List::new(states).ok()?;
    order.keep(fold.view, change.order);
    let reserved = stock::of_terms(terms)
        .into_iter()
        .map(|(subject, steps)| Reserved { subject, steps })
        .collect();
    Some((reserved, terms.total().checked_sub(back)?))
}

/// For each line of a change, the index of the order's line that it is about: the first with the
/// same article, unit and price that no line before it took.
fn matching(agreed: &Terms, change: &Terms) -> Option<Vec<usize>> {
    let mut taken = Vec::new();
    for line in change.lines() {
        let index = agreed
            .lines()
            .iter()
            .enumerate()
            .position(|(index, other)| {
                let (new, old) = (line.item(), other.item());
                !taken.contains(&index)
                    && new.sku == old.sku
                    && new.list == old.list
                    && new.unit == old.unit
                    && new.price == old.price
            })?;
        taken.push(index);
    }
    Some(taken)
}

/// Judges a cancellation by the order that it changes: version, lines and steps.
pub(crate) fn judge_change(
    view: &dyn View,
    network: &NetworkId,
    (partner, side): (PartnerId, Side),
    (deal, terms): (Option<DealId>, &Terms),
) -> Result<(), Code> {
    let Some(change) = terms.conditions().on else {
        return Ok(());
    };
    let order = Order::read(view, change.order)
        .filter(|order| order.partner == partner && order.side == side)
        .ok_or(Code::DealUnknown)?;
    if change.version != order.version {
        return Err(Code::VersionPast);
    }
    if order.change.is_some_and(|open| Some(open) != deal) {
        return Err(Code::VersionBusy);
    }
    if change.what == ChangeWhat::Amend {
        return Err(Code::NotServed);
    }
    let agreed = Deal::read(view, change.order)
        .and_then(|deal| deal.terms(view, network, change.order))
        .ok_or(Code::DealUnknown)?;
    if agreed.currency() != terms.currency() || terms.total() < Minor::ZERO {
        return Err(Code::TotalsDiffer);
    }
    let lines = matching(&agreed, terms).ok_or(Code::OfferUnknown)?;
    for (index, line) in lines.iter().zip(terms.lines()) {
        let open = order.lines.get(*index).map_or(0, LineState::open);
        if line.item().steps.get() > open {
            return Err(Code::QuantityRange);
        }
    }
    Ok(())
}

/// The fee for cancelling these lines at `at`, as the terms of the order grant it; none if they
/// grant no cancellation in this state of fulfilment.
#[must_use]
pub fn cancellation_fee(
    view: &dyn View,
    network: &NetworkId,
    order_id: DealId,
    lines: &Terms,
    at: Time,
) -> Option<Minor> {
    let order = Order::read(view, order_id)?;
    let deal = Deal::read(view, order_id)?;
    let sum = Minor::total(lines.lines().iter().map(crate::thread::Line::total))?;
    if deal.lateness == super::Lateness::Late {
        return Some(Minor::ZERO);
    }
    let (state, since) = order.state();
    let agreed = deal.terms(view, network, order_id)?;
    let right = agreed.conditions().rights.iter().find(|right| {
        right.to == RightTo::Cancel
            && right.state == state
            && at.ms_since(since) <= u64::from(right.within_hours) * HOUR_MS
    })?;
    let fee = (i128::from(sum.get()) * i128::from(right.fee.get()) * 2 + WHOLE) / (2 * WHOLE);
    Minor::new(i64::try_from(fee).ok()?).ok()
}

/// A change of an order was opened.
pub(super) fn change_begun(fold: &mut Fold<'_, '_>, deal_id: DealId, deal: &Deal) {
    let Some(order_id) = deal.order else { return };
    if let Some(mut order) = Order::read(fold.view, order_id)
        && order.change.is_none()
    {
        order.change = Some(deal_id);
        order.keep(fold.view, order_id);
    }
}

/// A change of an order came to nothing.
pub(super) fn change_ended(fold: &mut Fold<'_, '_>, deal_id: DealId, deal: &Deal) {
    let Some(order_id) = deal.order else { return };
    if let Some(mut order) = Order::read(fold.view, order_id)
        && order.change == Some(deal_id)
    {
        order.change = None;
        order.keep(fold.view, order_id);
    }
}

fn change_agreed(fold: &mut Fold<'_, '_>, order_id: DealId, deal_id: DealId) {
    if let Some(mut order) = Order::read(fold.view, order_id) {
        order.version += 1;
        order.change = None;
        order.step(fold.view, order_id, deal_id.into());
        order.keep(fold.view, order_id);
    }
}

/// Judges an Event: whose it may be, which version, and no more fulfilled than is open.
pub(crate) fn judge_event(
    view: &dyn View,
    (partner, by_side): (PartnerId, Side),
    event: &Event,
) -> Result<(), Code> {
    let order = Order::read(view, event.deal)
        .filter(|order| order.partner == partner)
        .ok_or(Code::DealUnknown)?;
    if order.side != by_side {
        return Err(Code::NotTrusted);
    }
    if event.version != order.version {
        return Err(Code::VersionPast);
    }
    for line in &*event.lines {
        let state = order.lines.get(usize::from(line.line));
        let most = state.map_or(0, |state| {
            if event.what == Happening::Completed {
                state.open()
            } else {
                state.ordered
            }
        });
        if line.steps.get() > most {
            return Err(Code::QuantityRange);
        }
    }
    Ok(())
}

/// An Event was signed or taken.
pub(super) fn happened(fold: &mut Fold<'_, '_>, id: RecordId, event: &Event) {
    let Some(mut order) = Order::read(fold.view, event.deal) else {
        return;
    };
    order.step(fold.view, event.deal, id);
    order.latest = Some(event.what);
    order.begun.get_or_insert(event.header.at);
    if event.what == Happening::Completed {
        complete(&mut order, event);
        if order.lines.iter().all(|line| line.open() == 0) {
            order.completed.get_or_insert(event.header.at);
        }
    }
    order.keep(fold.view, event.deal);
}

/// Counts the lines that an Event names as fulfilled, or all of them.
fn complete(order: &mut Order, event: &Event) {
    let mut states = Vec::from(&*order.lines);
    if event.lines.is_empty() {
        for state in &mut states {
            state.fulfilled = state.fulfilled.saturating_add(state.open());
        }
    }
    for line in &*event.lines {
        if let Some(state) = states.get_mut(usize::from(line.line)) {
            let steps = line.steps.get().min(state.open());
            state.fulfilled = state.fulfilled.saturating_add(steps);
        }
    }
    if let Ok(lines) = List::new(states) {
        order.lines = lines;
    }
}
