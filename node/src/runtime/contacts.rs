//! Contacts at work: whom to dial by the operator's word, who asked for trust, and what a meeting
//! changes of that. What a partner may do is the core's matter.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p::identity::{PublicKey, ed25519};
use libp2p::{Multiaddr, PeerId};
use omni_protocol::fence::List;
use omni_protocol::hash::PartnerId;
use omni_protocol::identity::{KeyChain, SignedInvite};
use omni_protocol::value::{Text, Time};

use crate::api::Invitation;
use crate::net::{self, Introduced, NetCommand, Node};
use crate::store::contact::{Contact, Origin};
use crate::store::{LedgerReader, StoreError};

/// Nodes that came by themselves and are remembered. A request stays until it is answered, so
/// when so many wait, another stranger is met but not remembered.
const CAME_MAX: usize = 256;
/// A meeting is written down again after so long: a peer that comes and goes costs no write each.
const HOUR_MS: u64 = 3_600_000;
/// For how long the net dials an invite; it is told again before that.
const GOOD_FOR: Duration = Duration::from_secs(120);

/// What a meeting changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meeting {
    /// Nothing that must be remembered.
    Known,
    /// This is to be written.
    Noted(Box<Contact>),
    /// This is to be written, and the operator named this node, so whoever answered there is a
    /// partner: by its address alone, or by an invite that the partner proved to have signed.
    Named(Box<Contact>),
    /// A stranger that was not known; this is to be written.
    Request(Box<Contact>),
    /// A stranger for whom there is no place.
    NoRoom,
}

impl Meeting {
    /// What is to be written.
    pub(super) fn contact(&self) -> Option<&Contact> {
        match self {
            Self::Noted(contact) | Self::Named(contact) | Self::Request(contact) => Some(contact),
            Self::Known | Self::NoRoom => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Contacts {
    by_key: BTreeMap<[u8; 32], Contact>,
}

impl Contacts {
    pub(super) fn load(ledger: &LedgerReader) -> Result<Self, StoreError> {
        let all = Contact::all(ledger)?.into_iter();
        let by_key = all
            .map(|contact| (contact.transport_key, contact))
            .collect();
        Ok(Self { by_key })
    }

    /// Remembers whom the operator wants to meet.
    pub(super) fn name(&mut self, invitation: Invitation) -> Contact {
        let addresses = invitation.addresses.into_iter();
        let mut addresses: Vec<_> = addresses.filter_map(|text| Text::new(text).ok()).collect();
        addresses.truncate(omni_protocol::limits::ADDRESSES_MAX);
        let before = self.by_key.get(&invitation.transport_key);
        let invited = invitation
            .invite
            .as_ref()
            .map(|invite| invite.claimed().partner);
        let contact = Contact {
            transport_key: invitation.transport_key,
            partner: invited.or_else(|| before.and_then(|before| before.partner)),
            origin: Origin::Named,
            addresses: List::new(addresses).unwrap_or_default(),
            invite: invitation.invite.map(Box::new),
            agent: before
                .map(|before| before.agent.clone())
                .unwrap_or_default(),
            met: before.and_then(|before| before.met),
        };
        self.by_key.insert(contact.transport_key, contact.clone());
        contact
    }

    /// A node introduced itself. `is_stranger`: whether nothing was ever granted to a partner.
    pub(super) fn met(
        &mut self,
        hello: &Introduced,
        is_stranger: impl Fn(PartnerId) -> bool,
        now: Time,
    ) -> Meeting {
        let key = *hello.delegation.key();
        let partner = hello.partner();
        let agent = Text::new(hello.agent.as_str()).unwrap_or_default();
        let Some(known) = self.by_key.get(&key) else {
            return self.came(key, partner, agent, is_stranger, now);
        };
        let is_named = match &known.invite {
            Some(invite) => is_good(invite, &hello.chain, now),
            None => known.origin == Origin::Named && known.partner.is_none(),
        };
        let is_same = known.partner == Some(partner)
            && known.agent == agent
            && known.met.is_some_and(|met| now.ms_since(met) < HOUR_MS);
        if is_same && !(is_named && is_stranger(partner)) {
            return Meeting::Known;
        }
        // Kept until it ends: the giver may not have read the token, and is shown it again.
        let contact = Contact {
            partner: Some(partner),
            agent,
            met: Some(now),
            ..known.clone()
        };
        self.by_key.insert(key, contact.clone());
        let contact = Box::new(contact);
        if is_named {
            Meeting::Named(contact)
        } else {
            Meeting::Noted(contact)
        }
    }

    fn came(
        &mut self,
        key: [u8; 32],
        partner: PartnerId,
        agent: Text<64>,
        is_stranger: impl Fn(PartnerId) -> bool,
        now: Time,
    ) -> Meeting {
        let came = self.by_key.values().filter(|c| c.origin == Origin::Came);
        let asking = came.filter(|c| c.partner.is_some_and(&is_stranger));
        let is_new = is_stranger(partner);
        if is_new && asking.count() >= CAME_MAX {
            return Meeting::NoRoom;
        }
        let contact = Contact {
            transport_key: key,
            partner: Some(partner),
            origin: Origin::Came,
            addresses: List::default(),
            invite: None,
            agent,
            met: Some(now),
        };
        self.by_key.insert(key, contact.clone());
        let contact = Box::new(contact);
        if is_new {
            Meeting::Request(contact)
        } else {
            Meeting::Noted(contact)
        }
    }

    /// The nodes of a partner that the operator or an invite named.
    pub(super) fn nodes_of(&self, partner: PartnerId) -> impl Iterator<Item = Node> + '_ {
        self.by_key
            .values()
            .filter(move |contact| contact.partner == Some(partner) && contact.met.is_some())
            .filter_map(node)
    }

    /// The nodes that are to be met for the first time, and those whose invites still open doors.
    pub(super) fn invitations(&self, now: Time) -> Vec<NetCommand> {
        let named = self.by_key.values().filter(|c| c.origin == Origin::Named);
        named
            .filter_map(|contact| {
                let invite = contact.invite.as_ref().map(|invite| invite.claimed());
                // An expired invite opens no door; by its address the node can be asked still.
                let token = invite.filter(|invite| invite.not_after >= now);
                let token = token.map(|invite| invite.token);
                let is_wanted = contact.met.is_none() || token.is_some();
                let node = node(contact).filter(|_| is_wanted)?;
                let good_for = GOOD_FOR;
                Some(NetCommand::Accept(net::Invitation {
                    node,
                    token,
                    good_for,
                }))
            })
            .collect()
    }
}

/// The name of a node for libp2p.
pub(super) fn peer_of(transport_key: &[u8; 32]) -> Option<PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(transport_key).ok()?;
    Some(PeerId::from_public_key(&PublicKey::from(key)))
}

fn node(contact: &Contact) -> Option<Node> {
    let addresses = contact.addresses.iter();
    let addresses = addresses.filter_map(|text| text.parse::<Multiaddr>().ok());
    Some(Node::new(peer_of(&contact.transport_key)?, addresses))
}

/// Whether the partner that was met signed the invite, which can be checked no earlier where its
/// keys were unknown (SPEC.md 5).
fn is_good(invite: &SignedInvite, chain: &KeyChain, now: Time) -> bool {
    let checked = invite.check(chain, now);
    if let Err(code) = checked {
        let partner = chain.partner();
        tracing::warn!(%partner, %code, "the invite by which this partner was met is not good");
    }
    checked.is_ok()
}
