//! The rules around the tables: lives, budgets, turns, orders, quarantine, recovery.

use omni_protocol::{
    code::Code,
    deal::{
        Deal, Lateness, State,
        credit::Account,
        order::{Order, Status, cancellation_fee},
        stock::Stock,
    },
    fence::List,
    frame::Head,
    hash::{EntryHash, RecordId},
    machine::{
        Approval, Binding, Count, Event, Grant, GrantTerms, Input, Message, Policy, Proposing,
        Requesting, Standing, Step, Strangers, Verb, Verdict,
    },
    thread::{Change, ChangeWhat, Happening, Life, Reject, Role, ThreadBody},
    value::{Minor, Prose, Text},
};
use omni_tests::market::{
    answers, article, cancellation, greeting, network, signed, terms, withdrawable,
};

use crate::scene::{MINUTE_MS, Scene, accepting, goods};

fn nothing() -> Vec<String> {
    Vec::new()
}

#[test]
fn nothing_is_signed_for_who_has_not_greeted_this_life() {
    let mut scene = Scene::new(Policy::default());
    let request = scene.them.request(goods(), 60, None);
    scene.us.restart(Policy::default());
    assert_eq!(signed(&scene.letter(&[&request])), nothing());
    // A greeting of the life before this one opens nothing and is answered with a fresh one.
    let partner = scene.them.identity.partner;
    let old = greeting(
        partner,
        scene.us.partner(),
        scene.them.life,
        Life::new(5).unwrap(),
    );
    let step = scene.us.put(Input::Greeting(Box::new(old)));
    assert!(matches!(&step.replies[..], [one] if matches!(one.message, Message::Greeting(_))));
    assert_eq!(scene.letter(&[&request]).verdict, Verdict::Away);
    scene.greet(&[]);
    assert_eq!(signed(&scene.letter(&[&request])), ["Hold"]);
}

#[test]
fn who_claims_to_have_seen_more_is_signed_nothing() {
    let mut scene = Scene::new(Policy::default());
    scene.us.restart(Policy::default());
    let partner = scene.them.identity.partner;
    scene.us.put(Input::Met(partner));
    let own = scene.us.life();
    let mut greeting = greeting(partner, scene.us.partner(), scene.them.life, own);
    let head = *scene.us.machine.head();
    // Of an earlier life it is told what stands, and of another what is not there.
    let standing = Head {
        epoch: head.epoch,
        size: head.size,
        last: head.last,
        at: head.at,
    };
    let beyond = Head {
        size: head.size + 1,
        last: EntryHash::from_bytes([3; 32]),
        ..standing
    };
    greeting.seen = List::new([standing, beyond]).unwrap();
    let step = scene.us.put(Input::Greeting(Box::new(greeting)));
    assert!(step.events.contains(&Event::Ahead { partner }));
    assert!(!scene.recovers(), "a claim proves nothing");
    let request = scene.them.request(goods(), 60, None);
    assert_eq!(scene.letter(&[&request]).verdict, Verdict::Away);
}

#[test]
fn what_was_lost_comes_back_from_a_partner() {
    let mut scene = Scene::new(Policy::default());
    let [commit, shown, request] = scene.lose_a_hold(goods());
    article(&mut scene.us, "A", 1000, 10);
    let step = scene.letter_with(&[&commit], &[&shown, &request]);
    assert_eq!(answers(&scene.us, &step), ["lost"]);
    let sku = "A".parse().unwrap();
    let list = Text::default();
    let count = Count {
        sku,
        list,
        steps: 5,
    };
    let step = scene.us.put(Input::Count(count));
    assert_eq!(step.verdict, Verdict::Refused(Code::Recovering));
    scene.us.must(Input::OpenEpoch);
    assert_eq!(scene.us.machine.head().epoch, 1);
    scene.greet(&[]);
    let step = scene.letter_with(&[&commit], &[&shown, &request]);
    assert_eq!(signed(&step), ["Receipt"]);
    assert_eq!(scene.state(), "sold");
}

pub fn signed_id(step: &Step) -> RecordId {
    let Verdict::Made(ids) = &step.verdict else {
        panic!("{:?}", step.verdict);
    };
    *ids.last().unwrap()
}

pub fn requesting(scene: &Scene, commit: Approval) -> Requesting {
    Requesting {
        partner: scene.them.identity.partner,
        thread: None,
        proposal: None,
        valid_until: scene.us.now().plus_ms(60 * MINUTE_MS),
        terms: goods(),
        commit,
    }
}

/// Requests of one piece each until one is refused; says how many were held, and why no more.
fn hold_all(scene: &mut Scene, minor: i64) -> (usize, String) {
    for held in 0..1_000 {
        scene.them.thread = None;
        scene.them.parent = None;
        let request = scene.them.request(terms("A", minor, 1), 60, None);
        let step = scene.letter(&[&request]);
        match &signed(&step)[..] {
            [one] if one == "Hold" => {}
            [refused] => return (held, refused.clone()),
            other => panic!("{other:?}"),
        }
    }
    panic!("no limit");
}

fn count(scene: &mut Scene, steps: u64) -> Step {
    let sku = "A".parse().unwrap();
    let list = Text::default();
    scene.us.must(Input::Count(Count { sku, list, steps }))
}

#[test]
fn grants_have_limits() {
    let mut scene = Scene::new(Policy::default());
    assert_eq!(hold_all(&mut scene, 1000), (10, "Refusal no-stock".into()));

    let mut scene = Scene::new(Policy::default());
    scene.limit(3_500);
    assert_eq!(
        hold_all(&mut scene, 1000),
        (3, "Refusal over-credit".into())
    );

    let mut scene = Scene::new(Policy::default());
    count(&mut scene, 1_000);
    scene.limit(1_000_000);
    assert_eq!(
        hold_all(&mut scene, 1000),
        (256, "Refusal over-holds".into())
    );

    // Its allowance halves with each hold that it lets end, and recovers by one an hour.
    let mut scene = Scene::new(Policy::default());
    count(&mut scene, 1_000);
    scene.limit(1_000_000);
    let request = scene.them.request(terms("A", 1000, 1), 60, None);
    scene.letter(&[&request]);
    scene.wait(16 * MINUTE_MS);
    scene.us.put(Input::Pulse);
    assert_eq!(
        hold_all(&mut scene, 1000),
        (128, "Refusal over-holds".into())
    );
    scene.wait(120 * MINUTE_MS);
    assert_eq!(hold_all(&mut scene, 1000), (2, "Refusal over-holds".into()));
}

#[test]
fn strangers_hold_a_tenth_and_owe_nothing() {
    for (strangers, minor, expected) in [
        (Strangers::HoldNothing, 0, (0, "Refusal not-trusted")),
        (Strangers::HoldATenth, 0, (3, "Refusal no-stock")),
        (Strangers::HoldATenth, 1000, (0, "Refusal over-credit")),
    ] {
        let policy = Policy {
            strangers,
            ..Policy::default()
        };
        let mut scene = Scene::new(policy);
        article(&mut scene.us, "A", minor, 30);
        scene.limit(0);
        let partner = scene.them.identity.partner;
        let standing = Standing::Stranger;
        scene
            .us
            .must(Input::Grant(Grant::Standing { partner, standing }));
        let (held, why) = hold_all(&mut scene, minor);
        assert_eq!((held, why.as_str()), expected, "{strangers:?} at {minor}");
    }
}

#[test]
fn a_count_below_what_is_promised_takes_nothing_back() {
    let mut scene = Scene::new(Policy::default());
    let request = scene.them.request(goods(), 60, None);
    scene.opened_by(request.record.id());
    scene.letter(&[&request]);
    let step = count(&mut scene, 1);
    assert!(matches!(step.events[..], [Event::Counted { short: 1, .. }]));
    let (deal, hold) = (scene.deal_id(), scene.own_hold());
    let commit = scene.them.commit(deal, hold, 0);
    assert_eq!(signed(&scene.letter(&[&commit])), ["Receipt"]);
    assert_eq!(hold_all(&mut scene, 1000).1, "Refusal no-stock");
}

#[test]
fn an_invite_makes_one_stranger_a_partner() {
    let mut scene = Scene::new(Policy::default());
    let token = [5; 16];
    let until = scene.us.now().plus_ms(MINUTE_MS);
    let (one, other) = (
        omni_tests::market::Identity::new(3).partner,
        omni_tests::market::Identity::new(4).partner,
    );
    let show = |scene: &mut Scene, partner| {
        scene
            .us
            .put(Input::Grant(Grant::Invited { partner, token }))
    };
    assert_eq!(
        show(&mut scene, one).verdict,
        Verdict::Refused(Code::NotTrusted)
    );
    scene.us.must(Input::Grant(Grant::Invite { token, until }));
    assert_eq!(show(&mut scene, one).entries().count(), 1);
    assert_eq!(
        show(&mut scene, one).entries().count(),
        0,
        "shown again, it changes nothing"
    );
    assert_eq!(
        show(&mut scene, other).verdict,
        Verdict::Refused(Code::NotTrusted)
    );
    assert_eq!(
        GrantTerms::read(&scene.us.store, one).standing,
        Standing::Partner
    );
    scene.wait(2 * MINUTE_MS);
    assert_eq!(
        show(&mut scene, one).verdict,
        Verdict::Refused(Code::NotTrusted)
    );
}

/// Sells two pieces to the partner, who may cancel before fulfilment for a tenth.
fn sold() -> Scene {
    let mut scene = Scene::new(Policy::default());
    let request = scene
        .them
        .request(withdrawable("A", 1000, 2, 1_000), 60, None);
    scene.opened_by(request.record.id());
    scene.letter(&[&request]);
    let (deal, hold) = (scene.deal_id(), scene.own_hold());
    let commit = scene.them.commit(deal, hold, 0);
    assert_eq!(signed(&scene.letter(&[&commit])), ["Receipt"]);
    scene
}

fn cancel(scene: &mut Scene, (steps, fee, version): (u64, i64, u32)) -> Step {
    let order = scene.deal_id();
    let what = ChangeWhat::Cancel;
    let on = Change {
        order,
        version,
        what,
    };
    let mut them = scene.them.clone();
    (them.thread, them.parent) = (None, None);
    let proposal = them.firm_of_requester(vec![cancellation(("A", 1000, steps), fee, on)], 60);
    scene.them.sequence = them.sequence;
    scene.letter(&[&proposal])
}

#[test]
fn a_cancellation_is_decided_by_the_terms_of_the_order() {
    let mut scene = sold();
    let deal = scene.deal_id();
    let order = |scene: &Scene| Order::read(&scene.us.store, deal).unwrap();
    let receivable = |scene: &Scene| {
        let partner = scene.them.identity.partner;
        Account::read(&scene.us.store, partner, "EUR".parse().unwrap())
            .receivable
            .get()
    };
    assert_eq!((order(&scene).version, receivable(&scene)), (1, 2000));
    // Below the fee that the terms grant, the operator is asked, and the version is busy.
    assert_eq!(signed(&cancel(&mut scene, (1, 99, 1))), nothing());
    assert_eq!(
        signed(&cancel(&mut scene, (1, 100, 1))),
        ["Refusal version-busy"]
    );
    scene.wait(61 * MINUTE_MS);
    scene.us.put(Input::Pulse);
    assert_eq!(
        signed(&cancel(&mut scene, (3, 300, 1))),
        ["Refusal quantity-range"]
    );
    assert_eq!(signed(&cancel(&mut scene, (1, 100, 1))), ["Receipt"]);
    assert_eq!((order(&scene).version, receivable(&scene)), (2, 1100));
    assert_eq!(
        signed(&cancel(&mut scene, (1, 100, 1))),
        ["Refusal version-past"]
    );
    assert_eq!(signed(&cancel(&mut scene, (1, 100, 2))), ["Receipt"]);
    assert_eq!((order(&scene).version, receivable(&scene)), (3, 200));
    assert_eq!(order(&scene).status(), Status::Cancelled);
    let subject = omni_protocol::slot::subject(&"A".parse().unwrap(), &Text::default());
    assert_eq!(Stock::read(&scene.us.store, subject).available(), 10);
}

fn happen(scene: &mut Scene, what: Happening) -> Step {
    let order = scene.deal_id();
    let occurred = scene.us.now();
    scene.verb(Verb::Happen {
        order,
        what,
        occurred,
        lines: Vec::new(),
        reference: Text::default(),
        note: Prose::default(),
    })
}

#[test]
fn the_status_follows_from_the_events() {
    let mut scene = sold();
    let deal = scene.deal_id();
    let status = |scene: &Scene| Order::read(&scene.us.store, deal).unwrap().status();
    assert_eq!(status(&scene), Status::Ordered);
    let free = || {
        let what = ChangeWhat::Cancel;
        let on = Change {
            order: deal,
            version: 1,
            what,
        };
        cancellation(("A", 1000, 1), 0, on)
    };
    let fee = |scene: &Scene| {
        let now = scene.us.now();
        cancellation_fee(&scene.us.store, &network(), deal, &free(), now).map(Minor::get)
    };
    assert_eq!(fee(&scene), Some(100));
    assert_eq!(
        signed(&happen(&mut scene, Happening::HandedOver)),
        ["Event"]
    );
    assert_eq!(status(&scene), Status::InFulfilment);
    assert_eq!(fee(&scene), None, "the right ends when fulfilment begins");
    assert_eq!(signed(&happen(&mut scene, Happening::Completed)), ["Event"]);
    assert_eq!(status(&scene), Status::Completed);
    assert_eq!(
        signed(&cancel(&mut scene, (1, 100, 1))),
        ["Refusal quantity-range"],
        "what is fulfilled can't be cancelled"
    );
}

#[test]
fn a_late_receipt_may_be_cancelled_free() {
    let mut scene = Scene::new(Policy::default());
    let step = scene.verb(Verb::Request(requesting(&scene, Approval::Given)));
    scene.opened_by(signed_id(&step));
    let deal = scene.deal_id();
    let hold = scene.them.hold(deal, goods().hash(), 15);
    scene.letter(&[&hold]);
    scene.them.ms += 16 * MINUTE_MS;
    let receipt = scene.them.receipt(deal, scene.own_commit(), 0);
    scene.letter(&[&receipt]);
    let kept = Deal::read(&scene.us.store, deal).unwrap();
    assert_eq!((kept.state, kept.lateness), (State::Agreed, Lateness::Late));
    let what = ChangeWhat::Cancel;
    let on = Change {
        order: deal,
        version: 1,
        what,
    };
    let lines = cancellation(("A", 1000, 1), 0, on);
    let fee = cancellation_fee(&scene.us.store, &network(), deal, &lines, scene.us.now());
    assert_eq!(fee, Some(Minor::ZERO));
}

fn open_proposal(scene: &Scene, role: Role) -> Verb {
    Verb::Propose(Proposing {
        partner: scene.them.identity.partner,
        thread: scene.them.thread,
        role,
        binding: Binding::Open,
        valid_until: scene.us.now().plus_ms(60 * MINUTE_MS),
        alternatives: vec![goods()],
    })
}

#[test]
fn turns_alternate_and_rounds_end() {
    let mut scene = Scene::new(Policy::default());
    let verb = open_proposal(&scene, Role::Provider);
    let step = scene.verb(verb);
    scene.opened_by(signed_id(&step));
    for round in 2..=8 {
        let verb = open_proposal(&scene, Role::Provider);
        if round % 2 == 1 {
            assert_eq!(signed(&scene.verb(verb)), ["Proposal"], "round {round}");
            continue;
        }
        assert_eq!(
            scene.verb(verb).verdict,
            Verdict::Refused(Code::NotYourTurn),
            "round {round}"
        );
        let until = scene.us.now().plus_ms(60 * MINUTE_MS);
        let header = scene.them.header();
        let alternatives = List::new([goods()]).unwrap();
        let proposal =
            omni_protocol::thread::Proposal::open(header, Role::Requester, until, alternatives);
        let proposal = scene.them.sign(ThreadBody::Proposal(Box::new(proposal)));
        assert_eq!(
            answers(&scene.us, &scene.clone().letter(&[&proposal])),
            ["stored"]
        );
        let step = scene.letter(&[&proposal]);
        assert_eq!(answers(&scene.us, &step), ["stored"], "round {round}");
        // Out of turn, and so rejected.
        let header = scene.them.header();
        let code = Code::Declined;
        let reject = scene.them.sign(ThreadBody::Reject(Reject { header, code }));
        let step = scene.letter(&[&reject]);
        assert_eq!(answers(&scene.us, &step), ["reject not-your-turn"]);
    }
    let verb = open_proposal(&scene, Role::Provider);
    assert_eq!(scene.verb(verb).verdict, Verdict::Refused(Code::RoundsOver));
}

#[test]
fn a_letter_is_taken_whole_or_not_at_all() {
    let mut scene = Scene::new(Policy::default());
    let verb = Verb::Propose(Proposing {
        partner: scene.them.identity.partner,
        thread: None,
        role: Role::Provider,
        binding: Binding::Firm,
        valid_until: scene.us.now().plus_ms(15 * MINUTE_MS),
        alternatives: vec![goods()],
    });
    let step = scene.verb(verb);
    scene.opened_by(signed_id(&step));
    let deal = scene.deal_id();
    let release = scene.them.release(deal);
    for (minutes, expected) in [(1, vec!["reject validity-wrong"]), (60, vec!["stored"])] {
        let until = scene.us.now().plus_ms(minutes * MINUTE_MS);
        let header = scene.them.header();
        let alternatives = List::new([terms("A", 900, 2)]).unwrap();
        let counter =
            omni_protocol::thread::Proposal::open(header, Role::Requester, until, alternatives);
        let counter = scene.them.sign(ThreadBody::Proposal(Box::new(counter)));
        let step = scene.letter(&[&release, &counter]);
        assert_eq!(answers(&scene.us, &step), expected);
        let state = if minutes == 1 { "held" } else { "refused" };
        assert_eq!(scene.state(), state);
    }
}

#[test]
fn a_question_is_asked_again_ever_more_slowly() {
    let mut scene = Scene::new(Policy::default());
    scene.verb(Verb::Request(requesting(&scene, Approval::Asked)));
    let begun = scene.us.ms;
    let mut at = Vec::new();
    for _ in 0..150 {
        scene.us.ms += 1_000;
        let step = scene.us.put(Input::Pulse);
        if answers(&scene.us, &step) == ["again Request"] {
            at.push((scene.us.ms - begun) / 1_000);
        }
    }
    assert_eq!(at, [1, 3, 7, 15, 31, 61, 91, 121]);
}

#[test]
fn a_firm_proposal_within_policy_is_sold_at_once_and_only_once() {
    let mut scene = Scene::new(accepting());
    let proposal = scene.them.firm_of_requester(vec![goods()], 60);
    scene.opened_by(proposal.record.id());
    assert_eq!(signed(&scene.letter(&[&proposal])), ["Receipt"]);
    let before = scene.us.store.projections();
    let step = scene.letter(&[&proposal]);
    assert_eq!(answers(&scene.us, &step), ["again Receipt"]);
    assert_eq!(scene.us.store.projections(), before);
    // Below the list price it waits for the operator, whose word grants the price.
    let mut scene = Scene::new(accepting());
    let proposal = scene.them.firm_of_requester(vec![terms("A", 900, 2)], 60);
    scene.opened_by(proposal.record.id());
    scene.letter(&[&proposal]);
    assert_eq!(scene.state(), "offered");
    let thread = scene.thread();
    let alternative = 0;
    let step = scene.verb(Verb::Accept {
        thread,
        alternative,
    });
    assert_eq!(signed(&step), ["Receipt"]);
}

#[test]
fn what_rests_on_something_unknown_waits_for_it() {
    let mut scene = Scene::new(Policy::default());
    let request = scene.them.request(goods(), 60, None);
    scene.opened_by(request.record.id());
    let header = scene.them.header();
    let text = "Is it blue?".parse().unwrap();
    let question = omni_protocol::thread::Question { header, text };
    let question = scene.them.sign(ThreadBody::Question(question));
    let step = scene.letter(&[&question]);
    assert_eq!(
        (signed(&step), answers(&scene.us, &step)),
        (nothing(), nothing())
    );
    scene.letter(&[&request]);
    let step = scene.letter(&[&question]);
    assert_eq!(answers(&scene.us, &step), ["stored"]);
}
