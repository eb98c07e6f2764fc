//! Taking a leg into a bundle: a hold that is kept already, or one that is asked for now and
//! commits nothing when it comes.

use omni_protocol::code::Code;
use omni_protocol::deal::negotiation::{Standing, Who};
use omni_protocol::deal::{Deal, State};
use omni_protocol::fence::List;
use omni_protocol::hash::{BundleId, DealId, ThreadId};
use omni_protocol::machine::{Approval, Bundling, DraftLeg, Requesting, Verb};
use omni_protocol::thread::{Choice, Role};

use super::{in_words, invalid, leg_of, said, telling};
use crate::api::deals::naming::Nameable;
use crate::api::deals::{self, building, made, nothing_made, telling as threads, valid_until};
use crate::api::failover::telling::check_not_asked;
use crate::api::{ApiCode, Desk, Problem, Reading, partner};
use crate::view::bundle::LegAsk;

/// Where a leg comes from.
enum From {
    /// A deal of which a hold is asked or kept.
    Deal(DealId),
    /// A hold is asked for first.
    Ask(Box<Requesting>),
}

/// What a request for a leg comes to.
struct Joining {
    bundle: BundleId,
    from: From,
    /// The alternative, from 0, and the deals that come before it.
    alternative: u8,
    after: Vec<DealId>,
}

/// Takes a leg in.
pub(super) async fn join(desk: &Desk, name: &str, mut ask: LegAsk) -> Result<(), Problem> {
    let clear = deals::clear(ask.ship_to.take())?;
    let country = clear.as_ref().map(deals::country);
    let (of, arm_last) = (name.to_owned(), ask.arm_last);
    let read = move |reading: &Reading| joining(reading, &of, &ask, country.as_deref());
    let joining = desk.read(read).await?;
    let bundle = joining.bundle;
    let deal = match joining.from {
        From::Deal(deal) => {
            let after = List::new(joining.after);
            let leg = DraftLeg {
                deal,
                alternative: joining.alternative,
                after: after.map_err(|why| invalid(format!("after: {why}.")))?,
            };
            said(desk, name, Bundling::Add { bundle, leg }).await?;
            deal
        }
        From::Ask(requesting) => ask_leg(desk, (bundle, name), requesting, joining.after).await?,
    };
    if arm_last {
        let deal = Some(deal);
        said(desk, name, Bundling::Last { bundle, deal }).await?;
    }
    let thread = desk
        .read(move |reading| Ok(Deal::read(reading, deal).map(|deal| deal.thread)))
        .await?;
    match thread {
        Some(thread) => deals::keep(desk, thread, clear).await,
        None => Ok(()),
    }
}

/// Asks for a hold and takes its deal in, in one step.
pub(super) async fn ask_leg(
    desk: &Desk,
    (bundle, name): (BundleId, &str),
    requesting: Box<Requesting>,
    after: Vec<DealId>,
) -> Result<DealId, Problem> {
    let word = Bundling::Ask {
        bundle,
        requesting,
        after,
    };
    let made = made(desk, Verb::Bundle(word)).await;
    let made = made.map_err(|problem| of_the_bundle(problem, name))?;
    let deal = made.last().copied().map(DealId::from);
    deal.ok_or_else(nothing_made)
}

/// A refusal of what is asked for, told of the bundle where that is what refuses.
fn of_the_bundle(problem: Problem, name: &str) -> Problem {
    let codes = [Code::TooLarge, Code::InDoubt, Code::Outdated];
    if codes.iter().any(|code| problem.is(*code)) {
        in_words(problem, name)
    } else {
        problem
    }
}

fn joining(
    reading: &Reading,
    name: &str,
    ask: &LegAsk,
    country: Option<&str>,
) -> Result<Joining, Problem> {
    let (bundle, draft) = telling::named(reading, name)?;
    let after = ask.after.iter();
    let after: Result<Vec<_>, _> = after
        .map(|thread| leg_of(reading, &draft, thread))
        .collect();
    let alternative = match ask.alternative {
        None => 0,
        Some(number) => number
            .checked_sub(1)
            .ok_or_else(|| invalid("alternative: they are counted from 1."))?,
    };
    let from = match (&ask.thread, &ask.terms) {
        (Some(_), Some(_)) => {
            return Err(invalid(
                "A leg names a thread or what to ask for, not both.",
            ));
        }
        (None, None) => return Err(invalid("A leg names a thread, or what to ask a hold for.")),
        (Some(thread), None) => of_thread(reading, thread, (ask.valid_minutes, alternative))?,
        (None, Some(_)) => From::Ask(Box::new(asking(reading, ask, country)?)),
    };
    Ok(Joining {
        bundle,
        // What is asked for now has one alternative, the one that was chosen.
        alternative: match from {
            From::Deal(_) => alternative,
            From::Ask(_) => 0,
        },
        from,
        after: after?,
    })
}

/// The deal of a thread, or a Request for what its provider proposes there.
fn of_thread(
    reading: &Reading,
    thread: &str,
    (valid_minutes, alternative): (Option<u64>, u8),
) -> Result<From, Problem> {
    let thread = ThreadId::find(reading, thread)?;
    let situation = threads::situation(reading, thread)?;
    if situation.role == Some(Role::Provider) {
        return Err(invalid(
            "thread: this node provides there, and a bundle is its requester's.",
        ));
    }
    if let Some((id, deal)) = &situation.deal
        && matches!(deal.state, State::Requested | State::Kept)
    {
        check_not_asked(reading, *id)?;
        return Ok(From::Deal(*id));
    }
    match situation.thread.standing {
        Some(Standing {
            by: Who::Them,
            proposal,
            ..
        }) if situation.thread.open.is_none() => {
            let terms = situation.alternatives.get(usize::from(alternative));
            Ok(From::Ask(Box::new(Requesting {
                partner: situation.thread.partner,
                thread: Some(thread),
                proposal: Some(Choice {
                    proposal,
                    alternative,
                }),
                valid_until: valid_until(reading, valid_minutes, (Role::Requester, false))?,
                terms: terms
                    .cloned()
                    .ok_or_else(|| invalid("alternative: there is no such one."))?,
                commit: Approval::Asked,
            })))
        }
        Some(_) | None => Err(Problem::new(
            ApiCode::Conflict,
            "No hold is asked or kept in that thread, and no proposal of the provider stands there.",
        )
        .next("see where it stands: omni deal show THREAD")
        .naming("THREAD", &deals::refusing::short(&thread))),
    }
}

/// A Request for a hold on what the partner offers.
fn asking(reading: &Reading, ask: &LegAsk, country: Option<&str>) -> Result<Requesting, Problem> {
    let terms = ask
        .terms
        .as_ref()
        .ok_or_else(|| invalid("terms is missing."))?;
    let whom = partner::named(reading, ask.partner.as_deref())?;
    let partner = match (whom, terms.lines.first()) {
        (Some(partner), _) => partner,
        (None, Some(line)) => building::offer(reading, line, None)?.author,
        (None, None) => return Err(invalid("lines is empty.")),
    };
    deals::not_oneself(reading.partner, partner)?;
    let terms = building::alternatives(reading, std::slice::from_ref(terms), partner, country)?;
    Ok(Requesting {
        partner,
        thread: None,
        proposal: None,
        valid_until: valid_until(reading, ask.valid_minutes, (Role::Requester, false))?,
        terms: terms.into_iter().next().ok_or_else(nothing_made)?,
        commit: Approval::Asked,
    })
}
