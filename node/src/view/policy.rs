//! The documents about policies: by which a node sources by itself what partners ask it for, what one
//! would do with a request, and what it did. What is kept of a policy is its document.

use serde::{Deserialize, Serialize};

use super::money::MoneyView;
use super::peer::AmountAsk;
use super::terms::WindowDoc;

/// For which Requests a policy works.
pub const POLICY_WHENS: [&str; 2] = ["short", "always"];
/// The days of a week, as a policy names them.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A policy, as it is given and as it is kept. `POST /v1/policies` takes one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDoc {
    /// Its name: 1 to 32 of the characters `a` to `z`, `0` to `9` and `-`. Where several fit, they are
    /// tried in the order of their names.
    pub name: String,
    /// The own articles for which it works, by their numbers, in all price lists. Without these and
    /// without a list it works for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skus: Vec<String>,
    /// The own price list for whose articles it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// `short`, if left out: Requests for more than there is. `always`: all Requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Whom it may ask, in this order.
    pub from: Vec<SourceDoc>,
    /// What must be left at least, in percent of what the part costs, with two decimals at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub markup: Option<String>,
    /// What must be left at least, one amount for each currency.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub margin: Vec<AmountAsk>,
    /// What one part may cost at most, one amount for each currency. With one, no other currency is
    /// spent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub per_deal: Vec<AmountAsk>,
    /// What all parts of a day may cost at most, as `per_day`. A part that was refused costs nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub per_day: Vec<AmountAsk>,
    /// When it works; always if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<HoursDoc>,
    /// Where its days and hours are meant: `UTC`, a shift from it such as `+01:00`, or a place such as
    /// `Europe/Berlin`. UTC if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// Whom the node may ask by itself, and what for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceDoc {
    /// The partner: an id, its beginning, or a name. Kept is the id.
    pub partner: String,
    /// Its article; the one with the same number as the own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
}

/// When a policy works, in its zone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoursDoc {
    /// On which days: `mon` to `sun`; on all if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<String>,
    /// From this time of the day on, such as `08:00`.
    pub from: String,
    /// And before this one, up to `24:00`.
    pub until: String,
}

/// `POST /v1/deals/{thread}/policy`: what a policy would do with the request in this thread. Nothing is
/// kept, signed or sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTryAsk {
    /// The name of a policy that is kept, or
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// a policy that is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyDoc>,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyTrialView {
    /// The policy.
    pub policy: String,
    /// The thread.
    pub thread: String,
    /// `source`: the first source that fits is asked. `wait`: a part is asked for already. `nothing`:
    /// it can't source this now.
    pub would: String,
    /// Why it does nothing at all with this request, whomever it may ask.
    pub why: Option<String>,
    /// Whom it may ask, in this order; empty where it does nothing at all.
    pub sources: Vec<SourceTrialView>,
}

/// One of the partners that a policy, or the envelope of a leg, lets the node ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTrialView {
    /// The partner.
    pub partner: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// The article, where it is not the one with the own number.
    pub sku: Option<String>,
    /// What the part would cost, where that can be said.
    pub costs: Option<MoneyView>,
    /// What would be left; where somebody stands in for a leg, how much less than the leg it costs.
    pub margin: Vec<MoneyView>,
    /// When it would be fulfilled, where that is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowDoc>,
    /// Why it is not asked; absent where it fits.
    pub why: Option<String>,
}

/// `GET /v1/policies`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoliciesView {
    /// In the order of their names.
    pub policies: Vec<PolicyView>,
}

/// A policy at work. `GET /v1/policies/{name}`, and the answer to `POST /v1/policies`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyView {
    /// As it is kept.
    pub policy: PolicyDoc,
    /// The names of the partners in `from`, in that order, as far as they are known.
    pub names: Vec<Option<String>>,
    /// Whether it works at this moment, by its hours.
    pub works_now: bool,
    /// What the parts that it asked for today cost, less those that were refused.
    pub today: Vec<MoneyView>,
    /// The parts that it asked for, newest first, at most a hundred.
    pub used: Vec<PolicyUseView>,
}

/// `DELETE /v1/policies/{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRemovedView {
    /// Its name. What it sourced goes on.
    pub removed: String,
}

/// A part that a policy asked for, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyUse {
    /// The policy.
    pub policy: String,
    /// The thread above.
    pub thread: String,
    /// The deal that is the part.
    pub part: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
}

/// A part that a policy asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyUseView {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The thread above.
    pub thread: String,
    /// The part's thread.
    pub part: String,
    /// Whom it asked.
    pub partner: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// What it costs.
    pub costs: Option<MoneyView>,
    /// The state of the part.
    pub state: String,
}
