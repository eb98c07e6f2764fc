//! The routes about the node itself: status, identity, shutdown.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use omni_protocol::ledger::LedgerHead;
use omni_protocol::machine::{Key, View};

use super::{About, ApiCode, Call, Desk, NetNow, Problem, Reading, partner};
use crate::keys::spare_keys;
use crate::store::contact::{Contact, Origin};
use crate::view::{IdentityView, LedgerHeadView, NodeState, ShutdownView, StatusView};

/// Authors whose catalogues are counted in one step.
const AUTHORS_STEP: usize = 256;

/// The routes of this noun.
pub fn routes() -> Router<Desk> {
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/identity", get(identity))
        .route("/v1/shutdown", post(shutdown))
}

async fn status(State(desk): State<Desk>) -> Result<Json<StatusView>, Problem> {
    let net = desk.ask(Call::Net).await?;
    let stopping = *desk.stopping().borrow();
    let events = *desk.told().borrow();
    let about = desk.clone();
    desk.read(move |reading| {
        let mut status = view(about.about(), &net, reading)?;
        status.events = events;
        if stopping {
            status.state = NodeState::Stopping;
        }
        Ok(Json(status))
    })
    .await
}

fn view(about: &About, net: &NetNow, reading: &Reading) -> Result<StatusView, Problem> {
    // A damaged market store counts as empty: the next start makes it anew, and `doctor` says so.
    let (catalogues, records_known) = counted(reading).unwrap_or_default();
    // Addresses come up in any order; a person wants to find each where it was.
    let mut listening = net.listening.clone();
    listening.sort();
    Ok(StatusView {
        state: NodeState::Ready,
        partner: about.identity.partner.clone(),
        name: about.name.clone(),
        network: about.network.to_string(),
        home: about.home.root().to_owned(),
        pid: about.pid,
        version: about.version.clone(),
        started_ms: about.started_ms,
        up_s: about.started.elapsed().as_secs(),
        socket: about.socket.clone(),
        http: about.http,
        spare_keys: spare_keys(&about.home),
        peer: about.identity.peer.clone(),
        listening,
        peers: net.peers,
        partners_connected: u64::try_from(net.partners.len()).unwrap_or(u64::MAX),
        requests: requests(reading)?,
        catalogues,
        records_known,
        catalogues_wanted: net.catalogues_wanted,
        ledger: head(reading),
        events: 0,
        free_bytes: free_bytes(about)?,
    })
}

/// Where the ledger ends.
pub(super) fn head(reading: &Reading) -> LedgerHeadView {
    let head = reading
        .get::<LedgerHead>(&Key::Head {})
        .unwrap_or_else(LedgerHead::empty);
    LedgerHeadView {
        epoch: head.epoch,
        size: head.size,
        at_ms: head.at.ms(),
        recovering: View::read(reading, &Key::Recovery {}).is_some(),
    }
}

/// Partners with public records here, and all their records.
fn counted(reading: &Reading) -> Result<(u64, u64), Problem> {
    let (mut catalogues, mut records) = (0_u64, 0_u64);
    let mut after = None;
    loop {
        let authors = reading.market.authors(after, AUTHORS_STEP)?;
        for author in &authors {
            let count = reading.market.catalogue(*author)?.ids.count();
            records = records.saturating_add(count);
            catalogues = catalogues.saturating_add(u64::from(count > 0));
        }
        match authors.last() {
            Some(last) => after = Some(*last),
            None => return Ok((catalogues, records)),
        }
    }
}

/// Partners that came by themselves and were never answered.
fn requests(reading: &Reading) -> Result<u64, Problem> {
    let mut count = 0_u64;
    let came = Contact::all(&reading.ledger)?;
    for partner in partner::known(reading)? {
        let did_come = came
            .iter()
            .any(|c| c.partner == Some(partner) && c.origin == Origin::Came);
        let is_new = View::read(reading, &Key::Grant { partner }).is_none();
        count = count.saturating_add(u64::from(did_come && is_new));
    }
    Ok(count)
}

fn free_bytes(about: &About) -> Result<u64, Problem> {
    let disk = rustix::fs::statvfs(about.home.root()).map_err(|error| {
        Problem::new(ApiCode::Store, format!("The disk can't be asked: {error}."))
    })?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

async fn identity(State(desk): State<Desk>) -> Json<IdentityView> {
    Json(desk.about().identity.clone())
}

async fn shutdown(State(desk): State<Desk>) -> (StatusCode, Json<ShutdownView>) {
    let pid = desk.about().pid;
    tracing::info!("stopping, as asked by a client");
    desk.stop();
    (StatusCode::ACCEPTED, Json(ShutdownView { pid }))
}
