//! The binding proposal to cancel an order or parts of it. Which fee the terms grant, and whether
//! the other side takes it, is the core's matter.

use omni_protocol::code::Code;
use omni_protocol::deal::Side;
use omni_protocol::deal::negotiation::{Thread, Who};
use omni_protocol::deal::order::{LineState, Order, cancellation_fee};
use omni_protocol::limits::{HOLD_MINUTES_DEFAULT, MINUTE_MS, ROUNDS_MAX};
use omni_protocol::machine::{Binding, Proposing};
use omni_protocol::thread::{Change, ChangeWhat, Conditions, Item, Role, Terms};
use omni_protocol::value::{Minor, Steps};

use super::telling::Known;
use crate::api::deals::refusing::short;
use crate::api::{ApiCode, Problem, Reading};
use crate::view::money::{parse_amount, parse_quantity, quantity_text};
use crate::view::order::{CancelAsk, StepLine};

/// How much of a line there is in some sense, with the word that refusals have for it.
type Most = (&'static str, fn(&LineState) -> u64);
/// What is still owed.
pub(super) const OPEN: Most = ("open", LineState::open);
/// What was agreed.
pub(super) const ORDERED: Most = ("ordered", |line| line.ordered);
/// How long a requester's binding proposal stands.
const VALID_MINUTES: u64 = 120;

/// What is to be proposed.
pub(super) fn proposing(
    reading: &Reading,
    known: &Known,
    ask: &CancelAsk,
) -> Result<Proposing, Problem> {
    Ok(firm(reading, &known.order, terms(reading, known, ask)?))
}

/// The terms that cancel an order or parts of it.
pub(in crate::api) fn terms(
    reading: &Reading,
    known: &Known,
    ask: &CancelAsk,
) -> Result<Terms, Problem> {
    let (order, terms) = (&known.order, &known.terms);
    let lines = match ask.lines.as_slice() {
        [] => open_lines(order, terms),
        lines => lines_of(terms, lines)?,
    };
    check_within(known, &lines, OPEN)?;
    let items = items(terms, &lines).ok_or_else(nothing_open)?;
    let conditions = conditions(known, &ask.note)?;
    let currency = terms.currency();
    let bad = |why: &dyn std::fmt::Display| Problem::new(ApiCode::Invalid, format!("{why}."));
    let cancellation = |fee: Minor| {
        let conditions = conditions.clone();
        Terms::cancellation(items.clone(), currency, fee, conditions).map_err(|why| bad(&why))
    };
    let fee = match (&ask.fee, order.side) {
        (Some(fee), _) => {
            parse_amount(fee, currency.as_str())
                .map_err(|why| bad(&format_args!("fee: {why}")))?
                .minor
        }
        (None, Side::Provider) => Minor::ZERO,
        (None, Side::Requester) => {
            let asked = cancellation(Minor::ZERO)?;
            let granted =
                cancellation_fee(reading, &reading.network, known.id, &asked, reading.now());
            // What the terms don't grant may be asked for, and the provider decides.
            granted.unwrap_or(Minor::ZERO)
        }
    };
    cancellation(fee)
}

/// A binding proposal of these terms to the other side of the order.
pub(in crate::api) fn firm(reading: &Reading, order: &Order, terms: Terms) -> Proposing {
    let (role, minutes) = match order.side {
        Side::Requester => (Role::Requester, VALID_MINUTES),
        Side::Provider => (Role::Provider, u64::from(HOLD_MINUTES_DEFAULT)),
    };
    Proposing {
        partner: order.partner,
        thread: thread(reading, order),
        role,
        binding: Binding::Firm,
        valid_until: reading.now().plus_ms(minutes.saturating_mul(MINUTE_MS)),
        alternatives: vec![terms],
    }
}

/// Refuses more of a line than there is.
pub(super) fn check_within(
    known: &Known,
    lines: &[(usize, u64)],
    (word, most): Most,
) -> Result<(), Problem> {
    for (index, steps) in lines {
        let most = known.order.lines.get(*index).map_or(0, most);
        if *steps > most {
            let unit = known
                .terms
                .lines()
                .get(*index)
                .map(|line| &line.item().unit);
            let most = unit.map_or_else(|| most.to_string(), |unit| quantity_text(most, unit));
            let detail = format!("line {}: {most} of it are {word}.", index.saturating_add(1));
            let next = format!("see it: omni order show {}", short(&known.id));
            return Err(Problem::of_market(Code::QuantityRange, detail).next(next));
        }
    }
    Ok(())
}

/// The refusal of what needs something that is still owed.
pub(super) fn nothing_open() -> Problem {
    Problem::new(ApiCode::Conflict, "Nothing of this order is open any more.")
}

/// The order's thread where this node may propose there, else a new one.
fn thread(reading: &Reading, order: &Order) -> Option<omni_protocol::hash::ThreadId> {
    let thread = Thread::read(reading, order.thread)?;
    let is_free = thread.turn == Who::Us && thread.open.is_none() && thread.rounds < ROUNDS_MAX;
    is_free.then_some(order.thread)
}

/// All that is still owed, as steps of each line.
pub(super) fn open_lines(order: &Order, terms: &Terms) -> Vec<(usize, u64)> {
    let states = order.lines.iter().take(terms.lines().len()).enumerate();
    let open = states.map(|(index, state)| (index, state.open()));
    open.filter(|(_, steps)| *steps > 0).collect()
}

/// The lines that a document names.
pub(super) fn lines_of(terms: &Terms, lines: &[StepLine]) -> Result<Vec<(usize, u64)>, Problem> {
    let invalid = |detail: String| Problem::new(ApiCode::Invalid, detail);
    let one = |ask: &StepLine| {
        let (which, there) = (ask.line, terms.lines().len());
        let index = usize::from(which).checked_sub(1);
        let line = index.and_then(|index| Some((index, terms.lines().get(index)?)));
        let (index, line) =
            line.ok_or_else(|| invalid(format!("line {which}: the lines are 1 to {there}.")))?;
        let steps = parse_quantity(&ask.quantity, &line.item().unit)
            .map_err(|why| invalid(format!("line {which}: {why}.")))?;
        Ok((index, steps))
    };
    lines.iter().map(one).collect()
}

/// The items of these lines; none where there are none.
pub(super) fn items(terms: &Terms, lines: &[(usize, u64)]) -> Option<Vec<Item>> {
    let item = |(index, steps): &(usize, u64)| {
        let item = terms.lines().get(*index)?.item().clone();
        let steps = Steps::new(*steps).ok()?;
        Some(Item { steps, ..item })
    };
    let items = lines.iter().map(item).collect::<Option<Vec<_>>>()?;
    (!items.is_empty()).then_some(items)
}

/// The conditions of a cancellation of this version of the order.
pub(super) fn conditions(known: &Known, note: &str) -> Result<Conditions, Problem> {
    let note = note.parse();
    let note = note.map_err(|why| Problem::new(ApiCode::Invalid, format!("note: {why}.")))?;
    let agreed = known.terms.conditions();
    Ok(Conditions {
        note,
        on: Some(Change {
            order: known.id,
            version: known.order.version,
            what: ChangeWhat::Cancel,
        }),
        ..Conditions::plain(agreed.method, agreed.region.clone())
    })
}
