//! Whom an envelope lets the node ask in place of a leg, in which order, and why not the others. It
//! only reads; whether one may be asked at all is the core's to say.
//!
//! *The same quality* means here: the article that was named or has the same GTIN, of the same nature and
//! in the same unit and quantity; by the same method to the same place, with the same days to pay; when
//! the leg was to be, or within the window of the envelope and fitting the other legs; where neither has
//! a time, no longer under way than the leg's article, as far as both offers say it; each right of the
//! customer again, for as long or longer and for the same fee or less; and as silent about itself
//! before the customer.

use omni_protocol::hash::PartnerId;
use omni_protocol::limits::DAY_MS;
use omni_protocol::public::OfferDraft;
use omni_protocol::thread::{Item, Terms, Window};
use omni_protocol::trade::Right;
use omni_protocol::value::{Currency, Minor, Money, Time};

use super::leg::{Leg, article, gtin};
use super::{conflict, invalid};
use crate::api::deals::building;
use crate::api::deals::chains::margin;
use crate::api::offers::{Known, calendar, of_author, of_gtin};
use crate::api::sources::{self, Source, affords_one, amounts, sentence};
use crate::api::{Problem, Reading, partner};
use crate::view::deal::{LineAsk, TermsAsk};
use crate::view::failover::{AskedDoc, FailoverAsk, FailoverDoc, FailoverPlanView, LegArticleDoc};
use crate::view::money::quantity_text;
use crate::view::policy::SourceTrialView;
use crate::view::terms::{money, window_doc};

/// An envelope as its document means it.
pub(super) struct Envelope {
    pub(super) sources: Vec<Source>,
    most: Vec<Money>,
    until: Option<Time>,
    window: Option<Window>,
}

/// One partner that may be asked.
pub(super) struct Tried {
    pub(super) partner: PartnerId,
    pub(super) sku: Option<String>,
    costs: Option<(Minor, Currency)>,
    /// What is to be asked for, or why it is not asked.
    pub(super) outcome: Result<Terms, String>,
}

impl Envelope {
    /// Reads the envelope in a document.
    ///
    /// # Errors
    /// `invalid` for a field that is not what it should be, `not-found` for a partner that is not known.
    pub(super) fn read(reading: &Reading, doc: &FailoverAsk) -> Result<Self, Problem> {
        let bad = |why: &dyn std::fmt::Display| invalid(format!("until: {why}."));
        let most = amounts("most", &doc.most)?;
        if most.is_empty() {
            let detail = "most: say what it may cost at most.";
            return Err(invalid(detail).next("such as: --most 90.00EUR"));
        }
        let until = doc.until_ms.map(Time::new).transpose();
        Ok(Self {
            sources: sources::read(reading, &doc.from, "an envelope")?,
            most,
            until: until.map_err(|why| bad(&why))?,
            window: doc.window.map(building::window).transpose()?,
        })
    }

    /// Refuses what can never come to anything for this leg.
    ///
    /// # Errors
    /// `invalid`; `not-found` for an article that its partner does not offer.
    pub(super) fn check_for(
        &self,
        reading: &Reading,
        leg: &Leg,
        articles: &[LegArticleDoc],
    ) -> Result<(), Problem> {
        let now = reading.now();
        if self.until.is_some_and(|until| until <= now) {
            let next = "choose a later time: --until 2027-03-01T08:00Z";
            return Err(invalid("until: that time is over.").next(next));
        }
        if self.window.is_some_and(|window| window.until() <= now) {
            return Err(invalid("window: that time is over."));
        }
        let mut named: Vec<(PartnerId, Option<&str>)> = Vec::new();
        for source in &self.sources {
            let name = partner::name(reading, source.partner)?;
            let name = name.unwrap_or_else(|| source.partner.to_string());
            if source.partner == leg.known().deal.partner {
                let detail = format!("from: {name} is the one that provides this leg.");
                return Err(invalid(detail).next("name somebody else: omni peer ls"));
            }
            let one = (source.partner, source.sku.as_deref());
            if named.contains(&one) {
                return Err(invalid(format!("from: {name} is named twice.")));
            }
            named.push(one);
            if source.sku.is_some() && articles.len() > 1 {
                let detail = "from: this leg has several articles, and one number is none of each.";
                let next = "name the partner alone: articles are found by their GTIN";
                return Err(invalid(detail).next(next));
            }
            let nameless = articles.iter().find(|article| article.gtin.is_none());
            if let (None, Some(article)) = (&source.sku, nameless) {
                let sku = &article.sku;
                let detail =
                    format!("from: \"{sku}\" has no GTIN by which to find the same of {name}.");
                let next = format!(
                    "name the article: --from {}=SKU",
                    crate::plain::quoted(&name)
                );
                return Err(invalid(detail).next(next));
            }
        }
        sources::check_offers(reading, &self.sources)
    }

    /// Until when somebody else must have agreed, for a leg that failed at this time.
    pub(super) fn until(&self, leg: &Leg, failed: Time) -> Time {
        let window = leg.known().terms.as_ref();
        let window = window.and_then(|terms| terms.conditions().window);
        let latest = self.window.map(Window::until);
        let latest = latest.or_else(|| window.map(Window::from));
        let otherwise = || latest.unwrap_or_else(|| failed.plus_ms(DAY_MS));
        self.until.unwrap_or_else(otherwise)
    }
}

/// What asking each partner would come to: those that fit in the order in which they are to be asked,
/// then the others.
pub(super) fn tried(
    reading: &Reading,
    leg: &Leg,
    doc: &FailoverDoc,
) -> Result<Vec<Tried>, Problem> {
    let envelope = Envelope::read(reading, &doc.envelope)?;
    let failure = leg.failure(reading);
    let wanted = leg.wanted(reading, failure.as_ref());
    let wanted =
        wanted.ok_or_else(|| conflict("What this leg was to bring is not known here any more."))?;
    let mut all = Vec::new();
    for source in &envelope.sources {
        let (costs, outcome) = match asked_before(doc, source) {
            Some(why) => (None, Err(why)),
            None => try_source(reading, (leg, doc, &envelope), source, &wanted),
        };
        all.push(Tried {
            partner: source.partner,
            sku: source.sku.clone(),
            costs,
            outcome,
        });
    }
    in_order(&mut all, &envelope.most);
    Ok(all)
}

/// Those that fit first, by price in the order in which the currencies were named; what costs the same
/// stays as it was named.
fn in_order(tried: &mut [Tried], most: &[Money]) {
    tried.sort_by_key(|one| {
        let (Ok(_), Some((minor, currency))) = (&one.outcome, one.costs) else {
            return (true, 0, 0);
        };
        let place = most.iter().position(|limit| limit.currency == currency);
        (false, place.unwrap_or(most.len()), minor.get())
    });
}

/// Why somebody is not asked again, who was asked under this envelope.
fn asked_before(doc: &FailoverDoc, source: &Source) -> Option<String> {
    let first = usize::try_from(doc.before).unwrap_or(usize::MAX);
    let asked: &AskedDoc = doc
        .asked
        .iter()
        .skip(first)
        .find(|asked| asked.partner == source.partner.to_string() && asked.sku == source.sku)?;
    Some(match asked.over.as_deref() {
        None => "it is asked just now".to_owned(),
        Some("silent") => "it was asked and did not answer in time".to_owned(),
        Some("cancelled") => "it stood in, and cancelled".to_owned(),
        Some("released") => "it was asked, and the operator gave that back".to_owned(),
        Some(code) => format!("it was asked and refused: {code}"),
    })
}

fn try_source(
    reading: &Reading,
    (leg, doc, envelope): (&Leg, &FailoverDoc, &Envelope),
    source: &Source,
    wanted: &Terms,
) -> (Option<(Minor, Currency)>, Result<Terms, String>) {
    let terms = match terms_of(reading, (leg, doc, envelope), source, wanted) {
        Ok(terms) => terms,
        Err(why) => return (None, Err(why)),
    };
    let cost = (terms.total(), terms.currency());
    let fits = affords_one(&envelope.most, cost, "the envelope")
        .and_then(|()| keeps_rights(wanted, &terms))
        .and_then(|()| fits_between(terms.conditions().window, leg.between()));
    (Some(cost), fits.map(|()| terms))
}

/// The same of a partner's offers, as terms.
fn terms_of(
    reading: &Reading,
    (leg, doc, envelope): (&Leg, &FailoverDoc, &Envelope),
    source: &Source,
    wanted: &Terms,
) -> Result<Terms, String> {
    let said = |problem: Problem| sentence(&problem);
    let conditions = wanted.conditions();
    let mut lines = Vec::new();
    let mut offers = Vec::new();
    for line in wanted.lines() {
        let item = line.item();
        let known = offer(reading, (&doc.articles, source), item)?;
        is_same(item, article(&doc.articles, item), wanted, &known.offer)?;
        lines.push(LineAsk {
            sku: Some(known.offer.sku.to_string()),
            quantity: quantity_text(item.steps.get(), &item.unit),
            ..LineAsk::default()
        });
        offers.push(known);
    }
    let within = (envelope.window, leg.between());
    let window = match envelope.window {
        None => conditions.window,
        Some(window) => Some(slot(&offers, within, reading.now())?.unwrap_or(window)),
    };
    let region = conditions.region.0.as_ref().map(ToString::to_string);
    let ask = TermsAsk {
        lines,
        method: Some(conditions.method.name().to_owned()),
        region,
        postcode: conditions.postcode.to_string(),
        window: window.map(window_doc),
        payment_days: conditions.payment_days,
        note: conditions.note.to_string(),
        ..TermsAsk::default()
    };
    let ask = std::slice::from_ref(&ask);
    let terms = building::alternatives(reading, ask, source.partner, None).map_err(said)?;
    let terms = terms.into_iter().next();
    terms.ok_or_else(|| "it offers nothing of it".to_owned())
}

/// The offer of a partner for an article of the leg.
fn offer(
    reading: &Reading,
    (articles, source): (&[LegArticleDoc], &Source),
    item: &Item,
) -> Result<Known, String> {
    let said = |problem: Problem| sentence(&problem);
    let found = match (&source.sku, gtin(article(articles, item))) {
        (Some(sku), _) => of_author(reading, source.partner, sku, "").map_err(said)?,
        (None, Some(gtin)) => of_gtin(reading, source.partner, gtin).map_err(said)?,
        (None, None) => {
            return Err(format!(
                "\"{}\" has no GTIN by which to find it there",
                item.sku
            ));
        }
    };
    found.ok_or_else(|| match &source.sku {
        Some(sku) => format!("no offer of it with the sku \"{sku}\" is known here"),
        None => format!(
            "no offer of it with the GTIN of \"{}\" is known here",
            item.sku
        ),
    })
}

/// Whether an offer is for the same thing as an item of the leg.
fn is_same(
    item: &Item,
    article: Option<&LegArticleDoc>,
    wanted: &Terms,
    offer: &OfferDraft,
) -> Result<(), String> {
    if item.nature != offer.nature {
        return Err(format!("it is offered there as a {}", offer.nature.name()));
    }
    if item.unit != offer.unit {
        return Err("it is sold there in another unit".to_owned());
    }
    if wanted.conditions().white_label && !offer.white_label {
        return Err("it shows itself to the customer".to_owned());
    }
    let hours = offer.lead.to_hours();
    match article.and_then(|article| article.lead_hours) {
        Some(most) if wanted.conditions().window.is_none() && hours > most => Err(format!(
            "it takes up to {hours} hours there, and at most {most} were promised"
        )),
        _ => Ok(()),
    }
}

/// Whether each right is there again, as long and as cheap at least.
fn keeps_rights(wanted: &Terms, terms: &Terms) -> Result<(), String> {
    let there = &terms.conditions().rights;
    let lost = |right: &&Right| !there.iter().any(|other| is_milder(other, right));
    match wanted.conditions().rights.iter().find(lost) {
        Some(right) => Err(format!(
            "its terms are stricter: the right to {} while it is {} is not as good there",
            right.to.name(),
            right.state.name()
        )),
        None => Ok(()),
    }
}

/// Whether a right is the same as another one, or better.
fn is_milder(one: &Right, than: &Right) -> bool {
    (one.state, one.to) == (than.state, than.to)
        && one.within_hours >= than.within_hours
        && one.fee <= than.fee
}

/// Whether it begins after what comes before it, and ends before what comes after.
fn fits_between(
    window: Option<Window>,
    (ended, begins): (Option<Time>, Option<Time>),
) -> Result<(), String> {
    let Some(window) = window else { return Ok(()) };
    if ended.is_some_and(|ended| window.from() < ended) {
        return Err("it would begin before a leg has ended that must be done first".to_owned());
    }
    if begins.is_some_and(|begins| window.until() > begins) {
        return Err("it would end after a leg begins that must be done later".to_owned());
    }
    Ok(())
}

/// The first slot within a window that fits the other legs; none where nothing is performed in slots.
fn slot(
    offers: &[Known],
    (within, between): (Option<Window>, (Option<Time>, Option<Time>)),
    now: Time,
) -> Result<Option<Window>, String> {
    /// Slots of one calendar that are looked at.
    const LOOKS_MAX: usize = 1_000;
    let Some(within) = within else {
        return Ok(None);
    };
    for known in offers {
        let Some(calendar) = calendar(&known.offer).map_err(|problem| sentence(&problem))? else {
            continue;
        };
        let minutes = u64::from(calendar.minutes());
        let from = within.from().minus_ms(1).max(now);
        let begins = calendar.begins((from, within.until()), LOOKS_MAX);
        let windows = begins.into_iter().filter_map(|begins| {
            let ms = minutes.saturating_mul(omni_protocol::limits::MINUTE_MS);
            Window::new(begins, begins.plus_ms(ms)).ok()
        });
        let fits = |window: &Window| {
            window.until() <= within.until() && fits_between(Some(*window), between).is_ok()
        };
        let first = windows.into_iter().find(fits);
        return first
            .map(Some)
            .ok_or_else(|| "it has no slot within the window that fits the other legs".to_owned());
    }
    Ok(None)
}

/// Whom the node would ask, if the leg failed now, of those that were tried.
pub(super) fn plan(
    reading: &Reading,
    leg: &Leg,
    tried: Vec<Tried>,
) -> Result<FailoverPlanView, Problem> {
    let terms = leg.known().terms.as_ref();
    let line = terms.and_then(|terms| terms.lines().first());
    let price = terms.map(|terms| (terms.total(), terms.currency()));
    let mut views = Vec::new();
    for one in tried {
        let fits = one.outcome.as_ref().ok();
        views.push(SourceTrialView {
            partner: one.partner.to_string(),
            name: partner::name(reading, one.partner)?,
            sku: one.sku.clone(),
            costs: one.costs.map(|(minor, currency)| money(minor, currency)),
            margin: one
                .costs
                .map_or_else(Vec::new, |_| margin(price, one.costs)),
            window: fits
                .and_then(|terms| terms.conditions().window)
                .map(window_doc),
            why: one.outcome.err(),
        });
    }
    Ok(FailoverPlanView {
        bundle: leg.bundle.clone(),
        leg: leg.number,
        title: line.map_or_else(String::new, |line| line.item().title.to_string()),
        total: price.map(|(minor, currency)| money(minor, currency)),
        has_failed: leg.failure(reading).is_some(),
        sources: views,
    })
}

#[cfg(test)]
mod tests;
