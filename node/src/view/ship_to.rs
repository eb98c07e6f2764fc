//! Who receives what was ordered. These texts are a customer's: they are printed by no `Debug`,
//! stand in no log and in no ledger, and leave the node only sealed for the fulfiller.

use std::fmt;

use omni_protocol::fence::List;
use omni_protocol::thread::Shipto;
use omni_protocol::trade::Destination;
use serde::{Deserialize, Serialize};

/// A recipient.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShipToDoc {
    /// Name.
    pub name: String,
    /// Street and the like, at most four lines.
    #[serde(default)]
    pub lines: Vec<String>,
    /// City.
    #[serde(default)]
    pub city: String,
    /// Postcode.
    #[serde(default)]
    pub postcode: String,
    /// ISO 3166-2, such as `GB-SCT`; may be empty.
    #[serde(default)]
    pub region: String,
    /// ISO 3166-1 alpha-2.
    #[serde(default)]
    pub country: String,
    /// For the carrier.
    #[serde(default)]
    pub phone: String,
    /// For the carrier.
    #[serde(default)]
    pub email: String,
    /// For whoever delivers.
    #[serde(default)]
    pub note: String,
}

impl fmt::Debug for ShipToDoc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShipToDoc(…)")
    }
}

/// A field of a recipient that can't be taken. It names the field and never what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct BadShipTo {
    /// The field.
    pub field: &'static str,
    /// What it must be.
    pub why: &'static str,
}

const fn bad(field: &'static str, why: &'static str) -> BadShipTo {
    BadShipTo { field, why }
}

impl ShipToDoc {
    /// What is sealed.
    ///
    /// # Errors
    /// The first field that is too long, missing, or not what it should be.
    pub fn clear(&self) -> Result<Shipto, BadShipTo> {
        const LINE: &str = "plain text of at most 128 bytes";
        if self.name.is_empty() {
            return Err(bad("name", "it is missing"));
        }
        let lines = self.lines.iter().map(|line| line.parse());
        let lines = lines.collect::<Result<Vec<_>, _>>();
        let lines = lines.or(Err(bad("lines", LINE)))?;
        let is_country = |c: &str| c.len() == 2 && c.bytes().all(|b| b.is_ascii_uppercase());
        if !self.country.is_empty() && !is_country(&self.country) {
            return Err(bad("country", "two letters of ISO 3166-1, such as GB"));
        }
        let region = match self.region.as_str() {
            "" => None,
            region => {
                const WHY: &str = "a code of ISO 3166-2, such as GB-SCT, or nothing";
                Some(region.parse().or(Err(bad("region", WHY)))?)
            }
        };
        Ok(Shipto {
            name: self.name.parse().or(Err(bad("name", LINE)))?,
            lines: List::new(lines).or(Err(bad("lines", "at most four")))?,
            city: self.city.parse().or(Err(bad("city", LINE)))?,
            postcode: self
                .postcode
                .parse()
                .or(Err(bad("postcode", "plain text of at most 16 bytes")))?,
            region: Destination(region),
            country: self
                .country
                .parse()
                .or(Err(bad("country", "two letters")))?,
            phone: self
                .phone
                .parse()
                .or(Err(bad("phone", "plain text of at most 32 bytes")))?,
            email: self.email.parse().or(Err(bad("email", LINE)))?,
            note: self
                .note
                .parse()
                .or(Err(bad("note", "text of at most 512 bytes")))?,
        })
    }

    /// The document of what was opened.
    #[must_use]
    pub fn of(clear: &Shipto) -> Self {
        let region = clear.region.0.as_ref();
        Self {
            name: clear.name.to_string(),
            lines: clear.lines.iter().map(ToString::to_string).collect(),
            city: clear.city.to_string(),
            postcode: clear.postcode.to_string(),
            region: region
                .map(|region| region.as_str().to_owned())
                .unwrap_or_default(),
            country: clear.country.to_string(),
            phone: clear.phone.to_string(),
            email: clear.email.to_string(),
            note: clear.note.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc() -> ShipToDoc {
        ShipToDoc {
            name: "Ada Moor".to_owned(),
            lines: vec!["7 Hill Lane".to_owned()],
            city: "Leeds".to_owned(),
            postcode: "LS1 4AP".to_owned(),
            country: "GB".to_owned(),
            ..ShipToDoc::default()
        }
    }

    #[test]
    fn clear_text_comes_back_and_is_never_printed() {
        let clear = doc().clear().unwrap();
        assert_eq!(ShipToDoc::of(&clear), doc());
        for printed in [format!("{:?}", doc()), format!("{clear:?}")] {
            assert!(
                !printed.contains("Ada") && !printed.contains("Leeds"),
                "{printed}"
            );
        }
    }

    #[test]
    fn hostile_recipients_are_refused_without_telling_them() {
        let check = |change: fn(&mut ShipToDoc), field: &str| {
            let mut doc = doc();
            change(&mut doc);
            let refused = doc.clear().unwrap_err();
            assert_eq!(refused.field, field);
            assert!(!refused.to_string().contains('\u{1b}'));
        };
        check(|doc| doc.name.clear(), "name");
        check(|doc| doc.name = "\u{1b}[2J".to_owned(), "name");
        check(|doc| doc.city = "x".repeat(129), "city");
        check(|doc| doc.lines = vec![String::new(); 5], "lines");
        check(|doc| doc.country = "gb".to_owned(), "country");
        check(|doc| doc.country = "GBR".to_owned(), "country");
        check(|doc| doc.region = "Yorkshire".to_owned(), "region");
        check(|doc| doc.note = "\u{0}".to_owned(), "note");
    }
}
