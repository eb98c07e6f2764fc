//! What comes late, in another order, or not at all, as the simulator found it.

use omni_protocol::{
    deal::negotiation::Thread,
    machine::{Approval, Input, Policy, Requesting, Verb},
    thread::Life,
};
use omni_tests::market::{answers, signed};

use crate::scene::{MINUTE_MS, Scene, goods};

/// A place in a ledger beyond the head that the scene's partner announces.
const BEYOND: u64 = 2_000_000;

#[test]
fn a_letter_may_come_before_the_greeting_of_its_life() {
    let mut scene = Scene::new(Policy::default());
    scene.them.life = Life::new(78).unwrap();
    scene.them.sequence = BEYOND;
    let request = scene.them.request(goods(), 15, None);
    let early = scene.letter(&[&request]);
    assert_eq!(early.changes, []);
    assert_eq!(early.replies, []);
    scene.greet(&[]);
    assert_eq!(signed(&scene.letter(&[&request])), ["Hold"]);
}

#[test]
fn a_greeting_of_a_life_that_another_has_followed_counts_for_nothing() {
    let mut scene = Scene::new(Policy::default());
    let (first, second) = (scene.them.life, Life::new(78).unwrap());
    scene.them.life = second;
    scene.greet(&[]);
    scene.them.life = first;
    scene.greet(&[]);
    // What the later life signs is no more void than before.
    scene.them.life = second;
    scene.them.sequence = BEYOND;
    let request = scene.them.request(goods(), 15, None);
    assert_eq!(signed(&scene.letter(&[&request])), ["Hold"]);
}

#[test]
fn a_release_brings_the_request_that_it_overtook() {
    let mut scene = Scene::new(Policy::default());
    let request = scene.them.request(goods(), 15, None);
    scene.opened_by(request.record.id());
    let release = scene.them.release(scene.deal_id());
    let step = scene.letter_with(&[&release], &[&request]);
    assert_eq!(signed(&step), ["Refusal released"]);
    assert_eq!(scene.state(), "refused");
    // The thread is known, so what follows in it is answered.
    assert!(Thread::read(&scene.us.store, scene.thread()).is_some());
    let next = scene.them.request(goods(), 15, None);
    assert_eq!(signed(&scene.letter(&[&next])), ["Hold"]);
    // The Request itself may still come.
    let step = scene.letter(&[&request]);
    assert_eq!(answers(&scene.us, &step), ["again Refusal"]);
}

#[test]
fn a_question_is_asked_again_after_the_clock_ran_back() {
    let mut scene = Scene::new(Policy::default());
    scene.verb(Verb::Request(Requesting {
        partner: scene.them.identity.partner,
        thread: None,
        proposal: None,
        valid_until: scene.us.now().plus_ms(20 * MINUTE_MS),
        terms: goods(),
        commit: Approval::Given,
    }));
    scene.us.ms -= 10 * MINUTE_MS;
    let step = scene.us.put(Input::Pulse);
    assert_eq!(answers(&scene.us, &step), ["again Request"]);
    let step = scene.us.put(Input::Pulse);
    assert_eq!(answers(&scene.us, &step), <[String; 0]>::default());
}
