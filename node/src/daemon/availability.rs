//! Availability: says of the own offers how much there is, as one of four words. What is counted,
//! held and sold is read from the ledger and never told.
//!
//! A word that changed is published at times drawn beforehand, which no sale moves, and it changes
//! back only after some way, so that a listener does not learn single sales. The first word of an
//! article tells nothing of sales and is published soon.

use std::time::Duration;

use omni_protocol::deal::stock::Stock;
use omni_protocol::hash::SubjectId;
use omni_protocol::limits::{BATCH_RECORDS_MAX, DAY_MS};
use omni_protocol::machine::{Input, Key, OwnSlot, Publication, View, own_offer};
use omni_protocol::public::{Availability, Band, PublicBody};
use omni_protocol::record::Signed;
use omni_protocol::slot::{Family, Revision};
use tokio::time::{Instant, sleep};

use crate::api::{Desk, Problem, Reading};
use crate::clock;

/// Between two looks for articles that have no word yet, on average.
const FRESH_EVERY: Duration = Duration::from_secs(4);
/// A word stands for so long, and is said again when less than half of it is left.
const STANDS_MS: u64 = 14 * DAY_MS;
/// Words of one look; the rest follows in the next.
const WORDS_MAX: usize = 4_096;

/// Which articles a look is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Those that have no word yet.
    Fresh,
    /// All.
    All,
}

/// Publishes availability until the node ends. Looks for changed words come `every` so often on
/// average, at drawn times.
pub(super) async fn keep(desk: Desk, every: Duration) {
    let mut seen = 0;
    let mut next_look = Instant::now() + drawn(every);
    loop {
        sleep(drawn(FRESH_EVERY.min(every))).await;
        let told = *desk.told().borrow();
        let look = if Instant::now() >= next_look {
            next_look = Instant::now() + drawn(every);
            Look::All
        } else if told == seen {
            continue;
        } else {
            Look::Fresh
        };
        match publish(&desk, look).await {
            // What was published is told as well, so an unfinished look is followed by another.
            Ok(()) => seen = told,
            Err(problem) => tracing::debug!(?problem, "availability waits for the next look"),
        }
    }
}

async fn publish(desk: &Desk, look: Look) -> Result<(), Problem> {
    let words = desk.read(move |reading| Ok(words(reading, look))).await?;
    for part in words.chunks(BATCH_RECORDS_MAX) {
        let publications = part
            .iter()
            .copied()
            .map(Publication::Availability)
            .collect();
        desk.made(Input::Publish(publications)).await?;
    }
    if !words.is_empty() {
        tracing::info!(articles = words.len(), "published availability");
    }
    Ok(())
}

fn words(reading: &Reading, look: Look) -> Vec<Availability> {
    let first = Key::Stock {
        subject: SubjectId::ONLY,
    };
    let subjects = reading.after(first).map_while(|(key, _)| {
        let Key::Stock { subject } = key else {
            return None;
        };
        Some(subject)
    });
    subjects
        .filter_map(|subject| word(reading, look, subject))
        .take(WORDS_MAX)
        .collect()
}

/// The word to publish for an article; nothing where the one that stands is right, and where no
/// public offer stands.
fn word(reading: &Reading, look: Look, subject: SubjectId) -> Option<Availability> {
    let now = reading.now();
    let slot = OwnSlot::read(reading, Family::Availability, subject);
    let slot = slot.filter(|slot| !slot.is_withdrawal && slot.end.is_none_or(|end| end > now));
    if look == Look::Fresh && slot.is_some() {
        return None;
    }
    let (_, offer) = own_offer(reading, &reading.network, subject, now)?;
    if !offer.audience.is_empty() {
        return None;
    }
    let said = slot.and_then(|slot| said(reading, slot));
    let available = Stock::read(reading, subject).available();
    let band = band(available, offer.minimum.get(), said.map(|said| said.band));
    let is_right = said.is_some_and(|said| {
        said.band == band
            && said.lead == offer.lead
            && said.valid_until.ms_since(now) > STANDS_MS / 2
    });
    (!is_right).then(|| Availability {
        // The core gives it its own.
        revision: Revision::default(),
        subject,
        band,
        lead: offer.lead,
        valid_until: now.plus_ms(STANDS_MS),
    })
}

fn said(reading: &Reading, slot: OwnSlot) -> Option<Availability> {
    let bytes = reading.read(&Key::Record { id: slot.record })?;
    let record = Signed::<PublicBody>::read(&reading.network, bytes).ok()?;
    match record.body() {
        PublicBody::Availability(availability) => Some(*availability),
        PublicBody::KeyEvent(_)
        | PublicBody::Profile(_)
        | PublicBody::CatalogueHead(_)
        | PublicBody::Offer(_)
        | PublicBody::Withdrawal(_)
        | PublicBody::Evidence(_) => None,
    }
}

/// How many of the least deals there must be for a word, and for it to be said again after a
/// lower one.
const SOME_FROM: u64 = 5;
const SOME_AGAIN_FROM: u64 = 7;
const PLENTY_FROM: u64 = 20;
const PLENTY_AGAIN_FROM: u64 = 28;

/// The word for so many available steps, measured in least deals. Nothing is nothing: whether the
/// least deal can be had is never kept back.
fn band(available: u64, minimum: u64, before: Option<Band>) -> Band {
    let deals = available.checked_div(minimum).unwrap_or(available);
    let (some, plenty) = match before {
        Some(Band::Out | Band::Low) => (SOME_AGAIN_FROM, PLENTY_AGAIN_FROM),
        Some(Band::Some) => (SOME_FROM, PLENTY_AGAIN_FROM),
        Some(Band::Plenty) | None => (SOME_FROM, PLENTY_FROM),
    };
    match deals {
        0 => Band::Out,
        _ if deals >= plenty => Band::Plenty,
        _ if deals >= some => Band::Some,
        _ => Band::Low,
    }
}

/// A time drawn evenly from half of `mean` to one and a half.
fn drawn(mean: Duration) -> Duration {
    let half = mean / 2;
    let span = u64::try_from(mean.as_millis()).unwrap_or(u64::MAX).max(1);
    let more = clock::entropy().map_or(span / 2, |bytes| {
        let [a, b, c, d, e, f, g, h, ..] = bytes;
        u64::from_le_bytes([a, b, c, d, e, f, g, h]) % span
    });
    half.saturating_add(Duration::from_millis(more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_back_only_after_some_way() {
        let check = |available, minimum, before, expected| {
            assert_eq!(
                band(available, minimum, before),
                expected,
                "{available} {before:?}"
            );
        };
        check(0, 1, None, Band::Out);
        check(11, 12, Some(Band::Plenty), Band::Out);
        check(12, 12, Some(Band::Out), Band::Low);
        check(4, 1, None, Band::Low);
        check(5, 1, None, Band::Some);
        check(5, 1, Some(Band::Low), Band::Low);
        check(6, 1, Some(Band::Low), Band::Low);
        check(7, 1, Some(Band::Low), Band::Some);
        check(5, 1, Some(Band::Some), Band::Some);
        check(4, 1, Some(Band::Some), Band::Low);
        check(20, 1, None, Band::Plenty);
        check(20, 1, Some(Band::Some), Band::Some);
        check(28, 1, Some(Band::Some), Band::Plenty);
        check(20, 1, Some(Band::Plenty), Band::Plenty);
        check(19, 1, Some(Band::Plenty), Band::Some);
        check(7, 0, None, Band::Some);
    }

    #[test]
    fn times_are_drawn_around_their_mean() {
        let mean = Duration::from_secs(60);
        let times: Vec<_> = (0..64).map(|_| drawn(mean)).collect();
        assert!(times.iter().all(|t| *t >= mean / 2 && *t < mean * 3 / 2));
        assert!(times.iter().any(|t| *t != times[0]));
    }
}
