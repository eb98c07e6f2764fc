//! The records by which a deal between two is decided: Request, Hold, Commit, Receipt, Refusal,
//! Release, Ack. Receipt and Refusal name ids, codes and times and never terms, so they can be
//! shown outside their deal.

use crate::{
    body,
    code::{Code, Fault},
    fence::Bytes,
    hash::{DealId, ManifestId, PassedOn, RecordId, TermsHash},
    limits::CHAIN_DEPTH_MAX,
    thread::{Header, Terms, header::within_a_thread},
    trade::Absent,
    value::{Invalid, Time},
    wire, words,
};

words! {
    /// With whose legs the giver of a hold will wait in a bundle, the fewest first.
    pub enum CoLegs {
        /// With nobody's.
        1 None "none",
        /// With those of partners that it knows.
        2 Known "known",
        /// With anybody's.
        3 Any "any",
    }
}

/// What a hold promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HoldTerms {
    /// Until when it stands.
    pub until: Time,
    /// That it rests on holds of others: a salted commitment to their deal ids.
    pub passed_on: Option<PassedOn>,
    /// How many milliseconds its giver waits in doubt for the rest of a bundle.
    pub patience_ms: u64,
    /// With whose legs it waits.
    pub co_legs: CoLegs,
    /// Whether it wishes to arm last.
    pub arm_last: bool,
}

wire!(HoldTerms {
    until,
    passed_on,
    patience_ms,
    co_legs,
    arm_last
});

impl HoldTerms {
    /// A hold of a deal between two: it ends at `until` and has no part in chains and bundles.
    #[must_use]
    pub const fn alone(until: Time) -> Self {
        Self {
            until,
            passed_on: None,
            patience_ms: 0,
            co_legs: CoLegs::None,
            arm_last: false,
        }
    }
}

/// The alternative of a proposal that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// The proposal.
    pub proposal: RecordId,
    /// Which of its alternatives, from 0. Whether it has so many is judged where it is known.
    pub alternative: u8,
}

wire!(Choice {
    proposal,
    alternative
});

/// The place of a deal in a chain, above which another deal rests on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chain {
    /// The chain: the topmost deal, which rests on the others and is in no chain itself.
    pub id: DealId,
    /// How many deals rest on this one, from 1 to `CHAIN_DEPTH_MAX`.
    pub depth: u8,
}

wire!(Chain { id, depth } check);

impl Chain {
    fn check(&self) -> Result<(), Invalid> {
        if (1..=CHAIN_DEPTH_MAX).contains(&self.depth) {
            Ok(())
        } else {
            Err(Invalid::Rule(
                "a chain must be no deeper than it may be; name a depth from 1 on",
            ))
        }
    }
}

/// The requester asks for a hold. Its id is the deal id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Header; its salt is the request's nonce.
    pub header: Header,
    /// The provider's standing proposal that it accepts; absent where there is none.
    pub proposal: Option<Choice>,
    /// Until when it may be answered with a Hold.
    pub valid_until: Time,
    /// The terms.
    pub terms: Terms,
    /// Its place in a chain, if another deal of the requester rests on it.
    pub chain: Option<Chain>,
}

wire!(Request { header, proposal, valid_until, terms, chain } check);
body!(Request);

impl Request {
    fn check(&self) -> Result<(), Invalid> {
        if self.chain.is_some() && !self.terms.conditions().for_chain {
            return Err(Invalid::Rule(
                "the terms of a deal in a chain must say that they are for one",
            ));
        }
        Ok(())
    }
}

/// The provider's signed reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hold {
    /// Header.
    pub header: Header,
    /// The deal.
    pub deal: DealId,
    /// Hash of the terms that it holds for.
    pub terms: TermsHash,
    /// What it promises.
    pub hold: HoldTerms,
}

wire!(Hold { header, deal, terms, hold } check);
body!(Hold);

/// The requester's irrevocable signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Commit {
    /// Header.
    pub header: Header,
    /// The deal.
    pub deal: DealId,
    /// The Hold, or the provider's firm Proposal.
    pub hold: RecordId,
    /// Which alternative of the firm proposal, from 0; 0 for a Hold.
    pub alternative: u8,
    /// Always absent: what commits a bundle is its Manifest.
    pub manifest: Absent,
}

wire!(Commit { header, deal, hold, alternative, manifest } check);
body!(Commit);

/// The provider's decision that the deal is agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Receipt {
    /// Header.
    pub header: Header,
    /// The deal.
    pub deal: DealId,
    /// The Commit, or the requester's firm Proposal.
    pub commit: RecordId,
    /// Which alternative was agreed, from 0.
    pub alternative: u8,
}

wire!(Receipt { header, deal, commit, alternative } check);
body!(Receipt);

words! {
    /// Which party a refusal is laid to.
    pub enum AtFault {
        /// The provider.
        1 Provider "provider",
        /// The requester.
        2 Requester "requester",
        /// Neither.
        3 Nobody "nobody",
    }
}

impl AtFault {
    /// The party at fault when a provider refuses for this reason.
    #[must_use]
    pub const fn of(code: Code) -> Self {
        match code.fault() {
            Fault::Ours => Self::Provider,
            Fault::Theirs => Self::Requester,
            Fault::Nobody => Self::Nobody,
        }
    }
}

/// A leg of a bundle by its manifest and its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegName {
    /// The manifest.
    pub manifest: ManifestId,
    /// The leg's number, from 0. Whether the manifest has so many is judged where it is known.
    pub number: u16,
}

wire!(LegName { manifest, number });

/// The provider's decision that there is no deal, or that a leg of a bundle does not arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    /// Header.
    pub header: Header,
    /// The deal.
    pub deal: DealId,
    /// Why.
    pub code: Code,
    /// To whom it is laid.
    pub fault: AtFault,
    /// The leg of a bundle that it decides, and nothing else; absent for a deal between two.
    pub leg: Option<LegName>,
}

wire!(Refusal { header, deal, code, fault, leg } check);
body!(Refusal);

/// The requester gives a hold back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Release {
    /// Header.
    pub header: Header,
    /// The deal.
    pub deal: DealId,
}

wire!(Release { header, deal } check);
body!(Release);

/// The requester has kept the Receipt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ack {
    /// Header.
    pub header: Header,
    /// The Receipt.
    pub receipt: RecordId,
    /// A cosignature of the checkpoint that came with it; this version leaves it empty and reads
    /// none.
    pub cosignature: Bytes<128>,
}

wire!(Ack { header, receipt, cosignature } check);
body!(Ack);

within_a_thread!(Hold, Commit, Receipt, Refusal, Release, Ack);
