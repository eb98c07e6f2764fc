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
        .map(cells)
        .collect();
    assert!(!rows.is_empty(), "SPEC.md has no table {marker}");
    rows
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|');
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    inner
        .split('|')
        .map(|cell| cell.trim().trim_matches('`').to_owned())
        .collect()
}
