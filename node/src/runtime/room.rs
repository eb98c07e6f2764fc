//! Who is refused when room on the disk gets low: new business first, what ends an open deal
//! never.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use omni_protocol::code::Code;
use omni_protocol::machine::{Bundling, Input, Verb};
use omni_protocol::thread::ThreadBody;

use crate::store::Room;

/// The room as it was looked at last, shared by whoever looks and whoever refuses.
#[derive(Debug)]
pub struct RoomCell(AtomicU8);

impl RoomCell {
    pub(super) fn new(room: Room) -> Arc<Self> {
        let cell = Arc::new(Self(AtomicU8::new(0)));
        cell.set(room);
        cell
    }

    pub(super) fn set(&self, room: Room) {
        let number = match room {
            Room::Scarce => 0,
            Room::Low => 1,
            Room::Ample => 2,
        };
        self.0.store(number, Ordering::Relaxed);
    }

    /// The room.
    #[must_use]
    pub fn get(&self) -> Room {
        match self.0.load(Ordering::Relaxed) {
            0 => Room::Scarce,
            1 => Room::Low,
            _ => Room::Ample,
        }
    }
}

/// What an input means for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Burden {
    /// It ends something, or writes next to nothing.
    Light,
    /// It keeps the business going.
    Ordinary,
    /// It begins something, or brings much.
    New,
}

#[derive(Debug)]
pub(super) struct Gate {
    room: Room,
}

impl Gate {
    pub(super) fn new(room: Room) -> Self {
        Self { room }
    }

    pub(super) fn set(&mut self, room: Room) {
        self.room = room;
    }

    /// Why an input is not put to the core now, if it is not.
    pub(super) fn refuses(&self, input: &Input) -> Option<Code> {
        let taken = match (self.room, burden(input)) {
            (Room::Ample, _) | (_, Burden::Light) | (Room::Low, Burden::Ordinary) => true,
            (Room::Low | Room::Scarce, Burden::New) | (Room::Scarce, Burden::Ordinary) => false,
        };
        (!taken).then_some(Code::Overloaded)
    }
}

/// Without a catch-all: whoever adds an input says what it means for a full disk.
fn burden(input: &Input) -> Burden {
    match input {
        Input::Start(_)
        | Input::Met(_)
        | Input::Gone(_)
        | Input::Greeting(_)
        | Input::Stored { .. }
        | Input::Notice(_)
        | Input::Shown(_)
        | Input::Checkpoints { .. }
        | Input::WhatIs { .. }
        | Input::OpenEpoch
        | Input::Pulse => Burden::Light,
        Input::Publish(_) => Burden::New,
        Input::Count(_) | Input::Grant(_) => Burden::Ordinary,
        Input::Verb(verb) => burden_of_verb(verb),
        Input::Letter { records, .. } => records
            .iter()
            .map(|received| burden_of_record(received.record.body()))
            .max()
            .unwrap_or(Burden::Light),
    }
}

fn burden_of_verb(verb: &Verb) -> Burden {
    match verb {
        Verb::Inquire { .. } | Verb::Propose(_) | Verb::Request(_) | Verb::Source(_) => Burden::New,
        Verb::Question { .. }
        | Verb::Answer { .. }
        | Verb::Happen { .. }
        | Verb::Handover { .. } => Burden::Ordinary,
        Verb::Accept { .. }
        | Verb::Reject { .. }
        | Verb::Refuse { .. }
        | Verb::Withdraw { .. }
        | Verb::Cancel { .. }
        | Verb::WriteOff { .. }
        | Verb::PlanPropose(_)
        | Verb::PlanSource(_) => Burden::Light,
        Verb::Bundle(Bundling::New { .. } | Bundling::Add { .. } | Bundling::Ask { .. }) => {
            Burden::New
        }
        Verb::Bundle(Bundling::Commit { .. }) => Burden::Ordinary,
        Verb::Bundle(
            Bundling::Plan { .. }
            | Bundling::Remove { .. }
            | Bundling::Last { .. }
            | Bundling::Cancel { .. }
            | Bundling::WriteOff { .. }
            | Bundling::Lapse { .. },
        ) => Burden::Light,
    }
}

fn burden_of_record(body: &ThreadBody) -> Burden {
    match body {
        ThreadBody::Inquiry(_) | ThreadBody::Proposal(_) | ThreadBody::Request(_) => Burden::New,
        ThreadBody::Question(_)
        | ThreadBody::Answer(_)
        | ThreadBody::Event(_)
        | ThreadBody::Handover(_) => Burden::Ordinary,
        ThreadBody::Reject(_)
        | ThreadBody::Withdraw(_)
        | ThreadBody::Hold(_)
        | ThreadBody::Commit(_)
        | ThreadBody::Receipt(_)
        | ThreadBody::Refusal(_)
        | ThreadBody::Bundle(_)
        | ThreadBody::Release(_)
        | ThreadBody::Ack(_) => Burden::Light,
    }
}
