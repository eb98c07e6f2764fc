//! What committing a bundle would do, without doing it: the whole price, until when it can be done,
//! what stands against it, and who would learn of whom.

use omni_protocol::deal::State;
use omni_protocol::machine::{Bundling, Draft, Input, Verb, Verdict, legs_before};
use omni_protocol::thread::CoLegs;
use omni_protocol::value::Time;

use super::telling::{self, Known, window_of};
use super::{in_words, members};
use crate::api::{Desk, Problem, Reading, done, partner};
use crate::view::bundle::{MemberView, PlanView, WaitsView};

const SECOND_MS: u64 = 1_000;

/// The plan of a bundle.
pub(super) async fn plan(desk: &Desk, name: String) -> Result<PlanView, Problem> {
    let of = name.clone();
    let read = move |reading: &Reading| {
        let (bundle, draft) = telling::named(reading, &of)?;
        let legs = telling::legs(reading, &draft);
        let members = members::of(reading, &legs)?;
        let mut views = Vec::new();
        for member in &members {
            views.push(MemberView {
                partner: member.partner.to_string(),
                name: partner::name(reading, member.partner)?,
                addresses: member.addresses.iter().map(ToString::to_string).collect(),
            });
        }
        let plan = PlanView {
            bundle: telling::view(reading, &draft)?,
            against: against(&draft, &legs, reading.now()),
            waits: (1..).zip(&legs).filter_map(waits).collect(),
            members: views,
        };
        Ok((plan, Bundling::Plan { bundle, members }))
    };
    let (mut plan, word) = desk.read(read).await?;
    if plan.against.is_empty() {
        // The core judges it as it would commit it.
        let verdict = desk
            .decide(Input::Verb(Box::new(Verb::Bundle(word))))
            .await?;
        let against = match &verdict {
            Verdict::Away => Some(
                "A partner has not greeted this run of the node yet: ask again when its session is up."
                    .to_owned(),
            ),
            Verdict::Done | Verdict::Made(_) | Verdict::Refused(_) => None,
        };
        let refused = match verdict {
            Verdict::Away => None,
            Verdict::Done | Verdict::Made(_) | Verdict::Refused(_) => done(verdict).err(),
        };
        plan.against.extend(against);
        plan.against
            .extend(refused.map(|problem| in_words(problem, &name).sentence()));
    }
    Ok(plan)
}

/// What stands against committing, leg by leg.
fn against(draft: &Draft, legs: &[Known], now: Time) -> Vec<String> {
    let mut against = Vec::new();
    if draft.legs.len() < 2 {
        against.push("A bundle has two legs at least.".to_owned());
    }
    if legs.len() < draft.legs.len() {
        against.push("A leg is no longer remembered: give the bundle up.".to_owned());
    }
    for (number, leg) in (1_u16..).zip(legs) {
        let state = leg.deal.state;
        let waits_for_none = leg.hold.is_some_and(|hold| hold.co_legs == CoLegs::None);
        let why = if state == State::Requested {
            "its provider has not given a hold yet".to_owned()
        } else if state != State::Kept {
            format!("it is {state}, so take it out and ask for another")
        } else if now > leg.deal.until {
            "its hold has ended, so take it out and ask for another".to_owned()
        } else if waits_for_none {
            "its provider lets its hold wait for no other leg".to_owned()
        } else {
            continue;
        };
        against.push(format!("Leg {number}: {why}."));
    }
    against.extend(overlaps(draft, legs));
    against
}

/// The legs that would begin before what must be done first has ended.
fn overlaps(draft: &Draft, legs: &[Known]) -> Vec<String> {
    let mut found = Vec::new();
    for (number, leg) in (1_u16..).zip(legs) {
        let before = legs_before(&draft.legs, leg.leg.deal);
        let Some(own) = window_of(leg) else { continue };
        for (earlier, other) in (1_u16..).zip(legs) {
            let is_before = before.contains(&other.leg.deal);
            let ends = window_of(other).filter(|other| other.until() > own.from());
            if is_before && ends.is_some() {
                let first = if earlier == number {
                    "it waits for itself".to_owned()
                } else {
                    format!("it begins before leg {earlier} has ended, which must be done first")
                };
                found.push(format!("Leg {number}: {first}."));
            }
        }
    }
    found
}

fn waits((number, leg): (u16, &Known)) -> Option<WaitsView> {
    let hold = leg.hold?;
    Some(WaitsView {
        number,
        co_legs: hold.co_legs.name().to_owned(),
        patience_s: hold.patience_ms / SECOND_MS,
        wishes_last: hold.arm_last,
    })
}
