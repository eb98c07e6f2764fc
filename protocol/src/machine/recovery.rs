//! Recovery (SPEC.md section 14): a node that is shown something of its own that it lacks signs
//! nothing until the operator opens the next epoch; then what partners show is taken in and
//! confirmed by an entry of the present life. What a partner is shown is `showing`'s.

use alloc::vec::Vec;

use super::{
    Key, Machine, Overlay, Stop, bundle,
    letter::{Case, No, Received},
    life,
    outbox::Attempt,
    step::{Event, Mark, Message},
    stored,
    trial::{Trial, carried},
};
use crate::{
    code::Code,
    deal::{self, Deal, State, negotiation::thread_of},
    fence::{self, List},
    frame::{Notice, NoticeWhat},
    hash::{DealId, PartnerId, RecordId},
    ledger::{ENTRY_IDS_MAX, Payload, Reason, note::Checkpoint},
    record::Signed,
    thread::{Life, ThreadBody},
    value::Time,
};

impl Trial<'_> {
    /// Takes in what came along: own records of an earlier epoch that this node lacks, and the
    /// partner's on which they stand, in the order in which they were made. An own one of the
    /// present epoch means that something was lost.
    pub(super) fn import_shown(&mut self, case: Case<'_>) -> Result<(), No> {
        let lacking = |trial: &Self, shown: &&Received| trial.is_lost(case.from, shown).is_some();
        let mut shown: Vec<&Received> = case.attached.iter().collect();
        // The kinds of a deal's records ascend as they are made.
        shown.sort_by_key(|shown| bundle::order_of(&shown.record));
        let Some(last) = shown.iter().rposition(|shown| lacking(self, shown)) else {
            return Ok(());
        };
        for shown in shown.into_iter().take(last + 1) {
            if let Some(about) = self.is_lost(case.from, shown) {
                self.take_lost_of(case, shown, about)?;
            } else if shown.record.author() == case.from
                && !self.knows(shown.record.id())
                && !bundle::is_of_a_bundle(shown.record.body())
            {
                let body = shown.record.body();
                let books = matches!(
                    body,
                    ThreadBody::Request(_) | ThreadBody::Proposal(_) | ThreadBody::Receipt(_)
                );
                if books && !deal::stands_on(&self.view, &self.machine.config.network, body) {
                    return Err(No::Unanswered);
                }
                self.keep(Case {
                    received: shown,
                    ..case
                });
            }
        }
        Ok(())
    }

    /// Takes in an own record of a bundle that a member brought and this node lacks.
    pub(super) fn take_lost(&mut self, case: Case<'_>, shown: &Received) -> Result<(), No> {
        let about = self.is_lost(case.from, shown).ok_or(No::Unanswered)?;
        self.take_lost_of(case, shown, about)
    }

    fn take_lost_of(&mut self, case: Case<'_>, shown: &Received, about: DealId) -> Result<(), No> {
        let epoch = shown.record.body().header().epoch;
        if epoch >= self.machine.head.epoch || self.machine.recovering {
            return Err(No::Lost(about));
        }
        let stands = deal::stands_on(
            &self.view,
            &self.machine.config.network,
            shown.record.body(),
        );
        if !stands || !bundle::admit_shown(self, case, &shown.record) {
            // It comes again after that on which it stands.
            return Err(No::Unanswered);
        }
        self.recover(shown)?;
        // Nobody is asked again, but by who may be in doubt about a bundle.
        bundle::came_back(self, &shown.record);
        Ok(())
    }

    /// What an own record to this partner is about that this node lacks. Those of a bundle any
    /// member may bring.
    fn is_lost(&self, from: PartnerId, shown: &Received) -> Option<DealId> {
        let record = &shown.record;
        let is_own = record.author() == self.machine.config.partner;
        let is_theirs = record.body().header().to == from || bundle::is_of_a_bundle(record.body());
        let is_lost = is_own && is_theirs && !self.knows(record.id());
        is_lost.then(|| about(record))
    }

    fn recover(&mut self, shown: &Received) -> Result<(), Code> {
        let listed = List::new([shown.record.id()])?;
        let bytes = Vec::from(shown.record.bytes());
        let proof = Some(fence::to_bytes(&shown.proof));
        let with = bundle::concerns(self.machine.config.partner, &shown.record);
        self.enter(
            Payload::Recovered(listed),
            with,
            Vec::from([carried(bytes, proof)]),
        );
        Ok(())
    }

    /// Notes that its partner spoke of a deal.
    pub(super) fn spoken(&mut self, id: DealId, deal: &Deal) {
        if self.check_whole(id, deal).is_err() {
            self.mark(Mark::Spoken { deal: id });
        }
    }

    /// As [`Trial::spoken`], for a deal that may not be here.
    pub(super) fn spoken_of(&mut self, id: DealId) {
        if let Some(deal) = Deal::read(&self.view, id) {
            self.spoken(id, &deal);
        }
    }

    /// Notes that a partner spoke of a deal which an earlier epoch opened: how it stands is no
    /// longer only what was left.
    pub(super) fn hear(&mut self, case: Case<'_>) {
        // What follows an agreement says nothing to a side that does not know of it.
        if let ThreadBody::Ack(_) | ThreadBody::Event(_) | ThreadBody::Handover(_) =
            case.record().body()
        {
            return;
        }
        let id = about(case.record());
        if let Some(deal) = Deal::read(&self.view, id).filter(|deal| deal.partner == case.from) {
            self.spoken(id, &deal);
        }
    }

    /// Refuses to move in a deal that an earlier epoch opened before the partner has spoken of it:
    /// it may have been decided in what is lost.
    pub(crate) fn check_whole(&self, id: DealId, deal: &Deal) -> Result<(), Stop> {
        let epoch = self.machine.head.epoch;
        let spoken = || stored::<u32>(&self.view, &Key::Spoken { deal: id });
        if deal.epoch == epoch || spoken() == Some(epoch) {
            Ok(())
        } else {
            Err(Code::Lost.into())
        }
    }

    /// Enters recovery, and says that something is lost.
    pub(super) fn lose(&mut self, from: PartnerId, about: DealId) {
        if !self.machine.recovering {
            self.mark(Mark::Recovering {
                about: about.into(),
            });
            self.event(Event::Recovering);
        }
        self.notice(from, NoticeWhat::Lost, about.into(), Code::Recovering);
    }

    /// A notice to be signed when the step is synced.
    pub(super) fn notice(&mut self, to: PartnerId, what: NoticeWhat, about: RecordId, code: Code) {
        let Ok(life) = Life::new(self.machine.life) else {
            return;
        };
        let config = &self.machine.config;
        let notice = Notice {
            what,
            from: config.partner,
            to,
            key_index: config.key_index,
            life,
            about,
            code,
            at: self.at(),
        };
        self.reply(to, Message::Notice(notice));
    }
}

/// Says of each deal that an earlier epoch opened, in which nothing is asked and of which the partner
/// has not spoken in this one, that something of it may be lost here: whoever knows more shows it, and
/// who does not know it says so.
pub(super) fn say_lost(trial: &mut Trial<'_>, partner: PartnerId) {
    if trial.machine.recovering {
        return;
    }
    let mut unspoken = life::open_deals(&trial.view, partner);
    unspoken.retain(|id| {
        let waits =
            |deal: &Deal| deal.question(*id).is_none() && trial.check_whole(*id, deal).is_err();
        Deal::read(&trial.view, *id).is_some_and(|deal| waits(&deal))
    });
    for deal in &unspoken {
        trial.notice(partner, NoticeWhat::Lost, (*deal).into(), Code::Lost);
    }
    let is_said = !unspoken.is_empty();
    if is_said || trial.machine.unspoken.contains_key(&partner) {
        let at = is_said.then_some(trial.now.time);
        trial.mark(Mark::SaidLost { partner, at });
    }
}

/// Says it again where it, or what answered it, may have been lost: at the pace of a question.
pub(super) fn pulse(trial: &mut Trial<'_>) {
    let now = trial.now.time;
    let unspoken = trial.machine.unspoken.iter();
    let due = unspoken
        .filter(|(partner, attempt)| attempt.is_due(now) && trial.machine.is_present(**partner));
    let due: Vec<PartnerId> = due.map(|(partner, _)| *partner).collect();
    for partner in due {
        say_lost(trial, partner);
    }
}

/// When it is said again. In recovery nobody is asked, however late it is.
pub(super) fn next_wake(machine: &Machine) -> Option<Time> {
    if machine.recovering {
        return None;
    }
    let unspoken = machine.unspoken.iter();
    let here = unspoken.filter(|(partner, _)| machine.is_present(**partner));
    here.map(|(_, attempt)| attempt.due()).min()
}

/// Notes that it was said, or need not be any more.
pub(super) fn said_lost(machine: &mut Machine, partner: PartnerId, at: Option<Time>) {
    match at {
        Some(at) => {
            let attempt = Attempt::one_more(machine.unspoken.get(&partner), at);
            machine.unspoken.insert(partner, attempt);
        }
        None => {
            machine.unspoken.remove(&partner);
        }
    }
}

/// A partner does not take the deal that an earlier epoch opened, so it has not decided it: what is
/// over is ended.
pub(super) fn declined(
    trial: &mut Trial<'_>,
    partner: PartnerId,
    deal_id: DealId,
) -> Result<(), Stop> {
    let Some(deal) = Deal::read(&trial.view, deal_id).filter(|deal| deal.partner == partner) else {
        return Ok(());
    };
    if trial.check_whole(deal_id, &deal).is_err() {
        trial.mark(Mark::Spoken { deal: deal_id });
        if deal.state == State::Closed {
            deal::overdue(trial, deal_id, &deal)?;
        }
    }
    Ok(())
}

/// A letter whose author has seen more of this node's ledger than there is, so that nothing is
/// signed for it: an own record in it, or that came along, proves it right.
pub(super) fn shown_records(
    trial: &mut Trial<'_>,
    from: PartnerId,
    (records, attached): (&[Received], &[Received]),
) -> Result<(), Stop> {
    let mut shown = records.iter().chain(attached);
    let lost = shown.find_map(|shown| trial.is_lost(from, shown));
    let about = lost.ok_or(Stop::Away)?;
    trial.lose(from, about);
    Ok(())
}

/// What an own record that came along is about: the deal by which it is found, else its thread.
fn about(record: &Signed<ThreadBody>) -> DealId {
    match record.body() {
        ThreadBody::Hold(hold) => hold.deal,
        ThreadBody::Commit(commit) => commit.deal,
        ThreadBody::Receipt(receipt) => receipt.deal,
        ThreadBody::Refusal(refusal) => refusal.deal,
        ThreadBody::Release(release) => release.deal,
        ThreadBody::Event(event) => event.deal,
        ThreadBody::Handover(handover) => handover.deal,
        ThreadBody::Request(_) | ThreadBody::Proposal(_) => record.id().into(),
        ThreadBody::Inquiry(_)
        | ThreadBody::Question(_)
        | ThreadBody::Answer(_)
        | ThreadBody::Reject(_)
        | ThreadBody::Withdraw(_)
        | ThreadBody::Ack(_) => RecordId::from(thread_of(record)).into(),
        ThreadBody::Bundle(_) => bundle::about(record).unwrap_or(record.id().into()),
    }
}

/// A checkpoint of this node's own was shown, its signature checked.
pub(super) fn shown(trial: &mut Trial<'_>, checkpoint: &Checkpoint) {
    let config = &trial.machine.config;
    if checkpoint.partner != config.partner || checkpoint.network != config.network {
        return;
    }
    let head = trial.machine.head;
    if checkpoint.epoch < head.epoch {
        // What was lost of an earlier epoch is given up.
        return;
    }
    let beyond = (checkpoint.epoch, checkpoint.size) > (head.epoch, head.size);
    let beside = !beyond
        && super::fold::root_at(&trial.view, checkpoint.epoch, checkpoint.size)
            .is_some_and(|root| root != checkpoint.root);
    if (beyond || beside) && !trial.machine.recovering {
        trial.mark(Mark::Recovering {
            about: RecordId::from_bytes(checkpoint.root),
        });
        trial.event(Event::Recovering);
    }
}

/// The operator opens the next epoch: what can't be filled stays a gap.
pub(super) fn open_epoch(trial: &mut Trial<'_>) -> Result<(), Stop> {
    if !trial.machine.recovering && !trial.machine.is_behind() {
        return Err(Code::Outdated.into());
    }
    let mut open = Vec::new();
    let partners: Vec<PartnerId> = trial.machine.sessions.keys().copied().collect();
    for partner in partners {
        open.extend(life::open_deals(&trial.view, partner));
    }
    open.truncate(ENTRY_IDS_MAX);
    let open = List::new(open).map_err(Code::from)?;
    trial.machine.head.epoch += 1;
    trial.machine.head.size = 0;
    let reason = Reason::Recovery;
    trial.enter(Payload::Opened { reason, open }, None, Vec::new());
    life::meet_again(trial)
}

/// What an opened epoch ends.
pub(super) fn opened(view: &mut Overlay<'_>) {
    view.delete(Key::Recovery {});
}
