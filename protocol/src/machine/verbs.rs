//! What the operator says in a thread, deal or order (SPEC.md sections 11 to 13). To accept is no
//! record of its own: what is signed depends on what stands. It keeps out how a partner's records
//! are met.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what a state does not list can't be done in it"
)]

use alloc::{boxed::Box, vec::Vec};

use super::{
    Approval, Bundling, Sourcing, bundle, chain,
    fold::kept_record,
    outbox,
    step::Mark,
    trial::{Stop, Trial},
};
use crate::{
    code::Code,
    deal::{
        Deal, Side, State, change, credit, judge,
        negotiation::{Thread, Who},
        order::{self, Order},
        provider, requester, reservation,
    },
    fence::{Bytes, List},
    hash::{DealId, PartnerId, ThreadId},
    limits::{DAY_MS, HANDOVER_BYTES_MAX, LINES_MAX},
    record::Signed,
    thread::{
        Answer, Chain, Choice, Event, EventLine, Handover, Happening, Inquiry, Proposal, Question,
        Reject, Request, Role, Terms, ThreadBody, Withdraw,
    },
    value::{Money, Prose, Text, Time},
};

/// For how long a Request stands that accepts a proposal.
const ACCEPTANCE_MS: u64 = DAY_MS;

/// One word of the operator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verb {
    /// Asks something, in a new thread or in one that is known.
    Inquire {
        /// Whom.
        partner: PartnerId,
        /// The thread; none to open one.
        thread: Option<ThreadId>,
        /// What.
        text: Prose<2048>,
    },
    /// Asks within a thread.
    Question {
        /// The thread.
        thread: ThreadId,
        /// What.
        text: Prose<2048>,
    },
    /// Answers within a thread.
    Answer {
        /// The thread.
        thread: ThreadId,
        /// What.
        text: Prose<2048>,
    },
    /// Proposes terms. Where a firm proposal or hold of the partner stands, this counters it.
    Propose(Proposing),
    /// Judges whether that could be proposed now, and changes nothing.
    PlanPropose(Proposing),
    /// Asks for a hold on an offer as it stands.
    Request(Requesting),
    /// Accepts what stands in the thread.
    Accept {
        /// The thread.
        thread: ThreadId,
        /// Which alternative, from 0.
        alternative: u8,
    },
    /// Declines what stands in the thread.
    Reject {
        /// The thread.
        thread: ThreadId,
    },
    /// Refuses a Request that waits here, for this reason.
    Refuse {
        /// The deal.
        deal: DealId,
        /// Why.
        code: Code,
    },
    /// Takes the own standing proposal back.
    Withdraw {
        /// The thread.
        thread: ThreadId,
    },
    /// Gives a deal up that was not committed.
    Cancel {
        /// The deal.
        deal: DealId,
    },
    /// Writes a deal in doubt off.
    WriteOff {
        /// The deal.
        deal: DealId,
    },
    /// Says what happened to an order.
    Happen {
        /// The order.
        order: DealId,
        /// What happened.
        what: Happening,
        /// When.
        occurred: Time,
        /// To which lines; empty for all.
        lines: Vec<EventLine>,
        /// A reference, as the carrier's; may be empty.
        reference: Text<128>,
        /// A note; may be empty.
        note: Prose<1024>,
    },
    /// Hands sealed customer details over.
    Handover {
        /// The deal.
        deal: DealId,
        /// The fulfiller's key.
        sealing_key: [u8; 32],
        /// The encapsulated key.
        encapsulated: [u8; 32],
        /// The sealed bytes.
        sealed: Bytes<HANDOVER_BYTES_MAX>,
    },
    /// Puts a bundle together, commits it, or ends it.
    Bundle(Bundling),
    /// Asks another partner for what a deal that waits for the operator is to rest on.
    Source(Sourcing),
    /// Judges whether that could be asked now, and changes nothing.
    PlanSource(Sourcing),
}

/// Whether a proposal binds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Binding {
    /// It binds nobody.
    Open,
    /// It binds its author.
    Firm,
}

/// A proposal to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposing {
    /// To whom.
    pub partner: PartnerId,
    /// The thread; none to open one.
    pub thread: Option<ThreadId>,
    /// This node's part.
    pub role: Role,
    /// Whether it binds.
    pub binding: Binding,
    /// Until when it stands.
    pub valid_until: Time,
    /// One to three alternatives.
    pub alternatives: Vec<Terms>,
}

/// A Request to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Requesting {
    /// Whom.
    pub partner: PartnerId,
    /// The thread; none to open one.
    pub thread: Option<ThreadId>,
    /// The partner's standing proposal that it accepts.
    pub proposal: Option<Choice>,
    /// Until when it may be answered.
    pub valid_until: Time,
    /// The terms.
    pub terms: Terms,
    /// Whether the Commit is approved before the Hold comes.
    pub commit: Approval,
}

/// Decides about the operator's word.
pub(super) fn decide(trial: &mut Trial<'_>, verb: Verb) -> Result<(), Stop> {
    match verb {
        Verb::Inquire {
            partner,
            thread,
            text,
        } => {
            let header = match thread {
                Some(thread) => trial.saying(thread)?,
                None => trial.header(partner, None, None)?,
            };
            trial.sign(
                header.to,
                Vec::from([ThreadBody::Inquiry(Inquiry { header, text })]),
            )
        }
        Verb::Question { thread, text } => {
            let header = trial.saying(thread)?;
            let body = ThreadBody::Question(Question { header, text });
            trial.sign(header.to, Vec::from([body]))
        }
        Verb::Answer { thread, text } => {
            let header = trial.saying(thread)?;
            let body = ThreadBody::Answer(Answer { header, text });
            trial.sign(header.to, Vec::from([body]))
        }
        Verb::Propose(proposing) => propose(trial, proposing),
        Verb::PlanPropose(proposing) => {
            propose(trial, proposing)?;
            trial.begin_anew();
            Ok(())
        }
        Verb::Request(requesting) => request(trial, requesting, None),
        Verb::Source(sourcing) => chain::source(trial, sourcing),
        Verb::PlanSource(sourcing) => chain::plan(trial, sourcing),
        Verb::Accept {
            thread,
            alternative,
        } => accept(trial, thread, alternative),
        Verb::Reject { thread } => reject(trial, thread),
        Verb::Refuse { deal, code } => refuse(trial, deal, code),
        Verb::Withdraw { thread } => withdraw(trial, thread),
        Verb::Cancel { deal } => cancel(trial, deal),
        Verb::WriteOff { deal } => requester::write_off(trial, deal),
        Verb::Bundle(word) => bundle::decide(trial, word),
        Verb::Happen { .. } => happen(trial, verb),
        Verb::Handover {
            deal,
            sealing_key,
            encapsulated,
            sealed,
        } => {
            let known = Deal::read(&trial.view, deal)
                .filter(|deal| deal.state == State::Agreed)
                .ok_or(Code::DealUnknown)?;
            let header = trial.within(known.thread)?;
            let handover = Handover {
                header,
                deal,
                sealing_key,
                encapsulated,
                sealed,
            };
            let body = ThreadBody::Handover(Box::new(handover));
            trial.sign(header.to, Vec::from([body]))
        }
    }
}

/// Whether a new deal may be begun with this partner.
fn check_partner(trial: &Trial<'_>, partner: PartnerId) -> Result<(), Stop> {
    judge::may_begin(trial, partner)?;
    if outbox::has_room(&trial.view, partner) {
        Ok(())
    } else {
        Err(Code::Overloaded.into())
    }
}

fn propose(trial: &mut Trial<'_>, proposing: Proposing) -> Result<(), Stop> {
    let partner = proposing.partner;
    check_partner(trial, partner)?;
    let mut letter = Vec::new();
    let header = match proposing.thread {
        None => trial.header(partner, None, None)?,
        Some(thread_id) => {
            let mut thread = Thread::read(&trial.view, thread_id)
                .filter(|thread| thread.partner == partner)
                .ok_or(Code::ThreadUnknown)?;
            if let Some(deal_id) = thread.open {
                letter.push(counter(trial, deal_id)?);
                thread.open = None;
            }
            thread.may_propose(Who::Us)?;
            trial.saying(thread_id)?
        }
    };
    let alternatives = List::new(proposing.alternatives).map_err(Code::from)?;
    let until = proposing.valid_until;
    let proposal = match (proposing.binding, proposing.role) {
        (Binding::Open, role) => Proposal::open(header, role, until, alternatives),
        (Binding::Firm, Role::Requester) => {
            Proposal::firm_of_requester(header, until, alternatives)
        }
        (Binding::Firm, Role::Provider) => {
            let hold = judge::hold_terms(trial, partner, until);
            Proposal::firm_of_provider(header, alternatives, hold)
        }
    };
    check_proposal(trial, partner, &proposal)?;
    letter.push(ThreadBody::Proposal(Box::new(proposal)));
    trial.sign(partner, letter)
}

/// What ends the open deal of a thread when its proposal is countered.
fn counter(trial: &mut Trial<'_>, deal_id: DealId) -> Result<ThreadBody, Stop> {
    let deal = Deal::read(&trial.view, deal_id).ok_or(Code::DealUnknown)?;
    match deal.state {
        State::Kept => {
            chain::check_free(trial, &deal)?;
            requester::release(trial, deal_id).map(ThreadBody::Release)
        }
        State::Offered => {
            provider::refusal(trial, deal_id, Code::Countered).map(ThreadBody::Refusal)
        }
        State::Doubt | State::Written => Err(Code::InDoubt.into()),
        _ => Err(Code::DealOpen.into()),
    }
}

fn check_proposal(trial: &Trial<'_>, partner: PartnerId, proposal: &Proposal) -> Result<(), Stop> {
    judge::meaning(trial, trial.at(), proposal)?;
    let side = match proposal.role() {
        Role::Requester => Side::Requester,
        Role::Provider => Side::Provider,
    };
    for terms in proposal.alternatives() {
        judge::change_of(trial, (partner, side), None, terms)?;
    }
    if !proposal.is_firm() {
        return Ok(());
    }
    trial.check_greeted(partner)?;
    match side {
        Side::Provider => {
            judge::fit(
                trial,
                (partner, None),
                proposal.alternatives(),
                judge::GRANTED,
            )?;
        }
        Side::Requester => {
            let network = trial.machine.config.network;
            let (amount, _) = reservation(&trial.view, &network, proposal.alternatives());
            if let Some(terms) = proposal.alternatives().first() {
                credit::may_owe_them(&trial.view, partner, terms.currency(), amount)?;
            }
        }
    }
    Ok(())
}

pub(super) fn request(
    trial: &mut Trial<'_>,
    requesting: Requesting,
    chain: Option<Chain>,
) -> Result<(), Stop> {
    let partner = requesting.partner;
    check_partner(trial, partner)?;
    let header = match requesting.thread {
        None => trial.header(partner, None, None)?,
        Some(thread_id) => {
            let thread = Thread::read(&trial.view, thread_id)
                .filter(|thread| thread.partner == partner)
                .ok_or(Code::ThreadUnknown)?;
            thread.may_request(Who::Us)?;
            trial.saying(thread_id)?
        }
    };
    let terms = &requesting.terms;
    if !terms.totals_hold() {
        return Err(Code::TotalsDiffer.into());
    }
    judge::validity(trial, trial.at(), requesting.valid_until)?;
    judge::change_of(trial, (partner, Side::Requester), None, terms)?;
    let network = trial.machine.config.network;
    let (amount, _) = reservation(&trial.view, &network, core::slice::from_ref(terms));
    credit::may_owe_them(&trial.view, partner, terms.currency(), amount)?;
    let request = Request {
        header,
        proposal: requesting.proposal,
        valid_until: requesting.valid_until,
        terms: requesting.terms,
        chain,
    };
    trial.sign(partner, Vec::from([ThreadBody::Request(Box::new(request))]))?;
    let signed = trial.step.entries().last();
    let deal = signed.and_then(|entry| entry.body.payload.records().first().copied());
    if let (Approval::Given, Some(deal)) = (requesting.commit, deal) {
        trial.mark(Mark::Approved { deal: deal.into() });
    }
    Ok(())
}

fn accept(trial: &mut Trial<'_>, thread_id: ThreadId, alternative: u8) -> Result<(), Stop> {
    let thread = Thread::read(&trial.view, thread_id).ok_or(Code::ThreadUnknown)?;
    if let Some(deal_id) = thread.open {
        return accept_deal(trial, deal_id, alternative);
    }
    let standing = thread
        .standing
        .filter(|standing| standing.by == Who::Them)
        .ok_or(Code::NotYourTurn)?;
    let network = trial.machine.config.network;
    let kept = kept_record(&trial.view, &network, standing.proposal);
    let Some(ThreadBody::Proposal(proposal)) = kept.as_ref().map(Signed::body) else {
        return Err(Code::ParentUnknown.into());
    };
    let terms = proposal
        .alternative(alternative)
        .ok_or(Code::ParentUnknown)?
        .clone();
    if trial.at() > proposal.valid_until() {
        return Err(Code::ValidityOver.into());
    }
    let partner = thread.partner;
    match proposal.role() {
        Role::Provider => request(
            trial,
            Requesting {
                partner,
                thread: Some(thread_id),
                proposal: Some(Choice {
                    proposal: standing.proposal,
                    alternative,
                }),
                valid_until: trial.at().plus_ms(ACCEPTANCE_MS),
                terms,
                commit: Approval::Given,
            },
            None,
        ),
        Role::Requester => {
            let valid_until = trial.at().plus_ms(judge::hold_ms(trial, &terms));
            propose(
                trial,
                Proposing {
                    partner,
                    thread: Some(thread_id),
                    role: Role::Provider,
                    binding: Binding::Firm,
                    valid_until,
                    alternatives: Vec::from([terms]),
                },
            )
        }
    }
}

/// Accepts what waits for the operator. The operator's word grants the price.
fn accept_deal(trial: &mut Trial<'_>, deal_id: DealId, alternative: u8) -> Result<(), Stop> {
    let deal = Deal::read(&trial.view, deal_id).ok_or(Code::DealUnknown)?;
    match deal.state {
        State::Asked | State::Offered => {
            trial.check_greeted(deal.partner)?;
            chain::check_unsourced(trial, (deal_id, &deal))?;
            let network = trial.machine.config.network;
            let alternatives = Deal::alternatives(&trial.view, &network, deal_id);
            let chosen = alternatives
                .get(usize::from(alternative))
                .ok_or(Code::HoldUnknown)?;
            let verdict = if trial.at() > deal.until {
                Err(Code::ValidityOver)
            } else {
                judge::accepted(trial, (deal.partner, deal_id), chosen)
            };
            match (verdict, deal.state) {
                (Err(code), _) => provider::refuse(trial, deal_id, code),
                (Ok(()), State::Asked) => provider::give_hold(trial, deal_id),
                (Ok(()), _) => provider::sell(trial, deal_id, alternative),
            }
        }
        State::Kept => requester::commit_now(trial, deal_id, alternative),
        State::Doubt | State::Written => Err(Code::InDoubt.into()),
        State::Held | State::Waiting => Err(Code::HoldStands.into()),
        State::Armed | State::Passed => Err(Code::InDoubt.into()),
        _ => Err(Code::DealOpen.into()),
    }
}

fn reject(trial: &mut Trial<'_>, thread_id: ThreadId) -> Result<(), Stop> {
    let thread = Thread::read(&trial.view, thread_id).ok_or(Code::ThreadUnknown)?;
    if let Some(deal_id) = thread.open {
        return cancel(trial, deal_id);
    }
    thread.may_reject(Who::Us)?;
    let header = trial.saying(thread_id)?;
    let code = Code::Declined;
    trial.sign(
        header.to,
        Vec::from([ThreadBody::Reject(Reject { header, code })]),
    )
}

fn refuse(trial: &mut Trial<'_>, id: DealId, code: Code) -> Result<(), Stop> {
    let deal = Deal::read(&trial.view, id).ok_or(Code::DealUnknown)?;
    match deal.state {
        State::Asked => provider::refuse(trial, id, code),
        _ => Err(Code::Outdated.into()),
    }
}

fn withdraw(trial: &mut Trial<'_>, thread_id: ThreadId) -> Result<(), Stop> {
    let thread = Thread::read(&trial.view, thread_id).ok_or(Code::ThreadUnknown)?;
    thread.may_withdraw(Who::Us)?;
    let header = trial.saying(thread_id)?;
    trial.sign(
        header.to,
        Vec::from([ThreadBody::Withdraw(Withdraw { header })]),
    )
}

fn cancel(trial: &mut Trial<'_>, deal_id: DealId) -> Result<(), Stop> {
    let deal = Deal::read(&trial.view, deal_id).ok_or(Code::DealUnknown)?;
    match deal.state {
        State::Asked | State::Offered => provider::refuse(trial, deal_id, Code::Declined),
        State::Held | State::Closed | State::Waiting => Err(Code::HoldStands.into()),
        State::Armed | State::Passed => Err(Code::InDoubt.into()),
        _ => {
            chain::check_free(trial, &deal)?;
            requester::give_back(trial, deal_id)
        }
    }
}

fn happen(trial: &mut Trial<'_>, verb: Verb) -> Result<(), Stop> {
    let Verb::Happen {
        order: deal,
        what,
        occurred,
        lines,
        reference,
        note,
    } = verb
    else {
        return Ok(());
    };
    let order = Order::read(&trial.view, deal).ok_or(Code::DealUnknown)?;
    let network = trial.machine.config.network;
    let known = Deal::read(&trial.view, order.terms).ok_or(Code::DealUnknown)?;
    // What is part of a chain, or worth much, waits until the other side has kept the Receipt.
    let gate = &trial.machine.config.policy.ship_gate;
    let waits = order.in_force(&trial.view, &network).is_some_and(|terms| {
        let is_above =
            |gate: &Money| (gate.currency == terms.currency()) && gate.minor < terms.total();
        terms.conditions().for_chain || gate.iter().any(is_above)
    });
    if waits && known.ack.is_none() {
        return Err(Code::InDoubt.into());
    }
    let header = trial.within(order.thread)?;
    let lines: List<EventLine, LINES_MAX> = List::new(lines).map_err(Code::from)?;
    let event = Event {
        header,
        deal,
        version: order.version,
        what,
        occurred,
        lines,
        reference,
        note,
    };
    order::judge_event(&trial.view, (order.partner, Side::Provider), &event)?;
    change::check_held(&trial.view, &network, (&order, &event))?;
    trial.sign(
        order.partner,
        Vec::from([ThreadBody::Event(Box::new(event))]),
    )
}
