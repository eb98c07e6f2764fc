//! One offer by its id, by the beginning of its id, or by article number.

use omni_protocol::hash::{Beginning, PartnerId, RecordId, SubjectId};
use omni_protocol::machine::{OwnSlot, own_offer};
use omni_protocol::public::{Offer, PublicBody};
use omni_protocol::record::Signed;
use omni_protocol::slot::{Family, Slot};
use omni_protocol::value::{Gtin, Money};
use serde::Deserialize;

use super::renewing::Renewal;
use super::{own_record, subject_of};
use crate::api::{ApiCode, Problem, Reading, partner};
use crate::config::Renew;
use crate::store::market::Shelved;
use crate::view::draft::doc_of;
use crate::view::money;
use crate::view::offer::OfferView;

/// Authors that a search by article number asks, so that it ends.
const AUTHORS_MAX: usize = 10_000;
/// Offers of one article number that an error names.
const NAMED_MAX: usize = 5;

/// `?list=`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ArticleQuery {
    #[serde(default)]
    pub(in crate::api) list: String,
}

/// `?list=&partner=`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShowQuery {
    #[serde(default)]
    list: String,
    partner: Option<String>,
}

/// An offer with its author.
#[derive(Debug, Clone)]
pub(in crate::api) struct Known {
    pub(in crate::api) id: RecordId,
    pub(in crate::api) author: PartnerId,
    pub(in crate::api) offer: Offer,
}

/// One offer. By article number own ones come first: their author knows them by it.
pub(super) fn show(
    reading: &Reading,
    (name, query): (&str, &ShowQuery),
    renew: Renew,
) -> Result<OfferView, Problem> {
    let found = named(reading, name, (&query.list, query.partner.as_deref()))?;
    view(reading, &found, renew)
}

/// The offer with this id or article number, of this list and partner.
pub(super) fn named(
    reading: &Reading,
    name: &str,
    (list, whose): (&str, Option<&str>),
) -> Result<Known, Problem> {
    let found = match whose {
        Some(who) => {
            let author = partner::find(reading, who)?;
            of_author(reading, author, name, list)?
        }
        None => anyone(reading, name, list)?,
    };
    found.ok_or_else(|| {
        let detail = format!("No offer with the id or sku \"{name}\" is known here.");
        Problem::new(ApiCode::NotFound, detail).next("look for it: omni offer search WORDS")
    })
}

fn anyone(reading: &Reading, name: &str, list: &str) -> Result<Option<Known>, Problem> {
    if let Some(own) = of_author(reading, reading.partner, name, list)? {
        return Ok(Some(own));
    }
    if let Some(found) = by_id(reading, name)? {
        return Ok(Some(found));
    }
    let mut found = Vec::new();
    for author in reading.market.authors(None, AUTHORS_MAX)? {
        if author != reading.partner {
            found.extend(of_author(reading, author, name, list)?);
        }
    }
    match found.as_slice() {
        [_, _, ..] => Err(several(&found)),
        [] | [_] => Ok(found.pop()),
    }
}

fn several(found: &[Known]) -> Problem {
    let named: Vec<_> = found
        .iter()
        .take(NAMED_MAX)
        .map(|known| known.id.to_string())
        .collect();
    let detail = format!(
        "{} partners use this sku: {}.",
        found.len(),
        named.join(", ")
    );
    Problem::new(ApiCode::Conflict, detail).next("name one offer by its id, or say --partner")
}

pub(in crate::api) fn of_author(
    reading: &Reading,
    author: PartnerId,
    sku: &str,
    list: &str,
) -> Result<Option<Known>, Problem> {
    // What can't be an article number is the number of none.
    match subject_of(sku, list) {
        Ok(subject) => of_subject(reading, author, subject),
        Err(_) => Ok(None),
    }
}

/// Longest list of offers that is looked through for one with a GTIN.
const SAME_MAX: usize = 256;

/// The offer of an author with this GTIN in the general price list; of several the first by its slot.
pub(in crate::api) fn of_gtin(
    reading: &Reading,
    author: PartnerId,
    gtin: Gtin,
) -> Result<Option<Known>, Problem> {
    let page = reading.market.search(&gtin.to_string(), 0, SAME_MAX)?;
    let mut found = page.found.into_iter();
    Ok(found.find_map(|shelved| {
        let known = known(reading, shelved)?;
        let is_it =
            known.author == author && known.offer.gtin == Some(gtin) && known.offer.list.is_empty();
        is_it.then_some(known)
    }))
}

/// The offer of an author that stands in a slot.
pub(super) fn of_subject(
    reading: &Reading,
    author: PartnerId,
    subject: SubjectId,
) -> Result<Option<Known>, Problem> {
    if author == reading.partner {
        let own = own_offer(reading, &reading.network, subject, reading.now());
        return Ok(own.map(|(id, offer)| Known { id, author, offer }));
    }
    let slot = Slot {
        author,
        family: Family::Offer,
        subject,
    };
    let shelved = reading.market.shelved(&slot)?;
    Ok(shelved.and_then(|shelved| known(reading, shelved)))
}

pub(in crate::api) fn by_id(reading: &Reading, name: &str) -> Result<Option<Known>, Problem> {
    let Ok(beginning) = name.parse::<Beginning>() else {
        return Ok(None);
    };
    if let Ok(id) = name.parse::<RecordId>()
        && let Some(PublicBody::Offer(offer)) = own_record(reading, id)
    {
        let author = reading.partner;
        let offer = *offer;
        return Ok(Some(Known { id, author, offer }));
    }
    let first = beginning.first();
    let whole = first.get(..name.len() / 2).unwrap_or_default();
    let ids = reading.market.ids_beginning(whole, 2 * NAMED_MAX)?;
    let mut found = Vec::new();
    for id in ids.into_iter().filter(|id| beginning.begins(id.as_bytes())) {
        let Some(slot) = reading.market.slot_of(id)? else {
            continue;
        };
        let shelved = reading.market.shelved(&slot)?;
        found.extend(shelved.and_then(|shelved| known(reading, shelved)));
    }
    match found.as_slice() {
        [_, _, ..] => Err(Problem::new(
            ApiCode::Conflict,
            "Several offers' ids begin so; type more of it.",
        )),
        [] | [_] => Ok(found.pop()),
    }
}

/// The offer in a kept record; nothing where it is withdrawn, has ended, or is something else.
pub(super) fn known(reading: &Reading, shelved: Shelved) -> Option<Known> {
    let (id, author) = (shelved.id, shelved.slot.author);
    if shelved.until.is_some_and(|until| until < reading.now()) {
        return None;
    }
    let record = Signed::<PublicBody>::read(&reading.network, shelved.record).ok()?;
    match record.body() {
        PublicBody::Offer(offer) => {
            let offer = (**offer).clone();
            Some(Known { id, author, offer })
        }
        PublicBody::KeyEvent(_)
        | PublicBody::Profile(_)
        | PublicBody::CatalogueHead(_)
        | PublicBody::Availability(_)
        | PublicBody::Withdrawal(_)
        | PublicBody::Evidence(_) => None,
    }
}

/// The band that the author of an offer published for it.
pub(super) fn band(reading: &Reading, known: &Known) -> Result<Option<String>, Problem> {
    let subject = known.offer.subject();
    if known.author == reading.partner {
        return Ok(own_band(reading, subject));
    }
    let slot = Slot {
        author: known.author,
        family: Family::Availability,
        subject,
    };
    let Some(shelved) = reading.market.shelved(&slot)? else {
        return Ok(None);
    };
    if shelved.until.is_some_and(|until| until < reading.now()) {
        return Ok(None);
    }
    let record = Signed::<PublicBody>::read(&reading.network, shelved.record).ok();
    Ok(record.and_then(|record| band_in(record.body())))
}

/// The band that this node published last for its own article.
pub(in crate::api) fn own_band(reading: &Reading, subject: SubjectId) -> Option<String> {
    let slot = OwnSlot::read(reading, Family::Availability, subject)?;
    band_in(&own_record(reading, slot.record)?)
}

fn band_in(body: &PublicBody) -> Option<String> {
    match body {
        PublicBody::Availability(availability) => Some(availability.band.name().to_owned()),
        PublicBody::KeyEvent(_)
        | PublicBody::Profile(_)
        | PublicBody::CatalogueHead(_)
        | PublicBody::Offer(_)
        | PublicBody::Withdrawal(_)
        | PublicBody::Evidence(_) => None,
    }
}

fn view(reading: &Reading, known: &Known, renew: Renew) -> Result<OfferView, Problem> {
    let offer = &known.offer;
    let is_mine = known.author == reading.partner;
    let renewal = is_mine.then(|| Renewal::of(offer, renew).name().to_owned());
    let mut doc = doc_of(offer);
    doc.valid_until_ms = Some(offer.valid_until.ms());
    Ok(OfferView {
        id: known.id.to_string(),
        partner: known.author.to_string(),
        name: partner::name(reading, known.author)?,
        mine: is_mine,
        renewal,
        published_ms: offer.revision().time().ms(),
        availability: band(reading, known)?,
        money: money::amount(&Money {
            minor: offer.price.minor(),
            currency: offer.currency,
        }),
        offer: doc,
    })
}
