//! Showing a partner that fell back what it may have lost (SPEC.md section 14): the deals between
//! the two, each with the records by which it stands. It keeps out how the partner takes them in.

use alloc::vec::Vec;

use super::{
    Key, View,
    bundle::{self, Bundle},
    fold::kept_record,
    life::Recall,
    outbox, seen,
    step::{Mark, Message},
    stored,
    trial::Trial,
};
use crate::{
    deal::{
        self, Deal, Side, State,
        negotiation::{Thread, thread_of},
    },
    frame::Greeting,
    hash::{DealId, PartnerId, RecordId, ThreadId},
    limits::LETTER_RECORDS_MAX,
    record::Signed,
    thread::{Life, ThreadBody},
    value::Time,
    wire,
};

/// Most deals looked at in one step, so that no decision takes long.
const DEALS_MAX: usize = 256;
/// Questions that a partner owes an answer to, beyond which it is shown no more deals yet.
const ASKED_MAX: u64 = 64;

/// How far a partner was shown what it may have lost.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Showing {
    /// The life in which it fell back: each of its meetings begins anew.
    pub(super) life: Life,
    /// The deal after which it goes on; none once all are shown.
    pub(super) after: Option<DealId>,
}

wire!(Showing { life, after });

impl Showing {
    pub(super) const fn recall(&self) -> Recall {
        match self.after {
            Some(_) => Recall::Begun,
            None => Recall::Over,
        }
    }
}

/// Whether a partner that greets with this head lacks something of what it announced before, gave it
/// up by an epoch since, or did so at an earlier meeting of the same life. A greeting that is heard
/// again in one meeting begins nothing anew, unless the partner opened an epoch since, and can take
/// more now.
pub(super) fn is_due(trial: &Trial<'_>, greeting: &Greeting) -> bool {
    let (partner, of_life) = (greeting.from, (greeting.life, greeting.head));
    if seen::opened_epoch(&trial.view, partner, of_life) {
        return true;
    }
    let showing: Option<Showing> = stored(&trial.view, &Key::Showing { partner });
    if showing.is_none_or(|showing| showing.life != greeting.life) {
        return seen::fell_back(&trial.view, partner, of_life);
    }
    let machine = &trial.machine;
    !machine.is_present(partner) || machine.greeted_life(partner) != Some(greeting.life)
}

/// Whether a partner was begun to be shown what it lost, and not to the end.
pub(super) fn recall(view: &dyn View, partner: PartnerId) -> Recall {
    let showing: Option<Showing> = stored(view, &Key::Showing { partner });
    showing.map_or(Recall::Over, |showing| showing.recall())
}

/// Begins to show a partner what it may have lost.
pub(super) fn begin(trial: &mut Trial<'_>, partner: PartnerId, life: Life) {
    trial.mark(Mark::Showing {
        partner,
        life,
        after: Some(DealId::from_bytes([0; 32])),
    });
    bundle::shown(trial, partner);
    go_on(trial);
}

/// Begins to show a partner that says itself that it lost something, unless it was shown in this
/// life: its next greeting begins anew.
pub(super) fn begin_once(trial: &mut Trial<'_>, partner: PartnerId) {
    let Some(life) = trial.machine.greeted_life(partner) else {
        return;
    };
    let shown: Option<Showing> = stored(&trial.view, &Key::Showing { partner });
    if shown.is_none_or(|shown| shown.life != life) {
        begin(trial, partner, life);
    }
}

/// Begins to show the author of a record what it lost, where the record tells that it fell back: this
/// node may have lost the record too, and then did not know of it when the author greeted.
pub(super) fn look_back(trial: &mut Trial<'_>, record: &Signed<ThreadBody>) {
    let author = record.author();
    let life = trial.machine.greeted_life(author);
    if life.is_some_and(|life| seen::shows_fall(&trial.view, record, life)) {
        begin_once(trial, author);
    }
}

/// When showing goes on, if it is not at its end.
pub(super) fn next_wake(trial: &Trial<'_>) -> Option<Time> {
    let waits = begun(trial).next().is_some();
    waits.then(|| trial.now.time.plus_ms(1))
}

/// Shows the next of those partners that are here and answered what they were shown before.
pub(super) fn go_on(trial: &mut Trial<'_>) {
    let begun: Vec<_> = begun(trial).collect();
    for (partner, life, deal) in begun {
        let mut after = Some(deal);
        for _ in 0..DEALS_MAX {
            let has_room = outbox::open(&trial.view, partner) < ASKED_MAX;
            let Some(deal) = after.filter(|_| has_room) else {
                break;
            };
            after = match trial.view.next(&Key::Deal { deal }) {
                Some((Key::Deal { deal: id }, _)) => {
                    let deal = Deal::read(&trial.view, id).filter(|deal| deal.partner == partner);
                    if let Some(deal) = deal.filter(|deal| !is_shown_with_its_order(deal)) {
                        show_latest(trial, id, &deal);
                    }
                    Some(id)
                }
                Some(_) | None => None,
            };
        }
        trial.mark(Mark::Showing {
            partner,
            life,
            after,
        });
    }
}

fn begun(trial: &Trial<'_>) -> impl Iterator<Item = (PartnerId, Life, DealId)> {
    let machine = &trial.machine;
    let sessions = machine.sessions.iter();
    let begun = sessions.filter(|(_, session)| session.recall == Recall::Begun);
    begun
        .map(|(partner, _)| *partner)
        .filter(|partner| machine.is_present(*partner))
        .filter(|partner| outbox::open(&trial.view, *partner) < ASKED_MAX)
        .filter_map(|partner| {
            let showing: Showing = stored(&trial.view, &Key::Showing { partner })?;
            Some((partner, showing.life, showing.after?))
        })
}

/// What changed an order can be booked only where the order is.
fn is_shown_with_its_order(deal: &Deal) -> bool {
    deal.order.is_some() && matches!(deal.state, State::Sold | State::Agreed)
}

/// The latest own record of a deal, if there is one.
pub(super) fn latest(trial: &Trial<'_>, id: DealId, deal: &Deal) -> Option<RecordId> {
    let own = match deal.side() {
        Side::Requester => [deal.ack, deal.release, deal.commit, Some(id.into())],
        Side::Provider => {
            let armed = bundle::receipt_of(&trial.view, id, deal);
            [deal.decision, armed, deal.hold, None]
        }
    };
    own.into_iter().flatten().find(|record| {
        record_of(trial, *record)
            .is_some_and(|record| record.author() == trial.machine.config.partner)
    })
}

fn show_latest(trial: &mut Trial<'_>, id: DealId, deal: &Deal) {
    if let Some(latest) = latest(trial, id, deal) {
        show(trial, id, deal, latest);
    }
}

/// Asks again by the latest own record of a deal, with all that it stands on, and shows what
/// followed it.
pub(super) fn show(trial: &mut Trial<'_>, id: DealId, deal: &Deal, latest: RecordId) {
    let mut chain = deal.chain(id);
    if chain.last() == Some(&latest) {
        chain.pop();
    }
    // A Manifest is taken where the holds of all its legs are; one of parts, where the whole is too,
    // for which a letter of what followed has no room.
    if let Some(manifest) = deal.manifest
        && let Some(known) = Bundle::read(&trial.view, manifest)
    {
        let (id, holds) = (manifest.into(), bundle::stands_on(&known, deal.partner));
        if id == latest {
            chain = holds;
        } else if deal.side() == Side::Requester && known.whole.is_some() {
            outbox::ask_again(trial, deal.partner, (id, holds));
        }
    }
    // A leg that lapsed armed before, and that counts still.
    if deal.state == State::Lapsed
        && let Some(armed) = bundle::receipt_of(&trial.view, id, deal)
    {
        outbox::ask_again(trial, deal.partner, (armed, chain.clone()));
    }
    // Of a provider the partner's Ack, which may be all that it lost.
    chain.extend(deal.ack.filter(|ack| *ack != latest));
    outbox::ask_again(trial, deal.partner, (latest, chain));
    follow(trial, id, (deal.partner, latest));
}

/// What followed an agreement: hand-overs, then events and changes in their order.
fn follow(trial: &mut Trial<'_>, order: DealId, (partner, latest): (PartnerId, RecordId)) {
    let mut theirs = Vec::new();
    let Some(deal) = Deal::read(&trial.view, order) else {
        return;
    };
    for record in of_thread(trial, deal.thread) {
        if matches!(record.body(), ThreadBody::Handover(handover) if handover.deal == order) {
            show_record(trial, &record, &mut theirs);
        }
    }
    let mut number = 0;
    while let Some(step) = stored::<RecordId>(&trial.view, &Key::OrderStep { order, number }) {
        number += 1;
        if let Some(change) = Deal::read(&trial.view, step.into()) {
            show_latest(trial, step.into(), &change);
        } else if let Some(event) = record_of(trial, step) {
            show_record(trial, &event, &mut theirs);
        }
    }
    let stands = record_of(trial, latest).map(|latest| deal::rests_on(latest.body()));
    let stands = stands.unwrap_or_default();
    for records in theirs.chunks(LETTER_RECORDS_MAX.saturating_sub(stands.len())) {
        let attached = stands.iter().chain(records).copied().collect();
        let records = Vec::from([latest]);
        trial.send(partner, Message::Letter { records, attached });
    }
}

/// Asks again by an own record; one of the partner's waits for the next own one, to be attached.
fn show_record(trial: &mut Trial<'_>, record: &Signed<ThreadBody>, theirs: &mut Vec<RecordId>) {
    if record.author() != trial.machine.config.partner {
        theirs.push(record.id());
        return;
    }
    // What it answers may be lost too, and without it the partner does not take it.
    let header = record.body().header();
    let parent = header.parent.filter(|parent| !theirs.contains(parent));
    let partner = header.to;
    let mut attached: Vec<RecordId> = core::mem::take(theirs);
    attached.extend(parent);
    let surplus = attached.len().saturating_sub(LETTER_RECORDS_MAX);
    attached.drain(..surplus);
    outbox::ask_again(trial, partner, (record.id(), attached));
}

/// Shows what comes before a question in its thread, to a partner that leaves it without an answer
/// and may have lost the thread unnoticed. Handed back is what of the partner's is to be attached.
pub(super) fn before(trial: &mut Trial<'_>, question: RecordId) -> Vec<RecordId> {
    let mut theirs = Vec::new();
    let Some(asking) = record_of(trial, question) else {
        return theirs;
    };
    // All members of a bundle see it, and its thread they don't.
    if bundle::is_of_a_bundle(asking.body()) {
        return theirs;
    }
    for record in of_thread(trial, thread_of(&asking)) {
        let id = record.id();
        if id == question {
            break;
        }
        match record.body() {
            ThreadBody::Request(_) | ThreadBody::Proposal(_)
                if Deal::read(&trial.view, id.into()).is_some() =>
            {
                if let Some(deal) = Deal::read(&trial.view, id.into()) {
                    match latest(trial, id.into(), &deal) {
                        Some(latest) => show(trial, id.into(), &deal, latest),
                        // Nothing of it is this node's own, and nothing asks by it.
                        None => theirs.extend(deal.chain(id.into())),
                    }
                }
            }
            ThreadBody::Inquiry(_)
            | ThreadBody::Proposal(_)
            | ThreadBody::Question(_)
            | ThreadBody::Answer(_)
            | ThreadBody::Reject(_)
            | ThreadBody::Withdraw(_) => show_record(trial, &record, &mut theirs),
            ThreadBody::Request(_)
            | ThreadBody::Hold(_)
            | ThreadBody::Commit(_)
            | ThreadBody::Receipt(_)
            | ThreadBody::Refusal(_)
            | ThreadBody::Release(_)
            | ThreadBody::Ack(_)
            | ThreadBody::Event(_)
            | ThreadBody::Handover(_)
            | ThreadBody::Bundle(_) => {}
        }
    }
    // What it answers went with the record before it, which may not have been taken.
    let parent = asking.body().header().parent;
    theirs.extend(parent.filter(|parent| !theirs.contains(parent)));
    theirs
}

/// The records of a thread, in their order.
fn of_thread(trial: &Trial<'_>, thread: ThreadId) -> Vec<Signed<ThreadBody>> {
    let records = Thread::read(&trial.view, thread).map_or(0, |thread| thread.records);
    (0..records)
        .filter_map(|number| stored(&trial.view, &Key::ThreadRecord { thread, number }))
        .filter_map(|record| record_of(trial, record))
        .collect()
}

fn record_of(trial: &Trial<'_>, record: RecordId) -> Option<Signed<ThreadBody>> {
    kept_record(&trial.view, &trial.machine.config.network, record)
}
