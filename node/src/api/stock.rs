//! The routes about stock: what the operator counted, and what deals hold and sold of it. How
//! much may be granted is the core's matter.

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, put};
use axum::{Json, Router};
use omni_protocol::code::Code;
use omni_protocol::deal::stock::Stock;
use omni_protocol::hash::SubjectId;
use omni_protocol::limits::{BATCH_RECORDS_MAX, SLOTS_MAX};
use omni_protocol::machine::{Count, Input, Key, View, own_offer};
use omni_protocol::public::Offer;
use omni_protocol::value::{Time, Unit};
use serde::Deserialize;

use super::offers::{Name, Params, calendar, own_band, params, places, subject_of};
use super::{ApiCode, Desk, Problem, Reading, done, json, page};
use crate::calendar::Calendar;
use crate::view::money::{parse_quantity, quantity_text};
use crate::view::stock::{
    CountAsk, CountDoc, CountsAsk, CountsView, ShortSlotView, StockView, StocksView,
};

/// Counts that wait for the loop at once: a part of its queue, so that others get through.
const AT_ONCE: usize = 64;

/// The routes of this noun.
pub fn routes() -> Router<Desk> {
    Router::new()
        .route("/v1/stock", get(list).post(count_all))
        .route("/v1/stock/{sku}", put(count).get(show))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    limit: Option<String>,
    cursor: Option<String>,
    short: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArticleQuery {
    #[serde(default)]
    list: String,
}

async fn count(
    State(desk): State<Desk>,
    Name(sku): Name,
    given: Params,
    body: Bytes,
) -> Result<Json<StockView>, Problem> {
    let ArticleQuery { list } = params(given)?;
    let CountAsk { quantity } = json(&body)?;
    let doc = CountDoc {
        sku: sku.clone(),
        list: list.clone(),
        quantity,
    };
    count_some(&desk, vec![doc]).await?;
    one(&desk, sku, list).await
}

async fn show(
    State(desk): State<Desk>,
    Name(sku): Name,
    given: Params,
) -> Result<Json<StockView>, Problem> {
    let ArticleQuery { list } = params(given)?;
    one(&desk, sku, list).await
}

async fn one(desk: &Desk, sku: String, list: String) -> Result<Json<StockView>, Problem> {
    let read = move |reading: &Reading| {
        let subject = subject_of(&sku, &list)?;
        let counted = reading.read(&Key::Stock { subject }).is_some();
        let offer = offer(reading, subject);
        if !counted && offer.is_none() {
            return Err(not_offered(&sku, &list));
        }
        Ok(view(reading, subject, Stock::read(reading, subject)))
    };
    desk.read(read).await.map(Json)
}

async fn count_all(State(desk): State<Desk>, body: Bytes) -> Result<Json<CountsView>, Problem> {
    let CountsAsk { counts } = json(&body)?;
    if counts.len() > BATCH_RECORDS_MAX {
        let detail = format!("One request takes at most {BATCH_RECORDS_MAX} counts: divide them.");
        return Err(Problem::of_market(Code::TooLarge, detail).unprocessable());
    }
    count_some(&desk, counts).await.map(Json)
}

async fn count_some(desk: &Desk, docs: Vec<CountDoc>) -> Result<CountsView, Problem> {
    let all = u64::try_from(docs.len()).unwrap_or(u64::MAX);
    let counts = desk.read(move |reading| counts(reading, &docs)).await?;
    let mut view = CountsView {
        changed: 0,
        unchanged: all.saturating_sub(u64::try_from(counts.len()).unwrap_or(u64::MAX)),
    };
    let mut counts = counts.into_iter().peekable();
    while counts.peek().is_some() {
        let part = counts.by_ref().take(AT_ONCE);
        let verdicts = futures::future::join_all(part.map(|c| desk.decide(Input::Count(c)))).await;
        for verdict in verdicts {
            done(verdict?)?;
            view.changed = view.changed.saturating_add(1);
        }
    }
    Ok(view)
}

/// The counts that change something.
fn counts(reading: &Reading, docs: &[CountDoc]) -> Result<Vec<Count>, Problem> {
    let mut counts = Vec::new();
    for doc in docs {
        let subject = subject_of(&doc.sku, &doc.list)?;
        let offer = offer(reading, subject).ok_or_else(|| not_offered(&doc.sku, &doc.list))?;
        let steps = parse_quantity(&doc.quantity, &offer.unit).map_err(|why| {
            let detail = format!("The quantity of \"{}\": {why}.", doc.sku);
            Problem::new(ApiCode::Invalid, detail)
        })?;
        let before = Stock::read(reading, subject);
        let is_known = reading.read(&Key::Stock { subject }).is_some();
        if !is_known || before.counted != steps || before.sold != 0 {
            counts.push(Count {
                sku: offer.sku.clone(),
                list: offer.list.clone(),
                steps,
            });
        }
    }
    Ok(counts)
}

fn not_offered(sku: &str, list: &str) -> Problem {
    let of_list = if list.is_empty() {
        String::new()
    } else {
        format!(" in the list \"{list}\"")
    };
    let detail = format!(
        "No own offer of \"{sku}\"{of_list} stands, and only its unit says what a number of it means."
    );
    Problem::new(ApiCode::NotFound, detail).next("publish it first: omni offer publish")
}

fn offer(reading: &Reading, subject: SubjectId) -> Option<Offer> {
    own_offer(reading, &reading.network, subject, reading.now()).map(|(_, offer)| offer)
}

async fn list(State(desk): State<Desk>, given: Params) -> Result<Json<StocksView>, Problem> {
    let query: ListQuery = params(given)?;
    desk.read(move |reading| listed(reading, &query))
        .await
        .map(Json)
}

fn listed(reading: &Reading, query: &ListQuery) -> Result<StocksView, Problem> {
    let invalid = |detail: &str| Problem::new(ApiCode::Invalid, detail);
    let limit = page::limit(query.limit.as_deref())?;
    let only_short = match query.short.as_deref() {
        None | Some("false") => false,
        Some("true" | "") => true,
        Some(_) => return Err(invalid("short is true or false.")),
    };
    let subject = page::after(query.cursor.as_deref(), SubjectId::ONLY)?;
    let counted = reading.after(Key::Stock { subject });
    let counted = counted.map_while(|(key, _)| {
        let Key::Stock { subject } = key else {
            return None;
        };
        Some(subject)
    });
    let row = |&subject: &SubjectId| {
        let stock: Stock = reading.get(&Key::Stock { subject }).unwrap_or_default();
        let is_meant = !only_short || stock.short() > 0;
        Ok(is_meant.then(|| view(reading, subject, stock)))
    };
    let (stock, next) = page::fill(counted, limit, row)?;
    // The first page has them all.
    let slots =
        (only_short && query.cursor.is_none()).then(|| short_slots(reading).take(SLOTS_MAX));
    let slots = slots
        .into_iter()
        .flatten()
        .map(|slot| short_slot(reading, slot));
    Ok(StocksView {
        stock,
        slots: slots.collect::<Result<_, _>>()?,
        next,
    })
}

/// The slots to come of which more places are promised than there are, by their articles and times.
pub(super) fn short_slots(
    reading: &Reading,
) -> impl Iterator<Item = (SubjectId, Time, Stock)> + '_ {
    let now = reading.now();
    let mut after = Key::Places {
        subject: SubjectId::ONLY,
        begins: now,
    };
    let slots = std::iter::from_fn(move || {
        let (Key::Places { subject, begins }, _) = reading.next(&after)? else {
            return None;
        };
        // Those that are over are passed by.
        after = Key::Places {
            subject,
            begins: begins.max(now),
        };
        Some((subject, begins, Stock::of_slot(reading, subject, begins)))
    });
    slots.filter(move |(_, begins, places)| *begins > now && places.short() > 0)
}

fn short_slot(
    reading: &Reading,
    (subject, begins, stock): (SubjectId, Time, Stock),
) -> Result<ShortSlotView, Problem> {
    let offer = offer(reading, subject);
    let own = offer.as_ref().map(|offer| calendar(offer.draft()));
    // Where there is none any more the times are those of UTC.
    let own = own.transpose()?.flatten().or_else(Calendar::ended);
    let text = |of: &dyn Fn(&Calendar) -> String| own.as_ref().map_or_else(String::new, of);
    Ok(ShortSlotView {
        sku: offer.as_ref().map(|offer| offer.sku.to_string()),
        list: offer.as_ref().map(|offer| offer.list.to_string()),
        title: offer.as_ref().map(|offer| offer.title.to_string()),
        subject: subject.to_string(),
        slot: text(&|calendar| calendar.local(begins)),
        zone: text(&|calendar| calendar.zone().to_owned()),
        from_ms: begins.ms(),
        places: places(&stock),
    })
}

fn view(reading: &Reading, subject: SubjectId, stock: Stock) -> StockView {
    let offer = offer(reading, subject);
    let unit = offer.as_ref().map(|offer| offer.unit.clone());
    let text = |steps: u64| match &unit {
        Some(unit) => quantity_text(steps, unit),
        None => steps.to_string(),
    };
    StockView {
        sku: offer.as_ref().map(|offer| offer.sku.to_string()),
        list: offer.as_ref().map(|offer| offer.list.to_string()),
        title: offer.as_ref().map(|offer| offer.title.to_string()),
        subject: subject.to_string(),
        unit: unit.as_ref().map(Unit::code).unwrap_or_default().to_owned(),
        counted: text(stock.counted),
        held: text(stock.held),
        sold: text(stock.sold),
        available: text(stock.available()),
        short: text(stock.short()),
        band: own_band(reading, subject),
    }
}
