//! Policies at work: what partners ask this node for is asked of the approved partners, one after the
//! other, until one holds it; then the core holds it in turn. Each deal has one part at a time, as the
//! core sees to, so a node that is killed at any moment goes on where it stood.

use std::collections::BTreeSet;

use omni_protocol::code::Code;
use omni_protocol::hash::{DealId, PartnerId};
use omni_protocol::machine::{Key, Short, Sourcing, Verb};

use super::all;
use super::judging::Wanted;
use super::rule::Rule;
use crate::api::looking::keep_looking;
use crate::api::sources::is_passing;
use crate::api::{Act, Call, Desk, PolicyAct, Problem, Reading, done};

/// What is to be done about a deal.
enum Next {
    /// It is asked of a partner, by this policy.
    Source(Box<Sourcing>),
    /// No policy can source it, and enough is here.
    Give,
    /// No policy can source it.
    Refuse(Code),
}

/// Sources what policies can, for as long as the node runs. `short`: what becomes of the rest.
pub async fn keep_sourcing(desk: Desk, short: Short) {
    let look = |desk: Desk| async move { look(&desk, short).await };
    keep_looking(desk, "a request was not sourced", look).await;
}

async fn look(desk: &Desk, short: Short) -> Result<(), Problem> {
    let waiting = desk.read(waiting).await?;
    let mut result = Ok(());
    for id in waiting {
        // One that can't be decided keeps no other back.
        result = result.and(decide(desk, id, short).await);
    }
    result
}

/// The deals in which partners wait for this node to say whether it holds, where there is a policy.
fn waiting(reading: &Reading) -> Result<Vec<DealId>, Problem> {
    if all(reading)?.is_empty() {
        return Ok(Vec::new());
    }
    let first = Key::OpenDeal {
        partner: PartnerId::from_bytes([0; 32]),
        deal: DealId::from_bytes([0; 32]),
    };
    let open = reading.after(first).map_while(|(key, _)| {
        let Key::OpenDeal { deal, .. } = key else {
            return None;
        };
        Some(deal)
    });
    let waits = |id: &DealId| Wanted::of(reading, *id).is_some_and(|wanted| !wanted.is_sourced());
    Ok(open.filter(waits).collect())
}

/// Goes from one approved partner to the next until one may be asked.
async fn decide(desk: &Desk, id: DealId, short: Short) -> Result<(), Problem> {
    let mut refused = BTreeSet::new();
    loop {
        let before = refused.clone();
        let read = move |reading: &Reading| next(reading, id, &before, short);
        let Some((policy, place, next)) = desk.read(read).await? else {
            return Ok(());
        };
        let sourced = matches!(next, Next::Source(_));
        match carry_out(desk, (id, &policy), next).await {
            // The core can't sign or take more just now: it is looked at again.
            Err(problem) if is_passing(&problem) => return Ok(()),
            Err(problem) if sourced => {
                let (detail, policy) = (problem.sentence(), policy.as_str());
                tracing::info!(policy, detail, "a partner is not asked");
                refused.insert((policy.to_owned(), place));
            }
            other => return other,
        }
    }
}

/// What is to be done next, by which policy and the how manieth of its partners; nothing where it
/// waits for a part, or for the operator.
fn next(
    reading: &Reading,
    id: DealId,
    refused: &BTreeSet<(String, usize)>,
    short: Short,
) -> Result<Option<(String, usize, Next)>, Problem> {
    let Some(wanted) = Wanted::of(reading, id).filter(|wanted| !wanted.is_sourced()) else {
        return Ok(None);
    };
    let mut works_for_it = None;
    for doc in all(reading)? {
        // One that can't be read any more, as where a zone is gone, works for nothing.
        let Ok(rule) = Rule::read(reading, &doc) else {
            continue;
        };
        if !wanted.is_for(&rule) {
            continue;
        }
        works_for_it.get_or_insert_with(|| rule.name.clone());
        if wanted.why_not(reading, &rule).is_some() {
            continue;
        }
        let tried = wanted.tried(reading, &rule)?.into_iter().enumerate();
        for (place, one) in tried {
            if let Ok(sourcing) = one.outcome
                && !refused.contains(&(rule.name.clone(), place))
            {
                return Ok(Some((rule.name, place, Next::Source(Box::new(sourcing)))));
            }
        }
    }
    // What no policy is for waits for the operator.
    let Some(policy) = works_for_it else {
        return Ok(None);
    };
    let next = match (wanted.is_short(reading), short) {
        (false, _) => Next::Give,
        (true, Short::Ask) => return Ok(None),
        (true, Short::Refuse) if wanted.was_refused() => Next::Refuse(Code::PartRefused),
        (true, Short::Refuse) => Next::Refuse(Code::NoStock),
    };
    Ok(Some((policy, 0, next)))
}

async fn carry_out(desk: &Desk, (id, policy): (DealId, &str), next: Next) -> Result<(), Problem> {
    let read = move |reading: &Reading| Ok(Wanted::of(reading, id));
    let Some(wanted) = desk.read(read).await? else {
        return Ok(());
    };
    let thread = wanted.thread;
    let (verb, did, code) = match next {
        Next::Source(sourcing) => (Verb::Source(*sourcing), "sourced", None),
        Next::Give => {
            let alternative = 0;
            let verb = Verb::Accept {
                thread,
                alternative,
            };
            (verb, "given", None)
        }
        Next::Refuse(code) => (Verb::Refuse { deal: id, code }, "refused", Some(code)),
    };
    let act = Act::Policy(PolicyAct {
        policy: policy.to_owned(),
        thread: thread.to_string(),
        did,
        code,
    });
    let (verb, act) = (Some(Box::new(verb)), Box::new(act));
    let verdict = desk.ask(|reply| Call::ByItself { verb, act, reply });
    done(verdict.await?).map(drop)
}
