//! Times for people: milliseconds since 1970 as a date and time of day, and spans as one reads a
//! clock. What they are the times of is kept out.

use jiff::Timestamp;

/// A time in UTC, to the second.
pub(super) fn when(ms: u64) -> String {
    let at = i64::try_from(ms).ok();
    let at = at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.map_or_else(
        || format!("{ms} ms"),
        |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
    )
}

/// A time in UTC, to the minute, as slots are named.
pub(super) fn minute(ms: u64) -> String {
    let at = i64::try_from(ms).ok();
    let at = at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.map_or_else(
        || format!("{ms} ms"),
        |at| at.strftime("%Y-%m-%dT%H:%MZ").to_string(),
    )
}

/// How long from `now_ms` until `ms`: `1 h 59 min`, or that it is over.
pub(super) fn left(ms: u64, now_ms: u64) -> String {
    let Some(left) = ms.checked_sub(now_ms) else {
        return "over".to_owned();
    };
    let minutes = left / 60_000;
    let (days, hours) = (minutes / 1_440, minutes / 60 % 24);
    match (days, hours, minutes % 60) {
        (0, 0, 0) => format!("{} s left", left / 1_000),
        (0, 0, minutes) => format!("{minutes} min left"),
        (0, hours, minutes) => format!("{hours} h {minutes} min left"),
        (days, hours, _) => format!("{days} d {hours} h left"),
    }
}

/// Seconds for people: the two largest units.
pub(super) fn span(seconds: u64) -> String {
    let (minutes, s) = (seconds / 60, seconds % 60);
    let (hours, m) = (minutes / 60, minutes % 60);
    let (days, h) = (hours / 24, hours % 24);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{s} s"),
        (0, 0, _) => format!("{m} min {s} s"),
        (0, _, _) => format!("{h} h {m} min"),
        (_, _, _) => format!("{days} d {h} h"),
    }
}

/// The time of this machine.
pub(super) fn now_ms() -> u64 {
    crate::clock::Clock::System.now_ms()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_on_a_clock() {
        assert_eq!(when(0), "1970-01-01 00:00:00Z");
        assert_eq!(when(1_795_296_000_999), "2026-11-21 21:20:00Z");
        assert_eq!(when(u64::MAX), format!("{} ms", u64::MAX));
        assert_eq!(minute(1_795_296_000_000), "2026-11-21T21:20Z");
        let check = |left_ms: u64, text: &str| assert_eq!(left(1_000 + left_ms, 1_000), text);
        check(0, "0 s left");
        check(59_999, "59 s left");
        check(60_000, "1 min left");
        check(7_199_000, "1 h 59 min left");
        check(86_400_000, "1 d 0 h left");
        assert_eq!(left(1, 2), "over");
    }

    #[test]
    fn spans_show_two_units() {
        let check = |seconds: u64, expected: &str| assert_eq!(span(seconds), expected);
        check(0, "0 s");
        check(61, "1 min 1 s");
        check(3_600, "1 h 0 min");
        check(90_000, "1 d 1 h");
    }
}
