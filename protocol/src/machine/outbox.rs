//! Questions to partners (SPEC.md section 15.2): kept until their named answer, sent again after
//! 1 s, then twice as long each time up to 30 s, and at once at each greeting. It keeps out what
//! the questions are about.

use alloc::{boxed::Box, vec::Vec};

use super::{
    Key, Machine, Overlay, Stop, View, bundle,
    fold::kept_record,
    letter::Case,
    recovery, showing,
    step::{Event, Mark, Message},
    stored,
    trial::Trial,
};
use crate::{
    code::Code,
    deal::{self, Deal, State, negotiation::thread_of},
    fence::List,
    frame::{Notice, NoticeWhat},
    hash::{DealId, NetworkId, PartnerId, RecordId},
    limits::{LETTER_RECORDS_MAX, PENDING_MAX},
    thread::ThreadBody,
    value::Time,
    wire, words,
};

/// First pause before a question is sent again.
const PAUSE_MS_MIN: u64 = 1_000;
/// Longest pause: one that was lost, or could not be taken yet, is there again before a minute is over.
const PAUSE_MS_MAX: u64 = 30_000;
/// Most questions sent again in one pulse, so that no decision takes long.
const AGAIN_MAX: usize = 64;
/// After so many sendings to a partner that is there, a question takes along what comes before it.
const UNANSWERED_MIN: u8 = 4;
/// Most ends noticed in one pulse.
const OVERDUE_MAX: usize = 256;

words! {
    /// Which answer ends a question.
    pub enum EndsBy {
        /// Stored.
        1 Stored "stored",
        /// A Hold or a Refusal.
        2 HoldOrRefusal "hold-or-refusal",
        /// A Receipt or a Refusal.
        3 Decision "decision",
        /// A Refusal.
        4 Refusal "refusal",
        /// An Ack.
        5 Ack "ack",
        /// Stored, or a record that follows it in its deal: the partner is shown what it may have
        /// lost.
        6 Following "following",
        /// The `ArmReceipt` or the Refusal of each leg that the partner provides.
        7 Armed "armed",
        /// A certificate of its manifest.
        8 Certificate "certificate",
    }
}

/// A question that awaits its answer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Question {
    /// The record that asks.
    pub record: RecordId,
    /// Which answer ends it.
    pub ends_by: EndsBy,
    /// All records of its letter.
    pub letter: List<RecordId, LETTER_RECORDS_MAX>,
    /// What they rest on.
    pub attached: List<RecordId, LETTER_RECORDS_MAX>,
    /// When it was asked first.
    pub at: Time,
}

wire!(Question {
    record,
    ends_by,
    letter,
    attached,
    at,
});

/// Where a question stands among those to its partner.
struct Place {
    number: u64,
}

wire!(Place { number });

/// How many questions a partner owes an answer to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Pending {
    open: u64,
    /// Number of the last question; the first has 1.
    last: u64,
}

wire!(Pending { open, last });

/// How often a question was sent, and when it is sent again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Attempt {
    tries: u8,
    due: Time,
}

impl Attempt {
    fn after(tries: u8, at: Time) -> Self {
        let pause = PAUSE_MS_MIN
            .saturating_mul(1 << u32::from(tries.min(6)))
            .min(PAUSE_MS_MAX);
        Self {
            tries,
            due: at.plus_ms(pause),
        }
    }

    /// One more, after this one if there was one.
    pub(super) fn one_more(before: Option<&Self>, at: Time) -> Self {
        let tries = before.map_or(0, |attempt| attempt.tries.saturating_add(1));
        Self::after(tries, at)
    }

    /// Whether it is to be sent again: also at once where the clock ran back behind the pause.
    pub(super) fn is_due(&self, now: Time) -> bool {
        self.due <= now || self.due > now.plus_ms(PAUSE_MS_MAX)
    }

    /// When it is sent again.
    pub(super) const fn due(&self) -> Time {
        self.due
    }
}

/// Puts a question into the outbox.
pub(crate) fn put(
    machine: &mut Machine,
    view: &mut Overlay<'_>,
    partner: PartnerId,
    question: &Question,
) {
    let mut pending = pending(view, partner);
    pending.last += 1;
    let number = pending.last;
    pending.open += 1;
    view.put(Key::Pending { partner }, &pending);
    view.put(Key::Outbox { partner, number }, question);
    view.put(
        Key::Question {
            record: question.record,
            partner,
        },
        &Place { number },
    );
    machine
        .attempts
        .insert((partner, number), Attempt::after(0, question.at));
}

/// Asks again by a record, with what shows the partner on what it stands: one that fell back may
/// have lost what it answered.
pub(super) fn ask_again(
    trial: &mut Trial<'_>,
    partner: PartnerId,
    (record, attached): (RecordId, Vec<RecordId>),
) {
    let Ok(listed) = List::new(attached.clone()) else {
        return;
    };
    let known = question(&trial.view, partner, record);
    let is_new = known.is_none();
    let before = known.unwrap_or_else(|| Question {
        record,
        ends_by: EndsBy::Following,
        letter: List::new([record]).unwrap_or_default(),
        attached: List::default(),
        at: trial.at(),
    });
    if is_new || before.attached != listed {
        let question = Box::new(Question {
            attached: listed,
            ..before
        });
        trial.mark(Mark::AskedAgain { partner, question });
    }
    let records = Vec::from([record]);
    trial.send(partner, Message::Letter { records, attached });
}

/// Puts a question into the outbox, or in the place of the one with the same record.
pub(super) fn replace(
    machine: &mut Machine,
    view: &mut Overlay<'_>,
    partner: PartnerId,
    question: &Question,
) {
    let record = question.record;
    match stored::<Place>(view, &Key::Question { record, partner }) {
        Some(Place { number }) => view.put(Key::Outbox { partner, number }, question),
        None => put(machine, view, partner, question),
    }
}

/// What a partner was shown has its answer in the record that follows it in the deal.
pub(crate) fn answered(trial: &mut Trial<'_>, case: Case<'_>) {
    let network = trial.machine.config.network;
    let Some(deal_id) = deal::named_by(&trial.view, &network, case.record()) else {
        return;
    };
    let Some(deal) = Deal::read(&trial.view, deal_id) else {
        return;
    };
    let (partner, kind) = (case.record().author(), bundle::order_of(case.record()));
    for record in deal.own_chain(deal_id) {
        let is_shown = question(&trial.view, partner, record)
            .is_some_and(|question| question.ends_by == EndsBy::Following);
        // Few are, and only of those the record is read. Kinds ascend in a deal, but for the
        // decision that follows a Release.
        let follows = || {
            Some(record) == deal.release
                || kept_record(&trial.view, &network, record)
                    .is_some_and(|kept| kind > bundle::order_of(&kept))
        };
        if is_shown && follows() {
            trial.mark(Mark::Answered { partner, record });
        }
    }
}

/// Takes a question out of the outbox, if it stands in it.
pub(crate) fn end(
    machine: &mut Machine,
    view: &mut Overlay<'_>,
    partner: PartnerId,
    record: RecordId,
) {
    let Some(Place { number }) = stored(view, &Key::Question { record, partner }) else {
        return;
    };
    let mut pending = pending(view, partner);
    pending.open = pending.open.saturating_sub(1);
    view.put(Key::Pending { partner }, &pending);
    view.delete(Key::Outbox { partner, number });
    view.delete(Key::Question { record, partner });
    machine.attempts.remove(&(partner, number));
}

/// From now on `Stored` ends this question, if it stands in the outbox.
pub(super) fn until_stored(
    machine: &mut Machine,
    view: &mut Overlay<'_>,
    (partner, record): (PartnerId, RecordId),
) {
    if let Some(question) = question(view, partner, record) {
        let ends_by = EndsBy::Stored;
        let question = Question {
            ends_by,
            ..question
        };
        replace(machine, view, partner, &question);
    }
}

/// Notes that a question was sent once more.
pub(super) fn asked(machine: &mut Machine, place: (PartnerId, u64), at: Time) {
    let attempt = Attempt::one_more(machine.attempts.get(&place), at);
    machine.attempts.insert(place, attempt);
}

/// Whether a new deal may be begun with this partner.
pub(crate) fn has_room(view: &dyn View, partner: PartnerId) -> bool {
    usize::try_from(open(view, partner)).is_ok_and(|open| open < PENDING_MAX)
}

/// Questions that a partner owes an answer to.
pub(super) fn open(view: &dyn View, partner: PartnerId) -> u64 {
    pending(view, partner).open
}

/// A partner's Stored ends the question that waits for no more than that.
pub(super) fn stored_answer(trial: &mut Trial<'_>, from: PartnerId, record: RecordId) {
    if question(&trial.view, from, record)
        .is_some_and(|question| matches!(question.ends_by, EndsBy::Stored | EndsBy::Following))
    {
        trial.mark(Mark::Answered {
            partner: from,
            record,
        });
    }
}

/// The question with this record, if it stands in the outbox for this partner.
pub(crate) fn question(view: &dyn View, partner: PartnerId, record: RecordId) -> Option<Question> {
    let Place { number } = stored(view, &Key::Question { record, partner })?;
    stored(view, &Key::Outbox { partner, number })
}

/// Sends again what is due at partners with a session.
pub(super) fn send_due(trial: &mut Trial<'_>) {
    let now = trial.now.time;
    let due: Vec<(PartnerId, u64)> = trial
        .machine
        .attempts
        .iter()
        .filter(|((partner, _), attempt)| attempt.is_due(now) && trial.machine.is_present(*partner))
        .map(|(place, _)| *place)
        .take(AGAIN_MAX)
        .collect();
    for (partner, number) in due {
        send_again(trial, partner, number);
    }
}

/// Sends again all that a partner was asked, as at a greeting.
pub(super) fn send_all(trial: &mut Trial<'_>, partner: PartnerId) {
    for number in numbers(&trial.view, partner) {
        send_again(trial, partner, number);
    }
}

/// The questions that stand in the outbox for a partner, in their order.
fn numbers(view: &dyn View, partner: PartnerId) -> Vec<u64> {
    let mut after = Key::Outbox { partner, number: 0 };
    let mut numbers = Vec::new();
    while let Some((
        key @ Key::Outbox {
            partner: of,
            number,
        },
        _,
    )) = view.next(&after)
        && of == partner
    {
        numbers.push(number);
        after = key;
    }
    numbers
}

fn send_again(trial: &mut Trial<'_>, partner: PartnerId, number: u64) {
    let Some(question) = stored::<Question>(&trial.view, &Key::Outbox { partner, number }) else {
        return;
    };
    let at = trial.now.time;
    let attempt = trial.machine.attempts.get(&(partner, number));
    let is_unanswered = attempt.is_some_and(|attempt| attempt.tries >= UNANSWERED_MIN);
    trial.mark(Mark::Asked {
        partner,
        number,
        at,
    });
    let beside = bundle::beside(trial, partner, &question);
    let mut attached = beside.unwrap_or_else(|| question.attached.into_vec());
    if is_unanswered {
        let theirs = showing::before(trial, question.record);
        attached.extend(theirs.into_iter().rev());
        attached.truncate(LETTER_RECORDS_MAX);
    }
    let records = question.letter.into_vec();
    trial.send(partner, Message::Letter { records, attached });
}

/// A partner did not take a question: it goes to the operator's inbox, and what travelled with it is
/// asked without it from now on.
pub(super) fn rejected(
    machine: &mut Machine,
    view: &mut Overlay<'_>,
    partner: PartnerId,
    (record, code): (RecordId, Code),
) {
    let Some(rejected) = question(view, partner, record) else {
        return;
    };
    end(machine, view, partner, record);
    view.put(Key::Inbox { partner, record }, &code);
    for other in &*rejected.letter {
        let place = Key::Question {
            record: *other,
            partner,
        };
        let Some(Place { number }) = stored(view, &place) else {
            continue;
        };
        if let Some(mut question) = question(view, partner, *other) {
            let rest: Vec<RecordId> = question
                .letter
                .iter()
                .filter(|id| **id != record)
                .copied()
                .collect();
            question.letter = List::new(rest).unwrap_or_default();
            view.put(Key::Outbox { partner, number }, &question);
        }
    }
    // Without the record on which it rests, or which opened its thread, the partner leaves a record
    // without an answer.
    for number in numbers(view, partner) {
        let Some(question) = stored::<Question>(view, &Key::Outbox { partner, number }) else {
            continue;
        };
        let network = machine.config.network;
        let Some(kept) = kept_record(view, &network, question.record) else {
            continue;
        };
        let header = kept.body().header();
        let rests_on_it =
            RecordId::from(thread_of(&kept)) == record || header.parent == Some(record);
        let is_talk = match question.ends_by {
            EndsBy::Stored => true,
            EndsBy::Following => deal::named_by(view, &network, &kept).is_none(),
            EndsBy::HoldOrRefusal
            | EndsBy::Decision
            | EndsBy::Refusal
            | EndsBy::Ack
            | EndsBy::Armed
            | EndsBy::Certificate => false,
        };
        if !rests_on_it {
            continue;
        }
        if is_talk {
            end(machine, view, partner, question.record);
        } else if question.ends_by == EndsBy::HoldOrRefusal {
            // Nothing is bound yet: the operator may give it up.
            end(machine, view, partner, question.record);
            let record = question.record;
            view.put(Key::Inbox { partner, record }, &code);
        }
    }
}

/// A partner's notice about a question.
pub(super) fn notice(trial: &mut Trial<'_>, notice: &Notice) -> Result<(), Stop> {
    let (partner, record, code) = (notice.from, notice.about, notice.code);
    match notice.what {
        NoticeWhat::Rejected => {
            recovery::declined(trial, partner, record.into())?;
            if code == Code::DealUnknown {
                bundle::declined(trial, partner, record)?;
            }
            if question(&trial.view, partner, record).is_some() {
                trial.mark(Mark::Rejected {
                    partner,
                    record,
                    code,
                });
                trial.event(Event::Rejected {
                    partner,
                    record,
                    code,
                });
            }
        }
        NoticeWhat::Lost => lost(trial, (partner, code), record.into()),
    }
    Ok(())
}

/// A partner lacks what it signed: a Request or Release is asked again, at the pace of the outbox,
/// so that two nodes don't drive each other. A Commit waits for its next turn. A deal in which
/// nothing is asked is shown at the same pace, unless the partner recovers and can't take it yet.
fn lost(trial: &mut Trial<'_>, (partner, code): (PartnerId, Code), deal_id: DealId) {
    let Some(deal) = Deal::read(&trial.view, deal_id).filter(|deal| deal.partner == partner) else {
        if code == Code::Lost && bundle::lost(trial, partner, deal_id.into()) {
            return;
        }
        // It says so of what this node told it to have seen, and is shown that once a life; or of a
        // deal that it has and this node has not.
        showing::begin_once(trial, partner);
        if code == Code::Lost {
            not_bound(trial, partner, deal_id);
        }
        return;
    };
    let may_take = code == Code::Lost && deal.question(deal_id).is_none();
    let asking = if may_take {
        showing::latest(trial, deal_id, &deal)
    } else {
        let is_asked = matches!(deal.state, State::Requested | State::Released);
        deal.question(deal_id).filter(|_| is_asked)
    };
    let Some(record) = asking else {
        if may_take {
            not_bound(trial, partner, deal_id);
        }
        return;
    };
    let number = stored::<Place>(&trial.view, &Key::Question { record, partner });
    let number = number.map(|place| place.number);
    let is_due = number.is_none_or(|number| {
        let attempt = trial.machine.attempts.get(&(partner, number));
        attempt.is_some_and(|attempt| attempt.is_due(trial.now.time))
    });
    if !is_due {
        return;
    }
    match number {
        Some(number) => send_again(trial, partner, number),
        None if may_take => showing::show(trial, deal_id, &deal, record),
        None => {}
    }
    if let Some(manifest) = deal.manifest.filter(|_| may_take) {
        bundle::lost(trial, partner, manifest.into());
    }
}

/// Says that this node signed nothing in a deal.
fn not_bound(trial: &mut Trial<'_>, partner: PartnerId, deal_id: DealId) {
    if !trial.machine.recovering {
        let about = deal_id.into();
        trial.notice(partner, NoticeWhat::Rejected, about, Code::DealUnknown);
    }
}

/// Deals that a partner decided and whose Ack it has not confirmed.
pub(super) fn unconfirmed(view: &dyn View, network: &NetworkId, partner: PartnerId) -> Vec<DealId> {
    numbers(view, partner)
        .into_iter()
        .filter_map(|number| stored::<Question>(view, &Key::Outbox { partner, number }))
        .filter_map(|question| kept_record(view, network, question.record))
        .filter_map(|record| {
            let ThreadBody::Ack(ack) = record.body() else {
                return None;
            };
            kept_record(view, network, ack.receipt)
        })
        .filter_map(|record| deal::decided_by(record.body()))
        .take(PENDING_MAX)
        .collect()
}

/// When the next question is sent again. What ends by itself is not looked for here: it would cost
/// every decision a walk, while its end is judged where it is used and any later pulse records it.
pub(super) fn next_wake(machine: &Machine) -> Option<Time> {
    let mut next: Option<Time> = None;
    for ((partner, _), attempt) in &machine.attempts {
        // Who is present is looked up for the few that come sooner than those before them.
        if next.is_none_or(|next| attempt.due < next) && machine.is_present(*partner) {
            next = Some(attempt.due);
        }
    }
    next
}

/// What time brings about: questions are sent again, and what is over is ended.
pub(super) fn pulse(trial: &mut Trial<'_>) -> Result<(), Stop> {
    send_due(trial);
    recovery::pulse(trial);
    bundle::pulse(trial);
    showing::go_on(trial);
    let mut after = Key::Due {
        end: Time::default(),
        deal: DealId::from_bytes([0; 32]),
    };
    for _ in 0..OVERDUE_MAX {
        let Some((key @ Key::Due { end, deal: deal_id }, _)) = trial.view.next(&after) else {
            break;
        };
        if end >= trial.at() {
            break;
        }
        if let Some(deal) = Deal::read(&trial.view, deal_id) {
            deal::overdue(trial, deal_id, &deal)?;
        }
        after = key;
    }
    Ok(())
}

fn pending(view: &dyn View, partner: PartnerId) -> Pending {
    stored(view, &Key::Pending { partner }).unwrap_or_default()
}
