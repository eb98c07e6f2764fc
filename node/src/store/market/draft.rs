//! Changes of the market store in the making, all of them written at once. What comes of a slot and
//! what is counted is seen before that; the records and rows themselves are not.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::RandomState;
use omni_protocol::fence;
use omni_protocol::hash::PartnerId;
use omni_protocol::public::IdSum;
use omni_protocol::slot::Slot;
use rocksdb::WriteBatch;

use super::kept::{Kept, part_of, records_key};
use super::layout::{
    Standing, Table, Tally, apart_key, ids_of, run_key, run_key_parts, slot_bytes,
};
use super::marks::Marks;
use super::row::Row;
use super::shelve::Arrival;
use super::tree::Tree;
use super::{Inner, Reach, is_counted};
use crate::store::{StoreError, options};

/// Rows under one key.
const ROWS_TOGETHER: usize = 256;
/// Most rows have fewer bytes.
const ROW_BYTES: usize = 256;

/// Room for a part of a tree of common offers, so that few grow as they are filled.
const PART_BYTES: usize = 6_144;

pub(super) struct Draft<'a> {
    inner: &'a Inner,
    writes: WriteBatch,
    /// What stands from now on in slots that change.
    slots: HashMap<Slot, Option<Standing>, RandomState>,
    /// Those of authors that were looked at.
    authors: BTreeMap<PartnerId, Author>,
    /// Rows that come to the tail, and how many each value holds.
    rows: Vec<(usize, Vec<u8>)>,
    /// Trees that came, with what came of them.
    trees: BTreeMap<u64, Came>,
    /// Leaves of trees that were here before, whose records are kept no longer.
    released: BTreeMap<u64, BTreeSet<u16>>,
    before: Tally,
    pub(super) tally: Tally,
}

/// What is known of an author.
#[derive(Debug, Clone, Copy, Default)]
struct Author {
    /// Count and sum of its catalogue.
    ids: IdSum,
    /// The highest revision in its runs.
    highest: u64,
}

/// Records of one tree that came.
#[derive(Debug)]
struct Came {
    tree: Tree,
    held: Marks,
    /// By their parts of the tree.
    records: BTreeMap<u16, Vec<u8>>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(inner: &'a Inner, tally: Tally) -> Self {
        Self::with_room(inner, tally, 0)
    }

    /// With room for so many bytes of writes, so that what is large is not moved as it grows.
    pub(super) fn with_room(inner: &'a Inner, tally: Tally, bytes: usize) -> Self {
        Self {
            inner,
            writes: WriteBatch::with_capacity_bytes(bytes),
            slots: HashMap::default(),
            authors: BTreeMap::new(),
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

    /// What stands in a slot from now on, if it was changed here.
    pub(super) fn changed(&self, slot: &Slot) -> Option<Option<Standing>> {
        self.slots.get(slot).copied()
    }

    /// What stands in a slot.
    pub(super) fn standing(&self, slot: &Slot) -> Result<Option<Standing>, StoreError> {
        match self.changed(slot) {
            Some(standing) => Ok(standing),
            None => self.inner.standing(slot),
        }
    }

    /// Says what stands in a slot from now on.
    pub(super) fn stands(&mut self, slot: Slot, standing: Option<Standing>) {
        self.slots.insert(slot, standing);
    }

    /// Count and sum of an author's catalogue; an author without one is an author too.
    pub(super) fn sum(&mut self, author: PartnerId) -> Result<&mut IdSum, StoreError> {
        self.author(author).map(|author| &mut author.ids)
    }

    fn author(&mut self, author: PartnerId) -> Result<&mut Author, StoreError> {
        if !self.authors.contains_key(&author) {
            let known = Author {
                ids: self.inner.sum(author)?.unwrap_or_default(),
                highest: self.inner.highest_in_runs(author)?,
            };
            self.authors.insert(author, known);
        }
        Ok(self.authors.entry(author).or_default())
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
            self.rows
                .push((0, Vec::with_capacity(ROWS_TOGETHER * ROW_BYTES)));
        }
        if let Some((count, bytes)) = self.rows.last_mut() {
            *count += 1;
            let before = bytes.len();
            row.put(bytes);
            let more = u64::try_from(bytes.len() - before).unwrap_or(u64::MAX);
            self.tally.bytes = self.tally.bytes.saturating_add(more);
        }
        self.tally.rows = self.tally.rows.saturating_add(1);
        self.tally.first_end = self.tally.first_end.min(row.until);
    }

    /// Keeps a record with its proof, and says what stands where it does.
    pub(super) fn keep(&mut self, arrival: &Arrival) -> Result<Standing, StoreError> {
        let Arrival {
            slot,
            revision,
            id,
            until,
            reach,
            ..
        } = *arrival;
        let is_counted = is_counted(slot.family, reach);
        let author = self.author(slot.author)?;
        let is_in_run = is_counted && revision.get() > author.highest;
        if is_in_run {
            author.highest = revision.get();
        }
        if is_counted {
            author.ids.add(id);
        }
        let (leaf, tree) = (arrival.proof.leaf_index(), self.tree_of(arrival));
        let standing = Standing {
            revision,
            id,
            tree,
            leaf,
            until,
            reach,
            is_found: !arrival.words.is_empty(),
            is_in_run,
        };
        let kept = Kept {
            leaf,
            family: slot.family,
            subject: slot.subject,
            revision,
            id,
            until,
            reach,
            is_in_run,
            record: &arrival.record,
        };
        if let Some(came) = self.trees.get_mut(&tree) {
            came.tree.add(&arrival.proof);
            came.held.add(leaf);
            if is_in_run {
                came.tree.highest = revision.get();
            }
            let records = came.records.entry(part_of(leaf));
            kept.put(records.or_insert_with(|| Vec::with_capacity(PART_BYTES)));
        }
        if reach == Reach::Public && !is_in_run {
            self.writes
                .put(apart_key(slot.author, &standing), [u8::from(is_counted)]);
        }
        Ok(standing)
    }

    /// The number of the tree that an arrival is of. Records of one tree come together, so it is the
    /// last one or a new one.
    fn tree_of(&mut self, arrival: &Arrival) -> u64 {
        let (author, proof) = (arrival.slot.author, &arrival.proof);
        // One record is at a leaf, whatever is handed over.
        let has_it =
            |came: &Came| came.tree.is_of(author, proof) && !came.held.has(proof.leaf_index());
        let last = self.trees.last_key_value();
        if let Some((number, _)) = last.filter(|(_, came)| has_it(came)) {
            return *number;
        }
        let tree = Tree::of(author, proof);
        let held = tree.no_leaves();
        let number = self.number();
        let records = BTreeMap::new();
        self.trees.insert(
            number,
            Came {
                tree,
                held,
                records,
            },
        );
        number
    }

    /// Keeps a record no longer; what names it is left to the caller.
    pub(super) fn release(
        &mut self,
        author: PartnerId,
        standing: &Standing,
    ) -> Result<(), StoreError> {
        let (tree, leaf) = (standing.tree, standing.leaf);
        if let Some(came) = self.trees.get_mut(&tree) {
            came.held.remove(leaf);
            if let Some(records) = came.records.get_mut(&part_of(leaf)) {
                *records = self.inner.held_among(records, &came.held)?;
            }
        } else {
            self.released.entry(tree).or_default().insert(leaf);
        }
        if standing.reach == Reach::Public && !standing.is_in_run {
            self.writes.delete(apart_key(author, standing));
        }
        Ok(())
    }

    /// Writes all of it, and gives what the writer counts from now on.
    pub(super) fn write(mut self) -> Result<Tally, StoreError> {
        self.put_rows();
        self.put_trees();
        for (number, leaves) in std::mem::take(&mut self.released) {
            self.thin_out(number, &leaves)?;
        }
        for (author, known) in &self.authors {
            let key = Table::Author.key(&[author.as_bytes()]);
            self.writes.put(key, fence::to_bytes(&known.ids));
        }
        // In order, since a key beside the one before is found sooner.
        let mut slots: Vec<_> = std::mem::take(&mut self.slots).into_iter().collect();
        slots.sort_unstable_by_key(|(slot, _)| *slot);
        for (slot, standing) in &slots {
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
        for rows in self.take_rows() {
            let place = self.tally.tail;
            self.tally.tail = place.saturating_add(1);
            self.writes
                .put(Table::Tail.key(&[&place.to_be_bytes()]), rows);
        }
    }

    /// The rows that would come to the tail, which then do not.
    pub(super) fn take_rows(&mut self) -> impl Iterator<Item = Vec<u8>> + use<> {
        let rows = std::mem::take(&mut self.rows).into_iter();
        rows.map(|(_, rows)| rows)
    }

    fn put_trees(&mut self) {
        for (number, came) in &self.trees {
            if came.held.is_empty() {
                continue;
            }
            let Tree {
                author, highest, ..
            } = came.tree;
            if highest > 0 {
                self.writes.put(run_key(author, highest, *number), []);
            }
            let bytes = number.to_be_bytes();
            self.writes
                .put(Table::Tree.key(&[&bytes]), came.tree.to_bytes());
            self.writes
                .put(Table::Held.key(&[&bytes]), came.held.bytes());
            for (part, records) in came.records.iter().filter(|(_, kept)| !kept.is_empty()) {
                self.writes.put(records_key(*number, *part), records);
            }
        }
    }

    /// Takes leaves out of a tree. Of the records of a part no more than half are of the past.
    fn thin_out(&mut self, number: u64, leaves: &BTreeSet<u16>) -> Result<(), StoreError> {
        let before = self.inner.held(number)?;
        let mut held = before.clone();
        leaves.iter().for_each(|leaf| held.remove(*leaf));
        for part in leaves
            .iter()
            .map(|leaf| part_of(*leaf))
            .collect::<BTreeSet<_>>()
        {
            let count =
                |marks: &Marks| marks.places().filter(|leaf| part_of(*leaf) == part).count();
            let (before, after) = (count(&before), count(&held));
            let key = records_key(number, part);
            if after == 0 {
                self.writes.delete(key);
            } else if after.next_power_of_two() < before {
                let records = self.inner.get(&key)?.unwrap_or_default();
                let records = self.inner.held_among(&records, &held)?;
                self.writes.put(key, records);
            }
        }
        let key = Table::Held.key(&[&number.to_be_bytes()]);
        if !held.is_empty() {
            self.writes.put(key, held.bytes());
            return Ok(());
        }
        self.writes.delete(key);
        if let Some(tree) = self.inner.tree(number)? {
            self.writes
                .delete(Table::Tree.key(&[&number.to_be_bytes()]));
            if tree.highest > 0 {
                self.writes
                    .delete(run_key(tree.author, tree.highest, number));
            }
        }
        Ok(())
    }
}

impl Inner {
    /// What stands in slots, in their order.
    pub(super) fn all_standing<'s>(
        &self,
        slots: impl Iterator<Item = &'s Slot>,
    ) -> Result<Vec<Option<Standing>>, StoreError> {
        let keys = slots.map(|slot| Table::Slot.key(&[&slot_bytes(slot)]));
        let found = self.db.multi_get(keys).into_iter();
        found
            .map(|bytes| match bytes.map_err(|error| self.fault(error))? {
                Some(bytes) => Standing::read(&bytes)
                    .ok_or_else(|| self.unreadable("what stands in a slot"))
                    .map(Some),
                None => Ok(None),
            })
            .collect()
    }

    /// The highest revision in an author's runs; 0 where there is none.
    fn highest_in_runs(&self, author: PartnerId) -> Result<u64, StoreError> {
        let mut runs = self.db.raw_iterator();
        runs.seek_for_prev(Table::Run.end_of(author.as_bytes()));
        runs.status().map_err(|error| self.fault(error))?;
        let first = Table::Run.key(&[author.as_bytes()]);
        match runs.key().filter(|key| key.starts_with(&first)) {
            Some(key) => run_key_parts(key)
                .map(|(highest, _)| highest)
                .ok_or_else(|| self.unreadable("a run")),
            None => Ok(0),
        }
    }

    /// Which leaves' records of a tree are kept.
    pub(super) fn held(&self, number: u64) -> Result<Marks, StoreError> {
        let held = self.get(&Table::Held.key(&[&number.to_be_bytes()]))?;
        Ok(Marks::of_bytes(&held.unwrap_or_default()))
    }

    /// Those of records under one key that are still kept.
    fn held_among(&self, records: &[u8], held: &Marks) -> Result<Vec<u8>, StoreError> {
        let mut fewer = Vec::new();
        let records = self.kept(records)?.into_iter();
        records
            .filter(|kept| held.has(kept.leaf))
            .for_each(|kept| kept.put(&mut fewer));
        Ok(fewer)
    }

    /// Records under one key.
    pub(super) fn kept<'b>(&self, bytes: &'b [u8]) -> Result<Vec<Kept<'b>>, StoreError> {
        Kept::read_all(bytes).ok_or_else(|| self.unreadable("kept records"))
    }

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
