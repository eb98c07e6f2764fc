//! What can be put to the machine, already decoded and verified. It keeps out where it came from.

use alloc::{boxed::Box, vec::Vec};

use super::{
    Grant, Publication, Received, Stop, Trial, Verb, accuse, chain, grant, letter, life, outbox,
    own, recovery, step::Mark, verbs,
};
use crate::{
    code::Code,
    frame::{Greeting, Head, Lives, Notice},
    hash::{PartnerId, RecordId},
    ledger::note::{Checkpoint, SignedCheckpoint},
    limits::{LIST_BYTES_MAX, SKU_BYTES_MAX},
    thread::Life,
    value::{Text, Time},
};

/// When a decision is made, and random bytes for it alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// The clock.
    pub time: Time,
    /// 32 random bytes, fresh for each decision.
    pub entropy: [u8; 32],
}

/// One thing to decide about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// A process begins, or resumed from a memory image: the first input of each. Writes Opened
    /// the first time ever, Lived from then on.
    Start(Life),
    /// This partner publishes records, at most `BATCH_RECORDS_MAX`, in one entry.
    Publish(Vec<Publication>),
    /// The operator counted stock.
    Count(Count),
    /// The operator grants a partner something or takes it back; or a stranger showed the token of
    /// an invite.
    Grant(Grant),
    /// The operator's word in a thread, deal or order.
    Verb(Box<Verb>),
    /// A session with a partner stands: it is sent a greeting.
    Met(PartnerId),
    /// A session with a partner ended.
    Gone(PartnerId),
    /// A partner greeted; its signature is checked.
    Greeting(Box<Greeting>),
    /// A partner's letter.
    Letter {
        /// Whose session it came by.
        from: PartnerId,
        /// Between which lives it was sent.
        lives: Lives,
        /// Its records.
        records: Vec<Received>,
        /// What they rest on: records of either partner of the thread.
        attached: Vec<Received>,
    },
    /// A partner asks what became of a deal, and shows what it holds of it.
    WhatIs {
        /// Whose session it came by.
        from: PartnerId,
        /// Its Request, firm proposal or Commit, with what that rests on.
        records: Vec<Received>,
    },
    /// A partner stored a record.
    Stored {
        /// Who.
        from: PartnerId,
        /// Between which lives it was sent.
        lives: Lives,
        /// Which.
        record: RecordId,
        /// How far its ledger is with it.
        head: Head,
    },
    /// A partner's notice; its signature is checked.
    Notice(Notice),
    /// A partner showed a checkpoint of this node's own; its signature is checked.
    Shown(Checkpoint),
    /// Two checkpoints of one partner; their signatures are checked.
    Checkpoints {
        /// Whose they are.
        from: PartnerId,
        /// The two.
        notes: Box<[SignedCheckpoint; 2]>,
    },
    /// The operator gives up a gap and opens the next epoch.
    OpenEpoch,
    /// Time passed: at `Step::wake`, regularly besides, or at any other moment.
    Pulse,
}

/// A count of stock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Count {
    /// The article.
    pub sku: Text<SKU_BYTES_MAX, 1>,
    /// The price list; empty is the general one.
    pub list: Text<LIST_BYTES_MAX>,
    /// Steps counted, at most `STEPS_MAX`.
    pub steps: u64,
}

impl Trial<'_> {
    pub(super) fn take(&mut self, input: Input) -> Result<(), Stop> {
        if self.machine.life == 0 && !matches!(input, Input::Start(_)) {
            return Err(Stop::Away);
        }
        match input {
            Input::Start(life) => life::start(self, life),
            Input::Met(partner) => life::met(self, partner)?,
            Input::Gone(partner) => life::gone(self, partner),
            Input::Greeting(greeting) => {
                self.each_apart(|trial| life::greeting(trial, &greeting))?;
            }
            Input::Letter {
                from,
                lives,
                records,
                attached,
            } => {
                // What was sent between other lives comes late, and counts for nothing.
                if self.machine.answered_lives(from) == Some(lives.turned()) {
                    life::heard(self, from);
                    letter::receive(self, from, (&records, &attached))?;
                }
            }
            Input::WhatIs { from, records } => {
                letter::receive(self, from, (&records, &[]))?;
            }
            Input::Stored {
                from,
                lives,
                record,
                head,
            } => {
                if self.machine.answered_lives(from) == Some(lives.turned()) {
                    life::heard(self, from);
                    self.mark(Mark::Kept {
                        partner: from,
                        stored: (lives.from, head),
                    });
                    outbox::stored_answer(self, from, record);
                }
            }
            Input::Notice(notice) => self.each_apart(|trial| outbox::notice(trial, &notice))?,
            Input::Shown(checkpoint) => recovery::shown(self, &checkpoint),
            Input::Checkpoints { from, notes } => accuse::checkpoints(self, from, &notes)?,
            Input::OpenEpoch => recovery::open_epoch(self)?,
            Input::Pulse => self.each_apart(outbox::pulse)?,
            Input::Publish(_) | Input::Count(_) | Input::Grant(_) | Input::Verb(_)
                if self.machine.recovering =>
            {
                return Err(Code::Recovering.into());
            }
            Input::Publish(publications) => own::publish(self, publications)?,
            Input::Count(count) => crate::deal::stock::count(self, &count)?,
            Input::Grant(grant) => grant::grant(self, &grant)?,
            Input::Verb(verb) => verbs::decide(self, *verb)?,
        }
        chain::follow(self);
        Ok(())
    }
}
