//! How many deals a partner may hold (SPEC.md section 12): its allowance halves with each hold that
//! it let end and recovers by one an hour. What is held is the stock's matter.

use crate::{
    code::Code,
    hash::PartnerId,
    limits::HOLDS_PER_PARTNER_MAX,
    machine::{Key, Overlay, View, stored},
    value::Time,
    wire,
};

const HOUR_MS: u64 = 3_600_000;
const ALLOWED_MAX: u64 = HOLDS_PER_PARTNER_MAX as u64;

/// How many deals a partner holds, and how many it might at some moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Allowance {
    /// Deals held now.
    pub open: u64,
    /// Deals that it might hold at `at`.
    pub allowed: u64,
    /// When that was reckoned.
    pub at: Time,
}

wire!(Allowance { open, allowed, at });

impl Allowance {
    /// The allowance of `partner`; all of it if it never held anything.
    #[must_use]
    pub fn read(view: &dyn View, partner: PartnerId) -> Self {
        stored(view, &Key::Allowance { partner }).unwrap_or(Self {
            open: 0,
            allowed: ALLOWED_MAX,
            at: Time::default(),
        })
    }

    /// Deals that it may hold at this moment.
    #[must_use]
    pub fn allowed_at(&self, at: Time) -> u64 {
        self.allowed
            .saturating_add(at.ms_since(self.at) / HOUR_MS)
            .min(ALLOWED_MAX)
    }
}

/// Whether a partner may hold one more.
pub(crate) fn may_hold(view: &dyn View, partner: PartnerId, at: Time) -> Result<(), Code> {
    let allowance = Allowance::read(view, partner);
    if allowance.open < allowance.allowed_at(at) {
        Ok(())
    } else {
        Err(Code::OverHolds)
    }
}

/// Notes one more held deal.
pub(crate) fn held(view: &mut Overlay<'_>, partner: PartnerId) {
    let mut allowance = Allowance::read(view, partner);
    allowance.open = allowance.open.saturating_add(1);
    view.put(Key::Allowance { partner }, &allowance);
}

/// How a hold ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    /// By a Receipt, a Release, or this node's own refusal.
    Used,
    /// By its time.
    Expired,
}

/// Notes that a held deal is held no more.
pub(crate) fn ended(view: &mut Overlay<'_>, partner: PartnerId, how: Ended, at: Time) {
    let mut allowance = Allowance::read(view, partner);
    allowance.open = allowance.open.saturating_sub(1);
    if how == Ended::Expired {
        allowance.allowed = allowance.allowed_at(at) / 2;
        allowance.at = at;
    }
    view.put(Key::Allowance { partner }, &allowance);
}
