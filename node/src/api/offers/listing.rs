//! Lists of offers: own, of a partner, all, or those with certain words; and how many there are.
//! Each page ends with a cursor that says where the next begins.

use std::collections::BTreeMap;

use omni_protocol::fence;
use omni_protocol::hash::{PartnerId, SubjectId};
use omni_protocol::machine::{Key, OwnSlot, own_offer};
use omni_protocol::slot::Family;
use omni_protocol::value::{Currency, Money, Region};
use serde::Deserialize;

use super::finding::{Known, band, known, of_subject};
use super::subject_of;
use crate::api::{ApiCode, Problem, Reading, page, partner};
use crate::store::market::More;
use crate::view::money::{self, quantity_text};
use crate::view::offer::{CatalogueView, CataloguesView, OfferRow, OffersView};

/// Slots that one request looks at, so that a filter that nothing passes ends with a cursor.
const LOOKS_MAX: usize = 20_000;
const LOOKS: usize = 512;
/// Longest stored slot: an id, two numbers, two flags.
const SLOT_BYTES_MAX: usize = 128;
/// Authors that a list goes through.
const AUTHORS_MAX: usize = 10_000;

/// `GET /v1/offers`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    mine: Option<String>,
    partner: Option<String>,
    /// Only this article number.
    sku: Option<String>,
    /// Its price list; the general one if left out.
    list: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// `GET /v1/search`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchQuery {
    q: String,
    partner: Option<String>,
    /// Others' offers only, or own only.
    mine: Option<String>,
    region: Option<String>,
    currency: Option<String>,
    /// The highest price for one `per`, in `currency`.
    below: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// What turns offers into rows, each partner's name read once.
struct Rows<'a> {
    reading: &'a Reading,
    names: BTreeMap<PartnerId, Option<String>>,
    offers: Vec<OfferRow>,
    limit: usize,
}

impl<'a> Rows<'a> {
    fn new(reading: &'a Reading, limit: Option<&str>) -> Result<Self, Problem> {
        let limit = page::limit(limit)?;
        Ok(Self {
            reading,
            names: BTreeMap::new(),
            offers: Vec::new(),
            limit,
        })
    }

    fn is_full(&self) -> bool {
        self.offers.len() >= self.limit
    }

    fn push(&mut self, known: &Known) -> Result<(), Problem> {
        let name = match self.names.get(&known.author) {
            Some(name) => name.clone(),
            None => {
                let name = partner::name(self.reading, known.author)?;
                self.names.insert(known.author, name.clone());
                name
            }
        };
        let offer = &known.offer;
        self.offers.push(OfferRow {
            id: known.id.to_string(),
            partner: known.author.to_string(),
            name,
            mine: known.author == self.reading.partner,
            sku: offer.sku.to_string(),
            list: offer.list.to_string(),
            title: offer.title.to_string(),
            price: money::amount(&Money {
                minor: offer.price.minor(),
                currency: offer.currency,
            }),
            per: quantity_text(offer.price.per().get(), &offer.unit),
            unit: offer.unit.code().to_owned(),
            availability: band(self.reading, known)?,
            valid_until_ms: offer.valid_until.ms(),
        });
        Ok(())
    }

    fn page(self, next: Option<String>) -> OffersView {
        let offers = self.offers;
        OffersView { offers, next }
    }
}

/// Where a list stands: the author and the subject seen last.
#[derive(Clone, Copy)]
struct Place {
    author: PartnerId,
    subject: SubjectId,
}

impl Place {
    fn read(text: &str) -> Result<Self, Problem> {
        let parts = text.split_once('.').and_then(|(author, subject)| {
            let (author, subject) = (author.parse().ok()?, subject.parse().ok()?);
            Some(Self { author, subject })
        });
        parts.ok_or_else(bad_cursor)
    }

    fn text(self) -> String {
        format!("{}.{}", self.author, self.subject)
    }
}

fn bad_cursor() -> Problem {
    invalid("A list goes on at what the page before gave as next (cursor, --after).")
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(ApiCode::Invalid, detail)
}

fn flag(text: Option<&str>, name: &str) -> Result<Option<bool>, Problem> {
    match text {
        None => Ok(None),
        Some("true" | "") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(invalid(format!("{name} is true or false."))),
    }
}

pub(super) fn list(reading: &Reading, query: &ListQuery) -> Result<OffersView, Problem> {
    let mut rows = Rows::new(reading, query.limit.as_deref())?;
    let cursor = query.cursor.as_deref().map(Place::read).transpose()?;
    let mine = flag(query.mine.as_deref(), "mine")?;
    let authors = match (&query.partner, mine) {
        (Some(_), Some(_)) => return Err(invalid("mine and partner exclude each other.")),
        (Some(who), None) => vec![partner::find(reading, who)?],
        (None, Some(true)) => vec![reading.partner],
        (None, only_others) => authors(reading, only_others == Some(false))?,
    };
    let list = query.list.as_deref().unwrap_or_default();
    let sku = query.sku.as_deref();
    let article = sku.map(|sku| subject_of(sku, list)).transpose()?;
    let first = cursor.map(|place| place.author);
    let mut looks = 0;
    for author in authors {
        if first.is_some_and(|first| author < first) {
            continue;
        }
        let mut after = cursor.filter(|c| c.author == author).map(|c| c.subject);
        loop {
            let found = match article {
                Some(article) => one_slot(reading, author, article, after)?,
                None => slots(reading, author, after)?,
            };
            let is_end = article.is_some() || found.len() < LOOKS;
            for (subject, known) in found {
                if let Some(known) = known {
                    rows.push(&known)?;
                }
                after = Some(subject);
                looks += 1;
                if rows.is_full() || looks >= LOOKS_MAX {
                    // There may be no more, and then the next page is empty and has no cursor.
                    return Ok(rows.page(Some(Place { author, subject }.text())));
                }
            }
            if is_end {
                break;
            }
        }
    }
    Ok(rows.page(None))
}

/// The slot of one article of an author, unless the list was there already.
fn one_slot(
    reading: &Reading,
    author: PartnerId,
    article: SubjectId,
    after: Option<SubjectId>,
) -> Result<Vec<(SubjectId, Option<Known>)>, Problem> {
    if after.is_some() {
        return Ok(Vec::new());
    }
    let found = of_subject(reading, author, article)?;
    Ok(vec![(article, found)])
}

/// All authors of whom something is kept, in the order of their ids, the own partner among them.
fn authors(reading: &Reading, only_others: bool) -> Result<Vec<PartnerId>, Problem> {
    let mut authors = reading.market.authors(None, AUTHORS_MAX)?;
    authors.retain(|author| *author != reading.partner);
    if !only_others {
        authors.push(reading.partner);
        authors.sort_unstable();
    }
    Ok(authors)
}

/// The next slots of an author with the offers that stand in them. Own ones come from the ledger,
/// where they stand as soon as they are published, those for named partners too.
fn slots(
    reading: &Reading,
    author: PartnerId,
    after: Option<SubjectId>,
) -> Result<Vec<(SubjectId, Option<Known>)>, Problem> {
    if author != reading.partner {
        let shelved = reading.market.offers(author, after, LOOKS)?;
        let found = shelved
            .into_iter()
            .map(|s| (s.slot.subject, known(reading, s)));
        return Ok(found.collect());
    }
    Ok(own_slots(reading, after).take(LOOKS).collect())
}

fn own_slots(
    reading: &Reading,
    after: Option<SubjectId>,
) -> impl Iterator<Item = (SubjectId, Option<Known>)> + '_ {
    let first = Key::Slot {
        family: Family::Offer.number(),
        subject: after.unwrap_or(SubjectId::ONLY),
    };
    let now = reading.now();
    let slots = reading.after(first).map_while(move |(key, _)| {
        let Key::Slot { family, subject } = key else {
            return None;
        };
        (family == Family::Offer.number()).then_some(subject)
    });
    slots.map(move |subject| {
        let own = own_offer(reading, &reading.network, subject, now);
        let author = reading.partner;
        (subject, own.map(|(id, offer)| Known { id, author, offer }))
    })
}

/// How many own offers stand, those for named partners too, without reading what they say.
fn count_own(reading: &Reading) -> Result<u64, Problem> {
    let place = |family: Family| {
        let (family, subject) = (family.number(), SubjectId::ONLY);
        Key::Slot { family, subject }.to_bytes()
    };
    let now = reading.now();
    let (begin, end) = (place(Family::Offer), place(Family::Availability));
    let mut count = 0_u64;
    for pair in reading.ledger.walk(&begin, &end) {
        let slot = fence::decode::<OwnSlot>(&pair?.value, SLOT_BYTES_MAX);
        let stands = slot.is_ok_and(|s| !s.is_withdrawal && s.end.is_none_or(|end| end >= now));
        count = count.saturating_add(u64::from(stands));
    }
    Ok(count)
}

/// What a search leaves over.
struct Filter {
    author: Option<PartnerId>,
    mine: Option<bool>,
    region: Option<Region>,
    currency: Option<Currency>,
    below: Option<Money>,
}

impl Filter {
    fn of(reading: &Reading, query: &SearchQuery) -> Result<Self, Problem> {
        let named = query.partner.as_deref();
        let region = query.region.as_deref().map(|text| {
            text.parse()
                .map_err(|why| invalid(format!("region: {why}.")))
        });
        let currency = query.currency.as_deref().map(|text| {
            text.parse()
                .map_err(|why| invalid(format!("currency: {why}.")))
        });
        let below = query.below.as_deref().map(|text| {
            let currency = query.currency.as_deref();
            let currency = currency.ok_or_else(|| invalid("below needs a currency."))?;
            money::parse_amount(text, currency).map_err(|why| invalid(format!("below: {why}.")))
        });
        Ok(Self {
            author: partner::named(reading, named)?,
            mine: flag(query.mine.as_deref(), "mine")?,
            region: region.transpose()?,
            currency: currency.transpose()?,
            below: below.transpose()?,
        })
    }

    fn passes(&self, reading: &Reading, known: &Known) -> bool {
        let offer = &known.offer;
        let serves = |wanted: &Region| {
            offer.regions.is_empty() || offer.regions.iter().any(|served| served.contains(wanted))
        };
        self.author.is_none_or(|author| author == known.author)
            && self
                .mine
                .is_none_or(|mine| mine == (known.author == reading.partner))
            && self.region.as_ref().is_none_or(serves)
            && self
                .currency
                .is_none_or(|currency| currency == offer.currency)
            && self
                .below
                .is_none_or(|below| offer.price.minor() <= below.minor)
    }
}

pub(super) fn search(reading: &Reading, query: &SearchQuery) -> Result<OffersView, Problem> {
    let mut rows = Rows::new(reading, query.limit.as_deref())?;
    let filter = Filter::of(reading, query)?;
    if crate::store::market::words_of([query.q.as_str()]).is_empty() {
        return Err(invalid(
            "The words to search for (q) have no letter and no digit.",
        ));
    }
    let mut skip: usize = match query.cursor.as_deref() {
        Some(text) => text.parse().map_err(|_why| bad_cursor())?,
        None => 0,
    };
    let mut looks = 0_usize;
    loop {
        let page = reading.market.search(&query.q, skip, LOOKS)?;
        for shelved in page.found {
            skip = skip.saturating_add(1);
            looks = looks.saturating_add(1);
            if let Some(known) = known(reading, shelved).filter(|k| filter.passes(reading, k)) {
                rows.push(&known)?;
            }
            if rows.is_full() || looks >= LOOKS_MAX {
                return Ok(rows.page(Some(skip.to_string())));
            }
        }
        if page.more == More::No || looks == 0 {
            return Ok(rows.page(None));
        }
    }
}

pub(super) fn catalogues(reading: &Reading) -> Result<CataloguesView, Problem> {
    let mut catalogues = Vec::new();
    for author in authors(reading, false)? {
        let records = reading.market.catalogue(author)?.ids.count();
        let announced = reading.market.announced(&reading.network, author)?;
        let mine = author == reading.partner;
        let offers = if mine {
            count_own(reading)?
        } else {
            reading.market.count_offers(author, reading.now())?
        };
        catalogues.push(CatalogueView {
            partner: author.to_string(),
            name: partner::name(reading, author)?,
            mine,
            offers,
            records,
            announced: announced.map(|head| head.count.into()),
        });
    }
    Ok(CataloguesView { catalogues })
}
