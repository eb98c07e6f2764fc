//! The key chain of an author, read from the bytes under which it is kept. Who keeps it, and
//! merges what others show, is kept out.

use omni_protocol::fence::{self, List};
use omni_protocol::frame::ProvedRecord;
use omni_protocol::hash::{NetworkId, PartnerId};
use omni_protocol::identity::{KeyChain, KeyEvent};
use omni_protocol::limits::{KEY_EVENTS_MAX, RECORD_BYTES_MAX};
use omni_protocol::record::Signed;

use super::MarketReader;
use crate::store::StoreError;

/// Longest stored proof: eight hashes, a signature and four short fields.
const PROOF_BYTES_MAX: usize = 512;
/// A whole chain with its proofs: two branches of the longest.
const CHAIN_BYTES_MAX: usize = 2 * KEY_EVENTS_MAX * (RECORD_BYTES_MAX + PROOF_BYTES_MAX);

impl MarketReader {
    /// The keys of an author, if they are known here. Each event was checked when it came, and is
    /// checked again.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn key_chain(
        &self,
        network: NetworkId,
        author: PartnerId,
    ) -> Result<Option<KeyChain>, StoreError> {
        let Some(bytes) = self.chain(author)? else {
            return Ok(None);
        };
        let events =
            fence::decode::<List<ProvedRecord, { 2 * KEY_EVENTS_MAX }>>(&bytes, CHAIN_BYTES_MAX);
        let events = events.map(List::into_vec).unwrap_or_default().into_iter();
        let events = events.map(|event| {
            let record = Signed::<KeyEvent>::read(&network, &*event.record).ok()?;
            Some((record, event.proof))
        });
        let events = events.collect::<Option<Vec<_>>>();
        Ok(events.and_then(|events| KeyChain::read(network, events).ok()))
    }
}
