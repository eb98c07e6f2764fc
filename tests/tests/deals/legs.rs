//! What names a leg of a bundle is no decision of a deal between two, and without the Manifest that
//! it names it is left without an answer.

use omni_protocol::{
    code::Code,
    hash::ManifestId,
    machine::{Approval, Key, Policy, Requesting, Verb},
    thread::{AtFault, LegName, Refusal, ThreadBody},
};
use omni_tests::market::{answers, signed};

use crate::scene::{MINUTE_MS, Scene, goods};

#[test]
fn a_refusal_of_a_leg_decides_no_deal_between_two() {
    let mut scene = Scene::new(Policy::default());
    let step = scene.verb(Verb::Request(Requesting {
        partner: scene.them.identity.partner,
        thread: None,
        proposal: None,
        valid_until: scene.us.now().plus_ms(20 * MINUTE_MS),
        terms: goods(),
        commit: Approval::Given,
    }));
    assert_eq!(signed(&step), ["Request"]);
    let mut keys = scene.us.store.0.keys();
    let request = keys.find_map(|key| match key {
        Key::Deal { deal } => Some(*deal),
        _ => None,
    });
    let request = request.unwrap();
    scene.opened_by(request.into());
    let code = Code::HoldOver;
    let leg = LegName {
        manifest: ManifestId::from_bytes([7; 32]),
        number: 0,
    };
    let header = scene.them.header();
    let of_leg = scene.them.sign(ThreadBody::Refusal(Refusal {
        header,
        deal: request,
        code,
        fault: AtFault::of(code),
        leg: Some(leg),
    }));
    let step = scene.letter(&[&of_leg]);
    assert_eq!(answers(&scene.us, &step), [""; 0]);
    assert_eq!(scene.state(), "requested");
    let alone = scene.them.refusal(request, code);
    scene.letter(&[&alone]);
    assert_eq!(scene.state(), "aborted");
}
