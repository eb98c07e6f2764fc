//! Notices: signed words about a record or a deal that are no records themselves and decide
//! nothing.

use ed25519_dalek::SigningKey;

use crate::{
    code::Code,
    fence::to_bytes,
    hash::{PartnerId, RecordId, Tag},
    identity::{KeyChain, PublicKey, Signature, StandingKey, sign},
    thread::Life,
    value::{Invalid, Time},
    wire, words,
};

words! {
    /// What a notice says.
    pub enum NoticeWhat {
        /// The author lacks what it once signed about the deal. It is no decision.
        1 Lost "Lost",
        /// The record was not taken; it goes to the operator's inbox.
        2 Rejected "Rejected",
    }
}

/// A word about a record or a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Notice {
    /// What it says.
    pub what: NoticeWhat,
    /// The author.
    pub from: PartnerId,
    /// The receiver.
    pub to: PartnerId,
    /// Index of the author's key.
    pub key_index: u32,
    /// The author's present life.
    pub life: Life,
    /// The record that was rejected, or the deal of which something was lost.
    pub about: RecordId,
    /// Why.
    pub code: Code,
    /// When it was made, by the author's ledger time.
    pub at: Time,
}

wire!(Notice {
    what,
    from,
    to,
    key_index,
    life,
    about,
    code,
    at
});

/// A notice with its author's signature, not yet checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignedNotice {
    notice: Notice,
    signature: Signature,
}

wire!(SignedNotice { notice, signature });

impl Notice {
    /// Signs it.
    ///
    /// # Errors
    /// `Rule` if the key is not that of its author and index.
    pub fn sign(self, key: &StandingKey, secret: &SigningKey) -> Result<SignedNotice, Invalid> {
        let named = (self.from, self.key_index) == (key.partner(), key.index());
        if !named || PublicKey::of(secret) != *key.key() {
            return Err(Invalid::Rule(
                "the key must be that of the notice's author and index",
            ));
        }
        let parts = [key.network().as_bytes(), &*to_bytes(&self)];
        let signature = sign(secret, Tag::Notice, &parts);
        Ok(SignedNotice {
            notice: self,
            signature,
        })
    }
}

impl SignedNotice {
    /// What it says, true or not.
    #[must_use]
    pub const fn claimed(&self) -> &Notice {
        &self.notice
    }

    /// What it says, if the partner with this key chain says so to `to`.
    ///
    /// # Errors
    /// In this order: `unknown-keys`, `bad-keys` or `stale-key` from the chain; `bad-signature`,
    /// also for another author; `not-addressed`.
    pub fn check(&self, to: PartnerId, chain: &KeyChain) -> Result<&Notice, Code> {
        let notice = &self.notice;
        let key = chain.in_force_at(notice.key_index)?;
        if notice.from != chain.partner() {
            return Err(Code::BadSignature);
        }
        let parts = [key.network().as_bytes(), &*to_bytes(notice)];
        key.key().verify(Tag::Notice, &parts, &self.signature)?;
        if notice.to != to {
            return Err(Code::NotAddressed);
        }
        Ok(notice)
    }
}
