//! The documents about other partners: who they are, what they may do, and how they are met.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::money::MoneyView;

/// `GET /v1/peers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeersView {
    /// In the order of their ids.
    pub peers: Vec<PeerView>,
}

/// One partner, `GET /v1/peers/{partner}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerView {
    /// Its id; empty for a node that was named by its address and not met yet.
    pub partner: String,
    /// Its name, as it says in its Profile.
    pub name: Option<String>,
    /// Its country, as it says.
    pub country: Option<String>,
    /// `onlooker`, `stranger`, `partner`, `blocked` or `quarantined`.
    pub standing: String,
    /// What that lets it do: `none`, `see`, `ask`, `hold` or `owe`.
    pub trust: String,
    /// Whether a session with it stands.
    pub connected: bool,
    /// Whether it came by itself and waits for an answer.
    pub request: bool,
    /// What it may owe this node.
    pub credit: Vec<MoneyView>,
    /// What this node lets itself owe it.
    pub budget: Vec<MoneyView>,
    /// Public records of it that are kept: offers, availabilities, withdrawals.
    pub records: u64,
    /// Its nodes that are known.
    pub nodes: Vec<NodeView>,
}

/// A node of a partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    /// Its libp2p peer id.
    pub peer: String,
    /// Where it is dialled.
    pub addresses: Vec<String>,
    /// The last meeting, to the hour, in milliseconds since 1970.
    pub met_ms: Option<u64>,
    /// Its program, as it says.
    pub agent: String,
    /// How the latest talk with it ended, where one of the two refused it; absent once they met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<RefusedView>,
}

/// A talk that one side refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedView {
    /// `us` or `them`.
    pub by: String,
    /// Why: a code of SPEC.md 18.
    pub code: String,
}

/// `GET /v1/peers/{partner}/evidence`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidencesView {
    /// Whose contradictions they are.
    pub partner: String,
    /// In the order of the ids of the Evidence.
    pub evidence: Vec<EvidenceView>,
}

/// One contradiction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceView {
    /// The record that shows it.
    pub evidence: String,
    /// When this node met it, in milliseconds since 1970.
    pub at_ms: u64,
    /// What was done, as SPEC.md 8.1 calls it: `two decisions`, `Release beside Commit`,
    /// `inconsistent checkpoints` …
    pub claim: String,
    /// What the partner signed.
    pub exhibits: Vec<ExhibitView>,
}

/// One of the things that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExhibitView {
    /// `record`, `entry header` or `checkpoint`.
    pub form: String,
    /// Kind of a record.
    pub kind: Option<String>,
    /// Id of a record.
    pub record: Option<String>,
    /// The deal of a record.
    pub deal: Option<String>,
    /// A checkpoint as it was signed.
    pub note: Option<String>,
}

/// `POST /v1/invites`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InviteAsk {
    /// For how many hours its token is good; 72 if it is left out, at most 8,760.
    pub hours: Option<u64>,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteView {
    /// What to hand to the other operator. Whoever shows it first is a partner.
    pub invite: String,
    /// Until when it may be shown, in milliseconds since 1970.
    pub until_ms: u64,
}

/// `POST /v1/peers`: exactly one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerAsk {
    /// An invite.
    pub invite: Option<String>,
    /// The address of a node, with `/p2p/` and its peer id at the end.
    pub address: Option<String>,
}

/// Its answer: the node is being dialled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerAddedView {
    /// The partner, if it is known before the meeting.
    pub partner: Option<String>,
    /// The node.
    pub peer: String,
}

/// `PATCH /v1/peers/{partner}`; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerChange {
    /// `onlooker`, `stranger`, `partner` or `blocked`.
    pub standing: Option<String>,
    /// What it may owe this node.
    pub credit: Option<AmountAsk>,
    /// What this node lets itself owe it.
    pub budget: Option<AmountAsk>,
}

/// An amount as a person writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmountAsk {
    /// In whole units with a decimal point, such as `1250.50`.
    pub amount: String,
    /// ISO 4217.
    pub currency: String,
}

/// As people read it: `1250.50 EUR`.
impl fmt::Display for AmountAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}
