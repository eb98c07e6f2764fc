//! The lock that keeps a second process, or a second opener in this one, away from a store.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::StoreError;

/// Takes a store of `home`, whose lock file is `path`, until the file is dropped. The system frees
/// it when the process ends, however it ends.
pub(super) fn take(home: &Path, path: &Path) -> Result<File, StoreError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| StoreError::io("open the lock file", path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: home.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(StoreError::io("lock", path, error)),
    }
}
