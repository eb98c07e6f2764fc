//! Countries and their parts by ISO 3166 code. Which codes ISO has assigned is not judged, so that
//! a new one needs no new version.

use super::{Invalid, Text};
use crate::fence::{Reader, Wire, Writer};
use core::{fmt, str::FromStr};

/// A country: two letters `A-Z` (ISO 3166-1 alpha-2).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(Text<2, 2>);

/// A country, or a part of one: its country, a hyphen, and 1 to 3 characters of `A-Z 0-9` (ISO
/// 3166-2).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(Text<6, 2>);

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

fn is_part(text: &str) -> bool {
    matches!(text.len(), 1..=3)
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

impl Country {
    const RULE: Invalid = Invalid::Rule("a country must be two letters A-Z, as DE");

    fn checked(text: Text<2, 2>) -> Result<Self, Invalid> {
        if is_country(&text) {
            Ok(Self(text))
        } else {
            Err(Self::RULE)
        }
    }
}

impl Region {
    const RULE: Invalid = Invalid::Rule("a region must be a code of ISO 3166, as DE or GB-SCT");

    fn checked(text: Text<6, 2>) -> Result<Self, Invalid> {
        let valid = match text.split_once('-') {
            Some((country, part)) => is_country(country) && is_part(part),
            None => is_country(&text),
        };
        if valid {
            Ok(Self(text))
        } else {
            Err(Self::RULE)
        }
    }

    /// Whether a place in `other` lies in this region: the same region, or a part of this country.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self == other
            || other
                .0
                .split_once('-')
                .is_some_and(|(country, _)| country == &*self.0)
    }
}

macro_rules! code {
    ($name:ident) => {
        impl $name {
            /// The code.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                // Too long or too short is no code either, and that is what helps.
                Self::checked(text.parse().or(Err(Self::RULE))?)
            }
        }

        impl Wire for $name {
            fn put(&self, writer: &mut Writer<'_>) {
                self.0.put(writer);
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
                Self::checked(Wire::take(reader)?)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

code!(Country);
code!(Region);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_the_form_of_iso_3166() {
        for (text, valid) in [
            ("DE", true),
            ("GB-SCT", true),
            ("FR-75", true),
            ("JP-1", true),
            ("de", false),
            ("D", false),
            ("DEU", false),
            ("DE-", false),
            ("DE-ABCD", false),
            ("DE-b", false),
            ("DE-B-C", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<Region>().is_ok(), valid, "{text}");
            assert_eq!(
                text.parse::<Country>().is_ok(),
                valid && text.len() == 2,
                "{text}"
            );
        }
    }

    #[test]
    fn a_country_contains_its_parts() {
        let region = |text: &str| text.parse::<Region>().unwrap();
        assert!(region("GB").contains(&region("GB-SCT")));
        assert!(region("GB").contains(&region("GB")));
        assert!(!region("GB-SCT").contains(&region("GB")));
        assert!(!region("GB").contains(&region("DE-BE")));
    }
}
