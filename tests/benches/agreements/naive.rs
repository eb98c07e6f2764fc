//! The floor: two tasks that sign, send, check and sync the four records of an agreement over one
//! libp2p stream, and keep no rule of the market: no ledger, no stock, no outbox, no recovery.

use std::path::Path;
use std::time::Instant;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use libp2p::identity::Keypair;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol, Swarm, noise, tcp, yamux};
use rocksdb::{DB, WriteBatch, WriteOptions};

/// Bytes of a record: about those of a Request with one line.
const RECORD_BYTES: usize = 320;
const SIGNATURE_BYTES: usize = 64;
const FRAME_BYTES: usize = RECORD_BYTES + SIGNATURE_BYTES;
/// Read at once; what came together is synced together.
const READ_BYTES: usize = 256 * FRAME_BYTES;
const PROTOCOL: StreamProtocol = StreamProtocol::new("/naive");
/// The steps of an agreement, in order; even ones are the buyer's.
const REQUEST: u8 = 0;
const RECEIPT: u8 = 3;

/// Comes to `count` agreements, `in_flight` at once, and says how many that is per second.
pub(crate) async fn agree(in_flight: usize, count: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let (bought, sold) = streams().await;
    let mut buyer = Side::new(&folder.path().join("buyer"), 2, 1, bought);
    let mut seller = Side::new(&folder.path().join("seller"), 1, 2, sold);
    let selling = tokio::spawn(async move { while seller.step(0).await.is_some() {} });
    let begun = Instant::now();
    let mut left = count;
    buyer.ask(in_flight.min(count)).await;
    let mut unasked = count - in_flight.min(count);
    while left > 0 {
        let done = buyer.step(unasked).await.expect("the seller is there");
        left -= done;
        unasked -= done.min(unasked);
    }
    let took = begun.elapsed().as_secs_f64();
    drop(buyer);
    selling.await.expect("ended well");
    count as f64 / took
}

/// One of the two.
struct Side {
    key: SigningKey,
    other: VerifyingKey,
    stream: Stream,
    store: DB,
    stored: u64,
    /// What was read of a frame that is not whole yet.
    rest: Vec<u8>,
}

impl Side {
    fn new(folder: &Path, key: u8, other: u8, stream: Stream) -> Self {
        Self {
            key: SigningKey::from_bytes(&[key; 32]),
            other: SigningKey::from_bytes(&[other; 32]).verifying_key(),
            stream,
            store: DB::open_default(folder).expect("opened"),
            stored: 0,
            rest: Vec::new(),
        }
    }

    fn sign(&self, step: u8) -> Vec<u8> {
        let mut frame = vec![step; RECORD_BYTES];
        let signature = self.key.sign(&frame);
        frame.extend_from_slice(&signature.to_bytes());
        frame
    }

    /// Signs, syncs and sends `requests`.
    async fn ask(&mut self, requests: usize) {
        let frames: Vec<_> = (0..requests).map(|_| self.sign(REQUEST)).collect();
        self.keep(&frames);
        self.send(&frames).await;
    }

    /// Takes what came, answers it, and says how many agreements ended; each of those is followed
    /// by another request while `unasked` lasts. None when the other side has gone.
    async fn step(&mut self, unasked: usize) -> Option<usize> {
        let mut bytes = vec![0; READ_BYTES];
        let read = self.stream.read(&mut bytes).await.ok().filter(|&n| n > 0)?;
        self.rest.extend_from_slice(&bytes[..read]);
        let whole = self.rest.len() / FRAME_BYTES * FRAME_BYTES;
        let came: Vec<u8> = self.rest.drain(..whole).collect();
        let (mut kept, mut sent, mut done) = (Vec::new(), Vec::new(), 0);
        for frame in came.chunks_exact(FRAME_BYTES) {
            let (record, signature) = frame.split_at(RECORD_BYTES);
            let signature = Signature::from_slice(signature).expect("as long");
            self.other
                .verify_strict(record, &signature)
                .expect("it is the other's");
            kept.push(frame.to_vec());
            if record[0] == RECEIPT {
                done += 1;
                if done <= unasked {
                    sent.push(self.sign(REQUEST));
                }
            } else {
                sent.push(self.sign(record[0] + 1));
            }
        }
        self.keep(&[kept.as_slice(), sent.as_slice()].concat());
        self.send(&sent).await;
        Some(done)
    }

    /// One synced write.
    fn keep(&mut self, frames: &[Vec<u8>]) {
        if frames.is_empty() {
            return;
        }
        let mut batch = WriteBatch::default();
        for frame in frames {
            batch.put(self.stored.to_be_bytes(), frame);
            self.stored += 1;
        }
        let mut options = WriteOptions::default();
        options.set_sync(true);
        tokio::task::block_in_place(|| self.store.write_opt(batch, &options).expect("synced"));
    }

    async fn send(&mut self, frames: &[Vec<u8>]) {
        self.stream.write_all(&frames.concat()).await.expect("sent");
        self.stream.flush().await.expect("sent");
    }
}

/// Both ends of one stream between two swarms on loopback.
async fn streams() -> (Stream, Stream) {
    let (mut listening, mut dialling) = (swarm(), swarm());
    listening
        .listen_on("/ip4/127.0.0.1/tcp/0".parse().expect("an address"))
        .expect("bound");
    let address = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = listening.select_next_some().await {
            break address;
        }
    };
    let peer = *listening.local_peer_id();
    let mut came = listening.behaviour().new_control().accept(PROTOCOL);
    let came = came.as_mut().expect("accepts");
    let mut control = dialling.behaviour().new_control();
    dialling.dial(peer_at(peer, address)).expect("dials");
    tokio::spawn(run(listening));
    tokio::spawn(run(dialling));
    let opened = control.open_stream(peer, PROTOCOL);
    let (opened, came) = tokio::join!(opened, came.next());
    (opened.expect("opened"), came.expect("came").1)
}

fn peer_at(peer: PeerId, address: Multiaddr) -> Multiaddr {
    address.with_p2p(peer).expect("an address without a peer")
}

fn swarm() -> Swarm<libp2p_stream::Behaviour> {
    libp2p::SwarmBuilder::with_existing_identity(Keypair::generate_ed25519())
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            yamux::Config::default,
        )
        .expect("a transport")
        .with_behaviour(|_| libp2p_stream::Behaviour::new())
        .expect("a behaviour")
        .build()
}

async fn run(mut swarm: Swarm<libp2p_stream::Behaviour>) {
    loop {
        swarm.select_next_some().await;
    }
}
