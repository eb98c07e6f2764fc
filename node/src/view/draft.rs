//! Between an offer's document and the market's draft, in both directions. Which field is wrong,
//! and why, is said here; what a partner may offer at all is the core's matter.

use std::fmt::Display;
use std::str::FromStr;

use omni_protocol::fence::{List, Set, Wire};
use omni_protocol::hash::PartnerId;
use omni_protocol::limits::STEPS_MAX;
use omni_protocol::public::{
    self, Attribute, Category, Media, MediaRole, OfferDraft, Period, Recurring, Service, Tier,
};
use omni_protocol::trade::{HundredthsOfPercent, Lead, Method, Nature, Right, RightState, RightTo};
use omni_protocol::value::{Currency, Gtin, Minor, Price, Region, Steps, Time, Unit};

use super::money::{amount_text, parse_amount, parse_quantity, quantity_text};
use super::offer::{
    AttributeDoc, CalendarDoc, CategoryDoc, LeadDoc, MediaDoc, OfferDoc, RecurringDoc, RightDoc,
    ServiceDoc, TierDoc,
};
use crate::calendar::Calendar;
use crate::keys::text::hex;

/// A field of a document that can't become part of an offer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct BadField {
    /// The field, as the document has it.
    pub field: &'static str,
    /// What is wrong with it.
    pub why: String,
}

fn bad(field: &'static str) -> impl Fn(&dyn Display) -> BadField {
    move |why| BadField {
        field,
        why: why.to_string(),
    }
}

/// Gives an error the name of its field.
trait In<T> {
    fn of(self, field: &'static str) -> Result<T, BadField>;
}

impl<T, E: Display> In<T> for Result<T, E> {
    fn of(self, field: &'static str) -> Result<T, BadField> {
        self.map_err(|why| bad(field)(&why))
    }
}

/// A word of the market by its name, or what the names are.
macro_rules! word {
    ($kind:ty, $text:expr, $field:expr) => {
        <$kind>::from_name($text).ok_or_else(|| {
            let names: Vec<_> = <$kind>::ALL.iter().map(|word| word.name()).collect();
            bad($field)(&format_args!(
                "\"{}\" is not one of: {}",
                $text,
                names.join(", ")
            ))
        })
    };
}

/// The draft that a document describes; it stands until `otherwise` if the document says nothing.
///
/// # Errors
/// The first field that can't be read.
pub fn draft_of(doc: &OfferDoc, otherwise: Time) -> Result<OfferDraft, BadField> {
    let unit = Unit::new(&doc.unit, doc.scale).of("unit")?;
    let currency: Currency = doc.currency.parse().of("currency")?;
    let minor = |text: &str, field| parse_amount(text, &doc.currency).of(field).map(|m| m.minor);
    let steps = |text: &str, field| {
        let steps = parse_quantity(text, &unit).of(field)?;
        Steps::new(steps).of(field)
    };
    let price = Price::new(minor(&doc.price, "price")?, steps(&doc.per, "per")?).of("price")?;
    if price.minor() == Minor::ZERO {
        return Err(bad("price")(
            &"it is zero, and an offer at no price would bind you",
        ));
    }
    let until = match doc.valid_until_ms {
        Some(ms) => Time::new(ms).of("valid_until_ms")?,
        None => otherwise,
    };
    let (sku, title) = (doc.sku.parse().of("sku")?, doc.title.parse().of("title")?);
    let mut draft =
        OfferDraft::product(sku, title, (price, currency), unit.clone(), until).of("unit")?;
    draft.nature = word!(Nature, &doc.nature, "nature")?;
    let tiers = doc.tiers.iter().map(|tier| {
        Ok(Tier {
            from: steps(&tier.from, "tiers")?,
            minor: minor(&tier.price, "tiers")?,
        })
    });
    draft.tiers = list(tiers, "tiers")?;
    let suggested = doc.suggested.as_deref();
    draft.suggested = suggested.map(|text| minor(text, "suggested")).transpose()?;
    let commission = doc.commission.as_deref();
    draft.commission = commission
        .map(|text| percent(text, "commission"))
        .transpose()?;
    if let Some(increment) = &doc.increment {
        draft.increment = steps(increment, "increment")?;
    }
    draft.minimum = match &doc.minimum {
        Some(minimum) => steps(minimum, "minimum")?,
        None => draft.increment,
    };
    if let Some(maximum) = &doc.maximum {
        draft.maximum = steps(maximum, "maximum")?;
    }
    describe(doc, &mut draft)?;
    deliver(doc, &mut draft)?;
    Ok(draft)
}

fn describe(doc: &OfferDoc, draft: &mut OfferDraft) -> Result<(), BadField> {
    draft.list = doc.list.parse().of("list")?;
    draft.audience = set(parsed::<PartnerId>(&doc.audience, "audience"), "audience")?;
    draft.description = doc.description.parse().of("description")?;
    draft.language = doc.language.parse().of("language")?;
    draft.brand = doc.brand.parse().of("brand")?;
    let gtin = doc.gtin.as_deref();
    draft.gtin = gtin
        .map(|text| text.parse::<Gtin>().of("gtin"))
        .transpose()?;
    draft.mpn = doc.mpn.parse().of("mpn")?;
    let category = |category: &CategoryDoc| {
        Ok(Category {
            scheme: category.scheme.parse().of("category")?,
            code: category.code.parse().of("category")?,
        })
    };
    draft.category = doc.category.as_ref().map(category).transpose()?;
    let attributes = doc.attributes.iter().map(|attribute| {
        Ok(Attribute {
            name: attribute.name.parse().of("attributes")?,
            value: attribute.value.parse().of("attributes")?,
        })
    });
    draft.attributes = list(attributes, "attributes")?;
    draft.group = doc.group.parse().of("group")?;
    draft.media = list(doc.media.iter().map(medium), "media")?;
    Ok(())
}

fn deliver(doc: &OfferDoc, draft: &mut OfferDraft) -> Result<(), BadField> {
    let methods = doc.methods.iter();
    draft.methods = set(methods.map(|m| word!(Method, m, "methods")), "methods")?;
    draft.regions = set(parsed::<Region>(&doc.regions, "regions"), "regions")?;
    draft.lead = Lead::new(doc.lead.from_hours, doc.lead.to_hours).of("lead")?;
    draft.incoterm = doc.incoterm.parse().of("incoterm")?;
    draft.tax = doc.tax.parse().of("tax")?;
    draft.service = doc.service.as_ref().map(service).transpose()?;
    draft.recurring = doc.recurring.as_ref().map(recurring).transpose()?;
    let rights = doc.rights.iter().map(|right| {
        Ok(Right {
            state: word!(RightState, &right.state, "rights")?,
            to: word!(RightTo, &right.to, "rights")?,
            within_hours: right.within_hours,
            fee: percent(&right.fee, "rights")?,
        })
    });
    draft.rights = list(rights, "rights")?;
    draft.white_label = doc.white_label;
    if let Some(minutes) = doc.hold_minutes {
        draft.hold_minutes = minutes;
    }
    Ok(())
}

fn medium(doc: &MediaDoc) -> Result<Media, BadField> {
    let hash = |text: &str| text.parse::<omni_protocol::hash::RecordId>().of("media");
    Ok(Media {
        role: word!(MediaRole, &doc.role, "media")?,
        location: doc.location.parse().of("media")?,
        media_type: doc.media_type.parse().of("media")?,
        size: doc.size,
        // Any 32 bytes in hexadecimal digits read alike.
        sha256: doc
            .sha256
            .as_deref()
            .map(hash)
            .transpose()?
            .map(|id| *id.as_bytes()),
    })
}

fn service(doc: &ServiceDoc) -> Result<Service, BadField> {
    let calendar = |calendar: &CalendarDoc| {
        Ok(public::Calendar {
            rule: calendar.rule.parse().of("service")?,
            start: calendar.start.parse().of("service")?,
            zone: calendar.zone.parse().of("service")?,
            capacity: calendar.capacity,
        })
    };
    let service = Service {
        duration_minutes: doc.duration_minutes,
        calendar: doc.calendar.as_ref().map(calendar).transpose()?,
    };
    Calendar::of(&service).of("service")?;
    Ok(service)
}

fn recurring(doc: &RecurringDoc) -> Result<Recurring, BadField> {
    Ok(Recurring {
        period: word!(Period, &doc.period, "recurring")?,
        cycles: doc.cycles,
        notice_days: doc.notice_days,
        pause: doc.pause,
    })
}

fn parsed<T: FromStr<Err: Display>>(
    texts: &[String],
    field: &'static str,
) -> impl Iterator<Item = Result<T, BadField>> {
    texts.iter().map(move |text| text.parse().of(field))
}

fn list<T, const MAX: usize>(
    items: impl Iterator<Item = Result<T, BadField>>,
    field: &'static str,
) -> Result<List<T, MAX>, BadField> {
    List::new(items.collect::<Result<Vec<_>, _>>()?).of(field)
}

fn set<T: Wire + Ord, const MAX: usize, const MIN: usize>(
    items: impl Iterator<Item = Result<T, BadField>>,
    field: &'static str,
) -> Result<Set<T, MAX, MIN>, BadField> {
    Set::new(items.collect::<Result<Vec<_>, _>>()?).of(field)
}

/// Percent with two decimals is the very number that an offer holds.
fn percent(text: &str, field: &'static str) -> Result<HundredthsOfPercent, BadField> {
    let hundredths = parse_quantity(text, &hundredth().of(field)?).of(field)?;
    let share = u16::try_from(hundredths).map_err(|_why| bad(field)(&"at most 100 percent"))?;
    HundredthsOfPercent::new(share).of(field)
}

fn percent_text(share: HundredthsOfPercent) -> String {
    hundredth().map_or_else(
        |_| share.get().to_string(),
        |unit| quantity_text(share.get().into(), &unit),
    )
}

/// Percent (UN/ECE Recommendation 20) with two decimals.
fn hundredth() -> Result<Unit, omni_protocol::value::Invalid> {
    Unit::new("P1", 2)
}

/// The document that describes a draft, its end left out: what takes it sets a new one.
#[must_use]
pub fn doc_of(draft: &OfferDraft) -> OfferDoc {
    let quantity = |steps: Steps| quantity_text(steps.get(), &draft.unit);
    let money = |minor: Minor| amount_text(minor, draft.currency);
    let most = draft.maximum.get() < STEPS_MAX;
    OfferDoc {
        sku: draft.sku.to_string(),
        list: draft.list.to_string(),
        audience: draft.audience.iter().map(PartnerId::to_string).collect(),
        nature: draft.nature.name().to_owned(),
        title: draft.title.to_string(),
        description: draft.description.to_string(),
        language: draft.language.to_string(),
        brand: draft.brand.to_string(),
        gtin: draft.gtin.map(|gtin| gtin.to_string()),
        mpn: draft.mpn.to_string(),
        category: draft.category.as_ref().map(|category| CategoryDoc {
            scheme: category.scheme.to_string(),
            code: category.code.to_string(),
        }),
        attributes: draft.attributes.iter().map(attribute_doc).collect(),
        group: draft.group.to_string(),
        media: draft.media.iter().map(media_doc).collect(),
        price: money(draft.price.minor()),
        currency: draft.currency.to_string(),
        per: quantity(draft.price.per()),
        tiers: draft
            .tiers
            .iter()
            .map(|tier| TierDoc {
                from: quantity(tier.from),
                price: money(tier.minor),
            })
            .collect(),
        suggested: draft.suggested.map(money),
        commission: draft.commission.map(percent_text),
        tax: draft.tax.to_string(),
        unit: draft.unit.code().to_owned(),
        scale: draft.unit.scale(),
        increment: Some(quantity(draft.increment)),
        minimum: Some(quantity(draft.minimum)),
        maximum: most.then(|| quantity(draft.maximum)),
        methods: draft.methods.iter().map(|m| m.name().to_owned()).collect(),
        regions: draft.regions.iter().map(Region::to_string).collect(),
        lead: LeadDoc {
            from_hours: draft.lead.from_hours(),
            to_hours: draft.lead.to_hours(),
        },
        incoterm: draft.incoterm.to_string(),
        service: draft.service.as_ref().map(service_doc),
        recurring: draft.recurring.map(|recurring| RecurringDoc {
            period: recurring.period.name().to_owned(),
            cycles: recurring.cycles,
            notice_days: recurring.notice_days,
            pause: recurring.pause,
        }),
        rights: draft.rights.iter().map(right_doc).collect(),
        white_label: draft.white_label,
        hold_minutes: Some(draft.hold_minutes),
        valid_until_ms: None,
    }
}

fn attribute_doc(attribute: &Attribute) -> AttributeDoc {
    AttributeDoc {
        name: attribute.name.to_string(),
        value: attribute.value.to_string(),
    }
}

fn media_doc(media: &Media) -> MediaDoc {
    MediaDoc {
        role: media.role.name().to_owned(),
        location: media.location.to_string(),
        media_type: media.media_type.to_string(),
        size: media.size,
        sha256: media.sha256.map(|hash| hex(&hash).to_string()),
    }
}

fn service_doc(service: &Service) -> ServiceDoc {
    ServiceDoc {
        duration_minutes: service.duration_minutes,
        calendar: service.calendar.as_ref().map(|calendar| CalendarDoc {
            rule: calendar.rule.to_string(),
            start: calendar.start.to_string(),
            zone: calendar.zone.to_string(),
            capacity: calendar.capacity,
        }),
    }
}

fn right_doc(right: &Right) -> RightDoc {
    RightDoc {
        state: right.state.name().to_owned(),
        to: right.to.name().to_owned(),
        within_hours: right.within_hours,
        fee: percent_text(right.fee),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = r#"{"sku":"A","title":"T","price":"1.50","currency":"EUR"}"#;

    const FULL: &str = r#"{"sku":"A","list":"L","nature":"service","title":"T","description":"D","language":"en",
        "brand":"B","gtin":"04006381333931","mpn":"M","category":{"scheme":"google","code":"A > B"},
        "attributes":[{"name":"n","value":"v"}],"group":"G",
        "media":[{"role":"image","location":"https://a/b.png","media_type":"image/png","size":7,
        "sha256":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}],
        "price":"45.00","currency":"GBP","per":"1.5","tiers":[{"from":"3","price":"40.00"}],"suggested":"60.00",
        "commission":"2.50","tax":"S","unit":"HUR","scale":1,"increment":"0.5","minimum":"1","maximum":"8",
        "methods":["pick up","on site"],"regions":["DE","GB-SCT"],"lead":{"from_hours":24,"to_hours":48},"incoterm":"DAP",
        "service":{"duration_minutes":90,"calendar":{"rule":"FREQ=DAILY","start":"2026-01-01T08:00","zone":"Europe/Berlin","capacity":2}},
        "rights":[{"state":"before fulfilment","to":"cancel","within_hours":24,"fee":"10"}],
        "white_label":true,"hold_minutes":30}"#;

    fn doc(text: &str) -> OfferDoc {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_document_becomes_a_draft_and_the_same_document_again() {
        let full = doc(FULL);
        let draft = draft_of(&full, Time::default()).unwrap();
        assert_eq!(draft.price.minor().get(), 4_500);
        assert_eq!(draft.price.per().get(), 15);
        assert_eq!(draft.commission.map(HundredthsOfPercent::get), Some(250));
        assert_eq!(doc_of(&draft), full);
        let plain = draft_of(&doc(PLAIN), Time::default()).unwrap();
        assert_eq!(draft_of(&doc_of(&plain), Time::default()).unwrap(), plain);
    }

    #[test]
    fn hostile_documents_are_refused_by_field() {
        let check = |change: &str, field: &str| {
            let text = PLAIN.replacen('{', &format!("{{{change},"), 1);
            match serde_json::from_str::<OfferDoc>(&text) {
                Ok(doc) => assert_eq!(draft_of(&doc, Time::default()).unwrap_err().field, field),
                Err(e) => assert!(e.to_string().contains(field), "{e}"),
            }
        };
        check(r#""unit":"pcs""#, "unit");
        check(r#""scale":7"#, "unit");
        check(r#""per":"0""#, "per");
        check(r#""per":"0.5""#, "per");
        check(r#""suggested":"1.505""#, "suggested");
        check(r#""commission":"100.01""#, "commission");
        check(r#""gtin":"4006381333932""#, "gtin");
        check(r#""regions":["Germany"]"#, "regions");
        check(r#""methods":[]"#, "methods");
        check(r#""methods":["fax"]"#, "methods");
        check(r#""audience":["omni1x"]"#, "audience");
        check(r#""lead":{"from_hours":2,"to_hours":1}"#, "lead");
        let calendar = |rule: &str, capacity: u32| {
            format!(
                r#""nature":"service","service":{{"duration_minutes":60,"calendar":{{"rule":"{rule}",
                "start":"2027-03-01T08:00","zone":"Europe/Berlin","capacity":{capacity}}}}}"#
            )
        };
        check(&calendar("FREQ=HOURLY", 1), "service");
        check(&calendar("FREQ=DAILY", 0), "service");
        check(r#""description":"\u0000""#, "description");
        check(r#""prize":"1""#, "prize");
        check(r#""title":"T""#, "title");
        check(r#""tiers":[{"from":"1","price":1}]"#, "string");
    }
}
