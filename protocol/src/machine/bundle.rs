//! Bundles at a node (SPEC.md section 20): what it keeps of each manifest in which it is a member,
//! and who puts which record to the tables of [`crate::bundle`]. What a certificate changes in the
//! deals themselves stands in `deal::leg`, and what a leg rests on in `machine::chain`.

mod ask;
mod carry;
mod draft;
mod epoch;
mod fold;
mod offered;
mod parts;
mod provide;
mod receive;
mod require;
mod silence;
mod unknown;

pub use self::draft::{Bundling, Draft, DraftLeg, Stage, before as legs_before, bundle_id};
pub(super) use self::{
    ask::came_back,
    draft::{decide, drafted},
    receive::{about, admit_shown, audience_of},
};
pub(crate) use self::{
    ask::{again_to, beside, greeted, shown, stands_on},
    draft::check_co_legs,
    epoch::{declined, lost},
    fold::{concerns, joined, recorded},
    offered::{commit, release},
    parts::{handed_down, parts_of, said_below},
    provide::{is_committed, overdue},
    receive::{is_of_a_bundle, order_of, received},
    require::write_off,
    silence::{away, began, next_wake, pulse},
};

use alloc::vec::Vec;

use crate::{
    bundle::{Manifest, Tally},
    deal::Deal,
    fence::List,
    hash::{DealId, ManifestId, PartnerId, RecordId},
    limits::LEGS_MAX,
    machine::{Event, Key, Overlay, View, stored},
    thread::LegName,
    wire, words,
};

words! {
    /// How a manifest ended here: by the certificate that was whole first.
    pub enum Ended {
        /// By the `ArmReceipt`s of all legs.
        1 Agreed "agreed",
        /// By a Refusal of one.
        2 Aborted "aborted",
    }
}

words! {
    /// What its requester is told of a bundle as a whole.
    pub enum BundleNews {
        /// All legs are agreed.
        1 Agreed "agreed",
        /// It came to nothing.
        2 Aborted "aborted",
        /// It is agreed, and a leg of it lapsed, which is to be sourced anew.
        3 Lapsed "lapsed",
    }
}

/// What is known of one leg.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KnownLeg {
    /// Who provides it.
    pub provider: PartnerId,
    /// The deal.
    pub deal: DealId,
    /// The hold that is to arm.
    pub hold: RecordId,
    /// The alternative that is committed.
    pub alternative: u8,
    /// Its `ArmReceipt`.
    pub armed: Option<RecordId>,
    /// Its Refusal.
    pub refused: Option<RecordId>,
    /// Its Lapse.
    pub lapsed: Option<RecordId>,
}

wire!(KnownLeg {
    provider,
    deal,
    hold,
    alternative,
    armed,
    refused,
    lapsed,
});

impl KnownLeg {
    /// Whether nothing was said of it here, and neither the hold that it names nor what else would
    /// bind its deal is here: both sides lost it (SPEC.md section 20, Losses).
    #[must_use]
    pub fn is_unknown(&self, requester: PartnerId, deal: Option<&Deal>) -> bool {
        let is_said = self.armed.or(self.refused).or(self.lapsed).is_some();
        !is_said && !deal.is_some_and(|deal| self.is_bound_by(requester, deal))
    }

    fn is_bound_by(&self, requester: PartnerId, deal: &Deal) -> bool {
        deal.partner == requester && (deal.hold == Some(self.hold) || deal.manifest.is_some())
    }
}

/// What is known of one manifest. The numbers of its legs are their places.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Bundle {
    /// Who committed it.
    pub requester: PartnerId,
    /// Its legs.
    pub legs: List<KnownLeg, LEGS_MAX, 1>,
    /// The number of the leg that arms last.
    pub last: Option<u16>,
    /// The leg of another manifest that rests on these, which that one decides.
    pub whole: Option<LegName>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// The Refusal by which it was aborted.
    pub refusal: Option<RecordId>,
}

wire!(Bundle {
    requester,
    legs,
    last,
    whole,
    ended,
    refusal,
});

impl Bundle {
    /// What is known of this manifest, if this node is one of its members.
    #[must_use]
    pub fn read(view: &dyn View, manifest: ManifestId) -> Option<Self> {
        stored(view, &Key::Bundle { manifest })
    }

    fn of(requester: PartnerId, manifest: &Manifest) -> Option<Self> {
        let legs = manifest.legs().iter().zip(0..);
        let legs: Option<Vec<KnownLeg>> = legs
            .map(|(leg, number)| {
                Some(KnownLeg {
                    provider: manifest.leg(number)?.0,
                    deal: leg.deal,
                    hold: leg.hold,
                    alternative: leg.alternative,
                    armed: None,
                    refused: None,
                    lapsed: None,
                })
            })
            .collect();
        Some(Self {
            requester,
            legs: List::new(legs?).ok()?,
            last: manifest.last(),
            whole: manifest.whole(),
            ended: None,
            refusal: None,
        })
    }

    /// The leg with this number.
    #[must_use]
    pub fn leg(&self, number: u16) -> Option<&KnownLeg> {
        self.legs.get(usize::from(number))
    }

    /// The legs with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (u16, &KnownLeg)> {
        (0..).zip(self.legs.iter())
    }

    /// The legs that this partner provides, with their numbers.
    pub fn of_provider(&self, provider: PartnerId) -> impl Iterator<Item = (u16, &KnownLeg)> {
        self.numbered()
            .filter(move |(_, leg)| leg.provider == provider)
    }

    /// All members but this one, each once: the requester first.
    #[must_use]
    pub fn others(&self, own: PartnerId) -> Vec<PartnerId> {
        let mut others = Vec::new();
        let providers = self.legs.iter().map(|leg| leg.provider);
        for member in core::iter::once(self.requester).chain(providers) {
            if member != own && !others.contains(&member) {
                others.push(member);
            }
        }
        others
    }

    /// Whether this partner is a member.
    #[must_use]
    pub fn admits(&self, partner: PartnerId) -> bool {
        self.requester == partner || self.legs.iter().any(|leg| leg.provider == partner)
    }

    /// Which legs armed and which refused.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let legs = u16::try_from(self.legs.len()).unwrap_or_default();
        let mut tally = Tally::new(legs);
        for (number, leg) in self.numbered() {
            if leg.armed.is_some() {
                tally.arm(number);
            }
            if leg.refused.is_some() {
                tally.refuse(number);
            }
        }
        tally
    }

    /// The `ArmReceipt`s that are known, but those of this partner.
    fn receipts_but_of(&self, partner: PartnerId) -> Vec<RecordId> {
        let others = self.legs.iter().filter(|leg| leg.provider != partner);
        others.filter_map(|leg| leg.armed).collect()
    }
}

/// What this node is told of a bundle of its own as a whole, when this is kept of it.
pub(super) fn news(
    view: &dyn View,
    own: PartnerId,
    (manifest, after): (ManifestId, &Bundle),
) -> Vec<Event> {
    let before = Bundle::read(view, manifest);
    let is_new = before
        .as_ref()
        .is_none_or(|before| before.ended != after.ended);
    let lapsed = |bundle: &Bundle| {
        bundle
            .legs
            .iter()
            .filter(|leg| leg.lapsed.is_some())
            .count()
    };
    let more_lapsed = is_new || lapsed(after) > before.as_ref().map_or(0, lapsed);
    let end = after.ended.filter(|_| is_new).map(|ended| match ended {
        Ended::Agreed => BundleNews::Agreed,
        Ended::Aborted => BundleNews::Aborted,
    });
    let lapse = Some(BundleNews::Lapsed)
        .filter(|_| after.ended == Some(Ended::Agreed) && lapsed(after) > 0 && more_lapsed);
    let draft = stored(view, &Key::BundleOf { manifest });
    let draft = draft.and_then(|bundle| Draft::read(view, bundle));
    let is_own = after.requester == own && after.whole.is_none();
    let news = end.into_iter().chain(lapse).filter(|_| is_own);
    news.map(|news| Event::Bundle {
        manifest,
        name: draft.as_ref().map(|draft| draft.name.clone()),
        news,
    })
    .collect()
}

/// The own `ArmReceipt` of a deal that is a leg.
pub(super) fn receipt_of(view: &dyn View, id: DealId, deal: &Deal) -> Option<RecordId> {
    let bundle = Bundle::read(view, deal.manifest?)?;
    bundle.legs.iter().find(|leg| leg.deal == id)?.armed
}

/// Forgets a manifest once none of its deals is remembered here.
pub(crate) fn forget(view: &mut Overlay<'_>, manifest: ManifestId) {
    let Some(bundle) = Bundle::read(view, manifest) else {
        return;
    };
    if bundle
        .legs
        .iter()
        .any(|leg| Deal::read(view, leg.deal).is_some())
    {
        return;
    }
    let providers = bundle.legs.iter().map(|leg| leg.provider);
    let members: Vec<PartnerId> = providers.chain([bundle.requester]).collect();
    for partner in members {
        view.delete(Key::SpokenOf { manifest, partner });
        for decided in [0, 1] {
            view.delete(Key::Joint {
                partner,
                decided,
                manifest,
            });
        }
    }
    if let Some(LegName {
        manifest: whole, ..
    }) = bundle.whole
    {
        view.delete(Key::PartsOf { whole, manifest });
    }
    view.delete(Key::Bundle { manifest });
}
