//! Which kinds of faults a plan draws and a run then meets: a fault that is drawn for a node that does
//! not run, or strikes where nothing is under way, shows nothing. It keeps out how they strike.

use std::collections::BTreeSet;

use super::plan::{MINUTE_MS, Plan, What};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A frame is lost, as where a queue is full.
    Loss,
    /// A frame arrives twice.
    Duplication,
    /// A frame overtakes one that was sent before it on the same link.
    Reordering,
    /// A frame is under way for a second or longer.
    Delay,
    /// A letter or greeting arrives in a later session than its own.
    Late,
    /// A frame is lost where both directions are cut.
    Partition,
    /// A frame is lost where its own direction alone is cut.
    OneWay,
    /// A session ends while both processes run.
    Part,
    /// A clock is off all the time.
    Skew,
    /// A clock jumps.
    Jump,
    /// A clock stands still while its node decides something.
    Freeze,
    /// A process gets something to do in a pause.
    Pause,
    /// A sync takes longer than half a second.
    SlowSync,
    /// A process ends without notice.
    Crash,
    /// It ends with a batch written and not synced, of which nothing is left.
    TailLost,
    /// Of which all is left.
    TailKept,
    /// Of which the first blocks are left.
    TailTorn,
    /// Of which any blocks are left.
    TailReordered,
    /// It ends in the middle of a sync.
    CrashInSync,
    /// A sync fails.
    FailedSync,
    /// A write fails.
    FailedWrite,
    /// A disk is put back to an image without entries that were synced.
    Restore,
    /// A disk is put back to what it was before a batch whose letters are under way.
    Rewind,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Loss,
        Self::Duplication,
        Self::Reordering,
        Self::Delay,
        Self::Late,
        Self::Partition,
        Self::OneWay,
        Self::Part,
        Self::Skew,
        Self::Jump,
        Self::Freeze,
        Self::Pause,
        Self::SlowSync,
        Self::Crash,
        Self::TailLost,
        Self::TailKept,
        Self::TailTorn,
        Self::TailReordered,
        Self::CrashInSync,
        Self::FailedSync,
        Self::FailedWrite,
        Self::Restore,
        Self::Rewind,
    ];

    /// Whether this plan has it, or what may bring it about.
    #[must_use]
    pub fn is_drawn(self, plan: &Plan) -> bool {
        let mix = &plan.mix;
        let has = |what: &[What]| {
            plan.actions
                .iter()
                .any(|action| what.contains(&action.what))
        };
        match self {
            Self::Loss => mix.network.loss > 0,
            Self::Duplication => mix.network.duplication > 0,
            Self::Reordering => mix.network.reorders,
            Self::Delay => mix.network.delay_ms_max >= 1_000,
            Self::Late => mix.network.late > 0,
            Self::Partition | Self::OneWay => has(&[What::Cut]),
            Self::Part => has(&[What::Part]),
            Self::Skew => mix.skew_ms.iter().any(|skew| *skew != 0),
            Self::Jump => has(&[What::Jump, What::End]),
            Self::Freeze => has(&[What::Freeze]),
            Self::Pause => has(&[What::Pause]),
            Self::SlowSync => has(&[What::Slow]),
            Self::Crash
            | Self::TailLost
            | Self::TailKept
            | Self::TailTorn
            | Self::TailReordered => has(&[
                What::Crash,
                What::CrashInSync,
                What::FailSync,
                What::FailWrite,
                What::Restore,
                What::Rewind,
            ]),
            Self::CrashInSync => has(&[What::CrashInSync]),
            Self::FailedSync => has(&[What::FailSync]),
            Self::FailedWrite => has(&[What::FailWrite]),
            Self::Restore => has(&[What::Restore, What::Rewind]),
            Self::Rewind => has(&[What::Rewind]),
        }
    }
}

/// The faults that a run met.
pub type Met = BTreeSet<Fault>;

/// What a clock that is off all the time brings about.
pub(super) fn skewed(plan: &Plan) -> Met {
    let met = Fault::Skew.is_drawn(plan).then_some(Fault::Skew);
    met.into_iter().collect()
}

/// A delay that counts as one.
pub(super) const DELAY_MS_MIN: u64 = MINUTE_MS / 60;
/// A sync that counts as slow.
pub(super) const SLOW_MS_MIN: u64 = 500;
