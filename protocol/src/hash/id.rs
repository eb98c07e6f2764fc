//! One type for each thing that 32 bytes may name, so that none is taken for another.

use core::{fmt, str::FromStr};

use super::{
    Tag, hash,
    text::{self, BadId},
};
use crate::{
    fence::{Reader, Wire, Writer},
    value::Invalid,
};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $shown:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name([u8; 32]);

            impl $name {
                /// The id with these bytes; whether it names anything is not judged.
                #[must_use]
                pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                    Self(bytes)
                }

                /// The bytes.
                #[must_use]
                pub const fn as_bytes(&self) -> &[u8; 32] {
                    &self.0
                }
            }

            impl Wire for $name {
                fn put(&self, writer: &mut Writer<'_>) {
                    self.0.put(writer);
                }

                fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
                    Ok(Self(Wire::take(reader)?))
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    text::$shown::show(&self.0, f)
                }
            }

            impl FromStr for $name {
                type Err = BadId;

                fn from_str(text: &str) -> Result<Self, BadId> {
                    text::$shown::read(text).map(Self)
                }
            }

            impl fmt::Debug for $name {
                /// Enough to tell it from others in a log of a test.
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    let [a, b, c, d, ..] = self.0;
                    write!(f, "{}({a:02x}{b:02x}{c:02x}{d:02x}…)", stringify!($name))
                }
            }
        )*
    };
}

ids! {
    /// A network: the hash of its name.
    NetworkId hexadecimal;
    /// A partner: the hash of its inception. Shown in bech32m, `omni1…`.
    PartnerId partner;
    /// A record: the hash of its network and its bytes, without any signature.
    RecordId hexadecimal;
    /// A thread: the id of the record that opened it.
    ThreadId hexadecimal;
    /// A deal: the id of the Request or firm Proposal under which it is decided.
    DealId hexadecimal;
    /// A manifest: the id of the record that commits a bundle.
    ManifestId hexadecimal;
    /// A bundle before it is committed: the hash of the name that its operator gave it.
    BundleId hexadecimal;
    /// What a slot is about: an article of a price list.
    SubjectId hexadecimal;
    /// The hash of terms.
    TermsHash hexadecimal;
    /// The hash of an entry's header.
    EntryHash hexadecimal;
    /// The hash of an entry's body.
    BodyHash hexadecimal;
    /// The hash that commits to a public key.
    KeyDigest hexadecimal;
    /// A salted commitment to downstream deals in a hold.
    PassedOn hexadecimal;
}

macro_rules! named_by_record {
    ($($name:ident),*) => {
        $(
            impl From<RecordId> for $name {
                fn from(record: RecordId) -> Self {
                    Self(record.0)
                }
            }

            impl From<$name> for RecordId {
                fn from(id: $name) -> Self {
                    Self(id.0)
                }
            }
        )*
    };
}

named_by_record!(ThreadId, DealId, ManifestId);

impl SubjectId {
    /// The subject of what an author has only one of: its Profile, its catalogue head.
    pub const ONLY: Self = Self([0; 32]);
}

impl EntryHash {
    /// What the very first entry of a ledger follows.
    pub const NONE: Self = Self([0; 32]);

    /// That of the entry whose header has these bytes.
    pub(crate) fn of(header: &[u8]) -> Self {
        Self(hash(Tag::Entry, &[header]))
    }
}
