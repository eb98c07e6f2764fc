//! The node's only source of time and entropy; what a time means for a deal is decided in the
//! core, which takes both as arguments.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use omni_protocol::thread::Life;

/// A clock that tells milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The clock of the machine. It may jump; ledger time, which the core keeps, does not.
    System,
    /// A clock that stands still until a test moves it.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that stands at `ms` until [`Self::advance`] moves it.
    #[must_use]
    pub fn manual(ms: u64) -> Self {
        Self::Manual(Arc::new(AtomicU64::new(ms)))
    }

    /// The present time in milliseconds since 1970. A machine whose clock lies before 1970 tells 0.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| {
                    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
                }),
            Self::Manual(ms) => ms.load(Ordering::SeqCst),
        }
    }

    /// Moves a manual clock forward; the clock of the machine is not ours to move.
    pub fn advance(&self, by_ms: u64) {
        match self {
            Self::System => {}
            Self::Manual(ms) => {
                ms.fetch_add(by_ms, Ordering::SeqCst);
            }
        }
    }
}

/// The operating system gave no entropy, so nothing may be signed or named.
#[derive(Debug, thiserror::Error)]
#[error(
    "the operating system gives no entropy ({reason}): nothing can be signed without it; see getrandom(2)"
)]
pub struct NoEntropy {
    reason: String,
}

/// Thirty-two bytes that nobody can guess.
///
/// # Errors
/// [`NoEntropy`] when the operating system refuses; callers end the process.
pub fn entropy() -> Result<[u8; 32], NoEntropy> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| NoEntropy {
        reason: error.to_string(),
    })?;
    Ok(bytes)
}

/// The name of a new life: 64 random bits, never 0 (SPEC.md 10).
///
/// # Errors
/// [`NoEntropy`] when the operating system refuses; callers end the process.
pub fn new_life() -> Result<Life, NoEntropy> {
    loop {
        let bits = getrandom::u64().map_err(|error| NoEntropy {
            reason: error.to_string(),
        })?;
        if let Ok(life) = Life::new(bits) {
            return Ok(life);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, entropy, new_life};

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(7);
        let same = clock.clone();
        assert_eq!(clock.now_ms(), 7);
        same.advance(5);
        assert_eq!(clock.now_ms(), 12);
    }

    #[test]
    fn two_draws_differ() {
        assert_ne!(entropy().expect("entropy"), entropy().expect("entropy"));
        assert_ne!(new_life().expect("entropy"), new_life().expect("entropy"));
    }

    #[test]
    fn the_system_clock_is_past_2025() {
        assert!(Clock::System.now_ms() > 1_735_689_600_000);
    }
}
