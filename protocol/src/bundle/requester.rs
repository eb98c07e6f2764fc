//! The bundle at its requester (SPEC.md section 20, second table): a step from one state to the
//! next, and what it signs or answers. A middle partner's own bundle of parts is one too; what its
//! leg above learns from it is [`RequesterBundle::parts`].

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a cell that the table does not list stays, and is answered by Stored"
)]

use alloc::{vec, vec::Vec};

use super::{Act, Kept, LegInput, Outcome, Tally};
use crate::{code::Code, words};

words! {
    /// Where a bundle stands at its requester.
    pub enum BundleState {
        /// Requests are sent, Holds are kept.
        1 Collecting "collecting",
        /// The Manifest is sent.
        2 Doubt "doubt",
        /// All parts of a middle partner have armed; the whole is not decided.
        3 Armed "armed",
        /// The commit certificate is here.
        4 Agreed "agreed",
        /// An abort certificate is here.
        5 Aborted "aborted",
        /// Given back before the Manifest.
        6 Dropped "dropped",
        /// In doubt, and written off.
        7 Written "written",
    }
}

words! {
    /// What decides a bundle.
    pub enum Decides {
        /// Its own certificate.
        1 Own "own",
        /// The certificate of the whole of which its legs are parts.
        2 Whole "whole",
    }
}

/// What happens to a bundle.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BundleInput {
    /// The Hold of this leg.
    Hold(u16),
    /// The `ArmReceipt` of this leg.
    ArmReceipt(u16),
    /// The Refusal that names this leg.
    Refusal(u16),
    /// The Refusal of this leg's deal, which names no leg.
    RefusalOfDeal(u16),
    /// The Lapse of this leg.
    Lapse(u16),
    /// The notice that a leg must not say yet.
    Lost,
    /// The operator commits.
    Accept,
    /// The operator gives it up.
    Cancel,
    /// The operator writes it off.
    WriteOff,
    /// The whole has its commit certificate.
    WholeAgreed,
    /// The whole has its abort certificate.
    WholeAborted,
    /// A member has greeted.
    Greeted,
    /// The end of a hold is noticed.
    Over,
}

impl BundleInput {
    /// Whether it is a record, which is answered.
    #[must_use]
    pub const fn is_record(self) -> bool {
        matches!(
            self,
            Self::Hold(_)
                | Self::ArmReceipt(_)
                | Self::Refusal(_)
                | Self::RefusalOfDeal(_)
                | Self::Lapse(_)
        )
    }
}

/// A bundle at its requester.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequesterBundle {
    state: BundleState,
    decides: Decides,
    /// The legs of which a Hold is kept, counted like `ArmReceipt`s.
    holds: Tally,
    tally: Tally,
}

impl RequesterBundle {
    /// Requests for so many legs were just signed.
    #[must_use]
    pub const fn collecting(legs: u16, decides: Decides) -> Self {
        Self {
            state: BundleState::Collecting,
            decides,
            holds: Tally::new(legs),
            tally: Tally::new(legs),
        }
    }

    /// A bundle as a node keeps it: the legs of which a Hold is kept, and what is known of its
    /// manifest.
    #[must_use]
    pub const fn kept(state: BundleState, decides: Decides, holds: Tally, tally: Tally) -> Self {
        Self {
            state,
            decides,
            holds,
            tally,
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> BundleState {
        self.state
    }

    /// What the leg that rests on these legs is told of them, if there is anything to tell.
    #[must_use]
    pub const fn parts(&self) -> Option<LegInput> {
        match (self.decides, self.tally.outcome()) {
            (Decides::Whole, Outcome::Commit) => Some(LegInput::PartsArmed),
            (Decides::Whole, Outcome::Abort) => Some(LegInput::PartRefused),
            (Decides::Own, _) | (Decides::Whole, Outcome::Open) => None,
        }
    }

    /// What it becomes, and what is signed and answered in that batch. `fit` says what stands
    /// against committing at this instant: `hold-over`, `over-credit`.
    #[must_use]
    pub fn step(&self, input: BundleInput, fit: Result<(), Code>) -> (Self, Vec<Act>) {
        let mut next = *self;
        next.count(input);
        let acts = match self.state {
            BundleState::Collecting => next.in_collecting(input, fit),
            BundleState::Doubt | BundleState::Written => next.in_doubt(input),
            BundleState::Armed => next.in_armed(input),
            BundleState::Agreed => next.in_agreed(input),
            BundleState::Aborted => next.in_aborted(input),
            BundleState::Dropped => match input {
                BundleInput::Hold(_) => vec![Act::Again(Kept::Release)],
                BundleInput::ArmReceipt(_) => vec![Act::Reject(Code::NoCommit)],
                _ => kept(input),
            },
        };
        (next, acts)
    }

    fn count(&mut self, input: BundleInput) {
        let is_committed = !matches!(self.state, BundleState::Collecting | BundleState::Dropped);
        match input {
            BundleInput::Hold(number) => self.holds.arm(number),
            BundleInput::RefusalOfDeal(number) if !is_committed => self.holds.forget(number),
            BundleInput::ArmReceipt(number) if is_committed => self.tally.arm(number),
            BundleInput::Refusal(number) if is_committed => self.tally.refuse(number),
            _ => {}
        }
    }

    fn in_collecting(&mut self, input: BundleInput, fit: Result<(), Code>) -> Vec<Act> {
        match (input, fit) {
            (BundleInput::Accept, _) if self.holds.outcome() == Outcome::Open => {
                vec![Act::Operator(Code::HoldUnknown)]
            }
            (BundleInput::Accept, Err(code)) => vec![Act::Operator(code)],
            (BundleInput::Accept, Ok(())) => {
                self.state = BundleState::Doubt;
                vec![Act::Manifest]
            }
            (BundleInput::Cancel | BundleInput::WholeAborted, _) => {
                self.state = BundleState::Dropped;
                vec![Act::Release]
            }
            (BundleInput::ArmReceipt(_), _) => vec![Act::Reject(Code::NoCommit)],
            _ => kept(input),
        }
    }

    fn in_doubt(&mut self, input: BundleInput) -> Vec<Act> {
        match (input, self.decides) {
            (BundleInput::Hold(_) | BundleInput::RefusalOfDeal(_) | BundleInput::Greeted, _) => {
                vec![Act::Again(Kept::Manifest)]
            }
            (BundleInput::ArmReceipt(_), Decides::Own) if self.is_commit() => self.agree(),
            (BundleInput::ArmReceipt(_), Decides::Whole)
                if self.is_commit() && self.state == BundleState::Doubt =>
            {
                self.state = BundleState::Armed;
                vec![Act::Stored]
            }
            (BundleInput::Refusal(_), Decides::Own) => {
                self.state = BundleState::Aborted;
                vec![Act::Stored]
            }
            (BundleInput::Cancel, _) if self.state == BundleState::Doubt => {
                vec![Act::Operator(Code::InDoubt)]
            }
            _ => self.by_the_whole(input),
        }
    }

    fn in_armed(&mut self, input: BundleInput) -> Vec<Act> {
        match input {
            BundleInput::Hold(_) => vec![Act::Again(Kept::Manifest)],
            BundleInput::Refusal(_) => vec![Act::Evidence],
            BundleInput::Cancel => vec![Act::Operator(Code::InDoubt)],
            _ => self.by_the_whole(input),
        }
    }

    /// What the certificate of the whole brings about, and the operator's write-off.
    fn by_the_whole(&mut self, input: BundleInput) -> Vec<Act> {
        match (input, self.decides) {
            (BundleInput::WholeAgreed, Decides::Whole) => self.agree(),
            (BundleInput::WholeAborted, Decides::Whole) => {
                self.state = BundleState::Aborted;
                Vec::new()
            }
            (BundleInput::WriteOff, _) => {
                self.state = BundleState::Written;
                Vec::new()
            }
            _ => kept(input),
        }
    }

    fn in_agreed(&self, input: BundleInput) -> Vec<Act> {
        match input {
            BundleInput::Hold(_) => vec![Act::Again(Kept::Manifest)],
            BundleInput::ArmReceipt(_) => vec![Act::Again(Kept::Certificate)],
            BundleInput::Refusal(number) if self.tally.has_armed(number) => vec![Act::Evidence],
            _ => kept(input),
        }
    }

    fn in_aborted(&self, input: BundleInput) -> Vec<Act> {
        match input {
            BundleInput::ArmReceipt(number) if self.tally.has_refused(number) => {
                vec![Act::Evidence]
            }
            BundleInput::Hold(_) | BundleInput::ArmReceipt(_) => vec![Act::Again(Kept::Refusal)],
            _ => kept(input),
        }
    }

    fn is_commit(&self) -> bool {
        self.tally.outcome() == Outcome::Commit
    }

    fn agree(&mut self) -> Vec<Act> {
        self.state = BundleState::Agreed;
        vec![Act::Ack]
    }
}

fn kept(input: BundleInput) -> Vec<Act> {
    if input.is_record() {
        vec![Act::Stored]
    } else {
        Vec::new()
    }
}
