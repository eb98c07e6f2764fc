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

#[cfg(feature = "faulty")]
pub use armed::{arm_from_environment, install};

#[cfg(feature = "faulty")]
mod armed {
    use std::path::Path;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    /// `PLACE` or `PLACE@TURN`: where to act, and the how-manieth passing counts; 1 if not said.
    const PLACE_VARIABLE: &str = "OMNI_CRASH";
    /// A file: write it and wait until it is removed. Without it the process ends at the place.
    const STOP_VARIABLE: &str = "OMNI_CRASH_STOP";

    pub(super) static HOOK: OnceLock<fn(&str)> = OnceLock::new();

    /// Installs what is called at each place, once for the life of the process.
    ///
    /// Returns `false` if a hook was installed before; that one stays.
    pub fn install(hook: fn(&str)) -> bool {
        HOOK.set(hook).is_ok()
    }

    /// Does what `OMNI_CRASH` and `OMNI_CRASH_STOP` say, if they say anything.
    pub fn arm_from_environment() {
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
