//! Who receives an order, from a file or from flags. What stands there is never printed in an
//! error.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use super::exit::Exit;
use super::outcome::CliError;
use super::plain::plain;
use crate::view::ship_to::ShipToDoc;

/// Larger than all of its fields together.
const FILE_BYTES_MAX: u64 = 16 * 1024;

const FIELDS: &str = "name, lines, city, postcode, region, country, phone, email, note";
const EXAMPLE: &str = "\
name = \"Ada Moor\"
lines = [\"Hafenstraße 7\"]
postcode = \"20457\"
city = \"Hamburg\"
country = \"DE\"";

/// The recipient. The flags lay their values over those of the file.
#[derive(Debug, Args)]
#[command(next_help_heading = "Recipient (sealed; sent after the Receipt)")]
pub(super) struct ShipTo {
    /// A JSON or TOML file with name, lines, city, postcode, region, country, phone, email, note;
    /// - reads it from stdin, as keeps it out of the disk
    #[arg(long, value_name = "FILE")]
    ship_to: Option<PathBuf>,
    /// Name
    #[arg(long, value_name = "NAME")]
    ship_name: Option<String>,
    /// Street and the like; may be given four times
    #[arg(long, value_name = "LINE")]
    ship_line: Vec<String>,
    /// City
    #[arg(long, value_name = "CITY")]
    ship_city: Option<String>,
    /// Postcode
    #[arg(long, value_name = "CODE")]
    ship_postcode: Option<String>,
    /// ISO 3166-2, such as GB-SCT
    #[arg(long, value_name = "REGION")]
    ship_region: Option<String>,
    /// Country, ISO 3166-1
    #[arg(long, value_name = "CODE")]
    ship_country: Option<String>,
    /// Phone
    #[arg(long, value_name = "NUMBER")]
    ship_phone: Option<String>,
    /// Email
    #[arg(long, value_name = "ADDRESS")]
    ship_email: Option<String>,
    /// For whoever delivers
    #[arg(long, value_name = "TEXT")]
    ship_note: Option<String>,
}

impl ShipTo {
    /// The recipient, if file or flags name one. A country alone names nobody: it says where to.
    pub(super) fn doc(&self) -> Result<Option<ShipToDoc>, CliError> {
        let mut doc = match &self.ship_to {
            Some(file) => read(file)?,
            None => ShipToDoc::default(),
        };
        let lay = |field: &mut String, flag: &Option<String>| {
            if let Some(value) = flag {
                field.clone_from(value);
            }
        };
        lay(&mut doc.name, &self.ship_name);
        lay(&mut doc.city, &self.ship_city);
        lay(&mut doc.region, &self.ship_region);
        lay(&mut doc.phone, &self.ship_phone);
        lay(&mut doc.email, &self.ship_email);
        lay(&mut doc.note, &self.ship_note);
        if !self.ship_line.is_empty() {
            doc.lines.clone_from(&self.ship_line);
        }
        if doc == ShipToDoc::default() {
            return Ok(None);
        }
        lay(&mut doc.postcode, &self.ship_postcode);
        lay(&mut doc.country, &self.ship_country);
        doc.clear().map_err(|bad| {
            let what = format!("the recipient can't be taken: {bad}");
            CliError::new(Exit::Invalid, "invalid", what).next("change that field")
        })?;
        Ok(Some(doc))
    }

    /// Where to, as far as the terms say it.
    pub(super) fn region(&self) -> Option<String> {
        self.ship_region
            .clone()
            .or_else(|| self.ship_country.clone())
    }

    /// The postcode that the terms say, where one was typed.
    pub(super) fn postcode(&self) -> String {
        self.ship_postcode.clone().unwrap_or_default()
    }
}

fn read(file: &Path) -> Result<ShipToDoc, CliError> {
    let name = plain(&file.display().to_string());
    let unread = |e: &dyn std::fmt::Display| {
        let what = format!("can't read the recipient from {name}");
        CliError::new(Exit::Invalid, "invalid-file", what).why(e.to_string())
    };
    let mut text = Zeroizing::new(String::new());
    let read = if file.as_os_str() == "-" {
        std::io::stdin()
            .take(FILE_BYTES_MAX)
            .read_to_string(&mut text)
    } else {
        let file = fs::File::open(file);
        file.and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(|e| unread(&e))?;
    let is_json = text.trim_start().starts_with('{');
    let doc = if is_json {
        // The parser's words may quote the text, so only the place is told.
        serde_json::from_str(&text).map_err(|e| place(e.line(), e.column()))
    } else {
        toml::from_str(&text).map_err(|e: toml::de::Error| match e.span() {
            Some(span) => {
                let before = text.bytes().take(span.start);
                let line = before.filter(|byte| *byte == b'\n').count();
                format!("it stops making sense at line {}", line.saturating_add(1))
            }
            None => "a field is missing or unknown".to_owned(),
        })
    };
    doc.map_err(|why| {
        unread(&why).next(format!(
            "it is JSON or TOML with some of: {FIELDS}\nlines is a list, as in this file:\n\n{EXAMPLE}"
        ))
    })
}

fn place(line: usize, column: usize) -> String {
    format!("it stops making sense at line {line} column {column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_recipient() {
        let doc: ShipToDoc = toml::from_str(EXAMPLE).unwrap();
        assert!(doc.clear().is_ok());
    }
}
