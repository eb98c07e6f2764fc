//! The stream of events. One of these stands in each line of `omni events`, in the data of each
//! server-sent event, and in the store.

use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventView {
    /// From 1, without gaps, over all runs of the node.
    pub number: u64,
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    pub at_ms: u64,
    /// What.
    #[serde(flatten)]
    pub what: WhatView,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum WhatView {
    /// A run of the node began.
    Began {
        /// Its life.
        life: String,
    },
    /// An own public record was made.
    Published {
        /// Its id.
        record: String,
        /// Family of its slot.
        family: String,
        /// Subject of its slot.
        subject: String,
    },
    /// Stock was counted.
    Counted {
        /// Subject of the offer.
        subject: String,
        /// Steps counted.
        counted: u64,
        /// Steps promised beyond what was counted.
        short: u64,
    },
    /// The operator granted a partner something, or made an invite.
    Granted {
        /// The partner, but for a new invite.
        partner: Option<String>,
    },
    /// A thread has a new record.
    Said {
        /// The other side.
        partner: String,
        /// The thread.
        thread: String,
        /// The record.
        record: String,
    },
    /// A deal came to another state.
    Deal {
        /// The other side.
        partner: String,
        /// The deal.
        deal: String,
        /// The state.
        state: String,
    },
    /// A bundle of this node's own ended as a whole, or lost a leg afterwards.
    Bundle {
        /// Its name, where it is kept here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bundle: Option<String>,
        /// The id of its Manifest.
        manifest: String,
        /// `agreed`, `aborted`, or `lapsed`: it is agreed, and a leg of it is to be sourced anew.
        state: String,
    },
    /// A policy answered a request in its operator's place.
    Policy {
        /// Its name.
        policy: String,
        /// `sourced`, `given` from what is here, or `refused`.
        did: String,
        /// The thread of the request.
        thread: String,
        /// The part that it asked for, where it was sourced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<String>,
        /// Why it was refused: a code of SPEC.md 18.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    /// The failover of a leg of an own bundle: what the node did by itself.
    Failover {
        /// The bundle.
        bundle: String,
        /// The number of the leg.
        leg: u16,
        /// The leg `failed`; a partner is `asked`, is `passed` over, or has the node's Commit
        /// (`committed`); its order stands in (`replaced`), or `nobody` is left, and it is the
        /// operator's turn.
        did: String,
        /// The partner that it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partner: Option<String>,
        /// The deal with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deal: Option<String>,
        /// Why: how the leg failed, or why a partner was passed over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    /// A partner did not take a question.
    Rejected {
        /// The partner.
        partner: String,
        /// The record that asked.
        record: String,
        /// Why.
        code: String,
    },
    /// A partner contradicted itself, and begins no new deal here.
    Accused {
        /// The partner.
        partner: String,
        /// How.
        claim: String,
        /// The Evidence that shows it.
        evidence: String,
    },
    /// A partner says that it has seen more of this node's ledger than there is.
    Ahead {
        /// The partner.
        partner: String,
    },
    /// This node was shown something of its own that it lacks, and signs nothing until it is
    /// recovered.
    Recovering,
    /// A session with a partner or stranger began.
    Met {
        /// Who.
        partner: String,
    },
    /// It ended.
    Parted {
        /// Who.
        partner: String,
    },
    /// A stranger came by itself and waits for the operator's answer.
    Requested {
        /// Who.
        partner: String,
    },
}

impl WhatView {
    /// The name of the kind, as it stands in the member `event`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Began { .. } => "began",
            Self::Published { .. } => "published",
            Self::Counted { .. } => "counted",
            Self::Granted { .. } => "granted",
            Self::Said { .. } => "said",
            Self::Deal { .. } => "deal",
            Self::Bundle { .. } => "bundle",
            Self::Policy { .. } => "policy",
            Self::Failover { .. } => "failover",
            Self::Rejected { .. } => "rejected",
            Self::Accused { .. } => "accused",
            Self::Ahead { .. } => "ahead",
            Self::Recovering => "recovering",
            Self::Met { .. } => "met",
            Self::Parted { .. } => "parted",
            Self::Requested { .. } => "requested",
        }
    }
}

/// `GET /v1/events` without the media type of a stream: a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsView {
    /// In the order of their numbers.
    pub events: Vec<EventView>,
    /// The number of the newest event that there is.
    pub newest: u64,
}
