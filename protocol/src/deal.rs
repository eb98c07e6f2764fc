//! A deal between two (SPEC.md section 12): its states and what a node keeps of it. The rules of
//! either side stand in `provider` and `requester`; this file keeps them out, and so do the owners
//! of stock, credit, negotiation and orders beside it.

mod asking;
pub(crate) mod change;
pub mod credit;
pub(crate) mod evidence;
pub mod holds;
pub(crate) mod judge;
pub(crate) mod leg;
pub mod negotiation;
pub mod order;
pub(crate) mod provider;
mod receive;
pub(crate) mod requester;
pub mod stock;
mod texts;
pub mod timetable;
pub mod tombstone;

pub use self::stock::Reserved;
pub(crate) use self::{
    asking::{ask, rests_on},
    change::reservation,
    receive::received,
    texts::has_room,
};

use alloc::vec::Vec;

use crate::{
    bundle::{Backing, BundleBody},
    fence::List,
    hash::{DealId, ManifestId, NetworkId, PartnerId, RecordId, ThreadId},
    limits::{ALTERNATIVES_MAX, DAY_MS, LETTER_RECORDS_MAX, LINES_MAX, PROPOSAL_DAYS_MAX},
    machine::{Fold, Key, Overlay, Stop, Trial, View, bundle, kept_record, stored},
    record::Signed,
    thread::{Chain, Role, Terms, ThreadBody},
    value::{Currency, Minor, Time},
    wire, words,
};

/// Most articles that one deal reserves: those of all alternatives.
const RESERVED_MAX: usize = LINES_MAX * ALTERNATIVES_MAX;

words! {
    /// Where a deal stands at this node. The states of either side are those of the deal tables.
    pub enum State {
        /// Provider: a Request waits for the operator.
        1 Asked "asked",
        /// Provider: the requester's firm proposal waits for the operator.
        2 Offered "offered",
        /// Provider: the hold is signed, the decision slot empty.
        3 Held "held",
        /// Provider: closed by a local entry, the Refusal owed.
        4 Closed "closed",
        /// Provider: the Receipt is written.
        5 Sold "sold",
        /// Provider: the Refusal is written.
        6 Refused "refused",
        /// Provider: the Manifest of its bundle is kept, and the leg arms last.
        7 Waiting "waiting",
        /// Provider: as a leg of a bundle it no longer ends by time.
        8 Armed "armed",
        /// Provider: as an armed leg it waited as long as its hold said.
        9 Lapsed "lapsed",
        /// Provider: its hold is passed on, and committed, so that it no longer ends by time.
        10 Passed "passed",
        /// Requester: the Request is sent.
        17 Requested "requested",
        /// Requester: a hold or firm proposal is kept and not committed.
        18 Kept "held",
        /// Requester: a Commit or own firm proposal is sent.
        19 Doubt "doubt",
        /// Requester: a Release is sent, the Refusal not yet here.
        20 Released "released",
        /// Requester: in doubt and written off.
        21 Written "written",
        /// Requester: the Receipt is here.
        22 Agreed "agreed",
        /// Requester: the Refusal is here.
        23 Aborted "aborted",
    }
}

impl State {
    /// The side on which this state occurs.
    #[must_use]
    pub const fn side(self) -> Side {
        match self {
            Self::Asked
            | Self::Offered
            | Self::Held
            | Self::Closed
            | Self::Sold
            | Self::Refused
            | Self::Waiting
            | Self::Armed
            | Self::Lapsed
            | Self::Passed => Side::Provider,
            Self::Requested
            | Self::Kept
            | Self::Doubt
            | Self::Released
            | Self::Written
            | Self::Agreed
            | Self::Aborted => Side::Requester,
        }
    }

    /// Whether the deal is decided as far as this node knows.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            Self::Sold | Self::Refused | Self::Lapsed | Self::Agreed | Self::Aborted
        )
    }
}

words! {
    /// Which side of a deal this node is.
    pub enum Side {
        /// It wants.
        1 Requester "requester",
        /// It owns the scarce thing and decides.
        2 Provider "provider",
    }
}

words! {
    /// Which record opened a deal.
    pub enum Opening {
        /// A Request.
        1 Request "request",
        /// The provider's firm proposal.
        2 ProviderProposal "provider-proposal",
        /// The requester's firm proposal.
        3 RequesterProposal "requester-proposal",
    }
}

words! {
    /// As what a partner holds: what strangers hold is bounded for all of them together.
    pub enum Holder {
        /// Somebody without the operator's trust, when the hold was signed.
        1 Stranger "stranger",
        /// A partner.
        2 Partner "partner",
    }
}

words! {
    /// Whether a Receipt came within the validity of what it decides.
    pub enum Lateness {
        /// It did, or there is none.
        0 InTime "in-time",
        /// It is dated after the end: it binds, and the requester may cancel free.
        1 Late "late",
    }
}

/// What a node keeps of one deal.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Deal {
    /// The other side.
    pub partner: PartnerId,
    /// The thread that it belongs to.
    pub thread: ThreadId,
    /// Which record opened it; that record's id is the deal id.
    pub opening: Opening,
    /// Where it stands.
    pub state: State,
    /// End of validity of the Request, hold or firm proposal.
    pub until: Time,
    /// The Hold, or the provider's firm proposal.
    pub hold: Option<RecordId>,
    /// The Commit, or the requester's firm proposal.
    pub commit: Option<RecordId>,
    /// The alternative that was committed.
    pub alternative: u8,
    /// The Release.
    pub release: Option<RecordId>,
    /// The Receipt or Refusal.
    pub decision: Option<RecordId>,
    /// The Ack.
    pub ack: Option<RecordId>,
    /// Whether the Receipt was late.
    pub lateness: Lateness,
    /// Currency of the terms; none for a deal of which only its Release came.
    pub currency: Option<Currency>,
    /// The amount reserved or posted.
    pub amount: Minor,
    /// Stock reserved or taken, at the provider.
    pub reserved: List<Reserved, RESERVED_MAX>,
    /// As what the partner holds it, at the provider.
    pub holder: Holder,
    /// The order that it changes, if it changes one.
    pub order: Option<DealId>,
    /// The epoch of the own ledger in which it was opened.
    pub epoch: u32,
    /// The manifest of which it is a leg: then that decides it.
    pub manifest: Option<ManifestId>,
    /// Its place in a chain, if another deal of its requester rests on it.
    pub chain: Option<Chain>,
    /// On what its hold rests, or is to rest, at the provider.
    pub backing: Backing,
}

wire!(Deal {
    partner,
    thread,
    opening,
    state,
    until,
    hold,
    commit,
    alternative,
    release,
    decision,
    ack,
    lateness,
    currency,
    amount,
    reserved,
    holder,
    order,
    epoch,
    manifest,
    chain,
    backing,
});

impl Deal {
    /// Which side of it this node is.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.state.side()
    }

    /// The deal with this id, if this node knows one.
    #[must_use]
    pub fn read(view: &dyn View, deal: DealId) -> Option<Self> {
        stored(view, &Key::Deal { deal })
    }

    /// Whether a time at which it ends must be noticed.
    const fn has_end(&self) -> bool {
        matches!(
            self.state,
            State::Asked | State::Offered | State::Held | State::Waiting | State::Requested
        )
    }

    /// Whether it waits for something: a decision, or the Ack of a Receipt.
    const fn is_open(&self) -> bool {
        match self.state {
            State::Sold => self.ack.is_none(),
            State::Refused | State::Lapsed | State::Agreed | State::Aborted => false,
            State::Asked
            | State::Offered
            | State::Held
            | State::Closed
            | State::Waiting
            | State::Armed
            | State::Passed
            | State::Requested
            | State::Kept
            | State::Doubt
            | State::Released
            | State::Written => true,
        }
    }

    /// The records by which it stands, in the order in which they were made.
    pub(crate) fn chain(&self, id: DealId) -> Vec<RecordId> {
        let [hold, commit, release] = [self.hold, self.commit, self.release];
        let mut chain = each_once(&[Some(id.into()), hold, commit, release, self.decision]);
        chain.truncate(LETTER_RECORDS_MAX);
        chain
    }

    /// Those of its chain that this node signed, in the same order.
    pub(crate) fn own_chain(&self, id: DealId) -> Vec<RecordId> {
        let opened = Some(id.into()).filter(|_| self.opening != Opening::ProviderProposal);
        let own = match self.side() {
            Side::Requester => [opened, self.commit, self.release],
            Side::Provider => [self.hold, self.decision, None],
        };
        each_once(&own)
    }

    /// What the requester asks until the deal is decided.
    pub(crate) fn question(&self, deal: DealId) -> Option<RecordId> {
        match self.state {
            State::Requested => Some(deal.into()),
            State::Doubt | State::Written => self.commit,
            State::Released => self.release,
            State::Asked
            | State::Offered
            | State::Held
            | State::Closed
            | State::Sold
            | State::Refused
            | State::Waiting
            | State::Armed
            | State::Lapsed
            | State::Passed
            | State::Kept
            | State::Agreed
            | State::Aborted => None,
        }
    }

    /// Keeps the deal, and the keys by which it is found.
    fn keep(&self, view: &mut Overlay<'_>, deal: DealId) {
        let old = Self::read(view, deal);
        let due = |of: &Self| of.has_end().then_some(of.until);
        let (before, now) = (old.as_ref().and_then(due), due(self));
        if before != now {
            if let Some(end) = before {
                view.delete(Key::Due { end, deal });
            }
            if let Some(end) = now {
                view.put_bytes(Key::Due { end, deal }, Vec::new());
            }
        }
        let partner = self.partner;
        match (old.is_some_and(|old| old.is_open()), self.is_open()) {
            (false, true) => view.put_bytes(Key::OpenDeal { partner, deal }, Vec::new()),
            (true, false) => view.delete(Key::OpenDeal { partner, deal }),
            (true, true) | (false, false) => {}
        }
        if let Some(Chain { id: chain, .. }) = self.chain {
            view.put_bytes(Key::Chain { chain, deal }, Vec::new());
        }
        view.put(Key::Deal { deal }, self);
    }

    /// Keeps that it is to rest on another deal.
    pub(crate) fn rest(self, view: &mut Overlay<'_>, deal: DealId) {
        let backing = Backing::Parts;
        Self { backing, ..self }.keep(view, deal);
    }

    /// The alternatives among which it was or will be decided, from the record that opened it.
    #[must_use]
    pub fn alternatives(view: &dyn View, network: &NetworkId, deal: DealId) -> Vec<Terms> {
        match kept_record(view, network, deal.into())
            .as_ref()
            .map(Signed::body)
        {
            Some(ThreadBody::Request(request)) => Vec::from([request.terms.clone()]),
            Some(ThreadBody::Proposal(proposal)) => Vec::from(proposal.alternatives()),
            Some(_) | None => Vec::new(),
        }
    }

    /// The terms that were committed or agreed.
    #[must_use]
    pub fn terms(&self, view: &dyn View, network: &NetworkId, deal: DealId) -> Option<Terms> {
        Self::alternatives(view, network, deal)
            .into_iter()
            .nth(usize::from(self.alternative))
    }
}

/// The records that are there: of a firm proposal one stands in several places.
fn each_once(records: &[Option<RecordId>]) -> Vec<RecordId> {
    let mut once = Vec::new();
    for record in records.iter().flatten() {
        if !once.contains(record) {
            once.push(*record);
        }
    }
    once
}

/// The deal that this record opens in this state.
fn opened(
    fold: &Fold<'_, '_>,
    partner: PartnerId,
    record: &Signed<ThreadBody>,
    state: State,
) -> Deal {
    let (opening, until, alternatives) = if let ThreadBody::Proposal(proposal) = record.body() {
        let opening = match proposal.role() {
            Role::Requester => Opening::RequesterProposal,
            Role::Provider => Opening::ProviderProposal,
        };
        (opening, proposal.valid_until(), proposal.alternatives())
    } else if let ThreadBody::Request(request) = record.body() {
        let terms = core::slice::from_ref(&request.terms);
        (Opening::Request, request.valid_until, terms)
    } else {
        // The Refusal of what never came. Nothing is known of its validity, but none is longer
        // than this.
        let at = record.body().header().at;
        let until = at.plus_ms(PROPOSAL_DAYS_MAX * DAY_MS);
        (Opening::Request, until, &[][..])
    };
    let network = fold.machine.config.network;
    let (amount, reserved) = reservation(fold.view, &network, alternatives);
    let first = alternatives.first();
    let on = first.and_then(|terms| terms.conditions().on);
    let chain = if let ThreadBody::Request(request) = record.body() {
        request.chain
    } else {
        None
    };
    let itself = Some(record.id());
    Deal {
        partner,
        thread: negotiation::thread_of(record),
        opening,
        state,
        until,
        hold: itself.filter(|_| opening == Opening::ProviderProposal),
        commit: itself.filter(|_| opening == Opening::RequesterProposal),
        alternative: 0,
        release: None,
        decision: None,
        ack: None,
        lateness: Lateness::InTime,
        currency: first.map(Terms::currency),
        amount,
        reserved,
        holder: Holder::Partner,
        order: on.map(|change| change.order),
        epoch: fold.header.epoch,
        manifest: None,
        chain,
        backing: Backing::Stock,
    }
}

/// What the end of a deal's hold or validity brings about on this side.
pub(crate) fn overdue(trial: &mut Trial<'_>, id: DealId, deal: &Deal) -> Result<(), Stop> {
    trial.share_of(id, |trial| {
        provider::overdue(trial, id, deal)?;
        requester::overdue(trial, id, deal)
    })
}

/// What a record of a thread changes, as it is signed by this node or taken from the partner.
pub(crate) fn recorded(
    fold: &mut Fold<'_, '_>,
    who: negotiation::Who,
    record: &Signed<ThreadBody>,
) {
    use negotiation::Who::{Them, Us};

    if bundle::recorded(fold, who, record) {
        return;
    }
    let partner = match who {
        Us => record.body().header().to,
        Them => record.author(),
    };
    negotiation::recorded(fold.view, who, partner, record);
    if who == Them {
        texts::taken(fold.view, partner, record.body(), fold.header.at);
    }
    match (who, record.body()) {
        (Us, ThreadBody::Request(_)) => requester::requested(fold, partner, record),
        (Them, ThreadBody::Request(_)) => provider::asked(fold, partner, record),
        (_, ThreadBody::Proposal(proposal)) if proposal.is_firm() => match (who, proposal.role()) {
            (Us, Role::Provider) => provider::proposed(fold, partner, record),
            (Us, Role::Requester) => requester::proposed(fold, partner, record),
            (Them, Role::Provider) => requester::kept(fold, partner, record),
            (Them, Role::Requester) => provider::offered(fold, partner, record),
        },
        (Us, ThreadBody::Hold(hold)) => provider::held(fold, record.id(), hold),
        (Them, ThreadBody::Hold(hold)) => requester::held(fold, record.id(), hold),
        (Us, ThreadBody::Commit(commit)) => requester::committed(fold, record.id(), commit),
        (Them, ThreadBody::Commit(commit)) => provider::committed(fold, record.id(), commit),
        (Us, ThreadBody::Receipt(receipt)) => provider::sold(fold, record.id(), receipt),
        (Them, ThreadBody::Receipt(receipt)) => requester::agreed(fold, record.id(), receipt),
        (Us, ThreadBody::Refusal(_)) => provider::refused(fold, partner, record),
        (Them, ThreadBody::Refusal(refusal)) => requester::aborted(fold, record.id(), refusal),
        (Us, ThreadBody::Release(release)) => requester::released(fold, record.id(), release),
        (Them, ThreadBody::Release(release)) => provider::released(fold, record.id(), release),
        (Us, ThreadBody::Ack(ack)) => requester::acknowledged(fold, record.id(), ack),
        (Them, ThreadBody::Ack(ack)) => provider::acknowledged(fold, record.id(), ack),
        (_, ThreadBody::Event(event)) => order::happened(fold, record.id(), event),
        (
            _,
            ThreadBody::Inquiry(_)
            | ThreadBody::Question(_)
            | ThreadBody::Answer(_)
            | ThreadBody::Proposal(_)
            | ThreadBody::Reject(_)
            | ThreadBody::Withdraw(_)
            | ThreadBody::Handover(_)
            | ThreadBody::Bundle(_),
        ) => {}
    }
}

/// Whether the order that a deal changes is here, in the version that it changes or a later one, if
/// it changes one.
fn has_order(view: &dyn View, network: &NetworkId, (id, deal): (DealId, &Deal)) -> bool {
    deal.order.is_none() || {
        let terms = deal.terms(view, network, id);
        terms.is_some_and(|terms| changes_what_is_here(view, &terms))
    }
}

/// The same of terms.
fn changes_what_is_here(view: &dyn View, terms: &Terms) -> bool {
    terms.conditions().on.is_none_or(|change| {
        let order = order::Order::read(view, change.order);
        order.is_some_and(|order| order.version >= change.version)
    })
}

/// Whether the deal on which a record stands is here, of a Commit or Receipt its hold or firm
/// proposal, and of a change its order: without it nothing is known of what the change takes.
pub(crate) fn stands_on(view: &dyn View, network: &NetworkId, body: &ThreadBody) -> bool {
    let deal = match body {
        ThreadBody::Request(request) => return changes_what_is_here(view, &request.terms),
        ThreadBody::Proposal(proposal) => {
            let mut alternatives = proposal.alternatives().iter();
            return !proposal.is_firm() || alternatives.all(|on| changes_what_is_here(view, on));
        }
        ThreadBody::Hold(hold) => hold.deal,
        ThreadBody::Commit(commit) => {
            return Deal::read(view, commit.deal).is_some_and(|deal| deal.hold.is_some());
        }
        ThreadBody::Receipt(receipt) => {
            let stands = |deal: Deal| {
                (deal.hold.is_some() || deal.commit.is_some())
                    && has_order(view, network, (receipt.deal, &deal))
            };
            return Deal::read(view, receipt.deal).is_some_and(stands);
        }
        ThreadBody::Refusal(refusal) => refusal.deal,
        ThreadBody::Release(release) => release.deal,
        ThreadBody::Inquiry(_)
        | ThreadBody::Question(_)
        | ThreadBody::Answer(_)
        | ThreadBody::Reject(_)
        | ThreadBody::Withdraw(_)
        | ThreadBody::Ack(_)
        | ThreadBody::Event(_)
        | ThreadBody::Handover(_)
        | ThreadBody::Bundle(_) => return true,
    };
    Deal::read(view, deal).is_some()
}

/// The deal that a record names, opens, or acknowledges.
pub(crate) fn named_by(
    view: &dyn View,
    network: &NetworkId,
    record: &Signed<ThreadBody>,
) -> Option<DealId> {
    match record.body() {
        ThreadBody::Hold(hold) => Some(hold.deal),
        ThreadBody::Commit(commit) => Some(commit.deal),
        ThreadBody::Receipt(receipt) => Some(receipt.deal),
        ThreadBody::Refusal(refusal) => Some(refusal.deal),
        ThreadBody::Release(release) => Some(release.deal),
        ThreadBody::Event(event) => Some(event.deal),
        ThreadBody::Handover(handover) => Some(handover.deal),
        ThreadBody::Ack(ack) => decided_by(kept_record(view, network, ack.receipt)?.body()),
        ThreadBody::Request(_) | ThreadBody::Proposal(_) => Some(record.id().into()),
        ThreadBody::Inquiry(_)
        | ThreadBody::Question(_)
        | ThreadBody::Answer(_)
        | ThreadBody::Reject(_)
        | ThreadBody::Withdraw(_) => None,
        ThreadBody::Bundle(_) => decided_by(record.body()),
    }
}

/// The deal that a Receipt agrees, or an `ArmReceipt` in a bundle: what an Ack acknowledges.
pub(crate) fn decided_by(body: &ThreadBody) -> Option<DealId> {
    if let ThreadBody::Receipt(receipt) = body {
        Some(receipt.deal)
    } else if let ThreadBody::Bundle(BundleBody::ArmReceipt(armed)) = body {
        Some(armed.deal)
    } else {
        None
    }
}

/// What an own record that a partner showed changes: the same as when it was signed, but nobody is
/// asked again.
pub(crate) fn recovered(fold: &mut Fold<'_, '_>, record: &Signed<ThreadBody>) {
    recorded(fold, negotiation::Who::Us, record);
    bundle::joined(fold, record);
}
