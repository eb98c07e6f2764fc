//! Reads the rows of delimited text (CSV, and with `;`, tab or `|`). Knows columns by number only.

use std::io::{self, Cursor, Read};

use csv::{ByteRecord, ReaderBuilder};

use super::{
    limits::{COLUMNS_MAX, HEAD_BYTES},
    problem::{FileFault, Reason, excerpt},
    row::{Flaw, Row},
    run::Run,
    source::{Source, fault_of},
};

/// A row of our own after the last one of the file. Where it does not come out as a row, a quote was open at the end of the file and
/// has swallowed it. The control character keeps any other row from being taken for it.
const END: &str = "\u{1}end of file";

/// Reads a table whose first row names the columns.
pub(super) fn read(
    source: Source,
    delimiter: u8,
    skip: usize,
    run: &mut Run<'_>,
) -> Result<(), FileFault> {
    let mut body = source.body;
    let skip = u64::try_from(skip).unwrap_or(u64::MAX);
    io::copy(&mut (&mut body).take(skip), &mut io::sink()).map_err(fault_of)?;
    let first_line = u64::from(skip > 0);
    let end = Cursor::new(format!("\n{END}\n"));
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(HEAD_BYTES)
        .from_reader(
            Lines {
                body,
                after_return: false,
            }
            .chain(end),
        );
    let mut record = ByteRecord::new();
    if !next(&mut reader, &mut record)? || is_end(&record) {
        return Err(FileFault::Empty);
    }
    let columns = header(&record)?;
    let width = columns.len();
    run.header(columns)?;
    let mut held = ByteRecord::new();
    let mut row = 0_u64;
    while next(&mut reader, &mut record)? {
        if is_end(&record) {
            continue;
        }
        source.meter.row_done();
        row = first_line.saturating_add(line_of(&reader, &record));
        if swallowed_end(&record) {
            // No line break ended this one.
            row = row.saturating_add(1);
            std::mem::swap(&mut held, &mut record);
            break;
        }
        run.row(row, &shaped(&record, width))?;
    }
    if !held.is_empty() {
        let last = held.iter().next_back().unwrap_or_default();
        let flaw = Flaw {
            column: String::new(),
            excerpt: excerpt(&String::from_utf8_lossy(last)),
            reason: Reason::UnclosedQuote,
        };
        run.row(row, &Row::Broken(flaw))?;
    }
    Ok(())
}

/// The line on which the record begins that was just read, its line break with it. (The record's own position is where the
/// one before ended, empty lines not yet skipped.)
fn line_of(reader: &csv::Reader<impl Read>, record: &ByteRecord) -> u64 {
    let within = record.as_slice().iter().filter(|b| **b == b'\n').count();
    let within = u64::try_from(within).unwrap_or(u64::MAX);
    reader
        .position()
        .line()
        .saturating_sub(within)
        .saturating_sub(1)
}

fn next(reader: &mut csv::Reader<impl Read>, record: &mut ByteRecord) -> Result<bool, FileFault> {
    reader.read_byte_record(record).map_err(|e| {
        let text = e.to_string();
        if let csv::ErrorKind::Io(e) = e.into_kind() {
            fault_of(e)
        } else {
            FileFault::Csv(text)
        }
    })
}

fn header(record: &ByteRecord) -> Result<Vec<String>, FileFault> {
    if swallowed_end(record) {
        return Err(FileFault::Csv(
            "a quote in the header does not close".to_owned(),
        ));
    }
    if record.len() > COLUMNS_MAX {
        return Err(FileFault::TooManyColumns(COLUMNS_MAX));
    }
    let name = |bytes: &[u8]| String::from_utf8(bytes.trim_ascii().to_vec());
    let names: Result<Vec<String>, _> = record.iter().map(name).collect();
    let mut names = names.map_err(|_not_utf8| FileFault::HeaderNotUtf8)?;
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    Ok(names)
}

fn is_end(record: &ByteRecord) -> bool {
    record.len() == 1 && record.get(0) == Some(END.as_bytes())
}

fn swallowed_end(record: &ByteRecord) -> bool {
    let last = record.iter().next_back().unwrap_or_default();
    last.trim_ascii_end().ends_with(END.as_bytes())
}

/// The row, or what is wrong with its shape: it may have more cells than the header only if those are empty.
fn shaped(record: &ByteRecord, width: usize) -> Row<'_> {
    let surplus_is_empty = record.iter().skip(width).all(|c| c.trim_ascii().is_empty());
    if record.len() < width || !surplus_is_empty {
        let text = String::from_utf8_lossy(record.get(0).unwrap_or_default());
        return Row::Broken(Flaw {
            column: String::new(),
            excerpt: excerpt(&text),
            reason: Reason::Ragged {
                expected: width,
                found: record.len(),
            },
        });
    }
    Row::Table(record)
}

/// Makes a line feed of each line break, be it CR LF, LF or CR, so that lines count alike.
struct Lines<R> {
    body: R,
    after_return: bool,
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.body.read(into)?;
            let Some(bytes) = into.get_mut(..n).filter(|b| !b.is_empty()) else {
                return Ok(0);
            };
            if !self.after_return && !bytes.contains(&b'\r') {
                return Ok(n);
            }
            let kept = self.unify(bytes);
            if kept > 0 {
                return Ok(kept);
            }
        }
    }
}

impl<R> Lines<R> {
    /// Moves what stays to the front and returns how much that is.
    fn unify(&mut self, bytes: &mut [u8]) -> usize {
        let mut kept = 0;
        for at in 0..bytes.len() {
            let byte = bytes.get(at).copied().unwrap_or_default();
            let ends_return = self.after_return && byte == b'\n';
            self.after_return = byte == b'\r';
            if ends_return {
                continue;
            }
            if let Some(place) = bytes.get_mut(kept) {
                *place = if byte == b'\r' { b'\n' } else { byte };
            }
            kept += 1;
        }
        kept
    }
}
