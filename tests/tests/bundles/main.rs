//! Bundles and chains against SPEC.md: their tables cell by cell, and what many orders of messages,
//! crashes and times lead to, at random and all of them.

mod alone;
mod cells;
mod chain_storms;
mod chained_legs;
mod chains;
mod changes;
mod fallen;
mod holds;
mod leg;
mod leg_storms;
mod machines;
mod middle;
mod proofs;
mod requester;
mod runs;
mod search;
mod storms;
mod weather;
mod world;
