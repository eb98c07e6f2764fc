//! Handfest Montage, a firm of fitters: a JSON array of services sold by the hour (`HUR`) in halves. Stock is the hours that are free this week.

use super::{
    article::decimal,
    random::Random,
    write::{object, text as json},
};

/// (code, title, what is done, minor units an hour, least hours in tenths)
#[rustfmt::skip]
const SERVICES: &[(&str, &str, &str, u64, u64)] = &[
    ("TVW", "TV wall mounting", "Bracket fixed, TV hung, cables led away.", 6_200, 10),
    ("FUR", "Furniture assembly", "Unpacked, put together, packaging taken along.", 5_400, 10),
    ("KIT", "Kitchen fitting", "Units set, worktop cut, sockets left to the electrician.", 6_800, 40),
    ("HOB", "Induction hob connection", "Connected to 400 V by an electrician, measured and recorded.", 7_900, 10),
    ("OVN", "Built-in oven connection", "Set in and connected by an electrician.", 7_900, 10),
    ("HTR", "Patio heater mounting", "Fixed to wall or ceiling, connected by an electrician.", 7_200, 10),
    ("LMP", "Lamp installation", "Hung and connected, up to 4 m high.", 6_400, 5),
    ("CUR", "Curtain rail fitting", "Drilled and levelled, curtains hung.", 5_200, 5),
    ("SHE", "Shelf fitting", "Drilled, fixed, tested for its load.", 5_200, 5),
    ("TAP", "Tap replacement", "Old one taken off, new one fitted and sealed.", 6_600, 10),
    ("GRL", "Grill assembly", "Put together, gas connection tested for leaks.", 5_800, 10),
    ("DSK", "Desk assembly", "Put together, motors run in.", 5_400, 10),
];

/// (code, name, regions, percent)
const AREAS: &[(&str, &str, &str, u64)] = &[
    ("HH", "Hamburg", "DE-HH", 106),
    ("NI", "Lower Saxony", "DE-NI DE-HB", 98),
];

pub(super) fn text(seed: u64) -> String {
    let mut random = Random::of(seed, "installer");
    let mut rows = vec![];
    for &(code, title, says, minor, least) in SERVICES {
        for &(area, place, regions, percent) in AREAS {
            let half_hours = random.between(10, 90);
            rows.push(object(&[
                ("sku", json(&format!("HM-{code}-{area}"))),
                ("title", json(&format!("{title}, {place}"))),
                ("description", json(says)),
                ("language", json("en")),
                ("nature", json("service")),
                ("category", json("Services > Installation")),
                ("price", decimal(minor * percent / 100 / 50 * 50, '.')),
                ("currency", json("EUR")),
                ("unit", json("HUR:1")),
                ("increment", "0.5".to_owned()),
                ("minimum", tenths(least)),
                ("maximum", "16".to_owned()),
                ("stock", tenths(half_hours * 5)),
                ("methods", json("on-site")),
                ("regions", json(regions)),
                ("lead", json("48-168")),
                ("duration", (least * 6).to_string()),
            ]));
        }
    }
    format!("[\n{}\n]\n", rows.join(",\n"))
}

fn tenths(hours: u64) -> String {
    format!("{}.{}", hours / 10, hours % 10)
}
