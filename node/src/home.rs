//! The home of a node: which folder it is, what lies where in it, and that one daemon at a time
//! uses it. What the files say is kept out: [`crate::config`] and [`crate::keys`] know that.

pub mod endpoint;
pub mod files;
pub mod socket;
pub mod token;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use self::files::FileError;

const LOCK_TRIES: u32 = 4;
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// The variables of the environment that this program reads, taken once at the start.
///
/// A value of its own, so that tests and the order of layers don't depend on the real one.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Takes the process's environment. Variables that are not UTF-8 count as absent.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// The value of `name`; an empty value counts as absent, as the XDG specification asks.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|v| !v.is_empty())
    }

    /// All names that begin with `prefix`, in alphabetical order.
    pub fn names(&self, prefix: &str) -> impl Iterator<Item = &str> {
        self.0
            .keys()
            .map(String::as_str)
            .filter(move |name| name.starts_with(prefix))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self(pairs.into_iter().map(owned).collect())
    }
}

/// Why a home can't be found, made or used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Neither a flag nor the environment says where a home could be.
    #[error("no folder for the home is known: HOME, XDG_DATA_HOME and OMNI_HOME are all unset")]
    NoFolder,
    /// The folder does not exist or was not made by `omni init`.
    #[error("there is no home at {}", .0.display())]
    Missing(PathBuf),
    /// `omni init` must not touch what is there.
    #[error("there is already a home at {}", .0.display())]
    Exists(PathBuf),
    /// `omni init` found a folder with other things in it, or no folder at all.
    #[error("{} is in use by something else", .0.display())]
    Occupied(PathBuf),
    /// Another daemon holds the lock.
    #[error("a node already runs in {}", home.display())]
    Busy {
        /// The home whose lock is taken.
        home: PathBuf,
        /// Its process, if the lock file says so.
        pid: Option<u32>,
    },
    /// A file or folder of the home can't be used.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The folder of one node. Holding this value says nothing of whether the folder exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// Chooses the folder: `flag`, else `OMNI_HOME`, else `$XDG_DATA_HOME/omni`, else
    /// `$HOME/.local/share/omni` (XDG Base Directory Specification 0.8).
    ///
    /// # Errors
    /// [`HomeError::NoFolder`] if none of these is known.
    pub fn locate(flag: Option<&Path>, env: &Environment) -> Result<Self, HomeError> {
        let data = || {
            // The specification says that a relative path there is to be ignored.
            let folder = env.value("XDG_DATA_HOME").map(PathBuf::from);
            folder
                .filter(|path| path.is_absolute())
                .or_else(|| Some(Path::new(env.value("HOME")?).join(".local/share")))
                .map(|folder| folder.join("omni"))
        };
        let root = flag
            .map(Path::to_owned)
            .or_else(|| env.value("OMNI_HOME").map(PathBuf::from))
            .or_else(data)
            .ok_or(HomeError::NoFolder)?;
        // A daemon may be asked from another folder than the one it was started in.
        let root = std::path::absolute(&root).unwrap_or(root);
        Ok(Self { root })
    }

    /// The home in this very folder, for `omni init`, which builds it beside its final place.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The settings of the operator, [`crate::config`].
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// The folder of the secret keys, mode 0700.
    #[must_use]
    pub fn keys_folder(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// Who this node's partner is: its network and its inception, nothing secret.
    #[must_use]
    pub fn identity_file(&self) -> PathBuf {
        self.root.join("identity")
    }

    /// The database of facts: what this partner promised and was promised.
    #[must_use]
    pub fn ledger_folder(&self) -> PathBuf {
        self.root.join("ledger")
    }

    /// The database of what others published; it may be deleted while no daemon runs.
    #[must_use]
    pub fn market_folder(&self) -> PathBuf {
        self.root.join("market")
    }

    /// The token that every request to the local API must show, mode 0600.
    #[must_use]
    pub fn token_file(&self) -> PathBuf {
        self.root.join("api.token")
    }

    /// Where the running daemon listens: [`endpoint::Endpoint`].
    #[must_use]
    pub fn endpoint_file(&self) -> PathBuf {
        self.root.join("api.json")
    }

    fn lock_file(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Checks that `omni init` made this home.
    ///
    /// # Errors
    /// [`HomeError::Missing`] if it did not.
    pub fn existing(&self) -> Result<(), HomeError> {
        if self.identity_file().is_file() {
            Ok(())
        } else {
            Err(HomeError::Missing(self.root.clone()))
        }
    }

    /// Checks that a home can be made here: nothing there, or an empty folder.
    ///
    /// # Errors
    /// [`HomeError::Exists`] for a home, [`HomeError::Occupied`] for anything else.
    pub fn vacant(&self) -> Result<(), HomeError> {
        if self.existing().is_ok() {
            return Err(HomeError::Exists(self.root.clone()));
        }
        match fs::read_dir(&self.root).map(|mut entries| entries.next().is_none()) {
            Ok(true) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) if !self.root.exists() => Err(FileError::new("make", &self.root, e).into()),
            Ok(false) | Err(_) => Err(HomeError::Occupied(self.root.clone())),
        }
    }

    /// Takes the home for one daemon. The system gives the lock back when the process ends,
    /// however it ends, so a lock file that lies there says nothing.
    ///
    /// # Errors
    /// [`HomeError::Busy`] if another process holds it.
    pub fn lock(&self) -> Result<HomeLock, HomeError> {
        let path = self.lock_file();
        let failed = |doing, e| FileError::new(doing, &path, e);
        let mut file = files::private_options()
            .read(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| failed("open", e))?;
        match try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Who holds it is a courtesy; that somebody holds it is the answer.
                let pid = match file.take(16).read_to_string(&mut pid) {
                    Ok(_) => pid.trim().parse().ok(),
                    Err(_) => None,
                };
                return Err(HomeError::Busy {
                    home: self.root.clone(),
                    pid,
                });
            }
            Err(TryLockError::Error(e)) => return Err(failed("lock", e).into()),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(|e| failed("write", e))?;
        Ok(HomeLock { _file: file })
    }

    /// Whether a daemon holds the lock at this moment.
    #[must_use]
    pub fn in_use(&self) -> InUse {
        let Ok(file) = File::open(self.lock_file()) else {
            return InUse::No;
        };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => InUse::Yes,
            Ok(()) | Err(TryLockError::Error(_)) => InUse::No,
        }
    }
}

/// Asks a few times, since [`Home::in_use`] holds a shared lock for an instant.
fn try_lock(file: &File) -> Result<(), TryLockError> {
    for _ in 1..LOCK_TRIES {
        if let Ok(()) = file.try_lock() {
            return Ok(());
        }
        thread::sleep(LOCK_PAUSE);
    }
    file.try_lock()
}

/// The answer of [`Home::in_use`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InUse {
    /// A daemon holds the home, ready or on its way to be.
    Yes,
    /// No process holds it.
    No,
}

/// The right to use a home; given back when it is dropped.
#[derive(Debug)]
pub struct HomeLock {
    _file: File,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_is_the_first_that_is_named() {
        let check = |flag: Option<&str>, env: Environment, expected: &str| {
            let home = Home::locate(flag.map(Path::new), &env);
            assert_eq!(home.unwrap().root(), Path::new(expected));
        };
        let all = || {
            Environment::from([
                ("OMNI_HOME", "/env"),
                ("XDG_DATA_HOME", "/data"),
                ("HOME", "/me"),
            ])
        };
        check(Some("/flag"), all(), "/flag");
        check(None, all(), "/env");
        check(
            None,
            [("OMNI_HOME", ""), ("XDG_DATA_HOME", "/data")].into(),
            "/data/omni",
        );
        check(
            None,
            [("XDG_DATA_HOME", "relative"), ("HOME", "/me")].into(),
            "/me/.local/share/omni",
        );
        check(None, [("HOME", "/me")].into(), "/me/.local/share/omni");
    }

    #[test]
    fn hostile_empty_environment_is_an_error() {
        let result = Home::locate(None, &Environment::default());
        assert!(matches!(result, Err(HomeError::NoFolder)));
    }
}
