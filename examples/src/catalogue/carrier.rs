//! Nordlauf Spedition, a freight carrier: one JSON object a line, each a delivery of one size into one zone, sold as a service by the piece.
//! Stock is the number of deliveries that this week's tours still take.

use super::{
    article::decimal,
    random::Random,
    write::{object, text as json},
};

/// (zone, its name, regions, how much dearer it is in percent)
#[rustfmt::skip]
const ZONES: &[(&str, &str, &str, u64)] = &[
    ("BNL", "Benelux", "BE LU NL", 0),
    ("DEN", "Germany, north", "DE-BB DE-BE DE-HB DE-HH DE-MV DE-NI DE-SH", 0),
    ("DEW", "Germany, west", "DE-HE DE-NW DE-RP DE-SL", 4),
    ("DES", "Germany, south", "DE-BW DE-BY", 9),
    ("DEE", "Germany, east", "DE-SN DE-ST DE-TH", 7),
    ("ALP", "Austria", "AT", 16),
    ("FRN", "France, north", "FR-HDF FR-IDF FR-NOR FR-GES", 14),
    ("FRS", "France, south", "FR-ARA FR-NAQ FR-OCC FR-PAC", 24),
    ("NOR", "Denmark", "DK", 18),
    ("POL", "Poland", "PL", 21),
    ("CZE", "Czechia", "CZ", 19),
    ("GBR", "Great Britain", "GB", 38),
];

/// (code, title, minor units, minutes at the door)
const SIZES: &[(&str, &str, u64, u64)] = &[
    ("P30", "parcel up to 30 kg", 890, 5),
    ("B80", "bulky piece up to 80 kg, to the door", 3_900, 10),
    (
        "B2M",
        "bulky piece up to 80 kg, two people, into the room",
        6_900,
        20,
    ),
    ("PAL", "pallet up to 600 kg, to the kerb", 8_400, 15),
];

const SPEEDS: &[(&str, &str, &str, u64)] = &[
    ("STD", "standard", "24-96", 100),
    ("EXP", "express", "12-36", 155),
];

pub(super) fn text(seed: u64) -> String {
    let mut random = Random::of(seed, "carrier");
    let mut text = String::new();
    for &(zone, place, regions, dearer) in ZONES {
        for &(size, what, minor, minutes) in SIZES {
            for &(speed, how, lead, percent) in SPEEDS {
                let minor = minor * (100 + dearer) / 100 * percent / 100;
                text.push_str(&object(&[
                    ("sku", json(&format!("NL-{zone}-{size}-{speed}"))),
                    ("title", json(&format!("Delivery {place}: {what}, {how}"))),
                    ("language", json("en")),
                    ("nature", json("service")),
                    ("category", json("Delivery > Freight")),
                    ("price", decimal(minor / 10 * 10, '.')),
                    ("currency", json("EUR")),
                    ("unit", json("C62")),
                    ("stock", random.between(20, 180).to_string()),
                    ("methods", json("deliver")),
                    ("regions", json(regions)),
                    ("lead", json(lead)),
                    ("duration", minutes.to_string()),
                ]));
                text.push('\n');
            }
        }
    }
    text
}
