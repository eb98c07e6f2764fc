//! Proofs and batches of trees of every size, and what is done to them on the way.

use alloc::vec::Vec;

use super::*;
use crate::{
    fence,
    hash::{KeyDigest, NetworkName},
    identity::{Inception, KeyChain, KeyEvent, Rotation, sign_event},
    limits::{BATCH_BYTES_MAX, RECORD_BYTES_MAX},
    record::{Envelope, Signed},
};

fn network() -> NetworkId {
    NetworkName::new("test").unwrap().id()
}

fn secret() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn key() -> StandingKey {
    let digest = KeyDigest::from_bytes([8; 32]);
    let event = Inception::new(network(), PublicKey::of(&secret()), digest, digest);
    let partner = event.partner();
    let (record, proof) =
        sign_event(network(), partner, KeyEvent::Inception(event), &secret()).unwrap();
    KeyChain::begin(network(), record, proof)
        .unwrap()
        .in_force()
        .unwrap()
}

/// Records that differ by their number; what they say does not matter here.
fn record(number: u16) -> Signed<KeyEvent> {
    let event = Rotation {
        index: number.into(),
        previous: RecordId::from_bytes([3; 32]),
        market_key: PublicKey::of(&secret()),
        next: KeyDigest::from_bytes([4; 32]),
    };
    Signed::write(&network(), key().partner(), KeyEvent::Rotation(event)).unwrap()
}

fn signed(count: u16) -> (Vec<Signed<KeyEvent>>, SignedTree) {
    let records: Vec<_> = (0..count).map(record).collect();
    let ids: Vec<_> = records.iter().map(Signed::id).collect();
    let tree = SignedTree::sign(&key(), &secret(), &ids).unwrap();
    (records, tree)
}

fn gather(records: &[Signed<KeyEvent>], tree: &SignedTree, live: impl Fn(usize) -> bool) -> Batch {
    let parts = records
        .iter()
        .zip(tree.proofs())
        .enumerate()
        .filter(|(i, _)| live(*i));
    let parts = parts.map(|(_, (record, (_, proof)))| (record.bytes().to_vec(), proof.clone()));
    Batch::gather(&network(), key().partner(), parts.rev().collect()).unwrap()
}

/// I2: a record has one id, whoever proves it with whatever batch; each is proved alone.
#[test]
fn i2_each_record_of_a_tree_is_proved_alone() {
    for count in [1, 2, 3, 5, 8, 33, 255, 256] {
        let (records, tree) = signed(count);
        for (record, (id, proof)) in records.into_iter().zip(tree.proofs()) {
            assert_eq!(record.id(), *id);
            let claim = proof.claim(record.author(), record.id()).unwrap();
            assert_eq!(claim.seal(), &tree.attested().checked().seal, "{count}");
            let attested = claim
                .clone()
                .recall(tree.attested().checked(), &key())
                .unwrap();
            assert!(record.clone().verify(&attested).is_ok());
            if proof.leaf_index == count / 2 {
                let attested = claim.verify(&key()).unwrap();
                assert_eq!(record.verify(&attested).unwrap().key_index(), 0);
            }
        }
    }
}

#[test]
fn proofs_that_do_not_fit_are_refused() {
    let (records, tree) = signed(5);
    let (id, proof) = tree.proofs()[2].clone();
    let check = |what, change: fn(&mut Proof), expected: Code| {
        let mut changed = proof.clone();
        change(&mut changed);
        let result = changed
            .claim(key().partner(), id)
            .and_then(|claim| claim.verify(&key()));
        assert_eq!(result.err(), Some(expected), "{what}");
    };
    check("another index", |p| p.leaf_index = 3, Code::BadSignature);
    check("an index outside", |p| p.leaf_index = 5, Code::BadProof);
    check("another size", |p| p.tree_size = 6, Code::BadSignature);
    check(
        "a size with other paths",
        |p| p.tree_size = 9,
        Code::BadProof,
    );
    check("no tree", |p| p.tree_size = 0, Code::BadProof);
    check("too large a tree", |p| p.tree_size = 257, Code::BadProof);
    check("another key index", |p| p.key_index = 1, Code::BadSignature);
    check("no path", |p| p.path = List::default(), Code::BadProof);
    check(
        "another signature",
        |p| p.signature = Signature::from_bytes([0; 64]),
        Code::BadSignature,
    );
    let other = PartnerId::from_bytes([9; 32]);
    let claim = proof.claim(other, id).unwrap();
    assert_eq!(claim.verify(&key()).err(), Some(Code::BadSignature));

    let attested = proof
        .claim(key().partner(), id)
        .unwrap()
        .verify(&key())
        .unwrap();
    assert_eq!(
        records[3].clone().verify(&attested).err(),
        Some(Code::BadProof)
    );
}

#[test]
fn a_batch_of_any_live_leaves_has_one_form_and_proves_them() {
    for count in [1, 2, 3, 6, 7, 13, 256] {
        let (records, tree) = signed(count);
        let lives: [fn(usize) -> bool; 5] = [
            |_| true,
            |i| i == 0,
            |i| i % 3 == 0,
            |i| i % 7 < 2,
            |i| i < 4,
        ];
        for (which, live) in lives.into_iter().enumerate() {
            let batch = gather(&records, &tree, live);
            let bytes = fence::encode(&batch, BATCH_BYTES_MAX).unwrap();
            assert_eq!(fence::decode(&bytes, BATCH_BYTES_MAX), Ok(batch.clone()));
            let opened = batch.open(&network()).unwrap();
            assert_eq!(
                opened.claim.seal(),
                &tree.attested().checked().seal,
                "{count} {which}"
            );
            let attested = opened.claim.verify(&key()).unwrap();
            let expected: Vec<_> = tree
                .proofs()
                .iter()
                .enumerate()
                .filter(|(i, _)| live(*i))
                .collect();
            assert_eq!(opened.records.len(), expected.len());
            let found = opened.records.into_iter().zip(opened.places);
            for ((record, place), (_, expected)) in found.zip(expected) {
                let proof = opened.paths.proof(place).expect("it was live");
                assert_eq!((record.id(), &proof), (expected.0, &expected.1));
                assert!(record.open::<KeyEvent>().unwrap().verify(&attested).is_ok());
            }
        }
    }
}

#[test]
fn batches_that_do_not_fit_are_refused() {
    let (records, tree) = signed(6);
    let batch = gather(&records, &tree, |i| i == 1 || i == 4);
    let check = |what, change: &dyn Fn(&mut Batch), expected: Code| {
        let mut changed = batch.clone();
        change(&mut changed);
        let bytes = fence::to_bytes(&changed);
        let result = fence::decode::<Batch>(&bytes, BATCH_BYTES_MAX)
            .and_then(|batch| batch.open(&network()))
            .and_then(|opened| opened.claim.verify(&key()));
        assert_eq!(result.err(), Some(expected), "{what}");
    };
    let leaves = |leaves: Vec<Leaf>| List::new(leaves).unwrap();
    let old = batch.leaves.to_vec();
    let turned = leaves([old[1].clone(), old[0].clone()].into());
    check(
        "leaves that descend",
        &|b| b.leaves = turned.clone(),
        Code::Malformed,
    );
    let twice = leaves([old[0].clone(), old[0].clone()].into());
    check(
        "one place twice",
        &|b| b.leaves = twice.clone(),
        Code::Malformed,
    );
    check("a leaf outside", &|b| b.tree_size = 4, Code::Malformed);
    check("too large a tree", &|b| b.tree_size = 257, Code::Malformed);
    let again = Leaf {
        index: 4,
        record: old[0].record.clone(),
    };
    let again = leaves([old[0].clone(), again].into());
    check(
        "one record twice",
        &|b| b.leaves = again.clone(),
        Code::BadProof,
    );
    let cover = batch.cover.to_vec();
    let short = List::new(&cover[1..]).unwrap();
    check(
        "a hash too few",
        &|b| b.cover = short.clone(),
        Code::BadProof,
    );
    let long = List::new([&cover[..], &[[0; 32]]].concat()).unwrap();
    check(
        "a hash too many",
        &|b| b.cover = long.clone(),
        Code::BadProof,
    );
    let wrong = List::new(alloc::vec![[0; 32]; cover.len()]).unwrap();
    check(
        "other hashes",
        &|b| b.cover = wrong.clone(),
        Code::BadSignature,
    );
    check(
        "another author",
        &|b| b.author = PartnerId::from_bytes([9; 32]),
        Code::BadProof,
    );
    check("another key", &|b| b.key_index = 1, Code::BadSignature);
}

#[test]
fn trees_are_of_one_to_256_different_records() {
    let ids: Vec<_> = (0..257_u16).map(|i| record(i).id()).collect();
    let sign = |ids: &[RecordId]| SignedTree::sign(&key(), &secret(), ids).err();
    assert!(sign(&[]).is_some() && sign(&ids).is_some());
    assert!(sign(&[ids[0], ids[1], ids[0]]).is_some());
    assert!(sign(&ids[1..]).is_none());
    let other = SigningKey::from_bytes(&[2; 32]);
    assert!(SignedTree::sign(&key(), &other, &ids[..1]).is_err());

    let (records, tree) = signed(4);
    let (others, another) = signed(3);
    let mixed = Vec::from([
        (records[0].bytes().to_vec(), tree.proofs()[0].1.clone()),
        (others[1].bytes().to_vec(), another.proofs()[1].1.clone()),
    ]);
    assert!(Batch::gather(&network(), key().partner(), mixed).is_err());
    assert!(Batch::gather(&network(), key().partner(), Vec::new()).is_err());
    let swapped = Vec::from([
        (records[1].bytes().to_vec(), tree.proofs()[0].1.clone()),
        (records[0].bytes().to_vec(), tree.proofs()[1].1.clone()),
    ]);
    assert!(Batch::gather(&network(), key().partner(), swapped).is_err());
}

/// I3: bytes signed in one network verify in no other.
#[test]
fn i3_a_proof_is_of_one_network() {
    let (records, tree) = signed(1);
    let elsewhere = NetworkName::new("main").unwrap().id();
    let record = Envelope::read(&elsewhere, records[0].bytes()).unwrap();
    assert_ne!(record.id(), records[0].id());
    let claim = tree.proofs()[0]
        .1
        .claim(record.author(), record.id())
        .unwrap();
    assert_eq!(claim.verify(&key()).err(), Some(Code::BadSignature));
}

#[test]
fn records_meet_their_checks_in_order() {
    fn check(what: &str, bytes: &[u8], expected: Code) {
        let found = Signed::<KeyEvent>::read(&network(), bytes).err();
        assert_eq!(found, Some(expected), "{what}");
    }
    let good = record(7).bytes().to_vec();
    assert!(Signed::<KeyEvent>::read(&network(), &*good).is_ok());
    check(
        "too long",
        &alloc::vec![0; RECORD_BYTES_MAX + 1],
        Code::TooLarge,
    );
    check("nothing", &[], Code::Malformed);
    check("cut", &good[..good.len() - 1], Code::Malformed);
    check("more behind", &[&good[..], &[0]].concat(), Code::Malformed);
    let with_kind = |kind: &[u8], body: &[u8]| [kind, &good[1..33], body].concat();
    check(
        "unknown kind",
        &with_kind(&[200], &good[33..]),
        Code::UnknownKind,
    );
    check(
        "reserved kind",
        &with_kind(&[6], &good[33..]),
        Code::UnknownKind,
    );
    check(
        "unknown kind in a long form",
        &with_kind(&[251, 200, 0], &good[33..]),
        Code::UnknownKind,
    );
    check(
        "a kind that has no place",
        &with_kind(&[32], &good[33..]),
        Code::Malformed,
    );
    check(
        "long form of the kind",
        &with_kind(&[251, 1, 0], &good[33..]),
        Code::NotCanonical,
    );
    let body = &good[34..];
    let long_form = [
        &[u8::try_from(body.len() + 2).unwrap(), 251, 2, 0],
        &body[1..],
    ]
    .concat();
    check(
        "long form in the body",
        &with_kind(&[1], &long_form),
        Code::NotCanonical,
    );
    let cut = [
        &[u8::try_from(body.len() - 1).unwrap()],
        &body[..body.len() - 1],
    ]
    .concat();
    check(
        "a body that is cut, and a long form",
        &with_kind(&[251, 1, 0], &cut),
        Code::Malformed,
    );
}
