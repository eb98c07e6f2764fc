//! Entries, checkpoints and frames as plain structures, as sections 14 and 15 of SPEC.md list them.

use super::bytes::{Id, Reader, hash};

/// The header of an entry with the hash of the entry.
#[derive(Clone, Debug)]
pub struct Entry {
    pub hash: Id,
    pub network: Id,
    pub author: Id,
    pub key_index: u64,
    pub epoch: u64,
    pub life: u64,
    pub sequence: u64,
    pub previous: Id,
    pub at: u64,
    pub counterparty: Option<Id>,
    pub body: Id,
    pub kind: u64,
}

/// Number of the kind Taken.
pub const TAKEN: u64 = 4;

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    Opened,
    Lived(u64),
    Signed(Vec<Id>),
    Taken(Id),
    Counted {
        subject: Id,
        steps: i128,
    },
    Granted,
    Closed(Id),
    WrittenOff(Id),
    Recovered(Vec<Id>),
    /// Places of each slot of a service, and when the slots begin.
    Timetable {
        subject: Id,
        places: i128,
        begins: Vec<u64>,
    },
}

pub fn entry(bytes: &[u8]) -> Option<Entry> {
    let mut reader = Reader::new(bytes);
    if reader.u8()? != 1 {
        return None;
    }
    let (network, author) = (reader.id()?, reader.id()?);
    let (key_index, epoch, life) = (reader.number()?, reader.number()?, reader.number()?);
    let (sequence, previous) = (reader.number()?, reader.id()?);
    let (kind, at) = (reader.number()?, reader.number()?);
    let counterparty = reader.option(Reader::id)?;
    let body = reader.id()?;
    reader.is_at_end().then(|| Entry {
        hash: hash("omni/1/entry", &[bytes]),
        network,
        author,
        key_index,
        epoch,
        life,
        sequence,
        previous,
        at,
        counterparty,
        body,
        kind,
    })
}

pub fn payload(kind: u64, body: &[u8]) -> Option<Payload> {
    let mut reader = Reader::new(body);
    reader.take(16)?;
    let payload = match kind {
        1 => {
            reader.number()?;
            reader.list(Reader::id)?;
            Payload::Opened
        }
        2 => Payload::Lived(reader.number()?),
        3 => Payload::Signed(reader.list(Reader::id)?),
        TAKEN => Payload::Taken(reader.id()?),
        5 => Payload::Counted {
            subject: reader.id()?,
            steps: reader.number()?.into(),
        },
        6 => {
            reader.counted()?;
            Payload::Granted
        }
        7 => Payload::Closed(reader.id()?),
        8 => Payload::WrittenOff(reader.id()?),
        9 => Payload::Recovered(reader.list(Reader::id)?),
        11 => {
            let (subject, places) = (reader.id()?, reader.number()?.into());
            reader.number()?; // minutes
            Payload::Timetable {
                subject,
                places,
                begins: reader.list(Reader::number)?,
            }
        }
        _ => return None,
    };
    reader.is_at_end().then_some(payload)
}

/// A checkpoint, and what its signature stands under.
#[derive(Clone, Debug)]
pub struct Note {
    pub network: String,
    pub partner: String,
    pub epoch: u64,
    pub size: u64,
    pub root: Id,
    pub at: u64,
    pub life: u64,
    pub signer: String,
    pub key_hash: [u8; 4],
    pub signature: Vec<u8>,
    pub signed: Vec<u8>,
}

pub fn note(bytes: &[u8]) -> Option<Note> {
    let text = str::from_utf8(bytes).ok()?;
    let (signed, below) = text.split_once("\n\n")?;
    let signed = format!("{signed}\n");
    let mut lines = signed.lines();
    let origin = lines.next()?.strip_prefix("omni/1/ledger/")?;
    let [network, partner, epoch] = origin.split('/').collect::<Vec<_>>().try_into().ok()?;
    let size = lines.next()?.parse().ok()?;
    let root = base64(lines.next()?)?.try_into().ok()?;
    let at = lines.next()?.strip_prefix("at ")?.parse().ok()?;
    let life = u64::from_str_radix(lines.next()?.strip_prefix("life ")?, 16).ok()?;
    let first = below.lines().next()?.strip_prefix("\u{2014} ")?;
    let (signer, data) = first.split_once(' ')?;
    let data = base64(data)?;
    let (key_hash, signature) = data.split_at_checked(4)?;
    Some(Note {
        network: network.to_owned(),
        partner: partner.to_owned(),
        epoch: epoch.parse().ok()?,
        size,
        root,
        at,
        life,
        signer: signer.to_owned(),
        key_hash: key_hash.try_into().ok()?,
        signature: signature.to_vec(),
        signed: signed.into_bytes(),
    })
}

/// Base64 of RFC 4648, padded.
fn base64(text: &str) -> Option<Vec<u8>> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.trim_end_matches('=').bytes();
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for digit in digits {
        let value = DIGITS.iter().position(|known| *known == digit)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// A head of a ledger.
#[derive(Clone, Debug)]
pub struct Head {
    pub epoch: u64,
    pub size: u64,
    pub last: Id,
}

/// What the auditor looks at in a frame.
#[derive(Clone, Debug)]
pub enum Frame {
    Greeting {
        life: u64,
        head: Head,
    },
    Letter {
        /// The sender's life, and that of the receiver.
        lives: (u64, u64),
        /// The sender's checkpoint as it goes along.
        checkpoint: Vec<u8>,
        /// Bytes of the records, and of those that are attached.
        records: Vec<Vec<u8>>,
        attached: Vec<Vec<u8>>,
    },
    WhatIs {
        records: Vec<Vec<u8>>,
    },
    /// Frames that carry no record of a thread and no head.
    Other,
}

pub fn frame(bytes: &[u8]) -> Option<Frame> {
    let mut reader = Reader::new(bytes);
    match reader.number()? {
        2 => greeting(&mut reader),
        4 => {
            let lives = (reader.number()?, reader.number()?);
            let checkpoint = reader.counted()?.to_vec();
            reader.list(Reader::id)?;
            reader.counted()?;
            let records = reader.list(proved)?;
            let attached = reader.list(proved)?;
            reader.is_at_end().then_some(Frame::Letter {
                lives,
                checkpoint,
                records,
                attached,
            })
        }
        6 => {
            reader.id()?;
            let records = reader.list(proved)?;
            reader.is_at_end().then_some(Frame::WhatIs { records })
        }
        _ => Some(Frame::Other),
    }
}

fn greeting(reader: &mut Reader<'_>) -> Option<Frame> {
    let _between = (reader.id()?, reader.id()?);
    reader.number()?;
    let (life, _answers) = (reader.number()?, reader.number()?);
    let head = Head {
        epoch: reader.number()?,
        size: reader.number()?,
        last: reader.id()?,
    };
    Some(Frame::Greeting { life, head })
}

/// The bytes of a record with its proof; the proof is passed over.
pub fn proved(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    let record = reader.counted()?.to_vec();
    for _ in ["key index", "size", "place"] {
        reader.number()?;
    }
    reader.list(Reader::id)?;
    reader.take(64)?;
    Some(record)
}
