//! What nodes send and what arrives: nothing leaves before its sync, and what arrives after its
//! author announced a head that lacks it is void. It judges no deal.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    bytes::{Id, record_id},
    chain::Ledger,
    finding::{Check, Findings},
    read::{self, Record},
    read_ledger::{Frame, Head},
};

/// What one node heard. What no sync followed before its process ended it may have forgotten, so
/// the auditor forgets it too.
#[derive(Default)]
pub struct Heard {
    /// The first head that each life of a partner announced, by partner.
    heads: BTreeMap<Id, Vec<Announced>>,
    /// Records that arrived when they were not void, and all that arrived.
    good: BTreeSet<Id>,
    all: BTreeSet<Id>,
}

/// A head as it was announced, by which life, and whether a sync followed.
struct Announced {
    life: u64,
    head: Head,
    is_kept: bool,
}

/// The number of a life among those of its node, if it began.
fn turn(ledgers: &[&Ledger], author: &Id, life: u64) -> Option<usize> {
    let ledger = ledgers.iter().find(|l| l.who.partner == *author)?;
    ledger.lives.iter().position(|known| *known == life)
}

impl Heard {
    /// A frame arrives at the node whose present life is `life`.
    pub fn hear(&mut self, network: &Id, life: u64, frame: &Frame, ledgers: &[&Ledger]) {
        match frame {
            Frame::Greeting {
                from,
                life: theirs,
                answers,
                head,
            } => {
                let heads = self.heads.entry(*from).or_default();
                if *answers == life && !heads.iter().any(|known| known.life == *theirs) {
                    heads.push(Announced {
                        life: *theirs,
                        head: head.clone(),
                        is_kept: false,
                    });
                }
            }
            Frame::Letter {
                records, attached, ..
            } => {
                for bytes in records.iter().chain(attached) {
                    self.record(network, bytes, ledgers);
                }
            }
            Frame::WhatIs { records } => {
                for bytes in records {
                    self.record(network, bytes, ledgers);
                }
            }
            Frame::Other => {}
        }
    }

    fn record(&mut self, network: &Id, bytes: &[u8], ledgers: &[&Ledger]) {
        let Some(record) = read::record(network, bytes) else {
            return;
        };
        self.all.insert(record.id);
        if !self.is_void(&record, ledgers) {
            self.good.insert(record.id);
        }
    }

    /// Whether its author has since greeted in a later life with a head that lacks it.
    fn is_void(&self, record: &Record, ledgers: &[&Ledger]) -> bool {
        let (Some(header), Some(heads)) = (&record.header, self.heads.get(&record.author)) else {
            return false;
        };
        let made = turn(ledgers, &record.author, header.life);
        heads.iter().any(|Announced { life, head, .. }| {
            let is_later = turn(ledgers, &record.author, *life) > made;
            is_later && (header.epoch, header.sequence) >= (head.epoch, head.size)
        })
    }

    /// A batch is synced, and what was heard before is kept with it.
    pub fn keep(&mut self) {
        for announced in self.heads.values_mut().flatten() {
            announced.is_kept = true;
        }
    }

    /// The next process begins over what was kept.
    pub fn begin(&mut self) {
        for heads in self.heads.values_mut() {
            heads.retain(|announced| announced.is_kept);
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
            let why = "it takes a void record: its author announced a head that lacks it";
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
