//! Named places at which a test may end or stop this process; in a product build nothing is here
//! but an empty function.
//!
//! The feature `faulty` compiles the calls in, and even then nothing happens until a program arms
//! them. `omni` never does, also where a build of the whole workspace compiled them into it;
//! `omni-faulty` and the kill tests do.
//!
//! The places, in the order in which one batch passes them: `before-sync:` with what the batch
//! carries (`before-sync:signed-commit`: kind of the entry, kind of its record), once for each;
//! `batch-handed-over`, `batch-before-write`, `batch-after-write`, `head-after-write`,
//! `batch-after-report`; `after-sync:` as before, when nothing of the batch was sent yet. Beside
//! these, where a recipient is kept and forgotten: `hand-over-key-kept`, `hand-over-kept`,
//! `hand-over-key-overwritten`, `hand-over-key-shredded`.

/// Passes the place `name`; the installed hook, if any, decides whether the process goes on.
#[cfg(feature = "faulty")]
pub fn point(name: &str) {
    if let Some(hook) = armed::HOOK.get() {
        hook(name);
    }
}

/// Passes a place. This build has no hooks, so nothing happens.
#[cfg(not(feature = "faulty"))]
#[inline]
pub fn point(_name: &str) {}

/// Whether anything looks at the places, so that their names must be made up.
#[cfg(feature = "faulty")]
#[must_use]
pub fn is_armed() -> bool {
    armed::HOOK.get().is_some()
}

/// Whether anything looks at the places. In this build nothing does.
#[cfg(not(feature = "faulty"))]
#[inline]
#[must_use]
pub fn is_armed() -> bool {
    false
}

/// Whether the ledger syncs what it writes. It does, unless `omni-faulty` was told not to: so a test
/// shows that it would notice.
#[cfg(feature = "faulty")]
#[must_use]
pub fn syncs() -> bool {
    !armed::UNSYNCED.load(std::sync::atomic::Ordering::Relaxed)
}

/// Whether the ledger syncs what it writes. This build knows nothing else.
#[cfg(not(feature = "faulty"))]
#[inline]
#[must_use]
pub fn syncs() -> bool {
    true
}

#[cfg(feature = "faulty")]
pub use armed::{arm_from_environment, install};

#[cfg(feature = "faulty")]
mod armed {
    use std::path::Path;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::time::Duration;

    /// `PLACE` or `PLACE@TURN`: where to act, and the how-manieth passing counts; 1 if not said.
    const PLACE_VARIABLE: &str = "OMNI_CRASH";
    /// A file: write it and wait until it is removed. Without it the process ends at the place.
    const STOP_VARIABLE: &str = "OMNI_CRASH_STOP";
    /// Set to anything: the ledger does not sync.
    const UNSYNCED_VARIABLE: &str = "OMNI_UNSYNCED";

    pub(super) static HOOK: OnceLock<fn(&str)> = OnceLock::new();
    pub(super) static UNSYNCED: AtomicBool = AtomicBool::new(false);

    /// Installs what is called at each place, once for the life of the process.
    ///
    /// Returns `false` if a hook was installed before; that one stays.
    pub fn install(hook: fn(&str)) -> bool {
        HOOK.set(hook).is_ok()
    }

    /// Does what `OMNI_CRASH`, `OMNI_CRASH_STOP` and `OMNI_UNSYNCED` say, if they say anything.
    pub fn arm_from_environment() {
        let is_unsynced = std::env::var_os(UNSYNCED_VARIABLE).is_some();
        UNSYNCED.store(is_unsynced, Ordering::Relaxed);
        if std::env::var_os(PLACE_VARIABLE).is_some() {
            install(act);
        }
    }

    fn act(name: &str) {
        static PASSED: AtomicU64 = AtomicU64::new(0);
        let Ok(wanted) = std::env::var(PLACE_VARIABLE) else {
            return;
        };
        let (place, turn) = wanted.split_once('@').unwrap_or((&wanted, "1"));
        if name != place || (PASSED.fetch_add(1, Ordering::SeqCst) + 1).to_string() != turn {
            return;
        }
        match std::env::var_os(STOP_VARIABLE) {
            Some(file) => wait_for_removal(Path::new(&file)),
            None => std::process::abort(),
        }
    }

    fn wait_for_removal(file: &Path) {
        if std::fs::write(file, b"").is_err() {
            std::process::abort();
        }
        while file.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
