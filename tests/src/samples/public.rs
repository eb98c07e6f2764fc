//! Bodies of public records.

use omni_protocol::{
    fence::{Bytes, List, Set},
    hash::{RecordId, SubjectId},
    public::{
        Attribute, Availability, Band, Business, Calendar, CatalogueHead, Category, Claim,
        Evidence, Exhibit, ExhibitForm, IdSum, Media, MediaRole, Offer, OfferDraft, Period,
        Profile, PublicBody, Recurring, Service, Tier, Withdrawal, WithdrawalReason,
    },
    slot::Revision,
    trade::{HundredthsOfPercent, Lead, Method, Nature, Right, RightState, RightTo},
    value::{Gtin, Minor, Price, Unit},
};

use super::{delegation, inception, partner, steps, time};

/// The revision of the samples, late in 2026.
pub fn revision() -> Revision {
    Revision::next(None, time(1_795_000_000_000)).unwrap()
}

pub(super) fn all() -> Vec<(&'static str, PublicBody)> {
    let offer = |draft| PublicBody::Offer(Box::new(Offer::new(revision(), draft).unwrap()));
    vec![
        (
            "KeyEvent",
            PublicBody::KeyEvent(Box::new(inception(1).0.body().clone())),
        ),
        ("Profile", PublicBody::Profile(Box::new(profile()))),
        ("Profile with a name only", {
            PublicBody::Profile(Box::new(Profile::named("Regal & Co").unwrap()))
        }),
        ("CatalogueHead", PublicBody::CatalogueHead(head())),
        ("Offer", offer(offer_draft())),
        ("Offer of a service", offer(service())),
        ("Offer of what recurs", offer(recurring())),
        ("Availability", PublicBody::Availability(availability())),
        ("Withdrawal", {
            let reason = WithdrawalReason::Replaced;
            PublicBody::Withdrawal(Withdrawal::of_offer(revision(), subject(), reason))
        }),
        ("Evidence", PublicBody::Evidence(evidence())),
    ]
}

fn subject() -> SubjectId {
    SubjectId::from_bytes([0x5a; 32])
}

fn profile() -> Profile {
    let mut profile = Profile::named("Möbel & Söhne").unwrap();
    profile.revision = revision();
    profile.country = Some("DE".parse().unwrap());
    profile.about = "Shelves.\n\tAnd tables.".parse().unwrap();
    profile.website = "https://moebel.example".parse().unwrap();
    // 1000 and 255 are of later versions; by their bytes 1000 stands before 255.
    let roles = [
        Business::Maker.number(),
        Business::Retailer.number(),
        1000,
        255,
    ];
    profile.roles = Set::new(roles).unwrap();
    profile.languages = List::new(["de", "en-GB"].map(|tag| tag.parse().unwrap())).unwrap();
    profile.addresses = List::new(["/dns4/moebel.example/tcp/4001".parse().unwrap()]).unwrap();
    profile.delegations = List::new([delegation(1)]).unwrap();
    profile
}

fn head() -> CatalogueHead {
    let ids = [1, 0xff, 0x80].map(|byte| RecordId::from_bytes([byte; 32]));
    let sum: IdSum = ids.into_iter().collect();
    CatalogueHead {
        revision: revision(),
        count: u32::try_from(sum.count()).unwrap(),
        fingerprint: sum.fingerprint(),
        highest: revision(),
    }
}

fn right() -> Right {
    Right {
        state: RightState::During,
        to: RightTo::Cancel,
        within_hours: 336,
        fee: HundredthsOfPercent::new(1250).unwrap(),
    }
}

fn minor(minor: i64) -> Minor {
    Minor::new(minor).unwrap()
}

/// A product with every field filled that a product may have.
pub fn offer_draft() -> OfferDraft {
    let price = (
        Price::new(minor(19_990), steps(1)).unwrap(),
        "EUR".parse().unwrap(),
    );
    let unit = Unit::new("C62", 0).unwrap();
    let (sku, title) = (
        "REG-180-E".parse().unwrap(),
        "Regal Eiche 180 cm".parse().unwrap(),
    );
    let draft = OfferDraft::product(sku, title, price, unit, time(1_800_000_000_000)).unwrap();
    OfferDraft {
        list: "b2b".parse().unwrap(),
        audience: Set::new([partner(2), partner(3)]).unwrap(),
        description: "Massiv.\nGeölt.".parse().unwrap(),
        language: "de".parse().unwrap(),
        brand: "Söhne".parse().unwrap(),
        gtin: Some(Gtin::new(4_006_381_333_931).unwrap()),
        mpn: "R180".parse().unwrap(),
        category: Some(Category {
            scheme: "google".parse().unwrap(),
            code: "Furniture > Shelving".parse().unwrap(),
        }),
        attributes: List::new([
            Attribute {
                name: "width".parse().unwrap(),
                value: "80 cm".parse().unwrap(),
            },
            Attribute {
                name: "colour".parse().unwrap(),
                value: "".parse().unwrap(),
            },
        ])
        .unwrap(),
        group: "REG".parse().unwrap(),
        media: List::new([Media {
            role: MediaRole::Model,
            location: "https://moebel.example/r180.glb".parse().unwrap(),
            media_type: "model/gltf-binary".parse().unwrap(),
            size: 70_000,
            sha256: Some([0xab; 32]),
        }])
        .unwrap(),
        tiers: List::new([(4, 18_990), (10, 17_990)].map(|(from, price)| Tier {
            from: steps(from),
            minor: minor(price),
        }))
        .unwrap(),
        suggested: Some(minor(24_900)),
        commission: Some(HundredthsOfPercent::new(300).unwrap()),
        tax: "S".parse().unwrap(),
        increment: steps(2),
        minimum: steps(4),
        maximum: steps(300),
        methods: Set::new([Method::Deliver, Method::Ship]).unwrap(),
        // By their bytes the shorter codes stand first.
        regions: Set::new(["DE-BY", "FR", "AT"].map(|code| code.parse().unwrap())).unwrap(),
        lead: Lead::new(24, 96).unwrap(),
        incoterm: "DAP".parse().unwrap(),
        rights: List::new([right()]).unwrap(),
        white_label: true,
        hold_minutes: 30,
        ..draft
    }
}

fn service() -> OfferDraft {
    OfferDraft {
        nature: Nature::Service,
        unit: Unit::new("HUR", 1).unwrap(),
        service: Some(Service {
            duration_minutes: 90,
            calendar: Some(Calendar {
                rule: "FREQ=WEEKLY;BYDAY=MO,TU".parse().unwrap(),
                start: "2026-11-23T08:00".parse().unwrap(),
                zone: "Europe/Berlin".parse().unwrap(),
                capacity: 3,
            }),
        }),
        ..offer_draft()
    }
}

fn recurring() -> OfferDraft {
    let recurring = Recurring {
        period: Period::Month,
        cycles: 12,
        notice_days: 30,
        pause: true,
    };
    OfferDraft {
        nature: Nature::Recurring,
        recurring: Some(recurring),
        ..offer_draft()
    }
}

fn availability() -> Availability {
    Availability {
        revision: revision(),
        subject: subject(),
        band: Band::Low,
        lead: Lead::new(24, 48).unwrap(),
        valid_until: time(1_796_000_000_000),
    }
}

fn evidence() -> Evidence {
    let (record, proof) = inception(2);
    let exhibit = |form, bytes: &[u8], proof| Exhibit {
        form,
        bytes: Bytes::new(bytes).unwrap(),
        proof,
    };
    let exhibits = [
        exhibit(ExhibitForm::Record, record.bytes(), Some(proof)),
        exhibit(ExhibitForm::Checkpoint, b"a note", None),
    ];
    Evidence {
        accused: partner(2),
        claim: Claim::TwoKeyEvents,
        exhibits: List::new(exhibits).unwrap(),
    }
}
