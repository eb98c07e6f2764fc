//! Words for units and the codes of UN/ECE Recommendations 20 and 21 that they mean: catalogues and
//! people write them, records have the codes alone.

/// One piece (Recommendation 20: "one").
pub(super) const PIECE: &str = "C62";
pub(super) const HOUR: &str = "HUR";

/// The first word of a code is the one that people are shown.
#[rustfmt::skip]
const WORDS: &[(&str, &str)] = &[
    ("pc", PIECE), ("pcs", PIECE), ("piece", PIECE), ("pieces", PIECE), ("each", PIECE), ("stk", PIECE), ("stück", PIECE), ("шт", PIECE), ("шт.", PIECE),
    ("h", HOUR), ("hr", HOUR), ("hour", HOUR), ("hours", HOUR),
    ("day", "DAY"), ("days", "DAY"), ("min", "MIN"), ("minute", "MIN"), ("minutes", "MIN"), ("month", "MON"), ("months", "MON"),
    ("kg", "KGM"), ("g", "GRM"), ("t", "TNE"),
    ("m", "MTR"), ("cm", "CMT"), ("mm", "MMT"), ("km", "KMT"), ("m²", "MTK"), ("m2", "MTK"), ("m³", "MTQ"), ("m3", "MTQ"),
    ("l", "LTR"), ("litre", "LTR"), ("liter", "LTR"), ("ml", "MLT"),
    ("set", "SET"), ("pair", "PR"), ("dozen", "DZN"),
];

/// The code of a unit, from a common word; other text is taken to be a code. Whether a code is listed is left to whoever trades in it: the
/// recommendations have 1,732, and new ones every year.
pub(crate) fn code(text: &str) -> &str {
    let text = text.trim();
    let lower = text.to_lowercase();
    WORDS
        .iter()
        .find(|(word, _)| *word == lower)
        .map_or(text, |(_, code)| code)
}

/// The word that people are shown for a code; the code itself where there is none.
pub(crate) fn word(code: &str) -> &str {
    let known = WORDS.iter().find(|(_, known)| *known == code);
    known.map_or(code, |(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_for_a_unit_means_that_unit() {
        for (said, meant) in WORDS {
            assert_eq!(code(said), *meant, "{said}");
            assert_eq!(code(word(meant)), *meant, "{said}");
        }
        for (meant, shown) in [("C62", "pc"), ("HUR", "h"), ("KGM", "kg"), ("XBX", "XBX")] {
            assert_eq!(word(meant), shown);
        }
        assert_eq!(code(" Hours "), "HUR");
        assert_eq!(code("XBX"), "XBX");
    }
}
