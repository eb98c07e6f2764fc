//! Timetables (SPEC.md section 12, 'Slots'): at which times a service can be had, and whether terms
//! ask for one of them. It keeps out how the times are reckoned, which is the shell's matter, and
//! how many places of a slot are held and sold, which is `stock`'s.

use alloc::vec::Vec;

use super::stock;
use crate::{
    code::Code,
    fence::List,
    hash::SubjectId,
    ledger::Payload,
    limits::{DAY_MS, MINUTE_MS, SLOT_DAYS_MAX, SLOTS_MAX},
    machine::{Key, Overlay, Stop, Trial, View, own_offer, stored},
    public::Offer,
    thread::{Line, Terms, Window},
    trade::Nature,
    value::{Invalid, Time},
    wire,
};

/// The slots of an offer's calendar that were still to come when it was reckoned.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Timetable {
    places: u32,
    minutes: u32,
    begins: List<Time, SLOTS_MAX>,
}

wire!(Timetable { places, minutes, begins } check);

impl Timetable {
    /// Slots of so many minutes, each with so many places, that begin at these times.
    ///
    /// # Errors
    /// `Rule` if the times do not ascend, and the limit of their number.
    pub fn new(places: u32, minutes: u32, begins: Vec<Time>) -> Result<Self, Invalid> {
        let begins = List::new(begins)?;
        let table = Self {
            places,
            minutes,
            begins,
        };
        table.check()?;
        Ok(table)
    }

    fn check(&self) -> Result<(), Invalid> {
        let mut pairs = self.begins.windows(2);
        if pairs.all(|pair| matches!(pair, [before, after] if before < after)) {
            Ok(())
        } else {
            Err(Invalid::Rule("the slots of a timetable must ascend"))
        }
    }

    /// The timetable of the own article with this subject; empty if it has none.
    #[must_use]
    pub fn read(view: &dyn View, subject: SubjectId) -> Self {
        stored(view, &Key::Timetable { subject }).unwrap_or_default()
    }

    /// When its slots begin, ascending.
    #[must_use]
    pub fn begins(&self) -> &[Time] {
        &self.begins
    }

    /// Places of the slot that begins then; 0 if none does.
    #[must_use]
    pub fn places_at(&self, begins: Time) -> u64 {
        match self.begins.binary_search(&begins) {
            Ok(_) => self.places.into(),
            Err(_) => 0,
        }
    }

    /// The slot that begins then.
    #[must_use]
    pub fn slot(&self, begins: Time) -> Option<Window> {
        self.begins.binary_search(&begins).ok()?;
        let until = begins.plus_ms(u64::from(self.minutes) * MINUTE_MS);
        Window::new(begins, until).ok()
    }
}

/// Enters the slots of a standing offer's calendar that begin at these times. A timetable that
/// changes nothing is not entered.
pub(crate) fn enter(
    trial: &mut Trial<'_>,
    subject: SubjectId,
    begins: Vec<Time>,
) -> Result<(), Stop> {
    let network = trial.machine.config.network;
    let (_, offer) =
        own_offer(&trial.view, &network, subject, trial.at()).ok_or(Code::OfferUnknown)?;
    let service = offer.draft().service.as_ref().ok_or(Code::OfferUnknown)?;
    let calendar = service.calendar.as_ref().ok_or(Code::OfferUnknown)?;
    let last = trial.at().plus_ms(SLOT_DAYS_MAX * DAY_MS);
    if begins.iter().any(|begins| *begins > last) {
        return Err(Code::ValidityWrong.into());
    }
    let table = Timetable::new(calendar.capacity, service.duration_minutes, begins);
    set(trial, subject, table.map_err(Code::from)?);
    Ok(())
}

/// Ends the timetable of an article whose offer has no calendar any more.
pub(crate) fn end(trial: &mut Trial<'_>, offer: &Offer) {
    let has_calendar = |offer: &Offer| offer.draft().service.as_ref()?.calendar.as_ref().map(drop);
    if has_calendar(offer).is_none() {
        set(trial, offer.subject(), Timetable::default());
    }
}

fn set(trial: &mut Trial<'_>, subject: SubjectId, table: Timetable) {
    if table != Timetable::read(&trial.view, subject) {
        trial.enter(Payload::Timetable { subject, table }, None, Vec::new());
    }
}

/// What a timetable changes. What was promised of its slots stays so.
pub(crate) fn entered(view: &mut Overlay<'_>, (subject, table): (SubjectId, &Timetable), at: Time) {
    let key = Key::Timetable { subject };
    if table.begins.is_empty() {
        view.delete(key);
    } else {
        view.put(key, table);
    }
    stock::recount_places(view, (subject, table), at);
}

/// The beginning of the slot of which a line of terms with this window takes a place, for a
/// service.
pub(crate) fn slot_of(line: &Line, window: Option<Window>) -> Option<Time> {
    let window = window.filter(|_| line.item().nature == Nature::Service);
    window.map(Window::from)
}

/// Whether each line asks for a slot that stands, where its offer has slots or it takes a place of
/// one. `lines` are those that are judged, each with its offer.
pub(crate) fn judge(
    trial: &Trial<'_>,
    terms: &Terms,
    lines: &[(&Line, Offer)],
) -> Result<(), Code> {
    for (line, offer) in lines {
        let service = offer.draft().service.as_ref();
        let has_calendar = service.is_some_and(|service| service.calendar.is_some());
        let asked = slot_of(line, terms.conditions().window);
        if !has_calendar && asked.is_none() {
            continue;
        }
        let table = Timetable::read(&trial.view, offer.subject());
        let slot = asked.and_then(|begins| table.slot(begins));
        let stands = slot.is_some_and(|slot| slot.from() > trial.at());
        if !has_calendar || !stands || slot != terms.conditions().window {
            return Err(Code::SlotUnknown);
        }
    }
    Ok(())
}
