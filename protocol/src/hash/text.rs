//! Ids as people see and type them: bech32m for partners, hexadecimal digits for the rest, and the
//! beginnings that a user may type instead.

use alloc::string::String;
use core::str::FromStr;

use bech32::{Bech32m, Hrp};
use thiserror::Error;

/// Why a text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadId {
    /// Not 64 hexadecimal digits in lower case.
    #[error("an id has 64 digits 0-9 a-f; copy all of it, or type at least its first 8")]
    Hexadecimal,
    /// Not bech32m, or with a wrong checksum.
    #[error("a partner id begins with omni1 and has 63 characters; one is missing or mistyped")]
    Partner,
    /// A beginning that is too short, too long, or has other characters.
    #[error("the beginning of an id has 8 to 64 digits 0-9 a-f")]
    Beginning,
}

const PARTNER: Hrp = Hrp::parse_unchecked("omni");

pub(super) mod partner {
    use core::fmt;

    use bech32::primitives::decode::CheckedHrpstring;

    use super::{BadId, Bech32m, PARTNER};

    pub(in crate::hash) fn show(bytes: &[u8; 32], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bech32::encode_lower_to_fmt::<Bech32m, _>(f, PARTNER, bytes).or(Err(fmt::Error))
    }

    pub(in crate::hash) fn read(text: &str) -> Result<[u8; 32], BadId> {
        let parsed = CheckedHrpstring::new::<Bech32m>(text).or(Err(BadId::Partner))?;
        let mut bytes = parsed.byte_iter();
        if parsed.hrp() != PARTNER || bytes.len() != 32 {
            return Err(BadId::Partner);
        }
        Ok(core::array::from_fn(|_| bytes.next().unwrap_or_default()))
    }
}

pub(super) mod hexadecimal {
    use core::fmt;

    use super::{BadId, String, digit};

    pub(in crate::hash) fn show(bytes: &[u8; 32], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ids are shown in every event and checkpoint, and the formatter takes long over a byte.
        let shown = |half: u8| {
            char::from(if half < 10 {
                b'0' + half
            } else {
                b'a' + half - 10
            })
        };
        let mut text = String::with_capacity(2 * bytes.len());
        for byte in bytes {
            text.push(shown(byte >> 4));
            text.push(shown(byte & 15));
        }
        f.write_str(&text)
    }

    pub(in crate::hash) fn read(text: &str) -> Result<[u8; 32], BadId> {
        let mut bytes = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(BadId::Hexadecimal);
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let (high, low) = (digit(*high), digit(*low));
            let (Some(high), Some(low)) = (high, low) else {
                return Err(BadId::Hexadecimal);
            };
            *byte = high << 4 | low;
        }
        Ok(bytes)
    }
}

fn digit(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    }
}

/// The first 8 to 64 hexadecimal digits of an id, as a user may type them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning(String);

impl Beginning {
    /// Fewer digits would often fit several ids.
    pub const DIGITS_MIN: usize = 8;

    /// The lowest id that begins so; those that begin so follow it in their order.
    #[must_use]
    pub fn first(&self) -> [u8; 32] {
        let mut digits = self.0.bytes().filter_map(digit);
        core::array::from_fn(|_| {
            digits.next().unwrap_or_default() << 4 | digits.next().unwrap_or_default()
        })
    }

    /// Whether the id begins so.
    #[must_use]
    pub fn begins(&self, id: &[u8; 32]) -> bool {
        let digits = id.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        self.0
            .bytes()
            .filter_map(digit)
            .zip(digits)
            .all(|(a, b)| a == b)
    }
}

impl FromStr for Beginning {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let length = Self::DIGITS_MIN..=64;
        if length.contains(&text.len()) && text.bytes().all(|c| digit(c).is_some()) {
            Ok(Self(text.into()))
        } else {
            Err(BadId::Beginning)
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::hash::{PartnerId, RecordId};

    #[test]
    fn ids_are_read_as_they_are_shown() {
        let bytes = core::array::from_fn(|i| u8::try_from(i * 7).unwrap());
        let record = RecordId::from_bytes(bytes);
        assert_eq!(format!("{record}").parse(), Ok(record));
        let partner = PartnerId::from_bytes(bytes);
        let text = format!("{partner}");
        assert_eq!(text.len(), 63);
        assert!(text.starts_with("omni1"), "{text}");
        assert_eq!(text.parse(), Ok(partner));
    }

    #[test]
    fn mistyped_ids_are_refused() {
        let text = format!("{}", PartnerId::from_bytes([7; 32]));
        let other = text.replacen('q', "p", 1);
        for bad in [
            "",
            "omni1",
            &other,
            text.trim_end_matches(|_| true),
            &text.replace("omni", "omnj"),
        ] {
            assert_eq!(bad.parse::<PartnerId>(), Err(BadId::Partner), "{bad}");
        }
        let hex = "ab".repeat(32);
        assert!(hex.parse::<RecordId>().is_ok());
        for bad in [
            "",
            "ab",
            &hex.to_uppercase(),
            &hex.replace("ab", "zz"),
            &format!("{hex}ab"),
            &hex.replacen('a', "ä", 1),
        ] {
            assert_eq!(bad.parse::<RecordId>(), Err(BadId::Hexadecimal), "{bad}");
        }
    }

    #[test]
    fn a_beginning_is_that_of_an_id() {
        let beginning: Beginning = "0123456789abc".parse().unwrap();
        assert!(beginning.begins(&beginning.first()));
        assert_eq!(
            beginning.first()[..7],
            [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xc0]
        );
        assert!(!beginning.begins(&[1; 32]));
        for bad in ["0123456", "0123456G", &"0".repeat(65)] {
            assert_eq!(bad.parse::<Beginning>(), Err(BadId::Beginning), "{bad}");
        }
    }
}
