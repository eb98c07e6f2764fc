//! Replacing the market key: by the next one, or with the recovery key where it was stolen or
//! lost. Who is told of it, and what is proved anew, is the running node's matter.

use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use omni_protocol::identity::{KeyChain, PublicKey, sign_event};

use super::folder::{kept_chain, read_spare, write_replacement};
use super::{Identity, KeyError, Keys, Secret};
use crate::home::Home;

/// How the market key is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By the next one, which the one before committed to.
    Rotate,
    /// By a new one, with the recovery key: what others made of stolen keys is void.
    Recover,
}

/// A new market key with the spare keys after it, not yet in force.
#[derive(Debug)]
pub struct Replacement {
    chain: KeyChain,
    market: Secret,
    next: Secret,
    recovery: Secret,
}

impl Replacement {
    /// Makes one with the spare keys in `file`. Nothing is written.
    ///
    /// # Errors
    /// If a file can't be read, or its keys are not those that the present one committed to.
    pub fn make(home: &Home, file: &Path, how: How) -> Result<Self, KeyError> {
        let identity = Identity::load(home)?;
        let mut chain = chain(home)?;
        let [committed, recovery_key] = read_spare(file)?;
        let next = Secret::draw()?;
        let next_digest = PublicKey::of(&next.signing()).digest();
        let (market, recovery, event, signer) = match how {
            How::Rotate => {
                let event = chain.rotation(PublicKey::of(&committed), next_digest);
                let recovery = secret(&recovery_key);
                (secret(&committed), recovery, event, committed)
            }
            How::Recover => {
                let (market, recovery) = (Secret::draw()?, Secret::draw()?);
                let digests = (next_digest, PublicKey::of(&recovery.signing()).digest());
                let new = PublicKey::of(&market.signing());
                let event = chain.recovery(PublicKey::of(&recovery_key), new, digests);
                (market, recovery, event, recovery_key)
            }
        };
        let not_committed = || KeyError::NotCommitted {
            path: file.to_owned(),
            reason: "its keys are not those that the present key committed to: an older file, or \
                     another partner's",
        };
        let network = identity.network().id();
        let event = event.and_then(|event| {
            let signed = sign_event(network, identity.partner(), event, &signer);
            signed.ok()
        });
        let (record, proof) = event.ok_or_else(not_committed)?;
        chain.take(record, proof).map_err(|_code| not_committed())?;
        Ok(Self {
            chain,
            market,
            next,
            recovery,
        })
    }

    /// The index of the new key.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.chain.highest_index()
    }

    /// Puts it in force in the home, and says where the new spare keys lie.
    ///
    /// # Errors
    /// If the system refuses. Then the old key is in force, or the new one.
    pub fn write(&self, home: &Home) -> Result<PathBuf, KeyError> {
        let keys = [&self.market, &self.next, &self.recovery];
        write_replacement(home, &self.chain, keys)
    }
}

/// The key chain of a home's partner. It takes no market key, which may be lost, but in a home of
/// before key events were kept.
///
/// # Errors
/// If a file can't be read or is damaged.
pub fn chain(home: &Home) -> Result<KeyChain, KeyError> {
    match kept_chain(home, &Identity::load(home)?)? {
        Some(chain) => Ok(chain),
        None => Ok(Keys::load(home)?.chain().clone()),
    }
}

fn secret(key: &SigningKey) -> Secret {
    Secret::new(key.to_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use omni_protocol::hash::NetworkName;

    use super::*;
    use crate::home::files::make_private_folder;
    use crate::keys::{FirstKeys, Left, left, spare_file};

    fn made(folder: &Path) -> Home {
        let home = Home::at(folder.join("home"));
        make_private_folder(home.root()).unwrap();
        let keys = FirstKeys::draw(NetworkName::new("test").unwrap()).unwrap();
        keys.write(&home).unwrap();
        home
    }

    fn replace(home: &Home, spare: &Path, how: How) -> Result<PathBuf, KeyError> {
        Replacement::make(home, spare, how)?.write(home)
    }

    #[test]
    fn a_key_is_rotated_and_taken_back_under_the_same_partner() {
        let folder = tempfile::tempdir().unwrap();
        let home = made(folder.path());
        let partner = Keys::load(&home).unwrap().identity().partner();
        let away = |name: &str| {
            let to = folder.path().join(name);
            fs::rename(spare_file(&home), &to).unwrap();
            to
        };
        assert_eq!(left(&home), Left::default());
        let first = away("first");
        let again = replace(&home, &first, How::Rotate).unwrap();
        assert_eq!(left(&home), Left::default());
        assert_eq!(again, spare_file(&home), "the new spare keys");
        let keys = Keys::load(&home).unwrap();
        assert_eq!(
            (keys.identity().partner(), keys.standing().index()),
            (partner, 1)
        );
        assert!(!home.keys_folder().join("market-0.key").exists(), "spent");

        // The spent file commits to nothing any more; what came after it does.
        let spent = replace(&home, &first, How::Rotate);
        assert!(
            matches!(spent, Err(KeyError::NotCommitted { .. })),
            "{spent:?}"
        );
        let second = away("second");
        replace(&home, &second, How::Rotate).unwrap();
        assert_eq!(Keys::load(&home).unwrap().standing().index(), 2);

        // The market key is lost: the node can't start, and the recovery key brings it back.
        fs::remove_file(home.keys_folder().join("market-2.key")).unwrap();
        assert!(Keys::load(&home).is_err());
        let third = away("third");
        replace(&home, &third, How::Recover).unwrap();
        let keys = Keys::load(&home).unwrap();
        assert_eq!(
            (keys.identity().partner(), keys.standing().index()),
            (partner, 3)
        );
        let events: Vec<_> = keys
            .chain()
            .events()
            .map(|(e, _)| e.body().name())
            .collect();
        assert_eq!(events, ["inception", "rotation", "rotation", "recovery"]);
        for spent in [first, second, third] {
            for how in [How::Rotate, How::Recover] {
                let refused = replace(&home, &spent, how);
                assert!(
                    matches!(refused, Err(KeyError::NotCommitted { .. })),
                    "{spent:?}"
                );
            }
        }
    }

    #[test]
    fn another_partners_spare_keys_and_damaged_files_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let home = made(folder.path());
        let elsewhere = tempfile::tempdir().unwrap();
        let other = spare_file(&made(elsewhere.path()));
        let before = Keys::load(&home).unwrap().standing().index();
        for how in [How::Rotate, How::Recover] {
            let refused = replace(&home, &other, how);
            assert!(
                matches!(refused, Err(KeyError::NotCommitted { .. })),
                "{refused:?}"
            );
        }
        let market = home.keys_folder().join("market-0.key");
        let refused = replace(&home, &market, How::Rotate);
        assert!(
            matches!(refused, Err(KeyError::Other { .. })),
            "{refused:?}"
        );
        assert_eq!(Keys::load(&home).unwrap().standing().index(), before);

        let events = home.keys_folder().join("key-events");
        let good = fs::read_to_string(&events).unwrap();
        for (bad, why) in [
            (good.replace("version 1", "version 2"), "another version"),
            (good.replacen("event: ", "event: 00", 1), "another record"),
            (good.replace("event: ", "event "), "no event"),
            (String::new(), "nothing"),
        ] {
            fs::write(&events, bad).unwrap();
            let loaded = Keys::load(&home);
            assert!(matches!(loaded, Err(KeyError::Identity { .. })), "{why}");
        }
        // A home of before key events were kept.
        fs::remove_file(&events).unwrap();
        replace(&home, &spare_file(&home), How::Rotate).unwrap();
        assert_eq!(Keys::load(&home).unwrap().standing().index(), 1);
    }
}
