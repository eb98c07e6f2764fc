//! Contacts: the nodes that the operator named or that came by themselves, and where they are
//! reached. Kept in the ledger's database beside the core's own keys, since they must outlive a
//! restart; the core does not see them, and they decide nothing.

use omni_protocol::fence::{self, List, Wire};
use omni_protocol::hash::PartnerId;
use omni_protocol::identity::SignedInvite;
use omni_protocol::limits::{ADDRESS_BYTES_MAX, ADDRESSES_MAX};
use omni_protocol::value::{Text, Time};
use omni_protocol::{wire, words};

use super::{LedgerReader, StoreError};

/// First byte of the keys of contacts. The core's are below 128.
const FAMILY: u8 = 129;
/// An invite, eight addresses, and some small fields.
const BYTES_MAX: usize = 8 * 1024;

words! {
    /// How a node came to be a contact.
    pub enum Origin {
        /// The operator named it.
        1 Named "named",
        /// It came by itself.
        2 Came "came",
    }
}

/// A node of another partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Its transport key, which names it.
    pub transport_key: [u8; 32],
    /// Whom it speaks for; unknown until it was met, unless an invite says so.
    pub partner: Option<PartnerId>,
    /// How it came to be known.
    pub origin: Origin,
    /// Where it may be reached, as the operator or the invite said.
    pub addresses: List<Text<ADDRESS_BYTES_MAX, 1>, ADDRESSES_MAX>,
    /// The invite by which it is to be met, until it was.
    pub invite: Option<Box<SignedInvite>>,
    /// Its program, as it says.
    pub agent: Text<64>,
    /// The last meeting, to the hour.
    pub met: Option<Time>,
}

wire!(Contact {
    transport_key,
    partner,
    origin,
    addresses,
    invite,
    agent,
    met,
});

impl Contact {
    /// Where it is kept.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        [&[FAMILY], self.transport_key.as_slice()].concat()
    }

    /// As it is kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        fence::to_bytes(self)
    }

    /// All contacts that are synced, by their keys. There are as many as the operator named and
    /// a bounded number of those that came by themselves.
    ///
    /// # Errors
    /// What the ledger answers; damaged where one does not decode.
    pub fn all(ledger: &LedgerReader) -> Result<Vec<Self>, StoreError> {
        let end = [FAMILY.saturating_add(1)];
        ledger
            .walk(&[FAMILY], &end)
            .map(|pair| decoded(ledger, &pair?.value))
            .collect()
    }
}

fn decoded<T: Wire>(ledger: &LedgerReader, bytes: &[u8]) -> Result<T, StoreError> {
    fence::decode(bytes, BYTES_MAX).map_err(|code| StoreError::Damaged {
        path: ledger.home().to_owned(),
        detail: format!("a contact does not decode: {code}"),
    })
}
