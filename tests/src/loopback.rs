//! Two swarms on loopback for the floors of benches, over the transport that the node uses. What
//! they say to each other is kept out.

use futures::StreamExt as _;
use libp2p::identity::Keypair;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol, Swarm, noise, tcp, yamux};

const PROTOCOL: StreamProtocol = StreamProtocol::new("/naive");

/// Both ends of one stream between two swarms that run on their own.
///
/// # Panics
/// If anything of it fails. Call it inside a tokio runtime.
pub async fn streams() -> (Stream, Stream) {
    let [mut listening, mut dialling] = pair(libp2p_stream::Behaviour::new).await;
    let peer = *listening.local_peer_id();
    let mut came = listening.behaviour_mut().new_control().accept(PROTOCOL);
    let came = came.as_mut().expect("accepts");
    let mut control = dialling.behaviour_mut().new_control();
    tokio::spawn(run(listening));
    tokio::spawn(run(dialling));
    let opened = control.open_stream(peer, PROTOCOL);
    let (opened, came) = tokio::join!(opened, came.next());
    (opened.expect("opened"), came.expect("came").1)
}

/// A swarm that listens, and one that dials it.
///
/// # Panics
/// As [`streams`].
pub async fn pair<B: NetworkBehaviour>(behaviour: impl Fn() -> B) -> [Swarm<B>; 2] {
    let (mut listening, mut dialling) = (swarm(behaviour()), swarm(behaviour()));
    listening
        .listen_on("/ip4/127.0.0.1/tcp/0".parse().expect("an address"))
        .expect("bound");
    let address = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = listening.select_next_some().await {
            break address;
        }
    };
    let peer = *listening.local_peer_id();
    dialling.dial(peer_at(peer, address)).expect("dials");
    [listening, dialling]
}

fn peer_at(peer: PeerId, address: Multiaddr) -> Multiaddr {
    address.with_p2p(peer).expect("an address without a peer")
}

fn swarm<B: NetworkBehaviour>(behaviour: B) -> Swarm<B> {
    libp2p::SwarmBuilder::with_existing_identity(Keypair::generate_ed25519())
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            yamux::Config::default,
        )
        .expect("a transport")
        .with_behaviour(|_| behaviour)
        .expect("a behaviour")
        .build()
}

async fn run<B: NetworkBehaviour>(mut swarm: Swarm<B>) {
    loop {
        swarm.select_next_some().await;
    }
}
