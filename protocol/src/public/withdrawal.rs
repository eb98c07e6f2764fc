//! Withdrawal: the end of an offer or an availability, whose slot it takes.

use crate::{
    body,
    hash::SubjectId,
    slot::{Family, Revision},
    value::Invalid,
    wire, words,
};

words! {
    /// Why something was withdrawn.
    pub enum WithdrawalReason {
        /// It is sold no longer.
        1 Ended "ended",
        /// Something else took its place.
        2 Replaced "replaced",
        /// It should not have been published.
        3 Mistake "mistake",
    }
}

/// The end of an offer or an availability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Withdrawal {
    /// Revision.
    pub revision: Revision,
    family: Family,
    subject: SubjectId,
    /// Why.
    pub reason: WithdrawalReason,
}

wire!(Withdrawal { revision, family, subject, reason } check);
body!(Withdrawal);

impl Withdrawal {
    /// The withdrawal of the offer with this subject.
    #[must_use]
    pub const fn of_offer(
        revision: Revision,
        subject: SubjectId,
        reason: WithdrawalReason,
    ) -> Self {
        Self {
            revision,
            family: Family::Offer,
            subject,
            reason,
        }
    }

    /// The withdrawal of the availability with this subject.
    #[must_use]
    pub const fn of_availability(
        revision: Revision,
        subject: SubjectId,
        reason: WithdrawalReason,
    ) -> Self {
        Self {
            revision,
            family: Family::Availability,
            subject,
            reason,
        }
    }

    fn check(&self) -> Result<(), Invalid> {
        match self.family {
            Family::Offer | Family::Availability => Ok(()),
            Family::Profile | Family::CatalogueHead => Err(Invalid::Rule(
                "only an Offer or an Availability can be withdrawn",
            )),
        }
    }

    /// What is withdrawn: an offer or an availability.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// The subject of what is withdrawn.
    #[must_use]
    pub const fn subject(&self) -> SubjectId {
        self.subject
    }
}
