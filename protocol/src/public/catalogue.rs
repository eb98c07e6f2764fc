//! The head of a catalogue, which says how large an author's catalogue is, and the fingerprint by
//! which two nodes compare what they have of it (SPEC.md section 16). It holds no records.

use core::fmt;

use crate::{
    body,
    fence::{Reader, Wire, Writer},
    hash::{RecordId, Tag, hash},
    slot::Revision,
    value::Invalid,
    wire,
};

/// Announces an author's public standing offers, availabilities and withdrawals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CatalogueHead {
    /// Revision of this head.
    pub revision: Revision,
    /// How many records.
    pub count: u32,
    /// Their fingerprint.
    pub fingerprint: Fingerprint,
    /// The highest revision among them; 0 if there are none.
    pub highest: Revision,
}

wire!(CatalogueHead {
    revision,
    count,
    fingerprint,
    highest
});
body!(CatalogueHead);

/// What two equal sets of record ids have in common. Only the author of a catalogue could make two
/// different ones agree, to its own harm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// A fingerprint by its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Wire for Fingerprint {
    fn put(&self, writer: &mut Writer<'_>) {
        self.0.put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        Ok(Self(Wire::take(reader)?))
    }
}

impl fmt::Display for Fingerprint {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A set of record ids, of which only count and sum are kept, so that one can be added or taken
/// away at once. Whoever keeps it sees to it that each id is added once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct IdSum {
    count: u64,
    /// The sum of the ids as little endian numbers, modulo 2^256.
    sum: [u8; 32],
}

wire!(IdSum { count, sum });

impl IdSum {
    /// Adds an id that is not in the set.
    pub fn add(&mut self, id: RecordId) {
        self.count = self.count.saturating_add(1);
        let mut carry = 0;
        for (byte, other) in self.sum.iter_mut().zip(id.as_bytes()) {
            [*byte, carry] =
                (u16::from(*byte) + u16::from(*other) + u16::from(carry)).to_le_bytes();
        }
    }

    /// Takes away an id that is in the set.
    pub fn remove(&mut self, id: RecordId) {
        self.count = self.count.saturating_sub(1);
        let mut borrow = false;
        for (byte, other) in self.sum.iter_mut().zip(id.as_bytes()) {
            let (less, below) = byte.overflowing_sub(*other);
            let (least, below_again) = less.overflowing_sub(u8::from(borrow));
            (*byte, borrow) = (least, below || below_again);
        }
    }

    /// How many ids.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The fingerprint of the set.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let digest = hash(Tag::Fingerprint, &[&self.sum, &self.count.to_le_bytes()]);
        let (first, _) = digest.split_first_chunk().unwrap_or((&[0; 16], &[]));
        Fingerprint(*first)
    }
}

impl FromIterator<RecordId> for IdSum {
    /// The set of ids that are all different.
    fn from_iter<I: IntoIterator<Item = RecordId>>(ids: I) -> Self {
        let mut sum = Self::default();
        ids.into_iter().for_each(|id| sum.add(id));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(low: u8, rest: u8) -> RecordId {
        let mut bytes = [rest; 32];
        bytes[0] = low;
        RecordId::from_bytes(bytes)
    }

    #[test]
    fn sums_carry_through_all_bytes_and_wrap() {
        let mut sum = IdSum::default();
        sum.add(id(0xff, 0xff));
        sum.add(id(1, 0));
        assert_eq!(
            sum,
            IdSum {
                count: 2,
                sum: [0; 32]
            }
        );
        sum.remove(id(1, 0));
        assert_eq!(sum, [id(0xff, 0xff)].into_iter().collect());
    }

    #[test]
    fn order_does_not_matter_and_removal_undoes() {
        let ids: alloc::vec::Vec<_> = (0..=255).map(|n| id(n, n.wrapping_mul(37))).collect();
        let all: IdSum = ids.iter().copied().collect();
        let mut back: IdSum = ids.iter().rev().copied().collect();
        assert_eq!(all.fingerprint(), back.fingerprint());
        for &id in &ids[100..] {
            back.remove(id);
        }
        assert_eq!(back, ids[..100].iter().copied().collect());
        assert_ne!(all.fingerprint(), back.fingerprint());
    }

    #[test]
    fn the_count_counts() {
        // The same sum of another number of ids.
        let one: IdSum = [id(3, 0)].into_iter().collect();
        let two: IdSum = [id(1, 0), id(2, 0)].into_iter().collect();
        assert_eq!(one.sum, two.sum);
        assert_ne!(one.fingerprint(), two.fingerprint());
    }
}
