//! Segments: some thousands of rows with their words in order, so that one search reads a block or
//! two of each. They are built once and never change; who keeps them is kept out.
//!
//! A block holds words in ascending order. After each word stands how many rows hold it, and which:
//! their places, or, where that is shorter, one bit for each row of the segment.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use super::marks::Marks;
use super::row::Row;
use super::words::WORD_BYTES_MAX;

/// Bytes after which a block is closed.
const BLOCK_BYTES: usize = 4_096;
/// Rows in one chunk of those that a segment names.
pub(super) const CHUNK_ROWS: u16 = 64;

/// Words that most rows share with no other: a part number, an article number, an id.
const WORDS_OF_ITS_OWN: usize = 3;

/// What is known of a segment without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) rows: u16,
    /// No record of a row that still counts ends before.
    pub(super) first_end: u64,
}

impl Head {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.rows.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.first_end.to_be_bytes());
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (rows, first_end) = bytes.split_first_chunk::<2>()?;
        Some(Self {
            rows: u16::from_be_bytes(*rows),
            first_end: u64::from_be_bytes(first_end.try_into().ok()?),
        })
    }
}

/// A segment in the making.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) head: Head,
    /// The rows without their words.
    pub(super) chunks: Vec<Vec<u8>>,
    /// By their first words.
    pub(super) blocks: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Segment {
    /// Of these rows, of which at most 65,535 count.
    pub(super) fn of(rows: &[Row<'_>]) -> Self {
        let count = u16::try_from(rows.len()).unwrap_or(u16::MAX);
        let chunks = rows.chunks(CHUNK_ROWS.into()).map(|rows| {
            let mut bytes = Vec::new();
            for row in rows {
                Row { words: &[], ..*row }.put(&mut bytes);
            }
            bytes
        });
        let mut blocks = BTreeMap::new();
        let (mut first, mut block) = (Vec::new(), Vec::new());
        for (word, places) in places_of_words(rows, count) {
            let word = word.to_bytes();
            if block.is_empty() {
                first.clone_from(&word);
            }
            put_places(&word, &places, count, &mut block);
            if block.len() >= BLOCK_BYTES {
                blocks.insert(std::mem::take(&mut first), std::mem::take(&mut block));
            }
        }
        if !block.is_empty() {
            blocks.insert(first, block);
        }
        Self {
            head: Head {
                rows: count,
                first_end: rows.iter().map(|row| row.until).min().unwrap_or(u64::MAX),
            },
            chunks: chunks.collect(),
            blocks,
        }
    }
}

/// The words of rows in ascending order, each with the places of the rows that hold it, ascending.
fn places_of_words(rows: &[Row<'_>], count: u16) -> Vec<(Word, Vec<u16>)> {
    // Rows share most of their words: only those that differ are put in order.
    let room = rows.len() * WORDS_OF_ITS_OWN;
    let mut numbers: HashMap<Word, usize, RandomState> =
        HashMap::with_capacity_and_hasher(room, RandomState::default());
    let mut words: Vec<(Word, Vec<u16>)> = Vec::with_capacity(room);
    for (row, place) in rows.iter().zip(0..count) {
        for word in row.words().map(Word::of) {
            let number = *numbers.entry(word).or_insert(words.len());
            match words.get_mut(number) {
                Some((_, places)) if places.last() == Some(&place) => {}
                Some((_, places)) => places.push(place),
                None => words.push((word, vec![place])),
            }
        }
    }
    words.sort_unstable_by_key(|(word, _)| *word);
    words
}

/// A word of at most 32 bytes, none of them 0; ordered as its bytes are, and faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Word(u128, u128);

impl Word {
    fn of(bytes: &[u8]) -> Self {
        let padded = |bytes: &[u8]| {
            let mut sixteen = [0; 16];
            if let Some(begin) = sixteen.get_mut(..bytes.len()) {
                begin.copy_from_slice(bytes);
            }
            u128::from_be_bytes(sixteen)
        };
        match bytes.split_at_checked(16) {
            Some((head, rest)) => Self(padded(head), padded(rest)),
            None => Self(padded(bytes), 0),
        }
    }

    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.0.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.1.to_be_bytes());
        bytes.retain(|byte| *byte != 0);
        bytes
    }
}

/// Whether the places of so many rows are shorter as bits.
fn are_bits(held: u16, rows: u16) -> bool {
    usize::from(held) > usize::from(rows) / 16
}

fn put_places(word: &[u8], places: &[u16], rows: u16, block: &mut Vec<u8>) {
    const {
        assert!(
            WORD_BYTES_MAX <= 32,
            "a word's length is one byte, and it fits a `Word`"
        )
    }
    let held = u16::try_from(places.len()).unwrap_or(u16::MAX);
    block.push(u8::try_from(word.len()).unwrap_or(u8::MAX));
    block.extend_from_slice(word);
    block.extend_from_slice(&held.to_be_bytes());
    if are_bits(held, rows) {
        let mut bits = Marks::none(rows);
        places.iter().for_each(|place| bits.add(*place));
        block.extend_from_slice(bits.bytes());
    } else {
        places
            .iter()
            .for_each(|place| block.extend_from_slice(&place.to_be_bytes()));
    }
}

/// Calls `seen` with each word of a block and the rows that hold it, until it says to stop. `None`
/// where the block can't be read.
pub(super) fn read_block(
    mut block: &[u8],
    rows: u16,
    mut seen: impl FnMut(&[u8], Places<'_>) -> Reading,
) -> Option<Reading> {
    while let Some((length, rest)) = block.split_first() {
        let (word, rest) = rest.split_at_checked((*length).into())?;
        let (held, rest) = rest.split_first_chunk::<2>()?;
        let held = u16::from_be_bytes(*held);
        let is_bits = are_bits(held, rows);
        let bytes = if is_bits {
            usize::from(rows).div_ceil(8)
        } else {
            2 * usize::from(held)
        };
        let (places, rest) = rest.split_at_checked(bytes)?;
        let places = if is_bits {
            Places::Bits(places)
        } else {
            Places::Listed(places)
        };
        if seen(word, places) == Reading::Done {
            return Some(Reading::Done);
        }
        block = rest;
    }
    Some(Reading::On)
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    On,
    Done,
}

/// The rows that hold a word, as they stand in a block.
#[derive(Debug, Clone, Copy)]
pub(super) enum Places<'a> {
    Bits(&'a [u8]),
    Listed(&'a [u8]),
}

impl Places<'_> {
    pub(super) fn add_to(self, rows: &mut Marks) {
        match self {
            Self::Bits(bits) => rows.add_all(bits),
            Self::Listed(list) => {
                let (places, _) = list.as_chunks::<2>();
                places
                    .iter()
                    .for_each(|place| rows.add(u16::from_be_bytes(*place)));
            }
        }
    }
}
