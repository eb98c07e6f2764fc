//! Invites (SPEC.md section 5): what one operator hands another so that their nodes meet without a
//! question. How it is handed over, and who used which token, is the shell's matter.

use alloc::string::String;
use core::{fmt, str::FromStr};

use bech32::{Bech32m, Checksum, Hrp, primitives::decode::CheckedHrpstring};
use ed25519_dalek::SigningKey;
use thiserror::Error;

use super::{KeyChain, PublicKey, Signature, StandingKey, sign};
use crate::{
    code::Code,
    fence::{self, List, to_bytes},
    hash::{NetworkName, PartnerId, Tag},
    limits::{ADDRESS_BYTES_MAX, ADDRESSES_MAX, INVITE_BYTES_MAX},
    value::{Invalid, Text, Time},
    wire,
};

/// Where and how to find a partner, and a token that opens its door once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Invite {
    /// The network of the partner.
    pub network: NetworkName,
    /// Who invites.
    pub partner: PartnerId,
    /// The transport key of its node.
    pub transport_key: PublicKey,
    /// Where the node listens: multiaddrs without the peer.
    pub addresses: List<Text<ADDRESS_BYTES_MAX, 1>, ADDRESSES_MAX>,
    /// When the token ceases to be good.
    pub not_after: Time,
    /// What the invited node shows; good for one partner. A secret until it is used.
    pub token: [u8; 16],
}

wire!(Invite {
    network,
    partner,
    transport_key,
    addresses,
    not_after,
    token
});

/// An invite with the signature of the partner's market key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SignedInvite {
    invite: Invite,
    key_index: u32,
    signature: Signature,
}

wire!(SignedInvite {
    invite,
    key_index,
    signature
});

/// Why a text is no invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadInvite {
    /// A character is missing or mistyped.
    #[error("an invite begins with omniinvite1 and is one word; copy all of it")]
    Text,
    /// The characters are right and the content is not.
    #[error("this invite can't be read: {0} Ask its sender for a new one")]
    Content(Code),
}

impl SignedInvite {
    /// Signs an invite for the partner that it names.
    ///
    /// # Errors
    /// `Rule` for another partner's key or another network's.
    pub fn sign(invite: Invite, key: &StandingKey, secret: &SigningKey) -> Result<Self, Invalid> {
        let is_own = key.partner() == invite.partner && *key.network() == invite.network.id();
        if !is_own || PublicKey::of(secret) != *key.key() {
            return Err(Invalid::Rule(
                "an invite must be signed by the partner that it names",
            ));
        }
        let signature = sign(secret, Tag::Invite, &[&to_bytes(&invite)]);
        Ok(Self {
            invite,
            key_index: key.index(),
            signature,
        })
    }

    /// What it says: enough to dial, and to be checked when the node that answers has shown its
    /// key chain.
    #[must_use]
    pub const fn claimed(&self) -> &Invite {
        &self.invite
    }

    /// Checks it by the key chain that the dialled node showed.
    ///
    /// # Errors
    /// `wrong-network`; `expired`; those of [`KeyChain::in_force_at`]; `bad-keys` for another
    /// partner's chain; `bad-signature`.
    pub fn check(&self, chain: &KeyChain, now: Time) -> Result<&Invite, Code> {
        let key = chain.in_force_at(self.key_index);
        if key
            .as_ref()
            .is_ok_and(|key| *key.network() != self.invite.network.id())
        {
            return Err(Code::WrongNetwork);
        }
        if now > self.invite.not_after {
            return Err(Code::Expired);
        }
        if chain.partner() != self.invite.partner {
            return Err(Code::BadKeys);
        }
        key?.key()
            .verify(Tag::Invite, &[&to_bytes(&self.invite)], &self.signature)?;
        Ok(&self.invite)
    }
}

const INVITE: Hrp = Hrp::parse_unchecked("omniinvite");

/// Bech32m for texts of any length. Its checksum finds every mistyped character up to 1,023 and
/// nearly all beyond; the signature finds the rest.
enum Long {}

impl Checksum for Long {
    type MidstateRepr = u32;
    type CorrectionField = bech32::Fe1024;
    const ROOT_GENERATOR: Self::CorrectionField = Bech32m::ROOT_GENERATOR;
    const ROOT_EXPONENTS: core::ops::RangeInclusive<usize> = Bech32m::ROOT_EXPONENTS;
    const CODE_LENGTH: usize = INVITE_BYTES_MAX * 2;
    const CHECKSUM_LENGTH: usize = Bech32m::CHECKSUM_LENGTH;
    const GENERATOR_SH: [u32; 5] = Bech32m::GENERATOR_SH;
    const TARGET_RESIDUE: u32 = Bech32m::TARGET_RESIDUE;
}

impl fmt::Display for SignedInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bech32::encode_lower_to_fmt::<Long, _>(f, INVITE, &to_bytes(self)).or(Err(fmt::Error))
    }
}

impl FromStr for SignedInvite {
    type Err = BadInvite;

    /// Reads the text; white space around it and line breaks that a mail put in are dropped.
    fn from_str(text: &str) -> Result<Self, BadInvite> {
        let word: String = text.split_whitespace().collect();
        let parsed = CheckedHrpstring::new::<Long>(&word).or(Err(BadInvite::Text))?;
        if parsed.hrp() != INVITE {
            return Err(BadInvite::Text);
        }
        let bytes: alloc::vec::Vec<u8> = parsed.byte_iter().collect();
        fence::decode(&bytes, INVITE_BYTES_MAX).map_err(BadInvite::Content)
    }
}
