//! `api.json`: how a running daemon tells clients where it listens. What they then ask is kept
//! out.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{self, FileError};

/// Bounds a damaged or foreign file; a written one has about 200 bytes.
const ENDPOINT_BYTES_MAX: u64 = 4096;

/// Where a daemon listens. Written when it is ready and removed when it ends; after a kill it
/// stays behind, so it proves nothing until the socket answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The daemon's process.
    pub pid: u32,
    /// Its Unix socket.
    pub socket: PathBuf,
    /// Its HTTP address on loopback.
    pub http: SocketAddr,
    /// The version of the program.
    pub version: String,
}

/// Why an `api.json` can't be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// There is none: no daemon is ready.
    #[error("{} is not there", .0.display())]
    Absent(PathBuf),
    /// It is not what a daemon writes.
    #[error("{} is not what a node writes: {reason}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It can't be read.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Endpoint {
    /// Reads what a daemon wrote.
    ///
    /// # Errors
    /// If there is none, or it is broken.
    pub fn read(path: &Path) -> Result<Self, EndpointError> {
        let text = match files::read_text(path, ENDPOINT_BYTES_MAX) {
            Ok(text) => text,
            Err(e) if e.is_absent() => return Err(EndpointError::Absent(path.to_owned())),
            Err(e) => return Err(e.into()),
        };
        serde_json::from_str(&text).map_err(|e| EndpointError::Broken {
            path: path.to_owned(),
            reason: e.to_string(),
        })
    }

    /// Tells clients where to ask; the file is removed when the returned value is dropped.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn publish(&self, path: &Path) -> Result<Published, EndpointError> {
        let broken = |e: serde_json::Error| EndpointError::Broken {
            path: path.to_owned(),
            reason: e.to_string(),
        };
        let mut json = serde_json::to_string_pretty(self).map_err(broken)?;
        json.push('\n');
        files::write_private(path, json.as_bytes())?;
        Ok(Published {
            path: path.to_owned(),
        })
    }
}

/// An `api.json` that stands for as long as this value lives.
#[derive(Debug)]
pub struct Published {
    path: PathBuf,
}

impl Drop for Published {
    fn drop(&mut self) {
        // A file left behind is recognised as stale by whoever asks.
        if let Err(e) = std::fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), error = %e, "api.json stays behind");
        }
    }
}
