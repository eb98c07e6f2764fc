//! The documents about how a node is: what a running one says of itself, and what was found wrong
//! with one, up or down.

use serde::{Deserialize, Serialize};

/// `GET /v1/health`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthView {
    /// Partners that owe an answer, those that owe the oldest one first.
    pub waiting: Vec<WaitingView>,
    /// Own offers that end within two weeks and were not renewed, if there are such.
    pub ending: Option<EndingView>,
    /// Own articles of which more is promised than there is, if there are such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<ShortView>,
    /// Authors that published two different records at one revision, of which one stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub twins: Vec<TwinsView>,
}

/// Own offers that end soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingView {
    /// How many.
    pub offers: u64,
    /// When the first of them ends, in milliseconds since 1970.
    pub first_ms: u64,
    /// Whether the node is set to renew offers: then these have an end that was chosen.
    pub renews: bool,
}

/// Of what more is promised than there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShortView {
    /// Counted articles.
    pub articles: u64,
    /// Slots of services that are still to come.
    pub slots: u64,
    /// The article number of a service with such a slot, if it is still offered.
    pub sku: Option<String>,
}

/// What an author published twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwinsView {
    /// Its id.
    pub partner: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// Whether this node's own partner is the author.
    pub mine: bool,
    /// Of how many things two records came.
    pub records: u64,
    /// The article number of an offer among them.
    pub sku: Option<String>,
}

/// A partner that owes answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingView {
    /// Its id.
    pub partner: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// Messages without their answer.
    pub messages: u64,
    /// When the oldest was sent first, in milliseconds since 1970.
    pub since_ms: u64,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingView {
    /// What was looked at: `settings`, `home`, `keys`, `token`, `disk`, `clock`, `node`, `ports`,
    /// `ledger`, `market`, `recovery`, `partners`, `requests`, `outbox`, `deals`, `offers`,
    /// `stock` or `version`.
    pub about: String,
    /// How it is.
    pub state: FindingState,
    /// What was found, a clause.
    pub what: String,
    /// What to do about it.
    pub next: Option<String>,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingState {
    /// As it should be.
    Good,
    /// Worth knowing; nothing fails because of it.
    Note,
    /// It has to be mended.
    Fault,
}

impl FindingView {
    /// A thing that is as it should be.
    #[must_use]
    pub fn good(about: &str, what: impl Into<String>) -> Self {
        Self {
            about: about.to_owned(),
            state: FindingState::Good,
            what: what.into(),
            next: None,
        }
    }

    /// A thing worth knowing.
    #[must_use]
    pub fn note(about: &str, what: impl Into<String>, next: &str) -> Self {
        Self {
            state: FindingState::Note,
            next: Some(next.to_owned()),
            ..Self::good(about, what)
        }
    }

    /// A thing that has to be mended.
    #[must_use]
    pub fn fault(about: &str, what: impl Into<String>, next: &str) -> Self {
        Self {
            state: FindingState::Fault,
            ..Self::note(about, what, next)
        }
    }
}
