//! Failover at work: for each leg with an envelope the next step, as long as there is one. A step is
//! judged anew from what is on the disk, and what is kept of it is written with it, so a node that is
//! killed at any moment goes on where it stood.

use std::ops::ControlFlow as Flow;

use omni_protocol::deal::{Deal, State};
use omni_protocol::hash::{DealId, PartnerId, RecordId, ThreadId};
use omni_protocol::machine::{Approval, Input, Requesting, Verb};
use omni_protocol::thread::Terms;
use omni_protocol::value::Time;

use super::done;
use super::judging::{self, Envelope, Tried};
use super::leg::Leg;
use super::telling::{deal_of, has_failed_too, is_done, kept};
use crate::api::bundles::telling::refusal_code;
use crate::api::looking::keep_looking;
use crate::api::sources::{is_passing, share_ms, valid_until};
use crate::api::{Act, ApiCode, Call, Desk, FailoverAct, News, Problem, Reading, pruning};
use crate::hand_over::Kept;
use crate::store::failover;
use crate::view::failover::{AskedDoc, FailedView, FailoverDoc};

/// Steps that are taken for one leg before the others have their turn.
const STEPS_MAX: usize = 32;

/// The next step for a leg.
struct Step {
    /// The word to the core; none where something is only noted.
    verb: Option<Verb>,
    doc: FailoverDoc,
    news: Option<News>,
    on: On,
}

/// What else a step is about.
enum On {
    /// Nothing.
    Itself,
    /// Somebody is asked, who is passed over where the core refuses that.
    Asking,
    /// A hold is committed to. Where the core refuses that, it is given back.
    Committing(DealId),
    /// What was asked is given back. Where its partner is away that waits, and this is noted.
    GivingBack,
    /// Somebody stands in, to whose thread goes what was kept for one of these.
    Replaced(Vec<ThreadId>, ThreadId),
}

/// Replaces what fails, for as long as the node runs.
pub async fn keep_replacing(desk: Desk) {
    let look = |desk: Desk| async move { look(&desk).await };
    keep_looking(desk, "a leg was not replaced", look).await;
}

async fn look(desk: &Desk) -> Result<(), Problem> {
    let legs = |reading: &Reading| Ok(failover::legs(&reading.ledger)?);
    let mut result = Ok(());
    for leg in desk.read(legs).await?.into_iter().map(DealId::from_bytes) {
        // One that can't go on keeps no other back.
        result = result.and(go_on(desk, leg).await);
    }
    result
}

async fn go_on(desk: &Desk, leg: DealId) -> Result<(), Problem> {
    let _one = desk.changing_failovers().await;
    give_back_late(desk, leg).await?;
    for _ in 0..STEPS_MAX {
        let read = move |reading: &Reading| next(reading, leg);
        let Some(step) = desk.read(read).await? else {
            return set_aside(desk, leg).await;
        };
        if carry_out(desk, leg, step).await?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// Puts what is kept of a leg aside where nothing is left to do, so that it is looked at no more.
async fn set_aside(desk: &Desk, leg: DealId) -> Result<(), Problem> {
    let read = move |reading: &Reading| {
        let doc = kept(reading, leg)?.filter(|doc| is_done(reading, doc));
        Ok(doc.map(|doc| (doc, reading.now().ms())))
    };
    let Some((mut doc, now_ms)) = desk.read(read).await? else {
        return Ok(());
    };
    doc.done_at_ms = Some(now_ms);
    // A struct of texts and numbers always has a JSON form.
    let bytes = serde_json::to_vec(&doc).unwrap_or_default();
    let id = RecordId::from(leg);
    let writes = vec![
        (failover::key(id.as_bytes()), None),
        (failover::done_key(id.as_bytes()), Some(bytes)),
    ];
    pruning::keep(desk, writes).await
}

/// Gives back what was passed over while its partner was away.
async fn give_back_late(desk: &Desk, leg: DealId) -> Result<(), Problem> {
    let read = move |reading: &Reading| {
        let asked = kept(reading, leg)?.map(|doc| doc.asked).unwrap_or_default();
        let over = asked.iter().filter(|asked| asked.over.is_some());
        let deals = over.filter_map(|asked| deal_of(reading, asked));
        let open = deals.filter(|(_, deal)| matches!(deal.state, State::Requested | State::Kept));
        Ok(open.map(|(id, _)| id).collect::<Vec<_>>())
    };
    for deal in desk.read(read).await? {
        let given = desk
            .made(Input::Verb(Box::new(Verb::Cancel { deal })))
            .await;
        match given {
            Err(problem) if !is_passing(&problem) => return Err(problem),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

async fn carry_out(desk: &Desk, leg: DealId, step: Step) -> Result<Flow<()>, Problem> {
    let Step {
        verb,
        doc,
        news,
        on,
    } = step;
    if let On::Replaced(from, to) = &on {
        hand_on(desk, from.clone(), *to).await?;
    }
    let said = say(desk, leg, verb, (doc.clone(), news.clone())).await;
    let Err(problem) = said else {
        return Ok(Flow::Continue(()));
    };
    match on {
        // Nobody but this node could commit to it, and it never does.
        On::GivingBack if problem.is_of(ApiCode::Away) => {
            say(desk, leg, None, (doc, news)).await?;
        }
        // The core can't sign or take more just now: it is looked at again.
        _ if is_passing(&problem) => return Ok(Flow::Break(())),
        On::Asking => {
            let over = problem.code().to_owned();
            say(desk, leg, None, passed(doc, over)).await?;
        }
        On::Committing(deal) => {
            let over = problem.code().to_owned();
            let verb = Some(Verb::Cancel { deal });
            say(desk, leg, verb, passed(doc, over)).await?;
        }
        On::Itself | On::GivingBack | On::Replaced(..) => return Err(problem),
    }
    Ok(Flow::Continue(()))
}

async fn say(
    desk: &Desk,
    leg: DealId,
    verb: Option<Verb>,
    (doc, news): (FailoverDoc, Option<News>),
) -> Result<(), Problem> {
    let doc = Some(doc);
    let act = Box::new(Act::Failover(Box::new(FailoverAct { leg, doc, news })));
    let verb = verb.map(Box::new);
    let verdict = desk.ask(|reply| Call::ByItself { verb, act, reply });
    done(verdict.await?).map(drop)
}

/// The recipient that is kept for one of these threads is kept for that of who stands in too, from
/// where it goes out as for any order. The others are forgotten with their orders.
async fn hand_on(desk: &Desk, from: Vec<ThreadId>, to: ThreadId) -> Result<(), Problem> {
    let kept = Kept::of(desk.about().home.root());
    desk.read(move |_| {
        if kept.has(to) {
            return Ok(());
        }
        for from in from {
            if let Some(clear) = kept.read(from)? {
                return Ok(kept.keep(to, &clear)?);
            }
        }
        Ok(())
    })
    .await
}

/// The next step; none where something is waited for, or nothing is left to do.
fn next(reading: &Reading, id: DealId) -> Result<Option<Step>, Problem> {
    let Some(doc) = kept(reading, id)? else {
        return Ok(None);
    };
    if matches!(doc.ended.as_deref(), Some("over" | "nobody")) {
        return Ok(None);
    }
    let Some(leg) = Leg::of_doc(reading, id, &doc) else {
        return Ok(None);
    };
    if let Some(asked) = doc.asked.last().filter(|asked| asked.over.is_none()) {
        let asked = deal_of(reading, asked);
        return Ok(asked.and_then(|asked| about(reading, &leg, doc, asked)));
    }
    if doc.ended.is_some() {
        return Ok(None);
    }
    let now = reading.now();
    let Some(failed) = &doc.failed else {
        return Ok(
            match (leg.failure(reading), leg.why_not_settable(reading)) {
                (Some(failure), _) => Some(failed_now(reading, &leg, doc, failure.why)),
                (None, Some(_)) => Some(noted(ended(doc, "over"), None)),
                (None, None) => None,
            },
        );
    };
    if now.ms() >= failed.until_ms {
        return Ok(Some(nobody(doc)));
    }
    let tried = judging::tried(reading, &leg, &doc)?.into_iter();
    let fit: Vec<_> = tried.filter(|one| one.outcome.is_ok()).collect();
    let left_ms = failed.until_ms.saturating_sub(now.ms());
    let share = share_ms(left_ms, fit.len());
    let first = fit.into_iter().next().and_then(|one| {
        let Tried {
            partner,
            sku,
            outcome,
            ..
        } = one;
        Some((partner, sku, outcome.ok()?))
    });
    Ok(Some(match first {
        Some(whom) => ask(doc, whom, (now, share)),
        None => nobody(doc),
    }))
}

/// What becomes of what was asked and is not over.
fn about(
    reading: &Reading,
    leg: &Leg,
    doc: FailoverDoc,
    (id, deal): (DealId, Deal),
) -> Option<Step> {
    let now = reading.now();
    let failed = doc.failed.as_ref()?;
    let until_ms = doc.asked.last()?.until_ms;
    let is_late = now.ms() >= until_ms;
    let give_back = |doc: FailoverDoc, over: &str| {
        let (doc, news) = passed(doc, over.to_owned());
        Some(Step {
            verb: Some(Verb::Cancel { deal: id }),
            doc,
            news,
            on: On::GivingBack,
        })
    };
    match deal.state {
        State::Requested if is_late => give_back(doc, "silent"),
        State::Kept if now > deal.until => give_back(doc, "hold-over"),
        State::Kept if now.ms() >= failed.until_ms => give_back(doc, "silent"),
        State::Kept => Some(Step {
            news: news("committed", Some(deal.partner), None),
            doc,
            verb: Some(Verb::Accept {
                thread: deal.thread,
                alternative: 0,
            }),
            on: On::Committing(id),
        }),
        State::Agreed => agreed(reading, leg, doc, (id, &deal)),
        State::Released => {
            let (doc, news) = passed(doc, "released".to_owned());
            Some(noted(doc, news))
        }
        State::Aborted => {
            let code = refusal_code(reading, &deal);
            let (doc, news) = passed(doc, code.unwrap_or_else(|| "refused".to_owned()));
            Some(noted(doc, news))
        }
        // It is waited for, or only its provider knows.
        State::Requested | State::Doubt | State::Written => None,
        // The other side's.
        State::Asked
        | State::Offered
        | State::Held
        | State::Closed
        | State::Sold
        | State::Refused
        | State::Waiting
        | State::Armed
        | State::Lapsed
        | State::Passed => None,
    }
}

/// That somebody stands in, or does no more.
fn agreed(
    reading: &Reading,
    leg: &Leg,
    doc: FailoverDoc,
    (id, deal): (DealId, &Deal),
) -> Option<Step> {
    if has_failed_too(reading, id) {
        let (mut doc, news) = passed(doc, "cancelled".to_owned());
        doc.ended = None;
        doc.failed = Some(failed_view(reading, leg, &doc, "cancelled"));
        return Some(noted(doc, news));
    }
    if doc.ended.is_some() {
        return None;
    }
    Some(Step {
        on: On::Replaced(threads(reading, leg, &doc), deal.thread),
        news: news("replaced", Some(deal.partner), None),
        doc: ended(doc, "replaced"),
        verb: None,
    })
}

/// That this is how it ended.
fn ended(doc: FailoverDoc, how: &str) -> FailoverDoc {
    let ended = Some(how.to_owned());
    FailoverDoc { ended, ..doc }
}

/// Where a recipient may be kept: for the leg, and for who stood in for it before.
fn threads(reading: &Reading, leg: &Leg, doc: &FailoverDoc) -> Vec<ThreadId> {
    let asked = doc.asked.iter().rev();
    let asked = asked.filter_map(|asked| Some(deal_of(reading, asked)?.1.thread));
    asked.chain([leg.known().deal.thread]).collect()
}

fn noted(doc: FailoverDoc, news: Option<News>) -> Step {
    Step {
        verb: None,
        doc,
        news,
        on: On::Itself,
    }
}

const fn news(did: &'static str, partner: Option<PartnerId>, code: Option<String>) -> Option<News> {
    Some(News { did, partner, code })
}

/// That the last who was asked does not stand in.
fn passed(mut doc: FailoverDoc, over: String) -> (FailoverDoc, Option<News>) {
    let mut partner = None;
    if let Some(last) = doc.asked.last_mut() {
        last.over = Some(over.clone());
        partner = last.partner.parse().ok();
    }
    (doc, news("passed", partner, Some(over)))
}

fn nobody(doc: FailoverDoc) -> Step {
    noted(ended(doc, "nobody"), news("nobody", None, None))
}

fn failed_now(reading: &Reading, leg: &Leg, mut doc: FailoverDoc, why: &str) -> Step {
    doc.failed = Some(failed_view(reading, leg, &doc, why));
    noted(doc, news("failed", None, Some(why.to_owned())))
}

fn failed_view(reading: &Reading, leg: &Leg, doc: &FailoverDoc, why: &str) -> FailedView {
    let now = reading.now();
    let envelope = Envelope::read(reading, &doc.envelope).ok();
    let until = envelope.map_or(now, |envelope| envelope.until(leg, now));
    FailedView {
        why: why.to_owned(),
        at_ms: now.ms(),
        until_ms: until.ms(),
    }
}

/// Asks a partner for a hold, and for a fair share of the time that is left.
fn ask(
    mut doc: FailoverDoc,
    (partner, sku, terms): (PartnerId, Option<String>, Terms),
    (now, share): (Time, u64),
) -> Step {
    doc.asked.push(AskedDoc {
        partner: partner.to_string(),
        sku,
        deal: String::new(),
        at_ms: now.ms(),
        until_ms: now.plus_ms(share).ms(),
        over: None,
    });
    Step {
        verb: Some(Verb::Request(Requesting {
            partner,
            thread: None,
            proposal: None,
            valid_until: valid_until(now, share),
            terms,
            // The node commits itself, when the hold is here and nobody else was asked since.
            commit: Approval::Asked,
        })),
        doc,
        news: news("asked", Some(partner), None),
        on: On::Asking,
    }
}
