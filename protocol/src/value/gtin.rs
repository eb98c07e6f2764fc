//! Global Trade Item Numbers. Which company a number belongs to is not judged.

use core::{fmt, str::FromStr};

use super::Invalid;
use crate::fence::{Reader, Wire, Writer};

/// A GTIN of at most 14 digits, the last of which is the check digit of GS1 General Specifications
/// 7.9. The forms of 8, 12, 13 and 14 digits are the same number with zeros in front.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gtin(u64);

impl Gtin {
    /// # Errors
    /// `Rule` for more than 14 digits or a wrong check digit.
    pub fn new(number: u64) -> Result<Self, Invalid> {
        if number >= 100_000_000_000_000 {
            return Err(Invalid::Rule("a GTIN must have at most 14 digits"));
        }
        // From the right, the check digit counts once, its neighbour three times, and so on.
        let (mut rest, mut sum, mut weight) = (number, 0, 1);
        while rest > 0 {
            sum += rest % 10 * weight;
            rest /= 10;
            weight = 4 - weight;
        }
        if sum % 10 != 0 {
            return Err(Invalid::Rule(
                "a GTIN must end in its check digit; compare the last digit",
            ));
        }
        Ok(Self(number))
    }

    /// The number without zeros in front.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for Gtin {
    type Err = Invalid;

    /// Reads the forms of 8, 12, 13 and 14 digits.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && matches!(text.len(), 8 | 12 | 13 | 14) => Self::new(number),
            _ => Err(Invalid::Rule(
                "a GTIN must have 8, 12, 13 or 14 digits and nothing else",
            )),
        }
    }
}

impl Wire for Gtin {
    fn put(&self, writer: &mut Writer<'_>) {
        self.0.put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        Self::new(u64::take(reader)?)
    }
}

impl fmt::Display for Gtin {
    /// The form of 14 digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014}", self.0)
    }
}

impl fmt::Debug for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_judged() {
        fn check(text: &str, expected: Option<u64>) {
            assert_eq!(text.parse::<Gtin>().ok().map(Gtin::get), expected, "{text}");
        }
        check("4006381333931", Some(4_006_381_333_931));
        check("04006381333931", Some(4_006_381_333_931));
        check("4006381333932", None);
        check("96385074", Some(96_385_074));
        check("036000291452", Some(36_000_291_452));
        check("6291041500213", Some(6_291_041_500_213));
        check("629104150021", None);
        check("+6291041500213", None);
        check("", None);
        check("62910415002130", None);
    }

    #[test]
    fn text_has_fourteen_digits() {
        let gtin: Gtin = "96385074".parse().unwrap();
        assert_eq!(alloc::format!("{gtin}"), "00000096385074");
        assert!(Gtin::new(100_000_000_000_000).is_err());
    }
}
