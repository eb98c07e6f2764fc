//! The floor: two tasks that sign, send, check and sync the four records of an agreement over one
//! libp2p stream, and keep no rule of the market: no ledger, no stock, no outbox, no recovery.

use std::path::Path;
use std::time::Instant;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use libp2p::Stream;
use omni_tests::loopback::streams;
use rocksdb::{DB, WriteBatch, WriteOptions};

use super::nodes::bytes_of;

/// Bytes of a record: about those of a Request with one line.
const RECORD_BYTES: usize = 320;
const SIGNATURE_BYTES: usize = 64;
const FRAME_BYTES: usize = RECORD_BYTES + SIGNATURE_BYTES;
/// Read at once; what came together is synced together.
const READ_BYTES: usize = 256 * FRAME_BYTES;
/// The steps of an agreement, in order; even ones are the buyer's.
const REQUEST: u8 = 0;
const RECEIPT: u8 = 3;

/// What the naive program reaches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Floor {
    /// Agreements per second.
    pub(super) per_second: f64,
    /// Bytes on the disk of one side for one agreement.
    pub(super) bytes: f64,
}

/// Comes to `count` agreements, `in_flight` at once.
pub(super) async fn agree(in_flight: usize, count: usize) -> Floor {
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
    let homes = ["buyer", "seller"].map(|side| folder.path().join(side));
    let bytes = homes.iter().map(|home| bytes_of(home)).sum::<u64>();
    Floor {
        per_second: count as f64 / took,
        bytes: bytes as f64 / 2.0 / count as f64,
    }
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
