//! The only way between bytes and values (SPEC.md section 2), and the only place that names
//! bincode. It knows no kind of record and no meaning.
//!
//! A value is written and read field by field through [`Wire`]. Only types with a bound of their
//! own implement it, so a float, a map, a plain string or a plain vector in a structure does not
//! compile. [`wire!`](crate::wire) writes the implementation for a structure.

mod bounded;
mod macros;
#[cfg(test)]
mod tests;

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use bincode::{
    Decode, Encode, config,
    de::{Decoder, DecoderImpl, read::Reader as Source},
    enc::{EncoderImpl, write::Writer as Sink},
    error::{DecodeError, EncodeError},
};

pub use self::bounded::{Bytes, List, Set};
use crate::{code::Code, limits::PAGE_PLAIN_BYTES_MAX, value::Invalid};

/// What has exactly one form in bytes.
///
/// `put` writes that form, at least one byte; `take` reads it back and refuses what no valid value
/// has. `take` may accept other forms too (a longer integer): [`decode`] compares afterwards.
pub trait Wire: Sized {
    /// Appends the value's bytes.
    fn put(&self, writer: &mut Writer<'_>);

    /// Reads one value.
    ///
    /// # Errors
    /// What is wrong with the bytes; towards a peer all of it is [`Code::Malformed`].
    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid>;
}

/// The bytes of a value, at most `bytes_max` of them. What this returns, [`decode`] accepts with
/// the same `bytes_max`: the bytes are read back here, so rules between fields are checked too.
///
/// # Errors
/// `TooLarge` above `bytes_max`, else the rule that the value breaks.
pub fn encode<T: Wire>(value: &T, bytes_max: usize) -> Result<Vec<u8>, Invalid> {
    let bytes = to_bytes(value);
    if bytes.len() > bytes_max {
        return Err(Invalid::TooLarge {
            found: bytes.len(),
            bytes_max,
        });
    }
    match form::<T>(&bytes)? {
        Form::Canonical(_) => Ok(bytes),
        Form::Other(_) => Err(Invalid::Rule(
            "it must have one form, and these bytes are another",
        )),
    }
}

/// Reads a whole structure that may have at most `bytes_max` bytes.
///
/// # Errors
/// In this order: `too-large` before anything is read; `malformed` for what can't be read, breaks
/// a rule of the structure, or is followed by more; `not-canonical` for a second spelling.
pub fn decode<T: Wire>(bytes: &[u8], bytes_max: usize) -> Result<T, Code> {
    if bytes.len() > bytes_max {
        return Err(Code::TooLarge);
    }
    match form::<T>(bytes)? {
        Form::Canonical(value) => Ok(value),
        Form::Other(_) => Err(Code::NotCanonical),
    }
}

/// The bytes of a value that is part of something checked as a whole: what is hashed or signed.
/// What is sent or stored goes through [`encode`].
#[must_use]
pub fn to_bytes<T: Wire>(value: &T) -> Vec<u8> {
    let mut writer = Writer::default();
    value.put(&mut writer);
    writer.into_bytes()
}

/// A structure that could be read, by whether the bytes were its one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form<T> {
    /// The bytes are the form.
    Canonical(T),
    /// The bytes say the same in another way.
    Other(T),
}

impl<T> Form<T> {
    /// The same in what was read.
    pub fn map<U>(self, wrap: impl FnOnce(T) -> U) -> Form<U> {
        match self {
            Self::Canonical(value) => Form::Canonical(wrap(value)),
            Self::Other(value) => Form::Other(wrap(value)),
        }
    }
}

/// Reads bytes that are exactly one structure, and encodes it again to compare. The two answers
/// are apart because the codes of a record say first whether it can be read at all. The caller has
/// checked the length.
///
/// # Errors
/// What is wrong with the bytes.
pub fn form<T: Wire>(bytes: &[u8]) -> Result<Form<T>, Invalid> {
    let mut reader = Reader::of(bytes);
    let value = T::take(&mut reader)?;
    reader.end()?;
    let mut writer = Writer::comparing(bytes);
    value.put(&mut writer);
    Ok(if writer.wrote_the_same() {
        Form::Canonical(value)
    } else {
        Form::Other(value)
    })
}

/// bincode claims up to eight bytes for an integer that takes one, so the largest structure, an
/// opened page, may claim eight times its size. Lengths are bounded here before that.
const CLAIM_BYTES_MAX: usize = 8 * PAGE_PLAIN_BYTES_MAX;
/// Room for most values, so that few grow as they are written.
const BYTES_AIM: usize = 128;
const CONFIG: Limited = config::standard().with_limit::<CLAIM_BYTES_MAX>();

type Limited =
    config::Configuration<config::LittleEndian, config::Varint, config::Limit<CLAIM_BYTES_MAX>>;

/// Where bytes are appended, or compared with those that are expected.
pub struct Writer<'a>(EncoderImpl<Output<'a>, Limited>);

/// Where bytes are taken from, front to back.
pub struct Reader<'a>(DecoderImpl<Input<'a>, Limited, ()>);

enum Output<'a> {
    Kept(Vec<u8>),
    /// What is still expected; `None` once something else was written.
    Compared(Option<&'a [u8]>),
}

struct Input<'a> {
    rest: &'a [u8],
}

impl Default for Writer<'_> {
    fn default() -> Self {
        let output = Output::Kept(Vec::with_capacity(BYTES_AIM));
        Self(EncoderImpl::new(output, CONFIG))
    }
}

impl<'a> Writer<'a> {
    /// Compares what is written with these bytes, and keeps none of it.
    pub(crate) fn comparing(bytes: &'a [u8]) -> Self {
        Self(EncoderImpl::new(Output::Compared(Some(bytes)), CONFIG))
    }

    /// Whether all of the bytes that it compares with were written, and nothing else.
    pub(crate) fn wrote_the_same(self) -> bool {
        matches!(self.0.into_writer(), Output::Compared(Some([])))
    }

    /// What was appended; nothing of what was compared.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self.0.into_writer() {
            Output::Kept(bytes) => bytes,
            Output::Compared(_) => Vec::new(),
        }
    }

    #[expect(
        clippy::expect_used,
        reason = "no write fails, and no float is written"
    )]
    fn primitive<T: Encode + ?Sized>(&mut self, value: &T) {
        value.encode(&mut self.0).expect("no write fails");
    }

    /// A length, then the bytes.
    pub(crate) fn counted_bytes(&mut self, bytes: &[u8]) {
        self.primitive(bytes);
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self(DecoderImpl::new(Input { rest: bytes }, CONFIG, ()))
    }

    /// Nothing is left.
    pub(crate) fn end(&mut self) -> Result<(), Invalid> {
        if self.remaining() > 0 {
            return Err(Invalid::Rule("nothing may follow it"));
        }
        Ok(())
    }

    fn primitive<T: Decode<()>>(&mut self) -> Result<T, Invalid> {
        Ok(T::decode(&mut self.0)?)
    }

    /// How many bytes are left.
    #[must_use]
    pub fn remaining(&mut self) -> usize {
        self.0.reader().rest.len()
    }

    /// A length of at most `max`, of which each unit takes at least one of the bytes left.
    pub(crate) fn length(&mut self, max: usize) -> Result<usize, Invalid> {
        let found = u64::take(self)?;
        match usize::try_from(found) {
            Ok(length) if length > max => Err(Invalid::TooMany { found, max }),
            Ok(length) if length <= self.remaining() => Ok(length),
            _ => Err(Invalid::CutShort),
        }
    }

    /// A length of at most `max`, then so many bytes, not yet copied.
    pub(crate) fn counted_bytes(&mut self, max: usize) -> Result<&'a [u8], Invalid> {
        let length = self.length(max)?;
        let input = self.0.reader();
        let (bytes, rest) = input
            .rest
            .split_at_checked(length)
            .ok_or(Invalid::CutShort)?;
        input.rest = rest;
        Ok(bytes)
    }

    /// The bytes that are left, to compare what items took of them.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        self.0.reader().rest
    }
}

impl Sink for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        match self {
            Self::Kept(kept) => kept.extend_from_slice(bytes),
            Self::Compared(expected) => {
                *expected = expected.and_then(|expected| expected.strip_prefix(bytes));
            }
        }
        Ok(())
    }
}

impl Source for Input<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), DecodeError> {
        let missing = bytes.len().saturating_sub(self.rest.len());
        let (head, rest) =
            self.rest
                .split_at_checked(bytes.len())
                .ok_or(DecodeError::UnexpectedEnd {
                    additional: missing,
                })?;
        bytes.copy_from_slice(head);
        self.rest = rest;
        Ok(())
    }

    fn peek_read(&mut self, count: usize) -> Option<&[u8]> {
        self.rest.get(..count)
    }

    fn consume(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }
}

impl From<DecodeError> for Invalid {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others come of types not used here"
    )]
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::UnexpectedEnd { .. } => Self::CutShort,
            DecodeError::InvalidBooleanValue(_) => Self::Rule("a bool must be 0 or 1"),
            DecodeError::InvalidIntegerType { .. } => {
                Self::Rule("an integer must not be wider than its field")
            }
            _ => Self::Rule("its bytes must be those of this encoding"),
        }
    }
}

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

macro_rules! primitives {
    ($($type:ty),*) => {
        $(impl Wire for $type {
            fn put(&self, writer: &mut Writer<'_>) {
                writer.primitive(self);
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
                reader.primitive()
            }
        })*
    };
}

primitives!(u8, u16, u32, u64, i64, bool);

impl<const N: usize> Wire for [u8; N] {
    fn put(&self, writer: &mut Writer<'_>) {
        writer.primitive(self);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        reader.primitive()
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, writer: &mut Writer<'_>) {
        self.is_some().put(writer);
        if let Some(value) = self {
            value.put(writer);
        }
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        if bool::take(reader)? {
            Ok(Some(T::take(reader)?))
        } else {
            Ok(None)
        }
    }
}

impl<T: Wire> Wire for Box<T> {
    fn put(&self, writer: &mut Writer<'_>) {
        self.as_ref().put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        Ok(Self::new(T::take(reader)?))
    }
}
