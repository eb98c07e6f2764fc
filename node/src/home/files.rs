//! Files that only their owner may read, written whole or not at all. What is in them is kept
//! out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A file or folder that can't be used, with what was tried.
#[derive(Debug, thiserror::Error)]
#[error("can't {doing} {}: {reason}", path.display())]
pub struct FileError {
    doing: &'static str,
    path: PathBuf,
    reason: io::Error,
}

impl FileError {
    /// `doing` is a verb that fits after "can't", such as "read".
    #[must_use]
    pub fn new(doing: &'static str, path: &Path, reason: io::Error) -> Self {
        Self {
            doing,
            path: path.to_owned(),
            reason,
        }
    }

    /// Whether the file does not exist.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.reason.kind() == io::ErrorKind::NotFound
    }
}

/// Options that write with mode 0600.
#[must_use]
pub fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// Makes a folder with mode 0700, and the folders above it as usual.
///
/// # Errors
/// If it exists, or the system refuses.
pub fn make_private_folder(path: &Path) -> Result<(), FileError> {
    let failed = |e| FileError::new("make", path, e);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::DirBuilder::new()
        .mode(0o700)
        .create(path)
        .map_err(failed)
}

/// Writes a file of mode 0600 so that a reader, or the next start after a power cut, sees the
/// old content or the new one and nothing between.
///
/// # Errors
/// If the system refuses.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let failed = |e| FileError::new("write", path, e);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    let write = || {
        let mut file = private_options()
            .create(true)
            .truncate(true)
            .open(&temporary)?;
        // The mode of an old temporary file is not the one asked for above.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_folder_of(path)
    };
    write().map_err(failed)
}

/// Makes the names in the folder of `path` survive a power cut.
///
/// # Errors
/// If the system refuses.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Reads a small text file.
///
/// # Errors
/// If it can't be read, is longer than `bytes_max`, or is not UTF-8.
pub fn read_text(path: &Path, bytes_max: u64) -> Result<String, FileError> {
    let failed = |e| FileError::new("read", path, e);
    let file = File::open(path).map_err(failed)?;
    let mut text = String::new();
    // One byte more than allowed, so that a longer file is seen without reading it whole.
    let read = file
        .take(bytes_max.saturating_add(1))
        .read_to_string(&mut text)
        .map_err(failed)?;
    if u64::try_from(read).is_ok_and(|read| read <= bytes_max) {
        return Ok(text);
    }
    let reason = format!("it is longer than {bytes_max} bytes");
    Err(failed(io::Error::new(io::ErrorKind::InvalidData, reason)))
}

/// Who else than the owner may use a secret file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Nobody.
    OwnerOnly,
    /// Group or others have some right.
    Others,
}

/// Looks at the mode of a secret file or folder.
///
/// # Errors
/// If it can't be looked at.
pub fn reach(path: &Path) -> Result<Reach, FileError> {
    let failed = |e| FileError::new("look at", path, e);
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    Ok(if mode & 0o077 == 0 {
        Reach::OwnerOnly
    } else {
        Reach::Others
    })
}
