//! Exact decimals from text: digits are moved, never computed with floats. Judges separators, knows no currency.

use super::limits::DIGITS_MAX;

/// units × 10^−places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    units: i128,
    places: u32,
}

/// The sign before the decimal places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    Point,
    Comma,
}

/// Why a text is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberFault {
    #[error("is not a number")]
    NotANumber,
    #[error(
        "may mean two numbers, since its only separator stands before three digits: say which with --decimal point or --decimal comma"
    )]
    Ambiguous,
    #[error("groups its digits otherwise than by threes")]
    Grouping,
    #[error(
        "is in a spreadsheet's shortened form, whose last digits are lost: export the column as text"
    )]
    Shortened,
    #[error("has more digits than any amount needs")]
    TooManyDigits,
}

impl Decimal {
    /// Reads a number as JSON writes it, exponent included. Nothing is ambiguous there.
    ///
    /// # Errors
    /// `NotANumber` for other text, `TooManyDigits` where the number does not fit.
    pub fn from_json(text: &str) -> Result<Self, NumberFault> {
        let (negative, body) = signed(text);
        let (mantissa, exponent) = match body.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, small_exponent(exponent)?),
            None => (body, 0),
        };
        let (whole, places) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let value = Self::from_digits(negative, whole, places)?;
        value.shifted(exponent)
    }

    /// Reads a number as people write it: digits, at most one decimal separator, groups of three divided by point, comma, space or
    /// apostrophe. A single separator before exactly three digits is refused unless `separator` says what it is.
    ///
    /// # Errors
    /// One variant for each way to be unclear.
    pub fn from_text(text: &str, separator: Option<Separator>) -> Result<Self, NumberFault> {
        let (negative, body) = signed(text.trim());
        if is_shortened(body) {
            return Err(NumberFault::Shortened);
        }
        let fits = |c: char| c.is_ascii_digit() || is_point(c) || is_group(c);
        if !body.starts_with(|c: char| c.is_ascii_digit() || is_point(c)) || !body.chars().all(fits)
        {
            return Err(NumberFault::NotANumber);
        }
        let (whole, places) = split_places(body, separator)?;
        let whole = ungrouped(whole)?;
        Self::from_digits(negative, &whole, places)
    }

    fn from_digits(negative: bool, whole: &str, places: &str) -> Result<Self, NumberFault> {
        let is_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() && places.is_empty() || !is_digits(whole) || !is_digits(places) {
            return Err(NumberFault::NotANumber);
        }
        let places = places.trim_end_matches('0');
        let digits = format!("{}{places}", whole.trim_start_matches('0'));
        if digits.len() > DIGITS_MAX {
            return Err(NumberFault::TooManyDigits);
        }
        let units: i128 = match digits.as_str() {
            "" => 0,
            digits => digits
                .parse()
                .map_err(|_not_digits| NumberFault::NotANumber)?,
        };
        let places = u32::try_from(places.len()).map_err(|_too_long| NumberFault::TooManyDigits)?;
        Ok(Self {
            units: if negative { -units } else { units },
            places,
        })
    }

    /// This number × 10^exponent.
    fn shifted(self, exponent: i32) -> Result<Self, NumberFault> {
        let more = exponent.unsigned_abs();
        if exponent < 0 {
            let places = self.places.saturating_add(more);
            return Ok(Self {
                units: self.units,
                places,
            });
        }
        if more <= self.places {
            let places = self.places - more;
            return Ok(Self {
                units: self.units,
                places,
            });
        }
        let units = 10_i128
            .checked_pow(more - self.places)
            .and_then(|f| self.units.checked_mul(f));
        units
            .map(|units| Self { units, places: 0 })
            .ok_or(NumberFault::TooManyDigits)
    }

    #[must_use]
    pub fn is_negative(self) -> bool {
        self.units < 0
    }

    #[must_use]
    pub fn is_zero(self) -> bool {
        self.units == 0
    }

    /// Decimal places in use; trailing zeros do not count.
    #[must_use]
    pub fn places(self) -> u32 {
        self.places
    }

    /// This number as a whole number of 10^−places, if it is one and fits.
    #[must_use]
    pub fn at_places(self, places: u32) -> Option<i64> {
        let more = places.checked_sub(self.places)?;
        let units = 10_i128
            .checked_pow(more)
            .and_then(|f| self.units.checked_mul(f))?;
        i64::try_from(units).ok()
    }
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

fn small_exponent(text: &str) -> Result<i32, NumberFault> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    match digits.parse::<i32>() {
        Ok(exponent) if exponent.unsigned_abs() <= 30 => Ok(exponent),
        Ok(_) => Err(NumberFault::TooManyDigits),
        Err(_) => Err(NumberFault::NotANumber),
    }
}

/// Whether this is what spreadsheets make of long numbers: 4,01235E+12.
fn is_shortened(body: &str) -> bool {
    let Some((mantissa, exponent)) = body.split_once(['e', 'E']) else {
        return false;
    };
    let digits = exponent.trim_start_matches(['+', '-']);
    !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && mantissa.starts_with(|c: char| c.is_ascii_digit())
        && mantissa.chars().all(|c| c.is_ascii_digit() || is_point(c))
}

fn is_point(c: char) -> bool {
    matches!(c, '.' | ',')
}

/// What stands between groups of digits and is never a decimal separator: spaces (also no-break, thin, narrow) and apostrophes.
fn is_group(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '\'' | '\u{2019}'
    )
}

/// Divides a number into what stands before and after its decimal separator.
fn split_places(body: &str, separator: Option<Separator>) -> Result<(&str, &str), NumberFault> {
    let decimal = match separator {
        Some(Separator::Point) => Some('.'),
        Some(Separator::Comma) => Some(','),
        None => find_decimal(body)?,
    };
    let Some((whole, places)) = decimal.and_then(|d| body.split_once(d)) else {
        return Ok((body, ""));
    };
    if places.is_empty() || !places.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NumberFault::NotANumber);
    }
    Ok((whole, places))
}

/// Which character is the decimal separator, if one stands there.
fn find_decimal(body: &str) -> Result<Option<char>, NumberFault> {
    let Some(last) = body
        .rfind(is_point)
        .and_then(|i| body.get(i..)?.chars().next())
    else {
        return Ok(None);
    };
    let both = body.contains('.') && body.contains(',');
    if both {
        return Ok(Some(last));
    }
    if body.matches(last).count() > 1 {
        return Ok(None);
    }
    let (whole, places) = body.split_once(last).unwrap_or((body, ""));
    let looks_grouped =
        (1..=3).contains(&whole.len()) && !whole.starts_with('0') && !whole.contains(is_group);
    if places.len() == 3 && looks_grouped {
        return Err(NumberFault::Ambiguous);
    }
    Ok(Some(last))
}

/// The digits of a whole number whose groups, if there are any, are all divided alike and have three digits.
fn ungrouped(whole: &str) -> Result<String, NumberFault> {
    let divides = |c: char| is_point(c) || is_group(c);
    let Some(divider) = whole.chars().find(|&c| divides(c)) else {
        return Ok(whole.to_owned());
    };
    let mut groups = whole.split(divider);
    let first = groups.next().unwrap_or_default();
    let is_group_of = |text: &str, least: usize| {
        (least..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    if !is_group_of(first, 1) || !groups.all(|g| is_group_of(g, 3)) {
        return Err(NumberFault::Grouping);
    }
    Ok(whole.replace(divider, ""))
}
