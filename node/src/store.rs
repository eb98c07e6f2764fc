//! What a node keeps: the ledger store, where every write batch is synced before anyone hears of
//! it, and the market store, which may be deleted at any time. It knows keys and bytes, not deals.

use std::io;
use std::path::{Path, PathBuf};

use rocksdb::DBIterator;

pub mod contact;
pub mod failover;
pub mod happened;
mod head;
pub mod ledger;
mod lock;
pub mod market;
mod meta;
mod options;
mod overlay;
pub mod policy;
mod space;
pub mod witnessed;
mod writer;

pub use self::head::BatchName;
pub use self::ledger::{Appender, LedgerReader, Moment, Verdict};
pub use self::meta::Owner;
pub use self::overlay::{Delta, Overlay};
pub use self::space::{Room, SpaceLimits, SpaceWatch};
pub use self::writer::{Halt, Report, Writer, WriterGone, abort_process};

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The key.
    pub key: Vec<u8>,
    /// What stands under it.
    pub value: Vec<u8>,
}

impl Pair {
    /// What a database's iterator gives, with `fault` to say where it went wrong.
    fn of_lines<'a>(
        lines: DBIterator<'a>,
        fault: impl Fn(rocksdb::Error) -> StoreError + 'a,
    ) -> impl Iterator<Item = Result<Self, StoreError>> + 'a {
        lines.map(move |line| {
            let (key, value) = line.map_err(&fault)?;
            Ok(Self {
                key: key.into_vec(),
                value: value.into_vec(),
            })
        })
    }
}

/// Why a store can't be opened, read or written. Each says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process, or another part of this one, holds a store.
    #[error("another process uses the stores in {path:?}: stop it first (omni down)")]
    InUse {
        /// The home whose store it is.
        path: PathBuf,
    },
    /// There is no ledger at all.
    #[error("there is no ledger in {path:?}: make one with omni init")]
    Missing {
        /// The home that was searched.
        path: PathBuf,
    },
    /// A ledger is there where a new one should be made.
    #[error("there is a ledger in {path:?} already: nothing was changed; choose another home")]
    Exists {
        /// The home.
        path: PathBuf,
    },
    /// The head file is there, the ledger is not.
    #[error(
        "the ledger that belongs to {head:?} is gone (its folder, or the file CURRENT in it): nothing was changed; \
         put the folder back or restore a backup"
    )]
    LedgerGone {
        /// The head file that names what is missing.
        head: PathBuf,
    },
    /// The ledger has batches and no head file.
    #[error(
        "the head file {path:?} is gone, so nothing shows whether the ledger beside it is whole: put the file back, or \
         accept the ledger as it is"
    )]
    HeadGone {
        /// Where the head file should be.
        path: PathBuf,
    },
    /// Neither slot of the head file is whole.
    #[error(
        "the head file {path:?} is damaged, so nothing shows whether the ledger beside it is whole: restore it, or accept the ledger as it is"
    )]
    HeadUnreadable {
        /// The head file.
        path: PathBuf,
    },
    /// The head file belongs to another ledger.
    #[error(
        "the head file {path:?} belongs to another ledger: put the ledger and the head file of one home together again"
    )]
    HeadOfAnother {
        /// The head file.
        path: PathBuf,
    },
    /// Acknowledged batches are missing.
    #[error(
        "the ledger in {path:?} lacks what it had acknowledged: its last batch is {found}, the head file names batch {acknowledged}. \
         A log was damaged, cut or deleted, or an older copy was put back. Nothing was changed; restore the missing files or a backup"
    )]
    Behind {
        /// The home.
        path: PathBuf,
        /// The last batch in the ledger.
        found: u64,
        /// The last batch that was acknowledged.
        acknowledged: u64,
    },
    /// The ledger went another way than its head file.
    #[error(
        "the ledger in {path:?} and its head file tell different stories from batch {number} on: an older copy was put back and written on. \
         Nothing was changed; restore the newest copy of both"
    )]
    Forked {
        /// The home.
        path: PathBuf,
        /// The batch of which two are known.
        number: u64,
    },
    /// The ledger was made for another network.
    #[error(
        "the ledger in {path:?} belongs to another network or partner: nothing was changed; check --home and the network's name"
    )]
    WrongOwner {
        /// The home.
        path: PathBuf,
    },
    /// A later version wrote this ledger.
    #[error(
        "the ledger in {path:?} has format {found}, this program knows {known}: nothing was changed; use the newer program"
    )]
    NewerFormat {
        /// The home.
        path: PathBuf,
        /// The format on disk.
        found: u16,
        /// The newest format known here.
        known: u16,
    },
    /// An earlier version wrote this ledger, in a form that this one does not read.
    #[error(
        "the ledger in {path:?} has format {found}, this program reads {known} and turns no older one into it: nothing was changed; go on with the version of omni that made it, or begin in a new home"
    )]
    OlderFormat {
        /// The home.
        path: PathBuf,
        /// The format on disk.
        found: u16,
        /// The only format read here.
        known: u16,
    },
    /// Bytes on disk are not what was written.
    #[error(
        "the data in {path:?} is damaged ({detail}): it is not used as it is; restore a backup, or the damaged file"
    )]
    Damaged {
        /// The database's folder.
        path: PathBuf,
        /// What `RocksDB` or the store found.
        detail: String,
    },
    /// What others published is not what was written; it is thrown away at the next start.
    #[error("what others published is damaged in {path:?} ({detail})")]
    Market {
        /// The database's folder.
        path: PathBuf,
        /// What `RocksDB` or the store found.
        detail: String,
    },
    /// The disk could not take a batch for so long that waiting on would only hide it.
    #[error(
        "the ledger took no write for {seconds} s: the disk is too slow or too full; free space and start again, nothing acknowledged is lost"
    )]
    Stalled {
        /// How long the same batch was offered.
        seconds: u64,
    },
    /// A file could not be read or written.
    #[error("can't {what} {path:?}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The reason given by the operating system.
        source: io::Error,
    },
    /// The database refused.
    #[error("can't {what} {path:?}: {source}")]
    Database {
        /// What was tried.
        what: &'static str,
        /// The database's folder.
        path: PathBuf,
        /// The reason given by `RocksDB`.
        source: rocksdb::Error,
    },
}

impl StoreError {
    fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            what,
            path: path.to_owned(),
            source,
        }
    }

    /// Sorts damage from other faults, since the remedy differs.
    fn database(what: &'static str, path: &Path, source: rocksdb::Error) -> Self {
        if source.kind() == rocksdb::ErrorKind::Corruption {
            return Self::Damaged {
                path: path.to_owned(),
                detail: source.into_string(),
            };
        }
        Self::Database {
            what,
            path: path.to_owned(),
            source,
        }
    }
}
