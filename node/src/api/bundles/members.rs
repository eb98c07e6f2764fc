//! What the Manifest says of its members: their keys and where their nodes are dialled, as far as
//! that is known here and fits. Who the members are follows from the legs.

use libp2p::identity::{PublicKey, ed25519};
use omni_protocol::bundle::Member;
use omni_protocol::fence::{self, List};
use omni_protocol::frame::ProvedRecord;
use omni_protocol::hash::PartnerId;
use omni_protocol::identity::{KeyEvent, Role};
use omni_protocol::limits::{LEGS_MAX, MANIFEST_BYTES_MAX};
use omni_protocol::proof::Proof;
use omni_protocol::record::Signed;
use omni_protocol::value::Text;

use super::telling::Known;
use crate::api::{Problem, Reading, partner};

/// A leg with its ids, and with room for longer numbers.
const LEG_BYTES: usize = 72;
/// The header and what counts the lists.
const FRAME_BYTES: usize = 192;
/// Addresses of one member: of the first nodes that its Profile names. More would leave no room for
/// the keys of others.
const ADDRESSES_AIM: usize = 2;

/// This node's own partner and the providers of these legs, each once. A key chain goes in while
/// there is room for it: whoever lacks one asks for it.
///
/// # Errors
/// `store` if the disk fails.
pub(super) fn of(reading: &Reading, legs: &[Known]) -> Result<Vec<Member>, Problem> {
    let mut partners = vec![reading.partner];
    for leg in legs {
        if !partners.contains(&leg.deal.partner) {
            partners.push(leg.deal.partner);
        }
    }
    let mut members = Vec::new();
    for partner in partners {
        members.push(Member {
            partner,
            keys: List::default(),
            addresses: List::new(addresses(reading, partner)?).unwrap_or_default(),
            mailboxes: List::default(),
        });
    }
    let size = |members: &[Member]| -> usize {
        members.iter().map(|one| fence::to_bytes(one).len()).sum()
    };
    let taken = LEG_BYTES.saturating_mul(legs.len().min(LEGS_MAX));
    let room = MANIFEST_BYTES_MAX.saturating_sub(taken.saturating_add(FRAME_BYTES));
    for index in 0..members.len() {
        let before = members.clone();
        if let Some(member) = members.get_mut(index) {
            member.keys = keys(reading, member.partner)?;
        }
        if size(&members) > room {
            members = before;
        }
    }
    Ok(members)
}

fn keys<const MAX: usize>(
    reading: &Reading,
    partner: PartnerId,
) -> Result<List<ProvedRecord, MAX>, Problem> {
    let chain = reading.market.key_chain(reading.network, partner)?;
    let events = chain.map(|chain| {
        let events = chain.events();
        let proved = |(record, proof): (&Signed<KeyEvent>, &Proof)| {
            ProvedRecord::new(record.bytes(), proof.clone()).ok()
        };
        events.filter_map(proved).collect::<Vec<_>>()
    });
    Ok(List::new(events.unwrap_or_default()).unwrap_or_default())
}

/// Where the nodes of a partner are dialled, each with its peer id.
fn addresses<const BYTES: usize>(
    reading: &Reading,
    partner: PartnerId,
) -> Result<Vec<Text<BYTES, 1>>, Problem> {
    let Some(profile) = partner::profile(reading, partner)? else {
        return Ok(Vec::new());
    };
    let nodes = profile.delegations.iter().map(|one| one.claimed());
    let peers = nodes
        .filter(|delegation| delegation.role() == Role::Transport)
        .filter_map(|delegation| {
            let key = ed25519::PublicKey::try_from_bytes(delegation.key()).ok()?;
            Some(PublicKey::from(key).to_peer_id())
        });
    let named = peers.flat_map(|peer| {
        let addresses = profile.addresses.iter();
        addresses.map(move |address| format!("{address}/p2p/{peer}"))
    });
    let fitting = named.filter_map(|address| Text::new(address).ok());
    Ok(fitting.take(ADDRESSES_AIM).collect())
}
