//! Segments: some thousands of rows with their words in order, so that one search reads a block or
//! two of each. They are built once and never change; who keeps them is kept out.
//!
//! A block holds words in ascending order. After each word stands how many rows hold it, and which:
//! their places, or, where that is shorter, one bit for each row of the segment.

use std::collections::BTreeMap;

use super::row::Row;
use super::words::WORD_BYTES_MAX;

/// Bytes after which a block is closed.
const BLOCK_BYTES: usize = 4_096;
/// Rows in one chunk of those that a segment names.
pub(super) const CHUNK_ROWS: u16 = 64;

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
        let mut held: Vec<(Word, u16)> = Vec::new();
        for (row, place) in rows.iter().zip(0..count) {
            held.extend(row.words().map(|word| (Word::of(word), place)));
        }
        held.sort_unstable();
        held.dedup();
        let mut blocks = BTreeMap::new();
        let (mut first, mut block) = (Vec::new(), Vec::new());
        for of_word in held.chunk_by(|a, b| a.0 == b.0) {
            let Some((word, _)) = of_word.first() else {
                continue;
            };
            let word = word.to_bytes();
            if block.is_empty() {
                first.clone_from(&word);
            }
            put_places(
                &word,
                of_word.iter().map(|(_, place)| *place),
                count,
                &mut block,
            );
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

/// A word of at most 32 bytes, none of them 0; ordered as its bytes are, and faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Word(u128, u128);

impl Word {
    fn of(bytes: &[u8]) -> Self {
        let padded = |bytes: &[u8]| {
            let mut sixteen = [0; 16];
            sixteen
                .iter_mut()
                .zip(bytes)
                .for_each(|(to, from)| *to = *from);
            u128::from_be_bytes(sixteen)
        };
        let (head, rest) = bytes.split_at_checked(16).unwrap_or((bytes, &[]));
        Self(padded(head), padded(rest))
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

fn put_places(
    word: &[u8],
    places: impl ExactSizeIterator<Item = u16>,
    rows: u16,
    block: &mut Vec<u8>,
) {
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
        let mut bits = Rows::none(rows);
        places.for_each(|place| bits.add(place));
        block.extend_from_slice(&bits.0);
    } else {
        places.for_each(|place| block.extend_from_slice(&place.to_be_bytes()));
    }
}

/// Some rows of a segment, a bit for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rows(Vec<u8>);

impl Rows {
    pub(super) fn none(rows: u16) -> Self {
        Self(vec![0; usize::from(rows).div_ceil(8)])
    }

    pub(super) fn add(&mut self, place: u16) {
        if let Some(byte) = self.0.get_mut(usize::from(place / 8)) {
            *byte |= 1 << (place % 8);
        }
    }

    fn add_all(&mut self, others: &[u8]) {
        self.0
            .iter_mut()
            .zip(others)
            .for_each(|(own, other)| *own |= other);
    }

    /// Keeps those that are also among others.
    pub(super) fn keep(&mut self, others: &Self) {
        self.0
            .iter_mut()
            .zip(&others.0)
            .for_each(|(own, other)| *own &= other);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    pub(super) fn has(&self, place: u16) -> bool {
        let byte = self.0.get(usize::from(place / 8));
        byte.is_some_and(|byte| byte & 1 << (place % 8) != 0)
    }

    /// Ascending.
    pub(super) fn places(&self) -> impl Iterator<Item = u16> {
        let bytes = self.0.iter().copied().zip((0_u16..).step_by(8));
        bytes
            .filter(|(byte, _)| *byte != 0)
            .flat_map(|(byte, first)| {
                let is_set = move |bit: &u16| byte & 1 << bit != 0;
                (0..8).filter(is_set).map(move |bit| first + bit)
            })
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
    pub(super) fn add_to(self, rows: &mut Rows) {
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
