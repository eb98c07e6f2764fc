//! Pruning: what the node keeps beside the ledger of what it did by itself is forgotten some time after
//! it was over. What orders, deals and events say of it is kept elsewhere, and stays.

use std::time::Duration;

use omni_protocol::hash::RecordId;
use omni_protocol::limits::DAY_MS;

use super::{Act, Call, Desk, Problem, Reading, done};
use crate::store::{failover, policy};
use crate::view::failover::FailoverDoc;

/// For how long it is kept which parts policies asked for, from then on, and the failover of a leg, from
/// when nothing was left to do: as long as a refused deal.
pub const KEPT_DAYS: u64 = 90;
/// It is looked for once an hour.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);
/// Most policy uses that are forgotten in one write.
const TOGETHER: usize = 512;

/// Forgets what is old enough, for as long as the node runs.
pub async fn keep_pruning(desk: Desk) {
    loop {
        if let Err(problem) = prune(&desk).await {
            tracing::warn!(problem = problem.json(), "old entries were not forgotten");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn prune(desk: &Desk) -> Result<(), Problem> {
    loop {
        let _one = desk.changing_failovers().await;
        let keys = desk.read(outdated).await?;
        if keys.is_empty() {
            return Ok(());
        }
        keep(desk, keys.into_iter().map(|key| (key, None)).collect()).await?;
    }
}

/// The keys of what is old enough to be forgotten, or of a part of it; none once all is.
///
/// # Errors
/// `store` if the disk fails.
pub fn outdated(reading: &Reading) -> Result<Vec<Vec<u8>>, Problem> {
    let before_ms = reading
        .now()
        .ms()
        .saturating_sub(KEPT_DAYS.saturating_mul(DAY_MS));
    let mut keys = policy::uses_before(&reading.ledger, before_ms, TOGETHER)?;
    for pair in failover::done(&reading.ledger)? {
        let Ok(doc) = serde_json::from_slice::<FailoverDoc>(&pair.value) else {
            continue;
        };
        if doc.done_at_ms.is_some_and(|done_ms| done_ms < before_ms) {
            let asked = doc.asked.iter().filter_map(|asked| asked.deal.parse().ok());
            keys.extend(asked.map(|deal: RecordId| failover::asked_key(deal.as_bytes())));
            keys.push(pair.key);
        }
    }
    Ok(keys)
}

/// Writes what is kept beside the ledger, and forgets what has no value.
pub(super) async fn keep(
    desk: &Desk,
    writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
) -> Result<(), Problem> {
    let (verb, act) = (None, Box::new(Act::Keep(writes)));
    let verdict = desk.ask(|reply| Call::ByItself { verb, act, reply });
    done(verdict.await?).map(drop)
}
