//! The ledger store: one `RocksDB` whose every write is a synced batch, opened only after a look
//! has shown that nothing acknowledged is missing. What the batches mean is the core's matter.
//!
//! Two handles share it: many [`LedgerReader`]s, which see synced batches only, and one
//! [`Appender`], which can't be copied, so there is one writer by construction.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rocksdb::{DB, Direction, ErrorKind, IteratorMode, Snapshot, WriteBatch};

use super::head::{self, BatchName, Head, HeadFile};
use super::meta::{self, Meta, Owner};
use super::overlay::Delta;
use super::{Pair, StoreError, lock, options};
use crate::{clock, crash};

/// Names beside each other in the home.
const FOLDER: &str = "ledger";
const HEAD_FILE: &str = "ledger.head";
const LOCK_FILE: &str = "ledger.lock";
/// The file without which a folder is no database.
const CURRENT_FILE: &str = "CURRENT";

/// What became of a batch that was offered.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is on the disk and named in the head file.
    Durable(BatchName),
    /// Nothing was written, since the database is behind with its own work: offer it again.
    Stalled,
}

/// The open database. Fields are dropped in their order, the lock last.
#[derive(Debug)]
struct Inner {
    db: DB,
    folder: PathBuf,
    home: PathBuf,
    _lock: File,
}

/// Makes an empty ledger for `owner` in the folder `home`, which must exist.
///
/// A creation that a crash cut short is begun again; a ledger that was ever written to is not
/// touched.
///
/// # Errors
/// [`StoreError::Exists`], [`StoreError::InUse`], or what the disk answers.
pub fn create(home: &Path, owner: Owner) -> Result<(), StoreError> {
    let _lock = lock::take(home, &home.join(LOCK_FILE))?;
    let head_path = home.join(HEAD_FILE);
    if head::read(&head_path)?.is_some() {
        return Err(StoreError::Exists {
            path: home.to_owned(),
        });
    }
    let folder = home.join(FOLDER);
    options::private_folder(&folder)?;
    let mut settings = options::ledger();
    settings.create_if_missing(true);
    let db = DB::open(&settings, &folder)
        .map_err(|error| StoreError::database("make the ledger in", &folder, error))?;
    if Meta::read(&db, home, &folder)?.is_some_and(|meta| meta.batch.number > 0) {
        return Err(StoreError::Exists {
            path: home.to_owned(),
        });
    }
    let meta = Meta {
        owner,
        store: fresh_store_id(home)?,
        batch: BatchName { number: 0, life: 0 },
    };
    let mut batch = WriteBatch::default();
    meta.put(&mut batch);
    db.write_opt(batch, &options::durable())
        .map_err(|error| StoreError::database("write to the ledger in", &folder, error))?;
    head::sync_folder_of(&folder).map_err(|error| StoreError::io("sync", home, error))?;
    HeadFile::create(
        &head_path,
        Head {
            store: meta.store,
            batch: meta.batch,
        },
    )?;
    Ok(())
}

/// Opens the ledger of `home` for the life `life`, after a look that changes nothing.
///
/// # Errors
/// Missing, damaged, behind its head file, another's, in use: see [`StoreError`]. What could still
/// be saved is as it was.
pub fn open(home: &Path, owner: Owner, life: u64) -> Result<(LedgerReader, Appender), StoreError> {
    let lock = lock::take(home, &home.join(LOCK_FILE))?;
    let (meta, head) = look(home, owner)?;
    let folder = home.join(FOLDER);
    let db = DB::open(&options::ledger(), &folder)
        .map_err(|error| StoreError::database("open the ledger in", &folder, error))?;
    let head_path = home.join(HEAD_FILE);
    let head = match head {
        Some(head) => HeadFile::open(&head_path, head)?,
        None => HeadFile::create(
            &head_path,
            Head {
                store: meta.store,
                batch: meta.batch,
            },
        )?,
    };
    let inner = Arc::new(Inner {
        db,
        folder,
        home: home.to_owned(),
        _lock: lock,
    });
    let appender = Appender {
        inner: Arc::clone(&inner),
        head,
        last: meta.batch,
        life,
    };
    Ok((LedgerReader { inner }, appender))
}

/// Opens the ledger of `home` for reading alone; it changes nothing there.
///
/// # Errors
/// As [`open`].
pub fn open_to_read(home: &Path, owner: Owner) -> Result<LedgerReader, StoreError> {
    let lock = lock::take(home, &home.join(LOCK_FILE))?;
    look(home, owner)?;
    let folder = home.join(FOLDER);
    let log_may_exist = false;
    let db = DB::open_for_read_only(&options::ledger(), &folder, log_may_exist)
        .map_err(|error| StoreError::database("open the ledger in", &folder, error))?;
    let inner = Arc::new(Inner {
        db,
        folder,
        home: home.to_owned(),
        _lock: lock,
    });
    Ok(LedgerReader { inner })
}

/// Accepts the ledger of `home` as whole although its head file is gone, damaged or names more.
///
/// Only an operator may decide that. Partners may still show what is missing.
///
/// # Errors
/// As [`open`], but for what the head file says.
pub fn accept_without_head(home: &Path, owner: Owner) -> Result<BatchName, StoreError> {
    let _lock = lock::take(home, &home.join(LOCK_FILE))?;
    let meta = look_inside(home, owner, HeadKnown::No)?;
    HeadFile::create(
        &home.join(HEAD_FILE),
        Head {
            store: meta.store,
            batch: meta.batch,
        },
    )?;
    Ok(meta.batch)
}

/// Reads the ledger. What it sees is synced: `RocksDB` shows a write only after its log is.
#[derive(Debug, Clone)]
pub struct LedgerReader {
    inner: Arc<Inner>,
}

impl LedgerReader {
    /// The value under `key`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a checksum fails: the block is not served.
    pub fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.db.get(key).map_err(|error| self.fault(error))
    }

    /// The first key after `after` and before `end`, with its value.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a checksum fails.
    pub fn next(&self, after: &[u8], end: &[u8]) -> Result<Option<Pair>, StoreError> {
        let mut smallest_greater = Vec::with_capacity(after.len().saturating_add(1));
        smallest_greater.extend_from_slice(after);
        smallest_greater.push(0);
        self.walk(&smallest_greater, end).next().transpose()
    }

    /// All keys from `from`, without `end`, in order, as they stood when the walk began.
    pub fn walk<'a>(
        &'a self,
        from: &[u8],
        end: &[u8],
    ) -> impl Iterator<Item = Result<Pair, StoreError>> + use<'a> {
        let mode = IteratorMode::From(from, Direction::Forward);
        let lines = self.inner.db.iterator_opt(mode, options::until(end));
        Pair::of_lines(lines, |error| self.fault(error))
    }

    /// The ledger as it stands now, whatever is written meanwhile.
    #[must_use]
    pub fn moment(&self) -> Moment<'_> {
        Moment {
            reader: self,
            snapshot: self.inner.db.snapshot(),
        }
    }

    /// The home that this ledger belongs to.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.inner.home
    }

    fn fault(&self, error: rocksdb::Error) -> StoreError {
        StoreError::database("read the ledger in", &self.inner.folder, error)
    }
}

/// A ledger at one moment, read where it lies.
pub struct Moment<'a> {
    reader: &'a LedgerReader,
    snapshot: Snapshot<'a>,
}

impl std::fmt::Debug for Moment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Moment").finish_non_exhaustive()
    }
}

impl Moment<'_> {
    /// The value under `key`.
    ///
    /// # Errors
    /// As [`LedgerReader::read`].
    pub fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.snapshot.get(key);
        found.map_err(|error| self.reader.fault(error))
    }

    /// All keys from `from`, without `end`, in order.
    pub fn walk(&self, from: &[u8], end: &[u8]) -> impl Iterator<Item = Result<Pair, StoreError>> {
        let mode = IteratorMode::From(from, Direction::Forward);
        let lines = self.snapshot.iterator_opt(mode, options::until(end));
        Pair::of_lines(lines, |error| self.reader.fault(error))
    }

    /// The home that the ledger belongs to.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.reader.home()
    }
}

/// Appends batches. There is one for each open ledger.
#[derive(Debug)]
pub struct Appender {
    inner: Arc<Inner>,
    head: HeadFile,
    last: BatchName,
    life: u64,
}

impl Appender {
    /// Writes `delta` as one synced batch and names it in the head file.
    ///
    /// # Errors
    /// After an error it is not known what the disk holds, and a failed sync must not be tried
    /// again, since the system may have marked the pages clean: end the process.
    pub fn append(&mut self, delta: &Delta) -> Result<Verdict, StoreError> {
        let name = BatchName {
            number: self.last.number.saturating_add(1),
            life: self.life,
        };
        let mut batch = WriteBatch::default();
        for (key, value) in delta.writes() {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            }
        }
        meta::put_name(&mut batch, name);
        crash::point("batch-before-write");
        match self.inner.db.write_opt(batch, &options::durable()) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Incomplete => return Ok(Verdict::Stalled),
            Err(error) => {
                return Err(StoreError::database(
                    "write to the ledger in",
                    &self.inner.folder,
                    error,
                ));
            }
        }
        crash::point("batch-after-write");
        self.head.write(name)?;
        crash::point("head-after-write");
        self.last = name;
        Ok(Verdict::Durable(name))
    }

    /// Offers `delta` until the database takes it, for at most `patience`.
    ///
    /// # Errors
    /// As [`Self::append`], and [`StoreError::Stalled`] when patience is over.
    pub fn append_within(
        &mut self,
        delta: &Delta,
        patience: Duration,
    ) -> Result<BatchName, StoreError> {
        /// Between two offers: short against a stall, long against a spin.
        const PAUSE: Duration = Duration::from_millis(5);
        let begun = Instant::now();
        loop {
            match self.append(delta)? {
                Verdict::Durable(name) => return Ok(name),
                Verdict::Stalled if begun.elapsed() >= patience => {
                    return Err(StoreError::Stalled {
                        seconds: patience.as_secs(),
                    });
                }
                Verdict::Stalled => std::thread::sleep(PAUSE),
            }
        }
    }

    /// Syncs the head file, if it was written since the last time.
    ///
    /// # Errors
    /// What the disk answers; as after [`Self::append`], end the process.
    pub fn sync_head(&mut self) -> Result<(), StoreError> {
        self.head.sync()
    }

    /// The home that this ledger belongs to.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.inner.home
    }

    /// The batch that was appended last.
    #[must_use]
    pub fn last(&self) -> BatchName {
        self.last
    }
}

impl Drop for Appender {
    /// An orderly end leaves the head file synced. Failing to costs the head its newest names,
    /// which is no fault of the ledger.
    fn drop(&mut self) {
        if let Err(error) = self.head.sync() {
            tracing::warn!(%error, "the head file was not synced at the end");
        }
    }
}

/// Looks at the ledger without changing it, and compares it with its head file.
///
/// Opening for writing sorts what the log holds into files and then deletes the log. Where the
/// log is not what it was, that would destroy what could still be saved; so this comes first.
fn look(home: &Path, owner: Owner) -> Result<(Meta, Option<Head>), StoreError> {
    let head_path = home.join(HEAD_FILE);
    let head = head::read(&head_path)?;
    let known = if head.is_some() {
        HeadKnown::Yes
    } else {
        HeadKnown::No
    };
    let meta = look_inside(home, owner, known)?;
    match head {
        Some(head) => meta.check_head(home, head_path, head)?,
        // A creation that a crash cut short before its head file: nothing was acknowledged.
        None if meta.batch.number == 0 => {}
        None => return Err(StoreError::HeadGone { path: head_path }),
    }
    Ok((meta, head))
}

/// Whether a head file names a ledger that must therefore be there.
#[derive(Clone, Copy)]
enum HeadKnown {
    Yes,
    No,
}

fn look_inside(home: &Path, owner: Owner, head: HeadKnown) -> Result<Meta, StoreError> {
    let folder = home.join(FOLDER);
    let missing = || StoreError::Missing {
        path: home.to_owned(),
    };
    if !folder.join(CURRENT_FILE).exists() {
        return Err(match head {
            HeadKnown::Yes => StoreError::LedgerGone {
                head: home.join(HEAD_FILE),
            },
            HeadKnown::No => missing(),
        });
    }
    let log_may_exist = false;
    let db = DB::open_for_read_only(&options::ledger(), &folder, log_may_exist)
        .map_err(|error| StoreError::database("look at the ledger in", &folder, error))?;
    let meta = Meta::read(&db, home, &folder)?.ok_or_else(missing)?;
    meta.check_owner(home, owner)?;
    Ok(meta)
}

fn fresh_store_id(home: &Path) -> Result<[u8; 16], StoreError> {
    let entropy = clock::entropy().map_err(|error| {
        StoreError::io("name the ledger in", home, std::io::Error::other(error))
    })?;
    let mut id = [0; 16];
    id.iter_mut().zip(entropy).for_each(|(to, from)| *to = from);
    Ok(id)
}
