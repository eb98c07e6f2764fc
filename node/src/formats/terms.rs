//! The cells that bind: price, unit, quantities, stock and how the thing is delivered. Texts that only describe are read elsewhere.

use std::collections::BTreeSet;

use iso_currency::Currency;
use omni_protocol::{
    limits::{MONEY_MINOR_MAX, REGIONS_MAX, STEPS_MAX, TIERS_MAX},
    trade::{Method, Nature},
    value::{Region, Unit},
};

use super::{
    decimal::Decimal,
    draft::{Stock, WhiteLabel},
    field::Field,
    judge::{Bench, Form, Value},
    limits::FINER_DIGITS_MAX,
    price::{self, Named, Written},
    problem::Reason,
    row::Flaw,
    units,
};

// Sentences below say these limits in figures.
const _: () = assert!(STEPS_MAX == 1_000_000_000_000 && TIERS_MAX == 8 && REGIONS_MAX == 64);

/// What a row asks for its article.
#[derive(Debug)]
pub(super) struct Price {
    pub(super) currency: Currency,
    pub(super) minor: i64,
    pub(super) per: u64,
    pub(super) tiers: Vec<(u64, i64)>,
    pub(super) suggested: Option<i64>,
}

/// The steps in which the article is sold.
#[derive(Debug)]
pub(super) struct Quantities {
    pub(super) increment: u64,
    pub(super) minimum: u64,
    pub(super) maximum: u64,
}

pub(super) fn nature(bench: &Bench<'_>) -> Result<Nature, Flaw> {
    let Some(value) = bench.value(Field::Nature)? else {
        return Ok(Nature::Product);
    };
    match value.text.to_lowercase().as_str() {
        "product" => Ok(Nature::Product),
        "service" => Ok(Nature::Service),
        _ => Err(value.flaw(Reason::NotOneOf("product, service"))),
    }
}

/// `KGM` or `KGM:3` (steps of a thousandth), or a common word for a unit. Pieces where nothing is said, hours for services.
pub(super) fn unit(bench: &Bench<'_>, nature: Nature) -> Result<Unit, Flaw> {
    let Some(value) = bench.value(Field::Unit)? else {
        let code = if nature == Nature::Service {
            units::HOUR
        } else {
            units::PIECE
        };
        return Unit::new(code, 0).map_err(|e| Flaw::of_row(Reason::NotAnOffer(e)));
    };
    let (code, scale) = value.text.split_once(':').unwrap_or((&value.text, "0"));
    let scale: u8 = scale
        .trim()
        .parse()
        .ok()
        .filter(|s| *s <= Unit::SCALE_MAX)
        .ok_or_else(|| value.flaw(Reason::OutOfRange("a scale is 0 to 6")))?;
    Unit::new(units::code(code), scale).map_err(|_no_code| value.flaw(Reason::UnknownUnit))
}

pub(super) fn price(bench: &Bench<'_>, value: &Value<'_>, unit: &Unit) -> Result<Price, Flaw> {
    let written = written(bench, value)?;
    let currency = currency(bench, value, written.named)?;
    let tiers = tiers(bench, unit)?;
    let suggested = bench.value(Field::Suggested)?;
    let suggested = match &suggested {
        Some(value) => Some((
            value,
            same_currency(value, written_as_number(bench, value)?, currency)?,
        )),
        None => None,
    };
    let numbers = tiers
        .iter()
        .flat_map(|(_, t)| t.iter().map(|(_, n)| *n))
        .chain(suggested.iter().map(|(_, n)| *n));
    let finest = numbers
        .map(Decimal::places)
        .chain([written.number.places()])
        .max()
        .unwrap_or(0);
    let digits = price::exponent(currency);
    // A price finer than the minor unit is one for 10, 100 … of the thing.
    let finer = finest.saturating_sub(digits);
    if finer > FINER_DIGITS_MAX {
        return Err(value.flaw(Reason::TooFine(currency.code().to_owned())));
    }
    let minor =
        |value: &Value<'_>, number: Decimal| amount(value, number, digits.saturating_add(finer));
    let mut in_minor = vec![];
    for (value, steps) in &tiers {
        for (from, number) in steps {
            in_minor.push((*from, minor(value, *number)?));
        }
    }
    Ok(Price {
        currency,
        minor: minor(value, written.number)?,
        per: per(bench, unit, finer)?,
        tiers: in_minor,
        suggested: suggested
            .map(|(value, number)| minor(value, number))
            .transpose()?,
    })
}

fn written(bench: &Bench<'_>, value: &Value<'_>) -> Result<Written, Flaw> {
    if value.form == Form::JsonNumber {
        let number = value.number(bench.options)?;
        return Ok(Written {
            number,
            named: Named::Nothing,
        });
    }
    price::written(&value.text, bench.options.separator).map_err(|reason| value.flaw(reason))
}

fn written_as_number(bench: &Bench<'_>, value: &Value<'_>) -> Result<(Decimal, Named), Flaw> {
    written(bench, value).map(|w| (w.number, w.named))
}

fn same_currency(
    value: &Value<'_>,
    (number, named): (Decimal, Named),
    row: Currency,
) -> Result<Decimal, Flaw> {
    price::agreed(Some(row), named, None)
        .map(|_| number)
        .map_err(|reason| value.flaw(reason))
}

fn currency(bench: &Bench<'_>, price: &Value<'_>, named: Named) -> Result<Currency, Flaw> {
    let value = bench.value(Field::Currency)?;
    let said = value
        .as_ref()
        .map(|v| price::currency(&v.text).map_err(|reason| v.flaw(reason)))
        .transpose()?;
    let set = bench
        .options
        .value(Field::Currency)
        .is_some_and(|set| value.as_ref().is_some_and(|v| v.text == set.trim()));
    let is_column = value.as_ref().is_some_and(|v| !v.from.starts_with("--"));
    let (column, otherwise) = if is_column || !set {
        (said, None)
    } else {
        (None, said)
    };
    price::agreed(column, named, otherwise).map_err(|reason| price.flaw(reason))
}

/// A price in minor units, refused where an offer could not hold it or nobody would mean it.
fn amount(value: &Value<'_>, number: Decimal, places: u32) -> Result<i64, Flaw> {
    if number.is_negative() {
        return Err(value.flaw(Reason::Negative));
    }
    if number.is_zero() {
        return Err(value.flaw(Reason::Zero));
    }
    let minor = number.at_places(places).filter(|m| *m <= MONEY_MINOR_MAX);
    minor.ok_or_else(|| value.flaw(Reason::TooMuch(MONEY_MINOR_MAX)))
}

/// For how many steps the price stands: those of one unit, or of as many as the row says, times what makes the price whole.
fn per(bench: &Bench<'_>, unit: &Unit, finer: u32) -> Result<u64, Flaw> {
    let steps = match bench.value(Field::Per)? {
        Some(value) => steps(bench, &value, unit)?,
        None => 10_u64.pow(u32::from(unit.scale())),
    };
    Ok(steps.saturating_mul(10_u64.pow(finer)))
}

type Tiers<'a> = Vec<(Value<'a>, Vec<(u64, Decimal)>)>;

/// `10:17.90 50:16.50`: from ten on 17.90 each, from fifty on 16.50.
fn tiers<'a>(bench: &Bench<'a>, unit: &Unit) -> Result<Tiers<'a>, Flaw> {
    const FORM: &str = "10:17.90 50:16.50 (from quantity: price), ascending, at most 8";
    let Some(value) = bench.value(Field::Tiers)? else {
        return Ok(vec![]);
    };
    let mut tiers: Vec<(u64, Decimal)> = vec![];
    for tier in value.text.split_whitespace() {
        let (from, price) = tier
            .split_once(':')
            .ok_or_else(|| value.flaw(Reason::NotOfForm(FORM)))?;
        let part = |text: &str| Value {
            from: value.from.clone(),
            text: text.to_owned().into(),
            form: Form::Text,
        };
        let from = steps(bench, &part(from), unit)?;
        let price = part(price).number(bench.options)?;
        if tiers.last().is_some_and(|(last, _)| *last >= from) || tiers.len() == TIERS_MAX {
            return Err(value.flaw(Reason::NotOfForm(FORM)));
        }
        tiers.push((from, price));
    }
    Ok(vec![(value, tiers)])
}

pub(super) fn quantities(bench: &Bench<'_>, unit: &Unit) -> Result<Quantities, Flaw> {
    let one = |field: Field, otherwise: u64| match bench.value(field)? {
        Some(value) => steps(bench, &value, unit),
        None => Ok(otherwise),
    };
    let increment = one(Field::Increment, 1)?;
    let minimum = one(Field::Minimum, increment)?;
    let maximum = one(Field::Maximum, STEPS_MAX)?;
    let flaw = |field, why| match bench.value(field) {
        Ok(Some(value)) => value.flaw(Reason::OutOfRange(why)),
        Ok(None) => Flaw::of_row(Reason::OutOfRange(why)),
        Err(flaw) => flaw,
    };
    if !minimum.is_multiple_of(increment) {
        return Err(flaw(
            Field::Minimum,
            "the minimum is a multiple of the increment",
        ));
    }
    if maximum < minimum {
        return Err(flaw(Field::Maximum, "the maximum is not below the minimum"));
    }
    Ok(Quantities {
        increment,
        minimum,
        maximum,
    })
}

/// A quantity of at least one step.
fn steps(bench: &Bench<'_>, value: &Value<'_>, unit: &Unit) -> Result<u64, Flaw> {
    match counted(bench, value, unit)? {
        0 => Err(value.flaw(Reason::OutOfRange("a quantity is at least one step"))),
        steps => Ok(steps),
    }
}

fn counted(bench: &Bench<'_>, value: &Value<'_>, unit: &Unit) -> Result<u64, Flaw> {
    let number = value.number(bench.options)?;
    if number.is_negative() {
        return Err(value.flaw(Reason::Negative));
    }
    if number.places() > u32::from(unit.scale()) {
        return Err(value.flaw(Reason::FinerThanStep));
    }
    let steps = number
        .at_places(u32::from(unit.scale()))
        .and_then(|s| u64::try_from(s).ok());
    let steps = steps.filter(|s| *s <= STEPS_MAX);
    steps.ok_or_else(|| {
        value.flaw(Reason::OutOfRange(
            "a quantity is at most 1,000,000,000,000 steps",
        ))
    })
}

/// A number, or a word that says whether there is any. What was sold before it was there (a negative number) counts as none.
pub(super) fn stock(bench: &mut Bench<'_>, unit: &Unit) -> Result<Stock, Flaw> {
    let Some(value) = bench.value(Field::Stock)? else {
        return Ok(Stock::Unsaid);
    };
    let word = value.text.to_lowercase().replace(['_', '-'], " ");
    match word.as_str() {
        "in stock"
        | "instock"
        | "available"
        | "yes"
        | "true"
        | "in stock soon"
        | "https://schema.org/instock" => return Ok(Stock::Some),
        "out of stock"
        | "outofstock"
        | "sold out"
        | "no"
        | "false"
        | "preorder"
        | "backorder"
        | "https://schema.org/outofstock" => {
            return Ok(Stock::Out);
        }
        _ => {}
    }
    let starts_as_number = value
        .text
        .starts_with(|c: char| c.is_ascii_digit() || c == '-');
    if !starts_as_number {
        return Err(value.flaw(Reason::NotOneOf("a number, in stock, out of stock")));
    }
    match counted(bench, &value, unit) {
        Ok(steps) => Ok(Stock::Counted(steps)),
        Err(flaw) if flaw.reason == Reason::Negative => {
            bench.note(value.flaw(Reason::LeftOut("a negative stock counts as none")));
            Ok(Stock::Counted(0))
        }
        Err(flaw) => Err(flaw),
    }
}

pub(super) fn methods(bench: &Bench<'_>, nature: Nature) -> Result<Vec<Method>, Flaw> {
    let Some(value) = bench.value(Field::Methods)? else {
        return Ok(vec![if nature == Nature::Service {
            Method::OnSite
        } else {
            Method::Ship
        }]);
    };
    let mut methods = BTreeSet::new();
    for word in value.text.split([',', ';', '|']) {
        let word = word.trim().to_lowercase().replace(['-', '_'], " ");
        let method = Method::from_name(&word);
        methods.insert(method.ok_or_else(|| {
            value.flaw(Reason::NotOneOf(
                "ship, pick up, deliver, on site, remote, digital",
            ))
        })?);
    }
    Ok(methods.into_iter().collect())
}

/// ISO 3166 codes, ascending as the protocol's encoding orders them: shorter ones first.
pub(super) fn regions(bench: &Bench<'_>) -> Result<Vec<String>, Flaw> {
    let Some(value) = bench.value(Field::Regions)? else {
        return Ok(vec![]);
    };
    let mut regions = BTreeSet::new();
    for word in words(&value.text) {
        if word.parse::<Region>().is_err() {
            return Err(value.flaw(Reason::NotOfForm("of ISO 3166 codes, as DE or DE-BY")));
        }
        regions.insert((word.len(), word.to_owned()));
    }
    if regions.len() > REGIONS_MAX {
        return Err(value.flaw(Reason::OutOfRange("at most 64 regions")));
    }
    Ok(regions.into_iter().map(|(_, r)| r).collect())
}

/// Hours until it goes out: `24-72`, or `48`. Within a week where nothing is said.
pub(super) fn lead(bench: &Bench<'_>) -> Result<(u32, u32), Flaw> {
    const A_WEEK: (u32, u32) = (0, 7 * 24);
    let Some(value) = bench.value(Field::Lead)? else {
        return Ok(A_WEEK);
    };
    let (from, to) = value
        .text
        .split_once('-')
        .unwrap_or((&value.text, &value.text));
    match (from.trim().parse(), to.trim().parse()) {
        (Ok(from), Ok(to)) if from <= to => Ok((from, to)),
        _ => Err(value.flaw(Reason::NotOfForm("24-72 or 48 (hours)"))),
    }
}

pub(super) fn duration(bench: &Bench<'_>, nature: Nature) -> Result<Option<u32>, Flaw> {
    let Some(value) = bench.value(Field::Duration)? else {
        return Ok(None);
    };
    if nature != Nature::Service {
        return Err(value.flaw(Reason::OutOfRange("only a service has a duration")));
    }
    value
        .text
        .parse()
        .map(Some)
        .map_err(|_not_minutes| value.flaw(Reason::NotOfForm("90 (minutes)")))
}

pub(super) fn white_label(bench: &Bench<'_>) -> Result<WhiteLabel, Flaw> {
    let Some(value) = bench.value(Field::WhiteLabel)? else {
        return Ok(WhiteLabel::No);
    };
    match value.text.to_lowercase().as_str() {
        "yes" | "true" => Ok(WhiteLabel::Yes),
        "no" | "false" => Ok(WhiteLabel::No),
        _ => Err(value.flaw(Reason::NotOneOf("yes, no"))),
    }
}

/// Hundredths of a percent, from a percentage.
pub(super) fn commission(bench: &Bench<'_>) -> Result<Option<u16>, Flaw> {
    const RANGE: Reason =
        Reason::OutOfRange("a commission is 0 to 100 percent, two decimal places");
    let Some(mut value) = bench.value(Field::Commission)? else {
        return Ok(None);
    };
    let percent = value.text.trim_end_matches('%').trim().to_owned();
    value.text = percent.into();
    let hundredths = value.number(bench.options)?.at_places(2);
    let hundredths = hundredths
        .filter(|h| *h <= 10_000)
        .and_then(|h| u16::try_from(h).ok());
    hundredths.map(Some).ok_or_else(|| value.flaw(RANGE))
}

/// A short code of capital letters and digits.
pub(super) fn code_of(
    bench: &Bench<'_>,
    field: Field,
    form: &'static str,
    length: std::ops::RangeInclusive<usize>,
) -> Result<String, Flaw> {
    let Some(value) = bench.value(field)? else {
        return Ok(String::new());
    };
    let fits = length.contains(&value.text.len())
        && value
            .text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if fits {
        Ok(value.text.into_owned())
    } else {
        Err(value.flaw(Reason::NotOfForm(form)))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|'))
        .filter(|w| !w.is_empty())
}
