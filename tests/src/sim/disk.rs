//! A disk as a crash sees it: what is durable, and what was written since the last sync, of which a
//! crash keeps some blocks and loses others. It stands in for `RocksDB` and its log; it keeps out
//! when something is written, synced or lost.

use std::collections::BTreeMap;

use omni_protocol::machine::Key;
use sha2::{Digest as _, Sha256};

use super::chance::Chance;
use crate::{market::Store, observation::EntryBytes};

/// A log is written in blocks of this size, each of which a crash keeps or loses.
const BLOCK_BYTES: usize = 512;

/// The writes of one batch: each key once, with its last value, or `None` where it is deleted.
pub(super) type Laid = BTreeMap<Key, Option<Vec<u8>>>;

/// What a batch adds to the ledger, as it is shown to judges.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    pub(super) entries: Vec<EntryBytes>,
    pub(super) deals: Vec<([u8; 32], &'static str)>,
    pub(super) checkpoint: Vec<u8>,
}

/// What a crash does to blocks that were written and not synced.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tear {
    /// All are lost.
    Lost,
    /// All are there.
    Kept,
    /// The first ones are there.
    Suffix,
    /// Any may be there.
    Reordered,
}

/// A batch that was written and not synced.
#[derive(Debug)]
struct Tail {
    bytes: Vec<u8>,
    shown: Shown,
    /// What was there before, if the writes are shown to readers already.
    undo: Option<Laid>,
}

/// An older state of the disk.
#[derive(Clone, Debug)]
pub(super) struct Image {
    store: Store,
    pub(super) entries: u64,
}

/// The disk of one node.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// What readers see.
    pub(super) store: Store,
    /// Entries in it.
    entries: u64,
    tail: Vec<Tail>,
}

impl Disk {
    /// Writes a batch to the log, without a sync. Readers don't see it yet.
    pub(super) fn write(&mut self, writes: &Laid, shown: Shown) {
        let bytes = to_log(writes);
        let undo = None;
        self.tail.push(Tail { bytes, shown, undo });
    }

    /// Readers see what was written last. What it adds to the ledger is handed back.
    pub(super) fn show(&mut self) -> Option<Shown> {
        let tail = self.tail.last_mut()?;
        let writes = from_log(&tail.bytes).expect("not torn yet");
        self.entries += tail.shown.entries.len() as u64;
        let mut undo = Laid::new();
        for (key, value) in writes {
            let before = match value {
                Some(value) => self.store.0.insert(key, value),
                None => self.store.0.remove(&key),
            };
            undo.insert(key, before);
        }
        tail.undo = Some(undo);
        Some(tail.shown.clone())
    }

    /// Whether something was written and not synced.
    pub(super) fn has_tail(&self) -> bool {
        !self.tail.is_empty()
    }

    /// All that was written is durable.
    pub(super) fn sync(&mut self) {
        self.tail.clear();
    }

    /// The power goes, or the process does: what was not synced is torn as drawn, and what is whole
    /// up to the first block that is missing is found again when the log is read. Handed back is
    /// what a batch of which nobody knew added.
    pub(super) fn crash(&mut self, tear: Tear, chance: &mut Chance) -> Vec<Shown> {
        let tail = std::mem::take(&mut self.tail);
        for batch in tail.iter().rev() {
            let Some(undo) = &batch.undo else { continue };
            self.entries -= batch.shown.entries.len() as u64;
            lay(&mut self.store, undo.clone());
        }
        let mut found = Vec::new();
        for batch in tail {
            let Some(writes) = from_log(&torn(batch.bytes, tear, chance)) else {
                break;
            };
            lay(&mut self.store, writes);
            self.entries += batch.shown.entries.len() as u64;
            if batch.undo.is_none() {
                found.push(batch.shown);
            }
        }
        found
    }

    /// The state of the disk, to come back to.
    pub(super) fn image(&self) -> Image {
        Image {
            store: self.store.clone(),
            entries: self.entries,
        }
    }

    /// Whether an older state has fewer entries.
    pub(super) const fn lacks(&self, image: &Image) -> bool {
        image.entries < self.entries
    }

    /// Puts an older state in the place of all.
    pub(super) fn restore(&mut self, image: Image) {
        self.tail.clear();
        self.store = image.store;
        self.entries = image.entries;
    }
}

fn lay(store: &mut Store, writes: Laid) {
    for (key, value) in writes {
        match value {
            Some(value) => store.0.insert(key, value),
            None => store.0.remove(&key),
        };
    }
}

fn torn(mut bytes: Vec<u8>, tear: Tear, chance: &mut Chance) -> Vec<u8> {
    match tear {
        Tear::Kept => {}
        Tear::Lost => bytes.clear(),
        Tear::Suffix => {
            let blocks = bytes.len().div_ceil(BLOCK_BYTES);
            bytes.truncate(chance.index(blocks + 1) * BLOCK_BYTES);
        }
        Tear::Reordered => {
            for block in bytes.chunks_mut(BLOCK_BYTES) {
                if chance.one_in(4) {
                    block.fill(0);
                }
            }
        }
    }
    bytes
}

/// A batch as the log has it: its checksum, then for each key the key and its value.
fn to_log(writes: &Laid) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, value) in writes {
        put(&mut body, &key.to_bytes());
        match value {
            Some(value) => {
                body.push(1);
                put(&mut body, value);
            }
            None => body.push(0),
        }
    }
    let mut bytes = Sha256::digest(&body).to_vec();
    bytes.append(&mut body);
    bytes
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    let length = u32::try_from(part.len()).expect("short");
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(part);
}

/// The batch, if it is whole.
fn from_log(bytes: &[u8]) -> Option<Laid> {
    let (checksum, mut body) = bytes.split_at_checked(32)?;
    if Sha256::digest(body).as_slice() != checksum {
        return None;
    }
    let mut writes = Laid::new();
    while !body.is_empty() {
        let key = Key::from_bytes(take(&mut body)?)?;
        let (has_value, rest) = body.split_first()?;
        body = rest;
        let value = match has_value {
            0 => None,
            _ => Some(take(&mut body)?.to_vec()),
        };
        writes.insert(key, value);
    }
    Some(writes)
}

fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (part, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(number: u8) -> Laid {
        let record = |id| Key::Record {
            id: omni_protocol::hash::RecordId::from_bytes([id; 32]),
        };
        let value = Some(vec![number; 2 * BLOCK_BYTES]);
        Laid::from([(record(0), value.clone()), (record(number), value)])
    }

    fn written(disk: &mut Disk, number: u8) {
        disk.write(&batch(number), Shown::default());
        disk.show();
    }

    #[test]
    fn a_crash_takes_what_was_not_synced_and_nothing_else() {
        for (seed, tear) in (0..40).flat_map(|seed| {
            [Tear::Lost, Tear::Suffix, Tear::Reordered, Tear::Kept].map(|tear| (seed, tear))
        }) {
            let mut disk = Disk::default();
            written(&mut disk, 1);
            disk.sync();
            let synced = disk.store.clone();
            written(&mut disk, 2);
            let whole = disk.store.clone();
            disk.crash(tear, &mut Chance::new(seed));
            match tear {
                Tear::Lost => assert_eq!(disk.store, synced),
                Tear::Kept => assert_eq!(disk.store, whole),
                Tear::Suffix | Tear::Reordered => {
                    assert!(disk.store == synced || disk.store == whole);
                }
            }
        }
    }

    #[test]
    fn nothing_is_found_behind_a_torn_batch() {
        let lost = (0..200).any(|seed| {
            let mut disk = Disk::default();
            for number in 1..=3 {
                written(&mut disk, number);
            }
            disk.crash(Tear::Reordered, &mut Chance::new(seed));
            let keys: Vec<_> = disk.store.0.keys().collect();
            let expected: Vec<_> = (0..keys.len())
                .map(|id| Key::Record {
                    id: omni_protocol::hash::RecordId::from_bytes([u8::try_from(id).unwrap(); 32]),
                })
                .collect();
            assert!(keys.iter().copied().eq(&expected));
            (1..4).contains(&keys.len())
        });
        assert!(lost, "no batch was ever torn");
    }
}
