//! How much room the disk has left, and the ballast that is given up when it gets scarce; who is
//! refused then is the runtime's matter.
//!
//! On a full disk a database can't even be closed in order. So requests and imports are refused
//! while there is still room, and what ends an open deal may use the ballast's.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::StoreError;

const BALLAST_FILE: &str = "ballast";
const MIB: u64 = 1 << 20;

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Only what ends an open deal is taken.
    Scarce,
    /// No imports and no new deals are taken.
    Low,
    /// Everything is taken.
    Ample,
}

/// Below which free bytes room is low or scarce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpaceLimits {
    low_bytes: u64,
    scarce_bytes: u64,
    ballast_bytes: u64,
}

impl SpaceLimits {
    /// Limits that lie in order: ballast < scarce < low. `None` if they do not.
    #[must_use]
    pub fn new(low_bytes: u64, scarce_bytes: u64, ballast_bytes: u64) -> Option<Self> {
        let in_order = ballast_bytes < scarce_bytes && scarce_bytes < low_bytes;
        in_order.then_some(Self {
            low_bytes,
            scarce_bytes,
            ballast_bytes,
        })
    }

    /// Below this no imports and no new deals are taken.
    #[must_use]
    pub fn low_bytes(&self) -> u64 {
        self.low_bytes
    }

    /// Below this only what ends an open deal is taken.
    #[must_use]
    pub fn scarce_bytes(&self) -> u64 {
        self.scarce_bytes
    }
}

impl Default for SpaceLimits {
    /// 256 MiB are low: the largest import known (50,000 offers) takes a fifth of it, sorted twice.
    /// 96 MiB are scarce: six write buffers. The ballast of 32 MiB holds two.
    fn default() -> Self {
        Self {
            low_bytes: 256 * MIB,
            scarce_bytes: 96 * MIB,
            ballast_bytes: 32 * MIB,
        }
    }
}

/// Watches the file system of one home.
#[derive(Debug)]
pub struct SpaceWatch {
    home: PathBuf,
    limits: SpaceLimits,
}

impl SpaceWatch {
    /// Watches the file system on which `home` lies.
    #[must_use]
    pub fn new(home: &Path, limits: SpaceLimits) -> Self {
        Self {
            home: home.to_owned(),
            limits,
        }
    }

    /// Looks, gives up the ballast when room is scarce, and lays it again when there is plenty.
    ///
    /// # Errors
    /// What the file system answers; treat it as [`Room::Low`], since nothing is known.
    pub fn look(&self) -> Result<Room, StoreError> {
        let free = self.free_bytes()?;
        let path = self.home.join(BALLAST_FILE);
        let ballast = if path.exists() {
            Ballast::Laid
        } else {
            Ballast::Absent
        };
        let (room, step) = judge(self.limits, free, ballast);
        match step {
            BallastStep::None => {}
            BallastStep::Lay => {
                // Without ballast there is less reserve, which is no reason to refuse anything.
                if let Err(error) = lay(&path, self.limits.ballast_bytes) {
                    tracing::warn!(%error, path = %path.display(), "the ballast file could not be laid");
                }
            }
            BallastStep::GiveUp => {
                fs::remove_file(&path)
                    .map_err(|error| StoreError::io("give up the ballast", &path, error))?;
                tracing::warn!(
                    free,
                    "room on the disk is scarce: the ballast was given up; only open deals are ended"
                );
            }
        }
        Ok(room)
    }

    fn free_bytes(&self) -> Result<u64, StoreError> {
        let stat = rustix::fs::statvfs(&self.home).map_err(|error| {
            StoreError::io("measure the free room of", &self.home, error.into())
        })?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ballast {
    Laid,
    Absent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BallastStep {
    None,
    Lay,
    GiveUp,
}

/// The ballast is laid again only where it leaves room ample by its own size, else it would come
/// and go.
fn judge(limits: SpaceLimits, free: u64, ballast: Ballast) -> (Room, BallastStep) {
    let room = if free < limits.scarce_bytes {
        Room::Scarce
    } else if free < limits.low_bytes {
        Room::Low
    } else {
        Room::Ample
    };
    let plenty = limits
        .low_bytes
        .saturating_add(limits.ballast_bytes.saturating_mul(2));
    let step = match ballast {
        Ballast::Laid if room == Room::Scarce => BallastStep::GiveUp,
        Ballast::Absent if free >= plenty => BallastStep::Lay,
        Ballast::Laid | Ballast::Absent => BallastStep::None,
    };
    (room, step)
}

/// Takes `bytes` of the disk. Where the file system can't set blocks aside, they are written.
fn lay(path: &Path, bytes: u64) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&fresh)?;
    if rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes).is_err() {
        // No zeros: some file systems keep none of those.
        let block = [0xa5; 4096];
        let mut left = bytes;
        while left > 0 {
            file.write_all(&block)?;
            left = left.saturating_sub(4096);
        }
    }
    file.sync_all()?;
    fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use super::{Ballast, BallastStep, Room, SpaceLimits, judge};

    #[test]
    fn limits_lie_in_order() {
        assert!(SpaceLimits::new(100, 50, 10).is_some());
        assert!(SpaceLimits::new(50, 50, 10).is_none());
        assert!(SpaceLimits::new(100, 50, 50).is_none());
        let normal = SpaceLimits::default();
        assert!(
            SpaceLimits::new(normal.low_bytes, normal.scarce_bytes, normal.ballast_bytes).is_some()
        );
    }

    #[test]
    fn room_and_ballast_follow_the_free_bytes() {
        let limits = SpaceLimits {
            low_bytes: 100,
            scarce_bytes: 50,
            ballast_bytes: 10,
        };
        let check = |free, ballast, expected| {
            assert_eq!(judge(limits, free, ballast), expected, "{free} {ballast:?}");
        };
        check(0, Ballast::Laid, (Room::Scarce, BallastStep::GiveUp));
        check(49, Ballast::Laid, (Room::Scarce, BallastStep::GiveUp));
        check(49, Ballast::Absent, (Room::Scarce, BallastStep::None));
        check(50, Ballast::Laid, (Room::Low, BallastStep::None));
        check(99, Ballast::Absent, (Room::Low, BallastStep::None));
        check(100, Ballast::Absent, (Room::Ample, BallastStep::None));
        check(119, Ballast::Absent, (Room::Ample, BallastStep::None));
        check(120, Ballast::Absent, (Room::Ample, BallastStep::Lay));
        check(120, Ballast::Laid, (Room::Ample, BallastStep::None));
    }
}
