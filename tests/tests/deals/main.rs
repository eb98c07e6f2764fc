//! Deals against SPEC.md: its two tables cell by cell, and production machines that meet over a
//! network which loses, repeats and reorders.

mod apart;
mod audiences;
mod cells;
mod changes;
mod contradictions;
mod fit;
mod gate;
mod late;
mod legs;
mod played;
mod provider;
mod recovery;
mod requester;
mod rules;
mod scene;
mod slots;
mod strangers;
