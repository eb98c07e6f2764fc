//! Offers per second from the publishing at one node to the store of its partner, as a share of a
//! naive program that signs, streams, checks and stores records of the same bytes in frames of 128,
//! one signature and one synced write at each end for a frame.

use std::path::Path;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signature, Signer as _, SigningKey};
use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use libp2p::Stream;
use omni_protocol::hash::sha256;
use omni_tests::loopback::streams;
use omni_tests::node::{Node, Reach};
use omni_tests::ratio::{Ratio, Wanted, median};
use rocksdb::{DB, WriteBatch, WriteOptions};
use tokio::runtime::Runtime;

use crate::catalogue;

const OFFERS: usize = 50_000;
const ROUNDS: usize = 3;
const SHARE_LEAST: f64 = 0.3;
const FRAME_RECORDS: usize = 128;
const SIGNATURE_BYTES: usize = 64;
const LENGTH_BYTES: usize = 4;

pub(crate) fn measure(runtime: &Runtime) -> Vec<Ratio> {
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(OFFERS as f64 / runtime.block_on(by_nodes()));
        floor.push(OFFERS as f64 / runtime.block_on(by_frames()));
    }
    vec![Ratio {
        what: "offers per second, published to stored at a partner ÷ naive program".to_owned(),
        ours: median(ours),
        floor: median(floor),
        wanted: Wanted::AtLeast(SHARE_LEAST),
    }]
}

/// Seconds from the first offer at one node until the last is in the store of the other.
async fn by_nodes() -> f64 {
    let homes = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let author = Node::start(homes[0].path(), 1, Reach::Loopback);
    let partner = Node::start(homes[1].path(), 2, Reach::Loopback);
    partner.befriend(&author).await;
    let drafts: Vec<_> = catalogue::drafts(OFFERS).collect();
    let begun = Instant::now();
    author.publish(drafts.into_iter()).await;
    let stored = || {
        let catalogue = partner.market.catalogue(author.partner);
        catalogue.expect("readable").ids.count()
    };
    while stored() < OFFERS as u64 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let took = begun.elapsed().as_secs_f64();
    author.end().await;
    partner.end().await;
    took
}

/// The same for the naive program.
async fn by_frames() -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let records: Vec<Vec<u8>> = catalogue::records(OFFERS)
        .map(|record| record.bytes().to_vec())
        .collect();
    let (mut sending, mut receiving) = streams().await;
    let key = SigningKey::from_bytes(&[1; 32]);
    let checking = key.verifying_key();
    let here = open(&folder.path().join("here"));
    let there = open(&folder.path().join("there"));
    let begun = Instant::now();
    let taking = tokio::spawn(async move {
        let mut taken = 0;
        while taken < OFFERS {
            let (frame, signature) = take(&mut receiving).await;
            checking.verify_strict(&frame, &signature).expect("signed");
            let records = apart(&frame);
            taken += records.len();
            keep(&there, records.into_iter());
        }
    });
    for part in records.chunks(FRAME_RECORDS) {
        let frame = together(part);
        let signature = key.sign(&frame).to_bytes();
        keep(&here, part.iter().map(Vec::as_slice));
        let mut bytes = length(frame.len()).to_vec();
        bytes.extend_from_slice(&signature);
        bytes.extend_from_slice(&frame);
        sending.write_all(&bytes).await.expect("sent");
        sending.flush().await.expect("sent");
    }
    taking.await.expect("taken");
    begun.elapsed().as_secs_f64()
}

fn open(folder: &Path) -> DB {
    DB::open_default(folder).expect("opened")
}

async fn take(stream: &mut Stream) -> (Vec<u8>, Signature) {
    let mut head = [0; LENGTH_BYTES + SIGNATURE_BYTES];
    stream.read_exact(&mut head).await.expect("came");
    let (bytes, signature) = head.split_at(LENGTH_BYTES);
    let bytes = u32::from_be_bytes(bytes.try_into().expect("as long"));
    let mut frame = vec![0; bytes as usize];
    stream.read_exact(&mut frame).await.expect("came");
    (frame, Signature::from_slice(signature).expect("as long"))
}

/// One synced write.
fn keep<'a>(store: &DB, records: impl Iterator<Item = &'a [u8]>) {
    let mut batch = WriteBatch::default();
    for record in records {
        batch.put(sha256(&[record]), record);
    }
    let mut options = WriteOptions::default();
    options.set_sync(true);
    tokio::task::block_in_place(|| store.write_opt(batch, &options).expect("synced"));
}

fn together(records: &[Vec<u8>]) -> Vec<u8> {
    let parts = records.iter().map(|record| (length(record.len()), record));
    parts
        .flat_map(|(length, record)| [&length, record.as_slice()].concat())
        .collect()
}

fn apart(mut frame: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while let Some((length, rest)) = frame.split_first_chunk::<LENGTH_BYTES>() {
        let (record, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        records.push(record);
        frame = rest;
    }
    records
}

fn length(bytes: usize) -> [u8; LENGTH_BYTES] {
    u32::try_from(bytes).expect("short").to_be_bytes()
}
