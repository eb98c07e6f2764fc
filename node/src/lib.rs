//! A node: the network, the stores, the local API and the command line around the rules of
//! `omni-protocol`.
//!
//! It makes no rule of the market; what a partner may promise, and what binds it, is decided in
//! that crate.
