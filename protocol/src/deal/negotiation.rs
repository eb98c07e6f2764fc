//! Where a thread stands (SPEC.md section 11): whose turn it is, which proposal stands, which deal
//! is open, how many rounds are used. What the deal comes to is the business of its two sides.

use crate::{
    code::Code,
    hash::{DealId, PartnerId, RecordId, ThreadId},
    limits::ROUNDS_MAX,
    machine::{Key, Overlay, View, stored},
    record::Signed,
    thread::ThreadBody,
    wire, words,
};

words! {
    /// One of the two partners of a thread, as this node sees them.
    pub enum Who {
        /// This node.
        1 Us "us",
        /// The partner.
        2 Them "them",
    }
}

impl Who {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Us => Self::Them,
            Self::Them => Self::Us,
        }
    }
}

/// A proposal that nothing has replaced yet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Standing {
    /// Its id.
    pub proposal: RecordId,
    /// Who made it.
    pub by: Who,
    /// Whether it opened a deal.
    pub firm: bool,
}

wire!(Standing { proposal, by, firm });

/// Where a thread stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Thread {
    /// The other side.
    pub partner: PartnerId,
    /// Who may propose.
    pub turn: Who,
    /// The proposal that stands.
    pub standing: Option<Standing>,
    /// The deal that is open.
    pub open: Option<DealId>,
    /// Proposals made so far.
    pub rounds: u32,
    /// What this node's next record answers: the partner's latest record, or that which opened the
    /// thread. Own later ones may have been rejected, and what answers those is never taken.
    pub last: RecordId,
    /// Records in the thread.
    pub records: u64,
}

wire!(Thread {
    partner,
    turn,
    standing,
    open,
    rounds,
    last,
    records,
});

impl Thread {
    /// The thread that this record opened, if this node knows it.
    #[must_use]
    pub fn read(view: &dyn View, thread: ThreadId) -> Option<Self> {
        stored(view, &Key::Thread { thread })
    }

    /// Whether `who` may make a proposal now.
    pub(crate) fn may_propose(&self, who: Who) -> Result<(), Code> {
        if self.turn != who {
            return Err(Code::NotYourTurn);
        }
        if self.rounds >= ROUNDS_MAX {
            return Err(Code::RoundsOver);
        }
        if self.open.is_some() {
            return Err(Code::DealOpen);
        }
        Ok(())
    }

    /// Whether `who` may decline what stands.
    pub(crate) fn may_reject(&self, who: Who) -> Result<(), Code> {
        match self.standing {
            Some(standing) if !standing.firm && standing.by == who.other() => Ok(()),
            Some(_) | None => Err(Code::NotYourTurn),
        }
    }

    /// Whether `who` may take back what stands.
    pub(crate) fn may_withdraw(&self, who: Who) -> Result<(), Code> {
        match self.standing {
            Some(standing) if !standing.firm && standing.by == who => Ok(()),
            Some(_) | None => Err(Code::NotYourTurn),
        }
    }

    /// Whether `who` may ask for a hold: for the other's standing proposal, or while none stands.
    pub(crate) fn may_request(&self, who: Who) -> Result<(), Code> {
        if self.open.is_some() {
            return Err(Code::DealOpen);
        }
        match self.standing {
            Some(standing) if standing.by == who => Err(Code::NotYourTurn),
            Some(_) | None => Ok(()),
        }
    }

    const fn opened(by: Who, partner: PartnerId, first: RecordId) -> Self {
        Self {
            partner,
            turn: by.other(),
            standing: None,
            open: None,
            rounds: 0,
            last: first,
            records: 0,
        }
    }
}

/// Notes a record of `by` in its thread.
pub(crate) fn recorded(
    view: &mut Overlay<'_>,
    by: Who,
    partner: PartnerId,
    record: &Signed<ThreadBody>,
) {
    let id = record.id();
    let thread_id = thread_of(record);
    let mut thread =
        Thread::read(view, thread_id).unwrap_or_else(|| Thread::opened(by, partner, id));
    match record.body() {
        ThreadBody::Proposal(proposal) => {
            thread.rounds += 1;
            thread.turn = by.other();
            thread.standing = Some(Standing {
                proposal: id,
                by,
                firm: proposal.is_firm(),
            });
            if proposal.is_firm() {
                thread.open = Some(id.into());
            }
        }
        ThreadBody::Reject(_) => {
            thread.standing = None;
            thread.turn = by.other();
        }
        ThreadBody::Withdraw(_) => {
            thread.standing = None;
            thread.turn = by;
        }
        ThreadBody::Request(_) => thread.open = Some(id.into()),
        ThreadBody::Receipt(receipt) => thread.close(receipt.deal, Settled::Agreed),
        // One that names a leg ends the deal only where its manifest is the one that decides it.
        ThreadBody::Refusal(refusal) if refusal.leg.is_none() => {
            thread.close(refusal.deal, Settled::Not);
        }
        ThreadBody::Release(release) => thread.close(release.deal, Settled::Not),
        ThreadBody::Inquiry(_)
        | ThreadBody::Question(_)
        | ThreadBody::Answer(_)
        | ThreadBody::Hold(_)
        | ThreadBody::Commit(_)
        | ThreadBody::Ack(_)
        | ThreadBody::Refusal(_)
        | ThreadBody::Event(_)
        | ThreadBody::Handover(_)
        | ThreadBody::Bundle(_) => {}
    }
    let number = thread.records;
    thread.records += 1;
    if by == Who::Them {
        thread.last = id;
    }
    view.put(
        Key::ThreadRecord {
            thread: thread_id,
            number,
        },
        &id,
    );
    view.put(Key::Thread { thread: thread_id }, &thread);
}

/// How a deal of a thread ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Settled {
    /// By an agreement.
    Agreed,
    /// Without one.
    Not,
}

/// Notes that the certificate of a bundle decided a deal of a thread.
pub(super) fn settled(
    view: &mut Overlay<'_>,
    thread_id: ThreadId,
    (deal, settled): (DealId, Settled),
) {
    if let Some(mut thread) = Thread::read(view, thread_id) {
        thread.close(deal, settled);
        view.put(Key::Thread { thread: thread_id }, &thread);
    }
}

impl Thread {
    /// A decided deal makes room for the next; a firm proposal falls with its deal, and an
    /// agreement takes every proposal off the table.
    fn close(&mut self, deal: DealId, settled: Settled) {
        if self.open == Some(deal) {
            self.open = None;
        }
        let falls = self.standing.is_some_and(|standing| {
            settled == Settled::Agreed || DealId::from(standing.proposal) == deal
        });
        if falls {
            self.standing = None;
        }
    }
}

/// The thread to which a record belongs: that which it opens, if it names none.
pub(crate) fn thread_of(record: &Signed<ThreadBody>) -> ThreadId {
    record
        .body()
        .header()
        .thread
        .unwrap_or_else(|| record.id().into())
}
