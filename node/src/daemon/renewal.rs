//! Renewal at work: publishes own offers again in good time, a part at each look. Which are due is
//! `api::offers::renewing`'s matter.

use std::time::Duration;

use omni_protocol::limits::BATCH_RECORDS_MAX;
use omni_protocol::machine::Input;

use crate::api::offers::renewing;
use crate::api::{Desk, Problem};
use crate::config::Renew;

/// Between two looks. An offer is due for weeks, so none is missed.
const LOOK_EVERY: Duration = Duration::from_secs(10 * 60);
/// Offers of one look; the rest follows in the next, so that a whole catalogue that was imported in
/// one hour is not renewed in one second.
const OFFERS_MAX: usize = 4_096;

/// Renews offers until the node ends; never, where it is set not to.
pub(super) async fn keep(desk: Desk, renew: Renew) {
    if renew == Renew::Off {
        return;
    }
    loop {
        if let Err(problem) = publish(&desk).await {
            tracing::warn!(problem = problem.json(), "offers wait for their renewal");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn publish(desk: &Desk) -> Result<(), Problem> {
    let due = desk
        .read(|reading| {
            let now = reading.now();
            Ok(renewing::due(reading, &reading.network, now, OFFERS_MAX))
        })
        .await?;
    for part in due.chunks(BATCH_RECORDS_MAX) {
        desk.made(Input::Publish(part.to_vec())).await?;
    }
    if !due.is_empty() {
        tracing::info!(offers = due.len(), "renewed offers");
    }
    Ok(())
}
