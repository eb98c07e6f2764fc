//! Orders (SPEC.md section 13): what was agreed, and how far it is fulfilled. The status is derived
//! from events and steps; no status is stored that they do not give. How an order changes stands in
//! `change`; payment, returns and disputes are later versions' matter.

use alloc::vec::Vec;

pub use super::change::{
    Difference, amendment_fee, cancellation_fee, going_on, is_granted, standing,
};
use super::{Deal, Side, change, credit, stock};
use crate::{
    bundle::Backing,
    code::Code,
    fence::List,
    hash::{DealId, NetworkId, PartnerId, RecordId, ThreadId},
    limits::LINES_MAX,
    machine::{Fold, Key, Overlay, View, stored},
    thread::{Event, Happening, Terms},
    value::{Minor, Time},
    wire, words,
};

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
    /// The deal whose terms are in force: that of the order, or of its latest amendment.
    pub terms: DealId,
    /// What stands of the lines costs, without fees.
    pub worth: Minor,
    /// Each line of the terms in force.
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
    terms,
    worth,
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

    /// The terms in force.
    #[must_use]
    pub fn in_force(&self, view: &dyn View, network: &NetworkId) -> Option<Terms> {
        Deal::read(view, self.terms)?.terms(view, network, self.terms)
    }

    /// How it stands once something happened.
    pub(super) fn after(&self, event: &Event) -> Self {
        let mut order = self.clone();
        order.latest = Some(event.what);
        order.begun.get_or_insert(event.header.at);
        if event.what == Happening::Completed {
            complete(&mut order, event);
            if order.lines.iter().all(|line| line.open() == 0) {
                order.completed.get_or_insert(event.header.at);
            }
        }
        order
    }

    pub(super) fn keep(&self, view: &mut Overlay<'_>, order: DealId) {
        view.put(Key::Order { order }, self);
    }

    pub(super) fn step(&mut self, view: &mut Overlay<'_>, order: DealId, record: RecordId) {
        let number = self.steps;
        self.steps += 1;
        view.put(Key::OrderStep { order, number }, &record);
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
    let network = fold.machine.config.network;
    let difference = Difference::of(fold.view, &network, terms).unwrap_or_default();
    deal.amount = difference.amount;
    let own = terms.conditions().on.is_some() || deal.backing == Backing::Stock;
    if deal.side() == Side::Provider && own {
        stock::sell(fold.view, &difference.more);
        stock::take_back(fold.view, &difference.less);
    }
    deal.reserved = List::new(difference.more).unwrap_or_default();
    match terms.conditions().on {
        None => open(fold, (deal_id, at), deal, terms),
        Some(change) => change::agreed(fold, (deal_id, deal), (change, terms)),
    }
    book(fold, deal_id, deal);
}

/// What a leg that lapsed had booked is taken back: posting, account and order, and at its provider
/// the steps. Of a change the order is what it was before.
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
    credit::shift(fold.view, deal.partner, deal.currency, shift);
    fold.view.delete(Key::Posting { deal: deal_id });
    let mut less = Vec::new();
    match deal.order {
        None => fold.view.delete(Key::Order { order: deal_id }),
        Some(order_id) => {
            change::undone(fold, (deal_id, order_id));
            // What it gave back is found by the order as it was.
            let network = fold.machine.config.network;
            let terms = deal.terms(fold.view, &network, deal_id);
            let difference = terms.and_then(|terms| Difference::of(fold.view, &network, &terms));
            less = difference.unwrap_or_default().less;
        }
    }
    if deal.side() == Side::Provider && deal.backing == Backing::Stock {
        stock::take_back(fold.view, &deal.reserved);
        stock::sell(fold.view, &less);
    }
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
        terms: deal_id,
        worth: terms.total(),
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

/// Books the amount to both accounts; of a change that gives back it is negative.
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
    order.after(event).keep(fold.view, event.deal);
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
