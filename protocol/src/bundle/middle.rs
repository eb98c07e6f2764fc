//! A middle partner's deal in a chain alone (SPEC.md section 21): the provider's side upstream of
//! what it requests downstream. As a leg of a bundle it is a [`ProviderLeg`](super::ProviderLeg)
//! that rests on parts.

use alloc::{vec, vec::Vec};

use super::{Act, Kept, Span};
use crate::{code::Code, words};

words! {
    /// Where a middle partner's deal stands upstream.
    pub enum MiddleState {
        /// The hold is signed.
        1 Held "held",
        /// Committed upstream and so downstream: it no longer ends by time.
        2 Passed "passed",
        /// Agreed.
        3 Sold "sold",
        /// Refused.
        4 Refused "refused",
    }
}

words! {
    /// What happens to it.
    pub enum MiddleInput {
        /// The requester's Commit.
        1 Commit "Commit",
        /// The requester's Release.
        2 Release "Release",
        /// The decision or certificate downstream agrees.
        3 PartAgreed "part agreed",
        /// The decision or certificate downstream refuses.
        4 PartRefused "part refused",
        /// The end of the hold is noticed.
        5 Over "over",
        /// The operator takes the hold back.
        6 Cancel "cancel",
    }
}

impl MiddleInput {
    /// Whether it is a record of the partner upstream, which is answered.
    #[must_use]
    pub const fn is_record(self) -> bool {
        matches!(self, Self::Commit | Self::Release)
    }
}

/// The step from one state to the next, and what is signed and answered in that batch.
#[must_use]
pub fn step(state: MiddleState, input: MiddleInput, hold: Span) -> (MiddleState, Vec<Act>) {
    use MiddleState::{Held, Passed, Refused, Sold};

    let refused = |code| (Refused, vec![Act::Refusal(code)]);
    let given_back = |code| (Refused, vec![Act::Refusal(code), Act::Release]);
    match (state, input) {
        (Held, MiddleInput::Commit) if hold == Span::Over => given_back(Code::HoldOver),
        (Held, MiddleInput::Commit) => (Passed, vec![Act::Commit]),
        (Held, MiddleInput::Release) => given_back(Code::Released),
        (Held, MiddleInput::Over) => given_back(Code::HoldOver),
        (Held, MiddleInput::Cancel) => (Held, vec![Act::Operator(Code::HoldStands)]),
        (Held | Passed, MiddleInput::PartRefused) => refused(Code::PartRefused),
        (Passed, MiddleInput::Release) => (Passed, vec![Act::Evidence]),
        (Passed, MiddleInput::PartAgreed) => (Sold, vec![Act::Receipt]),
        (Passed, MiddleInput::Cancel) => (Passed, vec![Act::Operator(Code::InDoubt)]),
        (Sold, MiddleInput::PartRefused) => (Sold, vec![Act::Evidence]),
        (Sold, MiddleInput::Commit | MiddleInput::Release) => {
            (Sold, vec![Act::Again(Kept::Receipt)])
        }
        (Refused, MiddleInput::Commit | MiddleInput::Release) => {
            (Refused, vec![Act::Again(Kept::Refusal)])
        }
        _ if input.is_record() => (state, vec![Act::Stored]),
        _ => (state, Vec::new()),
    }
}
