//! Sending who receives an order: sealed for the key that the fulfiller's Profile delegates, once
//! the Receipt is here. What is kept, and how it is sealed, is kept out.

use omni_protocol::deal::negotiation::Thread;
use omni_protocol::deal::order::{Order, Status};
use omni_protocol::deal::{Deal, Side, State};
use omni_protocol::hash::{DealId, PartnerId, ThreadId};
use omni_protocol::identity::Role;
use omni_protocol::machine::{Input, Verb};
use omni_protocol::thread::ThreadBody;

use super::deals::naming;
use super::looking::keep_looking;
use super::{ApiCode, Desk, Problem, Reading, failover, partner};
use crate::hand_over::{Kept, seal};

/// One at a time, so that nothing is sent twice.
static SENDING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// A thread in which nothing stands is looked on as over after a day.
const QUIET_MS: u64 = 86_400_000;

/// Sends whatever is kept as soon as it may be sent, for as long as the node runs.
pub async fn keep_sending(desk: Desk) {
    let kept = Kept::of(desk.about().home.root());
    let tidied = desk.read(move |_| Ok(kept.tidy()?)).await;
    if let Err(problem) = tidied {
        tracing::warn!(problem = problem.json(), "a data key may be left over");
    }
    // A partner's Profile may come later too.
    let look = |desk: Desk| async move { send_all(&desk).await };
    keep_looking(desk, "a recipient was not handed over", look).await;
}

async fn send_all(desk: &Desk) -> Result<(), Problem> {
    let kept = Kept::of(desk.about().home.root());
    let threads = desk.read(move |_| Ok(kept.threads()?)).await?;
    let mut result = Ok(());
    for thread in threads {
        // One that can't be sent keeps no other back.
        result = result.and(send(desk, thread).await);
    }
    result
}

/// What is to be done with what is kept for a thread.
enum Due {
    Nothing,
    Forget,
    Send(Box<Verb>),
}

/// Seals and sends what is kept for a thread, where its deal is agreed and nothing was sent yet.
///
/// # Errors
/// If the fulfiller's key is not known or no key, or the node can't sign just now.
pub(super) async fn send(desk: &Desk, thread: ThreadId) -> Result<(), Problem> {
    let _one = SENDING.lock().await;
    match desk.read(move |reading| due(reading, thread)).await? {
        Due::Nothing => Ok(()),
        Due::Forget => {
            let kept = Kept::of(desk.about().home.root());
            desk.read(move |_| Ok(kept.forget(thread)?)).await
        }
        Due::Send(verb) => desk.made(Input::Verb(verb)).await.map(drop),
    }
}

fn due(reading: &Reading, thread: ThreadId) -> Result<Due, Problem> {
    let agreed = naming::deals_of(reading, thread)
        .into_iter()
        .rev()
        .find_map(|id| {
            let deal = Deal::read(reading, id)?;
            let is_order = deal.state == State::Agreed && deal.order.is_none();
            is_order.then_some((id, deal))
        });
    let Some((id, deal)) = agreed else {
        return Ok(match came_to_nothing(reading, thread) {
            true => forgotten(reading, thread)?,
            false => Due::Nothing,
        });
    };
    let over = Order::read(reading, id).is_some_and(|order| match order.status() {
        Status::Completed | Status::Cancelled => true,
        Status::Ordered | Status::InFulfilment => false,
    });
    if over {
        return forgotten(reading, thread);
    }
    if deal.side() == Side::Provider || is_sent(reading, thread, id) {
        return Ok(Due::Nothing);
    }
    let Some(clear) = Kept::of(reading.ledger.home()).read(thread)? else {
        return Ok(Due::Nothing);
    };
    let key = sealing_key(reading, deal.partner)?;
    let sealed = seal(&key, id, &clear).map_err(|why| {
        Problem::new(
            ApiCode::Conflict,
            format!("The recipient can't be sealed: {why}."),
        )
    })?;
    Ok(Due::Send(Box::new(Verb::Handover {
        deal: id,
        sealing_key: sealed.sealing_key,
        encapsulated: sealed.encapsulated,
        sealed: sealed.sealed,
    })))
}

/// What is over is forgotten, unless somebody else is sought for it.
fn forgotten(reading: &Reading, thread: ThreadId) -> Result<Due, Problem> {
    let is_needed = failover::telling::may_need_recipient(reading, thread)?;
    Ok(if is_needed { Due::Nothing } else { Due::Forget })
}

/// Whether nothing stands in a thread any more, and nobody went on for a while.
fn came_to_nothing(reading: &Reading, thread_id: ThreadId) -> bool {
    let Some(thread) = Thread::read(reading, thread_id) else {
        return false;
    };
    let stands = thread.open.is_some() || thread.standing.is_some();
    let last = naming::records(reading, thread_id, thread.records.saturating_sub(1)).next();
    let quiet = last.map(|(_, record)| reading.now().ms_since(record.body().header().at));
    !stands && quiet.is_some_and(|quiet_ms| quiet_ms > QUIET_MS)
}

pub(super) fn is_sent(reading: &Reading, thread: ThreadId, deal: DealId) -> bool {
    naming::records(reading, thread, 0).any(|(_, record)| {
        let body = record.body();
        record.author() == reading.partner
            && matches!(body, ThreadBody::Handover(handover) if handover.deal == deal)
    })
}

/// The newest sealing key that the partner's Profile delegates and its market key signed.
fn sealing_key(reading: &Reading, partner: PartnerId) -> Result<[u8; 32], Problem> {
    let unknown = |what: &str| {
        Problem::new(ApiCode::Conflict, format!("{what}.")).next("ask again later: omni peer ls")
    };
    let profile = partner::profile(reading, partner)?
        .ok_or_else(|| unknown("The fulfiller's Profile is not known here yet"))?;
    let chain = reading.market.key_chain(reading.network, partner)?;
    let chain = chain.ok_or_else(|| unknown("The fulfiller's keys are not known here yet"))?;
    let now = reading.now();
    let good = profile.delegations.iter().filter_map(|delegation| {
        let good = delegation.check(partner, Role::Sealing, &chain, now).ok()?;
        Some((good.not_before(), *good.key()))
    });
    let newest = good.max_by_key(|(since, _)| *since);
    let (_, key) =
        newest.ok_or_else(|| unknown("The fulfiller's Profile names no valid sealing key"))?;
    Ok(key)
}
