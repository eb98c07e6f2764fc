//! What a bench prints: its figures as shares of a floor that was measured in the same run, with
//! the share that counts as good. How anything is measured is kept out.

use std::fmt;
use std::process::ExitCode;

/// The share that counts as good; it may only become stricter.
#[derive(Debug, Clone, Copy)]
pub enum Wanted {
    /// Of what is the better the more there is of it.
    AtLeast(f64),
    /// Of what is the better the less there is of it.
    AtMost(f64),
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(share) => write!(f, "≥ {share}"),
            Self::AtMost(share) => write!(f, "≤ {share}"),
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Ratio {
    /// What was measured, with its unit.
    pub what: String,
    /// What this project reaches.
    pub ours: f64,
    /// What the floor reaches; 1 where the figure is judged by itself.
    pub floor: f64,
    /// Which share of the floor is good.
    pub wanted: Wanted,
}

impl Ratio {
    /// Our share of the floor.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.ours / self.floor
    }

    fn is_good(&self) -> bool {
        match self.wanted {
            Wanted::AtLeast(least) => self.share() >= least,
            Wanted::AtMost(most) => self.share() <= most,
        }
    }

    fn line(&self) -> String {
        format!(
            "| {} | {} | {} | {:.2} | {} | {} |",
            self.what,
            figure(self.ours),
            figure(self.floor),
            self.share(),
            self.wanted,
            if self.is_good() {
                "good"
            } else {
                "NOT REACHED"
            }
        )
    }
}

/// As many digits as a measurement is worth.
fn figure(value: f64) -> String {
    let decimals = match value {
        _ if value >= 100.0 => 0,
        _ if value >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

/// Prints the table; a share that is not good makes the program fail.
#[must_use]
pub fn report(ratios: &[Ratio]) -> ExitCode {
    println!("| what | ours | floor | share | wanted | |");
    println!("| --- | ---: | ---: | ---: | ---: | --- |");
    for ratio in ratios {
        println!("{}", ratio.line());
    }
    if ratios.iter().all(Ratio::is_good) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The one in the middle; of an even number the higher of the two.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::{Ratio, Wanted, median};

    fn is_good(ours: f64, wanted: Wanted) -> bool {
        let ratio = Ratio {
            what: "offers per second".to_owned(),
            ours,
            floor: 10.0,
            wanted,
        };
        let line = ratio.line();
        assert!(line.contains(&wanted.to_string()), "{line}");
        line.ends_with("| good |")
    }

    #[test]
    fn a_share_that_is_not_good_is_told() {
        for (ours, at_least, at_most) in [
            (4.9, false, true),
            (5.0, true, true),
            (5.1, true, false),
            (f64::NAN, false, false),
        ] {
            assert_eq!(is_good(ours, Wanted::AtLeast(0.5)), at_least, "{ours}");
            assert_eq!(is_good(ours, Wanted::AtMost(0.5)), at_most, "{ours}");
        }
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }
}
