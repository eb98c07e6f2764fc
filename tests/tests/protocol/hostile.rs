//! Bytes made to harm: each decoder takes what has its one form and refuses the rest, without a
//! panic. (I1)

use std::fs;

use omni_protocol::{code::Code, limits::PAGE_PLAIN_BYTES_MAX};
use proptest::prelude::*;

use crate::{
    decoders::{self, DECODERS, Decoder},
    fixtures, vectors,
};

/// Each decoder meets the bytes.
fn holds(bytes: &[u8]) {
    for (name, decode) in DECODERS {
        decoders::check(name, *decode, bytes);
    }
}

/// Each structure of the fixtures, with its own decoder.
fn each_structure(mut check: impl FnMut(&str, &[u8], Decoder)) {
    for (decoder, name, bytes) in fixtures::structures() {
        // The text of an invite has several forms, on purpose.
        if *decoder != "invite-text" {
            let found = DECODERS.iter().find(|(known, _)| known == decoder);
            check(&format!("{decoder} {name}"), bytes, found.unwrap().1);
        }
    }
}

/// What the fuzzer begins with, and what it once found, on the stable compiler.
#[test]
fn the_corpus_is_replayed() {
    for (name, decode) in DECODERS {
        let folder = vectors::corpus().join(name);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        let mut count = 0;
        for file in files {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            decoders::check(name, *decode, &bytes);
            holds(&bytes);
            count += 1;
        }
        assert!(count > 0, "the decoder of {name} has no corpus");
    }
}

#[test]
fn every_structure_is_taken_as_it_is() {
    each_structure(|name, bytes, decode| assert_eq!(decode(bytes).as_deref(), Ok(bytes), "{name}"));
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    each_structure(|name, bytes, decode| {
        for end in 0..bytes.len() {
            assert_eq!(
                decode(&bytes[..end]),
                Err(Code::Malformed),
                "{name} cut at {end}"
            );
        }
        for more in [0, 1, 255] {
            let longer = [bytes, &[more]].concat();
            assert_eq!(decode(&longer), Err(Code::Malformed), "{name} and {more}");
        }
    });
}

#[test]
fn every_changed_byte_is_refused_or_says_something_else() {
    each_structure(|name, bytes, decode| {
        for at in 0..bytes.len() {
            for change in [1, 0x80, 0xff] {
                let mut changed = bytes.to_vec();
                changed[at] ^= change;
                if let Ok(again) = decode(&changed) {
                    assert_eq!(again, changed, "{name} changed at {at}");
                }
            }
        }
    });
}

/// Wherever a structure has a short integer, its longer spellings are put.
#[test]
fn every_longer_spelling_is_refused() {
    each_structure(|name, bytes, decode| {
        for at in 0..bytes.len() {
            if bytes[at] > 250 {
                continue;
            }
            let value = bytes[at];
            for longer in [
                &[251, value, 0][..],
                &[252, value, 0, 0, 0],
                &[253, value, 0, 0, 0, 0, 0, 0, 0],
            ] {
                let spelled = [&bytes[..at], longer, &bytes[at + 1..]].concat();
                if let Ok(again) = decode(&spelled) {
                    assert_eq!(again, spelled, "{name} at {at}");
                }
            }
        }
    });
}

#[test]
fn huge_lengths_are_refused() {
    let huge = [253, 255, 255, 255, 255, 255, 255, 255, 127];
    each_structure(|name, bytes, decode| {
        for at in 0..bytes.len() {
            let bomb = [&bytes[..at], &huge].concat();
            if let Ok(again) = decode(&bomb) {
                assert_eq!(again, bomb, "{name} at {at}");
            }
        }
    });
}

#[test]
fn what_is_larger_than_its_limit_is_not_read() {
    for (name, decode) in DECODERS {
        let expected = if *name == "invite-text" {
            Code::Malformed
        } else {
            Code::TooLarge
        };
        assert_eq!(
            decode(&vec![0; PAGE_PLAIN_BYTES_MAX + 1]),
            Err(expected),
            "{name}"
        );
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        holds(&bytes);
    }

    #[test]
    fn small_numbers_never_panic(bytes in prop::collection::vec(0..4_u8, 0..400)) {
        holds(&bytes);
    }

    #[test]
    fn spliced_structures_never_panic(a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), from in any::<prop::sample::Index>()) {
        let structures = fixtures::structures();
        let (left, right) = (&a.get(structures).2, &b.get(structures).2);
        holds(&[&left[..cut.index(left.len())], &right[from.index(right.len())..]].concat());
    }
}
