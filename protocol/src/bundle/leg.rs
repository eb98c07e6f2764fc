//! The provider's leg of a bundle (SPEC.md section 20, first table): a step from one state to the
//! next, and what it signs or answers. Whether a record counts is judged before; what is stored and
//! sent is the machine's.

use alloc::{vec, vec::Vec};

use super::{Act, Outcome, Tally};
use crate::{code::Code, words};

mod cells;

words! {
    /// Where a leg stands at its provider.
    pub enum LegState {
        /// The hold is signed, no manifest known.
        1 Held "held",
        /// Closed by a local entry before all who must have greeted, the Refusal owed.
        2 Closed "closed",
        /// Agreed as a deal between two.
        3 Sold "sold",
        /// Refused, alone or as a leg.
        4 Refused "refused",
        /// The manifest is kept; it arms last, or rests on parts.
        5 Waiting "waiting",
        /// It no longer ends by time, and waits for the certificate.
        6 Armed "armed",
        /// The commit certificate is here.
        7 Agreed "agreed",
        /// An abort certificate is here.
        8 Aborted "aborted",
        /// It has waited for as long as its hold said.
        9 Lapsed "lapsed",
    }
}

words! {
    /// What a leg does with the units of its hold.
    pub enum Units {
        /// They are reserved.
        1 Held "held",
        /// They are sold.
        2 Sold "sold",
        /// They are free.
        3 Free "free",
    }
}

impl LegState {
    /// What becomes of the units in this state.
    #[must_use]
    pub const fn units(self) -> Units {
        match self {
            Self::Held | Self::Waiting | Self::Armed => Units::Held,
            Self::Sold | Self::Agreed => Units::Sold,
            Self::Closed | Self::Refused | Self::Aborted | Self::Lapsed => Units::Free,
        }
    }
}

words! {
    /// On what a hold rests.
    pub enum Backing {
        /// On the provider's own stock.
        1 Stock "stock",
        /// On deals that its giver requests in turn.
        2 Parts "parts",
    }
}

/// What a manifest says of this leg.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// How many legs the manifest has that decides: the whole, where this is a part of one.
    pub legs: u16,
    /// The leg's number there; none for a part of a whole, which has no place of its own in it.
    pub number: Option<u16>,
    /// Whether it is named as the one that arms last.
    pub turn: Turn,
}

words! {
    /// When a leg arms.
    pub enum Turn {
        /// When it is asked.
        1 Asked "asked",
        /// When all others have armed.
        2 Last "last",
    }
}

/// What happens to a leg.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LegInput {
    /// The first manifest that names its hold, from whomever.
    Manifest(Place),
    /// Any other manifest that names its hold.
    OtherManifest,
    /// A Commit of its deal alone.
    Commit,
    /// The `ArmReceipt` of the leg with this number of the manifest that decides.
    ArmReceipt(Place, u16),
    /// The Refusal of the leg with this number of the manifest that decides.
    Refusal(Place, u16),
    /// The Lapse of another leg.
    CoLapse,
    /// One's own `ArmReceipt`, shown after a loss.
    OwnArmReceipt(Place),
    /// The requester's Release.
    Release,
    /// All own parts have armed.
    PartsArmed,
    /// One of the own parts was refused.
    PartRefused,
    /// All who must have greeted the present life.
    Greeted,
    /// The end of the hold is noticed.
    Over,
    /// The operator, or the policy, waits no longer.
    Lapse,
    /// The operator takes the hold back.
    Cancel,
}

impl LegInput {
    /// Whether it is a record, which is answered.
    #[must_use]
    pub const fn is_record(self) -> bool {
        match self {
            Self::Manifest(_)
            | Self::OtherManifest
            | Self::Commit
            | Self::ArmReceipt(..)
            | Self::Refusal(..)
            | Self::CoLapse
            | Self::OwnArmReceipt(_)
            | Self::Release => true,
            Self::PartsArmed
            | Self::PartRefused
            | Self::Greeted
            | Self::Over
            | Self::Lapse
            | Self::Cancel => false,
        }
    }
}

words! {
    /// Whether a span of time still runs.
    pub enum Span {
        /// It does.
        1 Runs "runs",
        /// It is over.
        2 Over "over",
    }
}

words! {
    /// Whether all who must greet before a Refusal have greeted the present life: nobody for a deal
    /// of this life, else the requester, and all members once a manifest is known.
    pub enum Greeted {
        /// All have.
        1 All "all",
        /// One has not.
        2 Wanting "wanting",
    }
}

/// What a cell's guards ask, as it is at this instant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LegFacts {
    /// The hold.
    pub hold: Span,
    /// The patience of the hold, since it armed.
    pub patience: Span,
    /// Who has greeted.
    pub greeted: Greeted,
    /// Whether the manifest names the hold that was given, and an alternative of it.
    pub names_hold: bool,
    /// The judgement of the manifest against what the hold says.
    pub fit: Result<(), Code>,
}

/// What is known since the manifest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct Bound {
    place: Place,
    tally: Tally,
    parts: Parts,
}

words! {
    /// How far the own parts are.
    enum Parts {
        /// Not all have armed, or there are none.
        1 Wanting "wanting",
        /// All have.
        2 Armed "armed",
    }
}

/// A leg at its provider.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProviderLeg {
    state: LegState,
    backing: Backing,
    bound: Option<Bound>,
    /// Why it was refused, and whether a Refusal names the leg.
    refused: Option<(Code, Naming)>,
}

words! {
    /// Whether the Refusal of a deal names its leg.
    pub enum Naming {
        /// It was signed before a manifest was known.
        1 Deal "deal",
        /// It names the leg.
        2 Leg "leg",
    }
}

impl ProviderLeg {
    /// A hold that was just signed.
    #[must_use]
    pub const fn held(backing: Backing) -> Self {
        Self {
            state: LegState::Held,
            backing,
            bound: None,
            refused: None,
        }
    }

    /// A leg as a node keeps it: what of the manifest that decides it is known, if one is, and why
    /// it was refused.
    #[must_use]
    pub fn kept(
        state: LegState,
        backing: Backing,
        manifest: Option<(Place, Tally)>,
        refused: Option<(Code, Naming)>,
    ) -> Self {
        let parts = Parts::Wanting;
        Self {
            state,
            backing,
            bound: manifest.map(|(place, tally)| Bound {
                place,
                tally,
                parts,
            }),
            refused,
        }
    }

    /// A deal that was agreed between two.
    #[must_use]
    pub const fn sold(backing: Backing) -> Self {
        Self {
            state: LegState::Sold,
            ..Self::held(backing)
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> LegState {
        self.state
    }

    /// How the manifest that decides it ends, as far as is known here.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.bound
            .map_or(Outcome::Open, |bound| bound.tally.outcome())
    }

    /// Whether a manifest that names its hold is known, so that its Refusal names the leg.
    #[must_use]
    pub const fn is_bound(&self) -> bool {
        self.bound.is_some()
    }

    /// What it becomes, and what is signed and answered in that batch.
    #[must_use]
    pub fn step(&self, input: LegInput, facts: &LegFacts) -> (Self, Vec<Act>) {
        let mut next = *self;
        next.count(input);
        let acts = next.cell(input, facts);
        let refuses = acts.iter().any(|act| matches!(act, Act::Refusal(_)));
        if refuses && facts.greeted == Greeted::Wanting {
            // A life before this one may have armed: nobody has said yet that it did not.
            return (*self, answer(input, Act::Lost));
        }
        (next, acts)
    }

    fn count(&mut self, input: LegInput) {
        let Some(bound) = &mut self.bound else { return };
        match input {
            LegInput::ArmReceipt(_, number) => bound.tally.arm(number),
            LegInput::Refusal(_, number) => bound.tally.refuse(number),
            LegInput::Manifest(_)
            | LegInput::OtherManifest
            | LegInput::Commit
            | LegInput::CoLapse
            | LegInput::OwnArmReceipt(_)
            | LegInput::Release
            | LegInput::PartsArmed
            | LegInput::PartRefused
            | LegInput::Greeted
            | LegInput::Over
            | LegInput::Lapse
            | LegInput::Cancel => {}
        }
    }

    fn bind(&mut self, place: Place) {
        self.bound.get_or_insert(Bound {
            place,
            tally: Tally::new(place.legs),
            parts: Parts::Wanting,
        });
    }

    fn refuse(&mut self, code: Code) -> Vec<Act> {
        self.state = LegState::Refused;
        let naming = match &mut self.bound {
            None => Naming::Deal,
            Some(bound) => {
                // Its own Refusal is the abort certificate; that of a part becomes one through
                // the leg that rests on it.
                if let Some(number) = bound.place.number {
                    bound.tally.refuse(number);
                }
                Naming::Leg
            }
        };
        self.refused = Some((code, naming));
        vec![Act::Refusal(code)]
    }

    /// Arms, and is agreed at once where its own `ArmReceipt` completes the certificate.
    fn arm(&mut self) {
        self.state = LegState::Armed;
        if let Some(bound) = &mut self.bound {
            if let Some(number) = bound.place.number {
                bound.tally.arm(number);
            }
            if bound.tally.outcome() == Outcome::Commit {
                self.state = LegState::Agreed;
            }
        }
    }

    /// Whether nothing is missing but its own `ArmReceipt`.
    fn may_arm(&self) -> bool {
        let Some(bound) = &self.bound else {
            return false;
        };
        let others = match (bound.place.turn, bound.place.number) {
            (Turn::Last, Some(number)) => bound.tally.all_others_armed(number),
            (Turn::Last, None) | (Turn::Asked, _) => true,
        };
        others && (self.backing == Backing::Stock || bound.parts == Parts::Armed)
    }
}

/// An answer goes to a record only.
fn answer(input: LegInput, act: Act) -> Vec<Act> {
    if input.is_record() {
        vec![act]
    } else {
        Vec::new()
    }
}
