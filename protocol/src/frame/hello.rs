//! Hello, by which a node says for whom it speaks, and Bye, by which it says why it stops. Whether
//! that partner is wanted here is the operator's matter.

use crate::{
    code::Code,
    fence::List,
    frame::ProvedRecord,
    hash::{NetworkId, PartnerId},
    identity::{KeyChain, Role, SignedDelegation},
    limits::KEY_EVENTS_MAX,
    record::Signed,
    thread::Life,
    value::{Invalid, Text, Time},
    wire,
};

/// The first frame of a session, in each direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The network.
    pub network: NetworkId,
    /// For whom the node speaks.
    pub partner: PartnerId,
    /// The life of the node that speaks. Connections to one of its earlier lives are dead.
    pub life: Life,
    /// The partner's key events, the inception first.
    pub events: List<ProvedRecord, KEY_EVENTS_MAX>,
    /// The delegation of the node's transport key.
    pub delegation: SignedDelegation,
    /// Name and version of the program; for people.
    pub agent: Text<64>,
    /// The token of an invite that the receiver gave out.
    pub token: Option<[u8; 16]>,
}

wire!(Hello {
    network,
    partner,
    life,
    events,
    delegation,
    agent,
    token
});

impl Hello {
    /// The Hello of a node whose partner has this key chain, without the token of an invite. Of a
    /// chain in conflict it shows no more than fits.
    ///
    /// # Errors
    /// None for a chain that was read or made by this version.
    pub fn new(
        network: NetworkId,
        chain: &KeyChain,
        life: Life,
        delegation: SignedDelegation,
        agent: Text<64>,
    ) -> Result<Self, Invalid> {
        let events = chain.events().take(KEY_EVENTS_MAX);
        let events: Result<alloc::vec::Vec<_>, Invalid> = events
            .map(|(record, proof)| ProvedRecord::new(record.bytes(), proof.clone()))
            .collect();
        Ok(Self {
            network,
            partner: chain.partner(),
            life,
            events: List::new(events?)?,
            delegation,
            agent,
            token: None,
        })
    }

    /// Checks that the node speaks for the partner: it holds the session by `transport_key` (the
    /// Ed25519 key of the very connection), which the partner delegates now. Gives the partner's
    /// keys.
    ///
    /// # Errors
    /// In this order: `wrong-network`; what is wrong with a key event; `bad-keys` if they do not
    /// make that partner; what is wrong with their chain; `bad-delegation` or `bad-signature`.
    pub fn check(
        &self,
        network: NetworkId,
        transport_key: &[u8; 32],
        now: Time,
    ) -> Result<KeyChain, Code> {
        if self.network != network {
            return Err(Code::WrongNetwork);
        }
        let mut events = alloc::vec::Vec::new();
        for event in &self.events {
            events.push((Signed::read(&network, &*event.record)?, event.proof.clone()));
        }
        let chain = KeyChain::read(network, events)?;
        if chain.partner() != self.partner {
            return Err(Code::BadKeys);
        }
        let delegation = self
            .delegation
            .check(self.partner, Role::Transport, &chain, now)?;
        if delegation.key() != transport_key {
            return Err(Code::BadDelegation);
        }
        Ok(chain)
    }
}

/// The last frame of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bye {
    /// Why.
    pub code: Code,
    /// More for people; may be empty.
    pub text: Text<256>,
}

wire!(Bye { code, text });
