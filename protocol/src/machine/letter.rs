//! Letters: records of a thread as they come in and go out. All records of a letter are taken, or
//! none. It keeps out what each of them means for its deal.

use alloc::vec::Vec;

use super::{
    Key, Stop, View, bundle, chain,
    fold::kept_record,
    outbox, recovery, showing,
    step::Message,
    trial::{Trial, carried},
};
use crate::{
    code::Code,
    deal::{self, Deal, negotiation::Thread},
    fence::{self, List},
    frame::NoticeWhat,
    hash::{DealId, PartnerId, RecordId, ThreadId},
    ledger::Payload,
    proof::Proof,
    record::{Signed, Verified},
    thread::{Header, Life, ThreadBody},
};

/// A partner's record of a thread, verified, with what proves it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Received {
    /// The record.
    pub record: Verified<ThreadBody>,
    /// Its proof, which is kept beside it.
    pub proof: Proof,
}

/// Why a record of a letter is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum No {
    /// It is answered by Rejected.
    Rejected(Code),
    /// It is left without an answer: what it rests on may still come, and then it comes again.
    Unanswered,
    /// This node signed something that it no longer knows.
    Lost(DealId),
}

impl From<Code> for No {
    fn from(code: Code) -> Self {
        Self::Rejected(code)
    }
}

impl From<Stop> for No {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Refused(code) => Self::Rejected(code),
            Stop::Away => Self::Unanswered,
        }
    }
}

impl No {
    /// What is left of it where no record is to be answered: what may still come is waited for.
    pub(crate) fn without_a_record(self) -> Result<(), Stop> {
        match self {
            Self::Rejected(code) => Err(code.into()),
            Self::Unanswered | Self::Lost(_) => Ok(()),
        }
    }
}

/// A record being decided about, with what came along.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) from: PartnerId,
    pub(crate) received: &'a Received,
    pub(crate) attached: &'a [Received],
}

impl<'a> Case<'a> {
    /// What opened a deal, where its author sent it along with this record.
    pub(crate) fn opening(self, deal: DealId) -> Option<Self> {
        let is_it = |received: &&Received| {
            DealId::from(received.record.id()) == deal && received.record.author() == self.from
        };
        let received = self.attached.iter().find(is_it)?;
        Some(Self { received, ..self })
    }

    pub(crate) fn id(&self) -> RecordId {
        self.received.record.id()
    }

    pub(crate) fn header(&self) -> &Header {
        self.received.record.body().header()
    }

    pub(crate) fn record(&self) -> &Signed<ThreadBody> {
        &self.received.record
    }
}

/// Decides about a letter, or about the records of a question what a deal is.
pub(super) fn receive(
    trial: &mut Trial<'_>,
    from: PartnerId,
    (records, attached): (&[Received], &[Received]),
) -> Result<(), Stop> {
    if !trial.machine.is_greeted(from) {
        return recovery::shown_records(trial, from, (records, attached));
    }
    for received in records {
        let case = Case {
            from,
            received,
            attached,
        };
        if let Err(no) = receive_one(trial, case) {
            trial.begin_anew();
            match no {
                // Recovering it signs nothing but that it lost something; the letter comes again.
                No::Rejected(_) if trial.machine.recovering => {}
                No::Rejected(code) => {
                    let about = received.record.id();
                    trial.notice(from, NoticeWhat::Rejected, about, code);
                }
                No::Lost(about) => trial.lose(from, about),
                No::Unanswered => chain::left(trial, case),
            }
            return Ok(());
        }
    }
    for received in records.iter().chain(attached) {
        showing::look_back(trial, &received.record);
    }
    Ok(())
}

fn receive_one(trial: &mut Trial<'_>, case: Case<'_>) -> Result<(), No> {
    if bundle::is_of_a_bundle(case.record().body()) {
        return bundle::received(trial, case);
    }
    if case.received.record.author() != case.from
        || case.header().to != trial.machine.config.partner
    {
        return Err(Code::NotAddressed.into());
    }
    if !deal::has_room(trial, case) {
        return Err(No::Unanswered);
    }
    trial.import_shown(case)?;
    trial.hear(case);
    deal::received(trial, case)?;
    outbox::answered(trial, case);
    Ok(())
}

impl Trial<'_> {
    /// Keeps the record as an entry.
    pub(crate) fn keep(&mut self, case: Case<'_>) {
        let bytes = Vec::from(case.received.record.bytes());
        let proof = fence::to_bytes(&case.received.proof);
        self.enter(
            Payload::Taken(case.id()),
            Some(case.record().author()),
            Vec::from([carried(bytes, Some(proof))]),
        );
    }

    /// Answers that the record is stored.
    pub(crate) fn stored(&mut self, case: Case<'_>) {
        let (record, head) = (case.id(), (&self.machine.head).into());
        self.reply(case.from, Message::Stored { record, head });
    }

    /// Sends a stored record again as it is, with all on which its deal stands: who asks again may
    /// have lost it.
    pub(crate) fn again(&mut self, to: PartnerId, record: RecordId) {
        let network = self.machine.config.network;
        let kept = kept_record(&self.view, &network, record);
        let id = kept.and_then(|kept| deal::named_by(&self.view, &network, &kept));
        let deal = id.and_then(|id| Some((id, Deal::read(&self.view, id)?)));
        let mut attached = deal.map_or_else(Vec::new, |(id, deal)| deal.chain(id));
        attached.retain(|attached| *attached != record);
        let records = Vec::from([record]);
        self.reply(to, Message::Letter { records, attached });
    }

    /// Whether this record is kept.
    pub(crate) fn knows(&self, id: RecordId) -> bool {
        self.view.read(&Key::Record { id }).is_some()
    }

    /// Refuses what may be signed only for a partner that greeted the present life.
    pub(crate) fn check_greeted(&self, partner: PartnerId) -> Result<(), Stop> {
        if self.machine.is_greeted(partner) {
            Ok(())
        } else {
            Err(Stop::Away)
        }
    }

    /// The header of the next record to `to`. Of the records of one letter all have the same place.
    pub(crate) fn header(
        &mut self,
        to: PartnerId,
        thread: Option<ThreadId>,
        parent: Option<RecordId>,
    ) -> Result<Header, Stop> {
        Ok(Header {
            salt: self.salt(),
            to,
            life: Life::new(self.machine.life).map_err(Code::from)?,
            epoch: self.machine.head.epoch,
            sequence: self.machine.head.size,
            at: self.at(),
            thread,
            parent,
        })
    }

    /// The header of an answer to this record of the same thread.
    pub(crate) fn answering(&mut self, case: Case<'_>) -> Result<Header, Stop> {
        let thread = deal::negotiation::thread_of(case.record());
        self.header(case.from, Some(thread), Some(case.id()))
    }

    /// The header of what is said anew in a thread. Where the record that opened it is not here, a partner
    /// that lost that could be shown it by nobody, and would find no place for what is said.
    pub(crate) fn saying(&mut self, thread: ThreadId) -> Result<Header, Stop> {
        if self.knows(thread.into()) {
            self.within(thread)
        } else {
            Err(Code::ThreadUnknown.into())
        }
    }

    /// The header of the next record of a thread.
    pub(crate) fn within(&mut self, thread_id: ThreadId) -> Result<Header, Stop> {
        let thread = Thread::read(&self.view, thread_id).ok_or(Code::ThreadUnknown)?;
        // The partner did not take the record that opened it.
        let partner = thread.partner;
        let record = thread_id.into();
        if self.view.read(&Key::Inbox { partner, record }).is_some() {
            return Err(Code::ThreadUnknown.into());
        }
        self.header(thread.partner, Some(thread_id), Some(thread.last))
    }

    /// Signs a record that is addressed to nobody else: the Manifest of a bundle.
    pub(crate) fn sign_alone(&mut self, record: &Signed<ThreadBody>) -> Result<(), Stop> {
        if self.machine.recovering {
            return Err(Code::Recovering.into());
        }
        let listed = List::new([record.id()]).map_err(Code::from)?;
        let carried = carried(Vec::from(record.bytes()), None);
        self.enter(Payload::Signed(listed), None, Vec::from([carried]));
        self.made(record.id());
        Ok(())
    }

    /// Signs the records of one letter in one entry and sends it.
    pub(crate) fn sign(&mut self, to: PartnerId, bodies: Vec<ThreadBody>) -> Result<(), Stop> {
        if self.machine.recovering {
            return Err(Code::Recovering.into());
        }
        let config = &self.machine.config;
        let (network, partner) = (config.network, config.partner);
        let mut letter = Vec::new();
        for body in bodies {
            letter.push(Signed::write(&network, partner, body).map_err(Code::from)?);
        }
        let ids: Vec<RecordId> = letter.iter().map(Signed::id).collect();
        let attached = letter
            .iter()
            .flat_map(|record| deal::rests_on(record.body()))
            .collect();
        let records = letter
            .iter()
            .map(|record| carried(Vec::from(record.bytes()), None))
            .collect();
        let listed = List::new(ids.clone()).map_err(Code::from)?;
        self.enter(Payload::Signed(listed), Some(to), records);
        for id in &ids {
            self.made(*id);
        }
        self.send(
            to,
            Message::Letter {
                records: ids,
                attached,
            },
        );
        Ok(())
    }
}
