//! Amounts of money as integers of a currency's minor unit, and what a line costs. How many digits
//! a currency has, and how an amount is printed, is the shell's matter.

#![warn(clippy::arithmetic_side_effects)]

use core::{fmt, str, str::FromStr};

use super::{Invalid, Steps};
use crate::{
    fence::{Reader, Wire, Writer},
    limits::{MONEY_MINOR_MAX, STEPS_MAX},
};

/// An amount in minor units (cents, pence) within ±[`MONEY_MINOR_MAX`], whose currency stands
/// elsewhere in the structure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minor(i64);

impl Minor {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// # Errors
    /// `Range` beyond ±`MONEY_MINOR_MAX`.
    pub const fn new(minor: i64) -> Result<Self, Invalid> {
        if minor < -MONEY_MINOR_MAX || minor > MONEY_MINOR_MAX {
            return Err(AMOUNT_RANGE);
        }
        Ok(Self(minor))
    }

    /// The number of minor units.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum, or nothing where it leaves the range.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::new(self.0.checked_add(other.0)?).ok()
    }

    /// The difference, or nothing where it leaves the range.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Self::new(self.0.checked_sub(other.0)?).ok()
    }

    /// The sum of all, or nothing where it leaves the range.
    #[must_use]
    pub fn total(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }
}

const AMOUNT_RANGE: Invalid = Invalid::Range {
    what: "amount",
    min: -MONEY_MINOR_MAX,
    max: MONEY_MINOR_MAX,
};

impl Wire for Minor {
    fn put(&self, writer: &mut Writer<'_>) {
        self.0.put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        Self::new(i64::take(reader)?)
    }
}

/// A currency: three letters `A-Z`, an ISO 4217 code. Whether ISO has assigned it is not judged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The first of all, where a walk over keys begins.
    pub(crate) const FIRST: Self = Self(*b"AAA");

    /// # Errors
    /// `Rule` for anything but three letters `A-Z`.
    pub fn new(code: [u8; 3]) -> Result<Self, Invalid> {
        if code.iter().all(u8::is_ascii_uppercase) {
            Ok(Self(code))
        } else {
            Err(Invalid::Rule(
                "a currency must be three letters A-Z, as EUR",
            ))
        }
    }

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Wire for Currency {
    fn put(&self, writer: &mut Writer<'_>) {
        self.0.put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        Self::new(Wire::take(reader)?)
    }
}

impl FromStr for Currency {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::new(text.as_bytes().try_into().unwrap_or_default())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount with its currency. Amounts of different currencies are never added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// How much, in minor units.
    pub minor: Minor,
    /// Of which currency.
    pub currency: Currency,
}

crate::wire!(Money { minor, currency });

impl Money {
    /// The sum, or nothing where the currencies differ or it leaves the range.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        let minor = self.minor.checked_add(other.minor)?;
        Some(Self {
            minor,
            currency: self.currency,
        })
    }
}

/// So many minor units, at least 0, for `per` steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Price {
    minor: Minor,
    per: Steps,
}

crate::wire!(Price { minor, per } check);

impl Price {
    /// # Errors
    /// `Range` below 0.
    pub fn new(minor: Minor, per: Steps) -> Result<Self, Invalid> {
        let price = Self { minor, per };
        price.check()?;
        Ok(price)
    }

    fn check(&self) -> Result<(), Invalid> {
        if self.minor < Minor::ZERO {
            return Err(Invalid::Range {
                what: "price",
                min: 0,
                max: MONEY_MINOR_MAX,
            });
        }
        Ok(())
    }

    /// The minor units for [`per`](Self::per) steps.
    #[must_use]
    pub const fn minor(self) -> Minor {
        self.minor
    }

    /// How many steps the price is for.
    #[must_use]
    pub const fn per(self) -> Steps {
        self.per
    }

    /// What so many steps cost: steps × minor ÷ per, rounded half up to a whole minor unit.
    /// Nothing where that exceeds [`MONEY_MINOR_MAX`].
    #[must_use]
    pub fn line_total(self, steps: Steps) -> Option<Minor> {
        let (steps, per) = (i128::from(steps.get()), i128::from(self.per.get()));
        let doubled = steps
            .checked_mul(i128::from(self.minor.get()))?
            .checked_mul(2)?;
        let rounded = doubled.checked_add(per)?.checked_div(per.checked_mul(2)?)?;
        Minor::new(i64::try_from(rounded).ok()?).ok()
    }
}

// The range of a price is said in i64, which its other bound must fit.
const _: () = assert!(STEPS_MAX <= i64::MAX as u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_round_half_up_once() {
        fn check(minor: i64, per: u64, steps: u64, expected: Option<i64>) {
            let price = Price::new(Minor::new(minor).unwrap(), Steps::new(per).unwrap()).unwrap();
            let total = price.line_total(Steps::new(steps).unwrap());
            assert_eq!(
                total.map(Minor::get),
                expected,
                "{minor} per {per}, {steps} steps"
            );
        }
        check(1999, 1, 3, Some(5997));
        check(1, 2, 1, Some(1));
        check(1, 3, 1, Some(0));
        check(2, 3, 1, Some(1));
        check(5, 10, 1, Some(1));
        check(49, 100, 1, Some(0));
        check(50, 100, 1, Some(1));
        check(4500, 10, 15, Some(6750));
        check(0, 7, STEPS_MAX, Some(0));
        check(MONEY_MINOR_MAX, 1, 1, Some(MONEY_MINOR_MAX));
        check(MONEY_MINOR_MAX, 1, 2, None);
        check(MONEY_MINOR_MAX, STEPS_MAX, STEPS_MAX, Some(MONEY_MINOR_MAX));
        check(MONEY_MINOR_MAX, 1, STEPS_MAX, None);
    }

    #[test]
    fn amounts_stay_in_range() {
        for (minor, valid) in [
            (0, true),
            (MONEY_MINOR_MAX, true),
            (-MONEY_MINOR_MAX, true),
            (MONEY_MINOR_MAX + 1, false),
            (-MONEY_MINOR_MAX - 1, false),
            (i64::MIN, false),
        ] {
            assert_eq!(Minor::new(minor).is_ok(), valid, "{minor}");
        }
        let most = Minor::new(MONEY_MINOR_MAX).unwrap();
        assert_eq!(most.checked_add(Minor::new(1).unwrap()), None);
        assert_eq!(most.checked_sub(most), Some(Minor::ZERO));
        assert!(Price::new(Minor::new(-1).unwrap(), Steps::new(1).unwrap()).is_err());
    }

    #[test]
    fn currencies_are_three_letters_and_never_mix() {
        for (text, valid) in [
            ("EUR", true),
            ("XXX", true),
            ("eur", false),
            ("EU", false),
            ("EURO", false),
            ("", false),
            ("E1R", false),
        ] {
            assert_eq!(text.parse::<Currency>().is_ok(), valid, "{text}");
        }
        let of = |code: &str| Money {
            minor: Minor::ZERO,
            currency: code.parse().unwrap(),
        };
        assert_eq!(of("EUR").checked_add(of("GBP")), None);
        assert_eq!(of("EUR").checked_add(of("EUR")), Some(of("EUR")));
    }
}
