//! News: it reaches those who are no neighbours, and only if its author signed it.

use std::time::{Duration, Instant};

use libp2p::{Swarm, futures::StreamExt as _, identity::Keypair};

use super::{
    Over,
    market::{NETWORK, Person, TestNode, encode, gather, until},
};
use crate::net::{
    NetLimits, Topic,
    fabric::{self, Fabric},
    gossip::{Shard, Topics},
};

/// a – b – c: what a publishes reaches c only through b.
async fn line(over: Over) -> [TestNode; 3] {
    let mut a = TestNode::start(1, over).await;
    let b = TestNode::start(2, over).await;
    let mut c = TestNode::start(3, over).await;
    a.befriend(&[&b]);
    c.befriend(&[&b]);
    b.befriend(&[&a, &c]);
    a.meets(&b).await;
    c.meets(&b).await;
    b.offer(crate::net::NetCommand::Heads);
    [a, b, c]
}

fn offers() -> Topic {
    Topic::Offers(Shard::of_category(""))
}

#[tokio::test]
async fn news_reaches_who_knows_neither_author_nor_its_keys() {
    for over in Over::BOTH {
        let [a, b, c] = line(over).await;
        let begun = Instant::now();
        a.publish(offers(), vec![a.person.offer("drill")]);
        a.publish(Topic::Profiles, vec![a.person.profile("Anna")]);
        until("both are at b", || b.shelf.count(&a.id()) == 2).await;
        until("both are at c", || c.shelf.count(&a.id()) == 2).await;
        eprintln!("{over:?}: two hops, keys included, {:?}", begun.elapsed());
        let status = c.status().await;
        assert_eq!(status.gossip_refused, 0, "{over:?}");
        assert_eq!(status.mute_peers_met_anew, 0, "{over:?}");
    }
}

#[tokio::test]
async fn what_is_known_is_not_checked_again() {
    let [a, _b, c] = line(Over::Tcp).await;
    let older = a.person.offer("drill");
    a.publish(offers(), vec![a.person.offer("drill")]);
    until("the offer is at c", || c.shelf.count(&a.id()) == 1).await;
    let before = c.shelf.head(a.id());
    // The older revision of the same thing, honestly signed.
    let batch = a.person.batch(vec![older]);
    let topic = offers();
    a.offer(crate::net::NetCommand::Publish { topic, batch });
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(c.shelf.head(a.id()), before);
    let status = c.status().await;
    assert_eq!((status.gossip_refused, status.gossip_taken), (0, 1));
}

/// A peer that speaks gossip and nothing else, and publishes what it is given.
fn forge(target: &TestNode, messages: Vec<(Topic, Vec<u8>)>) {
    let key = Keypair::ed25519_from_bytes([77; 32]).unwrap();
    let topics = Topics::of(NETWORK);
    let limits = NetLimits::default();
    let mut swarm: Swarm<Fabric> = fabric::swarm(&key, NETWORK, &topics, &limits).unwrap();
    // It takes the direct stream and says nothing on it, or it would be shown the door at once.
    let mut control = swarm.behaviour().streams.new_control();
    let mut streams = control.accept(fabric::DIRECT).unwrap();
    swarm.dial(target.address.clone()).unwrap();
    tokio::spawn(async move {
        let mut held = vec![];
        let mut waiting = messages;
        let mut pulse = tokio::time::interval(Duration::from_millis(50));
        loop {
            tokio::select! {
                _ = swarm.select_next_some() => {}
                stream = streams.next() => held.extend(stream),
                _ = pulse.tick() => {
                    let gossip = &mut swarm.behaviour_mut().gossip;
                    waiting.retain(|(topic, bytes)| {
                        let topic = topics.hash(*topic).unwrap().clone();
                        gossip.publish(topic, bytes.clone()).is_err()
                    });
                }
            }
        }
    });
}

#[tokio::test]
async fn bad_batches_never_reach_the_third() {
    let [_a, b, c] = line(Over::Tcp).await;
    let honest = Person::new(8);
    let good = honest.batch(vec![honest.offer("drill"), honest.offer("saw")]);
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut trailing = good.clone();
    trailing.push(0);
    let mixed = {
        // A record of one author within a batch that names another.
        let signed = honest.sign(vec![honest.offer("hammer")]);
        encode(&gather(Person::new(9).id(), &signed))
    };
    b.shelf.learn(honest.chain.clone());
    c.shelf.learn(honest.chain.clone());
    let bad = vec![
        (offers(), flipped),
        (offers(), trailing),
        (offers(), mixed),
        (offers(), good[..good.len() - 9].to_vec()),
        (offers(), vec![]),
        (offers(), vec![255; 1_000]),
        (Topic::Profiles, vec![0; 65_536]),
    ];
    let count = u64::try_from(bad.len()).unwrap();
    forge(&b, bad);
    let begun = Instant::now();
    // Three of them graylist the forger, so not all need to come to a verdict.
    while b.status().await.gossip_refused < 3 {
        assert!(begun.elapsed() < Duration::from_secs(15), "b refuses");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(b.status().await.gossip_refused <= count);
    let (b_status, c_status) = (b.status().await, c.status().await);
    assert_eq!((b_status.gossip_taken, c_status.gossip_taken), (0, 0));
    assert_eq!(
        (c_status.gossip_refused, c.shelf.count(&honest.id())),
        (0, 0)
    );
}

#[tokio::test]
async fn a_good_batch_passes_whoever_forwards_it() {
    let [_a, b, c] = line(Over::Tcp).await;
    let honest = Person::new(8);
    b.shelf.learn(honest.chain.clone());
    let good = honest.batch(vec![honest.offer("drill"), honest.offer("saw")]);
    forge(&b, vec![(offers(), good)]);
    until("both offers are at c", || c.shelf.count(&honest.id()) == 2).await;
}

#[tokio::test]
async fn a_burst_of_full_messages_arrives_whole() {
    const MESSAGES: usize = 40;
    let [a, _b, c] = line(Over::Quic).await;
    let begun = Instant::now();
    for m in 0..MESSAGES {
        // Close to the largest message that gossip carries.
        let offers_of = (0..150).map(|n| a.person.offer(&format!("thing-{m}-{n}")));
        let bodies: Vec<_> = offers_of.collect();
        a.publish(offers(), bodies);
    }
    until("all is at c", || c.shelf.count(&a.id()) == MESSAGES * 150).await;
    let status = c.status().await;
    eprintln!(
        "{} offers over two hops in {:?}; {} messages by gossip, {} pages",
        MESSAGES * 150,
        begun.elapsed(),
        status.gossip_taken,
        status.pages_taken
    );
}
