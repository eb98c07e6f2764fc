//! Who receives, as the requester keeps it: one file for each thread, encrypted under a data key
//! that serves it alone and lies in a folder of its own. No backup, export or checkpoint contains
//! that folder, so whoever finds the rest, or a file that was left, learns nothing.
//!
//! Order makes a kill harmless: a data key is on the disk before what it encrypts, and is shredded
//! after what replaces it. What a kill leaves over is [`Kept::tidy`]'s.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use omni_protocol::hash::ThreadId;
use omni_protocol::thread::Shipto;
use zeroize::Zeroizing;

use crate::crash;
use crate::home::files::{self, FileError};
use crate::keys::text::hex;

/// What is encrypted, in the home.
const FOLDER: &str = "hand-over";
/// The data keys, in the home.
const KEYS_FOLDER: &str = "data-keys";
/// Threads of which something is kept; more than a person looks after.
const KEPT_MAX: usize = 100_000;
/// Bytes of the name of a data key, with which a kept file begins.
const NAME_BYTES: usize = 16;
const KEY_BYTES: usize = 32;

/// One change at a time, so that what looks left over is no half of another one.
static CHANGING: Mutex<()> = Mutex::new(());

/// Why details can't be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The system refuses.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file holds something else.
    #[error("{} does not hold what this node kept there: remove it and name the recipient again", .0.display())]
    Damaged(PathBuf),
    /// They can't be written as they are.
    #[error("the details are too long together: shorten the note")]
    TooLong,
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    Entropy,
}

/// What a kept file holds.
struct Encrypted {
    /// The name of its data key.
    key: KeyName,
    bytes: Vec<u8>,
}

/// Says nothing of the key or the thread.
type KeyName = [u8; NAME_BYTES];

/// The folders of what is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    folder: PathBuf,
    keys: PathBuf,
}

impl Kept {
    /// Those of a home.
    #[must_use]
    pub fn of(home: &Path) -> Self {
        Self {
            folder: home.join(FOLDER),
            keys: home.join(KEYS_FOLDER),
        }
    }

    /// Keeps details for a thread, in the place of what was kept before.
    ///
    /// # Errors
    /// See [`KeptError`].
    pub fn keep(&self, thread: ThreadId, clear: &Shipto) -> Result<(), KeptError> {
        let _one = changing();
        let clear = Zeroizing::new(clear.encode().or(Err(KeptError::TooLong))?);
        let (mut name, mut key) = ([0; NAME_BYTES], Zeroizing::new([0; KEY_BYTES]));
        getrandom::fill(&mut name).or(Err(KeptError::Entropy))?;
        getrandom::fill(key.as_mut()).or(Err(KeptError::Entropy))?;
        let payload = Payload {
            msg: &clear,
            aad: &associated(thread, &name),
        };
        // A key that serves once needs no nonce of its own.
        let bytes = ChaCha20Poly1305::new((&*key).into()).encrypt(&Nonce::default(), payload);
        let bytes = bytes.or(Err(KeptError::TooLong))?;
        for folder in [&self.keys, &self.folder] {
            if !folder.exists() {
                files::make_private_folder(folder)?;
            }
        }
        let before = self.encrypted(thread)?;
        files::write_private(&self.key_file(&name), &*key)?;
        crash::point("hand-over-key-kept");
        files::write_private(&self.file(thread), &[&name[..], &bytes].concat())?;
        crash::point("hand-over-kept");
        match before {
            Some(old) => shred(&self.key_file(&old.key)),
            None => Ok(()),
        }
    }

    /// Whether something is kept for a thread, and its data key too.
    #[must_use]
    pub fn has(&self, thread: ThreadId) -> bool {
        let kept = self.encrypted(thread).ok().flatten();
        kept.is_some_and(|kept| matches!(self.key(&kept.key), Ok(Some(_))))
    }

    /// What is kept for a thread. What lost its data key, as after a restore, is not kept.
    ///
    /// # Errors
    /// See [`KeptError`].
    pub fn read(&self, thread: ThreadId) -> Result<Option<Shipto>, KeptError> {
        let Some(kept) = self.encrypted(thread)? else {
            return Ok(None);
        };
        let Some(key) = self.key(&kept.key)? else {
            return Ok(None);
        };
        let payload = Payload {
            msg: &kept.bytes,
            aad: &associated(thread, &kept.key),
        };
        let clear = ChaCha20Poly1305::new((&*key).into()).decrypt(&Nonce::default(), payload);
        let damaged = || KeptError::Damaged(self.file(thread));
        let clear = Zeroizing::new(clear.or(Err(damaged()))?);
        Shipto::decode(&clear).map(Some).or(Err(damaged()))
    }

    /// Forgets what is kept for a thread: the data key first, and with it all copies of the rest.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn forget(&self, thread: ThreadId) -> Result<(), KeptError> {
        let _one = changing();
        if let Some(kept) = self.encrypted(thread)? {
            shred(&self.key_file(&kept.key))?;
        }
        crash::point("hand-over-key-shredded");
        remove(&self.file(thread))
    }

    /// All threads for which something is kept.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn threads(&self) -> Result<Vec<ThreadId>, KeptError> {
        // Half-written files have longer names.
        let names = names_in(&self.folder)?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// Shreds the data keys that encrypt nothing, as a kill may leave.
    ///
    /// # Errors
    /// See [`KeptError`].
    pub fn tidy(&self) -> Result<(), KeptError> {
        let _one = changing();
        let mut used = BTreeSet::new();
        for thread in self.threads()? {
            used.extend(self.encrypted(thread)?.map(|kept| self.key_file(&kept.key)));
        }
        for name in names_in(&self.keys)? {
            let file = self.keys.join(name);
            if !used.contains(&file) {
                shred(&file)?;
            }
        }
        Ok(())
    }

    fn file(&self, thread: ThreadId) -> PathBuf {
        self.folder.join(thread.to_string())
    }

    fn key_file(&self, name: &KeyName) -> PathBuf {
        self.keys.join(hex(name).as_str())
    }

    fn encrypted(&self, thread: ThreadId) -> Result<Option<Encrypted>, KeptError> {
        let path = self.file(thread);
        let Some(bytes) = read(&path)? else {
            return Ok(None);
        };
        let (key, bytes) = bytes.split_first_chunk().ok_or(KeptError::Damaged(path))?;
        Ok(Some(Encrypted {
            key: *key,
            bytes: bytes.to_vec(),
        }))
    }

    /// A data key that was not shredded.
    fn key(&self, name: &KeyName) -> Result<Option<Zeroizing<[u8; KEY_BYTES]>>, KeptError> {
        let path = self.key_file(name);
        let Some(bytes) = read(&path)?.map(Zeroizing::new) else {
            return Ok(None);
        };
        let key = <[u8; KEY_BYTES]>::try_from(&**bytes).or(Err(KeptError::Damaged(path)))?;
        Ok((key != [0; KEY_BYTES]).then(|| Zeroizing::new(key)))
    }
}

/// Writes over a data key in its place before its file goes, since a file that is only removed
/// leaves its bytes on the disk. What a file system or a disk copied meanwhile is beyond it.
fn shred(path: &Path) -> Result<(), KeptError> {
    let failed = |e| KeptError::File(FileError::new("write over", path, e));
    let zeros = [0; KEY_BYTES];
    match fs::File::options().write(true).open(path) {
        Ok(mut file) => {
            let written = file.write_all(&zeros).and_then(|()| file.sync_all());
            written.map_err(failed)?;
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(failed(e)),
    }
    crash::point("hand-over-key-overwritten");
    remove(path)
}

fn changing() -> MutexGuard<'static, ()> {
    CHANGING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// To what the encrypted bytes are bound: they open for their thread alone.
fn associated(thread: ThreadId, name: &KeyName) -> Vec<u8> {
    [thread.as_bytes().as_slice(), name].concat()
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, KeptError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(FileError::new("read", path, e).into()),
    }
}

fn remove(path: &Path) -> Result<(), KeptError> {
    match fs::remove_file(path) {
        Ok(()) => files::sync_folder_of(path).map_err(|e| FileError::new("sync", path, e).into()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(FileError::new("remove", path, e).into()),
    }
}

/// The names in a folder that need not exist.
fn names_in(folder: &Path) -> Result<Vec<String>, KeptError> {
    let failed = |e| FileError::new("read", folder, e);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed(e).into()),
    };
    let mut names = Vec::new();
    for entry in entries.take(KEPT_MAX) {
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    Ok(names)
}
