//! Slots of a service: which times stand, and how many places of each are held and sold.

use omni_protocol::{
    code::Code,
    deal::{stock::Stock, timetable::Timetable},
    fence::{List, Set},
    hash::{DealId, SubjectId},
    machine::{
        Binding, Grant, Input, Machine, Policy, Proposing, Publication, Short, Standing, Step,
        Strangers, Verb, Verdict,
    },
    thread::{Change, ChangeWhat, Conditions, Role, Terms, Window},
    trade::{Destination, HundredthsOfPercent, Method, Nature, Right, RightState, RightTo},
    value::{Minor, Steps, Text, Time},
};
use omni_tests::market::{
    BEGINNING_MS, HOUR_MS, Store, answers, offer, service, signed, slot, slot_terms, terms,
    timetable,
};

use crate::scene::{Scene, accepting};

const SKU: &str = "MOUNT";

/// A node that mounts at these hours after the beginning, with so many places each time.
fn mounting(policy: Policy, places: u32, hours: &[u64]) -> Scene {
    let mut scene = Scene::new(policy);
    publish(&mut scene, places, hours);
    scene
}

fn publish(scene: &mut Scene, places: u32, hours: &[u64]) -> Step {
    let draft = Publication::Offer(Box::new(service(SKU, 1000, places)));
    scene
        .us
        .must(Input::Publish(vec![draft, timetable(SKU, hours)]))
}

fn subject() -> SubjectId {
    omni_protocol::slot::subject(&SKU.parse().unwrap(), &Text::default())
}

/// Places of the slot at this hour: counted, held, sold, and promised beyond what is there.
fn places(scene: &Scene, hour: u64) -> (u64, u64, u64, u64) {
    let stock = Stock::of_slot(&scene.us.store, subject(), slot(hour).from());
    (stock.counted, stock.held, stock.sold, stock.short())
}

/// What is signed for a request of these terms, in a thread of its own.
fn ask(scene: &mut Scene, terms: Terms) -> Vec<String> {
    (scene.them.thread, scene.them.parent) = (None, None);
    let request = scene.them.request(terms, 60, None);
    scene.opened_by(request.record.id());
    signed(&scene.letter(&[&request]))
}

fn ask_at(scene: &mut Scene, hour: u64) -> Vec<String> {
    ask(scene, slot_terms(SKU, 1000, 1, Some(slot(hour))))
}

fn buy(scene: &mut Scene, terms: Terms) {
    assert_eq!(ask(scene, terms), ["Hold"]);
    let commit = scene.them.commit(scene.deal_id(), scene.own_hold(), 0);
    assert_eq!(signed(&scene.letter(&[&commit])), ["Receipt"]);
}

/// What folding the entries from the beginning gives.
fn folded(scene: &Scene) -> Store {
    let mut store = Store::default();
    let mut machine = Machine::load(scene.us.config(), &store);
    for entry in &scene.us.entries {
        let writes = machine.apply(entry, &store);
        store.write(writes);
    }
    store
}

#[test]
fn a_slot_is_what_the_timetable_says() {
    let window = |from: u64, until: u64| {
        let time = |ms| Time::new(BEGINNING_MS + ms).unwrap();
        Some(Window::new(time(from), time(until)).unwrap())
    };
    let check = |terms: Terms, expected: &str| {
        let mut scene = mounting(Policy::default(), 2, &[2, 3, 5]);
        // Between beginning and end of the first slot.
        scene.wait(2 * HOUR_MS);
        assert_eq!(ask(&mut scene, terms.clone()), [expected], "{terms:?}");
    };
    let in_window = |window| slot_terms(SKU, 1000, 1, window);
    check(in_window(Some(slot(3))), "Hold");
    check(in_window(Some(slot(5))), "Hold");
    check(in_window(None), "Refusal slot-unknown");
    check(in_window(Some(slot(2))), "Refusal slot-unknown");
    check(in_window(Some(slot(4))), "Refusal slot-unknown");
    check(
        in_window(window(3 * HOUR_MS, 5 * HOUR_MS)),
        "Refusal slot-unknown",
    );
    check(
        in_window(window(3 * HOUR_MS + 1, 4 * HOUR_MS)),
        "Refusal slot-unknown",
    );
    // A service is asked for as one; its price and region are judged before.
    let mut conditions = Conditions::plain(Method::Ship, Destination::default());
    conditions.window = Some(slot(3));
    let goods = terms(SKU, 1000, 1);
    let item = goods.lines()[0].item().clone();
    assert_eq!(item.nature, Nature::Product);
    let as_product = Terms::new(vec![item], goods.currency(), conditions.clone()).unwrap();
    check(as_product, "Refusal slot-unknown");
    check(slot_terms(SKU, 999, 1, None), "Refusal price-refused");
    // For goods a window is a wish.
    let item = terms("A", 1000, 1).lines()[0].item().clone();
    let wished = Terms::new(vec![item], goods.currency(), conditions).unwrap();
    check(wished, "Hold");
}

#[test]
fn a_service_without_a_calendar_takes_no_window() {
    let mut scene = mounting(Policy::default(), 1, &[2]);
    let mut draft = service(SKU, 1000, 1);
    draft.service = None;
    scene
        .us
        .must(Input::Publish(vec![Publication::Offer(Box::new(draft))]));
    assert_eq!(
        Timetable::read(&scene.us.store, subject()),
        Timetable::default(),
        "the slots go with the calendar"
    );
    assert_eq!(ask_at(&mut scene, 2), ["Refusal slot-unknown"]);
    assert_eq!(
        ask(&mut scene, slot_terms(SKU, 1000, 1, None)),
        ["Refusal no-stock"]
    );
}

#[test]
fn each_slot_has_its_places() {
    let mut scene = mounting(Policy::default(), 2, &[2, 3]);
    assert_eq!(places(&scene, 2), (2, 0, 0, 0));
    // A place is one, whatever the steps.
    assert_eq!(
        ask(&mut scene, slot_terms(SKU, 1000, 5, Some(slot(2)))),
        ["Hold"]
    );
    let first = scene.deal_id();
    assert_eq!(ask_at(&mut scene, 2), ["Hold"]);
    assert_eq!(ask_at(&mut scene, 2), ["Refusal slot-full"]);
    assert_eq!(ask_at(&mut scene, 3), ["Hold"]);
    assert_eq!(
        (places(&scene, 2), places(&scene, 3)),
        ((2, 2, 0, 0), (2, 1, 0, 0))
    );
    // What is given back is free again, and so is what ended.
    let release = scene.them.release(first);
    assert_eq!(signed(&scene.letter(&[&release])), ["Refusal released"]);
    assert_eq!(places(&scene, 2), (2, 1, 0, 0));
    buy(&mut scene, slot_terms(SKU, 1000, 1, Some(slot(2))));
    assert_eq!(places(&scene, 2), (2, 1, 1, 0));
    assert_eq!(ask_at(&mut scene, 2), ["Refusal slot-full"]);
    scene.wait(16 * 60_000);
    scene.us.put(Input::Pulse);
    assert_eq!(
        (places(&scene, 2), places(&scene, 3)),
        ((2, 0, 1, 0), (2, 0, 0, 0))
    );
    assert_eq!(ask_at(&mut scene, 2), ["Hold"]);
    assert_eq!(scene.us.store.projections(), folded(&scene).projections());
}

#[test]
fn alternatives_hold_a_place_of_each_slot() {
    let mut scene = mounting(accepting(), 1, &[2, 3]);
    let (early, late) = (
        slot_terms(SKU, 1000, 1, Some(slot(2))),
        slot_terms(SKU, 1000, 1, Some(slot(3))),
    );
    let proposal = Verb::Propose(Proposing {
        partner: scene.them.identity.partner,
        thread: None,
        role: Role::Provider,
        binding: Binding::Firm,
        valid_until: scene.us.now().plus_ms(15 * 60_000),
        alternatives: vec![early, late.clone()],
    });
    let step = scene.verb(proposal);
    assert_eq!(signed(&step), ["Proposal"]);
    let Verdict::Made(ids) = step.verdict else {
        panic!("{:?}", step.verdict)
    };
    scene.opened_by(ids[0]);
    let deal = scene.deal_id();
    assert_eq!((places(&scene, 2).1, places(&scene, 3).1), (1, 1));
    let commit = scene.them.commit(deal, ids[0], 1);
    assert_eq!(signed(&scene.letter(&[&commit])), ["Receipt"]);
    assert_eq!(
        (places(&scene, 2), places(&scene, 3)),
        ((1, 0, 0, 0), (1, 0, 1, 0))
    );
    // A firm proposal of the requester is sold at once where it fits, and no second time.
    let mut firm = |terms: Terms| {
        (scene.them.thread, scene.them.parent) = (None, None);
        let proposal = scene.them.firm_of_requester(vec![terms], 60);
        let step = scene.letter(&[&proposal]);
        (signed(&step), answers(&scene.us, &step))
    };
    let early = slot_terms(SKU, 1000, 1, Some(slot(2)));
    assert_eq!(firm(early.clone()).0, ["Receipt"]);
    // Where it does not fit, the operator is asked, as for stock.
    assert_eq!(firm(early).1, ["stored"]);
    assert_eq!(firm(late).1, ["stored"]);
}

#[test]
fn a_cancelled_order_gives_its_place_back() {
    let mut scene = mounting(Policy::default(), 1, &[2]);
    let mut conditions = Conditions::plain(Method::Ship, Destination::default());
    conditions.window = Some(slot(2));
    conditions.rights = List::new([Right {
        state: RightState::Before,
        to: RightTo::Cancel,
        within_hours: 24,
        fee: HundredthsOfPercent::default(),
    }])
    .unwrap();
    let plain = slot_terms(SKU, 1000, 3, None);
    let item = plain.lines()[0].item().clone();
    let agreed = Terms::new(vec![item.clone()], plain.currency(), conditions).unwrap();
    buy(&mut scene, agreed);
    let order = scene.deal_id();
    let mut cancel = |steps: u64, version: u32| {
        let what = ChangeWhat::Cancel;
        let mut conditions = Conditions::plain(Method::Ship, Destination::default());
        conditions.on = Some(Change {
            order,
            version,
            what,
        });
        let mut item = item.clone();
        item.steps = Steps::new(steps).unwrap();
        let terms =
            Terms::cancellation(vec![item], plain.currency(), Minor::ZERO, conditions).unwrap();
        (scene.them.thread, scene.them.parent) = (None, None);
        let proposal = scene.them.firm_of_requester(vec![terms], 60);
        assert_eq!(signed(&scene.letter(&[&proposal])), ["Receipt"]);
        places(&scene, 2)
    };
    assert_eq!(cancel(1, 1), (1, 0, 1, 0), "the rest is still performed");
    assert_eq!(cancel(2, 2), (1, 0, 0, 0));
    assert_eq!(Stock::read(&scene.us.store, subject()), Stock::default());
    assert_eq!(ask_at(&mut scene, 2), ["Hold"]);
}

/// The partner wants its order at another time, and the operator has seen it.
fn move_to(
    scene: &mut Scene,
    (order, agreed): (DealId, &Terms),
    (hour, version): (u64, u32),
) -> Vec<String> {
    let what = ChangeWhat::Amend;
    let conditions = Conditions {
        window: Some(slot(hour)),
        on: Some(Change {
            order,
            version,
            what,
        }),
        ..agreed.conditions().clone()
    };
    let items = vec![agreed.lines()[0].item().clone()];
    let terms = Terms::amendment(items, agreed.currency(), Minor::ZERO, conditions).unwrap();
    (scene.them.thread, scene.them.parent) = (None, None);
    let proposal = scene.them.firm_of_requester(vec![terms], 60);
    scene.opened_by(proposal.record.id());
    let at_once = signed(&scene.letter(&[&proposal]));
    assert!(at_once.is_empty(), "{at_once:?}");
    let (thread, alternative) = (scene.thread(), 0);
    signed(&scene.verb(Verb::Accept {
        thread,
        alternative,
    }))
}

#[test]
fn an_order_is_moved_to_another_slot() {
    let mut scene = mounting(Policy::default(), 1, &[2, 4, 6]);
    let agreed = slot_terms(SKU, 1000, 1, Some(slot(2)));
    buy(&mut scene, agreed.clone());
    let order = scene.deal_id();
    assert_eq!(ask_at(&mut scene, 6), ["Hold"]);
    // Full, and no slot at all: the order stays where it is.
    for (hour, code) in [(6, "slot-full"), (5, "slot-unknown")] {
        let moved = move_to(&mut scene, (order, &agreed), (hour, 1));
        assert_eq!(moved, [format!("Refusal {code}")]);
        assert_eq!(places(&scene, 2), (1, 0, 1, 0));
    }
    assert_eq!(move_to(&mut scene, (order, &agreed), (4, 1)), ["Receipt"]);
    assert_eq!(
        [2, 4, 6].map(|hour| places(&scene, hour)),
        [(1, 0, 0, 0), (1, 0, 1, 0), (1, 1, 0, 0),]
    );
    assert_eq!(ask_at(&mut scene, 2), ["Hold"]);
    assert_eq!(scene.us.store.projections(), folded(&scene).projections());
}

#[test]
fn a_changed_timetable_takes_nothing_back() {
    let mut scene = mounting(Policy::default(), 2, &[2, 3, 4]);
    for hour in [2, 3, 3] {
        buy(&mut scene, slot_terms(SKU, 1000, 1, Some(slot(hour))));
    }
    assert_eq!(ask_at(&mut scene, 4), ["Hold"]);
    // The first stands no more, the second has one place less, a fourth is new.
    let step = publish(&mut scene, 1, &[3, 4, 5]);
    assert_eq!(step.entries().count(), 2, "the offer and its timetable");
    assert_eq!(places(&scene, 2), (0, 0, 1, 1));
    assert_eq!(places(&scene, 3), (1, 0, 2, 1));
    assert_eq!(places(&scene, 4), (1, 1, 0, 0));
    assert_eq!(places(&scene, 5), (1, 0, 0, 0));
    assert_eq!(ask_at(&mut scene, 2), ["Refusal slot-unknown"]);
    assert_eq!(ask_at(&mut scene, 3), ["Refusal slot-full"]);
    // What is promised can be kept.
    assert_eq!(ask_at(&mut scene, 5), ["Hold"]);
    publish(&mut scene, 1, &[3, 4]);
    let commit = scene.them.commit(scene.deal_id(), scene.own_hold(), 0);
    assert_eq!(signed(&scene.letter(&[&commit])), ["Receipt"]);
    assert_eq!(places(&scene, 5), (0, 0, 1, 1));
    // The same again is no entry.
    let same = scene.us.must(Input::Publish(vec![timetable(SKU, &[3, 4])]));
    assert_eq!(same.entries().count(), 0);
    // Of what has begun nothing is kept.
    scene.wait(4 * HOUR_MS);
    scene.us.put(Input::Pulse);
    scene.us.must(Input::Publish(vec![timetable(SKU, &[])]));
    let kept = |scene: &Scene| {
        let keys = scene.us.store.0.keys();
        keys.filter(|key| matches!(key.family(), 34 | 35)).count()
    };
    assert_eq!(kept(&scene), 1, "only the sold place that is still to come");
    assert_eq!(scene.us.store.projections(), folded(&scene).projections());
}

#[test]
fn a_timetable_is_of_a_calendar_and_of_what_comes() {
    let mut scene = mounting(Policy::default(), 1, &[2]);
    let check = |scene: &mut Scene, publication, expected| {
        let step = scene.us.put(Input::Publish(vec![publication]));
        assert_eq!(step.verdict, Verdict::Refused(expected));
        assert_eq!(step.entries().count(), 0);
    };
    check(&mut scene, timetable("A", &[2]), Code::OfferUnknown);
    check(&mut scene, timetable("NONE", &[2]), Code::OfferUnknown);
    check(&mut scene, timetable(SKU, &[3, 2]), Code::Malformed);
    check(&mut scene, timetable(SKU, &[2, 2]), Code::Malformed);
    check(&mut scene, timetable(SKU, &[91 * 24]), Code::ValidityWrong);
    let many: Vec<u64> = (1..=513).collect();
    check(&mut scene, timetable(SKU, &many), Code::Malformed);
    scene
        .us
        .must(Input::Publish(vec![timetable(SKU, &many[..512])]));
    assert_eq!(ask_at(&mut scene, 512), ["Hold"]);
}

#[test]
fn strangers_hold_a_tenth_of_a_slot() {
    for (places, expected) in [(1, 1), (30, 3)] {
        let policy = Policy {
            strangers: Strangers::HoldATenth,
            ..Policy::default()
        };
        let mut scene = Scene::new(policy);
        let mut draft = service(SKU, 0, places);
        draft.price = offer("A", 0).price;
        let draft = Publication::Offer(Box::new(draft));
        scene
            .us
            .must(Input::Publish(vec![draft, timetable(SKU, &[2])]));
        let partner = scene.them.identity.partner;
        let standing = Standing::Stranger;
        scene
            .us
            .must(Input::Grant(Grant::Standing { partner, standing }));
        scene.limit(0);
        let free = || slot_terms(SKU, 0, 1, Some(slot(2)));
        for _ in 0..expected {
            assert_eq!(ask(&mut scene, free()), ["Hold"]);
        }
        assert_eq!(ask(&mut scene, free()), ["Refusal slot-full"]);
    }
}

#[test]
fn what_is_full_may_be_sourced_where_the_policy_asks() {
    let policy = Policy {
        short: Short::Ask,
        ..Policy::default()
    };
    let mut scene = mounting(policy, 1, &[2]);
    assert_eq!(ask_at(&mut scene, 2), ["Hold"]);
    let waits: Vec<String> = Vec::new();
    assert_eq!(ask_at(&mut scene, 2), waits);
    assert_eq!(scene.state(), "asked");
    assert_eq!(ask_at(&mut scene, 7), waits);
    assert_eq!(places(&scene, 2), (1, 1, 0, 0));
}

#[test]
fn a_place_that_was_lost_comes_back_with_its_hold() {
    let mut scene = mounting(Policy::default(), 1, &[2]);
    let terms = slot_terms(SKU, 1000, 1, Some(slot(2)));
    let [commit, shown, request] = scene.lose_a_hold(terms);
    let step = scene.letter_with(&[&commit], &[&shown, &request]);
    assert_eq!(answers(&scene.us, &step), ["lost"]);
    scene.us.must(Input::OpenEpoch);
    scene.greet(&[]);
    let step = scene.letter_with(&[&commit], &[&shown, &request]);
    assert_eq!(signed(&step), ["Receipt"]);
    // The timetable was lost too: the place is promised, and missing, until it is entered again.
    assert_eq!(places(&scene, 2), (0, 0, 1, 1));
    publish(&mut scene, 1, &[2]);
    assert_eq!(places(&scene, 2), (1, 0, 1, 0));
    assert_eq!(ask_at(&mut scene, 2), ["Refusal slot-full"]);
}

#[test]
fn a_service_on_site_is_refused_outside_its_regions() {
    for (region, expected) in [
        (Some("GB-SCT"), "Hold"),
        (Some("GB-ENG"), "Refusal not-served"),
        (Some("GB"), "Refusal not-served"),
        (Some("DE"), "Hold"),
        (Some("DE-BY"), "Hold"),
        (None, "Refusal not-served"),
    ] {
        let mut scene = Scene::new(Policy::default());
        let mut draft = service(SKU, 1000, 1);
        draft.methods = Set::new([Method::OnSite]).unwrap();
        let regions = ["DE", "GB-SCT"].map(|region| region.parse().unwrap());
        draft.regions = Set::new(regions).unwrap();
        let draft = Publication::Offer(Box::new(draft));
        scene
            .us
            .must(Input::Publish(vec![draft, timetable(SKU, &[2])]));
        let plain = slot_terms(SKU, 1000, 1, None);
        let region = Destination(region.map(|region| region.parse().unwrap()));
        let mut conditions = Conditions::plain(Method::OnSite, region.clone());
        conditions.window = Some(slot(2));
        let item = plain.lines()[0].item().clone();
        let terms = Terms::new(vec![item], plain.currency(), conditions).unwrap();
        assert_eq!(ask(&mut scene, terms), [expected], "{region:?}");
    }
}
