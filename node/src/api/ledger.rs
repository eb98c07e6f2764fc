//! The routes about the own ledger: entries, checkpoint, its check, its export, and what it says
//! that partners owe each other. They only read, but for the one that opens an epoch.

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use omni_protocol::code::Code;
use omni_protocol::deal::credit::Account;
use omni_protocol::fence;
use omni_protocol::hash::RecordId;
use omni_protocol::ledger::{EntryHeader, LedgerHead, Payload};
use omni_protocol::machine::{Input, Key, Verdict, View};
use omni_protocol::record::Envelope;
use omni_protocol::value::Minor;
use serde::Deserialize;

use super::desk::done;
use super::offers::{Params, params};
use super::{ApiCode, Desk, Problem, Reading, page, partner};
use crate::audit;
use crate::audit::export::{self, NoPlace, Place, note, payload, places};
use crate::view::LedgerHeadView;
use crate::view::ledger::{
    AccountView, AccountsView, CheckpointView, EntriesView, EntryRecord, EntryView, ExportView,
    VerificationView,
};
use crate::view::money::amount_text;
use crate::view::terms::money;

/// Longest stored account: four amounts.
const ACCOUNT_BYTES_MAX: usize = 64;
/// Ids that an entry's text names by their beginnings.
const SHORT_DIGITS: usize = 12;

/// The routes of this noun.
pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/v1/ledger/entries", get(entries))
        .route("/v1/ledger/entries/{number}", get(entry))
        .route("/v1/ledger/checkpoint", get(checkpoint))
        .route("/v1/ledger/verification", get(verification))
        .route("/v1/ledger/accounts", get(accounts))
        .route("/v1/ledger/export", get(exported))
        .route("/v1/ledger/epoch", post(open_epoch))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    limit: Option<String>,
    cursor: Option<String>,
    /// How many of the newest to begin with, where there is no cursor.
    latest: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryQuery {
    epoch: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountsQuery {
    partner: Option<String>,
}

fn invalid(detail: &str) -> Problem {
    Problem::new(ApiCode::Invalid, detail)
}

fn header(reading: &Reading, place: Place) -> Option<EntryHeader> {
    let Place { epoch, sequence } = place;
    let bytes = reading.read(&Key::Entry { epoch, sequence })?;
    EntryHeader::from_bytes(&bytes).ok()
}

/// Gives up what is lost, and opens the next epoch.
async fn open_epoch(State(desk): State<Desk>) -> Result<Json<LedgerHeadView>, Problem> {
    let verdict = desk.decide(Input::OpenEpoch).await?;
    if verdict == Verdict::Refused(Code::Outdated) {
        let detail = "Nothing says that this ledger lacks anything: no epoch was opened.";
        return Err(Problem::new(ApiCode::Conflict, detail));
    }
    done(verdict)?;
    desk.read(|reading| Ok(Json(super::node::head(reading))))
        .await
}

async fn entries(State(desk): State<Desk>, given: Params) -> Result<Json<EntriesView>, Problem> {
    let query: ListQuery = params(given)?;
    let read = move |reading: &Reading| {
        let limit = page::limit(query.limit.as_deref())?;
        let after = beginning(reading, &query)?;
        let row = |place: &Place| told(reading, *place);
        let (entries, next) = page::fill(places(reading, after), limit, row)?;
        Ok(EntriesView { entries, next })
    };
    desk.read(read).await.map(Json)
}

/// After which entry a page begins.
fn beginning(reading: &Reading, query: &ListQuery) -> Result<Option<Place>, Problem> {
    match (&query.cursor, &query.latest) {
        (Some(cursor), _) => {
            let place = cursor.parse();
            place.map(Some).map_err(|why: NoPlace| {
                invalid(&format!(
                    "A list goes on behind an entry (cursor, --after): {why}."
                ))
            })
        }
        (None, None) => Ok(None),
        (None, Some(latest)) => {
            let latest: u64 = latest
                .parse()
                .or(Err(invalid("latest is a number of entries.")))?;
            let Some(head) = reading.get::<LedgerHead>(&Key::Head {}) else {
                return Ok(None);
            };
            Ok(before_latest(reading, &head, latest))
        }
    }
}

/// The entry before the newest so many; none where they are all. Where the epoch has fewer, those
/// before it make up what is missing.
fn before_latest(view: &impl View, head: &LedgerHead, latest: u64) -> Option<Place> {
    let (mut epoch, mut size, mut missing) = (head.epoch, head.size, latest);
    loop {
        if let Some(sequence) = size.checked_sub(missing.saturating_add(1)) {
            return Some(Place { epoch, sequence });
        }
        missing = missing.saturating_sub(size);
        epoch = epoch.checked_sub(1)?;
        size = entries_in(view, epoch);
    }
}

/// Entries of an epoch, found by halving, since they are numbered without gaps from 0.
fn entries_in(view: &impl View, epoch: u32) -> u64 {
    let is_there = |sequence| view.read(&Key::Entry { epoch, sequence }).is_some();
    let mut above = 1_u64;
    while is_there(above.saturating_sub(1)) && above < u64::MAX / 2 {
        above = above.saturating_mul(2);
    }
    let mut below = above / 2;
    // All below `below` are there, and `above - 1` is not.
    while below.saturating_add(1) < above {
        let middle = below.midpoint(above);
        if is_there(middle.saturating_sub(1)) {
            below = middle;
        } else {
            above = middle;
        }
    }
    below
}

async fn entry(
    State(desk): State<Desk>,
    Path(number): Path<String>,
    given: Params,
) -> Result<Json<EntryView>, Problem> {
    let query: EntryQuery = params(given)?;
    let sequence: u64 = number
        .parse()
        .or(Err(invalid("An entry is named by its number, from 0.")))?;
    let read = move |reading: &Reading| {
        let epoch = match &query.epoch {
            Some(epoch) => epoch.parse().or(Err(invalid("epoch is a number.")))?,
            None => reading
                .get::<LedgerHead>(&Key::Head {})
                .map_or(0, |head| head.epoch),
        };
        let absent = "There is no such entry.";
        told(reading, Place { epoch, sequence })?.ok_or_else(|| {
            Problem::new(ApiCode::NotFound, absent).next("see the newest: omni ledger ls")
        })
    };
    desk.read(read).await.map(Json)
}

fn told(reading: &Reading, place: Place) -> Result<Option<EntryView>, Problem> {
    let Some(header) = header(reading, place) else {
        return Ok(None);
    };
    let payload = payload(reading, place, header.kind);
    let records = payload.as_ref().map(Payload::records).unwrap_or_default();
    let name = match header.counterparty {
        Some(partner) => partner::name(reading, partner)?,
        None => None,
    };
    Ok(Some(EntryView {
        epoch: place.epoch,
        sequence: place.sequence,
        kind: header.kind.name().to_owned(),
        at_ms: header.at.ms(),
        life: format!("{:016x}", header.life),
        counterparty: header.counterparty.map(|partner| partner.to_string()),
        name,
        hash: header.hash().to_string(),
        previous: header.previous.to_string(),
        body: header.body.to_string(),
        says: payload.as_ref().map(says).unwrap_or_default(),
        records: records
            .iter()
            .map(|id| entry_record(reading, *id))
            .collect(),
    }))
}

fn entry_record(reading: &Reading, id: RecordId) -> EntryRecord {
    let bytes = reading.read(&Key::Record { id });
    let envelope = bytes.and_then(|bytes| Envelope::read(&reading.network, bytes).ok());
    EntryRecord {
        record: id.to_string(),
        kind: envelope.and_then(|e| Some(e.kind()?.name().to_owned())),
    }
}

fn says(payload: &Payload) -> String {
    let short = |id: String| id.chars().take(SHORT_DIGITS).collect::<String>();
    match payload {
        Payload::Opened { reason, open } => {
            format!("epoch begins: {}, {} deals open", reason.name(), open.len())
        }
        Payload::Lived { life } => format!("life {life:016x}"),
        Payload::Signed(ids) => format!("{} own", records(ids.len())),
        Payload::Recovered(ids) => format!("{} shown by a partner", records(ids.len())),
        Payload::Taken(_) => "a partner's record".to_owned(),
        Payload::Counted { subject, steps } => {
            format!("{steps} steps of {}", short(subject.to_string()))
        }
        Payload::Timetable { subject, table } => {
            let slots = table.begins().len();
            format!("{slots} slots of {}", short(subject.to_string()))
        }
        Payload::Granted(text) => granted(text),
        Payload::Closed(deal) => format!("hold of {} closed", short(deal.to_string())),
        Payload::WrittenOff(deal) => format!("deal {} written off", short(deal.to_string())),
    }
}

/// A grant for people: limits in decimal text, moments as moments.
fn granted(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    match words.as_slice() {
        [what @ ("credit" | "budget"), minor, currency] => {
            let minor = minor.parse().ok().and_then(|minor| Minor::new(minor).ok());
            let limit = minor.zip(currency.parse().ok());
            limit.map_or_else(
                || text.to_owned(),
                |(minor, currency)| format!("{what} {} {currency}", amount_text(minor, currency)),
            )
        }
        _ => text.to_owned(),
    }
}

fn records(count: usize) -> String {
    if count == 1 {
        "1 record".to_owned()
    } else {
        format!("{count} records")
    }
}

async fn checkpoint(State(desk): State<Desk>) -> Result<Json<CheckpointView>, Problem> {
    let read = |reading: &Reading| {
        let note = note(reading).ok_or_else(|| {
            Problem::new(
                ApiCode::NotFound,
                "The ledger is empty: it has no checkpoint yet.",
            )
        })?;
        Ok(CheckpointView { note })
    };
    desk.read(read).await.map(Json)
}

async fn verification(State(desk): State<Desk>) -> Result<Json<VerificationView>, Problem> {
    let own = desk.about().chain.clone();
    let read = move |reading: &Reading| {
        Ok(audit::check(
            &reading.ledger,
            Some(&reading.market),
            &own,
            reading.network,
        )?)
    };
    desk.read(read).await.map(Json)
}

async fn accounts(State(desk): State<Desk>, given: Params) -> Result<Json<AccountsView>, Problem> {
    let query: AccountsQuery = params(given)?;
    let read =
        move |reading: &Reading| owed(reading, partner::named(reading, query.partner.as_deref())?);
    desk.read(read).await.map(Json)
}

fn owed(
    reading: &Reading,
    whose: Option<omni_protocol::hash::PartnerId>,
) -> Result<AccountsView, Problem> {
    let mut view = AccountsView::default();
    let first = Key::families().find(|key| matches!(key, Key::Account { .. }));
    for (key, value) in first.into_iter().flat_map(|first| reading.after(first)) {
        let Key::Account { partner, currency } = key else {
            break;
        };
        if whose.is_some_and(|whose| whose != partner) {
            continue;
        }
        let account: Account = fence::decode(&value, ACCOUNT_BYTES_MAX).unwrap_or_default();
        view.accounts.push(AccountView {
            partner: partner.to_string(),
            name: partner::name(reading, partner)?,
            they_owe: money(account.receivable, currency),
            we_owe: money(account.payable, currency),
            held: money(account.held, currency),
            in_doubt: money(account.doubt, currency),
        });
    }
    Ok(view)
}

async fn exported(State(desk): State<Desk>, given: Params) -> Result<Json<ExportView>, Problem> {
    let query: ListQuery = params(given)?;
    let read = move |reading: &Reading| {
        let limit = page::limit(query.limit.as_deref())?;
        let after = beginning(reading, &query)?;
        Ok(export::page(reading, after, limit))
    };
    desk.read(read).await.map(Json)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Entries of some epochs and nothing else.
    struct Epochs(BTreeMap<Key, Vec<u8>>);

    impl View for Epochs {
        fn read(&self, key: &Key) -> Option<Vec<u8>> {
            self.0.get(key).cloned()
        }

        fn next(&self, _after: &Key) -> Option<(Key, Vec<u8>)> {
            None
        }
    }

    #[test]
    fn the_newest_go_over_epochs() {
        let sizes = [7_u64, 1, 4];
        let epochs = (0_u32..).zip(sizes);
        let keys = epochs.flat_map(|(epoch, size)| {
            (0..size).map(move |sequence| Key::Entry { epoch, sequence })
        });
        let view = Epochs(keys.map(|key| (key, Vec::new())).collect());
        for (epoch, size) in (0..).zip(sizes) {
            assert_eq!(entries_in(&view, epoch), size, "{epoch}");
        }
        let head = LedgerHead {
            epoch: 2,
            size: 4,
            ..LedgerHead::empty()
        };
        let check = |latest: u64, expected: Option<&str>| {
            let before = before_latest(&view, &head, latest);
            assert_eq!(before.map(|place| place.to_string()).as_deref(), expected);
        };
        check(1, Some("2-2"));
        check(3, Some("2-0"));
        check(4, Some("1-0"));
        check(5, Some("0-6"));
        check(6, Some("0-5"));
        check(11, Some("0-0"));
        check(12, None);
        check(u64::MAX, None);
    }

    #[test]
    fn grants_are_told_in_decimals() {
        let check = |text: &str, expected: &str| assert_eq!(granted(text), expected);
        check("credit 100000 GBP", "credit 1000.00 GBP");
        check("budget 500 JPY", "budget 500 JPY");
        check("standing partner", "standing partner");
        check("credit x GBP", "credit x GBP");
    }
}
