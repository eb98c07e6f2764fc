//! Amendments of an order (SPEC.md section 13): who decides, what moves, and that the terms before
//! stand until the Receipt.

use omni_protocol::{
    code::Code,
    deal::{
        Side,
        credit::Account,
        order::{Order, amendment_fee},
        stock::Stock,
    },
    hash::DealId,
    machine::{Approval, Binding, Policy, Proposing, Step, Verb, Verdict},
    slot,
    thread::{
        Change, ChangeWhat, EventLine, Happening, HoldTerms, Proposal, Role, Terms, ThreadBody,
        Window,
    },
    value::{Minor, Prose, Steps, Text},
};
use omni_tests::market::{amendment, answers, article, network, signed, withdrawable};

use crate::{
    rules::{requesting, signed_id},
    scene::{MINUTE_MS, Scene},
};

/// Two pieces at 10.00, whose requester may cancel before fulfilment for a tenth.
fn agreed() -> Terms {
    withdrawable("A", 1000, 2, 1_000)
}

/// The node has sold them, of ten.
fn sold() -> (Scene, DealId) {
    let mut scene = Scene::new(Policy::default());
    article(&mut scene.us, "B", 500, 4);
    let request = scene.them.request(agreed(), 60, None);
    scene.opened_by(request.record.id());
    scene.letter(&[&request]);
    let (deal, hold) = (scene.deal_id(), scene.own_hold());
    let commit = scene.them.commit(deal, hold, 0);
    assert_eq!(signed(&scene.letter(&[&commit])), ["Receipt"]);
    (scene, deal)
}

fn on(order: DealId, version: u32) -> Change {
    Change {
        order,
        version,
        what: ChangeWhat::Amend,
    }
}

/// The partner proposes firmly, in a thread of its own, and it is answered.
fn propose(scene: &mut Scene, terms: Terms) -> Step {
    (scene.them.thread, scene.them.parent) = (None, None);
    let proposal = scene.them.firm_of_requester(vec![terms], 60);
    scene.opened_by(proposal.record.id());
    scene.letter(&[&proposal])
}

fn accept(scene: &mut Scene) -> Step {
    let (thread, alternative) = (scene.thread(), 0);
    scene.verb(Verb::Accept {
        thread,
        alternative,
    })
}

fn account(scene: &Scene) -> Account {
    let partner = scene.them.identity.partner;
    Account::read(&scene.us.store, partner, "EUR".parse().unwrap())
}

fn stock(scene: &Scene, sku: &str) -> Stock {
    let subject = slot::subject(&sku.parse().unwrap(), &Text::default());
    Stock::read(&scene.us.store, subject)
}

/// Version, receivable, and what of A and B may be granted.
type Books = (u32, i64, u64, u64);

fn books(scene: &Scene, order: DealId) -> Books {
    let version = Order::read(&scene.us.store, order).unwrap().version;
    let available = |sku| stock(scene, sku).available();
    let receivable = account(scene).receivable.get();
    (version, receivable, available("A"), available("B"))
}

const BEFORE: Books = (1, 2000, 8, 4);

#[test]
fn an_amendment_moves_the_difference_with_its_receipt() {
    type Case<'a> = (&'a [(&'a str, i64, u64)], i64, &'a str, &'a str, Books);
    let cases: [Case<'_>; 10] = [
        // What could be cancelled for the fee of the terms is given up without the operator.
        (&[("A", 1000, 1)], 100, "Receipt", "", (2, 1100, 9, 4)),
        (&[("A", 1000, 1)], 99, "", "Receipt", (2, 1099, 9, 4)),
        // All else is the operator's to grant, and so is the price.
        (&[("A", 1000, 5)], 0, "", "Receipt", (2, 5000, 5, 4)),
        (&[("A", 900, 2)], 0, "", "Receipt", (2, 1800, 8, 4)),
        (&[("A", 900, 1)], 500, "", "Receipt", (2, 1400, 9, 4)),
        (
            &[("A", 1000, 2), ("B", 500, 3)],
            0,
            "",
            "Receipt",
            (2, 3500, 8, 1),
        ),
        (&[("B", 450, 1)], 200, "", "Receipt", (2, 650, 10, 3)),
        // What is taken more is judged as that of a new order.
        (&[("A", 1000, 11)], 0, "", "Refusal no-stock", BEFORE),
        (&[("B", 500, 5)], 0, "", "Refusal no-stock", BEFORE),
        (&[("C", 500, 1)], 0, "", "Refusal offer-unknown", BEFORE),
    ];
    for (lines, fee, at_once, by_operator, expected) in cases {
        let (mut scene, order) = sold();
        let step = propose(&mut scene, amendment(&agreed(), lines, fee, on(order, 1)));
        assert_eq!(signed(&step).join(" "), at_once, "{lines:?}");
        if !by_operator.is_empty() {
            assert_eq!(books(&scene, order), BEFORE, "{lines:?}");
            assert_eq!(signed(&accept(&mut scene)).join(" "), by_operator);
        }
        assert_eq!(books(&scene, order), expected, "{lines:?}");
        let stands = Order::read(&scene.us.store, order).unwrap();
        let in_force = stands.in_force(&scene.us.store, &network()).unwrap();
        assert_eq!(stands.worth, in_force.worth());
        assert_eq!(stands.lines.len(), in_force.lines().len());
    }
}

#[test]
fn amendments_follow_each_other_and_cancellations() {
    let (mut scene, order) = sold();
    let terms = amendment(&agreed(), &[("A", 1000, 5)], 0, on(order, 1));
    propose(&mut scene, terms.clone());
    assert_eq!(signed(&accept(&mut scene)), ["Receipt"]);
    // The order has changed since.
    let step = propose(&mut scene, terms.clone());
    assert_eq!(signed(&step), ["Refusal version-past"]);
    let less = amendment(&terms, &[("A", 1000, 4)], 100, on(order, 2));
    assert_eq!(signed(&propose(&mut scene, less.clone())), ["Receipt"]);
    assert_eq!(books(&scene, order), (3, 4100, 6, 4));
    let cancel = Change {
        what: ChangeWhat::Cancel,
        ..on(order, 3)
    };
    let cancel = omni_tests::market::cancellation(("A", 1000, 3), 300, cancel);
    assert_eq!(signed(&propose(&mut scene, cancel)), ["Receipt"]);
    assert_eq!(books(&scene, order), (4, 1400, 9, 4));
    // One is left, and two more are wanted.
    let more = amendment(&less, &[("A", 1000, 3)], 0, on(order, 4));
    propose(&mut scene, more.clone());
    let other = propose(&mut scene.clone(), more);
    assert_eq!(signed(&other), ["Refusal version-busy"]);
    assert_eq!(signed(&accept(&mut scene)), ["Receipt"]);
    assert_eq!(books(&scene, order), (5, 3400, 7, 4));
}

fn complete(scene: &mut Scene, order: DealId, steps: u64) -> Step {
    let steps = Steps::new(steps).unwrap();
    let verb = Verb::Happen {
        order,
        what: Happening::Completed,
        occurred: scene.us.now(),
        lines: vec![EventLine { line: 0, steps }],
        reference: Text::default(),
        note: Prose::default(),
    };
    scene.verb(verb)
}

fn fulfil(scene: &mut Scene, order: DealId, steps: u64) {
    assert_eq!(signed(&complete(scene, order, steps)), ["Event"]);
}

#[test]
fn what_is_fulfilled_stays() {
    for (fulfilled, lines, expected) in [
        (1, [("A", 1000, 1)], "stored"),
        (1, [("A", 1000, 3)], "stored"),
        (1, [("A", 900, 3)], "stored"),
        (1, [("B", 500, 2)], "Refusal quantity-range"),
        (2, [("A", 1000, 3)], "Refusal quantity-range"),
    ] {
        let (mut scene, order) = sold();
        fulfil(&mut scene, order, fulfilled);
        let step = propose(&mut scene, amendment(&agreed(), &lines, 0, on(order, 1)));
        let mut told = signed(&step);
        told.extend(
            answers(&scene.us, &step)
                .into_iter()
                .filter(|a| a == "stored"),
        );
        assert_eq!(told, [expected], "{fulfilled} {lines:?}");
        if expected == "stored" {
            assert_eq!(signed(&accept(&mut scene)), ["Receipt"]);
            let stands = Order::read(&scene.us.store, order).unwrap();
            assert_eq!(stands.lines[0].fulfilled, fulfilled);
            assert_eq!(stands.lines[0].ordered, lines[0].2);
        }
    }
}

#[test]
fn other_conditions_are_the_operators_to_grant() {
    let (mut scene, order) = sold();
    let window = Window::new(scene.us.now(), scene.us.now().plus_ms(MINUTE_MS)).unwrap();
    let mut conditions = agreed().conditions().clone();
    (conditions.window, conditions.on) = (Some(window), Some(on(order, 1)));
    let items = vec![agreed().lines()[0].item().clone()];
    let currency = agreed().currency();
    let terms = Terms::new(items, currency, conditions).unwrap();
    assert_eq!(signed(&propose(&mut scene, terms.clone())), [""; 0]);
    assert_eq!(signed(&accept(&mut scene)), ["Receipt"]);
    let stands = Order::read(&scene.us.store, order).unwrap();
    assert_eq!(stands.in_force(&scene.us.store, &network()), Some(terms));
    assert_eq!(books(&scene, order), (2, 2000, 8, 4));
}

/// The node proposes to amend its order.
fn own(scene: &mut Scene, role: Role, terms: Terms) -> Step {
    let proposing = Proposing {
        partner: scene.them.identity.partner,
        thread: None,
        role,
        binding: Binding::Firm,
        valid_until: scene.us.now().plus_ms(15 * MINUTE_MS),
        alternatives: vec![terms],
    };
    let step = scene.verb(Verb::Propose(proposing));
    if matches!(step.verdict, Verdict::Made(_)) {
        scene.opened_by(signed_id(&step));
    }
    step
}

#[test]
fn a_providers_amendment_holds_what_it_takes_more() {
    for (lines, held, expected) in [
        (("A", 1000, 5), (3, 3000), (2, 5000, 5, 4)),
        (("A", 1000, 1), (0, 0), (2, 1000, 9, 4)),
        (("A", 2000, 1), (0, 0), (2, 2000, 9, 4)),
    ] {
        let (mut scene, order) = sold();
        let terms = amendment(&agreed(), &[lines], 0, on(order, 1));
        own(&mut scene, Role::Provider, terms.clone());
        let is_held = |scene: &Scene| (stock(scene, "A").held, account(scene).held.get());
        assert_eq!(is_held(&scene), held, "{lines:?}");
        let deal = scene.deal_id();
        let release = scene.them.release(deal);
        assert_eq!(signed(&scene.letter(&[&release])), ["Refusal released"]);
        assert_eq!((is_held(&scene), books(&scene, order)), ((0, 0), BEFORE));

        own(&mut scene, Role::Provider, terms);
        assert_eq!(books(&scene, order).0, 1, "until its Receipt");
        let (deal, hold) = (scene.deal_id(), scene.own_hold());
        let commit = scene.them.commit(deal, hold, 0);
        assert_eq!(signed(&scene.letter(&[&commit])), ["Receipt"]);
        assert_eq!((is_held(&scene), books(&scene, order)), ((0, 0), expected));
    }
    let (mut scene, order) = sold();
    let terms = amendment(&agreed(), &[("A", 1000, 11)], 0, on(order, 1));
    let step = own(&mut scene, Role::Provider, terms);
    assert_eq!(step.verdict, Verdict::Refused(Code::NoStock));
}

/// It is promised until it is decided.
#[test]
fn what_a_held_change_takes_away_is_not_fulfilled() {
    let (mut scene, order) = sold();
    let terms = amendment(&agreed(), &[("A", 1000, 1)], 0, on(order, 1));
    own(&mut scene, Role::Provider, terms);
    let refused = Verdict::Refused(Code::HoldStands);
    assert_eq!(complete(&mut scene, order, 2).verdict, refused);
    fulfil(&mut scene, order, 1);
    let release = scene.them.release(scene.deal_id());
    assert_eq!(signed(&scene.letter(&[&release])), ["Refusal released"]);
    fulfil(&mut scene, order, 1);

    let (mut scene, order) = sold();
    let terms = amendment(&agreed(), &[("B", 500, 2)], 0, on(order, 1));
    own(&mut scene, Role::Provider, terms);
    assert_eq!(complete(&mut scene, order, 1).verdict, refused);
    let (deal, hold) = (scene.deal_id(), scene.own_hold());
    let commit = scene.them.commit(deal, hold, 0);
    assert_eq!(signed(&scene.letter(&[&commit])), ["Receipt"]);
    assert_eq!(books(&scene, order), (2, 1000, 10, 2));
    fulfil(&mut scene, order, 2);
}

/// A Request is no way around the operator.
#[test]
fn a_request_to_change_waits_unless_the_terms_grant_it() {
    for (lines, fee, expected) in [
        (("A", 1000, 1), 100, "Hold"),
        (("A", 1000, 1), 99, "stored"),
        (("A", 1000, 3), 0, "stored"),
    ] {
        let (mut scene, order) = sold();
        (scene.them.thread, scene.them.parent) = (None, None);
        let terms = amendment(&agreed(), &[lines], fee, on(order, 1));
        let request = scene.them.request(terms, 60, None);
        scene.opened_by(request.record.id());
        let step = scene.letter(&[&request]);
        let mut told = signed(&step);
        told.extend(
            answers(&scene.us, &step)
                .into_iter()
                .filter(|a| a == "stored"),
        );
        assert_eq!(told, [expected], "{lines:?}");
        if expected == "stored" {
            assert_eq!(signed(&accept(&mut scene)), ["Hold"]);
        }
    }
}

/// The node has bought them.
fn bought() -> (Scene, DealId) {
    let mut scene = Scene::new(Policy::default());
    let mut asked = requesting(&scene, Approval::Given);
    asked.terms = agreed();
    let step = scene.verb(Verb::Request(asked));
    scene.opened_by(signed_id(&step));
    let deal = scene.deal_id();
    let hold = scene.them.hold(deal, agreed().hash(), 15);
    scene.letter(&[&hold]);
    let receipt = scene.them.receipt(deal, scene.own_commit(), 0);
    assert_eq!(signed(&scene.letter(&[&receipt])), ["Ack"]);
    (scene, deal)
}

#[test]
fn the_requester_is_in_doubt_about_the_difference() {
    for (lines, fee, doubt, payable) in [
        (("A", 1000, 5), 0, 3000, 5000),
        (("A", 1000, 5), 50, 3050, 5050),
        (("A", 1000, 1), 100, 0, 1100),
    ] {
        let (mut scene, order) = bought();
        let terms = amendment(&agreed(), &[lines], fee, on(order, 1));
        own(&mut scene, Role::Requester, terms.clone());
        let owed = |scene: &Scene| (account(scene).doubt.get(), account(scene).payable.get());
        assert_eq!(owed(&scene), (doubt, 2000));
        let deal = scene.deal_id();
        let refusal = scene.them.refusal(deal, Code::Declined);
        scene.letter(&[&refusal]);
        assert_eq!(owed(&scene), (0, 2000), "the terms before stand");
        assert_eq!(Order::read(&scene.us.store, order).unwrap().version, 1);

        own(&mut scene, Role::Requester, terms);
        let deal = scene.deal_id();
        let receipt = scene.them.receipt(deal, deal.into(), 0);
        assert_eq!(signed(&scene.letter(&[&receipt])), ["Ack"]);
        assert_eq!(owed(&scene), (0, payable));
        let stands = Order::read(&scene.us.store, order).unwrap();
        assert_eq!((stands.version, stands.side), (2, Side::Requester));
    }
    let (mut scene, order) = bought();
    scene.limit(4_999);
    let terms = amendment(&agreed(), &[("A", 1000, 5)], 0, on(order, 1));
    let step = own(&mut scene, Role::Requester, terms);
    assert_eq!(step.verdict, Verdict::Refused(Code::OverCredit));
}

#[test]
fn the_requester_takes_an_amendment_or_not() {
    let (mut scene, order) = bought();
    (scene.them.thread, scene.them.parent) = (None, None);
    let terms = amendment(&agreed(), &[("A", 1000, 3)], 0, on(order, 1));
    let header = scene.them.header();
    let until = header.at.plus_ms(15 * MINUTE_MS);
    let hold = HoldTerms::alone(until);
    let alternatives = omni_protocol::fence::List::new([terms]).unwrap();
    let proposal = Proposal::firm_of_provider(header, alternatives, hold);
    let proposal = scene.them.sign(ThreadBody::Proposal(Box::new(proposal)));
    scene.opened_by(proposal.record.id());
    assert_eq!(
        answers(&scene.us, &scene.clone().letter(&[&proposal])),
        ["stored"]
    );
    scene.letter(&[&proposal]);
    assert_eq!(signed(&accept(&mut scene)), ["Commit"]);
    let (deal, commit) = (scene.deal_id(), scene.own_commit());
    let receipt = scene.them.receipt(deal, commit, 0);
    assert_eq!(signed(&scene.letter(&[&receipt])), ["Ack"]);
    assert_eq!(account(&scene).payable.get(), 3000);
    assert_eq!(Order::read(&scene.us.store, order).unwrap().version, 2);
}

#[test]
fn the_fee_is_that_of_cancelling_what_is_given_up() {
    let (mut scene, order) = sold();
    let fee = |scene: &Scene, lines: &[(&str, i64, u64)]| {
        let terms = amendment(&agreed(), lines, 0, on(order, 1));
        let now = scene.us.now();
        amendment_fee(&scene.us.store, &network(), &terms, now).map(Minor::get)
    };
    assert_eq!(fee(&scene, &[("A", 1000, 2)]), Some(0));
    assert_eq!(fee(&scene, &[("A", 1000, 7)]), Some(0));
    assert_eq!(fee(&scene, &[("A", 1000, 1)]), Some(100));
    assert_eq!(fee(&scene, &[("B", 500, 9)]), Some(200));
    fulfil(&mut scene, order, 1);
    assert_eq!(fee(&scene, &[("A", 1000, 2)]), Some(0));
    let none = "the right ends when fulfilment begins";
    assert_eq!(fee(&scene, &[("A", 1000, 1)]), None, "{none}");
}
