//! The rows of a bundle table, and what a step says in their words.

use std::collections::BTreeSet;

use omni_protocol::bundle::Act;
pub use omni_tests::spec::{Cell, cells};

/// States and inputs that the rows name.
pub fn listed(cells: &[Cell]) -> BTreeSet<(String, String)> {
    cells
        .iter()
        .map(|cell| (cell.state.clone(), cell.input.clone()))
        .collect()
}

/// What a step did, in the words of the tables.
pub fn said(acts: &[Act]) -> String {
    let acts: Vec<String> = acts.iter().map(ToString::to_string).collect();
    acts.join(", ")
}
