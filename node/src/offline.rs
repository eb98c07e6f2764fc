//! The work that needs no daemon, and most of it none running: making a home,
//! and checking a ledger.

pub mod check;
pub mod init;
