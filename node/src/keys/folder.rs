//! Which key lies in which file of a home, and that each file holds what its name says.

use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use omni_protocol::identity::PublicKey;
use zeroize::Zeroizing;

use super::text::{self, KeyText, KeyTextError};
use super::{FirstKeys, Identity, Keys, Secret, chain_of, sealing_public, transport_pair};
use crate::home::Home;
use crate::home::files::{self, FileError, Reach};
use crate::view::SpareKeys;

/// Two keys with advice have about a kilobyte.
const KEY_FILE_BYTES_MAX: u64 = 16 * 1024;

const MARKET: (&str, &str) = ("market-0.key", "market key 0");
const TRANSPORT: (&str, &str) = ("transport.key", "transport key");
const SEALING: (&str, &str) = ("sealing.key", "sealing key");
const SPARE: &str = "next-and-recovery.key";

const MARKET_ADVICE: &[&str] = &[
    "Whoever has this key speaks for the partner. The node needs it here.",
    "A copy of it elsewhere is one more thing to guard; the recovery key replaces it.",
];
const TRANSPORT_ADVICE: &[&str] = &["By this key other nodes know this node. It is needed here."];
const SEALING_ADVICE: &[&str] =
    &["With this key the node opens customer details sealed for it. It is needed here."];
const SPARE_ADVICE: &[&str] = &[
    "MOVE THIS FILE AWAY from this machine, to where you keep what must not be lost or stolen.",
    "The node runs without it. Market key 1 replaces market key 0 in the ordinary way;",
    "the recovery key takes the partner back if market key 0 was stolen or lost.",
];

/// Why keys can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Others on this machine can read it.
    #[error("{} can be read by other users of this machine", .0.display())]
    Open(PathBuf),
    /// It is not a key file.
    #[error("{} is not a key file: {reason}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: KeyTextError,
    },
    /// It is a key file with another key than its place wants.
    #[error("{} holds another key than it should: {reason}", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: &'static str,
    },
    /// The file `identity` is damaged.
    #[error("{} can't be used: {reason}", path.display())]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Entropy(getrandom::Error),
}

impl KeyError {
    /// The file or folder that is open to others, if that is what is wrong.
    #[must_use]
    pub fn open_path(&self) -> Option<&Path> {
        match self {
            Self::Open(path) => Some(path),
            Self::File(_)
            | Self::Text { .. }
            | Self::Other { .. }
            | Self::Identity { .. }
            | Self::Entropy(_) => None,
        }
    }
}

impl FirstKeys {
    /// Writes all keys into a home that has none.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn write(&self, home: &Home) -> Result<(), KeyError> {
        let folder = home.keys_folder();
        files::make_private_folder(&folder)?;
        let put = |name: &str, advice: &[&str], keys: &[KeyText]| {
            files::write_private(&folder.join(name), text::write(advice, keys).as_bytes())
        };
        let signing = |purpose: &str, secret: &Secret| KeyText {
            purpose: purpose.to_owned(),
            algorithm: "ed25519".to_owned(),
            public: *PublicKey::of(&secret.signing()).as_bytes(),
            secret: secret.clone(),
        };
        let sealing = KeyText {
            purpose: SEALING.1.to_owned(),
            algorithm: "x25519".to_owned(),
            public: sealing_public(&self.sealing).unwrap_or_default(),
            secret: self.sealing.clone(),
        };
        let spare = [
            signing("market key 1", &self.next),
            signing("recovery key", &self.recovery),
        ];
        put(MARKET.0, MARKET_ADVICE, &[signing(MARKET.1, &self.market)])?;
        let transport = signing(TRANSPORT.1, &self.transport);
        put(TRANSPORT.0, TRANSPORT_ADVICE, &[transport])?;
        put(SEALING.0, SEALING_ADVICE, &[sealing])?;
        put(SPARE, SPARE_ADVICE, &spare)?;
        // Last, since a home counts as made when this file is there.
        let identity = self.identity.write();
        files::write_private(&home.identity_file(), identity.as_bytes())?;
        Ok(())
    }
}

impl Identity {
    /// Reads who the partner of a home is.
    ///
    /// # Errors
    /// If the file can't be read or is damaged.
    pub fn load(home: &Home) -> Result<Self, KeyError> {
        let path = home.identity_file();
        let text = files::read_text(&path, KEY_FILE_BYTES_MAX)?;
        Self::read(&text).map_err(|reason| KeyError::Identity { path, reason })
    }
}

impl Keys {
    /// Loads what a running node needs, and checks that it fits together.
    ///
    /// # Errors
    /// If a file can't be read, is open to others, damaged, or holds another key.
    pub fn load(home: &Home) -> Result<Self, KeyError> {
        let identity = Identity::load(home)?;
        let folder = home.keys_folder();
        closed(&folder)?;
        let path = folder.join(MARKET.0);
        let market = read_signing(&path, MARKET.1)?;
        let reason = "it is not the market key that made this partner's id";
        let (chain, standing) =
            chain_of(&identity, &market).ok_or(KeyError::Other { path, reason })?;
        let path = folder.join(TRANSPORT.0);
        let transport = Secret::new(read_signing(&path, TRANSPORT.1)?.to_bytes());
        let reason = "libp2p does not take it";
        let transport = transport_pair(&transport).ok_or(KeyError::Other { path, reason })?;
        let path = folder.join(SEALING.0);
        let sealing = read_one(&path, SEALING.1, "x25519")?;
        let reason = "the public half is not that of the secret one";
        let sealing_public = sealing_public(&sealing.secret)
            .filter(|public| *public == sealing.public)
            .ok_or(KeyError::Other { path, reason })?;
        Ok(Self {
            identity,
            chain,
            standing,
            market,
            transport,
            sealing: sealing.secret,
            sealing_public,
        })
    }
}

/// Where the two keys lie that a running node does not need.
#[must_use]
pub fn spare_keys(home: &Home) -> SpareKeys {
    if home.keys_folder().join(SPARE).exists() {
        SpareKeys::InHome
    } else {
        SpareKeys::Away
    }
}

/// The file of those keys.
#[must_use]
pub fn spare_file(home: &Home) -> PathBuf {
    home.keys_folder().join(SPARE)
}

fn read_signing(path: &Path, purpose: &str) -> Result<SigningKey, KeyError> {
    let key = read_one(path, purpose, "ed25519")?;
    let secret = key.secret.signing();
    if PublicKey::of(&secret).as_bytes() == &key.public {
        return Ok(secret);
    }
    Err(KeyError::Other {
        path: path.to_owned(),
        reason: "the public half is not that of the secret one",
    })
}

fn read_one(path: &Path, purpose: &str, algorithm: &str) -> Result<KeyText, KeyError> {
    let text = Zeroizing::new(files::read_text(path, KEY_FILE_BYTES_MAX)?);
    closed(path)?;
    let keys = text::read(&text).map_err(|reason| KeyError::Text {
        path: path.to_owned(),
        reason,
    })?;
    let other = |reason| KeyError::Other {
        path: path.to_owned(),
        reason,
    };
    let Ok([key]) = <[KeyText; 1]>::try_from(keys) else {
        return Err(other("it holds several keys"));
    };
    if key.purpose != purpose {
        return Err(other("it is for another use"));
    }
    if key.algorithm != algorithm {
        return Err(other("it is of another algorithm"));
    }
    Ok(key)
}

fn closed(path: &Path) -> Result<(), KeyError> {
    match files::reach(path)? {
        Reach::OwnerOnly => Ok(()),
        Reach::Others => Err(KeyError::Open(path.to_owned())),
    }
}
