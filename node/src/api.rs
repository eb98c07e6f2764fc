//! The local API: what this machine's own programs may ask the node, over a Unix socket and over
//! HTTP on loopback. It decides nothing; what changes something becomes a [`Call`] to the
//! runtime's loop, what only reads goes to the stores through [`Reading`].

mod about;
mod bundles;
mod deals;
mod desk;
pub mod events;
mod evidence;
pub mod failover;
pub mod guard;
pub mod hand_over;
mod health;
pub mod invites;
mod ledger;
mod looking;
pub mod node;
pub mod offers;
mod orders;
mod page;
pub mod partner;
pub mod peers;
pub mod policies;
pub mod problem;
pub mod pruning;
mod reading;
pub mod server;
mod sources;
pub mod stock;

use axum::Router;
use axum::body::Bytes;
use serde::de::DeserializeOwned;

pub use self::about::{About, Signing};
pub use self::desk::{
    Act, CALLS_MAX, Call, Desk, FailoverAct, Invitation, NetNow, News, PolicyAct, Refusal, Reply,
    done,
};
pub use self::problem::{ApiCode, Problem};
pub use self::reading::Reading;

/// All routes of all nouns, without the guard.
pub fn routes() -> Router<Desk> {
    Router::new()
        .merge(node::routes())
        .merge(health::routes())
        .merge(peers::routes())
        .merge(evidence::routes())
        .merge(events::routes())
        .merge(offers::routes())
        .merge(stock::routes())
        .merge(deals::routes())
        .merge(bundles::routes())
        .merge(failover::routes())
        .merge(policies::routes())
        .merge(orders::routes())
        .merge(ledger::routes())
}

/// Reads the JSON body of a request.
///
/// # Errors
/// `malformed` with the place where it stops making sense.
pub fn json<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|e| {
        let detail = format!("The body is not the JSON document that this address takes: {e}.");
        Problem::new(ApiCode::Malformed, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::ShutdownView;

    #[test]
    fn hostile_body_is_malformed() {
        let refused = json::<ShutdownView>(&Bytes::from_static(b"{\"pid\": -1}")).unwrap_err();
        assert!(
            format!("{refused:?}").contains("line 1 column"),
            "{refused:?}"
        );
    }
}
