//! Bundles and chains against SPEC.md: their tables cell by cell, and what many orders of messages,
//! crashes and times lead to, at random and all of them.

mod cells;
mod leg;
mod middle;
mod proofs;
mod requester;
mod runs;
mod world;
