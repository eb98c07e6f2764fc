//! The cells that say when a service can be had: the rule, start, zone and places of its slots. What
//! times they come to is `calendar`'s matter.

use std::str::FromStr;

use omni_protocol::{
    public::{self, Service},
    value::Invalid,
};

use super::{
    field::Field,
    judge::{Bench, Value},
    problem::Reason,
    row::Flaw,
};
use crate::calendar::Calendar;

/// The calendar of a service that takes so long; nothing where no cell says one.
pub(super) fn calendar(
    bench: &Bench<'_>,
    duration: Option<u32>,
) -> Result<Option<public::Calendar>, Flaw> {
    let rule = bench.value(Field::SlotRule)?;
    let start = bench.value(Field::SlotStart)?;
    let zone = bench.value(Field::SlotZone)?;
    let places = bench.value(Field::SlotPlaces)?;
    let Some(first) = [&rule, &start, &zone, &places].into_iter().flatten().next() else {
        return Ok(None);
    };
    let Some(duration_minutes) = duration else {
        let why = "only a service has slots, and each lasts as long as its duration says";
        return Err(first.flaw(Reason::OutOfRange(why)));
    };
    let capacity = places.as_ref().map_or(Ok(1), |places| {
        let number = places.text.parse();
        number.map_err(|_no_number| places.flaw(Reason::NotOfForm("2 (places)")))
    })?;
    let calendar = public::Calendar {
        rule: text(bench, (Field::SlotRule, &rule))?,
        start: text(bench, (Field::SlotStart, &start))?,
        zone: text(bench, (Field::SlotZone, &zone))?,
        capacity,
    };
    let service = Service {
        duration_minutes,
        calendar: Some(calendar.clone()),
    };
    Calendar::of(&service).map_err(|bad| {
        let value = match bad.part {
            "start" => &start,
            "zone" => &zone,
            "capacity" => &places,
            _ => &rule,
        };
        value
            .as_ref()
            .unwrap_or(first)
            .flaw(Reason::BadSlot(bad.why))
    })?;
    Ok(Some(calendar))
}

fn text<T: FromStr<Err = Invalid>>(
    bench: &Bench<'_>,
    (field, value): (Field, &Option<Value<'_>>),
) -> Result<T, Flaw> {
    let Some(value) = value else {
        return Err(bench.missing(field));
    };
    let text = value.text.parse();
    text.map_err(|why: Invalid| value.flaw(Reason::BadSlot(why.to_string())))
}
