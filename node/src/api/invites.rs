//! Invites and addresses as operators hand them to each other: made, read and checked as far as
//! that needs no meeting.

use libp2p::identity::{PublicKey as PeerKey, ed25519};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use omni_protocol::fence::List;
use omni_protocol::hash::PartnerId;
use omni_protocol::identity::{Invite, SignedInvite};
use omni_protocol::limits::ADDRESSES_MAX;
use omni_protocol::machine::Grant;
use omni_protocol::value::{Text, Time};

use super::{About, ApiCode, Invitation, NetNow, Problem};
use crate::clock;
use crate::view::peer::{InviteAsk, InviteView, PeerAddedView, PeerAsk};

/// How long an invite is good when nobody says otherwise: over a weekend.
const HOURS: u64 = 72;
/// A year.
const HOURS_MAX: u64 = 8_760;
const HOUR_MS: u64 = 3_600_000;

/// Signs an invite to this node, and says what the core must know of it.
pub(super) fn make(
    about: &About,
    net: &NetNow,
    ask: &InviteAsk,
    now: Time,
) -> Result<(Grant, InviteView), Problem> {
    let hours = ask.hours.unwrap_or(HOURS);
    if hours == 0 || hours > HOURS_MAX {
        let detail = format!("An invite is good for 1 to {HOURS_MAX} hours.");
        return Err(Problem::new(ApiCode::Invalid, detail));
    }
    let until = now.plus_ms(hours.saturating_mul(HOUR_MS));
    let entropy =
        clock::entropy().map_err(|error| Problem::new(ApiCode::Store, format!("{error}.")))?;
    let mut token = [0; 16];
    token
        .iter_mut()
        .zip(entropy)
        .for_each(|(to, from)| *to = from);
    let addresses = dialled(&about.announce, &net.listening);
    if addresses.is_empty() {
        let detail = "The node listens nowhere yet.";
        return Err(Problem::new(ApiCode::Conflict, detail).next("ask again in a second"));
    }
    let addresses = addresses
        .iter()
        .filter_map(|address| Text::new(address.as_str()).ok());
    let own = |e| Problem::new(ApiCode::Conflict, format!("An invite can't be made: {e}."));
    let invite = Invite {
        network: about.network.clone(),
        partner: about.signing.partner(),
        transport_key: about.signing.transport(),
        addresses: List::new(addresses.collect::<Vec<_>>()).map_err(own)?,
        not_after: until,
        token,
    };
    let view = InviteView {
        invite: about.signing.invite(invite).map_err(own)?.to_string(),
        until_ms: until.ms(),
    };
    Ok((Grant::Invite { token, until }, view))
}

/// What others are told to dial: what the operator announces, else where the node listens. An
/// address of this machine alone is told only if there is no other.
#[must_use]
pub fn dialled(announce: &[String], listening: &[String]) -> Vec<String> {
    let all = if announce.is_empty() {
        listening
    } else {
        announce
    };
    let is_reachable = |address: &&String| {
        address.parse::<Multiaddr>().is_ok_and(|address| {
            !address.iter().any(|part| {
                matches!(part, Protocol::Ip4(ip) if ip.is_loopback() || ip.is_unspecified())
                    || matches!(part, Protocol::Ip6(ip) if ip.is_loopback() || ip.is_unspecified())
            })
        })
    };
    let reachable: Vec<_> = all.iter().filter(is_reachable).cloned().collect();
    let mut chosen = if reachable.is_empty() {
        all.to_vec()
    } else {
        reachable
    };
    chosen.truncate(ADDRESSES_MAX);
    chosen
}

/// Whom the operator wants to meet.
pub(super) fn read(
    about: &About,
    own: PartnerId,
    ask: &PeerAsk,
    now: Time,
) -> Result<(Invitation, PeerAddedView), Problem> {
    let invitation = match (&ask.invite, &ask.address) {
        (Some(invite), None) => by_invite(about, own, invite, now)?,
        (None, Some(address)) => by_address(address)?,
        (Some(_), Some(_)) | (None, None) => {
            return Err(invalid("Say either an invite or an address."));
        }
    };
    if invitation.transport_key == *about.signing.transport().as_bytes() {
        return Err(invalid("This is the node itself."));
    }
    let invite = invitation.invite.as_ref();
    let view = PeerAddedView {
        partner: invite.map(|invite| invite.claimed().partner.to_string()),
        peer: peer_text(&invitation.transport_key),
    };
    Ok((invitation, view))
}

fn by_invite(about: &About, own: PartnerId, text: &str, now: Time) -> Result<Invitation, Problem> {
    let invite: SignedInvite = text.parse().map_err(|error| invalid(format!("{error}.")))?;
    let claimed = invite.claimed();
    if claimed.network != about.network {
        let network = &claimed.network;
        return Err(invalid(format!(
            "The invite is for the network {network}, and this node lives in {}.",
            about.network
        )));
    }
    if claimed.partner == own {
        return Err(invalid("This is an invite of this very partner."));
    }
    if claimed.not_after < now {
        return Err(invalid(
            "The invite has expired; ask its sender for a new one.",
        ));
    }
    let addresses = claimed.addresses.iter();
    Ok(Invitation {
        transport_key: *claimed.transport_key.as_bytes(),
        addresses: addresses
            .map(|address| address.as_str().to_owned())
            .collect(),
        invite: Some(invite),
    })
}

fn by_address(text: &str) -> Result<Invitation, Problem> {
    const WANTED: &str = "An address is a multiaddr that ends in the node's peer id, such as \
        /ip4/192.0.2.7/tcp/20000/p2p/12D3KooW…; its operator finds both with omni status.";
    let address: Multiaddr = text.parse().map_err(|_unread| invalid(WANTED))?;
    let peer = address.iter().find_map(|part| {
        if let Protocol::P2p(peer) = part {
            Some(peer)
        } else {
            None
        }
    });
    let bare: Multiaddr = address
        .iter()
        .filter(|part| !matches!(part, Protocol::P2p(_)))
        .collect();
    let transport_key = peer
        .as_ref()
        .and_then(key_of)
        .ok_or_else(|| invalid(WANTED))?;
    let bare = bare.to_string();
    if bare.is_empty()
        || Text::<{ omni_protocol::limits::ADDRESS_BYTES_MAX }, 1>::new(bare.as_str()).is_err()
    {
        return Err(invalid(WANTED));
    }
    Ok(Invitation {
        transport_key,
        addresses: vec![bare],
        invite: None,
    })
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(ApiCode::Invalid, detail)
}

/// The Ed25519 key in a peer id, which holds it whole.
fn key_of(peer: &PeerId) -> Option<[u8; 32]> {
    let key = PeerKey::try_decode_protobuf(peer.as_ref().digest()).ok()?;
    Some(key.try_into_ed25519().ok()?.to_bytes())
}

/// The name of a node for libp2p.
pub(super) fn peer_text(transport_key: &[u8; 32]) -> String {
    let key = ed25519::PublicKey::try_from_bytes(transport_key);
    key.map(|key| PeerKey::from(key).to_peer_id().to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_told_what_they_can_reach() {
        let check = |announce: &[&str], listening: &[&str], expected: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
            assert_eq!(
                dialled(&owned(announce), &owned(listening)),
                owned(expected)
            );
        };
        let (loopback, lan) = ("/ip4/127.0.0.1/tcp/1", "/ip4/192.0.2.1/tcp/1");
        check(&[], &[], &[]);
        check(&[], &[loopback], &[loopback]);
        check(&[], &[loopback, lan], &[lan]);
        check(
            &["/dns4/example.org/tcp/1"],
            &[lan],
            &["/dns4/example.org/tcp/1"],
        );
        check(&[], &[lan; 20], &[lan; ADDRESSES_MAX]);
    }

    #[test]
    fn hostile_addresses_are_refused() {
        for text in [
            "",
            "x",
            "/ip4/1.2.3.4/tcp/1",
            "/p2p/12D3KooW",
            "/ip4/1.2.3.4/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC",
        ] {
            assert!(by_address(text).is_err(), "{text:?}");
        }
    }
}
