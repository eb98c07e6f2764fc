//! Slots and revisions (SPEC.md section 9): which of an author's public records stands. Whether a
//! record is valid is not judged here.

use core::cmp::Ordering;

use crate::{
    fence::{Reader, Wire, Writer, to_bytes},
    hash::{PartnerId, RecordId, SubjectId, Tag, hash},
    limits::{CLOCK_AHEAD_MS_MAX, LIST_BYTES_MAX, SKU_BYTES_MAX, TIME_MS_MAX},
    record::Kind,
    value::{Invalid, Text, Time},
    words,
};

/// A hybrid logical clock (Kulkarni and others, 2014): milliseconds since 1970 in the upper 48
/// bits, a counter in the lower 16. An author's revisions ascend strictly over all that it
/// publishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    const COUNTER_BITS: u32 = 16;
    const MAX: u64 = (TIME_MS_MAX << Self::COUNTER_BITS) | 0xffff;

    /// # Errors
    /// `Rule` where its time is after the year 9999.
    pub const fn new(revision: u64) -> Result<Self, Invalid> {
        if revision > Self::MAX {
            return Err(Invalid::Rule("a revision must lie before the year 10000"));
        }
        Ok(Self(revision))
    }

    /// The revision after `last`: `max(last + 1, now « 16)`. Nothing after the last one there is.
    #[must_use]
    pub fn next(last: Option<Self>, now: Time) -> Option<Self> {
        let by_clock = now.ms() << Self::COUNTER_BITS;
        let after_last = last.map_or(0, |last| last.0 + 1);
        Self::new(by_clock.max(after_last)).ok()
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Its time.
    #[must_use]
    pub fn time(self) -> Time {
        Time::default().plus_ms(self.0 >> Self::COUNTER_BITS)
    }

    /// Whether it lies so far ahead of this clock that it is ignored.
    #[must_use]
    pub fn is_from_future(self, now: Time) -> bool {
        self.time().ms_since(now) > CLOCK_AHEAD_MS_MAX
    }
}

impl Wire for Revision {
    fn put(&self, writer: &mut Writer<'_>) {
        self.0.put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        Self::new(u64::take(reader)?)
    }
}

words! {
    /// What kind of thing a slot holds: the number of the kind whose records, or whose
    /// withdrawals, fill it.
    pub enum Family {
        /// The Profile of an author.
        2 Profile "profile",
        /// The head of an author's catalogue.
        3 CatalogueHead "catalogue-head",
        /// An offer, or its withdrawal.
        4 Offer "offer",
        /// An availability, or its withdrawal.
        5 Availability "availability",
    }
}

impl Family {
    /// The family of the records of a kind. A Withdrawal names its own; other kinds fill no slot.
    #[must_use]
    pub const fn of(kind: Kind) -> Option<Self> {
        Self::from_number(kind.number())
    }
}

/// The place of a public record. Of the records that fill it one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// Whose it is.
    pub author: PartnerId,
    /// What it holds.
    pub family: Family,
    /// What that is about; [`SubjectId::ONLY`] where an author has one.
    pub subject: SubjectId,
}

/// The subject of an offer: an article number in a price list.
#[must_use]
pub fn subject(sku: &Text<SKU_BYTES_MAX, 1>, list: &Text<LIST_BYTES_MAX>) -> SubjectId {
    SubjectId::from_bytes(hash(Tag::Subject, &[&to_bytes(sku), &to_bytes(list)]))
}

/// What becomes of a record that meets the one that stands in its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meeting {
    /// It is that one.
    Same,
    /// It stands from now on.
    Replaces,
    /// It is ignored (`outdated`).
    Outdated,
    /// Both have one revision and this one stands from now on; both are kept and shown.
    TwinReplaces,
    /// Both have one revision and the other stands on; both are kept and shown.
    TwinYields,
}

/// Judges a record that arrives by the one that stands, whatever the order of arrival.
#[must_use]
pub fn meet(arriving: (Revision, RecordId), standing: (Revision, RecordId)) -> Meeting {
    match (arriving.0.cmp(&standing.0), arriving.1.cmp(&standing.1)) {
        (Ordering::Greater, _) => Meeting::Replaces,
        (Ordering::Less, _) => Meeting::Outdated,
        (Ordering::Equal, Ordering::Equal) => Meeting::Same,
        (Ordering::Equal, Ordering::Greater) => Meeting::TwinReplaces,
        (Ordering::Equal, Ordering::Less) => Meeting::TwinYields,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_ascend_whatever_the_clock_does() {
        fn check(last: Option<u64>, now_ms: u64, expected: Option<u64>) {
            let last = last.map(|last| Revision::new(last).unwrap());
            let next = Revision::next(last, Time::new(now_ms).unwrap());
            assert_eq!(next.map(Revision::get), expected, "{last:?} at {now_ms}");
        }
        check(None, 5, Some(5 << 16));
        check(Some(5 << 16), 5, Some((5 << 16) + 1));
        check(Some((5 << 16) + 0xffff), 5, Some(6 << 16));
        check(Some(9 << 16), 5, Some((9 << 16) + 1));
        check(Some(5 << 16), 6, Some(6 << 16));
        check(Some(Revision::MAX), 5, None);
    }

    #[test]
    fn a_revision_may_lie_two_minutes_ahead() {
        let now = Time::new(1_000_000).unwrap();
        for (ahead_ms, expected) in [
            (0, false),
            (CLOCK_AHEAD_MS_MAX, false),
            (CLOCK_AHEAD_MS_MAX + 1, true),
        ] {
            let revision = Revision::next(None, now.plus_ms(ahead_ms)).unwrap();
            assert_eq!(revision.is_from_future(now), expected, "{ahead_ms}");
        }
        assert!(Revision::new(Revision::MAX + 1).is_err());
    }

    /// I5: a slot holds the highest revision, whatever the order of arrival.
    #[test]
    fn i5_the_highest_revision_stands() {
        let record = |revision, id| (Revision(revision), RecordId::from_bytes([id; 32]));
        let records = [
            record(1, 9),
            record(2, 1),
            record(3, 4),
            record(3, 5),
            record(3, 2),
        ];
        for rotation in 0..records.len() {
            let mut order = records;
            order.rotate_left(rotation);
            let mut standing = order[0];
            for arriving in order {
                match meet(arriving, standing) {
                    Meeting::Replaces | Meeting::TwinReplaces => standing = arriving,
                    Meeting::Same | Meeting::Outdated | Meeting::TwinYields => {}
                }
            }
            assert_eq!(standing, record(3, 5), "rotated by {rotation}");
        }
        assert_eq!(meet(record(3, 5), record(3, 5)), Meeting::Same);
        assert_eq!(meet(record(3, 4), record(3, 5)), Meeting::TwinYields);
        assert_eq!(meet(record(2, 9), record(3, 5)), Meeting::Outdated);
    }
}
