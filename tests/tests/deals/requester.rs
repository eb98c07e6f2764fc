//! The requester's table, cell by cell.

use std::collections::BTreeSet;

use omni_protocol::{
    code::Code,
    hash::RecordId,
    machine::{Approval, Binding, Policy, Proposing, Requesting, Step, Verb},
    thread::{Choice, Role},
};
use omni_tests::market::terms;

use crate::{
    cells::{Cell, cells, compare, compare_unlisted},
    scene::{MINUTE_MS, Scene, Via, goods, own_hand},
};

/// A requester in this state. `commit` says whether it approves the Commit beforehand.
fn scene(state: &str, via: Via, commit: Approval) -> Scene {
    let mut scene = Scene::new(Policy::default());
    if state == "none" {
        return scene;
    }
    match via {
        Via::Request => {
            request(&mut scene, commit);
        }
        Via::TheirProposal => {
            let proposal = scene.them.firm_of_provider(vec![goods()], 60);
            scene.opened_by(proposal.record.id());
            scene.first = Some(proposal.clone());
            scene.letter(&[&proposal]);
        }
        Via::OwnProposal => {
            propose(&mut scene);
        }
    }
    reach(&mut scene, state, via);
    assert_eq!(scene.state(), state, "the scene is set");
    scene
}

fn reach(scene: &mut Scene, state: &str, via: Via) {
    if state == "requested" {
        return;
    }
    if state == "released" {
        match via {
            Via::Request => cancel(scene),
            _ => reject(scene),
        };
        return;
    }
    if via == Via::Request {
        let hold = hold(scene);
        scene.letter(&[&hold]);
    }
    if state == "held" {
        return;
    }
    if via != Via::OwnProposal {
        accept(scene);
    }
    match state {
        "written" => {
            let deal = scene.deal_id();
            scene.verb(Verb::WriteOff { deal });
        }
        "agreed" => {
            let receipt = receipt(scene, scene.own_commit(), 0);
            scene.decision = Some(receipt.clone());
            scene.letter(&[&receipt]);
        }
        "aborted" => {
            let deal = scene.deal_id();
            let refusal = scene.them.refusal(deal, Code::HoldOver);
            scene.decision = Some(refusal.clone());
            scene.letter(&[&refusal]);
        }
        _ => {}
    }
}

fn request(scene: &mut Scene, commit: Approval) -> Step {
    let requesting = Requesting {
        partner: scene.them.identity.partner,
        thread: None,
        proposal: None::<Choice>,
        valid_until: scene.us.now().plus_ms(60 * MINUTE_MS),
        terms: goods(),
        commit,
    };
    let step = scene.verb(Verb::Request(requesting));
    opened(scene, &step);
    step
}

fn propose(scene: &mut Scene) -> Step {
    let step = scene.verb(Verb::Propose(proposing(
        scene,
        Binding::Firm,
        Role::Requester,
    )));
    opened(scene, &step);
    step
}

fn proposing(scene: &Scene, binding: Binding, role: Role) -> Proposing {
    Proposing {
        partner: scene.them.identity.partner,
        thread: scene.them.thread,
        role,
        binding,
        valid_until: scene.us.now().plus_ms(60 * MINUTE_MS),
        alternatives: vec![goods()],
    }
}

/// The deal is the one whose record the step signed.
fn opened(scene: &mut Scene, step: &Step) {
    if let Some(deal) = omni_tests::market::deals_of(step).first() {
        scene.opened_by((*deal).into());
    }
}

fn hold(scene: &mut Scene) -> omni_protocol::machine::Received {
    if let Some(hold) = scene.hold.clone() {
        return hold;
    }
    let deal = scene.deal_id();
    let hold = scene.them.hold(deal, goods().hash(), 15);
    scene.hold = Some(hold.clone());
    hold
}

fn receipt(
    scene: &mut Scene,
    commit: RecordId,
    alternative: u8,
) -> omni_protocol::machine::Received {
    let deal = scene.deal_id();
    scene.them.receipt(deal, commit, alternative)
}

fn accept(scene: &mut Scene) -> Step {
    let thread = scene.thread();
    let alternative = 0;
    scene.verb(Verb::Accept {
        thread,
        alternative,
    })
}

fn reject(scene: &mut Scene) -> Step {
    let thread = scene.thread();
    scene.verb(Verb::Reject { thread })
}

fn cancel(scene: &mut Scene) -> Step {
    let deal = scene.deal_id();
    scene.verb(Verb::Cancel { deal })
}

/// Puts the input of a cell whose guard holds.
fn put(scene: &mut Scene, cell: &Cell) -> Step {
    if cell.state == "none" {
        return put_first(scene, &cell.input, &cell.guard);
    }
    match (cell.input.as_str(), cell.guard.as_str()) {
        ("Hold", guard) => put_hold(scene, guard),
        ("Proposal firm", _) => {
            let first = scene.first.clone().unwrap();
            scene.letter(&[&first])
        }
        ("Receipt", guard) => put_receipt(scene, &cell.state, guard),
        ("Refusal", _) => {
            let deal = scene.deal_id();
            let refusal = match (&cell.state[..], scene.decision.clone()) {
                ("aborted", Some(refusal)) => refusal,
                _ => scene.them.refusal(deal, Code::HoldOver),
            };
            scene.letter(&[&refusal])
        }
        ("Lost", _) => {
            scene.wait(2_000);
            scene.lost()
        }
        ("cancel", _) => cancel(scene),
        ("accept", guard) => {
            match guard {
                "hold over" => scene.wait(61 * MINUTE_MS),
                "credit short" => scene.limit(0),
                _ => {}
            }
            accept(scene)
        }
        ("reject", _) => reject(scene),
        ("counter", _) => {
            let mut proposing = proposing(scene, Binding::Open, Role::Requester);
            proposing.alternatives = vec![terms("A", 900, 2)];
            scene.verb(Verb::Propose(proposing))
        }
        ("over", _) => {
            scene.wait(2 * 60 * MINUTE_MS);
            scene.pulse()
        }
        ("greeted", _) => {
            scene.gone();
            scene.wait(1);
            scene.greet(&[])
        }
        ("write-off", _) => {
            let deal = scene.deal_id();
            scene.verb(Verb::WriteOff { deal })
        }
        (input, guard) => panic!("no input {input} {guard}"),
    }
}

fn put_first(scene: &mut Scene, input: &str, guard: &str) -> Step {
    match (input, guard) {
        ("request", guard) => {
            if guard == "credit short" {
                scene.limit(0);
            }
            request(scene, Approval::Asked)
        }
        ("propose firm", guard) => {
            if guard == "credit short" {
                scene.limit(0);
            }
            propose(scene)
        }
        ("Proposal firm", guard) => {
            let minutes = if guard.is_empty() { 60 } else { 4321 };
            let proposal = scene.them.firm_of_provider(vec![goods()], minutes);
            scene.opened_by(proposal.record.id());
            scene.letter(&[&proposal])
        }
        ("Hold", guard) => {
            let request = own_hand(scene).request(goods(), 60, None);
            scene.opened_by(request.record.id());
            let hold = hold(scene);
            if guard.is_empty() {
                scene.letter(&[&hold])
            } else {
                scene.letter_with(&[&hold], &[&request])
            }
        }
        ("Receipt" | "Refusal", guard) => {
            let request = own_hand(scene).request(goods(), 60, None);
            scene.opened_by(request.record.id());
            let hold = hold(scene);
            let deal = scene.deal_id();
            let commit = own_hand(scene).commit(deal, hold.record.id(), 0);
            if input == "Refusal" {
                let refusal = scene.them.refusal(deal, Code::HoldOver);
                return scene.letter(&[&refusal]);
            }
            let receipt = receipt(scene, commit.record.id(), 0);
            if guard.is_empty() {
                scene.letter(&[&receipt])
            } else {
                scene.letter_with(&[&receipt], &[&commit])
            }
        }
        _ => panic!("no input {input}"),
    }
}

fn put_hold(scene: &mut Scene, guard: &str) -> Step {
    match guard {
        "terms differ" => {
            let deal = scene.deal_id();
            let other = terms("A", 1200, 2).hash();
            let hold = scene.them.hold(deal, other, 15);
            return scene.letter(&[&hold]);
        }
        "commit approved, credit short" => scene.limit(0),
        _ => {}
    }
    let hold = hold(scene);
    scene.letter(&[&hold])
}

fn put_receipt(scene: &mut Scene, state: &str, guard: &str) -> Step {
    let other = RecordId::from_bytes([9; 32]);
    let commit = scene.kept().and_then(|deal| deal.commit).unwrap_or(other);
    let receipt = match (state, guard) {
        ("agreed", "same") => scene.decision.clone().unwrap(),
        (_, "commit or alternative differs") => {
            let wrong = receipt(scene, commit, 1);
            scene.letter(&[&wrong]);
            receipt(scene, other, 0)
        }
        ("agreed" | "aborted", "") => receipt(scene, other, 0),
        _ => receipt(scene, commit, 0),
    };
    scene.letter(&[&receipt])
}

/// Which record opened the deal, for the inputs of a cell.
fn via(input: &str) -> Via {
    match input {
        "Proposal firm" | "counter" => Via::TheirProposal,
        _ => Via::Request,
    }
}

fn approval(guard: &str) -> Approval {
    if guard.starts_with("commit approved") {
        Approval::Given
    } else {
        Approval::Asked
    }
}

#[test]
fn each_cell_of_the_requester_is_as_listed() {
    for cell in cells("deal table: requester") {
        let mut scene = scene(&cell.state, via(&cell.input), approval(&cell.guard));
        let step = put(&mut scene, &cell);
        compare(&cell, &scene, &step, "");
    }
}

#[test]
fn a_cell_of_the_requester_that_is_not_listed_stays() {
    let listed: BTreeSet<_> = cells("deal table: requester")
        .into_iter()
        .map(|cell| (cell.state, cell.input))
        .collect();
    let states = [
        "requested",
        "held",
        "doubt",
        "released",
        "written",
        "agreed",
        "aborted",
    ];
    let records = ["Hold", "Proposal firm", "Receipt", "Refusal"];
    let local = [
        "Lost",
        "cancel",
        "accept",
        "reject",
        "over",
        "greeted",
        "write-off",
    ];
    let mut seen = 0;
    for state in states {
        for input in records.iter().chain(&local) {
            if listed.contains(&(state.to_owned(), (*input).to_owned())) {
                continue;
            }
            // Rejecting and giving up are two words for one thing, and a Request is no firm
            // proposal.
            if matches!(
                (state, *input),
                ("requested", "reject" | "Proposal firm") | ("held", "cancel")
            ) {
                continue;
            }
            let mut scene = scene(state, via(input), Approval::Asked);
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

/// A Receipt dated after the hold's end binds and is marked, and the order may be cancelled free.
#[test]
fn a_late_receipt_binds_and_is_marked() {
    for (minutes, expected) in [(14, "in-time"), (16, "late")] {
        let mut scene = scene("doubt", Via::Request, Approval::Asked);
        scene.them.ms += minutes * MINUTE_MS;
        let commit = scene.own_commit();
        let receipt = receipt(&mut scene, commit, 0);
        scene.letter(&[&receipt]);
        assert_eq!(scene.state(), "agreed");
        assert_eq!(scene.kept().unwrap().lateness.name(), expected);
    }
}
