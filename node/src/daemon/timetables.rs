//! Timetables at work: enters the slots of own calendars again in good time, so that there are
//! always some to come. Which are due is `api::offers::timetables`' matter.

use std::time::Duration;

use omni_protocol::limits::BATCH_RECORDS_MAX;
use omni_protocol::machine::Input;

use crate::api::offers::timetables;
use crate::api::{Desk, Problem};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(10 * 60);

/// Enters timetables until the node ends.
pub(super) async fn keep(desk: Desk) {
    loop {
        if let Err(problem) = enter(&desk).await {
            tracing::warn!(
                problem = problem.json(),
                "timetables wait for the next look"
            );
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn enter(desk: &Desk) -> Result<(), Problem> {
    let read = |reading: &crate::api::Reading| {
        let now = reading.now();
        Ok(timetables::due(
            reading,
            &reading.network,
            now,
            BATCH_RECORDS_MAX,
        ))
    };
    let due = desk.read(read).await?;
    let count = due.len();
    if count > 0 {
        desk.made(Input::Publish(due)).await?;
        tracing::info!(offers = count, "reckoned the slots of calendars anew");
    }
    Ok(())
}
