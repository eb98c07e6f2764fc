//! Public keys, signatures, and the one strict way to check them. Where secret keys are kept is
//! the shell's matter; here they are arguments.

use core::fmt;

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};

use crate::{
    code::Code,
    fence::{Reader, Wire, Writer},
    hash::{KeyDigest, Tag, hash, tagged},
    value::Invalid,
    words,
};

words! {
    /// The algorithm of a key.
    pub enum KeyAlgorithm {
        /// Ed25519 (RFC 8032).
        1 Ed25519 "ed25519",
    }
}

words! {
    /// The algorithm of digests and ids.
    pub enum DigestAlgorithm {
        /// SHA-256.
        1 Sha256 "sha-256",
    }
}

/// An Ed25519 public key in its one canonical form and not of small order, so that it belongs to
/// somebody.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// # Errors
    /// `Rule` for bytes that are no key, a second form of one, or a key of small order.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, Invalid> {
        const RULE: Invalid = Invalid::Rule("a key must be a canonical Ed25519 key of full order");
        if !has_canonical_y(&bytes) {
            return Err(RULE);
        }
        let key = VerifyingKey::from_bytes(&bytes).or(Err(RULE))?;
        if key.is_weak() {
            return Err(RULE);
        }
        Ok(Self(key))
    }

    /// The public half of a secret key.
    #[must_use]
    pub fn of(secret: &SigningKey) -> Self {
        Self(secret.verifying_key())
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// What commits to the key before it is shown: `H(omni/1/key; 1 as two bytes, key)`.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        let algorithm = KeyAlgorithm::Ed25519.number().to_le_bytes();
        KeyDigest::from_bytes(hash(Tag::Key, &[&algorithm, self.as_bytes()]))
    }

    /// Checks a signature over tagged bytes by the strict rules of SPEC.md section 3.
    ///
    /// # Errors
    /// `bad-signature`.
    pub fn verify(&self, tag: Tag, parts: &[&[u8]], signature: &Signature) -> Result<(), Code> {
        self.verify_bytes(&tagged(tag, parts), signature)
    }

    /// Checks a signature over bytes that bring their own tag, as a checkpoint's note does.
    ///
    /// # Errors
    /// `bad-signature`.
    pub fn verify_bytes(&self, bytes: &[u8], signature: &Signature) -> Result<(), Code> {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0
            .verify_strict(bytes, &signature)
            .or(Err(Code::BadSignature))
    }
}

/// Whether the y coordinate is below p = 2^255 − 19. The curve library reduces it instead, so it
/// would take two forms of a few keys.
fn has_canonical_y(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    !(*first >= 0xed && middle.iter().all(|b| *b == 0xff) && last & 0x7f == 0x7f)
}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Wire for PublicKey {
    fn put(&self, writer: &mut Writer<'_>) {
        self.as_bytes().put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        Self::from_bytes(Wire::take(reader)?)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.as_bytes();
        write!(f, "PublicKey({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// An Ed25519 signature. That it is anybody's is not known before [`PublicKey::verify`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature([u8; 64]);

impl Signature {
    /// A signature by its bytes, unchecked.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl Wire for Signature {
    fn put(&self, writer: &mut Writer<'_>) {
        self.0.put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        Ok(Self(Wire::take(reader)?))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "Signature({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// Signs tagged bytes. The same key and bytes always give the same signature.
#[must_use]
pub fn sign(secret: &SigningKey, tag: Tag, parts: &[&[u8]]) -> Signature {
    sign_bytes(secret, &tagged(tag, parts))
}

/// Signs bytes that bring their own tag, as a checkpoint's note does.
#[must_use]
pub fn sign_bytes(secret: &SigningKey, bytes: &[u8]) -> Signature {
    Signature(secret.sign(bytes).to_bytes())
}
