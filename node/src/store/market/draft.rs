//! Changes of the market store in the making: reads see what was changed before, and all of it is
//! written at once.

use std::collections::BTreeMap;

use omni_protocol::fence;
use omni_protocol::hash::PartnerId;
use omni_protocol::proof::Proof;
use omni_protocol::public::IdSum;
use rocksdb::WriteBatch;

use super::Inner;
use super::layout::{Standing, Table, Tally, ids_of};
use super::row::Row;
use super::tree::Tree;
use crate::store::overlay::Delta;
use crate::store::{StoreError, options};

/// Rows under one key.
const ROWS_TOGETHER: usize = 256;

pub(super) struct Draft<'a> {
    inner: &'a Inner,
    changes: Delta,
    /// Those of authors that were looked at.
    sums: BTreeMap<PartnerId, IdSum>,
    /// Rows that come to the tail, and how many each value holds.
    rows: Vec<(usize, Vec<u8>)>,
    /// Proofs that came, with how many records each tree proves.
    trees: BTreeMap<u64, (PartnerId, Tree, u32)>,
    before: Tally,
    pub(super) tally: Tally,
}

impl<'a> Draft<'a> {
    pub(super) fn new(inner: &'a Inner, tally: Tally) -> Self {
        Self {
            inner,
            changes: Delta::default(),
            sums: BTreeMap::new(),
            rows: Vec::new(),
            trees: BTreeMap::new(),
            before: tally,
            tally,
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

    /// What stands in a slot.
    pub(super) fn standing(&self, place: &[u8]) -> Result<Option<Standing>, StoreError> {
        let Some(bytes) = self.get(&Table::Slot.key(&[place]))? else {
            return Ok(None);
        };
        Standing::read(&bytes)
            .ok_or_else(|| self.inner.unreadable("what stands in a slot"))
            .map(Some)
    }

    /// Count and sum of an author's catalogue; an author without one is an author too.
    pub(super) fn sum(&mut self, author: PartnerId) -> Result<&mut IdSum, StoreError> {
        if !self.sums.contains_key(&author) {
            let ids = self.inner.sum(author)?.unwrap_or_default();
            self.sums.insert(author, ids);
        }
        Ok(self.sums.entry(author).or_default())
    }

    /// A number that nothing else has.
    pub(super) fn number(&mut self) -> u64 {
        let number = self.tally.next;
        self.tally.next = number.saturating_add(1);
        number
    }

    /// Appends a row to the tail.
    pub(super) fn row(&mut self, row: Row<'_>) {
        if self
            .rows
            .last()
            .is_none_or(|(count, _)| *count == ROWS_TOGETHER)
        {
            self.rows.push((0, Vec::new()));
        }
        if let Some((count, bytes)) = self.rows.last_mut() {
            *count += 1;
            row.put(bytes);
        }
        self.tally.rows = self.tally.rows.saturating_add(1);
        self.tally.first_end = self.tally.first_end.min(row.until);
    }

    /// Keeps a proof, and says where.
    pub(super) fn prove(&mut self, author: PartnerId, proof: &Proof) -> u64 {
        // Records of one tree come together, so it is the last one or a new one.
        let is_same = |(_, (of, tree, _)): &(&u64, &mut (PartnerId, Tree, u32))| {
            *of == author && tree.is_of(proof)
        };
        if let Some((number, (_, tree, held))) = self.trees.iter_mut().next_back().filter(is_same) {
            tree.add(proof);
            *held = held.saturating_add(1);
            return *number;
        }
        let mut tree = Tree::of(proof);
        tree.add(proof);
        let number = self.number();
        self.trees.insert(number, (author, tree, 1));
        number
    }

    /// One record less needs its proof.
    pub(super) fn release(&mut self, number: u64) -> Result<(), StoreError> {
        if let Some((_, _, held)) = self.trees.get_mut(&number) {
            *held = held.saturating_sub(1);
            return Ok(());
        }
        let number = number.to_be_bytes();
        let key = Table::Held.key(&[&number]);
        let held = self.get(&key)?.and_then(|held| held.try_into().ok());
        match held.map_or(0, u32::from_be_bytes).saturating_sub(1) {
            0 => {
                self.delete(Table::Tree.key(&[&number]));
                self.delete(key);
            }
            held => self.put(key, held.to_be_bytes().to_vec()),
        }
        Ok(())
    }

    /// Writes all of it, and gives what the writer counts from now on.
    pub(super) fn write(mut self) -> Result<Tally, StoreError> {
        for (_, rows) in std::mem::take(&mut self.rows) {
            let bytes = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            self.tally.bytes = self.tally.bytes.saturating_add(bytes);
            let place = self.tally.tail;
            self.tally.tail = place.saturating_add(1);
            self.put(Table::Tail.key(&[&place.to_be_bytes()]), rows);
        }
        for (number, (_, tree, held)) in std::mem::take(&mut self.trees) {
            if held > 0 {
                let number = number.to_be_bytes();
                self.put(Table::Tree.key(&[&number]), tree.to_bytes());
                self.put(Table::Held.key(&[&number]), held.to_be_bytes().to_vec());
            }
        }
        for (author, ids) in std::mem::take(&mut self.sums) {
            self.put(
                Table::Author.key(&[author.as_bytes()]),
                fence::to_bytes(&ids),
            );
        }
        if self.tally != self.before {
            self.put(Table::Tally.key(&[]), self.tally.to_bytes());
        }
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
            })?;
        Ok(self.tally)
    }
}

impl Inner {
    /// Count and sum of an author's catalogue, if anything of it is kept.
    pub(super) fn sum(&self, author: PartnerId) -> Result<Option<IdSum>, StoreError> {
        let Some(bytes) = self.get(&Table::Author.key(&[author.as_bytes()]))? else {
            return Ok(None);
        };
        ids_of(&bytes)
            .ok_or_else(|| self.unreadable("a catalogue's sum"))
            .map(Some)
    }
}
