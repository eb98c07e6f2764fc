//! The check of a whole ledger as it lies on the disk, with or without a running node: it is read
//! at one moment, folded again in memory, and compared. What must hold is the protocol's matter.

use std::collections::BTreeMap;

use omni_protocol::hash::{NetworkId, PartnerId};
use omni_protocol::identity::StandingKey;
use omni_protocol::ledger::verify;
use omni_protocol::machine::{Config, Key, Policy, View};

use crate::store::market::MarketReader;
use crate::store::{LedgerReader, StoreError};
use crate::view::ledger::VerificationView;

/// Families from here on are the store's own.
const END: u8 = 128;

/// A ledger as it was at one moment, in memory.
struct Frozen(BTreeMap<Key, Vec<u8>>);

impl Frozen {
    fn of(ledger: &LedgerReader) -> Result<Self, StoreError> {
        let mut all = BTreeMap::new();
        for pair in ledger.walk(&[], &[END]) {
            let pair = pair?;
            let key = Key::from_bytes(&pair.key).ok_or_else(|| StoreError::Damaged {
                path: ledger.home().to_owned(),
                detail: "there is a key of no known family".to_owned(),
            })?;
            all.insert(key, pair.value);
        }
        Ok(Self(all))
    }
}

impl View for Frozen {
    fn read(&self, key: &Key) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }

    fn next(&self, after: &Key) -> Option<(Key, Vec<u8>)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let (key, value) = self.0.range((Excluded(after), Unbounded)).next()?;
        (key.family() == after.family()).then(|| (*key, value.clone()))
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
    own: &StandingKey,
    network: NetworkId,
) -> Result<VerificationView, StoreError> {
    let frozen = Frozen::of(ledger)?;
    let config = Config {
        network,
        partner: own.partner(),
        key_index: own.index(),
        policy: Policy::default(),
    };
    let key_of = |author: PartnerId, index: u32| -> Option<StandingKey> {
        if (author, index) == (own.partner(), own.index()) {
            return Some(own.clone());
        }
        let chain = market?.key_chain(network, author).ok()??;
        chain.of_index(index).ok()
    };
    Ok(match verify(&config, &frozen, &key_of) {
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
