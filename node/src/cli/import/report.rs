//! What `omni import` found: a table of files whose sums are the rows, and the first problems. Reads nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;

use super::super::outcome::Report;
use super::super::plain::plain;
use super::apply::Applied;
use super::preview::Previewed;
use crate::formats::problem::Problem;
use crate::formats::{self, Counts};

#[derive(Debug, Serialize)]
pub(super) struct ImportReport {
    files: Vec<FileView>,
    /// The first problems.
    problems: Vec<ProblemView>,
    /// How often what was the matter.
    reasons: Vec<ReasonView>,
    pub(super) speed: Speed,
    total: CountsView,
    /// What `--apply` changed; nothing in a dry run.
    applied: Option<Applied>,
    /// What `--apply` would change, in a dry run beside a node that answers.
    pub(super) previewed: Option<Previewed>,
    /// Whether withdrawing what the files do not hold was wanted and could not be whole.
    withdrawal_given_up: bool,
    #[serde(skip)]
    counts: Counts,
    #[serde(skip)]
    show: usize,
    #[serde(skip)]
    found: BTreeMap<(&'static str, &'static str), u64>,
}

#[derive(Debug, Serialize)]
struct FileView {
    file: String,
    format: Option<&'static str>,
    #[serde(flatten)]
    counts: CountsView,
    /// Columns that give nothing.
    left_out: Vec<String>,
    /// Why the file could not be read to its end.
    fault: Option<String>,
}

/// `rows` is the sum of the next five.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct CountsView {
    rows: u64,
    offers: u64,
    repeats: u64,
    conflicts: u64,
    without_price: u64,
    refused: u64,
    notes: u64,
}

#[derive(Debug, Serialize)]
struct ProblemView {
    file: String,
    row: u64,
    fate: &'static str,
    sku: String,
    column: String,
    value: String,
    code: &'static str,
    reason: String,
}

#[derive(Debug, Serialize)]
struct ReasonView {
    fate: &'static str,
    code: &'static str,
    count: u64,
}

/// How fast it went, and the most memory that the process had.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Speed {
    ms: u64,
    rows_per_s: u64,
    /// Nothing where the system does not say.
    memory_mib: Option<u64>,
}

impl Speed {
    pub(super) fn of(rows: u64, took: Duration) -> Self {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
        Self {
            ms,
            rows_per_s: rows.saturating_mul(1_000) / ms,
            memory_mib: memory_mib(),
        }
    }
}

/// Linux tells the highest resident memory of a process; elsewhere nothing is said.
fn memory_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.div_ceil(1_024))
}

impl From<&Counts> for CountsView {
    fn from(counts: &Counts) -> Self {
        Self {
            rows: counts.rows(),
            offers: counts.offers,
            repeats: counts.repeats,
            conflicts: counts.conflicts,
            without_price: counts.without_price,
            refused: counts.refused,
            notes: counts.notes,
        }
    }
}

impl ImportReport {
    /// A report that shows so many problems.
    pub(super) fn new(show: usize) -> Self {
        Self {
            applied: None,
            previewed: None,
            withdrawal_given_up: false,
            files: vec![],
            total: CountsView::default(),
            problems: vec![],
            reasons: vec![],
            speed: Speed::default(),
            counts: Counts::default(),
            show,
            found: BTreeMap::new(),
        }
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        let key = (problem.fate.word(), problem.reason.code());
        *self.found.entry(key).or_default() += 1;
        if self.problems.len() < self.show {
            self.problems.push(ProblemView {
                fate: problem.fate.word(),
                code: problem.reason.code(),
                reason: problem.reason.to_string(),
                file: problem.file,
                row: problem.row,
                sku: problem.sku,
                column: problem.column,
                value: problem.excerpt,
            });
        }
    }

    /// Adds a file that was read; its problems have been added before.
    pub(super) fn file(&mut self, read: formats::Report) {
        self.counts.add(&read.counts);
        self.total = CountsView::from(&self.counts);
        let reasons =
            self.found
                .iter()
                .map(|(&(fate, code), &count)| ReasonView { fate, code, count });
        self.reasons = reasons.collect();
        self.files.push(FileView {
            file: read.file,
            format: read.shape.map(formats::sniff::Shape::word),
            counts: CountsView::from(&read.counts),
            left_out: read.untaken,
            fault: read.fault.map(|f| f.to_string()),
        });
    }

    pub(super) fn rows(&self) -> u64 {
        self.total.rows
    }

    /// Whether each file could be read to its end.
    pub(super) fn is_whole(&self) -> bool {
        self.files.iter().all(|f| f.fault.is_none())
    }

    /// Whether a row was refused.
    pub(super) fn has_refused(&self) -> bool {
        self.total.refused > 0
    }

    /// Adds what was published, counted and withdrawn.
    pub(super) fn applied(&mut self, applied: Applied, withdraw_missing: bool) {
        self.applied = Some(applied);
        self.withdrawal_given_up = withdraw_missing && (!self.is_whole() || self.has_refused());
    }

    /// Whether all that was wanted was done.
    pub(super) fn is_done(&self) -> bool {
        self.is_whole() && !self.withdrawal_given_up
    }

    fn table(&self) -> String {
        const HEADER: [&str; 8] = [
            "file",
            "format",
            "rows",
            "offers",
            "repeats",
            "conflicts",
            "without price",
            "refused",
        ];
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(HEADER);
        let row = |name: &str, format: &str, counts: &CountsView| {
            let CountsView {
                rows,
                offers,
                repeats,
                conflicts,
                without_price,
                refused,
                ..
            } = *counts;
            let numbers = [rows, offers, repeats, conflicts, without_price, refused];
            let texts = [plain(name), format.to_owned()].map(Cell::new);
            let numbers =
                numbers.map(|n| Cell::new(grouped(n)).set_alignment(CellAlignment::Right));
            texts.into_iter().chain(numbers).collect::<Vec<_>>()
        };
        for file in &self.files {
            table.add_row(row(
                short(&file.file),
                file.format.unwrap_or("-"),
                &file.counts,
            ));
        }
        if self.files.len() > 1 {
            table.add_row(row("all", "", &self.total));
        }
        table.trim_fmt()
    }

    fn faults(&self, text: &mut String) {
        for file in &self.files {
            if let Some(fault) = &file.fault {
                line(text, &format!("{} {fault}", file.file));
            }
        }
    }

    /// What was published, and what of the wishes was not fulfilled.
    fn end(&self, text: &mut String) {
        let whole = self.is_whole();
        match &self.previewed {
            Some(previewed) => text.push_str(&previewed.text(self.show)),
            None if self.applied.is_none() => line(
                text,
                "No node answered, so this was not held against what stands already.",
            ),
            None => {}
        }
        match self.applied {
            None if whole => line(text, "Nothing was published; --apply does it."),
            None => line(
                text,
                "Nothing was published: a file could not be read to its end.",
            ),
            Some(applied) => {
                line(text, &said(&applied));
                if !whole {
                    line(
                        text,
                        "A file could not be read to its end: what stood before that place was published.",
                    );
                }
            }
        }
        if self.withdrawal_given_up {
            line(
                text,
                "Nothing was withdrawn: a row that could not be read may be an article that you still sell.",
            );
        }
    }

    fn left_out(&self, text: &mut String) {
        let mut columns: Vec<&str> = self
            .files
            .iter()
            .flat_map(|f| &f.left_out)
            .map(String::as_str)
            .collect();
        columns.sort_unstable();
        columns.dedup();
        if !columns.is_empty() {
            line(text, &format!("\nColumns left out: {}", columns.join(", ")));
        }
    }

    fn reasons(&self, text: &mut String) {
        if self.reasons.is_empty() {
            return;
        }
        let all: u64 = self.reasons.iter().map(|r| r.count).sum();
        line(text, "\nProblems:");
        for ReasonView { fate, code, count } in &self.reasons {
            line(text, &format!("  {:>10}  {fate}: {code}", grouped(*count)));
        }
        let shown = self.problems.len() as u64;
        if shown > 0 && shown < all {
            line(
                text,
                &format!(
                    "\nThe first {shown} of {}; --problems FILE writes all:",
                    grouped(all)
                ),
            );
        }
        for p in &self.problems {
            let place =
                [short(&p.file), &format!("row {}", p.row), &p.sku, &p.column].map(str::to_owned);
            let place: Vec<String> = place.into_iter().filter(|t| !t.is_empty()).collect();
            let value = if p.value.is_empty() {
                String::new()
            } else {
                format!(" \"{}\"", p.value)
            };
            line(
                text,
                &format!("  {}{value}: {}", place.join(", "), p.reason),
            );
        }
    }
}

impl Report for ImportReport {
    const SCHEMA: &'static str = "omni.import/1";

    fn text(&self) -> String {
        let mut text = self.table();
        text.push('\n');
        self.faults(&mut text);
        self.left_out(&mut text);
        self.reasons(&mut text);
        let Speed {
            ms,
            rows_per_s,
            memory_mib,
        } = self.speed;
        let memory = memory_mib.map(|m| format!(", {m} MiB")).unwrap_or_default();
        let rate = grouped(rows_per_s);
        line(
            &mut text,
            &format!(
                "\n{} rows in {}.{:02} s ({rate} a second{memory}).",
                grouped(self.total.rows),
                ms / 1_000,
                ms % 1_000 / 10
            ),
        );
        self.end(&mut text);
        text
    }
}

/// What changed, in a sentence or three.
pub(super) fn said(applied: &Applied) -> String {
    let Applied {
        published,
        unchanged,
        counted,
        counts_unchanged,
        uncounted,
        withdrawn,
    } = *applied;
    let mut text = format!(
        "Published {} offers; {} stood so already.",
        grouped(published),
        grouped(unchanged)
    );
    if counted > 0 || counts_unchanged > 0 {
        text.push_str(&format!(
            " Counted the stock of {}; {} were counted so already.",
            grouped(counted),
            grouped(counts_unchanged)
        ));
    }
    if uncounted > 0 {
        text.push_str(&format!(
            " Of {} there is some, and no number says how much: omni stock set.",
            grouped(uncounted)
        ));
    }
    if withdrawn > 0 {
        text.push_str(&format!(" Withdrew {}.", grouped(withdrawn)));
    }
    text
}

/// One line that can't do anything to a terminal but stand there; only our own line feed at its beginning is kept.
fn line(text: &mut String, said: &str) {
    let (space, said) = said
        .strip_prefix('\n')
        .map_or(("", said), |said| ("\n", said));
    text.push_str(&format!("{space}{}\n", plain(said)));
}

/// The last part of a path, as the whole makes tables wide.
fn short(path: &str) -> &str {
    path.rsplit(['/', '\\'])
        .find(|part| !part.is_empty())
        .unwrap_or(path)
}

/// A number with its thousands divided.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::formats::{Found, Import, options::Options};

    fn report(files: &[(&str, &str)], show: usize) -> ImportReport {
        let folder =
            std::env::temp_dir().join(format!("omni-import-{}-{show}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut report = ImportReport::new(show);
        let mut import = Import::new(Options::default());
        for (name, content) in files {
            let path: PathBuf = folder.join(name);
            std::fs::write(&path, content).unwrap();
            let read = import.read(&path, &mut |found| {
                if let Found::Problem(problem) = found {
                    report.problem(problem);
                }
            });
            report.file(read);
        }
        std::fs::remove_dir_all(&folder).unwrap();
        report
    }

    #[test]
    fn the_table_adds_up_and_the_first_problems_are_shown() {
        let files = [
            (
                "a.csv",
                "sku,title,price,currency,cost\nA,T,1,EUR,1\nA,T,1,EUR,1\nB,T,,EUR,1\n",
            ),
            (
                "b.jsonl",
                "{\"sku\":\"A\",\"title\":\"U\",\"price\":1,\"currency\":\"EUR\"}\n{}\n7\n",
            ),
        ];
        let report = report(&files, 2);
        let text = report.text();
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|l| l.split_whitespace().collect())
            .collect();
        assert_eq!(
            rows[1],
            ["a.csv", "csv", "3", "1", "1", "0", "1", "0"],
            "{text}"
        );
        assert_eq!(
            rows[2],
            ["b.jsonl", "jsonl", "3", "0", "0", "1", "1", "1"],
            "{text}"
        );
        assert_eq!(rows[3], ["all", "6", "1", "1", "1", "2", "1"], "{text}");
        assert!(text.contains("Columns left out: cost\n"), "{text}");
        assert!(
            text.contains("The first 2 of 5; --problems FILE writes all:\n"),
            "{text}"
        );
        assert!(
            text.contains("  a.csv, row 3, A: has the same content as row 2 of this file\n"),
            "{text}"
        );
        assert!(
            text.ends_with("Nothing was published; --apply does it.\n"),
            "{text}"
        );
        assert!(report.is_whole());
    }

    #[test]
    fn hostile_files_end_the_import_and_can_t_write_to_the_terminal() {
        let report = report(
            &[
                ("\u{1b}[2J.csv", "PK\u{3}\u{4}"),
                ("b.csv", "sku,title,price\n\u{1b}[2J,T,1\n"),
            ],
            9,
        );
        let text = report.text();
        assert!(!report.is_whole());
        assert!(text.ends_with("could not be read to its end.\n"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (43_010, "43,010"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), expected);
        }
    }
}
