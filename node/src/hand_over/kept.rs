//! The clear text at the requester: one private file for each thread, beside the ledger and in no
//! backup, export or checkpoint of it. Removing the file is all that forgetting takes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use omni_protocol::hash::ThreadId;
use omni_protocol::thread::Shipto;
use zeroize::Zeroizing;

use crate::home::files::{self, FileError};

/// Its name in the home.
const FOLDER: &str = "hand-over";
/// Threads of which something is kept; more than a person looks after.
const KEPT_MAX: usize = 100_000;

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
}

/// The folder of what is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    folder: PathBuf,
}

impl Kept {
    /// That of a home.
    #[must_use]
    pub fn of(home: &Path) -> Self {
        Self {
            folder: home.join(FOLDER),
        }
    }

    fn file(&self, thread: ThreadId) -> PathBuf {
        self.folder.join(thread.to_string())
    }

    /// Keeps details for a thread, in the place of what was kept before.
    ///
    /// # Errors
    /// See [`KeptError`].
    pub fn keep(&self, thread: ThreadId, clear: &Shipto) -> Result<(), KeptError> {
        let bytes = Zeroizing::new(clear.encode().or(Err(KeptError::TooLong))?);
        if !self.folder.exists() {
            files::make_private_folder(&self.folder)?;
        }
        Ok(files::write_private(&self.file(thread), &bytes)?)
    }

    /// Whether something is kept for a thread.
    #[must_use]
    pub fn has(&self, thread: ThreadId) -> bool {
        self.file(thread).exists()
    }

    /// What is kept for a thread.
    ///
    /// # Errors
    /// See [`KeptError`].
    pub fn read(&self, thread: ThreadId) -> Result<Option<Shipto>, KeptError> {
        let path = self.file(thread);
        let bytes = match fs::read(&path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(FileError::new("read", &path, e).into()),
        };
        let clear = Shipto::decode(&bytes);
        clear.map(Some).or(Err(KeptError::Damaged(path)))
    }

    /// Forgets what is kept for a thread.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn forget(&self, thread: ThreadId) -> Result<(), KeptError> {
        let path = self.file(thread);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(FileError::new("remove", &path, e).into())
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// All threads for which something is kept.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn threads(&self) -> Result<Vec<ThreadId>, KeptError> {
        let failed = |e| FileError::new("read", &self.folder, e);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed(e).into()),
        };
        let mut threads = Vec::new();
        for entry in entries.take(KEPT_MAX) {
            let name = entry.map_err(failed)?.file_name();
            // Half-written files have longer names.
            threads.extend(name.to_str().and_then(|name| name.parse::<ThreadId>().ok()));
        }
        Ok(threads)
    }
}
