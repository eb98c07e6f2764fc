//! What a decision brings about: ordered lanes that the runtime carries out from top to bottom. It
//! keeps out how they are carried out.

use alloc::{boxed::Box, vec::Vec};

use super::{
    BundleNews, Draft, Key, Machine, Overlay, Question, View, Write, bundle, life, outbox,
    recovery, seen, showing::Showing,
};
use crate::{
    code::Code,
    deal::State,
    frame::{Answers, Greeting, Head, Notice},
    hash::{DealId, ManifestId, PartnerId, RecordId, SubjectId, ThreadId},
    ledger::Entry,
    public::Claim,
    slot::Family,
    thread::Life,
    value::{Text, Time},
};

/// What one input brings about. Changes are carried at once
/// ([`Machine::carry`]); all else waits until they are synced.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Step {
    /// What changes, in its order.
    pub changes: Vec<Change>,
    /// What whoever asked is told.
    pub verdict: Verdict,
    /// Letters and questions to partners, in their order.
    pub sends: Vec<Outgoing>,
    /// Answers to the partner whose message this was, in their order.
    pub replies: Vec<Outgoing>,
    /// What happened, for the stream of events.
    pub events: Vec<Event>,
    /// When something is to be sent by `Input::Pulse`, a question again or the next of what a partner
    /// that fell back is shown; `None` if nothing waits. What ends by time is recorded by whatever
    /// pulse comes next, so pulses come regularly besides.
    pub wake: Option<Time>,
    /// Deals whose part in a pulse, a greeting or a notice failed, and why. Nothing of them changed and
    /// all else went on. It is a fault of this program, or of what it kept, so that the operator is
    /// to hear of it.
    pub left_out: Vec<(DealId, Verdict)>,
}

impl Step {
    /// The facts for the ledger, in their order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.changes.iter().filter_map(|change| match change {
            Change::Entry(entry) => Some(&**entry),
            Change::Mark(_) => None,
        })
    }
}

/// One change of what a node keeps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A fact for the ledger.
    Entry(Box<Entry>),
    /// Bookkeeping that is no fact of the ledger.
    Mark(Mark),
}

/// What whoever asked is told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Verdict {
    /// It is done, or there was nothing to do.
    #[default]
    Done,
    /// These records were made: for a publication one for each that changed something, for a verb
    /// of the operator those that it signed, the one that matters last.
    Made(Vec<RecordId>),
    /// It was refused for this reason, and nothing changed.
    Refused(Code),
    /// The partner has not greeted this life of the node, so nothing may be signed for it yet.
    /// Nothing changed; ask again when it has.
    Away,
}

/// Something for a partner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outgoing {
    /// Whom it is for.
    pub to: PartnerId,
    /// What it is.
    pub message: Message,
}

/// What a partner is sent. Record bytes and proofs are read from the store when it is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// Stored records in one letter.
    Letter {
        /// The records.
        records: Vec<RecordId>,
        /// Records that they rest on.
        attached: Vec<RecordId>,
    },
    /// The unsigned answer that a record is stored.
    Stored {
        /// The record.
        record: RecordId,
        /// How far the ledger is with it.
        head: Head,
    },
    /// A question about a deal, with the stored records that ask.
    WhatIs {
        /// The deal id.
        deal: DealId,
        /// What the asker holds of it.
        records: Vec<RecordId>,
    },
    /// That this node lacks what it once signed, or did not take a record: to be signed.
    Notice(Notice),
    /// A greeting: to be signed.
    Greeting(Box<Greeting>),
}

/// Bookkeeping that no entry states and that folding the entries does not give back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mark {
    /// A life of the machine begins in this process.
    Began {
        /// The life.
        life: Life,
    },
    /// A connection to a partner stands.
    Met {
        /// The partner.
        partner: PartnerId,
    },
    /// A partner is sent a greeting.
    Told {
        /// The partner.
        partner: PartnerId,
        /// The life of the partner that it answers.
        answers: Answers,
    },
    /// A partner greeted the present life.
    Greeted {
        /// The partner.
        partner: PartnerId,
        /// Its life.
        life: Life,
        /// The head of its ledger.
        head: Head,
    },
    /// A partner that greeted said something.
    Heard {
        /// The partner.
        partner: PartnerId,
        /// Its life.
        life: Life,
    },
    /// A partner says that it has seen more of this node's ledger than there is.
    Ahead {
        /// The partner.
        partner: PartnerId,
        /// Its life.
        life: Life,
    },
    /// A partner that may have lost a record is asked by it again.
    AskedAgain {
        /// The partner.
        partner: PartnerId,
        /// The question.
        question: Box<Question>,
    },
    /// A partner that fell back was shown deals.
    Showing {
        /// The partner.
        partner: PartnerId,
        /// The life in which it fell back.
        life: Life,
        /// The deal after which it goes on; none once all are shown.
        after: Option<DealId>,
    },
    /// A partner's ledger came so far in a life, as it says where it stored a record.
    Kept {
        /// The partner.
        partner: PartnerId,
        /// Its life, and how far.
        stored: (Life, Head),
    },
    /// A partner spoke of a deal that an earlier epoch opened.
    Spoken {
        /// The deal.
        deal: DealId,
    },
    /// A partner was told that what it has not spoken of may be lost here.
    SaidLost {
        /// The partner.
        partner: PartnerId,
        /// When; none once it has spoken of all.
        at: Option<Time>,
    },
    /// A member said what it knows of a manifest, whose hold is of an earlier epoch.
    SpokenOf {
        /// The manifest.
        manifest: ManifestId,
        /// The member.
        partner: PartnerId,
    },
    /// The requester of a hold says that it committed it, which may have been to an earlier life.
    Committed {
        /// The deal.
        deal: DealId,
    },
    /// Whether the requester of a hold says that it was decided, which is not known here.
    Decided {
        /// The deal.
        deal: DealId,
        /// Whether its latest greeting says so.
        is_said: bool,
    },
    /// The operator put a bundle together.
    Drafted {
        /// How it is now.
        draft: Box<Draft>,
    },
    /// The connection to a partner ended.
    Gone {
        /// The partner.
        partner: PartnerId,
    },
    /// Since when a middle partner is away for which own legs are in doubt; none once it is heard of,
    /// or was waited for.
    Silent {
        /// The partner.
        partner: PartnerId,
        /// Since when.
        since: Option<Time>,
    },
    /// The operator approved the Commit before the Hold came.
    Approved {
        /// The deal.
        deal: DealId,
    },
    /// This node was shown something of its own that it lacks.
    Recovering {
        /// What it was.
        about: RecordId,
    },
    /// A partner did not take a question.
    Rejected {
        /// The partner.
        partner: PartnerId,
        /// The record that asked.
        record: RecordId,
        /// Why.
        code: Code,
    },
    /// A question got its answer, or was rejected.
    Answered {
        /// Who was asked.
        partner: PartnerId,
        /// The record that asked.
        record: RecordId,
    },
    /// A question was sent once more.
    Asked {
        /// Who was asked.
        partner: PartnerId,
        /// The question's number.
        number: u64,
        /// When.
        at: Time,
    },
}

/// What happened, for whoever follows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// An own public record was made.
    Published {
        /// Its id.
        record: RecordId,
        /// Family of its slot.
        family: Family,
        /// Subject of its slot.
        subject: SubjectId,
    },
    /// Stock was counted.
    Counted {
        /// Subject of the offer.
        subject: SubjectId,
        /// Steps counted.
        counted: u64,
        /// Steps promised beyond what was counted; 0 if it suffices.
        short: u64,
    },
    /// The operator granted a partner something.
    Granted {
        /// The partner, but for a new invite.
        partner: Option<PartnerId>,
    },
    /// A thread has a new record.
    Said {
        /// The other side.
        partner: PartnerId,
        /// The thread.
        thread: ThreadId,
        /// The record.
        record: RecordId,
    },
    /// A deal came to another state.
    Deal {
        /// The other side.
        partner: PartnerId,
        /// The deal.
        deal: DealId,
        /// The state.
        state: State,
    },
    /// A bundle of this node's own ended as a whole, or lost a leg afterwards.
    Bundle {
        /// Its Manifest.
        manifest: ManifestId,
        /// Its name, where its draft is kept.
        name: Option<Text<64, 1>>,
        /// How.
        news: BundleNews,
    },
    /// A partner did not take a question.
    Rejected {
        /// The partner.
        partner: PartnerId,
        /// The record that asked.
        record: RecordId,
        /// Why.
        code: Code,
    },
    /// A partner contradicted itself, and begins no new deal here.
    Accused {
        /// The partner.
        partner: PartnerId,
        /// How.
        claim: Claim,
        /// The Evidence.
        record: RecordId,
    },
    /// A partner says that it has seen more of this node's ledger than there is.
    Ahead {
        /// The partner.
        partner: PartnerId,
    },
    /// This node was shown something of its own that it lacks, and signs nothing until it is
    /// recovered.
    Recovering,
}

/// What one mark changes.
pub(super) fn apply_mark(machine: &mut Machine, mark: &Mark, view: &dyn View) -> Vec<Write> {
    let mut view = Overlay::new(view);
    match *mark {
        Mark::Answered { partner, record } => {
            outbox::end(machine, &mut view, partner, record);
        }
        Mark::Rejected {
            partner,
            record,
            code,
        } => outbox::rejected(machine, &mut view, partner, (record, code)),
        Mark::Asked {
            partner,
            number,
            at,
        } => outbox::asked(machine, (partner, number), at),
        Mark::Approved { deal } => view.put_bytes(Key::Approval { deal }, Vec::new()),
        Mark::Recovering { about } => {
            machine.recovering = true;
            view.put(Key::Recovery {}, &about);
        }
        Mark::AskedAgain {
            partner,
            ref question,
        } => outbox::replace(machine, &mut view, partner, question),
        Mark::Spoken { deal } => view.put(Key::Spoken { deal }, &machine.head.epoch),
        Mark::Kept { partner, stored } => seen::note_kept(&mut view, partner, stored),
        Mark::SaidLost { partner, at } => recovery::said_lost(machine, partner, at),
        Mark::SpokenOf { manifest, partner } => {
            view.put(Key::SpokenOf { manifest, partner }, &machine.head.epoch);
        }
        Mark::Committed { deal } => view.put_bytes(Key::Committed { deal }, Vec::new()),
        Mark::Decided { deal, is_said } => {
            let key = Key::Decided { deal };
            if is_said {
                view.put_bytes(key, Vec::new());
            } else {
                view.delete(key);
            }
        }
        Mark::Silent { partner, since } => {
            match since {
                Some(since) => machine.silent.insert(partner, since),
                None => machine.silent.remove(&partner),
            };
        }
        Mark::Drafted { ref draft } => bundle::drafted(&mut view, draft),
        Mark::Showing {
            partner,
            life,
            after,
        } => {
            let showing = Showing { life, after };
            view.put(Key::Showing { partner }, &showing);
            if let Some(session) = machine.sessions.get_mut(&partner) {
                session.recall = showing.recall();
            }
        }
        Mark::Began { .. }
        | Mark::Met { .. }
        | Mark::Ahead { .. }
        | Mark::Told { .. }
        | Mark::Greeted { .. }
        | Mark::Heard { .. }
        | Mark::Gone { .. } => life::apply_mark(machine, mark, &mut view),
    }
    view.into_writes()
}
