//! The market store: public records of all partners, unsynced, fetched again when lost. It keeps
//! what it is given by slot and revision, and checks no signature: only verified records come here.
//!
//! One [`MarketWriter`] changes it, any number of [`MarketReader`]s look. Where its folder is
//! damaged, or another network's, it is thrown away and made anew.

mod chain;
mod draft;
mod index;
mod kept;
mod layout;
mod list;
mod marks;
mod row;
mod search;
mod segment;
mod served;
mod shelve;
mod tree;
mod words;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use omni_protocol::hash::{NetworkId, PartnerId, RecordId};
use omni_protocol::slot::{Family, Revision, Slot};
use omni_protocol::value::Time;
use rocksdb::{DB, Direction, IteratorMode, Snapshot};

pub use self::search::{Found, Page as SearchPage};
pub use self::served::{Catalogue, Page};
pub use self::shelve::{Arrival, Becomes, MarketWriter, Reach};
pub use self::tree::Proved;
pub use self::words::{spaced, words_of};

use self::kept::{Kept, part_of, records_key};
use self::layout::{Standing, Table, Tally};
use self::tree::Tree;
use super::{Pair, StoreError, lock, options};

const FOLDER: &str = "market";
const LOCK_FILE: &str = "market.lock";
/// Beside the folder: it was found damaged while in use and is thrown away at the next start.
const CONDEMNED_FILE: &str = "market.condemned";
/// Raised when the layout changes. There is no migration: the store is filled again.
const FORMAT: u8 = 4;

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
        let bytes = moment.get(records_key(standing.tree, part_of(standing.leaf)));
        let bytes = bytes.map_err(|error| self.fault(error))?;
        let kept = bytes.as_deref();
        let kept = kept.and_then(|bytes| Kept::at(standing.leaf, bytes));
        let kept = kept.map(|kept| kept.shelved(slot.author));
        kept.ok_or_else(|| self.unreadable("a kept record"))
    }

    /// The record that stands in a slot, if it does so still.
    fn record(&self, slot: &Slot, standing: &Standing) -> Result<Option<Shelved>, StoreError> {
        let bytes = self.get(&records_key(standing.tree, part_of(standing.leaf)))?;
        let kept = bytes.as_deref();
        let kept = kept.and_then(|bytes| Kept::at(standing.leaf, bytes));
        Ok(kept.map(|kept| kept.shelved(slot.author)))
    }

    /// What proves records that came together.
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
            if let Some(record) = self.inner.record(slot, &standing)? {
                return Ok(Some(record));
            }
            // It was replaced between the two looks.
            found = self.inner.standing(slot)?;
            if found == Some(standing) {
                return Err(self.inner.unreadable("a kept record"));
            }
        }
        Ok(None)
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
            let slot = key.get(1..).and_then(layout::slot_of);
            let slot = slot.ok_or_else(|| self.inner.unreadable("a twin"))?;
            let record = value;
            Ok(Twin { slot, record })
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
        let standing = self.inner.all_of(author);
        let for_all = standing.filter_map(|standing| match standing {
            Ok((_, standing)) => (standing.reach == Reach::Public).then_some(Ok(standing.id)),
            Err(error) => Some(Err(error)),
        });
        for_all.collect()
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
