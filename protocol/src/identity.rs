//! Who a partner is (SPEC.md section 5): an inception that gives it a lasting id, the key events
//! that follow, the nodes and sealing keys that it delegates, and invites. Secret keys come as
//! arguments and are not kept.

mod chain;
mod delegation;
mod invite;
mod keys;
#[cfg(test)]
mod tests;

use ed25519_dalek::SigningKey;

pub use self::{
    chain::{Change, KeyChain, StandingKey},
    delegation::{Delegation, Role, SignedDelegation},
    invite::{BadInvite, Invite, SignedInvite},
    keys::{DigestAlgorithm, KeyAlgorithm, PublicKey, Signature, sign, sign_bytes},
};
use crate::{
    choice,
    fence::to_bytes,
    hash::{KeyDigest, NetworkId, PartnerId, RecordId, Tag, hash},
    proof::{Proof, SignedTree},
    record::Signed,
    value::Invalid,
    wire,
};

/// The first event of a partner, whose hash is the partner's id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inception {
    /// The network in which the partner lives.
    pub network: NetworkId,
    /// The algorithm of its keys.
    pub key_algorithm: KeyAlgorithm,
    /// The algorithm of the digests.
    pub digest_algorithm: DigestAlgorithm,
    /// The key with index 0.
    pub market_key: PublicKey,
    /// Commits to the key with index 1.
    pub next: KeyDigest,
    /// Commits to the recovery key.
    pub recovery: KeyDigest,
}

wire!(Inception {
    network,
    key_algorithm,
    digest_algorithm,
    market_key,
    next,
    recovery
});

impl Inception {
    /// The inception with this version's algorithms.
    #[must_use]
    pub const fn new(
        network: NetworkId,
        market_key: PublicKey,
        next: KeyDigest,
        recovery: KeyDigest,
    ) -> Self {
        Self {
            network,
            key_algorithm: KeyAlgorithm::Ed25519,
            digest_algorithm: DigestAlgorithm::Sha256,
            market_key,
            next,
            recovery,
        }
    }

    /// The partner that begins so.
    #[must_use]
    pub fn partner(&self) -> PartnerId {
        PartnerId::from_bytes(hash(Tag::Partner, &[&to_bytes(self)]))
    }
}

/// Puts the committed key in force and commits the one after it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rotation {
    /// The index of the key, one more than that of the event before.
    pub index: u32,
    /// The event before.
    pub previous: RecordId,
    /// The key that the event before committed to.
    pub market_key: PublicKey,
    /// Commits to the key after this one.
    pub next: KeyDigest,
}

wire!(Rotation {
    index,
    previous,
    market_key,
    next
});

/// Replaces keys that were lost or stolen, from an index on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recovery {
    /// The index of the new market key.
    pub index: u32,
    /// The event with the index before.
    pub previous: RecordId,
    /// The key that the inception, or the last recovery before this one, committed to.
    pub recovery_key: PublicKey,
    /// The new market key, which nothing committed to.
    pub market_key: PublicKey,
    /// Commits to the market key after this one.
    pub next: KeyDigest,
    /// Commits to the recovery key after this one.
    pub recovery: KeyDigest,
}

wire!(Recovery {
    index,
    previous,
    recovery_key,
    market_key,
    next,
    recovery
});

/// The body of a record of the kind `KeyEvent`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyEvent {
    /// The first event.
    Inception(Inception),
    /// The committed key comes into force.
    Rotation(Rotation),
    /// The recovery key settles what went wrong.
    Recovery(Recovery),
}

choice!(KeyEvent { 1 => Inception, 2 => Rotation, 3 => Recovery });
crate::body!(KeyEvent);

impl KeyEvent {
    /// What it is, in a word.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Inception(_) => "inception",
            Self::Rotation(_) => "rotation",
            Self::Recovery(_) => "recovery",
        }
    }

    /// The index of the market key that it brings.
    #[must_use]
    pub const fn index(&self) -> u32 {
        match self {
            Self::Inception(_) => 0,
            Self::Rotation(event) => event.index,
            Self::Recovery(event) => event.index,
        }
    }

    /// The event before, absent for the first.
    #[must_use]
    pub const fn previous(&self) -> Option<RecordId> {
        match self {
            Self::Inception(_) => None,
            Self::Rotation(event) => Some(event.previous),
            Self::Recovery(event) => Some(event.previous),
        }
    }

    /// The market key that it brings.
    #[must_use]
    pub const fn market_key(&self) -> &PublicKey {
        match self {
            Self::Inception(event) => &event.market_key,
            Self::Rotation(event) => &event.market_key,
            Self::Recovery(event) => &event.market_key,
        }
    }

    /// The key that proves the event: it is shown by the event itself.
    #[must_use]
    pub const fn proving_key(&self) -> &PublicKey {
        match self {
            Self::Inception(event) => &event.market_key,
            Self::Rotation(event) => &event.market_key,
            Self::Recovery(event) => &event.recovery_key,
        }
    }

    /// What commits to the market key after this one.
    #[must_use]
    pub const fn next(&self) -> KeyDigest {
        match self {
            Self::Inception(event) => event.next,
            Self::Rotation(event) => event.next,
            Self::Recovery(event) => event.next,
        }
    }

    /// What commits to the recovery key from here on, if the event says.
    #[must_use]
    pub const fn recovery(&self) -> Option<KeyDigest> {
        match self {
            Self::Inception(event) => Some(event.recovery),
            Self::Rotation(_) => None,
            Self::Recovery(event) => Some(event.recovery),
        }
    }
}

/// Makes the record and the proof of a key event of one's own, with the secret half of its
/// [`proving_key`](KeyEvent::proving_key).
///
/// # Errors
/// `Rule` if `secret` is another key.
pub fn sign_event(
    network: NetworkId,
    partner: PartnerId,
    event: KeyEvent,
    secret: &SigningKey,
) -> Result<(Signed<KeyEvent>, Proof), Invalid> {
    let key = StandingKey::new(network, partner, event.index(), *event.proving_key());
    let record = Signed::write(&network, partner, event)?;
    let tree = SignedTree::sign(&key, secret, &[record.id()])?;
    match tree.into_proofs().pop() {
        Some((_, proof)) => Ok((record, proof)),
        None => Err(Invalid::TooFew { found: 0, min: 1 }),
    }
}
