//! The slots of an offer: of an own one with what is held, sold and free of each, of a partner's
//! the times that its calendar gives.

use std::collections::BTreeSet;

use omni_protocol::deal::stock::Stock;
use omni_protocol::deal::timetable::Timetable;
use omni_protocol::limits::{DAY_MS, MINUTE_MS, SLOT_DAYS_MAX, SLOTS_MAX};
use omni_protocol::machine::{Key, View};
use omni_protocol::public::OfferDraft;
use omni_protocol::value::Time;
use serde::Deserialize;

use super::finding::{self, Known};
use crate::api::{ApiCode, Problem, Reading, partner};
use crate::calendar::Calendar;
use crate::view::slot::{PlacesView, SlotView, SlotsView};

/// `?list=&partner=&from=&to=`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotsQuery {
    #[serde(default)]
    list: String,
    partner: Option<String>,
    /// From which day or local time on; now if left out.
    from: Option<String>,
    /// Up to which; as far as slots are reckoned if left out.
    to: Option<String>,
}

pub(super) fn slots(
    reading: &Reading,
    (name, query): (&str, &SlotsQuery),
) -> Result<SlotsView, Problem> {
    let whose = query.partner.as_deref();
    let known = finding::named(reading, name, (&query.list, whose))?;
    let mine = known.author == reading.partner;
    let calendar = match calendar(&known.offer)? {
        // What was promised of a calendar that was taken away is still shown.
        None if mine && has_promised(reading, &known) => Calendar::ended(),
        calendar => calendar,
    };
    let Some(calendar) = calendar else {
        let detail = format!("\"{}\" has no calendar, and so no slots.", known.offer.sku);
        return Err(Problem::new(ApiCode::Conflict, detail)
            .next("see what it says: omni offer show SKU")
            .naming("SKU", &known.id.to_string()));
    };
    let span = span(reading, &calendar, query)?;
    let mut begins = if mine {
        own(reading, &known, span)
    } else {
        let (from, to) = span;
        calendar.begins((before(from), to), SLOTS_MAX.saturating_add(1))
    };
    let more = begins.len() > SLOTS_MAX;
    begins.truncate(SLOTS_MAX);
    let minutes = calendar.minutes();
    let slot = |begins: &Time| SlotView {
        slot: calendar.local(*begins),
        from_ms: begins.ms(),
        until_ms: begins
            .plus_ms(u64::from(minutes).saturating_mul(MINUTE_MS))
            .ms(),
        places: mine.then(|| {
            let subject = known.offer.subject();
            places(&Stock::of_slot(reading, subject, *begins))
        }),
    };
    Ok(SlotsView {
        id: known.id.to_string(),
        partner: known.author.to_string(),
        name: partner::name(reading, known.author)?,
        mine,
        sku: known.offer.sku.to_string(),
        list: known.offer.list.to_string(),
        title: known.offer.title.to_string(),
        zone: calendar.zone().to_owned(),
        duration_minutes: minutes,
        slots: begins.iter().map(slot).collect(),
        more,
    })
}

/// The calendar of an offer, if it has one. That of a partner may be none that can be read.
pub(in crate::api) fn calendar(offer: &OfferDraft) -> Result<Option<Calendar>, Problem> {
    let Some(service) = &offer.service else {
        return Ok(None);
    };
    Calendar::of(service).map_err(|bad| {
        let detail = format!("The calendar of \"{}\" can't be read: {bad}.", offer.sku);
        Problem::new(ApiCode::Invalid, detail).next("talk to the partner that offers it")
    })
}

fn span(
    reading: &Reading,
    calendar: &Calendar,
    query: &SlotsQuery,
) -> Result<(Time, Time), Problem> {
    let read = |name: &str, text: &str, of_day: &str| {
        let moment = calendar.read(text);
        let moment = moment.or_else(|| calendar.read(&format!("{text}T{of_day}")));
        moment.ok_or_else(|| {
            let detail =
                format!("{name} is a day or a local time: 2027-03-01 or 2027-03-01T08:00.");
            Problem::new(ApiCode::Invalid, detail)
        })
    };
    let from = query.from.as_deref();
    let from = from.map(|text| read("from", text, "00:00")).transpose()?;
    let from = from.unwrap_or_else(|| reading.now());
    let most = from.plus_ms(SLOT_DAYS_MAX.saturating_mul(DAY_MS));
    let to = query.to.as_deref();
    let to = to.map(|text| read("to", text, "23:59:59")).transpose()?;
    Ok((from, to.unwrap_or(most).min(most)))
}

const fn before(time: Time) -> Time {
    time.minus_ms(1)
}

/// The slots that the timetable has, and those that are promised though it has them no more.
fn own(reading: &Reading, known: &Known, (from, to): (Time, Time)) -> Vec<Time> {
    let subject = known.offer.subject();
    let table = Timetable::read(reading, subject);
    let within = |begins: &Time| *begins >= from && *begins <= to;
    let mut begins: BTreeSet<Time> = table.begins().iter().copied().filter(within).collect();
    let mut after = Key::Places {
        subject,
        begins: before(from),
    };
    while let Some((
        key @ Key::Places {
            subject: of,
            begins: at,
        },
        _,
    )) = reading.next(&after)
        && of == subject
        && at <= to
    {
        begins.insert(at);
        after = key;
    }
    begins.into_iter().collect()
}

fn has_promised(reading: &Reading, known: &Known) -> bool {
    let ever = (Time::default(), Time::MAX);
    !own(reading, known, ever).is_empty()
}

/// The places of an own slot.
pub(in crate::api) fn places(stock: &Stock) -> PlacesView {
    PlacesView {
        all: stock.counted,
        held: stock.held,
        sold: stock.sold,
        free: stock.available(),
        short: stock.short(),
    }
}
