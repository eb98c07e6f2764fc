//! Tells from a file's first bytes how its rows stand in it. Opens nothing.

use std::path::Path;

use super::{limits::HEAD_BYTES, problem::FileFault};

/// How the rows stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Rows of text divided by this byte; the first row names the columns. `skip`: bytes before it (`sep=;`).
    Csv { delimiter: u8, skip: usize },
    /// One JSON document: an array of objects, or an object that holds one.
    Json,
    /// One JSON object a line.
    JsonLines,
}

impl Shape {
    /// The word for reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Csv { .. } => "csv",
            Self::Json => "json",
            Self::JsonLines => "jsonl",
        }
    }
}

/// Beginnings of files that are often taken for catalogues.
const FOREIGN: &[(&[u8], &str)] = &[
    (
        b"PK\x03\x04",
        "a zip archive or a spreadsheet (.xlsx, .ods)",
    ),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet (.xls)"),
    (b"%PDF", "a PDF"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ", "compressed with xz"),
    (b"<", "XML or HTML"),
];

/// Tells the shape of a file from its head, a name's `.jsonl` or `.ndjson`, and, if given, the delimiter.
///
/// # Errors
/// The kinds of file that are none of the three shapes.
pub(super) fn shape(path: &Path, head: &[u8], delimiter: Option<u8>) -> Result<Shape, FileFault> {
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Err(FileFault::Utf16);
    }
    if let Some((_, what)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(FileFault::Foreign(what));
    }
    let line = head.split(|b| *b == b'\n').next().unwrap_or_default();
    if line.contains(&0) {
        return Err(FileFault::Binary);
    }
    match head.iter().find(|b| !b.is_ascii_whitespace()) {
        None if head.len() < HEAD_BYTES => Err(FileFault::Empty),
        Some(b'[') if delimiter.is_none() => Ok(Shape::Json),
        Some(b'{') if delimiter.is_none() => Ok(if is_lines(path, head) {
            Shape::JsonLines
        } else {
            Shape::Json
        }),
        _ => Ok(csv(line, delimiter)),
    }
}

fn is_lines(path: &Path, head: &[u8]) -> bool {
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    if name.ends_with(".jsonl") || name.ends_with(".ndjson") {
        return true;
    }
    // By content: a whole object on the first line and another one after it.
    let mut lines = head
        .split(|b| *b == b'\n')
        .filter(|l| !l.trim_ascii().is_empty());
    let is_whole = lines
        .next()
        .is_some_and(|l| serde_json::from_slice::<serde::de::IgnoredAny>(l).is_ok());
    is_whole
        && lines
            .next()
            .is_some_and(|l| l.trim_ascii().starts_with(b"{"))
}

fn csv(line: &[u8], given: Option<u8>) -> Shape {
    let said = line.strip_prefix(b"sep=").map(<[u8]>::trim_ascii_end);
    if let (Some([delimiter]), None) = (said, given) {
        return Shape::Csv {
            delimiter: *delimiter,
            skip: line.len().saturating_add(1),
        };
    }
    Shape::Csv {
        delimiter: given.unwrap_or_else(|| likeliest_delimiter(line)),
        skip: 0,
    }
}

/// The delimiter that stands most often in the header outside quotes; a comma where none does.
fn likeliest_delimiter(header: &[u8]) -> u8 {
    let mut best = (0_usize, b',');
    for candidate in [b',', b';', b'\t', b'|'] {
        let mut quoted = false;
        let mut count = 0_usize;
        for byte in header {
            quoted ^= *byte == b'"';
            count = count.saturating_add(usize::from(*byte == candidate && !quoted));
        }
        if count > best.0 {
            best = (count, candidate);
        }
    }
    best.1
}
