//! Renewal: an offer stands for 90 days at most, so an own one that is meant to stand until it is
//! withdrawn is published again in time. Which those are is read from the offer itself; who
//! publishes them, and when, is kept out.

use omni_protocol::hash::{NetworkId, SubjectId};
use omni_protocol::limits::{DAY_MS, OFFER_DAYS_MAX};
use omni_protocol::machine::{Key, OwnSlot, Publication, View, own_offer};
use omni_protocol::public::Offer;
use omni_protocol::slot::Family;
use omni_protocol::value::Time;

use crate::config::Renew;

/// An offer is renewed when so much of its time is left: a node that is down for weeks loses none.
const RENEWED_BEFORE_MS: u64 = 30 * DAY_MS;
/// One that ends so soon was not renewed when it should have been, or is not meant to be.
const ENDING_MS: u64 = 14 * DAY_MS;

/// What becomes of an own offer when its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// It is renewed before that, until it is withdrawn.
    Automatic,
    /// It would be, but the node is set not to.
    Off,
    /// It ends then, as its author chose.
    Ends,
}

impl Renewal {
    /// Of an own offer at a node that renews, or does not.
    #[must_use]
    pub fn of(offer: &Offer, renew: Renew) -> Self {
        match renew {
            _ if !offer.is_open_ended() => Self::Ends,
            Renew::On => Self::Automatic,
            Renew::Off => Self::Off,
        }
    }

    /// The word for it in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Off => "off",
            Self::Ends => "ends",
        }
    }
}

/// The renewals that are due at `now`, those that end first before the others, at most `max`.
#[must_use]
pub fn due(view: &dyn View, network: &NetworkId, now: Time, max: usize) -> Vec<Publication> {
    let until = now.plus_ms(OFFER_DAYS_MAX.saturating_mul(DAY_MS));
    ending_by(view, network, now, now.plus_ms(RENEWED_BEFORE_MS))
        .filter(|(_, offer)| offer.is_open_ended())
        .map(|(subject, _)| Publication::RenewOffer(subject, until))
        .take(max)
        .collect()
}

/// How many own offers end soon, and when the first of them does. Those that are renewed never
/// come so far.
#[must_use]
pub fn ending(view: &dyn View, network: &NetworkId, now: Time) -> (u64, Option<Time>) {
    let (mut count, mut first) = (0_u64, None);
    for (_, offer) in ending_by(view, network, now, now.plus_ms(ENDING_MS)) {
        count = count.saturating_add(1);
        first = first.or(Some(offer.valid_until));
    }
    (count, first)
}

/// The own offers that stand at `now` and end by `limit`, in the order of their ends.
fn ending_by<'a>(
    view: &'a dyn View,
    network: &'a NetworkId,
    now: Time,
    limit: Time,
) -> impl Iterator<Item = (SubjectId, Offer)> + 'a {
    // Not from the first key: what has ended was deleted, and a walk over that is slow.
    let mut after = Key::SlotEnd {
        end: now,
        family: 0,
        subject: SubjectId::ONLY,
    };
    std::iter::from_fn(move || {
        loop {
            let (key, _) = view.next(&after)?;
            let Key::SlotEnd {
                end,
                family,
                subject,
            } = key
            else {
                return None;
            };
            if end > limit {
                return None;
            }
            after = key;
            let is_offer = family == Family::Offer.number()
                && OwnSlot::read(view, Family::Offer, subject)
                    .is_some_and(|slot| !slot.is_withdrawal);
            let offer = is_offer.then(|| own_offer(view, network, subject, now));
            if let Some((_, offer)) = offer.flatten() {
                return Some((subject, offer));
            }
        }
    })
}
