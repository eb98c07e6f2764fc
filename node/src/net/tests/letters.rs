//! Direct letters: both ways, in order, bounded.

use std::time::{Duration, Instant};

use super::{
    Over,
    market::{Person, TestNode, gather, number, stored},
};
use crate::net::{NetCommand, NetEvent, Source};
use omni_protocol::{frame::Frame, limits::PENDING_MAX};

async fn meeting(over: Over) -> (TestNode, TestNode) {
    let mut a = TestNode::start(1, over).await;
    let mut b = TestNode::start(2, over).await;
    a.befriend(&[&b]);
    a.meets(&b).await;
    b.meets(&a).await;
    (a, b)
}

#[tokio::test]
async fn letters_go_both_ways_in_order() {
    for over in Over::BOTH {
        let (mut a, mut b) = meeting(over).await;
        for n in 0..50 {
            let (partner, frame) = (b.id(), stored(n));
            a.offer(NetCommand::Send { partner, frame });
            let (partner, frame) = (a.id(), stored(1_000 + n));
            b.offer(NetCommand::Send { partner, frame });
        }
        let (a_id, b_id) = (a.id(), b.id());
        for (node, sender, first) in [(&mut b, a_id, 0), (&mut a, b_id, 1_000)] {
            for expected in first..first + 50 {
                let got = node
                    .wait("a letter", |event| match event {
                        NetEvent::Frame { partner, frame, .. } => {
                            assert_eq!(partner, sender);
                            number(&frame)
                        }
                        _ => None,
                    })
                    .await;
                assert_eq!(got, expected, "{over:?}");
            }
        }
    }
}

#[tokio::test]
async fn records_for_one_partner_are_pushed_and_others_are_not() {
    let (a, mut b) = meeting(Over::Tcp).await;
    let foreign = Person::new(9);
    b.shelf.learn(foreign.chain.clone());
    let push = |who: &Person, body| {
        let signed = who.sign(vec![body]);
        let frame = Frame::Push(Box::new(gather(who.id(), &signed)));
        let partner = b.id();
        a.offer(NetCommand::Send { partner, frame });
    };
    push(&foreign, foreign.offer_for("foreign", &[b.id()]));
    push(&a.person, a.person.offer_for("for others", &[foreign.id()]));
    push(
        &a.person,
        a.person.offer_for("for b", &[b.id(), foreign.id()]),
    );
    let batch = b
        .wait("a push", |event| match event {
            NetEvent::Records {
                batch,
                source: Source::Push { .. },
            } => Some(batch),
            _ => None,
        })
        .await;
    let [(record, _)] = batch.records() else {
        panic!("one record");
    };
    assert_eq!(
        (record.author(), record.body().audience().len()),
        (a.id(), 2)
    );
}

#[tokio::test]
async fn a_letter_to_nobody_is_counted() {
    let a = TestNode::start(1, Over::Tcp).await;
    let b = TestNode::start(2, Over::Tcp).await;
    let (partner, frame) = (b.id(), stored(1));
    a.offer(NetCommand::Send { partner, frame });
    assert_eq!(a.status().await.letters_dropped, 1);
}

/// For each open question of either side one.
#[tokio::test]
async fn the_letters_of_one_sync_all_arrive() {
    let letters = 2 * u64::try_from(PENDING_MAX).unwrap();
    let (a, mut b) = meeting(Over::Tcp).await;
    let partner = b.id();
    for n in 0..letters {
        let frame = stored(n);
        a.offer(NetCommand::Send { partner, frame });
    }
    for expected in 0..letters {
        let got = b
            .wait("a letter", |event| match event {
                NetEvent::Frame { frame, .. } => number(&frame),
                _ => None,
            })
            .await;
        assert_eq!(got, expected);
    }
}

/// Thousands of letters, as fast as they are taken; what has no room is dropped and never reordered.
#[tokio::test]
async fn a_flood_of_letters_stays_in_order() {
    const LETTERS: u64 = 5_000;
    let (a, mut b) = meeting(Over::Quic).await;
    let partner = b.id();
    let begun = Instant::now();
    let net = a.net.clone();
    let sending = tokio::spawn(async move {
        for n in 0..LETTERS {
            while net
                .offer(NetCommand::Send {
                    partner,
                    frame: stored(n),
                })
                .is_err()
            {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            if n % 32 == 31 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
    sending.await.unwrap();
    let dropped = a.status().await.letters_dropped;
    let mut last = None;
    for _ in 0..LETTERS - dropped {
        let got = b
            .wait("a letter", |event| match event {
                NetEvent::Frame { frame, .. } => number(&frame),
                _ => None,
            })
            .await;
        assert!(last < Some(got), "{last:?} then {got}");
        last = Some(got);
    }
    eprintln!(
        "{LETTERS} letters, {dropped} dropped, in {:?}",
        begun.elapsed()
    );
}
