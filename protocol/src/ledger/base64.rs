//! Base64 (RFC 4648, section 4, with padding) in its one canonical form, as signed notes want it.
//! It keeps out every other alphabet.

use alloc::{string::String, vec::Vec};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `bytes` as text.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, place| {
            (bits << 8) | u32::from(group.get(place).copied().unwrap_or(0))
        });
        for place in 0..4 {
            if place > group.len() {
                text.push('=');
            } else {
                text.push(char::from(letter(bits >> (18 - 6 * place))));
            }
        }
    }
    text
}

/// The bytes that `text` stands for; `None` unless encoding them gives `text` again.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let body = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for letter in body.bytes() {
        bits = (bits << 6) | value(letter)?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    (encode(&bytes) == text).then_some(bytes)
}

fn letter(bits: u32) -> u8 {
    usize::try_from(bits & 63)
        .ok()
        .and_then(|place| ALPHABET.get(place))
        .copied()
        .unwrap_or(b'A')
}

fn value(letter: u8) -> Option<u32> {
    let place = match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(place))
}
