use omni_protocol::public;

use super::*;

fn service(rule: &str, start: &str, zone: &str) -> Service {
    Service {
        duration_minutes: 60,
        calendar: Some(public::Calendar {
            rule: rule.parse().unwrap(),
            start: start.parse().unwrap(),
            zone: zone.parse().unwrap(),
            capacity: 1,
        }),
    }
}

fn calendar(rule: &str, start: &str, zone: &str) -> Calendar {
    Calendar::of(&service(rule, start, zone)).unwrap().unwrap()
}

/// A moment of UTC as people write it.
fn utc(text: &str) -> Time {
    calendar("FREQ=DAILY", "1970-01-01T00:00", "Etc/UTC")
        .read(text)
        .unwrap()
}

/// The first slots after a moment of UTC, in UTC.
fn slots(of: &Calendar, after: &str, most: usize) -> Vec<String> {
    let (after, days) = (utc(after), 3_000);
    let begins = of.begins((after, after.plus_ms(days * DAY_MS)), most);
    let reading = calendar("FREQ=DAILY", "1970-01-01T00:00", "Etc/UTC");
    begins.iter().map(|time| reading.local(*time)).collect()
}

/// A rule, its start, and the first slots of 2027.
const RULES: &[(&str, &str, &[&str])] = &[
    ("FREQ=DAILY", START, &["01-05T08:30", "01-06T08:30"]),
    (
        "FREQ=DAILY;INTERVAL=10",
        START,
        &["01-05T08:30", "01-15T08:30"],
    ),
    (
        "FREQ=DAILY;BYHOUR=9,7;BYMINUTE=0,30",
        START,
        &["01-05T09:00", "01-05T09:30", "01-06T07:00", "01-06T07:30"],
    ),
    (
        "FREQ=DAILY;BYDAY=MO,FR;COUNT=3",
        START,
        &["01-08T08:30", "01-11T08:30", "01-15T08:30"],
    ),
    (
        "FREQ=DAILY;UNTIL=20270106",
        START,
        &["01-05T08:30", "01-06T08:30"],
    ),
    (
        "FREQ=DAILY;UNTIL=20270106T083000",
        START,
        &["01-05T08:30", "01-06T08:30"],
    ),
    ("FREQ=DAILY;UNTIL=20270106T082959Z", START, &["01-05T08:30"]),
    ("FREQ=WEEKLY", START, &["01-05T08:30", "01-12T08:30"]),
    (
        "FREQ=WEEKLY;BYDAY=MO,TH;INTERVAL=2",
        START,
        &["01-07T08:30", "01-18T08:30", "01-21T08:30"],
    ),
    // RFC 5545: with another first day of the week every other week is another one.
    (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
        START,
        &["01-05T08:30", "01-10T08:30", "01-19T08:30", "01-24T08:30"],
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
        START,
        &["01-05T08:30", "01-17T08:30", "01-19T08:30", "01-31T08:30"],
    ),
    (
        "FREQ=MONTHLY",
        "2027-01-31T08:00",
        &["01-31T08:00", "03-31T08:00", "05-31T08:00"],
    ),
    (
        "FREQ=MONTHLY;BYDAY=1MO,-1FR",
        START,
        &["01-29T08:30", "02-01T08:30", "02-26T08:30"],
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-1,13",
        START,
        &["01-13T08:30", "01-31T08:30", "02-13T08:30"],
    ),
    (
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        START,
        &["08-13T08:30"],
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        START,
        &["01-29T08:30", "02-26T08:30"],
    ),
    ("FREQ=YEARLY", START, &["01-05T08:30"]),
    (
        "FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU",
        START,
        &["03-28T08:30", "10-31T08:30"],
    ),
    ("FREQ=YEARLY;BYDAY=20MO", START, &["05-17T08:30"]),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", START, &[]),
    ("freq=daily;count=1", START, &["01-05T08:30"]),
    // The start is a slot only where the rule gives it, and a count is reckoned from it.
    (
        "FREQ=DAILY;COUNT=3",
        "2026-12-31T08:00",
        &["01-01T08:00", "01-02T08:00"],
    ),
];
const START: &str = "2027-01-05T08:30";

#[test]
fn rules_give_what_the_standard_says() {
    for (rule, start, expected) in RULES {
        let found = slots(
            &calendar(rule, start, "Etc/UTC"),
            "2027-01-01T00:00",
            expected.len() + 1,
        );
        let ends = ["COUNT", "count", "UNTIL"]
            .iter()
            .any(|end| rule.contains(end));
        let looked = if ends { found.len() } else { expected.len() };
        let shown = found.iter().take(looked);
        let shown: Vec<_> = shown
            .filter_map(|time| time.strip_prefix("2027-"))
            .collect();
        assert_eq!(&shown, expected, "{rule}");
    }
}

#[test]
fn a_rule_that_runs_for_long_gives_the_same_slots() {
    let (old, new) = ("1970-01-05T08:00", "2026-01-05T08:00");
    for rule in [
        "FREQ=DAILY;BYDAY=MO",
        "FREQ=MONTHLY;BYDAY=1MO",
        "FREQ=YEARLY;BYMONTH=5",
    ] {
        let since = |start| {
            slots(
                &calendar(rule, start, "Europe/Berlin"),
                "2027-01-01T00:00",
                5,
            )
        };
        assert_eq!(since(old), since(new), "{rule}");
    }
}

#[test]
fn local_times_that_occur_twice_or_never_are_settled() {
    let at = |start: &str, after: &str, most| {
        slots(
            &calendar("FREQ=DAILY;COUNT=9", start, "Europe/Berlin"),
            after,
            most,
        )
    };
    // Clocks are put forward on 28 March 2027: 02:30 does not occur, and is 03:30.
    assert_eq!(
        at("2027-03-27T02:30", "2027-03-27T00:00", 3),
        ["2027-03-27T01:30", "2027-03-28T01:30", "2027-03-29T00:30",]
    );
    // They are put back on 31 October 2027: 02:30 occurs twice, and is the first.
    assert_eq!(
        at("2027-10-30T02:30", "2027-10-30T00:00", 3),
        ["2027-10-30T00:30", "2027-10-31T00:30", "2027-11-01T01:30",]
    );
    // Two local times that become one moment are one slot.
    let both = calendar("FREQ=DAILY;BYHOUR=2,3", "2027-03-01T02:30", "Europe/Berlin");
    assert_eq!(
        slots(&both, "2027-03-28T00:00", 3),
        ["2027-03-28T01:30", "2027-03-29T00:30", "2027-03-29T01:30",]
    );
    // A zone without them, and one that reckons from the other side.
    let noon = |zone| {
        slots(
            &calendar("FREQ=DAILY", "2027-03-01T12:00", zone),
            "2027-03-28T00:00",
            1,
        )
    };
    assert_eq!(noon("Asia/Kolkata"), ["2027-03-28T06:30"]);
    assert_eq!(noon("America/New_York"), ["2027-03-28T16:00"]);
}

/// A rule, and how its refusal begins.
const BAD_RULES: [(&str, &str); 19] = [
    ("", "it is no recurrence rule"),
    ("every day", "it is no recurrence rule"),
    ("RRULE:FREQ=DAILY", "\"RRULE:FREQ\" is no part"),
    ("INTERVAL=2", "FREQ is missing"),
    ("FREQ=HOURLY", "FREQ is DAILY"),
    ("FREQ=DAILY;FREQ=DAILY", "FREQ stands twice"),
    ("FREQ=DAILY;BYSECOND=1", "\"BYSECOND\" is no part"),
    (
        "FREQ=DAILY;INTERVAL=0",
        "INTERVAL is a number from 1 to 999",
    ),
    (
        "FREQ=DAILY;COUNT=1;UNTIL=20270101",
        "COUNT and UNTIL exclude",
    ),
    ("FREQ=DAILY;COUNT=10001", "COUNT is"),
    ("FREQ=DAILY;UNTIL=2027-01-01", "UNTIL is a local time"),
    ("FREQ=DAILY;BYHOUR=24", "BYHOUR is a number from 0 to 23"),
    ("FREQ=DAILY;BYHOUR=", "BYHOUR is"),
    ("FREQ=DAILY;BYDAY=1MO", "BYDAY counts"),
    ("FREQ=MONTHLY;BYDAY=54MO", "BYDAY is a list"),
    ("FREQ=MONTHLY;BYDAY=\u{20ac}", "BYDAY is a list"),
    ("FREQ=MONTHLY;BYDAY=fooMO", "BYDAY is a list"),
    ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY goes with no"),
    ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY is a number from 1"),
];

#[test]
fn what_is_no_calendar_is_refused_by_part() {
    let check = |rule: &str, start: &str, zone: &str, expected: &str| {
        let refused = Calendar::of(&service(rule, start, zone)).unwrap_err();
        assert!(refused.to_string().starts_with(expected), "{refused}");
    };
    let (day, zone) = ("FREQ=DAILY", "Europe/Berlin");
    for (rule, why) in BAD_RULES {
        check(rule, START, zone, &format!("rule: {why}"));
    }
    let hours: Vec<_> = (0..24).map(|hour| hour.to_string()).collect();
    let many = format!(
        "FREQ=DAILY;BYHOUR={};BYMINUTE=0,10,20,30,40",
        hours.join(",")
    );
    check(&many, START, zone, "rule: it begins 120 slots a day");
    for start in [
        "",
        "tomorrow",
        "2027-02-29T08:00",
        "2027-01-05",
        "2027-01-05T08:30Z",
        "1969-12-31T23:00",
    ] {
        check(day, start, zone, "start: it is no local time");
    }
    for zone in ["", "Berlin", "CEST+2", "Europe/Berlin ?", "+02:00"] {
        check(day, START, zone, "zone: no time zone is called");
    }
    let with = |capacity, minutes| {
        let mut service = service(day, START, zone);
        service.duration_minutes = minutes;
        service.calendar.as_mut().unwrap().capacity = capacity;
        Calendar::of(&service).unwrap_err().part
    };
    assert_eq!(with(0, 60), "capacity");
    assert_eq!(with(1, 0), "duration");
    assert_eq!(with(1, u32::MAX), "duration");
}

/// What others write is read, whatever it is.
#[test]
fn hostile_rules_end() {
    let full =
        "BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;BYMINUTE=0,15,30,45";
    for rule in [
        format!("FREQ=YEARLY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYDAY=MO,TU,WE,TH,FR,SA,SU;{full}"),
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=10000".to_owned(),
        "FREQ=YEARLY;INTERVAL=999".to_owned(),
    ] {
        let calendar = calendar(&rule, "1970-01-01T00:00", "Etc/UTC");
        let now = utc("2027-01-01T00:00");
        let begins = calendar.timetable(now);
        assert!(begins.len() <= SLOTS_MAX && begins.is_sorted(), "{rule}");
    }
}
