//! One example of each structure of the foundation, with keys that are the same in every run.

use std::sync::LazyLock;

use ed25519_dalek::SigningKey;
use omni_protocol::{
    fence::{List, to_bytes},
    frame::{Frame, Hello, Keys, Lives, ProvedRecord, Stored, encode_page},
    hash::{BodyHash, EntryHash, KeyDigest, NetworkId, NetworkName, PartnerId},
    identity::{
        Delegation, Inception, Invite, KeyChain, KeyEvent, PublicKey, Recovery, Role, Rotation,
        SignedDelegation, SignedInvite, StandingKey, sign_event,
    },
    ledger::{EntryHeader, EntryKind, LedgerHead, Version},
    proof::{Batch, Proof, SignedTree},
    record::Signed,
    thread::Life,
    value::Time,
};

pub fn network() -> NetworkId {
    NetworkName::new("main").unwrap().id()
}

pub fn secret(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

pub fn public(number: u8) -> PublicKey {
    PublicKey::of(&secret(number))
}

pub fn digest(number: u8) -> KeyDigest {
    public(number).digest()
}

pub fn inception() -> Inception {
    Inception::new(network(), public(1), digest(2), digest(100))
}

pub fn partner() -> PartnerId {
    inception().partner()
}

/// An inception, a rotation and a recovery that follow each other, proved.
pub fn events() -> [(Signed<KeyEvent>, Proof); 3] {
    let sign = |event, number| sign_event(network(), partner(), event, &secret(number)).unwrap();
    let first = sign(KeyEvent::Inception(inception()), 1);
    let rotation = Rotation {
        index: 1,
        previous: first.0.id(),
        market_key: public(2),
        next: digest(3),
    };
    let second = sign(KeyEvent::Rotation(rotation), 2);
    let recovery = Recovery {
        index: 2,
        previous: second.0.id(),
        recovery_key: public(100),
        market_key: public(50),
        next: digest(51),
        recovery: digest(101),
    };
    let third = sign(KeyEvent::Recovery(recovery), 100);
    [first, second, third]
}

/// The key of the inception, in force.
pub fn key() -> StandingKey {
    let [first, _, _] = events();
    KeyChain::begin(network(), first.0, first.1)
        .unwrap()
        .in_force()
        .unwrap()
}

/// Six records under one signature, of which those at 1 and 4 are live.
pub fn batch() -> Batch {
    let record = |index: u32| {
        let previous = events()[0].0.id();
        let rotation = Rotation {
            index,
            previous,
            market_key: public(2),
            next: digest(3),
        };
        Signed::write(&network(), partner(), KeyEvent::Rotation(rotation)).unwrap()
    };
    let records: Vec<_> = (0..6).map(|i| record(i * 100)).collect();
    let ids: Vec<_> = records.iter().map(Signed::id).collect();
    let tree = SignedTree::sign(&key(), &secret(1), &ids).unwrap();
    let live = [1, 4].map(|i| (records[i].bytes().to_vec(), tree.proofs()[i].1.clone()));
    Batch::gather(&network(), partner(), live.to_vec()).unwrap()
}

pub fn time(ms: u64) -> Time {
    Time::new(ms).unwrap()
}

pub fn delegation() -> Delegation {
    let (from, to) = (time(1_700_000_000_000), time(1_710_000_000_000));
    Delegation::new(Role::Transport, *public(7).as_bytes(), 0, from, to).unwrap()
}

pub fn signed_delegation() -> SignedDelegation {
    delegation().sign(&key(), &secret(1)).unwrap()
}

pub fn invite() -> Invite {
    let addresses = [
        "/ip4/127.0.0.1/udp/4001/quic-v1",
        "/dns4/node.example/tcp/4001",
    ];
    Invite {
        network: NetworkName::new("main").unwrap(),
        partner: partner(),
        transport_key: public(7),
        addresses: List::new(addresses.map(|address| address.parse().unwrap())).unwrap(),
        not_after: time(1_700_000_600_000),
        token: [0xab; 16],
    }
}

pub fn signed_invite() -> SignedInvite {
    SignedInvite::sign(invite(), &key(), &secret(1)).unwrap()
}

fn entry_header() -> EntryHeader {
    EntryHeader {
        version: Version,
        network: network(),
        author: partner(),
        key_index: 0,
        epoch: 0,
        life: u64::MAX,
        sequence: 300,
        previous: EntryHash::NONE,
        kind: EntryKind::Opened,
        at: time(1_700_000_000_000),
        counterparty: Some(partner()),
        body: BodyHash::from_bytes([7; 32]),
    }
}

/// Frames that carry the foundation's structures.
pub fn frames() -> Vec<(&'static str, Vec<u8>)> {
    let [first, second, third] = events();
    let chain = KeyChain::read(network(), [first.clone(), second, third]).unwrap();
    let agent = "omni 0.1.0".parse().unwrap();
    let token = Some([0xab; 16]);
    let life = Life::new(0x0123_4567_89ab_cdef).unwrap();
    let hello = Hello {
        token,
        ..Hello::new(network(), &chain, life, signed_delegation(), agent).unwrap()
    };
    let proved = ProvedRecord::new(first.0.bytes(), first.1.clone()).unwrap();
    let keys = Keys {
        number: 7,
        events: List::new([proved]).unwrap(),
    };
    vec![
        ("hello", Frame::Hello(Box::new(hello)).encode().unwrap()),
        (
            "stored",
            Frame::Stored(Stored {
                lives: Lives {
                    from: life,
                    to: life,
                },
                record: first.0.id(),
                head: (&LedgerHead::empty()).into(),
            })
            .encode()
            .unwrap(),
        ),
        ("keys", Frame::Keys(keys).encode().unwrap()),
        ("push", Frame::Push(Box::new(batch())).encode().unwrap()),
    ]
}

/// The bytes of one of each structure: decoder, name, bytes. They are golden, and the corpus.
pub fn structures() -> &'static [(&'static str, &'static str, Vec<u8>)] {
    static MADE: LazyLock<Vec<(&str, &str, Vec<u8>)>> = LazyLock::new(make_structures);
    &MADE
}

fn make_structures() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let [first, second, third] = events();
    let mut all = vec![
        ("record", "inception", first.0.bytes().to_vec()),
        ("record", "rotation", second.0.bytes().to_vec()),
        ("record", "recovery", third.0.bytes().to_vec()),
        ("proof", "alone", to_bytes(&first.1)),
        ("batch", "two-of-six", to_bytes(&batch())),
        ("page", "empty", encode_page(Vec::new()).unwrap()),
        ("page", "one-batch", encode_page(vec![batch()]).unwrap()),
        ("delegation", "transport", to_bytes(&signed_delegation())),
        ("invite", "two-addresses", to_bytes(&signed_invite())),
        ("entry-header", "opened", entry_header().to_bytes()),
        (
            "invite-text",
            "two-addresses",
            signed_invite().to_string().into_bytes(),
        ),
    ];
    all.extend(
        frames()
            .into_iter()
            .map(|(name, bytes)| ("frame", name, bytes)),
    );
    all
}
