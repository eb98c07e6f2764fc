//! The market store: public records of all partners, unsynced, fetched again when lost. It keeps
//! what it is given by slot and revision, and checks no signature: only verified records come here.
//!
//! One [`MarketWriter`] changes it, any number of [`MarketReader`]s look. Where its folder is
//! damaged, or another network's, it is thrown away and made anew.

mod chain;
mod draft;
mod index;
mod layout;
mod list;
mod row;
mod search;
mod segment;
mod shelve;
mod tree;
mod words;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use omni_protocol::hash::{NetworkId, PartnerId, RecordId};
use omni_protocol::proof::Proof;
use omni_protocol::public::IdSum;
use omni_protocol::slot::{Family, Revision, Slot};
use omni_protocol::value::Time;
use rocksdb::{DB, Direction, IteratorMode, Snapshot};

pub use self::search::{Found, Page as SearchPage};
pub use self::shelve::{Arrival, Becomes, MarketWriter, Reach};
pub use self::tree::Proved;
pub use self::words::{spaced, words_of};

use self::layout::{Kept, Standing, Table, Tally, record_key, record_key_parts};
use self::tree::Tree;
use super::{Pair, StoreError, lock, options};

const FOLDER: &str = "market";
const LOCK_FILE: &str = "market.lock";
/// Beside the folder: it was found damaged while in use and is thrown away at the next start.
const CONDEMNED_FILE: &str = "market.condemned";
/// Raised when the layout changes. There is no migration: the store is filled again.
const FORMAT: u8 = 3;

/// A public record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelved {
    /// The slot that it fills.
    pub slot: Slot,
    /// Its revision.
    pub revision: Revision,
    /// Its id.
    pub id: RecordId,
    /// End of its validity, if it has one.
    pub until: Option<Time>,
    /// Whom it is for.
    pub reach: Reach,
    /// Its bytes, as received.
    pub record: Vec<u8>,
}

/// A record that its author published beside another at the same revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// The slot that both would fill.
    pub slot: Slot,
    /// Its bytes, as received.
    pub record: Vec<u8>,
}

/// What is kept of one author's catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Catalogue {
    /// Its standing offers, availabilities and withdrawals.
    pub ids: IdSum,
    /// The highest revision among them; `None` if there are none.
    pub highest: Option<Revision>,
}

/// The open database. Fields are dropped in their order, the lock last.
#[derive(Debug)]
struct Inner {
    db: DB,
    folder: PathBuf,
    _lock: File,
}

impl Inner {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get(key).map_err(|error| self.fault(error))
    }

    /// All keys from `from`, without `end`, in order, as they stood when the walk began.
    fn walk<'a>(
        &'a self,
        from: &[u8],
        end: &[u8],
    ) -> impl Iterator<Item = Result<Pair, StoreError>> + use<'a> {
        let mode = IteratorMode::From(from, Direction::Forward);
        let lines = self.db.iterator_opt(mode, options::until(end));
        Pair::of_lines(lines, |error| self.fault(error))
    }

    /// The same as they stood at `moment`.
    fn walk_at<'a>(
        &'a self,
        moment: &'a Snapshot<'_>,
        from: &[u8],
        end: &[u8],
    ) -> impl Iterator<Item = Result<Pair, StoreError>> + use<'a> {
        let mode = IteratorMode::From(from, Direction::Forward);
        let lines = moment.iterator_opt(mode, options::until(end));
        Pair::of_lines(lines, |error| self.fault(error))
    }

    /// The record that stood in a slot at `moment`.
    fn record_at(
        &self,
        moment: &Snapshot<'_>,
        slot: &Slot,
        standing: &Standing,
    ) -> Result<Shelved, StoreError> {
        let Standing {
            revision,
            id,
            reach,
            ..
        } = *standing;
        let bytes = moment.get(record_key(reach, slot.author, (revision, id)));
        let bytes = bytes.map_err(|error| self.fault(error))?;
        let kept = bytes.as_deref().and_then(Kept::read);
        let kept = kept.ok_or_else(|| self.unreadable("a kept record"))?;
        Ok(kept.shelved(slot.author, (revision, id), reach))
    }

    /// Proofs that came together.
    fn tree(&self, number: u64) -> Result<Option<Tree>, StoreError> {
        let Some(bytes) = self.get(&Table::Tree.key(&[&number.to_be_bytes()]))? else {
            return Ok(None);
        };
        let tree = Tree::read(&bytes);
        tree.ok_or_else(|| self.unreadable("kept proofs")).map(Some)
    }

    fn fault(&self, error: rocksdb::Error) -> StoreError {
        let error = StoreError::database("read the market in", &self.folder, error);
        if let StoreError::Damaged { detail, .. } = error {
            return self.damaged(detail);
        }
        error
    }

    fn unreadable(&self, what: &str) -> StoreError {
        self.damaged(format!("{what} can't be read"))
    }

    /// Whoever meets the damage, the next start makes the store anew.
    fn damaged(&self, detail: String) -> StoreError {
        self.condemn();
        StoreError::Market {
            path: self.folder.clone(),
            detail,
        }
    }

    fn condemn(&self) {
        let path = self.folder.with_file_name(CONDEMNED_FILE);
        if let Err(error) = std::fs::write(&path, b"") {
            tracing::warn!(%error, path = %path.display(), "the damaged market store could not be marked");
        }
    }
}

/// Whether the market of `home` was found to be damaged, so that the next start makes it anew.
#[must_use]
pub fn is_condemned(home: &Path) -> bool {
    home.join(CONDEMNED_FILE).exists()
}

/// Opens the market of `home`, or makes it anew where it can't be used.
///
/// # Errors
/// [`StoreError::InUse`], or when not even an empty one can be made.
pub fn open(home: &Path, network: NetworkId) -> Result<(MarketReader, MarketWriter), StoreError> {
    let folder = home.join(FOLDER);
    // What is in use must not be thrown away because it can't be opened.
    let lock = lock::take(home, &home.join(LOCK_FILE))?;
    let condemned = home.join(CONDEMNED_FILE);
    if condemned.exists() {
        throw_away(&folder)?;
        std::fs::remove_file(&condemned)
            .map_err(|error| StoreError::io("remove", &condemned, error))?;
    }
    let (db, tally) = match try_open(&folder, network) {
        Ok(Some(opened)) => opened,
        Ok(None) => anew(&folder, network)?,
        Err(error) => {
            tracing::warn!(%error, "the market store can't be used: it is thrown away and fetched again");
            anew(&folder, network)?
        }
    };
    let inner = Arc::new(Inner {
        db,
        folder,
        _lock: lock,
    });
    Ok((
        MarketReader {
            inner: Arc::clone(&inner),
        },
        MarketWriter::new(inner, tally),
    ))
}

/// Opens the market of `home` for reading alone; `None` where there is none that can be used.
#[must_use]
pub fn open_to_read(home: &Path, network: NetworkId) -> Option<MarketReader> {
    let folder = home.join(FOLDER);
    let lock = lock::take(home, &home.join(LOCK_FILE)).ok()?;
    let log_may_exist = false;
    let db = DB::open_for_read_only(&options::market(), &folder, log_may_exist).ok()?;
    let found = db.get(Table::About.key(&[])).ok()??;
    let inner = Arc::new(Inner {
        db,
        folder,
        _lock: lock,
    });
    (found == about(network)).then_some(MarketReader { inner })
}

/// `None` where the folder holds another network's market, or one of another layout.
fn try_open(folder: &Path, network: NetworkId) -> Result<Option<(DB, Tally)>, StoreError> {
    options::private_folder(folder)?;
    let db = DB::open(&options::market(), folder)
        .map_err(|error| StoreError::database("open the market in", folder, error))?;
    let key = Table::About.key(&[]);
    let about = about(network);
    let get = |key: &[u8]| {
        db.get(key)
            .map_err(|error| StoreError::database("read the market in", folder, error))
    };
    match get(&key)? {
        Some(found) if found == about => {
            let tally = match get(&Table::Tally.key(&[]))? {
                Some(bytes) => Tally::read(&bytes),
                None => Some(Tally::default()),
            };
            Ok(tally.map(|tally| (db, tally)))
        }
        Some(_) => Ok(None),
        None => {
            db.put_opt(&key, about, &options::unsynced())
                .map_err(|error| StoreError::database("write to the market in", folder, error))?;
            Ok(Some((db, Tally::default())))
        }
    }
}

fn anew(folder: &Path, network: NetworkId) -> Result<(DB, Tally), StoreError> {
    throw_away(folder)?;
    try_open(folder, network)?.ok_or_else(|| StoreError::Damaged {
        path: folder.to_owned(),
        detail: "an empty folder was not empty".to_owned(),
    })
}

fn throw_away(folder: &Path) -> Result<(), StoreError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::io("throw away", folder, error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn about(network: NetworkId) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(network.as_bytes());
    bytes
}

/// Reads the market. Calls may wait for the disk.
#[derive(Debug, Clone)]
pub struct MarketReader {
    inner: Arc<Inner>,
}

impl MarketReader {
    /// Revision and id of the record that stands in a slot.
    ///
    /// # Errors
    /// When the store is damaged; see [`Self::condemn`].
    pub fn standing(&self, slot: &Slot) -> Result<Option<(Revision, RecordId)>, StoreError> {
        let standing = self.inner.standing(slot)?;
        Ok(standing.map(|standing| (standing.revision, standing.id)))
    }

    /// The record that stands in a slot.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn shelved(&self, slot: &Slot) -> Result<Option<Shelved>, StoreError> {
        // Not in a snapshot: its end lets the database press its newest files anew, and every
        // catalogue head that is heard of leads here.
        let mut found = self.inner.standing(slot)?;
        while let Some(standing) = found {
            let named = (standing.revision, standing.id);
            let bytes = self
                .inner
                .get(&record_key(standing.reach, slot.author, named))?;
            if let Some(bytes) = bytes {
                let kept = Kept::read(&bytes);
                let kept = kept.ok_or_else(|| self.inner.unreadable("a kept record"))?;
                return Ok(Some(kept.shelved(slot.author, named, standing.reach)));
            }
            // It was replaced between the two looks.
            found = self.inner.standing(slot)?;
            if found == Some(standing) {
                return Err(self.inner.unreadable("a kept record"));
            }
        }
        Ok(None)
    }

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
                layout::ids_of(bytes).ok_or_else(|| self.inner.unreadable("a catalogue's sum"))?
            }
            Some(_) | None => IdSum::default(),
        };
        let first = Table::Log.key(&[author.as_bytes()]);
        moment.seek_for_prev(Table::Log.end_of(author.as_bytes()));
        let mut highest = None;
        while let Some((key, value)) = moment.item().filter(|(key, _)| key.starts_with(&first)) {
            let line = record_key_parts(key).zip(Kept::read(value));
            let ((revision, _), kept) =
                line.ok_or_else(|| self.inner.unreadable("a kept record"))?;
            if is_counted(kept.family, Reach::Public) {
                highest = Some(revision);
                break;
            }
            moment.prev();
        }
        moment.status().map_err(|error| self.inner.fault(error))?;
        Ok(Catalogue { ids, highest })
    }

    /// Records that their authors published beside another at the same revision, at most `max`, by
    /// author.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn twins(&self, max: usize) -> Result<Vec<Twin>, StoreError> {
        let (from, end) = (Table::Twin.key(&[]), Table::Twin.end());
        let twin = |pair: Result<Pair, StoreError>| {
            let Pair { key, value } = pair?;
            let author = key.get(1..).and_then(|key| key.first_chunk::<32>());
            let twin = author.zip(Kept::read(&value)).map(|(author, kept)| Twin {
                slot: kept.slot(PartnerId::from_bytes(*author)),
                record: kept.record.to_vec(),
            });
            twin.ok_or_else(|| self.inner.unreadable("a kept record"))
        };
        self.inner.walk(&from, &end).take(max).map(twin).collect()
    }

    /// Whether anything of an author is kept.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn has_author(&self, author: PartnerId) -> Result<bool, StoreError> {
        Ok(self.inner.sum(author)?.is_some())
    }

    /// Authors of whom something is kept, ascending, those after `after`, at most `max`.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn authors(
        &self,
        after: Option<PartnerId>,
        max: usize,
    ) -> Result<Vec<PartnerId>, StoreError> {
        let from = match after {
            // The smallest key above the author's own.
            Some(after) => Table::Author.key(&[after.as_bytes(), &[0]]),
            None => Table::Author.key(&[]),
        };
        let mut authors = Vec::new();
        for pair in self.inner.walk(&from, &Table::Author.end()).take(max) {
            let Pair { key, value: _ } = pair?;
            let author = key
                .get(1..)
                .and_then(|author| <[u8; 32]>::try_from(author).ok());
            authors.push(PartnerId::from_bytes(
                author.ok_or_else(|| self.inner.unreadable("an author"))?,
            ));
        }
        Ok(authors)
    }

    /// The ids of all standing records of an author that are for everybody.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn ids(&self, author: PartnerId) -> Result<BTreeSet<RecordId>, StoreError> {
        let from = Table::Log.key(&[author.as_bytes()]);
        let lines = self
            .inner
            .walk(&from, &Table::Log.end_of(author.as_bytes()));
        lines
            .map(|pair| {
                let named = record_key_parts(&pair?.key);
                let (_, id) = named.ok_or_else(|| self.inner.unreadable("a kept record"))?;
                Ok(id)
            })
            .collect()
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
        let mut page = Page {
            records: Vec::new(),
            more: More::No,
        };
        let Some(next) = after.checked_add(1) else {
            return Ok(page);
        };
        let from = Table::Log.key(&[author.as_bytes(), &next.to_be_bytes()]);
        let end = Table::Log.end_of(author.as_bytes());
        let mut tree: Option<(u64, Tree)> = None;
        let mut bytes = 0_usize;
        for pair in self.inner.walk(&from, &end) {
            let Pair { key, value } = pair?;
            let line = record_key_parts(&key).zip(Kept::read(&value));
            let (named, kept) = line.ok_or_else(|| self.inner.unreadable("a kept record"))?;
            bytes = bytes.saturating_add(kept.record.len());
            if bytes > bytes_aim && !page.records.is_empty() {
                page.more = More::Yes;
                break;
            }
            if tree.as_ref().is_none_or(|(number, _)| *number != kept.tree) {
                tree = self.inner.tree(kept.tree)?.map(|tree| (kept.tree, tree));
            }
            let proof = tree.as_ref().and_then(|(_, tree)| tree.proof(kept.leaf));
            match proof {
                Some(proof) => {
                    let shelved = kept.shelved(author, named, Reach::Public);
                    page.records.push((shelved, proof));
                }
                // The walk sees one moment and proofs are read later. What was replaced in between
                // has a revision above all of this page, and is asked for next time.
                None if self.inner.get(&key)?.is_none() => {}
                None => return Err(self.inner.unreadable("a kept proof")),
            }
        }
        Ok(page)
    }

    /// The key events of an author with their proofs, as the writer was given them.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn chain(&self, author: PartnerId) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(&Table::Chain.key(&[author.as_bytes()]))
    }

    /// Marks the store as damaged, so that the next start makes it anew. What it still answers may
    /// be used: a damaged block is an error, never a wrong answer.
    pub fn condemn(&self) {
        self.inner.condemn();
    }
}

/// Part of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In ascending order of revision, each with its proof.
    pub records: Vec<(Shelved, Proof)>,
    /// Whether there are more after these.
    pub more: More,
}

/// Whether something follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// Something does.
    Yes,
    /// Nothing does.
    No,
}

/// Whether a catalogue's count and fingerprint cover such a record (SPEC.md 8.1).
fn is_counted(family: Family, reach: Reach) -> bool {
    match family {
        Family::Profile | Family::Offer | Family::Availability => reach == Reach::Public,
        Family::CatalogueHead => false,
    }
}

#[cfg(test)]
mod tests;
