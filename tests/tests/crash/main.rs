//! Real daemons that are killed, stopped and broken at the worst moments: what they acknowledged
//! is there afterwards, and both sides of a deal say the same.

mod arming;
mod bundles;
mod full;
mod pair;
mod pause;
mod points;
mod power;
mod restarts;
mod syncs;
