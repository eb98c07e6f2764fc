//! Calendars of services: which moments the slots of an offer begin at, by its recurrence rule and
//! time zone (SPEC.md 12, 'Slots'). It keeps out how many places a slot has left, and who asks.
//!
//! The zones are those that the program carries, so that the same program reckons the same slots on
//! every machine.

mod rule;

use std::fmt::Display;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use omni_protocol::limits::{DAY_MS, SLOT_DAYS_MAX, SLOTS_MAX};
use omni_protocol::public::Service;
use omni_protocol::value::Time;

use self::rule::{Rule, Until};

/// Longest slot: what lasts longer than a year has no calendar of days.
const MINUTES_MAX: u32 = 366 * 24 * 60;
/// First year in which a calendar may start: a count is reckoned from its start.
const YEAR_MIN: i16 = 1970;
/// How local times are written.
const LOCAL_FORMS: [&str; 2] = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];

/// A part of a calendar that can't be what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part}: {why}")]
pub struct BadCalendar {
    /// Which part: `rule`, `start`, `zone`, `capacity` or `duration`.
    pub part: &'static str,
    /// What is wrong with it, and what it should be like.
    pub why: String,
}

fn bad(part: &'static str, why: impl Display) -> BadCalendar {
    let why = why.to_string();
    BadCalendar { part, why }
}

/// When a service can be had.
#[derive(Debug, Clone)]
pub struct Calendar {
    rule: Rule,
    start: DateTime,
    zone: TimeZone,
    zone_name: String,
    minutes: u32,
}

impl Calendar {
    /// The calendar of a service; nothing where it has none.
    ///
    /// # Errors
    /// The first part that is no rule, time, zone or number of a calendar.
    pub fn of(service: &Service) -> Result<Option<Self>, BadCalendar> {
        let Some(calendar) = &service.calendar else {
            return Ok(None);
        };
        let rule = Rule::read(&calendar.rule).map_err(|why| bad("rule", why))?;
        let start = local(&calendar.start).filter(|start| start.year() >= YEAR_MIN);
        let start = start.ok_or_else(|| {
            let why = "it is no local time since 1970; write it like 2027-03-01T08:00";
            bad("start", why)
        })?;
        let zone = TimeZoneDatabase::bundled().get(&calendar.zone);
        let zone = zone.map_err(|_unknown| {
            let why = format!(
                "no time zone is called \"{}\"; write it like Europe/Berlin",
                crate::plain::plain(&calendar.zone)
            );
            bad("zone", why)
        })?;
        if calendar.capacity == 0 {
            return Err(bad("capacity", "a slot has at least one place"));
        }
        let minutes = service.duration_minutes;
        if !(1..=MINUTES_MAX).contains(&minutes) {
            let why = "a slot lasts from a minute to a year";
            return Err(bad("duration", why));
        }
        Ok(Some(Self {
            rule,
            start,
            zone,
            zone_name: calendar.zone.to_string(),
            minutes,
        }))
    }

    /// In place of the calendar that a service has no more: its moments, in UTC.
    #[must_use]
    pub fn ended() -> Option<Self> {
        Some(Self {
            rule: Rule::read("FREQ=DAILY").ok()?,
            start: DateTime::constant(YEAR_MIN, 1, 1, 0, 0, 0, 0),
            zone: TimeZone::UTC,
            zone_name: "Etc/UTC".to_owned(),
            minutes: 0,
        })
    }

    /// How long each slot lasts, in minutes.
    #[must_use]
    pub const fn minutes(&self) -> u32 {
        self.minutes
    }

    /// The zone's name.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone_name
    }

    /// When the slots begin after one moment and up to another, ascending, at most so many.
    #[must_use]
    pub fn begins(&self, (after, until): (Time, Time), most: usize) -> Vec<Time> {
        let (Some(first), Some(last)) = (self.at(after), self.at(until)) else {
            return Vec::new();
        };
        let span = (first.date(), last.date());
        let moments = self.rule.times(self.start, span);
        let ends = |moment: &Timestamp| match self.rule.until() {
            Some(Until::Moment(end)) => *moment <= end,
            Some(Until::Local(_)) | None => true,
        };
        let moments = moments
            .into_iter()
            .filter_map(|local| self.moment(local))
            .filter(ends)
            .filter_map(|moment| Time::new(u64::try_from(moment.as_millisecond()).ok()?).ok());
        let mut begins: Vec<Time> = moments
            .filter(|begins| *begins > after && *begins <= until)
            .collect();
        // Where clocks are put forward, two local times may be one moment.
        begins.sort_unstable();
        begins.dedup();
        begins.truncate(most);
        begins
    }

    /// The slots that a provider enters at this moment: those of a timetable.
    #[must_use]
    pub fn timetable(&self, now: Time) -> Vec<Time> {
        let until = now.plus_ms(SLOT_DAYS_MAX.saturating_mul(DAY_MS));
        self.begins((now, until), SLOTS_MAX)
    }

    /// The local time of a moment, such as `2027-03-01T08:00`.
    #[must_use]
    pub fn local(&self, moment: Time) -> String {
        self.at(moment).map_or_else(String::new, |local| {
            local.strftime("%Y-%m-%dT%H:%M").to_string()
        })
    }

    /// The moment of a local time; of two that are one, the first, and of one that does not occur,
    /// as much later as clocks are put forward (RFC 5545, 3.3.5).
    fn moment(&self, local: DateTime) -> Option<Timestamp> {
        let zoned = self.zone.to_ambiguous_zoned(local).compatible().ok()?;
        Some(zoned.timestamp())
    }

    fn at(&self, moment: Time) -> Option<DateTime> {
        let moment = Timestamp::from_millisecond(i64::try_from(moment.ms()).ok()?).ok()?;
        Some(self.zone.to_datetime(moment))
    }

    /// The moment of a local time as people write it.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<Time> {
        let moment = self.moment(local(text)?)?;
        Time::new(u64::try_from(moment.as_millisecond()).ok()?).ok()
    }
}

fn local(text: &str) -> Option<DateTime> {
    let mut forms = LOCAL_FORMS.iter();
    forms.find_map(|form| DateTime::strptime(form, text).ok())
}

#[cfg(test)]
mod tests;
