//! Introductions: who is let in, with which token, and what is refused.

use std::{collections::BTreeSet, time::Duration};

use libp2p::Multiaddr;
use omni_protocol::{code::Code, hash::NetworkName};

use super::{
    Over,
    market::{Person, TestNode, until},
};
use crate::net::{Ended, Invitation, NetCommand, NetEvent, Node, OwnHello};

#[tokio::test]
async fn two_partners_meet_over_each_transport() {
    for over in Over::BOTH {
        let mut a = TestNode::start(1, over).await;
        let mut b = TestNode::start(2, over).await;
        a.befriend(&[&b]);
        let shown = b
            .wait("a session", |event| match event {
                NetEvent::SessionUp {
                    partner,
                    peer,
                    hello,
                    ..
                } => Some((partner, peer, hello)),
                _ => None,
            })
            .await;
        assert_eq!(shown.0, a.id(), "{over:?}");
        assert_eq!(shown.1, a.net.peer(), "{over:?}");
        assert_eq!(shown.2.chain, a.person.chain, "{over:?}");
        assert_eq!(shown.2.token, None, "{over:?}");
        a.meets(&b).await;
        assert_eq!(a.status().await.partners, [b.id()], "{over:?}");
    }
}

#[tokio::test]
async fn partners_that_dial_each_other_at_once_end_with_one_session() {
    let mut a = TestNode::start(1, Over::Tcp).await;
    let mut b = TestNode::start(2, Over::Tcp).await;
    a.befriend(&[&b]);
    b.befriend(&[&a]);
    a.meets(&b).await;
    b.meets(&a).await;
    // Twins are thinned out after some seconds; whatever that breaks is mended by then.
    tokio::time::sleep(Duration::from_secs(6)).await;
    for (near, far) in [(&a, &b), (&b, &a)] {
        let status = near.status().await;
        assert_eq!(status.partners, [far.id()]);
        assert_eq!(status.mute_peers_met_anew, 0);
    }
}

#[tokio::test]
async fn an_invite_shows_its_token_and_is_dialled_until_met() {
    let mut giver = TestNode::start(1, Over::Quic).await;
    let mut guest = TestNode::start(2, Over::Quic).await;
    guest.offer(NetCommand::Accept(Invitation {
        node: giver.node(),
        token: Some([7; 16]),
        good_for: Duration::from_secs(60),
    }));
    let token = giver
        .wait("a guest", |event| match event {
            NetEvent::SessionUp { hello, .. } => Some(hello.token),
            _ => None,
        })
        .await;
    assert_eq!(token, Some([7; 16]));
    guest.meets(&giver).await;
}

/// By its address a node is met without any token; an invite that comes later is shown to it
/// though the session stands, and again at each further meeting.
#[tokio::test]
async fn an_invite_is_shown_to_a_node_that_was_met_without() {
    let mut giver = TestNode::start(1, Over::Tcp).await;
    let mut guest = TestNode::start(2, Over::Tcp).await;
    let shown = async |giver: &mut TestNode| {
        giver
            .wait("a guest", |event| match event {
                NetEvent::SessionUp { hello, .. } => Some(hello.token),
                _ => None,
            })
            .await
    };
    for (token, expected) in [(None, None), (Some([7; 16]), Some([7; 16]))] {
        guest.offer(NetCommand::Accept(Invitation {
            node: giver.node(),
            token,
            good_for: Duration::from_secs(60),
        }));
        assert_eq!(shown(&mut giver).await, expected);
        // A side that has no session yet has none to end.
        let is_up = |event| matches!(event, NetEvent::SessionUp { .. }).then_some(());
        guest.wait("its own session", is_up).await;
    }
    let (partner, code) = (giver.id(), Code::Overloaded);
    guest.offer(NetCommand::Disconnect { partner, code });
    assert_eq!(shown(&mut giver).await, Some([7; 16]));
}

#[tokio::test]
async fn a_blocked_partner_is_refused_and_an_open_session_ends() {
    let mut a = TestNode::start(1, Over::Tcp).await;
    let mut b = TestNode::start(2, Over::Tcp).await;
    a.befriend(&[&b]);
    b.meets(&a).await;
    b.offer(NetCommand::Blocked(BTreeSet::from([a.id()])));
    let why = a
        .wait("the end of the session", |event| match event {
            NetEvent::SessionDown { why, .. } => Some(why),
            _ => None,
        })
        .await;
    assert_eq!(why, Ended::Bye(Code::NotTrusted));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(b.status().await.partners.is_empty());

    b.offer(NetCommand::Blocked(BTreeSet::new()));
    b.meets(&a).await;
}

/// What a stranger with something wrong about it is told.
#[tokio::test]
async fn false_introductions_are_refused() {
    let other = NetworkName::new("other").unwrap();
    let cases = [
        ("another node's delegation", {
            let person = Person::new(2);
            let hello = person.hello_for([9; 32]);
            (person, hello)
        }),
        ("another partner's delegation", {
            let (person, mut hello) = (Person::new(2), Person::new(2).hello());
            hello.delegation = Person::new(3).hello().delegation;
            (person, hello)
        }),
        ("another partner's keys", {
            let (person, mut hello) = (Person::new(2), Person::new(2).hello());
            hello.events = Person::new(3).hello().events;
            (person, hello)
        }),
        ("another network", {
            let person = Person::of_network(2, &other);
            let hello = person.hello();
            (person, hello)
        }),
        ("our own name", {
            let (person, hello) = (Person::new(2), Person::new(1).hello_for([2; 32]));
            (person, hello)
        }),
    ];
    for (name, (person, hello)) in cases {
        let honest = TestNode::start(1, Over::Tcp).await;
        let liar = TestNode::with(person, Over::Tcp, |setup| {
            setup.hello = OwnHello::new(hello);
        })
        .await;
        liar.befriend(&[&honest]);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert!(honest.status().await.partners.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_partner_that_moved_is_found_at_its_new_address() {
    let mut a = TestNode::start(1, Over::Tcp).await;
    let b = TestNode::start(2, Over::Tcp).await;
    let nowhere: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
    let mut known = b.known();
    known.nodes = vec![Node::new(b.net.peer(), [nowhere])];
    a.offer(NetCommand::Partners(vec![known]));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(a.status().await.partners.is_empty());
    a.befriend(&[&b]);
    a.meets(&b).await;
}

#[tokio::test]
async fn shutdown_says_bye_and_ends_the_events() {
    let mut a = TestNode::start(1, Over::Quic).await;
    let mut b = TestNode::start(2, Over::Quic).await;
    a.befriend(&[&b]);
    a.meets(&b).await;
    b.meets(&a).await;
    a.offer(NetCommand::Shutdown);
    let why = b
        .wait("a farewell", |event| match event {
            NetEvent::SessionDown { why, .. } => Some(why),
            _ => None,
        })
        .await;
    assert_eq!(why, Ended::Bye(Code::Overloaded));
    let net = a.net.clone();
    until("the net is gone", || net.offer(NetCommand::Heads).is_err()).await;
}
