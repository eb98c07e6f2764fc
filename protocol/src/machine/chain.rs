//! A middle partner's deals (SPEC.md section 21): which deal rests on which, and what a change on
//! one side brings about on the other. Which cell that is, the table of [`middle`] says; stock,
//! credit and orders are the deals' matter, and so is a leg of a bundle.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named has no part here"
)]

use alloc::vec::Vec;

use super::{
    Approval, Case, Change, Event, Key, Mark, No, Stop, Trial, View, bundle, kept_record, life,
    verbs::{self, Requesting},
};
use crate::{
    bundle::{
        Act, Backing, Greeted, Span, chain,
        middle::{self, MiddleFacts, MiddleInput, MiddleState, Parts},
    },
    code::Code,
    deal::{Deal, Side, State, credit, evidence, judge, provider, requester},
    hash::{DealId, NetworkId, PartnerId, PassedOn},
    thread::{Chain, Commit, HoldTerms, Terms, ThreadBody},
    value::{Minor, Time},
};

/// A part that the operator asks another partner for, on which a deal is to rest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sourcing {
    /// The deal that waits for the operator.
    pub deal: DealId,
    /// Whom to ask.
    pub partner: PartnerId,
    /// Until when it may be answered.
    pub valid_until: Time,
    /// The terms, which must be for a chain.
    pub terms: Terms,
}

/// A deal that rests on another, and that one, as far as it is known here.
struct Resting {
    id: DealId,
    deal: Deal,
    part: Option<(DealId, Deal)>,
}

impl Resting {
    fn of(trial: &Trial<'_>, (id, deal): (DealId, Deal)) -> Self {
        let network = trial.machine.config.network;
        let part = part_of(&trial.view, &network, (id, &deal));
        Self { id, deal, part }
    }
}

/// Judges whether a part could be asked for so, and changes nothing.
pub(super) fn plan(trial: &mut Trial<'_>, sourcing: Sourcing) -> Result<(), Stop> {
    source(trial, sourcing)?;
    trial.begin_anew();
    Ok(())
}

/// Asks for the part on which a deal is to rest.
pub(super) fn source(trial: &mut Trial<'_>, sourcing: Sourcing) -> Result<(), Stop> {
    let id = sourcing.deal;
    let deal = Deal::read(&trial.view, id).ok_or(Code::DealUnknown)?;
    trial.check_whole(id, &deal)?;
    match deal.state {
        State::Asked => {}
        State::Held | State::Waiting => return Err(Code::HoldStands.into()),
        State::Passed | State::Armed => return Err(Code::InDoubt.into()),
        _ => return Err(Code::Outdated.into()),
    }
    if deal.order.is_some() {
        return Err(Code::ChangesOrder.into());
    }
    let chain = chain::below(id, deal.chain)?;
    let is_sourced = check_unsourced(trial, (id, &deal)).is_err();
    if is_sourced || sourcing.partner == deal.partner {
        return Err(Code::InChain.into());
    }
    if !sourcing.terms.conditions().for_chain || sourcing.terms.conditions().on.is_some() {
        return Err(Code::Malformed.into());
    }
    judge::sourced(trial, deal.partner, &terms_of(trial, (id, &deal))?)?;
    let requesting = Requesting {
        partner: sourcing.partner,
        thread: None,
        proposal: None,
        valid_until: sourcing.valid_until,
        terms: sourcing.terms,
        commit: Approval::Asked,
    };
    verbs::request(trial, requesting, Some(chain))
}

/// Refuses what the operator can't do with a deal while a part is asked for on which it is to rest.
pub(super) fn check_unsourced(trial: &Trial<'_>, (id, deal): (DealId, &Deal)) -> Result<(), Code> {
    let network = trial.machine.config.network;
    match deal.backing {
        Backing::Parts if part_of(&trial.view, &network, (id, deal)).is_some() => {
            Err(Code::InChain)
        }
        Backing::Parts | Backing::Stock => Ok(()),
    }
}

/// Refuses what would end a part on which a hold rests: that is decided through the hold alone.
pub(crate) fn check_free(trial: &Trial<'_>, part: &Deal) -> Result<(), Code> {
    let above = above(&trial.view, part).filter(|(_, above)| above.backing == Backing::Parts);
    match above.map(|(_, above)| above.state) {
        Some(State::Held | State::Passed | State::Waiting) => Err(Code::HoldStands),
        Some(_) | None => Ok(()),
    }
}

/// Refuses to commit a part by itself: it is committed with what rests on it, and given back where
/// that is over, though its provider may have yet to greet for that.
pub(crate) fn check_alone(trial: &Trial<'_>, part: &Deal) -> Result<(), Code> {
    match above(&trial.view, part).filter(|(_, above)| above.backing == Backing::Parts) {
        Some(_) => Err(Code::InChain),
        None => Ok(()),
    }
}

/// Refuses a Request of a chain of which this node has a deal that is not over.
pub(crate) fn check_new(view: &dyn View, chain: Option<Chain>) -> Result<(), Code> {
    let Some(chain) = chain else { return Ok(()) };
    let top = Deal::read(view, chain.id).map(|top| (chain.id, top));
    let known = deals(view, chain.id).into_iter().chain(top);
    if known.into_iter().any(|(_, deal)| !deal.state.is_over()) {
        Err(Code::InChain)
    } else {
        Ok(())
    }
}

/// Looks at what rests on the deals that changed or were spoken of, and on what they rest.
pub(super) fn follow(trial: &mut Trial<'_>) {
    // What the operator's word made is told, and not what follows from it.
    let verdict = core::mem::take(&mut trial.step.verdict);
    let (mut events, mut changes) = (0, 0);
    loop {
        if let Some(event) = trial.step.events.get(events) {
            events += 1;
            if let Event::Deal { deal, .. } = *event {
                go_on(trial, deal);
            }
        } else if let Some(change) = trial.step.changes.get(changes) {
            changes += 1;
            if let Change::Mark(Mark::Spoken { deal }) = *change {
                go_on(trial, deal);
                ask_above(trial, deal);
            }
        } else {
            break;
        }
    }
    trial.step.verdict = verdict;
}

/// Does what is due between a deal and the one on which it rests. What can't be signed yet is due
/// again when the partner greets.
pub(super) fn go_on(trial: &mut Trial<'_>, id: DealId) {
    let Some(deal) = Deal::read(&trial.view, id).filter(|_| !trial.machine.recovering) else {
        return;
    };
    let upper = match (deal.side(), deal.backing) {
        (Side::Provider, Backing::Parts) => Some((id, deal)),
        (Side::Provider, Backing::Stock) => None,
        (Side::Requester, _) => above(&trial.view, &deal),
    };
    if let Some(upper) = upper {
        bundle::handed_down(trial, id);
        let resting = Resting::of(trial, upper);
        look(trial, &resting).ok();
        give_back_rest(trial, resting.id);
    }
}

/// The Commit of a deal was left without an answer: it is asked for when its part can be committed.
pub(super) fn left(trial: &mut Trial<'_>, case: Case<'_>) {
    let ThreadBody::Commit(commit) = case.record().body() else {
        return;
    };
    let known = Deal::read(&trial.view, commit.deal).filter(|deal| deal.partner == case.from);
    let waits =
        known.is_some_and(|deal| deal.state == State::Held && deal.backing == Backing::Parts);
    if waits && !bundle::is_committed(trial, commit.deal) {
        trial.mark(Mark::Committed { deal: commit.deal });
    }
}

/// The provider of a part spoke of it or greeted. Whoever committed what rests on it was left without
/// an answer, and would ask again a whole pause later: it is greeted, so that it asks at once.
pub(super) fn ask_above(trial: &mut Trial<'_>, part: DealId) {
    let Some(known) = Deal::read(&trial.view, part).filter(|part| part.side() == Side::Requester)
    else {
        return;
    };
    let above = above(&trial.view, &known)
        .filter(|(id, deal)| deal.state == State::Held && bundle::is_committed(trial, *id));
    let is_ready = !trial.machine.recovering
        && trial.machine.is_greeted(known.partner)
        && trial.check_whole(part, &known).is_ok();
    if let Some((_, deal)) = above.filter(|_| is_ready) {
        life::greet_again(trial, deal.partner);
    }
}

fn look(trial: &mut Trial<'_>, resting: &Resting) -> Result<(), No> {
    let part = resting.part.as_ref().map(|(_, part)| part.state);
    let input = match (resting.deal.state, part) {
        (State::Asked, Some(State::Kept)) => MiddleInput::PartsHeld,
        (State::Held | State::Passed, Some(State::Agreed)) => MiddleInput::PartAgreed,
        (State::Held | State::Passed, Some(State::Aborted)) => MiddleInput::PartRefused,
        (State::Waiting, Some(_)) => return bundle::said_below(trial, (resting.id, &resting.deal)),
        _ => return Ok(()),
    };
    put(trial, None, (resting, input))
}

/// Gives back what is asked or held for a deal that is over.
fn give_back_rest(trial: &mut Trial<'_>, id: DealId) {
    let Some(deal) = Deal::read(&trial.view, id).filter(|deal| deal.state.is_over()) else {
        return;
    };
    for (part, known) in parts(&trial.view, (id, &deal)) {
        if matches!(known.state, State::Requested | State::Kept) {
            requester::give_back(trial, part).ok();
        }
    }
}

/// The Commit of a deal whose hold is passed on.
pub(crate) fn commit(
    trial: &mut Trial<'_>,
    case: Case<'_>,
    (commit, deal): (&Commit, &Deal),
) -> Result<(), No> {
    let resting = Resting::of(trial, (commit.deal, deal.clone()));
    if Some(commit.hold) != deal.hold || commit.alternative != 0 {
        return Err(Code::HoldUnknown.into());
    }
    put(trial, Some(case), (&resting, MiddleInput::Commit))
}

/// The Release of a deal whose hold is passed on.
pub(crate) fn release(
    trial: &mut Trial<'_>,
    case: Case<'_>,
    (id, deal): (DealId, &Deal),
) -> Result<(), No> {
    let resting = Resting::of(trial, (id, deal.clone()));
    put(trial, Some(case), (&resting, MiddleInput::Release))
}

/// The end of a hold that is passed on is noticed.
pub(crate) fn overdue(trial: &mut Trial<'_>, id: DealId, deal: &Deal) -> Result<(), Stop> {
    let resting = Resting::of(trial, (id, deal.clone()));
    put(trial, None, (&resting, MiddleInput::Over)).or_else(No::without_a_record)
}

/// Puts what happens to the table, and carries out what it says.
fn put(
    trial: &mut Trial<'_>,
    case: Option<Case<'_>>,
    (resting, input): (&Resting, MiddleInput),
) -> Result<(), No> {
    let ends = match input {
        // What was passed on ends through its part alone.
        MiddleInput::Commit => resting.deal.state != State::Passed,
        MiddleInput::Release | MiddleInput::Over => true,
        _ => false,
    };
    if let Some((part, known)) = resting.part.as_ref().filter(|_| ends) {
        // What an earlier epoch committed there may be lost, and is shown first. Of a part that was
        // refused nothing is.
        if known.state != State::Aborted && trial.check_whole(*part, known).is_err() {
            return Err(No::Unanswered);
        }
        // One that was given back is not committed: what its provider answers decides.
        if known.state == State::Released && input == MiddleInput::Commit {
            return Err(No::Unanswered);
        }
    }
    let hold = match input {
        MiddleInput::PartsHeld => hold_terms(trial, resting),
        _ => Err(Code::HoldUnknown),
    };
    let facts = facts(trial, resting, (input, hold.map(|_| ())));
    let (_, acts) = middle::step(stand(resting.deal.state), input, &facts);
    if let Some(case) = case {
        if acts.is_empty() {
            return Err(No::Unanswered);
        }
        // What contradicts is kept with its Evidence.
        if !trial.knows(case.id()) && !acts.contains(&Act::Evidence) {
            trial.keep(case);
        }
    }
    for act in acts {
        carry(trial, case, (resting, act, hold))?;
    }
    Ok(())
}

const fn stand(state: State) -> MiddleState {
    match state {
        State::Asked => MiddleState::Asked,
        State::Held => MiddleState::Held,
        State::Passed => MiddleState::Passed,
        State::Sold => MiddleState::Sold,
        _ => MiddleState::Refused,
    }
}

fn facts(
    trial: &Trial<'_>,
    resting: &Resting,
    (input, fit): (MiddleInput, Result<(), Code>),
) -> MiddleFacts {
    let is_over = trial.at() > resting.deal.until;
    let part = resting.part.as_ref().map(|(_, part)| part);
    let parts = match part.map(|part| part.state) {
        Some(State::Doubt | State::Written | State::Agreed) => Parts::Committed,
        Some(State::Aborted) => Parts::Refused,
        _ => Parts::Free,
    };
    let deal = &resting.deal;
    let needs_below = match input {
        MiddleInput::Commit if parts == Parts::Free && !is_over => true,
        // An earlier life may have committed the part: then its provider shows that.
        MiddleInput::Commit | MiddleInput::Over => {
            deal.state == State::Held
                && part.is_some()
                && parts != Parts::Refused
                && !trial.held_in_this_life(deal)
        }
        _ => false,
    };
    let is_below = part.is_some_and(|part| trial.machine.is_greeted(part.partner));
    let is_greeted = trial.machine.is_greeted(deal.partner) && (is_below || !needs_below);
    MiddleFacts {
        hold: if is_over { Span::Over } else { Span::Runs },
        greeted: if is_greeted {
            Greeted::All
        } else {
            Greeted::Wanting
        },
        names_hold: true,
        parts,
        fit,
    }
}

fn carry(
    trial: &mut Trial<'_>,
    case: Option<Case<'_>>,
    (resting, act, hold): (&Resting, Act, Result<HoldTerms, Code>),
) -> Result<(), No> {
    let id = resting.id;
    let part = resting.part.as_ref().map(|(part, _)| *part);
    match (act, case) {
        (Act::Hold, _) => provider::give(trial, id, hold?)?,
        (Act::Commit, _) => {
            let part = part.ok_or(No::Unanswered)?;
            // It was judged when the hold was given. What hinders it now passes.
            requester::commit_part(trial, part).or(Err(No::Unanswered))?;
        }
        (Act::Receipt, _) => provider::sell(trial, id, resting.deal.alternative)?,
        (Act::Refusal(code), _) => provider::refuse(trial, id, code)?,
        (Act::Evidence, Some(case)) => {
            if let Some(commit) = resting.deal.commit {
                evidence::release_beside_commit(trial, case, commit)?;
            }
            trial.stored(case);
        }
        (Act::Stored, Some(case)) => trial.stored(case),
        (Act::Reject(code), Some(_)) => return Err(code.into()),
        // What is over gives its parts back, whatever ended it. The rest is said by the deal.
        _ => {}
    }
    Ok(())
}

/// What a hold would promise now that rests on its part.
fn hold_terms(trial: &Trial<'_>, resting: &Resting) -> Result<HoldTerms, Code> {
    let network = trial.machine.config.network;
    let (part, known) = resting.part.as_ref().ok_or(Code::HoldUnknown)?;
    let terms = terms_of(trial, (resting.id, &resting.deal))?;
    let partner = resting.deal.partner;
    judge::sourced(trial, partner, &terms)?;
    may_owe(trial, (*part, known))?;
    let kept = known
        .hold
        .and_then(|hold| kept_record(&trial.view, &network, hold));
    let below = match kept.as_ref().map(|kept| kept.body()) {
        Some(ThreadBody::Hold(hold)) => hold.hold,
        _ => return Err(Code::HoldUnknown),
    };
    let until = trial.at().plus_ms(judge::hold_ms(trial, &terms));
    let own = judge::hold_terms(trial, partner, until);
    let given = chain::resting_on(trial.at(), own, &[below])?;
    let passed_on = commitment(&trial.view, &network, *part);
    Ok(HoldTerms { passed_on, ..given })
}

fn terms_of(trial: &Trial<'_>, (id, deal): (DealId, &Deal)) -> Result<Terms, Code> {
    let network = trial.machine.config.network;
    let terms = deal.terms(&trial.view, &network, id);
    terms.ok_or(Code::DealUnknown)
}

/// Whether this node lets itself owe for a part, beside what it will owe for those on which its
/// other holds rest, since what it commits for them is not judged again.
fn may_owe(trial: &Trial<'_>, (id, part): (DealId, &Deal)) -> Result<(), Code> {
    let Some(currency) = part.currency else {
        return Err(Code::DealUnknown);
    };
    let mut amounts = Vec::from([part.amount]);
    for other in life::open_deals(&trial.view, part.partner) {
        let known = Deal::read(&trial.view, other)
            .filter(|known| known.state == State::Kept && known.currency == part.currency);
        if let Some(known) = known.filter(|known| other != id && check_free(trial, known).is_err())
        {
            amounts.push(known.amount);
        }
    }
    let amount = Minor::total(amounts).ok_or(Code::OverCredit)?;
    credit::may_owe_them(&trial.view, part.partner, currency, amount)
}

/// The deal on which this one rests, as far as it is known here.
pub(super) fn below(trial: &Trial<'_>, at: (DealId, &Deal)) -> Option<(DealId, Deal)> {
    part_of(&trial.view, &trial.machine.config.network, at)
}

/// The deal on which another rests: while that is asked for, the one that is asked for in turn; then
/// the one to which its hold is committed.
#[must_use]
pub fn part_of(
    view: &dyn View,
    network: &NetworkId,
    (id, deal): (DealId, &Deal),
) -> Option<(DealId, Deal)> {
    let hold = deal.hold.and_then(|hold| kept_record(view, network, hold));
    let passed_on = match hold.as_ref().map(|hold| hold.body()) {
        Some(ThreadBody::Hold(hold)) => hold.hold.passed_on,
        _ => None,
    };
    let known = deals(view, chain_of(id, deal)).into_iter();
    let mut parts =
        known.filter(|(_, part)| part.side() == Side::Requester && rests_on(deal, part));
    match passed_on {
        Some(_) => parts.find(|(part, _)| commitment(view, network, *part) == passed_on),
        None => parts.find(|(_, part)| !part.state.is_over()),
    }
}

/// All deals of this node's own that were ever asked for so that this one rests on them, in the order
/// of their ids.
#[must_use]
pub fn parts(view: &dyn View, (id, deal): (DealId, &Deal)) -> Vec<(DealId, Deal)> {
    let mut all = deals(view, chain_of(id, deal));
    all.retain(|(_, part)| {
        part.side() == Side::Requester && above(view, part).is_some_and(|(above, _)| above == id)
    });
    all
}

fn commitment(view: &dyn View, network: &NetworkId, part: DealId) -> Option<PassedOn> {
    let request = kept_record(view, network, part.into())?;
    Some(chain::passed_on(request.body().header().salt, &[part]))
}

/// The deal that rests on this one: of those above it in its chain the one that is not over, else one
/// that is, and not one that was refused without ever resting on anything.
#[must_use]
pub fn above(view: &dyn View, part: &Deal) -> Option<(DealId, Deal)> {
    let chain = part.chain?.id;
    let top = Deal::read(view, chain).map(|top| (chain, top));
    let known = top.into_iter().chain(deals(view, chain));
    let provided: Vec<_> = known
        .filter(|(_, deal)| deal.side() == Side::Provider && rests_on(deal, part))
        .collect();
    let open = provided.iter().find(|(_, deal)| !deal.state.is_over());
    let mut rested = provided.iter().rev();
    let rested = rested.find(|(_, deal)| deal.backing == Backing::Parts);
    open.or(rested).or(provided.last()).cloned()
}

/// Whether a deal stands right above another of its chain. A node that fell back may have taken one of
/// a chain in which it had a deal already, and is then in it at two depths.
fn rests_on(deal: &Deal, part: &Deal) -> bool {
    let depth = |deal: &Deal| deal.chain.map_or(0, |chain| chain.depth);
    depth(deal).checked_add(1) == Some(depth(part))
}

/// The chain of a deal: of one that is in none, the one at whose top it stands.
fn chain_of(id: DealId, deal: &Deal) -> DealId {
    deal.chain.map_or(id, |chain| chain.id)
}

/// The deals of a chain at this node, but for that at its top.
fn deals(view: &dyn View, chain: DealId) -> Vec<(DealId, Deal)> {
    let mut after = Key::Chain {
        chain,
        deal: DealId::from_bytes([0; 32]),
    };
    let mut found = Vec::new();
    while let Some((key @ Key::Chain { chain: of, deal }, _)) = view.next(&after)
        && of == chain
    {
        found.extend(Deal::read(view, deal).map(|known| (deal, known)));
        after = key;
    }
    found
}

/// A part was asked for: what it is asked for rests on it.
pub(crate) fn rests(view: &mut super::Overlay<'_>, part: &Deal) {
    if let Some((id, deal)) = above(view, part).filter(|(_, deal)| deal.state == State::Asked) {
        deal.rest(view, id);
    }
}
