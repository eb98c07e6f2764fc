//! Points in time as milliseconds. Calendars, zones and the clock itself are the shell's matter.

#![warn(clippy::arithmetic_side_effects)]

use super::Invalid;
use crate::{
    fence::{Reader, Wire, Writer},
    limits::TIME_MS_MAX,
};

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted, at most [`TIME_MS_MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The end of the year 9999.
    pub const MAX: Self = Self(TIME_MS_MAX);

    /// # Errors
    /// `Range` after the year 9999.
    #[expect(clippy::cast_possible_wrap, reason = "the limit has 48 bits")]
    pub const fn new(ms: u64) -> Result<Self, Invalid> {
        if ms > TIME_MS_MAX {
            return Err(Invalid::Range {
                what: "time",
                min: 0,
                max: TIME_MS_MAX as i64,
            });
        }
        Ok(Self(ms))
    }

    /// The milliseconds.
    #[must_use]
    pub const fn ms(self) -> u64 {
        self.0
    }

    /// So much later, but never after [`Self::MAX`].
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms).min(TIME_MS_MAX))
    }

    /// So much earlier, but never before 1970.
    #[must_use]
    pub const fn minus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms))
    }

    /// How long after `earlier` this is, 0 if it is not.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Wire for Time {
    fn put(&self, writer: &mut Writer<'_>) {
        self.0.put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        Self::new(u64::take(reader)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_saturate_at_their_ends() {
        let end = Time::new(TIME_MS_MAX).unwrap();
        assert!(Time::new(TIME_MS_MAX + 1).is_err());
        assert_eq!(end.plus_ms(u64::MAX), Time::MAX);
        assert_eq!(Time::default().minus_ms(1), Time::default());
        assert_eq!(Time::new(7).unwrap().ms_since(end), 0);
        assert_eq!(end.ms_since(Time::new(9).unwrap()), TIME_MS_MAX - 9);
    }
}
