//! What is known of the legs of one manifest, and so how it ends. It keeps out which records say so.

use crate::limits::LEGS_MAX;

/// How a bundle ends, as far as the records tell.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outcome {
    /// No certificate is whole.
    Open,
    /// The `ArmReceipt`s of all legs: the commit certificate.
    Commit,
    /// The Refusal of a leg: the abort certificate.
    Abort,
}

/// Which legs of a manifest armed and which refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Tally {
    legs: u16,
    armed: u16,
    refused: u16,
}

const _: () = assert!(LEGS_MAX == 16, "each leg has its bit");

/// The bit of a leg; none for a number that no manifest has.
const fn bit(number: u16) -> u16 {
    match 1_u16.checked_shl(number as u32) {
        Some(bit) => bit,
        None => 0,
    }
}

impl Tally {
    /// Nothing is known yet of so many legs.
    #[must_use]
    pub const fn new(legs: u16) -> Self {
        // One bit less than the bit after the last leg; sixteen legs fill all bits.
        Self {
            legs: bit(legs).wrapping_sub(1),
            armed: 0,
            refused: 0,
        }
    }

    /// Counts the `ArmReceipt` of a leg.
    pub const fn arm(&mut self, number: u16) {
        self.armed |= bit(number) & self.legs;
    }

    /// Counts the `ArmReceipt` of a leg no more.
    pub const fn forget(&mut self, number: u16) {
        self.armed &= !bit(number);
    }

    /// Counts the Refusal of a leg.
    pub const fn refuse(&mut self, number: u16) {
        self.refused |= bit(number) & self.legs;
    }

    /// Whether this leg armed.
    #[must_use]
    pub const fn has_armed(self, number: u16) -> bool {
        self.armed & bit(number) != 0
    }

    /// Whether this leg refused.
    #[must_use]
    pub const fn has_refused(self, number: u16) -> bool {
        self.refused & bit(number) != 0
    }

    /// Whether all legs but this one armed.
    #[must_use]
    pub const fn all_others_armed(self, number: u16) -> bool {
        (self.armed | bit(number)) & self.legs == self.legs
    }

    /// How it ends. Where a liar made both certificates, this says abort; who has ended by the
    /// other before keeps it.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        if self.refused != 0 {
            Outcome::Abort
        } else if self.armed == self.legs {
            Outcome::Commit
        } else {
            Outcome::Open
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_legs_commit_and_any_aborts() {
        for legs in 1..=16 {
            let mut tally = Tally::new(legs);
            for number in 0..legs {
                assert_eq!(tally.outcome(), Outcome::Open, "{number} of {legs}");
                assert_eq!(tally.all_others_armed(number), number + 1 == legs);
                tally.arm(number);
            }
            assert_eq!(tally.outcome(), Outcome::Commit, "{legs}");
            tally.refuse(legs);
            tally.arm(legs);
            assert_eq!(tally.outcome(), Outcome::Commit, "no leg has number {legs}");
            tally.refuse(legs - 1);
            assert_eq!(tally.outcome(), Outcome::Abort, "{legs}");
        }
    }
}
