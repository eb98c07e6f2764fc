//! Looking again: the tasks of the node that do by themselves what has become due. Each looks whenever
//! something happened, and now and then besides; what it does then is its own matter.

use std::time::Duration;

use super::{Desk, Problem};

/// Between two looks, however much happens.
const PAUSE: Duration = Duration::from_millis(100);
/// Times come, and partners come back, without an event.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Looks for as long as the node runs. `otherwise`: what it means when that fails, for the log.
pub(super) async fn keep_looking<Looking, Looked>(desk: Desk, otherwise: &str, look: Looking)
where
    Looking: Fn(Desk) -> Looked,
    Looked: Future<Output = Result<(), Problem>>,
{
    let mut told = desk.told();
    loop {
        // What was told before this look needs no other.
        told.mark_unchanged();
        if let Err(problem) = look(desk.clone()).await {
            tracing::warn!(problem = problem.json(), "{otherwise}");
        }
        tokio::time::sleep(PAUSE).await;
        let slept = tokio::time::timeout(LOOK_EVERY, told.changed()).await;
        if matches!(slept, Ok(Err(_))) {
            return;
        }
    }
}
