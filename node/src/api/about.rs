//! What the API tells of the node that does not change while it runs. It holds the market key only
//! behind [`Signing`], for invites.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use ed25519_dalek::SigningKey;
use omni_protocol::hash::{NetworkName, PartnerId};
use omni_protocol::identity::{Invite, KeyChain, PublicKey, SignedInvite, StandingKey};
use omni_protocol::value::Invalid;

use crate::config::Renew;
use crate::hand_over::Sealing;
use crate::home::Home;
use crate::view::IdentityView;

/// The node as it was started.
#[derive(Debug)]
pub struct About {
    /// Who it is.
    pub identity: IdentityView,
    /// Its name.
    pub name: String,
    /// Its network.
    pub network: NetworkName,
    /// Its folder.
    pub home: Home,
    /// Its process.
    pub pid: u32,
    /// The version of the program.
    pub version: String,
    /// When it began, in milliseconds since 1970.
    pub started_ms: u64,
    /// The same for measuring.
    pub started: Instant,
    /// Its Unix socket.
    pub socket: PathBuf,
    /// Its HTTP address.
    pub http: SocketAddr,
    /// What others are told to dial, where the operator says so.
    pub announce: Vec<String>,
    /// The partner's key chain.
    pub chain: KeyChain,
    /// Whether own offers are renewed.
    pub renew: Renew,
    /// For invites.
    pub signing: Signing,
    /// For what is sealed for this node.
    pub sealing: Sealing,
}

/// The market key, which signs invites here and nothing else.
pub struct Signing {
    transport: PublicKey,
    key: StandingKey,
    secret: SigningKey,
}

impl std::fmt::Debug for Signing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signing")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Signing {
    /// With the market key in force and the transport key of this node.
    #[must_use]
    pub const fn new(transport: PublicKey, key: StandingKey, secret: SigningKey) -> Self {
        Self {
            transport,
            key,
            secret,
        }
    }

    /// Who signs.
    #[must_use]
    pub fn partner(&self) -> PartnerId {
        self.key.partner()
    }

    /// The transport key of this node, which an invite names.
    #[must_use]
    pub const fn transport(&self) -> PublicKey {
        self.transport
    }

    /// The market key in force.
    #[must_use]
    pub const fn standing(&self) -> &StandingKey {
        &self.key
    }

    /// Signs an invite to this node.
    ///
    /// # Errors
    /// If it names another partner or network.
    pub fn invite(&self, invite: Invite) -> Result<SignedInvite, Invalid> {
        SignedInvite::sign(invite, &self.key, &self.secret)
    }
}
