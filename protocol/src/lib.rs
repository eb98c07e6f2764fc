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
