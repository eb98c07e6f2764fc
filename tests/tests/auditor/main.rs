//! The auditor passes what is good and finds what is bad: traces by hand, one bad one at least for
//! each check, each found with its node, place and ids.

mod bad;
mod bundles;
mod chains;
mod good;
mod trace;
