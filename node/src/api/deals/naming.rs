//! Which thread or order a person means: by its id or by any beginning of it that fits only one.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "few keys and records name a thread, a deal or an order"
)]

use std::collections::BTreeSet;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use omni_protocol::deal::Deal;
use omni_protocol::deal::negotiation::Thread;
use omni_protocol::deal::order::Order;
use omni_protocol::hash::{Beginning, DealId, RecordId, ThreadId};
use omni_protocol::machine::{Key, View};
use omni_protocol::record::Signed;
use omni_protocol::thread::ThreadBody;

use crate::api::offers::Name;
use crate::api::{ApiCode, Desk, Problem, Reading};

/// What an address names by its id or a beginning of it: a thread or an order.
pub(in crate::api) struct Named<T>(pub(in crate::api) T);

/// What an address can name.
pub(in crate::api) trait Nameable: Send + Sized + 'static {
    /// The one that is meant.
    fn find(reading: &Reading, text: &str) -> Result<Self, Problem>;
}

impl Nameable for ThreadId {
    fn find(reading: &Reading, text: &str) -> Result<Self, Problem> {
        thread(reading, text)
    }
}

impl Nameable for DealId {
    fn find(reading: &Reading, text: &str) -> Result<Self, Problem> {
        order(reading, text)
    }
}

impl<T: Nameable> FromRequestParts<Desk> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Problem> {
        let Name(text) = Name::from_request_parts(parts, desk).await?;
        let found = desk.read(move |reading| T::find(reading, &text)).await;
        found.map(Self)
    }
}

/// The thread with this id or beginning of an id; a deal names the thread that it belongs to.
///
/// # Errors
/// `invalid` for what begins no id, `not-found`, and `conflict` where several begin so.
fn thread(reading: &Reading, text: &str) -> Result<ThreadId, Problem> {
    let beginning = beginning(text)?;
    let threads = beginning_so(reading, &beginning, |id| Key::Thread { thread: id.into() });
    let deals = beginning_so(reading, &beginning, |id| Key::Deal { deal: id.into() });
    let of_deals = deals
        .iter()
        .filter_map(|id| Deal::read(reading, (*id).into()));
    let mut found: BTreeSet<ThreadId> = threads.into_iter().map(ThreadId::from).collect();
    found.extend(of_deals.map(|deal| deal.thread));
    only(found, "No thread", "see all: omni deal ls")
}

/// The order with this id or beginning of an id; a thread names the order that it led to.
///
/// # Errors
/// As [`thread`].
fn order(reading: &Reading, text: &str) -> Result<DealId, Problem> {
    let beginning = beginning(text)?;
    let orders = beginning_so(reading, &beginning, |id| Key::Order { order: id.into() });
    let threads = beginning_so(reading, &beginning, |id| Key::Thread { thread: id.into() });
    let mut found: BTreeSet<DealId> = orders.into_iter().map(DealId::from).collect();
    for id in threads {
        let deals = deals_of(reading, id.into()).into_iter();
        found.extend(deals.filter(|deal| Order::read(reading, *deal).is_some()));
    }
    only(found, "No order", "see all: omni order ls")
}

fn beginning(text: &str) -> Result<Beginning, Problem> {
    text.parse::<Beginning>()
        .map_err(|why| Problem::new(ApiCode::Invalid, format!("This names nothing: {why}.")))
}

/// At most two of the ids in a family that begin so: whoever asks wants only one.
fn beginning_so(
    reading: &Reading,
    beginning: &Beginning,
    key: impl Fn(RecordId) -> Key,
) -> Vec<RecordId> {
    let first = key(RecordId::from_bytes(beginning.first()));
    let exact = reading.read(&first).map(|_| first);
    let after = reading.after(first).map(|(key, _)| key);
    let ids = exact.into_iter().chain(after).filter_map(|key| match key {
        Key::Thread { thread } => Some(thread.into()),
        Key::Deal { deal } => Some(deal.into()),
        Key::Order { order } => Some(order.into()),
        _ => None,
    });
    ids.take_while(|id: &RecordId| beginning.begins(id.as_bytes()))
        .take(2)
        .collect()
}

fn only<T: Copy + Ord>(found: BTreeSet<T>, nothing: &str, see: &str) -> Result<T, Problem> {
    let mut all = found.into_iter();
    match (all.next(), all.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => {
            let detail = format!("{nothing} has an id that begins so.");
            Err(Problem::new(ApiCode::NotFound, detail).next(see))
        }
        (Some(_), Some(_)) => {
            Err(Problem::new(ApiCode::Conflict, "Several ids begin so.").next("type more of it"))
        }
    }
}

/// The records of a thread with their numbers, oldest first, from `first` on.
pub(in crate::api) fn records(
    reading: &Reading,
    thread: ThreadId,
    first: u64,
) -> impl Iterator<Item = (u64, Signed<ThreadBody>)> + '_ {
    let known = Thread::read(reading, thread).map_or(0, |thread| thread.records);
    (first..known).filter_map(move |number| {
        let id: RecordId = reading.get(&Key::ThreadRecord { thread, number })?;
        Some((number, record(reading, id)?))
    })
}

/// A kept record of a thread.
pub(in crate::api) fn record(reading: &Reading, id: RecordId) -> Option<Signed<ThreadBody>> {
    let bytes = reading.read(&Key::Record { id })?;
    Signed::<ThreadBody>::read(&reading.network, bytes).ok()
}

/// The deals of a thread, oldest first.
pub(in crate::api) fn deals_of(reading: &Reading, thread: ThreadId) -> Vec<DealId> {
    let opens = |body: &ThreadBody| match body {
        ThreadBody::Request(_) => true,
        ThreadBody::Proposal(proposal) => proposal.is_firm(),
        _ => false,
    };
    records(reading, thread, 0)
        .filter(|(_, record)| opens(record.body()))
        .map(|(_, record)| DealId::from(record.id()))
        .filter(|deal| Deal::read(reading, *deal).is_some())
        .collect()
}
