//! What a node keeps, and the loop that keeps it: the ledger store under kills and damage, the
//! overlay, the market store, and the runtime's order of syncing and answering.

mod hand_over;
mod kill;
mod ledger;
mod market;
mod overlay;
mod pair;
mod pruning;
mod renewal;
mod runtime;
