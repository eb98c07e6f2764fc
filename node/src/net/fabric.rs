//! The swarm: transports with their limits, and the stock behaviours composed. It decides
//! nothing; `driver` does.

use std::{num::NonZeroU8, time::Duration};

use libp2p::{
    StreamProtocol, Swarm, SwarmBuilder,
    connection_limits::{self, ConnectionLimits},
    identify,
    identity::Keypair,
    memory_connection_limits, noise, ping, quic,
    swarm::{self, NetworkBehaviour},
    tcp, yamux,
};

use super::{
    NetError, NetLimits,
    gossip::{self, Gossip, Topics},
};

/// The direct streams of SPEC 15.1.
pub(super) const DIRECT: StreamProtocol = StreamProtocol::new("/omni/1/direct");

const IDENTIFY: &str = "/omni/1";
const AGENT: &str = concat!("omni/", env!("CARGO_PKG_VERSION"));

/// Two, so that a restarted peer gets in while its dead connection still counts.
const CONNECTIONS_PER_PEER: u32 = 2;

const STREAMS_PER_CONNECTION: u32 = 64;
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// A peer that ended without a word is noticed in this time, over QUIC.
const QUIC_IDLE_MS: u32 = 10_000;
const QUIC_KEEP_ALIVE: Duration = Duration::from_secs(3);

pub(super) const PING_INTERVAL: Duration = Duration::from_secs(4);
const PING_TIMEOUT: Duration = Duration::from_secs(4);

/// Connections without any stream; those with a session have one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Order matters: a behaviour that may refuse a connection is asked before those that make a note
/// of it, since gossipsub never forgets a connection that was refused after it.
#[derive(NetworkBehaviour)]
pub(super) struct Fabric {
    pub(super) connections: connection_limits::Behaviour,
    pub(super) memory: memory_connection_limits::Behaviour,
    pub(super) ping: ping::Behaviour,
    pub(super) identify: identify::Behaviour,
    pub(super) streams: libp2p_stream::Behaviour,
    pub(super) gossip: Gossip,
}

/// A swarm that listens nowhere yet.
///
/// Names in addresses are resolved where the machine says how; without that, addresses by number
/// still work.
pub(super) fn swarm(
    key: &Keypair,
    network: &str,
    topics: &Topics,
    limits: &NetLimits,
) -> Result<Swarm<Fabric>, NetError> {
    let fabric = || fabric(key, network, topics, limits);
    let transport = |e: &dyn std::fmt::Display| NetError::Transport(e.to_string());
    let build = || {
        SwarmBuilder::with_existing_identity(key.clone())
            .with_tokio()
            .with_tcp(
                tcp::Config::default().nodelay(true),
                noise::Config::new,
                muxer,
            )
            .map(|b| b.with_quic_config(quic_config))
    };
    let with_names = build().map_err(|e| transport(&e))?.with_dns();
    match with_names {
        Ok(builder) => Ok(builder
            .with_behaviour(|_| fabric())
            .map_err(|e| transport(&e))?
            .with_swarm_config(swarm_config)
            .build()),
        Err(e) => {
            tracing::warn!(error = %e, "names in addresses can't be resolved here");
            Ok(build()
                .map_err(|e| transport(&e))?
                .with_behaviour(|_| fabric())
                .map_err(|e| transport(&e))?
                .with_swarm_config(swarm_config)
                .build())
        }
    }
}

fn fabric(
    key: &Keypair,
    network: &str,
    topics: &Topics,
    limits: &NetLimits,
) -> Result<Fabric, Box<dyn std::error::Error + Send + Sync>> {
    let incoming_max = limits.peers_max.saturating_sub(limits.peers_max / 4);
    let connections = ConnectionLimits::default()
        .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER))
        .with_max_established(Some(limits.peers_max))
        // Who dials us can't take the places of those whom we dial.
        .with_max_established_incoming(Some(incoming_max))
        .with_max_pending_incoming(Some(32))
        .with_max_pending_outgoing(Some(64));
    let identify = identify::Config::new(IDENTIFY.to_owned(), key.public())
        .with_agent_version(AGENT.to_owned())
        // What a stranger says about addresses is not dialled.
        .with_cache_size(0);
    let ping = ping::Config::new()
        .with_interval(PING_INTERVAL)
        .with_timeout(PING_TIMEOUT);
    Ok(Fabric {
        connections: connection_limits::Behaviour::new(connections),
        memory: memory_connection_limits::Behaviour::with_max_bytes(limits.memory_bytes_max),
        ping: ping::Behaviour::new(ping),
        identify: identify::Behaviour::new(identify),
        streams: libp2p_stream::Behaviour::new(),
        gossip: gossip::behaviour(network, topics)?,
    })
}

fn muxer() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(usize::try_from(STREAMS_PER_CONNECTION).unwrap_or(usize::MAX));
    config
}

fn quic_config(mut config: quic::Config) -> quic::Config {
    config.max_concurrent_stream_limit = STREAMS_PER_CONNECTION;
    config.max_stream_data = STREAM_WINDOW_BYTES;
    config.max_connection_data = CONNECTION_WINDOW_BYTES;
    config.max_idle_timeout = QUIC_IDLE_MS;
    config.keep_alive_interval = QUIC_KEEP_ALIVE;
    config
}

fn swarm_config(config: swarm::Config) -> swarm::Config {
    config
        .with_idle_connection_timeout(IDLE_TIMEOUT)
        .with_max_negotiating_inbound_streams(32)
        .with_dial_concurrency_factor(NonZeroU8::new(4).unwrap_or(NonZeroU8::MIN))
}
