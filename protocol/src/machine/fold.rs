//! The one fold: what each entry changes. It runs live, in repair and in the check of a ledger, and
//! of projections it reads only what entries before it wrote. It can't refuse; deciding did.

use alloc::vec::Vec;

use super::{
    Grant, Key, Machine, Overlay, View, Write, accuse, grant, outbox, own, recovery, seen,
};
use crate::{
    deal::{self, negotiation::Who, stock, timetable, tombstone},
    hash::{EntryHash, NetworkId, PartnerId, RecordId},
    ledger::{
        Entry, EntryHeader, Payload,
        growth::{self, Kept, Node},
    },
    public::PublicBody,
    record::{Audience, Envelope, Signed},
    thread::ThreadBody,
    tree,
};

/// An entry being folded.
pub(crate) struct Fold<'f, 'v> {
    pub(crate) machine: &'f mut Machine,
    pub(crate) view: &'f mut Overlay<'v>,
    pub(crate) header: &'f EntryHeader,
}

impl Fold<'_, '_> {
    /// Notes that a question got its answer.
    pub(crate) fn answered(&mut self, partner: PartnerId, record: RecordId) {
        outbox::end(self.machine, self.view, partner, record);
    }
}

/// A record of either kind, read from the bytes that an entry carries.
pub(super) enum Read {
    Public(Signed<PublicBody>),
    Thread(Signed<ThreadBody>),
}

/// What `entry` changes.
pub(super) fn apply(machine: &mut Machine, entry: &Entry, view: &dyn View) -> Vec<Write> {
    let mut view = Overlay::new(view);
    chain(machine, entry, &mut view);
    let header = &entry.header;
    own::clear_ended(&mut view, header.at);
    tombstone::prune(&mut view, header.at);
    let mut fold = Fold {
        machine,
        view: &mut view,
        header,
    };
    match &entry.body.payload {
        Payload::Opened { .. } => {
            fold.machine.recovering = false;
            recovery::opened(fold.view);
        }
        Payload::Lived { .. } => {}
        Payload::Signed(_) => signed(&mut fold, entry),
        Payload::Taken(_) => {
            for record in thread_records(entry) {
                seen::reached(fold.view, &record);
                deal::recorded(&mut fold, Who::Them, &record);
            }
        }
        Payload::Recovered(_) => {
            for record in thread_records(entry) {
                deal::recovered(&mut fold, &record);
            }
        }
        Payload::Counted { subject, steps } => stock::counted(fold.view, *subject, *steps),
        Payload::Timetable { subject, table } => {
            timetable::entered(fold.view, (*subject, table), header.at);
        }
        Payload::Granted(text) => {
            if let Some(grant) = Grant::read(text, header.counterparty) {
                grant::granted(fold.view, &grant);
            }
        }
        Payload::Closed(deal) => deal::provider::closed(&mut fold, *deal),
        Payload::WrittenOff(deal) => deal::requester::written_off(&mut fold, *deal),
    }
    view.put(Key::Head {}, &machine.head);
    view.into_writes()
}

/// Own records. Those of a thread that one entry names travel in one letter.
fn signed(fold: &mut Fold<'_, '_>, entry: &Entry) {
    let (mut letter, mut published) = (Vec::new(), Vec::new());
    for record in records(entry) {
        match record {
            Read::Thread(record) => letter.push(record),
            Read::Public(record) => published.push(record),
        }
    }
    for record in &letter {
        deal::recorded(fold, Who::Us, record);
    }
    deal::ask(fold, &letter);
    for record in &published {
        own::published(fold.view, &fold.header.network, record);
        if let Some(revision) = record.body().revision() {
            let last = &mut fold.machine.head.revision;
            *last = revision.get().max(*last);
        }
        if let PublicBody::Evidence(evidence) = record.body() {
            accuse::accused(fold.view, record.id(), evidence, fold.header.at);
        }
    }
}

fn records(entry: &Entry) -> impl Iterator<Item = Read> {
    let carried = entry.records.iter();
    carried.filter_map(|carried| read(&entry.header.network, &carried.bytes))
}

fn thread_records(entry: &Entry) -> impl Iterator<Item = Signed<ThreadBody>> {
    records(entry).filter_map(|record| match record {
        Read::Thread(record) => Some(record),
        Read::Public(_) => None,
    })
}

pub(super) fn read(network: &NetworkId, bytes: &[u8]) -> Option<Read> {
    let envelope = Envelope::read(network, bytes).ok()?;
    match envelope.kind()?.audience() {
        Audience::Thread | Audience::Members => envelope.open().ok().map(Read::Thread),
        Audience::Public | Audience::PublicOrNamed | Audience::Named | Audience::AsWithdrawn => {
            envelope.open().ok().map(Read::Public)
        }
    }
}

/// A thread's record that this node keeps.
pub(crate) fn kept_record(
    view: &dyn View,
    network: &NetworkId,
    id: RecordId,
) -> Option<Signed<ThreadBody>> {
    Signed::read(network, view.read(&Key::Record { id })?).ok()
}

/// Appends the entry to chain and tree, and keeps what it carries.
fn chain(machine: &mut Machine, entry: &Entry, view: &mut Overlay<'_>) {
    let header = &entry.header;
    let (epoch, sequence) = (header.epoch, header.sequence);
    let hash = header.hash();
    view.put_bytes(Key::Entry { epoch, sequence }, header.to_bytes());
    view.put_bytes(Key::Body { epoch, sequence }, entry.body.to_bytes());
    let new = growth::append(sequence, hash.as_bytes(), &kept(view, epoch)).unwrap_or_default();
    let above = new.into_iter().filter(|(node, _)| node.level > 0);
    for (Node { level, index }, hash) in above {
        view.put_bytes(
            Key::Node {
                epoch,
                level,
                index,
            },
            Vec::from(hash),
        );
    }
    for (id, record) in entry.body.payload.records().iter().zip(&entry.records) {
        view.put_bytes(Key::Record { id: *id }, Vec::from(&*record.bytes));
        if let Some(proof) = &record.proof {
            view.put_bytes(Key::Proof { record: *id }, Vec::from(&**proof));
        }
    }
    machine.head.epoch = epoch;
    machine.head.size = sequence + 1;
    machine.head.last = hash;
    machine.head.at = header.at;
    machine.head.life = header.life;
}

/// The hashes kept of the tree of an epoch. Those of the leaves are not: the entries are there.
pub(super) fn kept(view: &dyn View, epoch: u32) -> impl Kept {
    move |node: Node| {
        let Node { level, index } = node;
        if level == 0 {
            let sequence = index;
            let header = view.read(&Key::Entry { epoch, sequence })?;
            return Some(tree::leaf(EntryHash::of(&header).as_bytes()));
        }
        view.read(&Key::Node {
            epoch,
            level,
            index,
        })?
        .try_into()
        .ok()
    }
}

/// The root of the first `size` entries of an epoch, if the store has them.
pub(super) fn root_at(view: &dyn View, epoch: u32, size: u64) -> Option<[u8; 32]> {
    growth::root(size, &kept(view, epoch))
}
