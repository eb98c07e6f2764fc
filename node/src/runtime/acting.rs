//! Acting: what is kept and told of what the node does by itself, in the batch that does it. What it
//! does, and why, is the API's matter.

use omni_protocol::hash::{PartnerId, RecordId};

use super::telling::Write;
use crate::api::{Act, FailoverAct, News, PolicyAct};
use crate::store::{failover, policy};
use crate::view::event::WhatView;
use crate::view::policy::PolicyUse;

/// The writes of an act and what it tells, where the core made these records of it.
pub(super) fn of(act: Act, made: &[RecordId], at_ms: u64) -> (Vec<Write>, Option<WhatView>) {
    let last = made.last().copied();
    match act {
        Act::Policy(act) => of_policy(&act, last, at_ms),
        Act::Failover(act) => of_failover(*act, last),
        Act::Keep(writes) => (writes, None),
    }
}

// Structs of texts and numbers always have a JSON form.
fn json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn of_policy(
    act: &PolicyAct,
    made: Option<RecordId>,
    at_ms: u64,
) -> (Vec<Write>, Option<WhatView>) {
    let part = made.filter(|_| act.did == "sourced");
    let mut writes = Vec::new();
    if let Some(part) = part {
        let kept = json(&PolicyUse {
            policy: act.policy.clone(),
            thread: act.thread.clone(),
            part: part.to_string(),
            at_ms,
        });
        let id = part.as_bytes();
        let keys = [policy::use_key(at_ms, id), policy::part_key(id)];
        writes.extend(keys.map(|key| (key, Some(kept.clone()))));
    }
    let what = WhatView::Policy {
        policy: act.policy.clone(),
        did: act.did.to_owned(),
        thread: act.thread.clone(),
        part: part.map(|part| part.to_string()),
        code: act.code.map(|code| code.name().to_owned()),
    };
    (writes, Some(what))
}

fn of_failover(act: FailoverAct, made: Option<RecordId>) -> (Vec<Write>, Option<WhatView>) {
    let FailoverAct { leg, doc, news } = act;
    let leg_id = RecordId::from(leg);
    let mut writes = Vec::new();
    let mut named = None;
    let doc = doc.map(|mut doc| {
        if let Some(asked) = doc.asked.last_mut().filter(|asked| asked.deal.is_empty())
            && let Some(deal) = made
        {
            asked.deal = deal.to_string();
            let kept = leg_id.as_bytes().to_vec();
            writes.push((failover::asked_key(deal.as_bytes()), Some(kept)));
        }
        named = doc.asked.last().map(|asked| asked.deal.clone());
        doc
    });
    let event = doc.as_ref().zip(news).map(|(doc, news)| {
        let News { did, partner, code } = news;
        WhatView::Failover {
            bundle: doc.bundle.clone(),
            leg: doc.leg,
            did: did.to_owned(),
            partner: partner.map(|partner: PartnerId| partner.to_string()),
            deal: named.filter(|_| partner.is_some()),
            code,
        }
    });
    let kept = doc.map(|doc| json(&doc));
    writes.push((failover::key(leg_id.as_bytes()), kept));
    writes.push((failover::done_key(leg_id.as_bytes()), None));
    (writes, event)
}
