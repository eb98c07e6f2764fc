//! Slots: how many places each has, and what of them is promised.

use super::{At, Books, Stock};
use crate::auditor::{
    bytes::Id,
    finding::{Check, Findings},
    read::Taken,
};

impl Books {
    /// A timetable was entered. It counts the places of the slots that are still to come; of one that
    /// has begun nothing is kept that is not held.
    pub(super) fn reckoned(
        &mut self,
        at: &At<'_>,
        subject: Id,
        (places, begins): (i128, &[u64]),
        found: &mut Findings,
    ) {
        if !begins.is_sorted_by(|one, other| one < other) {
            let why = "the slots of a timetable do not ascend";
            at.find(found, Check::Stock, &[subject], why);
        }
        let table = (places, begins.iter().copied().collect());
        self.timetables.insert(subject, table);
        let now = at.ms();
        let slots = self.stock.keys().copied();
        let of = slots.filter(|(of, slot)| *of == subject && slot.is_some());
        for taken in of.collect::<Vec<_>>() {
            let places = self.places_at(taken);
            let stock = self.stock.entry(taken).or_default();
            if taken.1.is_some_and(|begins| begins > now) {
                stock.counted = places;
            } else if stock.held == 0 {
                self.stock.remove(&taken);
            }
        }
    }

    fn places_at(&self, (subject, begins): Taken) -> i128 {
        let table = self.timetables.get(&subject);
        let stands =
            table.filter(|(_, slots)| begins.is_some_and(|begins| slots.contains(&begins)));
        stands.map_or(0, |(places, _)| *places)
    }

    /// What is there, of an article or a slot.
    pub(super) fn there_is(&self, taken: Taken) -> Stock {
        let known = self.stock.get(&taken).copied().unwrap_or_default();
        match (taken.1, known.held, known.sold) {
            (Some(_), 0, 0) => Stock {
                counted: self.places_at(taken),
                ..known
            },
            _ => known,
        }
    }

    pub(super) fn stock_of(&mut self, taken: Taken) -> &mut Stock {
        let there_is = self.there_is(taken);
        let stock = self.stock.entry(taken).or_default();
        *stock = there_is;
        stock
    }

    /// A place is granted of a slot that is still to come.
    pub(super) fn check_slot(&self, at: &At<'_>, deal: Id, taken: Taken, found: &mut Findings) {
        let (subject, Some(begins)) = taken else {
            return;
        };
        if begins <= at.ms() {
            let why = format!(
                "a place is granted {} ms after its slot began",
                at.ms() - begins
            );
            at.find(found, Check::Stock, &[deal, subject], why);
        }
    }
}
