//! One process of a node: the production machine, the batch that it builds and the one that flies.
//! It stands in for the keeper, the courier and the door of the runtime, and keeps their order:
//! decide over all that is under way, close one batch at a time with proofs and a checkpoint, and
//! release what was decided when that batch is synced. It keeps out time, disks and the network.

use std::{collections::BTreeMap, ops::Bound};

use omni_protocol::{
    code::Code,
    deal::{Deal, State},
    fence::{self, Bytes, List},
    frame::{self, Envelope, Frame, Letter, ProvedRecord, Stored, WhatIs},
    hash::{DealId, PartnerId, RecordId},
    identity::sign_bytes,
    ledger::{Entry, LedgerHead, Payload},
    machine::{
        Change, Config, Event, Input, Key, Machine, Message, Now, Outgoing, ProofGroup, Verdict,
        View, proof_groups,
    },
    proof::Proof,
    value::Time,
};

use super::{
    decoded,
    disk::{Disk, Laid, Shown},
    planted::{Planted, Tampered},
    seals::Seals,
};
use crate::{
    market::{Identity, Store},
    observation::{Asked, EntryBytes, RecordBytes},
};

/// Bytes of the longest proof.
const PROOF_BYTES_MAX: usize = 1_024;

/// What an operator asked for, and about what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    pub(super) asked: Asked,
    pub(super) thread: Option<[u8; 32]>,
    pub(super) deal: Option<[u8; 32]>,
}

/// What one decision brings about once its batch is synced.
#[derive(Debug)]
pub(super) struct Promise {
    pub(super) asker: Option<Asker>,
    pub(super) verdict: Verdict,
    pub(super) sends: Vec<Outgoing>,
    pub(super) replies: Vec<Outgoing>,
    pub(super) states: Vec<(DealId, State)>,
}

/// The batch being built.
#[derive(Debug, Default)]
struct Open {
    writes: Laid,
    promises: Vec<Promise>,
    entries: Vec<Entry>,
}

/// The batch that the disk has.
#[derive(Debug)]
struct Flying {
    writes: Laid,
    promises: Vec<Promise>,
}

/// A session with a partner.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) number: u64,
    /// The partner's newest checkpoint, as it wrote it.
    checkpoint: Vec<u8>,
}

/// What became of the batch being built.
pub(super) enum Submitted {
    /// The writer is busy, or nothing waits.
    Nothing,
    /// Nothing was to be written: this is released at once.
    AtOnce(Vec<Promise>),
    /// It was written to the disk, and its sync begins.
    Written,
}

/// A running process.
#[derive(Debug)]
pub(super) struct Process {
    /// Which process of the node it is.
    pub(super) run: u64,
    pub(super) machine: Machine,
    pub(super) sessions: BTreeMap<PartnerId, Session>,
    /// When the machine wants a pulse.
    pub(super) due: Option<Time>,
    /// Whether a partner said that it has seen what this node lacks.
    pub(super) is_behind: bool,
    /// Pulses that were planned; only the last one counts.
    pub(super) pulses: u64,
    /// When the next comes at the latest, by the world's time.
    pub(super) pulse_by: u64,
    open: Open,
    flying: Option<Flying>,
    signed_head: LedgerHead,
}

/// What the machine reads: the disk, over it the batch that flies, over that the one being built.
#[derive(Clone, Copy)]
pub(super) struct Layers<'a> {
    pub(super) disk: &'a Store,
    flying: Option<&'a Laid>,
    open: &'a Laid,
}

impl View for Layers<'_> {
    fn read(&self, key: &Key) -> Option<Vec<u8>> {
        for laid in [Some(self.open), self.flying].into_iter().flatten() {
            if let Some(value) = laid.get(key) {
                return value.clone();
            }
        }
        self.disk.read(key)
    }

    fn next(&self, after: &Key) -> Option<(Key, Vec<u8>)> {
        let mut after = *after;
        loop {
            let first = |laid: &Laid| {
                laid.range((Bound::Excluded(after), Bound::Unbounded))
                    .next()
                    .map(|(key, _)| *key)
            };
            let below = self
                .disk
                .0
                .range((Bound::Excluded(after), Bound::Unbounded))
                .next()
                .map(|(key, _)| *key);
            let key = [first(self.open), self.flying.and_then(first), below]
                .into_iter()
                .flatten()
                .min()
                .filter(|key| key.family() == after.family())?;
            if let Some(value) = self.read(&key) {
                return Some((key, value));
            }
            after = key;
        }
    }
}

impl Process {
    /// A process over what is on the disk, before its life begins.
    pub(super) fn load(run: u64, config: Config, disk: &Disk) -> Self {
        let machine = Machine::load(config, &disk.store);
        Self {
            run,
            signed_head: *machine.head(),
            machine,
            sessions: BTreeMap::new(),
            due: None,
            is_behind: false,
            pulses: 0,
            pulse_by: 0,
            open: Open::default(),
            flying: None,
        }
    }

    /// All that is under way, over the disk.
    pub(super) fn view<'a>(&'a self, disk: &'a Disk) -> Layers<'a> {
        Layers {
            disk: &disk.store,
            flying: self.flying.as_ref().map(|flying| &flying.writes),
            open: &self.open.writes,
        }
    }

    /// Puts `input` to the machine and adds what it decides to the batch being built. Handed back is
    /// what is stuck: a pulse that is refused, which none may be, and a deal that fails where others go
    /// on.
    pub(super) fn decide(
        &mut self,
        disk: &Disk,
        (input, asker): (Input, Option<Asker>),
        now: Now,
        planted: Option<Planted>,
    ) -> Option<String> {
        let is_pulse = matches!(input, Input::Pulse);
        let view = self.view(disk);
        let answered = match &input {
            Input::Stored { from, record, .. } => Some((*from, *record)),
            _ => None,
        };
        let mut step = match planted {
            None => self.machine.decide(input, &view, now),
            Some(planted) => {
                let tampered = Tampered::new(view, planted, &input, now);
                self.machine.decide(input, &tampered, now)
            }
        };
        if let Some(planted) = planted {
            planted.tamper(&mut step, answered);
        }
        let view = Layers {
            disk: &disk.store,
            flying: self.flying.as_ref().map(|flying| &flying.writes),
            open: &self.open.writes,
        };
        let mut writes = self.machine.carry(&step, &view);
        if let Some(planted) = planted {
            planted.tamper_writes(&mut writes, &view);
        }
        for write in writes {
            self.open.writes.insert(write.key, write.value);
        }
        let refused = match step.verdict {
            Verdict::Refused(code) if is_pulse => Some(format!("a pulse is refused: {code}")),
            _ => None,
        };
        let left_out = step.left_out.first();
        let stuck = left_out.map(|(deal, why)| format!("deal {deal} is left out: {why:?}"));
        if step.wake.is_some() {
            self.due = step.wake;
        }
        let is_ahead = |event: &Event| matches!(event, Event::Ahead { .. });
        self.is_behind |= step.events.iter().any(is_ahead);
        let states = step.events.iter().filter_map(|event| match event {
            Event::Deal { deal, state, .. } => Some((*deal, *state)),
            _ => None,
        });
        self.open.promises.push(Promise {
            asker,
            verdict: step.verdict,
            states: states.collect(),
            sends: step.sends,
            replies: step.replies,
        });
        for change in step.changes {
            if let Change::Entry(entry) = change {
                self.open.entries.push(*entry);
            }
        }
        refused.or(stuck)
    }

    /// Whether a batch would be written now.
    pub(super) fn would_write(&self) -> bool {
        self.flying.is_none() && !self.open.writes.is_empty()
    }

    /// Closes the batch being built and writes it, if none flies.
    pub(super) fn submit(
        &mut self,
        own: &Identity,
        seals: &mut Seals,
        disk: &mut Disk,
    ) -> Submitted {
        if self.flying.is_some() || self.open.promises.is_empty() {
            return Submitted::Nothing;
        }
        if self.open.writes.is_empty() {
            return Submitted::AtOnce(std::mem::take(&mut self.open).promises);
        }
        self.prove(own, seals);
        let checkpoint = self.sign_head(own, seals, disk);
        let open = std::mem::take(&mut self.open);
        let entries = open.entries.iter();
        let shown = Shown {
            entries: entries.map(|entry| shown(entry, &open.writes)).collect(),
            deals: open.writes.iter().filter_map(changed_deal).collect(),
            checkpoint,
        };
        disk.write(&open.writes, shown);
        self.flying = Some(Flying {
            writes: open.writes,
            promises: open.promises,
        });
        Submitted::Written
    }

    /// The batch that flew is synced, and the disk shows it: what rests on it is handed back.
    pub(super) fn landed(&mut self) -> Vec<Promise> {
        self.flying
            .take()
            .map(|flying| flying.promises)
            .unwrap_or_default()
    }

    /// What the batch that flies promises, ahead of its sync: for a planted bug alone.
    pub(super) fn take_promises(&mut self) -> Vec<Promise> {
        self.flying
            .as_mut()
            .map(|flying| std::mem::take(&mut flying.promises))
            .unwrap_or_default()
    }

    fn prove(&mut self, own: &Identity, seals: &mut Seals) {
        let mut groups: BTreeMap<ProofGroup, Vec<RecordId>> = BTreeMap::new();
        for (group, id) in self.open.entries.iter().flat_map(proof_groups) {
            groups.entry(group).or_default().push(id);
        }
        for ids in groups.values() {
            for (record, proof) in seals.prove(own, ids) {
                let proof = fence::to_bytes(&proof);
                self.open.writes.insert(Key::Proof { record }, Some(proof));
            }
        }
    }

    /// Signs the checkpoint, if the batch holds an entry.
    fn sign_head(&mut self, own: &Identity, seals: &mut Seals, disk: &Disk) -> Vec<u8> {
        let head = *self.machine.head();
        if head == self.signed_head {
            return Vec::new();
        }
        let checkpoint = self
            .machine
            .checkpoint(&self.view(disk))
            .expect("the hashes of the tree are stored");
        let signature = sign_bytes(&own.secret, checkpoint.text().as_bytes());
        let key = own.key.key().as_bytes();
        let note = checkpoint.signed(0, key, *signature.as_bytes());
        let note = note.text().into_bytes();
        seals.signed(&note);
        let value = Some(note.clone());
        self.open.writes.insert(Key::Checkpoint {}, value);
        self.signed_head = head;
        note
    }

    /// The frame that carries a message, from what the disk has.
    pub(super) fn frame(
        &self,
        message: Message,
        to: PartnerId,
        (own, seals): (&Identity, &mut Seals),
        synced: &dyn View,
    ) -> Option<Vec<u8>> {
        let frame = match message {
            Message::Letter { records, attached } => {
                let records: Option<Vec<_>> =
                    records.iter().map(|id| proved(synced, *id)).collect();
                let attached: Vec<_> = attached
                    .iter()
                    .filter_map(|id| proved(synced, *id))
                    .collect();
                Frame::Letter(Box::new(Letter {
                    envelope: self.envelope(to, synced)?,
                    records: List::new(records?).ok()?,
                    attached: List::new(attached).ok()?,
                }))
            }
            Message::Stored { record, head } => Frame::Stored(Stored {
                lives: self.machine.lives(to)?,
                record,
                head,
            }),
            Message::WhatIs { deal, records } => {
                let records: Option<Vec<_>> =
                    records.iter().map(|id| proved(synced, *id)).collect();
                Frame::WhatIs(WhatIs {
                    deal,
                    records: List::new(records?).ok()?,
                })
            }
            Message::Notice(notice) => {
                Frame::Notice(Box::new(notice.sign(&own.key, &own.secret).ok()?))
            }
            Message::Greeting(greeting) => {
                Frame::Greeting(Box::new(greeting.sign(&own.key, &own.secret).ok()?))
            }
        };
        let bytes = frame.encode().ok()?;
        if matches!(frame, Frame::Greeting(_)) {
            seals.signed(&bytes);
        }
        Some(bytes)
    }

    fn envelope(&self, to: PartnerId, synced: &dyn View) -> Option<Envelope> {
        let checkpoint = synced.read(&Key::Checkpoint {}).unwrap_or_default();
        let seen = self
            .sessions
            .get(&to)
            .map(|session| session.checkpoint.clone());
        Some(Envelope {
            lives: self.machine.lives(to)?,
            checkpoint: Bytes::new(checkpoint).expect("short"),
            consistency: List::default(),
            seen: Bytes::new(seen.unwrap_or_default()).expect("short"),
        })
    }

    /// A session with a partner stands.
    pub(super) fn met(&mut self, partner: PartnerId, number: u64) {
        let checkpoint = Vec::new();
        self.sessions
            .insert(partner, Session { number, checkpoint });
    }

    /// A session ended; that may be heard late.
    pub(super) fn parted(&mut self, partner: PartnerId, number: u64) -> Option<Input> {
        self.sessions
            .get(&partner)
            .is_some_and(|session| session.number == number)
            .then(|| {
                self.sessions.remove(&partner);
                Input::Gone(partner)
            })
    }

    /// What a frame puts to the machine.
    pub(super) fn hear(
        &mut self,
        bytes: &[u8],
        (own, from): (&Identity, &Identity),
        seals: &Seals,
    ) -> Result<Vec<Input>, Code> {
        let network = self.network();
        let partner = from.partner;
        let session = self.sessions.get_mut(&partner).ok_or(Code::NotAddressed)?;
        let frame::Received::Frame(frame) = Frame::decode(bytes)? else {
            return Err(Code::UnknownKind);
        };
        Ok(match frame {
            Frame::Greeting(greeting) => {
                let greeting = seals.greeting(from, own.partner, (&greeting, bytes))?;
                vec![Input::Greeting(Box::new(greeting))]
            }
            Frame::Notice(notice) => {
                vec![Input::Notice(Seals::notice(from, own.partner, &notice)?)]
            }
            Frame::Stored(stored) => vec![Input::Stored {
                from: partner,
                lives: stored.lives,
                record: stored.record,
                head: stored.head,
            }],
            Frame::WhatIs(WhatIs { deal: _, records }) => vec![Input::WhatIs {
                from: partner,
                records: received(&records, (own, from), seals, network)?,
            }],
            Frame::Letter(letter) => {
                let Letter {
                    envelope,
                    records,
                    attached,
                } = *letter;
                if !envelope.checkpoint.is_empty() {
                    session.checkpoint = envelope.checkpoint.to_vec();
                }
                let shown = seals.checkpoint(network, own, &envelope.seen);
                let mut inputs: Vec<_> = shown.map(Input::Shown).into_iter().collect();
                inputs.push(Input::Letter {
                    from: partner,
                    lives: envelope.lives,
                    records: received(&records, (own, from), seals, network)?,
                    attached: received(&attached, (own, from), seals, network)?,
                });
                inputs
            }
            _ => return Err(Code::UnknownKind),
        })
    }

    fn network(&self) -> omni_protocol::hash::NetworkId {
        crate::market::network()
    }
}

fn received<const MAX: usize, const MIN: usize>(
    records: &List<ProvedRecord, MAX, MIN>,
    (own, from): (&Identity, &Identity),
    seals: &Seals,
    network: omni_protocol::hash::NetworkId,
) -> Result<Vec<omni_protocol::machine::Received>, Code> {
    records
        .iter()
        .map(|record| {
            let envelope = omni_protocol::record::Envelope::read(&network, &*record.record)?;
            let author = envelope.author();
            // What all members of a bundle see any of them may bring.
            let author = if author == own.partner {
                own
            } else if author == from.partner {
                from
            } else {
                seals.person(author).ok_or(Code::UnknownKeys)?
            };
            seals.record(&network, author, (&record.record, &record.proof))
        })
        .collect()
}

fn proved(synced: &dyn View, id: RecordId) -> Option<ProvedRecord> {
    let record = synced.read(&Key::Record { id })?;
    let proof = synced.read(&Key::Proof { record: id })?;
    let proof: Proof = fence::decode(&proof, PROOF_BYTES_MAX).ok()?;
    ProvedRecord::new(&record, proof).ok()
}

/// A deal that is written, with its new state.
fn changed_deal((key, value): (&Key, &Option<Vec<u8>>)) -> Option<([u8; 32], &'static str)> {
    let (Key::Deal { deal }, Some(value)) = (key, value) else {
        return None;
    };
    let kept: Deal = decoded(value);
    Some((*deal.as_bytes(), kept.state.name()))
}

fn shown(entry: &Entry, writes: &Laid) -> EntryBytes {
    let ids = entry.body.payload.records();
    let own = matches!(entry.body.payload, Payload::Signed(_));
    let records = ids.iter().zip(&entry.records).map(|(id, carried)| {
        let proof = if own {
            writes.get(&Key::Proof { record: *id }).cloned().flatten()
        } else {
            carried.proof.as_ref().map(|proof| proof.to_vec())
        };
        RecordBytes {
            record: carried.bytes.to_vec(),
            proof: proof.unwrap_or_default(),
        }
    });
    EntryBytes {
        header: entry.header.to_bytes(),
        body: entry.body.to_bytes(),
        records: records.collect(),
    }
}
