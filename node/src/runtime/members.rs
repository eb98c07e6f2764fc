//! Members of bundles that are not decided: where those are dialled that are no partners of this
//! node, as the Manifest says. A leg in doubt asks them, known or not (SPEC.md 20), and so does one
//! whose hold both sides lost; those of the whole
//! of a part only while the core asks them, since they learn by it who provides the part (21).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use omni_protocol::bundle::{BundleBody, Manifest};
use omni_protocol::deal::{Deal, State};
use omni_protocol::fence;
use omni_protocol::hash::{DealId, ManifestId, NetworkId, PartnerId, RecordId};
use omni_protocol::machine::{Bundle, Key};
use omni_protocol::record::Signed;
use omni_protocol::thread::ThreadBody;

use crate::net::{self, NetCommand, Node};
use crate::store::{LedgerReader, StoreError};

/// A stored deal with all that it reserves.
const DEAL_BYTES_MAX: usize = 16 * 1024;
/// What is known of a manifest of sixteen legs.
const BUNDLE_BYTES_MAX: usize = 16 * 1024;
/// Nodes that are dialled for bundles at once.
const NODES_MAX: usize = 64;
/// For how long; it is told again before that.
const GOOD_FOR: Duration = Duration::from_secs(120);

/// Whom to dial. A member that `is_partner` holds for is dialled as one.
///
/// # Errors
/// What the ledger answers.
pub(super) fn to_dial(
    ledger: &LedgerReader,
    (network, own): (&NetworkId, PartnerId),
    is_partner: impl Fn(PartnerId) -> bool,
) -> Result<Vec<NetCommand>, StoreError> {
    let mut nodes: BTreeMap<PeerId, Vec<Multiaddr>> = BTreeMap::new();
    let mut open = undecided(ledger)?;
    open.extend(unknown(ledger, own)?);
    for id in open {
        let Some(manifest) = kept(ledger, network, id)? else {
            continue;
        };
        let is_other = |member| member != own && !is_partner(member);
        name(&mut nodes, &manifest, is_other);
        let Some(whole) = manifest.whole() else {
            continue;
        };
        if let Some(whole) = kept(ledger, network, whole.manifest)? {
            let asked = asked(ledger, (id, own), &whole)?;
            name(&mut nodes, &whole, |member| {
                is_other(member) && asked.contains(&member)
            });
        }
    }
    let dialled = nodes.into_iter().take(NODES_MAX);
    let accept = |(peer, addresses)| {
        NetCommand::Accept(net::Invitation {
            node: Node::new(peer, addresses),
            token: None,
            good_for: GOOD_FOR,
        })
    };
    Ok(dialled.map(accept).collect())
}

/// A Manifest that is kept.
fn kept(
    ledger: &LedgerReader,
    network: &NetworkId,
    id: ManifestId,
) -> Result<Option<Manifest>, StoreError> {
    let bytes = ledger.read(&Key::Record { id: id.into() }.to_bytes())?;
    let record = bytes.and_then(|bytes| Signed::<ThreadBody>::read(network, bytes).ok());
    Ok(record.and_then(|record| {
        if let ThreadBody::Bundle(BundleBody::Manifest(manifest)) = record.body() {
            Some((**manifest).clone())
        } else {
            None
        }
    }))
}

/// The members of a whole that are asked about an own leg of this part.
fn asked(
    ledger: &LedgerReader,
    (part, own): (ManifestId, PartnerId),
    whole: &Manifest,
) -> Result<BTreeSet<PartnerId>, StoreError> {
    let known = bundle(ledger, part)?;
    let legs = known.iter().flat_map(|part| part.of_provider(own));
    let receipts: Vec<RecordId> = legs.filter_map(|(_, leg)| leg.armed).collect();
    let mut asked = BTreeSet::new();
    for member in whole.members().iter() {
        let partner = member.partner;
        for record in &receipts {
            let record = *record;
            let key = Key::Question { record, partner };
            if ledger.read(&key.to_bytes())?.is_some() {
                asked.insert(partner);
            }
        }
    }
    Ok(asked)
}

/// The open manifests of which an own leg is unknown, since both its sides lost it: no deal leads to
/// them, and what the other members say ends the leg.
fn unknown(ledger: &LedgerReader, own: PartnerId) -> Result<BTreeSet<ManifestId>, StoreError> {
    let mut from = Key::Joint {
        partner: PartnerId::from_bytes([0; 32]),
        decided: 0,
        manifest: ManifestId::from_bytes([0; 32]),
    };
    let end = [from.family().saturating_add(1)];
    let mut open = BTreeSet::new();
    loop {
        let mut decided = None;
        for pair in ledger.walk(&from.to_bytes(), &end) {
            match Key::from_bytes(&pair?.key) {
                Some(Key::Joint {
                    decided: 0,
                    manifest,
                    ..
                }) => {
                    open.insert(manifest);
                }
                Some(Key::Joint { partner, .. }) => {
                    decided = Some(partner);
                    break;
                }
                _ => {}
            }
        }
        // Those with a partner that are decided are many, and passed over.
        let Some(partner) = decided else { break };
        from = Key::Joint {
            partner,
            decided: u8::MAX,
            manifest: ManifestId::from_bytes([0; 32]),
        };
    }
    let mut found = BTreeSet::new();
    for id in open {
        let Some(known) = bundle(ledger, id)? else {
            continue;
        };
        for (_, leg) in known.of_provider(own) {
            if leg.is_unknown(known.requester, deal(ledger, leg.deal)?.as_ref()) {
                found.insert(id);
            }
        }
    }
    Ok(found)
}

fn bundle(ledger: &LedgerReader, manifest: ManifestId) -> Result<Option<Bundle>, StoreError> {
    let bytes = ledger.read(&Key::Bundle { manifest }.to_bytes())?;
    Ok(bytes.and_then(|bytes| fence::decode(&bytes, BUNDLE_BYTES_MAX).ok()))
}

fn deal(ledger: &LedgerReader, deal: DealId) -> Result<Option<Deal>, StoreError> {
    let bytes = ledger.read(&Key::Deal { deal }.to_bytes())?;
    Ok(bytes.and_then(|bytes| fence::decode(&bytes, DEAL_BYTES_MAX).ok()))
}

/// The manifests of open deals that bind them.
fn undecided(ledger: &LedgerReader) -> Result<BTreeSet<ManifestId>, StoreError> {
    let first = Key::OpenDeal {
        partner: PartnerId::from_bytes([0; 32]),
        deal: DealId::from_bytes([0; 32]),
    };
    let end = [first.family().saturating_add(1)];
    let mut found = BTreeSet::new();
    for pair in ledger.walk(&first.to_bytes(), &end) {
        let Some(Key::OpenDeal { deal: id, .. }) = Key::from_bytes(&pair?.key) else {
            continue;
        };
        let waits = |deal: &Deal| {
            matches!(
                deal.state,
                State::Waiting
                    | State::Armed
                    | State::Closed
                    | State::Refused
                    | State::Doubt
                    | State::Written
            )
        };
        let deal = deal(ledger, id)?.filter(waits);
        found.extend(deal.and_then(|deal| deal.manifest));
    }
    Ok(found)
}

/// The nodes of those members that are meant, by their addresses that name a peer.
fn name(
    nodes: &mut BTreeMap<PeerId, Vec<Multiaddr>>,
    manifest: &Manifest,
    is_meant: impl Fn(PartnerId) -> bool,
) {
    let members = manifest.members().iter();
    for member in members.filter(|member| is_meant(member.partner)) {
        for text in &*member.addresses {
            let Ok(address) = text.parse::<Multiaddr>() else {
                continue;
            };
            if let Some(Protocol::P2p(peer)) = address.iter().last() {
                nodes.entry(peer).or_default().push(address);
            }
        }
    }
}
