//! The ledger against SPEC.md and against others: keys that sort, the growing tree beside
//! ct-merkle, checkpoints as signed notes, and a check that finds what was changed.

mod changed;
mod entries;
mod keys;
mod note;
mod tree;
