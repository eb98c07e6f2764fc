//! Changes of an order (SPEC.md section 13): what an amendment or a cancellation takes beyond the
//! order as it stands and what it gives back, whether it is fit, and for what fee the order's terms
//! grant it. What an order is, and its events, are kept out.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{
    Deal, Lateness, RESERVED_MAX, Reserved, Side, State,
    order::{LineState, Order},
    stock::{self, Taken},
};
use crate::{
    bundle::Backing,
    code::Code,
    fence::List,
    hash::{DealId, NetworkId, PartnerId},
    machine::{Fold, Key, View, stored},
    thread::{Change, ChangeWhat, Conditions, Event, Item, Line, Terms},
    trade::{Nature, RightState, RightTo},
    value::{Minor, Steps, Time},
};

const HOUR_MS: u64 = 3_600_000;
/// Hundredths of a percent in the whole.
const WHOLE: i128 = 10_000;

/// What terms move when they are agreed: those of a new order all of it, those of a change what
/// makes the difference to the order as it stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Difference {
    /// What the requester owes more, the fee with it; below zero where it owes less.
    pub amount: Minor,
    /// Of each article what is taken beyond what the order has; nothing where others hold it.
    pub more: Vec<Reserved>,
    /// Of each article what is given back; nothing where others hold it.
    pub less: Vec<Reserved>,
}

impl Difference {
    /// What these terms move; `None` where the order that they change is not here, or has no such
    /// lines.
    #[must_use]
    pub fn of(view: &dyn View, network: &NetworkId, terms: &Terms) -> Option<Self> {
        let Some(change) = terms.conditions().on else {
            return Some(Self {
                amount: terms.total(),
                more: reserved(stock::of_terms(terms)),
                less: Vec::new(),
            });
        };
        let order = Order::read(view, change.order)?;
        let in_force = order.in_force(view, network)?;
        let changed = changed(&order, &in_force, (change, terms))?;
        let goods = changed.worth.checked_sub(order.worth)?;
        let amount = goods.checked_add(terms.fee())?;
        let taken = |order: &Order, terms: &Terms| {
            let stands = standing(order, terms);
            stands.as_ref().map(stock::of_terms).unwrap_or_default()
        };
        let before = taken(&order, &in_force);
        let after = match change.what {
            ChangeWhat::Cancel => taken(&changed, &in_force),
            ChangeWhat::Amend => taken(&changed, terms),
        };
        let own = Deal::read(view, change.order)?.backing == Backing::Stock;
        let (more, less) = if own {
            (beyond(&after, &before), beyond(&before, &after))
        } else {
            (Vec::new(), Vec::new())
        };
        Some(Self { amount, more, less })
    }
}

fn reserved(steps: impl IntoIterator<Item = (Taken, u64)>) -> Vec<Reserved> {
    let steps = steps.into_iter();
    steps
        .map(|((subject, slot), steps)| Reserved {
            subject,
            slot,
            steps,
        })
        .collect()
}

/// Of each article, and of the places of each slot, by how much one has more than the other.
fn beyond(one: &BTreeMap<Taken, u64>, other: &BTreeMap<Taken, u64>) -> Vec<Reserved> {
    let more = one.iter().map(|(taken, steps)| {
        let others = other.get(taken).copied().unwrap_or_default();
        (*taken, steps.saturating_sub(others))
    });
    reserved(more.filter(|(_, steps)| *steps > 0))
}

/// What a deal may come to: the largest amount, and of each article or slot the most steps, over all
/// of its alternatives. A change of an order reserves what it takes beyond the order as it stands.
pub(crate) fn reservation(
    view: &dyn View,
    network: &NetworkId,
    alternatives: &[Terms],
) -> (Minor, List<Reserved, RESERVED_MAX>) {
    let mut amount = Minor::ZERO;
    let mut most: BTreeMap<Taken, u64> = BTreeMap::new();
    for terms in alternatives {
        let Some(difference) = Difference::of(view, network, terms) else {
            continue;
        };
        amount = amount.max(difference.amount);
        for one in difference.more {
            let before = most.entry((one.subject, one.slot)).or_default();
            *before = one.steps.max(*before);
        }
    }
    (amount, List::new(reserved(most)).unwrap_or_default())
}

/// What stands of an order: its terms in force with what of each line was not cancelled; `None`
/// where all was.
#[must_use]
pub fn standing(order: &Order, in_force: &Terms) -> Option<Terms> {
    let lines = order.lines.iter().zip(in_force.lines());
    let left = lines.filter_map(|(state, line)| {
        let item = line.item().clone();
        let steps = Steps::new(state.ordered.saturating_sub(state.cancelled)).ok()?;
        Some(Item { steps, ..item })
    });
    let conditions = Conditions {
        on: None,
        ..in_force.conditions().clone()
    };
    Terms::new(left.collect(), in_force.currency(), conditions).ok()
}

fn is_same_article(one: &Item, other: &Item) -> bool {
    one.sku == other.sku && one.list == other.list && one.unit == other.unit
}

/// For each line of a cancellation, the index of the order's line that it is about: the first with
/// the same article, unit and price that no line before it took.
fn matching(agreed: &Terms, change: &Terms) -> Option<Vec<usize>> {
    let mut taken = Vec::new();
    for line in change.lines() {
        let new = line.item();
        let index = agreed
            .lines()
            .iter()
            .enumerate()
            .position(|(index, other)| {
                let old = other.item();
                !taken.contains(&index) && is_same_article(new, old) && new.price == old.price
            })?;
        taken.push(index);
    }
    Some(taken)
}

/// For each line of an amendment, the index of the order's line that it goes on from: the first of
/// the same article, unit and price that none goes on from yet, else the first of the same article
/// and unit; `None` for what is new.
#[must_use]
pub fn going_on(before: &Terms, after: &Terms) -> Vec<Option<usize>> {
    let mut from: Vec<Option<usize>> = after.lines().iter().map(|_| None).collect();
    for wants_price in [true, false] {
        for (at, line) in after.lines().iter().enumerate() {
            if from.get(at).copied().flatten().is_some() {
                continue;
            }
            let new = line.item();
            let found = before.lines().iter().enumerate().position(|(index, line)| {
                let old = line.item();
                !from.contains(&Some(index))
                    && is_same_article(new, old)
                    && (!wants_price || new.price == old.price)
            });
            if let Some(place) = from.get_mut(at) {
                *place = found;
            }
        }
    }
    from
}

/// How far the lines of an amended order have come; `None` if it has less of a line than is
/// fulfilled.
fn amended(order: &Order, before: &Terms, after: &Terms) -> Option<Vec<LineState>> {
    let from = going_on(before, after);
    for (index, state) in order.lines.iter().enumerate() {
        if state.fulfilled > 0 && !from.contains(&Some(index)) {
            return None;
        }
    }
    let mut states = Vec::new();
    for (line, from) in after.lines().iter().zip(from) {
        let old = from.and_then(|index| order.lines.get(index).copied());
        let state = LineState {
            ordered: line.item().steps.get(),
            cancelled: 0,
            ..old.unwrap_or_default()
        };
        if state.ordered < state.fulfilled {
            return None;
        }
        states.push(state);
    }
    Some(states)
}

/// Judges a change by the order that it changes: version, totals, lines and steps.
pub(crate) fn judge(
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
    let in_force = order.in_force(view, network).ok_or(Code::DealUnknown)?;
    if in_force.currency() != terms.currency() || terms.fee() < Minor::ZERO {
        return Err(Code::TotalsDiffer);
    }
    check_within(&order, &in_force, (change, terms))
}

/// Refuses a change of lines that an order has not, or that has come further than it would leave it.
fn check_within(
    order: &Order,
    in_force: &Terms,
    (change, terms): (Change, &Terms),
) -> Result<(), Code> {
    let is_within = match change.what {
        ChangeWhat::Cancel => {
            let lines = matching(in_force, terms).ok_or(Code::OfferUnknown)?;
            let mut lines = lines.iter().zip(terms.lines());
            lines.all(|(index, line)| {
                let open = order.lines.get(*index).map_or(0, LineState::open);
                line.item().steps.get() <= open
            })
        }
        ChangeWhat::Amend => {
            order.lines.iter().any(|line| line.open() > 0)
                && amended(order, in_force, terms).is_some()
        }
    };
    if is_within {
        Ok(())
    } else {
        Err(Code::QuantityRange)
    }
}

/// Refuses to fulfil what a change that this node holds would take away: until that is decided, or
/// its hold is over, it is promised.
pub(crate) fn check_held(
    view: &dyn View,
    network: &NetworkId,
    (order, event): (&Order, &Event),
) -> Result<(), Code> {
    let held = order.change.filter(|change| {
        let deal = Deal::read(view, *change);
        deal.is_some_and(|deal| matches!(deal.state, State::Held | State::Waiting | State::Armed))
    });
    let (Some(held), Some(in_force)) = (held, order.in_force(view, network)) else {
        return Ok(());
    };
    let after = order.after(event);
    let alternatives = Deal::alternatives(view, network, held);
    let mut changes = alternatives
        .iter()
        .filter_map(|terms| Some((terms.conditions().on?, terms)));
    match changes.all(|change| check_within(&after, &in_force, change).is_ok()) {
        true => Ok(()),
        false => Err(Code::HoldStands),
    }
}

/// The lines of terms that the provider's offers must cover: of a new order all, of a cancellation
/// none, and of an amendment those that are new or take more, and services at another time; all of
/// them where it goes elsewhere or in another way.
pub(crate) fn to_cover<'a>(
    view: &dyn View,
    network: &NetworkId,
    terms: &'a Terms,
) -> Vec<&'a Line> {
    let lines = terms.lines().iter();
    let Some(change) = terms.conditions().on else {
        return lines.collect();
    };
    let order = Order::read(view, change.order);
    let in_force = order
        .as_ref()
        .and_then(|order| order.in_force(view, network));
    let (Some(order), Some(in_force), ChangeWhat::Amend) = (order, in_force, change.what) else {
        return Vec::new();
    };
    let (old, new) = (in_force.conditions(), terms.conditions());
    if (old.method, &old.region) != (new.method, &new.region) {
        return lines.collect();
    }
    let from = going_on(&in_force, terms);
    let more = lines.zip(from).filter(|(line, from)| {
        if old.window != new.window && line.item().nature == Nature::Service {
            return true;
        }
        let state = from.and_then(|index| order.lines.get(index));
        state.is_none_or(|state| {
            line.item().steps.get() > state.ordered.saturating_sub(state.cancelled)
        })
    });
    more.map(|(line, _)| line).collect()
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
    let in_force = order.in_force(view, network)?;
    fee_for(view, (order_id, &order, &in_force), lines.worth(), at)
}

/// The fee for what an amendment gives up at `at`, as the terms of the order grant it: that of
/// cancelling it at the price before. None if it gives something up and they grant no cancellation
/// in this state of fulfilment.
#[must_use]
pub fn amendment_fee(
    view: &dyn View,
    network: &NetworkId,
    terms: &Terms,
    at: Time,
) -> Option<Minor> {
    let order_id = terms.conditions().on?.order;
    let order = Order::read(view, order_id)?;
    let in_force = order.in_force(view, network)?;
    let given_up = given_up(&order, &in_force, terms)?;
    if given_up == Minor::ZERO {
        return Some(Minor::ZERO);
    }
    fee_for(view, (order_id, &order, &in_force), given_up, at)
}

/// What an amendment takes off the lines of its order, at the price before.
fn given_up(order: &Order, in_force: &Terms, terms: &Terms) -> Option<Minor> {
    let from = going_on(in_force, terms);
    let worth = |line: &Line, steps: u64| {
        let steps = Steps::new(steps).ok();
        steps.map_or(Some(Minor::ZERO), |steps| {
            line.item().price.line_total(steps)
        })
    };
    let mut sum = Minor::ZERO;
    for (index, (line, state)) in in_force.lines().iter().zip(order.lines.iter()).enumerate() {
        let before = state.ordered.saturating_sub(state.cancelled);
        let new = from.iter().position(|from| *from == Some(index));
        let new = new.and_then(|at| terms.lines().get(at));
        let after = new.map_or(0, |line| line.item().steps.get()).min(before);
        let less = worth(line, before)?.checked_sub(worth(line, after)?)?;
        sum = sum.checked_add(less)?;
    }
    Some(sum)
}

/// The fee by which the terms of an order grant at `at` that goods of this worth are given up.
fn fee_for(
    view: &dyn View,
    (order_id, order, in_force): (DealId, &Order, &Terms),
    worth: Minor,
    at: Time,
) -> Option<Minor> {
    if Deal::read(view, order_id)?.lateness == Lateness::Late {
        return Some(Minor::ZERO);
    }
    let (state, since) = state_of(order);
    let right = in_force.conditions().rights.iter().find(|right| {
        right.to == RightTo::Cancel
            && right.state == state
            && at.ms_since(since) <= u64::from(right.within_hours) * HOUR_MS
    })?;
    let fee = (i128::from(worth.get()) * i128::from(right.fee.get()) * 2 + WHOLE) / (2 * WHOLE);
    Minor::new(i64::try_from(fee).ok()?).ok()
}

/// The state of fulfilment by which rights are reckoned, and when it began.
fn state_of(order: &Order) -> (RightState, Time) {
    match (order.completed, order.begun) {
        (Some(at), _) => (RightState::After, at),
        (None, Some(at)) => (RightState::During, at),
        (None, None) => (RightState::Before, order.agreed),
    }
}

/// Whether the terms of the order grant a change without its provider: a cancellation for the fee
/// that they say, and an amendment that only gives up what could be cancelled for that fee.
#[must_use]
pub fn is_granted(view: &dyn View, network: &NetworkId, terms: &Terms, at: Time) -> bool {
    let Some(change) = terms.conditions().on else {
        return false;
    };
    let fee = match change.what {
        ChangeWhat::Cancel => cancellation_fee(view, network, change.order, terms, at),
        ChangeWhat::Amend => amendment_fee(view, network, terms, at)
            .filter(|_| only_gives_up(view, network, change, terms)),
    };
    fee.is_some_and(|fee| terms.fee() >= fee)
}

fn only_gives_up(view: &dyn View, network: &NetworkId, change: Change, terms: &Terms) -> bool {
    let order = Order::read(view, change.order);
    let stands = order.and_then(|order| standing(&order, &order.in_force(view, network)?));
    let Some(stands) = stands else { return false };
    let conditions = Conditions {
        note: terms.conditions().note.clone(),
        on: terms.conditions().on,
        ..stands.conditions().clone()
    };
    let from = going_on(&stands, terms);
    let mut lines = terms.lines().iter().zip(from);
    let is_less = |(line, from): (&Line, Option<usize>)| {
        let old = from.and_then(|index| stands.lines().get(index));
        old.is_some_and(|old| {
            let steps = line.item().steps.min(old.item().steps);
            let least = Item {
                steps,
                ..old.item().clone()
            };
            *line.item() == least
        })
    };
    conditions == *terms.conditions() && lines.all(is_less)
}

/// A change was agreed: what it makes of its order.
pub(super) fn agreed(
    fold: &mut Fold<'_, '_>,
    (deal_id, deal): (DealId, &Deal),
    (change, terms): (Change, &Terms),
) {
    let Some(before) = Order::read(fold.view, change.order) else {
        return;
    };
    let network = fold.machine.config.network;
    let in_force = before
        .in_force(fold.view, &network)
        .filter(|_| deal.order == Some(change.order));
    let changed = in_force.and_then(|in_force| changed(&before, &in_force, (change, terms)));
    let mut order = match (changed, change.what) {
        (Some(order), ChangeWhat::Cancel) => order,
        (Some(order), ChangeWhat::Amend) => Order {
            terms: deal_id,
            ..order
        },
        (None, _) => before.clone(),
    };
    if deal.manifest.is_some() {
        // It may lapse, and then the order is what it was.
        fold.view.put(Key::Before { deal: deal_id }, &before);
    }
    order.version += 1;
    order.change = None;
    order.step(fold.view, change.order, deal_id.into());
    order.keep(fold.view, change.order);
}

/// The order with its lines, and what they are worth, as a change makes them; `None` if it has no
/// such lines.
fn changed(before: &Order, in_force: &Terms, (change, terms): (Change, &Terms)) -> Option<Order> {
    let mut order = before.clone();
    match change.what {
        ChangeWhat::Cancel => {
            let mut states = Vec::from(&*order.lines);
            for (index, line) in matching(in_force, terms)?.iter().zip(terms.lines()) {
                let state = states.get_mut(*index)?;
                state.cancelled = state.cancelled.saturating_add(line.item().steps.get());
            }
            order.lines = List::new(states).ok()?;
            order.worth = order.worth.checked_sub(terms.worth())?;
        }
        ChangeWhat::Amend => {
            order.lines = List::new(amended(before, in_force, terms)?).ok()?;
            order.worth = terms.worth();
        }
    }
    Some(order)
}

/// A change that was agreed lapsed at its provider: its order is what it was before, unless it has
/// changed again.
pub(super) fn undone(fold: &mut Fold<'_, '_>, (deal_id, order_id): (DealId, DealId)) {
    let key = Key::Before { deal: deal_id };
    let before: Option<Order> = stored(fold.view, &key);
    if let (Some(before), Some(now)) = (before, Order::read(fold.view, order_id))
        && now.version == before.version + 1
    {
        let order = Order {
            change: None,
            begun: now.begun,
            completed: now.completed,
            latest: now.latest,
            steps: now.steps,
            ..before
        };
        order.keep(fold.view, order_id);
        fold.view.delete(key);
    }
}

/// A change of an order was opened.
pub(super) fn begun(fold: &mut Fold<'_, '_>, deal_id: DealId, deal: &Deal) {
    let Some(order_id) = deal.order else { return };
    if let Some(mut order) = Order::read(fold.view, order_id)
        && order.change.is_none()
    {
        order.change = Some(deal_id);
        order.keep(fold.view, order_id);
    }
}

/// A change of an order came to nothing.
pub(super) fn ended(fold: &mut Fold<'_, '_>, deal_id: DealId, deal: &Deal) {
    let Some(order_id) = deal.order else { return };
    if let Some(mut order) = Order::read(fold.view, order_id)
        && order.change == Some(deal_id)
    {
        order.change = None;
        order.keep(fold.view, order_id);
    }
}
