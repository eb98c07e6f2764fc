//! Rows: what of a record is needed to find it by its words and to end it in time. Each change of a
//! slot makes a row; one whose number is not that of what stands there is of the past.

use super::layout::{PLACE_BYTES, Standing};

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub(super) number: u64,
    /// Author, family, subject.
    pub(super) place: &'a [u8; PLACE_BYTES],
    /// End of validity in milliseconds; the largest number for none.
    pub(super) until: u64,
    /// With a space after each.
    pub(super) words: &'a [u8],
}

impl<'a> Row<'a> {
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(self.place);
        bytes.extend_from_slice(&self.until.to_be_bytes());
        // Words are bounded far below 65,536 bytes; more would make all of it unreadable, not wrong.
        let length = u16::try_from(self.words.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(self.words);
    }

    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (number, rest) = bytes.split_first_chunk::<8>()?;
        let (place, rest) = rest.split_first_chunk::<PLACE_BYTES>()?;
        let (until, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (words, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        let row = Self {
            number: u64::from_be_bytes(*number),
            place,
            until: u64::from_be_bytes(*until),
            words,
        };
        Some((row, rest))
    }

    /// Rows that follow each other; `None` where they can't be read.
    pub(super) fn read_all(mut bytes: &'a [u8]) -> Option<Vec<Self>> {
        let mut rows = Vec::new();
        while !bytes.is_empty() {
            let (row, rest) = Self::read(bytes)?;
            rows.push(row);
            bytes = rest;
        }
        Some(rows)
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let words = self.words.split(|&byte| byte == b' ');
        words.filter(|word| !word.is_empty())
    }

    /// Whether it is of what stands now.
    pub(super) fn is_of(&self, standing: &Standing) -> bool {
        standing.number() == self.number
    }
}
