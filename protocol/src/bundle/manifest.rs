//! The records of a bundle (SPEC.md section 8.2): the Manifest, which commits all legs, and what a
//! leg answers. Whether a hold may arm for one, and what follows, stands elsewhere.

use alloc::collections::BTreeSet;

use crate::{
    body,
    fence::{self, List},
    frame::ProvedRecord,
    hash::{DealId, PartnerId, RecordId},
    limits::{
        ADDRESS_BYTES_MAX, ADDRESSES_MAX, KEY_EVENTS_MAX, LEGS_MAX, LEGS_OF_ONE_MAX,
        MANIFEST_BYTES_MAX, MEMBERS_MAX,
    },
    thread::{Header, LegName, within_a_thread},
    value::{Invalid, Text},
    wire,
};

/// A partner of a bundle, and where the others find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who it is.
    pub partner: PartnerId,
    /// The events of its key chain with their proofs; empty where they do not fit.
    pub keys: List<ProvedRecord, KEY_EVENTS_MAX>,
    /// Where its nodes can be dialled (multiaddrs).
    pub addresses: List<Text<ADDRESS_BYTES_MAX, 1>, ADDRESSES_MAX>,
    /// Partners that keep letters for it; this version leaves it empty and sends them none.
    pub mailboxes: List<PartnerId, 4>,
}

wire!(Member {
    partner,
    keys,
    addresses,
    mailboxes
});

/// One deal of a bundle. Its number is its place in the Manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Leg {
    /// The place of its provider among the members.
    pub member: u16,
    /// The deal.
    pub deal: DealId,
    /// The Hold, or the provider's firm Proposal, that is to arm.
    pub hold: RecordId,
    /// Which alternative of the firm Proposal, from 0; 0 for a Hold.
    pub alternative: u8,
}

wire!(Leg {
    member,
    deal,
    hold,
    alternative
});

/// The Commit of all legs of a bundle at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    header: Header,
    whole: Option<LegName>,
    members: List<Member, MEMBERS_MAX, 2>,
    legs: List<Leg, LEGS_MAX, 1>,
    last: Option<u16>,
}

wire!(Manifest { header, whole, members, legs, last } check);
body!(Manifest);

impl Manifest {
    /// Commits the legs of a bundle, of which one may arm last.
    ///
    /// # Errors
    /// The rule of SPEC.md section 8.2 that it breaks.
    pub fn new(
        header: Header,
        members: List<Member, MEMBERS_MAX, 2>,
        legs: List<Leg, LEGS_MAX, 1>,
        last: Option<u16>,
    ) -> Result<Self, Invalid> {
        Self {
            header,
            whole: None,
            members,
            legs,
            last,
        }
        .checked()
    }

    /// Commits the parts on which a leg of another manifest rests, which that one decides.
    ///
    /// # Errors
    /// The rule of SPEC.md section 8.2 that it breaks.
    pub fn of_parts(
        header: Header,
        whole: LegName,
        members: List<Member, MEMBERS_MAX, 2>,
        legs: List<Leg, LEGS_MAX, 1>,
    ) -> Result<Self, Invalid> {
        Self {
            header,
            whole: Some(whole),
            members,
            legs,
            last: None,
        }
        .checked()
    }

    fn checked(self) -> Result<Self, Invalid> {
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<(), Invalid> {
        let broken = Invalid::Rule;
        if self.header.thread.is_some() || self.header.parent.is_some() {
            return Err(broken("a Manifest must open a thread of its own"));
        }
        let parts = self.whole.is_some();
        if parts && self.last.is_some() {
            return Err(broken("no part of a whole may arm last"));
        }
        if !parts && self.legs.len() < 2 {
            return Err(broken("a bundle must have two legs at least"));
        }
        if self
            .last
            .is_some_and(|last| usize::from(last) >= self.legs.len())
        {
            return Err(broken("the leg that arms last must be one of the legs"));
        }
        let partners: BTreeSet<_> = self.members.iter().map(|member| member.partner).collect();
        let deals: BTreeSet<_> = self.legs.iter().map(|leg| leg.deal).collect();
        let holds: BTreeSet<_> = self.legs.iter().map(|leg| leg.hold).collect();
        let once = [
            (partners.len(), self.members.len()),
            (deals.len(), self.legs.len()),
            (holds.len(), self.legs.len()),
        ];
        if once.iter().any(|(found, listed)| found != listed) {
            return Err(broken("each partner, deal and hold must stand there once"));
        }
        // The first member is the author, which provides nothing here.
        let providers: BTreeSet<_> = self
            .legs
            .iter()
            .map(|leg| usize::from(leg.member))
            .collect();
        if !providers.into_iter().eq(1..self.members.len()) {
            return Err(broken(
                "each member but the first must provide a leg, and nobody else",
            ));
        }
        let provided = |one: &Leg| {
            let legs = self.legs.iter();
            legs.filter(|leg| leg.member == one.member).count()
        };
        if self.legs.iter().any(|leg| provided(leg) > LEGS_OF_ONE_MAX) {
            return Err(broken("a partner must provide no more legs than it may"));
        }
        let found = fence::to_bytes(self).len();
        if found > MANIFEST_BYTES_MAX {
            return Err(Invalid::TooLarge {
                found,
                bytes_max: MANIFEST_BYTES_MAX,
            });
        }
        Ok(())
    }

    /// The header, addressed to the author itself.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The leg of another manifest that rests on these legs, and whose certificate decides them.
    #[must_use]
    pub const fn whole(&self) -> Option<LegName> {
        self.whole
    }

    /// The author and the providers, in this order.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The legs.
    #[must_use]
    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }

    /// The number of the leg that arms last.
    #[must_use]
    pub const fn last(&self) -> Option<u16> {
        self.last
    }
}

/// A leg's hold no longer ends: it waits for the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ArmReceipt {
    /// Header.
    pub header: Header,
    /// The deal.
    pub deal: DealId,
    /// The leg.
    pub leg: LegName,
}

wire!(ArmReceipt { header, deal, leg } check);
body!(ArmReceipt);

/// An armed leg has waited for as long as its hold said, and waits no more. It is no Refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lapse {
    /// Header.
    pub header: Header,
    /// The deal.
    pub deal: DealId,
    /// The leg.
    pub leg: LegName,
}

wire!(Lapse { header, deal, leg } check);
body!(Lapse);

within_a_thread!(ArmReceipt, Lapse);
