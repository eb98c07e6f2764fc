//! Records as they are kept: those of one tree that are neighbours stand under one key, as received.
//! Which of them count is kept out: see [`Table::Held`].

use omni_protocol::hash::{PartnerId, RecordId, SubjectId};
use omni_protocol::slot::{Family, Revision, Slot};
use omni_protocol::value::Time;

use super::layout::{Table, family_bytes, until_number, until_of};
use super::{Reach, Shelved};

/// Leaves of a tree whose records stand under one key: some kilobytes of offers, as much as the
/// database reads at once.
const TOGETHER: u16 = 16;

/// Which part of its tree a leaf is in.
pub(super) const fn part_of(leaf: u16) -> u16 {
    leaf / TOGETHER
}

/// The key of the records in a part of a tree.
pub(super) fn records_key(tree: u64, part: u16) -> Vec<u8> {
    Table::Records.key(&[&tree.to_be_bytes(), &part.to_be_bytes()])
}

/// A record with what of it is needed without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept<'a> {
    /// Its place in its tree.
    pub(super) leaf: u16,
    pub(super) family: Family,
    pub(super) subject: SubjectId,
    pub(super) revision: Revision,
    pub(super) id: RecordId,
    pub(super) until: Option<Time>,
    pub(super) reach: Reach,
    /// Whether it is listed with its tree; see [`Table::Run`].
    pub(super) is_in_run: bool,
    pub(super) record: &'a [u8],
}

impl<'a> Kept<'a> {
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.leaf.to_be_bytes());
        bytes.extend_from_slice(&family_bytes(self.family));
        bytes.extend_from_slice(self.subject.as_bytes());
        bytes.extend_from_slice(&self.revision.get().to_be_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&until_number(self.until).to_be_bytes());
        bytes.push(self.reach.bit() | u8::from(self.is_in_run) << 1);
        // Records are bounded far below 65,536 bytes; more would make all of it unreadable, not wrong.
        let length = u16::try_from(self.record.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(self.record);
    }

    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (leaf, rest) = bytes.split_first_chunk::<2>()?;
        let (family, rest) = rest.split_first_chunk::<2>()?;
        let (subject, rest) = rest.split_first_chunk::<32>()?;
        let (revision, rest) = rest.split_first_chunk::<8>()?;
        let (id, rest) = rest.split_first_chunk::<32>()?;
        let (until, rest) = rest.split_first_chunk::<8>()?;
        let (flags, rest) = rest.split_first()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (record, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        let kept = Self {
            leaf: u16::from_be_bytes(*leaf),
            family: Family::from_number(u16::from_be_bytes(*family))?,
            subject: SubjectId::from_bytes(*subject),
            revision: Revision::new(u64::from_be_bytes(*revision)).ok()?,
            id: RecordId::from_bytes(*id),
            until: until_of(u64::from_be_bytes(*until))?,
            reach: Reach::of_bit(flags & 1),
            is_in_run: flags & 2 != 0,
            record,
        };
        Some((kept, rest))
    }

    /// Records under one key; `None` where they can't be read.
    pub(super) fn read_all(mut bytes: &'a [u8]) -> Option<Vec<Self>> {
        let mut all = Vec::with_capacity(TOGETHER.into());
        while !bytes.is_empty() {
            let (kept, rest) = Self::read(bytes)?;
            all.push(kept);
            bytes = rest;
        }
        Some(all)
    }

    /// The record at a leaf, of those under its key.
    pub(super) fn at(leaf: u16, mut bytes: &'a [u8]) -> Option<Self> {
        loop {
            let (kept, rest) = Self::read(bytes)?;
            if kept.leaf == leaf {
                return Some(kept);
            }
            bytes = rest;
        }
    }

    pub(super) fn shelved(&self, author: PartnerId) -> Shelved {
        let Self {
            family,
            subject,
            revision,
            id,
            until,
            reach,
            record,
            ..
        } = *self;
        Shelved {
            slot: Slot {
                author,
                family,
                subject,
            },
            revision,
            id,
            until,
            reach,
            record: record.to_vec(),
        }
    }
}
