//! Primitives, bounds and second spellings.

use alloc::{string::String, vec, vec::Vec};
use core::fmt::Debug;

use super::*;
use crate::{
    limits::DIRECT_FRAME_BYTES_MAX,
    value::{Prose, Text},
    wire, words,
};

#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    from: u32,
    to: u64,
}

wire!(Range { from, to } check);

impl Range {
    fn check(&self) -> Result<(), Invalid> {
        if u64::from(self.from) > self.to {
            return Err(Invalid::Rule("a range must begin before it ends"));
        }
        Ok(())
    }
}

words! {
    /// A word whose numbers have a gap.
    enum Colour {
        /// The first.
        1 Red "red",
        /// Far above.
        300 Blue "blue",
    }
}

/// A value has these bytes and no others.
fn check<T: Wire + PartialEq + Debug>(value: &T, bytes: &[u8]) {
    assert_eq!(encode(value, 1 << 20).as_deref(), Ok(bytes), "{value:?}");
    assert_eq!(decode::<T>(bytes, 1 << 20).as_ref(), Ok(value), "{bytes:?}");
    for end in 0..bytes.len() {
        assert_eq!(
            decode::<T>(&bytes[..end], 1 << 20),
            Err(Code::Malformed),
            "{value:?} cut at {end}"
        );
    }
    let more = [bytes, &[0]].concat();
    assert_eq!(
        decode::<T>(&more, 1 << 20),
        Err(Code::Malformed),
        "{value:?} and more"
    );
    assert_eq!(
        decode::<T>(bytes, bytes.len() - 1),
        Err(Code::TooLarge),
        "{value:?}"
    );
    assert!(matches!(
        encode(value, bytes.len() - 1),
        Err(Invalid::TooLarge { .. })
    ));
}

#[test]
fn values_have_the_bytes_of_section_2() {
    check(&7_u8, &[7]);
    check(&255_u8, &[255]);
    check(&0_u16, &[0]);
    check(&250_u16, &[250]);
    check(&251_u16, &[251, 251, 0]);
    check(&u16::MAX, &[251, 255, 255]);
    check(&65_536_u32, &[252, 0, 0, 1, 0]);
    check(&251_u64, &[251, 251, 0]);
    check(&(1_u64 << 32), &[253, 0, 0, 0, 0, 1, 0, 0, 0]);
    check(&0_i64, &[0]);
    check(&-1_i64, &[1]);
    check(&1_i64, &[2]);
    check(&-126_i64, &[251, 251, 0]);
    check(&i64::MIN, &[253, 255, 255, 255, 255, 255, 255, 255, 255]);
    check(&true, &[1]);
    check(&Colour::Red, &[1]);
    check(&Colour::Blue, &[251, 44, 1]);
    check(&[1_u8, 2, 3], &[1, 2, 3]);
    check(&None::<u8>, &[0]);
    check(&Some(9_u8), &[1, 9]);
    check(&"äb".parse::<Text<4>>().unwrap(), &[3, 0xc3, 0xa4, b'b']);
    check(
        &"a\nb".parse::<Prose<4>>().unwrap(),
        &[3, b'a', b'\n', b'b'],
    );
    check(&Bytes::<4>::new([0, 255]).unwrap(), &[2, 0, 255]);
    check(&List::<u16, 3>::new([300, 1]).unwrap(), &[2, 251, 44, 1, 1]);
    check(&Range { from: 1, to: 2 }, &[1, 2]);
}

#[test]
fn sets_ascend_by_their_bytes() {
    // 251 is written with a first byte of 251, so it comes after 250; 256 has the bytes 251, 0, 1.
    let set = Set::<u16, 4>::new([251, 256, 3, 250, 3]).unwrap();
    assert_eq!(*set, [3, 250, 256, 251]);
    check(&set, &[4, 3, 250, 251, 0, 1, 251, 251, 0]);
    let texts = Set::<Text<8>, 4>::new(["b".parse().unwrap(), "aa".parse().unwrap()]).unwrap();
    assert_eq!(
        texts.iter().map(|text| &**text).collect::<Vec<_>>(),
        ["b", "aa"]
    );
}

fn refused<T: Wire + PartialEq + Debug>(bytes: &[u8], expected: Code) {
    assert_eq!(
        decode::<T>(bytes, DIRECT_FRAME_BYTES_MAX),
        Err(expected),
        "{bytes:?}"
    );
}

#[test]
fn hostile_second_spellings_are_refused() {
    refused::<u16>(&[251, 5, 0], Code::NotCanonical);
    refused::<u64>(&[252, 5, 0, 0, 0], Code::NotCanonical);
    refused::<u64>(&[253, 0, 1, 0, 0, 0, 0, 0, 0], Code::NotCanonical);
    refused::<i64>(&[251, 2, 0], Code::NotCanonical);
    refused::<u16>(&[252, 5, 0, 0, 0], Code::Malformed);
    refused::<u32>(&[253, 5, 0, 0, 0, 0, 0, 0, 0], Code::Malformed);
    refused::<u64>(
        &[254, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        Code::Malformed,
    );
    refused::<u64>(&[255], Code::Malformed);
    refused::<bool>(&[2], Code::Malformed);
    refused::<Option<u8>>(&[2, 0], Code::Malformed);
    refused::<Text<8>>(&[251, 1, 0, b'a'], Code::NotCanonical);
    refused::<Set<u16, 4>>(&[2, 5, 4], Code::NotCanonical);
    refused::<Set<u16, 4>>(&[2, 5, 5], Code::NotCanonical);
    refused::<Set<u16, 4>>(&[2, 251, 4, 0, 5], Code::NotCanonical);
    refused::<Set<u16, 4>>(&[2, 5, 4, 0], Code::Malformed);
}

#[test]
fn hostile_texts_and_words_are_refused() {
    refused::<Text<8>>(&[2, 0xc3, 0x28], Code::Malformed);
    refused::<Text<8>>(&[3, 0xed, 0xa0, 0x80], Code::Malformed);
    refused::<Text<8>>(&[2, 0xc0, 0x80], Code::Malformed);
    refused::<Text<8>>(&[1, 0x1b], Code::Malformed);
    refused::<Text<8>>(&[2, b'a', b' '], Code::Malformed);
    refused::<Text<8, 1>>(&[0], Code::Malformed);
    refused::<Text<2>>(b"\x03abc", Code::Malformed);
    refused::<Colour>(&[0], Code::Malformed);
    refused::<Colour>(&[2], Code::Malformed);
    refused::<Range>(&[3, 2], Code::Malformed);
}

#[test]
fn hostile_lengths_allocate_nothing() {
    let huge = [253, 255, 255, 255, 255, 255, 255, 255, 255];
    refused::<Bytes<DIRECT_FRAME_BYTES_MAX>>(&huge, Code::Malformed);
    refused::<Text<8>>(&huge, Code::Malformed);
    refused::<List<u8, 4096>>(&huge, Code::Malformed);
    refused::<List<[u8; 64], 4096>>(&[251, 0, 16], Code::Malformed);
    refused::<List<List<u8, 4096>, 4096>>(&vec![200; 3000], Code::Malformed);
    refused::<List<u16, 2>>(&[3, 1, 1, 1], Code::Malformed);
    refused::<List<u16, 2, 1>>(&[0], Code::Malformed);
    refused::<Set<u16, 2, 2>>(&[1, 1], Code::Malformed);
}

#[test]
fn what_breaks_a_rule_is_not_encoded() {
    let broken = Range { from: 3, to: 2 };
    assert!(matches!(encode(&broken, 100), Err(Invalid::Rule(_))));
    assert!(matches!(
        List::<u8, 2>::new([1, 2, 3]),
        Err(Invalid::TooMany { found: 3, max: 2 })
    ));
    assert!(Set::<u8, 2>::new([1, 2, 1]).is_ok());
    assert!(Text::<3>::new(String::from("abcd")).is_err());
}
