//! Keys and values of the market store. All numbers in keys are big endian, so that bytes sort as
//! they do.

use omni_protocol::fence;
use omni_protocol::hash::{PartnerId, RecordId, SubjectId};
use omni_protocol::public::IdSum;
use omni_protocol::slot::{Family, Revision, Slot};
use omni_protocol::value::Time;

use super::{Reach, Shelved};

/// What a key begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Table {
    /// Format and network.
    About = 0,
    /// author · family · subject → the record that stands, as [`Kept`].
    Slot = 1,
    /// author · revision · id → family · subject.
    Log = 2,
    /// id → author · family · subject.
    Id = 3,
    /// word · 0 · author · subject → nothing. Offers only.
    Word = 4,
    /// author → count and sum of the catalogue's ids.
    Author = 5,
    /// end of validity · author · family · subject → nothing.
    End = 6,
    /// author → key events.
    Chain = 7,
    /// author · family · subject · id → a record of the same revision as the one that stands, or
    /// once stood, for the operator.
    Twin = 8,
}

impl Table {
    const fn number(self) -> u8 {
        self as u8
    }

    pub(super) fn key(self, parts: &[&[u8]]) -> Vec<u8> {
        let mut key = vec![self.number()];
        parts.iter().for_each(|part| key.extend_from_slice(part));
        key
    }

    /// The first key that is not in this table.
    pub(super) fn end(self) -> Vec<u8> {
        vec![self.number().saturating_add(1)]
    }

    /// The first key of this table after all those of an author.
    pub(super) fn end_of_author(self, author: PartnerId) -> Vec<u8> {
        let mut key = self.key(&[author.as_bytes()]);
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

/// Family as two bytes.
pub(super) fn family_bytes(family: Family) -> [u8; 2] {
    family.number().to_be_bytes()
}

/// Author, family, subject.
pub(super) fn slot_bytes(slot: &Slot) -> Vec<u8> {
    let mut bytes = slot.author.as_bytes().to_vec();
    bytes.extend_from_slice(&family_bytes(slot.family));
    bytes.extend_from_slice(slot.subject.as_bytes());
    bytes
}

/// The slot with these bytes.
pub(super) fn slot_of(bytes: &[u8]) -> Option<Slot> {
    let (author, rest) = bytes.split_first_chunk::<32>()?;
    slot_of_log_value(PartnerId::from_bytes(*author), rest)
}

/// The slot of an author with this family and subject.
pub(super) fn slot_of_log_value(author: PartnerId, value: &[u8]) -> Option<Slot> {
    let (family, subject) = value.split_first_chunk::<2>()?;
    Some(Slot {
        author,
        family: Family::from_number(u16::from_be_bytes(*family))?,
        subject: SubjectId::from_bytes(subject.try_into().ok()?),
    })
}

/// Revision and id of a key of [`Table::Log`].
pub(super) fn log_key_parts(key: &[u8]) -> Option<(u64, RecordId)> {
    let (revision, id) = key.get(33..)?.split_first_chunk::<8>()?;
    Some((
        u64::from_be_bytes(*revision),
        RecordId::from_bytes(id.try_into().ok()?),
    ))
}

/// The sum of a catalogue from its bytes.
pub(super) fn ids_of(bytes: &[u8]) -> Option<IdSum> {
    /// A count and 32 bytes.
    const SUM_BYTES_MAX: usize = 64;
    fence::decode(bytes, SUM_BYTES_MAX).ok()
}

/// The record that stands in a slot, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) revision: Revision,
    pub(super) id: RecordId,
    pub(super) until: Option<Time>,
    pub(super) reach: Reach,
    /// The words under which it is found, with a space after each.
    pub(super) words: String,
    pub(super) proof: Vec<u8>,
    pub(super) record: Vec<u8>,
}

impl Kept {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&self.revision.get().to_be_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&self.until.map_or(u64::MAX, Time::ms).to_be_bytes());
        bytes.push(match self.reach {
            Reach::Public => 0,
            Reach::Named => 1,
        });
        for part in [self.words.as_bytes(), &self.proof] {
            // Words and proofs are bounded far below four gigabytes; a longer one would be cut off here
            // and be unreadable afterwards, never wrong.
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes.extend_from_slice(&self.record);
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (revision, rest) = bytes.split_first_chunk::<8>()?;
        let (id, rest) = rest.split_first_chunk::<32>()?;
        let (until, rest) = rest.split_first_chunk::<8>()?;
        let (reach, rest) = rest.split_first()?;
        let (words, rest) = part(rest)?;
        let (proof, record) = part(rest)?;
        let until = match u64::from_be_bytes(*until) {
            u64::MAX => None,
            ms => Some(Time::new(ms).ok()?),
        };
        Some(Self {
            revision: Revision::new(u64::from_be_bytes(*revision)).ok()?,
            id: RecordId::from_bytes(*id),
            until,
            reach: match reach {
                0 => Reach::Public,
                1 => Reach::Named,
                _ => return None,
            },
            words: String::from_utf8(words.to_vec()).ok()?,
            proof: proof.to_vec(),
            record: record.to_vec(),
        })
    }

    pub(super) fn shelved(self, slot: Slot) -> Shelved {
        let Self {
            revision,
            id,
            until,
            reach,
            words: _,
            proof,
            record,
        } = self;
        Shelved {
            slot,
            revision,
            id,
            until,
            reach,
            record,
            proof,
        }
    }
}

fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
