//! The keys of a node: making them, keeping them in files, and loading those that a running node
//! needs. What is signed with them, and the rules of the identity, are kept out.

pub mod text;

mod events;
mod folder;
mod identity;
mod replace;

use ed25519_dalek::SigningKey;
use hpke::{Deserializable, Kem, Serializable, kem::X25519HkdfSha256};
use libp2p::{PeerId, identity::Keypair};
use omni_protocol::hash::NetworkName;
use omni_protocol::identity::{
    Delegation, Inception, KeyChain, KeyEvent, PublicKey, Role, SignedDelegation, StandingKey,
    sign_event,
};
use omni_protocol::limits::DELEGATION_DAYS_MAX;
use omni_protocol::value::{Invalid, Time};
use zeroize::Zeroizing;

pub use self::folder::{KeyError, Left, left, spare_file, spare_keys};
pub use self::identity::Identity;
pub use self::replace::{How, Replacement, chain};

/// The secret half of a key. Prints as dots and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// Keeps these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Draws one from the system.
    fn draw() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut()).map_err(KeyError::Entropy)?;
        Ok(Self(bytes))
    }

    /// The bytes; whoever copies them wipes the copy.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn signing(&self) -> SigningKey {
        SigningKey::from_bytes(self.bytes())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a running node signs, speaks and opens with.
pub struct Keys {
    identity: Identity,
    chain: KeyChain,
    standing: StandingKey,
    market: SigningKey,
    transport: Keypair,
    sealing: Secret,
    sealing_public: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl Keys {
    /// Who the partner is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The secret half of the market key in force.
    #[must_use]
    pub fn market(&self) -> &SigningKey {
        &self.market
    }

    /// The partner's key chain as this home keeps it.
    #[must_use]
    pub fn chain(&self) -> &KeyChain {
        &self.chain
    }

    /// The market key in force, as it stands in the key chain.
    #[must_use]
    pub fn standing(&self) -> &StandingKey {
        &self.standing
    }

    /// The key of this node for libp2p.
    #[must_use]
    pub fn transport(&self) -> &Keypair {
        &self.transport
    }

    /// The name of this node for libp2p.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.transport.public().to_peer_id()
    }

    /// The secret half of the X25519 key to which customer details are sealed.
    #[must_use]
    pub fn sealing(&self) -> &Secret {
        &self.sealing
    }

    /// Its public half.
    #[must_use]
    pub fn sealing_public(&self) -> &[u8; 32] {
        &self.sealing_public
    }

    /// Binds this node's transport key and its sealing key to the partner, from an hour before
    /// `now` (other clocks may be behind) for as long as the protocol allows.
    ///
    /// # Errors
    /// None in practice: all arguments are this node's own.
    pub fn delegations(&self, now: Time) -> Result<[SignedDelegation; 2], Invalid> {
        const HOUR_MS: u64 = 3_600_000;
        let begin = now.minus_ms(HOUR_MS);
        let end = begin.plus_ms(DELEGATION_DAYS_MAX.saturating_mul(24 * HOUR_MS));
        let sign = |role, key| {
            let delegation = Delegation::new(role, key, self.standing.index(), begin, end)?;
            delegation.sign(&self.standing, &self.market)
        };
        let transport = self.transport.public().try_into_ed25519();
        let transport = transport.or(Err(Invalid::Rule("the transport key is Ed25519")))?;
        Ok([
            sign(Role::Transport, transport.to_bytes())?,
            sign(Role::Sealing, self.sealing_public)?,
        ])
    }
}

/// The key chain that the market key of an inception proves.
fn chain_of(identity: &Identity, market: &SigningKey) -> Option<(KeyChain, StandingKey)> {
    let network = identity.network().id();
    let event = KeyEvent::Inception(identity.inception().clone());
    let (record, proof) = sign_event(network, identity.partner(), event, market).ok()?;
    let chain = KeyChain::begin(network, record, proof).ok()?;
    let standing = chain.in_force().ok()?;
    Some((chain, standing))
}

/// A partner's first keys, as `omni init` makes them: those of the node, and two that it does
/// not need.
#[derive(Debug)]
pub struct FirstKeys {
    identity: Identity,
    market: Secret,
    next: Secret,
    recovery: Secret,
    transport: Secret,
    sealing: Secret,
}

impl FirstKeys {
    /// Draws all keys, and with them the partner's id.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn draw(network: NetworkName) -> Result<Self, KeyError> {
        let [market, next, recovery] = [Secret::draw()?, Secret::draw()?, Secret::draw()?];
        let inception = Inception::new(
            network.id(),
            PublicKey::of(&market.signing()),
            PublicKey::of(&next.signing()).digest(),
            PublicKey::of(&recovery.signing()).digest(),
        );
        // Stored as RFC 9180 derives it, so that what is read back is the same bytes.
        let (sealing, _) = X25519HkdfSha256::derive_keypair(Secret::draw()?.bytes());
        Ok(Self {
            identity: Identity::new(network, inception),
            market,
            next,
            recovery,
            transport: Secret::draw()?,
            sealing: Secret::new(sealing.to_bytes().into()),
        })
    }

    /// Who they make the partner.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// The public half of an X25519 key.
fn sealing_public(secret: &Secret) -> Option<[u8; 32]> {
    let secret = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(secret.bytes()).ok()?;
    Some(X25519HkdfSha256::sk_to_pk(&secret).to_bytes().into())
}

/// The libp2p form of an Ed25519 key.
fn transport_pair(secret: &Secret) -> Option<Keypair> {
    // libp2p wipes what it is given.
    let mut bytes = Zeroizing::new(*secret.bytes());
    Keypair::ed25519_from_bytes(bytes.as_mut_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_print_as_dots() {
        let keys = FirstKeys::draw(NetworkName::new("main").unwrap()).unwrap();
        let printed = format!("{keys:?}");
        assert!(printed.contains("Secret(…)"));
        let secret = text::hex(keys.market.bytes());
        assert!(!printed.contains(secret.as_str()));
        let numbers = format!("{:?}", keys.market.bytes());
        assert!(!printed.contains(&numbers));
    }
}
