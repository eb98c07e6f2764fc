//! The documents about failover: the envelope within which the node itself finds somebody else for a
//! leg of a bundle that failed after the commit, whom it would ask, and what came of it. What is kept
//! of it is one document for each leg.

use serde::{Deserialize, Serialize};

use super::deal::HandOverState;
use super::money::MoneyView;
use super::peer::AmountAsk;
use super::policy::{SourceDoc, SourceTrialView};
use super::terms::WindowDoc;

/// Where the failover of a leg can stand: the leg has not failed; its node asks; it committed and
/// waits for the decision; somebody else stands in; nobody is left, and it is the operator's turn; or
/// the leg can't fail any more.
pub const FAILOVER_STATES: [&str; 6] = ["set", "asking", "committed", "replaced", "nobody", "over"];

/// `PUT /v1/bundles/{name}/legs/{leg}/failover`: the envelope of a leg, before or after the commit, in
/// the place of the one before. `POST /v1/bundles/{name}/legs/{leg}/failover/plan` takes one that is
/// not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailoverAsk {
    /// Whom the node may ask: the cheapest first, and of those that cost the same the first named. The
    /// article is the one that is named, else the one with the same GTIN.
    pub from: Vec<SourceDoc>,
    /// What it may cost at most in place of the leg, one amount for each currency.
    pub most: Vec<AmountAsk>,
    /// Until when it must be agreed, in milliseconds since 1970. If left out until the leg is to begin,
    /// and for a leg without a time a day from when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// When it may be fulfilled; exactly when the leg was to be if left out. Of a service with slots
    /// the first slot within it that fits the other legs is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowDoc>,
}

/// What is kept of the failover of a leg.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverDoc {
    /// The bundle's name.
    pub bundle: String,
    /// The number of the leg in it, from 1.
    pub leg: u16,
    /// The envelope, with partners by their ids.
    pub envelope: FailoverAsk,
    /// What was known of the leg's articles when the envelope was set, since who fails withdraws its
    /// offers.
    pub articles: Vec<LegArticleDoc>,
    /// When and why the leg failed, once it has.
    pub failed: Option<FailedView>,
    /// Whom the node asked, oldest first.
    pub asked: Vec<AskedDoc>,
    /// How many of these were asked under envelopes before, and may be asked again.
    pub before: u64,
    /// `replaced`, `nobody` or `over`, once it is.
    pub ended: Option<String>,
    /// When nothing was left to do, once it is so, in milliseconds since 1970: from then on it is
    /// kept for so long as is kept what a node did by itself.
    #[serde(default)]
    pub done_at_ms: Option<u64>,
}

/// An article of a leg.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegArticleDoc {
    /// The provider's number.
    pub sku: String,
    /// Its GTIN, where its offer has one.
    pub gtin: Option<String>,
    /// At most how many hours it takes, where that is known.
    pub lead_hours: Option<u32>,
}

/// Whom the node asked, as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedDoc {
    /// The partner.
    pub partner: String,
    /// The article, where one was named.
    pub sku: Option<String>,
    /// The deal.
    pub deal: String,
    /// When it was asked, in milliseconds since 1970.
    pub at_ms: u64,
    /// Until when the node waits for its hold.
    pub until_ms: u64,
    /// Why it came to nothing, once it has: see [`AskedView::over`].
    pub over: Option<String>,
}

/// When and why a leg failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedView {
    /// `cancelled`: its provider cancelled the order. `lapsed`: the provider's leg lapsed, and the
    /// bundle was agreed.
    pub why: String,
    /// When this node noticed it, in milliseconds since 1970.
    pub at_ms: u64,
    /// Until when somebody else must have agreed.
    pub until_ms: u64,
}

/// The failover of a leg. `GET /v1/bundles/{name}/legs/{leg}/failover`, and the answer to `PUT`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverView {
    /// The bundle.
    pub bundle: String,
    /// The number of the leg.
    pub leg: u16,
    /// The envelope as it is kept.
    pub envelope: FailoverAsk,
    /// The names of the partners in `from`, in that order, as far as they are known.
    pub names: Vec<Option<String>>,
    /// Where it stands: one of [`FAILOVER_STATES`].
    pub state: String,
    /// When and why the leg failed, if it has.
    pub failed: Option<FailedView>,
    /// Whom the node asked, oldest first.
    pub asked: Vec<AskedView>,
    /// The order that stands in for the leg: the thread of its deal.
    pub order: Option<String>,
    /// What that comes to.
    pub total: Option<MoneyView>,
    /// What becomes of the recipient's address there; `missing` where it was not kept for the leg any
    /// more, so that it has to be named again.
    pub hand_over: HandOverState,
}

/// A partner that was asked to stand in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedView {
    /// The partner.
    pub partner: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// The thread in which it was asked; absent where this node could not ask it.
    pub thread: Option<String>,
    /// What it costs.
    pub costs: Option<MoneyView>,
    /// The state of the deal, where there is one.
    pub state: Option<String>,
    /// When it was asked, in milliseconds since 1970.
    pub at_ms: u64,
    /// Until when the node waits for its hold.
    pub until_ms: u64,
    /// Why it came to nothing: a code of SPEC.md 18 by which it or this node refused, `silent` where it
    /// did not answer in time, `released` where the operator gave it back, or `cancelled` where it
    /// cancelled the order that stood in.
    pub over: Option<String>,
}

/// `GET /v1/bundles/{name}/legs/{leg}/failover/plan`, and `POST` for an envelope that is not kept: whom
/// the node would ask, if the leg failed now, in which order, and why not the others. Nothing is kept,
/// signed or sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverPlanView {
    /// The bundle.
    pub bundle: String,
    /// The number of the leg.
    pub leg: u16,
    /// The leg's first line.
    pub title: String,
    /// What the leg comes to.
    pub total: Option<MoneyView>,
    /// Whether the leg has failed, so that the first that fits is asked as soon as this is kept.
    pub has_failed: bool,
    /// Those that fit, in the order in which they would be asked, then the others.
    pub sources: Vec<SourceTrialView>,
}

/// Of which leg's failover a deal is a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfFailoverView {
    /// The bundle.
    pub bundle: String,
    /// The number of the leg.
    pub leg: u16,
    /// The thread of the leg that failed or may fail.
    pub thread: String,
    /// Where that failover stands: one of [`FAILOVER_STATES`].
    pub state: String,
    /// The thread of the order that stands in for the leg, where there is one.
    pub order: Option<String>,
}
