//! A middle partner's deal in a chain alone (SPEC.md section 21): the provider's side upstream of
//! what it requests downstream. As a leg of a bundle it is a [`ProviderLeg`](super::ProviderLeg)
//! that rests on parts.

use alloc::{vec, vec::Vec};

use super::{Act, Greeted, Kept, Span};
use crate::{code::Code, words};

words! {
    /// Where a middle partner's deal stands upstream.
    pub enum MiddleState {
        /// The Request is kept, and the parts are asked for.
        1 Asked "asked",
        /// The hold is signed.
        2 Held "held",
        /// Committed upstream and so downstream: it no longer ends by time.
        3 Passed "passed",
        /// Agreed.
        4 Sold "sold",
        /// Refused.
        5 Refused "refused",
    }
}

words! {
    /// What happens to it.
    pub enum MiddleInput {
        /// The requester asks for the hold again.
        1 Request "Request",
        /// The requester's Commit.
        2 Commit "Commit",
        /// The requester's Release.
        3 Release "Release",
        /// All parts are held, so that this one may be.
        4 PartsHeld "parts held",
        /// The decision or certificate downstream agrees.
        5 PartAgreed "part agreed",
        /// The decision or certificate downstream refuses.
        6 PartRefused "part refused",
        /// The end of the hold, or of the Request, is noticed.
        7 Over "over",
        /// The operator takes the hold back, or declines.
        8 Cancel "cancel",
    }
}

impl MiddleInput {
    /// Whether it is a record of the partner upstream, which is answered.
    #[must_use]
    pub const fn is_record(self) -> bool {
        matches!(self, Self::Request | Self::Commit | Self::Release)
    }
}

words! {
    /// Whether the parts were committed: after a loss the own Commit may have been shown before the
    /// one upstream came again.
    pub enum Parts {
        /// They were not.
        1 Free "free",
        /// They were.
        2 Committed "committed",
        /// One of them was refused: nothing can be promised with it any more.
        3 Refused "refused",
    }
}

/// What a cell's guards ask, as it is at this instant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MiddleFacts {
    /// The hold, or before it the validity of the Request.
    pub hold: Span,
    /// Whether all have greeted for whom the cell would sign a Hold, Commit, Receipt or Refusal.
    pub greeted: Greeted,
    /// Whether the Commit names the hold that was given.
    pub names_hold: bool,
    /// What was signed downstream.
    pub parts: Parts,
    /// The judgement of a hold that is to rest on the parts.
    pub fit: Result<(), Code>,
}

/// The step from one state to the next, and what is signed and answered in that batch.
#[must_use]
pub fn step(
    state: MiddleState,
    input: MiddleInput,
    facts: &MiddleFacts,
) -> (MiddleState, Vec<Act>) {
    let (next, acts) = cell(state, input, facts);
    let signs = acts.iter().any(|act| {
        matches!(
            act,
            Act::Hold | Act::Commit | Act::Receipt | Act::Refusal(_)
        )
    });
    if signs && facts.greeted == Greeted::Wanting {
        // It comes again, or is looked at again when they greet.
        return (state, Vec::new());
    }
    (next, acts)
}

fn cell(state: MiddleState, input: MiddleInput, facts: &MiddleFacts) -> (MiddleState, Vec<Act>) {
    use MiddleState::{Asked, Held, Passed, Refused, Sold};

    let given_back = |code| (Refused, vec![Act::Refusal(code), Act::Release]);
    let stay = |act| (state, vec![act]);
    match (state, input) {
        (Asked, MiddleInput::PartsHeld) => match facts.fit {
            Ok(()) => (Held, vec![Act::Hold]),
            Err(code) => given_back(code),
        },
        (Asked | Held, MiddleInput::Release) => given_back(Code::Released),
        (Asked, MiddleInput::Cancel) => given_back(Code::Declined),
        (Asked, MiddleInput::Over) => given_back(Code::ValidityOver),
        (Held, MiddleInput::Commit) => commit(facts),
        (Held, MiddleInput::Over) if facts.parts == Parts::Committed => (Held, Vec::new()),
        (Held, MiddleInput::Over) => given_back(Code::HoldOver),
        (Held, MiddleInput::Cancel) => stay(Act::Operator(Code::HoldStands)),
        (Held | Passed, MiddleInput::PartRefused) => given_back(Code::PartRefused),
        (Held | Passed, MiddleInput::Request) => stay(Act::Again(Kept::Hold)),
        (Passed, MiddleInput::Release) => stay(Act::Evidence),
        (Passed, MiddleInput::PartAgreed) => (Sold, vec![Act::Receipt]),
        (Passed, MiddleInput::Cancel) => stay(Act::Operator(Code::InDoubt)),
        (Sold, MiddleInput::Request | MiddleInput::Commit) => stay(Act::Again(Kept::Receipt)),
        (Sold, MiddleInput::Release) => (Sold, vec![Act::Evidence, Act::Again(Kept::Receipt)]),
        (Refused, MiddleInput::PartsHeld) => stay(Act::Release),
        (Refused, _) if input.is_record() => stay(Act::Again(Kept::Refusal)),
        _ if input.is_record() => stay(Act::Stored),
        _ => (state, Vec::new()),
    }
}

fn commit(facts: &MiddleFacts) -> (MiddleState, Vec<Act>) {
    let is_over = facts.hold == Span::Over;
    match facts.parts {
        _ if !facts.names_hold => (MiddleState::Held, vec![Act::Reject(Code::HoldUnknown)]),
        Parts::Committed => (MiddleState::Passed, vec![Act::Stored]),
        Parts::Refused => (
            MiddleState::Refused,
            vec![Act::Refusal(Code::PartRefused), Act::Release],
        ),
        Parts::Free if is_over => (
            MiddleState::Refused,
            vec![Act::Refusal(Code::HoldOver), Act::Release],
        ),
        Parts::Free => (MiddleState::Passed, vec![Act::Commit]),
    }
}
