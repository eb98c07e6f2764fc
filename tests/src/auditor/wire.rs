//! What nodes send and what arrives: nothing leaves before its sync, and what was sent by a life that
//! a later one has followed, or to one, is void. It judges no deal.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    bytes::{Id, record_id},
    chain::Ledger,
    finding::{Check, Findings},
    read::{self, Record},
    read_ledger::Frame,
};

/// What one node heard. What no sync followed before its process ended it may have forgotten, so
/// the auditor forgets it too.
#[derive(Default)]
pub struct Heard {
    /// The lives that greeted, by partner.
    lives: BTreeMap<Id, Vec<Greeted>>,
    /// Records that arrived when they were not void, and all that arrived.
    good: BTreeSet<Id>,
    all: BTreeSet<Id>,
}

/// A life that greeted, and whether a sync followed.
struct Greeted {
    life: u64,
    is_kept: bool,
}

/// The number of a life among those of its node, if it began.
fn turn(ledger: &Ledger, life: u64) -> Option<usize> {
    ledger.lives.iter().position(|known| *known == life)
}

impl Heard {
    /// A frame of the node with this ledger arrives at the one whose present life is `life`.
    pub fn hear(&mut self, network: &Id, life: u64, frame: &Frame, from: &Ledger) {
        match frame {
            Frame::Greeting { life, .. } => {
                let lives = self.lives.entry(from.who.partner).or_default();
                if !lives.iter().any(|known| known.life == *life) {
                    lives.push(Greeted {
                        life: *life,
                        is_kept: false,
                    });
                }
            }
            Frame::Letter {
                lives,
                records,
                attached,
                ..
            } => {
                let is_good = lives.1 == life && !self.is_past(from, lives.0);
                for bytes in records.iter().chain(attached) {
                    self.record(network, bytes, is_good);
                }
            }
            Frame::WhatIs { records } => {
                for bytes in records {
                    self.record(network, bytes, true);
                }
            }
            Frame::Other => {}
        }
    }

    fn record(&mut self, network: &Id, bytes: &[u8], is_good: bool) {
        let Some(record) = read::record(network, bytes) else {
            return;
        };
        self.all.insert(record.id);
        if is_good {
            self.good.insert(record.id);
        }
    }

    /// Whether a later life has greeted.
    fn is_past(&self, from: &Ledger, life: u64) -> bool {
        let lives = self.lives.get(&from.who.partner);
        let mut lives = lives.into_iter().flatten();
        lives.any(|known| turn(from, known.life) > turn(from, life))
    }

    /// A batch is synced, and what was heard before is kept with it.
    pub fn keep(&mut self) {
        for greeted in self.lives.values_mut().flatten() {
            greeted.is_kept = true;
        }
    }

    /// The next process begins over what was kept.
    pub fn begin(&mut self) {
        for lives in self.lives.values_mut() {
            lives.retain(|greeted| greeted.is_kept);
        }
        self.good.clear();
        self.all.clear();
    }

    /// The node took a record into its ledger.
    pub fn took(&self, (node, place): (usize, (u64, u64)), record: &Record, found: &mut Findings) {
        let place = (node, Some(place));
        if !self.all.contains(&record.id) {
            let why = "it takes a record that never arrived in this life";
            found.add(Check::Void, place, &[record.id], why);
        } else if !self.good.contains(&record.id) {
            let why = "it takes a void record: it was sent between other lives";
            found.add(Check::Void, place, &[record.id], why);
        }
    }
}

/// A frame leaves a node: its head, checkpoint and records are all synced.
pub fn check_sent(ledger: &Ledger, frame: &Frame, found: &mut Findings) {
    let place = (ledger.who.node, None);
    let mut unsynced = |ids: &[Id], why: &str| found.add(Check::Unsynced, place, ids, why);
    match frame {
        Frame::Greeting { head, .. } => {
            if !ledger.has_head(head) {
                unsynced(&[head.last], "it announces a head that is not synced");
            }
        }
        Frame::Letter {
            checkpoint,
            records,
            attached,
            ..
        } => {
            if !checkpoint.is_empty() && !ledger.has_checkpoint(checkpoint) {
                unsynced(&[], "it sends a checkpoint that is not synced");
            }
            for bytes in records.iter().chain(attached) {
                check_record(ledger, bytes, &mut unsynced);
            }
        }
        Frame::WhatIs { records } => {
            for bytes in records {
                check_record(ledger, bytes, &mut unsynced);
            }
        }
        Frame::Other => {}
    }
}

fn check_record(ledger: &Ledger, bytes: &[u8], unsynced: &mut impl FnMut(&[Id], &str)) {
    let id = record_id(&ledger.who.network, bytes);
    let is_own = read::record(&ledger.who.network, bytes)
        .is_some_and(|record| record.author == ledger.who.partner);
    if is_own && !ledger.signed.contains(&id) {
        unsynced(&[id], "it sends a record of its own that is not synced");
    } else if !is_own && !ledger.taken.contains(&id) {
        unsynced(
            &[id],
            "it sends a partner's record whose taking is not synced",
        );
    }
}
