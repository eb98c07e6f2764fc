//! Writes rows in the forms in which catalogues come: delimited text, JSON, gzip. Little of each, and always the same bytes.

use std::io::{self, Write};

/// One row of delimited text; cells are quoted where they have to be.
pub(super) fn row(delimiter: char, cells: &[String], end: &str) -> String {
    let quoted = |cell: &String| {
        if cell.contains([delimiter, '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.clone()
        }
    };
    let cells: Vec<String> = cells.iter().map(quoted).collect();
    format!("{}{end}", cells.join(&delimiter.to_string()))
}

/// A JSON object on one line. Its values are JSON already.
pub(super) fn object(entries: &[(&str, String)]) -> String {
    let entries: Vec<String> = entries
        .iter()
        .map(|(key, value)| format!("{}:{value}", text(key)))
        .collect();
    format!("{{{}}}", entries.join(","))
}

/// A JSON string.
pub(super) fn text(value: &str) -> String {
    let mut quoted = String::from('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
            quoted.push(c);
        } else if c.is_control() {
            quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            quoted.push(c);
        }
    }
    quoted.push('"');
    quoted
}

/// Compressed, without a name or a time that would differ from run to run. Another version of the library may give other bytes for the same text.
pub(super) fn gzip(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::best());
    encoder.write_all(text)?;
    encoder.finish()
}
