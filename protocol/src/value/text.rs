//! Bounded text: one line ([`Text`]) or several ([`Prose`]). Language, direction and what a
//! terminal makes of it are the shell's matter.

use alloc::{boxed::Box, string::String};
use core::{fmt, ops::Deref, str, str::FromStr};

use super::Invalid;
use crate::fence::{Reader, Wire, Writer};

/// One line of `MIN` to `MAX` bytes of UTF-8: no control character, no U+2028 or U+2029, no white
/// space at either end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MAX: usize, const MIN: usize = 0>(Box<str>);

/// As [`Text`], but line feeds and tabs are allowed inside.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prose<const MAX: usize, const MIN: usize = 0>(Box<str>);

fn check(text: &str, min: usize, max: usize, allowed: &[char]) -> Result<(), Invalid> {
    if text.len() > max {
        return Err(Invalid::TooMany {
            found: text.len() as u64,
            max,
        });
    }
    if text.len() < min {
        return Err(Invalid::TooFew {
            found: text.len(),
            min,
        });
    }
    // Most texts are printed ASCII, which is seen without reading characters, and of many bytes at once.
    let is_plain = text
        .bytes()
        .fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'));
    let edges = [text.as_bytes().first(), text.as_bytes().last()];
    if is_plain && !edges.contains(&Some(&b' ')) {
        return Ok(());
    }
    let forbidden =
        |c: char| (c.is_control() && !allowed.contains(&c)) || matches!(c, '\u{2028}' | '\u{2029}');
    if let Some(at) = text.find(forbidden) {
        return Err(Invalid::Character { at });
    }
    if text.trim().len() != text.len() {
        return Err(Invalid::Edges);
    }
    Ok(())
}

macro_rules! text {
    ($name:ident, $allowed:expr) => {
        impl<const MAX: usize, const MIN: usize> $name<MAX, MIN> {
            /// Keeps a text that follows the rules.
            ///
            /// # Errors
            /// `TooMany` or `TooFew` bytes, `Character` or `Edges`.
            pub fn new(text: impl Into<String>) -> Result<Self, Invalid> {
                let text = text.into();
                check(&text, MIN, MAX, $allowed)?;
                Ok(Self(text.into_boxed_str()))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<const MAX: usize, const MIN: usize> Wire for $name<MAX, MIN> {
            fn put(&self, writer: &mut Writer<'_>) {
                writer.counted_bytes(self.0.as_bytes());
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
                let bytes = reader.counted_bytes(MAX)?;
                Self::new(str::from_utf8(bytes)?)
            }
        }

        impl<const MAX: usize, const MIN: usize> FromStr for $name<MAX, MIN> {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                Self::new(text)
            }
        }

        impl<const MAX: usize, const MIN: usize> Deref for $name<MAX, MIN> {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl<const MAX: usize, const MIN: usize> fmt::Display for $name<MAX, MIN> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl<const MAX: usize, const MIN: usize> fmt::Debug for $name<MAX, MIN> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<const MAX: usize> Default for $name<MAX> {
            fn default() -> Self {
                Self(Box::default())
            }
        }
    };
}

text!(Text, &[]);
text!(Prose, &['\n', '\t']);

impl From<str::Utf8Error> for Invalid {
    fn from(_: str::Utf8Error) -> Self {
        Self::Utf8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_keeps_its_rules() {
        fn check(input: &str, expected: Option<&Invalid>) {
            assert_eq!(
                Text::<8, 1>::new(input).err().as_ref(),
                expected,
                "{input:?}"
            );
        }
        check("a b", None);
        check("Größe", None);
        check("12345678", None);
        check("123456789", Some(&Invalid::TooMany { found: 9, max: 8 }));
        check("größe 12", Some(&Invalid::TooMany { found: 10, max: 8 }));
        check("", Some(&Invalid::TooFew { found: 0, min: 1 }));
        check("a\nb", Some(&Invalid::Character { at: 1 }));
        check("a\tb", Some(&Invalid::Character { at: 1 }));
        check("\u{0}", Some(&Invalid::Character { at: 0 }));
        check("a\u{7f}", Some(&Invalid::Character { at: 1 }));
        check("a\u{85}b", Some(&Invalid::Character { at: 1 }));
        check("a\u{2028}b", Some(&Invalid::Character { at: 1 }));
        check("a\u{2029}b", Some(&Invalid::Character { at: 1 }));
        check(" a", Some(&Invalid::Edges));
        check("a\u{a0}", Some(&Invalid::Edges));
        check(" ", Some(&Invalid::Edges));
    }

    #[test]
    fn prose_has_lines_inside_only() {
        fn check(input: &str, expected: Option<&Invalid>) {
            assert_eq!(
                Prose::<16>::new(input).err().as_ref(),
                expected,
                "{input:?}"
            );
        }
        check("", None);
        check("a\n\tb", None);
        check("a\r\nb", Some(&Invalid::Character { at: 1 }));
        check("a\n", Some(&Invalid::Edges));
        check("\ta", Some(&Invalid::Edges));
        check("a\u{2028}b", Some(&Invalid::Character { at: 1 }));
    }
}
