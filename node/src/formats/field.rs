//! The fields of an offer that a column can give, and the names by which columns are recognised. Reads no values.

use std::{fmt, str::FromStr};

/// What a column can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    Sku,
    List,
    Nature,
    Title,
    Description,
    Language,
    Brand,
    Gtin,
    Mpn,
    Category,
    Group,
    Image,
    Page,
    Price,
    Per,
    Currency,
    Tiers,
    Suggested,
    Commission,
    Tax,
    Unit,
    Increment,
    Minimum,
    Maximum,
    Stock,
    Methods,
    Regions,
    Lead,
    Incoterm,
    Duration,
    SlotRule,
    SlotStart,
    SlotZone,
    SlotPlaces,
    WhiteLabel,
}

/// A field, its word in flags and reports, and the column names that mean it, the surest first. The names stand as [`plain`] makes them.
struct Known {
    field: Field,
    word: &'static str,
    columns: &'static [&'static str],
}

const fn known(field: Field, word: &'static str, columns: &'static [&'static str]) -> Known {
    Known {
        field,
        word,
        columns,
    }
}

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    known(Field::Sku, "sku", &["sku", "variant sku", "article number", "article no", "article", "artikelnummer", "artnr", "item number", "item no", "product code", "код товару", "product id", "item id", "offer id", "id", "g id"]),
    known(Field::List, "list", &["list", "price list", "preisliste"]),
    known(Field::Nature, "nature", &["nature"]),
    known(Field::Title, "title", &["title", "name", "product name", "product title", "item name", "bezeichnung", "titel", "назва позиції", "g title"]),
    known(Field::Description, "description", &["description", "body html", "body", "long description", "beschreibung", "опис", "g description", "short description"]),
    known(Field::Language, "language", &["language", "lang", "sprache"]),
    known(Field::Brand, "brand", &["brand", "brand name", "manufacturer", "vendor", "marke", "hersteller", "виробник", "g brand"]),
    known(Field::Gtin, "gtin", &["gtin", "ean", "upc", "gtin13", "gtin12", "gtin14", "gtin8", "ean13", "barcode", "variant barcode", "isbn", "код маркування gtin", "g gtin"]),
    known(Field::Mpn, "mpn", &["mpn", "manufacturer part number", "part number", "google shopping mpn", "номер пристрою mpn", "g mpn"]),
    known(Field::Category, "category", &["category", "categories", "product category", "google product category", "google shopping google product category", "product type", "kategorie", "назва групи", "g google product category", "g product type"]),
    known(Field::Group, "group", &["group", "variant group", "item group id", "handle", "g item group id"]),
    known(Field::Image, "image", &["image", "images", "image url", "image urls", "image link", "image src", "picture", "photo", "bild", "посилання зображення", "g image link"]),
    known(Field::Page, "url", &["url", "link", "product url", "page", "g link"]),
    known(Field::Price, "price", &["price", "unit price", "variant price", "net price", "preis", "ціна", "g price"]),
    known(Field::Per, "per", &["per", "price quantity", "price base", "preiseinheit"]),
    known(Field::Currency, "currency", &["currency", "price currency", "currency code", "währung", "валюта"]),
    known(Field::Tiers, "tiers", &["tiers", "price tiers", "staffelpreise"]),
    known(Field::Suggested, "suggested", &["suggested", "suggested price", "rrp", "msrp", "uvp"]),
    known(Field::Commission, "commission", &["commission"]),
    known(Field::Tax, "tax", &["tax", "tax category"]),
    known(Field::Unit, "unit", &["unit", "unit code", "uom", "unit of measure", "einheit", "одиниця виміру"]),
    known(Field::Increment, "increment", &["increment", "order increment"]),
    known(Field::Minimum, "minimum", &["minimum", "minimum quantity", "min quantity", "moq", "mindestmenge", "мінімальний обсяг замовлення"]),
    known(Field::Maximum, "maximum", &["maximum", "maximum quantity", "max quantity"]),
    known(Field::Stock, "stock", &["stock", "quantity", "qty", "variant inventory qty", "inventory", "stock quantity", "availability", "bestand", "lager", "кількість", "наявність", "g availability"]),
    known(Field::Methods, "methods", &["methods", "delivery methods"]),
    known(Field::Regions, "regions", &["regions", "region"]),
    known(Field::Lead, "lead", &["lead", "lead hours"]),
    known(Field::Incoterm, "incoterm", &["incoterm", "incoterms"]),
    known(Field::Duration, "duration", &["duration", "duration minutes"]),
    known(Field::SlotRule, "slot-rule", &["slot rule", "rrule"]),
    known(Field::SlotStart, "slot-start", &["slot start"]),
    known(Field::SlotZone, "slot-zone", &["slot zone"]),
    known(Field::SlotPlaces, "slot-places", &["slot places", "slot capacity"]),
    known(Field::WhiteLabel, "white-label", &["white label"]),
];

impl Field {
    /// All fields, in the order of an offer.
    pub fn all() -> impl Iterator<Item = Self> {
        KNOWN.iter().map(|k| k.field)
    }

    /// Whether another column of the same meaning may stand in where the better one is empty. Never so for what is paid or counted.
    #[must_use]
    pub fn may_fall_back(self) -> bool {
        matches!(
            self,
            Self::Title
                | Self::Description
                | Self::Brand
                | Self::Gtin
                | Self::Mpn
                | Self::Category
                | Self::Image
                | Self::Page
        )
    }

    /// How surely a column of this name gives this field: 0 is surest; nothing where it does not. `language` prefers `name_de` to
    /// `name_fr` among the columns of one text in several languages.
    #[must_use]
    pub fn rank(self, column: &str, language: &str) -> Option<usize> {
        let known = KNOWN.iter().find(|k| k.field == self)?;
        let name = plain(column);
        let place = |name: &str| known.columns.iter().position(|c| *c == name);
        if let Some(rank) = place(&name) {
            return Some(rank);
        }
        let (base, suffix) = name.rsplit_once(' ')?;
        let is_text = matches!(self, Self::Title | Self::Description | Self::Category);
        let is_language = suffix.len() == 2 && suffix.bytes().all(|b| b.is_ascii_lowercase());
        let rank = place(base).filter(|_| is_text && is_language)?;
        let preferred = language
            .get(..2)
            .is_some_and(|l| l.eq_ignore_ascii_case(suffix));
        let behind = if preferred { 0 } else { known.columns.len() };
        Some(
            rank.saturating_add(known.columns.len())
                .saturating_add(behind),
        )
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = KNOWN.iter().find(|k| k.field == *self);
        f.write_str(known.map_or("", |k| k.word))
    }
}

/// A word that names no field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no field; fields are {fields}", fields = all_words())]
pub struct UnknownField(String);

impl FromStr for Field {
    type Err = UnknownField;

    fn from_str(word: &str) -> Result<Self, UnknownField> {
        let known = KNOWN.iter().find(|k| k.word == word);
        known
            .map(|k| k.field)
            .ok_or_else(|| UnknownField(word.to_owned()))
    }
}

fn all_words() -> String {
    let words: Vec<&str> = KNOWN.iter().map(|k| k.word).collect();
    words.join(", ")
}

/// A column's name in lower case, with single spaces for all that is neither letter nor digit.
#[must_use]
pub fn plain(column: &str) -> String {
    let lower = column.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .collect();
    words.join(" ")
}
