//! Plain search: every word asked for must begin some word of the offer. No ranking, no stemming;
//! a better index comes with a later issue.

use omni_protocol::hash::RecordId;
use omni_protocol::slot::Slot;
use rocksdb::{Direction, IteratorMode, ReadOptions, Snapshot};

use super::layout::{Standing, Table, Tally};
use super::marks::Marks;
use super::row::Row;
use super::segment::{CHUNK_ROWS, Head, Reading, read_block};
use super::words::{put_id_word, words_of};
use super::{Inner, MarketReader, More, Shelved};
use crate::store::{Pair, StoreError};

/// Marks that one search looks up, so that a search for "a" ends.
const LOOKS_MAX: usize = 100_000;

/// One offer that was found.
pub type Found = Shelved;

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The offers: pages follow each other about as these came, and one page is in order of author and
    /// article.
    pub found: Vec<Found>,
    /// Whether there are more.
    pub more: More,
}

impl MarketReader {
    /// Offers of which every word of `query` begins a word: `max` of them after the first `skip`.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn search(&self, query: &str, skip: usize, max: usize) -> Result<Page, StoreError> {
        let words = words_of([query]).into_iter();
        let mut words: Vec<_> = words.map(String::into_bytes).collect();
        // The longest word is likely the rarest: where it is not, the others are not looked for.
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let mut page = Page {
            found: Vec::new(),
            more: More::No,
        };
        if words.is_empty() {
            return Ok(page);
        }
        let moment = self.inner.db.snapshot();
        let mut skipped = 0;
        let ended = Hunt::new(&self.inner, &moment, &words).through_all(&mut |row, standing| {
            if skipped < skip {
                skipped += 1;
            } else if page.found.len() < max {
                let slot = self.inner.slot(row)?;
                page.found
                    .push(self.inner.record_at(&moment, &slot, standing)?);
            } else {
                return Ok(Reading::Done);
            }
            Ok(Reading::On)
        })?;
        if ended == Reading::Done {
            page.more = More::Yes;
        }
        // In which order they came differs from node to node.
        page.found
            .sort_by_key(|found| (found.slot.author, found.slot.subject));
        Ok(page)
    }

    /// The slot in which the record with this id stands.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn slot_of(&self, id: RecordId) -> Result<Option<Slot>, StoreError> {
        let (words, moment) = ([id_word(id.as_bytes())], self.inner.db.snapshot());
        let mut found = None;
        Hunt::new(&self.inner, &moment, &words).through_all(&mut |row, standing| {
            if standing.id != id {
                return Ok(Reading::On);
            }
            found = Some(self.inner.slot(row)?);
            Ok(Reading::Done)
        })?;
        Ok(found)
    }

    /// Records whose ids begin with these bytes, at most `max`: a user may type a beginning.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn ids_beginning(&self, beginning: &[u8], max: usize) -> Result<Vec<RecordId>, StoreError> {
        let (words, moment) = ([id_word(beginning)], self.inner.db.snapshot());
        let mut ids = Vec::new();
        Hunt::new(&self.inner, &moment, &words).through_all(&mut |_, standing| {
            if ids.len() >= max {
                return Ok(Reading::Done);
            }
            if standing.id.as_bytes().starts_with(beginning) {
                ids.push(standing.id);
            }
            Ok(Reading::On)
        })?;
        Ok(ids)
    }
}

/// A search under way, in the store as it was at one moment.
struct Hunt<'a> {
    inner: &'a Inner,
    moment: &'a Snapshot<'a>,
    words: &'a [Vec<u8>],
    looks: usize,
}

/// Takes a row of what stands, and says whether to go on.
type Seen<'a> = &'a mut dyn FnMut(&Row<'_>, &Standing) -> Result<Reading, StoreError>;

impl<'a> Hunt<'a> {
    const fn new(inner: &'a Inner, moment: &'a Snapshot<'a>, words: &'a [Vec<u8>]) -> Self {
        Self {
            inner,
            moment,
            words,
            looks: 0,
        }
    }

    /// Shows all rows of what stands whose words begin so; `Done` where these were not all.
    fn through_all(&mut self, seen: Seen<'_>) -> Result<Reading, StoreError> {
        let inner = self.inner;
        let heads = inner.walk_at(self.moment, &Table::Segment.key(&[]), &Table::Segment.end());
        for pair in heads {
            let Pair { key, value } = pair?;
            let (number, head) = inner.segment(&key, &value)?;
            if self.through_segment(number, head, seen)? == Reading::Done {
                return Ok(Reading::Done);
            }
        }
        let tally = self.moment.get(Table::Tally.key(&[]));
        let tally = tally.map_err(|error| inner.fault(error))?;
        let tally = tally.map_or(Some(Tally::default()), |bytes| Tally::read(&bytes));
        let tally = tally.ok_or_else(|| inner.unreadable("what the index counts"))?;
        let [from, end] = tally.tail_keys();
        for pair in inner.walk_at(self.moment, &from, &end) {
            for row in inner.rows(&pair?.value)? {
                if self.matches(&row) && self.look_at(&row, seen)? == Reading::Done {
                    return Ok(Reading::Done);
                }
            }
        }
        Ok(Reading::On)
    }

    /// Whether each word begins one of the row's.
    fn matches(&self, row: &Row<'_>) -> bool {
        let begins = |word: &Vec<u8>| row.words().any(|own| own.starts_with(word));
        self.words.iter().all(begins)
    }

    fn through_segment(
        &mut self,
        number: u64,
        head: Head,
        seen: Seen<'_>,
    ) -> Result<Reading, StoreError> {
        let number = number.to_be_bytes();
        let mut held: Option<Marks> = None;
        for word in self.words {
            let mut rows = self.rows_with(&number, word, head)?;
            if let Some(before) = &held {
                rows.keep(before);
            }
            if rows.is_empty() {
                return Ok(Reading::On);
            }
            held = Some(rows);
        }
        let places: Vec<u16> = held.iter().flat_map(Marks::places).collect();
        for of_chunk in places.chunk_by(|a, b| a / CHUNK_ROWS == b / CHUNK_ROWS) {
            let part = of_chunk.first().map_or(0, |place| place / CHUNK_ROWS);
            let chunk = self.chunk(&number, part)?;
            let rows = self.inner.rows(&chunk)?;
            for place in of_chunk {
                let row = rows.get(usize::from(place % CHUNK_ROWS));
                let row = row.ok_or_else(|| self.inner.unreadable("a segment's rows"))?;
                if self.look_at(row, seen)? == Reading::Done {
                    return Ok(Reading::Done);
                }
            }
        }
        Ok(Reading::On)
    }

    /// The rows of a segment of which a word begins so.
    fn rows_with(&self, number: &[u8], beginning: &[u8], head: Head) -> Result<Marks, StoreError> {
        let sought = Table::Words.key(&[number, beginning]);
        let mut within = ReadOptions::default();
        within.set_iterate_lower_bound(Table::Words.key(&[number]));
        let backwards = IteratorMode::From(&sought, Direction::Reverse);
        // The block that may hold it begins with it, or before it; so may some after that one.
        let from = match self.moment.iterator_opt(backwards, within).next() {
            Some(line) => line.map_err(|error| self.inner.fault(error))?.0.into_vec(),
            None => sought.clone(),
        };
        let mut rows = Marks::none(head.rows);
        let end = Table::Words.end_of(&[number, beginning].concat());
        for pair in self.inner.walk_at(self.moment, &from, &end) {
            let read = read_block(&pair?.value, head.rows, |word, places| {
                if word.starts_with(beginning) {
                    places.add_to(&mut rows);
                } else if word > beginning {
                    return Reading::Done;
                }
                Reading::On
            });
            if read.ok_or_else(|| self.inner.unreadable("a block of the index"))? == Reading::Done {
                break;
            }
        }
        Ok(rows)
    }

    fn chunk(&self, number: &[u8], part: u16) -> Result<Vec<u8>, StoreError> {
        let chunk = self
            .moment
            .get(Table::Docs.key(&[number, &part.to_be_bytes()]));
        let chunk = chunk.map_err(|error| self.inner.fault(error))?;
        chunk.ok_or_else(|| self.inner.unreadable("a segment's rows"))
    }

    /// Shows a row, if it is of what stands.
    fn look_at(&mut self, row: &Row<'_>, seen: Seen<'_>) -> Result<Reading, StoreError> {
        self.looks += 1;
        if self.looks > LOOKS_MAX {
            return Ok(Reading::Done);
        }
        let bytes = self.moment.get(Table::Slot.key(&[row.place]));
        let bytes = bytes.map_err(|error| self.inner.fault(error))?;
        match bytes.as_deref().and_then(Standing::read) {
            Some(standing) if row.is_of(&standing) => seen(row, &standing),
            Some(_) | None => Ok(Reading::On),
        }
    }
}

fn id_word(beginning: &[u8]) -> Vec<u8> {
    let mut word = Vec::new();
    put_id_word(beginning, &mut word);
    word
}
