//! The binding proposal to amend an order, and what it would come to. Which fee the terms grant, and
//! whether the other side takes it, is the core's matter.

use omni_protocol::code::Code;
use omni_protocol::deal::Side;
use omni_protocol::deal::order::{amendment_fee, standing};
use omni_protocol::hash::PartnerId;
use omni_protocol::machine::Proposing;
use omni_protocol::thread::{Change, ChangeWhat, Conditions, Item, Terms};
use omni_protocol::trade::Destination;
use omni_protocol::value::{Minor, Steps};

use super::cancelling;
use super::effect::Effect;
use super::telling::{self, Known};
use crate::api::deals::building;
use crate::api::{ApiCode, Problem, Reading, partner};
use crate::view::change::{AmendAsk, AmendLine, AmendPlanView, changes};
use crate::view::money::{parse_amount, parse_quantity, quantity_text};
use crate::view::terms::{money, terms_view};

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(ApiCode::Invalid, detail)
}

/// What is to be proposed.
pub(super) fn proposing(
    reading: &Reading,
    known: &Known,
    ask: &AmendAsk,
) -> Result<Proposing, Problem> {
    let terms = terms(reading, known, ask)?;
    Ok(cancelling::firm(reading, &known.order, terms))
}

/// What the proposal would come to.
pub(super) fn plan(
    reading: &Reading,
    known: &Known,
    proposing: &Proposing,
) -> Result<AmendPlanView, Problem> {
    let terms = proposing.alternatives.first();
    let terms = terms.ok_or_else(cancelling::nothing_open)?;
    let Effect {
        changes,
        difference,
        fee,
        granted_fee,
        decides,
    } = Effect::of(reading, known, terms);
    let owed = telling::owed(reading, known).unwrap_or(Minor::ZERO);
    Ok(AmendPlanView {
        order: known.id.to_string(),
        version: known.order.version,
        partner: known.order.partner.to_string(),
        name: partner::name(reading, known.order.partner)?,
        side: known.order.side.name().to_owned(),
        changes,
        after: terms_view(terms),
        owed: money(owed, terms.currency()),
        difference,
        fee,
        granted_fee,
        decides,
    })
}

/// The terms that the order shall have. What changes nothing is refused.
pub(in crate::api) fn terms(
    reading: &Reading,
    known: &Known,
    ask: &AmendAsk,
) -> Result<Terms, Problem> {
    if known.order.lines.iter().all(|line| line.open() == 0) {
        return Err(cancelling::nothing_open());
    }
    let stands = standing(&known.order, &known.terms).ok_or_else(cancelling::nothing_open)?;
    let currency = known.terms.currency();
    let items = items(reading, known, ask)?;
    let conditions = conditions(reading, known, ask)?;
    let amendment = |fee: Minor| {
        let terms = Terms::amendment(items.clone(), currency, fee, conditions.clone());
        terms.map_err(|why| invalid(format!("{why}.")))
    };
    let free = amendment(Minor::ZERO)?;
    let fee = match (&ask.fee, known.order.side) {
        (Some(text), _) => {
            let fee = parse_amount(text, currency.as_str());
            fee.map_err(|why| invalid(format!("fee: {why}.")))?.minor
        }
        (None, Side::Provider) => Minor::ZERO,
        // What the terms don't grant may be asked for, and the provider decides.
        (None, Side::Requester) => {
            amendment_fee(reading, &reading.network, &free, reading.now()).unwrap_or(Minor::ZERO)
        }
    };
    let terms = amendment(fee)?;
    let stays = changes(Some(&terms_view(&stands)), Some(&terms_view(&terms))).is_empty();
    if stays && fee == Minor::ZERO {
        let next = "say what: omni order amend ORDER --line 1=2";
        let problem = Problem::new(ApiCode::Conflict, "That changes nothing of this order.");
        return Err(problem.next(next).naming("ORDER", &known.short()));
    }
    Ok(terms)
}

/// The lines as they stand, changed as they are asked to be, and those that are added.
fn items(reading: &Reading, known: &Known, ask: &AmendAsk) -> Result<Vec<Item>, Problem> {
    let mut lines: Vec<(Item, u64)> = Vec::new();
    for (state, line) in known.order.lines.iter().zip(known.terms.lines()) {
        let left = state.ordered.saturating_sub(state.cancelled);
        lines.push((line.item().clone(), left));
    }
    for change in &ask.lines {
        apply(known, &mut lines, change)?;
    }
    let mut items = Vec::new();
    for (item, steps) in lines {
        if let Ok(steps) = Steps::new(steps) {
            items.push(Item { steps, ..item });
        }
    }
    if !ask.add.is_empty() {
        let conditions = conditions(reading, known, ask)?;
        let how = (known.terms.currency(), &conditions);
        let provider = provider(reading, known);
        items.extend(building::items(reading, &ask.add, provider, how)?);
    }
    Ok(items)
}

const fn provider(reading: &Reading, known: &Known) -> PartnerId {
    match known.order.side {
        Side::Requester => known.order.partner,
        Side::Provider => reading.partner,
    }
}

fn apply(known: &Known, lines: &mut [(Item, u64)], change: &AmendLine) -> Result<(), Problem> {
    let there = lines.len();
    let which = format!("line {}", change.line);
    let index = usize::from(change.line).checked_sub(1);
    let found = index.and_then(|index| Some((index, lines.get_mut(index)?)));
    let (index, (item, steps)) =
        found.ok_or_else(|| invalid(format!("{which}: the lines are 1 to {there}.")))?;
    if let Some(text) = &change.quantity {
        *steps =
            parse_quantity(text, &item.unit).map_err(|why| invalid(format!("{which}: {why}.")))?;
        let fulfilled = known
            .order
            .lines
            .get(index)
            .map_or(0, |line| line.fulfilled);
        if *steps < fulfilled {
            let done = quantity_text(fulfilled, &item.unit);
            let detail = format!("{which}: {done} of it are fulfilled already.");
            return Err(Problem::of_market(Code::QuantityRange, detail));
        }
    }
    if let Some(text) = &change.price {
        item.price = building::price(&which, text, known.terms.currency(), item.price.per())?;
    }
    Ok(())
}

fn conditions(reading: &Reading, known: &Known, ask: &AmendAsk) -> Result<Conditions, Problem> {
    let bad = |field: &str, why: &dyn std::fmt::Display| invalid(format!("{field}: {why}."));
    let mut conditions = known.terms.conditions().clone();
    if let Some(name) = &ask.method {
        conditions.method = building::method(name)?;
    }
    match ask.region.as_deref() {
        None => {}
        Some("") => conditions.region = Destination(None),
        Some(text) => {
            let region = text.parse().map_err(|why| bad("region", &why))?;
            conditions.region = Destination(Some(region));
        }
    }
    if let Some(postcode) = &ask.postcode {
        conditions.postcode = postcode.parse().map_err(|why| bad("postcode", &why))?;
    }
    match (&ask.slot, ask.window) {
        (Some(_), Some(_)) => {
            return Err(invalid("An amendment names a slot or a window, not both."));
        }
        (Some(slot), None) => {
            let named = (slot.as_str(), provider(reading, known));
            conditions.window = building::another_slot(reading, &known.terms, named)?;
        }
        (None, Some(window)) => conditions.window = Some(building::window(window)?),
        (None, None) => {}
    }
    conditions.note = ask.note.parse().map_err(|why| bad("note", &why))?;
    conditions.on = Some(Change {
        order: known.id,
        version: known.order.version,
        what: ChangeWhat::Amend,
    });
    Ok(conditions)
}
