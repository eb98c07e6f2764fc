//! A decision in the making: a copy of the machine over a view that already has what was decided
//! so far, so that each rule reads what the rule before it wrote. It keeps out the rules.

use alloc::{boxed::Box, vec::Vec};

use super::{
    Bundle, Key, Machine, Overlay, View, Write,
    input::Now,
    step::{Change, Event, Mark, Message, Outgoing, Step, Verdict},
    view::decoded,
};
use crate::{
    code::Code,
    deal::Deal,
    hash::{DealId, PartnerId, RecordId, sha256},
    ledger::{Carried, Entry, EntryBody, EntryHeader, Payload, Version},
    value::Time,
};

/// Why a decision ends with nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// Refused for this reason.
    Refused(Code),
    /// The partner has not greeted the present life.
    Away,
}

impl Stop {
    /// What whoever asked is told.
    fn verdict(self) -> Verdict {
        match self {
            Self::Refused(code) => Verdict::Refused(code),
            Self::Away => Verdict::Away,
        }
    }

    /// The step that says so and does nothing.
    pub(super) fn step(self) -> Step {
        Step {
            verdict: self.verdict(),
            ..Step::default()
        }
    }
}

impl From<Code> for Stop {
    fn from(code: Code) -> Self {
        Self::Refused(code)
    }
}

/// A decision in the making.
pub(crate) struct Trial<'a> {
    /// From what it begins.
    origin: (&'a Machine, &'a dyn View),
    pub(crate) machine: Machine,
    pub(crate) view: Overlay<'a>,
    pub(crate) now: Now,
    pub(crate) step: Step,
    salts: u32,
    /// Deals whose part failed, and why: nothing of them is decided now.
    left_out: Vec<(DealId, Stop)>,
}

impl<'a> Trial<'a> {
    pub(crate) fn new(machine: &'a Machine, view: &'a dyn View, now: Now) -> Self {
        Self {
            origin: (machine, view),
            machine: machine.clone(),
            view: Overlay::new(view),
            now,
            step: Step::default(),
            salts: 0,
            left_out: Vec::new(),
        }
    }

    /// The step, once nothing more is decided, with the machine and the writes after it.
    pub(crate) fn finish(self) -> (Step, Machine, Vec<Write>) {
        let asks = super::outbox::next_wake(&self.machine);
        let shows = super::showing::next_wake(&self);
        let silent = super::bundle::next_wake(&self.machine);
        let unspoken = super::recovery::next_wake(&self.machine);
        let mut step = self.step;
        step.wake = [asks, shows, silent, unspoken].into_iter().flatten().min();
        let left_out = self.left_out.into_iter();
        step.left_out = left_out.map(|(deal, why)| (deal, why.verdict())).collect();
        (step, self.machine, self.view.into_writes())
    }

    /// Ledger time of what is decided now.
    pub(crate) fn at(&self) -> Time {
        self.machine.ledger_time(self.now.time)
    }

    /// Random bytes, different at each call.
    pub(crate) fn salt(&mut self) -> [u8; 16] {
        self.salts += 1;
        let [salt, _] = halves(sha256(&[&self.now.entropy, &self.salts.to_be_bytes()]));
        salt
    }

    /// Writes an entry and carries it in this trial.
    pub(crate) fn enter(
        &mut self,
        payload: Payload,
        counterparty: Option<PartnerId>,
        records: Vec<Carried>,
    ) {
        let body = EntryBody {
            salt: self.salt(),
            payload,
        };
        let head = self.machine.head;
        let header = EntryHeader {
            version: Version,
            network: self.machine.config.network,
            author: self.machine.config.partner,
            key_index: self.machine.config.key_index,
            epoch: head.epoch,
            life: self.machine.life,
            sequence: head.size,
            previous: head.last,
            kind: body.payload.kind(),
            at: self.at(),
            counterparty,
            body: body.hash(),
        };
        let entry = Entry {
            header,
            body,
            records,
        };
        for write in self.machine.apply(&entry, &self.view) {
            self.tell_change(counterparty, &write);
            self.view.lay(write);
        }
        self.step.changes.push(Change::Entry(Box::new(entry)));
    }

    /// What a write means to whoever follows the events.
    fn tell_change(&mut self, counterparty: Option<PartnerId>, write: &Write) {
        let Some(bytes) = &write.value else { return };
        if let Key::Deal { deal: id } = write.key {
            let before = Deal::read(&self.view, id).map(|deal| deal.state);
            if let Some(deal) = decoded::<Deal>(bytes)
                && before != Some(deal.state)
            {
                self.event(Event::Deal {
                    partner: deal.partner,
                    deal: id,
                    state: deal.state,
                });
            }
        }
        if let Key::Bundle { manifest } = write.key
            && let Some(after) = decoded::<Bundle>(bytes)
        {
            let own = self.machine.config.partner;
            let news = super::bundle::news(&self.view, own, (manifest, &after));
            self.step.events.extend(news);
        }
        if let Key::ThreadRecord { thread, .. } = write.key
            && let (Some(record), Some(partner)) = (decoded(bytes), counterparty)
        {
            self.event(Event::Said {
                partner,
                thread,
                record,
            });
        }
    }

    /// Makes a mark and carries it in this trial.
    pub(crate) fn mark(&mut self, mark: Mark) {
        for write in self.machine.mark(&mark, &self.view) {
            self.view.lay(write);
        }
        self.step.changes.push(Change::Mark(mark));
    }

    /// Decides what concerns many deals, so that the part of one that fails keeps no other back: all is
    /// decided anew without it.
    pub(super) fn each_apart(
        &mut self,
        decide: impl Fn(&mut Self) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        loop {
            let known = self.left_out.len();
            let decided = decide(self);
            if self.left_out.len() == known {
                return decided;
            }
            self.begin_anew();
        }
    }

    /// One deal's share of what concerns many; nothing where it failed before.
    pub(crate) fn share_of(
        &mut self,
        deal: DealId,
        decide: impl FnOnce(&mut Self) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        if self.left_out.iter().any(|(known, _)| *known == deal) {
            return Ok(());
        }
        let decided = decide(self);
        if let Err(why) = decided {
            self.left_out.push((deal, why));
        }
        decided
    }

    /// Forgets all that is decided so far.
    pub(super) fn begin_anew(&mut self) {
        let (machine, view) = self.origin;
        self.machine = machine.clone();
        self.view = Overlay::new(view);
        self.step = Step::default();
    }

    pub(crate) fn send(&mut self, to: PartnerId, message: Message) {
        self.step.sends.push(Outgoing { to, message });
    }

    pub(crate) fn reply(&mut self, to: PartnerId, message: Message) {
        self.step.replies.push(Outgoing { to, message });
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.step.events.push(event);
    }

    /// Notes that the verb made this record.
    pub(crate) fn made(&mut self, id: RecordId) {
        if let Verdict::Made(ids) = &mut self.step.verdict {
            ids.push(id);
        } else {
            self.step.verdict = Verdict::Made(Vec::from([id]));
        }
    }
}

fn halves(bytes: [u8; 32]) -> [[u8; 16]; 2] {
    let mut halves = [[0; 16]; 2];
    for (half, part) in halves.iter_mut().zip(bytes.chunks_exact(16)) {
        half.copy_from_slice(part);
    }
    halves
}

/// Bytes of a record as an entry carries them.
pub(crate) fn carried(bytes: Vec<u8>, proof: Option<Vec<u8>>) -> Carried {
    Carried {
        bytes: bytes.into_boxed_slice(),
        proof: proof.map(Vec::into_boxed_slice),
    }
}
