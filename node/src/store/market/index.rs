//! How the rows are kept in order: those that came become segments, segments that are mostly of the
//! past are taken apart again, and what ended goes. Each step is one write, and bounded.

use omni_protocol::slot::Slot;
use omni_protocol::value::Time;

use super::draft::Draft;
use super::layout::{Standing, Table, Tally};
use super::marks::Marks;
use super::row::Row;
use super::segment::{Head, Reading, Segment, read_block};
use super::shelve::{MarketWriter, remove_all};
use super::{Inner, layout};
use crate::store::{Pair, StoreError};

/// Marks of a segment, or a few more. A search reads two blocks of each segment and all rows that
/// are in none, which this many take it less than a millisecond. Fewer for tests, which then see
/// all that becomes of a segment.
const SEGMENT_ROWS: u64 = if cfg!(test) { 16 } else { 4_096 };
/// Marks of a segment at most.
const SEGMENT_ROWS_MAX: usize = 16_384;
/// As much of longer rows is a segment too.
const SEGMENT_BYTES: u64 = 2 << 20;
/// Segments looked through for as many records as one has that were replaced or removed: so rows
/// of the past stay a few times fewer than the others.
const LOOKS: u64 = 2;

impl MarketWriter {
    /// Makes segments of what came, and takes those apart that are mostly of the past.
    pub(super) fn settle(&mut self) -> Result<(), StoreError> {
        loop {
            if is_enough(&self.tally) {
                let mut draft = Draft::new(&self.inner, self.tally);
                self.inner.gather(&mut draft)?;
                self.tally = draft.write()?;
            } else if self.tally.gone >= SEGMENT_ROWS / LOOKS {
                self.look_through()?;
            } else {
                return Ok(());
            }
        }
    }

    /// Looks at the segment after the one looked at last. Where no more than half of its rows are
    /// of what stands, these go back to those that are in no segment.
    fn look_through(&mut self) -> Result<(), StoreError> {
        let mut draft = Draft::new(&self.inner, self.tally);
        draft.tally.gone = draft.tally.gone.saturating_sub(SEGMENT_ROWS / LOOKS);
        if let Some((number, head)) = self.inner.segment_after(self.tally.looked)? {
            draft.tally.looked = number;
            let chunks = self.inner.chunks(number)?;
            let mut rows = Vec::new();
            for chunk in &chunks {
                rows.extend(self.inner.rows(&chunk.value)?);
            }
            let mut live = Marks::none(head.rows);
            let mut count = 0_usize;
            for (row, place) in rows.iter().zip(0..head.rows) {
                if self.inner.is_live(row)? {
                    live.add(place);
                    count += 1;
                }
            }
            if count * 2 <= rows.len() {
                let words = self.inner.words(number, head, &live, &mut draft)?;
                for ((row, place), words) in rows.iter().zip(0..).zip(&words) {
                    if live.has(place) {
                        draft.row(Row { words, ..*row });
                    }
                }
                chunks.iter().for_each(|chunk| draft.delete(&chunk.key));
                draft.delete(&Table::Segment.key(&[&number.to_be_bytes()]));
            }
        }
        self.tally = draft.write()?;
        Ok(())
    }

    /// Removes records whose validity ended before `before`, at most `max` of them; returns how many.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn end(&mut self, before: Time, max: usize) -> Result<usize, StoreError> {
        self.settle()?;
        let mut draft = Draft::new(&self.inner, self.tally);
        let mut ended = Ended {
            before: before.ms(),
            max,
            slots: Vec::new(),
        };
        let heads = self
            .inner
            .walk(&Table::Segment.key(&[]), &Table::Segment.end());
        for pair in heads {
            let Pair { key, value } = pair?;
            let (number, head) = self.inner.segment(&key, &value)?;
            if head.first_end < ended.before {
                let chunks = self.inner.chunks(number)?;
                let values = chunks.iter().map(|chunk| &chunk.value);
                let first_end = ended.among(&self.inner, values)?;
                draft.put(&key, &Head { first_end, ..head }.to_bytes());
            }
        }
        if self.tally.first_end < ended.before {
            let values = self.inner.tail(&self.tally)?;
            draft.tally.first_end = ended.among(&self.inner, values.iter())?;
        }
        let count = ended.slots.len();
        self.tally = remove_all(draft, &ended.slots)?;
        Ok(count)
    }
}

/// Whether the rows that are in no segment are enough for one.
pub(super) fn is_enough(tally: &Tally) -> bool {
    tally.rows >= SEGMENT_ROWS || tally.bytes >= SEGMENT_BYTES
}

/// What is found to have ended.
struct Ended {
    before: u64,
    max: usize,
    slots: Vec<Slot>,
}

impl Ended {
    /// Looks at rows, and says when the first of the others ends.
    fn among<'a>(
        &mut self,
        inner: &Inner,
        values: impl Iterator<Item = &'a Vec<u8>>,
    ) -> Result<u64, StoreError> {
        let mut first_end = u64::MAX;
        for value in values {
            for row in inner.rows(value)? {
                if row.until >= self.before || self.slots.len() >= self.max {
                    first_end = first_end.min(row.until);
                } else if inner.is_live(&row)? {
                    let slot = layout::slot_of(row.place);
                    self.slots
                        .push(slot.ok_or_else(|| inner.unreadable("a row"))?);
                }
            }
        }
        Ok(first_end)
    }
}

fn put_segment(draft: &mut Draft<'_>, segment: Segment) {
    let number = draft.number().to_be_bytes();
    draft.put(&Table::Segment.key(&[&number]), &segment.head.to_bytes());
    for (chunk, place) in segment.chunks.into_iter().zip(0_u16..) {
        draft.put(&Table::Docs.key(&[&number, &place.to_be_bytes()]), &chunk);
    }
    for (first, block) in segment.blocks {
        draft.put(&Table::Words.key(&[&number, &first]), &block);
    }
}

impl Inner {
    /// Makes segments of all rows that are in none, those in the draft among them.
    pub(super) fn gather(&self, draft: &mut Draft<'_>) -> Result<(), StoreError> {
        let mut values = self.tail(&draft.tally)?;
        values.extend(draft.take_rows());
        let mut rows = Vec::new();
        for value in &values {
            rows.extend(self.rows(value)?);
        }
        for part in rows.chunks(SEGMENT_ROWS_MAX) {
            put_segment(draft, Segment::of(part));
        }
        draft.tally = Tally {
            tail: 0,
            rows: 0,
            bytes: 0,
            first_end: u64::MAX,
            ..draft.tally
        };
        Ok(())
    }

    pub(super) fn rows<'a>(&self, bytes: &'a [u8]) -> Result<Vec<Row<'a>>, StoreError> {
        Row::read_all(bytes).ok_or_else(|| self.unreadable("rows of the index"))
    }

    pub(super) fn slot(&self, row: &Row<'_>) -> Result<Slot, StoreError> {
        layout::slot_of(row.place).ok_or_else(|| self.unreadable("a row of the index"))
    }

    /// Marks that are in no segment yet.
    fn tail(&self, tally: &Tally) -> Result<Vec<Vec<u8>>, StoreError> {
        let [from, end] = tally.tail_keys();
        self.walk(&from, &end)
            .map(|pair| pair.map(|pair| pair.value))
            .collect()
    }

    /// Number and head of a segment.
    pub(super) fn segment(&self, key: &[u8], value: &[u8]) -> Result<(u64, Head), StoreError> {
        let number = key.get(1..).and_then(|number| number.try_into().ok());
        number
            .map(u64::from_be_bytes)
            .zip(Head::read(value))
            .ok_or_else(|| self.unreadable("a segment of the index"))
    }

    /// The first segment after one, or of all.
    fn segment_after(&self, number: u64) -> Result<Option<(u64, Head)>, StoreError> {
        let (first, end) = (Table::Segment.key(&[]), Table::Segment.end());
        let after = Table::Segment.key(&[&number.saturating_add(1).to_be_bytes()]);
        let next = self.walk(&after, &end).next();
        match next.or_else(|| self.walk(&first, &end).next()) {
            Some(pair) => {
                let Pair { key, value } = pair?;
                self.segment(&key, &value).map(Some)
            }
            None => Ok(None),
        }
    }

    /// The rows of a segment without their words.
    fn chunks(&self, number: u64) -> Result<Vec<Pair>, StoreError> {
        let number = number.to_be_bytes();
        let (from, end) = (Table::Docs.key(&[&number]), Table::Docs.end_of(&number));
        self.walk(&from, &end).collect()
    }

    /// The words of those rows of a segment that are wanted; its blocks are deleted.
    fn words(
        &self,
        number: u64,
        head: Head,
        wanted: &Marks,
        draft: &mut Draft<'_>,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let number = number.to_be_bytes();
        let (from, end) = (Table::Words.key(&[&number]), Table::Words.end_of(&number));
        let mut words = vec![Vec::new(); usize::from(head.rows)];
        for pair in self.walk(&from, &end) {
            let Pair { key, value } = pair?;
            draft.delete(&key);
            read_block(&value, head.rows, |word, places| {
                let mut held = Marks::none(head.rows);
                places.add_to(&mut held);
                held.keep(wanted);
                for place in held.places() {
                    if let Some(words) = words.get_mut(usize::from(place)) {
                        words.extend_from_slice(word);
                        words.push(b' ');
                    }
                }
                Reading::On
            })
            .ok_or_else(|| self.unreadable("a block of the index"))?;
        }
        Ok(words)
    }

    /// Whether a row is of what stands now.
    fn is_live(&self, row: &Row<'_>) -> Result<bool, StoreError> {
        let Some(bytes) = self.get(&Table::Slot.key(&[row.place]))? else {
            return Ok(false);
        };
        let standing = Standing::read(&bytes);
        let standing = standing.ok_or_else(|| self.unreadable("what stands in a slot"))?;
        Ok(row.is_of(&standing))
    }
}
