//! The documents about bundles: which deals are to be agreed together, what committing them would
//! come to, and what each leg waits for. Terms of a deal stand in its own documents.

use serde::{Deserialize, Serialize};

use super::deal::{HandOverState, TermsAsk};
use super::failover::FailoverView;
use super::money::MoneyView;
use super::ship_to::ShipToDoc;
use super::terms::WindowDoc;

/// Where a bundle can stand at its requester (SPEC.md 20).
pub const BUNDLE_STATES: [&str; 6] = [
    "collecting",
    "doubt",
    "agreed",
    "aborted",
    "written",
    "dropped",
];

/// `POST /v1/bundles`: begins one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleAsk {
    /// How it is called here: 1 to 64 bytes; nobody else learns it.
    pub name: String,
}

/// `POST /v1/bundles/{name}/legs`: takes a deal in, or changes how it is a leg. It names a thread, or
/// says what a hold is to be asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegAsk {
    /// A thread in which a hold is kept or asked, or a proposal of the provider stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// Whom to ask for a hold: an id, its beginning, or a name. The author of the first line's offer
    /// if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    /// What to ask a hold for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<TermsAsk>,
    /// For how many minutes the hold may be answered; 120 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_minutes: Option<u64>,
    /// Who receives it. Sent sealed, after all legs have armed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_to: Option<ShipToDoc>,
    /// Which alternative of the thread, counted from 1; the first if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative: Option<u8>,
    /// The legs that must be done before it begins, by their threads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Whether it arms after all others have; one leg may.
    #[serde(default)]
    pub arm_last: bool,
}

/// `POST /v1/bundles/{name}/remove`: takes a leg out; its hold stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveAsk {
    /// The leg's thread.
    pub thread: String,
}

/// `GET /v1/bundles`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundlesView {
    /// One page, in the order of the bundles' ids, which are hashes of their names.
    pub bundles: Vec<BundleRow>,
    /// What to ask for next as `cursor`; absent where this is the end.
    pub next: Option<String>,
}

/// A bundle in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleRow {
    /// How it is called here.
    pub name: String,
    /// Where it stands: one of [`BUNDLE_STATES`].
    pub state: String,
    /// For whom it waits: `us`, `them` or `nobody`.
    pub waits_for: String,
    /// How many legs it has.
    pub count: u64,
    /// What they come to together, one amount for each currency; of changes the difference. Of a leg for
    /// which somebody stands in that is what its order comes to.
    pub totals: Vec<MoneyView>,
    /// When it was begun, in milliseconds since 1970.
    pub begun_ms: u64,
}

/// `GET /v1/bundles/{name}`: what waits for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleView {
    /// As in a list.
    #[serde(flatten)]
    pub row: BundleRow,
    /// Its legs, in their order.
    pub legs: Vec<LegView>,
    /// The manifest that committed it, by which its members know it.
    pub manifest: Option<String>,
    /// The bundle whose orders its legs change, if they change any.
    pub changes: Option<String>,
    /// When the first of the kept holds ends, in milliseconds since 1970; while it is collecting.
    pub commit_before_ms: Option<u64>,
    /// What the operator may do: `add`, `plan`, `commit`, `cancel`, `amend`.
    pub may: Vec<String>,
}

/// One leg, as its requester sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegView {
    /// From 1, in the order of the bundle.
    pub number: u16,
    /// Its thread.
    pub thread: String,
    /// Its deal, which is the order's id too.
    pub deal: String,
    /// Who provides it.
    pub partner: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// The first line's title.
    pub title: String,
    /// When it shall be fulfilled; of a service its slot.
    pub window: Option<WindowDoc>,
    /// What it comes to; of a change the difference.
    pub total: Option<MoneyView>,
    /// `amend` or `cancel`, where it changes an order.
    pub change: Option<String>,
    /// The state of its deal (SPEC.md 12).
    pub state: String,
    /// How its order stands, where it came to one.
    pub order_status: Option<String>,
    /// The version of that order: 1 as it was agreed, one more with each change.
    pub order_version: Option<u32>,
    /// Whether something of that order is still owed, which can be amended or cancelled.
    pub open: bool,
    /// Who has to say something: `us`, `them` or `nobody`.
    pub waits_for: String,
    /// When its hold ends unless it is committed before, in milliseconds since 1970.
    pub until_ms: Option<u64>,
    /// The numbers of the legs that must be done before it begins.
    pub after: Vec<u16>,
    /// Whether it arms after all others have.
    pub arms_last: bool,
    /// What its provider said of it since the commit.
    pub said: LegSaid,
    /// Why it was refused: a code of SPEC.md 18.
    pub code: Option<String>,
    /// Whether its provider passes it through: its hold rests on what a partner of its own holds for
    /// it, who stays unseen.
    pub passed_on: bool,
    /// What becomes of the recipient's address.
    pub hand_over: HandOverState,
    /// Its failover, where it has an envelope.
    pub failover: Option<FailoverView>,
}

/// What a provider said of a leg since the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegSaid {
    /// Nothing that is known here.
    Nothing,
    /// Its hold no longer ends.
    Armed,
    /// No: that ends the whole bundle.
    Refused,
    /// It waited as long as its hold said, and waits no more.
    Lapsed,
}

impl LegSaid {
    /// The word of documents and tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Armed => "armed",
            Self::Refused => "refused",
            Self::Lapsed => "lapsed",
        }
    }
}

/// `GET /v1/bundles/{name}/plan`: what committing would do. Nothing is signed or sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanView {
    /// The bundle as it stands.
    #[serde(flatten)]
    pub bundle: BundleView,
    /// Why it can't be committed now; empty if it can.
    pub against: Vec<String>,
    /// For whom each hold waits once it is armed, in the order of the legs.
    pub waits: Vec<WaitsView>,
    /// Who would learn of whom.
    pub members: Vec<MemberView>,
}

/// How an armed leg would wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitsView {
    /// The leg's number.
    pub number: u16,
    /// For whose legs its provider waits: `none`, `known` (its own partners) or `any`.
    pub co_legs: String,
    /// For how many seconds in doubt, before it may lapse.
    pub patience_s: u64,
    /// Whether its provider wishes to arm last.
    pub wishes_last: bool,
}

/// What the others would learn of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// The member; the first is this node's own partner.
    pub partner: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// The addresses of its nodes that the others would be told.
    pub addresses: Vec<String>,
}

/// The bundle of which a deal is a leg, as any member knows it. It has no terms of the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InBundleView {
    /// The manifest.
    pub manifest: String,
    /// How it ended: `agreed` or `aborted`.
    pub ended: Option<String>,
    /// Its legs, by their numbers.
    pub legs: Vec<CoLegView>,
    /// As a provider: when its patience is over, so that an armed leg may lapse, in milliseconds since
    /// 1970.
    pub patience_until_ms: Option<u64>,
}

/// A leg of a bundle, as any member knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoLegView {
    /// From 1.
    pub number: u16,
    /// Who provides it.
    pub partner: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// What its provider said of it.
    pub said: LegSaid,
    /// Whether it arms after all others have.
    pub arms_last: bool,
}
