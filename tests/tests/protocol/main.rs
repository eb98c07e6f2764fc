//! The foundation of the protocol against SPEC.md and against others: its tables, golden vectors,
//! a naive second encoder, wincode, ct-merkle, random and hostile bytes, and edge cases of Ed25519.

#[path = "../../../fuzz/src/decoders.rs"]
mod decoders;
mod ed25519;
mod fixtures;
mod hostile;
mod naive;
mod oracles;
mod properties;
mod tables;
mod vectors;
