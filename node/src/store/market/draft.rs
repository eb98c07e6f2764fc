//! Changes of the market store in the making, all of them written at once. What comes of a slot and
//! what is counted is seen before that; the records and rows themselves are not.

use std::collections::BTreeMap;

use omni_protocol::fence;
use omni_protocol::hash::PartnerId;
use omni_protocol::public::IdSum;
use omni_protocol::slot::Slot;
use rocksdb::WriteBatch;

use super::Inner;
use super::layout::{Standing, Table, Tally, ids_of, slot_bytes};
use super::row::Row;
use super::tree::{Proved, Tree};
use crate::store::{StoreError, options};

/// Rows under one key.
const ROWS_TOGETHER: usize = 256;

pub(super) struct Draft<'a> {
    inner: &'a Inner,
    writes: WriteBatch,
    /// What stands from now on in slots that change.
    slots: BTreeMap<Slot, Option<Standing>>,
    /// Those of authors that were looked at.
    sums: BTreeMap<PartnerId, IdSum>,
    /// Rows that come to the tail, and how many each value holds.
    rows: Vec<(usize, Vec<u8>)>,
    /// Proofs that came, with how many records each tree proves.
    trees: BTreeMap<u64, (PartnerId, Tree, u32)>,
    /// How many records less need proofs that were here before.
    released: BTreeMap<u64, u32>,
    before: Tally,
    pub(super) tally: Tally,
}

impl<'a> Draft<'a> {
    pub(super) fn new(inner: &'a Inner, tally: Tally) -> Self {
        Self {
            inner,
            writes: WriteBatch::default(),
            slots: BTreeMap::new(),
            sums: BTreeMap::new(),
            rows: Vec::new(),
            trees: BTreeMap::new(),
            released: BTreeMap::new(),
            before: tally,
            tally,
        }
    }

    pub(super) fn put(&mut self, key: &[u8], value: &[u8]) {
        self.writes.put(key, value);
    }

    pub(super) fn delete(&mut self, key: &[u8]) {
        self.writes.delete(key);
    }

    /// What stands in a slot.
    pub(super) fn standing(&self, slot: &Slot) -> Result<Option<Standing>, StoreError> {
        match self.slots.get(slot) {
            Some(standing) => Ok(*standing),
            None => self.inner.standing(slot),
        }
    }

    /// Says what stands in a slot from now on.
    pub(super) fn stands(&mut self, slot: Slot, standing: Option<Standing>) {
        self.slots.insert(slot, standing);
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
    pub(super) fn prove(&mut self, author: PartnerId, proof: &Proved) -> u64 {
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
    pub(super) fn release(&mut self, number: u64) {
        if let Some((_, _, held)) = self.trees.get_mut(&number) {
            *held = held.saturating_sub(1);
        } else {
            let released = self.released.entry(number).or_default();
            *released = released.saturating_add(1);
        }
    }

    /// Writes all of it, and gives what the writer counts from now on.
    pub(super) fn write(mut self) -> Result<Tally, StoreError> {
        self.put_rows();
        self.put_trees()?;
        for (author, ids) in &self.sums {
            let key = Table::Author.key(&[author.as_bytes()]);
            self.writes.put(key, fence::to_bytes(ids));
        }
        for (slot, standing) in &self.slots {
            let key = Table::Slot.key(&[&slot_bytes(slot)]);
            match standing {
                Some(standing) => self.writes.put(key, standing.to_bytes()),
                None => self.writes.delete(key),
            }
        }
        if self.tally != self.before {
            self.writes
                .put(Table::Tally.key(&[]), self.tally.to_bytes());
        }
        self.inner
            .db
            .write_opt(self.writes, &options::unsynced())
            .map_err(|error| {
                StoreError::database("write to the market in", &self.inner.folder, error)
            })?;
        Ok(self.tally)
    }

    fn put_rows(&mut self) {
        for (_, rows) in &self.rows {
            let bytes = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            self.tally.bytes = self.tally.bytes.saturating_add(bytes);
            let place = self.tally.tail;
            self.tally.tail = place.saturating_add(1);
            self.writes
                .put(Table::Tail.key(&[&place.to_be_bytes()]), rows);
        }
    }

    fn put_trees(&mut self) -> Result<(), StoreError> {
        for (number, (_, tree, held)) in &self.trees {
            if *held > 0 {
                let number = number.to_be_bytes();
                let key = Table::Tree.key(&[&number]);
                self.writes.put(key, tree.to_bytes());
                let key = Table::Held.key(&[&number]);
                self.writes.put(key, held.to_be_bytes());
            }
        }
        for (number, released) in &self.released {
            let number = number.to_be_bytes();
            let key = Table::Held.key(&[&number]);
            let held = self.inner.get(&key)?.and_then(|held| held.try_into().ok());
            match held.map_or(0, u32::from_be_bytes).saturating_sub(*released) {
                0 => {
                    self.writes.delete(Table::Tree.key(&[&number]));
                    self.writes.delete(key);
                }
                held => self.writes.put(key, held.to_be_bytes()),
            }
        }
        Ok(())
    }
}

impl Inner {
    /// What stands in a slot.
    pub(super) fn standing(&self, slot: &Slot) -> Result<Option<Standing>, StoreError> {
        let Some(bytes) = self.get(&Table::Slot.key(&[&slot_bytes(slot)]))? else {
            return Ok(None);
        };
        let standing = Standing::read(&bytes);
        let standing = standing.ok_or_else(|| self.unreadable("what stands in a slot"))?;
        Ok(Some(standing))
    }

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
