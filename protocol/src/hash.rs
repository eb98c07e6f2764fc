//! Hashes with their tags, and the ids that they make (SPEC.md section 3). It signs nothing and
//! knows no structure.

mod id;
mod text;

use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest, Sha256};

pub use self::id::{
    BodyHash, BundleId, DealId, EntryHash, KeyDigest, ManifestId, NetworkId, PartnerId, PassedOn,
    RecordId, SubjectId, TermsHash, ThreadId,
};
pub use self::text::{BadId, Beginning};
use crate::{
    limits::NETWORK_NAME_BYTES_MAX,
    value::{Invalid, Text},
};

macro_rules! tags {
    ($($(#[$doc:meta])* $variant:ident $text:literal;)*) => {
        /// What a hash or a signature is made for. Its text stands in front of what is hashed, so
        /// bytes made for one purpose serve no other.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Tag {
            $($(#[$doc])* $variant,)*
        }

        impl Tag {
            /// All tags, in the order of SPEC.md.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The text of the tag.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

tags! {
    /// Network id, over the network's name.
    Network "omni/1/network";
    /// Partner id, over the inception.
    Partner "omni/1/partner";
    /// The digest that commits to a key.
    Key "omni/1/key";
    /// Record id.
    Record "omni/1/record";
    /// The signature under records.
    Proof "omni/1/proof";
    /// The signature under a delegation.
    Delegation "omni/1/delegation";
    /// The signature under a greeting.
    Greeting "omni/1/greeting";
    /// The signature under `Lost` and `Rejected`.
    Notice "omni/1/notice";
    /// The signature under an invite.
    Invite "omni/1/invite";
    /// Subject of a slot.
    Subject "omni/1/subject";
    /// Fingerprint of a set.
    Fingerprint "omni/1/fingerprint";
    /// Terms hash.
    Terms "omni/1/terms";
    /// The commitment in a hold.
    PassedOn "omni/1/passed-on";
    /// Entry hash.
    Entry "omni/1/entry";
    /// Body hash of an entry.
    EntryBody "omni/1/entry-body";
    /// Associated data of a sealed body.
    Handover "omni/1/handover";
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `H(tag; parts…)`: SHA-256 over the tag, a zero byte, and the parts one after another.
///
/// Each part but the last has a fixed length or ends itself; the caller sees to that.
#[must_use]
pub fn hash(tag: Tag, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(tag.as_str());
    hasher.update([0]);
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The bytes that [`hash`] hashes: what a signature with this tag is made over.
#[must_use]
pub fn tagged(tag: Tag, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::from(tag.as_str());
    bytes.push(0);
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// SHA-256 without a tag: for trees, whose nodes are marked by their own first byte, and for
/// content that others hash too.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The name of a network: 1 to 32 characters of `a-z 0-9 -`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NetworkName(Text<NETWORK_NAME_BYTES_MAX, 1>);

impl NetworkName {
    /// # Errors
    /// `TooMany`, `TooFew`, or `Rule` for other characters.
    pub fn new(name: &str) -> Result<Self, Invalid> {
        Self::checked(name.parse()?)
    }

    fn checked(name: Text<NETWORK_NAME_BYTES_MAX, 1>) -> Result<Self, Invalid> {
        if name
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        {
            Ok(Self(name))
        } else {
            Err(Invalid::Rule(
                "the name of a network must be of the characters a-z 0-9 -",
            ))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id by which records and signatures are bound to the network.
    #[must_use]
    pub fn id(&self) -> NetworkId {
        NetworkId::from_bytes(hash(Tag::Network, &[self.0.as_bytes()]))
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl crate::fence::Wire for NetworkName {
    fn put(&self, writer: &mut crate::fence::Writer<'_>) {
        self.0.put(writer);
    }

    fn take(reader: &mut crate::fence::Reader<'_>) -> Result<Self, Invalid> {
        Self::checked(crate::fence::Wire::take(reader)?)
    }
}
