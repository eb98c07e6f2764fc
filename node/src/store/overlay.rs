//! What the core sees while batches are under way: the synced ledger, over it the batch that the
//! writer has, over that the batch being built. Nothing is decided here.
//!
//! Without it two requests for the last unit in one batch would both see stock 1. The two deltas
//! hold every key in which memory is ahead of the disk, so no snapshot of the database is needed:
//! a key that the writer has just written reads the same from the delta and from below.

mod below;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use omni_protocol::machine::{Key, View};

use self::below::Below;
use super::{Halt, LedgerReader, Pair, StoreError};

/// The writes of one batch: each key once, with its last value, or `None` where it is deleted.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Delta {
    keys: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
}

impl Delta {
    /// Adds a write; a later one for the same key takes the place of the earlier.
    pub fn put(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.bytes = self
            .bytes
            .saturating_add(key.len())
            .saturating_add(value.as_ref().map_or(0, Vec::len));
        self.keys.insert(key, value);
    }

    /// What this batch says of `key`: `None` if nothing, `Some(None)` if it is deleted.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.keys.get(key).map(Option::as_deref)
    }

    /// The writes in ascending order of their keys.
    pub fn writes(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.keys
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// Whether nothing is to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Bytes that were put, those that were overwritten included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn first_after(&self, after: &[u8], end: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
        if after >= end {
            return None;
        }
        let range = (Bound::Excluded(after), Bound::Excluded(end));
        self.keys
            .range::<[u8], _>(range)
            .next()
            .map(|(key, value)| (key.as_slice(), value.as_deref()))
    }
}

/// The three layers.
#[derive(Debug)]
pub struct Overlay {
    below: Below,
    halt: Halt,
    flying: Option<Arc<Delta>>,
    open: Delta,
}

impl Overlay {
    /// Over a ledger with nothing under way. The core's reads can't fail, so a ledger that can't be
    /// read calls `halt`.
    #[must_use]
    pub fn new(synced: LedgerReader, halt: Halt) -> Self {
        Self {
            below: Below::new(synced),
            halt,
            flying: None,
            open: Delta::default(),
        }
    }

    /// Adds a write to the batch being built.
    pub fn put(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.open.put(key, value);
    }

    /// The batch being built.
    #[must_use]
    pub fn open_batch(&self) -> &Delta {
        &self.open
    }

    /// The home of the ledger below.
    #[must_use]
    pub fn home(&self) -> &std::path::Path {
        self.below.home()
    }

    /// Whether a batch is with the writer.
    #[must_use]
    pub fn is_flying(&self) -> bool {
        self.flying.is_some()
    }

    /// Closes the batch being built and begins an empty one. The closed one stays visible until
    /// [`Self::landed`].
    ///
    /// # Panics
    /// When a batch is with the writer already: it takes one at a time.
    #[must_use]
    pub fn close(&mut self) -> Arc<Delta> {
        assert!(
            self.flying.is_none(),
            "the writer takes one batch at a time"
        );
        let closed = Arc::new(std::mem::take(&mut self.open));
        self.flying = Some(Arc::clone(&closed));
        closed
    }

    /// The batch that was with the writer is synced: the ledger below holds it now.
    ///
    /// # Panics
    /// When no batch was with the writer.
    pub fn landed(&mut self) {
        let landed = self.flying.take();
        assert!(landed.is_some(), "a batch landed that never flew");
        if let Some(batch) = landed {
            self.below.landed(Arc::unwrap_or_clone(batch));
        }
    }

    /// The value under `key`, as it will be when all batches under way are synced.
    ///
    /// # Errors
    /// What the ledger answers.
    pub fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        for delta in self.deltas() {
            if let Some(value) = delta.get(key) {
                return Ok(value.map(<[u8]>::to_vec));
            }
        }
        self.below.read(key)
    }

    /// The value under `key` on the disk, whatever is under way.
    ///
    /// # Errors
    /// What the ledger answers.
    pub fn read_synced(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.below.read(key)
    }

    /// The first key after `after` and before `end` that has a value.
    ///
    /// # Errors
    /// What the ledger answers.
    pub fn next(&self, after: &[u8], end: &[u8]) -> Result<Option<Pair>, StoreError> {
        let mut after = after.to_vec();
        loop {
            let below = self.below.next(&after, end)?;
            // The smallest candidate of the deltas; of two with one key the upper layer's counts,
            // and it comes first.
            let above = self
                .deltas()
                .filter_map(|delta| delta.first_after(&after, end))
                .reduce(|upper, lower| if lower.0 < upper.0 { lower } else { upper });
            match (above, below) {
                (None, below) => return Ok(below),
                (Some((key, _)), Some(below)) if below.key.as_slice() < key => {
                    return Ok(Some(below));
                }
                (Some((key, Some(value))), _) => {
                    return Ok(Some(Pair {
                        key: key.to_vec(),
                        value: value.to_vec(),
                    }));
                }
                // Deleted above: go on behind it.
                (Some((key, None)), _) => after = key.to_vec(),
            }
        }
    }

    /// The upper layer first.
    fn deltas(&self) -> impl Iterator<Item = &Delta> {
        std::iter::once(&self.open).chain(self.flying.as_deref())
    }
}

/// What the core reads. A node that can't read its ledger must not decide anything.
impl View for Overlay {
    fn read(&self, key: &Key) -> Option<Vec<u8>> {
        match Self::read(self, &key.to_bytes()) {
            Ok(value) => value,
            Err(error) => (self.halt)(&error),
        }
    }

    fn next(&self, after: &Key) -> Option<(Key, Vec<u8>)> {
        let end = [after.family().saturating_add(1)];
        let found = match Self::next(self, &after.to_bytes(), &end) {
            Ok(found) => found?,
            Err(error) => (self.halt)(&error),
        };
        match Key::from_bytes(&found.key) {
            Some(key) => Some((key, found.value)),
            None => (self.halt)(&StoreError::Damaged {
                path: self.below.home().to_owned(),
                detail: format!(
                    "{} bytes under the family {} are no key",
                    found.key.len(),
                    after.family()
                ),
            }),
        }
    }
}
