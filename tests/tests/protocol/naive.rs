//! The foundation's structures, written a second time by the naive encoder from SPEC.md alone.

use ed25519_dalek::{Signer, SigningKey};
use omni_protocol::{fence::to_bytes, record::Signed};
use omni_tests::naive::Naive;
use sha2::{Digest, Sha256};

use crate::fixtures::{self, secret};

/// `H(tag; …)` of section 3, from its words.
fn h(tag: &str, data: Naive) -> [u8; 32] {
    let mut all = tag.as_bytes().to_vec();
    all.push(0);
    all.extend(data.0);
    Sha256::digest(all).into()
}

fn sign(secret: &SigningKey, tag: &str, data: Naive) -> [u8; 64] {
    let mut all = tag.as_bytes().to_vec();
    all.push(0);
    all.extend(data.0);
    secret.sign(&all).to_bytes()
}

fn public(number: u8) -> [u8; 32] {
    secret(number).verifying_key().to_bytes()
}

fn digest(number: u8) -> [u8; 32] {
    h(
        "omni/1/key",
        Naive::new().fixed(&[1, 0]).fixed(&public(number)),
    )
}

fn network() -> [u8; 32] {
    h("omni/1/network", Naive::new().fixed(b"main"))
}

fn inception() -> Naive {
    Naive::new()
        .fixed(&network())
        .unsigned(1)
        .unsigned(1)
        .fixed(&public(1))
        .fixed(&digest(2))
        .fixed(&digest(100))
}

fn partner() -> [u8; 32] {
    h("omni/1/partner", inception())
}

fn record(kind: u64, body: &Naive) -> Naive {
    Naive::new().unsigned(kind).fixed(&partner()).bytes(&body.0)
}

fn record_id(record: &Naive) -> [u8; 32] {
    h(
        "omni/1/record",
        Naive::new().fixed(&network()).fixed(&record.0),
    )
}

fn rotation(index: u64, previous: [u8; 32]) -> Naive {
    let event = Naive::new().unsigned(2).unsigned(index);
    event.fixed(&previous).fixed(&public(2)).fixed(&digest(3))
}

fn leaf(id: [u8; 32]) -> [u8; 32] {
    Sha256::digest([&[0][..], &id].concat()).into()
}

fn node(left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
    Sha256::digest([&[1][..], &left, &right].concat()).into()
}

fn sign_root(secret: &SigningKey, size: u16, root: [u8; 32]) -> [u8; 64] {
    let data = Naive::new()
        .fixed(&network())
        .fixed(&size.to_le_bytes())
        .fixed(&root);
    sign(secret, "omni/1/proof", data)
}

#[test]
fn naive_key_events_are_the_same() {
    let [first, second, third] = fixtures::events();
    assert_eq!(*fixtures::partner().as_bytes(), partner());

    let expected = record(1, &Naive::new().unsigned(1).fixed(&inception().0));
    assert_eq!(first.0.bytes(), expected.0);
    let first_id = record_id(&expected);
    assert_eq!(*first.0.id().as_bytes(), first_id);

    let expected = record(1, &rotation(1, first_id));
    assert_eq!(second.0.bytes(), expected.0);
    let second_id = record_id(&expected);

    let body = Naive::new()
        .unsigned(3)
        .unsigned(2)
        .fixed(&second_id)
        .fixed(&public(100))
        .fixed(&public(50))
        .fixed(&digest(51))
        .fixed(&digest(101));
    assert_eq!(third.0.bytes(), record(1, &body).0);
}

#[test]
fn naive_proofs_are_the_same() {
    let [_, (second, proof), _] = fixtures::events();
    let root = leaf(*second.id().as_bytes());
    let expected = Naive::new()
        .unsigned(1)
        .unsigned(1)
        .unsigned(0)
        .unsigned(0)
        .fixed(&sign_root(&secret(2), 1, root));
    assert_eq!(to_bytes(&proof), expected.0);
}

#[test]
fn naive_batches_are_the_same() {
    let previous = *fixtures::events()[0].0.id().as_bytes();
    let records: Vec<_> = (0..6)
        .map(|i| record(1, &rotation(i * 100, previous)))
        .collect();
    let l: Vec<_> = records
        .iter()
        .map(|record| leaf(record_id(record)))
        .collect();
    // Six leaves: the split is at four. 1 and 4 are live, so 0, the pair of 2 and 3, and 5 are not.
    let (pair_01, pair_23, pair_45) = (node(l[0], l[1]), node(l[2], l[3]), node(l[4], l[5]));
    let root = node(node(pair_01, pair_23), pair_45);
    let expected = Naive::new()
        .fixed(&partner())
        .unsigned(0)
        .unsigned(6)
        .list([1, 4], |naive, i: usize| {
            naive.unsigned(i as u64).bytes(&records[i].0)
        })
        .list([l[0], pair_23, l[5]], |naive, hash| naive.fixed(&hash))
        .fixed(&sign_root(&secret(1), 6, root));
    assert_eq!(to_bytes(&fixtures::batch()), expected.0);
}

#[test]
fn naive_delegations_and_invites_are_the_same() {
    let delegation = Naive::new()
        .unsigned(1)
        .fixed(&public(7))
        .unsigned(0)
        .unsigned(1_700_000_000_000)
        .unsigned(1_710_000_000_000);
    let parts = Naive::new()
        .fixed(&network())
        .fixed(&partner())
        .fixed(&delegation.0);
    let expected = delegation.fixed(&sign(&secret(1), "omni/1/delegation", parts));
    assert_eq!(to_bytes(&fixtures::signed_delegation()), expected.0);

    let addresses = [
        "/ip4/127.0.0.1/udp/4001/quic-v1",
        "/dns4/node.example/tcp/4001",
    ];
    let invite = Naive::new()
        .text("main")
        .fixed(&partner())
        .fixed(&public(7))
        .list(addresses, |naive, address| naive.text(address))
        .unsigned(1_700_000_600_000)
        .fixed(&[0xab; 16]);
    let signature = sign(&secret(1), "omni/1/invite", invite.clone());
    let expected = invite.unsigned(0).fixed(&signature);
    assert_eq!(to_bytes(&fixtures::signed_invite()), expected.0);
}

/// The foundation's own ids agree with those made here, so a vector can be made from SPEC.md.
#[test]
fn naive_subjects_are_the_same() {
    let made = omni_protocol::slot::subject(&"A-1".parse().unwrap(), &"b2b".parse().unwrap());
    assert_eq!(
        *made.as_bytes(),
        h("omni/1/subject", Naive::new().text("A-1").text("b2b"))
    );
    let records = fixtures::events().map(|(record, _)| record);
    let ids: Vec<_> = records.iter().map(Signed::id).collect();
    assert!(ids.is_sorted_by(|a, b| a != b), "three different records");
}
