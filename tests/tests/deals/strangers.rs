//! What those may do whom the operator does not trust: strangers talk within a budget, onlookers
//! don't talk.

use omni_protocol::{
    code::Code,
    machine::{Grant, Input, Policy, Standing, Step, Verb, Verdict},
    thread::Life,
    value::Prose,
};
use omni_tests::market::{BEGINNING_MS, Identity, Peer, answers, greeting, signed};

use crate::scene::{MINUTE_MS, Scene, goods};

const HOUR_MS: u64 = 60 * MINUTE_MS;

/// What a stranger, or all of them, may leave here at once (SPEC.md section 17).
const OF_ONE: usize = 32;
const OF_ALL: usize = 1_024;

fn with_standing(standing: Standing) -> Scene {
    let mut scene = Scene::new(Policy::default());
    stand(&mut scene, standing);
    scene
}

fn stand(scene: &mut Scene, standing: Standing) {
    let partner = scene.them.identity.partner;
    let grant = Grant::Standing { partner, standing };
    scene.us.must(Input::Grant(grant));
}

/// A first question in a thread of its own.
fn ask(scene: &mut Scene) -> Step {
    scene.them.thread = None;
    scene.them.parent = None;
    let inquiry = scene.them.inquiry("Do you have it in blue?");
    scene.letter(&[&inquiry])
}

fn is_unanswered(step: &Step) -> bool {
    step.changes.is_empty() && step.replies.is_empty() && step.sends.is_empty()
}

/// How many questions are taken before one is left without an answer.
fn asked(scene: &mut Scene, most: usize) -> usize {
    for count in 0..most {
        let step = ask(scene);
        if is_unanswered(&step) {
            return count;
        }
        assert_eq!(answers(&scene.us, &step), ["stored"]);
    }
    most
}

#[test]
fn a_stranger_talks_within_a_budget_that_fills_again() {
    let mut scene = with_standing(Standing::Stranger);
    assert_eq!(asked(&mut scene, 1_000), OF_ONE);
    // Nothing more of it is kept, a Request or firm proposal neither.
    let request = scene.them.request(goods(), 60, None);
    assert!(is_unanswered(&scene.letter(&[&request])));
    let proposal = scene.them.firm_of_requester(vec![goods()], 60);
    assert!(is_unanswered(&scene.letter(&[&proposal])));
    scene.wait(HOUR_MS - 1);
    assert_eq!(asked(&mut scene, 1_000), 0);
    scene.wait(1);
    assert_eq!(asked(&mut scene, 1_000), 1);
    scene.wait(3 * HOUR_MS);
    assert_eq!(asked(&mut scene, 1_000), 3);
    scene.wait(1_000 * HOUR_MS);
    assert_eq!(asked(&mut scene, 1_000), OF_ONE);
    // Who is trusted talks on at once.
    stand(&mut scene, Standing::Partner);
    assert_eq!(asked(&mut scene, 100), 100);
}

#[test]
fn what_is_known_is_answered_whatever_is_left() {
    let mut scene = with_standing(Standing::Stranger);
    scene.them.thread = None;
    let first = scene.them.inquiry("Do you have it in blue?");
    scene.letter(&[&first]);
    assert_eq!(asked(&mut scene, 1_000), OF_ONE - 1);
    let step = scene.letter(&[&first]);
    assert_eq!(answers(&scene.us, &step), ["stored"]);
}

#[test]
fn a_deal_of_a_partner_goes_on_when_it_is_a_stranger_again() {
    let mut scene = Scene::new(Policy::default());
    let request = scene.them.request(goods(), 60, None);
    scene.opened_by(request.record.id());
    assert_eq!(signed(&scene.letter(&[&request])), ["Hold"]);
    let deal = scene.deal_id();
    let (thread, parent) = (scene.them.thread, scene.them.parent);
    stand(&mut scene, Standing::Stranger);
    assert_eq!(asked(&mut scene, 1_000), OF_ONE);
    // A Release of what never came would be kept: that is not taken any more.
    (scene.them.thread, scene.them.parent) = (thread, parent);
    let other = omni_protocol::hash::DealId::from_bytes([9; 32]);
    let release = scene.them.release(other);
    assert!(is_unanswered(&scene.letter(&[&release])));
    let release = scene.them.release(deal);
    assert_eq!(signed(&scene.letter(&[&release])), ["Refusal released"]);
}

#[test]
fn all_strangers_together_have_one_budget() {
    let mut scene = with_standing(Standing::Stranger);
    let mut taken = 0;
    for number in 0..40_u8 {
        scene.them = Peer {
            identity: Identity::new(20 + number),
            to: scene.us.partner(),
            life: Life::new(1_000 + u64::from(number)).unwrap(),
            epoch: 0,
            sequence: 0,
            ms: BEGINNING_MS,
            thread: None,
            parent: None,
        };
        let partner = scene.them.identity.partner;
        scene.us.put(Input::Met(partner));
        let greeting = greeting(
            partner,
            scene.us.partner(),
            scene.them.life,
            scene.us.life(),
        );
        scene.us.put(Input::Greeting(Box::new(greeting)));
        taken += asked(&mut scene, 1_000);
    }
    assert_eq!(taken, OF_ALL);
    // One a minute comes back.
    scene.wait(5 * MINUTE_MS);
    assert_eq!(asked(&mut scene, 1_000), 5);
}

#[test]
fn who_may_only_see_is_told_so_and_begins_nothing() {
    let mut scene = with_standing(Standing::Onlooker);
    let step = ask(&mut scene);
    assert_eq!(answers(&scene.us, &step), ["reject not-trusted"]);
    scene.them.thread = None;
    scene.them.parent = None;
    let request = scene.them.request(goods(), 60, None);
    assert_eq!(signed(&scene.letter(&[&request])), ["Refusal not-trusted"]);
    // Nor does this node begin anything with it.
    let partner = scene.them.identity.partner;
    let text = Prose::new("Do you?").unwrap();
    let thread = None;
    let step = scene.verb(Verb::Inquire {
        partner,
        thread,
        text,
    });
    assert!(matches!(step.verdict, Verdict::Made(_)), "one may ask it");
    let requesting = crate::rules::requesting(&scene, omni_protocol::machine::Approval::Given);
    let step = scene.verb(Verb::Request(requesting));
    assert_eq!(step.verdict, Verdict::Refused(Code::NotTrusted));
}

#[test]
fn the_deals_of_an_onlooker_go_on() {
    let mut scene = Scene::new(Policy::default());
    let request = scene.them.request(goods(), 60, None);
    scene.opened_by(request.record.id());
    scene.letter(&[&request]);
    stand(&mut scene, Standing::Onlooker);
    let commit = scene.them.commit(scene.deal_id(), scene.own_hold(), 0);
    assert_eq!(signed(&scene.letter(&[&commit])), ["Receipt"]);
}
