//! The ledger of one node as it was synced: chain, tree, bodies, records, proofs and checkpoints
//! are checked from the first entry on, each batch as it comes. It draws no conclusion about deals.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{
    bytes::{Id, Tree, hash, is_signed, leaf, partner_text, root_of_path, tagged},
    finding::{Check, Findings},
    read::{self, Record},
    read_ledger::{self, Entry, Note, Payload},
};
use crate::observation::{EntryBytes, RecordBytes};

/// Who a node is.
#[derive(Clone, Debug)]
pub struct Who {
    pub node: usize,
    pub network: Id,
    pub partner: Id,
    pub key: Id,
}

/// The keys of all nodes of a run by partner: each has one.
pub type Keys = BTreeMap<Id, Id>;

/// An entry that was read.
#[derive(Clone, Debug)]
pub struct Kept {
    pub entry: Entry,
    pub payload: Payload,
    pub records: Vec<Record>,
}

impl Kept {
    pub fn place(&self) -> (u64, u64) {
        (self.entry.epoch, self.entry.sequence)
    }
}

/// The synced ledger of one node.
pub struct Ledger {
    pub who: Who,
    /// Its entries, over all epochs.
    pub entries: Vec<Kept>,
    /// Its lives, in the order in which they began.
    pub lives: Vec<u64>,
    /// Own records that it ever synced, and those of partners that it ever took.
    pub signed: BTreeSet<Id>,
    pub taken: BTreeSet<Id>,
    /// Checkpoints that were ever synced.
    checkpoints: BTreeSet<Vec<u8>>,
    trees: BTreeMap<u64, Tree>,
    /// The entry that each life signed at each place.
    places: BTreeMap<(u64, u64, u64), Id>,
    /// Signatures that were found good.
    proved: BTreeSet<(Id, Id, [u8; 64])>,
}

impl Ledger {
    pub fn new(who: Who) -> Self {
        Self {
            who,
            entries: Vec::new(),
            lives: Vec::new(),
            signed: BTreeSet::new(),
            taken: BTreeSet::new(),
            checkpoints: BTreeSet::new(),
            trees: BTreeMap::new(),
            places: BTreeMap::new(),
            proved: BTreeSet::new(),
        }
    }

    /// Takes entries, and gives the number of the first among those of the ledger.
    pub fn take(&mut self, entries: &[EntryBytes], keys: &Keys, found: &mut Findings) -> usize {
        let first = self.entries.len();
        for bytes in entries {
            let Some(kept) = self.read(bytes, found) else {
                continue;
            };
            self.check_place(&kept, found);
            self.check_records(&kept, &bytes.records, keys, found);
            self.keep(kept);
        }
        first
    }

    /// Takes the checkpoint that closes what was taken.
    pub fn close(&mut self, checkpoint: &[u8], found: &mut Findings) {
        self.check_checkpoint(checkpoint, found);
        self.checkpoints.insert(checkpoint.to_vec());
    }

    /// Puts the ledger back to its first entries, and gives those that are lost.
    pub fn restore(&mut self, count: u64) -> Vec<Kept> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let lost = self.entries.split_off(count.min(self.entries.len()));
        self.trees.clear();
        for kept in &self.entries {
            let tree = self.trees.entry(kept.entry.epoch).or_default();
            tree.push(&kept.entry.hash);
        }
        lost
    }

    /// Whether this is a head that the ledger has or had on the way.
    pub fn has_head(&self, head: &read_ledger::Head) -> bool {
        head.size == 0
            || self.entries.iter().any(|kept| {
                kept.place() == (head.epoch, head.size - 1) && kept.entry.hash == head.last
            })
    }

    pub fn has_checkpoint(&self, bytes: &[u8]) -> bool {
        self.checkpoints.contains(bytes)
    }

    fn read(&self, bytes: &EntryBytes, found: &mut Findings) -> Option<Kept> {
        let node = (self.who.node, None);
        let Some(entry) = read_ledger::entry(&bytes.header) else {
            found.add(
                Check::Form,
                node,
                &[],
                "the header of an entry can't be read",
            );
            return None;
        };
        let place = (self.who.node, Some((entry.epoch, entry.sequence)));
        if hash("omni/1/entry-body", &[&bytes.body]) != entry.body {
            found.add(
                Check::Chain,
                place,
                &[],
                "the body is not that of the header",
            );
        }
        let Some(payload) = read_ledger::payload(entry.kind, &bytes.body) else {
            found.add(Check::Form, place, &[], "the body can't be read");
            return None;
        };
        let read = |carried: &RecordBytes| read::record(&self.who.network, &carried.record);
        let Some(records) = bytes.records.iter().map(read).collect() else {
            found.add(Check::Form, place, &[], "a record can't be read");
            return None;
        };
        Some(Kept {
            entry,
            payload,
            records,
        })
    }

    fn check_place(&self, kept: &Kept, found: &mut Findings) {
        let Kept { entry, payload, .. } = kept;
        let mut wrong = |why: &str| {
            let place = (self.who.node, Some(kept.place()));
            found.add(Check::Chain, place, &[entry.hash], why);
        };
        if (entry.network, entry.author) != (self.who.network, self.who.partner) {
            wrong("it is an entry of another ledger");
        }
        if entry.key_index != 0 {
            wrong("it names a key that the node never had");
        }
        if Some(&entry.life) != self.lives.last() {
            wrong("it is of a life that does not run");
        }
        match self.entries.last().map(|last| &last.entry) {
            None => {
                if kept.place() != (0, 0) || entry.previous != [0; 32] {
                    wrong("it does not begin the ledger");
                }
            }
            Some(last) => {
                let next = (last.epoch, last.sequence + 1);
                let is_next = kept.place() == next;
                let begins = entry.epoch == last.epoch + 1 && entry.sequence == 0;
                if !is_next && !begins {
                    wrong(&format!("it should be {}/{}", next.0, next.1));
                }
                if entry.previous != last.hash {
                    wrong("it does not follow the entry that was synced before it");
                }
                if entry.at < last.at {
                    wrong("its time runs back");
                }
            }
        }
        if (entry.sequence == 0) != (*payload == Payload::Opened) {
            wrong("an epoch begins with Opened, and only there");
        }
        if matches!(payload, Payload::Lived(life) if *life != entry.life) {
            wrong("it names another life");
        }
        let other = self.places.get(&(entry.epoch, entry.sequence, entry.life));
        if other.is_some_and(|other| *other != entry.hash) {
            let place = (self.who.node, Some(kept.place()));
            let why = "two entries of one life stand at one place";
            found.add(Check::Twice, place, &[entry.hash], why);
        }
    }

    fn check_records(
        &mut self,
        kept: &Kept,
        bytes: &[RecordBytes],
        keys: &Keys,
        found: &mut Findings,
    ) {
        let place = (self.who.node, Some(kept.place()));
        let named: &[Id] = match &kept.payload {
            Payload::Signed(ids) => ids,
            Payload::Taken(id) => std::slice::from_ref(id),
            // Of what a partner showed, entries may be named too, which travel without bytes.
            Payload::Recovered(_)
            | Payload::Opened
            | Payload::Lived(_)
            | Payload::Counted { .. }
            | Payload::Timetable { .. }
            | Payload::Granted
            | Payload::Closed(_)
            | Payload::WrittenOff(_) => &[],
        };
        let ids: Vec<Id> = kept.records.iter().map(|record| record.id).collect();
        if !matches!(kept.payload, Payload::Recovered(_)) && ids != named {
            found.add(Check::Chain, place, named, "it lacks records that it names");
        }
        let owns = !matches!(kept.payload, Payload::Taken(_));
        for (record, carried) in kept.records.iter().zip(bytes) {
            let mut wrong = |why: &str| found.add(Check::Chain, place, &[record.id], why);
            if (record.author == self.who.partner) != owns {
                wrong("its record is of the wrong author");
            }
            if let (Payload::Signed(_), Some(header)) = (&kept.payload, &record.header) {
                let named = (header.life, header.epoch, header.sequence, header.at);
                let entry = &kept.entry;
                if named != (entry.life, entry.epoch, entry.sequence, entry.at) {
                    wrong("its record names another life, place or time than the entry's");
                }
            }
            let is_for_us = |to: Id| to == self.who.partner || record.body.is_for_members();
            if matches!(&record.header, Some(header) if !owns && !is_for_us(header.to)) {
                wrong("its record is for somebody else");
            }
            let partner = match &record.header {
                // A Manifest is addressed to its author.
                Some(header) if owns => Some(header.to).filter(|to| *to != self.who.partner),
                Some(_) => Some(record.author),
                None => None,
            };
            if record.header.is_some() && partner != kept.entry.counterparty {
                wrong("its record is for another partner than the entry names");
            }
            if !self.is_proved(record, &carried.proof, keys) {
                wrong("its record is not proved by its author's key");
            }
        }
    }

    fn is_proved(&mut self, record: &Record, proof: &[u8], keys: &Keys) -> bool {
        let (Some(proof), Some(key)) = (read::proof(proof), keys.get(&record.author)) else {
            return false;
        };
        if proof.key_index != 0 || proof.index >= proof.size || proof.size > 256 {
            return false;
        }
        let Some(root) = root_of_path(leaf(&record.id), proof.index, proof.size, &proof.path)
        else {
            return false;
        };
        if self.proved.contains(&(*key, root, proof.signature)) {
            return true;
        }
        let size = u16::try_from(proof.size).unwrap_or(0).to_le_bytes();
        let signed = tagged("omni/1/proof", &[&self.who.network, &size, &root]);
        let is_good = is_signed(key, &signed, &proof.signature);
        if is_good {
            self.proved.insert((*key, root, proof.signature));
        }
        is_good
    }

    fn keep(&mut self, kept: Kept) {
        let entry = &kept.entry;
        let place = (entry.epoch, entry.sequence, entry.life);
        self.places.insert(place, entry.hash);
        let tree = self.trees.entry(entry.epoch).or_default();
        tree.push(&entry.hash);
        let set = match kept.payload {
            Payload::Taken(_) => &mut self.taken,
            _ => &mut self.signed,
        };
        set.extend(kept.records.iter().map(|record| record.id));
        self.entries.push(kept);
    }

    fn check_checkpoint(&self, bytes: &[u8], found: &mut Findings) {
        let Some(last) = self.entries.last() else {
            return;
        };
        let place = (self.who.node, Some(last.place()));
        let Some(note) = read_ledger::note(bytes) else {
            found.add(Check::Form, place, &[], "the checkpoint can't be read");
            return;
        };
        let tree = self.trees.get(&last.entry.epoch);
        let head = tree.map(|tree| (tree.size(), tree.root()));
        if note.epoch != last.entry.epoch || head != Some((note.size, note.root)) {
            let why = format!(
                "the checkpoint is of {}/{} or has another root than the entries give",
                note.epoch, note.size
            );
            found.add(Check::Chain, place, &[note.root], why);
        }
        if note.life != last.entry.life || note.at < last.entry.at {
            let why = "the checkpoint is of another life or earlier than its last entry";
            found.add(Check::Chain, place, &[], why);
        }
        if !self.is_own(&note) {
            let why = "the checkpoint is not signed by the node's key";
            found.add(Check::Chain, place, &[], why);
        }
    }

    fn is_own(&self, note: &Note) -> bool {
        let network: String = self
            .who
            .network
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let partner = partner_text(&self.who.partner);
        let signer = format!("{partner}/0");
        let named = [signer.as_bytes(), b"\n\x01", &self.who.key].concat();
        let key_hash = &Sha256::digest(named)[..4];
        note.network == network
            && note.partner == partner
            && note.signer == signer
            && note.key_hash == *key_hash
            && is_signed(&self.who.key, &note.signed, &note.signature)
    }
}
