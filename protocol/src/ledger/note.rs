//! Checkpoints as C2SP signed notes (SPEC.md section 14): text to sign, text as kept and sent, and
//! one strict reading of it. It keeps out keys, but for the check of a signature, and cosignatures,
//! whose lines this version neither writes nor needs.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::cmp::Ordering;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::base64;
use crate::{
    hash::{NetworkId, PartnerId},
    value::Time,
};

/// Longest note: that of an envelope.
pub const NOTE_BYTES_MAX: usize = 1024;

/// C2SP `signed-note`: what a line of a signature begins with.
const SIGNATURE_MARK: &str = "\u{2014} ";
/// C2SP `signed-note`: algorithm byte of Ed25519.
const ED25519: u8 = 0x01;
/// First part of the origin line.
const ORIGIN: &str = "omni/1/ledger/";

/// What a checkpoint states: the tree over a ledger's entries, when, and in which life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Checkpoint {
    /// The network.
    pub network: NetworkId,
    /// Whose ledger.
    pub partner: PartnerId,
    /// Epoch of the ledger.
    pub epoch: u32,
    /// Entries in the epoch's tree.
    pub size: u64,
    /// Root of that tree.
    pub root: [u8; 32],
    /// Ledger time.
    pub at: Time,
    /// Life of the node.
    pub life: u64,
}

/// A checkpoint with its author's signature, not yet checked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SignedCheckpoint {
    /// What it states.
    pub checkpoint: Checkpoint,
    /// Index of the key that signed it.
    pub key_index: u32,
    /// C2SP key hash.
    pub key_hash: [u8; 4],
    /// The signature over [`Checkpoint::text`].
    pub signature: [u8; 64],
}

/// Why a text is no checkpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum NoteError {
    /// Longer than [`NOTE_BYTES_MAX`].
    #[error("the note has more than {NOTE_BYTES_MAX} bytes")]
    TooLong,
    /// A line is missing, in excess, or not in its one form.
    #[error("the note's line {0} is not as SPEC.md section 14 has it")]
    Line(u8),
    /// The note is another's: network or partner differ from what was expected.
    #[error("the checkpoint is of another network or partner")]
    Origin,
    /// The signature is not that of the key.
    #[error("the checkpoint's signature does not belong to its key")]
    Signature,
}

impl Checkpoint {
    /// The signed text, with its final line feed.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "{ORIGIN}{}/{}/{}\n{}\n{}\nat {}\nlife {:016x}\n",
            self.network,
            self.partner,
            self.epoch,
            self.size,
            base64::encode(&self.root),
            self.at.ms(),
            self.life,
        )
    }

    /// Whether no one ledger has both: two of one life and epoch with one size that differ, or of
    /// which the longer was written before the shorter. Two lives show a restore, which is no lie.
    #[must_use]
    pub fn contradicts(&self, other: &Self) -> bool {
        let is_same_run = (self.network, self.partner, self.epoch, self.life)
            == (other.network, other.partner, other.epoch, other.life);
        is_same_run
            && match self.size.cmp(&other.size) {
                Ordering::Equal => self.root != other.root || self.at != other.at,
                Ordering::Less => self.at > other.at,
                Ordering::Greater => self.at < other.at,
            }
    }

    /// This checkpoint with a signature over [`Checkpoint::text`] by the market key `key`.
    #[must_use]
    pub fn signed(self, key_index: u32, key: &[u8; 32], signature: [u8; 64]) -> SignedCheckpoint {
        SignedCheckpoint {
            checkpoint: self,
            key_index,
            key_hash: key_hash(&key_name(self.partner, key_index), key),
            signature,
        }
    }
}

impl SignedCheckpoint {
    /// The whole note.
    #[must_use]
    pub fn text(&self) -> String {
        let name = key_name(self.checkpoint.partner, self.key_index);
        let mut signature = Vec::from(self.key_hash);
        signature.extend_from_slice(&self.signature);
        format!(
            "{}\n{SIGNATURE_MARK}{name} {}\n",
            self.checkpoint.text(),
            base64::encode(&signature),
        )
    }

    /// Reads a note of `partner` in `network`. Lines of other signatures (cosignatures) after the
    /// author's are passed over.
    ///
    /// # Errors
    /// If the text is not exactly what [`SignedCheckpoint::text`] gives, but for such lines.
    pub fn read(text: &str, network: NetworkId, partner: PartnerId) -> Result<Self, NoteError> {
        if text.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong);
        }
        let mut lines = text.split_terminator('\n');
        let mut line = |number: u8| lines.next().ok_or(NoteError::Line(number));
        let origin = line(1)?;
        let prefix = format!("{ORIGIN}{network}/{partner}/");
        let epoch = origin.strip_prefix(&prefix).ok_or(NoteError::Origin)?;
        let checkpoint = Checkpoint {
            network,
            partner,
            epoch: decimal(epoch).ok_or(NoteError::Line(1))?,
            size: decimal(line(2)?).ok_or(NoteError::Line(2))?,
            root: fixed(line(3)?).ok_or(NoteError::Line(3))?,
            at: line(4)?
                .strip_prefix("at ")
                .and_then(decimal)
                .and_then(|ms| Time::new(ms).ok())
                .ok_or(NoteError::Line(4))?,
            life: line(5)?
                .strip_prefix("life ")
                .and_then(|text| u64::from_str_radix(text, 16).ok())
                .ok_or(NoteError::Line(5))?,
        };
        if !line(6)?.is_empty() {
            return Err(NoteError::Line(6));
        }
        let (name, signature) = line(7)?
            .strip_prefix(SIGNATURE_MARK)
            .and_then(|rest| rest.split_once(' '))
            .ok_or(NoteError::Line(7))?;
        let key_index = name
            .strip_prefix(&format!("{partner}/"))
            .and_then(decimal)
            .ok_or(NoteError::Line(7))?;
        let signature: [u8; 68] = fixed(signature).ok_or(NoteError::Line(7))?;
        let (key_hash, signature) = signature
            .split_first_chunk::<4>()
            .ok_or(NoteError::Line(7))?;
        let note = Self {
            checkpoint,
            key_index,
            key_hash: *key_hash,
            signature: signature.try_into().or(Err(NoteError::Line(7)))?,
        };
        match text.strip_prefix(&note.text()) {
            Some(rest) if are_signatures(rest) => Ok(note),
            Some(_) => Err(NoteError::Line(8)),
            None => Err(NoteError::Line(0)),
        }
    }

    /// Checks the signature against the market key of [`SignedCheckpoint::key_index`].
    ///
    /// # Errors
    /// If the key hash or the signature is not that of `key`.
    pub fn verify(&self, key: &[u8; 32]) -> Result<(), NoteError> {
        let name = key_name(self.checkpoint.partner, self.key_index);
        if self.key_hash != key_hash(&name, key) {
            return Err(NoteError::Signature);
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(key).or(Err(NoteError::Signature))?;
        let signature = ed25519_dalek::Signature::from_bytes(&self.signature);
        key.verify_strict(self.checkpoint.text().as_bytes(), &signature)
            .or(Err(NoteError::Signature))
    }
}

/// The name of a key in a note.
fn key_name(partner: PartnerId, key_index: u32) -> String {
    format!("{partner}/{key_index}")
}

fn key_hash(name: &str, key: &[u8; 32]) -> [u8; 4] {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', ED25519])
        .chain_update(key)
        .finalize()
        .into();
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}

/// A number in the one form in which it is written.
fn decimal<T: core::str::FromStr + ToString>(text: &str) -> Option<T> {
    let number: T = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn fixed<const N: usize>(text: &str) -> Option<[u8; N]> {
    base64::decode(text)?.try_into().ok()
}

fn are_signatures(rest: &str) -> bool {
    rest.is_empty()
        || rest.ends_with('\n')
            && rest
                .split_terminator('\n')
                .all(|line| line.starts_with(SIGNATURE_MARK))
}
