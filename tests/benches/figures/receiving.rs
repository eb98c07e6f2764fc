//! Offers received per second of processor time, from the wire to the store, against bare checks of
//! signatures on the same processor.
//!
//! The share says how many offers a daemon takes in the time of one bare `verify_strict`: decrypts,
//! unpacks, decodes, hashes, proves, stores and indexes, with all that its other threads do
//! meanwhile. One signature covers up to 256 offers, so the signature is the small part; a naive
//! program that keeps no index takes 16 to 19 in that time.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use ed25519_dalek::{Signer as _, SigningKey};
use omni_protocol::identity::SignedInvite;
use omni_tests::node::{Node, Reach};
use omni_tests::omni;
use omni_tests::ratio::{Ratio, Wanted};
use tokio::runtime::Runtime;

use crate::{catalogue, daemon};

const OFFERS: usize = 50_000;
/// Of another author before, so that what a process does once is not counted.
const OFFERS_BEFORE: usize = 1_000;
/// Enough of them for a clock that counts hundredths of a second.
const CHECKS: u32 = 20_000;
/// Offers in the time of one check.
const SHARE_LEAST: f64 = 8.0;
/// A daemon that used less than this in one look has nothing left to do.
const QUIET_SECONDS: f64 = 0.02;
const LOOK: Duration = Duration::from_millis(500);
/// Mebibytes beyond those of a daemon that has received nothing.
const GROWTH_MOST: f64 = 6.0;

pub(crate) fn measure(runtime: &Runtime) -> Vec<Ratio> {
    let receiver = daemon::place("Receiver").up(&[]);
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let idle = daemon::resident_mib(receiver.pid());
    let first = runtime.block_on(author(folders[0].path(), 2, OFFERS_BEFORE));
    takes_all_of(runtime, &receiver, &first);
    runtime.block_on(first.end());
    let author = runtime.block_on(author(folders[1].path(), 1, OFFERS));
    let used = takes_all_of(runtime, &receiver, &author);
    let full = daemon::resident_mib(receiver.pid());
    let totals = receiver.json(&["offer", "ls", "--totals"]);
    let came = totals["catalogues"].as_array().expect("a list");
    let came = came.iter().filter_map(|known| known["offers"].as_u64());
    let all = OFFERS_BEFORE + OFFERS;
    assert_eq!(came.sum::<u64>(), all as u64, "it has all of them");
    runtime.block_on(author.end());
    vec![
        Ratio {
            what: "offers received per second and core ÷ bare verify_strict".to_owned(),
            ours: OFFERS as f64 / used,
            floor: checks_per_second(),
            wanted: Wanted::AtLeast(SHARE_LEAST),
        },
        Ratio {
            what: format!("MiB after {OFFERS} offers were received ÷ before"),
            ours: full,
            floor: idle,
            wanted: Wanted::AtMost(GROWTH_MOST),
        },
    ]
}

async fn author(folder: &Path, number: u8, offers: usize) -> Node {
    let author = Node::start(folder, number, Reach::Loopback);
    author.publish(catalogue::drafts(offers)).await;
    author
}

/// Seconds of processor time that it takes the receiver to fetch an author's catalogue.
fn takes_all_of(runtime: &Runtime, receiver: &omni::Node, author: &Node) -> f64 {
    let invite = receiver.json(&["peer", "invite"]);
    let invite: SignedInvite = invite["invite"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("an invite");
    let before = daemon::processor_seconds(receiver.pid());
    runtime.block_on(author.meet(invite));
    quiet(receiver.pid(), before) - before
}

/// Processor time of a process when it has done what there was to do, and uses next to none.
fn quiet(pid: u32, before: f64) -> f64 {
    let mut last = before;
    loop {
        std::thread::sleep(LOOK);
        let now = daemon::processor_seconds(pid);
        if now - before > QUIET_SECONDS && now - last < QUIET_SECONDS {
            return now;
        }
        last = now;
    }
}

fn checks_per_second() -> f64 {
    let key = SigningKey::from_bytes(&[1; 32]);
    let message = [7; 80];
    let signature = key.sign(&message);
    let key = key.verifying_key();
    let own = std::process::id();
    let before = daemon::processor_seconds(own);
    for _ in 0..CHECKS {
        let checked = key.verify_strict(black_box(&message), black_box(&signature));
        checked.expect("its own");
    }
    f64::from(CHECKS) / (daemon::processor_seconds(own) - before)
}
