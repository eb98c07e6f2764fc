//! Refusal codes (SPEC.md section 18): why something was refused, whose fault that is, and one
//! sentence for people. The order of the numbers is the order of precedence.

use core::fmt;

use crate::{
    fence::{Reader, Wire, Writer},
    value::Invalid,
};

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The sender of what was refused.
    Theirs,
    /// The node that refuses.
    Ours,
    /// Neither.
    Nobody,
}

impl Fault {
    /// The word of SPEC.md.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Theirs => "theirs",
            Self::Ours => "ours",
            Self::Nobody => "nobody",
        }
    }
}

macro_rules! codes {
    ($($number:literal $variant:ident $name:literal $fault:ident $sentence:literal;)*) => {
        /// The reason of a refusal. A smaller code goes before a larger one where both apply.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Code {
            $(#[doc = $sentence] $variant = $number,)*
        }

        impl Code {
            /// All codes, in their order of precedence.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code with this number, if this version has one.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The name by which the API, the CLI and the log call it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Whose fault it is.
            #[must_use]
            pub const fn fault(self) -> Fault {
                match self {
                    $(Self::$variant => Fault::$fault,)*
                }
            }

            /// What is said to a person.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$variant => $sentence,)*
                }
            }
        }
    };
}

codes! {
    1 TooLarge "too-large" Theirs "It is larger than this kind of thing may be.";
    2 Malformed "malformed" Theirs "It can't be read as what it says it is.";
    3 NotCanonical "not-canonical" Theirs "It is not in the one form that its content has.";
    4 UnknownKind "unknown-kind" Nobody "This version does not know this kind of record.";
    5 WrongNetwork "wrong-network" Theirs "It belongs to another network.";
    6 FromFuture "from-future" Nobody "Its time lies ahead of this node's clock.";
    7 Expired "expired" Nobody "Its validity is over.";
    8 Outdated "outdated" Nobody "A newer one is known.";
    9 OverBudget "over-budget" Theirs "Its author has used up what this node keeps for it.";
    10 UnknownKeys "unknown-keys" Nobody "The author's keys are not known yet.";
    11 BadKeys "bad-keys" Theirs "The key events do not form a chain.";
    12 StaleKey "stale-key" Theirs "The key that signed it is no longer in force.";
    13 BadDelegation "bad-delegation" Theirs "The node is not delegated by this partner, or no longer.";
    14 BadProof "bad-proof" Theirs "The proof does not lead to the record.";
    15 BadSignature "bad-signature" Theirs "The signature is not the author's.";
    16 Void "void" Theirs "It was made by an earlier life and never announced.";
    20 NotAddressed "not-addressed" Theirs "It is addressed to someone else.";
    21 ThreadUnknown "thread-unknown" Theirs "No such thread is known between these partners.";
    22 ParentUnknown "parent-unknown" Theirs "What it answers is not known.";
    23 NotYourTurn "not-your-turn" Theirs "The other side has the turn.";
    24 RoundsOver "rounds-over" Theirs "The thread has used its rounds.";
    25 DealOpen "deal-open" Theirs "Another deal of the thread is open.";
    26 DealUnknown "deal-unknown" Theirs "No such deal is known.";
    27 HoldUnknown "hold-unknown" Theirs "No such hold was given.";
    28 NoCommit "no-commit" Theirs "Nothing was committed that this decides.";
    29 HoldStands "hold-stands" Ours "A hold stands until it ends or is released.";
    30 InDoubt "in-doubt" Nobody "A commit was sent and is not decided yet.";
    31 VersionBusy "version-busy" Nobody "Another change of this version is open.";
    32 VersionPast "version-past" Theirs "The order has changed since.";
    33 LegUnknown "leg-unknown" Theirs "The manifest has no such leg.";
    34 OtherManifest "other-manifest" Theirs "The hold is bound to another manifest or commit.";
    35 CoLegsRefused "co-legs-refused" Theirs "The hold does not wait for one of the other legs.";
    36 PatienceRuns "patience-runs" Ours "An armed leg waits until its patience is over.";
    40 TooOld "too-old" Theirs "It ended before what this node still remembers.";
    41 ValidityOver "validity-over" Theirs "Its validity was over when it came.";
    42 ValidityWrong "validity-wrong" Theirs "Its validity is shorter or longer than allowed.";
    43 TotalsDiffer "totals-differ" Theirs "Its totals are not what its lines give.";
    44 OfferUnknown "offer-unknown" Theirs "No such offer stands.";
    45 PriceRefused "price-refused" Ours "The price is not granted.";
    46 QuantityStep "quantity-step" Theirs "The quantity is not a multiple of the increment.";
    47 QuantityRange "quantity-range" Theirs "The quantity is below the minimum or above the maximum.";
    48 NotServed "not-served" Ours "The method or the region is not served.";
    49 NotTrusted "not-trusted" Ours "This partner may not do that here.";
    50 OverCredit "over-credit" Ours "It would exceed the credit granted.";
    51 OverHolds "over-holds" Ours "This partner has used up its holds.";
    52 NoStock "no-stock" Ours "There is not enough of it.";
    53 InChain "in-chain" Nobody "This node already has a deal of this chain.";
    54 SlotUnknown "slot-unknown" Theirs "No slot that is still to come begins and ends then.";
    55 SlotFull "slot-full" Ours "No place of this slot is left.";
    60 Declined "declined" Ours "The operator declined.";
    61 Countered "countered" Ours "A counter-proposal took its place.";
    62 Released "released" Theirs "The requester gave it back.";
    63 HoldOver "hold-over" Nobody "The hold had ended.";
    64 Quarantined "quarantined" Theirs "This partner has contradicted itself.";
    65 Recovering "recovering" Ours "This node is recovering and signs nothing yet.";
    66 Lost "lost" Ours "This node lacks what it once signed.";
    67 Overloaded "overloaded" Ours "This node takes no more work just now.";
    68 PartRefused "part-refused" Ours "A part that it rests on was refused.";
    69 ChangesOrder "changes-order" Ours "It changes an order, and no part is asked for that.";
}

impl Code {
    /// The number that travels.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The code with this name, if this version has one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.sentence())
    }
}

impl core::error::Error for Code {}

/// What a peer sends and no valid value could have produced can't be read.
impl From<Invalid> for Code {
    fn from(_: Invalid) -> Self {
        Self::Malformed
    }
}

impl Wire for Code {
    fn put(&self, writer: &mut Writer<'_>) {
        self.number().put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        Self::from_number(u16::take(reader)?).ok_or(Invalid::Word { what: "code" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_lead_back() {
        for pair in Code::ALL.windows(2) {
            assert!(
                pair[0] < pair[1] && pair[0].number() < pair[1].number(),
                "{pair:?}"
            );
        }
        for &code in Code::ALL {
            assert_eq!(Code::from_number(code.number()), Some(code));
            assert_eq!(Code::from_name(code.name()), Some(code));
        }
        for unused in [0, 17, 37, 56, 70, u16::MAX] {
            assert_eq!(Code::from_number(unused), None, "{unused}");
        }
    }
}
