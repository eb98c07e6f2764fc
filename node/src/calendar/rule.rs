//! Recurrence rules: the parts of RFC 5545's RRULE that name days and times of day, read strictly,
//! and the local times that they give. Zones and moments are kept out.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::{Span, ToSpan};

/// Slots that may begin on one day: one each quarter of an hour.
const A_DAY_MAX: usize = 96;
/// Largest interval and count.
const INTERVAL_MAX: i32 = 999;
const COUNT_MAX: u32 = 10_000;

const PARTS: &str = "FREQ, INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY, BYDAY, BYHOUR, BYMINUTE, \
                     BYSETPOS and WKST";

/// After what time the pattern begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Every {
    Day,
    Week,
    Month,
    Year,
}

/// When a rule ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// At a local time.
    Local(DateTime),
    /// At a moment.
    Moment(Timestamp),
}

/// A recurrence rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    every: Every,
    interval: i32,
    count: Option<u32>,
    until: Option<Until>,
    months: Vec<i32>,
    month_days: Vec<i32>,
    /// With which of its kind in the month or year it is, 0 for each.
    week_days: Vec<(i32, Weekday)>,
    hours: Vec<i32>,
    minutes: Vec<i32>,
    positions: Vec<i32>,
    week_begins: Weekday,
}

impl Rule {
    /// Reads `FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=8,13`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        let mut rule = Self {
            every: Every::Day,
            interval: 1,
            count: None,
            until: None,
            months: Vec::new(),
            month_days: Vec::new(),
            week_days: Vec::new(),
            hours: Vec::new(),
            minutes: Vec::new(),
            positions: Vec::new(),
            week_begins: Weekday::Monday,
        };
        let mut named: Vec<&str> = Vec::new();
        for part in upper.split(';') {
            let (name, value) = part.split_once('=').ok_or_else(|| {
                "it is no recurrence rule; write it like FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=8,13"
                    .to_owned()
            })?;
            if named.contains(&name) {
                return Err(format!("{name} stands twice"));
            }
            named.push(name);
            rule.take(name, value)?;
        }
        if !named.contains(&"FREQ") {
            return Err("FREQ is missing: DAILY, WEEKLY, MONTHLY or YEARLY".to_owned());
        }
        rule.check()?;
        Ok(rule)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        let bad = |form: &str| format!("{name} is {form}");
        match name {
            "FREQ" => {
                self.every = match value {
                    "DAILY" => Every::Day,
                    "WEEKLY" => Every::Week,
                    "MONTHLY" => Every::Month,
                    "YEARLY" => Every::Year,
                    _ => return Err(bad("DAILY, WEEKLY, MONTHLY or YEARLY")),
                };
            }
            "INTERVAL" => self.interval = one(name, value, (1, INTERVAL_MAX))?,
            "COUNT" => {
                let count = value.parse().ok();
                let count = count.filter(|count| (1..=COUNT_MAX).contains(count));
                self.count = Some(count.ok_or_else(|| bad("a number from 1 to 10000"))?);
            }
            "UNTIL" => {
                let end = until(value);
                self.until = Some(end.ok_or_else(|| {
                    bad("a local time like 20271231T180000, or one of UTC that ends in Z")
                })?);
            }
            "BYMONTH" => self.months = numbers(name, value, (1, 12))?,
            "BYMONTHDAY" => self.month_days = from_either_end(name, value, 31)?,
            "BYDAY" => self.week_days = week_days(value).ok_or_else(|| bad(DAYS))?,
            "BYHOUR" => self.hours = numbers(name, value, (0, 23))?,
            "BYMINUTE" => self.minutes = numbers(name, value, (0, 59))?,
            "BYSETPOS" => self.positions = from_either_end(name, value, 366)?,
            "WKST" => self.week_begins = week_day(value).ok_or_else(|| bad("one of MO … SU"))?,
            _ => return Err(format!("\"{name}\" is no part that is known: {PARTS}")),
        }
        Ok(())
    }

    /// Rules between the parts.
    fn check(&self) -> Result<(), String> {
        let counted = self.week_days.iter().any(|(nth, _)| *nth != 0);
        if counted && matches!(self.every, Every::Day | Every::Week) {
            return Err("BYDAY counts days of a month or year only: 1MO needs MONTHLY".to_owned());
        }
        if self.every == Every::Week && !self.month_days.is_empty() {
            return Err("BYMONTHDAY goes with no FREQ=WEEKLY".to_owned());
        }
        if self.count.is_some() && self.until.is_some() {
            return Err("COUNT and UNTIL exclude each other".to_owned());
        }
        let a_day = self
            .hours
            .len()
            .max(1)
            .saturating_mul(self.minutes.len().max(1));
        if a_day > A_DAY_MAX {
            return Err(format!(
                "it begins {a_day} slots a day, and at most {A_DAY_MAX} may be"
            ));
        }
        Ok(())
    }

    /// When it ends, where that is said.
    pub(super) const fn until(&self) -> Option<Until> {
        self.until
    }

    /// The local times that it gives from one date to another, and perhaps some around them, for a
    /// calendar that starts then. With a count, it is reckoned from the start.
    pub(super) fn times(&self, start: DateTime, (first, last): (Date, Date)) -> Vec<DateTime> {
        let mut found = Vec::new();
        let mut left = self.count.unwrap_or(u32::MAX);
        let mut number = match self.count {
            Some(_) => 0,
            None => self.periods_before(start.date(), first),
        };
        while let Some((begins, days)) = self.period(start.date(), number)
            && begins <= last
        {
            for time in self.times_of(start, (begins, days)) {
                let is_over = matches!(self.until, Some(Until::Local(end)) if time > end);
                if is_over || left == 0 {
                    return found;
                }
                if time >= start {
                    left = left.saturating_sub(u32::from(self.count.is_some()));
                    if time.date() >= before(first) {
                        found.push(time);
                    }
                }
            }
            number = number.saturating_add(1);
        }
        found
    }

    /// Periods that lie wholly before a date, and so need not be looked at, less one.
    fn periods_before(&self, start: Date, first: Date) -> i32 {
        let days = i32::try_from(days_between(start, first)).unwrap_or(i32::MAX);
        let years = i32::from(first.year()).saturating_sub(i32::from(start.year()));
        let months = i32::from(first.month()).saturating_sub(i32::from(start.month()));
        let units = match self.every {
            Every::Day => days,
            Every::Week => days / 7,
            Every::Month => years.saturating_mul(12).saturating_add(months),
            Every::Year => years,
        };
        (units / self.interval).saturating_sub(2).max(0)
    }

    /// The first day of the period of this number, and how many days it has.
    fn period(&self, start: Date, number: i32) -> Option<(Date, i32)> {
        let units = number.checked_mul(self.interval)?;
        let (begins, span) = match self.every {
            Every::Day => (start, days(units)?),
            Every::Week => {
                let into = start
                    .weekday()
                    .to_monday_zero_offset()
                    .saturating_sub(self.week_begins.to_monday_zero_offset())
                    .rem_euclid(7);
                let begins = start.checked_sub(days(into.into())?).ok()?;
                (begins, days(units.checked_mul(7)?)?)
            }
            Every::Month => (start.first_of_month(), Span::new().try_months(units).ok()?),
            Every::Year => (start.first_of_year(), Span::new().try_years(units).ok()?),
        };
        let begins = begins.checked_add(span).ok()?;
        let length = match self.every {
            Every::Day => 1,
            Every::Week => 7,
            Every::Month => begins.days_in_month().into(),
            Every::Year => begins.days_in_year().into(),
        };
        Some((begins, length))
    }

    /// The times of one period, ascending.
    fn times_of(&self, start: DateTime, (begins, days): (Date, i32)) -> Vec<DateTime> {
        let length = usize::try_from(days).unwrap_or_default();
        let days = begins.series(1.day()).take(length);
        let fits = days.filter(|day| self.has(*day, start.date()));
        let own = |given: &[i32], default: i8| match given {
            [] => vec![i32::from(default)],
            given => given.to_vec(),
        };
        let (hours, minutes) = (
            own(&self.hours, start.hour()),
            own(&self.minutes, start.minute()),
        );
        let time = |day: Date, hour: i32, minute: i32| {
            let (hour, minute) = (i8::try_from(hour).ok()?, i8::try_from(minute).ok()?);
            let (date, second) = ((day.year(), day.month(), day.day()), start.second());
            DateTime::new(date.0, date.1, date.2, hour, minute, second, 0).ok()
        };
        let mut times = Vec::new();
        for day in fits {
            for hour in &hours {
                times.extend(
                    minutes
                        .iter()
                        .filter_map(|minute| time(day, *hour, *minute)),
                );
            }
        }
        self.at_positions(times)
    }

    /// Those at the positions that the rule names, of all of a period.
    fn at_positions(&self, times: Vec<DateTime>) -> Vec<DateTime> {
        if self.positions.is_empty() {
            return times;
        }
        let count = i32::try_from(times.len()).unwrap_or(i32::MAX);
        let is_named = |n: usize| {
            let place = i32::try_from(n).unwrap_or(i32::MAX).saturating_add(1);
            let from_end = place.saturating_sub(count).saturating_sub(1);
            self.positions.contains(&place) || self.positions.contains(&from_end)
        };
        let placed = times.into_iter().enumerate();
        placed
            .filter_map(|(n, time)| is_named(n).then_some(time))
            .collect()
    }

    /// Whether it has this day. What the rule does not say, the start says.
    fn has(&self, day: Date, start: Date) -> bool {
        let (of_month, days) = (i32::from(day.day()), i32::from(day.days_in_month()));
        let from_end = of_month.saturating_sub(days).saturating_sub(1);
        let in_months = match self.months.as_slice() {
            [] if self.every == Every::Year && self.names_no_day() => day.month() == start.month(),
            [] => true,
            months => months.contains(&day.month().into()),
        };
        let on_month_day = match self.month_days.as_slice() {
            [] if matches!(self.every, Every::Month | Every::Year) && self.week_days.is_empty() => {
                day.day() == start.day()
            }
            [] => true,
            given => given.contains(&of_month) || given.contains(&from_end),
        };
        let on_week_day = match self.week_days.as_slice() {
            [] if self.every == Every::Week => day.weekday() == start.weekday(),
            [] => true,
            given => given.iter().any(|named| self.is_nth(*named, day)),
        };
        in_months && on_month_day && on_week_day
    }

    fn names_no_day(&self) -> bool {
        self.month_days.is_empty() && self.week_days.is_empty()
    }

    /// Whether a day is this day of the week, and which of its kind in the month or year.
    fn is_nth(&self, (nth, week_day): (i32, Weekday), day: Date) -> bool {
        if day.weekday() != week_day {
            return false;
        }
        let in_year = self.every == Every::Year && self.months.is_empty();
        let (place, days) = if in_year {
            (i32::from(day.day_of_year()), i32::from(day.days_in_year()))
        } else {
            (i32::from(day.day()), i32::from(day.days_in_month()))
        };
        let from_begin = (place.saturating_sub(1) / 7).saturating_add(1);
        let from_end = (days.saturating_sub(place) / 7).saturating_add(1);
        nth == 0 || nth == from_begin || nth.saturating_neg() == from_end
    }
}

const DAYS: &str = "a list of MO, TU, WE, TH, FR, SA, SU, each with its number where it is one of a \
                    month or year: 1MO, -1FR";

/// The day before, from which a time may reach into the day where clocks are put forward.
fn before(day: Date) -> Date {
    day.yesterday().unwrap_or(day)
}

fn days_between(first: Date, last: Date) -> i64 {
    let day = |date: Date| date.to_datetime(jiff::civil::Time::midnight());
    day(last).duration_since(day(first)).as_hours() / 24
}

fn days(number: i32) -> Option<Span> {
    Span::new().try_days(number).ok()
}

fn one(name: &str, value: &str, (least, most): (i32, i32)) -> Result<i32, String> {
    let number = Some(value).filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
    let number = number.and_then(|value| value.parse().ok());
    number
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("{name} is a number from {least} to {most}"))
}

/// A list of numbers, ascending and each once.
fn numbers(name: &str, value: &str, (least, most): (i32, i32)) -> Result<Vec<i32>, String> {
    let numbers = value.split(',').map(|text| one(name, text, (least, most)));
    let mut numbers: Vec<i32> = numbers.collect::<Result<_, _>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// A list of numbers from 1 on, or from −1 on counted from the end.
fn from_either_end(name: &str, value: &str, most: i32) -> Result<Vec<i32>, String> {
    let number = |text: &str| {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        Ok(sign * one(name, digits, (1, most))?)
    };
    value.split(',').map(number).collect()
}

fn week_days(value: &str) -> Option<Vec<(i32, Weekday)>> {
    let named = |text: &str| {
        let split = text.len().checked_sub(2)?;
        let (nth, day) = (text.get(..split)?, text.get(split..)?);
        let nth = match nth {
            "" => 0,
            nth => *from_either_end("BYDAY", nth, 53).ok()?.first()?,
        };
        Some((nth, week_day(day)?))
    };
    value.split(',').map(named).collect()
}

fn week_day(text: &str) -> Option<Weekday> {
    Some(match text {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

fn until(value: &str) -> Option<Until> {
    if let Some(local) = value.strip_suffix('Z') {
        let end = DateTime::strptime("%Y%m%dT%H%M%S", local).ok()?;
        let end = jiff::tz::TimeZone::UTC.to_timestamp(end).ok()?;
        return Some(Until::Moment(end));
    }
    let day = |text| Date::strptime("%Y%m%d", text).ok();
    let whole_day = day(value).map(|day| day.at(23, 59, 59, 0));
    let end = whole_day.or_else(|| DateTime::strptime("%Y%m%dT%H%M%S", value).ok())?;
    Some(Until::Local(end))
}
