//! The route about how the node is, as far as only the node itself can see it.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use omni_protocol::deal::stock::Stock;
use omni_protocol::fence;
use omni_protocol::hash::{PartnerId, SubjectId};
use omni_protocol::machine::{Key, Question, own_offer};
use omni_protocol::public::PublicBody;
use omni_protocol::record::Signed;

use super::offers::renewing;
use super::stock::short_slots;
use super::{Desk, Problem, Reading, partner};
use crate::config::Renew;
use crate::view::health::{EndingView, HealthView, ShortView, TwinsView, WaitingView};

/// Longest stored question: ids of two letters, and little beside them.
const QUESTION_BYTES_MAX: usize = 64 * 1024;

/// Twins that are looked at, so that a hostile author's don't make the answer long.
const TWINS_MAX: usize = 1_000;

/// The routes of this noun.
pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/v1/health", get(health))
}

async fn health(State(desk): State<Desk>) -> Result<Json<HealthView>, Problem> {
    let renew = desk.about().renew;
    desk.read(move |reading| view(reading, renew))
        .await
        .map(Json)
}

fn view(reading: &Reading, renew: Renew) -> Result<HealthView, Problem> {
    let mut waiting: BTreeMap<PartnerId, (u64, u64)> = BTreeMap::new();
    let first = Key::families().find(|key| matches!(key, Key::Outbox { .. }));
    for (key, value) in first.into_iter().flat_map(|first| reading.after(first)) {
        let Key::Outbox { partner, .. } = key else {
            break;
        };
        let Ok(question) = fence::decode::<Question>(&value, QUESTION_BYTES_MAX) else {
            continue;
        };
        let (messages, since) = waiting.entry(partner).or_insert((0, u64::MAX));
        *messages = messages.saturating_add(1);
        *since = question.at.ms().min(*since);
    }
    let told = waiting.into_iter().map(|(id, (messages, since_ms))| {
        Ok(WaitingView {
            partner: id.to_string(),
            name: partner::name(reading, id)?,
            messages,
            since_ms,
        })
    });
    let mut waiting = told.collect::<Result<Vec<_>, Problem>>()?;
    waiting.sort_by_key(|partner| partner.since_ms);
    let (offers, first) = renewing::ending(reading, &reading.network, reading.now());
    let ending = first.map(|first| EndingView {
        offers,
        first_ms: first.ms(),
        renews: renew == Renew::On,
    });
    Ok(HealthView {
        waiting,
        ending,
        short: short(reading),
        twins: twins(reading)?,
    })
}

/// What the node owes others and does not have.
fn short(reading: &Reading) -> Option<ShortView> {
    let subject = SubjectId::ONLY;
    let stock = reading.after(Key::Stock { subject });
    let articles = stock
        .map_while(|(key, _)| {
            let Key::Stock { subject } = key else {
                return None;
            };
            Some(subject)
        })
        .filter(|subject| Stock::read(reading, *subject).short() > 0);
    let mut view = ShortView {
        articles: u64::try_from(articles.count()).unwrap_or(u64::MAX),
        ..ShortView::default()
    };
    for (subject, ..) in short_slots(reading) {
        view.slots = view.slots.saturating_add(1);
        let offer = own_offer(reading, &reading.network, subject, reading.now());
        let sku = offer.map(|(_, offer)| offer.draft().sku.to_string());
        view.sku = view.sku.or(sku);
    }
    (view.articles > 0 || view.slots > 0).then_some(view)
}

fn twins(reading: &Reading) -> Result<Vec<TwinsView>, Problem> {
    let mut views: Vec<TwinsView> = Vec::new();
    for twin in reading.market.twins(TWINS_MAX)? {
        let author = twin.slot.author;
        let id = author.to_string();
        // By author, as they lie in the store.
        if views.last().is_none_or(|last| last.partner != id) {
            views.push(TwinsView {
                partner: id,
                name: partner::name(reading, author)?,
                mine: author == reading.partner,
                records: 0,
                sku: None,
            });
        }
        if let Some(view) = views.last_mut() {
            view.records = view.records.saturating_add(1);
            view.sku = view.sku.take().or_else(|| sku(reading, twin.record));
        }
    }
    Ok(views)
}

/// The article number of an offer.
fn sku(reading: &Reading, record: Vec<u8>) -> Option<String> {
    let record = Signed::<PublicBody>::read(&reading.network, record).ok()?;
    match record.body() {
        PublicBody::Offer(offer) => Some(offer.sku.to_string()),
        PublicBody::KeyEvent(_)
        | PublicBody::Profile(_)
        | PublicBody::CatalogueHead(_)
        | PublicBody::Availability(_)
        | PublicBody::Withdrawal(_)
        | PublicBody::Evidence(_) => None,
    }
}
