//! Every decoder that meets bytes of others, in one list: the fuzz target drives one of them, and
//! the tests replay the corpus and their own hostile bytes against all. A new decoder is a line
//! here and a folder in `fuzz/corpus`.

use omni_protocol::{
    body::AnyBody,
    code::Code,
    fence::{self, Wire},
    frame::{Frame, Received, decode_page, encode_page},
    hash::NetworkName,
    identity::{SignedDelegation, SignedInvite},
    ledger::EntryHeader,
    limits::{BATCH_BYTES_MAX, INVITE_BYTES_MAX},
    proof::{Batch, Proof},
    record::Signed,
};

/// What a decoder makes of bytes: the bytes of what it read, or why it refused.
pub type Decoder = fn(&[u8]) -> Result<Vec<u8>, Code>;

/// The decoders by name.
pub const DECODERS: &[(&str, Decoder)] = &[
    ("record", record),
    ("proof", |bytes| whole::<Proof>(bytes, 512)),
    ("batch", batch),
    ("page", |bytes| Ok(encode_page(decode_page(bytes)?)?)),
    ("frame", frame),
    ("delegation", |bytes| whole::<SignedDelegation>(bytes, 200)),
    ("invite", |bytes| {
        whole::<SignedInvite>(bytes, INVITE_BYTES_MAX)
    }),
    ("invite-text", invite_text),
    ("entry-header", |bytes| {
        Ok(EntryHeader::from_bytes(bytes)?.to_bytes())
    }),
];

/// The oracle: a decoder does not panic, and what it takes, it gives back.
///
/// # Panics
/// If it gives back other bytes: then two forms mean the same.
pub fn check(name: &str, decode: Decoder, bytes: &[u8]) {
    if let Ok(again) = decode(bytes) {
        assert_eq!(again, bytes, "the decoder of {name} took a second form");
    }
}

fn whole<T: Wire>(bytes: &[u8], max: usize) -> Result<Vec<u8>, Code> {
    Ok(fence::to_bytes(&fence::decode::<T>(bytes, max)?))
}

/// A record of any kind. Its author writes it again, so the body's form is compared too.
fn record(bytes: &[u8]) -> Result<Vec<u8>, Code> {
    let network = NetworkName::new("main")?.id();
    let read = Signed::<AnyBody>::read(&network, bytes)?;
    let author = read.author();
    Ok(Signed::write(&network, author, read.body().clone())?
        .bytes()
        .to_vec())
}

/// A batch, opened and gathered again from its records and their proofs.
fn batch(bytes: &[u8]) -> Result<Vec<u8>, Code> {
    let network = NetworkName::new("main")?.id();
    let batch = fence::decode::<Batch>(bytes, BATCH_BYTES_MAX)?;
    if let Ok(opened) = batch.clone().open(&network) {
        let records = opened.records.iter().map(|record| record.bytes().to_vec());
        let proofs = opened
            .places
            .iter()
            .filter_map(|place| opened.paths.proof(*place));
        let parts = records.zip(proofs).collect();
        return Ok(fence::to_bytes(&Batch::gather(
            &network,
            batch.author(),
            parts,
        )?));
    }
    Ok(fence::to_bytes(&batch))
}

fn frame(bytes: &[u8]) -> Result<Vec<u8>, Code> {
    match Frame::decode(bytes)? {
        Received::Frame(frame) => Ok(frame.encode()?),
        Received::Unknown(_) => Err(Code::UnknownKind),
    }
}

/// The text of an invite. White space is dropped and capitals are taken, so the text that is given
/// back need not be the same; what it says must be.
fn invite_text(bytes: &[u8]) -> Result<Vec<u8>, Code> {
    let text = str::from_utf8(bytes).or(Err(Code::Malformed))?;
    let invite: SignedInvite = text.parse().or(Err(Code::Malformed))?;
    assert_eq!(invite.to_string().parse(), Ok(invite));
    Ok(bytes.to_vec())
}
