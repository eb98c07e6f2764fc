//! Words for units in catalogues and the codes of UN/ECE Recommendations 20 and 21 that they mean.

/// One piece (Recommendation 20: "one").
pub(super) const PIECE: &str = "C62";
pub(super) const HOUR: &str = "HUR";

#[rustfmt::skip]
const WORDS: &[(&str, &str)] = &[
    ("piece", PIECE), ("pieces", PIECE), ("pcs", PIECE), ("pc", PIECE), ("each", PIECE), ("stk", PIECE), ("stück", PIECE), ("шт", PIECE), ("шт.", PIECE),
    ("hour", HOUR), ("hours", HOUR), ("h", HOUR), ("hr", HOUR),
    ("day", "DAY"), ("days", "DAY"), ("minute", "MIN"), ("minutes", "MIN"), ("month", "MON"),
    ("kg", "KGM"), ("g", "GRM"), ("t", "TNE"),
    ("m", "MTR"), ("cm", "CMT"), ("mm", "MMT"), ("km", "KMT"), ("m2", "MTK"), ("m²", "MTK"), ("m3", "MTQ"), ("m³", "MTQ"),
    ("l", "LTR"), ("litre", "LTR"), ("liter", "LTR"), ("ml", "MLT"),
    ("set", "SET"), ("pair", "PR"), ("dozen", "DZN"),
];

/// The code of a unit, from a common word; other text is taken to be a code. Whether a code is listed is left to whoever trades in it: the
/// recommendations have 1,732, and new ones every year.
pub(super) fn code(text: &str) -> &str {
    let text = text.trim();
    let lower = text.to_lowercase();
    WORDS
        .iter()
        .find(|(word, _)| *word == lower)
        .map_or(text, |(_, code)| code)
}
