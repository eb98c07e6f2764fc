//! The bodies of records against SPEC.md: golden vectors, the naive encoder, random and hostile
//! bytes, and the rules between fields. (I1, I2, I16)

mod rules;
mod vectors;
mod words;

use omni_protocol::{
    body::AnyBody,
    code::Code,
    record::{Body, Kind},
    thread::Shipto,
};
use omni_tests::{naive, samples, strategies};
use proptest::prelude::*;

/// What is read gives back the bytes that were read. (I1)
fn check(kind: Kind, bytes: &[u8]) {
    if let Ok(body) = AnyBody::decode(kind, bytes) {
        assert_eq!(body.encode(), bytes, "{kind:?} took a second form");
    }
}

fn known_kinds() -> impl Iterator<Item = Kind> {
    Kind::ALL.iter().copied().filter(|kind| !kind.is_reserved())
}

#[test]
fn every_kind_has_a_sample() {
    let sampled: Vec<_> = samples::bodies()
        .iter()
        .map(|(_, body)| body.kind())
        .collect();
    for kind in known_kinds() {
        assert!(sampled.contains(&kind), "{kind:?}");
    }
}

#[test]
fn samples_are_read_as_they_are_written() {
    for (name, body) in samples::bodies() {
        let bytes = body.encode();
        assert_eq!(bytes, naive::bodies::body(&body), "{name}");
        assert_eq!(AnyBody::decode(body.kind(), &bytes), Ok(body), "{name}");
    }
}

proptest! {
    #[test]
    fn i1_bodies_are_read_as_the_naive_encoder_writes_them(body in strategies::any_body()) {
        let bytes = body.encode();
        prop_assert_eq!(&bytes, &naive::bodies::body(&body));
        prop_assert_eq!(AnyBody::decode(body.kind(), &bytes), Ok(body));
    }

    #[test]
    fn shiptos_are_read_as_the_naive_encoder_writes_them(shipto in strategies::thread::shipto()) {
        let bytes = shipto.encode().unwrap();
        prop_assert_eq!(&bytes, &naive::bodies::shipto(&shipto));
        prop_assert!(Shipto::decode(&bytes) == Ok(shipto));
    }

    #[test]
    fn terms_are_hashed_as_the_naive_encoder_writes_them(terms in strategies::thread::terms()) {
        use omni_protocol::hash::{Tag, hash};
        let bytes = naive::bodies::terms(naive::Naive::new(), &terms).0;
        prop_assert_eq!(*terms.hash().as_bytes(), hash(Tag::Terms, &[&bytes]));
        prop_assert!(terms.totals_hold());
    }

    #[test]
    fn hostile_bytes_are_no_body_or_their_own(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        known_kinds().for_each(|kind| check(kind, &bytes));
    }

    /// Most of the body is right, so the damage reaches deep.
    #[test]
    fn hostile_changes_are_refused_or_say_something_else(
        body in strategies::any_body(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let (kind, mut bytes) = (body.kind(), body.encode());
        let at = place.index(bytes.len());
        bytes[at] = byte;
        check(kind, &bytes);
        bytes.insert(at, byte);
        check(kind, &bytes);
        bytes.truncate(at);
        prop_assert_eq!(AnyBody::decode(kind, &bytes), Err(Code::Malformed));
    }
}

#[test]
fn hostile_cuts_and_additions_are_refused() {
    for (name, body) in samples::bodies() {
        let (kind, bytes) = (body.kind(), body.encode());
        for end in 0..bytes.len() {
            let cut = AnyBody::decode(kind, &bytes[..end]);
            assert_eq!(cut, Err(Code::Malformed), "{name} cut at {end}");
        }
        for more in [0, 1, 255] {
            let longer = [&bytes[..], &[more]].concat();
            let read = AnyBody::decode(kind, &longer);
            assert_eq!(read, Err(Code::Malformed), "{name} and {more}");
        }
    }
}

#[test]
fn hostile_longer_integers_are_refused() {
    for (name, body) in samples::bodies() {
        let (kind, bytes) = (body.kind(), body.encode());
        let mut refused = 0;
        for (at, byte) in bytes.iter().enumerate().filter(|(_, byte)| **byte < 251) {
            for width in [2, 4, 8] {
                let mut longer = vec![251 + u8::try_from(width / 4).unwrap(), *byte];
                longer.resize(1 + width, 0);
                let bytes = [&bytes[..at], &longer, &bytes[at + 1..]].concat();
                check(kind, &bytes);
                refused += usize::from(AnyBody::decode(kind, &bytes) == Err(Code::NotCanonical));
            }
        }
        assert!(refused > 0, "{name} has an integer that could be longer");
    }
}

#[test]
fn hostile_lengths_allocate_nothing() {
    // A length of 2^63 in the place of each byte: refused before room is made for it.
    let huge = [253, 0, 0, 0, 0, 0, 0, 0, 0x80];
    for (_, body) in samples::bodies() {
        let (kind, bytes) = (body.kind(), body.encode());
        for at in 0..bytes.len() {
            check(kind, &[&bytes[..at], &huge, &bytes[at + 1..]].concat());
            check(kind, &[&bytes[..at], &huge].concat());
        }
    }
}

#[test]
fn hostile_bodies_of_another_kind_are_refused_or_their_own() {
    for (_, body) in samples::bodies() {
        let bytes = body.encode();
        known_kinds().for_each(|kind| check(kind, &bytes));
        for kind in Kind::ALL.iter().filter(|kind| kind.is_reserved()) {
            assert_eq!(AnyBody::decode(*kind, &bytes), Err(Code::UnknownKind));
        }
    }
}
