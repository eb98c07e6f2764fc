//! Lists, sets and byte strings that carry their bounds in their types. What their items mean is
//! the items' matter.

use alloc::vec::Vec;
use core::{fmt, ops::Deref};

use super::{Reader, Wire, Writer, to_bytes};
use crate::value::Invalid;

/// `MIN` to `MAX` items in an order that means something.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct List<T, const MAX: usize, const MIN: usize = 0>(Vec<T>);

/// `MIN` to `MAX` different items, in ascending order of their encoded bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Set<T, const MAX: usize, const MIN: usize = 0>(Vec<T>);

/// `MIN` to `MAX` bytes that mean nothing here.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes<const MAX: usize, const MIN: usize = 0>(Vec<u8>);

fn check_count(found: usize, min: usize, max: usize) -> Result<(), Invalid> {
    if found > max {
        return Err(Invalid::TooMany {
            found: found as u64,
            max,
        });
    }
    if found < min {
        return Err(Invalid::TooFew { found, min });
    }
    Ok(())
}

impl<T, const MAX: usize, const MIN: usize> List<T, MAX, MIN> {
    /// Keeps the items in their order.
    ///
    /// # Errors
    /// `TooMany` or `TooFew`.
    pub fn new(items: impl Into<Vec<T>>) -> Result<Self, Invalid> {
        let items = items.into();
        check_count(items.len(), MIN, MAX)?;
        Ok(Self(items))
    }

    /// The items without their bound.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T: Wire, const MAX: usize, const MIN: usize> Set<T, MAX, MIN> {
    /// Sorts the items and drops repetitions.
    ///
    /// # Errors
    /// `TooMany` or `TooFew`, counted without repetitions.
    pub fn new(items: impl Into<Vec<T>>) -> Result<Self, Invalid> {
        let mut keyed: Vec<_> = items
            .into()
            .into_iter()
            .map(|item| (to_bytes(&item), item))
            .collect();
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        keyed.dedup_by(|a, b| a.0 == b.0);
        let items: Vec<T> = keyed.into_iter().map(|(_, item)| item).collect();
        check_count(items.len(), MIN, MAX)?;
        Ok(Self(items))
    }
}

impl<const MAX: usize, const MIN: usize> Bytes<MAX, MIN> {
    /// Keeps the bytes.
    ///
    /// # Errors
    /// `TooMany` or `TooFew`.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, Invalid> {
        let bytes = bytes.into();
        check_count(bytes.len(), MIN, MAX)?;
        Ok(Self(bytes))
    }

    /// The bytes without their bound.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

fn put_items<T: Wire>(items: &[T], writer: &mut Writer<'_>) {
    (items.len() as u64).put(writer);
    for item in items {
        item.put(writer);
    }
}

impl<T: Wire, const MAX: usize, const MIN: usize> Wire for List<T, MAX, MIN> {
    fn put(&self, writer: &mut Writer<'_>) {
        put_items(&self.0, writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        let count = reader.length(MAX)?;
        // No more room is made ahead than the bytes take that are there: an item of one byte may be
        // large in memory.
        let room = reader.remaining() / size_of::<T>().max(1);
        let mut items = Vec::with_capacity(count.min(room));
        for _ in 0..count {
            items.push(T::take(reader)?);
        }
        Self::new(items)
    }
}

impl<T: Wire, const MAX: usize, const MIN: usize> Wire for Set<T, MAX, MIN> {
    fn put(&self, writer: &mut Writer<'_>) {
        put_items(&self.0, writer);
    }

    /// Items in another order are sorted here, so the comparison at the end of `decode` finds
    /// them: a set out of order is `not-canonical`, whatever follows it.
    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        let count = reader.length(MAX)?;
        let (mut items, mut last, mut ascending) = (Vec::new(), None, true);
        for _ in 0..count {
            let before = reader.rest();
            items.push(T::take(reader)?);
            let bytes = before.get(..before.len() - reader.remaining());
            ascending &= last.is_none_or(|last| last < bytes);
            last = Some(bytes);
        }
        if !ascending {
            return Self::new(items);
        }
        check_count(items.len(), MIN, MAX)?;
        Ok(Self(items))
    }
}

impl<const MAX: usize, const MIN: usize> Wire for Bytes<MAX, MIN> {
    fn put(&self, writer: &mut Writer<'_>) {
        writer.counted_bytes(&self.0);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        Self::new(reader.counted_bytes(MAX)?)
    }
}

impl<T, const MAX: usize, const MIN: usize> Deref for List<T, MAX, MIN> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MAX: usize, const MIN: usize> Deref for Set<T, MAX, MIN> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<const MAX: usize, const MIN: usize> Deref for Bytes<MAX, MIN> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> Default for Set<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<const MAX: usize> Default for Bytes<MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: fmt::Debug, const MAX: usize, const MIN: usize> fmt::Debug for List<T, MAX, MIN> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: fmt::Debug, const MAX: usize, const MIN: usize> fmt::Debug for Set<T, MAX, MIN> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MAX: usize, const MIN: usize> fmt::Debug for Bytes<MAX, MIN> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl<'a, T, const MAX: usize, const MIN: usize> IntoIterator for &'a List<T, MAX, MIN> {
    type Item = &'a T;
    type IntoIter = core::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'a, T, const MAX: usize, const MIN: usize> IntoIterator for &'a Set<T, MAX, MIN> {
    type Item = &'a T;
    type IntoIter = core::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
