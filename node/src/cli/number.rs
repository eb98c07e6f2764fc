//! Whole numbers as flags and arguments have them, refused in words that help.

use std::num::NonZeroU32;
use std::str::FromStr;

/// Reads a whole number.
pub(super) fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_why| "a whole number is wanted, such as 12".to_owned())
}

/// Reads how many of something are wanted.
pub(super) fn some(text: &str) -> Result<u32, String> {
    let some: Option<NonZeroU32> = text.parse().ok();
    some.map(NonZeroU32::get)
        .ok_or_else(|| "a whole number from 1 on is wanted, such as 12".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_numbers_are_refused() {
        for text in ["", "-1", "1.5", "x", "٣", "4294967296"] {
            assert!(whole::<u32>(text).is_err(), "{text}");
            assert!(some(text).is_err(), "{text}");
        }
        assert_eq!((whole::<u8>("0"), some("1")), (Ok(0), Ok(1)));
        assert!(some("0").is_err());
    }
}
