//! Delegations (SPEC.md section 5): a partner lets a key of a node act for it for a while. What
//! the node may do is the matter of its role.

use ed25519_dalek::SigningKey;

use super::{KeyChain, PublicKey, Signature, StandingKey, sign};
use crate::{
    code::Code,
    fence::to_bytes,
    hash::{PartnerId, Tag},
    limits::{DAY_MS, DELEGATION_DAYS_MAX},
    value::{Invalid, Time},
    wire, words,
};

words! {
    /// What a delegated key is for.
    pub enum Role {
        /// The Ed25519 key of a libp2p peer id: the node may hold sessions.
        1 Transport "transport",
        /// An X25519 key: customer details may be sealed to it.
        2 Sealing "sealing",
    }
}

/// A key of a node, and for how long it acts for the partner.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delegation {
    role: Role,
    key: [u8; 32],
    key_index: u32,
    not_before: Time,
    not_after: Time,
}

wire!(Delegation { role, key, key_index, not_before, not_after } check);

/// A delegation with the signature of the partner's market key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SignedDelegation {
    delegation: Delegation,
    signature: Signature,
}

wire!(SignedDelegation {
    delegation,
    signature
});

impl Delegation {
    /// A delegation under the market key of an index.
    ///
    /// # Errors
    /// `Rule` for a transport key that is no valid Ed25519 key, a validity that ends before it
    /// begins, or one of more than [`DELEGATION_DAYS_MAX`] days.
    pub fn new(
        role: Role,
        key: [u8; 32],
        key_index: u32,
        not_before: Time,
        not_after: Time,
    ) -> Result<Self, Invalid> {
        let delegation = Self {
            role,
            key,
            key_index,
            not_before,
            not_after,
        };
        delegation.check()?;
        Ok(delegation)
    }

    fn check(&self) -> Result<(), Invalid> {
        if self.role == Role::Transport {
            PublicKey::from_bytes(self.key)?;
        }
        if self.not_before > self.not_after {
            return Err(Invalid::Rule("a delegation must begin before it ends"));
        }
        if self.not_after.ms_since(self.not_before) > DELEGATION_DAYS_MAX * DAY_MS {
            return Err(Invalid::Rule("a delegation must last at most 400 days"));
        }
        Ok(())
    }

    /// What the key is for.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The key: Ed25519 for transport, X25519 for sealing.
    #[must_use]
    pub const fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// The index of the market key that signs.
    #[must_use]
    pub const fn key_index(&self) -> u32 {
        self.key_index
    }

    /// The first moment at which it is valid.
    #[must_use]
    pub const fn not_before(&self) -> Time {
        self.not_before
    }

    /// The last moment at which it is valid.
    #[must_use]
    pub const fn not_after(&self) -> Time {
        self.not_after
    }

    /// Signs it for the partner.
    ///
    /// # Errors
    /// `Rule` if the key is not that of the delegation's index.
    pub fn sign(self, key: &StandingKey, secret: &SigningKey) -> Result<SignedDelegation, Invalid> {
        if key.index() != self.key_index || PublicKey::of(secret) != *key.key() {
            return Err(Invalid::Rule(
                "the key must be that of the delegation's index",
            ));
        }
        let signature = with_signed_parts(key, &self, |parts| sign(secret, Tag::Delegation, parts));
        Ok(SignedDelegation {
            delegation: self,
            signature,
        })
    }
}

fn with_signed_parts<R>(
    key: &StandingKey,
    delegation: &Delegation,
    use_parts: impl FnOnce(&[&[u8]]) -> R,
) -> R {
    let bytes = to_bytes(delegation);
    use_parts(&[key.network().as_bytes(), key.partner().as_bytes(), &bytes])
}

impl SignedDelegation {
    /// What it says, true or not.
    #[must_use]
    pub const fn claimed(&self) -> &Delegation {
        &self.delegation
    }

    /// What it says, if that holds now for this partner and role.
    ///
    /// # Errors
    /// `unknown-keys` or `bad-keys` from the chain; `bad-delegation` for another partner or role,
    /// a key index that is no longer in force, or a time outside its validity; `bad-signature`.
    pub fn check(
        &self,
        partner: PartnerId,
        role: Role,
        chain: &KeyChain,
        now: Time,
    ) -> Result<&Delegation, Code> {
        let delegation = &self.delegation;
        let key = match chain.in_force_at(delegation.key_index) {
            Err(Code::StaleKey) => return Err(Code::BadDelegation),
            key => key?,
        };
        let is_now = delegation.not_before <= now && now <= delegation.not_after;
        if chain.partner() != partner || delegation.role != role || !is_now {
            return Err(Code::BadDelegation);
        }
        with_signed_parts(&key, delegation, |parts| {
            key.key().verify(Tag::Delegation, parts, &self.signature)
        })?;
        Ok(delegation)
    }
}
