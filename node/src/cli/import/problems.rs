//! The file of `--problems`: one line for each problem, to be opened in the program in which the catalogue is kept.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use super::super::exit::Exit;
use super::super::outcome::CliError;
use super::super::plain::plain;
use crate::formats::problem::Problem;

#[derive(Debug)]
pub(super) struct ProblemsFile {
    path: PathBuf,
    writer: csv::Writer<BufWriter<File>>,
    /// The first line that could not be written. Later ones are not tried.
    broken: Option<csv::Error>,
}

impl ProblemsFile {
    /// Begins the file; one that is there is overwritten, unless it is one of those to be read.
    pub(super) fn create(path: &Path, inputs: &[PathBuf]) -> Result<Self, CliError> {
        if let Ok(found) = path.canonicalize()
            && inputs
                .iter()
                .any(|input| input.canonicalize().is_ok_and(|input| input == found))
        {
            let what = format!(
                "{} is to be read and can't be written as well",
                plain(&path.display().to_string())
            );
            return Err(CliError::new(Exit::Invalid, "same-file", what)
                .next("name another file with --problems"));
        }
        let file = File::create(path).map_err(|e| failed(path, &e.to_string()))?;
        let mut file = Self {
            path: path.to_owned(),
            writer: csv::Writer::from_writer(BufWriter::new(file)),
            broken: None,
        };
        file.line(&[
            "file", "row", "fate", "sku", "column", "value", "code", "reason",
        ]);
        Ok(file)
    }

    pub(super) fn write(&mut self, problem: &Problem) {
        let row = problem.row.to_string();
        let reason = problem.reason.to_string();
        let [file, sku, column, value, reason] = [
            &problem.file,
            &problem.sku,
            &problem.column,
            &problem.excerpt,
            &reason,
        ]
        .map(|t| inert(t));
        self.line(&[
            &file,
            &row,
            problem.fate.word(),
            &sku,
            &column,
            &value,
            problem.reason.code(),
            &reason,
        ]);
    }

    fn line(&mut self, cells: &[&str]) {
        if self.broken.is_none() {
            self.broken = self.writer.write_record(cells).err();
        }
    }

    pub(super) fn finish(mut self) -> Result<(), CliError> {
        if let Some(e) = self.broken {
            return Err(failed(&self.path, &e.to_string()));
        }
        self.writer
            .flush()
            .map_err(|e| failed(&self.path, &e.to_string()))
    }
}

/// A cell that no spreadsheet takes for a formula: whoever wrote the catalogue does not get to run something at whoever mends it.
fn inert(text: &str) -> String {
    let text = plain(text);
    if text.starts_with(['=', '+', '-', '@']) {
        format!("'{text}")
    } else {
        text
    }
}

fn failed(path: &Path, why: &str) -> CliError {
    let what = format!(
        "the problems can't be written to {}",
        plain(&path.display().to_string())
    );
    CliError::new(Exit::Failure, "file", what)
        .why(why)
        .next("look at the folder, its rights and the space left, or name another file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_cells_are_no_formulas() {
        for (cell, expected) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-5", "'-5"),
            ("lamp", "lamp"),
            ("a\u{202e}b", "a\\u{202e}b"),
        ] {
            assert_eq!(inert(cell), expected);
        }
    }
}
