//! Bodies of public records.

use omni_protocol::{
    fence::{Bytes, List, Set, decode, to_bytes},
    hash::{KeyDigest, NetworkId, PartnerId},
    identity::{self, Inception, KeyEvent, Recovery, Rotation, SignedDelegation},
    limits::{DAY_MS, OFFER_DAYS_MAX},
    proof::Proof,
    public::{
        Attribute, Availability, Band, Calendar, CatalogueHead, Category, Claim, Evidence, Exhibit,
        ExhibitForm, Fingerprint, Media, MediaRole, Offer, OfferDraft, Period, Profile, PublicBody,
        Recurring, Service, Tier, Withdrawal, WithdrawalReason,
    },
    trade::{HundredthsOfPercent, Method, Nature, Right},
    value::{Gtin, Minor, Prose, Region, Steps, Time},
};
use proptest::{option, prelude::*};

use super::values::*;

/// The body of a public record.
pub fn public_body() -> BoxedStrategy<PublicBody> {
    prop_oneof![
        key_event().prop_map(|body| PublicBody::KeyEvent(Box::new(body))),
        profile().prop_map(|body| PublicBody::Profile(Box::new(body))),
        catalogue_head().prop_map(PublicBody::CatalogueHead),
        offer().prop_map(|body| PublicBody::Offer(Box::new(body))),
        availability().prop_map(PublicBody::Availability),
        withdrawal().prop_map(PublicBody::Withdrawal),
        evidence().prop_map(PublicBody::Evidence),
    ]
    .boxed()
}

fn digest() -> impl Strategy<Value = KeyDigest> {
    any::<[u8; 32]>().prop_map(KeyDigest::from_bytes)
}

/// A key event with keys that are keys; no chain is made of them.
pub fn key_event() -> BoxedStrategy<KeyEvent> {
    let keys = || {
        (
            any::<u32>(),
            record(),
            public_key(),
            public_key(),
            digest(),
            digest(),
        )
    };
    prop_oneof![
        (any::<[u8; 32]>(), keys()).prop_map(|(network, (_, _, key, _, next, recovery))| {
            let network = NetworkId::from_bytes(network);
            KeyEvent::Inception(Inception::new(network, key, next, recovery))
        }),
        keys().prop_map(|(index, previous, market_key, _, next, _)| {
            KeyEvent::Rotation(Rotation {
                index,
                previous,
                market_key,
                next,
            })
        }),
        keys().prop_map(
            |(index, previous, market_key, recovery_key, next, recovery)| {
                KeyEvent::Recovery(Recovery {
                    index,
                    previous,
                    recovery_key,
                    market_key,
                    next,
                    recovery,
                })
            }
        ),
    ]
    .boxed()
}

/// A delegation with a signature that is nobody's.
pub fn delegation() -> impl Strategy<Value = SignedDelegation> {
    (
        any::<[u8; 32]>(),
        any::<u32>(),
        0..1_u64 << 40,
        0..400 * DAY_MS,
        signature(),
    )
        .prop_map(|(key, key_index, from, lasts, signature)| {
            let (from, to) = (Time::new(from).unwrap(), Time::new(from + lasts).unwrap());
            let role = identity::Role::Sealing;
            let delegation = identity::Delegation::new(role, key, key_index, from, to).unwrap();
            let bytes = [to_bytes(&delegation), to_bytes(&signature)].concat();
            decode(&bytes, 200).unwrap()
        })
}

/// A profile.
pub fn profile() -> BoxedStrategy<Profile> {
    let about = (revision(), text(), option::of(country()), prose(), text());
    // Most of the roles are of later versions.
    let lists = (
        set(any::<u16>()),
        list(text()),
        list(text()),
        list(delegation()),
        list(partner()),
    );
    (about, lists)
        .prop_map(|((revision, name, country, about, website), lists)| {
            let (roles, languages, addresses, delegations, mailboxes) = lists;
            Profile {
                revision,
                name,
                country,
                about,
                website,
                roles,
                languages,
                addresses,
                delegations,
                mailboxes,
            }
        })
        .boxed()
}

fn fingerprint() -> impl Strategy<Value = Fingerprint> {
    any::<[u8; 16]>().prop_map(Fingerprint::from_bytes)
}

fn catalogue_head() -> impl Strategy<Value = CatalogueHead> {
    (revision(), any::<u32>(), fingerprint(), revision()).prop_map(
        |(revision, count, fingerprint, highest)| CatalogueHead {
            revision,
            count,
            fingerprint,
            highest,
        },
    )
}

fn availability() -> impl Strategy<Value = Availability> {
    (revision(), subject(), word(Band::ALL), lead(), time()).prop_map(
        |(revision, subject, band, lead, valid_until)| Availability {
            revision,
            subject,
            band,
            lead,
            valid_until,
        },
    )
}

fn withdrawal() -> impl Strategy<Value = Withdrawal> {
    (
        revision(),
        subject(),
        word(WithdrawalReason::ALL),
        any::<bool>(),
    )
        .prop_map(|(revision, subject, reason, offer)| {
            if offer {
                Withdrawal::of_offer(revision, subject, reason)
            } else {
                Withdrawal::of_availability(revision, subject, reason)
            }
        })
}

/// A proof that proves nothing.
pub fn proof() -> impl Strategy<Value = Proof> {
    (
        any::<u32>(),
        any::<u16>(),
        any::<u16>(),
        prop::collection::vec(any::<[u8; 32]>(), 0..=8),
        signature(),
    )
        .prop_map(
            |(key_index, tree_size, leaf_index, path, signature)| Proof {
                key_index,
                tree_size,
                leaf_index,
                path: List::new(path).unwrap(),
                signature,
            },
        )
}

fn evidence() -> BoxedStrategy<Evidence> {
    let exhibit = (
        word(ExhibitForm::ALL),
        prop::collection::vec(any::<u8>(), 0..300),
        option::of(proof()),
    )
        .prop_map(|(form, bytes, proof)| Exhibit {
            form,
            bytes: Bytes::new(bytes).unwrap(),
            proof,
        });
    (partner(), word(Claim::ALL), list(exhibit))
        .prop_map(|(accused, claim, exhibits)| Evidence {
            accused,
            claim,
            exhibits,
        })
        .boxed()
}

/// An offer that follows the rules between its fields.
pub fn offer() -> BoxedStrategy<Offer> {
    (revision(), draft(), 0..=OFFER_DAYS_MAX * DAY_MS)
        .prop_map(|(revision, mut draft, lasts)| {
            draft.valid_until = revision.time().plus_ms(lasts);
            Offer::new(revision, draft).unwrap()
        })
        .boxed()
}

fn draft() -> BoxedStrategy<OfferDraft> {
    let times = (word(Nature::ALL), 0..=4320_u32, lead());
    (plain_draft(), details(), trade(), times)
        .prop_map(
            |(plain, details, trade, (nature, number, lead))| OfferDraft {
                audience: details.audience,
                description: details.description,
                category: details.category,
                gtin: details.gtin,
                attributes: details.attributes,
                media: details.media,
                tiers: trade.tiers,
                suggested: trade.suggested,
                commission: trade.commission,
                methods: trade.methods,
                regions: trade.regions,
                rights: trade.rights,
                nature,
                hold_minutes: number,
                lead,
                white_label: number.is_multiple_of(2),
                service: (nature == Nature::Service && number % 3 > 0).then(|| service(number)),
                recurring: (nature == Nature::Recurring).then(|| recurring(number)),
                ..plain
            },
        )
        .boxed()
}

/// The fields that have no rule with others, but for the quantities.
fn plain_draft() -> BoxedStrategy<OfferDraft> {
    let texts = (
        text(),
        text(),
        text(),
        text(),
        text(),
        text(),
        text(),
        text(),
        text(),
    );
    let quantities = (1..=50_u64, 1..=50_u64, 0..=50_u64);
    (texts, (price(), currency(), unit()), quantities)
        .prop_map(
            |(
                (sku, list, title, language, brand, mpn, group, tax, incoterm),
                price,
                quantities,
            )| {
                let (price, currency, unit) = price;
                let (increment, times, above) = quantities;
                let steps = |steps| Steps::new(steps).unwrap();
                let until = Time::default();
                let draft =
                    OfferDraft::product(sku, title, (price, currency), unit, until).unwrap();
                OfferDraft {
                    list,
                    language,
                    brand,
                    mpn,
                    group,
                    tax,
                    incoterm,
                    increment: steps(increment),
                    minimum: steps(increment * times),
                    maximum: steps(increment * times + above),
                    ..draft
                }
            },
        )
        .boxed()
}

/// The fields that describe the thing.
#[derive(Debug)]
struct Details {
    audience: Set<PartnerId, 64>,
    description: Prose<4096>,
    category: Option<Category>,
    gtin: Option<Gtin>,
    attributes: List<Attribute, 64>,
    media: List<Media, 16>,
}

fn details() -> BoxedStrategy<Details> {
    let category = (text(), text()).prop_map(|(scheme, code)| Category { scheme, code });
    // Numbered, since each name must stand once.
    let attributes = prop::collection::vec(text(), 0..=4).prop_map(|values| {
        let named = values
            .into_iter()
            .enumerate()
            .map(|(number, value)| Attribute {
                name: format!("attribute {number}").parse().unwrap(),
                value,
            });
        List::new(named.collect::<Vec<_>>()).unwrap()
    });
    let file = (
        text(),
        text(),
        any::<u64>(),
        any::<[u8; 32]>(),
        any::<bool>(),
    );
    let media = (word(MediaRole::ALL), file).prop_map(|(role, file)| {
        let (location, media_type, size, hash, hashed) = file;
        let sha256 = (hashed || location.is_empty()).then_some(hash);
        Media {
            role,
            location,
            media_type,
            size,
            sha256,
        }
    });
    let lists = (attributes, list(media));
    (
        set(partner()),
        prose(),
        option::of(category),
        option::of(gtin()),
        lists,
    )
        .prop_map(
            |(audience, description, category, gtin, (attributes, media))| Details {
                audience,
                description,
                category,
                gtin,
                attributes,
                media,
            },
        )
        .boxed()
}

/// The fields that say for how much, how and where.
#[derive(Debug)]
struct Trade {
    tiers: List<Tier, 8>,
    suggested: Option<Minor>,
    commission: Option<HundredthsOfPercent>,
    methods: Set<Method, 6, 1>,
    regions: Set<Region, 64>,
    rights: List<Right, 16>,
}

fn trade() -> BoxedStrategy<Trade> {
    let tiers = prop::collection::btree_map(1..=1000_u64, minor_from_zero(), 0..=8);
    let tiers = tiers.prop_map(|tiers| {
        let tier = |(from, minor)| Tier {
            from: Steps::new(from).unwrap(),
            minor,
        };
        List::new(tiers.into_iter().map(tier).collect::<Vec<_>>()).unwrap()
    });
    let prices = (tiers, option::of(minor_from_zero()), option::of(share()));
    (prices, set(word(Method::ALL)), set(region()), list(right()))
        .prop_map(
            |((tiers, suggested, commission), methods, regions, rights)| Trade {
                tiers,
                suggested,
                commission,
                methods,
                regions,
                rights,
            },
        )
        .boxed()
}

fn service(number: u32) -> Service {
    let calendar = Calendar {
        rule: "FREQ=WEEKLY;BYDAY=MO,TU".parse().unwrap(),
        start: "2026-11-23T08:00".parse().unwrap(),
        zone: "Europe/Berlin".parse().unwrap(),
        capacity: number,
    };
    Service {
        duration_minutes: number,
        calendar: (number.is_multiple_of(2)).then_some(calendar),
    }
}

fn recurring(number: u32) -> Recurring {
    let period = Period::ALL[number as usize % Period::ALL.len()];
    Recurring {
        period,
        cycles: number,
        notice_days: number * 7,
        pause: number.is_multiple_of(2),
    }
}
