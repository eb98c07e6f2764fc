//! What was seen of a partner's ledger (SPEC.md section 15.1): how far each of its lives came, by
//! what it announced and by what it signed or stored, so that a partner that fell back is told.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{Key, Overlay, View, life, stored, trial::Trial};
use crate::{
    code::Code,
    fence::List,
    frame::{Answers, Head},
    hash::{EntryHash, PartnerId, RecordId},
    ledger::EntryHeader,
    limits::SEEN_MAX,
    record::Signed,
    thread::{Life, ThreadBody},
};

/// A key of one life of a partner.
type OfLife = fn(PartnerId, u64) -> Key;

const ANNOUNCED: OfLife = |partner, life| Key::Announced { partner, life };
const STORED: OfLife = |partner, life| Key::Stored { partner, life };
const REACHED: OfLife = |partner, life| Key::Reached { partner, life };

/// The place in its author's ledger that a record names, as a head whose `last` is the record's id.
fn place_of(record: &Signed<ThreadBody>) -> Head {
    let header = record.body().header();
    Head {
        epoch: header.epoch,
        size: header.sequence.saturating_add(1),
        last: EntryHash::from_bytes(*record.id().as_bytes()),
        at: header.at,
    }
}

/// Notes the place in its author's ledger that a record names.
pub(super) fn reached(view: &mut Overlay<'_>, record: &Signed<ThreadBody>) {
    let life = record.body().header().life.get();
    raise(view, REACHED, (record.author(), life), place_of(record));
}

/// Notes the head that a partner named with a record that it stored.
pub(super) fn note_kept(view: &mut Overlay<'_>, partner: PartnerId, (life, head): (Life, Head)) {
    raise(view, STORED, (partner, life.get()), head);
}

/// Notes the head that a partner announced.
pub(super) fn note_head(view: &mut Overlay<'_>, (partner, life): (PartnerId, Life), head: Head) {
    raise(view, ANNOUNCED, (partner, life.get()), head);
}

/// Notes the furthest of a life. Of more lives than a greeting names the one that came least far is
/// forgotten.
fn raise(view: &mut Overlay<'_>, key: OfLife, (partner, life): (PartnerId, u64), place: Head) {
    let of_life = key(partner, life);
    match stored::<Head>(view, &of_life) {
        Some(known) if is_beyond(place, known) => view.put(of_life, &place),
        Some(_) => {}
        None => {
            view.put(of_life, &place);
            let known = of_lives(view, key, partner);
            let least = known.iter().min_by_key(|(_, head)| (head.epoch, head.size));
            if let Some((life, _)) = least.filter(|_| known.len() > SEEN_MAX) {
                view.delete(key(partner, *life));
            }
        }
    }
}

/// How far each life of a partner came.
fn of_lives(view: &dyn View, key: OfLife, partner: PartnerId) -> BTreeMap<u64, Head> {
    let mut places = BTreeMap::new();
    let mut after = key(partner, 0);
    while let Some((found, _)) = view.next(&after)
        && let Key::Announced { partner: of, life }
        | Key::Stored { partner: of, life }
        | Key::Reached { partner: of, life } = found
        && of == partner
    {
        after = key(partner, life);
        if let Some(head) = stored(view, &after) {
            places.insert(life, head);
        }
    }
    places
}

/// How far the lives of a partner came before this one, each by what is furthest, as far as it was
/// not told yet in a life of which something was heard afterwards.
fn untold(view: &dyn View, partner: PartnerId, present: Life) -> Vec<Head> {
    let is_told = |life: u64| view.read(&Key::Told { partner, life }).is_some();
    let mut reached = of_lives(view, REACHED, partner);
    reached.retain(|life, _| !is_told(*life));
    let mut places = of_lives(view, ANNOUNCED, partner);
    for (life, place) in of_lives(view, STORED, partner).into_iter().chain(reached) {
        let furthest = places.entry(life).or_insert(place);
        if is_beyond(place, *furthest) {
            *furthest = place;
        }
    }
    places.remove(&present.get());
    places.into_values().collect()
}

/// What a partner is told that this node has seen of it: of its lives before the one that it is told
/// in, which itself loses nothing.
pub(super) fn told(
    view: &dyn View,
    partner: PartnerId,
    answers: Answers,
) -> Result<List<Head, SEEN_MAX>, Code> {
    let life = match answers {
        Answers::Life(life) => Some(life),
        Answers::Nothing => life::latest(view, partner),
    };
    let mut seen = life.map_or_else(Vec::new, |life| untold(view, partner, life));
    seen.sort_by_key(|head| core::cmp::Reverse((head.epoch, head.size)));
    seen.truncate(SEEN_MAX);
    Ok(List::new(seen)?)
}

/// Whether a partner that announces this head in this life lacks something of what its earlier lives
/// announced or signed, or gave it up by an epoch. The present one loses nothing, whatever a greeting
/// of it says that comes late; behind what an earlier one had stands at least the entry that begins it.
pub(super) fn fell_back(view: &dyn View, partner: PartnerId, (life, head): (Life, Head)) -> bool {
    let mut earlier = untold(view, partner, life).into_iter();
    earlier.any(|seen| head.epoch != seen.epoch || !is_beyond(head, seen))
}

/// Whether a partner opened an epoch since it announced a head in this life: a letter of the new one
/// may have come before the greeting that names it, and then what was lost counts as told.
pub(super) fn opened_epoch(
    view: &dyn View,
    partner: PartnerId,
    (life, head): (Life, Head),
) -> bool {
    announced(view, partner, life).is_some_and(|before| before.epoch < head.epoch)
}

/// Whether a record of an earlier life names as much of its author's ledger as that announced in the
/// present one, or more.
pub(super) fn shows_fall(view: &dyn View, record: &Signed<ThreadBody>, life: Life) -> bool {
    let announced = announced(view, record.author(), life);
    let is_gone = |head: Head| !is_beyond(head, place_of(record));
    record.body().header().life != life && announced.is_some_and(is_gone)
}

fn is_beyond(one: Head, other: Head) -> bool {
    (one.epoch, one.size) > (other.epoch, other.size)
}

/// The furthest head of its ledger that a partner announced in a life.
pub(super) fn announced(view: &dyn View, partner: PartnerId, life: Life) -> Option<Head> {
    let life = life.get();
    stored(view, &Key::Announced { partner, life })
}

/// Whether a partner said something in this life of its own after it had greeted: so it was told what
/// this node had seen of its lives before, and lacks nothing of that.
pub(super) fn has_heard(view: &dyn View, partner: PartnerId, life: Life) -> bool {
    stored(view, &Key::Heard { partner }) == Some(life)
}

/// Notes that a partner says something in a life that was told what was seen of those before.
pub(super) fn heard(view: &mut Overlay<'_>, partner: PartnerId, present: Life) {
    view.put(Key::Heard { partner }, &present);
    let earlier = |life: &u64| *life != present.get();
    for key in [ANNOUNCED, STORED] {
        for life in of_lives(view, key, partner).into_keys().filter(earlier) {
            view.delete(key(partner, life));
        }
    }
    for life in of_lives(view, REACHED, partner).into_keys().filter(earlier) {
        let told = Key::Told { partner, life };
        if view.read(&told).is_none() {
            view.put_bytes(told, Vec::new());
        }
    }
}

/// The first of what a partner has seen of this node that lies beyond its ledger, or beside it.
pub(super) fn lacking(trial: &Trial<'_>, seen: &[Head]) -> Option<Head> {
    let is_lacking = |seen: &&Head| lacks(trial, **seen);
    seen.iter().find(is_lacking).copied()
}

fn lacks(trial: &Trial<'_>, seen: Head) -> bool {
    let own = trial.machine.head;
    if seen.epoch < own.epoch {
        // What was lost of an earlier epoch is given up.
        return false;
    }
    if (seen.epoch, seen.size) > (own.epoch, own.size) {
        return true;
    }
    let Some(sequence) = seen.size.checked_sub(1) else {
        return false;
    };
    // It may name a record in the place of an entry.
    if trial.knows(RecordId::from_bytes(*seen.last.as_bytes())) {
        return false;
    }
    let epoch = seen.epoch;
    trial
        .view
        .read(&Key::Entry { epoch, sequence })
        .and_then(|bytes| EntryHeader::from_bytes(&bytes).ok())
        .is_some_and(|header| header.hash() != seen.last)
}
