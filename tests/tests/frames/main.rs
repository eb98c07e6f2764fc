//! Frames of the direct stream against SPEC.md: golden vectors, the naive encoder, random and
//! hostile bytes, and what is signed. (I1, I3)

use std::{env, fs, path::PathBuf};

use omni_protocol::{
    code::Code,
    frame::{Frame, FrameType, Hello, Received, decode_page, encode_page},
    hash::{NetworkName, Tag, tagged},
    identity::{PublicKey, sign},
    limits::DAY_MS,
    proof::Batch,
    thread::Life,
};
use omni_tests::{
    naive::{self, Naive},
    samples::{self, chain, key, network, partner, secret, time},
    spec::table,
    strategies,
};
use proptest::prelude::*;

/// What is read gives back the bytes that were read. (I1)
fn check(bytes: &[u8]) {
    if let Ok(Received::Frame(frame)) = Frame::decode(bytes) {
        assert_eq!(
            frame.encode().as_deref(),
            Ok(bytes),
            "a second form was taken"
        );
    }
}

#[test]
fn frames_are_those_of_the_specification() {
    let coded: Vec<_> = FrameType::ALL
        .iter()
        .map(|kind| [kind.number().to_string(), kind.name().into()])
        .collect();
    let written: Vec<_> = table("frames")
        .into_iter()
        .map(|row| [row[0].clone(), row[1].clone()])
        .collect();
    assert_eq!(coded, written);
}

#[test]
fn vectors_hold_a_frame_of_each_type() {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/frame");
    let mut types: Vec<_> = FrameType::ALL.to_vec();
    for (name, frame) in samples::frames() {
        let bytes = frame.encode().unwrap();
        assert_eq!(bytes, naive::frames::frame(&frame), "{name}");
        assert_eq!(u16::from(bytes[0]), frame.frame_type().number(), "{name}");
        types.retain(|left| *left != frame.frame_type());
        let path = corpus.join(format!("full-{}", name.to_lowercase()));
        if env::var("OMNI_VECTORS").is_ok_and(|value| value == "write") {
            fs::write(&path, &bytes).unwrap();
        }
        let golden = fs::read(&path).unwrap_or_default();
        assert!(
            golden == bytes,
            "{name} differs; if it must, write it with OMNI_VECTORS=write"
        );
        assert_eq!(Frame::decode(&bytes), Ok(Received::Frame(frame)), "{name}");
    }
    assert_eq!(types, [], "types without a sample");
}

proptest! {
    #[test]
    fn i1_frames_are_read_as_the_naive_encoder_writes_them(frame in strategies::frames::any_frame()) {
        let bytes = frame.encode().unwrap();
        prop_assert_eq!(&bytes, &naive::frames::frame(&frame));
        prop_assert_eq!(Frame::decode(&bytes), Ok(Received::Frame(frame)));
    }

    #[test]
    fn hostile_bytes_are_no_frame_or_their_own(
        number in 0..16_u8,
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        check(&bytes);
        check(&[&[number], &bytes[..]].concat());
    }

    #[test]
    fn hostile_changes_of_frames_are_refused_or_say_something_else(
        frame in strategies::frames::any_frame(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = frame.encode().unwrap();
        let at = place.index(bytes.len());
        bytes[at] = byte;
        check(&bytes);
        bytes.insert(at, byte);
        check(&bytes);
    }
}

#[test]
fn hostile_cuts_of_frames_are_refused() {
    for (name, frame) in samples::frames() {
        let bytes = frame.encode().unwrap();
        for end in 0..bytes.len() {
            assert_eq!(
                Frame::decode(&bytes[..end]),
                Err(Code::Malformed),
                "{name} cut at {end}"
            );
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(
            Frame::decode(&longer),
            Err(Code::Malformed),
            "{name} and more"
        );
    }
}

#[test]
fn hostile_lengths_in_frames_allocate_nothing() {
    let huge = [253, 0, 0, 0, 0, 0, 0, 0, 0x80];
    for (_, frame) in samples::frames() {
        let bytes = frame.encode().unwrap();
        for at in 1..bytes.len() {
            check(&[&bytes[..at], &huge, &bytes[at + 1..]].concat());
        }
    }
}

#[test]
fn hostile_empty_letters_are_refused() {
    let empty = Naive::new()
        .unsigned(4)
        .bytes(&[])
        .u8(0)
        .bytes(&[])
        .u8(0)
        .u8(0);
    assert_eq!(Frame::decode(&empty.0), Err(Code::Malformed));
    let what_is = Naive::new().unsigned(6).fixed(&[1; 32]).u8(0);
    assert_eq!(Frame::decode(&what_is.0), Err(Code::Malformed));
}

#[test]
fn i3_a_greeting_is_its_authors_to_its_receiver() {
    let signed = samples::greeting().sign(&key(1), &secret(1)).unwrap();
    assert_eq!(
        signed.check(partner(2), &chain(1)),
        Ok(&samples::greeting())
    );
    assert_eq!(signed.check(partner(3), &chain(1)), Err(Code::NotAddressed));
    assert_eq!(signed.check(partner(2), &chain(3)), Err(Code::BadSignature));
    // The signature is over these bytes and no others.
    let bytes = naive::frames::greeting(Naive::new(), &samples::greeting()).0;
    let network = network();
    let parts: &[&[u8]] = &[network.as_bytes(), &bytes];
    let public = PublicKey::of(&secret(1));
    let signature = sign(&secret(1), Tag::Greeting, parts);
    assert!(
        public
            .verify_bytes(&tagged(Tag::Greeting, parts), &signature)
            .is_ok()
    );
    let frame = Frame::Greeting(Box::new(signed)).encode().unwrap();
    assert!(frame.ends_with(signature.as_bytes()));
    // Another index than the chain has, and another's name under the own key.
    let mut later = samples::greeting();
    later.key_index = 1;
    assert!(later.sign(&key(1), &secret(1)).is_err());
    let mut other = samples::greeting();
    other.from = partner(2);
    assert!(other.sign(&key(1), &secret(1)).is_err());
}

#[test]
fn i3_a_notice_is_its_authors_to_its_receiver() {
    let signed = samples::notice().sign(&key(1), &secret(1)).unwrap();
    assert_eq!(signed.check(partner(2), &chain(1)), Ok(&samples::notice()));
    assert_eq!(signed.check(partner(3), &chain(1)), Err(Code::NotAddressed));
    assert_eq!(signed.check(partner(2), &chain(3)), Err(Code::BadSignature));
    assert!(samples::notice().sign(&key(1), &secret(2)).is_err());
}

#[test]
fn a_changed_greeting_is_not_signed() {
    let signed = samples::greeting().sign(&key(1), &secret(1)).unwrap();
    let bytes = Frame::Greeting(Box::new(signed)).encode().unwrap();
    let mut read = 0;
    for at in 1..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        if let Ok(Received::Frame(Frame::Greeting(greeting))) = Frame::decode(&changed) {
            assert!(
                greeting.check(partner(2), &chain(1)).is_err(),
                "changed at {at}"
            );
            read += 1;
        }
    }
    assert!(
        read > 100,
        "most changes are only noticed by the signature: {read}"
    );
}

#[test]
fn a_hello_is_checked_from_network_to_delegation() {
    let node = |number: u8| *PublicKey::of(&secret(number + 50)).as_bytes();
    let now = time(1_795_000_000_000);
    let hello = || {
        let agent = "omni 0.1.0".parse().unwrap();
        let life = Life::new(0x27).unwrap();
        Hello::new(network(), &chain(1), life, samples::delegation(1), agent).unwrap()
    };
    let check = |hello: Hello, node: [u8; 32], now, expected: Result<(), Code>| {
        assert_eq!(hello.check(network(), &node, now).map(|_| ()), expected);
    };
    assert_eq!(hello().check(network(), &node(1), now), Ok(chain(1)));
    check(hello(), node(2), now, Err(Code::BadDelegation));
    check(
        hello(),
        node(1),
        time(1_800_000_000_001),
        Err(Code::BadDelegation),
    );
    check(
        hello(),
        node(1),
        time(1_790_000_000_000 - DAY_MS),
        Err(Code::BadDelegation),
    );
    let other = NetworkName::new("other").unwrap().id();
    check(
        Hello {
            network: other,
            ..hello()
        },
        node(1),
        now,
        Err(Code::WrongNetwork),
    );
    check(
        Hello {
            partner: partner(2),
            ..hello()
        },
        node(1),
        now,
        Err(Code::BadKeys),
    );
    let events = omni_protocol::fence::List::default();
    check(
        Hello { events, ..hello() },
        node(1),
        now,
        Err(Code::BadKeys),
    );
    let delegation = samples::delegation(2);
    check(
        Hello {
            delegation,
            ..hello()
        },
        node(2),
        now,
        Err(Code::BadSignature),
    );
}

#[test]
fn pages_hold_batches() {
    let batch = |number| {
        let (record, proof) = samples::inception(number);
        let parts = vec![(record.bytes().to_vec(), proof)];
        Batch::gather(&network(), partner(number), parts).unwrap()
    };
    let batches = vec![batch(1), batch(2)];
    let bytes = encode_page(batches.clone()).unwrap();
    assert_eq!(decode_page(&bytes), Ok(batches));
    assert_eq!(encode_page(Vec::new()).as_deref(), Ok(&[0][..]));
    assert_eq!(decode_page(&[1]), Err(Code::Malformed));
    assert_eq!(decode_page(&[]), Err(Code::Malformed));
}
