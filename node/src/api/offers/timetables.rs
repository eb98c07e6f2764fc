//! Timetables of own offers: the times of their slots, reckoned when an offer is published and again
//! as time goes on. Who publishes them, and when, is kept out.

use omni_protocol::deal::timetable::Timetable;
use omni_protocol::hash::{NetworkId, SubjectId};
use omni_protocol::machine::{Key, Publication, View, own_offer};
use omni_protocol::public::OfferDraft;
use omni_protocol::slot;
use omni_protocol::value::Time;

use crate::calendar::Calendar;

/// A timetable is reckoned anew when so little of it is still to come, of so much.
const LEFT: usize = 7;
const OF: usize = 8;

/// The timetable that goes with an offer; nothing where it has no calendar.
pub(super) fn of(draft: &OfferDraft, now: Time) -> Option<Publication> {
    let begins = reckoned(draft, now)?;
    let subject = slot::subject(&draft.sku, &draft.list);
    Some(Publication::Timetable(subject, begins))
}

fn reckoned(draft: &OfferDraft, now: Time) -> Option<Vec<Time>> {
    let calendar = Calendar::of(draft.service.as_ref()?).ok()??;
    Some(calendar.timetable(now))
}

/// The timetables that are to be entered anew at `now`, at most `max`: those of which an eighth has
/// gone by, and those that a newer program reckons otherwise, since zones change.
#[must_use]
pub fn due(view: &dyn View, network: &NetworkId, now: Time, max: usize) -> Vec<Publication> {
    let mut after = Key::Timetable {
        subject: SubjectId::ONLY,
    };
    let subjects = std::iter::from_fn(|| {
        let (key, _) = view.next(&after)?;
        let Key::Timetable { subject } = key else {
            return None;
        };
        after = key;
        Some(subject)
    });
    subjects
        .filter_map(|subject| {
            let (_, offer) = own_offer(view, network, subject, now)?;
            let begins = reckoned(offer.draft(), now)?;
            let entered = Timetable::read(view, subject);
            is_due(entered.begins(), &begins, now)
                .then_some(Publication::Timetable(subject, begins))
        })
        .take(max)
        .collect()
}

fn is_due(entered: &[Time], reckoned: &[Time], now: Time) -> bool {
    let left = entered.iter().filter(|begins| **begins > now);
    let (left, all) = (left.clone().count(), left);
    let differs = all
        .zip(reckoned)
        .any(|(entered, reckoned)| entered != reckoned);
    differs
        || left > reckoned.len()
        || left.saturating_mul(OF) < reckoned.len().saturating_mul(LEFT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timetable_is_reckoned_anew_before_it_runs_out() {
        let times = |of: std::ops::Range<u64>| -> Vec<Time> {
            of.map(|n| Time::new(1_000 * n).unwrap()).collect()
        };
        let check = |entered: Vec<Time>, reckoned: Vec<Time>, expected: bool| {
            let now = Time::new(10_000).unwrap();
            assert_eq!(
                is_due(&entered, &reckoned, now),
                expected,
                "{entered:?} {reckoned:?}"
            );
        };
        check(times(1..91), times(11..91), false);
        check(times(1..91), times(11..101), false);
        check(times(1..91), times(11..102), false);
        check(times(1..91), times(11..103), true);
        check(times(1..11), times(11..12), true);
        check(times(1..11), vec![], false);
        check(times(1..12), vec![], true);
        check(times(1..20), times(12..20), true);
    }
}
