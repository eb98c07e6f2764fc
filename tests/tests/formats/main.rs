//! How catalogue files are read: what becomes of their rows, and what is said of broken ones.

mod catalogues;
mod columns;
mod hostile;
mod numbers;
mod rows;

use std::{fs, path::PathBuf};

use omni_node::formats::{
    Found, Import, Report,
    draft::Draft,
    options::{Assignment, Options},
    problem::{Fate, Problem},
};

/// What reading gave.
pub(crate) struct Outcome {
    pub(crate) drafts: Vec<Draft>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) reports: Vec<Report>,
}

impl Outcome {
    /// `offers repeats conflicts without-price refused notes`, summed over the files.
    pub(crate) fn counts(&self) -> [u64; 6] {
        let mut sum = omni_node::formats::Counts::default();
        self.reports.iter().for_each(|r| sum.add(&r.counts));
        let counts = [
            sum.offers,
            sum.repeats,
            sum.conflicts,
            sum.without_price,
            sum.refused,
            sum.notes,
        ];
        assert_eq!(counts[..5].iter().sum::<u64>(), sum.rows());
        assert_eq!(sum.offers, self.drafts.len() as u64);
        let told = |fate| self.problems.iter().filter(|p| p.fate == fate).count() as u64;
        let fates = [
            Fate::Repeat,
            Fate::Conflict,
            Fate::WithoutPrice,
            Fate::Refused,
            Fate::Note,
        ];
        assert_eq!(counts[1..], fates.map(told), "each counted problem is told");
        counts
    }

    /// The sentence about the file, if it could not be read to its end.
    pub(crate) fn fault(&self) -> Option<String> {
        let fault = self.reports.iter().find_map(|r| r.fault.as_ref());
        fault.map(ToString::to_string)
    }

    /// `row column code` of each problem.
    pub(crate) fn told(&self) -> Vec<String> {
        let told = |p: &Problem| format!("{} {} {}", p.row, p.column, p.reason.code());
        self.problems.iter().map(told).collect()
    }
}

/// Options from `--set` and `--map` as the command line has them: `currency=EUR`, `sku:name`.
pub(crate) fn options(flags: &[&str]) -> Options {
    let mut options = Options::default();
    for flag in flags {
        let set: Result<Assignment, _> = flag.parse();
        match set {
            Ok(set) => options.values.insert(set.field, set.given),
            Err(_) => {
                let map: Assignment = flag.replacen(':', "=", 1).parse().expect(flag);
                options.columns.insert(map.field, map.given)
            }
        };
    }
    options
}

/// Reads files of these names and contents, one after another.
pub(crate) fn read_all(files: &[(&str, &[u8])], options: Options) -> Outcome {
    let folder = tempfile::tempdir().expect("a folder for the files");
    let paths: Vec<PathBuf> = files
        .iter()
        .map(|(name, content)| {
            let path = folder.path().join(name);
            fs::write(&path, content).expect("the file is written");
            path
        })
        .collect();
    let mut import = Import::new(options);
    let mut outcome = Outcome {
        drafts: vec![],
        problems: vec![],
        reports: vec![],
    };
    for path in &paths {
        let report = import.read(path, &mut |found| match found {
            Found::Offer(draft) => outcome.drafts.push(*draft),
            Found::Problem(problem) => outcome.problems.push(problem),
            Found::Progress(_) => {}
        });
        outcome.reports.push(report);
    }
    outcome
}

pub(crate) fn read(name: &str, content: impl AsRef<[u8]>, options: Options) -> Outcome {
    read_all(&[(name, content.as_ref())], options)
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
    encoder.write_all(content).expect("compresses");
    encoder.finish().expect("compresses")
}
