//! For whom an own withdrawal is, and that nobody keeps an offer from which it was left out.

use omni_protocol::{
    fence::Set,
    hash::{PartnerId, RecordId},
    machine::{
        Input, Key, OwnCatalogue, OwnSlot, Policy, Publication, View, WithdrawnFor, withdrawn_for,
    },
    public::{PublicBody, Withdrawal, WithdrawalReason},
    record::Signed,
    slot::{Family, subject},
    value::{Text, Time},
};
use omni_tests::market::{Node, network, offer};

const DAY_MS: u64 = 86_400_000;

fn partner(number: u8) -> PartnerId {
    PartnerId::from_bytes([number; 32])
}

/// Publishes `A` for these partners; for nobody means for all.
fn publish(node: &mut Node, named: &[u8]) {
    let mut draft = offer("A", 1000);
    draft.valid_until = Time::new(node.now().ms() + 60 * DAY_MS).unwrap();
    draft.audience = Set::new(named.iter().map(|n| partner(*n)).collect::<Vec<_>>()).unwrap();
    node.must(Input::Publish(vec![Publication::Offer(Box::new(draft))]));
}

fn withdraw(node: &mut Node) {
    let subject = subject(&"A".parse().unwrap(), &Text::default());
    let reason = WithdrawalReason::Ended;
    node.must(Input::Publish(vec![Publication::WithdrawOffer(
        subject, reason,
    )]));
}

/// The withdrawals of offers that were made, in their order, each with whom it is for now.
fn withdrawals(node: &Node) -> Vec<(WithdrawalReason, WithdrawnFor)> {
    let mut found: Vec<(Withdrawal, RecordId)> = node
        .store
        .0
        .iter()
        .filter_map(|(key, bytes)| {
            let Key::Record { id } = key else { return None };
            let record = Signed::<PublicBody>::read(&network(), bytes.clone()).ok()?;
            match record.body() {
                PublicBody::Withdrawal(one) if one.family() == Family::Offer => Some((*one, *id)),
                _ => None,
            }
        })
        .collect();
    found.sort_by_key(|(one, _)| one.revision);
    let told = found.iter().map(|(one, id)| {
        let who = withdrawn_for(&node.store, &network(), (*id, one));
        (one.reason, who)
    });
    told.collect()
}

fn named(numbers: &[u8]) -> WithdrawnFor {
    WithdrawnFor::Named(numbers.iter().map(|n| partner(*n)).collect())
}

#[test]
fn a_withdrawal_is_for_whom_the_withdrawn_was() {
    let mut node = Node::started(1, Policy::default());
    publish(&mut node, &[2, 3]);
    withdraw(&mut node);
    assert_eq!(
        withdrawals(&node),
        [(WithdrawalReason::Ended, named(&[2, 3]))]
    );
    let mut node = Node::started(1, Policy::default());
    publish(&mut node, &[]);
    withdraw(&mut node);
    let told = WithdrawnFor::Everybody;
    assert_eq!(withdrawals(&node), [(WithdrawalReason::Ended, told)]);
}

#[test]
fn who_is_left_out_is_told_until_it_is_let_in_again() {
    use WithdrawalReason::{Ended, Replaced};
    let mut node = Node::started(1, Policy::default());
    publish(&mut node, &[2, 3, 4]);
    publish(&mut node, &[2, 3]);
    publish(&mut node, &[2]);
    let left = [(Replaced, named(&[3, 4])), (Replaced, named(&[3]))];
    assert_eq!(withdrawals(&node), left);
    // What it says is changed, and nobody is left out by that.
    withdraw(&mut node);
    publish(&mut node, &[2]);
    let gone = (Ended, WithdrawnFor::Nobody);
    assert_eq!(withdrawals(&node)[2], gone);
    publish(&mut node, &[2, 3]);
    let told = withdrawals(&node);
    assert_eq!(told[0], (Replaced, named(&[4])));
    assert_eq!(told[1], (Replaced, WithdrawnFor::Nobody));
    // Nobody is left out of what is for all.
    publish(&mut node, &[]);
    let told = withdrawals(&node);
    assert!(told.iter().all(|(_, who)| *who == WithdrawnFor::Nobody));
    let rows = |key: Key| node.store.next(&key).is_some();
    let (subject, revision) = (omni_protocol::hash::SubjectId::ONLY, 0);
    assert!(!rows(Key::Left { subject, revision }));
    let end = Time::default();
    assert!(!rows(Key::LeftEnd {
        end,
        subject,
        revision
    }));
}

#[test]
fn what_was_public_is_withdrawn_before_it_is_for_few() {
    let mut node = Node::started(1, Policy::default());
    publish(&mut node, &[]);
    let before = OwnCatalogue::read(&node.store).ids.count();
    publish(&mut node, &[2]);
    let told = withdrawals(&node);
    assert_eq!(told, [(WithdrawalReason::Replaced, WithdrawnFor::Others)]);
    // Neither is counted: what was there before is forgotten by who compares.
    assert_eq!(OwnCatalogue::read(&node.store).ids.count(), before - 1);
    let subject = subject(&"A".parse().unwrap(), &Text::default());
    let slot = OwnSlot::read(&node.store, Family::Offer, subject).unwrap();
    assert!(slot.is_named && !slot.is_withdrawal);
}

#[test]
fn what_is_kept_for_whom_is_left_out_ends() {
    let mut node = Node::started(1, Policy::default());
    publish(&mut node, &[2, 3]);
    publish(&mut node, &[2]);
    assert_eq!(withdrawals(&node)[0].1, named(&[3]));
    node.ms += 91 * DAY_MS;
    publish(&mut node, &[5]);
    assert_eq!(withdrawals(&node)[0].1, WithdrawnFor::Nobody);
}

#[test]
fn as_many_as_one_publication_takes_may_each_leave_somebody_out() {
    let all = |node: &mut Node, named: &[u8]| {
        let offers = (0..256).map(|n| {
            let mut draft = offer(&format!("A{n}"), 1000);
            draft.audience =
                Set::new(named.iter().map(|n| partner(*n)).collect::<Vec<_>>()).unwrap();
            Publication::Offer(Box::new(draft))
        });
        node.must(Input::Publish(offers.collect()));
    };
    let mut node = Node::started(1, Policy::default());
    all(&mut node, &[2, 3]);
    all(&mut node, &[2]);
    let told = withdrawals(&node);
    assert_eq!(told.len(), 256);
    assert!(told.iter().all(|(_, who)| *who == named(&[3])));
}
