//! The foundation of the protocol against SPEC.md and against others: its tables, golden vectors,
//! a naive second encoder, a second decoder in Python, wincode, ct-merkle, random and hostile bytes, and edge cases of Ed25519.

#[path = "../../../fuzz/src/decoders.rs"]
mod decoders;
mod ed25519;
mod fixtures;
mod hostile;
mod judged;
mod naive;
mod oracles;
mod properties;
mod python;
mod tables;
mod vectors;
