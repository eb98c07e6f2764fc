//! A node that is killed and comes back under the same `PeerId` publishes and hears again.
//!
//! The killed node is a process of its own: a runtime that is dropped still closes its
//! connections, a killed process says nothing over QUIC.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use libp2p::Multiaddr;

use super::{
    Over,
    market::{Person, TestNode, until},
};
use crate::net::{KnownPartner, NetCommand, Node, Topic, gossip::Shard};

/// Set for the process that is killed: transport and address of the partner.
const CHILD: &str = "OMNI_NET_TEST_CHILD";
const CHILD_TEST: &str = "net::tests::restart::child_process";

fn offers() -> Topic {
    Topic::Offers(Shard::of_category(""))
}

/// Not a test of its own: the body of the process that `restart` starts and kills. It publishes
/// an offer with a new name each 300 ms and prints what it hears.
#[tokio::test]
async fn child_process() {
    let Ok(told) = std::env::var(CHILD) else {
        return;
    };
    let (over, address) = told.split_once(' ').unwrap();
    let over = if over == "Tcp" { Over::Tcp } else { Over::Quic };
    let address: Multiaddr = address.parse().unwrap();
    let parent = Person::new(1);
    let child = TestNode::start(2, over).await;
    let nodes = vec![Node::new(parent.peer(), [address])];
    let partner = parent.id();
    child.offer(NetCommand::Partners(vec![KnownPartner { partner, nodes }]));
    let mut heard = 0;
    for n in 0..400 {
        let sku = format!("{}-{n}", std::process::id());
        child.publish(offers(), vec![child.person.offer(&sku)]);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let count = child.shelf.count(&partner);
        if count > heard {
            heard = count;
            println!("heard");
        }
    }
}

fn start_child(over: Over, address: &Multiaddr) -> Child {
    let test_binary = std::env::current_exe().unwrap();
    Command::new(test_binary)
        .args(["--exact", CHILD_TEST, "--nocapture"])
        .env(CHILD, format!("{over:?} {address}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Resolves when the child has printed that it heard something.
async fn child_hears(child: &mut Child) {
    let out = child.stdout.take().unwrap();
    let (said, hears) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(out).lines().map_while(Result::ok);
        if lines.any(|l| l.contains("heard")) {
            said.send(()).unwrap();
        }
    });
    tokio::time::timeout(Duration::from_secs(20), hears)
        .await
        .expect("the child hears in time")
        .expect("the child lives");
}

/// Times from the start of a process to its first news here and to ours there.
async fn both_ways(parent: &TestNode, child: &mut Child, far: &Person) -> (Duration, Duration) {
    let begun = Instant::now();
    let known = parent.shelf.count(&far.id());
    let net = parent.net.clone();
    let person = parent.person.clone();
    let publishing = tokio::spawn(async move {
        for n in 0.. {
            let batch = person.batch(vec![person.offer(&format!("parent-{n}"))]);
            net.offer(NetCommand::Publish {
                topic: offers(),
                batch,
            })
            .unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    });
    until("the parent hears", || parent.shelf.count(&far.id()) > known).await;
    let here = begun.elapsed();
    child_hears(child).await;
    publishing.abort();
    (here, begun.elapsed())
}

#[tokio::test]
async fn a_killed_node_comes_back_under_its_name() {
    // A connection older than what counts as two dials at once is known to be dead by the next one,
    // a younger one by the life that the node tells.
    let [young, old] = [Duration::ZERO, Duration::from_secs(5)];
    for (over, age) in [(Over::Quic, young), (Over::Quic, old), (Over::Tcp, young)] {
        let parent = TestNode::start(1, over).await;
        let far = Person::new(2);
        let mut child = start_child(over, &parent.address);
        let first = both_ways(&parent, &mut child, &far).await;
        tokio::time::sleep(age).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let mut child = start_child(over, &parent.address);
        let again = both_ways(&parent, &mut child, &far).await;
        child.kill().unwrap();
        child.wait().unwrap();
        eprintln!(
            "{over:?}, {age:?}: at first {first:?}, after the kill {again:?} (heard here, heard there)"
        );
        assert!(
            again.0.max(again.1) < Duration::from_secs(15),
            "{over:?}, {age:?}: {again:?}"
        );
        let mute = parent.status().await.mute_peers_met_anew;
        assert_eq!(mute, 0, "{over:?}, {age:?}");
    }
}
