//! The routes about offers: publishing and withdrawing own ones, listing, finding and searching
//! all that this node knows. What may be offered is the core's matter.

mod finding;
mod listing;
mod previewing;
mod query;
pub mod renewing;
mod slots;
pub mod timetables;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use omni_protocol::code::Code;
use omni_protocol::hash::{RecordId, SubjectId};
use omni_protocol::limits::{BATCH_RECORDS_MAX, DAY_MS, OFFER_DAYS_MAX};
use omni_protocol::machine::{Input, Key, OwnSlot, Publication, View};
use omni_protocol::public::{Offer, OfferDraft, PublicBody, WithdrawalReason};
use omni_protocol::record::Signed;
use omni_protocol::slot::{self, Family, Revision};

use super::{ApiCode, Desk, Problem, Reading, json};
use crate::view::draft::draft_of;
use crate::view::offer::{
    ArticleDoc, CataloguesView, OfferDoc, OfferView, OffersView, PublishAsk, PublishView,
    PublishedView, WithdrawAsk,
};
use crate::view::preview::{PreviewAsk, PreviewView};
use crate::view::slot::SlotsView;

pub(super) use self::finding::{Known, by_id, of_author, of_gtin, own_band};
pub(super) use self::query::{Name, Params, params, word};
pub(super) use self::slots::{calendar, places};

/// Withdrawing an offer may take its availability along, which is a record too.
const WITHDRAWN_MAX: usize = BATCH_RECORDS_MAX / 2;

/// The routes of this noun.
pub fn routes() -> Router<Desk> {
    Router::new()
        .route("/v1/offers", get(list).post(publish))
        .route("/v1/offers/{name}", get(show).delete(withdraw_one))
        .route("/v1/offers/{name}/slots", get(slots_of))
        .route("/v1/previews", post(preview))
        .route("/v1/withdrawals", post(withdraw))
        .route("/v1/catalogues", get(catalogues))
        .route("/v1/search", get(search))
}

async fn list(State(desk): State<Desk>, given: Params) -> Result<Json<OffersView>, Problem> {
    let query: listing::ListQuery = params(given)?;
    desk.read(move |reading| listing::list(reading, &query))
        .await
        .map(Json)
}

async fn search(State(desk): State<Desk>, given: Params) -> Result<Json<OffersView>, Problem> {
    let query: listing::SearchQuery = params(given)?;
    desk.read(move |reading| listing::search(reading, &query))
        .await
        .map(Json)
}

async fn catalogues(State(desk): State<Desk>) -> Result<Json<CataloguesView>, Problem> {
    desk.read(listing::catalogues).await.map(Json)
}

async fn show(
    State(desk): State<Desk>,
    Name(name): Name,
    given: Params,
) -> Result<Json<OfferView>, Problem> {
    let query: finding::ShowQuery = params(given)?;
    let renew = desk.about().renew;
    desk.read(move |reading| finding::show(reading, (&name, &query), renew))
        .await
        .map(Json)
}

async fn slots_of(
    State(desk): State<Desk>,
    Name(name): Name,
    given: Params,
) -> Result<Json<SlotsView>, Problem> {
    let query: slots::SlotsQuery = params(given)?;
    desk.read(move |reading| slots::slots(reading, (&name, &query)))
        .await
        .map(Json)
}

async fn publish(State(desk): State<Desk>, body: Bytes) -> Result<Json<PublishView>, Problem> {
    let PublishAsk { offers } = json(&body)?;
    let asked = offers.len();
    at_most(asked, BATCH_RECORDS_MAX)?;
    let read = move |reading: &Reading| Ok(publications(reading, drafts(reading, &offers)?));
    let publications = desk.read(read).await?;
    let ids = desk.made(Input::Publish(publications)).await?;
    desk.read(move |reading| published(reading, &ids, asked))
        .await
        .map(Json)
}

async fn preview(State(desk): State<Desk>, body: Bytes) -> Result<Json<PreviewView>, Problem> {
    let ask: PreviewAsk = json(&body)?;
    at_most(ask.offers.len().max(ask.counts.len()), BATCH_RECORDS_MAX)?;
    desk.read(move |reading| previewing::preview(reading, &ask))
        .await
        .map(Json)
}

async fn withdraw_one(
    State(desk): State<Desk>,
    Name(sku): Name,
    given: Params,
) -> Result<Json<PublishView>, Problem> {
    let query: finding::ArticleQuery = params(given)?;
    let list = query.list;
    let ask = WithdrawAsk {
        articles: vec![ArticleDoc { sku, list }],
        reason: WithdrawalReason::Ended.name().to_owned(),
    };
    take_back(&desk, ask).await
}

async fn withdraw(State(desk): State<Desk>, body: Bytes) -> Result<Json<PublishView>, Problem> {
    take_back(&desk, json(&body)?).await
}

async fn take_back(desk: &Desk, ask: WithdrawAsk) -> Result<Json<PublishView>, Problem> {
    at_most(ask.articles.len(), WITHDRAWN_MAX)?;
    let reason = WithdrawalReason::from_name(&ask.reason).ok_or_else(|| {
        let names: Vec<_> = WithdrawalReason::ALL.iter().map(|r| r.name()).collect();
        let detail = format!("reason is one of: {}.", names.join(", "));
        Problem::new(ApiCode::Invalid, detail)
    })?;
    let articles = ask.articles;
    let (publications, before) = desk
        .read(move |reading| withdrawals(reading, articles, reason))
        .await?;
    if !publications.is_empty() {
        desk.made(Input::Publish(publications)).await?;
    }
    desk.read(move |reading| withdrawn(reading, before))
        .await
        .map(Json)
}

fn at_most(asked: usize, most: usize) -> Result<(), Problem> {
    if asked > most {
        let detail =
            format!("There are {asked}, and one request takes at most {most}: divide them.");
        return Err(Problem::of_market(Code::TooLarge, detail).unprocessable());
    }
    Ok(())
}

/// The drafts, each checked here, so that the refusal says which of many it is and why.
fn drafts(reading: &Reading, docs: &[OfferDoc]) -> Result<Vec<OfferDraft>, Problem> {
    let now = reading.now();
    let revision = Revision::next(None, now)
        .ok_or_else(|| Problem::new(ApiCode::Invalid, "The clock of this machine is wrong."))?;
    let end = now.plus_ms(OFFER_DAYS_MAX * DAY_MS);
    let draft = |(n, doc): (usize, &OfferDoc)| {
        let which = format!("offers[{n}] (sku \"{}\")", doc.sku);
        let draft = draft_of(doc, end)
            .map_err(|bad| Problem::new(ApiCode::Invalid, format!("{which}: {bad}.")))?;
        Offer::new(revision, draft.clone()).map_err(|bad| {
            Problem::of_market(bad.code, format!("{which}: {bad}.")).unprocessable()
        })?;
        if draft.valid_until <= now {
            let detail = format!("{which}: valid_until_ms lies in the past.");
            return Err(Problem::of_market(Code::ValidityOver, detail).unprocessable());
        }
        Ok(draft)
    };
    docs.iter().enumerate().map(draft).collect()
}

/// The offers, and the timetables that go with them.
fn publications(reading: &Reading, drafts: Vec<OfferDraft>) -> Vec<Publication> {
    let now = reading.now();
    let tables: Vec<_> = drafts
        .iter()
        .filter_map(|d| timetables::of(d, now))
        .collect();
    let offers = drafts.into_iter().map(|d| Publication::Offer(Box::new(d)));
    offers.chain(tables).collect()
}

/// What was published, read back from the disk.
fn published(reading: &Reading, ids: &[RecordId], asked: usize) -> Result<PublishView, Problem> {
    let mut view = PublishView::default();
    for &id in ids {
        if let Some(PublicBody::Offer(offer)) = own_record(reading, id) {
            view.published.push(PublishedView {
                sku: offer.sku.to_string(),
                list: offer.list.to_string(),
                id: id.to_string(),
            });
        }
    }
    let changed = u64::try_from(view.published.len()).unwrap_or(u64::MAX);
    view.unchanged = u64::try_from(asked)
        .unwrap_or(u64::MAX)
        .saturating_sub(changed);
    Ok(view)
}

/// An article to withdraw, and what stood in its slot before.
type Before = (ArticleDoc, SubjectId, RecordId);

fn withdrawals(
    reading: &Reading,
    articles: Vec<ArticleDoc>,
    reason: WithdrawalReason,
) -> Result<(Vec<Publication>, Vec<Before>), Problem> {
    let (mut publications, mut before) = (Vec::new(), Vec::new());
    for article in articles {
        let subject = subject_of(&article.sku, &article.list)?;
        let slot = OwnSlot::read(reading, Family::Offer, subject)
            .ok_or_else(|| no_such_offer(&article))?;
        if before.iter().any(|(_, known, _)| *known == subject) {
            continue;
        }
        if !slot.is_withdrawal {
            publications.push(Publication::WithdrawOffer(subject, reason));
        }
        if OwnSlot::read(reading, Family::Availability, subject).is_some_and(|s| !s.is_withdrawal) {
            publications.push(Publication::WithdrawAvailability(subject, reason));
        }
        before.push((article, subject, slot.record));
    }
    Ok((publications, before))
}

fn withdrawn(reading: &Reading, before: Vec<Before>) -> Result<PublishView, Problem> {
    let mut view = PublishView::default();
    for (ArticleDoc { sku, list }, subject, old) in before {
        match OwnSlot::read(reading, Family::Offer, subject) {
            Some(slot) if slot.record != old => view.published.push(PublishedView {
                sku,
                list,
                id: slot.record.to_string(),
            }),
            Some(_) | None => view.unchanged = view.unchanged.saturating_add(1),
        }
    }
    Ok(view)
}

fn no_such_offer(article: &ArticleDoc) -> Problem {
    let of_list = if article.list.is_empty() {
        String::new()
    } else {
        format!(" in the list \"{}\"", article.list)
    };
    Problem::new(
        ApiCode::NotFound,
        format!("No own offer has the sku \"{}\"{of_list}.", article.sku),
    )
    .next("see your own: omni offer ls --mine")
}

/// The subject of an own article.
///
/// # Errors
/// `invalid` where number or list are longer than an offer could have them.
pub(super) fn subject_of(sku: &str, list: &str) -> Result<SubjectId, Problem> {
    let invalid = |what: &str, why: omni_protocol::value::Invalid| {
        Problem::new(ApiCode::Invalid, format!("{what}: {why}."))
    };
    let sku = sku.parse().map_err(|why| invalid("sku", why))?;
    let list = list.parse().map_err(|why| invalid("list", why))?;
    Ok(slot::subject(&sku, &list))
}

/// A public record that this node made.
pub(in crate::api) fn own_record(reading: &Reading, id: RecordId) -> Option<PublicBody> {
    let bytes = reading.read(&Key::Record { id })?;
    let record = Signed::<PublicBody>::read(&reading.network, bytes).ok()?;
    Some(record.body().clone())
}
