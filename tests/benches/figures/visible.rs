//! Milliseconds from the publishing of one offer until a partner can find it, against raw gossipsub
//! that carries the same bytes after one synced write of them: nothing leaves a node before it is
//! on its disk.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use libp2p::Swarm;
use libp2p::gossipsub::{
    Behaviour, ConfigBuilder, Event, IdentTopic, MessageAuthenticity, MessageId, ValidationMode,
};
use libp2p::swarm::SwarmEvent;
use omni_protocol::hash::sha256;
use omni_protocol::machine::{Input, Publication, Verdict};
use omni_protocol::slot::{Family, Slot, subject};
use omni_tests::loopback::pair;
use omni_tests::node::{Node, Reach};
use omni_tests::ratio::{Ratio, Wanted, median};
use rocksdb::{DB, WriteOptions};
use tokio::runtime::Runtime;

use crate::catalogue;

const TIMES: usize = 60;
/// Between two offers, so that none is held back by the pace of what goes before.
const PAUSE: Duration = Duration::from_millis(20);
const LOOK: Duration = Duration::from_micros(50);
const SHARE_MOST: f64 = 2.0;

pub(crate) fn measure(runtime: &Runtime) -> Vec<Ratio> {
    let ours = runtime.block_on(by_nodes());
    let floor = runtime.block_on(by_gossip());
    vec![Ratio {
        what: "ms until a published offer is visible ÷ raw gossipsub".to_owned(),
        ours: median(ours),
        floor: median(floor),
        wanted: Wanted::AtMost(SHARE_MOST),
    }]
}

async fn by_nodes() -> Vec<f64> {
    let homes = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let author = Node::start(homes[0].path(), 1, Reach::Loopback);
    let partner = Node::start(homes[1].path(), 2, Reach::Loopback);
    partner.befriend(&author).await;
    let mut took = Vec::new();
    for draft in catalogue::drafts(TIMES) {
        tokio::time::sleep(PAUSE).await;
        let market = partner.market.clone();
        let slot = Slot {
            author: author.partner,
            family: Family::Offer,
            subject: subject(&draft.sku, &draft.list),
        };
        let begun = Instant::now();
        let offer = Publication::Offer(Box::new(draft));
        let verdict = author.decide(Input::Publish(vec![offer])).await;
        let Verdict::Made(made) = verdict else {
            panic!("{verdict:?}");
        };
        // What stands is found from the same moment on, and to look at one slot holds nobody up.
        let stands = move || {
            let standing = market.standing(&slot).expect("readable");
            standing.is_some_and(|(_, id)| id == made[0])
        };
        let seen = move || {
            while !stands() {
                std::thread::sleep(LOOK);
            }
        };
        tokio::task::spawn_blocking(seen).await.expect("seen");
        took.push(milliseconds(begun));
    }
    author.end().await;
    partner.end().await;
    took
}

/// The same bytes over gossipsub alone, whose author's signature is inside as ours is.
async fn by_gossip() -> Vec<f64> {
    let folder = tempfile::tempdir().expect("a folder");
    let store = DB::open_default(folder.path()).expect("opened");
    let topic = IdentTopic::new("offers");
    let [mut hearing, mut telling] = pair(behaviour).await;
    for swarm in [&mut hearing, &mut telling] {
        let subscribed = swarm.behaviour_mut().subscribe(&topic);
        assert!(subscribed.expect("allowed"), "for the first time");
    }
    // Each hears that the other listens.
    let (heard, told) = tokio::join!(
        until_subscribed(&mut hearing),
        until_subscribed(&mut telling)
    );
    assert_eq!((heard, told), ((), ()));
    let (came_in, mut came) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            if let SwarmEvent::Behaviour(Event::Message { .. }) = hearing.select_next_some().await {
                came_in.send(()).await.expect("wanted");
            }
        }
    });
    let mut took = Vec::new();
    for record in catalogue::records(TIMES) {
        run_for(&mut telling, PAUSE).await;
        let begun = Instant::now();
        keep(&store, record.bytes());
        let bytes = [record.bytes(), &[0; 64]].concat();
        let published = telling.behaviour_mut().publish(topic.clone(), bytes);
        published.expect("somebody listens");
        loop {
            tokio::select! {
                _ = telling.select_next_some() => {}
                Some(()) = came.recv() => break,
            }
        }
        took.push(milliseconds(begun));
    }
    took
}

fn behaviour() -> Behaviour {
    let config = ConfigBuilder::default()
        .validation_mode(ValidationMode::Anonymous)
        .message_id_fn(|message| MessageId::from(sha256(&[&message.data])))
        .build()
        .expect("valid");
    Behaviour::new(MessageAuthenticity::Anonymous, config).expect("valid")
}

async fn until_subscribed(swarm: &mut Swarm<Behaviour>) {
    loop {
        if let SwarmEvent::Behaviour(Event::Subscribed { .. }) = swarm.select_next_some().await {
            return;
        }
    }
}

async fn run_for(swarm: &mut Swarm<Behaviour>, pause: Duration) {
    let run = async {
        loop {
            swarm.select_next_some().await;
        }
    };
    let ended: Result<(), _> = tokio::time::timeout(pause, run).await;
    assert!(ended.is_err(), "a swarm never ends");
}

fn keep(store: &DB, record: &[u8]) {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    store.put_opt(record, [], &options).expect("synced");
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}
