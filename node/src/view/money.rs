//! Amounts and quantities as people and programs write them: decimal text, with as many digits as
//! ISO 4217 gives the currency, or the unit's scale gives its steps. No number here ever becomes a
//! float, and none is rounded: a text that says more than the minor unit can hold is refused.

use std::fmt;

use omni_protocol::value::{Currency, Minor, Money, Steps, Unit};
use serde::{Deserialize, Serialize};

use crate::formats::decimal::Decimal;
use crate::formats::units::word;

/// An amount of money in a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyView {
    /// Whole minor units of the currency: cents, pence.
    pub minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// The same for people, without the currency: `129.00`.
    pub text: String,
}

/// As people read it: `129.00 EUR`.
impl fmt::Display for MoneyView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.text, self.currency)
    }
}

/// Why a text is no amount or quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAmount {
    /// Not a plain decimal number.
    #[error("\"{0}\" is not a number such as 12.34: digits, and a point before the decimals")]
    NotANumber(String),
    /// No currency of ISO 4217 in which one can pay.
    #[error("\"{0}\" is no currency of ISO 4217 with which one can pay, such as EUR")]
    Currency(String),
    /// More decimals than the minor unit has.
    #[error("\"{text}\" has more decimals than {of} takes ({digits})")]
    TooFine {
        /// As written.
        text: String,
        /// The currency or the unit.
        of: String,
        /// Decimals that it takes.
        digits: u32,
    },
    /// Beyond what the market's rules allow.
    #[error("\"{0}\" is out of range")]
    Range(String),
}

/// The amount as a document has it.
#[must_use]
pub fn amount(money: &Money) -> MoneyView {
    MoneyView {
        minor: money.minor.get(),
        currency: money.currency.to_string(),
        text: amount_text(money.minor, money.currency),
    }
}

/// Minor units as decimal text, `129.00`. A currency that ISO 4217 does not list gets two digits.
#[must_use]
pub fn amount_text(minor: Minor, currency: Currency) -> String {
    decimal_text(minor.get().into(), digits(currency).unwrap_or(2))
}

/// Reads an amount such as `500.00`, negative ones too, in the currency with this code.
///
/// # Errors
/// See [`BadAmount`].
pub fn parse_amount(text: &str, currency: &str) -> Result<Money, BadAmount> {
    let bad_currency = || BadAmount::Currency(currency.to_owned());
    let currency: Currency = currency.parse().map_err(|_why| bad_currency())?;
    let digits = digits(currency).ok_or_else(bad_currency)?;
    let minor = at_digits(text, digits, currency.as_str())?;
    let minor = Minor::new(minor).map_err(|_why| BadAmount::Range(text.to_owned()))?;
    Ok(Money { minor, currency })
}

/// Steps of a unit as decimal text: 15 steps of a tenth of an hour are `1.5`.
#[must_use]
pub fn quantity_text(steps: u64, unit: &Unit) -> String {
    let text = decimal_text(steps.into(), unit.scale().into());
    match text.split_once('.') {
        Some((whole, decimals)) if decimals.bytes().all(|b| b == b'0') => whole.to_owned(),
        Some(_) | None => text,
    }
}

/// Reads a quantity such as `1.5`, which may be 0, as steps of the unit.
///
/// # Errors
/// See [`BadAmount`]; a quantity is never rounded to a whole step.
pub fn parse_quantity(text: &str, unit: &Unit) -> Result<u64, BadAmount> {
    let steps = at_digits(text, unit.scale().into(), word(unit.code()))?;
    let range = || BadAmount::Range(text.to_owned());
    let steps = u64::try_from(steps).map_err(|_why| range())?;
    if steps > 0 {
        Steps::new(steps).map_err(|_why| range())?;
    }
    Ok(steps)
}

/// Decimal digits of the currency's minor unit, if ISO 4217 lists it with one.
#[must_use]
pub fn digits(currency: Currency) -> Option<u32> {
    let known = iso_currency::Currency::from_code(currency.as_str())?;
    known.exponent().map(u32::from)
}

fn at_digits(text: &str, digits: u32, of: &str) -> Result<i64, BadAmount> {
    let plain = |c: char| c.is_ascii_digit() || c == '.';
    let body = text.strip_prefix('-').unwrap_or(text);
    let number = Decimal::from_json(text)
        .ok()
        .filter(|_| body.chars().all(plain) && body.starts_with(|c: char| c.is_ascii_digit()));
    let number = number.ok_or_else(|| BadAmount::NotANumber(text.to_owned()))?;
    if number.places() > digits {
        return Err(BadAmount::TooFine {
            text: text.to_owned(),
            of: of.to_owned(),
            digits,
        });
    }
    number
        .at_places(digits)
        .ok_or_else(|| BadAmount::Range(text.to_owned()))
}

fn decimal_text(units: i128, digits: u32) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let width = usize::try_from(digits).unwrap_or_default();
    let padded = format!("{:0>1$}", units.unsigned_abs(), width.saturating_add(1));
    let (whole, decimals) = padded.split_at(padded.len().saturating_sub(width));
    if decimals.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{decimals}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        let check = |text: &str, currency: &str, minor: i64, shown: &str| {
            let money = parse_amount(text, currency).unwrap();
            assert_eq!(money.minor.get(), minor, "{text} {currency}");
            assert_eq!(amount(&money).text, shown, "{text} {currency}");
        };
        check("129", "GBP", 12_900, "129.00");
        check("0.05", "EUR", 5, "0.05");
        check("-0.5", "EUR", -50, "-0.50");
        check("500", "JPY", 500, "500");
        check("1.234", "KWD", 1_234, "1.234");
        check("12.300", "EUR", 1_230, "12.30");
        check("0", "EUR", 0, "0.00");
    }

    #[test]
    fn hostile_amounts_are_refused_and_never_rounded() {
        for (text, currency) in [
            ("", "EUR"),
            ("1,5", "EUR"),
            ("1e3", "EUR"),
            (".5", "EUR"),
            ("1.2.3", "EUR"),
            ("NaN", "EUR"),
            ("١٢", "EUR"),
            ("1.005", "EUR"),
            ("1.5", "JPY"),
            ("99999999999999999999", "EUR"),
            ("10000000000000.01", "EUR"),
            ("1", "eur"),
            ("1", "ZZZ"),
            ("1", "XAU"),
        ] {
            assert!(parse_amount(text, currency).is_err(), "{text} {currency}");
        }
    }

    #[test]
    fn quantities_are_whole_steps() {
        let check = |text: &str, (code, scale): (&str, u8), steps: Option<u64>, shown: &str| {
            let unit = Unit::new(code, scale).unwrap();
            assert_eq!(parse_quantity(text, &unit).ok(), steps, "{text}");
            if let Some(steps) = steps {
                assert_eq!(quantity_text(steps, &unit), shown, "{text}");
            }
        };
        check("40", ("C62", 0), Some(40), "40");
        check("1.5", ("HUR", 1), Some(15), "1.5");
        check("2.0", ("HUR", 1), Some(20), "2");
        check("0", ("C62", 0), Some(0), "0");
        check("1.5", ("C62", 0), None, "");
        check("-1", ("C62", 0), None, "");
        check("1000000000001", ("C62", 0), None, "");
    }
}
