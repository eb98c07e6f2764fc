//! The network of a run: sessions between pairs of nodes, and what becomes of frames on each
//! directed link. It stands in for the net of the product, where a session is a pair of streams.
//!
//! Frames within a session are lost as where a full queue drops them. A greeting is not: one that
//! can't go out ends the session, as a broken stream does. Letters and greetings may also come late,
//! in a session after theirs, as from a mailbox; but a greeting that comes late is of a life that
//! this process of the receiver was greeted by before, since streams don't outlive their session and
//! mailboxes are not in this version.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use omni_protocol::{
    frame::{Frame, FrameType, Received},
    machine::Input,
};

use super::{
    coverage::{DELAY_MS_MIN, Fault},
    plan::Network,
    world::{Event, OnItsWay, World},
};
use crate::observation::Observation;

/// How long a link is silent before both ends know.
const SILENCE_MS: u64 = 12_000;
/// Delay of a link without faults.
const CALM_MS: u64 = 20;

/// All links.
#[derive(Debug)]
pub(super) struct Links {
    network: Network,
    /// The session of each pair, the lower number first.
    sessions: BTreeMap<(usize, usize), u64>,
    sessions_made: u64,
    /// Until when nothing gets through from one to the other.
    cuts: BTreeMap<(usize, usize), u64>,
    /// When the last frame of a link arrives.
    arrived: BTreeMap<(usize, usize), u64>,
    /// Who greeted which process with which life, in a session of its own.
    greeted: BTreeSet<(usize, usize, u64)>,
    /// Pairs that are about to try to connect, as members of a bundle.
    sought: BTreeSet<(usize, usize)>,
}

impl Links {
    pub(super) fn new(network: Network) -> Self {
        Self {
            network,
            sessions: BTreeMap::new(),
            sessions_made: 0,
            cuts: BTreeMap::new(),
            arrived: BTreeMap::new(),
            greeted: BTreeSet::new(),
            sought: BTreeSet::new(),
        }
    }

    /// With whom a node has a session.
    pub(super) fn partners_with_session(&self, node: usize) -> BTreeSet<usize> {
        let pairs = self.sessions.keys();
        pairs
            .filter_map(|(one, other)| match node {
                _ if *one == node => Some(*other),
                _ if *other == node => Some(*one),
                _ => None,
            })
            .collect()
    }

    /// Notes that a pair tries to connect soon; handed back is whether that is new.
    pub(super) fn seek(&mut self, one: usize, other: usize) -> bool {
        let pair = pair(one, other);
        !self.sessions.contains_key(&pair) && self.sought.insert(pair)
    }

    /// The process of a node ended, and with it what it heard.
    pub(super) fn forget(&mut self, node: usize) {
        self.greeted.retain(|(_, to, _)| *to != node);
    }

    /// Lets nothing through from one to the other until then.
    pub(super) fn cut(&mut self, from: usize, to: usize, until: u64) {
        self.cuts.insert((from, to), until);
    }

    /// No faults from now on.
    pub(super) fn calm(&mut self) {
        self.cuts.clear();
        self.network = Network {
            loss: 0,
            duplication: 0,
            delay_ms_max: CALM_MS,
            reorders: false,
            late: 0,
        };
    }

    fn is_cut(&self, from: usize, to: usize, now: u64) -> bool {
        self.cuts.get(&(from, to)).is_some_and(|until| now < *until)
    }
}

fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

impl World<'_> {
    /// A node that starts looks for all whom it wants to meet, and they for it.
    pub(super) fn connect_all(&mut self, node: usize) {
        for other in self.partners(node) {
            let (one, other) = pair(node, other);
            let wait = self.chance.within(10, 300);
            self.after(wait, Event::Connect(one, other));
        }
        for one in 0..self.sites.len() {
            self.meet_members(one);
        }
    }

    /// A pair tries to connect, and tries again later where it can't.
    pub(super) fn connect(&mut self, one: usize, other: usize) {
        self.links.sought.remove(&pair(one, other));
        if self.links.sessions.contains_key(&pair(one, other)) || !self.want_session(one, other) {
            return;
        }
        let runs = |node: usize| {
            let site = &self.sites[node];
            site.process.is_some() && site.paused_until <= self.now
        };
        let open =
            !self.links.is_cut(one, other, self.now) && !self.links.is_cut(other, one, self.now);
        if !(runs(one) && runs(other) && open) {
            // Whoever starts tries by itself.
            if self.sites[one].process.is_some() && self.sites[other].process.is_some() {
                let wait = self.chance.within(1_000, 5_000);
                self.after(wait, Event::Connect(one, other));
            }
            return;
        }
        self.links.sessions_made += 1;
        let number = self.links.sessions_made;
        self.links.sessions.insert(pair(one, other), number);
        for (node, with) in [(one, other), (other, one)] {
            self.after(0, Event::Met { node, with, number });
        }
    }

    pub(super) fn met(&mut self, node: usize, with: usize, number: u64) {
        let partner = self.sites[with].own.partner;
        if self.links.sessions.get(&pair(node, with)) != Some(&number) {
            return;
        }
        if let Some(process) = &mut self.sites[node].process {
            process.met(partner, number);
            self.put(node, Input::Met(partner), None);
        }
    }

    /// Ends the session of a pair; each end hears of it in its time, and they connect again.
    pub(super) fn end_session(&mut self, one: usize, other: usize) {
        let Some(number) = self.links.sessions.remove(&pair(one, other)) else {
            return;
        };
        for (node, with) in [(one, other), (other, one)] {
            let most = if self.stormy { 10_000 } else { CALM_MS };
            let wait = self.chance.below(most);
            self.after(wait, Event::Parted { node, with, number });
        }
        let wait = self.chance.within(10, 5_000);
        self.after(wait, Event::Connect(one, other));
    }

    pub(super) fn parted(&mut self, node: usize, with: usize, number: u64) {
        let partner = self.sites[with].own.partner;
        let process = self.sites[node].process.as_mut();
        if let Some(gone) = process.and_then(|process| process.parted(partner, number)) {
            self.put(node, gone, None);
        }
    }

    /// A cut ends the session, if it lasted long enough.
    pub(super) fn silent(&mut self, one: usize, other: usize, number: u64) {
        let still = self.links.is_cut(one, other, self.now);
        if still && self.links.sessions.get(&pair(one, other)) == Some(&number) {
            self.end_session(one, other);
        }
    }

    /// Cuts a link, one way.
    pub(super) fn cut(&mut self, from: usize, to: usize, ms: u64) {
        self.links.cut(from, to, self.now + ms);
        if let Some(number) = self.links.sessions.get(&pair(from, to)).copied() {
            let (one, other) = (from, to);
            self.after(SILENCE_MS, Event::Silent { one, other, number });
        }
    }

    /// Sends a frame on its way.
    pub(super) fn post(&mut self, from: usize, to: usize, session: u64, bytes: Rc<[u8]>) {
        let sent = Observation::Sent {
            from,
            to,
            at_ms: self.now,
            bytes: bytes.to_vec(),
        };
        self.show(&sent);
        let network = self.links.network;
        let frame = OnItsWay {
            from,
            to,
            session,
            late: false,
            bytes,
        };
        let is_dropped = self.chance.permille(network.loss);
        let is_lost = is_dropped || self.links.is_cut(from, to, self.now);
        let repeats = self.chance.permille(network.duplication);
        if is_dropped {
            self.met.insert(Fault::Loss);
        }
        self.note_cut(from, to);
        if self.chance.permille(network.late) && is_mail(&frame.bytes) {
            let wait = self.chance.within(5_000, 90_000);
            let late = true;
            let frame = OnItsWay {
                late,
                ..frame.clone()
            };
            self.after(wait, Event::Arrives(frame));
        }
        if is_lost {
            return self.is_lost(&frame);
        }
        for _ in 0..=u32::from(repeats) {
            let wait = self.chance.within(1, network.delay_ms_max);
            let arrived = self.links.arrived.entry((from, to)).or_default();
            let at = (self.now + wait).max(if network.reorders { 0 } else { *arrived });
            let met = [
                (Fault::Reordering, at < *arrived && !repeats),
                (Fault::Duplication, repeats),
                (Fault::Delay, wait >= DELAY_MS_MIN),
            ];
            let met = met.iter().filter(|(_, is_met)| *is_met);
            self.met.extend(met.map(|(fault, _)| *fault));
            *arrived = at.max(*arrived);
            let wait = at - self.now;
            self.after(wait, Event::Arrives(frame.clone()));
        }
    }

    fn note_cut(&mut self, from: usize, to: usize) {
        if self.links.is_cut(from, to, self.now) {
            let both = self.links.is_cut(to, from, self.now);
            self.met.insert(if both {
                Fault::Partition
            } else {
                Fault::OneWay
            });
        }
    }

    /// A frame is lost; a greeting takes its session along.
    fn is_lost(&mut self, frame: &OnItsWay) {
        let (from, to) = (frame.from, frame.to);
        let stands = self.links.sessions.get(&pair(from, to)) == Some(&frame.session);
        if stands && is_greeting(&frame.bytes) {
            self.end_session(from, to);
        }
    }

    /// A frame is heard, if its session stands.
    pub(super) fn arrives(&mut self, frame: &OnItsWay) {
        let OnItsWay {
            from,
            to,
            session,
            late,
            ref bytes,
        } = *frame;
        let partner = self.sites[from].own.partner;
        self.note_cut(from, to);
        if self.links.is_cut(from, to, self.now) {
            return self.is_lost(frame);
        }
        if self.sites[to].process.is_none() {
            return;
        }
        let site = &self.sites[to];
        let current = site
            .process
            .as_ref()
            .and_then(|process| process.sessions.get(&partner));
        if !current.is_some_and(|current| late || current.number == session) {
            return;
        }
        let is_own = current.is_some_and(|current| current.number == session);
        if let Some((life, answers)) = greeting_lives(bytes) {
            let present = site.process.as_ref().map(|process| process.machine.life());
            if is_own && present == Some(answers) {
                self.links.greeted.insert((from, to, life));
            } else if !is_own && !self.links.greeted.contains(&(from, to, life)) {
                return;
            }
        }
        if !is_own {
            self.met.insert(Fault::Late);
        }
        let received = Observation::Received {
            from,
            to,
            at_ms: self.now,
            bytes: bytes.to_vec(),
        };
        self.show(&received);
        let (own, other) = (self.sites[to].own.clone(), self.sites[from].own.clone());
        let planted = self.planted;
        let process = self.sites[to].process.as_mut().expect("it runs");
        let heard = process.hear(bytes, (&own, &other), &self.seals);
        let lives = process.machine.lives(partner);
        match heard {
            Ok(inputs) => {
                for mut input in inputs {
                    if let (Some(planted), Some(lives)) = (planted, lives) {
                        planted.tamper_input(&mut input, lives);
                    }
                    self.put(to, input, None);
                }
            }
            Err(code) => self.complaints.push(format!(
                "node {to} does not take a frame of node {from}: {}",
                code.name()
            )),
        }
    }
}

/// The life of a greeting, and that which it answers; none if it is another frame.
fn greeting_lives(bytes: &[u8]) -> Option<(u64, u64)> {
    if !is_greeting(bytes) {
        return None;
    }
    match Frame::decode(bytes) {
        Ok(Received::Frame(Frame::Greeting(greeting))) => {
            let said = greeting.claimed();
            Some((said.life.get(), said.answers.bits()))
        }
        _ => None,
    }
}

fn is_greeting(bytes: &[u8]) -> bool {
    is_of(FrameType::Greeting, bytes)
}

/// Whether a mailbox would keep it.
fn is_mail(bytes: &[u8]) -> bool {
    is_greeting(bytes) || is_of(FrameType::Letter, bytes)
}

fn is_of(kind: FrameType, bytes: &[u8]) -> bool {
    bytes.first().copied() == u8::try_from(kind.number()).ok()
}
