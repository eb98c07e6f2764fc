//! Catch-up: late joiners, heads heard by gossip, and holes.

use std::time::{Duration, Instant};

use omni_protocol::public::PublicBody;

use super::{
    Over,
    market::{Person, TestNode, encode, gather, until},
};
use crate::net::{NetCommand, NetEvent, Topic, gossip::Shard};

fn skus(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("thing-{n}"))
}

#[tokio::test]
async fn a_late_joiner_pulls_a_catalogue_of_thousands() {
    const OFFERS: usize = 5_000;
    for over in Over::BOTH {
        let seller = TestNode::start(1, over).await;
        seller.stock(skus(OFFERS));
        let joiner = TestNode::start(2, over).await;
        let begun = Instant::now();
        joiner.befriend(&[&seller]);
        until("everything is there", || {
            joiner.shelf.count(&seller.id()) == OFFERS
        })
        .await;
        let (took, status) = (begun.elapsed(), joiner.status().await);
        eprintln!(
            "{over:?}: {OFFERS} offers in {took:?}, {} pages",
            status.pages_taken
        );
        assert!(took < Duration::from_secs(10), "{over:?}: {took:?}");
        assert_eq!(
            joiner.shelf.head(seller.id()),
            seller.shelf.head(seller.id())
        );
    }
}

/// Everybody dials everybody at the same instant, so that many get two connections to one peer.
#[tokio::test]
async fn five_partners_that_start_at_once_share_a_catalogue() {
    const OFFERS: usize = 2_400;
    for over in Over::BOTH {
        let mut nodes = vec![];
        for n in 1..=5 {
            nodes.push(TestNode::start(n, over).await);
        }
        for node in &nodes {
            let others: Vec<&TestNode> = nodes.iter().filter(|o| o.id() != node.id()).collect();
            node.befriend(&others);
        }
        let begun = Instant::now();
        loop {
            let mut sessions = 0;
            for node in &nodes {
                sessions += node.status().await.partners.len();
            }
            if sessions == 20 {
                break;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "{sessions} of 20"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let met = begun.elapsed();
        let seller = &nodes[0];
        seller.stock(skus(OFFERS));
        let begun = Instant::now();
        seller.publish(Topic::Offers(Shard::of_category("")), vec![seller.head()]);
        for node in &nodes {
            until("the catalogue is complete", || {
                node.shelf.count(&seller.id()) == OFFERS
            })
            .await;
        }
        let spread = begun.elapsed();
        eprintln!("{over:?}: met in {met:?}, {OFFERS} offers at all in {spread:?}");
        assert!(spread < Duration::from_secs(10), "{over:?}: {spread:?}");
        // Twins are gone by now, and everybody still stands.
        tokio::time::sleep(Duration::from_secs(5)).await;
        for node in &nodes {
            let status = node.status().await;
            assert_eq!(status.partners.len(), 4, "{over:?}");
            assert_eq!(status.mute_peers_met_anew, 0, "{over:?}");
        }
    }
}

/// The seller is known to the middle node only; the third hears the head and asks the middle.
#[tokio::test]
async fn a_head_heard_by_gossip_is_followed() {
    const OFFERS: usize = 2_400;
    let mut seller = TestNode::start(1, Over::Quic).await;
    let middle = TestNode::start(2, Over::Quic).await;
    let mut third = TestNode::start(3, Over::Quic).await;
    seller.befriend(&[&middle]);
    third.befriend(&[&middle]);
    seller.meets(&middle).await;
    third.meets(&middle).await;
    tokio::time::sleep(Duration::from_millis(500)).await;

    seller.stock(skus(OFFERS));
    let begun = Instant::now();
    seller.publish(Topic::Offers(Shard::of_category("")), vec![seller.head()]);
    for node in [&middle, &third] {
        until("the catalogue is complete", || {
            node.shelf.count(&seller.id()) == OFFERS
        })
        .await;
    }
    eprintln!("{OFFERS} offers at both in {:?}", begun.elapsed());
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_hole_is_found_and_the_catalogue_pulled_whole_once() {
    let seller = TestNode::start(1, Over::Tcp).await;
    seller.stock(skus(300));
    let mut buyer = TestNode::start(2, Over::Tcp).await;
    buyer.befriend(&[&seller]);
    until("all is there", || buyer.shelf.count(&seller.id()) == 300).await;
    buyer
        .wait("the first pull", |event| match event {
            NetEvent::PullEnded { .. } => Some(()),
            _ => None,
        })
        .await;

    // The head has to change, or the same catalogue would not be pulled whole a second time.
    buyer.shelf.forget(seller.id(), "thing-7");
    seller.stock(["thing-300".to_owned()]);
    buyer.offer(NetCommand::Heads);
    until("the new one is there", || {
        buyer.shelf.count(&seller.id()) == 300
    })
    .await;
    let whole = loop {
        buyer.offer(NetCommand::Heads);
        let ended = buyer.wait("a pull", |event| match event {
            NetEvent::PullEnded { whole, .. } => Some(whole),
            _ => None,
        });
        if let Some(ids) = ended.await {
            break ids;
        }
    };
    assert_eq!(whole.len(), 301);
    until("the hole is filled", || {
        buyer.shelf.count(&seller.id()) == 301
    })
    .await;
    assert_eq!(
        buyer.shelf.head(seller.id()),
        seller.shelf.head(seller.id())
    );

    let before = buyer.status().await.pages_taken;
    buyer.offer(NetCommand::Heads);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(
        buyer.status().await.pages_taken,
        before,
        "nothing is missing"
    );
}

/// Gossip tells it only to who listens at that moment.
#[tokio::test]
async fn a_profile_that_changed_unheard_is_pulled() {
    let author = TestNode::start(1, Over::Tcp).await;
    let reader = TestNode::start(2, Over::Tcp).await;
    reader.befriend(&[&author]);
    for (name, offers) in [("Before", 0), ("After", 0), ("After the first offer", 1)] {
        author.keep(vec![author.person.profile(name)]);
        author.stock(skus(offers));
        reader.offer(NetCommand::Heads);
        until(name, || {
            reader.shelf.head(author.id()) == author.shelf.head(author.id())
                && reader.shelf.name(&author.id()).as_deref() == Some(name)
        })
        .await;
    }
}

#[tokio::test]
async fn what_a_partner_has_of_others_is_served_too() {
    let seller = TestNode::start(1, Over::Tcp).await;
    seller.stock(skus(100));
    let middle = TestNode::start(2, Over::Tcp).await;
    middle.befriend(&[&seller]);
    until("the middle has it", || {
        middle.shelf.count(&seller.id()) == 100
    })
    .await;
    seller.offer(NetCommand::Shutdown);
    let late = TestNode::start(3, Over::Tcp).await;
    late.befriend(&[&middle]);
    until("the late one has it", || {
        late.shelf.count(&seller.id()) == 100
    })
    .await;
}

/// A neighbour that has only a part of a catalogue, though with the highest revision of all, is
/// given what it lacks; what it does not name is forgotten by nobody, whatever it says of heads.
#[tokio::test]
async fn a_neighbour_with_a_part_takes_nothing_away() {
    let author = Person::new(9);
    let offers: Vec<PublicBody> = skus(100).map(|sku| author.offer(&sku)).collect();
    let signed = author.sign(offers);
    let mut full = TestNode::start(1, Over::Tcp).await;
    let part = TestNode::start(2, Over::Tcp).await;
    for node in [&full, &part] {
        node.shelf.learn(author.chain.clone());
    }
    for (n, (record, proof)) in signed.into_iter().enumerate() {
        if n >= 60 {
            part.shelf.keep(record.clone(), proof.clone());
        }
        full.shelf.keep(record, proof);
    }
    full.befriend(&[&part]);
    full.meets(&part).await;
    until("the part is whole", || {
        part.shelf.count(&author.id()) == 100
    })
    .await;
    full.offer(NetCommand::Heads);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        let status = full.status().await;
        assert_eq!(status.pages_taken, 0, "nothing was to be had there");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(full.shelf.count(&author.id()), 100);
}

/// What is served in full is still no reason to forget anything, unless the author says so itself.
#[tokio::test]
async fn only_the_authors_word_ends_records() {
    for is_author in [false, true] {
        let author = Person::new(2);
        let offers: Vec<PublicBody> = skus(10).map(|sku| author.offer(&sku)).collect();
        let signed = author.sign(offers);
        let mut node = TestNode::start(1, Over::Tcp).await;
        let source = TestNode::start(if is_author { 2 } else { 3 }, Over::Tcp).await;
        for (n, (record, proof)) in signed.into_iter().enumerate() {
            // Of as many as there the node lacks one, and has one that is not there.
            if n != 1 {
                node.shelf.keep(record.clone(), proof.clone());
            }
            if n != 0 {
                source.shelf.keep(record, proof);
            }
        }
        for shelf in [&node.shelf, &source.shelf] {
            shelf.learn(author.chain.clone());
        }
        node.befriend(&[&source]);
        let whole = node.wait("a whole pull", |event| match event {
            NetEvent::PullEnded { whole, .. } => Some(whole),
            _ => None,
        });
        let whole = whole.await.map(|ids| ids.len());
        assert_eq!(whole, is_author.then_some(9), "author {is_author}");
        assert_eq!(node.shelf.count(&author.id()), 10);
    }
}

/// Whoever heard the head before the catalogue serves that head, which is newer than all that it
/// announces, and has none of it: it is asked again.
#[tokio::test]
async fn a_source_that_has_only_the_head_is_asked_again() {
    let author = TestNode::start(9, Over::Tcp).await;
    author.stock(skus(100));
    let head = author.person.sign(vec![author.head()]);
    let source = TestNode::start(1, Over::Tcp).await;
    let mut node = TestNode::start(2, Over::Tcp).await;
    for shelf in [&source.shelf, &node.shelf] {
        shelf.learn(author.person.chain.clone());
    }
    for (record, proof) in &head {
        source.shelf.keep(record.clone(), proof.clone());
    }
    node.befriend(&[&source]);
    node.meets(&source).await;
    let batch = encode(&gather(author.id(), &head));
    let topic = Topic::Offers(Shard::of_category(""));
    source.offer(NetCommand::Publish { topic, batch });
    node.wait("a pull that brings nothing", |event| match event {
        NetEvent::PullEnded { author: of, .. } => (of == author.id()).then_some(()),
        _ => None,
    })
    .await;
    assert_eq!(node.shelf.count(&author.id()), 0);
    source.shelf.copy(&author.shelf, &author.id());
    let begun = Instant::now();
    until("all is there", || node.shelf.count(&author.id()) == 100).await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}

/// At the first comparison neither has anything for the other's whole; then the source fills up by
/// other ways, and nothing tells so.
#[tokio::test]
async fn a_neighbour_that_fills_up_is_compared_with_again_soon() {
    let author = Person::new(9);
    let offers: Vec<PublicBody> = skus(100).map(|sku| author.offer(&sku)).collect();
    let signed = author.sign(offers);
    let node = TestNode::start(1, Over::Tcp).await;
    let mut source = TestNode::start(2, Over::Tcp).await;
    for shelf in [&node.shelf, &source.shelf] {
        shelf.learn(author.chain.clone());
    }
    for (n, (record, proof)) in signed.iter().enumerate() {
        if n >= 40 {
            node.shelf.keep(record.clone(), proof.clone());
        }
        if n >= 50 {
            source.shelf.keep(record.clone(), proof.clone());
        }
    }
    node.befriend(&[&source]);
    source
        .wait("the source's own pull", |event| match event {
            NetEvent::PullEnded { .. } => Some(()),
            _ => None,
        })
        .await;
    for (record, proof) in signed {
        source.shelf.keep(record, proof);
    }
    let begun = Instant::now();
    until("all is there", || node.shelf.count(&author.id()) == 100).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
}
