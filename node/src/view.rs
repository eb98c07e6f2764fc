//! The documents of the local API, as structs that the server fills and the client reads. Their
//! field names are a promise to programs; what is in the node's own types is kept out.

pub mod bundle;
pub mod chain;
pub mod change;
pub mod deal;
pub mod draft;
pub mod event;
pub mod failover;
pub mod health;
pub mod ledger;
pub mod money;
pub mod offer;
pub mod order;
pub mod peer;
pub mod policy;
pub mod preview;
pub mod ship_to;
pub mod slot;
pub mod stock;
pub mod terms;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The most rows of one page, in every list.
pub const PAGE_MAX: usize = 500;

/// Why a request was refused: RFC 9457, with the member `code`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemView {
    /// A URN that ends in the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// One sentence, the same for each code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable; what programs should look at.
    pub code: String,
    /// What was wrong this time.
    pub detail: String,
    /// What to do about it: a command after `omni`, or words; absent where `detail` says it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `GET /v1/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// How far the node is.
    pub state: NodeState,
    /// The partner's id.
    pub partner: String,
    /// Its name.
    pub name: String,
    /// Its network.
    pub network: String,
    /// The folder of the node.
    pub home: PathBuf,
    /// Its process.
    pub pid: u32,
    /// The version of the program.
    pub version: String,
    /// Since when it runs, in milliseconds since 1970-01-01T00:00:00Z.
    pub started_ms: u64,
    /// For how many seconds it has been running.
    pub up_s: u64,
    /// Its Unix socket.
    pub socket: PathBuf,
    /// Its HTTP address on loopback.
    pub http: SocketAddr,
    /// Where the keys lie that this node does not need and a thief would want.
    pub spare_keys: SpareKeys,
    /// The libp2p peer id of the node.
    pub peer: String,
    /// Where it listens for other nodes, without the peer id.
    pub listening: Vec<String>,
    /// Connected peers, whoever they speak for.
    pub peers: u64,
    /// Partners with a session.
    pub partners_connected: u64,
    /// Partners that came by themselves and wait for an answer.
    pub requests: u64,
    /// Partners whose public records are known, this one included if it published any.
    pub catalogues: u64,
    /// Public records that are known: offers, availabilities and withdrawals of all partners.
    pub records_known: u64,
    /// Catalogues that are being caught up just now.
    pub catalogues_wanted: u64,
    /// The end of the own ledger.
    pub ledger: LedgerHeadView,
    /// The number of the newest event.
    pub events: u64,
    /// Free bytes on the home's disk.
    pub free_bytes: u64,
}

/// The end of the own ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerHeadView {
    /// The epoch.
    pub epoch: u32,
    /// Entries in it.
    pub size: u64,
    /// Ledger time, in milliseconds since 1970.
    pub at_ms: u64,
    /// Whether it is known to lack something, so that the node signs nothing.
    pub recovering: bool,
}

/// How far a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeState {
    /// It serves.
    Ready,
    /// It was asked to stop.
    Stopping,
}

/// Where the next market key and the recovery key are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpareKeys {
    /// Still in the home, where whoever takes the node takes them too.
    InHome,
    /// Elsewhere, as advised.
    Away,
}

/// `GET /v1/identity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityView {
    /// The partner's id.
    pub partner: String,
    /// Its network.
    pub network: String,
    /// Number of the market key in force.
    pub key_index: u32,
    /// Its public half, in hexadecimal digits.
    pub market_key: String,
    /// The libp2p peer id of this node.
    pub peer: String,
    /// The public half of the sealing key, in hexadecimal digits.
    pub sealing_key: String,
}

/// `POST /v1/shutdown`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShutdownView {
    /// The process that ends.
    pub pid: u32,
}
