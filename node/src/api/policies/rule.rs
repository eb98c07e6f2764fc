//! A policy as its document means it: each field checked, and what a wrong one should be. Whether it
//! fits a request is kept out.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Time as Clock;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use omni_protocol::hash::SubjectId;
use omni_protocol::limits::SKU_BYTES_MAX;
use omni_protocol::machine::{Articles, Key, Sourced, When, own_offer};
use omni_protocol::slot::Family;
use omni_protocol::value::{Money, Text};

use crate::api::sources::{self, Source, amounts};
use crate::api::{ApiCode, Problem, Reading};
use crate::view::policy::{HoursDoc, POLICY_WHENS, PolicyDoc, WEEKDAYS};

/// Characters of a name.
const NAME_MAX: usize = 32;
/// Articles that one policy names.
const SKUS_MAX: usize = 256;
/// A mark-up of a hundred times.
const MARKUP_MAX: u32 = 1_000_000;
const MINUTE_S: u32 = 60;
const HOUR_MINUTES: u32 = 60;
const DAY_MINUTES: u32 = 24 * HOUR_MINUTES;

/// A policy at work.
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) works_for: Sourced,
    pub(super) sources: Vec<Source>,
    /// Hundredths of a percent of the cost.
    pub(super) markup: Option<u32>,
    pub(super) margin: Vec<Money>,
    pub(super) per_deal: Vec<Money>,
    pub(super) per_day: Vec<Money>,
    hours: Option<Hours>,
    zone: TimeZone,
}

struct Hours {
    /// From Monday on.
    days: [bool; 7],
    /// Minutes of the day.
    from: u32,
    until: u32,
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(ApiCode::Invalid, detail)
}

impl Rule {
    /// Reads a policy's document.
    ///
    /// # Errors
    /// `invalid` for a field that is not what it should be, `not-found` for a partner that is not known.
    pub(super) fn read(reading: &Reading, doc: &PolicyDoc) -> Result<Self, Problem> {
        check_name(&doc.name)?;
        let zone = doc.zone.as_deref().map_or(Ok(TimeZone::UTC), zone)?;
        let sources = sources::read(reading, &doc.from, "a policy")?;
        Ok(Self {
            name: doc.name.clone(),
            works_for: works_for(doc)?,
            sources,
            markup: doc.markup.as_deref().map(percent).transpose()?,
            margin: amounts("margin", &doc.margin)?,
            per_deal: amounts("per_deal", &doc.per_deal)?,
            per_day: amounts("per_day", &doc.per_day)?,
            hours: doc.hours.as_ref().map(hours).transpose()?,
            zone,
        })
    }

    /// Whether it works at this time.
    pub(super) fn works_at(&self, ms: u64) -> bool {
        let Some(hours) = &self.hours else {
            return true;
        };
        let Some(local) = local(ms, &self.zone) else {
            return false;
        };
        let day = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or_default();
        let part = |number: i8| u32::try_from(number).unwrap_or_default();
        let minutes = part(local.hour())
            .saturating_mul(HOUR_MINUTES)
            .saturating_add(part(local.minute()));
        hours.days.get(day) == Some(&true) && (hours.from..hours.until).contains(&minutes)
    }

    /// When the day began, in its zone, to which this time belongs.
    pub(super) fn day_began(&self, ms: u64) -> u64 {
        let began = local(ms, &self.zone).and_then(|local| local.start_of_day().ok());
        let began = began.map(|began| began.timestamp().as_millisecond());
        began
            .and_then(|began| u64::try_from(began).ok())
            .unwrap_or(ms)
    }
}

fn local(ms: u64, zone: &TimeZone) -> Option<jiff::Zoned> {
    let ms = i64::try_from(ms).ok()?;
    let time = Timestamp::from_millisecond(ms).ok()?;
    Some(time.to_zoned(zone.clone()))
}

pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(is_plain) {
        let detail = format!(
            "name: \"{name}\" is none; a policy is called by 1 to {NAME_MAX} of a to z, 0 to 9 and -."
        );
        return Err(invalid(detail).next("such as: omni policy add mounting --from PARTNER"));
    }
    Ok(())
}

fn works_for(doc: &PolicyDoc) -> Result<Sourced, Problem> {
    let what = match (doc.list.as_deref(), doc.skus.as_slice()) {
        (None, []) => Articles::All,
        (Some(list), []) => {
            Articles::List(Text::new(list).map_err(|why| invalid(format!("list: {why}.")))?)
        }
        (None, skus) if skus.len() <= SKUS_MAX => {
            let read = |sku: &String| Text::new(sku.as_str());
            let skus: Result<Vec<_>, _> = skus.iter().map(read).collect();
            Articles::These(skus.map_err(|why| invalid(format!("skus: {why}.")))?)
        }
        (None, _) => return Err(invalid(format!("skus: at most {SKUS_MAX}."))),
        (Some(_), [_, ..]) => {
            return Err(invalid("A policy is for articles or for a list, not both.")
                .next("make one of each: omni policy add"));
        }
    };
    let when = match doc.when.as_deref() {
        None | Some("short") => When::Short,
        Some("always") => When::Always,
        Some(other) => {
            let all = POLICY_WHENS.join(" or ");
            return Err(invalid(format!(
                "when: \"{other}\" is neither; it is {all}."
            )));
        }
    };
    Ok(Sourced { what, when })
}

/// Refuses a new policy whose articles nobody offers: a wrong number more often than not.
pub(super) fn check_offers(reading: &Reading, rule: &Rule) -> Result<(), Problem> {
    if let Articles::These(skus) = &rule.works_for.what {
        let known: BTreeSet<Text<SKU_BYTES_MAX, 1>> = own_articles(reading).collect();
        if let Some(sku) = skus.iter().find(|sku| !known.contains(sku)) {
            let problem = sources::unknown("this node", sku.as_str());
            return Err(problem.next("see your own: omni offer ls --mine"));
        }
    }
    sources::check_offers(reading, &rule.sources)
}

/// The numbers of all articles that this node offers, in whatever list.
fn own_articles(reading: &Reading) -> impl Iterator<Item = Text<SKU_BYTES_MAX, 1>> + '_ {
    let family = Family::Offer.number();
    let subject = SubjectId::ONLY;
    let slots = reading.after(Key::Slot { family, subject });
    let subjects = slots.map_while(move |(key, _)| {
        let Key::Slot {
            family: of,
            subject,
        } = key
        else {
            return None;
        };
        (of == family).then_some(subject)
    });
    let now = reading.now();
    let offers =
        subjects.filter_map(move |subject| own_offer(reading, &reading.network, subject, now));
    offers.map(|(_, offer)| offer.draft().sku.clone())
}

/// Percent with two decimals at most, as hundredths.
fn percent(text: &str) -> Result<u32, Problem> {
    let wrong = || {
        invalid(format!(
            "markup: \"{text}\" is no percentage from 0 to 10000 with two decimals at most, such as 12.5."
        ))
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > 2 {
        return Err(wrong());
    }
    let hundredths = format!("{whole}{part:0<2}").parse::<u32>().ok();
    hundredths
        .filter(|number| *number <= MARKUP_MAX)
        .ok_or_else(wrong)
}

fn hours(doc: &HoursDoc) -> Result<Hours, Problem> {
    let mut days = [doc.days.is_empty(); 7];
    for day in &doc.days {
        let place = WEEKDAYS.iter().position(|known| known == day);
        let place = place.and_then(|place| days.get_mut(place)).ok_or_else(|| {
            let all = WEEKDAYS.join(", ");
            invalid(format!("days: \"{day}\" is none of {all}."))
        })?;
        *place = true;
    }
    let (from, until) = (minutes(&doc.from)?, minutes(&doc.until)?);
    if from >= until {
        let detail = format!(
            "hours: they end at {} and begin at {}; a night is two policies.",
            doc.until, doc.from
        );
        return Err(invalid(detail).next("such as: --hours 08:00-18:00"));
    }
    Ok(Hours { days, from, until })
}

/// A time of the day up to 24:00, in minutes.
fn minutes(text: &str) -> Result<u32, Problem> {
    if text == "24:00" {
        return Ok(DAY_MINUTES);
    }
    let wrong = || {
        invalid(format!(
            "hours: \"{text}\" is no time of a day from 00:00 to 24:00, such as 08:30."
        ))
    };
    let time: Clock = Clock::strptime("%H:%M", text).map_err(|_why| wrong())?;
    let part = |number: i8| u32::try_from(number).unwrap_or_default();
    Ok(part(time.hour())
        .saturating_mul(HOUR_MINUTES)
        .saturating_add(part(time.minute())))
}

fn zone(text: &str) -> Result<TimeZone, Problem> {
    if text == "UTC" {
        return Ok(TimeZone::UTC);
    }
    let wrong = |why: &str| {
        let detail = format!("zone: \"{text}\" {why}.");
        invalid(detail).next("such as: --zone Europe/Berlin, --zone +01:00, --zone UTC")
    };
    if let Some((sign, shift)) = text
        .split_at_checked(1)
        .filter(|(sign, _)| matches!(*sign, "+" | "-"))
    {
        let minutes = minutes(shift).map_err(|_why| wrong("is no shift from UTC"))?;
        let seconds = i32::try_from(minutes.saturating_mul(MINUTE_S)).unwrap_or_default();
        let seconds = if sign == "-" {
            seconds.saturating_neg()
        } else {
            seconds
        };
        let offset = Offset::from_seconds(seconds).map_err(|_why| wrong("is no shift from UTC"))?;
        return Ok(TimeZone::fixed(offset));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '/');
    let is_place = text.chars().all(is_plain) && text.split('/').all(|part| !part.is_empty());
    if !is_place {
        return Err(wrong("is neither UTC nor a shift from it nor a place"));
    }
    let zone = TimeZoneDatabase::bundled().get(text);
    zone.map_err(|_unknown| wrong("is no place whose time this machine knows"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday 2026-11-23, 08:00 UTC.
    const MONDAY_MS: u64 = 1_795_420_800_000;
    const HOUR_MS: u64 = 3_600_000;

    fn at(days: &[&str], (from, until): (&str, &str), of: &str) -> Rule {
        let doc = HoursDoc {
            days: days.iter().map(|day| (*day).to_owned()).collect(),
            from: from.to_owned(),
            until: until.to_owned(),
        };
        Rule {
            name: "test".to_owned(),
            works_for: Sourced {
                what: Articles::All,
                when: When::Short,
            },
            sources: Vec::new(),
            markup: None,
            margin: Vec::new(),
            per_deal: Vec::new(),
            per_day: Vec::new(),
            hours: Some(hours(&doc).expect("hours")),
            zone: zone(of).expect("a zone"),
        }
    }

    #[test]
    fn hours_are_those_of_the_zone() {
        let works = |days: &[&str], hours, zone, ms| at(days, hours, zone).works_at(ms);
        assert!(works(&[], ("08:00", "18:00"), "UTC", MONDAY_MS));
        assert!(!works(&[], ("08:00", "18:00"), "UTC", MONDAY_MS - 1));
        assert!(!works(
            &[],
            ("08:00", "18:00"),
            "UTC",
            MONDAY_MS + 10 * HOUR_MS
        ));
        assert!(works(
            &[],
            ("00:00", "24:00"),
            "UTC",
            MONDAY_MS + 15 * HOUR_MS
        ));
        assert!(works(&["mon"], ("08:00", "09:00"), "UTC", MONDAY_MS));
        assert!(!works(&["tue"], ("08:00", "09:00"), "UTC", MONDAY_MS));
        assert!(works(&[], ("09:00", "10:00"), "+01:00", MONDAY_MS));
        assert!(works(&["sun"], ("22:00", "24:00"), "-10:00", MONDAY_MS));
    }

    #[test]
    fn a_day_begins_in_the_zone() {
        let rule = |zone| at(&[], ("00:00", "24:00"), zone);
        assert_eq!(rule("UTC").day_began(MONDAY_MS), MONDAY_MS - 8 * HOUR_MS);
        assert_eq!(rule("+01:00").day_began(MONDAY_MS), MONDAY_MS - 9 * HOUR_MS);
    }

    #[test]
    fn hostile_fields_are_refused() {
        for text in ["", "25:00", "8", "08:60", "-1:00", "08:00:00", "24:01"] {
            assert!(minutes(text).is_err(), "{text:?}");
        }
        for text in [
            "",
            "..",
            "../etc",
            "/etc",
            "Nowhere/Land",
            "+26:00",
            "+1",
            "a//b",
            "CET 1",
        ] {
            assert!(zone(text).is_err(), "{text:?}");
        }
        for text in ["", "-1", "1.234", "1e3", "10001", "1.", ".5", "99999999999"] {
            assert!(percent(text).is_err(), "{text:?}");
        }
        assert_eq!(percent("12.5").ok(), Some(1250));
        assert_eq!(percent("10").ok(), Some(1000));
        for name in ["", "A", "a b", "ä", "a/b", &"a".repeat(33)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }
}
