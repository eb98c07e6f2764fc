//! Reads rows out of JSON documents and JSON Lines, one at a time; numbers stay text. Knows keys by number only.

use std::{
    fmt,
    io::{BufRead, BufReader, Read},
};

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    limits::{HEAD_BYTES, ROW_BYTES_MAX},
    problem::{FileFault, Reason, excerpt},
    row::{Entries, Flaw, Row},
    run::Run,
    source::{Meter, Source, fault_of},
};

/// Reads one document: an array of objects, or an object with such an array in it.
pub(super) fn read(
    source: Source,
    rows_from: Option<&str>,
    run: &mut Run<'_>,
) -> Result<(), FileFault> {
    let meter = std::rc::Rc::clone(&source.meter);
    let body = BufReader::with_capacity(HEAD_BYTES, source.body);
    let mut document = Document {
        run,
        meter: &meter,
        rows_from,
        list: None,
        rows: 0,
        fault: None,
    };
    let mut from = serde_json::Deserializer::from_reader(body);
    let read = from
        .deserialize_any(&mut document)
        .and_then(|()| from.end());
    if let Some(fault) = document.fault {
        return Err(fault);
    }
    match read {
        Ok(()) if document.list.is_none() => Err(FileFault::NoList),
        Ok(()) => Ok(()),
        Err(e) if e.is_io() => Err(fault_of(e.into())),
        Err(e) => Err(FileFault::Json(e.to_string())),
    }
}

/// Reads one object a line. A broken line is a refused row, and the next line is read.
pub(super) fn read_lines(source: Source, run: &mut Run<'_>) -> Result<(), FileFault> {
    let mut body = BufReader::with_capacity(HEAD_BYTES, source.body);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let most = ROW_BYTES_MAX.saturating_add(1);
        let n = (&mut body)
            .take(most)
            .read_until(b'\n', &mut line)
            .map_err(fault_of)?;
        if n == 0 {
            break;
        }
        if u64::try_from(n).unwrap_or(u64::MAX) > ROW_BYTES_MAX {
            return Err(FileFault::RowTooLong {
                most: ROW_BYTES_MAX,
                after: number.saturating_sub(1),
            });
        }
        source.meter.row_done();
        if line.trim_ascii().is_empty() {
            continue;
        }
        match str::from_utf8(&line) {
            Ok(text) => object(number, text.trim(), run)?,
            Err(_) => {
                let excerpt = excerpt(&String::from_utf8_lossy(&line));
                let flaw = Flaw {
                    column: String::new(),
                    excerpt,
                    reason: Reason::NotUtf8,
                };
                run.row(number, &Row::Broken(flaw))?;
            }
        }
    }
    Ok(())
}

/// Hands one object on as a row.
fn object(number: u64, text: &str, run: &mut Run<'_>) -> Result<(), FileFault> {
    match serde_json::from_str::<Entries<'_>>(text) {
        Ok(entries) => run.object(number, &entries),
        Err(e) => {
            let reason = Reason::NotAnObject(e.to_string());
            let flaw = Flaw {
                column: String::new(),
                excerpt: excerpt(text),
                reason,
            };
            run.row(number, &Row::Broken(flaw))
        }
    }
}

/// A visitor of the document and of the list in it.
struct Document<'a, 'r> {
    run: &'a mut Run<'r>,
    meter: &'a Meter,
    rows_from: Option<&'a str>,
    /// The key of the list that gave the rows; empty for the document itself.
    list: Option<String>,
    rows: u64,
    /// The fault because of which reading stopped; the JSON reader's own error says less.
    fault: Option<FileFault>,
}

impl Document<'_, '_> {
    fn stop<E: de::Error>(&mut self, fault: FileFault) -> E {
        self.fault = Some(fault);
        E::custom("stopped")
    }

    fn rows<'de, A: SeqAccess<'de>>(&mut self, key: &str, mut list: A) -> Result<(), A::Error> {
        if let Some(first) = self.list.replace(key.to_owned()) {
            return Err(self.stop(FileFault::TwoLists {
                first,
                second: key.to_owned(),
            }));
        }
        while let Some(item) = list.next_element::<Box<RawValue>>()? {
            self.meter.row_done();
            self.rows = self.rows.saturating_add(1);
            if let Err(fault) = object(self.rows, item.get(), self.run) {
                return Err(self.stop(fault));
            }
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for &mut Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows, or an object that holds one")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        self.rows("", list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if self.rows_from.is_none_or(|wanted| wanted == key) {
                map.next_value_seed(Value {
                    document: &mut *self,
                    key: &key,
                })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// A value of the document's object: rows if it is a list, else of no interest.
struct Value<'a, 'd, 'r> {
    document: &'a mut Document<'d, 'r>,
    key: &'a str,
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        self.document.rows(self.key, list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
