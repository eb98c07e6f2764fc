//! The bodies of the records that an author publishes (SPEC.md section 8.1). They keep out how such
//! records spread, and whether a node keeps them.

mod availability;
mod catalogue;
mod evidence;
mod offer;
mod profile;
mod withdrawal;

use alloc::boxed::Box;

pub use self::{
    availability::{Availability, Band},
    catalogue::{CatalogueHead, Fingerprint, IdSum},
    evidence::{Claim, Evidence, Exhibit, ExhibitForm},
    offer::{
        Attribute, Calendar, Category, FieldError, Media, MediaRole, Offer, OfferDraft, Period,
        Recurring, Service, Tier,
    },
    profile::{Business, Profile},
    withdrawal::{Withdrawal, WithdrawalReason},
};
use crate::{
    bodies,
    hash::{PartnerId, SubjectId},
    identity::KeyEvent,
    limits::{DAY_MS, WITHDRAWAL_DAYS},
    slot::{Family, Revision, Slot},
    value::Time,
};

/// The body of a public record of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicBody {
    /// An event of the author's key chain.
    KeyEvent(Box<KeyEvent>),
    /// Who the author is.
    Profile(Box<Profile>),
    /// How large the author's catalogue is.
    CatalogueHead(CatalogueHead),
    /// What the author would sell.
    Offer(Box<Offer>),
    /// Whether an offer can be had.
    Availability(Availability),
    /// The end of an offer or an availability.
    Withdrawal(Withdrawal),
    /// Proof that a partner contradicted itself.
    Evidence(Evidence),
}

bodies!(PublicBody {
    KeyEvent,
    Profile,
    CatalogueHead,
    Offer,
    Availability,
    Withdrawal,
    Evidence
});

impl PublicBody {
    /// The revision, of the kinds that fill a slot.
    #[must_use]
    pub fn revision(&self) -> Option<Revision> {
        match self {
            Self::Profile(profile) => Some(profile.revision),
            Self::CatalogueHead(head) => Some(head.revision),
            Self::Offer(offer) => Some(offer.revision()),
            Self::Availability(availability) => Some(availability.revision),
            Self::Withdrawal(withdrawal) => Some(withdrawal.revision),
            Self::KeyEvent(_) | Self::Evidence(_) => None,
        }
    }

    /// The slot that it fills as a record of `author`, of the kinds that fill one.
    #[must_use]
    pub fn slot(&self, author: PartnerId) -> Option<Slot> {
        let (family, subject) = match self {
            Self::Profile(_) => (Family::Profile, SubjectId::ONLY),
            Self::CatalogueHead(_) => (Family::CatalogueHead, SubjectId::ONLY),
            Self::Offer(offer) => (Family::Offer, offer.subject()),
            Self::Availability(availability) => (Family::Availability, availability.subject),
            Self::Withdrawal(withdrawal) => (withdrawal.family(), withdrawal.subject()),
            Self::KeyEvent(_) | Self::Evidence(_) => return None,
        };
        Some(Slot {
            author,
            family,
            subject,
        })
    }

    /// Until when it is kept, of the kinds that end by themselves.
    #[must_use]
    pub fn valid_until(&self) -> Option<Time> {
        match self {
            Self::Offer(offer) => Some(offer.valid_until),
            Self::Availability(availability) => Some(availability.valid_until),
            Self::Withdrawal(withdrawal) => {
                Some(withdrawal.revision.time().plus_ms(WITHDRAWAL_DAYS * DAY_MS))
            }
            Self::KeyEvent(_) | Self::Profile(_) | Self::CatalogueHead(_) | Self::Evidence(_) => {
                None
            }
        }
    }

    /// Whether its author's catalogue counts it, as far as it is for everybody (SPEC 8.1).
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        match self {
            Self::Profile(_) | Self::Offer(_) | Self::Availability(_) | Self::Withdrawal(_) => true,
            Self::KeyEvent(_) | Self::CatalogueHead(_) | Self::Evidence(_) => false,
        }
    }

    /// The partners for whom alone it is; empty for what is public.
    #[must_use]
    pub fn audience(&self) -> &[PartnerId] {
        match self {
            Self::Offer(offer) => &offer.audience,
            Self::KeyEvent(_)
            | Self::Profile(_)
            | Self::CatalogueHead(_)
            | Self::Availability(_)
            | Self::Withdrawal(_)
            | Self::Evidence(_) => &[],
        }
    }
}
