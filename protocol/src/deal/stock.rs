//! Stock (SPEC.md section 12): counted, held and sold steps of each article, and places of each slot
//! of a service. Nothing is granted beyond what is available in the view that includes the batch
//! being built; whether a count is right is the operator's matter.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{
    Holder,
    timetable::{self, Timetable},
};
use crate::{
    code::Code,
    hash::{PartnerId, SubjectId},
    ledger::Payload,
    limits::{SKU_BYTES_MAX, STEPS_MAX},
    machine::{
        Count, Event, GrantTerms, Key, Overlay, Standing, Stop, Strangers, Trial, View, decoded,
        stored,
    },
    slot,
    thread::{Item, Terms},
    value::{Text, Time},
    wire,
};

/// What a deal takes of a slot, whatever its steps.
pub(crate) const PLACE: u64 = 1;
/// Of an offer's counted stock, all strangers together hold at most one part in so many.
const STRANGERS_PART: u64 = 10;

/// Stock of one article, or the places of one slot, which are steps of it here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Stock {
    /// Steps at the last count.
    pub counted: u64,
    /// Steps held for deals that are not decided.
    pub held: u64,
    /// Those of `held` that strangers hold.
    pub held_by_strangers: u64,
    /// Steps sold since the last count.
    pub sold: u64,
}

wire!(Stock {
    counted,
    held,
    held_by_strangers,
    sold,
});

/// Steps of one article, or places of one of its slots, that a deal reserves or takes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Reserved {
    /// Subject of the article's offer.
    pub subject: SubjectId,
    /// When the slot begins; none for steps of the stock.
    pub slot: Option<Time>,
    /// Steps, or places.
    pub steps: u64,
}

wire!(Reserved {
    subject,
    slot,
    steps
});

impl Stock {
    /// The stock of the article with this subject; nothing if it was never counted.
    #[must_use]
    pub fn read(view: &dyn View, subject: SubjectId) -> Self {
        stored(view, &Key::Stock { subject }).unwrap_or_default()
    }

    /// The places of the slot of this article that begins then: those of its timetable, where none
    /// is held or sold.
    #[must_use]
    pub fn of_slot(view: &dyn View, subject: SubjectId, begins: Time) -> Self {
        stored(view, &Key::Places { subject, begins }).unwrap_or_else(|| Self {
            counted: Timetable::read(view, subject).places_at(begins),
            ..Self::default()
        })
    }

    /// That of what a deal reserves.
    fn of(view: &dyn View, reserved: &Reserved) -> Self {
        match reserved.slot {
            None => Self::read(view, reserved.subject),
            Some(begins) => Self::of_slot(view, reserved.subject, begins),
        }
    }

    /// Steps that may be granted.
    #[must_use]
    pub const fn available(&self) -> u64 {
        self.counted
            .saturating_sub(self.held)
            .saturating_sub(self.sold)
    }

    /// Steps promised beyond what was counted.
    #[must_use]
    pub const fn short(&self) -> u64 {
        self.held
            .saturating_add(self.sold)
            .saturating_sub(self.counted)
    }
}

/// Decides about a count. One that changes nothing writes nothing.
pub(crate) fn count(trial: &mut Trial<'_>, count: &Count) -> Result<(), Stop> {
    if count.steps > STEPS_MAX {
        return Err(Code::Malformed.into());
    }
    let subject = slot::subject(&count.sku, &count.list);
    let before = Stock::read(&trial.view, subject);
    if trial.view.read(&Key::Stock { subject }).is_some()
        && before.counted == count.steps
        && before.sold == 0
    {
        return Ok(());
    }
    let steps = count.steps;
    trial.enter(Payload::Counted { subject, steps }, None, Vec::new());
    trial.event(Event::Counted {
        subject,
        counted: steps,
        short: Stock::read(&trial.view, subject).short(),
    });
    Ok(())
}

/// What a count changes: what was sold before it is no longer on the shelf that was counted.
pub(crate) fn counted(view: &mut Overlay<'_>, subject: SubjectId, steps: u64) {
    let mut stock = Stock::read(view, subject);
    stock.counted = steps;
    stock.sold = 0;
    view.put(Key::Stock { subject }, &stock);
}

/// The subject of the offer that a line rests on; none if it names no article.
pub(crate) fn subject_of(item: &Item) -> Option<SubjectId> {
    let sku = Text::<SKU_BYTES_MAX, 1>::new(item.sku.as_str()).ok()?;
    Some(slot::subject(&sku, &item.list))
}

/// Of what terms take: the article, and the beginning of its slot where they take a place of one.
pub(crate) type Taken = (SubjectId, Option<Time>);

/// Steps of each article over all lines, and one place of each slot.
pub(crate) fn of_terms(terms: &Terms) -> BTreeMap<Taken, u64> {
    let mut steps = BTreeMap::new();
    for line in terms.lines() {
        let Some(subject) = subject_of(line.item()) else {
            continue;
        };
        let slot = timetable::slot_of(line, terms.conditions().window);
        let sum: &mut u64 = steps.entry((subject, slot)).or_default();
        *sum = match slot {
            None => sum.saturating_add(line.item().steps.get()),
            Some(_) => PLACE,
        };
    }
    steps
}

/// A timetable counts the places of its slots anew. Of a slot that has begun nothing is kept that
/// holds no place.
pub(super) fn recount_places(
    view: &mut Overlay<'_>,
    (subject, table): (SubjectId, &Timetable),
    at: Time,
) {
    let first = Time::default();
    let mut after = Key::Places {
        subject,
        begins: first,
    };
    while let Some((key, bytes)) = view.next(&after)
        && let Key::Places {
            subject: of,
            begins,
        } = key
        && of == subject
    {
        if let Some(mut stock) = decoded::<Stock>(&bytes) {
            if begins > at {
                stock.counted = table.places_at(begins);
                view.put(key, &stock);
            } else if stock.held == 0 {
                view.delete(key);
            }
        }
        after = key;
    }
}

/// As what a partner would hold now.
pub(crate) fn holder(view: &dyn View, partner: PartnerId) -> Holder {
    match GrantTerms::read(view, partner).standing {
        Standing::Partner => Holder::Partner,
        Standing::Stranger | Standing::Blocked | Standing::Quarantined | Standing::Onlooker => {
            Holder::Stranger
        }
    }
}

/// Whether these steps, or this place, may be granted to such a holder. `increment` says how much
/// strangers may hold at least of an article.
pub(crate) fn may_hold(
    view: &dyn View,
    reserved: &Reserved,
    holder: Holder,
    (strangers, increment): (Strangers, u64),
) -> Result<(), Code> {
    let stock = Stock::of(view, reserved);
    let (increment, none_left) = match reserved.slot {
        None => (increment, Code::NoStock),
        Some(_) => (PLACE, Code::SlotFull),
    };
    if holder == Holder::Stranger {
        let part = match strangers {
            Strangers::HoldNothing => 0,
            Strangers::HoldATenth => (stock.counted / STRANGERS_PART).max(increment),
        };
        if stock.held_by_strangers.saturating_add(reserved.steps) > part {
            return Err(none_left);
        }
    }
    if reserved.steps > stock.available() {
        return Err(none_left);
    }
    Ok(())
}

/// Holds steps.
pub(crate) fn hold(view: &mut Overlay<'_>, reserved: &[Reserved], holder: Holder) {
    change(view, reserved, |stock, steps| {
        stock.held = stock.held.saturating_add(steps);
        if holder == Holder::Stranger {
            stock.held_by_strangers = stock.held_by_strangers.saturating_add(steps);
        }
    });
}

/// Holds steps no more.
pub(crate) fn free(view: &mut Overlay<'_>, reserved: &[Reserved], holder: Holder) {
    change(view, reserved, |stock, steps| {
        stock.held = stock.held.saturating_sub(steps);
        if holder == Holder::Stranger {
            stock.held_by_strangers = stock.held_by_strangers.saturating_sub(steps);
        }
    });
}

/// Sells steps.
pub(crate) fn sell(view: &mut Overlay<'_>, reserved: &[Reserved]) {
    change(view, reserved, |stock, steps| {
        stock.sold = stock.sold.saturating_add(steps);
    });
}

/// Takes sold steps back, as after a cancellation. What was sold before the last count is on the
/// shelf that is counted next.
pub(crate) fn take_back(view: &mut Overlay<'_>, reserved: &[Reserved]) {
    change(view, reserved, |stock, steps| {
        stock.sold = stock.sold.saturating_sub(steps);
    });
}

fn change(view: &mut Overlay<'_>, reserved: &[Reserved], how: impl Fn(&mut Stock, u64)) {
    for one in reserved {
        let mut stock = Stock::of(view, one);
        how(&mut stock, one.steps);
        let subject = one.subject;
        match one.slot {
            None => view.put(Key::Stock { subject }, &stock),
            Some(begins) => {
                let key = Key::Places { subject, begins };
                if stock.held == 0 && stock.sold == 0 {
                    view.delete(key);
                } else {
                    view.put(key, &stock);
                }
            }
        }
    }
}
