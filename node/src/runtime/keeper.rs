//! The keeper: machine, overlay and writer together. It collects what is decided into the open
//! batch, closes it with proofs and one checkpoint, and hands back the lanes when it is synced.

use std::sync::Arc;

use omni_protocol::deal::State;
use omni_protocol::fence;
use omni_protocol::frame::Lives;
use omni_protocol::hash::{ManifestId, NetworkId, PartnerId, RecordId};
use omni_protocol::ledger::LedgerHead;
use omni_protocol::machine::{
    Change, Config, Event, Input, Key, Machine, Mark, Now, Outgoing, Sourced, Step, Verdict, View,
};
use omni_protocol::proof::CheckedSeal;
use omni_protocol::value::Time;
use tokio::sync::oneshot;

use super::acting;
use super::news::News;
use super::signer::{Own, Proofs, Signer};
use super::telling::Telling;
use crate::api::Act;
use crate::clock::{self, Clock};
use crate::crash;
use crate::store::contact::Contact;
use crate::store::happened;
use crate::store::{Halt, LedgerReader, Overlay, Report, StoreError, Writer};
use crate::view::event::WhatView;

/// Decisions in one batch. More than this and clients and peers wait for the disk.
const INPUTS_MAX: usize = 1024;
/// Bytes of one batch, half of the database's write buffer.
const BATCH_BYTES_MAX: usize = 8 << 20;

/// Who waits for a verdict.
#[derive(Debug)]
pub(super) enum Asker {
    /// A client of the local API.
    Client(oneshot::Sender<Verdict>),
    /// Nobody: a peer, or time.
    Nobody,
}

/// What one decision brings about once its batch is synced.
#[derive(Debug)]
pub(super) struct Promise {
    pub(super) asker: Asker,
    pub(super) verdict: Verdict,
    pub(super) sends: Vec<Outgoing>,
    pub(super) replies: Vec<Outgoing>,
    /// The number of the newest event that it tells, or that was told before it.
    pub(super) told: u64,
    /// Whether it changes who is a partner or where one is met.
    pub(super) roster: Changed,
}

/// Whether something is to be looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    Yes,
    No,
}

/// What a synced batch sets free.
#[derive(Debug, Default)]
pub(super) struct Landed {
    pub(super) promises: Vec<Promise>,
    /// What it publishes.
    pub(super) news: News,
    /// What it signed in threads.
    pub(super) seals: Vec<CheckedSeal>,
    /// The signed checkpoint that closes it, if it holds an entry.
    pub(super) checkpoint: Option<Vec<u8>>,
}

/// The batch being built.
#[derive(Debug, Default)]
struct Open {
    promises: Vec<Promise>,
    own: Vec<Own>,
    places: Vec<String>,
}

/// The batch that the writer has.
#[derive(Debug)]
struct Flying {
    landed: Landed,
    places: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Keeper {
    machine: Machine,
    overlay: Overlay,
    signer: Signer,
    network: NetworkId,
    partner: PartnerId,
    writer: Writer,
    clock: Clock,
    halt: Halt,
    open: Open,
    flying: Option<Flying>,
    due: Option<Time>,
    signed_head: LedgerHead,
    telling: Telling,
}

impl Keeper {
    pub(super) fn new(
        config: Config,
        signer: Signer,
        reader: LedgerReader,
        writer: Writer,
        clock: Clock,
        halt: Halt,
    ) -> Result<Self, StoreError> {
        let telling = Telling::after(happened::lots(&reader)?);
        let overlay = Overlay::new(reader, halt);
        let (network, partner) = (config.network, config.partner);
        let machine = Machine::load(config, &overlay);
        let signed_head = *machine.head();
        Ok(Self {
            machine,
            overlay,
            signer,
            network,
            partner,
            writer,
            clock,
            halt,
            open: Open::default(),
            flying: None,
            due: None,
            signed_head,
            telling,
        })
    }

    /// The number of the newest event that was told; of those of the open batch the last.
    pub(super) const fn told(&self) -> u64 {
        self.telling.newest()
    }

    /// Puts `input` to the core and adds what it decides to the open batch.
    pub(super) fn decide(&mut self, input: Input, asker: Asker) -> Verdict {
        let now = self.now();
        let (step, writes) = self.machine.decide_and_carry(input, &self.overlay, now);
        for write in writes {
            self.overlay.put(write.key.to_bytes(), write.value);
        }
        let Step {
            changes,
            verdict,
            sends,
            replies,
            events,
            wake,
            left_out,
        } = step;
        self.telling.left_out(&left_out);
        if wake.is_some() {
            self.due = wake;
        }
        // Then members of a whole are asked, and met for that.
        let asks_above =
            |change: &Change| matches!(change, Change::Mark(Mark::Silent { since: None, .. }));
        let asks_above = changes.iter().any(asks_above);
        for change in changes {
            let Change::Entry(entry) = change else {
                continue;
            };
            if crash::is_armed() {
                self.open.places.extend(self.signer.places(&entry));
            }
            self.open.own.extend(self.signer.own(&entry, &self.overlay));
        }
        let told = verdict.clone();
        let is_of_the_roster = |event: &Event| match event {
            Event::Granted { .. } => true,
            // The other members of its bundle are to be met.
            Event::Deal { state, .. } => *state == State::Armed,
            Event::Published { .. }
            | Event::Counted { .. }
            | Event::Said { .. }
            | Event::Bundle { .. }
            | Event::Rejected { .. }
            | Event::Accused { .. }
            | Event::Ahead { .. }
            | Event::Recovering => false,
        };
        let roster = if asks_above || events.iter().any(is_of_the_roster) {
            Changed::Yes
        } else {
            Changed::No
        };
        let events = events.iter().map(|event| self.telling.what(event));
        let events = events.collect();
        self.tell(events);
        self.open.promises.push(Promise {
            asker,
            verdict,
            sends,
            replies,
            told: self.told(),
            roster,
        });
        told
    }

    /// Remembers what the core does not see, and tells of it.
    pub(super) fn note(&mut self, contact: Option<&Contact>, events: Vec<WhatView>, asker: Asker) {
        if let Some(contact) = contact {
            self.overlay.put(contact.key(), Some(contact.to_bytes()));
        }
        self.tell(events);
        self.open.promises.push(Promise {
            asker,
            verdict: Verdict::Done,
            sends: Vec::new(),
            replies: Vec::new(),
            told: self.told(),
            roster: contact.map_or(Changed::No, |_| Changed::Yes),
        });
    }

    /// Keeps a policy or forgets it; from now on Requests wait as all policies say.
    pub(super) fn set_policies(
        &mut self,
        (key, value): (Vec<u8>, Option<Vec<u8>>),
        works: Vec<Sourced>,
        asker: Asker,
    ) {
        self.overlay.put(key, value);
        self.machine.set_sourced(works);
        self.note(None, Vec::new(), asker);
    }

    /// Keeps and tells what the node did by itself just now, in the batch of the records that it made.
    pub(super) fn acted(&mut self, act: Act, made: &[RecordId], asker: Asker) {
        let (writes, what) = acting::of(act, made, self.clock.now_ms());
        for (key, value) in writes {
            self.overlay.put(key, value);
        }
        self.note(None, what.into_iter().collect(), asker);
    }

    /// Keeps a value of the node's own with the open batch; nobody waits for it.
    pub(super) fn keep(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.overlay.put(key, Some(value));
    }

    /// A value on the disk.
    pub(super) fn synced(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.overlay.read_synced(&key.to_bytes())
    }

    /// Whether the core has this record, as things will stand after the open batch.
    pub(super) fn keeps(&self, record: RecordId) -> bool {
        View::read(&self.overlay, &Key::Record { id: record }).is_some()
    }

    /// The time, as the core is told it.
    pub(super) fn time(&self) -> Time {
        Time::new(self.clock.now_ms()).unwrap_or_default()
    }

    /// Between which lives letters to this partner are sent now.
    pub(super) fn lives(&self, partner: PartnerId) -> Option<Lives> {
        self.machine.lives(partner)
    }

    /// Whether nothing was ever granted to a partner, as things will stand after the open batch.
    pub(super) fn is_stranger(&self, partner: PartnerId) -> bool {
        View::read(&self.overlay, &Key::Grant { partner }).is_none()
    }

    /// Whether a partner is a member of a bundle that is not decided here, which admits it.
    pub(super) fn is_member(&self, partner: PartnerId) -> bool {
        let first = Key::Joint {
            partner,
            decided: 0,
            manifest: ManifestId::from_bytes([0; 32]),
        };
        let next = View::next(&self.overlay, &first);
        next.is_some_and(
            |(key, _)| matches!(key, Key::Joint { partner: of, decided: 0, .. } if of == partner),
        )
    }

    fn tell(&mut self, events: Vec<WhatView>) {
        let at_ms = self.clock.now_ms();
        for what in events {
            self.telling.tell(at_ms, what);
        }
    }

    /// Closes the open batch and hands it to the writer, if the writer is idle. Where nothing is
    /// to be written and nothing is under way, what was promised is handed back at once.
    pub(super) fn submit(&mut self) -> Vec<Promise> {
        if self.flying.is_some() || self.open.promises.is_empty() {
            return Vec::new();
        }
        for (key, value) in self.telling.close() {
            self.overlay.put(key, value);
        }
        if self.overlay.open_batch().is_empty() {
            return std::mem::take(&mut self.open).promises;
        }
        let Open {
            promises,
            own,
            places,
        } = std::mem::take(&mut self.open);
        let (news, seals) = self.prove(own);
        let checkpoint = self.sign_head();
        for place in &places {
            crash::point(&format!("before-sync:{place}"));
        }
        let batch = self.overlay.close();
        if self.writer.hand_over(Arc::clone(&batch)).is_err() {
            (self.halt)(&StoreError::Stalled { seconds: 0 });
        }
        self.flying = Some(Flying {
            landed: Landed {
                promises,
                news,
                seals,
                checkpoint,
            },
            places,
        });
        Vec::new()
    }

    /// The batch under way is synced.
    ///
    /// # Panics
    /// When none was: the writer reports what it was not given.
    #[expect(
        clippy::expect_used,
        reason = "a report without a batch means that lanes were released unsynced"
    )]
    pub(super) fn landed(&mut self, report: Report) -> Landed {
        let Flying { landed, places } = self.flying.take().expect("a report follows a batch");
        self.overlay.landed();
        tracing::trace!(
            batch = report.batch.number,
            inputs = landed.promises.len(),
            "synced"
        );
        for place in &places {
            crash::point(&format!("after-sync:{place}"));
        }
        landed
    }

    /// Whether more may be put to the core now.
    pub(super) fn has_room(&self) -> bool {
        self.open.promises.len() < INPUTS_MAX && self.overlay.open_batch().bytes() < BATCH_BYTES_MAX
    }

    /// Whether something is still to be written or released.
    pub(super) fn is_busy(&self) -> bool {
        self.flying.is_some() || !self.open.promises.is_empty()
    }

    /// When the core wants a pulse, as it said last.
    pub(super) fn due(&mut self) -> Option<Time> {
        self.due.take()
    }

    fn prove(&mut self, own: Vec<Own>) -> (News, Vec<CheckedSeal>) {
        let Proofs { records, seals } = self.signer.prove(own);
        for record in &records {
            let key = Key::Proof { record: record.id };
            self.overlay
                .put(key.to_bytes(), Some(fence::to_bytes(&record.proof)));
        }
        (News::of(&self.network, self.partner, &records), seals)
    }

    /// Signs the checkpoint, if the batch holds an entry.
    fn sign_head(&mut self) -> Option<Vec<u8>> {
        let head = *self.machine.head();
        if head == self.signed_head {
            return None;
        }
        let Some(checkpoint) = self.machine.checkpoint(&self.overlay) else {
            (self.halt)(&StoreError::Damaged {
                path: self.overlay.home().to_owned(),
                detail: "hashes of the ledger's tree are missing".to_owned(),
            });
        };
        let note = self.signer.checkpoint(checkpoint).into_bytes();
        self.overlay
            .put(Key::Checkpoint {}.to_bytes(), Some(note.clone()));
        self.signed_head = head;
        Some(note)
    }

    fn now(&self) -> Now {
        let time = self.time();
        match clock::entropy() {
            Ok(entropy) => Now { time, entropy },
            Err(error) => (self.halt)(&StoreError::Io {
                what: "draw salts for",
                path: self.overlay.home().to_owned(),
                source: std::io::Error::other(error),
            }),
        }
    }
}
