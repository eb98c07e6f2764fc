//! Whom an own withdrawal is for, also where an offer for fewer partners has taken its slot: whom
//! that leaves out keeps the offer before it else. It keeps out how they are told.

use alloc::vec::Vec;

use super::{ENDED_MAX, OwnSlot};
use crate::{
    hash::{NetworkId, PartnerId, RecordId, SubjectId},
    machine::{Key, Overlay, View, stored},
    public::{Offer, PublicBody, Withdrawal, WithdrawalReason},
    slot::{Family, Revision},
    value::Time,
};

/// Whom an own withdrawal is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WithdrawnFor {
    /// Everybody: it stands in its slot.
    Everybody,
    /// Everybody, while an offer for named partners stands in its slot: it is told and not counted.
    Others,
    /// These partners alone.
    Named(Vec<PartnerId>),
    /// Nobody: all for whom it was can see what has taken its slot.
    Nobody,
}

/// Whom an own withdrawal with this id is for.
#[must_use]
pub fn withdrawn_for(
    view: &dyn View,
    network: &NetworkId,
    (id, withdrawal): (RecordId, &Withdrawal),
) -> WithdrawnFor {
    let (family, subject) = (withdrawal.family(), withdrawal.subject());
    let standing = OwnSlot::read(view, family, subject);
    if let Some(slot) = standing.filter(|slot| slot.record == id) {
        return if slot.is_named {
            WithdrawnFor::Named(slot.audience(view, network))
        } else {
            WithdrawnFor::Everybody
        };
    }
    let revision = withdrawal.revision.get();
    let Some(left) = stored::<OwnSlot>(view, &Key::Left { subject, revision }) else {
        return WithdrawnFor::Nobody;
    };
    if !left.is_named {
        return WithdrawnFor::Others;
    }
    let mut out = left.audience(view, network);
    let present = standing.map_or_else(Vec::new, |slot| slot.audience(view, network));
    out.retain(|partner| !present.contains(partner));
    WithdrawnFor::Named(out)
}

/// The families in which something is to be withdrawn before this offer is made, since it is for
/// fewer than the one that stands.
pub(super) fn leaves_out(view: &dyn View, network: &NetworkId, offer: &Offer) -> Vec<Family> {
    let subject = offer.subject();
    let is_left = |family: &Family| {
        OwnSlot::read(view, *family, subject).is_some_and(|slot| {
            !slot.is_withdrawal && !covers(&offer.audience, &slot.audience(view, network))
        })
    };
    let mut families = Vec::from([Family::Offer, Family::Availability]);
    families.retain(is_left);
    families
}

/// What says to all for whom a record was that it ended, as another takes its place.
pub(super) const fn withdrawal(
    revision: Revision,
    family: Family,
    subject: SubjectId,
) -> PublicBody {
    let reason = WithdrawalReason::Replaced;
    PublicBody::Withdrawal(match family {
        Family::Availability => Withdrawal::of_availability(revision, subject, reason),
        Family::Offer | Family::Profile | Family::CatalogueHead => {
            Withdrawal::of_offer(revision, subject, reason)
        }
    })
}

/// A record took the slot of an offer: a withdrawal that stood there is kept for those whom it leaves
/// out, and nothing is kept for whom it is.
pub(super) fn follow(
    view: &mut Overlay<'_>,
    network: &NetworkId,
    subject: SubjectId,
    (old, new): (Option<OwnSlot>, &PublicBody),
) {
    let PublicBody::Offer(offer) = new else {
        return;
    };
    for left in all(view, subject) {
        if covers(&offer.audience, &left.audience(view, network)) {
            forget(view, subject, &left);
        }
    }
    let Some(old) = old.filter(|old| old.is_withdrawal) else {
        return;
    };
    if !covers(&offer.audience, &old.audience(view, network)) {
        let revision = old.revision.get();
        view.put(Key::Left { subject, revision }, &old);
        if let Some(end) = old.end {
            let key = Key::LeftEnd {
                end,
                subject,
                revision,
            };
            view.put_bytes(key, Vec::new());
        }
    }
}

/// Clears away what has ended by ledger time.
pub(super) fn clear_ended(view: &mut Overlay<'_>, at: Time) {
    let mut after = Key::LeftEnd {
        end: Time::default(),
        subject: SubjectId::ONLY,
        revision: 0,
    };
    for _ in 0..ENDED_MAX {
        let Some((
            key @ Key::LeftEnd {
                end,
                subject,
                revision,
            },
            _,
        )) = view.next(&after)
        else {
            return;
        };
        if end >= at {
            return;
        }
        view.delete(Key::Left { subject, revision });
        view.delete(key);
        after = key;
    }
}

/// The withdrawals of an offer that are kept for those whom later offers left out.
fn all(view: &dyn View, subject: SubjectId) -> Vec<OwnSlot> {
    let mut after = Key::Left {
        subject,
        revision: 0,
    };
    let mut found = Vec::new();
    while let Some((key @ Key::Left { subject: of, .. }, _)) = view.next(&after)
        && of == subject
    {
        found.extend(stored::<OwnSlot>(view, &key));
        after = key;
    }
    found
}

fn forget(view: &mut Overlay<'_>, subject: SubjectId, left: &OwnSlot) {
    let revision = left.revision.get();
    view.delete(Key::Left { subject, revision });
    if let Some(end) = left.end {
        view.delete(Key::LeftEnd {
            end,
            subject,
            revision,
        });
    }
}

/// Whether all who could see what is for `old` can see what is for `new`; nobody named means
/// everybody.
fn covers(new: &[PartnerId], old: &[PartnerId]) -> bool {
    new.is_empty() || !old.is_empty() && old.iter().all(|partner| new.contains(partner))
}
