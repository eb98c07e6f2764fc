//! Changes of the market store in the making: reads see what was changed before, and all of it is
//! written at once.

use rocksdb::WriteBatch;

use super::Inner;
use crate::store::overlay::Delta;
use crate::store::{StoreError, options};

pub(super) struct Draft<'a> {
    inner: &'a Inner,
    changes: Delta,
}

impl<'a> Draft<'a> {
    pub(super) fn new(inner: &'a Inner) -> Self {
        Self {
            inner,
            changes: Delta::default(),
        }
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(changed) = self.changes.get(key) {
            return Ok(changed.map(<[u8]>::to_vec));
        }
        self.inner.get(key)
    }

    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.changes.put(key, Some(value));
    }

    pub(super) fn delete(&mut self, key: Vec<u8>) {
        self.changes.put(key, None);
    }

    pub(super) fn write(self) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        for (key, value) in self.changes.writes() {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            }
        }
        self.inner
            .db
            .write_opt(batch, &options::unsynced())
            .map_err(|error| {
                StoreError::database("write to the market in", &self.inner.folder, error)
            })
    }
}
