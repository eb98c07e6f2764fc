//! What of catalogues is told and served: how much of one is here, and pages of it in the order of
//! revisions, each record with its proof.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow as Flow;

use omni_protocol::hash::PartnerId;
use omni_protocol::proof::Proof;
use omni_protocol::public::IdSum;
use omni_protocol::slot::Revision;
use rocksdb::DBRawIterator;

use super::kept::{Kept, part_of, records_key};
use super::layout::{self, Table, apart_key_parts, run_key_parts};
use super::marks::Marks;
use super::tree::Tree;
use super::{Inner, MarketReader, More, Shelved};
use crate::store::StoreError;

/// What is kept of one author's catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Catalogue {
    /// Its standing offers, availabilities and withdrawals.
    pub ids: IdSum,
    /// The highest revision among them; `None` if there are none.
    pub highest: Option<Revision>,
}

/// Part of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In ascending order of revision, each with its proof.
    pub records: Vec<(Shelved, Proof)>,
    /// Whether there are more after these.
    pub more: More,
}

impl MarketReader {
    /// What is kept of an author's catalogue, all of it of one moment: the sum of one and the
    /// highest revision of another would be a catalogue that nobody has.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn catalogue(&self, author: PartnerId) -> Result<Catalogue, StoreError> {
        // One iterator sees one moment; a snapshot would too, and its end lets the database press
        // its newest files anew.
        let mut moment = self.inner.db.raw_iterator();
        let key = Table::Author.key(&[author.as_bytes()]);
        moment.seek(&key);
        let ids = match moment.item() {
            Some((found, bytes)) if found == key => {
                let ids = layout::ids_of(bytes);
                ids.ok_or_else(|| self.inner.unreadable("a catalogue's sum"))?
            }
            Some(_) | None => IdSum::default(),
        };
        let apart = self.inner.highest_apart(&mut moment, author)?;
        let in_runs = self.inner.highest_standing(&mut moment, author)?;
        moment.status().map_err(|error| self.inner.fault(error))?;
        Ok(Catalogue {
            ids,
            highest: apart.max(in_runs),
        })
    }

    /// Standing records of an author that follow a revision, ascending: at least one if there is
    /// one, then until about `bytes_aim` bytes of records. The flag says whether there are more.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn page(
        &self,
        author: PartnerId,
        after: u64,
        bytes_aim: usize,
    ) -> Result<Page, StoreError> {
        let mut filling = Filling {
            inner: &self.inner,
            author,
            bytes_aim,
            bytes: 0,
            page: Page {
                records: Vec::new(),
                more: More::No,
            },
            open: None,
        };
        let Some(next) = after.checked_add(1) else {
            return Ok(filling.page);
        };
        if filling.from(next)?.is_break() {
            filling.page.more = More::Yes;
        }
        Ok(filling.page)
    }
}

/// A page in the making.
struct Filling<'a> {
    inner: &'a Inner,
    author: PartnerId,
    bytes_aim: usize,
    bytes: usize,
    page: Page,
    /// The tree that was looked into last.
    open: Option<Open>,
}

/// A tree with those parts of its records that were read.
struct Open {
    number: u64,
    tree: Tree,
    held: Marks,
    parts: BTreeMap<u16, Vec<u8>>,
}

impl Filling<'_> {
    /// Puts in what has this revision or a higher one, until the page is full: what stands in runs,
    /// and between it what stands apart.
    fn from(&mut self, next: u64) -> Result<Flow<()>, StoreError> {
        let bounds = |table: Table| {
            let from = table.key(&[self.author.as_bytes(), &next.to_be_bytes()]);
            (from, table.end_of(self.author.as_bytes()))
        };
        let (inner, (from, end)) = (self.inner, bounds(Table::Apart));
        let mut apart = inner.walk(&from, &end).map(|pair| {
            let parts = apart_key_parts(&pair?.key);
            parts.ok_or_else(|| inner.unreadable("a record in no run"))
        });
        let mut waiting = apart.next().transpose()?;
        let (from, end) = bounds(Table::Run);
        for pair in inner.walk(&from, &end) {
            let parts = run_key_parts(&pair?.key);
            let (_, tree) = parts.ok_or_else(|| inner.unreadable("a run"))?;
            for (revision, leaf) in self.in_run(tree)? {
                while let Some((_, tree, leaf)) = waiting.filter(|apart| apart.0 < revision) {
                    if self.put(tree, leaf)?.is_break() {
                        return Ok(Flow::Break(()));
                    }
                    waiting = apart.next().transpose()?;
                }
                if revision.get() >= next && self.put(tree, leaf)?.is_break() {
                    return Ok(Flow::Break(()));
                }
            }
        }
        while let Some((_, tree, leaf)) = waiting {
            if self.put(tree, leaf)?.is_break() {
                return Ok(Flow::Break(()));
            }
            waiting = apart.next().transpose()?;
        }
        Ok(Flow::Continue(()))
    }

    /// Revisions and leaves of a tree's run.
    fn in_run(&mut self, tree: u64) -> Result<Vec<(Revision, u16)>, StoreError> {
        let inner = self.inner;
        let Some(open) = self.open(tree)? else {
            return Ok(Vec::new());
        };
        open.read_all(inner)?;
        let mut all = Vec::new();
        for part in open.parts.values() {
            let records = inner.kept(part)?.into_iter();
            let in_run = records.filter(|kept| kept.is_in_run);
            all.extend(in_run.map(|kept| (kept.revision, kept.leaf)));
        }
        // In the order in which they came, which may not be that of their leaves.
        all.sort_unstable();
        Ok(all)
    }

    /// Puts in a record, unless it was replaced meanwhile: what replaced it has a revision above all
    /// of this page, and is asked for next time.
    fn put(&mut self, tree: u64, leaf: u16) -> Result<Flow<()>, StoreError> {
        let (inner, author) = (self.inner, self.author);
        let Some(open) = self.open(tree)? else {
            return Ok(Flow::Continue(()));
        };
        if !open.held.has(leaf) {
            return Ok(Flow::Continue(()));
        }
        let found = open.record(inner, leaf)?.map(|kept| kept.shelved(author));
        let Some((record, proof)) = found.zip(open.tree.proof(leaf)) else {
            if inner.held(tree)?.has(leaf) {
                return Err(inner.unreadable("a kept record"));
            }
            return Ok(Flow::Continue(()));
        };
        self.bytes = self.bytes.saturating_add(record.record.len());
        if self.bytes > self.bytes_aim && !self.page.records.is_empty() {
            return Ok(Flow::Break(()));
        }
        self.page.records.push((record, proof));
        Ok(Flow::Continue(()))
    }

    fn open(&mut self, number: u64) -> Result<Option<&mut Open>, StoreError> {
        if self.open.as_ref().is_none_or(|open| open.number != number) {
            let held = self.inner.held(number)?;
            self.open = self.inner.tree(number)?.map(|tree| Open {
                number,
                tree,
                held,
                parts: BTreeMap::new(),
            });
        }
        Ok(self.open.as_mut())
    }
}

impl Open {
    fn read_all(&mut self, inner: &Inner) -> Result<(), StoreError> {
        let parts: BTreeSet<u16> = self.held.places().map(part_of).collect();
        parts
            .into_iter()
            .try_for_each(|part| self.read(inner, part))
    }

    fn read(&mut self, inner: &Inner, part: u16) -> Result<(), StoreError> {
        if !self.parts.contains_key(&part) {
            let bytes = inner.get(&records_key(self.number, part))?;
            self.parts.insert(part, bytes.unwrap_or_default());
        }
        Ok(())
    }

    fn record(&mut self, inner: &Inner, leaf: u16) -> Result<Option<Kept<'_>>, StoreError> {
        let part = part_of(leaf);
        self.read(inner, part)?;
        let bytes = self.parts.get(&part);
        Ok(bytes.and_then(|bytes| Kept::at(leaf, bytes)))
    }
}

impl Inner {
    /// The highest revision that the catalogue counts of those in no run.
    fn highest_apart(
        &self,
        moment: &mut DBRawIterator<'_>,
        author: PartnerId,
    ) -> Result<Option<Revision>, StoreError> {
        let first = Table::Apart.key(&[author.as_bytes()]);
        moment.seek_for_prev(Table::Apart.end_of(author.as_bytes()));
        while let Some((key, value)) = moment.item().filter(|(key, _)| key.starts_with(&first)) {
            if value == [u8::from(true)] {
                let parts = apart_key_parts(key);
                let parts = parts.ok_or_else(|| self.unreadable("a record in no run"))?;
                return Ok(Some(parts.0));
            }
            moment.prev();
        }
        Ok(None)
    }

    /// The highest revision that stands in runs.
    fn highest_standing(
        &self,
        moment: &mut DBRawIterator<'_>,
        author: PartnerId,
    ) -> Result<Option<Revision>, StoreError> {
        let first = Table::Run.key(&[author.as_bytes()]);
        moment.seek_for_prev(Table::Run.end_of(author.as_bytes()));
        while let Some(key) = moment.key().filter(|key| key.starts_with(&first)) {
            let key = key.to_vec();
            let run = run_key_parts(&key).ok_or_else(|| self.unreadable("a run"))?;
            let highest = self.highest_of(moment, run)?;
            if highest.is_some() {
                return Ok(highest);
            }
            moment.seek(&key);
            moment.prev();
        }
        Ok(None)
    }

    /// The highest revision that stands in a run, of which the highest that came is known.
    fn highest_of(
        &self,
        moment: &mut DBRawIterator<'_>,
        (came, tree): (u64, u64),
    ) -> Result<Option<Revision>, StoreError> {
        let tree = tree.to_be_bytes();
        let key = Table::Held.key(&[&tree]);
        moment.seek(&key);
        let held = match moment.item() {
            Some((found, bytes)) if found == key => Marks::of_bytes(bytes),
            Some(_) | None => return Ok(None),
        };
        let first = Table::Records.key(&[&tree]);
        let mut highest: Option<Revision> = None;
        moment.seek_for_prev(Table::Records.end_of(&tree));
        while let Some((_, value)) = moment.item().filter(|(key, _)| key.starts_with(&first)) {
            let records = self.kept(value)?.into_iter();
            let standing = records.filter(|kept| kept.is_in_run && held.has(kept.leaf));
            highest = highest.max(standing.map(|kept| kept.revision).max());
            if highest.is_some_and(|highest| highest.get() == came) {
                break;
            }
            moment.prev();
        }
        Ok(highest)
    }
}
