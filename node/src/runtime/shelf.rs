//! What the net reads of the market store: key chains, what stands, and pages to serve. It writes
//! nothing, and is called from the net's own threads.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use omni_protocol::fence::{self, List};
use omni_protocol::frame::{Filter, Known, ProvedRecord};
use omni_protocol::hash::{NetworkId, PartnerId, RecordId};
use omni_protocol::identity::{KeyChain, KeyEvent};
use omni_protocol::limits::{KEY_EVENTS_MAX, RECORD_BYTES_MAX, STRANGER_RECORDS_MAX};
use omni_protocol::proof::{Batch, Proof};
use omni_protocol::public::CatalogueHead;
use omni_protocol::record::Signed;
use omni_protocol::slot::{Revision, Slot};

use crate::net;
use crate::store::StoreError;
use crate::store::market::{MarketReader, More, Shelved};

/// A whole chain with its proofs: two branches of the longest.
const CHAIN_BYTES_MAX: usize = 2 * KEY_EVENTS_MAX * (RECORD_BYTES_MAX + PROOF_BYTES_MAX);
/// Longest stored proof: eight hashes, a signature and four short fields.
pub(super) const PROOF_BYTES_MAX: usize = 512;
/// Authors read at once.
const AUTHORS_STEP: usize = 256;

/// The key events of one author as they are kept.
type Chain = List<ProvedRecord, { 2 * KEY_EVENTS_MAX }>;

/// Who counts as a partner, and how much of all others is kept.
#[derive(Debug, Default)]
pub struct Standing {
    partners: RwLock<BTreeSet<PartnerId>>,
    stranger_records: AtomicU64,
}

impl Standing {
    pub(super) fn set_partners(&self, partners: BTreeSet<PartnerId>) {
        *self
            .partners
            .write()
            .unwrap_or_else(PoisonError::into_inner) = partners;
    }

    pub(super) fn is_partner(&self, partner: &PartnerId) -> bool {
        self.partners
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(partner)
    }

    /// Counts anew what is kept of strangers.
    pub(super) fn recount(&self, market: &MarketReader) -> Result<(), StoreError> {
        let mut total = 0_u64;
        let mut after = None;
        loop {
            let authors = market.authors(after, AUTHORS_STEP)?;
            for author in &authors {
                if !self.is_partner(author) {
                    total = total.saturating_add(market.catalogue(*author)?.ids.count());
                }
            }
            match authors.last() {
                Some(last) => after = Some(*last),
                None => break,
            }
        }
        self.stranger_records.store(total, Ordering::Relaxed);
        Ok(())
    }
}

/// The shelf of the net.
#[derive(Debug)]
pub struct Shelf {
    market: MarketReader,
    network: NetworkId,
    standing: Arc<Standing>,
}

impl Shelf {
    /// Over the market store.
    #[must_use]
    pub fn new(market: MarketReader, network: NetworkId, standing: Arc<Standing>) -> Self {
        Self {
            market,
            network,
            standing,
        }
    }

    /// What a damaged store can't say is unknown, and fetched again.
    fn or_unknown<T: Default>(&self, answer: Result<T, StoreError>) -> T {
        answer.unwrap_or_else(|error| {
            tracing::warn!(%error, "the market store can't be read: it is made anew at the next start");
            self.market.condemn();
            T::default()
        })
    }

    /// Of these authors alone, without a walk over all.
    fn known_of(&self, authors: &[PartnerId], max: usize) -> Vec<Known> {
        let authors: BTreeSet<PartnerId> = authors.iter().copied().collect();
        let kept = |author: &PartnerId| self.or_unknown(self.market.has_author(*author));
        let known = authors.into_iter().filter(kept).filter_map(|author| {
            let known = self.what_is_known(author).map(Some);
            self.or_unknown(known)
        });
        known.take(max).collect()
    }

    fn what_is_known(&self, author: PartnerId) -> Result<Known, StoreError> {
        let catalogue = self.market.catalogue(author)?;
        Ok(Known {
            author,
            highest: catalogue.highest.unwrap_or_default(),
            count: u32::try_from(catalogue.ids.count()).unwrap_or(u32::MAX),
            fingerprint: catalogue.ids.fingerprint(),
        })
    }
}

/// The keys of an author. What a damaged store can't say is unknown, and fetched again.
pub(super) fn key_chain(
    market: &MarketReader,
    network: &NetworkId,
    author: PartnerId,
) -> Option<KeyChain> {
    let bytes = market.chain(author).unwrap_or_else(|_damaged| {
        market.condemn();
        None
    })?;
    let events = fence::decode::<Chain>(&bytes, CHAIN_BYTES_MAX).ok()?;
    let events = events.into_vec().into_iter().map(|event| {
        let record = Signed::<KeyEvent>::read(network, &*event.record).ok()?;
        Some((record, event.proof))
    });
    KeyChain::read(*network, events.collect::<Option<Vec<_>>>()?).ok()
}

/// The bytes under which a chain is kept. A chain has no more events than [`Chain`] takes, and each
/// was a record that was read.
pub(super) fn chain_bytes(chain: &KeyChain) -> Vec<u8> {
    let events = chain
        .events()
        .filter_map(|(record, proof)| ProvedRecord::new(record.bytes(), proof.clone()).ok());
    Chain::new(events.collect::<Vec<_>>())
        .map(|events| fence::to_bytes(&events))
        .unwrap_or_default()
}

impl net::Shelf for Shelf {
    fn key_chain(&self, author: &PartnerId) -> Option<KeyChain> {
        key_chain(&self.market, &self.network, *author)
    }

    fn standing(&self, slot: &Slot) -> Option<(Revision, RecordId)> {
        self.or_unknown(self.market.standing(slot))
    }

    fn has_room(&self, author: &PartnerId, records: usize) -> bool {
        let kept = self.standing.stranger_records.load(Ordering::Relaxed);
        let wanted = u64::try_from(records)
            .unwrap_or(u64::MAX)
            .saturating_add(kept);
        self.standing.is_partner(author)
            || usize::try_from(wanted).is_ok_and(|all| all <= STRANGER_RECORDS_MAX)
    }

    fn known(&self, filter: &Filter, max: usize) -> Vec<Known> {
        if !filter.authors.is_empty() {
            return self.known_of(&filter.authors, max);
        }
        let mut all = Vec::new();
        let mut after = None;
        while all.len() < max {
            let authors = self.or_unknown(self.market.authors(after, AUTHORS_STEP));
            let Some(last) = authors.last() else { break };
            after = Some(*last);
            for author in authors {
                match self.what_is_known(author) {
                    Ok(known) if all.len() < max => all.push(known),
                    Ok(_) => break,
                    Err(error) => self.or_unknown(Err(error)),
                }
            }
        }
        all
    }

    fn announced(&self, author: &PartnerId) -> Option<CatalogueHead> {
        self.or_unknown(self.market.announced(&self.network, *author))
    }

    fn page(&self, author: &PartnerId, after: Revision, bytes_aim: usize) -> net::Shelved {
        let Ok(page) = self.market.page(*author, after.get(), bytes_aim) else {
            self.market.condemn();
            return net::Shelved::default();
        };
        net::Shelved {
            batches: gather(&self.network, *author, page.records),
            more: page.more == More::Yes,
        }
    }
}

/// Batches of records that follow each other and share a tree, so that each signature travels
/// about once and the order of revisions stays.
pub(super) fn gather(
    network: &NetworkId,
    author: PartnerId,
    records: Vec<(Shelved, Proof)>,
) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut part: Vec<(Vec<u8>, Proof)> = Vec::new();
    let mut close = |part: &mut Vec<(Vec<u8>, Proof)>| {
        if !part.is_empty() {
            // What was verified once gathers again; a record that does not is left out.
            match Batch::gather(network, author, std::mem::take(part)) {
                Ok(batch) => batches.push(batch),
                Err(error) => tracing::warn!(%author, %error, "kept records do not gather"),
            }
        }
    };
    for (record, proof) in records {
        let is_same_tree = part.last().is_some_and(|(_, last)| {
            (last.key_index, last.tree_size, last.signature)
                == (proof.key_index, proof.tree_size, proof.signature)
        });
        if !is_same_tree {
            close(&mut part);
        }
        part.push((record.record, proof));
    }
    close(&mut part);
    batches
}
