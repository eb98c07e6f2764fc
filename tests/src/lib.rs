//! What the tests of Omni Market share; the tests themselves are in `tests/tests`, and nothing
//! here reaches the product.

pub mod auditor;
pub mod disk;
pub mod effort;
pub mod goods;
pub mod guide;
pub mod ledger;
pub mod loopback;
pub mod machines;
pub mod market;
pub mod mount;
pub mod naive;
pub mod node;
pub mod observation;
pub mod omni;
pub mod party;
pub mod ratio;
pub mod samples;
pub mod sim;
pub mod spec;
pub mod strategies;
