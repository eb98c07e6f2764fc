//! The same judgement over ledgers as they lie in real homes: what was sent and told is not known
//! there, but chain, books and both sides of each deal are.

use super::{Auditor, Finding, bytes::Id, chain::Who, read_ledger};
use crate::observation::EntryBytes;

/// The ledger of one node, whole.
#[derive(Clone, Debug)]
pub struct Home {
    /// The network id.
    pub network: Id,
    /// The partner id.
    pub partner: Id,
    /// Its market key, of index 0.
    pub key: Id,
    /// All entries, oldest first.
    pub entries: Vec<EntryBytes>,
    /// The checkpoint that closes them.
    pub checkpoint: Vec<u8>,
}

/// What does not hold in the ledgers of nodes that deal with each other and have come to rest.
#[must_use]
pub fn audit_homes(homes: &[Home]) -> Vec<Finding> {
    let mut auditor = Auditor::default();
    for (node, home) in homes.iter().enumerate() {
        auditor.begin(Who {
            node,
            network: home.network,
            partner: home.partner,
            key: home.key,
        });
    }
    for (node, home) in homes.iter().enumerate() {
        let life = |entry: &EntryBytes| read_ledger::entry(&entry.header).map(|entry| entry.life);
        for entries in home.entries.chunk_by(|a, b| life(a) == life(b)) {
            let ledger = &mut auditor.nodes[node].ledger;
            ledger.lives.extend(life(&entries[0]));
            auditor.synced(node, 0, entries);
        }
        let ledger = &mut auditor.nodes[node].ledger;
        ledger.close(&home.checkpoint, &mut auditor.found);
    }
    // No hold is waited for any more: nothing was put back.
    auditor.quiet(u64::MAX);
    auditor.end()
}
