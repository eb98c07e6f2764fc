//! The Offer: what a partner would sell, and on which terms. It keeps out what a buyer of a certain
//! quantity is granted, which the provider judges when asked.

mod parts;

use alloc::{collections::BTreeSet, vec::Vec};
use core::ops::Deref;

use thiserror::Error;

pub use self::parts::{
    Attribute, Calendar, Category, Media, MediaRole, Period, Recurring, Service, Tier,
};
use crate::{
    body,
    code::Code,
    fence::{List, Set},
    hash::{PartnerId, SubjectId},
    limits::{
        ATTRIBUTES_MAX, AUDIENCE_MAX, DAY_MS, HOLD_MINUTES_DEFAULT, HOLD_MINUTES_MAX,
        LIST_BYTES_MAX, MEDIA_MAX, MINUTE_MS, OFFER_DAYS_MAX, PROSE_BYTES_MAX, REGIONS_MAX,
        RIGHTS_MAX, SKU_BYTES_MAX, TIERS_MAX, TITLE_BYTES_MAX,
    },
    slot::{self, Revision},
    trade::{Destination, HundredthsOfPercent, Lead, Method, Nature, Right},
    value::{Currency, Gtin, Invalid, Minor, Price, Prose, Region, Steps, Text, Time, Unit},
    wire,
};

/// What an offer says, before it has a revision. Fill in the fields and make it an [`Offer`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OfferDraft {
    /// The author's own article number.
    pub sku: Text<SKU_BYTES_MAX, 1>,
    /// Price list; empty is the general one.
    pub list: Text<LIST_BYTES_MAX>,
    /// For whom alone it is; empty: public.
    pub audience: Set<PartnerId, AUDIENCE_MAX>,
    /// What kind of thing it is.
    pub nature: Nature,
    /// Title.
    pub title: Text<TITLE_BYTES_MAX, 1>,
    /// Description; may be empty.
    pub description: Prose<PROSE_BYTES_MAX>,
    /// Language of title and description (BCP 47); may be empty.
    pub language: Text<16>,
    /// Brand; may be empty.
    pub brand: Text<128>,
    /// Global Trade Item Number.
    pub gtin: Option<Gtin>,
    /// The maker's part number; may be empty.
    pub mpn: Text<70>,
    /// Category.
    pub category: Option<Category>,
    /// Properties, each name once.
    pub attributes: List<Attribute, ATTRIBUTES_MAX>,
    /// What the variants of one thing have in common; may be empty.
    pub group: Text<128>,
    /// Files that show it.
    pub media: List<Media, MEDIA_MAX>,
    /// Price.
    pub price: Price,
    /// Currency of all its amounts.
    pub currency: Currency,
    /// Prices from a number of steps on, ascending.
    pub tiers: List<Tier, TIERS_MAX>,
    /// Suggested retail price, at least 0, for as many steps as the price is for.
    pub suggested: Option<Minor>,
    /// Commission for whoever passes it on.
    pub commission: Option<HundredthsOfPercent>,
    /// Tax category (UN/EDIFACT 5305: `S`, `Z`, `E` …); may be empty.
    pub tax: Text<3>,
    /// Unit, and the size of a step.
    pub unit: Unit,
    /// Steps come in multiples of this.
    pub increment: Steps,
    /// Least steps of one deal, a multiple of the increment.
    pub minimum: Steps,
    /// Most steps of one deal.
    pub maximum: Steps,
    /// How it reaches the customer, in at least one way.
    pub methods: Set<Method, 6, 1>,
    /// Where it can be had; empty: everywhere.
    pub regions: Set<Region, REGIONS_MAX>,
    /// Hours until fulfilment.
    pub lead: Lead,
    /// Incoterms 2020; may be empty.
    pub incoterm: Text<3>,
    /// How the service is performed; only for a service.
    pub service: Option<Service>,
    /// How it recurs; exactly for what recurs.
    pub recurring: Option<Recurring>,
    /// The requester's rights.
    pub rights: List<Right, RIGHTS_MAX>,
    /// Whether the provider does not show itself to the customer.
    pub white_label: bool,
    /// Minutes for which a hold is offered.
    pub hold_minutes: u32,
    /// Until when it stands.
    pub valid_until: Time,
}

wire!(OfferDraft {
    sku,
    list,
    audience,
    nature,
    title,
    description,
    language,
    brand,
    gtin,
    mpn,
    category,
    attributes,
    group,
    media,
    price,
    currency,
    tiers,
    suggested,
    commission,
    tax,
    unit,
    increment,
    minimum,
    maximum,
    methods,
    regions,
    lead,
    incoterm,
    service,
    recurring,
    rights,
    white_label,
    hold_minutes,
    valid_until,
});

impl OfferDraft {
    /// A draft of a product that is shipped everywhere, one step at a time, to be filled in.
    ///
    /// # Errors
    /// The limit of quantities or methods, which these never reach.
    pub fn product(
        sku: Text<SKU_BYTES_MAX, 1>,
        title: Text<TITLE_BYTES_MAX, 1>,
        (price, currency): (Price, Currency),
        unit: Unit,
        valid_until: Time,
    ) -> Result<Self, Invalid> {
        Ok(Self {
            sku,
            list: Text::default(),
            audience: Set::default(),
            nature: Nature::Product,
            title,
            description: Prose::default(),
            language: Text::default(),
            brand: Text::default(),
            gtin: None,
            mpn: Text::default(),
            category: None,
            attributes: List::default(),
            group: Text::default(),
            media: List::default(),
            price,
            currency,
            tiers: List::default(),
            suggested: None,
            commission: None,
            tax: Text::default(),
            unit,
            increment: Steps::new(1)?,
            minimum: Steps::new(1)?,
            maximum: Steps::new(crate::limits::STEPS_MAX)?,
            methods: Set::new([Method::Ship])?,
            regions: Set::default(),
            lead: Lead::default(),
            incoterm: Text::default(),
            service: None,
            recurring: None,
            rights: List::default(),
            white_label: false,
            hold_minutes: HOLD_MINUTES_DEFAULT,
            valid_until,
        })
    }

    /// Checks the rules between its fields, as they bind an offer of the given revision.
    ///
    /// # Errors
    /// The first field that breaks a rule.
    pub fn check(&self, revision: Revision) -> Result<(), FieldError> {
        self.check_texts()?;
        self.check_price()?;
        self.check_quantity()?;
        self.check_fulfilment()?;
        if self.valid_until > revision.time().plus_ms(OFFER_DAYS_MAX * DAY_MS) {
            return Err(FieldError {
                field: "valid until",
                code: Code::ValidityWrong,
                sentence: "an offer must end at most 90 days after it is published",
            });
        }
        Ok(())
    }

    fn check_texts(&self) -> Result<(), FieldError> {
        let names: BTreeSet<_> = self
            .attributes
            .iter()
            .map(|attribute| &attribute.name)
            .collect();
        if names.len() != self.attributes.len() {
            return Err(malformed(
                "attributes",
                "the name of an attribute must stand once",
            ));
        }
        if self
            .media
            .iter()
            .any(|media| media.location.is_empty() && media.sha256.is_none())
        {
            return Err(malformed(
                "media",
                "a medium must have a location or a hash",
            ));
        }
        Ok(())
    }

    fn check_price(&self) -> Result<(), FieldError> {
        if !ascends(self.tiers.iter().map(|tier| tier.from)) {
            return Err(malformed(
                "tiers",
                "tiers must ascend by their number of steps",
            ));
        }
        if self.tiers.iter().any(|tier| tier.minor < Minor::ZERO) {
            return Err(malformed(
                "tiers",
                "the price of a tier must not be below 0",
            ));
        }
        if self.suggested.is_some_and(|minor| minor < Minor::ZERO) {
            return Err(malformed(
                "suggested",
                "a suggested price must not be below 0",
            ));
        }
        Ok(())
    }

    fn check_quantity(&self) -> Result<(), FieldError> {
        if !self.minimum.is_multiple_of(self.increment) {
            return Err(malformed(
                "minimum",
                "the minimum must be a multiple of the increment",
            ));
        }
        if self.maximum < self.minimum {
            return Err(malformed(
                "maximum",
                "the maximum must not be below the minimum",
            ));
        }
        Ok(())
    }

    fn check_fulfilment(&self) -> Result<(), FieldError> {
        if self.service.is_some() && self.nature != Nature::Service {
            return Err(malformed(
                "service",
                "only a service may say how it is performed",
            ));
        }
        if self.recurring.is_some() != (self.nature == Nature::Recurring) {
            return Err(malformed(
                "recurring",
                "what recurs, and only that, must say how",
            ));
        }
        if self.hold_minutes > HOLD_MINUTES_MAX {
            return Err(malformed("hold", "a hold must be of at most 4320 minutes"));
        }
        Ok(())
    }
}

fn ascends(items: impl Iterator<Item = Steps>) -> bool {
    let items: Vec<_> = items.collect();
    items
        .windows(2)
        .all(|pair| matches!(pair, [before, after] if before < after))
}

const fn malformed(field: &'static str, sentence: &'static str) -> FieldError {
    FieldError {
        field,
        code: Code::Malformed,
        sentence,
    }
}

// The sentences above say these limits in figures.
const _: () = assert!(OFFER_DAYS_MAX == 90 && HOLD_MINUTES_MAX == 4320);

/// A field that breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{field}: {sentence}")]
pub struct FieldError {
    /// The field, by its name in SPEC.md.
    pub field: &'static str,
    /// The code with which a partner would refuse it.
    pub code: Code,
    /// What must hold.
    pub sentence: &'static str,
}

impl From<FieldError> for Invalid {
    fn from(error: FieldError) -> Self {
        Self::Rule(error.sentence)
    }
}

/// What a partner would sell. Its fields are those of the [`OfferDraft`] of which it was made, and
/// follow the rules between them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Offer {
    revision: Revision,
    draft: OfferDraft,
}

wire!(Offer { revision, draft } check);
body!(Offer);

impl Offer {
    /// Gives a draft its revision.
    ///
    /// # Errors
    /// The first field that breaks a rule.
    pub fn new(revision: Revision, draft: OfferDraft) -> Result<Self, FieldError> {
        draft.check(revision)?;
        Ok(Self { revision, draft })
    }

    fn check(&self) -> Result<(), Invalid> {
        Ok(self.draft.check(self.revision)?)
    }

    /// The revision.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// What it says, without the revision.
    #[must_use]
    pub const fn draft(&self) -> &OfferDraft {
        &self.draft
    }

    /// What it says, to revise it.
    #[must_use]
    pub fn into_draft(self) -> OfferDraft {
        self.draft
    }

    /// What its slot is about: article number and price list.
    #[must_use]
    pub fn subject(&self) -> SubjectId {
        slot::subject(&self.draft.sku, &self.draft.list)
    }

    /// Whether it stands for as long as any may, to the hour: then its author chose no end.
    #[must_use]
    pub fn is_open_ended(&self) -> bool {
        let most = self.revision.time().plus_ms(OFFER_DAYS_MAX * DAY_MS);
        most.ms_since(self.draft.valid_until) <= 60 * MINUTE_MS
    }

    /// Whether it can be had in this way in this region. Where it is for some regions only, a
    /// destination without a region is served in none.
    #[must_use]
    pub fn serves(&self, method: Method, to: &Destination) -> bool {
        let regions = &self.draft.regions;
        let is_within = |region: &Region| regions.iter().any(|served| served.contains(region));
        self.draft.methods.contains(&method)
            && (regions.is_empty() || to.0.as_ref().is_some_and(is_within))
    }

    /// The price for so many steps: that of the highest tier that they reach.
    #[must_use]
    pub fn price_for(&self, steps: Steps) -> Price {
        let reached = self
            .draft
            .tiers
            .iter()
            .rev()
            .find(|tier| tier.from <= steps);
        reached
            .and_then(|tier| Price::new(tier.minor, self.draft.price.per()).ok())
            .unwrap_or(self.draft.price)
    }
}

impl Deref for Offer {
    type Target = OfferDraft;

    fn deref(&self) -> &OfferDraft {
        &self.draft
    }
}
