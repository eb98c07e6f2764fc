//! What the ledger store writes about itself: format, owner, id, and the name of the last batch;
//! these keys lie above all families of the core.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use rocksdb::{DB, WriteBatch};

use super::StoreError;
use super::head::{BatchName, Head};

/// Layout of keys and values; raised when an older program could not read what is written, or this
/// one what an older wrote. 1: a deal named no manifest, a question was found by its record alone. 2:
/// a deal and its Request had no place in a chain. 3: how far a partner's ledger came was kept of it as
/// a whole, and not of each of its lives. 4: nothing was kept of what a partner said to have stored.
pub(super) const FORMAT: u16 = 5;
/// Keys that begin with this byte are the store's own; the core's families lie below 128.
const FAMILY: u8 = 128;
const OWNER_KEY: &[u8] = &[FAMILY, 1];
const BATCH_KEY: &[u8] = &[FAMILY, 2];

/// Whose ledger it is. Opening another's is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Network id.
    pub network: [u8; 32],
    /// Partner id.
    pub partner: [u8; 32],
}

/// What the store says of itself.
#[derive(Debug)]
pub(super) struct Meta {
    pub(super) owner: Owner,
    pub(super) store: [u8; 16],
    pub(super) batch: BatchName,
}

impl Meta {
    /// Reads it; `None` where nothing was ever written.
    pub(super) fn read(db: &DB, home: &Path, folder: &Path) -> Result<Option<Self>, StoreError> {
        let fault = |error| StoreError::database("read the ledger in", folder, error);
        let damaged = || StoreError::Damaged {
            path: folder.to_owned(),
            detail: "what the store says of itself can't be read".to_owned(),
        };
        let (owner, batch) = match (
            db.get(OWNER_KEY).map_err(fault)?,
            db.get(BATCH_KEY).map_err(fault)?,
        ) {
            (None, None) => return Ok(None),
            (Some(owner), Some(batch)) => (owner, batch),
            _ => return Err(damaged()),
        };
        let (format, rest) = owner.split_first_chunk::<2>().ok_or_else(damaged)?;
        let found = u16::from_be_bytes(*format);
        // What follows another number is another program's affair.
        let (path, known) = (home.to_owned(), FORMAT);
        match found.cmp(&FORMAT) {
            Ordering::Greater => return Err(StoreError::NewerFormat { path, found, known }),
            Ordering::Less => return Err(StoreError::OlderFormat { path, found, known }),
            Ordering::Equal => {}
        }
        Self::parse(rest, &batch).ok_or_else(damaged).map(Some)
    }

    /// Puts all of it into the batch that makes a ledger.
    pub(super) fn put(&self, batch: &mut WriteBatch) {
        let mut owner = Vec::with_capacity(82);
        owner.extend_from_slice(&FORMAT.to_be_bytes());
        owner.extend_from_slice(&self.owner.network);
        owner.extend_from_slice(&self.owner.partner);
        owner.extend_from_slice(&self.store);
        batch.put(OWNER_KEY, owner);
        put_name(batch, self.batch);
    }

    /// Refuses a ledger that was made for someone else.
    pub(super) fn check_owner(&self, home: &Path, owner: Owner) -> Result<(), StoreError> {
        if self.owner == owner {
            Ok(())
        } else {
            Err(StoreError::WrongOwner {
                path: home.to_owned(),
            })
        }
    }

    /// Refuses a ledger that lacks what its head file names, or went another way.
    ///
    /// A ledger ahead of its head is whole: the head is written after the batch.
    pub(super) fn check_head(
        &self,
        home: &Path,
        head_path: PathBuf,
        head: Head,
    ) -> Result<(), StoreError> {
        let (found, acknowledged) = (self.batch, head.batch);
        if self.store != head.store {
            return Err(StoreError::HeadOfAnother { path: head_path });
        }
        if found.number < acknowledged.number {
            let path = home.to_owned();
            return Err(StoreError::Behind {
                path,
                found: found.number,
                acknowledged: acknowledged.number,
            });
        }
        if found.number == acknowledged.number && found.life != acknowledged.life {
            return Err(StoreError::Forked {
                path: home.to_owned(),
                number: found.number,
            });
        }
        Ok(())
    }

    fn parse(owner: &[u8], batch: &[u8]) -> Option<Self> {
        let (network, rest) = owner.split_first_chunk::<32>()?;
        let (partner, rest) = rest.split_first_chunk::<32>()?;
        let store = <[u8; 16]>::try_from(rest).ok()?;
        let (number, life) = batch.split_first_chunk::<8>()?;
        let life = <[u8; 8]>::try_from(life).ok()?;
        Some(Self {
            owner: Owner {
                network: *network,
                partner: *partner,
            },
            store,
            batch: BatchName {
                number: u64::from_be_bytes(*number),
                life: u64::from_be_bytes(life),
            },
        })
    }
}

/// Puts the name of a batch into that batch.
pub(super) fn put_name(batch: &mut WriteBatch, name: BatchName) {
    let mut value = [0; 16];
    let (number, life) = value.split_at_mut(8);
    number.copy_from_slice(&name.number.to_be_bytes());
    life.copy_from_slice(&name.life.to_be_bytes());
    batch.put(BATCH_KEY, value);
}
