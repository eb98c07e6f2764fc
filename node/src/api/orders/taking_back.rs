//! What a provider took back of an order: the difference between an order that failed and one that its
//! requester gave up. It decides nothing.

use omni_protocol::deal::Opening;
use omni_protocol::deal::order::Order;
use omni_protocol::hash::{DealId, PartnerId, ThreadId};
use omni_protocol::thread::{Change, ChangeWhat, Item, Terms, ThreadBody};
use omni_protocol::value::Steps;

use super::telling::{agreed_change, known, step_ids};
use crate::api::Reading;
use crate::api::deals::naming;

/// What the provider of an order cancelled by its own wish, where that left nothing of the order open;
/// none where something is, or where something else ended it.
pub(in crate::api) fn taken_back(reading: &Reading, id: DealId) -> Option<Vec<Item>> {
    let order = Order::read(reading, id)?;
    if order.completed.is_some() || order.lines.iter().any(|line| line.open() > 0) {
        return None;
    }
    let known = known(reading, id).ok()?;
    let mut items: Vec<Item> = Vec::new();
    let mut was_theirs = false;
    for step in step_ids(reading, &known) {
        let Some((deal, terms)) = agreed_change(reading, step) else {
            continue;
        };
        let on = terms.conditions().on;
        let Some(on) = on.filter(|on| on.what == ChangeWhat::Cancel) else {
            continue;
        };
        was_theirs = deal.opening == Opening::ProviderProposal
            && wished_by(reading, deal.thread, on) == Some(deal.partner);
        if was_theirs {
            add(&mut items, &terms);
        }
    }
    was_theirs.then_some(items)
}

/// Who first proposed this change in a thread: a counter is another word about the same wish.
fn wished_by(reading: &Reading, thread: ThreadId, on: Change) -> Option<PartnerId> {
    let said = naming::records(reading, thread, 0);
    let mut wishes = said.filter_map(|(_, record)| {
        let first = if let ThreadBody::Proposal(proposal) = record.body() {
            proposal.alternatives().first().cloned()
        } else if let ThreadBody::Request(request) = record.body() {
            Some(request.terms.clone())
        } else {
            None
        };
        let is_it = first?.conditions().on == Some(on);
        is_it.then(|| record.author())
    });
    wishes.next()
}

/// Adds what a cancellation took to what others took of the same articles.
fn add(items: &mut Vec<Item>, cancellation: &Terms) {
    for line in cancellation.lines() {
        let more = line.item();
        let same = |item: &&mut Item| {
            (&item.sku, &item.list, &item.unit, item.price)
                == (&more.sku, &more.list, &more.unit, more.price)
        };
        match items.iter_mut().find(same) {
            Some(item) => {
                let steps = item.steps.get().saturating_add(more.steps.get());
                item.steps = Steps::new(steps).unwrap_or(item.steps);
            }
            None => items.push(more.clone()),
        }
    }
}
