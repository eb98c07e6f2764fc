//! What the checks remember: seals that were checked, and key chains. Both are bounded, and what
//! is forgotten costs time, nothing else.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use omni_protocol::{
    code::Code,
    hash::PartnerId,
    identity::{KeyChain, StandingKey},
    proof::{Attested, CheckedSeal, Claim, Seal},
};

/// About three megabytes.
const SEALS_MAX: usize = 4_096;

/// A chain is about half a kilobyte, and 20 with all its rotations.
const CHAINS_MAX: usize = 1_024;

/// Seals that were checked, the oldest forgotten first.
#[derive(Debug, Default)]
pub struct Seals {
    seals: BTreeSet<CheckedSeal>,
    order: VecDeque<CheckedSeal>,
}

impl Seals {
    /// Checks a signature, unless its seal is remembered under the same key; then remembers it.
    ///
    /// # Errors
    /// As [`Claim::verify`].
    pub fn attest(&mut self, claim: Claim, key: &StandingKey) -> Result<Attested, Code> {
        if let Some(checked) = self.seals.get(claim.seal())
            && let Ok(attested) = claim.clone().recall(checked, key)
        {
            return Ok(attested);
        }
        let attested = claim.verify(key)?;
        self.remember(attested.checked().clone());
        Ok(attested)
    }

    pub(super) fn find(&self, seal: &Seal) -> Option<CheckedSeal> {
        self.seals.get(seal).cloned()
    }

    /// Remembers a seal that was checked, or made, elsewhere.
    pub fn remember(&mut self, checked: CheckedSeal) {
        if !self.seals.insert(checked.clone()) {
            return;
        }
        self.order.push_back(checked);
        while self.order.len() > SEALS_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.seals.remove(&oldest);
            }
        }
    }
}

/// Key chains, the one put in longest ago forgotten first.
#[derive(Debug, Default)]
pub(super) struct Ring {
    chains: BTreeMap<PartnerId, Arc<KeyChain>>,
    order: VecDeque<PartnerId>,
}

impl Ring {
    pub(super) fn find(&self, author: &PartnerId) -> Option<Arc<KeyChain>> {
        self.chains.get(author).cloned()
    }

    pub(super) fn put(&mut self, chain: Arc<KeyChain>) {
        let author = chain.partner();
        if self.chains.insert(author, chain).is_none() {
            self.order.push_back(author);
        }
        while self.order.len() > CHAINS_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.chains.remove(&oldest);
            }
        }
    }
}
