//! The roster: who is a partner and who is blocked, and under which addresses partners' nodes are
//! dialled, read from synced grants and from their Profiles.

use std::collections::BTreeSet;
use std::sync::Arc;

use libp2p::Multiaddr;
use omni_protocol::fence;
use omni_protocol::hash::{NetworkId, PartnerId, SubjectId};
use omni_protocol::identity::{KeyChain, Role};
use omni_protocol::machine::{GrantTerms, Key, Standing as MayDo};
use omni_protocol::public::{Profile, PublicBody};
use omni_protocol::record::Signed;
use omni_protocol::slot::{Family, Slot};

use super::contacts::{Contacts, peer_of};
use super::members;
use super::shelf::{Standing, key_chain};
use crate::net::{KnownPartner, NetCommand, Node};
use crate::store::market::MarketReader;
use crate::store::{LedgerReader, StoreError};

/// Longest stored grant: sixteen limits and a word.
const GRANT_BYTES_MAX: usize = 1024;

#[derive(Debug)]
pub(super) struct Roster {
    network: NetworkId,
    ledger: LedgerReader,
    market: MarketReader,
    standing: Arc<Standing>,
}

impl Roster {
    pub(super) fn new(
        network: NetworkId,
        ledger: LedgerReader,
        market: MarketReader,
        standing: Arc<Standing>,
    ) -> Self {
        Self {
            network,
            ledger,
            market,
            standing,
        }
    }

    /// Reads all grants again, and says what the net is to know of them.
    pub(super) fn read(&self, contacts: &Contacts) -> Result<[NetCommand; 2], StoreError> {
        let first = Key::Grant {
            partner: PartnerId::from_bytes([0; 32]),
        };
        let end = [first.family().saturating_add(1)];
        let (mut partners, mut blocked) = (BTreeSet::new(), BTreeSet::new());
        for pair in self.ledger.walk(&first.to_bytes(), &end) {
            let pair = pair?;
            let Some(Key::Grant { partner }) = Key::from_bytes(&pair.key) else {
                continue;
            };
            let Ok(terms) = fence::decode::<GrantTerms>(&pair.value, GRANT_BYTES_MAX) else {
                continue;
            };
            match terms.standing {
                // With a quarantined partner agreements go on.
                MayDo::Partner | MayDo::Quarantined => partners.insert(partner),
                MayDo::Blocked => blocked.insert(partner),
                MayDo::Stranger | MayDo::Onlooker => false,
            };
        }
        let known = partners
            .iter()
            .map(|partner| self.nodes_of(*partner, contacts))
            .collect::<Result<_, _>>()?;
        self.standing.set_partners(partners);
        Ok([NetCommand::Partners(known), NetCommand::Blocked(blocked)])
    }

    /// Whom to dial of the members of open bundles.
    pub(super) fn members(&self, own: PartnerId) -> Result<Vec<NetCommand>, StoreError> {
        let at = (&self.network, own);
        members::to_dial(&self.ledger, at, |who| self.standing.is_partner(&who))
    }

    /// The keys of a partner, where they are known before it is met.
    pub(super) fn chain(&self, partner: PartnerId) -> Option<KeyChain> {
        key_chain(&self.market, &self.network, partner)
    }

    fn nodes_of(
        &self,
        partner: PartnerId,
        contacts: &Contacts,
    ) -> Result<KnownPartner, StoreError> {
        let slot = Slot {
            author: partner,
            family: Family::Profile,
            subject: SubjectId::ONLY,
        };
        let profile = self.market.shelved(&slot)?.and_then(|shelved| {
            let record = Signed::<PublicBody>::read(&self.network, shelved.record).ok()?;
            match record.body() {
                PublicBody::Profile(profile) => Some((**profile).clone()),
                PublicBody::KeyEvent(_)
                | PublicBody::CatalogueHead(_)
                | PublicBody::Offer(_)
                | PublicBody::Availability(_)
                | PublicBody::Withdrawal(_)
                | PublicBody::Evidence(_) => None,
            }
        });
        // The Profile may be older than what the operator was told, and the other way round.
        let mut nodes = profile.map(|profile| nodes(&profile)).unwrap_or_default();
        nodes.extend(contacts.nodes_of(partner));
        Ok(KnownPartner { partner, nodes })
    }
}

/// The nodes that a Profile delegates. It has one list of addresses for all of them.
fn nodes(profile: &Profile) -> Vec<Node> {
    let addresses: Vec<Multiaddr> = profile
        .addresses
        .iter()
        .filter_map(|address| address.parse().ok())
        .collect();
    let transport = profile
        .delegations
        .iter()
        .map(|delegation| delegation.claimed());
    transport
        .filter(|delegation| delegation.role() == Role::Transport)
        .filter_map(|delegation| Some(Node::new(peer_of(delegation.key())?, addresses.clone())))
        .collect()
}
