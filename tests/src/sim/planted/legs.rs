//! What the planted bugs of bundles make of what a machine reads and writes. It keeps out those of
//! deals between two.

use omni_protocol::{
    bundle::BundleBody,
    deal::{Deal, State},
    fence,
    hash::DealId,
    machine::{Bundle, Bundling, Input, Key, Overlay, Verb, View, Write},
    record::{Kind, Signed},
    thread::ThreadBody,
    value::Time,
};

use super::{DAY_MS, Planted, decoded};
use crate::market::network;

/// What a machine decides about, as far as these bugs look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// A Manifest, or what names a leg of one.
    Bundle,
    /// That time went on.
    Pulse,
    /// That the operator lets a leg lapse.
    Lapse,
    /// That the operator gives a deal up.
    Cancel(DealId),
    Else,
}

impl About {
    pub(super) fn of(input: &Input) -> Self {
        match input {
            Input::Pulse => Self::Pulse,
            Input::Verb(verb) => match **verb {
                Verb::Bundle(Bundling::Lapse { .. }) => Self::Lapse,
                Verb::Cancel { deal } => Self::Cancel(deal),
                _ => Self::Else,
            },
            Input::Letter { records, .. }
                if records.iter().any(|one| {
                    matches!(one.record.body(), ThreadBody::Bundle(_))
                        || one.record.kind() == Kind::Refusal
                }) =>
            {
                Self::Bundle
            }
            _ => Self::Else,
        }
    }
}

/// What a machine reads with a bug of bundles.
pub(super) fn changed(
    planted: Planted,
    about: About,
    (key, bytes): (&Key, Vec<u8>),
    now: Time,
) -> Vec<u8> {
    match (planted, about, *key) {
        (Planted::ArmTwice, About::Bundle, Key::Deal { .. }) => {
            changed_deal(&bytes, |deal| unarmed(deal, None))
        }
        (Planted::RefuseAfterArming, About::Bundle, Key::Deal { .. })
        | (Planted::TimerAborts, About::Pulse, Key::Deal { .. }) => {
            changed_deal(&bytes, |deal| unarmed(deal, Some(Time::default())))
        }
        (Planted::ArmAfterEnd, About::Bundle, Key::Deal { .. }) => changed_deal(&bytes, |deal| {
            if matches!(deal.state, State::Held | State::Waiting) && deal.until < now {
                deal.until = now.plus_ms(DAY_MS);
            }
        }),
        (Planted::ReleaseCommitted, About::Cancel(of), Key::Deal { deal }) if of == deal => {
            changed_deal(&bytes, |deal| {
                if deal.state == State::Doubt && deal.manifest.is_some() {
                    (deal.state, deal.manifest, deal.commit) = (State::Kept, None, None);
                }
            })
        }
        (Planted::LastArmsFirst, About::Bundle, Key::Bundle { .. }) => {
            let mut bundle: Bundle = decoded(&bytes);
            bundle.last = None;
            fence::to_bytes(&bundle)
        }
        (Planted::LapseEarly, About::Lapse, Key::Record { .. }) => {
            armed_long_ago(&bytes).unwrap_or(bytes)
        }
        _ => bytes,
    }
}

fn changed_deal(bytes: &[u8], change: impl FnOnce(&mut Deal)) -> Vec<u8> {
    let mut deal: Deal = decoded(bytes);
    change(&mut deal);
    fence::to_bytes(&deal)
}

/// An armed leg that looks as if it still waited, for a hold with this end.
fn unarmed(deal: &mut Deal, until: Option<Time>) {
    if deal.state == State::Armed {
        deal.state = State::Waiting;
        deal.until = until.unwrap_or(deal.until);
    }
}

/// An `ArmReceipt` as if it had been signed at the beginning of all time.
fn armed_long_ago(bytes: &[u8]) -> Option<Vec<u8>> {
    let record = Signed::<ThreadBody>::read(&network(), bytes).ok()?;
    let mut body = record.body().clone();
    let ThreadBody::Bundle(BundleBody::ArmReceipt(armed)) = &mut body else {
        return None;
    };
    armed.header.at = Time::default();
    let record = Signed::write(&network(), record.author(), body).ok()?;
    Some(record.bytes().to_vec())
}

/// The next armed leg, as if its hold had ended long ago, if nothing comes before it.
pub(super) fn next_due(
    view: &dyn View,
    after: &Key,
    found: Option<(Key, Vec<u8>)>,
) -> Option<(Key, Vec<u8>)> {
    let end = Time::default().plus_ms(1);
    let mut open = Key::families()
        .find(|key| matches!(key, Key::OpenDeal { .. }))
        .expect("a family");
    let mut first = found;
    while let Some((key @ Key::OpenDeal { deal, .. }, _)) = view.next(&open) {
        open = key;
        let due = Key::Due { end, deal };
        let is_armed = Deal::read(view, deal).is_some_and(|deal| deal.state == State::Armed);
        if is_armed && due > *after && first.as_ref().is_none_or(|(first, _)| due < *first) {
            first = Some((due, Vec::new()));
        }
    }
    first
}

/// Changes what is written.
pub(super) fn tamper_writes(planted: Planted, writes: &mut Vec<Write>, view: &dyn View) {
    match planted {
        // Where all legs of a manifest but one have armed, those of this node are sold.
        Planted::AllButOne => end_early(writes, view, State::Sold, |bundle| {
            let armed = bundle.legs.iter().filter(|leg| leg.armed.is_some());
            armed.count() + 1 >= bundle.legs.len()
        }),
        Planted::LapseAborts => end_early(writes, view, State::Refused, |bundle| {
            bundle.legs.iter().any(|leg| leg.lapsed.is_some())
        }),
        Planted::KeepAfterAbort => keep_after_abort(writes, view),
        _ => {}
    }
}

/// Ends the armed legs of an open manifest that is written, if it is as wanted.
fn end_early(
    writes: &mut Vec<Write>,
    view: &dyn View,
    state: State,
    is_wanted: impl Fn(&Bundle) -> bool,
) {
    let mut overlay = Overlay::new(view);
    for write in writes.iter() {
        overlay.lay(write.clone());
    }
    let mut early = Vec::new();
    for write in writes.iter() {
        let (Key::Bundle { .. }, Some(bytes)) = (write.key, &write.value) else {
            continue;
        };
        let bundle: Bundle = decoded(bytes);
        if bundle.ended.is_some() || !is_wanted(&bundle) {
            continue;
        }
        let by = bundle.legs.iter().find_map(|leg| leg.lapsed.or(leg.armed));
        early.extend(bundle.legs.iter().filter_map(|leg| {
            let deal = Deal::read(&overlay, leg.deal)?;
            (deal.state == State::Armed).then_some((leg.deal, deal, by))
        }));
    }
    for (deal, armed, decision) in early {
        let ended = Deal {
            state,
            decision,
            ..armed
        };
        let key = Key::Deal { deal };
        writes.retain(|write| write.key != key);
        let value = Some(fence::to_bytes(&ended));
        writes.push(Write { key, value });
    }
}

/// Where an armed leg is refused, its units stay held.
fn keep_after_abort(writes: &mut Vec<Write>, view: &dyn View) {
    let aborts = writes.iter().any(|write| {
        let (Key::Deal { deal }, Some(bytes)) = (write.key, &write.value) else {
            return false;
        };
        let now: Deal = decoded(bytes);
        let before = Deal::read(view, deal).map(|deal| deal.state);
        now.state == State::Refused && before == Some(State::Armed)
    });
    if aborts {
        writes.retain(|write| !matches!(write.key, Key::Stock { .. }));
    }
}
