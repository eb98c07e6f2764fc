//! The documents about chains: what a deal of this node rests on, which other deal of it rests on
//! that, and what is left between them. Nobody but this node's own programs is told.

use omni_protocol::words;
use serde::{Deserialize, Serialize};

use super::deal::TermsAsk;
use super::money::MoneyView;
use super::ship_to::ShipToDoc;
use super::terms::TermsView;

/// `POST /v1/deals/{thread}/source` and `/source/plan`: asks another partner for what the thread's
/// partner asked this node for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceAsk {
    /// Whom to ask for a hold: an id, its beginning, or a name. The author of the first line's offer
    /// if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    /// What to ask a hold for. They are for a chain, whatever they say of that, and for the region
    /// of the deal above where they name none.
    pub terms: TermsAsk,
    /// For how many minutes the hold may be answered; as long as the deal above waits if left out,
    /// but from 11 minutes to two hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_minutes: Option<u64>,
    /// Who receives it, if that is known already. Sent sealed, after the Receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_to: Option<ShipToDoc>,
}

/// `POST /v1/deals/{thread}/source/plan`: what sourcing would do, where it can be done now. Nothing is
/// signed or sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePlanView {
    /// The thread that would rest on it.
    pub thread: String,
    /// Who asks there.
    pub asked_by: String,
    /// Its name, if it is known.
    pub asked_by_name: Option<String>,
    /// What it asks for.
    pub asked: TermsView,
    /// Who would be asked for a hold.
    pub partner: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// What it would be asked for.
    pub terms: TermsView,
    /// What is received less what is paid: one amount, or one for each of two currencies.
    pub margin: Vec<MoneyView>,
    /// How many deals would rest on it.
    pub depth: u8,
    /// How many may.
    pub depth_max: u8,
    /// For how many minutes the hold might be answered.
    pub valid_minutes: u64,
}

words! {
    /// How the whole of a chain stands, as far as this node knows. The numbers travel nowhere.
    pub enum ChainStand {
        /// Holds are asked for.
        1 Asking "asking",
        /// This node holds, on what is held for it.
        2 Held "held",
        /// Its requester committed, and so did this node: the last in the chain decides, or the bundle.
        3 Committed "committed",
        /// All of it is agreed.
        4 Agreed "agreed",
        /// It came to nothing.
        5 Refused "refused",
        /// This node's deal was a leg of a bundle, and waited as long as its hold said.
        6 Lapsed "lapsed",
    }
}

/// Where a deal stands in a chain, as far as this node has a part in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainView {
    /// How many deals rest on this one, at this node and above.
    pub depth: u8,
    /// How the whole stands: one of `asking`, `held`, `committed`, `agreed`, `refused`, `lapsed`.
    pub stands: String,
    /// As a requester: the own deal that rests on this one.
    pub is_for: Option<ChainDealView>,
    /// As a provider: the own deals that were asked for it, oldest first. It rests on the last; those
    /// before it were refused.
    pub rests_on: Vec<ChainDealView>,
    /// In the middle: what is received less what is paid, one amount or one for each of two
    /// currencies.
    pub margin: Vec<MoneyView>,
}

/// Another deal of this node in the same chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainDealView {
    /// Its thread.
    pub thread: String,
    /// The deal, which is the order's id too.
    pub deal: String,
    /// With whom.
    pub partner: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// The first line's title.
    pub title: String,
    /// What it comes to.
    pub total: Option<MoneyView>,
    /// The state of SPEC.md section 12.
    pub state: String,
    /// Why it was refused: a code of SPEC.md 18.
    pub code: Option<String>,
    /// End of its validity, in milliseconds since 1970.
    pub until_ms: u64,
    /// The policy that asked for it, where no person did.
    pub policy: Option<String>,
}
