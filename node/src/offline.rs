//! The work that needs no daemon, and most of it none running: making a home, checking a ledger,
//! and looking at what an operator can meet.

pub mod check;
pub mod init;
pub mod look;
