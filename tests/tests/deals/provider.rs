//! The provider's table, cell by cell.

use std::collections::BTreeSet;

use omni_protocol::{
    hash::RecordId,
    machine::{Binding, Input, Key, Policy, Proposing, Step, Verb},
    thread::{Role, ThreadBody},
};
use omni_tests::market::{signed, terms};

use crate::{
    cells::{Cell, cells, compare, compare_unlisted},
    scene::{DAY_MS, MINUTE_MS, Scene, Via, accepting, asking, goods, own_hand},
};

/// A provider in this state, with what the guard says is kept.
fn scene(state: &str, via: Via, guard: &str) -> Scene {
    let mut scene = match (state, via) {
        ("asked", _) => Scene::new(asking()),
        _ => Scene::new(Policy::default()),
    };
    if state == "none" {
        return scene;
    }
    match via {
        Via::Request => request(&mut scene),
        Via::TheirProposal | Via::OwnProposal => propose(&mut scene),
    };
    match (state, via) {
        ("asked" | "held", Via::Request) | ("offered", Via::TheirProposal) => {}
        ("closed", Via::Request) => {
            scene.us.restart(Policy::default());
            scene.wait(20 * MINUTE_MS);
            scene.pulse();
            if guard == "of an earlier epoch" {
                recover(&mut scene);
                scene.greet(&[]);
            } else {
                // It says that the deal is decided, and so keeps the Refusal from being signed.
                let deal = scene.deal_id();
                scene.greet(&[deal]);
            }
        }
        ("sold", Via::Request) => {
            commit(&mut scene);
        }
        ("refused", Via::Request) => refuse(&mut scene, guard),
        ("sold", _) => {
            let thread = scene.thread();
            let alternative = 0;
            scene.verb(Verb::Accept {
                thread,
                alternative,
            });
        }
        ("refused", _) => {
            let thread = scene.thread();
            scene.verb(Verb::Reject { thread });
        }
        _ => panic!("no way to {state} by {via:?}"),
    }
    assert_eq!(scene.state(), state, "the scene is set");
    scene
}

fn request(scene: &mut Scene) -> Step {
    let request = scene.them.request(goods(), 60, None);
    scene.opened_by(request.record.id());
    scene.first = Some(request.clone());
    scene.letter(&[&request])
}

fn propose(scene: &mut Scene) -> Step {
    let proposal = scene.them.firm_of_requester(vec![goods()], 60);
    scene.opened_by(proposal.record.id());
    scene.first = Some(proposal.clone());
    scene.letter(&[&proposal])
}

fn commit(scene: &mut Scene) -> Step {
    let (deal, hold) = (scene.deal_id(), scene.own_hold());
    let commit = scene.them.commit(deal, hold, 0);
    scene.commit = Some(commit.clone());
    scene.letter(&[&commit])
}

fn refuse(scene: &mut Scene, guard: &str) {
    match guard {
        "a Release is kept" => {
            release(scene);
        }
        "a Commit is kept" => {
            scene.wait(16 * MINUTE_MS);
            commit(scene);
        }
        _ => {
            scene.wait(16 * MINUTE_MS);
            scene.pulse();
        }
    }
}

fn release(scene: &mut Scene) -> Step {
    let deal = scene.deal_id();
    let release = scene.them.release(deal);
    scene.letter(&[&release])
}

/// Puts the input of a cell whose guard holds.
fn put(scene: &mut Scene, cell: &Cell) -> Step {
    match (
        cell.state.as_str(),
        cell.input.as_str(),
        cell.guard.as_str(),
    ) {
        ("none", "Request" | "Proposal firm", guard) => put_first(scene, &cell.input, guard),
        ("none", "Commit", guard) => put_commit_unknown(scene, guard),
        ("none", "Release", _) => {
            let request = scene.them.request(goods(), 60, None);
            scene.opened_by(request.record.id());
            release(scene)
        }
        (_, "Request" | "Proposal firm", _) => {
            let first = scene.first.clone().unwrap();
            scene.letter(&[&first])
        }
        ("held", "Commit", "hold over") => {
            scene.wait(16 * MINUTE_MS);
            commit(scene)
        }
        ("held", "Commit", "hold differs or alternative unknown") => {
            let deal = scene.deal_id();
            let other = scene.them.commit(deal, RecordId::from_bytes([9; 32]), 0);
            let step = scene.letter(&[&other]);
            assert_eq!(signed(&step), Vec::<String>::new());
            let other = scene.them.commit(deal, scene.own_hold(), 1);
            scene.letter(&[&other])
        }
        ("asked" | "offered", "Commit", _) => {
            let deal = scene.deal_id();
            let commit = scene.them.commit(deal, RecordId::from_bytes([9; 32]), 0);
            scene.letter(&[&commit])
        }
        (_, "Commit", _) => match scene.commit.clone() {
            Some(commit) => scene.letter(&[&commit]),
            None => {
                let deal = scene.deal_id();
                let hold = scene.kept().unwrap().hold;
                let hold = hold.unwrap_or(RecordId::from_bytes([9; 32]));
                let commit = scene.them.commit(deal, hold, 0);
                scene.letter(&[&commit])
            }
        },
        (_, "Release", _) => release(scene),
        (_, "Ack", _) => {
            let receipt = scene.kept().and_then(|deal| deal.decision);
            let ack = scene
                .them
                .ack(receipt.unwrap_or(RecordId::from_bytes([9; 32])));
            scene.letter(&[&ack])
        }
        (_, "WhatIs Request", _) => {
            let first = scene.first.clone().unwrap();
            scene.what_is(&first)
        }
        ("offered", "WhatIs Commit", _) => {
            let first = scene.first.clone().unwrap();
            scene.what_is(&first)
        }
        (_, "WhatIs Commit", _) => {
            let (deal, hold) = (scene.deal_id(), scene.own_hold());
            let commit = scene.them.commit(deal, hold, 0);
            scene.what_is(&commit)
        }
        (_, input, guard) => put_local(scene, &cell.state, input, guard),
    }
}

/// Inputs that are no record: the operator's words, time, and greetings.
fn put_local(scene: &mut Scene, state: &str, input: &str, guard: &str) -> Step {
    match input {
        "accept" => {
            if guard == "judged unfit" {
                scene.us.must(Input::Count(no_stock()));
            }
            if guard == "validity over" {
                scene.wait(61 * MINUTE_MS);
            }
            let thread = scene.thread();
            let alternative = 0;
            scene.verb(Verb::Accept {
                thread,
                alternative,
            })
        }
        "reject" => {
            let thread = scene.thread();
            scene.verb(Verb::Reject { thread })
        }
        "counter" => {
            let proposing = Proposing {
                partner: scene.them.identity.partner,
                thread: scene.them.thread,
                role: Role::Provider,
                binding: Binding::Open,
                valid_until: scene.us.now().plus_ms(DAY_MS),
                alternatives: vec![terms("A", 1100, 2)],
            };
            scene.verb(Verb::Propose(proposing))
        }
        "cancel" => {
            let deal = scene.deal_id();
            scene.verb(Verb::Cancel { deal })
        }
        "over" => {
            if state == "held" && guard.is_empty() {
                scene.us.restart(Policy::default());
            }
            scene.wait(2 * 60 * MINUTE_MS);
            scene.pulse()
        }
        "greeted" if guard == "shows own Receipt" => shown_receipt(scene),
        "greeted" => scene.greet(&[]),
        _ => panic!("no input {input}"),
    }
}

/// A deal that was sold and closed again after a restore: the requester's Ack shows the Receipt.
/// The node has opened a new epoch since, else it would have to recover first.
fn shown_receipt(scene: &mut Scene) -> Step {
    let hold = scene.own_hold();
    let deal = scene.deal_id();
    let commit = scene.them.commit(deal, hold, 0);
    let mut own = own_hand(scene);
    let receipt = own.receipt(deal, commit.record.id(), 0);
    recover(scene);
    let step = scene.greet(&[deal]);
    assert_eq!(
        signed(&step),
        Vec::<String>::new(),
        "no Refusal before it is shown"
    );
    let ack = scene.them.ack(receipt.record.id());
    let mut step = scene.letter_with(&[&ack], &[&receipt]);
    // The answer to the Ack, which carried what the cell is about.
    step.replies.clear();
    step
}

/// Lets the node see that it lost something, and open the next epoch.
fn recover(scene: &mut Scene) {
    let head = *scene.us.machine.head();
    let mut ahead = scene.us.machine.checkpoint(&scene.us.store).unwrap();
    ahead.size = head.size + 3;
    scene.us.put(Input::Shown(ahead));
    assert!(scene.recovers());
    scene.us.must(Input::OpenEpoch);
}

fn put_first(scene: &mut Scene, input: &str, guard: &str) -> Step {
    match guard {
        "past the tombstone horizon" => {
            let horizon = scene.us.now().plus_ms(DAY_MS);
            let bytes = omni_protocol::fence::to_bytes(&horizon);
            scene.us.store.0.insert(Key::Horizon {}, bytes);
        }
        "validity over" => scene.us.ms += 61 * MINUTE_MS,
        "judged unfit" => {
            scene.us.must(Input::Count(no_stock()));
        }
        "needs approval" => scene
            .us
            .restart_with(asking(), |node| greet_again(node, &scene.them)),
        "accepted by policy" => {
            scene
                .us
                .restart_with(accepting(), |node| greet_again(node, &scene.them));
        }
        _ => {}
    }
    if guard == "judged malformed in meaning" {
        let proposal = scene.them.firm_of_requester(vec![goods()], 1);
        scene.opened_by(proposal.record.id());
        return scene.letter(&[&proposal]);
    }
    if input == "Request" {
        request(scene)
    } else {
        propose(scene)
    }
}

fn greet_again(node: &mut omni_tests::market::Node, them: &omni_tests::market::Peer) {
    let partner = them.identity.partner;
    node.put(Input::Met(partner));
    let greeting = omni_tests::market::greeting(partner, node.partner(), them.life, node.life());
    node.put(Input::Greeting(Box::new(greeting)));
}

fn put_commit_unknown(scene: &mut Scene, guard: &str) -> Step {
    request(scene);
    let (deal, hold) = (scene.deal_id(), scene.own_hold());
    let shown = scene.us.received(hold, &[&scene.us.identity]).unwrap();
    scene.forget_all();
    let commit = scene.them.commit(deal, hold, 0);
    if guard == "own hold attached" {
        scene.letter_with(&[&commit], &[&shown])
    } else {
        scene.letter(&[&commit])
    }
}

fn no_stock() -> omni_protocol::machine::Count {
    omni_protocol::machine::Count {
        sku: "A".parse().unwrap(),
        list: omni_protocol::value::Text::default(),
        steps: 0,
    }
}

/// Which record opened the deal, for the inputs of a cell. A deal that was sold without a Commit
/// was opened by the requester's firm proposal.
fn via(state: &str, input: &str, guard: &str) -> Via {
    match (state, input, guard) {
        ("offered", _, _) | (_, "Proposal firm", _) | ("sold", "Release", "") => Via::TheirProposal,
        _ => Via::Request,
    }
}

fn judged(cell: &Cell) -> &'static str {
    match cell.guard.as_str() {
        "judged malformed in meaning" => "validity-wrong",
        _ => "no-stock",
    }
}

#[test]
fn each_cell_of_the_provider_is_as_listed() {
    for cell in cells("deal table: provider") {
        if let Some(input) = cell.next.strip_prefix("as ") {
            assert_same_as(&cell, input);
            continue;
        }
        let via = via(&cell.state, &cell.input, &cell.guard);
        let mut scene = scene(&cell.state, via, &cell.guard);
        let step = put(&mut scene, &cell);
        compare(&cell, &scene, &step, judged(&cell));
    }
}

/// What became of a deal is answered as the record that asks would be.
fn assert_same_as(cell: &Cell, input: &str) {
    let via = via(&cell.state, input, &cell.guard);
    let mut asked = scene(&cell.state, via, &cell.guard);
    let mut sent = asked.clone();
    let record = match (cell.state.as_str(), input) {
        ("none", "Request") => asked.them.request(goods(), 60, None),
        ("none", _) => {
            let request = asked.them.request(goods(), 60, None);
            asked.opened_by(request.record.id());
            let deal = asked.deal_id();
            asked.them.commit(deal, RecordId::from_bytes([9; 32]), 0)
        }
        _ => {
            let (deal, hold) = (asked.deal_id(), asked.own_hold());
            asked.them.commit(deal, hold, 0)
        }
    };
    let deal = match record.record.body() {
        ThreadBody::Commit(commit) => commit.deal,
        _ => record.record.id().into(),
    };
    asked.deal = Some(deal);
    sent.deal = Some(deal);
    let by_question = asked.what_is(&record);
    let by_letter = sent.letter(&[&record]);
    assert_eq!(asked.state(), sent.state(), "{cell:?}");
    assert_eq!(signed(&by_question), signed(&by_letter), "{cell:?}");
    assert_eq!(
        omni_tests::market::answers(&asked.us, &by_question),
        omni_tests::market::answers(&sent.us, &by_letter),
        "{cell:?}"
    );
}

#[test]
fn a_cell_of_the_provider_that_is_not_listed_stays() {
    let listed: BTreeSet<_> = cells("deal table: provider")
        .into_iter()
        .map(|cell| (cell.state, cell.input))
        .collect();
    let states = ["asked", "offered", "held", "closed", "sold", "refused"];
    let records = ["Request", "Proposal firm", "Commit", "Release", "Ack"];
    let local = ["accept", "reject", "cancel", "over", "greeted"];
    let mut seen = 0;
    for state in states {
        for input in records.iter().chain(&local) {
            if listed.contains(&(state.to_owned(), (*input).to_owned())) {
                continue;
            }
            let via = via(state, input, "");
            // A deal is opened by one record, so the other kind can't come for it.
            let opens = matches!(*input, "Request" | "Proposal firm");
            let by_request = matches!(state, "asked" | "held" | "closed");
            if opens
                && ((via == Via::Request) != (*input == "Request")
                    || by_request != (*input == "Request"))
            {
                continue;
            }
            // Giving up what was not answered yet is another word for rejecting it.
            if matches!((state, *input), ("asked" | "offered", "cancel")) {
                continue;
            }
            let mut scene = scene(state, via, "");
            let cell = Cell {
                state: state.to_owned(),
                input: (*input).to_owned(),
                guard: "unlisted".to_owned(),
                next: state.to_owned(),
                emits: String::new(),
            };
            let step = put(&mut scene, &cell);
            compare_unlisted(state, input, &scene, &step, records.contains(input));
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen} cells");
}
