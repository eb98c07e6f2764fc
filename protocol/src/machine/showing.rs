//! Showing a partner that fell back what it may have lost (SPEC.md section 14): the deals between
//! the two, each with the records by which it stands. It keeps out how the partner takes them in.

use alloc::vec::Vec;

use super::{
    Key, View,
    fold::kept_record,
    life::{self, Recall},
    step::{Mark, Message},
    stored,
    trial::Trial,
};
use crate::{
    deal::{Deal, Side},
    frame::Head,
    hash::{DealId, PartnerId, RecordId},
    limits::LETTER_RECORDS_MAX,
    record::Signed,
    thread::{Life, ThreadBody},
    value::Time,
    wire,
};

/// Most deals looked at in one step, so that no decision takes long.
const DEALS_MAX: usize = 256;

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

/// Whether a partner that greets with this head lacks something of what it announced before, or
/// did so at an earlier meeting of the same life.
pub(super) fn is_due(view: &dyn View, partner: PartnerId, in_life: Life, head: Head) -> bool {
    let showing: Option<Showing> = stored(view, &Key::Showing { partner });
    showing.is_some_and(|showing| showing.life == in_life) || life::fell_back(view, partner, head)
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
    go_on(trial);
}

/// Begins to show a partner that says itself that it lost something, unless it was shown in this
/// life: its next greeting begins anew.
pub(super) fn begin_once(trial: &mut Trial<'_>, partner: PartnerId) {
    let session = trial.machine.sessions.get(&partner);
    let Some(life) = session.and_then(|session| session.greeted) else {
        return;
    };
    let shown: Option<Showing> = stored(&trial.view, &Key::Showing { partner });
    if shown.is_none_or(|shown| shown.life != life) {
        begin(trial, partner, life);
    }
}

/// When showing goes on, if it is not at its end.
pub(super) fn next_wake(trial: &Trial<'_>) -> Option<Time> {
    let waits = begun(trial).next().is_some();
    waits.then(|| trial.now.time.plus_ms(1))
}

/// Shows the next of those partners that are here.
pub(super) fn go_on(trial: &mut Trial<'_>) {
    let begun: Vec<_> = begun(trial).collect();
    for (partner, life, after) in begun {
        let mut last = Key::Deal { deal: after };
        let mut after = None;
        for _ in 0..DEALS_MAX {
            let Some((key @ Key::Deal { deal: id }, _)) = trial.view.next(&last) else {
                after = None;
                break;
            };
            if let Some(deal) = Deal::read(&trial.view, id).filter(|deal| deal.partner == partner) {
                show(trial, id, &deal);
            }
            (last, after) = (key, Some(id));
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
        .filter_map(|partner| {
            let showing: Showing = stored(&trial.view, &Key::Showing { partner })?;
            Some((partner, showing.life, showing.after?))
        })
}

/// Sends the latest own record of a deal with all that it stands on, and what followed it.
fn show(trial: &mut Trial<'_>, id: DealId, deal: &Deal) {
    let own = match deal.side() {
        Side::Requester => [deal.ack, deal.release, deal.commit, Some(id.into())],
        Side::Provider => [deal.decision, deal.hold, None, None],
    };
    let own_partner = trial.machine.config.partner;
    let network = trial.machine.config.network;
    let is_own = |record: &RecordId| {
        kept_record(&trial.view, &network, *record)
            .is_some_and(|record| record.author() == own_partner)
    };
    let Some(latest) = own.into_iter().flatten().find(is_own) else {
        return;
    };
    let mut chain = deal.chain(id);
    if chain.last() == Some(&latest) {
        chain.pop();
    }
    // Of a provider the partner's Ack, which may be all that it lost.
    chain.extend(deal.ack.filter(|ack| *ack != latest));
    let mut letters = Vec::from([(latest, chain)]);
    let (ours, theirs): (Vec<_>, Vec<_>) = following(trial, id, deal)
        .into_iter()
        .partition(|record| record.author() == own_partner);
    let theirs: Vec<RecordId> = theirs.iter().map(Signed::id).collect();
    for part in theirs.chunks(LETTER_RECORDS_MAX) {
        letters.push((latest, Vec::from(part)));
    }
    // What an own one answers may be lost too, and without it the partner does not take it.
    for record in ours {
        let answers = record.body().header().parent;
        letters.push((record.id(), answers.into_iter().collect()));
    }
    for (record, attached) in letters {
        let records = Vec::from([record]);
        trial.send(deal.partner, Message::Letter { records, attached });
    }
}

/// Events and hand-overs of an order in their order.
fn following(trial: &Trial<'_>, id: DealId, deal: &Deal) -> Vec<Signed<ThreadBody>> {
    let network = trial.machine.config.network;
    let thread = deal.thread;
    let mut found = Vec::new();
    // The first record of a thread is neither.
    let mut last = Key::ThreadRecord { thread, number: 0 };
    while let Some((key @ Key::ThreadRecord { thread: of, .. }, _)) = trial.view.next(&last)
        && of == thread
    {
        let record = stored::<RecordId>(&trial.view, &key)
            .and_then(|record| kept_record(&trial.view, &network, record));
        found.extend(record.filter(|record| follows(record, id)));
        last = key;
    }
    found
}

fn follows(record: &Signed<ThreadBody>, id: DealId) -> bool {
    match record.body() {
        ThreadBody::Event(event) => event.deal == id,
        ThreadBody::Handover(handover) => handover.deal == id,
        ThreadBody::Inquiry(_)
        | ThreadBody::Proposal(_)
        | ThreadBody::Question(_)
        | ThreadBody::Answer(_)
        | ThreadBody::Reject(_)
        | ThreadBody::Withdraw(_)
        | ThreadBody::Request(_)
        | ThreadBody::Hold(_)
        | ThreadBody::Commit(_)
        | ThreadBody::Receipt(_)
        | ThreadBody::Refusal(_)
        | ThreadBody::Release(_)
        | ThreadBody::Ack(_) => false,
    }
}
