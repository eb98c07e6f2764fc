//! Terms built from what a person wants and from the offers that stand: totals follow from the
//! lines. Whether the provider grants them is the core's matter, on both sides.

use omni_protocol::code::Code;
use omni_protocol::fence::List;
use omni_protocol::hash::PartnerId;
use omni_protocol::limits::{ALTERNATIVES_MAX, LINES_MAX};
use omni_protocol::public::Offer;
use omni_protocol::thread::{ChangeWhat, Conditions, Item, Terms, Window};
use omni_protocol::trade::{Destination, Method};
use omni_protocol::value::{Currency, Price, Region, Steps, Text, Time, Unit};

use super::refusing::short;
use super::timing;
use crate::api::offers::{Known, by_id, of_author};
use crate::api::{ApiCode, Problem, Reading, partner};
use crate::view::deal::{CounterAsk, LineAsk, LineChange, TermsAsk};
use crate::view::money::{parse_amount, parse_quantity};
use crate::view::terms::WindowDoc;

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(ApiCode::Invalid, detail)
}

/// The offer that a line names, of whichever author.
pub(in crate::api) fn offer(
    reading: &Reading,
    ask: &LineAsk,
    provider: Option<PartnerId>,
) -> Result<Known, Problem> {
    let absent = |what: String| {
        let detail = format!("{what} is known here.");
        Problem::new(ApiCode::NotFound, detail).next("look for it: omni offer search WORDS")
    };
    let found = match (&ask.offer, &ask.sku, provider) {
        (Some(_), Some(_), _) => {
            return Err(invalid("A line names an offer or a sku, not both."));
        }
        (Some(id), None, _) => by_id(reading, id)?
            .ok_or_else(|| absent(format!("No standing offer with the id \"{id}\"")))?,
        (None, Some(sku), Some(provider)) => of_author(reading, provider, sku, &ask.list)?
            .ok_or_else(|| absent(format!("No offer of the provider with the sku \"{sku}\"")))?,
        (None, Some(_), None) => return Err(invalid("Name the partner whose sku it is.")),
        (None, None, _) => return Err(invalid("A line names an offer or a sku.")),
    };
    if provider.is_some_and(|provider| provider != found.author) {
        let whose = partner::name(reading, found.author)?;
        let whose = whose.unwrap_or_else(|| found.author.to_string());
        return Err(invalid(format!("That offer is one of {whose}.")));
    }
    Ok(found)
}

/// The alternatives that are asked for, on offers of `provider`.
pub(in crate::api) fn alternatives(
    reading: &Reading,
    asks: &[TermsAsk],
    provider: PartnerId,
    country: Option<&str>,
) -> Result<Vec<Terms>, Problem> {
    if asks.is_empty() || asks.len() > ALTERNATIVES_MAX {
        let detail = format!("alternatives has 1 to {ALTERNATIVES_MAX} terms.");
        return Err(invalid(detail));
    }
    let all: Result<Vec<_>, _> = asks
        .iter()
        .map(|ask| terms(reading, ask, provider, country))
        .collect();
    let all = all?;
    if all.windows(2).any(|two| match two {
        [one, other] => one.currency() != other.currency(),
        _ => false,
    }) {
        return Err(invalid("All alternatives are in one currency."));
    }
    Ok(all)
}

fn terms(
    reading: &Reading,
    ask: &TermsAsk,
    provider: PartnerId,
    country: Option<&str>,
) -> Result<Terms, Problem> {
    if ask.lines.is_empty() || ask.lines.len() > LINES_MAX {
        return Err(invalid(format!("lines has 1 to {LINES_MAX} lines.")));
    }
    let mut offers = Vec::new();
    for line in &ask.lines {
        offers.push(offer(reading, line, Some(provider))?);
    }
    let Some(first) = offers.first() else {
        return Err(invalid("lines is empty."));
    };
    let currency = first.offer.currency;
    if let Some(other) = offers.iter().find(|known| known.offer.currency != currency) {
        let detail = format!(
            "\"{}\" is sold in {}, the first line in {currency}: make a deal of each.",
            other.offer.sku, other.offer.currency
        );
        return Err(invalid(detail));
    }
    let articles = || {
        (1_u64..)
            .zip(&offers)
            .map(|(line, known)| Article { line, known })
    };
    let items = articles().zip(&ask.lines);
    let items: Result<Vec<_>, _> = items.map(|(article, line)| article.item(line)).collect();
    let mut conditions = conditions(ask, &first.offer, &offers, country)?;
    for article in articles() {
        article.reaches(&conditions)?;
    }
    let all: Vec<_> = articles().collect();
    conditions.window = timing::window(ask, &all, reading.now())?;
    Terms::new(items?, currency, conditions).map_err(|why| invalid(format!("{why}.")))
}

/// The items of lines that are added to an order on these conditions.
pub(in crate::api) fn items(
    reading: &Reading,
    asks: &[LineAsk],
    provider: PartnerId,
    (currency, conditions): (Currency, &Conditions),
) -> Result<Vec<Item>, Problem> {
    let one = |(line, ask): (u64, &LineAsk)| {
        let known = offer(reading, ask, Some(provider))?;
        if known.offer.currency != currency {
            let (sku, other) = (&known.offer.sku, known.offer.currency);
            let detail = format!("\"{sku}\" is sold in {other}, and the order is in {currency}.");
            return Err(invalid(detail));
        }
        let article = Article {
            line,
            known: &known,
        };
        article.reaches(conditions)?;
        article.item(ask)
    };
    (1_u64..).zip(asks).map(one).collect()
}

/// An offer as one line means it.
pub(super) struct Article<'a> {
    /// From 1.
    line: u64,
    known: &'a Known,
}

impl Article<'_> {
    pub(super) fn offer(&self) -> &Offer {
        &self.known.offer
    }

    /// By which a refusal names it.
    fn which(&self) -> String {
        format!("line {} (sku \"{}\")", self.line, self.known.offer.sku)
    }

    /// What the provider would refuse, said here with what it takes.
    pub(super) fn refused(&self, code: Code, why: &str) -> Problem {
        let detail = format!("{}: {why}.", self.which());
        let problem = Problem::of_market(code, detail).unprocessable();
        problem.naming("SKU", &short(&self.known.id))
    }

    fn item(&self, ask: &LineAsk) -> Result<Item, Problem> {
        let (which, known) = (self.which(), self.known);
        let offer = known.offer.draft();
        let steps = quantity(&which, &ask.quantity, &offer.unit)?;
        let listed = known.offer.price_for(steps);
        let per = match &ask.per {
            Some(per) => quantity(&format!("{which}: per"), per, &offer.unit)?,
            None => listed.per(),
        };
        let price = match &ask.price {
            Some(text) => price(&which, text, offer.currency, per)?,
            None if per == listed.per() => listed,
            None => return Err(invalid(format!("{which}: to say per, say a price too."))),
        };
        self.takes(steps)?;
        let bad = |why: &dyn std::fmt::Display| invalid(format!("{which}: {why}."));
        Ok(Item {
            sku: Text::new(offer.sku.as_str()).map_err(|why| bad(&why))?,
            list: offer.list.clone(),
            offer: Some(known.id),
            title: Text::new(offer.title.as_str()).map_err(|why| bad(&why))?,
            nature: offer.nature,
            unit: offer.unit.clone(),
            steps,
            price,
        })
    }

    fn takes(&self, steps: Steps) -> Result<(), Problem> {
        let draft = self.known.offer.draft();
        let text = |steps: Steps| crate::view::money::quantity_text(steps.get(), &draft.unit);
        if !steps.is_multiple_of(draft.increment) {
            let why = format!("it comes in {}", text(draft.increment));
            return Err(self.refused(Code::QuantityStep, &why));
        }
        if !(draft.minimum..=draft.maximum).contains(&steps) {
            let (least, most) = (text(draft.minimum), text(draft.maximum));
            let why = format!("from {least} to {most} in one deal");
            return Err(self.refused(Code::QuantityRange, &why));
        }
        Ok(())
    }

    fn reaches(&self, conditions: &Conditions) -> Result<(), Problem> {
        let Conditions { method, region, .. } = conditions;
        let offer = &self.known.offer;
        if offer.serves(*method, region) {
            return Ok(());
        }
        let methods: Vec<_> = offer.methods.iter().map(|method| method.name()).collect();
        let regions: Vec<_> = offer.regions.iter().map(Region::as_str).collect();
        let served = match regions.as_slice() {
            [] => "everywhere".to_owned(),
            regions => format!("in {}", regions.join(", ")),
        };
        let to = match &region.0 {
            Some(region) => format!(" to {region}"),
            None => String::new(),
        };
        let (methods, asked) = (methods.join(", "), method.name());
        let why = format!("it is offered by {methods} {served}, and this asks for {asked}{to}");
        Err(self.refused(Code::NotServed, &why))
    }
}

fn quantity(which: &str, text: &str, unit: &Unit) -> Result<Steps, Problem> {
    let bad = |why: &dyn std::fmt::Display| invalid(format!("{which}: {why}."));
    let steps = parse_quantity(text, unit).map_err(|why| bad(&why))?;
    Steps::new(steps).map_err(|why| bad(&why))
}

pub(in crate::api) fn price(
    which: &str,
    text: &str,
    currency: Currency,
    per: Steps,
) -> Result<Price, Problem> {
    let bad = |why: &dyn std::fmt::Display| invalid(format!("{which}: {why}."));
    let minor = parse_amount(text, currency.as_str())
        .map_err(|why| bad(&why))?
        .minor;
    Price::new(minor, per).map_err(|why| bad(&why))
}

fn conditions(
    ask: &TermsAsk,
    first: &Offer,
    offers: &[Known],
    country: Option<&str>,
) -> Result<Conditions, Problem> {
    let bad = |field: &str, why: &dyn std::fmt::Display| invalid(format!("{field}: {why}."));
    let method = match &ask.method {
        Some(name) => method(name)?,
        None if first.methods.contains(&Method::Ship) => Method::Ship,
        None => first.methods.first().copied().unwrap_or(Method::Ship),
    };
    let region = match ask.region.as_deref().or(country) {
        None | Some("") => None,
        Some(text) => Some(text.parse().map_err(|why| bad("region", &why))?),
    };
    if region.is_none() && offers.iter().any(|known| !known.offer.regions.is_empty()) {
        return Err(invalid(
            "region: the provider serves some regions only; say where to, such as GB.",
        ));
    }
    let mut conditions = Conditions::plain(method, Destination(region));
    conditions.postcode = ask.postcode.parse().map_err(|why| bad("postcode", &why))?;
    conditions.incoterm = match &ask.incoterm {
        Some(incoterm) => incoterm.parse().map_err(|why| bad("incoterm", &why))?,
        None => first.incoterm.clone(),
    };
    conditions.payment_days = ask.payment_days;
    conditions.rights = List::new(first.rights.to_vec()).map_err(|why| bad("rights", &why))?;
    conditions.white_label = ask.white_label.unwrap_or(first.white_label);
    conditions.for_chain = ask.for_chain;
    conditions.note = ask.note.parse().map_err(|why| bad("note", &why))?;
    Ok(conditions)
}

pub(in crate::api) fn method(name: &str) -> Result<Method, Problem> {
    Method::from_name(name).ok_or_else(|| {
        let names: Vec<_> = Method::ALL.iter().map(|method| method.name()).collect();
        invalid(format!("method is one of: {}.", names.join(", ")))
    })
}

pub(in crate::api) fn window(doc: WindowDoc) -> Result<Window, Problem> {
    let bad = |why: &dyn std::fmt::Display| invalid(format!("window: {why}."));
    let time = |ms| Time::new(ms).map_err(|why| bad(&why));
    Window::new(time(doc.from_ms)?, time(doc.until_ms)?).map_err(|why| bad(&why))
}

/// Another slot for the articles of terms that stand.
pub(in crate::api) fn another_slot(
    reading: &Reading,
    standing: &Terms,
    (slot, provider): (&str, PartnerId),
) -> Result<Option<Window>, Problem> {
    let mut offers = Vec::new();
    for line in standing.lines() {
        let item = line.item();
        let known = of_author(reading, provider, &item.sku, &item.list)?;
        offers.extend(known);
    }
    let articles = (1_u64..).zip(&offers);
    let articles: Vec<_> = articles
        .map(|(line, known)| Article { line, known })
        .collect();
    let ask = TermsAsk {
        slot: Some(slot.to_owned()),
        ..TermsAsk::default()
    };
    timing::window(&ask, &articles, reading.now())
}

/// The terms that stand, changed as a counter wants it.
pub(super) fn countered(
    reading: &Reading,
    standing: &Terms,
    (ask, provider): (&CounterAsk, PartnerId),
) -> Result<Terms, Problem> {
    let mut items: Vec<Item> = standing
        .lines()
        .iter()
        .map(|line| line.item().clone())
        .collect();
    for change in &ask.lines {
        apply(&mut items, change, standing.currency())?;
    }
    let mut conditions = standing.conditions().clone();
    let note = ask.note.parse();
    conditions.note = note.map_err(|why| invalid(format!("note: {why}.")))?;
    if let Some(slot) = &ask.slot {
        conditions.window = another_slot(reading, standing, (slot, provider))?;
    }
    if let Some(days) = ask.payment_days {
        conditions.payment_days = days;
    }
    let currency = standing.currency();
    let what = conditions.on.map(|change| change.what);
    let fee = match &ask.fee {
        None => standing.fee(),
        Some(_) if what.is_none() => {
            return Err(invalid("fee: these terms change no order; say a price."));
        }
        Some(text) => {
            let fee = parse_amount(text, currency.as_str());
            fee.map_err(|why| invalid(format!("fee: {why}.")))?.minor
        }
    };
    let terms = match what {
        None => Terms::new(items, currency, conditions),
        Some(ChangeWhat::Amend) => Terms::amendment(items, currency, fee, conditions),
        Some(ChangeWhat::Cancel) if ask.lines.iter().any(|line| line.price.is_some()) => {
            return Err(invalid(
                "price: what is cancelled keeps its price; say a fee.",
            ));
        }
        Some(ChangeWhat::Cancel) => Terms::cancellation(items, currency, fee, conditions),
    };
    terms.map_err(|why| invalid(format!("{why}.")))
}

fn apply(items: &mut [Item], change: &LineChange, currency: Currency) -> Result<(), Problem> {
    let lines = items.len();
    let which = format!("line {}", change.line);
    let index = usize::from(change.line).checked_sub(1);
    let item = index.and_then(|index| items.get_mut(index));
    let item = item.ok_or_else(|| invalid(format!("{which}: the lines are 1 to {lines}.")))?;
    if let Some(text) = &change.quantity {
        item.steps = quantity(&which, text, &item.unit)?;
    }
    if let Some(text) = &change.price {
        item.price = price(&which, text, currency, item.price.per())?;
    }
    Ok(())
}
