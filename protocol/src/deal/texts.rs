//! How much text of strangers is kept (SPEC.md section 12): new identities cost nothing, so a few
//! records of each are taken and a bounded number of all together, and the budgets fill again with
//! time. It keeps out what the records mean.

use crate::{
    hash::PartnerId,
    limits::{MINUTE_MS, STRANGER_TEXTS_MAX, STRANGERS_TEXTS_MAX},
    machine::{Case, GrantTerms, Key, Overlay, Standing, Trial, View, stored},
    thread::ThreadBody,
    value::Time,
    wire,
};

use super::Deal;

/// One record of a stranger more in each hour.
const OF_ONE: Pace = Pace {
    most: STRANGER_TEXTS_MAX,
    every_ms: 60 * MINUTE_MS,
};
/// One record of all strangers more in each minute.
const OF_ALL: Pace = Pace {
    most: STRANGERS_TEXTS_MAX,
    every_ms: MINUTE_MS,
};

/// How large a budget is, and how it fills again.
#[derive(Clone, Copy)]
struct Pace {
    most: u64,
    every_ms: u64,
}

/// How many records were left at some moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Budget {
    left: u64,
    at: Time,
}

wire!(Budget { left, at });

impl Budget {
    /// What is left at `at`, and the moment from which the next one counts.
    fn read(view: &dyn View, key: &Key, pace: Pace, at: Time) -> Self {
        let full = Self {
            left: pace.most,
            at,
        };
        let Some(kept) = stored::<Self>(view, key) else {
            return full;
        };
        let back = at.ms_since(kept.at) / pace.every_ms;
        let left = kept.left.saturating_add(back);
        if left >= pace.most {
            return full;
        }
        Self {
            left,
            at: kept.at.plus_ms(back.saturating_mul(pace.every_ms)),
        }
    }
}

/// Both budgets under which a stranger's record falls.
const fn budgets(partner: PartnerId) -> [(Key, Pace); 2] {
    [
        (Key::Texts { partner }, OF_ONE),
        (Key::StrangersTexts {}, OF_ALL),
    ]
}

/// Whether a record begins or carries on a talk. What follows a hold belongs to its deal, and a
/// Release to one or to none.
const fn is_talk(body: &ThreadBody) -> bool {
    match body {
        ThreadBody::Inquiry(_)
        | ThreadBody::Question(_)
        | ThreadBody::Answer(_)
        | ThreadBody::Proposal(_)
        | ThreadBody::Reject(_)
        | ThreadBody::Withdraw(_)
        | ThreadBody::Request(_)
        | ThreadBody::Release(_) => true,
        ThreadBody::Hold(_)
        | ThreadBody::Commit(_)
        | ThreadBody::Receipt(_)
        | ThreadBody::Refusal(_)
        | ThreadBody::Ack(_)
        | ThreadBody::Event(_)
        | ThreadBody::Handover(_)
        | ThreadBody::Bundle(_) => false,
    }
}

/// Whether there is room for a partner's record that is not kept yet.
pub(crate) fn has_room(trial: &Trial<'_>, case: Case<'_>) -> bool {
    let body = case.record().body();
    let ends_a_deal = if let ThreadBody::Release(release) = body {
        Deal::read(&trial.view, release.deal).is_some()
    } else {
        false
    };
    !is_talk(body)
        || ends_a_deal
        || !is_stranger(&trial.view, case.from)
        || trial.knows(case.id())
        || budgets(case.from)
            .iter()
            .all(|(key, pace)| Budget::read(&trial.view, key, *pace, trial.at()).left > 0)
}

/// Notes a record that was taken from a partner.
pub(super) fn taken(view: &mut Overlay<'_>, partner: PartnerId, body: &ThreadBody, at: Time) {
    if is_talk(body) && is_stranger(view, partner) {
        for (key, pace) in budgets(partner) {
            let mut budget = Budget::read(view, &key, pace, at);
            budget.left = budget.left.saturating_sub(1);
            view.put(key, &budget);
        }
    }
}

fn is_stranger(view: &dyn View, partner: PartnerId) -> bool {
    GrantTerms::read(view, partner).standing == Standing::Stranger
}
