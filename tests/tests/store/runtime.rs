//! The runtime: nothing is answered before its sync, what comes while a sync runs shares the next
//! one, and a life ends with everything begun on the disk.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use omni_node::crash;
use omni_node::view::event::WhatView;
use omni_protocol::ledger::note::SignedCheckpoint;
use omni_protocol::machine::{Count, Input, Key, Verdict};
use omni_protocol::value::Text;
use omni_tests::node::{Node, Reach, network};

/// How many batches are synced.
fn batches(node: &Node) -> u64 {
    let bytes = node
        .reader
        .read(&[128, 2])
        .expect("readable")
        .expect("written");
    u64::from_be_bytes(bytes[..8].try_into().expect("eight"))
}

fn count(sku: &str, steps: u64) -> Input {
    Input::Count(Count {
        sku: Text::new(sku).expect("valid"),
        list: Text::default(),
        steps,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_means_that_it_is_on_the_disk() {
    let home = tempfile::tempdir().expect("folder");
    let node = Node::start(home.path(), 1, Reach::Alone);
    for steps in 1..=20 {
        assert_eq!(node.ask(count("drill", steps)).await, Ok(Verdict::Done));
        // The reader sees synced batches only.
        let sequence = steps;
        let entry = node
            .reader
            .read(&Key::Entry { epoch: 0, sequence }.to_bytes())
            .expect("readable");
        assert!(entry.is_some(), "answered before it was synced: {steps}");
        let events = node.events();
        let newest = events.last().expect("told");
        // The first of all tells that a life began.
        assert_eq!(newest.number, steps + 1);
        assert!(matches!(newest.what, WhatView::Counted { counted, .. } if counted == steps));
    }
    let note = node
        .reader
        .read(&Key::Checkpoint {}.to_bytes())
        .expect("readable")
        .expect("signed");
    let note = SignedCheckpoint::read(
        &String::from_utf8(note).expect("text"),
        network().id(),
        node.partner,
    )
    .expect("a checkpoint");
    assert_eq!(
        note.checkpoint.size, 21,
        "one entry for the life, one for each count"
    );
    node.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lives_continue_one_ledger() {
    let home = tempfile::tempdir().expect("folder");
    for life in 1..=3 {
        let node = Node::start(home.path(), 1, Reach::Alone);
        assert_eq!(node.ask(count("drill", life)).await, Ok(Verdict::Done));
        let sequence = 2 * life - 1;
        let entry = node
            .reader
            .read(&Key::Entry { epoch: 0, sequence }.to_bytes())
            .expect("readable");
        assert!(entry.is_some(), "life {life}");
        node.end().await;
    }
}

/// Holds the writer where it is about to write.
static GATE: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

fn wait_at_the_gate(place: &str) {
    if place == "batch-before-write" {
        let closed = GATE.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            GATE.1
                .wait_while(closed, |closed| *closed)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

fn set_gate(closed: bool) {
    *GATE.0.lock().unwrap_or_else(PoisonError::into_inner) = closed;
    GATE.1.notify_all();
}

/// Counted, not timed: while one sync runs, k inputs come; they share the next sync.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_during_a_sync_shares_the_next() {
    // The hook is the process's; nextest gives each test its own.
    assert!(crash::install(wait_at_the_gate));
    let home = tempfile::tempdir().expect("folder");
    let node = Node::start(home.path(), 1, Reach::Alone);
    assert_eq!(node.ask(count("first", 1)).await, Ok(Verdict::Done));
    let before = batches(&node);

    set_gate(true);
    let mut held = node.ask(count("held", 1));
    let waiting: Vec<_> = (1..=100)
        .map(|steps| node.ask(count("more", steps)))
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(held.try_recv().is_err(), "answered before the write");
    assert_eq!(batches(&node), before);
    set_gate(false);

    assert_eq!(held.await, Ok(Verdict::Done));
    for answer in waiting {
        assert_eq!(answer.await, Ok(Verdict::Done));
    }
    // All hundred may even have come before the first of them was handed over.
    let syncs = batches(&node) - before;
    assert!((1..=2).contains(&syncs), "101 inputs took {syncs} syncs");
    println!("101 inputs, {syncs} syncs");
    node.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ending_syncs_and_answers_what_was_begun() {
    let home = tempfile::tempdir().expect("folder");
    let node = Node::start(home.path(), 1, Reach::Alone);
    let answers: Vec<_> = (1..=50)
        .map(|steps| node.ask(count("drill", steps)))
        .collect();
    node.end().await;
    for answer in answers {
        // Answered, or dropped unanswered because the end came first; never something else.
        if let Ok(verdict) = answer.await {
            assert_eq!(verdict, Verdict::Done);
        }
    }
}
