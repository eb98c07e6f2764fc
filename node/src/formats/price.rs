//! Reads what a price says: an exact number, and a currency's code or sign beside it. Converts nothing.

use iso_currency::Currency;

use super::{
    decimal::{Decimal, Separator},
    problem::Reason,
};

/// A price as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) number: Decimal,
    pub(super) named: Named,
}

/// The currency that stands in a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Nothing,
    Code(Currency),
    /// A sign that stands for one of these; often for several.
    Sign(&'static str, &'static [Currency]),
}

#[rustfmt::skip]
const SIGNS: &[(&str, &[Currency])] = &[
    ("€", &[Currency::EUR]),
    ("£", &[Currency::GBP]),
    ("zł", &[Currency::PLN]),
    ("Kč", &[Currency::CZK]),
    ("Ft", &[Currency::HUF]),
    ("฿", &[Currency::THB]),
    ("₴", &[Currency::UAH]),
    ("грн", &[Currency::UAH]),
    ("₹", &[Currency::INR]),
    ("₺", &[Currency::TRY]),
    ("₩", &[Currency::KRW]),
    ("₪", &[Currency::ILS]),
    ("₫", &[Currency::VND]),
    ("Fr.", &[Currency::CHF]),
    ("$", &[Currency::USD, Currency::CAD, Currency::AUD, Currency::NZD, Currency::SGD, Currency::HKD, Currency::TWD, Currency::MXN, Currency::CLP, Currency::COP, Currency::ARS]),
    ("¥", &[Currency::JPY, Currency::CNY]),
    ("kr", &[Currency::SEK, Currency::NOK, Currency::DKK, Currency::ISK]),
    ("R$", &[Currency::BRL]),
    ("US$", &[Currency::USD]),
    ("C$", &[Currency::CAD]),
    ("A$", &[Currency::AUD]),
];

/// Reads a price from a cell's text.
pub(super) fn written(text: &str, separator: Option<Separator>) -> Result<Written, Reason> {
    let text = text.trim();
    let is_of_number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '\u{2212}');
    // A sign may end in a point (`Fr.`), so the number begins at its first digit, and takes a point only from a sign-less front.
    let start = text.find(is_of_number).unwrap_or(text.len());
    let end = text
        .rfind(|c: char| c.is_ascii_digit())
        .map_or(start, |i| i.saturating_add(1));
    let (Some(mut front), Some(mut number), Some(back)) =
        (text.get(..start), text.get(start..end), text.get(end..))
    else {
        return Err(Reason::Number(super::decimal::NumberFault::NotANumber));
    };
    if matches!(front.trim(), "." | ",") {
        (front, number) = ("", text.get(..end).unwrap_or(number));
    }
    let named = match (front.trim(), back.trim()) {
        ("", "") => Named::Nothing,
        (name, "") | ("", name) => named(name)?,
        // `-€ 5` and the like: the number begins with the sign of a negative number and goes on after the currency's.
        _ => return Err(Reason::Number(super::decimal::NumberFault::NotANumber)),
    };
    let number = Decimal::from_text(number, separator).map_err(Reason::Number)?;
    Ok(Written { number, named })
}

fn named(name: &str) -> Result<Named, Reason> {
    if let Some((sign, currencies)) = SIGNS.iter().find(|(sign, _)| *sign == name) {
        return Ok(Named::Sign(sign, currencies));
    }
    match currency(name) {
        Ok(currency) => Ok(Named::Code(currency)),
        Err(_) => Err(Reason::Number(super::decimal::NumberFault::NotANumber)),
    }
}

/// A currency by its ISO 4217 code, upper or lower case; only one that has a minor unit, so that one can pay in it.
pub(super) fn currency(code: &str) -> Result<Currency, Reason> {
    let code = code.trim().to_ascii_uppercase();
    let currency = Currency::from_code(&code)
        .filter(|c| c.exponent().is_some() && !c.is_special() && !c.is_fund());
    currency.ok_or(Reason::UnknownCurrency)
}

/// The currency of a row: what its currency column says and what its price names have to agree; `otherwise` stands where both are
/// silent, and tells of which dollar a `$` speaks.
pub(super) fn agreed(
    column: Option<Currency>,
    named: Named,
    otherwise: Option<Currency>,
) -> Result<Currency, Reason> {
    let other = |named: &str, row: Currency| Reason::OtherCurrency {
        named: named.to_owned(),
        row: row.code().to_owned(),
    };
    match (column, named) {
        (Some(row), Named::Code(code)) if code != row => Err(other(code.code(), row)),
        (Some(row), Named::Sign(sign, all)) if !all.contains(&row) => Err(other(sign, row)),
        (Some(row), _) => Ok(row),
        (None, Named::Code(code)) => Ok(code),
        (None, Named::Sign(_, [only])) => Ok(*only),
        (None, Named::Sign(sign, all)) => match otherwise {
            Some(row) if all.contains(&row) => Ok(row),
            Some(row) => Err(other(sign, row)),
            None => Err(Reason::NoCurrency),
        },
        (None, Named::Nothing) => otherwise.ok_or(Reason::NoCurrency),
    }
}

/// Digits of the minor unit.
pub(super) fn exponent(currency: Currency) -> u32 {
    currency.exponent().map_or(2, u32::from)
}
