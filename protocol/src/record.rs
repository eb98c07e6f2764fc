//! Records (SPEC.md section 6): signed bytes with an id. What a body means, and who may know of
//! it, is the matter of its kind.
//!
//! Types say what is known of a record: an [`Envelope`] has the form of a record, a [`Signed`] has
//! a body that could be read, a [`Verified`] is its author's. Only [`Signed::verify`] makes the
//! last from the one before.

use alloc::vec::Vec;
use core::ops::Deref;

use crate::{
    code::Code,
    fence::{Form, Reader, Wire as _, Writer},
    hash::{NetworkId, PartnerId, RecordId, Tag, hash},
    limits::RECORD_BYTES_MAX,
    proof::Attested,
    value::Invalid,
};

/// For whom records of a kind are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Everybody.
    Public,
    /// Everybody, or the partners that the record names.
    PublicOrNamed,
    /// The partners that the record names.
    Named,
    /// Whoever the withdrawn record was for.
    AsWithdrawn,
    /// The two partners of a thread.
    Thread,
    /// The partners that a Manifest names.
    Members,
}

/// What a record of a kind replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Replaces {
    /// Nothing, and nothing replaces it.
    Nothing,
    /// The one before it of the same author.
    OfAuthor,
    /// The one before it of the same author and subject.
    OfSubject,
    /// What it withdraws.
    Withdrawn,
}

macro_rules! kinds {
    ($($number:literal $variant:ident $audience:ident $replaces:ident $known:ident;)*) => {
        /// The kind of a record. A reserved kind has its number and no more in this version.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Kind {
            $(#[doc = concat!("`", stringify!($variant), "` of SPEC.md section 8.")]
            $variant = $number,)*
        }

        impl Kind {
            /// All kinds, in the order of SPEC.md.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The kind with this number, if this version has one, reserved or not.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The name in SPEC.md.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)*
                }
            }

            /// For whom its records are.
            #[must_use]
            pub const fn audience(self) -> Audience {
                match self {
                    $(Self::$variant => Audience::$audience,)*
                }
            }

            /// What its records replace; `Nothing` for a reserved kind.
            #[must_use]
            pub const fn replaces(self) -> Replaces {
                match self {
                    $(Self::$variant => Replaces::$replaces,)*
                }
            }

            /// Whether this version knows no more of it than its number.
            #[must_use]
            pub const fn is_reserved(self) -> bool {
                match self {
                    $(Self::$variant => kinds!($known),)*
                }
            }
        }
    };
    (known) => { false };
    (reserved) => { true };
}

kinds! {
    1 KeyEvent Public Nothing known;
    2 Profile Public OfAuthor known;
    3 CatalogueHead Public OfAuthor known;
    4 Offer PublicOrNamed OfSubject known;
    5 Availability PublicOrNamed OfSubject known;
    6 Demand Named Nothing reserved;
    7 Withdrawal AsWithdrawn Withdrawn known;
    8 Introduction Named Nothing reserved;
    9 Evidence Public Nothing known;
    32 Inquiry Thread Nothing known;
    33 Proposal Thread Nothing known;
    34 Question Thread Nothing known;
    35 Answer Thread Nothing known;
    36 Reject Thread Nothing known;
    37 Withdraw Thread Nothing known;
    38 Request Thread Nothing known;
    39 Hold Thread Nothing known;
    40 Commit Thread Nothing known;
    41 Receipt Thread Nothing known;
    42 Refusal Thread Nothing known;
    43 Release Thread Nothing known;
    44 ArmReceipt Members Nothing known;
    45 Lapse Members Nothing known;
    46 Ack Thread Nothing known;
    47 Event Thread Nothing known;
    48 Handover Thread Nothing known;
    49 Manifest Members Nothing known;
}

impl Kind {
    /// The number that travels.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }
}

/// Appends the bytes of a record, field by field.
fn put_record(writer: &mut Writer<'_>, kind: u16, author: PartnerId, body: &[u8]) {
    kind.put(writer);
    author.put(writer);
    writer.counted_bytes(body);
}

/// The id of the record with these bytes in a network, whoever proves it and whenever.
#[must_use]
pub fn record_id(network: &NetworkId, bytes: &[u8]) -> RecordId {
    RecordId::from_bytes(hash(Tag::Record, &[network.as_bytes(), bytes]))
}

/// What may be the body of a record: one structure, or an enum of several. The macros
/// [`body!`](macro@crate::body) and [`bodies!`](macro@crate::bodies) implement it.
pub trait Body: Sized {
    /// The kind of this body.
    fn kind(&self) -> Kind;

    /// Appends the body's bytes.
    fn put_body(&self, writer: &mut Writer<'_>);

    /// Reads a body of a kind that this version knows. The caller has checked the length.
    ///
    /// # Errors
    /// What is wrong with the bytes, or that the kind has no place here: towards a peer both are
    /// `malformed`.
    fn read(kind: Kind, bytes: &[u8]) -> Result<Form<Self>, Invalid>;
}

/// What is said of a kind where another was due.
#[doc(hidden)]
pub const OUT_OF_PLACE: Invalid = Invalid::Rule("a record of this kind has no place here");

/// Makes a structure the body of the records of one kind: `body!(Profile)`. The structure has the
/// kind's name and is [`Wire`](crate::fence::Wire).
#[macro_export]
macro_rules! body {
    ($name:ident) => {
        impl $crate::record::Body for $name {
            fn kind(&self) -> $crate::record::Kind {
                $crate::record::Kind::$name
            }

            fn put_body(&self, writer: &mut $crate::fence::Writer<'_>) {
                $crate::fence::Wire::put(self, writer);
            }

            fn read(
                kind: $crate::record::Kind,
                bytes: &[u8],
            ) -> Result<$crate::fence::Form<Self>, $crate::value::Invalid> {
                if kind != $crate::record::Kind::$name {
                    return Err($crate::record::OUT_OF_PLACE);
                }
                $crate::fence::form(bytes)
            }
        }
    };
}

/// Implements [`Body`] for an enum whose variants hold a body each, named as their kinds:
/// `bodies!(PublicBody { KeyEvent, Profile, Offer })`. A variant may hold a `Box` of its body, and
/// one may hold all bodies of another such enum: `bodies!(… { … } and Bundle(BundleBody))`.
#[macro_export]
macro_rules! bodies {
    ($name:ident { $($variant:ident),+ $(,)? } $(and $more:ident($body:ty))?) => {
        impl $crate::record::Body for $name {
            fn kind(&self) -> $crate::record::Kind {
                match self {
                    $(Self::$variant(_) => $crate::record::Kind::$variant,)+
                    $(Self::$more(body) => <$body as $crate::record::Body>::kind(body),)?
                }
            }

            fn put_body(&self, writer: &mut $crate::fence::Writer<'_>) {
                match self {
                    $(Self::$variant(body) => $crate::fence::Wire::put(body, writer),)+
                    $(Self::$more(body) => {
                        <$body as $crate::record::Body>::put_body(body, writer);
                    })?
                }
            }

            #[allow(
                clippy::wildcard_enum_match_arm,
                reason = "a kind that is not listed has no place here"
            )]
            fn read(
                kind: $crate::record::Kind,
                bytes: &[u8],
            ) -> Result<$crate::fence::Form<Self>, $crate::value::Invalid> {
                match kind {
                    $($crate::record::Kind::$variant => {
                        Ok($crate::fence::form(bytes)?.map(Self::$variant))
                    })+
                    $(kind if kind.audience() == $crate::record::Audience::Members => {
                        let read = <$body as $crate::record::Body>::read(kind, bytes)?;
                        Ok(read.map(Self::$more))
                    })?
                    _ => Err($crate::record::OUT_OF_PLACE),
                }
            }
        }
    };
}

/// Bytes that have the form of a record, with their id. The body is not read yet, and its kind may
/// be unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    id: RecordId,
    kind: u16,
    author: PartnerId,
    /// Where the body begins, which is the rest of the bytes.
    body_at: usize,
    bytes: Vec<u8>,
    is_canonical: bool,
}

impl Envelope {
    /// Reads the outside of a record.
    ///
    /// # Errors
    /// `too-large` or `malformed`. Other forms of the same record are refused by
    /// [`open`](Self::open), after the kind and the body.
    pub fn read(network: &NetworkId, bytes: impl Into<Vec<u8>>) -> Result<Self, Code> {
        let bytes = bytes.into();
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(Code::TooLarge);
        }
        let mut reader = Reader::of(&bytes);
        let kind = u16::take(&mut reader)?;
        let author = PartnerId::take(&mut reader)?;
        let body = reader.counted_bytes(RECORD_BYTES_MAX)?;
        reader.end()?;
        let mut writer = Writer::comparing(&bytes);
        put_record(&mut writer, kind, author, body);
        Ok(Self {
            id: record_id(network, &bytes),
            kind,
            author,
            body_at: bytes.len() - body.len(),
            is_canonical: writer.wrote_the_same(),
            bytes,
        })
    }

    /// The record's id.
    #[must_use]
    pub const fn id(&self) -> RecordId {
        self.id
    }

    /// Who the record says made it.
    #[must_use]
    pub const fn author(&self) -> PartnerId {
        self.author
    }

    /// The record's kind, if this version knows it and has not only reserved it.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        Kind::from_number(self.kind).filter(|kind| !kind.is_reserved())
    }

    /// The bytes as received.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads the body.
    ///
    /// # Errors
    /// In this order: `unknown-kind`; `malformed`, also for a kind that has no place here;
    /// `not-canonical`.
    pub fn open<T: Body>(self) -> Result<Signed<T>, Code> {
        let kind = self.kind().ok_or(Code::UnknownKind)?;
        match T::read(kind, self.bytes.get(self.body_at..).unwrap_or_default())? {
            Form::Canonical(body) if self.is_canonical => Ok(Signed {
                id: self.id,
                author: self.author,
                bytes: self.bytes,
                body,
            }),
            Form::Canonical(_) | Form::Other(_) => Err(Code::NotCanonical),
        }
    }
}

/// A well-formed record. Whether its author made it is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed<T> {
    id: RecordId,
    author: PartnerId,
    bytes: Vec<u8>,
    body: T,
}

impl<T: Body> Signed<T> {
    /// Reads a whole record.
    ///
    /// # Errors
    /// The first that applies of `too-large`, `malformed` (the record), `unknown-kind`,
    /// `malformed` (the body) and `not-canonical`.
    pub fn read(network: &NetworkId, bytes: impl Into<Vec<u8>>) -> Result<Self, Code> {
        Envelope::read(network, bytes)?.open()
    }

    /// Makes a record of one's own.
    ///
    /// # Errors
    /// What is wrong with the body: `TooLarge`, or a rule that it breaks.
    pub fn write(network: &NetworkId, author: PartnerId, body: T) -> Result<Self, Invalid> {
        let mut writer = Writer::default();
        body.put_body(&mut writer);
        let body_bytes = writer.into_bytes();
        // Read back what a partner will read, so that nothing is signed that none accepts.
        if let Form::Other(_) = T::read(body.kind(), &body_bytes)? {
            return Err(Invalid::Rule(
                "a body must have one form, and these bytes are another",
            ));
        }
        let mut writer = Writer::default();
        put_record(&mut writer, body.kind().number(), author, &body_bytes);
        let bytes = writer.into_bytes();
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(Invalid::TooLarge {
                found: bytes.len(),
                bytes_max: RECORD_BYTES_MAX,
            });
        }
        Ok(Self {
            id: record_id(network, &bytes),
            author,
            bytes,
            body,
        })
    }

    /// The kind of its body.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.body.kind()
    }
}

impl<T> Signed<T> {
    /// The record's id.
    #[must_use]
    pub const fn id(&self) -> RecordId {
        self.id
    }

    /// Who the record says made it.
    #[must_use]
    pub const fn author(&self) -> PartnerId {
        self.author
    }

    /// The bytes as received: what is stored and handed on.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the record says.
    #[must_use]
    pub const fn body(&self) -> &T {
        &self.body
    }

    /// Takes the record for its author's, on the strength of a signature that was checked.
    ///
    /// # Errors
    /// `bad-proof` if the signature is over other records or another author's.
    pub fn verify(self, attested: &Attested) -> Result<Verified<T>, Code> {
        if attested.author() != self.author || !attested.covers(self.id) {
            return Err(Code::BadProof);
        }
        Ok(Verified {
            signed: self,
            key_index: attested.key_index(),
        })
    }
}

/// A record that its author made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T> {
    signed: Signed<T>,
    key_index: u32,
}

impl<T> Verified<T> {
    /// Which of its author's keys proved it.
    #[must_use]
    pub const fn key_index(&self) -> u32 {
        self.key_index
    }
}

impl<T> Deref for Verified<T> {
    type Target = Signed<T>;

    fn deref(&self) -> &Signed<T> {
        &self.signed
    }
}
