//! The committed catalogues of the examples: made anew they are the same, they are read without a complaint, and they hold what the story needs.

use std::{collections::BTreeSet, fs, io::Read, path::PathBuf};

use omni_examples::catalogue::{DEFAULT_SEED, Role, STORY_SKU, WHOLESALER_OFFERS};
use omni_node::formats::draft::{Draft, Stock};
use omni_protocol::trade::{Method, Nature};

use crate::{options, read};

fn committed(file: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../examples/catalogues")
        .join(file);
    fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn drafts(role: Role, seed: u64) -> Vec<Draft> {
    let outcome = read(
        role.file(),
        role.bytes(seed).expect("memory suffices"),
        options(&[]),
    );
    assert_eq!(outcome.fault(), None, "{role}");
    assert_eq!(outcome.told(), Vec::<String>::new(), "{role}");
    outcome.drafts
}

#[test]
fn the_default_seed_gives_what_is_committed() {
    for role in Role::ALL {
        let found = committed(role.file());
        // Of the compressed one what is in it: another version of the library may compress better.
        let found = if role.file().ends_with(".gz") {
            let mut plain = vec![];
            flate2::read::GzDecoder::new(&*found)
                .read_to_end(&mut plain)
                .expect("is gzip");
            plain
        } else {
            found
        };
        let same = found == role.text(DEFAULT_SEED).into_bytes();
        assert!(
            same,
            "{}: run `cargo run -p omni-examples --bin catalogue`",
            role.file()
        );
    }
}

#[test]
fn any_seed_gives_sound_catalogues_that_differ() {
    let mut texts = BTreeSet::new();
    for seed in [DEFAULT_SEED, u64::MAX] {
        for role in Role::ALL {
            let drafts = drafts(role, seed);
            let skus: BTreeSet<&str> = drafts.iter().map(|d| &*d.sku).collect();
            assert_eq!(skus.len(), drafts.len());
            assert!(
                drafts
                    .iter()
                    .all(|d| d.stock != Stock::Unsaid && d.category.is_some()),
                "{role}"
            );
            assert!(
                texts.insert(role.text(seed)),
                "{role} is the same with seed {seed}"
            );
        }
    }
}

#[test]
fn each_partner_has_what_its_role_promises() {
    for (role, offers, currency, nature) in [
        (Role::Retailer, 480, "EUR", Nature::Product),
        (Role::Maker, 300, "EUR", Nature::Product),
        (Role::Wholesaler, WHOLESALER_OFFERS, "GBP", Nature::Product),
        (Role::Carrier, 96, "EUR", Nature::Service),
        (Role::Installer, 24, "EUR", Nature::Service),
    ] {
        let drafts = drafts(role, DEFAULT_SEED);
        assert_eq!(drafts.len(), offers, "{role}");
        assert!(
            drafts
                .iter()
                .all(|d| d.currency == currency && d.nature == nature),
            "{role}"
        );
        let own = |gtin: u64| gtin / 10_000_000_000 == 200 + 1 + role as u64;
        assert!(
            drafts.iter().filter_map(|d| d.gtin).all(own),
            "{role}: GTINs that are somebody's"
        );
    }
    assert_eq!(WHOLESALER_OFFERS, 2_400);
}

#[test]
fn services_are_sold_in_their_units() {
    let delivery = &drafts(Role::Carrier, DEFAULT_SEED)[0];
    assert_eq!(
        (delivery.unit.code(), &delivery.methods),
        ("C62", &vec![Method::Deliver])
    );
    assert!(!delivery.regions.is_empty());
    for hours in drafts(Role::Installer, DEFAULT_SEED) {
        assert_eq!(
            (
                hours.unit.code(),
                hours.unit.scale(),
                hours.increment,
                hours.per
            ),
            ("HUR", 1, 5, 10)
        );
        assert!(
            matches!(hours.stock, Stock::Counted(50..=450)),
            "{:?}",
            hours.stock
        );
    }
}

#[test]
fn the_wholesaler_has_what_the_retailer_lacks() {
    for seed in [1, 7] {
        let wholesaler = drafts(Role::Wholesaler, seed);
        let heater = wholesaler
            .iter()
            .find(|d| d.sku == STORY_SKU)
            .expect("the story's article is there");
        assert_eq!(
            (heater.minor, heater.per, heater.stock),
            (12_900, 1, Stock::Counted(40))
        );
        assert!(heater.title.contains("patio heater"));
        let retailer = drafts(Role::Retailer, seed);
        let has = |d: &Draft| d.title.to_lowercase().contains("heater");
        assert!(!retailer.iter().any(has));
    }
}

#[test]
fn the_dirty_sample_is_sorted_out() {
    let outcome = read("dirty.csv", committed("dirty.csv"), options(&[]));
    assert_eq!(outcome.fault(), None);
    assert_eq!(outcome.reports[0].untaken, ["Purchase price"]);
    let expected = [
        "4  repeats",
        "5  differs",
        "6 Price no-price",
        "8 Price ambiguous-number",
        "9 Price zero",
        "10 Price negative",
        "11 Article empty",
        "12 Name empty",
        "13 EAN bad-gtin",
        "14 Price other-currency",
        "15 Price formula",
        "16 EAN bad-gtin",
        "16 Stock left-out",
        "17  ragged",
        "19 Currency unknown-currency",
    ];
    assert_eq!(outcome.told(), expected);
    assert_eq!(outcome.counts(), [6, 1, 1, 1, 9, 3]);
}
