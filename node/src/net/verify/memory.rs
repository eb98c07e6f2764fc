//! What the checks remember: seals that were checked, and key chains. Both are bounded, and what
//! is forgotten costs time, nothing else.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use omni_protocol::{
    hash::PartnerId,
    identity::KeyChain,
    proof::{CheckedSeal, Seal},
};

/// About a megabyte.
const ROOTS_MAX: usize = 4_096;

/// A chain is about half a kilobyte, and 20 with all its rotations.
const CHAINS_MAX: usize = 1_024;

/// Seals that were checked, the oldest forgotten first.
#[derive(Debug, Default)]
pub(super) struct Roots {
    seals: BTreeSet<CheckedSeal>,
    order: VecDeque<CheckedSeal>,
}

impl Roots {
    pub(super) fn find(&self, seal: &Seal) -> Option<CheckedSeal> {
        self.seals.get(seal).cloned()
    }

    pub(super) fn remember(&mut self, checked: CheckedSeal) {
        if !self.seals.insert(checked.clone()) {
            return;
        }
        self.order.push_back(checked);
        while self.order.len() > ROOTS_MAX {
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
