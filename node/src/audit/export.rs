//! The entries of a ledger whole, as bytes, page by page. What they mean is kept out.

use std::fmt;
use std::str::FromStr;

use omni_protocol::hash::RecordId;
use omni_protocol::ledger::{EntryBody, EntryHeader, EntryKind, Payload};
use omni_protocol::machine::{Key, View};

use crate::keys::text::hex;
use crate::view::ledger::{ExportEntry, ExportRecord, ExportView};

/// Bytes of a page: its records in hexadecimal digits stay below what a client takes.
const BYTES_AIM: usize = 2 << 20;

/// Epoch and number of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Epoch.
    pub epoch: u32,
    /// Number in it, from 0.
    pub sequence: u64,
}

/// Text that is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a place is epoch and number of an entry, such as 0-123")]
pub struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let parts = text.split_once('-');
        let parts = parts.map(|(epoch, number)| (epoch.parse(), number.parse()));
        match parts {
            Some((Ok(epoch), Ok(sequence))) => Ok(Self { epoch, sequence }),
            Some(_) | None => Err(NoPlace),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.sequence)
    }
}

/// The places after `after`, from the first entry on.
pub fn places<V: View>(view: &V, after: Option<Place>) -> impl Iterator<Item = Place> + '_ {
    let Place { epoch, sequence } = after.unwrap_or(Place {
        epoch: 0,
        sequence: 0,
    });
    let first = Key::Entry { epoch, sequence };
    let itself = (after.is_none() && view.read(&first).is_some()).then_some(first);
    let mut last = first;
    let rest = std::iter::from_fn(move || {
        (last, _) = view.next(&last)?;
        Some(last)
    });
    itself.into_iter().chain(rest).map_while(|key| {
        let Key::Entry { epoch, sequence } = key else {
            return None;
        };
        Some(Place { epoch, sequence })
    })
}

/// What an entry says, if its body is there.
pub fn payload<V: View>(view: &V, place: Place, kind: EntryKind) -> Option<Payload> {
    let Place { epoch, sequence } = place;
    let bytes = view.read(&Key::Body { epoch, sequence })?;
    Some(EntryBody::from_bytes(kind, &bytes).ok()?.payload)
}

/// The signed checkpoint.
pub fn note<V: View>(view: &V) -> Option<String> {
    String::from_utf8(view.read(&Key::Checkpoint {})?).ok()
}

/// At most `limit` entries after `after`; the last page has the checkpoint.
pub fn page<V: View>(view: &V, after: Option<Place>, limit: usize) -> ExportView {
    let mut page = ExportView::default();
    let mut bytes = 0_usize;
    for place in places(view, after) {
        if page.entries.len() >= limit || bytes >= BYTES_AIM {
            return page;
        }
        let entry = whole(view, place);
        bytes = bytes.saturating_add(entry.as_ref().map_or(0, size));
        page.entries.extend(entry);
        page.next = Some(place.to_string());
    }
    (page.next, page.checkpoint) = (None, note(view));
    page
}

fn size(entry: &ExportEntry) -> usize {
    let records = entry.records.iter();
    let bytes = records.map(|record| record.bytes.as_ref().map_or(0, String::len));
    bytes.sum()
}

fn whole<V: View>(view: &V, place: Place) -> Option<ExportEntry> {
    let Place { epoch, sequence } = place;
    let header = view.read(&Key::Entry { epoch, sequence })?;
    let kind = EntryHeader::from_bytes(&header).ok()?.kind;
    let payload = payload(view, place, kind);
    let ids = payload.as_ref().map(Payload::records).unwrap_or_default();
    let digits = |key: Key| view.read(&key).map(|bytes| hex(&bytes).to_string());
    let record = |id: &RecordId| ExportRecord {
        record: id.to_string(),
        bytes: digits(Key::Record { id: *id }),
        proof: digits(Key::Proof { record: *id }),
    };
    Some(ExportEntry {
        epoch,
        sequence,
        header: hex(&header).to_string(),
        body: digits(Key::Body { epoch, sequence }),
        records: ids.iter().map(record).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        let place = Place {
            epoch: 1,
            sequence: 23,
        };
        assert_eq!("1-23".parse(), Ok(place));
        assert_eq!(place.to_string(), "1-23");
        for hostile in ["", "-", "1", "1-", "-1", "1-2-3", "x-1", "4294967296-0"] {
            assert_eq!(hostile.parse::<Place>(), Err(NoPlace), "{hostile}");
        }
    }
}
