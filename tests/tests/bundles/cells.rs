//! The rows of a bundle table, and what a step says in their words.

use std::collections::BTreeSet;

use omni_protocol::bundle::Act;
use omni_tests::spec::table;

/// One row.
#[derive(Clone, Debug)]
pub struct Cell {
    pub state: String,
    pub input: String,
    pub guard: String,
    pub next: String,
    pub emits: String,
}

/// The rows of the table with this name.
pub fn cells(name: &str) -> Vec<Cell> {
    table(name)
        .into_iter()
        .map(|row| {
            let [state, input, guard, next, emits] = row.try_into().expect("five columns");
            Cell {
                state,
                input,
                guard,
                next,
                emits,
            }
        })
        .collect()
}

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
