//! The market's rules as a pure library: records, identities, values and, step by step, deals and
//! the ledger.
//!
//! It keeps out whatever would make two runs differ: no clock, no entropy, no file, no network, no
//! thread, no log. Time and entropy are arguments. `SPEC.md` beside this crate is normative; where
//! the two differ, the code is wrong.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]
#![warn(missing_docs)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod body;
pub mod bundle;
pub mod code;
pub mod deal;
pub mod fence;
pub mod frame;
pub mod hash;
pub mod identity;
pub mod ledger;
pub mod limits;
pub mod machine;
pub mod proof;
pub mod public;
pub mod record;
pub mod slot;
pub mod thread;
pub mod trade;
pub mod tree;
pub mod value;
