//! Reads the tables of protocol/SPEC.md, so that tests compare the code with the document and not
//! with a copy of it.

const SPEC: &str = include_str!("../../protocol/SPEC.md");

/// The rows of the table under the heading that ends in `*(name)*`, each cell without the white
/// space and backticks around it.
///
/// # Panics
/// If there is no such heading, or no row under it: then a test would compare nothing.
pub fn table(name: &str) -> Vec<Vec<String>> {
    let marker = format!("*({name})*");
    let rows: Vec<_> = SPEC
        .lines()
        .skip_while(|line| !(line.starts_with('#') && line.ends_with(&marker)))
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(texts)
        .collect();
    assert!(!rows.is_empty(), "SPEC.md has no table {marker}");
    rows
}

/// One row of a table of states: what comes in which state, and what follows from it.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Where it stands before.
    pub state: String,
    /// What comes.
    pub input: String,
    /// On which condition; empty for none.
    pub guard: String,
    /// Where it stands after.
    pub next: String,
    /// What is signed and answered.
    pub emits: String,
}

/// The rows of the table of states with this name.
///
/// # Panics
/// As [`table`], and if a row has not five columns.
#[must_use]
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

fn texts(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|');
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    inner
        .split('|')
        .map(|cell| cell.trim().trim_matches('`').to_owned())
        .collect()
}
