//! Bytes on every protocol and port: the node stays alive, and honest partners notice nothing.

use std::time::Duration;

use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol, Swarm, SwarmBuilder,
    futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _},
    multiaddr::Protocol,
    noise, tcp, yamux,
};
use omni_protocol::{
    frame::{Frame, PullAsk},
    hash::PartnerId,
    slot::Revision,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpStream, UdpSocket},
    time::timeout,
};

use super::{
    Over,
    market::{Person, TestNode, stored, until},
};
use crate::net::{NetCommand, NetEvent, codec};

/// A peer that can open any protocol, with a running swarm behind it.
struct Attacker {
    control: libp2p_stream::Control,
    target: PeerId,
}

impl Attacker {
    async fn connect(target: &TestNode, seed: u8) -> Self {
        let key = libp2p::identity::Keypair::ed25519_from_bytes([seed; 32]).unwrap();
        let mut swarm: Swarm<libp2p_stream::Behaviour> = SwarmBuilder::with_existing_identity(key)
            .with_tokio()
            .with_tcp(
                tcp::Config::default(),
                noise::Config::new,
                yamux::Config::default,
            )
            .unwrap()
            .with_quic()
            .with_behaviour(|_| libp2p_stream::Behaviour::new())
            .unwrap()
            .with_swarm_config(|c| c.with_idle_connection_timeout(Duration::from_secs(60)))
            .build();
        let control = swarm.behaviour().new_control();
        swarm.dial(target.address.clone()).unwrap();
        while !swarm.is_connected(&target.net.peer()) {
            swarm.select_next_some().await;
        }
        tokio::spawn(async move {
            loop {
                swarm.select_next_some().await;
            }
        });
        Self {
            control,
            target: target.net.peer(),
        }
    }

    async fn open(&mut self, protocol: &'static str) -> Option<Stream> {
        let protocol = StreamProtocol::new(protocol);
        let opening = self.control.open_stream(self.target, protocol);
        timeout(Duration::from_secs(5), opening).await.ok()?.ok()
    }
}

/// Writes, and reads until the node closes the stream or a while is over.
async fn throw(stream: &mut Stream, bytes: &[u8]) {
    let thrown = async {
        if stream.write_all(bytes).await.is_ok() && stream.flush().await.is_ok() {
            let mut answer = [0; 1024];
            while stream.read(&mut answer).await.is_ok_and(|n| n > 0) {}
        }
    };
    drop(timeout(Duration::from_millis(200), thrown).await);
}

/// An honest partner meets the node, and a letter goes each way.
async fn assert_alive(node: &mut TestNode, over: Over, n: u8) {
    let mut honest = TestNode::start(n, over).await;
    honest.befriend(&[&*node]);
    honest.meets(node).await;
    let letter = |event| match event {
        NetEvent::Frame { frame, .. } => Some(frame),
        _ => None,
    };
    let (partner, frame) = (node.id(), stored(7));
    honest.offer(NetCommand::Send { partner, frame });
    assert_eq!(node.wait("a letter", letter).await, stored(7));
    let (partner, frame) = (honest.id(), stored(8));
    node.offer(NetCommand::Send { partner, frame });
    assert_eq!(honest.wait("a letter", letter).await, stored(8));
    honest.publish(
        crate::net::Topic::Profiles,
        vec![honest.person.profile("Honest")],
    );
    until("its news come", || node.shelf.has_profile(&honest.id())).await;
}

fn junk() -> Vec<Vec<u8>> {
    let mut noise = vec![0; 3_000];
    getrandom::fill(&mut noise).unwrap();
    let frame = |bytes: &[u8]| {
        let mut framed = vec![];
        codec::append_frame(&mut framed, bytes).unwrap();
        framed
    };
    let pull = Frame::PullAsk(PullAsk {
        number: 1,
        author: PartnerId::from_bytes([1; 32]),
        after: Revision::default(),
    });
    vec![
        vec![],
        vec![0],
        vec![0; 4],
        vec![255; 8],
        vec![0, 17, 0, 0],
        noise.clone(),
        frame(&noise),
        frame(&[]),
        frame(&[1]),
        frame(&[15, 1, 2, 3]),
        frame(&pull.encode().unwrap()),
        frame(&Person::new(66).hello_bytes())[..20].to_vec(),
        frame(&[1, 253, 255, 255, 255, 255, 255, 255, 255, 255]),
        vec![0x80; 2_000],
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
    ]
}

#[tokio::test]
async fn junk_on_every_protocol_leaves_the_node_alive() {
    for over in Over::BOTH {
        let mut node = TestNode::start(1, over).await;
        for protocol in [
            "/omni/1/direct",
            "/meshsub/1.3.0",
            "/meshsub/1.1.0",
            "/meshsub/1.0.0",
            "/floodsub/1.0.0",
            "/ipfs/id/1.0.0",
            "/ipfs/id/push/1.0.0",
            "/ipfs/ping/1.0.0",
            "/nobody/speaks/this",
        ] {
            // A new peer for each: the node may have had enough of the one before.
            let mut attacker = Attacker::connect(&node, 100).await;
            for bytes in junk() {
                let Some(mut stream) = attacker.open(protocol).await else {
                    break;
                };
                throw(&mut stream, &bytes).await;
            }
        }
        assert_alive(&mut node, over, 2).await;
    }
}

#[tokio::test]
async fn junk_on_bare_ports_leaves_the_node_alive() {
    let mut node = TestNode::start(1, Over::Tcp).await;
    let port = port_of(&node.address);
    for bytes in junk() {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        drop(stream.write_all(&bytes).await);
    }
    // Those that say nothing and stay.
    let mut silent = vec![];
    for _ in 0..60 {
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await {
            silent.push(stream);
        }
    }
    drop(silent);
    assert_alive(&mut node, Over::Tcp, 2).await;

    let mut node = TestNode::start(3, Over::Quic).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = port_of(&node.address);
    for bytes in junk() {
        for cut in bytes.chunks(1_200) {
            drop(socket.send_to(cut, ("127.0.0.1", port)).await);
        }
    }
    assert_alive(&mut node, Over::Quic, 4).await;
}

fn port_of(address: &Multiaddr) -> u16 {
    let port = address.iter().find_map(|part| match part {
        Protocol::Tcp(port) | Protocol::Udp(port) => Some(port),
        _ => None,
    });
    port.unwrap()
}

/// Opens direct streams as fast as it can, and keeps them half open.
#[tokio::test]
async fn a_flood_of_streams_and_connections_is_bounded() {
    let mut node = TestNode::start(1, Over::Tcp).await;
    let mut attackers = vec![];
    for n in 0..4 {
        attackers.push(Attacker::connect(&node, 100 + n).await);
        // The same peer again: two connections a peer are the limit.
        for _ in 0..3 {
            let again = Attacker::connect(&node, 100 + n);
            drop(timeout(Duration::from_millis(100), again).await);
        }
    }
    let mut open = vec![];
    for attacker in &mut attackers {
        for _ in 0..50 {
            let opening = attacker.open("/omni/1/direct");
            let opened = timeout(Duration::from_millis(100), opening).await;
            if let Ok(Some(mut stream)) = opened {
                drop(timeout(Duration::from_millis(50), stream.write_all(&[0, 1])).await);
                open.push(stream);
            }
        }
    }
    assert_alive(&mut node, Over::Tcp, 2).await;
    drop(open);
}

/// A partner whose Hello is true, and who then sends nonsense.
#[tokio::test]
async fn a_partner_that_sends_nonsense_ends_its_own_session() {
    let mut node = TestNode::start(1, Over::Tcp).await;
    let person = Person::new(100);
    let mut attacker = Attacker::connect(&node, 100).await;
    let mut incoming = attacker
        .control
        .accept(StreamProtocol::new("/omni/1/direct"))
        .unwrap();
    let mut stream = attacker.open("/omni/1/direct").await.unwrap();
    let mut hello = vec![];
    codec::append_frame(&mut hello, &person.hello_bytes()).unwrap();
    stream.write_all(&hello).await.unwrap();
    stream.flush().await.unwrap();
    let _theirs = timeout(Duration::from_secs(5), incoming.next())
        .await
        .unwrap();
    let id = person.id();
    node.wait("a session", |event| match event {
        NetEvent::SessionUp { partner, .. } if partner == id => Some(()),
        _ => None,
    })
    .await;
    let mut nonsense = vec![];
    codec::append_frame(&mut nonsense, &[15, 9, 9]).unwrap();
    codec::append_frame(&mut nonsense, &[4, 255, 255, 255]).unwrap();
    stream.write_all(&nonsense).await.unwrap();
    stream.flush().await.unwrap();
    let why = node
        .wait("the end", |event| match event {
            NetEvent::SessionDown { why, .. } => Some(why),
            _ => None,
        })
        .await;
    assert_eq!(why, crate::net::Ended::Malformed);
    assert_alive(&mut node, Over::Tcp, 2).await;
}
