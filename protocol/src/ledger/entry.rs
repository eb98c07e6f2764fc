//! Entries (SPEC.md section 14): header, body and the bytes of the records that they name. It keeps
//! out what an entry changes, which is `apply`'s.

use alloc::{boxed::Box, vec::Vec};

use crate::{
    code::Code,
    deal::timetable::Timetable,
    fence::{self, List, Reader, Wire, Writer},
    hash::{BodyHash, DealId, EntryHash, NetworkId, PartnerId, RecordId, SubjectId, Tag, hash},
    value::{Invalid, Prose, Time},
    wire, words,
};

/// Bytes of a header: five ids and nine short fields fit with room to spare.
const HEADER_BYTES_MAX: usize = 512;
/// Bytes of a body: 256 ids, or 512 times, and little else.
const BODY_BYTES_MAX: usize = 16_384;
/// Most ids that one entry names.
pub const ENTRY_IDS_MAX: usize = 256;
/// Bytes of a grant's text.
pub const GRANT_BYTES_MAX: usize = 512;

/// The header of an entry, whose hash stands in the chain and in the tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct EntryHeader {
    /// Layout of the header: always 1.
    pub version: Version,
    /// The network.
    pub network: NetworkId,
    /// Whose ledger this is.
    pub author: PartnerId,
    /// Index of the author's key in force.
    pub key_index: u32,
    /// Epoch.
    pub epoch: u32,
    /// Life of the node that wrote it.
    pub life: u64,
    /// Number within the epoch, from 0.
    pub sequence: u64,
    /// Hash of the entry before it; 32 zero bytes for the very first.
    pub previous: EntryHash,
    /// Kind of the payload.
    pub kind: EntryKind,
    /// Ledger time; never descends.
    pub at: Time,
    /// The partner whom it concerns, if it is one.
    pub counterparty: Option<PartnerId>,
    /// Hash of the body.
    pub body: BodyHash,
}

words! {
    /// What an entry states, by the number that SPEC.md gives it.
    pub enum EntryKind {
        /// An epoch begins.
        1 Opened "Opened",
        /// A life begins.
        2 Lived "Lived",
        /// Own records were signed.
        3 Signed "Signed",
        /// A partner's record was taken.
        4 Taken "Taken",
        /// Stock was counted.
        5 Counted "Counted",
        /// The operator granted a partner something, or took it back.
        6 Granted "Granted",
        /// A hold was closed without a signature.
        7 Closed "Closed",
        /// A deal in doubt was written off.
        8 WrittenOff "WrittenOff",
        /// Own records came back from a partner.
        9 Recovered "Recovered",
        /// The slots of a calendar were reckoned.
        11 Timetable "Timetable",
    }
}

words! {
    /// Why an epoch was opened.
    pub enum Reason {
        /// The ledger begins.
        1 New "new",
        /// A gap could not be filled.
        2 Recovery "recovery",
    }
}

/// What an entry states.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Payload {
    /// An epoch begins, with the deals known to be open.
    Opened {
        /// Why.
        reason: Reason,
        /// The deals.
        open: List<DealId, ENTRY_IDS_MAX>,
    },
    /// A life begins.
    Lived {
        /// Its 64 random bits.
        life: u64,
    },
    /// Own records.
    Signed(List<RecordId, ENTRY_IDS_MAX>),
    /// A partner's record.
    Taken(RecordId),
    /// Steps counted of the article with this subject.
    Counted {
        /// Subject of its offer.
        subject: SubjectId,
        /// Steps, 0 to `STEPS_MAX`.
        steps: u64,
    },
    /// A grant to the counterparty, as text.
    Granted(Prose<GRANT_BYTES_MAX>),
    /// A hold closed without a signature, by its deal id.
    Closed(DealId),
    /// A deal written off.
    WrittenOff(DealId),
    /// Own records that a partner showed.
    Recovered(List<RecordId, ENTRY_IDS_MAX>),
    /// The slots of an offer's calendar that are still to come.
    Timetable {
        /// Subject of the offer.
        subject: SubjectId,
        /// The slots; empty for none.
        table: Timetable,
    },
}

impl Payload {
    /// The kind that the header states.
    #[must_use]
    pub const fn kind(&self) -> EntryKind {
        match self {
            Self::Opened { .. } => EntryKind::Opened,
            Self::Lived { .. } => EntryKind::Lived,
            Self::Signed(_) => EntryKind::Signed,
            Self::Taken(_) => EntryKind::Taken,
            Self::Counted { .. } => EntryKind::Counted,
            Self::Granted(_) => EntryKind::Granted,
            Self::Closed(_) => EntryKind::Closed,
            Self::WrittenOff(_) => EntryKind::WrittenOff,
            Self::Recovered(_) => EntryKind::Recovered,
            Self::Timetable { .. } => EntryKind::Timetable,
        }
    }

    /// The ids of the records whose bytes come with the entry.
    #[must_use]
    pub fn records(&self) -> &[RecordId] {
        match self {
            Self::Signed(ids) | Self::Recovered(ids) => ids,
            Self::Taken(id) => core::slice::from_ref(id),
            Self::Opened { .. }
            | Self::Lived { .. }
            | Self::Counted { .. }
            | Self::Granted(_)
            | Self::Closed(_)
            | Self::WrittenOff(_)
            | Self::Timetable { .. } => &[],
        }
    }
}

/// The one layout of headers that this version knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Version;

impl Version {
    const NUMBER: u8 = 1;
}

impl Wire for Version {
    fn put(&self, writer: &mut Writer<'_>) {
        Self::NUMBER.put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        match u8::take(reader)? {
            Self::NUMBER => Ok(Self),
            _ => Err(Invalid::Word {
                what: "version of an entry's header",
            }),
        }
    }
}

wire!(EntryHeader {
    version,
    network,
    author,
    key_index,
    epoch,
    life,
    sequence,
    previous,
    kind,
    at,
    counterparty,
    body,
});

impl EntryHeader {
    /// The header from its bytes.
    ///
    /// # Errors
    /// Those of [`fence::decode`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Code> {
        fence::decode(bytes, HEADER_BYTES_MAX)
    }

    /// The bytes that are hashed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        fence::to_bytes(self)
    }

    /// The entry's hash, by which the next entry and the tree name it.
    #[must_use]
    pub fn hash(&self) -> EntryHash {
        EntryHash::of(&self.to_bytes())
    }
}

/// The body of an entry, kept apart from its header so that it can go when its windows are over.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct EntryBody {
    /// Random; without it a body could be guessed from its hash.
    pub salt: [u8; 16],
    /// What the entry states.
    pub payload: Payload,
}

impl EntryBody {
    /// The body of an entry of this kind from its bytes.
    ///
    /// # Errors
    /// Those of [`fence::decode`].
    pub fn from_bytes(kind: EntryKind, bytes: &[u8]) -> Result<Self, Code> {
        let (salt, payload) = bytes.split_first_chunk::<16>().ok_or(Code::Malformed)?;
        Ok(Self {
            salt: *salt,
            payload: Payload::from_bytes(kind, payload)?,
        })
    }

    /// The bytes that are hashed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from(self.salt);
        bytes.append(&mut self.payload.to_bytes());
        bytes
    }

    /// The hash that stands in the header.
    #[must_use]
    pub fn hash(&self) -> BodyHash {
        BodyHash::from_bytes(hash(Tag::EntryBody, &[&self.to_bytes()]))
    }
}

/// The payload of [`Payload::Opened`] as it is written.
struct OpenedWire {
    reason: Reason,
    open: List<DealId, ENTRY_IDS_MAX>,
}

wire!(OpenedWire { reason, open });

/// The payload of [`Payload::Counted`] as it is written.
struct CountedWire {
    subject: SubjectId,
    steps: u64,
}

wire!(CountedWire { subject, steps });

/// The payload of [`Payload::Timetable`] as it is written.
struct TimetableWire {
    subject: SubjectId,
    table: Timetable,
}

wire!(TimetableWire { subject, table });

impl Payload {
    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Opened { reason, open } => fence::to_bytes(&OpenedWire {
                reason: *reason,
                open: open.clone(),
            }),
            Self::Lived { life } => fence::to_bytes(life),
            Self::Signed(ids) | Self::Recovered(ids) => fence::to_bytes(ids),
            Self::Taken(id) => fence::to_bytes(id),
            Self::Counted { subject, steps } => fence::to_bytes(&CountedWire {
                subject: *subject,
                steps: *steps,
            }),
            Self::Granted(text) => fence::to_bytes(text),
            Self::Closed(deal) | Self::WrittenOff(deal) => fence::to_bytes(deal),
            Self::Timetable { subject, table } => fence::to_bytes(&TimetableWire {
                subject: *subject,
                table: table.clone(),
            }),
        }
    }

    fn from_bytes(kind: EntryKind, bytes: &[u8]) -> Result<Self, Code> {
        fn of<T: Wire>(bytes: &[u8]) -> Result<T, Code> {
            fence::decode(bytes, BODY_BYTES_MAX)
        }
        Ok(match kind {
            EntryKind::Opened => {
                let OpenedWire { reason, open } = of(bytes)?;
                Self::Opened { reason, open }
            }
            EntryKind::Lived => Self::Lived { life: of(bytes)? },
            EntryKind::Signed => Self::Signed(of(bytes)?),
            EntryKind::Taken => Self::Taken(of(bytes)?),
            EntryKind::Counted => {
                let CountedWire { subject, steps } = of(bytes)?;
                Self::Counted { subject, steps }
            }
            EntryKind::Granted => Self::Granted(of(bytes)?),
            EntryKind::Closed => Self::Closed(of(bytes)?),
            EntryKind::WrittenOff => Self::WrittenOff(of(bytes)?),
            EntryKind::Recovered => Self::Recovered(of(bytes)?),
            EntryKind::Timetable => {
                let TimetableWire { subject, table } = of(bytes)?;
                Self::Timetable { subject, table }
            }
        })
    }
}

/// A record that an entry names, with what proves it where that is known.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Carried {
    /// The record's bytes, as received or made.
    pub bytes: Box<[u8]>,
    /// The proof's bytes: a partner's come with its record, own ones are made when the batch closes.
    pub proof: Option<Box<[u8]>>,
}

/// A whole entry: header, body, and the records that its payload names, in that order.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Entry {
    /// The header.
    pub header: EntryHeader,
    /// The body.
    pub body: EntryBody,
    /// The bytes of [`Payload::records`], one for each.
    pub records: Vec<Carried>,
}
