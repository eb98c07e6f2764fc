//! The cells of the table of the provider's leg, state by state.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a cell that the table does not list stays, and is answered by Stored"
)]

use alloc::{vec, vec::Vec};

use super::{
    Backing, Greeted, LegFacts, LegInput, LegState, Naming, Parts, Place, ProviderLeg, Span, Turn,
    answer,
};
use crate::{
    bundle::{Act, Kept, Outcome},
    code::Code,
};

impl ProviderLeg {
    pub(super) fn cell(&mut self, input: LegInput, facts: &LegFacts) -> Vec<Act> {
        match self.state {
            LegState::Held => self.in_held(input, facts),
            LegState::Closed => self.in_closed(input, facts),
            LegState::Waiting => self.in_waiting(input, facts),
            LegState::Armed => self.in_armed(input, facts),
            LegState::Agreed => match input {
                LegInput::Manifest(_) => vec![Act::Again(Kept::Certificate)],
                LegInput::OtherManifest => other_manifest(),
                LegInput::Commit | LegInput::Release | LegInput::Refusal(..) => {
                    vec![Act::Evidence]
                }
                _ => answer(input, Act::Stored),
            },
            LegState::Aborted => self.in_aborted(input),
            LegState::Lapsed => match input {
                LegInput::Manifest(_) => vec![Act::Again(Kept::Lapse)],
                LegInput::OtherManifest => other_manifest(),
                _ => answer(input, Act::Stored),
            },
            LegState::Refused => self.in_refused(input, facts),
            LegState::Sold => match input {
                LegInput::Manifest(_) => other_manifest(),
                _ => answer(input, Act::Stored),
            },
        }
    }

    fn in_held(&mut self, input: LegInput, facts: &LegFacts) -> Vec<Act> {
        match input {
            LegInput::PartRefused => self.refuse(Code::PartRefused),
            LegInput::Over if facts.greeted == Greeted::Wanting => self.close(),
            LegInput::Over => self.refuse(Code::HoldOver),
            LegInput::Cancel => vec![Act::Operator(Code::HoldStands)],
            _ => self.in_held_or_closed(input, facts),
        }
    }

    fn in_closed(&mut self, input: LegInput, facts: &LegFacts) -> Vec<Act> {
        match input {
            LegInput::Greeted => self.refuse(Code::HoldOver),
            _ => self.in_held_or_closed(input, facts),
        }
    }

    fn in_held_or_closed(&mut self, input: LegInput, facts: &LegFacts) -> Vec<Act> {
        let place = match input {
            LegInput::Manifest(place)
            | LegInput::ArmReceipt(place, _)
            | LegInput::Refusal(place, _)
            | LegInput::OwnArmReceipt(place) => place,
            LegInput::Release => return self.refuse(Code::Released),
            _ => return answer(input, Act::Stored),
        };
        if !facts.names_hold {
            return vec![Act::Reject(Code::HoldUnknown)];
        }
        self.bind(place);
        match input {
            LegInput::Refusal(..) => {
                self.count(input);
                self.end(LegState::Aborted)
            }
            LegInput::OwnArmReceipt(_) => {
                self.arm();
                vec![Act::Stored]
            }
            _ => {
                let acts = self.take_manifest(place, facts);
                self.then_the_record(acts, input, facts)
            }
        }
    }

    fn take_manifest(&mut self, place: Place, facts: &LegFacts) -> Vec<Act> {
        if self.state == LegState::Closed || facts.hold == Span::Over {
            return self.refuse(Code::HoldOver);
        }
        if let Err(code) = facts.fit {
            return self.refuse(code);
        }
        if self.backing == Backing::Parts {
            self.state = LegState::Waiting;
            return vec![Act::Manifest];
        }
        if place.turn == Turn::Last {
            return self.end(LegState::Waiting);
        }
        self.arm();
        vec![Act::ArmReceipt]
    }

    /// After the manifest that it brought, an `ArmReceipt` is taken itself; a refused leg only serves
    /// its Refusal.
    fn then_the_record(&mut self, first: Vec<Act>, input: LegInput, facts: &LegFacts) -> Vec<Act> {
        if !matches!(input, LegInput::ArmReceipt(..)) || self.state == LegState::Refused {
            return first;
        }
        self.count(input);
        let then = self.cell(input, facts);
        let acts = first.into_iter().chain(then);
        let signed: Vec<Act> = acts.filter(|act| *act != Act::Stored).collect();
        if signed.is_empty() {
            vec![Act::Stored]
        } else {
            signed
        }
    }

    fn in_waiting(&mut self, input: LegInput, facts: &LegFacts) -> Vec<Act> {
        match input {
            LegInput::OtherManifest => other_manifest(),
            LegInput::Commit => vec![Act::Evidence],
            LegInput::ArmReceipt(..) if !self.may_arm() => vec![Act::Stored],
            LegInput::ArmReceipt(..) => self.arm_in_time(facts),
            LegInput::PartsArmed => {
                if let Some(bound) = &mut self.bound {
                    bound.parts = Parts::Armed;
                }
                if facts.hold == Span::Over || self.may_arm() {
                    self.arm_in_time(facts)
                } else {
                    Vec::new()
                }
            }
            LegInput::PartRefused => self.refuse(Code::PartRefused),
            LegInput::Refusal(..) => self.end(LegState::Aborted),
            LegInput::OwnArmReceipt(_) => {
                self.arm();
                vec![Act::Stored]
            }
            LegInput::Release => {
                let mut acts = self.refuse(Code::Released);
                acts.push(Act::Evidence);
                acts
            }
            LegInput::Over if facts.greeted == Greeted::Wanting => self.close(),
            LegInput::Over => self.refuse(Code::HoldOver),
            LegInput::Cancel => vec![Act::Operator(Code::HoldStands)],
            _ => answer(input, Act::Stored),
        }
    }

    fn arm_in_time(&mut self, facts: &LegFacts) -> Vec<Act> {
        if facts.hold == Span::Over {
            return self.refuse(Code::HoldOver);
        }
        self.arm();
        vec![Act::ArmReceipt]
    }

    fn in_armed(&mut self, input: LegInput, facts: &LegFacts) -> Vec<Act> {
        match input {
            LegInput::Manifest(_) => vec![Act::Again(Kept::ArmReceipt)],
            LegInput::OtherManifest => other_manifest(),
            LegInput::Commit | LegInput::Release => vec![Act::Evidence],
            LegInput::ArmReceipt(..) if self.outcome() == Outcome::Commit => {
                self.end(LegState::Agreed)
            }
            LegInput::Refusal(..) => self.end(LegState::Aborted),
            LegInput::Greeted => vec![Act::WhatIs],
            LegInput::Lapse if facts.patience == Span::Runs => {
                vec![Act::Operator(Code::PatienceRuns)]
            }
            LegInput::Lapse => {
                self.state = LegState::Lapsed;
                vec![Act::Lapse]
            }
            LegInput::Cancel => vec![Act::Operator(Code::InDoubt)],
            _ => answer(input, Act::Stored),
        }
    }

    fn in_aborted(&mut self, input: LegInput) -> Vec<Act> {
        match input {
            LegInput::Manifest(_) => vec![Act::Again(Kept::Refusal)],
            LegInput::OtherManifest => other_manifest(),
            LegInput::ArmReceipt(_, number) if self.has_refused(number) => vec![Act::Evidence],
            LegInput::ArmReceipt(..) => vec![Act::Again(Kept::Refusal)],
            _ => answer(input, Act::Stored),
        }
    }

    fn has_refused(&self, number: u16) -> bool {
        self.bound
            .is_some_and(|bound| bound.tally.has_refused(number))
    }

    fn in_refused(&mut self, input: LegInput, facts: &LegFacts) -> Vec<Act> {
        match (input, self.refused) {
            (_, Some((code, Naming::Deal))) if facts.names_hold => match input {
                LegInput::Manifest(place) | LegInput::ArmReceipt(place, _) => {
                    self.bind(place);
                    self.refuse(code)
                }
                LegInput::OwnArmReceipt(place) => {
                    self.bind(place);
                    self.refused = None;
                    self.arm();
                    vec![Act::Stored]
                }
                _ => answer(input, Act::Stored),
            },
            (LegInput::Manifest(_) | LegInput::ArmReceipt(..), _) => {
                vec![Act::Again(Kept::Refusal)]
            }
            (LegInput::OtherManifest, _) => other_manifest(),
            _ => answer(input, Act::Stored),
        }
    }

    fn close(&mut self) -> Vec<Act> {
        self.state = LegState::Closed;
        Vec::new()
    }

    /// A record brings it here, and is kept.
    fn end(&mut self, state: LegState) -> Vec<Act> {
        self.state = state;
        vec![Act::Stored]
    }
}

/// A hold arms for one manifest: the other is refused, and both are proof against their author.
fn other_manifest() -> Vec<Act> {
    vec![Act::Refusal(Code::OtherManifest), Act::Evidence]
}
