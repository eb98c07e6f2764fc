//! The words of which catalogues are made, and what the things they name cost.

/// A kind of article. Its articles are all combinations of brand, model, size and finish.
#[derive(Debug)]
pub(super) struct Family {
    /// Three letters for article numbers.
    pub(super) code: &'static str,
    pub(super) category: &'static str,
    pub(super) noun: &'static str,
    /// What the description says of it.
    pub(super) says: &'static str,
    /// Sizes, the cheapest first.
    pub(super) sizes: &'static [&'static str],
    pub(super) finishes: &'static [&'static str],
    /// Whole units of the currency that the smallest costs.
    pub(super) price: u64,
    /// How much more each further size costs.
    pub(super) more: u64,
}

const WOODS: &[&str] = &["oak", "ash", "walnut", "beech", "pine"];
const COLOURS: &[&str] = &["anthracite", "sand", "moss green", "white", "rust red"];
const METALS: &[&str] = &["black", "brushed steel", "brass", "white"];

/// Model names, of no meaning.
pub(super) const MODELS: &[&str] = &[
    "Aven", "Birka", "Corvin", "Dala", "Elder", "Fjell", "Garrow", "Holm", "Isla", "Juno",
    "Kestrel", "Lunde", "Marlo", "Nessa", "Orrin", "Perle", "Quill", "Runa", "Skarn", "Tarn",
    "Ulva", "Vesper", "Wren", "Ymir",
];

pub(super) const RETAIL_BRANDS: &[&str] = &["Alderhaus", "Lumenta", "Tessavo", "Norrby Living"];
pub(super) const WHOLESALE_BRANDS: &[&str] = &[
    "Emberly",
    "Hearthline",
    "Tordale",
    "Brightwell Tools",
    "Gardenaire",
];

#[rustfmt::skip]
pub(super) const MAKER: &[Family] = &[
    Family { code: "TAB", category: "Furniture > Tables", noun: "dining table", says: "Solid top, oiled by hand, legs to be screwed on.", sizes: &["140 × 90 cm", "180 × 90 cm", "220 × 100 cm"], finishes: WOODS, price: 420, more: 130 },
    Family { code: "CHA", category: "Furniture > Chairs", noun: "chair", says: "Steam-bent back, seat of woven paper cord.", sizes: &["without arms", "with arms"], finishes: WOODS, price: 119, more: 40 },
    Family { code: "SHE", category: "Furniture > Shelving", noun: "shelf", says: "Boards of 24 mm, adjustable in steps of 32 mm.", sizes: &["80 cm", "120 cm", "160 cm"], finishes: WOODS, price: 89, more: 45 },
    Family { code: "SID", category: "Furniture > Sideboards", noun: "sideboard", says: "Doors with soft closing, cable outlet at the back.", sizes: &["120 cm", "180 cm"], finishes: WOODS, price: 380, more: 160 },
    Family { code: "BED", category: "Furniture > Beds", noun: "bed frame", says: "Slats included, assembled without tools.", sizes: &["140 × 200 cm", "160 × 200 cm", "180 × 200 cm"], finishes: WOODS, price: 340, more: 60 },
    Family { code: "BEN", category: "Furniture > Benches", noun: "bench", says: "For hall or table; bears 250 kg.", sizes: &["120 cm", "160 cm"], finishes: WOODS, price: 160, more: 55 },
];

#[rustfmt::skip]
pub(super) const RETAILER: &[Family] = &[
    Family { code: "SOF", category: "Furniture > Sofas", noun: "sofa", says: "Removable covers, feet of oak.", sizes: &["2 seats", "3 seats", "corner"], finishes: COLOURS, price: 590, more: 280 },
    Family { code: "RUG", category: "Home > Rugs", noun: "rug", says: "Woven flat of new wool, for floors that are heated too.", sizes: &["80 × 150 cm", "140 × 200 cm", "200 × 300 cm"], finishes: COLOURS, price: 59, more: 90 },
    Family { code: "PEN", category: "Lighting > Pendant lamps", noun: "pendant lamp", says: "Socket E27, cable of 150 cm to be shortened.", sizes: &["25 cm", "40 cm", "55 cm"], finishes: METALS, price: 49, more: 30 },
    Family { code: "FLO", category: "Lighting > Floor lamps", noun: "floor lamp", says: "Dimmed by foot, light source replaceable.", sizes: &["145 cm", "165 cm"], finishes: METALS, price: 79, more: 35 },
    Family { code: "CUR", category: "Home > Curtains", noun: "curtain", says: "Darkens, with eyelets; washable at 30 °C.", sizes: &["140 × 175 cm", "140 × 245 cm"], finishes: COLOURS, price: 29, more: 12 },
    Family { code: "MIR", category: "Home > Mirrors", noun: "mirror", says: "Hangs upright or across.", sizes: &["40 × 60 cm", "60 × 120 cm"], finishes: METALS, price: 45, more: 50 },
    Family { code: "TVB", category: "Furniture > TV benches", noun: "TV bench", says: "For screens of up to 65 inches, cables hidden.", sizes: &["140 cm", "180 cm"], finishes: WOODS, price: 229, more: 90 },
    Family { code: "DES", category: "Furniture > Desks", noun: "desk", says: "Height set by motor, three places remembered.", sizes: &["120 × 70 cm", "160 × 80 cm"], finishes: COLOURS, price: 349, more: 100 },
];

#[rustfmt::skip]
pub(super) const WHOLESALER: &[Family] = &[
    Family { code: "HTR", category: "Garden > Patio heaters", noun: "patio heater", says: "Infrared, warm within seconds, protected against rain (IP65).", sizes: &["1.5 kW", "2.0 kW", "3.0 kW"], finishes: METALS, price: 89, more: 35 },
    Family { code: "HOB", category: "Kitchen > Induction hobs", noun: "induction hob", says: "Frameless glass, boost on each zone, lock for children.", sizes: &["59 cm", "77 cm", "90 cm"], finishes: &["black glass", "grey glass"], price: 219, more: 110 },
    Family { code: "GRL", category: "Garden > Grills", noun: "gas grill", says: "Cast grates, lid with thermometer, on wheels.", sizes: &["2 burners", "3 burners", "4 burners"], finishes: METALS, price: 179, more: 90 },
    Family { code: "MOW", category: "Garden > Mowers", noun: "cordless mower", says: "Without battery; fits all batteries of the range.", sizes: &["33 cm", "41 cm", "46 cm"], finishes: &["green", "orange"], price: 159, more: 60 },
    Family { code: "DRI", category: "Tools > Drills", noun: "cordless drill", says: "Brushless, two gears, light at the front.", sizes: &["12 V", "18 V"], finishes: &["solo", "two batteries", "in a case"], price: 54, more: 35 },
    Family { code: "SAW", category: "Tools > Saws", noun: "circular saw", says: "Cuts up to 45°, connection for dust.", sizes: &["165 mm", "190 mm"], finishes: &["solo", "in a case"], price: 79, more: 30 },
    Family { code: "LAD", category: "Tools > Ladders", noun: "ladder", says: "Aluminium, feet that do not slip (EN 131).", sizes: &["4 rungs", "6 rungs", "8 rungs", "10 rungs"], finishes: &["folding", "telescopic"], price: 39, more: 18 },
    Family { code: "EXT", category: "Kitchen > Extractor hoods", noun: "extractor hood", says: "Three speeds, filter for the dishwasher.", sizes: &["60 cm", "90 cm"], finishes: METALS, price: 129, more: 60 },
    Family { code: "OVN", category: "Kitchen > Ovens", noun: "built-in oven", says: "Hot air, pyrolysis, telescopic rails.", sizes: &["60 l", "72 l"], finishes: &["black", "steel"], price: 269, more: 90 },
    Family { code: "TAP", category: "Kitchen > Taps", noun: "kitchen tap", says: "Pull-out spray, ceramic cartridge.", sizes: &["low", "high"], finishes: METALS, price: 49, more: 15 },
    Family { code: "PAR", category: "Garden > Parasols", noun: "parasol", says: "Tilts, opened by a crank; without its base.", sizes: &["2.5 m", "3.0 m", "3.5 m"], finishes: COLOURS, price: 69, more: 40 },
    Family { code: "HOS", category: "Garden > Watering", noun: "garden hose", says: "Five layers, does not kink; couplings included.", sizes: &["20 m", "30 m", "50 m"], finishes: &["1/2 inch", "3/4 inch"], price: 19, more: 9 },
];
