//! The body of a record of any kind, for whoever does not know beforehand what it will read. What a
//! body means is its kind's matter.

use crate::{
    bundle::BundleBody,
    code::Code,
    fence::{Form, Writer},
    public::PublicBody,
    record::{Audience, Body, Kind},
    thread::ThreadBody,
    value::Invalid,
};

/// A body of any kind that this version knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyBody {
    /// Of a public record.
    Public(PublicBody),
    /// Of a record of a thread.
    Thread(ThreadBody),
    /// Of a record of a bundle.
    Bundle(BundleBody),
}

impl Body for AnyBody {
    fn kind(&self) -> Kind {
        match self {
            Self::Public(body) => body.kind(),
            Self::Thread(body) => body.kind(),
            Self::Bundle(body) => body.kind(),
        }
    }

    fn put_body(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Public(body) => body.put_body(writer),
            Self::Thread(body) => body.put_body(writer),
            Self::Bundle(body) => body.put_body(writer),
        }
    }

    fn read(kind: Kind, bytes: &[u8]) -> Result<Form<Self>, Invalid> {
        match kind.audience() {
            Audience::Thread => Ok(ThreadBody::read(kind, bytes)?.map(Self::Thread)),
            Audience::Members => Ok(BundleBody::read(kind, bytes)?.map(Self::Bundle)),
            Audience::Public
            | Audience::PublicOrNamed
            | Audience::Named
            | Audience::AsWithdrawn => Ok(PublicBody::read(kind, bytes)?.map(Self::Public)),
        }
    }
}

impl AnyBody {
    /// Reads a body as the body of a record of this kind, without the record around it.
    ///
    /// # Errors
    /// `unknown-kind` for a kind that this version has only reserved; `malformed`;
    /// `not-canonical`.
    pub fn decode(kind: Kind, bytes: &[u8]) -> Result<Self, Code> {
        if kind.is_reserved() {
            return Err(Code::UnknownKind);
        }
        match Self::read(kind, bytes)? {
            Form::Canonical(body) => Ok(body),
            Form::Other(_) => Err(Code::NotCanonical),
        }
    }

    /// The body's bytes.
    #[must_use]
    pub fn encode(&self) -> alloc::vec::Vec<u8> {
        let mut writer = Writer::default();
        self.put_body(&mut writer);
        writer.into_bytes()
    }
}
