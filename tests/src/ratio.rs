//! What a bench prints: its figures as shares of a floor that was measured in the same run, with
//! the least share that counts as good. How anything is measured is kept out.

use std::process::ExitCode;

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Ratio {
    /// What was measured, with its unit.
    pub what: String,
    /// What this project reaches.
    pub ours: f64,
    /// What the floor reaches.
    pub floor: f64,
    /// The least share of the floor; it may only rise.
    pub at_least: f64,
}

impl Ratio {
    /// Our share of the floor.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.ours / self.floor
    }

    fn is_good(&self) -> bool {
        self.share() >= self.at_least
    }

    fn line(&self) -> String {
        format!(
            "{:<52} {:>10.1} {:>10.1} {:>7.2} {:>7.2}  {}",
            self.what,
            self.ours,
            self.floor,
            self.share(),
            self.at_least,
            if self.is_good() { "good" } else { "TOO LOW" }
        )
    }
}

/// Prints the table; a share that is too low makes the program fail.
#[must_use]
pub fn report(floor: &str, ratios: &[Ratio]) -> ExitCode {
    println!("the floor: {floor}");
    println!(
        "{:<52} {:>10} {:>10} {:>7} {:>7}",
        "", "ours", "floor", "share", "least"
    );
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
    use super::{Ratio, median};

    fn ratio(ours: f64) -> Ratio {
        Ratio {
            what: "offers per second".to_owned(),
            ours,
            floor: 10.0,
            at_least: 0.5,
        }
    }

    #[test]
    fn a_low_share_is_told() {
        assert!(ratio(5.0).line().ends_with("good"));
        assert!(ratio(4.9).line().ends_with("TOO LOW"));
        assert!(ratio(f64::NAN).line().ends_with("TOO LOW"));
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }
}
