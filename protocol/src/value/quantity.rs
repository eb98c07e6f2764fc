//! Quantities as whole steps of a unit. What a unit is called, and how its steps are printed, is
//! the shell's matter.

#![warn(clippy::arithmetic_side_effects)]

use core::{fmt, num::NonZeroU64};

use super::{Invalid, Text};
use crate::{
    fence::{Reader, Wire, Writer},
    limits::STEPS_MAX,
};

/// A number of steps, 1 to [`STEPS_MAX`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Steps(NonZeroU64);

impl Steps {
    /// # Errors
    /// `Range` for 0 and above `STEPS_MAX`.
    #[expect(
        clippy::cast_possible_wrap,
        reason = "asserted in money.rs: the limit fits"
    )]
    pub const fn new(steps: u64) -> Result<Self, Invalid> {
        match NonZeroU64::new(steps) {
            Some(steps) if steps.get() <= STEPS_MAX => Ok(Self(steps)),
            _ => Err(Invalid::Range {
                what: "quantity in steps",
                min: 1,
                max: STEPS_MAX as i64,
            }),
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// Whether this is a whole number of `increment`s.
    #[must_use]
    pub const fn is_multiple_of(self, increment: Self) -> bool {
        self.get().is_multiple_of(increment.get())
    }
}

impl Wire for Steps {
    fn put(&self, writer: &mut Writer<'_>) {
        self.get().put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        Self::new(u64::take(reader)?)
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A unit of UN/ECE Recommendation 20 or 21 with the size of one step: 10^−scale of the unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unit {
    code: Text<3, 2>,
    scale: u8,
}

crate::wire!(Unit { code, scale } check);

impl Unit {
    /// The finest scale: a step is a millionth of the unit.
    pub const SCALE_MAX: u8 = 6;

    /// A unit by its code, 2 or 3 characters of `A-Z 0-9`. Whether the Recommendation has it is
    /// not judged.
    ///
    /// # Errors
    /// `Rule` for the code, `Range` for the scale.
    pub fn new(code: &str, scale: u8) -> Result<Self, Invalid> {
        let unit = Self {
            code: code.parse()?,
            scale,
        };
        unit.check()?;
        Ok(unit)
    }

    fn check(&self) -> Result<(), Invalid> {
        if !self
            .code
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        {
            return Err(Invalid::Rule(
                "a unit must be 2 or 3 characters of A-Z 0-9, as C62",
            ));
        }
        if self.scale > Self::SCALE_MAX {
            return Err(Invalid::Range {
                what: "scale",
                min: 0,
                max: Self::SCALE_MAX as i64,
            });
        }
        Ok(())
    }

    /// The code, as `C62` (piece) or `HUR` (hour).
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Decimal digits of a step.
    #[must_use]
    pub const fn scale(&self) -> u8 {
        self.scale
    }
}

/// So many steps of a unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Quantity {
    /// How many.
    pub steps: Steps,
    /// Of what size.
    pub unit: Unit,
}

crate::wire!(Quantity { steps, unit });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_counted_from_one() {
        for (steps, valid) in [
            (0, false),
            (1, true),
            (STEPS_MAX, true),
            (STEPS_MAX + 1, false),
            (u64::MAX, false),
        ] {
            assert_eq!(Steps::new(steps).is_ok(), valid, "{steps}");
        }
        let of = |steps| Steps::new(steps).unwrap();
        assert!(of(12).is_multiple_of(of(4)) && !of(13).is_multiple_of(of(4)));
    }

    #[test]
    fn units_have_a_code_and_a_scale() {
        for (code, scale, valid) in [
            ("C62", 0, true),
            ("HUR", 1, true),
            ("MC", 6, true),
            ("MC", 7, false),
            ("M", 0, false),
            ("C622", 0, false),
            ("c62", 0, false),
            ("C 2", 0, false),
            ("Ü", 0, false),
        ] {
            assert_eq!(Unit::new(code, scale).is_ok(), valid, "{code} {scale}");
        }
    }
}
