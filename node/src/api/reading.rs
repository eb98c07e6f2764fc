//! What requests read: the synced ledger and the market store, both read-only. It writes nothing
//! and knows no rule.

use std::sync::{Arc, Mutex, PoisonError};

use omni_protocol::fence::{self, Wire};
use omni_protocol::hash::{NetworkId, PartnerId};
use omni_protocol::machine::{Key, View};
use omni_protocol::value::Time;

use super::{ApiCode, Problem};
use crate::clock::Clock;
use crate::store::market::MarketReader;
use crate::store::{LedgerReader, StoreError};

/// Longest value in the ledger that is read by itself: a record with what stands beside it.
const VALUE_BYTES_MAX: usize = 1 << 20;

/// The stores as they are on the disk. As a [`View`] it serves every `read(view, …)` of the
/// protocol.
#[derive(Debug)]
pub struct Reading {
    /// The own ledger.
    pub ledger: LedgerReader,
    /// What others published, and own public records.
    pub market: MarketReader,
    /// The network.
    pub network: NetworkId,
    /// The own partner id.
    pub partner: PartnerId,
    clock: Clock,
    fault: Arc<Mutex<Option<StoreError>>>,
}

impl Reading {
    /// Over the open stores.
    #[must_use]
    pub fn new(
        ledger: LedgerReader,
        market: MarketReader,
        (network, partner): (NetworkId, PartnerId),
        clock: Clock,
    ) -> Self {
        Self {
            ledger,
            market,
            network,
            partner,
            clock,
            fault: Arc::default(),
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Time {
        Time::new(self.clock.now_ms()).unwrap_or_default()
    }

    /// The value under a key, decoded.
    #[must_use]
    pub fn get<T: Wire>(&self, key: &Key) -> Option<T> {
        let bytes = self.read(key)?;
        match fence::decode(&bytes, VALUE_BYTES_MAX) {
            Ok(value) => Some(value),
            Err(code) => {
                self.note(StoreError::Damaged {
                    path: self.ledger.home().to_owned(),
                    detail: format!("a value of family {} does not decode: {code}", key.family()),
                });
                None
            }
        }
    }

    /// The keys of `after`'s family that follow it, with their values, in order. Stop when you
    /// have a page: a family may be long.
    pub fn after(&self, after: Key) -> impl Iterator<Item = (Key, Vec<u8>)> + '_ {
        let mut last = after;
        std::iter::from_fn(move || {
            let (key, value) = self.next(&last)?;
            last = key;
            Some((key, value))
        })
    }

    /// Another with no fault noted, for one request.
    pub(super) fn fresh(&self) -> Self {
        Self {
            ledger: self.ledger.clone(),
            market: self.market.clone(),
            network: self.network,
            partner: self.partner,
            clock: self.clock.clone(),
            fault: Arc::default(),
        }
    }

    /// The first fault of a disk during this request.
    pub(super) fn fault(&self) -> Result<(), Problem> {
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.as_ref().map_or(Ok(()), |fault| Err(fault.into()))
    }

    fn note(&self, error: StoreError) {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.get_or_insert(error);
    }

    fn or_noted<T>(&self, found: Result<Option<T>, StoreError>) -> Option<T> {
        found.unwrap_or_else(|error| {
            self.note(error);
            None
        })
    }
}

impl Clone for Reading {
    fn clone(&self) -> Self {
        self.fresh()
    }
}

impl View for Reading {
    fn read(&self, key: &Key) -> Option<Vec<u8>> {
        self.or_noted(self.ledger.read(&key.to_bytes()))
    }

    fn next(&self, after: &Key) -> Option<(Key, Vec<u8>)> {
        let end = [after.family().saturating_add(1)];
        let pair = self.or_noted(self.ledger.next(&after.to_bytes(), &end))?;
        Some((Key::from_bytes(&pair.key)?, pair.value))
    }
}

impl From<&StoreError> for Problem {
    fn from(error: &StoreError) -> Self {
        tracing::error!(%error, "a request could not read the disk");
        let next = if matches!(error, StoreError::Market { .. }) {
            "start the node again, and it fetches all of it anew: omni down, omni up"
        } else {
            "stop the node, look at the disk, and restore a backup if need be: omni down"
        };
        Self::new(ApiCode::Store, format!("{error}.")).next(next)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}
