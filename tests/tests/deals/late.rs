//! What comes late, in another order, or not at all, as the simulator found it.

use omni_protocol::{
    code::Code,
    deal::negotiation::Thread,
    frame::{Lives, NoticeWhat},
    hash::{PartnerId, RecordId},
    ledger::note::Checkpoint,
    machine::{Approval, Input, Message, Policy, Requesting, Step, Verb, Verdict},
    thread::Life,
    value::Prose,
};
use omni_tests::market::{answers, greeting, network, signed};

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

/// It tells of less than was taken of that life since, and a life loses nothing.
#[test]
fn a_greeting_that_comes_again_is_no_fall() {
    let mut scene = Scene::new(Policy::default());
    scene.them.sequence = BEYOND;
    let request = scene.them.request(goods(), 15, None);
    assert_eq!(signed(&scene.letter(&[&request])), ["Hold"]);
    let step = scene.greet(&[]);
    assert_eq!(answers(&scene.us, &step), <[String; 0]>::default());
    // In a later life it is one.
    scene.them.life = Life::new(78).unwrap();
    let step = scene.greet(&[]);
    assert!(answers(&scene.us, &step).contains(&"again Hold".into()));
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

/// The one that proposed refused it when its hold was over; whoever lost the proposal is shown both.
#[test]
fn a_refusal_brings_the_proposal_that_was_lost() {
    let mut scene = Scene::new(Policy::default());
    let proposal = scene.them.firm_of_provider(vec![goods()], 15);
    scene.opened_by(proposal.record.id());
    let refusal = scene.them.refusal(scene.deal_id(), Code::HoldOver);
    let step = scene.letter_with(&[&refusal], &[&proposal]);
    assert_eq!(answers(&scene.us, &step), ["stored"]);
    assert_eq!(scene.state(), "aborted");
    // The thread is known, so what follows in it is answered.
    let next = scene.them.request(goods(), 15, None);
    assert_eq!(signed(&scene.letter(&[&next])), ["Hold"]);
}

/// What opened the thread is still on its way: nothing is said there that the partner, had it lost that,
/// would never find a place for.
#[test]
fn nothing_is_said_in_a_thread_that_a_release_made_known() {
    let mut scene = Scene::new(Policy::default());
    let first = scene.them.request(goods(), 15, None);
    scene.opened_by(first.record.id());
    let second = scene.them.request(goods(), 15, None);
    let released = second.record.id().into();
    let release = scene.them.release(released);
    let step = scene.letter_with(&[&release], &[&second]);
    assert_eq!(signed(&step), ["Refusal released"]);
    let partner = scene.them.identity.partner;
    let says = || inquiry(partner, Some(first.record.id()));
    let step = scene.verb(says());
    assert_eq!(step.verdict, Verdict::Refused(Code::ThreadUnknown));
    assert_eq!(signed(&scene.letter(&[&first])), ["Hold"]);
    assert!(matches!(scene.verb(says()).verdict, Verdict::Made(_)));
}

#[test]
fn a_question_is_asked_again_after_the_clock_ran_back() {
    let mut scene = Scene::new(Policy::default());
    scene.verb(requesting(&scene));
    scene.us.ms -= 10 * MINUTE_MS;
    let step = scene.us.put(Input::Pulse);
    assert_eq!(answers(&scene.us, &step), ["again Request"]);
    let step = scene.us.put(Input::Pulse);
    assert_eq!(answers(&scene.us, &step), <[String; 0]>::default());
}

#[test]
fn what_was_sent_between_other_lives_is_void() {
    let mut scene = Scene::new(Policy::default());
    let request = scene.them.request(goods(), 60, None);
    let partner = scene.them.identity.partner;
    let sent = |from, to| Input::Letter {
        from: partner,
        lives: Lives { from, to },
        records: vec![request.clone()],
        attached: vec![],
    };
    let (theirs, ours) = (scene.them.life, scene.us.life());
    let other = Life::new(78).unwrap();
    for void in [sent(other, ours), sent(theirs, other)] {
        let step = scene.us.put(void);
        assert_eq!((step.changes, step.replies), (vec![], vec![]));
    }
    // A life is followed from when the later one is answered, whichever life that one named.
    let unnamed = greeting(partner, scene.us.partner(), other, Life::new(5).unwrap());
    scene.us.put(Input::Greeting(Box::new(unnamed)));
    let step = scene.us.put(sent(theirs, ours));
    assert_eq!((step.changes, step.replies), (vec![], vec![]));
    // So it is over the next connections.
    for _ in 0..2 {
        scene.us.put(Input::Gone(partner));
        scene.us.put(Input::Met(partner));
        let step = scene.us.put(sent(theirs, ours));
        assert_eq!((step.changes, step.replies), (vec![], vec![]));
    }
    // What the author still has it sends again.
    scene.them.life = other;
    scene.greet(&[]);
    assert_eq!(signed(&scene.letter(&[&request])), ["Hold"]);
}

/// A checkpoint of this node's own that it lacks, of this epoch.
fn shown(scene: &Scene, epoch: u32) -> Input {
    Input::Shown(Checkpoint {
        network: network(),
        partner: scene.us.partner(),
        epoch,
        size: 1_000,
        root: [9; 32],
        at: scene.us.now(),
        life: 5,
    })
}

/// The node lost something, and its operator opens the next epoch.
fn open_next_epoch(scene: &mut Scene) {
    let shown = shown(scene, 0);
    scene.us.put(shown);
    assert!(scene.recovers());
    scene.us.must(Input::OpenEpoch);
}

#[test]
fn recovering_a_node_rejects_nothing_and_a_past_epoch_is_given_up() {
    let mut scene = Scene::new(Policy::default());
    let shown = shown(&scene, 0);
    scene.us.put(shown.clone());
    let request = scene.them.request(goods(), 60, None);
    let step = scene.letter(&[&request]);
    assert_eq!((step.changes, step.replies), (vec![], vec![]));
    scene.us.must(Input::OpenEpoch);
    scene.us.put(shown);
    assert!(!scene.recovers(), "it is of an earlier epoch");
    scene.greet(&[]);
    assert_eq!(signed(&scene.letter(&[&request])), ["Hold"]);
}

#[test]
fn a_request_that_is_not_taken_in_the_next_epoch_may_be_given_up() {
    let mut scene = Scene::new(Policy::default());
    let step = scene.verb(requesting(&scene));
    scene.opened_by(made(&step));
    open_next_epoch(&mut scene);
    scene.greet(&[]);
    let cancel = Verb::Cancel {
        deal: scene.deal_id(),
    };
    let step = scene.verb(cancel.clone());
    assert_eq!(step.verdict, Verdict::Refused(Code::Lost));
    scene.notice(NoticeWhat::Rejected, Code::DealOpen);
    assert_eq!(signed(&scene.verb(cancel)), ["Release"]);
}

#[test]
fn a_provider_asks_whether_a_deal_of_an_earlier_epoch_is_known() {
    let mut scene = Scene::new(Policy::default());
    let request = scene.them.request(goods(), 60, None);
    scene.opened_by(request.record.id());
    scene.letter(&[&request]);
    open_next_epoch(&mut scene);
    let step = scene.greet(&[]);
    assert_eq!(answers(&scene.us, &step), ["lost"]);
    scene.wait(60 * MINUTE_MS);
    scene.us.put(Input::Pulse);
    assert_eq!(scene.state(), "closed");
    let step = scene.notice(NoticeWhat::Rejected, Code::DealUnknown);
    assert_eq!(signed(&step), ["Refusal hold-over"]);
}

#[test]
fn who_does_not_know_a_deal_that_may_be_lost_says_so() {
    let mut scene = Scene::new(Policy::default());
    scene.opened_by(RecordId::from_bytes([7; 32]));
    let step = scene.lost();
    assert_eq!(answers(&scene.us, &step), ["reject deal-unknown"]);
}

#[test]
fn a_question_without_an_answer_takes_its_thread_along() {
    let mut scene = Scene::new(Policy::default());
    let partner = scene.them.identity.partner;
    let step = scene.verb(inquiry(partner, None));
    let opening = made(&step);
    scene.stored(opening, 0);
    scene.verb(inquiry(partner, Some(opening)));
    let mut said = Vec::new();
    for pause in [1, 2, 4, 8, 16] {
        scene.wait(pause * 1_000);
        let step = scene.us.put(Input::Pulse);
        said.push(answers(&scene.us, &step).join(", "));
    }
    let alone = "again Inquiry";
    assert_eq!(said[..4], [alone; 4]);
    assert_eq!(said[4], format!("{alone}, {alone}"));
}

/// What a life announced is told the lives after it until one of them said something.
#[test]
fn each_life_of_which_nothing_was_heard_is_told_how_far_it_came() {
    let mut scene = Scene::new(Policy::default());
    let (partner, own) = (scene.them.identity.partner, scene.us.life());
    let told = |scene: &mut Scene, life: u64, size: u64| -> Vec<u64> {
        scene.them.life = Life::new(life).unwrap();
        let mut greeting = greeting(partner, scene.us.partner(), scene.them.life, own);
        greeting.head.size = size;
        let step = scene.us.put(Input::Greeting(Box::new(greeting)));
        let said = step.replies.iter().find_map(|reply| match &reply.message {
            Message::Greeting(said) => Some(said.seen.iter().map(|head| head.size).collect()),
            _ => None,
        });
        said.unwrap_or_default()
    };
    // It fell back before its first life said anything, and once more before the second did.
    assert_eq!(told(&mut scene, 78, 30), [1_000_000]);
    assert_eq!(told(&mut scene, 79, 20), [1_000_000, 30]);
    scene.them.sequence = 17;
    let inquiry = scene.them.inquiry("Well?");
    let step = scene.letter(&[&inquiry]);
    assert_eq!(answers(&scene.us, &step), ["stored"]);
    assert_eq!(told(&mut scene, 80, 40), [20]);
    assert_eq!(told(&mut scene, 81, 25), [40, 20]);
}

/// It announced less when it greeted, and a new life that lost the record announces more than that.
#[test]
fn who_lost_what_it_said_to_have_stored_is_told_and_shown_it() {
    let mut scene = Scene::new(Policy::default());
    let request = scene.them.request(goods(), 60, None);
    scene.opened_by(request.record.id());
    scene.letter(&[&request]);
    let hold = scene.own_hold();
    scene.stored(hold, 1_000_010);
    scene.them.life = Life::new(78).unwrap();
    let (partner, own) = (scene.them.identity.partner, scene.us.life());
    let mut greeting = greeting(partner, scene.us.partner(), scene.them.life, own);
    greeting.head.size += 5;
    let step = scene.us.put(Input::Greeting(Box::new(greeting)));
    let said = step.replies.iter().find_map(|reply| match &reply.message {
        Message::Greeting(said) => Some(said.seen.first()?.size),
        _ => None,
    });
    assert_eq!(said, Some(1_000_010));
    assert!(answers(&scene.us, &step).contains(&"again Hold".to_owned()));
}

/// A life that fell back greets with a longer ledger, is told, opens the next epoch, and a letter of
/// that overtakes the greeting which names it.
#[test]
fn who_opened_an_epoch_is_shown_its_deals_though_a_letter_came_first() {
    let mut scene = Scene::new(Policy::default());
    let request = scene.them.request(goods(), 60, None);
    scene.opened_by(request.record.id());
    scene.letter(&[&request]);
    scene.them.life = Life::new(78).unwrap();
    let greeted = |scene: &mut Scene, epoch: u32, size: u64| {
        let (partner, own) = (scene.them.identity.partner, scene.us.life());
        let mut greeting = greeting(partner, scene.us.partner(), scene.them.life, own);
        (greeting.head.epoch, greeting.head.size) = (epoch, size);
        let step = scene.us.put(Input::Greeting(Box::new(greeting)));
        answers(&scene.us, &step).contains(&"again Hold".to_owned())
    };
    assert!(!greeted(&mut scene, 0, 2_000_000));
    (scene.them.epoch, scene.them.sequence) = (1, 1);
    let inquiry = scene.them.inquiry("Well?");
    let step = scene.letter(&[&inquiry]);
    assert_eq!(answers(&scene.us, &step), ["stored"]);
    assert!(greeted(&mut scene, 1, 1));
}

fn inquiry(partner: PartnerId, thread: Option<RecordId>) -> Verb {
    Verb::Inquire {
        partner,
        thread: thread.map(Into::into),
        text: Prose::new("Well?").unwrap(),
    }
}

fn requesting(scene: &Scene) -> Verb {
    Verb::Request(Requesting {
        partner: scene.them.identity.partner,
        thread: None,
        proposal: None,
        valid_until: scene.us.now().plus_ms(60 * MINUTE_MS),
        terms: goods(),
        commit: Approval::Given,
    })
}

fn made(step: &Step) -> RecordId {
    let Verdict::Made(ids) = &step.verdict else {
        panic!("{:?}", step.verdict);
    };
    ids[0]
}
