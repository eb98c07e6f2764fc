//! Greetings: how the lives of two nodes meet. What a greeting opens, and what follows from the
//! deals that it names, is the machine's.

use ed25519_dalek::SigningKey;

use crate::{
    code::Code,
    fence::{List, Reader, Wire, Writer, to_bytes},
    hash::{DealId, EntryHash, PartnerId, Tag},
    identity::{KeyChain, PublicKey, Signature, StandingKey, sign},
    ledger::LedgerHead,
    limits::{PENDING_MAX, SEEN_MAX},
    thread::Life,
    value::{Invalid, Time},
    wire,
};

/// Which life of the receiver a greeting answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answers {
    /// None: the author does not know the receiver's life yet. Travels as 0.
    Nothing,
    /// This one.
    Life(Life),
}

impl Answers {
    /// By the bits of a life, or 0.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        Life::new(bits).map_or(Self::Nothing, Self::Life)
    }

    /// The bits of the life, or 0.
    #[must_use]
    pub const fn bits(self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Life(life) => life.get(),
        }
    }
}

impl Wire for Answers {
    fn put(&self, writer: &mut Writer<'_>) {
        self.bits().put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        u64::take(reader).map(Self::from_bits)
    }
}

/// Where a ledger ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Head {
    /// The epoch.
    pub epoch: u32,
    /// Entries in it.
    pub size: u64,
    /// Hash of the last entry.
    pub last: EntryHash,
    /// Ledger time of the last entry.
    pub at: Time,
}

wire!(Head {
    epoch,
    size,
    last,
    at
});

impl From<&LedgerHead> for Head {
    fn from(head: &LedgerHead) -> Self {
        Self {
            epoch: head.epoch,
            size: head.size,
            last: head.last,
            at: head.at,
        }
    }
}

/// What the author's present life tells a partner.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Greeting {
    /// The author.
    pub from: PartnerId,
    /// The receiver.
    pub to: PartnerId,
    /// Index of the author's key.
    pub key_index: u32,
    /// The author's present life.
    pub life: Life,
    /// The life of the receiver that it answers.
    pub answers: Answers,
    /// The author's ledger head.
    pub head: Head,
    /// How far the receiver's lives before the one that it answers came, as the author has seen: of
    /// each the furthest head or, with its id as `last`, the furthest record. Those that the receiver
    /// was told before are left out.
    pub seen: List<Head, SEEN_MAX>,
    /// Deals with the receiver that the receiver decided, and the author has not acknowledged.
    pub open_decisions: List<DealId, PENDING_MAX>,
    /// Deals with the receiver that the author committed, and that are not decided for it yet.
    pub open_commits: List<DealId, PENDING_MAX>,
    /// When it was made, by the author's ledger time.
    pub at: Time,
}

wire!(Greeting {
    from,
    to,
    key_index,
    life,
    answers,
    head,
    seen,
    open_decisions,
    open_commits,
    at,
});

/// A greeting with its author's signature, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SignedGreeting {
    greeting: Greeting,
    signature: Signature,
}

wire!(SignedGreeting {
    greeting,
    signature
});

impl Greeting {
    /// Signs it.
    ///
    /// # Errors
    /// `Rule` if the key is not that of its author and index.
    pub fn sign(self, key: &StandingKey, secret: &SigningKey) -> Result<SignedGreeting, Invalid> {
        let named = (self.from, self.key_index) == (key.partner(), key.index());
        if !named || PublicKey::of(secret) != *key.key() {
            return Err(Invalid::Rule(
                "the key must be that of the greeting's author and index",
            ));
        }
        let parts = [key.network().as_bytes(), &*to_bytes(&self)];
        let signature = sign(secret, Tag::Greeting, &parts);
        Ok(SignedGreeting {
            greeting: self,
            signature,
        })
    }
}

impl SignedGreeting {
    /// What it says, true or not.
    #[must_use]
    pub const fn claimed(&self) -> &Greeting {
        &self.greeting
    }

    /// What it says, if the partner with this key chain says so to `to`.
    ///
    /// # Errors
    /// In this order: `unknown-keys`, `bad-keys` or `stale-key` from the chain; `bad-signature`,
    /// also for another author; `not-addressed`.
    pub fn check(&self, to: PartnerId, chain: &KeyChain) -> Result<&Greeting, Code> {
        let greeting = &self.greeting;
        let key = chain.in_force_at(greeting.key_index)?;
        if greeting.from != chain.partner() {
            return Err(Code::BadSignature);
        }
        let parts = [key.network().as_bytes(), &*to_bytes(greeting)];
        key.key().verify(Tag::Greeting, &parts, &self.signature)?;
        if greeting.to != to {
            return Err(Code::NotAddressed);
        }
        Ok(greeting)
    }
}
