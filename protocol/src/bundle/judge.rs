//! What the records of a bundle prove (SPEC.md section 20): which leg an `ArmReceipt`, a Refusal or a
//! Lapse counts for, whom a hold waits for, and which records contradict each other. Signatures
//! have been checked before.

use crate::{
    bundle::{Leg, Manifest},
    code::Code,
    hash::{DealId, ManifestId, PartnerId},
    thread::{CoLegs, LegName},
};

impl Manifest {
    /// The partner that committed the legs, if it is the author of the record.
    ///
    /// # Errors
    /// `not-addressed` if the first member, or whom it is addressed to, is another.
    pub fn requester(&self, author: PartnerId) -> Result<PartnerId, Code> {
        let first = self.members().first().map(|member| member.partner);
        if first == Some(author) && self.header().to == author {
            Ok(author)
        } else {
            Err(Code::NotAddressed)
        }
    }

    /// The leg of this number with its provider.
    #[must_use]
    pub fn leg(&self, number: u16) -> Option<(PartnerId, &Leg)> {
        let leg = self.legs().get(usize::from(number))?;
        let member = self.members().get(usize::from(leg.member))?;
        Some((member.partner, leg))
    }

    /// Whether it admits this partner to what it binds.
    #[must_use]
    pub fn admits(&self, partner: PartnerId) -> bool {
        self.members()
            .iter()
            .any(|member| member.partner == partner)
    }

    /// For which leg of this manifest, whose id is given, a record of this author counts.
    ///
    /// # Errors
    /// `leg-unknown` if it names another manifest, a leg that is not there, or not the deal or the
    /// provider of that leg.
    pub fn counts(
        &self,
        id: ManifestId,
        author: PartnerId,
        (deal, named): (DealId, LegName),
    ) -> Result<u16, Code> {
        let leg = self.leg(named.number).filter(|_| named.manifest == id);
        match leg {
            Some((provider, leg)) if provider == author && leg.deal == deal => Ok(named.number),
            Some(_) | None => Err(Code::LegUnknown),
        }
    }

    /// Whether a hold of `giver` with this word waits for the other members. Of a part it is asked
    /// for the manifest of the whole too.
    ///
    /// # Errors
    /// `co-legs-refused`.
    pub fn waits(
        &self,
        giver: PartnerId,
        co_legs: CoLegs,
        is_partner: impl Fn(PartnerId) -> bool,
    ) -> Result<(), Code> {
        let waits = match co_legs {
            CoLegs::None => false,
            CoLegs::Any => true,
            CoLegs::Known => self
                .members()
                .iter()
                .all(|member| member.partner == giver || is_partner(member.partner)),
        };
        if waits {
            Ok(())
        } else {
            Err(Code::CoLegsRefused)
        }
    }

    /// Whether both name one hold: of one author that is proof against it.
    #[must_use]
    pub fn contradicts(&self, other: &Self) -> bool {
        let held = |leg: &Leg| other.legs().iter().any(|one| one.hold == leg.hold);
        self != other && self.legs().iter().any(held)
    }
}
