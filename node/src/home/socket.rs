//! Where the Unix socket of a home lies: a short path in a folder that only its owner can enter.
//! What is said over it is kept out.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Environment;

/// `sun_path` has 108 bytes on Linux and the last is zero (unix(7)); macOS has 104.
const SOCKET_PATH_BYTES_MAX: usize = 103;

/// Why no folder for the socket was found.
#[derive(Debug, thiserror::Error)]
#[error("no folder for the socket can be used: {}", tried.join("; "))]
pub struct NoSocketFolder {
    tried: Vec<String>,
}

/// Chooses the path of the socket of the home at `root`, and makes its folder: in
/// `$XDG_RUNTIME_DIR/omni`, else in a folder of this user's own in `$TMPDIR` or `/tmp`.
///
/// `uid` is the user of this process. The name is a hash of the home's path, so that it is
/// short, the same at each start and different for each home.
///
/// # Errors
/// If none of these folders can be made safe, or the path is too long for a socket.
pub fn place(root: &Path, uid: u32, env: &Environment) -> Result<PathBuf, NoSocketFolder> {
    let digest = Sha256::digest(root.as_os_str().as_bytes());
    let name: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
    let temporary = |folder: &str| Path::new(folder).join(format!("omni-{uid}"));
    let runtime = env
        .value("XDG_RUNTIME_DIR")
        .map(|folder| Path::new(folder).join("omni"));
    let folders = [
        runtime,
        env.value("TMPDIR").map(temporary),
        Some(temporary("/tmp")),
    ];
    let mut tried = Vec::new();
    for folder in folders.into_iter().flatten() {
        let path = folder.join(format!("{name}.sock"));
        let length = path.as_os_str().len();
        if length > SOCKET_PATH_BYTES_MAX {
            tried.push(format!(
                "{} has {length} bytes, a socket may have {SOCKET_PATH_BYTES_MAX}",
                path.display()
            ));
            continue;
        }
        match own_folder(&folder, uid) {
            Ok(()) => return Ok(path),
            Err(e) => tried.push(format!("{}: {e}", folder.display())),
        }
    }
    Err(NoSocketFolder { tried })
}

/// Makes the folder, or takes it if it is this user's and closed to all others. In a shared
/// temp folder someone else may have made it first, to listen in.
fn own_folder(folder: &Path, uid: u32) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        Ok(()) | Err(_) => {}
    }
    let meta = fs::symlink_metadata(folder)?;
    if !meta.is_dir() {
        return Err(io::Error::other("it is not a folder"));
    }
    if meta.uid() != uid {
        return Err(io::Error::other("it belongs to another user"));
    }
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(io::Error::other("other users may enter it"));
    }
    Ok(())
}
