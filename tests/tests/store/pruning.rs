//! What is kept of what a node did by itself is forgotten once it is old, and nothing else is.

use std::collections::BTreeSet;
use std::time::Duration;

use omni_node::api::Reading;
use omni_node::api::pruning::{KEPT_DAYS, outdated};
use omni_node::clock::Clock;
use omni_node::store::{Delta, Owner, failover, ledger, market, policy};
use omni_node::view::failover::{AskedDoc, FailoverDoc};
use omni_protocol::hash::{NetworkId, PartnerId, RecordId};

const DAY_MS: u64 = 86_400_000;
/// The day on which everything here is looked at.
const TODAY_MS: u64 = 1_000 * DAY_MS;

fn done(asked: [u8; 32], done_at_ms: Option<u64>) -> Vec<u8> {
    let asked = vec![AskedDoc {
        deal: RecordId::from_bytes(asked).to_string(),
        ..AskedDoc::default()
    }];
    serde_json::to_vec(&FailoverDoc {
        asked,
        done_at_ms,
        ..FailoverDoc::default()
    })
    .expect("a document")
}

#[test]
fn what_is_old_is_forgotten_and_nothing_else() {
    let home = tempfile::tempdir().expect("a folder");
    let (network, partner) = ([1; 32], [2; 32]);
    let owner = Owner { network, partner };
    ledger::create(home.path(), owner).expect("made");
    let (reader, mut appender) = ledger::open(home.path(), owner, 1).expect("opened");
    let (network, partner) = (
        NetworkId::from_bytes(network),
        PartnerId::from_bytes(partner),
    );
    let (market, _writer) = market::open(home.path(), network).expect("opened");
    let old_ms = TODAY_MS - KEPT_DAYS * DAY_MS - 1;
    let (old, young) = ([3; 32], [4; 32]);
    let kept = |id, at_ms| {
        [
            (policy::use_key(at_ms, &id), b"{}".to_vec()),
            (policy::part_key(&id), b"{}".to_vec()),
            (failover::done_key(&id), done(id, Some(at_ms))),
            (failover::asked_key(&id), id.to_vec()),
        ]
    };
    let open = [5; 32];
    let stays = [
        (policy::key("a policy"), b"{}".to_vec()),
        (failover::key(&open), done(open, None)),
        (failover::asked_key(&open), open.to_vec()),
    ];
    let stays = stays.into_iter().chain(kept(young, old_ms + 1));
    let mut delta = Delta::default();
    for (key, value) in kept(old, old_ms).into_iter().chain(stays) {
        delta.put(key, Some(value));
    }
    let patience = Duration::from_secs(10);
    appender.append_within(&delta, patience).expect("written");
    let clock = Clock::manual(TODAY_MS);
    let reading = Reading::new(reader, market, (network, partner), clock.clone());
    let found = |reading: &Reading| -> BTreeSet<_> {
        outdated(reading).expect("readable").into_iter().collect()
    };
    let keys = |id, at_ms| kept(id, at_ms).map(|(key, _)| key).into();
    assert_eq!(found(&reading), keys(old, old_ms));
    let mut delta = Delta::default();
    for key in found(&reading) {
        delta.put(key, None);
    }
    appender.append_within(&delta, patience).expect("written");
    assert_eq!(found(&reading), BTreeSet::new());
    clock.advance(1);
    assert_eq!(found(&reading), keys(young, old_ms + 1));
}
