//! The market store: public records of all partners, unsynced, fetched again when lost. It keeps
//! what it is given by slot and revision, and checks no signature: only verified records come here.
//!
//! One [`MarketWriter`] changes it, any number of [`MarketReader`]s look. Where its folder is
//! damaged, or another network's, it is thrown away and made anew.

mod chain;
mod draft;
mod layout;
mod list;
mod search;
mod shelve;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use omni_protocol::hash::{NetworkId, PartnerId, RecordId};
use omni_protocol::public::IdSum;
use omni_protocol::slot::{Family, Revision, Slot};
use omni_protocol::value::Time;
use rocksdb::{DB, Direction, IteratorMode, ReadOptions, Snapshot};

pub use self::search::{Found, Page as SearchPage, words_of};
pub use self::shelve::{Arrival, Becomes, MarketWriter, Reach};

use self::layout::{Kept, Table, log_key_parts, slot_bytes, slot_of_log_value};
use super::{Pair, StoreError, lock, options};

const FOLDER: &str = "market";
const LOCK_FILE: &str = "market.lock";
/// Beside the folder: it was found damaged while in use and is thrown away at the next start.
const CONDEMNED_FILE: &str = "market.condemned";
/// Raised when the layout changes. There is no migration: the store is filled again.
const FORMAT: u8 = 1;

/// A public record with what proves it.
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
    /// Its proof's bytes.
    pub proof: Vec<u8>,
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
    let db = match try_open(&folder, network) {
        Ok(Some(db)) => db,
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
        MarketWriter::new(inner),
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
fn try_open(folder: &Path, network: NetworkId) -> Result<Option<DB>, StoreError> {
    options::private_folder(folder)?;
    let db = DB::open(&options::market(), folder)
        .map_err(|error| StoreError::database("open the market in", folder, error))?;
    let key = Table::About.key(&[]);
    let about = about(network);
    let found = db
        .get(&key)
        .map_err(|error| StoreError::database("read the market in", folder, error))?;
    match found {
        Some(found) if found == about => Ok(Some(db)),
        Some(_) => Ok(None),
        None => {
            db.put_opt(&key, about, &options::unsynced())
                .map_err(|error| StoreError::database("write to the market in", folder, error))?;
            Ok(Some(db))
        }
    }
}

fn anew(folder: &Path, network: NetworkId) -> Result<DB, StoreError> {
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
        Ok(self
            .shelved(slot)?
            .map(|shelved| (shelved.revision, shelved.id)))
    }

    /// The record that stands in a slot.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn shelved(&self, slot: &Slot) -> Result<Option<Shelved>, StoreError> {
        let Some(bytes) = self.inner.get(&Table::Slot.key(&[&slot_bytes(slot)]))? else {
            return Ok(None);
        };
        let kept = Kept::read(&bytes).ok_or_else(|| self.inner.unreadable("a kept record"))?;
        Ok(Some(kept.shelved(*slot)))
    }

    /// The slot in which the record with this id stands.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn slot_of(&self, id: RecordId) -> Result<Option<Slot>, StoreError> {
        let Some(bytes) = self.inner.get(&Table::Id.key(&[id.as_bytes()]))? else {
            return Ok(None);
        };
        layout::slot_of(&bytes)
            .ok_or_else(|| self.inner.unreadable("a slot"))
            .map(Some)
    }

    /// Records whose ids begin with these bytes, at most `max`: a user may type a beginning.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn ids_beginning(&self, beginning: &[u8], max: usize) -> Result<Vec<RecordId>, StoreError> {
        let from = Table::Id.key(&[beginning]);
        let mut ids = Vec::new();
        for pair in self.inner.walk(&from, &Table::Id.end()) {
            let Pair { key, value: _ } = pair?;
            let id = key.get(1..).and_then(|id| <[u8; 32]>::try_from(id).ok());
            let id = id.ok_or_else(|| self.inner.unreadable("an id"))?;
            if !id.starts_with(beginning) || ids.len() >= max {
                break;
            }
            ids.push(RecordId::from_bytes(id));
        }
        Ok(ids)
    }

    /// What is kept of an author's catalogue, all of it of one moment: the sum of one and the
    /// highest revision of another would be a catalogue that nobody has.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn catalogue(&self, author: PartnerId) -> Result<Catalogue, StoreError> {
        let moment = self.inner.db.snapshot();
        let sum = moment.get(Table::Author.key(&[author.as_bytes()]));
        let ids = match sum.map_err(|error| self.inner.fault(error))? {
            Some(bytes) => {
                layout::ids_of(&bytes).ok_or_else(|| self.inner.unreadable("a catalogue's sum"))?
            }
            None => IdSum::default(),
        };
        Ok(Catalogue {
            ids,
            highest: self.highest(&moment, author)?,
        })
    }

    /// Whether anything of an author is kept.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn has_author(&self, author: PartnerId) -> Result<bool, StoreError> {
        let sum = self.inner.get(&Table::Author.key(&[author.as_bytes()]))?;
        Ok(sum.is_some())
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
        let end = Table::Log.end_of_author(author);
        let mut bytes = 0_usize;
        for pair in self.inner.walk(&from, &end) {
            let Pair { key, value } = pair?;
            let listed = log_key_parts(&key).ok_or_else(|| self.inner.unreadable("a log line"))?;
            let slot = slot_of_log_value(author, &value)
                .ok_or_else(|| self.inner.unreadable("a log line"))?;
            let Some(shelved) = self.shelved(&slot)? else {
                continue;
            };
            // The walk sees one moment and this read a later one. What was replaced in between has
            // a revision above all of this page, and is asked for next time.
            if listed != (shelved.revision.get(), shelved.id) {
                continue;
            }
            bytes = bytes.saturating_add(shelved.record.len());
            if bytes > bytes_aim && !page.records.is_empty() {
                page.more = More::Yes;
                break;
            }
            page.records.push(shelved);
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

    fn highest(
        &self,
        moment: &Snapshot<'_>,
        author: PartnerId,
    ) -> Result<Option<Revision>, StoreError> {
        let start = Table::Log.key(&[author.as_bytes()]);
        let end = Table::Log.end_of_author(author);
        let mut bounds = ReadOptions::default();
        bounds.set_iterate_lower_bound(start);
        let backwards = IteratorMode::From(&end, Direction::Reverse);
        for item in moment.iterator_opt(backwards, bounds) {
            let (key, value) = item.map_err(|error| self.inner.fault(error))?;
            let slot = slot_of_log_value(author, &value)
                .ok_or_else(|| self.inner.unreadable("a log line"))?;
            if is_counted(slot.family, Reach::Public) {
                let revision =
                    log_key_parts(&key).and_then(|(revision, _)| Revision::new(revision).ok());
                return revision
                    .ok_or_else(|| self.inner.unreadable("a log line"))
                    .map(Some);
            }
        }
        Ok(None)
    }
}

/// Part of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In ascending order of revision.
    pub records: Vec<Shelved>,
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
        Family::Offer | Family::Availability => reach == Reach::Public,
        Family::Profile | Family::CatalogueHead => false,
    }
}
