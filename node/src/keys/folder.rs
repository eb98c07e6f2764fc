//! Which key lies in which file of a home, and that each file holds what its name says.

use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use omni_protocol::identity::{KeyChain, PublicKey};
use zeroize::Zeroizing;

use super::text::{self, KeyText, KeyTextError};
use super::{FirstKeys, Identity, Keys, Secret, chain_of, events, sealing_public, transport_pair};
use crate::home::Home;
use crate::home::files::{self, FileError, Reach};
use crate::view::SpareKeys;

/// Two keys with advice have about a kilobyte.
const KEY_FILE_BYTES_MAX: u64 = 16 * 1024;
/// Two branches of the longest chain, each event with its proof in hexadecimal digits.
const EVENTS_BYTES_MAX: u64 = 256 * 1024;

const EVENTS: &str = "key-events";
const TRANSPORT: (&str, &str) = ("transport.key", "transport key");
const SEALING: (&str, &str) = ("sealing.key", "sealing key");
/// Of the first two spare keys; those after a rotation have the index of the market key behind it.
const SPARE: &str = "next-and-recovery";
const RECOVERY: &str = "recovery key";

const MARKET_ADVICE: &[&str] = &[
    "Whoever has this key speaks for the partner. The node needs it here.",
    "A copy of it elsewhere is one more thing to guard; the recovery key replaces it.",
];
const TRANSPORT_ADVICE: &[&str] = &["By this key other nodes know this node. It is needed here."];
const SEALING_ADVICE: &[&str] =
    &["With this key the node opens customer details sealed for it. It is needed here."];
const SPARE_ADVICE: &[&str] = &[
    "MOVE THIS FILE AWAY from this machine, to where you keep what must not be lost or stolen.",
    "The node runs without it. The market key here replaces the present one in the ordinary way",
    "(omni key rotate); the recovery key takes the partner back if that was stolen or lost",
    "(omni key recover).",
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
    /// The keys in a file are not those that are committed to.
    #[error("{} can't replace the market key: {reason}", path.display())]
    NotCommitted {
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
            | Self::NotCommitted { .. }
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
        let sealing = KeyText {
            purpose: SEALING.1.to_owned(),
            algorithm: "x25519".to_owned(),
            public: sealing_public(&self.sealing).unwrap_or_default(),
            secret: self.sealing.clone(),
        };
        let spare = [
            signing(&market_purpose(1), &self.next),
            signing(RECOVERY, &self.recovery),
        ];
        let market = signing(&market_purpose(0), &self.market);
        put(&market_file(0), MARKET_ADVICE, &[market])?;
        let transport = signing(TRANSPORT.1, &self.transport);
        put(TRANSPORT.0, TRANSPORT_ADVICE, &[transport])?;
        put(SEALING.0, SEALING_ADVICE, &[sealing])?;
        put(&spare_name(1), SPARE_ADVICE, &spare)?;
        if let Some((chain, _)) = chain_of(&self.identity, &self.market.signing()) {
            files::write_private(&folder.join(EVENTS), events::write(&chain).as_bytes())?;
        }
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
        let chain = kept_chain(home, &identity)?;
        let index = chain.as_ref().map_or(0, |chain| chain.highest_index());
        let path = folder.join(market_file(index));
        let market = read_signing(&path, &market_purpose(index))?;
        let reason = match index {
            0 => "it is not the market key that made this partner's id",
            _ => "it is not the market key in force",
        };
        let known = match chain {
            Some(chain) => chain.in_force().ok().map(|key| (chain, key)),
            None => chain_of(&identity, &market),
        };
        let (chain, standing) = known
            .filter(|(_, key)| *key.key() == PublicKey::of(&market))
            .ok_or(KeyError::Other { path, reason })?;
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

/// The chain of a partner as its home keeps it; none in a home of before key events were kept.
pub(super) fn kept_chain(home: &Home, identity: &Identity) -> Result<Option<KeyChain>, KeyError> {
    let path = home.keys_folder().join(EVENTS);
    let text = match files::read_text(&path, EVENTS_BYTES_MAX) {
        Ok(text) => text,
        Err(error) if error.is_absent() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let chain = events::read(&text, identity);
    chain
        .map(Some)
        .map_err(|reason| KeyError::Identity { path, reason })
}

/// Where the two keys lie that a running node does not need.
#[must_use]
pub fn spare_keys(home: &Home) -> SpareKeys {
    if spare_file(home).exists() {
        SpareKeys::InHome
    } else {
        SpareKeys::Away
    }
}

/// The file of those keys: where it lies, or where it would.
#[must_use]
pub fn spare_file(home: &Home) -> PathBuf {
    let index = Identity::load(home)
        .and_then(|identity| kept_chain(home, &identity))
        .ok()
        .flatten()
        .map_or(0, |chain| chain.highest_index());
    home.keys_folder().join(spare_name(index.saturating_add(1)))
}

/// Key files that a replacement of the market key left when it was cut short.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Of before the key in force. The recovery key among them may still be good.
    pub spent: Vec<PathBuf>,
    /// Of after it: the new key never came into force.
    pub begun: Vec<PathBuf>,
}

/// What lies in the folder of the keys and has no use there, in the order of the names. A folder
/// that can't be read has nothing.
#[must_use]
pub fn left(home: &Home) -> Left {
    let identity = Identity::load(home);
    let Ok(Some(chain)) = identity.and_then(|identity| kept_chain(home, &identity)) else {
        return Left::default();
    };
    let index = chain.highest_index();
    let folder = home.keys_folder();
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    let mut left = Left::default();
    for name in names {
        // Spare keys have the index of the market key that they bring.
        let of = match (number(&name, "market-"), number(&name, SPARE)) {
            (Some(of), _) => of,
            (None, Some(of)) => of.saturating_sub(1),
            (None, None) => continue,
        };
        match of.cmp(&index) {
            std::cmp::Ordering::Less => left.spent.push(folder.join(name)),
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater => left.begun.push(folder.join(name)),
        }
    }
    left
}

/// The index in the name of a key file that begins so; the first spare keys have none.
fn number(name: &str, beginning: &str) -> Option<u32> {
    let rest = name.strip_prefix(beginning)?.strip_suffix(".key")?;
    match rest {
        "" => Some(1),
        rest => rest.trim_start_matches('-').parse().ok(),
    }
}

fn market_file(index: u32) -> String {
    format!("market-{index}.key")
}

fn market_purpose(index: u32) -> String {
    format!("market key {index}")
}

fn spare_name(index: u32) -> String {
    match index {
        0 | 1 => format!("{SPARE}.key"),
        index => format!("{SPARE}-{index}.key"),
    }
}

fn signing(purpose: &str, secret: &Secret) -> KeyText {
    KeyText {
        purpose: purpose.to_owned(),
        algorithm: "ed25519".to_owned(),
        public: *PublicKey::of(&secret.signing()).as_bytes(),
        secret: secret.clone(),
    }
}

/// The next market key and the recovery key in a file of spare keys.
pub(super) fn read_spare(path: &Path) -> Result<[SigningKey; 2], KeyError> {
    let other = |reason| KeyError::Other {
        path: path.to_owned(),
        reason,
    };
    let keys = <[KeyText; 2]>::try_from(read_keys(path)?);
    let [next, recovery] = keys.or(Err(other("it does not hold two keys")))?;
    if !next.purpose.starts_with("market key ") || recovery.purpose != RECOVERY {
        return Err(other("it is for another use"));
    }
    Ok([next.secret.signing(), recovery.secret.signing()])
}

/// Puts a new market key in force: once the key events are written, it is. Nothing that is needed
/// is ever missing, wherever this is cut short.
pub(super) fn write_replacement(
    home: &Home,
    chain: &KeyChain,
    [market, next, recovery]: [&Secret; 3],
) -> Result<PathBuf, KeyError> {
    let folder = home.keys_folder();
    let index = chain.highest_index();
    let put = |path: &Path, advice: &[&str], keys: &[KeyText]| {
        files::write_private(path, text::write(advice, keys).as_bytes())
    };
    let market = signing(&market_purpose(index), market);
    put(&folder.join(market_file(index)), MARKET_ADVICE, &[market])?;
    let after = index.saturating_add(1);
    let spare = folder.join(spare_name(after));
    let keys = [
        signing(&market_purpose(after), next),
        signing(RECOVERY, recovery),
    ];
    put(&spare, SPARE_ADVICE, &keys)?;
    files::write_private(&folder.join(EVENTS), events::write(chain).as_bytes())?;
    // What is spent is not left for a thief; that it is gone already is as good.
    for spent in [market_file(index.saturating_sub(1)), spare_name(index)] {
        let path = folder.join(spent);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(FileError::new("remove", &path, error).into());
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(spare)
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

fn read_keys(path: &Path) -> Result<Vec<KeyText>, KeyError> {
    let text = Zeroizing::new(files::read_text(path, KEY_FILE_BYTES_MAX)?);
    closed(path)?;
    text::read(&text).map_err(|reason| KeyError::Text {
        path: path.to_owned(),
        reason,
    })
}

fn read_one(path: &Path, purpose: &str, algorithm: &str) -> Result<KeyText, KeyError> {
    let keys = read_keys(path)?;
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
