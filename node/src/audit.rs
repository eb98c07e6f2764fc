//! A whole ledger as it lies on the disk, with or without a running node: its check and its export,
//! both read at one moment and where it lies, not into memory. What must hold is the protocol's
//! matter.

pub mod export;

use std::cell::RefCell;

use omni_protocol::fence;
use omni_protocol::hash::{NetworkId, PartnerId};
use omni_protocol::identity::{KeyChain, StandingKey};
use omni_protocol::ledger::{LedgerHead, verify};
use omni_protocol::machine::{Config, Key, Policy, View};

use crate::store::market::MarketReader;
use crate::store::{LedgerReader, Moment, StoreError};
use crate::view::ledger::VerificationView;

/// Families from here on are the store's own.
const END: u8 = 128;
/// Longest stored head.
const HEAD_BYTES_MAX: usize = 256;

/// A ledger at one moment, as rules read it. They read through a view that can't fail, so a fault
/// of the disk is kept here and makes what they found void.
pub struct Still<'a> {
    moment: Moment<'a>,
    fault: RefCell<Option<StoreError>>,
}

impl std::fmt::Debug for Still<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Still").finish_non_exhaustive()
    }
}

impl<'a> Still<'a> {
    /// As it stands now.
    #[must_use]
    pub fn of(ledger: &'a LedgerReader) -> Self {
        Self {
            moment: ledger.moment(),
            fault: RefCell::default(),
        }
    }

    /// What was found, unless the disk failed meanwhile.
    ///
    /// # Errors
    /// The first fault of the disk.
    pub fn sound<T>(&self, found: T) -> Result<T, StoreError> {
        self.fault.take().map_or(Ok(found), Err)
    }

    /// The end of the ledger, and whether the node recovers.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn head(&self) -> Result<(Option<LedgerHead>, bool), StoreError> {
        let head = View::read(self, &Key::Head {});
        let head = head.and_then(|bytes| fence::decode(&bytes, HEAD_BYTES_MAX).ok());
        let recovers = View::read(self, &Key::Recovery {}).is_some();
        self.sound((head, recovers))
    }

    /// Whether the core knows all keys.
    fn check_keys(&self) -> Result<(), StoreError> {
        for pair in self.moment.walk(&[], &[END]) {
            if Key::from_bytes(&pair?.key).is_none() {
                return Err(StoreError::Damaged {
                    path: self.moment.home().to_owned(),
                    detail: "there is a key of no known family".to_owned(),
                });
            }
        }
        Ok(())
    }

    fn or_noted<T>(&self, found: Result<Option<T>, StoreError>) -> Option<T> {
        found.unwrap_or_else(|error| {
            self.fault.borrow_mut().get_or_insert(error);
            None
        })
    }
}

impl View for Still<'_> {
    fn read(&self, key: &Key) -> Option<Vec<u8>> {
        self.or_noted(self.moment.read(&key.to_bytes()))
    }

    fn next(&self, after: &Key) -> Option<(Key, Vec<u8>)> {
        let mut from = after.to_bytes();
        from.push(0);
        let end = [after.family().saturating_add(1)];
        let pair = self.moment.walk(&from, &end).next().transpose();
        let pair = self.or_noted(pair)?;
        Some((Key::from_bytes(&pair.key)?, pair.value))
    }
}

/// Checks the ledger of the partner of `own`. Records of authors whose keys `market` does not know
/// are counted and not checked.
///
/// # Errors
/// If the disk fails. A ledger that does not hold is no error but the answer.
pub fn check(
    ledger: &LedgerReader,
    market: Option<&MarketReader>,
    own: &KeyChain,
    network: NetworkId,
) -> Result<VerificationView, StoreError> {
    let still = Still::of(ledger);
    still.check_keys()?;
    let config = Config {
        network,
        partner: own.partner(),
        key_index: own.highest_index(),
        policy: Policy::default(),
    };
    let key_of = |author: PartnerId, index: u32| -> Option<StandingKey> {
        if author == own.partner() {
            return own.of_index(index).ok();
        }
        let chain = market?.key_chain(network, author).ok()??;
        chain.of_index(index).ok()
    };
    let found = still.sound(verify(&config, &still, &key_of))?;
    Ok(match found {
        Ok(found) => VerificationView {
            good: true,
            broken: None,
            entries: found.entries,
            records: found.records,
            unchecked: found.unchecked,
            epoch: found.head.epoch,
            size: found.head.size,
            last: found.head.last.to_string(),
        },
        Err(broken) => VerificationView {
            good: false,
            broken: Some(broken.to_string()),
            entries: 0,
            records: 0,
            unchecked: 0,
            epoch: 0,
            size: 0,
            last: String::new(),
        },
    })
}
