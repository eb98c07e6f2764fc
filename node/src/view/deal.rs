//! The documents about threads and their deals: what is proposed, what was said, and where it
//! stands. Quantities and amounts are decimal texts.

use omni_protocol::deal::State;
use omni_protocol::words;
use serde::{Deserialize, Serialize};

use super::bundle::InBundleView;
use super::chain::ChainView;
use super::failover::OfFailoverView;
use super::money::MoneyView;
use super::ship_to::ShipToDoc;
use super::terms::{TermsView, WindowDoc};

/// `POST /v1/deals`: proposes terms in a new thread.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposeAsk {
    /// To whom: an id, its beginning, or a name. The author of the first line's offer if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    /// The own part: `requester` (the default) or `provider`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// One to three alternatives.
    pub alternatives: Vec<TermsAsk>,
    /// Whether it binds.
    #[serde(default)]
    pub firm: bool,
    /// For how many minutes it stands; 120 if left out, and 15 for a provider's firm proposal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_minutes: Option<u64>,
    /// Who receives it; the requester's to say. Sent sealed, after the Receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_to: Option<ShipToDoc>,
}

/// Terms to be built from offers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermsAsk {
    /// At least one.
    pub lines: Vec<LineAsk>,
    /// How it reaches the customer; `ship` where the offers know it, else their first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Where to: ISO 3166. The recipient's country if one is named and this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postcode.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub postcode: String,
    /// The slot in which a service shall be performed, by its local time as
    /// `GET /v1/offers/{name}/slots` shows it; needed where an offer has a calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<String>,
    /// When it shall be fulfilled, in place of a slot: a wish for goods, and exactly the slot for a
    /// service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowDoc>,
    /// Incoterms 2020; the first offer's if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incoterm: Option<String>,
    /// Days from fulfilment until payment is due.
    #[serde(default)]
    pub payment_days: u16,
    /// Whether the provider does not show itself to the customer; the first offer's if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub white_label: Option<bool>,
    /// Whether nothing ships before the Receipt is acknowledged.
    #[serde(default)]
    pub for_chain: bool,
    /// A note to the other side.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A line to be built from an offer, which is named by its id or by article number and list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineAsk {
    /// The offer's id, or at least 8 digits of its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// The provider's article number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Its price list.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub list: String,
    /// How much, in the offer's unit.
    pub quantity: String,
    /// The price for `per`; that of the offer for this quantity if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// The quantity that the price is for; that of the offer if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<String>,
}

/// `POST /v1/deals/{thread}/counter`: the terms that stand, changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterAsk {
    /// From which alternative, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative: Option<u8>,
    /// What changes in which line.
    #[serde(default)]
    pub lines: Vec<LineChange>,
    /// Another slot, as in [`TermsAsk`]; as before if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<String>,
    /// Another fee, where the terms change an order; as before if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<String>,
    /// Another note; none if left out.
    #[serde(default)]
    pub note: String,
    /// Days from fulfilment until payment is due; as before if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_days: Option<u16>,
    /// Whether it binds.
    #[serde(default)]
    pub firm: bool,
    /// For how many minutes it stands; as in [`ProposeAsk`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_minutes: Option<u64>,
    /// Who receives it; as in [`ProposeAsk`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_to: Option<ShipToDoc>,
}

/// What changes in one line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineChange {
    /// Which, counted from 1.
    pub line: u16,
    /// Another price for the line's `per`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// Another quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
}

/// `POST /v1/inquiries`: asks a partner something, in a new thread.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InquiryAsk {
    /// Whom: an id, its beginning, or a name.
    pub partner: String,
    /// What; at most 2048 bytes.
    pub text: String,
}

/// `POST /v1/deals/{thread}/question` and `/answer`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextAsk {
    /// What; at most 2048 bytes.
    pub text: String,
}

/// `POST /v1/deals/{thread}/accept`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptAsk {
    /// Which alternative, counted from 1; the first if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative: Option<u8>,
    /// Who receives it; as in [`ProposeAsk`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_to: Option<ShipToDoc>,
}

words! {
    /// Where a thread stands by what was said last, while no deal of it is open. The numbers travel
    /// nowhere.
    pub enum Talk {
        /// Something was asked, and neither answered nor proposed yet.
        1 Inquiry "inquiry",
        /// The latest words are an answer.
        2 Answered "answered",
        /// A proposal of this node stands.
        3 Proposed "proposed",
        /// A proposal of the partner stands.
        4 ToAnswer "to-answer",
        /// The latest proposal was declined.
        5 Rejected "rejected",
        /// The latest proposal was taken back.
        6 Withdrawn "withdrawn",
    }
}

/// Where a thread stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadState {
    /// It is talked about.
    Talk(Talk),
    /// As its latest deal does.
    Deal(State),
}

impl ThreadState {
    /// The word for it; one of [`thread_states`].
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Talk(talk) => talk.name(),
            Self::Deal(state) => state.name(),
        }
    }
}

/// The words for where a thread can stand: those of its own, then those of deals, of SPEC.md 12.
#[must_use]
pub fn thread_states() -> Vec<&'static str> {
    let talk = Talk::ALL.iter().map(|talk| talk.name());
    let mut words: Vec<_> = talk.collect();
    for state in State::ALL {
        // Both sides of a deal say `held`.
        if !words.contains(&state.name()) {
            words.push(state.name());
        }
    }
    words
}

/// For whom a thread can wait: the operator, the partner, another deal of its chain.
pub const WAITS_FOR: [&str; 4] = ["us", "them", "chain", "nobody"];

/// `GET /v1/deals`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealsView {
    /// One page, in the order of the threads' ids.
    pub deals: Vec<DealRow>,
    /// What to ask for next as `cursor`; absent where this is the end.
    pub next: Option<String>,
}

/// A thread in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealRow {
    /// The thread.
    pub thread: String,
    /// What its terms change of an order that was agreed before, such as `cancel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// The other side.
    pub partner: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// The own part: `requester` or `provider`; absent where nothing was proposed yet.
    pub role: Option<String>,
    /// Where it stands: one of the words that the list of threads takes as `state`.
    pub state: String,
    /// Who has to say something: one of [`WAITS_FOR`].
    pub waits_for: String,
    /// The first line's title; of a thread without terms the question that opened it.
    pub title: String,
    /// As a provider: the thread of the own deal on which it rests, or is to rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests_on: Option<String>,
    /// As a requester: the thread of the own deal that rests on it, or is to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_for: Option<String>,
    /// Lines of the terms.
    pub lines: u64,
    /// What the terms come to.
    pub total: Option<MoneyView>,
    /// When the latest record was made, in milliseconds since 1970.
    pub latest_ms: u64,
}

/// `GET /v1/deals/{thread}`: the whole story of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealView {
    /// As in a list.
    #[serde(flatten)]
    pub row: DealRow,
    /// The deal that is open, or the latest that was.
    pub deal: Option<String>,
    /// The terms that are on the table or were agreed; several where there are alternatives.
    pub alternatives: Vec<TermsView>,
    /// When what is on the table ends, in milliseconds since 1970.
    pub until_ms: Option<u64>,
    /// Whether that is over.
    pub over: bool,
    /// What the operator may do: `accept`, `source`, `counter`, `reject`, `withdraw`, `write-off`,
    /// `lapse`, `answer`.
    pub may: Vec<String>,
    /// What accepting would bind to.
    pub accepting: Option<String>,
    /// Proposals made so far.
    pub rounds: u32,
    /// How the order stands that it led to: `ordered`, `in-fulfilment`, `completed`, `cancelled`.
    pub order_status: Option<String>,
    /// What becomes of the recipient's address; see [`HandOverState`].
    pub hand_over: HandOverState,
    /// All that was said, oldest first; of very long threads the latest 500.
    pub said: Vec<SaidView>,
    /// The deals of this thread, oldest first.
    pub deals: Vec<DealStateView>,
    /// The name of the own bundle for which its latest deal is kept, until that is committed.
    pub drafted: Option<String>,
    /// The bundle of which its latest deal is a leg, once that is committed.
    pub bundle: Option<InBundleView>,
    /// Its latest deal's place in a chain, if it rests on another deal or another rests on it.
    pub chain: Option<ChainView>,
    /// As a requester: whether the provider passes it through, so that its hold rests on what a partner
    /// of its own holds for it, who stays unseen.
    pub passed_on: bool,
    /// As a requester: the failover of which it is a part, as the leg or as what was asked in its place.
    pub failover: Option<OfFailoverView>,
}

/// What becomes of the recipient's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandOverState {
    /// The method needs none, or nothing is agreed or on the table.
    NotNeeded,
    /// The requester has not said it yet.
    Missing,
    /// It is kept here and will be sealed and sent after the Receipt.
    Kept,
    /// It was sealed and sent.
    Sent,
    /// It came, sealed for this node.
    Received,
}

/// One deal of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealStateView {
    /// The deal id, which is the order's too.
    pub deal: String,
    /// The own side: `requester` or `provider`.
    pub side: String,
    /// The state of SPEC.md section 12.
    pub state: String,
    /// The amount reserved or agreed.
    pub amount: Option<MoneyView>,
    /// End of validity, in milliseconds since 1970.
    pub until_ms: u64,
    /// The order that it changes, if it changes one.
    pub order: Option<String>,
    /// Whether the Receipt came after that end: it binds, and the requester may cancel free.
    pub late: bool,
}

/// One record of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidView {
    /// From 0, in the order in which this node recorded them.
    pub number: u64,
    /// Its id.
    pub record: String,
    /// Its author's ledger time, in milliseconds since 1970.
    pub at_ms: u64,
    /// `us` or `them`.
    pub by: String,
    /// The kind of SPEC.md 8.2, such as `Proposal`.
    pub kind: String,
    /// Whether a proposal binds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firm: Option<bool>,
    /// End of a proposal's, request's or hold's validity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// The terms of a proposal or request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<TermsView>,
    /// The alternative that was chosen, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative: Option<u8>,
    /// Whether a hold rests on what a partner of its giver's own holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_on: Option<bool>,
    /// Why something was declined: a code of SPEC.md 18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What was written, or what an Event says happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether it still waits for the partner's answer.
    pub waiting: bool,
    /// Why the partner did not take it, if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<String>,
}
