//! Tables for people: columns side by side, nothing drawn. All cells are made fit for a terminal
//! here, so that no partner's text can forget it.

use comfy_table::{Cell, CellAlignment, Table, presets};

use super::plain::plain;

/// Longer texts make every line of a table wrap.
const CELL_CHARS_MAX: usize = 48;

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// A table with a header, ending with a line feed.
pub(super) fn table(header: &[(&str, Side)], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().map(|(name, side)| cell(name, *side)));
    for row in rows {
        let sides = header.iter().map(|(_, side)| *side);
        table.add_row(row.iter().zip(sides).map(|(text, side)| cell(text, side)));
    }
    let mut text: String = table
        .lines()
        .map(|line| line.trim_end().trim_start_matches(' ').to_owned() + "\n")
        .collect();
    if text.is_empty() {
        text.push('\n');
    }
    text
}

/// A page of a list: its table and how to see more, or `empty` where there is nothing.
pub(super) fn page(
    empty: &str,
    header: &[(&str, Side)],
    rows: &[Vec<String>],
    next: Option<&str>,
) -> String {
    if rows.is_empty() {
        return format!("{empty}\n");
    }
    let more = next.map(|next| format!("more: --after {next}\n"));
    table(header, rows) + &more.unwrap_or_default()
}

fn cell(text: &str, side: Side) -> Cell {
    let alignment = match side {
        Side::Left => CellAlignment::Left,
        Side::Right => CellAlignment::Right,
    };
    Cell::new(short(text)).set_alignment(alignment)
}

/// The beginning of a text, with a mark where it was cut.
fn short(text: &str) -> String {
    let text = plain(text);
    if text.chars().count() <= CELL_CHARS_MAX {
        return text;
    }
    let cut: String = text
        .chars()
        .take(CELL_CHARS_MAX.saturating_sub(1))
        .collect();
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_cells_stay_in_their_place() {
        let rows = vec![
            vec!["a\u{1b}[2J".to_owned(), "1.00".to_owned()],
            vec!["x".repeat(100), "10.00".to_owned()],
        ];
        let text = table(&[("name", Side::Left), ("price", Side::Right)], &rows);
        assert!(!text.contains('\u{1b}'), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains("x…"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 60), "{text}");
    }
}
