//! The head file: which batch was acknowledged last, kept beside the ledger's folder and not in
//! it; it says that something is missing, never what.
//!
//! `RocksDB` can't tell a log that ends from one whose end was cut off at a record's boundary, nor
//! a log that was never written from one that was deleted. So after each synced batch, and before
//! anyone hears of it, the batch's name is written here. It is written over in place, in two
//! slots by turns, each with a checksum: whatever tears, one slot is whole.
//!
//! The write is not synced at once. A killed process loses nothing by that, since the page cache
//! outlives it; a power cut may take the head back by about a second, and then the ledger is ahead of
//! its head, which is no fault. The head is never ahead of a ledger that kept what it synced: so
//! an honest disk is never accused, and the price is one small write a batch instead of a second
//! sync. What a power cut and a lying disk take together, partners' greetings show.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::StoreError;

/// What stands first in each slot.
const MAGIC: &[u8; 8] = b"omnihead";
/// Distance of the slots: no two lie in one page or sector.
const SLOT_STRIDE_BYTES: u64 = 4096;
/// Magic, store id, number, life.
const BODY_BYTES: usize = 8 + 16 + 8 + 8;
const CHECKSUM_BYTES: usize = 32;
const SLOT_BYTES: usize = BODY_BYTES + CHECKSUM_BYTES;

/// The name of a batch: no two batches share one, even where a folder was restored and went on
/// from an older state, since each start of a node is a life of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchName {
    /// Counts the batches of this ledger from 1; 0 is the ledger as it was created.
    pub number: u64,
    /// The life that wrote it; 0 for batch 0.
    pub life: u64,
}

/// What the head file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Random bytes that tell this ledger from any other.
    pub(super) store: [u8; 16],
    pub(super) batch: BatchName,
}

/// The open head file. Only the appender of the ledger holds one.
#[derive(Debug)]
pub(super) struct HeadFile {
    file: File,
    path: PathBuf,
    store: [u8; 16],
    synced: bool,
}

impl HeadFile {
    /// Writes a new head file, whole or not at all.
    pub(super) fn create(path: &Path, head: Head) -> Result<Self, StoreError> {
        let fault = |source| StoreError::io("write the head file", path, source);
        let fresh = path.with_extension("head-new");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&fresh)
            .map_err(fault)?;
        file.write_all(&slot(head)).map_err(fault)?;
        file.set_len(2 * SLOT_STRIDE_BYTES).map_err(fault)?;
        file.sync_all().map_err(fault)?;
        std::fs::rename(&fresh, path).map_err(fault)?;
        sync_folder_of(path).map_err(fault)?;
        let file = open_synced_by_hand(path).map_err(fault)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            store: head.store,
            synced: true,
        })
    }

    /// Opens the head file for writing; `head` is what [`read`] found in it.
    pub(super) fn open(path: &Path, head: Head) -> Result<Self, StoreError> {
        let file = open_synced_by_hand(path)
            .map_err(|source| StoreError::io("open the head file", path, source))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            store: head.store,
            synced: true,
        })
    }

    /// Names the batch that was synced last.
    pub(super) fn write(&mut self, batch: BatchName) -> Result<(), StoreError> {
        let place = (batch.number & 1) * SLOT_STRIDE_BYTES;
        self.file
            .write_all_at(
                &slot(Head {
                    store: self.store,
                    batch,
                }),
                place,
            )
            .map_err(|source| StoreError::io("write the head file", &self.path, source))?;
        self.synced = false;
        Ok(())
    }

    /// Syncs what was written since the last time, if anything was.
    pub(super) fn sync(&mut self) -> Result<(), StoreError> {
        if !self.synced {
            self.file
                .sync_data()
                .map_err(|source| StoreError::io("sync the head file", &self.path, source))?;
            self.synced = true;
        }
        Ok(())
    }
}

/// The batch that the head file names; `None` if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Head>, StoreError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("read the head file", path, error)),
    };
    let second = usize::try_from(SLOT_STRIDE_BYTES).unwrap_or(usize::MAX);
    let heads = [0, second].into_iter().filter_map(|start| {
        let rest = bytes.get(start..)?;
        parse(rest.first_chunk::<SLOT_BYTES>()?)
    });
    match heads.max_by_key(|head| head.batch.number) {
        Some(head) => Ok(Some(head)),
        None => Err(StoreError::HeadUnreadable {
            path: path.to_owned(),
        }),
    }
}

/// Makes the names in the folder of `path` durable.
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn open_synced_by_hand(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
}

fn slot(head: Head) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SLOT_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&head.store);
    bytes.extend_from_slice(&head.batch.number.to_be_bytes());
    bytes.extend_from_slice(&head.batch.life.to_be_bytes());
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}

fn parse(slot: &[u8; SLOT_BYTES]) -> Option<Head> {
    let (body, checksum) = slot.split_at_checked(BODY_BYTES)?;
    if Sha256::digest(body).as_slice() != checksum {
        return None;
    }
    let (magic, rest) = body.split_first_chunk::<8>()?;
    let (store, rest) = rest.split_first_chunk::<16>()?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let (life, _) = rest.split_first_chunk::<8>()?;
    (magic == MAGIC).then_some(Head {
        store: *store,
        batch: BatchName {
            number: u64::from_be_bytes(*number),
            life: u64::from_be_bytes(*life),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::{BatchName, Head, HeadFile, SLOT_BYTES, SLOT_STRIDE_BYTES, parse, read, slot};

    const STORE: [u8; 16] = [7; 16];

    fn head(number: u64) -> Head {
        Head {
            store: STORE,
            batch: BatchName { number, life: 99 },
        }
    }

    #[test]
    fn the_newest_whole_slot_counts() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("ledger.head");
        assert!(read(&path).expect("readable").is_none());
        let mut file = HeadFile::create(&path, head(0)).expect("created");
        for number in 1..=5 {
            file.write(head(number).batch).expect("written");
            assert_eq!(read(&path).expect("readable"), Some(head(number)));
        }
        file.sync().expect("synced");

        // Batch 5 lies in the second slot: torn, the one before it counts.
        let mut bytes = std::fs::read(&path).expect("bytes");
        let torn = usize::try_from(SLOT_STRIDE_BYTES).expect("small") + 30;
        bytes[torn] ^= 1;
        std::fs::write(&path, &bytes).expect("written");
        assert_eq!(read(&path).expect("readable"), Some(head(4)));

        // Both torn: that is said, and not taken for a missing file.
        bytes[30] ^= 1;
        std::fs::write(&path, &bytes).expect("written");
        let error = read(&path).expect_err("unreadable");
        assert!(error.to_string().contains("head file"), "{error}");
    }

    #[test]
    fn every_flipped_bit_of_a_slot_is_noticed() {
        let whole = slot(head(3));
        for at in 0..SLOT_BYTES {
            for bit in 0..8 {
                let mut bytes: [u8; SLOT_BYTES] = whole.clone().try_into().expect("length");
                bytes[at] ^= 1 << bit;
                assert_eq!(parse(&bytes), None, "byte {at} bit {bit}");
            }
        }
    }
}
