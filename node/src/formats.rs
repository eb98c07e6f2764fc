//! Reads catalogue files (CSV, JSON, JSON Lines, each also gzipped) into drafts of offers, row by row in bounded memory, and names what is
//! wrong with the rest. Publishes nothing and writes nothing.
//!
//! The way of a row: `source` opens the file → `sniff` tells its shape → `table` or `json` divide it into rows → `plan` says which
//! column gives what → `judge` and `terms` read the cells → `run` compares with the rows before and counts.

pub mod decimal;
pub mod draft;
pub mod field;
mod json;
mod judge;
pub mod limits;
pub mod options;
mod plan;
mod price;
pub mod problem;
mod row;
mod run;
mod shopify;
mod slots;
pub mod sniff;
mod source;
mod table;
mod terms;
mod text;
pub(crate) mod units;

use std::{collections::BTreeSet, hash::RandomState, path::Path};

use draft::Draft;
use options::Options;
use plan::Plan;
use problem::{FileFault, Problem};
use run::{Run, Seen};
use sniff::Shape;

/// The reading of one or several files in a row, in which each article counts once.
#[derive(Debug)]
pub struct Import {
    options: Options,
    seen: Seen,
    key: RandomState,
    files: Vec<String>,
    rows: u64,
}

/// What a reader of files hears, in the order of the rows.
#[derive(Debug)]
pub enum Found {
    Offer(Box<Draft>),
    Problem(Problem),
    Progress(Progress),
}

/// How far a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub rows: u64,
    /// Bytes of the file as it lies on disk.
    pub bytes: u64,
    pub of_bytes: u64,
}

/// What became of the rows of a file. Each row stands in exactly one of the first five.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub offers: u64,
    pub repeats: u64,
    pub conflicts: u64,
    pub without_price: u64,
    pub refused: u64,
    /// Things left out of rows that became offers.
    pub notes: u64,
}

impl Counts {
    /// All rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        [
            self.offers,
            self.repeats,
            self.conflicts,
            self.without_price,
            self.refused,
        ]
        .iter()
        .sum()
    }

    /// Adds those of another file.
    pub fn add(&mut self, other: &Self) {
        self.offers += other.offers;
        self.repeats += other.repeats;
        self.conflicts += other.conflicts;
        self.without_price += other.without_price;
        self.refused += other.refused;
        self.notes += other.notes;
    }
}

/// A file that was read.
#[derive(Debug)]
pub struct Report {
    pub file: String,
    /// Nothing where the file could not even be opened.
    pub shape: Option<Shape>,
    pub counts: Counts,
    /// Columns that give nothing.
    pub untaken: Vec<String>,
    /// Bytes when opened.
    pub plain_bytes: u64,
    /// Why reading ended before the end of the file. What was read until then is counted, and is not to be used.
    pub fault: Option<FileFault>,
}

impl Import {
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            seen: Seen::default(),
            key: RandomState::new(),
            files: vec![],
            rows: 0,
        }
    }

    /// Reads one file to its end, or to what makes it unreadable. `on` hears each row's offer or problem, and from time to time how far it is.
    ///
    /// The memory in use is that of one row and some 300 bytes for each article seen, however large the file is.
    pub fn read(&mut self, path: &Path, on: &mut dyn FnMut(Found)) -> Report {
        let file = path.display().to_string();
        self.files.push(file.clone());
        let mut report = Report {
            file,
            shape: None,
            counts: Counts::default(),
            untaken: vec![],
            plain_bytes: 0,
            fault: None,
        };
        report.fault = self.read_into(path, &mut report, on).err();
        report
    }

    fn read_into(
        &mut self,
        path: &Path,
        report: &mut Report,
        on: &mut dyn FnMut(Found),
    ) -> Result<(), FileFault> {
        let source = source::open(path)?;
        let shape = sniff::shape(path, &source.head, self.options.delimiter)?;
        report.shape = Some(shape);
        let rows_from = self.options.rows_from.clone();
        let meter = std::rc::Rc::clone(&source.meter);
        let mut run = Run {
            import: self,
            meter: &meter,
            stored: source.stored,
            on,
            plan: Plan::default(),
            counts: Counts::default(),
            untaken: BTreeSet::new(),
            shopify: None,
        };
        let read = match shape {
            Shape::Csv { delimiter, skip } => table::read(source, delimiter, skip, &mut run),
            Shape::Json => json::read(source, rows_from.as_deref(), &mut run),
            Shape::JsonLines => json::read_lines(source, &mut run),
        };
        report.counts = run.counts;
        report.untaken = run.untaken.into_iter().collect();
        report.plain_bytes = meter.plain();
        read
    }
}
