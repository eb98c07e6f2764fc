//! The routes about the own ledger: entries, checkpoint, its check, its export, and what it says
//! that partners owe each other. They only read, but for the one that opens an epoch.

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use omni_protocol::code::Code;
use omni_protocol::deal::credit::Account;
use omni_protocol::fence;
use omni_protocol::hash::RecordId;
use omni_protocol::ledger::{EntryBody, EntryHeader, EntryKind, LedgerHead, Payload};
use omni_protocol::machine::{Input, Key, Verdict, View};
use omni_protocol::record::Envelope;
use serde::Deserialize;

use super::desk::done;
use super::offers::{Params, params};
use super::page::limit;
use super::{ApiCode, Desk, Problem, Reading, partner};
use crate::audit;
use crate::keys::text::hex;
use crate::view::LedgerHeadView;
use crate::view::ledger::{
    AccountView, AccountsView, CheckpointView, EntriesView, EntryRecord, EntryView, ExportEntry,
    ExportRecord, ExportView, VerificationView,
};
use crate::view::terms::money;

/// Longest stored account: four amounts.
const ACCOUNT_BYTES_MAX: usize = 64;
/// Bytes of an export's page: its records in hexadecimal digits stay below what a client takes.
const EXPORT_BYTES_AIM: usize = 2 << 20;
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
        .route("/v1/ledger/export", get(export))
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

/// Epoch and number of an entry.
type Place = (u32, u64);

fn invalid(detail: &str) -> Problem {
    Problem::new(ApiCode::Invalid, detail)
}

/// A place as cursors have it: `0-123`.
fn place(text: &str) -> Result<Place, Problem> {
    let parts = text.split_once('-');
    let parts = parts.and_then(|(epoch, number)| Some((epoch.parse().ok()?, number.parse().ok()?)));
    parts.ok_or_else(|| {
        invalid("cursor is epoch and number that the page before ended with: 0-123.")
    })
}

/// The places after `after`, from the first entry on.
fn places(reading: &Reading, after: Option<Place>) -> impl Iterator<Item = Place> + '_ {
    let (epoch, sequence) = after.unwrap_or_default();
    let first = Key::Entry { epoch, sequence };
    let itself = (after.is_none() && reading.read(&first).is_some()).then_some(first);
    let rest = reading.after(first).map(|(key, _)| key);
    itself.into_iter().chain(rest).filter_map(|key| {
        let Key::Entry { epoch, sequence } = key else {
            return None;
        };
        Some((epoch, sequence))
    })
}

fn header(reading: &Reading, (epoch, sequence): Place) -> Option<EntryHeader> {
    let bytes = reading.read(&Key::Entry { epoch, sequence })?;
    EntryHeader::from_bytes(&bytes).ok()
}

fn payload(reading: &Reading, (epoch, sequence): Place, kind: EntryKind) -> Option<Payload> {
    let bytes = reading.read(&Key::Body { epoch, sequence })?;
    Some(EntryBody::from_bytes(kind, &bytes).ok()?.payload)
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
        let limit = limit(query.limit.as_deref())?;
        let after = beginning(reading, &query)?;
        let mut view = EntriesView::default();
        for place in places(reading, after).take(limit) {
            view.entries.extend(told(reading, place)?);
            view.next = Some(format!("{}-{}", place.0, place.1));
        }
        if view.entries.len() < limit {
            view.next = None;
        }
        Ok(view)
    };
    desk.read(read).await.map(Json)
}

/// After which entry a page begins.
fn beginning(reading: &Reading, query: &ListQuery) -> Result<Option<Place>, Problem> {
    match (&query.cursor, &query.latest) {
        (Some(cursor), _) => place(cursor).map(Some),
        (None, None) => Ok(None),
        (None, Some(latest)) => {
            let latest: u64 = latest
                .parse()
                .or(Err(invalid("latest is a number of entries.")))?;
            let Some(head) = reading.get::<LedgerHead>(&Key::Head {}) else {
                return Ok(None);
            };
            let before = head.size.saturating_sub(latest).checked_sub(1);
            Ok(before.map(|sequence| (head.epoch, sequence)))
        }
    }
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
        told(reading, (epoch, sequence))?.ok_or_else(|| {
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
        epoch: place.0,
        sequence: place.1,
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
        Payload::Granted(text) => text.to_string(),
        Payload::Closed(deal) => format!("hold of {} closed", short(deal.to_string())),
        Payload::WrittenOff(deal) => format!("deal {} written off", short(deal.to_string())),
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

fn note(reading: &Reading) -> Option<String> {
    String::from_utf8(reading.read(&Key::Checkpoint {})?).ok()
}

async fn verification(State(desk): State<Desk>) -> Result<Json<VerificationView>, Problem> {
    let own = desk.about().signing.standing().clone();
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

async fn export(State(desk): State<Desk>, given: Params) -> Result<Json<ExportView>, Problem> {
    let query: ListQuery = params(given)?;
    let read = move |reading: &Reading| {
        let limit = limit(query.limit.as_deref())?;
        let after = beginning(reading, &query)?;
        let mut view = ExportView::default();
        let mut bytes = 0_usize;
        let mut places = places(reading, after).take(limit).peekable();
        while let Some(place) = places.next() {
            let entry = whole(reading, place);
            bytes = bytes.saturating_add(entry.as_ref().map_or(0, size));
            view.entries.extend(entry);
            if places.peek().is_none() || bytes >= EXPORT_BYTES_AIM {
                view.next = Some(format!("{}-{}", place.0, place.1));
                break;
            }
        }
        let is_end = view.entries.len() < limit && bytes < EXPORT_BYTES_AIM;
        if is_end {
            (view.next, view.checkpoint) = (None, note(reading));
        }
        Ok(view)
    };
    desk.read(read).await.map(Json)
}

fn size(entry: &ExportEntry) -> usize {
    let records = entry.records.iter();
    let bytes = records.map(|record| record.bytes.as_ref().map_or(0, String::len));
    bytes.sum()
}

fn whole(reading: &Reading, (epoch, sequence): Place) -> Option<ExportEntry> {
    let header = reading.read(&Key::Entry { epoch, sequence })?;
    let kind = EntryHeader::from_bytes(&header).ok()?.kind;
    let payload = payload(reading, (epoch, sequence), kind);
    let ids = payload.as_ref().map(Payload::records).unwrap_or_default();
    let digits = |key: Key| reading.read(&key).map(|bytes| hex(&bytes).to_string());
    let record = |id: &RecordId| ExportRecord {
        record: id.to_string(),
        bytes: digits(Key::Record { id: *id }),
        proof: digits(Key::Proof { record: *id }),
    };
    Some(ExportEntry {
        epoch,
        sequence,
        header: hex(&header).to_string(),
        body: digits(Key::Body { epoch, sequence }),
        records: ids.iter().map(record).collect(),
    })
}
