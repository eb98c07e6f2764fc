//! Takes the rows of one file one after another, has each judged, compares it with the articles before it, and counts what became of it.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use omni_protocol::value::Time;

use super::{
    Counts, Found, Import, Progress,
    draft::{Draft, Print},
    judge::{self, Bench, Judged},
    limits::ROWS_MAX,
    plan::{Header, Plan},
    problem::{Fate, FileFault, Problem, Reason},
    row::{Entries, Flaw, Row},
    shopify::Shopify,
    source::Meter,
};

/// How many rows lie between two reports of progress.
const PROGRESS_ROWS: u64 = 1_000;

/// The articles of an import by number and price list, which is what a slot of the market is made of.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<(String, String), First>);

/// Where an article stood first, and its content.
#[derive(Debug)]
struct First {
    file: usize,
    row: u64,
    print: Print,
}

/// One file on its way through.
pub(super) struct Run<'i> {
    pub(super) import: &'i mut Import,
    pub(super) meter: &'i Meter,
    pub(super) stored: u64,
    pub(super) on: &'i mut dyn FnMut(Found),
    pub(super) plan: Plan,
    pub(super) counts: Counts,
    pub(super) untaken: BTreeSet<String>,
    pub(super) shopify: Option<Shopify>,
}

impl Run<'_> {
    /// The columns of a table.
    pub(super) fn header(&mut self, columns: Vec<String>) -> Result<(), FileFault> {
        self.shopify = Shopify::of(&columns);
        self.plan = Plan::new(columns, Header::ForAll, &self.import.options)?;
        self.untaken.extend(self.plan.untaken().map(str::to_owned));
        Ok(())
    }

    /// A row of JSON, which brings its own columns; mostly those of the row before.
    pub(super) fn object(&mut self, number: u64, entries: &Entries<'_>) -> Result<(), FileFault> {
        let keys = || entries.0.iter().map(|(k, _)| k);
        if !keys().eq(self.plan.columns()) {
            let mut once = BTreeSet::new();
            if let Some(twice) = keys().find(|k| !once.insert(k.as_str())) {
                let flaw = Flaw {
                    column: twice.clone(),
                    ..Flaw::of_row(Reason::KeyTwice(twice.clone()))
                };
                return self.row(number, &Row::Broken(flaw));
            }
            self.plan = Plan::new(
                keys().cloned().collect(),
                Header::ForOne,
                &self.import.options,
            )?;
            self.untaken.extend(self.plan.untaken().map(str::to_owned));
        }
        self.row(number, &Row::Object(entries))
    }

    /// One row of any format.
    pub(super) fn row(&mut self, number: u64, row: &Row<'_>) -> Result<(), FileFault> {
        self.import.rows = self.import.rows.saturating_add(1);
        if self.import.rows > ROWS_MAX {
            return Err(FileFault::TooManyRows(ROWS_MAX));
        }
        let filled = match (row, &mut self.shopify) {
            (Row::Table(record), Some(shopify)) => Some(shopify.filled(record)),
            _ => None,
        };
        match &filled {
            Some(filled) => self.judge(number, &Row::Table(filled)),
            None => self.judge(number, row),
        }
        if self.counts.rows().is_multiple_of(PROGRESS_ROWS) {
            (self.on)(Found::Progress(Progress {
                rows: self.counts.rows(),
                bytes: self.meter.stored(),
                of_bytes: self.stored,
            }));
        }
        Ok(())
    }

    fn judge(&mut self, number: u64, row: &Row<'_>) {
        let mut bench = Bench {
            row,
            plan: &self.plan,
            options: &self.import.options,
            notes: vec![],
        };
        let (name, judged) = match row {
            Row::Broken(flaw) => (String::new(), Err(Judged::Refused(flaw.clone()))),
            Row::Table(_) | Row::Object(_) => {
                let sku = judge::sku(&bench);
                let name = sku.clone().unwrap_or_default();
                (name, judge::draft(&mut bench, sku))
            }
        };
        let notes = bench.notes;
        match judged {
            Ok(draft) => self.compare(number, draft, notes),
            Err(Judged::WithoutPrice(flaw)) => self.problem(number, Fate::WithoutPrice, name, flaw),
            Err(Judged::Refused(flaw)) => self.problem(number, Fate::Refused, name, flaw),
        }
    }

    /// Sets a draft beside the article of the same number, if there was one.
    fn compare(&mut self, row: u64, draft: Draft, notes: Vec<Flaw>) {
        // The time does not matter here: whether the offer can be made does.
        if let Err(e) = draft.offer(Time::default()) {
            return self.problem(
                row,
                Fate::Refused,
                draft.sku,
                Flaw::of_row(Reason::NotAnOffer(e)),
            );
        }
        let print = Print::of(&draft, &self.import.key);
        let file = self.import.files.len().saturating_sub(1);
        let first = match self
            .import
            .seen
            .0
            .entry((draft.sku.clone(), draft.list.clone()))
        {
            Entry::Vacant(free) => {
                free.insert(First { file, row, print });
                for flaw in notes {
                    self.problem(row, Fate::Note, draft.sku.clone(), flaw);
                }
                self.counts.offers = self.counts.offers.saturating_add(1);
                (self.on)(Found::Offer(Box::new(draft)));
                return;
            }
            Entry::Occupied(taken) => taken.into_mut(),
        };
        let stands = match self.import.files.get(first.file) {
            Some(other) if first.file != file => other.clone(),
            _ => "this file".to_owned(),
        };
        let fields = first.print.differences(&print);
        let (fate, reason) = if fields.is_empty() {
            (
                Fate::Repeat,
                Reason::Repeats {
                    file: stands,
                    row: first.row,
                },
            )
        } else {
            (
                Fate::Conflict,
                Reason::Differs {
                    file: stands,
                    row: first.row,
                    fields,
                },
            )
        };
        self.problem(row, fate, draft.sku, Flaw::of_row(reason));
    }

    fn problem(&mut self, row: u64, fate: Fate, sku: String, flaw: Flaw) {
        let count = match fate {
            Fate::Repeat => &mut self.counts.repeats,
            Fate::Conflict => &mut self.counts.conflicts,
            Fate::WithoutPrice => &mut self.counts.without_price,
            Fate::Refused => &mut self.counts.refused,
            Fate::Note => &mut self.counts.notes,
        };
        *count = count.saturating_add(1);
        let file = self.import.files.last().cloned().unwrap_or_default();
        let Flaw {
            column,
            excerpt,
            reason,
        } = flaw;
        (self.on)(Found::Problem(Problem {
            file,
            row,
            fate,
            sku,
            column,
            excerpt,
            reason,
        }));
    }
}
