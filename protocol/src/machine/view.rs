//! What the machine reads: keyed values of the last synced snapshot, overlaid with the writes of
//! the batch being built. It keeps out where the values lie.

use alloc::{collections::BTreeMap, vec::Vec};
use core::{fmt, ops::Bound};

use super::key::Key;
use crate::fence::{self, Wire};

/// Largest stored value that the core writes itself.
const VALUE_BYTES_MAX: usize = 65_536;

/// Reads keyed values. Implemented by the store's overlay, and by a map in tests.
pub trait View {
    /// The value at `key`.
    fn read(&self, key: &Key) -> Option<Vec<u8>>;

    /// The least key above `after` in the same family, with its value.
    fn next(&self, after: &Key) -> Option<(Key, Vec<u8>)>;
}

/// One change of a stored value; `None` deletes it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Write {
    /// What changes.
    pub key: Key,
    /// The new value.
    pub value: Option<Vec<u8>>,
}

/// A view with writes laid over it, so that a rule reads what the rule before it wrote.
#[derive(Clone)]
pub struct Overlay<'a> {
    base: &'a dyn View,
    writes: BTreeMap<Key, Option<Vec<u8>>>,
}

impl fmt::Debug for Overlay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overlay")
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}

impl<'a> Overlay<'a> {
    /// Nothing laid over `base` yet.
    #[must_use]
    pub const fn new(base: &'a dyn View) -> Self {
        Self {
            base,
            writes: BTreeMap::new(),
        }
    }

    /// What was laid over, in the order of the keys, each key once.
    #[must_use]
    pub fn into_writes(self) -> Vec<Write> {
        self.writes
            .into_iter()
            .map(|(key, value)| Write { key, value })
            .collect()
    }

    /// Lays one write over what is there.
    pub fn lay(&mut self, write: Write) {
        self.writes.insert(write.key, write.value);
    }

    pub(crate) fn put(&mut self, key: Key, value: &impl Wire) {
        self.put_bytes(key, fence::to_bytes(value));
    }

    pub(crate) fn put_bytes(&mut self, key: Key, bytes: Vec<u8>) {
        self.writes.insert(key, Some(bytes));
    }

    pub(crate) fn delete(&mut self, key: Key) {
        self.writes.insert(key, None);
    }
}

impl View for Overlay<'_> {
    fn read(&self, key: &Key) -> Option<Vec<u8>> {
        match self.writes.get(key) {
            Some(laid) => laid.clone(),
            None => self.base.read(key),
        }
    }

    fn next(&self, after: &Key) -> Option<(Key, Vec<u8>)> {
        let mut below = self.base.next(after);
        while let Some((key, _)) = &below
            && self.writes.contains_key(key)
        {
            below = self.base.next(key);
        }
        let above = self
            .writes
            .range((Bound::Excluded(*after), Bound::Unbounded))
            .take_while(|(key, _)| key.family() == after.family())
            .find_map(|(key, value)| Some((*key, value.clone()?)));
        match (below, above) {
            (Some(below), Some(above)) => Some(if below.0 < above.0 { below } else { above }),
            (below, above) => below.or(above),
        }
    }
}

/// The value at `key` as what its owner wrote.
///
/// # Panics
/// If the stored bytes are not of that form: only `apply` writes them, so the store is broken, and
/// a node that guesses would sign what is not so.
#[allow(
    clippy::expect_used,
    reason = "a broken store must end the process before it signs anything"
)]
pub(crate) fn stored<T: Wire>(view: &dyn View, key: &Key) -> Option<T> {
    let bytes = view.read(key)?;
    Some(decoded(&bytes).expect("a stored value has the form in which it was written"))
}

/// A stored value from its bytes.
pub(crate) fn decoded<T: Wire>(bytes: &[u8]) -> Option<T> {
    fence::decode(bytes, VALUE_BYTES_MAX).ok()
}
