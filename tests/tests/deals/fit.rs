//! The times of a bundle's legs: what must be done first has ended when the next begins.

use omni_protocol::{
    code::Code,
    fence::List,
    hash::{BundleId, DealId},
    machine::{
        Approval, Bundling, DraftLeg, Input, Policy, Requesting, Verb, Verdict, bundle_id,
        legs_before,
    },
    thread::{CoLegs, Hold, HoldTerms, Terms, ThreadBody, Window},
    value::Text,
};
use omni_tests::market::{signed, slot, slot_terms};

use crate::scene::{MINUTE_MS, Scene};

/// A hold that waits for other legs, on a service in this window.
fn held(scene: &mut Scene, window: Option<Window>) -> DealId {
    let terms: Terms = slot_terms("MOUNT", 1000, 1, window);
    let hash = terms.hash();
    let step = scene.verb(Verb::Request(Requesting {
        partner: scene.them.identity.partner,
        thread: None,
        proposal: None,
        valid_until: scene.us.now().plus_ms(60 * MINUTE_MS),
        terms,
        commit: Approval::Asked,
    }));
    let Verdict::Made(ids) = &step.verdict else {
        panic!("{:?}", step.verdict)
    };
    scene.opened_by(ids[0]);
    let until = scene.us.now().plus_ms(15 * MINUTE_MS);
    let hold = Hold {
        header: scene.them.header(),
        deal: scene.deal_id(),
        terms: hash,
        hold: HoldTerms {
            co_legs: CoLegs::Any,
            ..HoldTerms::alone(until)
        },
    };
    let hold = scene.them.sign(ThreadBody::Hold(hold));
    assert_eq!(signed(&scene.letter(&[&hold])), Vec::<String>::new());
    assert_eq!(scene.state(), "held");
    scene.deal_id()
}

fn leg(deal: DealId, after: &[DealId]) -> DraftLeg {
    DraftLeg {
        deal,
        alternative: 0,
        after: List::new(after).unwrap(),
    }
}

fn say(scene: &mut Scene, word: Bundling) -> Verdict {
    scene
        .us
        .put(Input::Verb(Box::new(Verb::Bundle(word))))
        .verdict
}

#[test]
fn what_must_be_done_first_has_ended_when_the_next_begins() {
    let check = |first: Option<Window>, then: Option<Window>, expected: &Verdict| {
        let mut scene = Scene::new(Policy::default());
        let name: Text<64, 1> = "living room".parse().unwrap();
        let bundle: BundleId = bundle_id(&name);
        let legs = [held(&mut scene, first), held(&mut scene, then)];
        let mut must = |word| assert_eq!(say(&mut scene, word), Verdict::Done);
        must(Bundling::New {
            name,
            changes: None,
        });
        for leg in [leg(legs[0], &[]), leg(legs[1], &legs[..1])] {
            must(Bundling::Add { bundle, leg });
        }
        let members = Vec::new();
        let plan = Bundling::Plan { bundle, members };
        let commit = Bundling::Commit {
            bundle,
            members: Vec::new(),
        };
        assert_eq!(&say(&mut scene, plan), expected, "{first:?} {then:?}");
        let committed = say(&mut scene, commit);
        assert_eq!(
            matches!(committed, Verdict::Refused(_)),
            *expected != Verdict::Done
        );
    };
    let refused = Verdict::Refused(Code::ValidityWrong);
    let at = |hour| Some(slot(hour));
    check(at(2), at(3), &Verdict::Done);
    check(at(2), at(5), &Verdict::Done);
    check(at(2), None, &Verdict::Done);
    check(None, at(2), &Verdict::Done);
    check(at(2), at(2), &refused);
    check(at(3), at(2), &refused);
    let (begins, ends) = (slot(2).from(), slot(4).until());
    check(Window::new(begins, ends).ok(), at(4), &refused);
}

#[test]
fn what_comes_before_comes_before_all_that_follows() {
    let [a, b, c] = [1, 2, 3].map(|id| DealId::from_bytes([id; 32]));
    let check = |legs: &[DraftLeg], of: DealId, expected: &[DealId]| {
        assert_eq!(legs_before(legs, of), expected);
    };
    let chain = [leg(a, &[]), leg(b, &[a]), leg(c, &[b])];
    check(&chain, a, &[]);
    check(&chain, b, &[a]);
    check(&chain, c, &[b, a]);
    check(&[leg(a, &[b]), leg(b, &[a])], a, &[b, a]);
}
