//! A thread told as a story: who said what, where it stands, for whom it waits, and what its
//! operator may do. It decides nothing.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is told of a few kinds of record is not told of the others"
)]

use omni_protocol::code::Code;
use omni_protocol::deal::negotiation::{Standing, Thread, Who};
use omni_protocol::deal::order::Order;
use omni_protocol::deal::{Deal, Lateness, Side, State};
use omni_protocol::hash::{DealId, PartnerId, RecordId, ThreadId};
use omni_protocol::machine::{Draft, Key, View, own_offer};
use omni_protocol::public::{Offer, PublicBody};
use omni_protocol::record::Signed;
use omni_protocol::thread::{ChangeWhat, Role, Terms, ThreadBody};
use omni_protocol::trade::Method;
use omni_protocol::value::Time;

use super::chains::{self, Links};
use super::naming;
use crate::api::bundles::telling::{hold_terms, in_bundle};
use crate::api::failover::telling::{check_not_asked, of_deal};
use crate::api::offers::own_record;
use crate::api::{ApiCode, Problem, Reading, partner};
use crate::hand_over::Kept;
use crate::view::deal::{
    DealRow, DealStateView, DealView, HandOverState, SaidView, Talk, ThreadState,
};
use crate::view::failover::OfFailoverView;
use crate::view::money::amount_text;
use crate::view::terms::{money, terms_view};

/// Records that are told of one thread.
const SAID_MAX: u64 = 500;

/// Where a thread stands, for its operator.
pub(in crate::api) struct Situation {
    pub(in crate::api) thread: Thread,
    /// The own part.
    pub(in crate::api) role: Option<Role>,
    /// The deal that is open, or the latest.
    pub(in crate::api) deal: Option<(DealId, Deal)>,
    /// What is on the table or was agreed.
    pub(in crate::api) alternatives: Vec<Terms>,
    deals: Vec<DealId>,
    /// What that deal rests on, or what rests on it.
    pub(super) links: Links,
    state: ThreadState,
    waits_for: &'static str,
    may: Vec<&'static str>,
    until: Option<Time>,
}

/// Where the thread stands.
///
/// # Errors
/// `not-found`.
pub(in crate::api) fn situation(reading: &Reading, id: ThreadId) -> Result<Situation, Problem> {
    let thread = Thread::read(reading, id).ok_or_else(|| {
        Problem::new(ApiCode::NotFound, "There is no such thread.").next("see all: omni deal ls")
    })?;
    let deals = naming::deals_of(reading, id);
    let latest = thread.open.or_else(|| deals.last().copied());
    let deal = latest.and_then(|deal| Some((deal, Deal::read(reading, deal)?)));
    let mut situation = Situation {
        role: role(reading, id, deal.as_ref()),
        alternatives: alternatives(reading, id, &thread, deal.as_ref()),
        thread,
        deals,
        links: match &deal {
            Some((id, deal)) => Links::of(reading, (*id, deal)),
            None => Links::default(),
        },
        deal,
        state: ThreadState::Talk(Talk::Inquiry),
        waits_for: "nobody",
        may: Vec::new(),
        until: None,
    };
    match (&situation.deal, thread.standing) {
        (Some((_, deal)), _) if thread.open.is_some() => {
            let chained = situation.links.open(reading, deal);
            let (waits_for, may) = chained.unwrap_or_else(|| open(deal.state));
            (situation.waits_for, situation.may) = (waits_for, may.to_vec());
            (situation.state, situation.until) = (ThreadState::Deal(deal.state), Some(deal.until));
        }
        (_, Some(Standing { by, proposal, .. })) => {
            let (talk, waits_for) = match by {
                Who::Us => (Talk::Proposed, "them"),
                Who::Them => (Talk::ToAnswer, "us"),
            };
            (situation.state, situation.waits_for) = (ThreadState::Talk(talk), waits_for);
            situation.may = match by {
                Who::Us => vec!["withdraw"],
                Who::Them => vec!["accept", "counter", "reject"],
            };
            let record = naming::record(reading, proposal);
            situation.until = record.as_ref().and_then(|r| valid_until(r.body()));
        }
        (Some((_, deal)), None) => situation.state = ThreadState::Deal(deal.state),
        (None, None) => situation.state = ThreadState::Talk(silent(reading, id, &thread)),
    }
    let is_free = thread.open.is_none() && thread.standing.is_none();
    if is_free && thread.turn == Who::Us && situation.role.is_some() && !situation.is_agreed() {
        situation.may = vec!["counter"];
    }
    // What is kept for a bundle is committed with it, and what the node asked for by itself by it.
    let kept = |deal: &DealId| {
        let drafted = reading.read(&Key::Drafted { deal: *deal }).is_some();
        drafted || check_not_asked(reading, *deal).is_err()
    };
    if situation.deal.as_ref().is_some_and(|(deal, _)| kept(deal)) {
        situation.may.retain(|verb| *verb != "accept");
    }
    if let Some(by) = asked(reading, id) {
        if is_free && situation.deal.is_none() {
            situation.waits_for = match by {
                Who::Us => "them",
                Who::Them => "us",
            };
        }
        if by == Who::Them {
            situation.may.push("answer");
        }
    }
    Ok(situation)
}

impl Situation {
    /// Whether the latest deal came to an order.
    pub(in crate::api) fn is_agreed(&self) -> bool {
        let state = self.deal.as_ref().map(|(_, deal)| deal.state);
        matches!(state, Some(State::Sold | State::Agreed))
    }

    /// What accepting would bind to, where there is something to accept.
    fn accepting(&self, reading: &Reading) -> Option<String> {
        if !self.may.contains(&"accept") {
            return None;
        }
        let state = self.deal.as_ref().map(|(_, deal)| deal.state);
        let open = self.thread.open.and(state);
        match self.change() {
            Some(ChangeWhat::Cancel) => return Some(cancelling(open, self.role?).to_owned()),
            Some(ChangeWhat::Amend) => return Some(amending(open, self.role?).to_owned()),
            None => {}
        }
        let text = match (open, self.role?) {
            (Some(State::Kept), _) => {
                "It commits this node to these terms at once. It is bound until the provider's \
                 Receipt or Refusal comes, and owes the total with the Receipt."
            }
            (Some(State::Offered), _) => {
                "It sells: with the Receipt both are bound, the stock is taken, and the requester \
                 owes the total."
            }
            (Some(State::Asked), _) => {
                "It holds the stock for the requester, who may then commit until the hold ends."
            }
            (_, Role::Requester) => {
                "It asks the provider for a hold on exactly these terms and commits as soon as the \
                 hold comes: from then on this node is bound, and owes the total with the Receipt."
            }
            (_, Role::Provider) => {
                "It makes the proposal firm: the stock is held for the requester, who may commit \
                 until the hold ends."
            }
        };
        Some(format!("{text}{}", self.list_prices(reading)))
    }

    /// What a provider has to know of its own price lists: what changed in them since the terms
    /// were proposed.
    fn list_prices(&self, reading: &Reading) -> String {
        let lines = self.alternatives.first().map(Terms::lines);
        if self.role != Some(Role::Provider) {
            return String::new();
        }
        let changed = lines.unwrap_or_default().iter().filter_map(|line| {
            let item = line.item();
            let PublicBody::Offer(then) = own_record(reading, item.offer?)? else {
                return None;
            };
            let subject = then.subject();
            let text = |offer: &Offer| {
                let price = offer.draft().price;
                amount_text(price.minor(), offer.draft().currency)
            };
            let now = own_offer(reading, &reading.network, subject, reading.now());
            let now = now.map(|(_, offer)| offer);
            let is_same = |now: &Offer| {
                let (now, then) = (now.draft(), then.draft());
                (now.price, now.currency) == (then.price, then.currency)
            };
            let sku = &item.sku;
            match now {
                Some(now) if is_same(&now) => None,
                Some(now) => Some(format!(
                    "\nThe list price of {sku} was {} then, and is {} {} now.",
                    text(&then),
                    text(&now),
                    now.draft().currency
                )),
                None => Some(format!("\nThe offer of {sku} does not stand any more.")),
            }
        });
        changed.collect()
    }

    /// Whether the partner's hold rests on what its own partner holds for it. Who that is, nothing
    /// here tells.
    fn is_passed_on(&self, reading: &Reading) -> bool {
        let bought = self.deal.as_ref().map(|(_, deal)| deal);
        bought
            .filter(|deal| deal.side() == Side::Requester)
            .and_then(|deal| hold_terms(reading, deal))
            .is_some_and(|hold| hold.passed_on.is_some())
    }

    /// What the terms change of an order, where they change one.
    fn change(&self) -> Option<ChangeWhat> {
        let first = self.alternatives.first()?;
        first.conditions().on.map(|change| change.what)
    }

    fn row(&self, reading: &Reading, id: ThreadId) -> Result<DealRow, Problem> {
        let first = self.alternatives.first();
        let line = first.and_then(|terms| terms.lines().first());
        let latest = self.thread.records.saturating_sub(1);
        let latest = naming::records(reading, id, latest).last();
        Ok(DealRow {
            thread: id.to_string(),
            partner: self.thread.partner.to_string(),
            name: partner::name(reading, self.thread.partner)?,
            role: self.role.map(|role| role.name().to_owned()),
            state: self.state.name().to_owned(),
            waits_for: self.waits_for.to_owned(),
            change: self.change().map(|what| what.name().to_owned()),
            title: match line {
                Some(line) => line.item().title.to_string(),
                None => opening(reading, id).unwrap_or_default(),
            },
            rests_on: thread_of(self.links.below.as_ref()),
            is_for: thread_of(self.links.above.as_ref()),
            lines: first.map_or(0, |terms| {
                u64::try_from(terms.lines().len()).unwrap_or(u64::MAX)
            }),
            total: first.map(|terms| money(terms.total(), terms.currency())),
            latest_ms: latest.map_or(0, |(_, record)| record.body().header().at.ms()),
        })
    }
}

fn thread_of(known: Option<&(DealId, Deal)>) -> Option<String> {
    known.map(|(_, deal)| deal.thread.to_string())
}

/// What accepting a cancellation would bind to.
const fn cancelling(open: Option<State>, role: Role) -> &'static str {
    match (open, role) {
        (Some(State::Asked), _) => {
            "It lets the requester cancel on these terms, until what is asked for ends."
        }
        (Some(State::Offered), _) => {
            "It cancels: with the Receipt the lines named above are neither delivered nor owed, \
             their stock is free again, and the requester owes the fee."
        }
        (_, Role::Requester) => {
            "It commits this node to cancel: with the provider's Receipt the lines named above are \
             neither delivered nor owed, and this node owes the fee."
        }
        (_, Role::Provider) => {
            "It makes the cancellation firm: the requester may take it until it ends. Then the \
             lines named above are neither delivered nor owed, and the requester owes the fee."
        }
    }
}

/// What accepting an amendment would bind to.
const fn amending(open: Option<State>, role: Role) -> &'static str {
    match (open, role) {
        (Some(State::Asked), _) => {
            "It lets the requester amend the order so, until what is asked for ends; what it takes \
             more is held."
        }
        (Some(State::Offered), _) => {
            "It amends the order: with the Receipt the terms above are those of the order, what it \
             takes more is sold, what it takes less is free again, and the requester owes the \
             difference and the fee."
        }
        (_, Role::Requester) => {
            "It commits this node to the amendment: with the provider's Receipt the terms above are \
             those of the order, and this node owes the difference and the fee. Until then, and \
             where it is refused, the terms before stand."
        }
        (_, Role::Provider) => {
            "It makes the amendment firm: what it takes more is held, and the requester may take it \
             until it ends. Until then the terms before stand."
        }
    }
}

/// A thread in a list.
pub(super) fn row(reading: &Reading, id: ThreadId) -> Result<DealRow, Problem> {
    situation(reading, id)?.row(reading, id)
}

/// The whole story of a thread.
pub(in crate::api) fn view(reading: &Reading, id: ThreadId) -> Result<DealView, Problem> {
    let situation = situation(reading, id)?;
    let first = situation.thread.records.saturating_sub(SAID_MAX);
    let partner = situation.thread.partner;
    let said = naming::records(reading, id, first);
    let said = said.map(|(number, record)| said_view(reading, partner, number, &record));
    let deals = situation.deals.iter();
    let deals = deals.filter_map(|&deal| Some(deal_view(deal, &Deal::read(reading, deal)?)));
    let now = reading.now();
    Ok(DealView {
        row: situation.row(reading, id)?,
        deal: situation.deal.as_ref().map(|(deal, _)| deal.to_string()),
        alternatives: situation.alternatives.iter().map(terms_view).collect(),
        until_ms: situation.until.map(Time::ms),
        over: situation.until.is_some_and(|until| until < now),
        may: situation.may.iter().map(ToString::to_string).collect(),
        accepting: situation.accepting(reading),
        rounds: situation.thread.rounds,
        order_status: order_status(reading, &situation),
        hand_over: hand_over(reading, id, &situation),
        said: said.collect(),
        deals: deals.collect(),
        drafted: situation.deal.as_ref().and_then(|(deal, _)| {
            let bundle = reading.get(&Key::Drafted { deal: *deal })?;
            Some(Draft::read(reading, bundle)?.name.to_string())
        }),
        bundle: match &situation.deal {
            Some((id, deal)) => in_bundle(reading, (*id, deal))?,
            None => None,
        },
        chain: match &situation.deal {
            Some((id, deal)) => chains::view(reading, (*id, deal), &situation.links)?,
            None => None,
        },
        passed_on: situation.is_passed_on(reading),
        failover: match &situation.deal {
            Some((id, _)) => of_leg(reading, *id)?,
            None => None,
        },
    })
}

/// Of which leg's failover a deal is a part; a change is of that of its order.
fn of_leg(reading: &Reading, id: DealId) -> Result<Option<OfFailoverView>, Problem> {
    let order = Deal::read(reading, id).and_then(|deal| deal.order);
    of_deal(reading, order.unwrap_or(id))
}

/// How the latest order of the thread stands.
fn order_status(reading: &Reading, situation: &Situation) -> Option<String> {
    let orders = situation.deals.iter().rev();
    let order = orders
        .filter_map(|deal| Order::read(reading, *deal))
        .next()?;
    Some(order.status().name().to_owned())
}

/// What becomes of the recipient's address.
pub(in crate::api) fn hand_over(
    reading: &Reading,
    id: ThreadId,
    situation: &Situation,
) -> HandOverState {
    let needs = situation.alternatives.iter().any(needs_address);
    let is_order = |terms: &Terms| terms.conditions().on.is_none();
    let orders = situation.alternatives.iter().any(is_order);
    let handed = naming::records(reading, id, 0)
        .filter(|(_, record)| matches!(record.body(), ThreadBody::Handover(_)))
        .map(|(_, record)| record.author() == reading.partner)
        .last();
    match handed {
        Some(true) => HandOverState::Sent,
        Some(false) => HandOverState::Received,
        None if !needs || !orders => HandOverState::NotNeeded,
        None if Kept::of(reading.ledger.home()).has(id) => HandOverState::Kept,
        None => HandOverState::Missing,
    }
}

/// Whether these terms can't be fulfilled without knowing who receives.
pub(in crate::api) fn needs_address(terms: &Terms) -> bool {
    match terms.conditions().method {
        Method::Ship | Method::Deliver | Method::OnSite => true,
        Method::PickUp | Method::Remote | Method::Digital => false,
    }
}

/// For whom an open deal waits, and what its operator may do.
fn open(state: State) -> (&'static str, &'static [&'static str]) {
    match state {
        State::Asked => ("us", &["accept", "reject"]),
        State::Offered | State::Kept => ("us", &["accept", "counter", "reject"]),
        State::Requested => ("them", &["reject"]),
        State::Doubt => ("them", &["write-off"]),
        State::Armed => ("them", &["lapse"]),
        State::Held
        | State::Closed
        | State::Waiting
        | State::Passed
        | State::Released
        | State::Written => ("them", &[]),
        State::Sold | State::Refused | State::Lapsed | State::Agreed | State::Aborted => {
            ("nobody", &[])
        }
    }
}

/// A thread without proposal and without deal: what was said last.
fn silent(reading: &Reading, id: ThreadId, thread: &Thread) -> Talk {
    let latest = naming::records(reading, id, thread.records.saturating_sub(1)).last();
    match latest.as_ref().map(|(_, record)| record.body()) {
        Some(ThreadBody::Reject(_)) => Talk::Rejected,
        Some(ThreadBody::Withdraw(_)) => Talk::Withdrawn,
        Some(ThreadBody::Answer(_)) => Talk::Answered,
        _ => Talk::Inquiry,
    }
}

/// Whose question has no answer yet: that of the latest words, unless they were an answer.
fn asked(reading: &Reading, id: ThreadId) -> Option<Who> {
    let words = naming::records(reading, id, 0).filter_map(|(_, record)| match record.body() {
        ThreadBody::Inquiry(_) | ThreadBody::Question(_) if record.author() == reading.partner => {
            Some(Some(Who::Us))
        }
        ThreadBody::Inquiry(_) | ThreadBody::Question(_) => Some(Some(Who::Them)),
        ThreadBody::Answer(_) => Some(None),
        _ => None,
    });
    words.last().flatten()
}

/// The words that opened a thread, if words did.
fn opening(reading: &Reading, id: ThreadId) -> Option<String> {
    text(naming::record(reading, id.into())?.body())
}

/// The own part, from the deal or the latest proposal.
fn role(reading: &Reading, id: ThreadId, deal: Option<&(DealId, Deal)>) -> Option<Role> {
    if let Some((_, deal)) = deal {
        return Some(match deal.side() {
            Side::Requester => Role::Requester,
            Side::Provider => Role::Provider,
        });
    }
    let proposals = naming::records(reading, id, 0).filter_map(|(_, record)| {
        let ThreadBody::Proposal(proposal) = record.body() else {
            return None;
        };
        let is_own = record.author() == reading.partner;
        let role = proposal.role();
        Some(if is_own { role } else { role.other() })
    });
    proposals.last()
}

/// The terms on the table: of the open deal, of what stands, else of the latest deal or proposal.
fn alternatives(
    reading: &Reading,
    id: ThreadId,
    thread: &Thread,
    deal: Option<&(DealId, Deal)>,
) -> Vec<Terms> {
    let standing = thread.standing.filter(|_| thread.open.is_none());
    if let Some(standing) = standing
        && let Some(record) = naming::record(reading, standing.proposal)
    {
        return terms_in(record.body());
    }
    match deal {
        Some((deal_id, deal)) if matches!(deal.state, State::Sold | State::Agreed) => deal
            .terms(reading, &reading.network, *deal_id)
            .into_iter()
            .collect(),
        Some((deal_id, _)) => Deal::alternatives(reading, &reading.network, *deal_id),
        None => {
            let said = naming::records(reading, id, 0);
            let terms = said.map(|(_, record)| terms_in(record.body()));
            terms
                .filter(|terms| !terms.is_empty())
                .last()
                .unwrap_or_default()
        }
    }
}

fn terms_in(body: &ThreadBody) -> Vec<Terms> {
    match body {
        ThreadBody::Proposal(proposal) => proposal.alternatives().to_vec(),
        ThreadBody::Request(request) => vec![request.terms.clone()],
        _ => Vec::new(),
    }
}

fn valid_until(body: &ThreadBody) -> Option<Time> {
    match body {
        ThreadBody::Proposal(proposal) => Some(proposal.valid_until()),
        ThreadBody::Request(request) => Some(request.valid_until),
        ThreadBody::Hold(hold) => Some(hold.hold.until),
        _ => None,
    }
}

fn deal_view(id: DealId, deal: &Deal) -> DealStateView {
    DealStateView {
        deal: id.to_string(),
        side: deal.side().name().to_owned(),
        state: deal.state.name().to_owned(),
        amount: deal.currency.map(|currency| money(deal.amount, currency)),
        until_ms: deal.until.ms(),
        order: deal.order.map(|order| order.to_string()),
        late: deal.lateness == Lateness::Late,
    }
}

fn said_view(
    reading: &Reading,
    partner: PartnerId,
    number: u64,
    record: &Signed<ThreadBody>,
) -> SaidView {
    let (id, body) = (record.id(), record.body());
    let (firm, chosen) = match body {
        ThreadBody::Proposal(proposal) => (Some(proposal.is_firm()), None),
        ThreadBody::Commit(commit) => (None, Some(commit.alternative)),
        ThreadBody::Receipt(receipt) => (None, Some(receipt.alternative)),
        _ => (None, None),
    };
    let passed_on = match body {
        ThreadBody::Hold(hold) => Some(hold.hold.passed_on.is_some()),
        _ => None,
    };
    let code = match body {
        ThreadBody::Reject(reject) => Some(reject.code),
        ThreadBody::Refusal(refusal) => Some(refusal.code),
        _ => None,
    };
    let by = if record.author() == reading.partner {
        Who::Us
    } else {
        Who::Them
    };
    let question = Key::Question {
        record: id,
        partner,
    };
    SaidView {
        number,
        record: id.to_string(),
        at_ms: body.header().at.ms(),
        by: by.name().to_owned(),
        kind: record.kind().name().to_owned(),
        firm,
        until_ms: valid_until(body).map(Time::ms),
        alternatives: terms_in(body).iter().map(terms_view).collect(),
        alternative: chosen.map(|chosen| chosen.saturating_add(1)),
        passed_on,
        code: code.map(|code| code.name().to_owned()),
        text: text(body),
        waiting: by == Who::Us && reading.read(&question).is_some(),
        rejected: rejected(reading, partner, id).map(|code| code.name().to_owned()),
    }
}

fn text(body: &ThreadBody) -> Option<String> {
    match body {
        ThreadBody::Inquiry(inquiry) => Some(inquiry.text.to_string()),
        ThreadBody::Question(question) => Some(question.text.to_string()),
        ThreadBody::Answer(answer) => Some(answer.text.to_string()),
        ThreadBody::Event(event) => Some(event.what.name().to_owned()),
        _ => None,
    }
}

/// Why the partner did not take a record.
fn rejected(reading: &Reading, partner: PartnerId, record: RecordId) -> Option<Code> {
    reading.get(&Key::Inbox { partner, record })
}
