//! Keys and values of the market store. All numbers are big endian, so that in keys bytes sort as
//! they do.

use omni_protocol::fence;
use omni_protocol::hash::{PartnerId, RecordId, SubjectId};
use omni_protocol::public::IdSum;
use omni_protocol::slot::{Family, Revision, Slot};
use omni_protocol::value::Time;

use super::Reach;

/// What a key begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Table {
    /// Format and network.
    About = 0,
    /// author · family · subject → what stands there, as [`Standing`].
    Slot = 1,
    /// author · revision · tree → nothing: trees of records that are for everybody and follow each
    /// other, by the highest revision of each. Those of one run between what those before and after
    /// it hold, so that runs never overlap.
    Run = 2,
    /// author · revision · tree · leaf → whether the catalogue counts it: records that are for
    /// everybody and in no run.
    Apart = 3,
    /// author → count and sum of the catalogue's ids.
    Author = 4,
    /// author → key events.
    Chain = 5,
    /// author · family · subject → the latest record with the same revision as another that stands
    /// or stood there, for the operator.
    Twin = 6,
    /// The writer's counters, as [`Tally`].
    Tally = 7,
    /// place → rows that are in no segment yet, as they came; those from [`Tally::tail`] on are what
    /// was here before, and written over.
    Tail = 8,
    /// segment → its head.
    Segment = 9,
    /// segment · number of the chunk → its rows without their words.
    Docs = 10,
    /// segment · first word → words in order, each with the rows that hold it.
    Words = 11,
    /// number → what proves records that came together, as [`Tree`](super::tree::Tree).
    Tree = 12,
    /// number of those → which leaves' records are still kept.
    Held = 13,
    /// number of those · part → the records of some leaves, as [`Kept`](super::kept::Kept).
    Records = 14,
}

impl Table {
    const fn number(self) -> u8 {
        self as u8
    }

    pub(super) fn key(self, parts: &[&[u8]]) -> Vec<u8> {
        let mut key = Vec::with_capacity(KEY_BYTES);
        key.push(self.number());
        parts.iter().for_each(|part| key.extend_from_slice(part));
        key
    }

    /// The first key that is not in this table.
    pub(super) fn end(self) -> Vec<u8> {
        vec![self.number().saturating_add(1)]
    }

    /// The first key of this table after all those that begin with `beginning`.
    pub(super) fn end_of(self, beginning: &[u8]) -> Vec<u8> {
        let mut key = self.key(&[beginning]);
        // The next number with as many digits; all ones have no next, and the table ends there.
        while let Some(last) = key.pop() {
            if let Some(next) = last.checked_add(1) {
                key.push(next);
                break;
            }
        }
        key
    }
}

/// As long as most keys are.
const KEY_BYTES: usize = 80;
/// Author, family, subject.
pub(super) const PLACE_BYTES: usize = 66;

/// Family as two bytes.
pub(super) fn family_bytes(family: Family) -> [u8; 2] {
    family.number().to_be_bytes()
}

/// Author, family, subject.
pub(super) fn slot_bytes(slot: &Slot) -> [u8; PLACE_BYTES] {
    let mut bytes = [0; PLACE_BYTES];
    let (author, rest) = bytes.split_at_mut(32);
    let (family, subject) = rest.split_at_mut(2);
    author.copy_from_slice(slot.author.as_bytes());
    family.copy_from_slice(&family_bytes(slot.family));
    subject.copy_from_slice(slot.subject.as_bytes());
    bytes
}

/// The slot with these bytes.
pub(super) fn slot_of(bytes: &[u8]) -> Option<Slot> {
    let (author, rest) = bytes.split_first_chunk::<32>()?;
    let (family, subject) = rest.split_first_chunk::<2>()?;
    Some(Slot {
        author: PartnerId::from_bytes(*author),
        family: Family::from_number(u16::from_be_bytes(*family))?,
        subject: SubjectId::from_bytes(subject.try_into().ok()?),
    })
}

/// The key of a tree in its author's runs.
pub(super) fn run_key(author: PartnerId, highest: u64, tree: u64) -> Vec<u8> {
    Table::Run.key(&[
        author.as_bytes(),
        &highest.to_be_bytes(),
        &tree.to_be_bytes(),
    ])
}

/// Highest revision and tree of the key of a run.
pub(super) fn run_key_parts(key: &[u8]) -> Option<(u64, u64)> {
    let (highest, tree) = key.get(33..)?.split_first_chunk::<8>()?;
    Some((
        u64::from_be_bytes(*highest),
        u64::from_be_bytes(tree.try_into().ok()?),
    ))
}

/// The key of a record in no run.
pub(super) fn apart_key(author: PartnerId, standing: &Standing) -> Vec<u8> {
    Table::Apart.key(&[
        author.as_bytes(),
        &standing.revision.get().to_be_bytes(),
        &standing.tree.to_be_bytes(),
        &standing.leaf.to_be_bytes(),
    ])
}

/// Revision, tree and leaf of the key of a record in no run.
pub(super) fn apart_key_parts(key: &[u8]) -> Option<(Revision, u64, u16)> {
    let (revision, rest) = key.get(33..)?.split_first_chunk::<8>()?;
    let (tree, leaf) = rest.split_first_chunk::<8>()?;
    Some((
        Revision::new(u64::from_be_bytes(*revision)).ok()?,
        u64::from_be_bytes(*tree),
        u16::from_be_bytes(leaf.try_into().ok()?),
    ))
}

/// The sum of a catalogue from its bytes.
pub(super) fn ids_of(bytes: &[u8]) -> Option<IdSum> {
    /// A count and 32 bytes.
    const SUM_BYTES_MAX: usize = 64;
    fence::decode(bytes, SUM_BYTES_MAX).ok()
}

/// The end of a validity as it is kept; the largest number where there is none.
pub(super) fn until_number(until: Option<Time>) -> u64 {
    until.map_or(u64::MAX, Time::ms)
}

pub(super) fn until_of(number: u64) -> Option<Option<Time>> {
    match number {
        u64::MAX => Some(None),
        ms => Time::new(ms).ok().map(Some),
    }
}

/// What stands in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) revision: Revision,
    pub(super) id: RecordId,
    /// Where it is kept and proved: number and leaf of its tree.
    pub(super) tree: u64,
    pub(super) leaf: u16,
    pub(super) until: Option<Time>,
    pub(super) reach: Reach,
    /// Whether it has words under which it is found.
    pub(super) is_found: bool,
    /// Whether it is listed with its tree; see [`Table::Run`].
    pub(super) is_in_run: bool,
}

impl Reach {
    pub(super) const fn bit(self) -> u8 {
        match self {
            Self::Public => 0,
            Self::Named => 1,
        }
    }

    pub(super) const fn of_bit(bit: u8) -> Self {
        match bit {
            0 => Self::Public,
            _ => Self::Named,
        }
    }
}

impl Standing {
    /// That of its row; rows of the same slot with other numbers are of the past.
    pub(super) fn number(&self) -> u64 {
        self.tree << u16::BITS | u64::from(self.leaf)
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(59);
        bytes.extend_from_slice(&self.revision.get().to_be_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&self.tree.to_be_bytes());
        bytes.extend_from_slice(&self.leaf.to_be_bytes());
        bytes.extend_from_slice(&until_number(self.until).to_be_bytes());
        let marks = u8::from(self.is_found) << 1 | u8::from(self.is_in_run) << 2;
        bytes.push(self.reach.bit() | marks);
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (revision, rest) = bytes.split_first_chunk::<8>()?;
        let (id, rest) = rest.split_first_chunk::<32>()?;
        let (tree, rest) = rest.split_first_chunk::<8>()?;
        let (leaf, rest) = rest.split_first_chunk::<2>()?;
        let (until, flags) = rest.split_first_chunk::<8>()?;
        let [flags] = *flags else { return None };
        Some(Self {
            revision: Revision::new(u64::from_be_bytes(*revision)).ok()?,
            id: RecordId::from_bytes(*id),
            tree: u64::from_be_bytes(*tree),
            leaf: u16::from_be_bytes(*leaf),
            until: until_of(u64::from_be_bytes(*until))?,
            reach: Reach::of_bit(flags & 1),
            is_found: flags & 2 != 0,
            is_in_run: flags & 4 != 0,
        })
    }
}

/// What the writer counts over all of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    /// Number of the next row or segment.
    pub(super) next: u64,
    /// Places at which there are rows in no segment yet, those rows, and their bytes.
    pub(super) tail: u64,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// No row of those ends before.
    pub(super) first_end: u64,
    /// Records that were replaced or removed, and for which no segment was looked through yet.
    pub(super) gone: u64,
    /// The segment that was looked through last.
    pub(super) looked: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            next: 1,
            tail: 0,
            rows: 0,
            bytes: 0,
            first_end: u64::MAX,
            gone: 0,
            looked: 0,
        }
    }
}

impl Tally {
    /// The first and the end of the rows that are in no segment yet.
    pub(super) fn tail_keys(&self) -> [Vec<u8>; 2] {
        [0, self.tail].map(|place| Table::Tail.key(&[&place.to_be_bytes()]))
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let Self {
            next,
            tail,
            rows,
            bytes,
            first_end,
            gone,
            looked,
        } = self;
        [next, tail, rows, bytes, first_end, gone, looked]
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect()
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<8>();
        let [next, tail, rows, bytes, first_end, gone, looked] =
            *<&[[u8; 8]; 7]>::try_from(numbers).ok()?;
        rest.is_empty().then_some(Self {
            next: u64::from_be_bytes(next),
            tail: u64::from_be_bytes(tail),
            rows: u64::from_be_bytes(rows),
            bytes: u64::from_be_bytes(bytes),
            first_end: u64::from_be_bytes(first_end),
            gone: u64::from_be_bytes(gone),
            looked: u64::from_be_bytes(looked),
        })
    }
}
