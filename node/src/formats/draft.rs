//! What a row offers, read and judged, before it has a revision and an author. Publishes nothing.

use std::hash::{BuildHasher, Hash};

use omni_protocol::{
    fence,
    limits::RECORD_BYTES_MAX,
    public::{self, Attribute, Media, MediaRole, OfferDraft, Service, Tier},
    trade::{HundredthsOfPercent, Lead, Method, Nature},
    value::{Gtin, Invalid, Minor, Price, Region, Steps, Time, Unit},
};

/// An offer as a file gives it. Amounts are minor units of `currency` for `per` steps of the unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub sku: String,
    pub list: String,
    pub nature: Nature,
    pub title: String,
    pub description: String,
    pub language: String,
    pub brand: String,
    pub gtin: Option<u64>,
    pub mpn: String,
    pub category: Option<Category>,
    pub attributes: Vec<(String, String)>,
    pub group: String,
    /// Addresses of pictures.
    pub images: Vec<String>,
    /// Address of the article's page; may be empty.
    pub page: String,
    pub currency: String,
    pub minor: i64,
    pub per: u64,
    /// (from so many steps on, minor units for `per` steps), ascending.
    pub tiers: Vec<(u64, i64)>,
    pub suggested: Option<i64>,
    /// Hundredths of a percent.
    pub commission: Option<u16>,
    pub tax: String,
    pub unit: Unit,
    /// Steps.
    pub increment: u64,
    pub minimum: u64,
    pub maximum: u64,
    pub methods: Vec<Method>,
    pub regions: Vec<String>,
    /// Hours, from and to.
    pub lead: (u32, u32),
    pub incoterm: String,
    /// Minutes that a service takes.
    pub duration: Option<u32>,
    /// When it can be had; only of a service with a duration.
    pub calendar: Option<public::Calendar>,
    pub white_label: WhiteLabel,
    pub stock: Stock,
}

/// Where a category comes from, and its code, segments divided by ` > `.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Category {
    pub scheme: &'static str,
    pub code: String,
}

/// Whether the provider stays unseen by the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WhiteLabel {
    No,
    Yes,
}

/// What a file says of stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stock {
    /// Nothing.
    Unsaid,
    /// So many steps.
    Counted(u64),
    /// Some, of unknown number.
    Some,
    /// None.
    Out,
}

/// What a record holds beside the draft: kind, author, revision and lengths.
const RECORD_REST_BYTES: usize = 64;

/// With so few bytes of long texts the rest can't make the record too large: it has less than 4 KiB, most of it title, regions and tiers.
const ROOMY_BYTES: usize = RECORD_BYTES_MAX / 2;

impl Draft {
    /// The draft of the market's rules, which stands until the given time.
    ///
    /// # Errors
    /// What breaks a rule of offers that no single cell breaks, such as the size of the whole.
    pub fn offer(&self, valid_until: Time) -> Result<OfferDraft, Invalid> {
        let minor = Minor::new(self.minor)?;
        let price = Price::new(minor, Steps::new(self.per)?)?;
        let currency = self.currency.parse()?;
        let (sku, title) = (self.sku.parse()?, self.title.parse()?);
        let mut offer = OfferDraft::product(
            sku,
            title,
            (price, currency),
            self.unit.clone(),
            valid_until,
        )?;
        self.describe(&mut offer)?;
        let tier = |&(from, minor): &(u64, i64)| {
            Ok(Tier {
                from: Steps::new(from)?,
                minor: Minor::new(minor)?,
            })
        };
        offer.tiers = fence::List::new(
            self.tiers
                .iter()
                .map(tier)
                .collect::<Result<Vec<_>, Invalid>>()?,
        )?;
        offer.suggested = self.suggested.map(Minor::new).transpose()?;
        offer.commission = self.commission.map(HundredthsOfPercent::new).transpose()?;
        offer.tax = self.tax.parse()?;
        offer.increment = Steps::new(self.increment)?;
        offer.minimum = Steps::new(self.minimum)?;
        offer.maximum = Steps::new(self.maximum)?;
        offer.methods = fence::Set::new(self.methods.clone())?;
        let regions: Result<Vec<Region>, Invalid> =
            self.regions.iter().map(|r| r.parse()).collect();
        offer.regions = fence::Set::new(regions?)?;
        offer.lead = Lead::new(self.lead.0, self.lead.1)?;
        offer.incoterm = self.incoterm.parse()?;
        offer.service = self.duration.map(|duration_minutes| Service {
            duration_minutes,
            calendar: self.calendar.clone(),
        });
        offer.white_label = self.white_label == WhiteLabel::Yes;
        if self.text_bytes() > ROOMY_BYTES {
            fence::encode(&offer, RECORD_BYTES_MAX - RECORD_REST_BYTES)?;
        }
        Ok(offer)
    }

    /// Bytes of the texts that can be many.
    fn text_bytes(&self) -> usize {
        let attributes = self
            .attributes
            .iter()
            .map(|(name, value)| name.len() + value.len());
        let images = self.images.iter().map(String::len);
        self.description.len() + self.page.len() + attributes.chain(images).sum::<usize>()
    }

    fn describe(&self, offer: &mut OfferDraft) -> Result<(), Invalid> {
        offer.list = self.list.parse()?;
        offer.nature = self.nature;
        offer.description = self.description.parse()?;
        offer.language = self.language.parse()?;
        offer.brand = self.brand.parse()?;
        offer.gtin = self.gtin.map(Gtin::new).transpose()?;
        offer.mpn = self.mpn.parse()?;
        let category = |c: &Category| {
            Ok::<_, Invalid>(public::Category {
                scheme: c.scheme.parse()?,
                code: c.code.parse()?,
            })
        };
        offer.category = self.category.as_ref().map(category).transpose()?;
        let attribute = |(name, value): &(String, String)| {
            Ok(Attribute {
                name: name.parse()?,
                value: value.parse()?,
            })
        };
        offer.attributes = fence::List::new(
            self.attributes
                .iter()
                .map(attribute)
                .collect::<Result<Vec<_>, Invalid>>()?,
        )?;
        offer.group = self.group.parse()?;
        let mut media = vec![];
        for image in &self.images {
            media.push(medium(MediaRole::Image, image, image_type(image))?);
        }
        if !self.page.is_empty() {
            media.push(medium(MediaRole::Document, &self.page, "text/html")?);
        }
        offer.media = fence::List::new(media)?;
        Ok(())
    }
}

fn medium(role: MediaRole, location: &str, media_type: &str) -> Result<Media, Invalid> {
    Ok(Media {
        role,
        location: location.parse()?,
        media_type: media_type.parse()?,
        size: 0,
        sha256: None,
    })
}

/// What the address's ending says; empty where it says nothing, and nobody fetches it to find out.
fn image_type(address: &str) -> &'static str {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    match path
        .rsplit('.')
        .next()
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        Some("gif") => "image/gif",
        Some("svg") => "image/svg+xml",
        Some("avif") => "image/avif",
        _ => "",
    }
}

/// Short hashes of a draft's parts, by which two rows of one article are compared and their difference is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Print {
    parts: [u32; PARTS.len()],
    whole: u64,
}

const PARTS: [&str; 21] = [
    "title",
    "description",
    "language",
    "brand",
    "gtin",
    "mpn",
    "category",
    "attributes",
    "group",
    "images",
    "url",
    "price",
    "tiers",
    "suggested price",
    "unit",
    "quantities",
    "methods",
    "regions and delivery",
    "stock",
    "tax and commission",
    "nature",
];

impl Print {
    /// `key` is drawn once per import, so that nobody can write two rows that only look alike.
    pub(super) fn of(draft: &Draft, key: &impl BuildHasher) -> Self {
        let d = draft;
        let parts = [
            short(key, &d.title),
            short(key, &d.description),
            short(key, &d.language),
            short(key, &d.brand),
            short(key, &d.gtin),
            short(key, &d.mpn),
            short(key, &d.category),
            short(key, &d.attributes),
            short(key, &d.group),
            short(key, &d.images),
            short(key, &d.page),
            short(key, &(&d.currency, d.minor, d.per)),
            short(key, &d.tiers),
            short(key, &d.suggested),
            short(key, &d.unit),
            short(key, &(d.increment, d.minimum, d.maximum)),
            short(key, &d.methods),
            short(
                key,
                &(&d.regions, d.lead, &d.incoterm, d.duration, &d.calendar),
            ),
            short(key, &d.stock),
            short(key, &(&d.tax, d.commission, d.white_label)),
            short(key, &d.nature),
        ];
        // The parts are too short to decide by: two different texts agree in one once in four billion.
        let texts = (&d.title, &d.description, &d.attributes, &d.images, &d.page);
        let whole = key.hash_one((parts, texts, &d.brand, &d.category, d.minor));
        Self { parts, whole }
    }

    /// The parts in which two drafts differ; empty for the same content.
    pub(super) fn differences(&self, other: &Self) -> Vec<&'static str> {
        if self == other {
            return vec![];
        }
        let pairs = self.parts.iter().zip(&other.parts);
        let named: Vec<&str> = PARTS
            .iter()
            .zip(pairs)
            .filter(|(_, (a, b))| a != b)
            .map(|(n, _)| *n)
            .collect();
        if named.is_empty() {
            vec!["content"]
        } else {
            named
        }
    }
}

fn short(key: &impl BuildHasher, part: &impl Hash) -> u32 {
    let [_, _, _, _, bytes @ ..] = key.hash_one(part).to_be_bytes();
    u32::from_be_bytes(bytes)
}
