//! The one task that owns the swarm: it carries out what the loop wants, keeps one session to
//! each peer, and never waits for a peer, a check or the loop.

mod checking;
mod commands;
mod gossiping;
mod peers;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::StreamExt as _;
use libp2p::{
    Multiaddr, PeerId, Stream, Swarm, identify, ping,
    swarm::{
        ConnectionId, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use libp2p_stream::{Control, IncomingStreams};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

use self::{checking::Checking, peers::Peers};
use super::{
    catchup::Catchup,
    command::{KnownPartner, NetCommand},
    dials::{Dials, Node},
    event::NetEvent,
    fabric::{Fabric, FabricEvent},
    gossip::Topics,
    links::{Links, Opened},
    publish::Outlet,
    session::{Note, OwnHello},
    shared::Shared,
    verify::Aside,
};

/// How often timers are looked at.
const PULSE: Duration = Duration::from_millis(100);

/// Sessions that may wait for the driver at once without waiting themselves.
const NOTES_MAX: usize = 256;

/// Streams that peers opened and the driver has not seen.
const STREAMS_MAX: usize = 64;

/// Events that wait for the loop; what is heard by gossip beyond is not taken.
const OUTGOING_MAX: usize = 256;

/// For Byes at the end.
const SHUTDOWN_PATIENCE: Duration = Duration::from_millis(800);

pub(super) struct Driver {
    swarm: Swarm<Fabric>,
    topics: Topics,
    shared: Arc<Shared>,
    control: Control,
    hello: OwnHello,
    links: Links,
    dials: Dials,
    partners: Vec<KnownPartner>,
    invites: Vec<commands::Invited>,
    peers: Peers,
    catchup: Catchup,
    outlet: Outlet,
    checking: Checking,
    aside: Aside,
    notes_in: mpsc::Sender<Note>,
    notes: mpsc::Receiver<Note>,
    streams: mpsc::Receiver<(PeerId, Stream)>,
    events: mpsc::Sender<NetEvent>,
    outgoing: VecDeque<NetEvent>,
    /// Peers that get every message from us.
    explicit: Vec<PeerId>,
    next_mute_check: Instant,
    is_ending: bool,
}

/// What the driver begins with.
pub(super) struct Beginning {
    pub(super) swarm: Swarm<Fabric>,
    pub(super) topics: Topics,
    pub(super) shared: Arc<Shared>,
    pub(super) hello: OwnHello,
    pub(super) events: mpsc::Sender<NetEvent>,
    pub(super) heads_every: Duration,
    pub(super) incoming: IncomingStreams,
}

impl Driver {
    pub(super) fn new(begin: Beginning) -> Self {
        let now = Instant::now();
        let (notes_in, notes) = mpsc::channel(NOTES_MAX);
        let (streams_in, streams) = mpsc::channel(STREAMS_MAX);
        tokio::spawn(take_streams(begin.incoming, streams_in));
        let own = *begin.swarm.local_peer_id();
        let control = begin.swarm.behaviour().streams.new_control();
        Self {
            swarm: begin.swarm,
            topics: begin.topics,
            shared: begin.shared,
            control,
            hello: begin.hello,
            links: Links::new(own),
            dials: Dials::default(),
            partners: vec![],
            invites: vec![],
            peers: Peers::default(),
            catchup: Catchup::new(begin.heads_every),
            outlet: Outlet::new(now),
            checking: Checking::new(),
            aside: Aside::default(),
            notes_in,
            notes,
            streams,
            events: begin.events,
            outgoing: VecDeque::new(),
            explicit: vec![],
            next_mute_check: now,
            is_ending: false,
        }
    }

    /// Runs until the loop says so or is gone.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<NetCommand>) {
        let events = self.events.clone();
        let mut pulse = interval(PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_ending {
            // Notes before commands: a session tells the driver that it stands before it tells
            // the loop, whose answer must find it.
            tokio::select! {
                biased;
                Some(note) = self.notes.recv() => self.noted(note),
                permit = events.reserve(), if !self.outgoing.is_empty() => match permit {
                    Ok(permit) => if let Some(event) = self.outgoing.pop_front() {
                        permit.send(event);
                    },
                    Err(_loop_is_gone) => self.is_ending = true,
                },
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => self.is_ending = true,
                },
                _ = pulse.tick() => self.pulse(Instant::now()),
                Some(checked) = self.checking.next() => self.checked(checked),
                Some((peer, stream)) = self.streams.recv() => self.stream_opened(peer, stream),
                event = self.swarm.select_next_some() => self.swarm_event(event),
            }
        }
        self.end().await;
    }

    /// Says Bye and lets the streams carry it.
    async fn end(mut self) {
        self.peers.stop_all();
        let until = tokio::time::Instant::now() + SHUTDOWN_PATIENCE;
        while !self.peers.is_quiet() {
            tokio::select! {
                Some(note) = self.notes.recv() => self.noted(note),
                _ = self.swarm.select_next_some() => {}
                () = tokio::time::sleep_until(until) => break,
            }
        }
        let connected: Vec<PeerId> = self.links.peers().copied().collect();
        for peer in connected {
            self.disconnect(&peer);
        }
        // Lets the transports send their last packets.
        let farewell = async {
            loop {
                self.swarm.select_next_some().await;
            }
        };
        drop(tokio::time::timeout(Duration::from_millis(100), farewell).await);
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what the swarm tells besides changes nothing"
    )]
    fn swarm_event(&mut self, event: SwarmEvent<FabricEvent>) {
        let now = Instant::now();
        match event {
            SwarmEvent::Behaviour(event) => self.fabric_event(event, now),
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => self.connected(peer_id, connection_id, endpoint.is_dialer(), now),
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                cause,
                ..
            } => {
                tracing::debug!(peer = %peer_id, cause = ?cause, "a connection is closed");
                if self.links.closed(&peer_id, connection_id) {
                    self.peers.disconnected(&peer_id);
                    self.dials.lost(&peer_id, now);
                }
            }
            SwarmEvent::NewListenAddr { address, .. } => self.listening(address),
            other => report(&other),
        }
    }

    fn fabric_event(&mut self, event: FabricEvent, now: Instant) {
        match event {
            FabricEvent::Ping(ping::Event {
                peer,
                connection,
                result: Ok(_),
            }) => self.links.heard(&peer, connection, now),
            FabricEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                tracing::debug!(peer = %peer_id, agent = %info.agent_version.escape_debug(), "identified");
            }
            FabricEvent::Gossip(event) => self.gossip_event(event),
            FabricEvent::Ping(_) | FabricEvent::Identify(_) | FabricEvent::Streams(()) => {}
        }
    }

    fn connected(&mut self, peer: PeerId, id: ConnectionId, dialled: bool, now: Instant) {
        match self.links.opened(peer, id, dialled, now) {
            Opened::First => self.begin_talk(peer, now),
            Opened::Twin => {}
            Opened::Again => {
                tracing::debug!(%peer, "a peer connected again: meeting it anew");
                self.disconnect(&peer);
            }
        }
    }

    fn disconnect(&mut self, peer: &PeerId) {
        if self.swarm.disconnect_peer_id(*peer).is_err() {
            tracing::debug!(%peer, "it was disconnected already");
        }
    }

    fn listening(&mut self, address: Multiaddr) {
        tracing::info!(%address, "listening");
        self.tell(NetEvent::Listening(address));
    }

    /// For what must reach the loop and is bounded by its cause; gossip looks for room first.
    fn tell(&mut self, event: NetEvent) {
        self.outgoing.push_back(event);
    }

    fn has_room(&self) -> bool {
        self.outgoing.len() < OUTGOING_MAX
    }

    fn pulse(&mut self, now: Instant) {
        for id in self.links.overdue(now) {
            self.swarm.close_connection(id);
        }
        for node in self.dials.due(now, |peer| self.links.is_connected(peer)) {
            self.dial(node);
        }
        self.meet_mute_peers_anew(now);
        self.publish_waiting(now);
        self.ask_for_keys(now);
        for (session, errand) in self.catchup.due(now) {
            self.errand(session, errand, now);
        }
    }

    fn dial(&mut self, node: Node) {
        let options = DialOpts::peer_id(node.peer)
            .addresses(node.addresses)
            .condition(PeerCondition::DisconnectedAndNotDialing)
            .build();
        if let Err(error) = self.swarm.dial(options) {
            tracing::debug!(peer = %node.peer, %error, "not dialled");
        }
    }
}

/// What needs no doing is worth a line in the log.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what the swarm tells besides is of no use here"
)]
fn report(event: &SwarmEvent<FabricEvent>) {
    let said = match event {
        SwarmEvent::OutgoingConnectionError { error, .. } => error.to_string(),
        SwarmEvent::IncomingConnectionError { error, .. } => error.to_string(),
        SwarmEvent::ListenerError { error, .. } => error.to_string(),
        SwarmEvent::ListenerClosed { reason, .. } => {
            tracing::error!(?reason, "a listener is closed");
            return;
        }
        _ => return,
    };
    tracing::debug!(%said, "a connection or listener failed");
}

/// Takes streams at once: libp2p-stream drops what nobody takes.
async fn take_streams(mut incoming: IncomingStreams, streams: mpsc::Sender<(PeerId, Stream)>) {
    while let Some((peer, stream)) = incoming.next().await {
        if streams.try_send((peer, stream)).is_err() {
            tracing::warn!(%peer, "a stream is dropped: too many were opened at once");
        }
    }
}
