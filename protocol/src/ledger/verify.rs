//! The check of a whole ledger from its entries: chain, tree, records with their proofs, the
//! checkpoint's signature, and that folding the entries again gives what is stored (I15). It only
//! reads, it trusts nothing that it reads, and it keeps no entry and no record in memory.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::ops::Bound;

use thiserror::Error;

use super::{Carried, Entry, EntryBody, EntryHeader, EntryKind, LedgerHead, Payload, note};
use crate::{
    code::Code,
    fence,
    hash::{EntryHash, PartnerId, RecordId},
    identity::StandingKey,
    machine::{Config, Key, Machine, View, Write},
    proof::Proof,
    record::Envelope,
};

/// Bytes of the longest proof: a path of eight hashes and less than 128 bytes beside it.
const PROOF_BYTES_MAX: usize = 512;

/// What is wrong with a ledger. The place is epoch and number of the entry.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Broken {
    /// The header can't be read, or is another's.
    #[error("entry {0}/{1}: its header can't be read, or belongs to another ledger")]
    Header(u32, u64),
    /// The entry does not follow the one before it.
    #[error("entry {0}/{1}: it does not follow the entry before it")]
    Chain(u32, u64),
    /// The body is missing, can't be read, or has another hash.
    #[error("entry {0}/{1}: its body is missing or is not the one that its header names")]
    Body(u32, u64),
    /// A record is missing, or is not the one that is named.
    #[error("entry {0}/{1}: record {2} is missing or is not the one that is named")]
    Record(u32, u64, RecordId),
    /// A record's proof is missing or wrong.
    #[error("entry {0}/{1}: the proof of record {2} is missing or wrong ({3})")]
    Proof(u32, u64, RecordId, Code),
    /// The checkpoint can't be read or is not signed by the author's key.
    #[error("the checkpoint is missing, can't be read, or is not signed by this partner: {0}")]
    Note(&'static str),
    /// The checkpoint states another tree than the entries give.
    #[error("the checkpoint does not state the tree that the entries give")]
    Tree,
    /// A stored value is not what the entries give.
    #[error(
        "what is stored at {0:?} is not what the entries give; the store was changed beside the ledger"
    )]
    Projection(Key),
}

/// What a good ledger has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verified {
    /// Its head.
    pub head: LedgerHead,
    /// Entries over all epochs.
    pub entries: u64,
    /// Records whose proofs were checked.
    pub records: u64,
    /// Records of authors whose keys are not known here, whose proofs were not checked.
    pub unchecked: u64,
}

/// Checks the ledger in `view`. `key_of` gives the key of a partner by its index, as far as it is
/// known. A ledger without entries is good.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(
    config: &Config,
    view: &dyn View,
    key_of: &dyn Fn(PartnerId, u32) -> Option<StandingKey>,
) -> Result<Verified, Broken> {
    let folded = Folded {
        stored: view,
        small: BTreeMap::new(),
        large: BTreeSet::new(),
    };
    let mut check = Check {
        config,
        view,
        key_of,
        machine: Machine::load(config.clone(), &folded),
        folded,
        found: Verified {
            head: LedgerHead::empty(),
            entries: 0,
            records: 0,
            unchecked: 0,
        },
    };
    let mut at = Key::Entry {
        epoch: 0,
        sequence: 0,
    };
    let mut bytes = view.read(&at);
    while let (Key::Entry { epoch, sequence }, Some(header)) = (at, &bytes) {
        check.entry(epoch, sequence, header)?;
        let next = view.next(&at);
        let Some((key, value)) = next else { break };
        at = key;
        bytes = Some(value);
    }
    check.found.head = *check.machine.head();
    if check.found.entries > 0 {
        check.checkpoint()?;
    }
    check.projections()?;
    Ok(check.found)
}

/// What the entries give so far. Entries, bodies, records and the tree are large, and written once:
/// they are compared with what is stored as they come, and only their keys are kept.
struct Folded<'a> {
    stored: &'a dyn View,
    small: BTreeMap<Key, Vec<u8>>,
    large: BTreeSet<Key>,
}

impl Folded<'_> {
    fn write(&mut self, write: Write) -> Result<(), Broken> {
        let Write { key, value } = write;
        match value {
            Some(value) if is_large(&key) => {
                if self.stored.read(&key).as_ref() != Some(&value) {
                    return Err(Broken::Projection(key));
                }
                self.large.insert(key);
            }
            Some(value) => {
                self.small.insert(key, value);
            }
            None => {
                self.small.remove(&key);
                self.large.remove(&key);
            }
        }
        Ok(())
    }
}

impl View for Folded<'_> {
    fn read(&self, key: &Key) -> Option<Vec<u8>> {
        if self.large.contains(key) {
            return self.stored.read(key);
        }
        self.small.get(key).cloned()
    }

    fn next(&self, after: &Key) -> Option<(Key, Vec<u8>)> {
        let behind = (Bound::Excluded(*after), Bound::Unbounded);
        let found = if is_large(after) {
            let key = *self.large.range(behind).next()?;
            (key, self.stored.read(&key)?)
        } else {
            let (key, value) = self.small.range(behind).next()?;
            (*key, value.clone())
        };
        (found.0.family() == after.family()).then_some(found)
    }
}

const fn is_large(key: &Key) -> bool {
    matches!(
        key,
        Key::Entry { .. } | Key::Body { .. } | Key::Node { .. } | Key::Record { .. }
    )
}

struct Check<'a> {
    config: &'a Config,
    view: &'a dyn View,
    key_of: &'a dyn Fn(PartnerId, u32) -> Option<StandingKey>,
    machine: Machine,
    folded: Folded<'a>,
    found: Verified,
}

impl Check<'_> {
    fn entry(&mut self, epoch: u32, sequence: u64, bytes: &[u8]) -> Result<(), Broken> {
        let config = self.config;
        let header = EntryHeader::from_bytes(bytes)
            .ok()
            .filter(|header| header.network == config.network && header.author == config.partner)
            .ok_or(Broken::Header(epoch, sequence))?;
        if (header.epoch, header.sequence) != (epoch, sequence) || !self.follows(&header) {
            return Err(Broken::Chain(epoch, sequence));
        }
        let body = self
            .view
            .read(&Key::Body { epoch, sequence })
            .and_then(|bytes| EntryBody::from_bytes(header.kind, &bytes).ok())
            .filter(|body| body.hash() == header.body)
            .ok_or(Broken::Body(epoch, sequence))?;
        let records = self.records(&header, &body.payload)?;
        let entry = Entry {
            header,
            body,
            records,
        };
        for write in self.machine.apply(&entry, &self.folded) {
            self.folded.write(write)?;
        }
        self.found.entries += 1;
        Ok(())
    }

    /// Whether an entry follows what was read so far: the next number of the epoch, or the first
    /// of the next epoch, and no earlier time.
    fn follows(&self, header: &EntryHeader) -> bool {
        let head = self.machine.head();
        let opens = header.kind == EntryKind::Opened;
        let first = head.last == EntryHash::NONE;
        let place = if first {
            header.epoch == 0 && header.sequence == 0 && opens
        } else if opens {
            header.epoch == head.epoch + 1 && header.sequence == 0
        } else {
            header.epoch == head.epoch && header.sequence == head.size
        };
        place && header.previous == head.last && header.at >= head.at
    }

    fn records(&mut self, header: &EntryHeader, payload: &Payload) -> Result<Vec<Carried>, Broken> {
        let (epoch, sequence) = (header.epoch, header.sequence);
        let mut records = Vec::new();
        for id in payload.records() {
            let envelope = self
                .view
                .read(&Key::Record { id: *id })
                .and_then(|bytes| Envelope::read(&self.config.network, bytes).ok())
                .filter(|envelope| envelope.id() == *id)
                .ok_or(Broken::Record(epoch, sequence, *id))?;
            let proof = self.view.read(&Key::Proof { record: *id });
            self.proof(&envelope, proof.as_deref())
                .map_err(|code| Broken::Proof(epoch, sequence, *id, code))?;
            records.push(Carried {
                bytes: envelope.bytes().into(),
                // Own proofs are made beside the entries, not by them.
                proof: proof
                    .filter(|_| !matches!(payload, Payload::Signed(_)))
                    .map(Vec::into_boxed_slice),
            });
        }
        Ok(records)
    }

    fn proof(&mut self, envelope: &Envelope, proof: Option<&[u8]>) -> Result<(), Code> {
        let proof: Proof = fence::decode(proof.ok_or(Code::BadProof)?, PROOF_BYTES_MAX)?;
        let claim = proof.claim(envelope.author(), envelope.id())?;
        match (self.key_of)(envelope.author(), claim.key_index()) {
            Some(key) => {
                claim.verify(&key)?;
                self.found.records += 1;
            }
            None if envelope.author() == self.config.partner => return Err(Code::UnknownKeys),
            None => self.found.unchecked += 1,
        }
        Ok(())
    }

    fn checkpoint(&self) -> Result<(), Broken> {
        let bytes = self
            .view
            .read(&Key::Checkpoint {})
            .ok_or(Broken::Note("there is none"))?;
        let text = core::str::from_utf8(&bytes).or(Err(Broken::Note("it is no text")))?;
        let (network, partner) = (self.config.network, self.config.partner);
        let note = note::SignedCheckpoint::read(text, network, partner)
            .or(Err(Broken::Note("it has another form")))?;
        let key =
            (self.key_of)(partner, note.key_index).ok_or(Broken::Note("its key is not known"))?;
        note.verify(key.key().as_bytes())
            .or(Err(Broken::Note("its signature is wrong")))?;
        let stated = note.checkpoint;
        let given = self.machine.checkpoint(&self.folded).ok_or(Broken::Tree)?;
        let same = (stated.epoch, stated.size, stated.root, stated.at)
            == (given.epoch, given.size, given.root, given.at);
        if same { Ok(()) } else { Err(Broken::Tree) }
    }

    /// Compares all projections, those that only one side has too.
    fn projections(&self) -> Result<(), Broken> {
        for key in Key::families().filter(Key::is_projection) {
            let mut stored = at_or_after(self.view, key);
            let mut folded = at_or_after(&self.folded, key);
            loop {
                match (&stored, &folded) {
                    (None, None) => break,
                    (Some(one), Some(other)) if one == other => {
                        (stored, folded) = (self.view.next(&one.0), self.folded.next(&other.0));
                    }
                    (Some((key, _)), None) | (None, Some((key, _))) => {
                        return Err(Broken::Projection(*key));
                    }
                    (Some((one, _)), Some((other, _))) => {
                        return Err(Broken::Projection(*one.min(other)));
                    }
                }
            }
        }
        Ok(())
    }
}

fn at_or_after(view: &dyn View, key: Key) -> Option<(Key, Vec<u8>)> {
    match view.read(&key) {
        Some(value) => Some((key, value)),
        None => view.next(&key),
    }
}
