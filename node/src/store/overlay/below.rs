//! The synced ledger as the overlay reads it: what was read or written lately is at hand, since one
//! decision reads the same few values again and again, and each read of the database costs more
//! than the rule that wants it. Only batches of the overlay change what lies here, so nothing at
//! hand is ever behind. What is under way is kept out.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::Path;

use foldhash::fast::RandomState;
use omni_protocol::machine::Key;

use super::Delta;
use crate::store::{LedgerReader, Pair, StoreError};

/// Bytes of keys and values at hand. Beyond it all of them are forgotten, which costs reads and
/// nothing else.
const BYTES_MAX: usize = 4 << 20;
/// Steps of walks at hand. Beyond it all of them are forgotten too.
const STEPS_MAX: usize = 256;

#[derive(Debug)]
pub(super) struct Below {
    synced: LedgerReader,
    near: RefCell<Near>,
}

#[derive(Debug, Default)]
struct Near {
    /// By hashes that take less than the standard ones, and that nobody outside can foresee either.
    values: HashMap<Vec<u8>, Option<Vec<u8>>, RandomState>,
    bytes: usize,
    /// By where a step begins and where the walk ends.
    steps: HashMap<(Vec<u8>, Vec<u8>), Option<Pair>, RandomState>,
}

impl Below {
    pub(super) fn new(synced: LedgerReader) -> Self {
        Self {
            synced,
            near: RefCell::default(),
        }
    }

    pub(super) fn home(&self) -> &Path {
        self.synced.home()
    }

    /// The value under `key`. While the writer has a batch, its keys may be read here as they were
    /// before it or after.
    pub(super) fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(value) = self.near.borrow().values.get(key) {
            return Ok(value.clone());
        }
        let value = self.synced.read(key)?;
        self.near.borrow_mut().keep(key.to_vec(), value.clone());
        Ok(value)
    }

    /// The first key after `after` and before `end`, with its value; as [`Self::read`]. Each entry
    /// looks for what has ended, and such a step goes over all keys that were deleted there.
    pub(super) fn next(&self, after: &[u8], end: &[u8]) -> Result<Option<Pair>, StoreError> {
        let step = (after.to_vec(), end.to_vec());
        if let Some(found) = self.near.borrow().steps.get(&step) {
            return Ok(found.clone());
        }
        let found = self.synced.next(after, end)?;
        let steps = &mut self.near.borrow_mut().steps;
        if steps.len() >= STEPS_MAX {
            steps.clear();
        }
        steps.insert(step, found.clone());
        Ok(found)
    }

    /// The batch is synced: what is read next was often written last.
    pub(super) fn landed(&mut self, batch: Delta) {
        let near = self.near.get_mut();
        near.steps
            .retain(|(after, end), found| still_leads(&batch, (after, end), found) == Leads::Yes);
        for (key, value) in batch.keys {
            if is_read_again(&key) {
                near.keep(key, value);
            } else {
                near.values.remove(&key);
            }
        }
    }
}

/// Whether it is known where a step leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leads {
    Yes,
    /// What it led to is gone, and what comes after that was not looked for.
    Unknown,
}

/// Where a step leads once the batch is written: the first key that it puts on the way, or what was
/// found before.
fn still_leads(batch: &Delta, (after, end): (&[u8], &[u8]), found: &mut Option<Pair>) -> Leads {
    let mut after = after.to_vec();
    while let Some((key, value)) = batch.first_after(&after, end) {
        let before = found.as_ref().map(|found| key.cmp(&found.key));
        match (before, value) {
            (Some(Ordering::Greater), _) => break,
            (_, Some(value)) => {
                *found = Some(Pair {
                    key: key.to_vec(),
                    value: value.to_vec(),
                });
                break;
            }
            (Some(Ordering::Equal), None) => return Leads::Unknown,
            (Some(Ordering::Less) | None, None) => after = key.to_vec(),
        }
    }
    Leads::Yes
}

/// Whether the core may soon read by its key what it has written. What a ledger or a thread is told
/// from it seldom reads; what is found by walking has no value; keys of others are not read here.
fn is_read_again(key: &[u8]) -> bool {
    match Key::from_bytes(key) {
        Some(
            Key::Entry { .. }
            | Key::Body { .. }
            | Key::ThreadRecord { .. }
            | Key::OpenDeal { .. }
            | Key::Due { .. }
            | Key::Posting { .. },
        )
        | None => false,
        Some(_) => true,
    }
}

impl Near {
    fn keep(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        if self.bytes > BYTES_MAX {
            self.values.clear();
            self.bytes = 0;
        }
        let bytes = key.len().saturating_add(value.as_ref().map_or(0, Vec::len));
        self.bytes = self.bytes.saturating_add(bytes);
        self.values.insert(key, value);
    }
}
