//! The node: the shell around the rules of `omni_protocol`, with network, stores, clock, local API
//! and the command line. It makes no rule of the market itself.

pub mod api;
pub mod audit;
pub mod calendar;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod crash;
pub mod daemon;
pub mod formats;
pub mod hand_over;
pub mod home;
pub mod keys;
pub mod launch;
pub mod net;
pub mod offline;
pub mod plain;
pub mod runtime;
pub mod store;
pub mod view;
