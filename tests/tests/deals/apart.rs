//! A deal whose end can't be decided keeps no other back.

use omni_protocol::{
    code::Code,
    deal::{Deal, State},
    fence,
    hash::{DealId, ManifestId},
    machine::{Input, Key, Message, Policy, Step, Verdict},
};
use omni_tests::market::signed;

use crate::scene::{MINUTE_MS, Scene, goods};

/// Two holds and a sale. The first hold names a manifest that is not here, which no machine writes.
fn broken() -> (Scene, [DealId; 3]) {
    let mut scene = Scene::new(Policy::default());
    let deals = [(); 3].map(|()| {
        (scene.them.thread, scene.them.parent) = (None, None);
        let request = scene.them.request(goods(), 60, None);
        scene.opened_by(request.record.id());
        scene.letter(&[&request]);
        scene.deal_id()
    });
    let (deal, hold) = (scene.deal_id(), scene.own_hold());
    let commit = scene.them.commit(deal, hold, 0);
    scene.letter(&[&commit]);
    assert_eq!(scene.state(), "sold");
    let mut deal = Deal::read(&scene.us.store, deals[0]).unwrap();
    deal.manifest = Some(ManifestId::from_bytes([9; 32]));
    let key = Key::Deal { deal: deals[0] };
    scene.us.store.0.insert(key, fence::to_bytes(&deal));
    (scene, deals)
}

fn check(scene: &Scene, step: &Step, deals: [DealId; 3]) {
    assert!(
        matches!(step.verdict, Verdict::Made(_)),
        "{:?}",
        step.verdict
    );
    let why = Verdict::Refused(Code::LegUnknown);
    assert_eq!(step.left_out, [(deals[0], why)]);
    assert_eq!(signed(step), ["Refusal hold-over"]);
    let state = |deal| Deal::read(&scene.us.store, deal).unwrap().state;
    assert_eq!(deals.map(state), [State::Held, State::Refused, State::Sold]);
    let asks = |message: &Message| matches!(message, Message::Letter { .. });
    let asked = step.sends.iter().filter(|sent| asks(&sent.message)).count();
    assert_eq!(
        asked, 2,
        "the Refusal, and the Receipt that waits for its Ack"
    );
}

#[test]
fn a_deal_that_fails_keeps_no_pulse_back() {
    let (mut scene, deals) = broken();
    scene.wait(20 * MINUTE_MS);
    let step = scene.us.put(Input::Pulse);
    check(&scene, &step, deals);
    // It is told each time, and nothing else is left to do.
    let step = scene.us.put(Input::Pulse);
    assert_eq!((step.left_out.len(), step.entries().count()), (1, 0));
}

#[test]
fn a_deal_that_fails_keeps_no_greeting_back() {
    let (mut scene, deals) = broken();
    scene.gone();
    scene.wait(20 * MINUTE_MS);
    let step = scene.greet(&[]);
    check(&scene, &step, deals);
}
