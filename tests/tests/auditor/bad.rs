//! What nobody may do is found, by the check that is for it.

use omni_protocol::{code::Code, ledger::Payload};
use omni_tests::{
    auditor::Check,
    observation::{Answer, Asked, Moment, Observation, StoredAccount, StoredDeal, StoredStock},
};

use crate::trace::{A, B, Trace, short, terms};

#[test]
fn what_only_one_side_agreed_to_is_found() {
    let mut trace = Trace::new();
    let (request, commit) = trace.committed(2);
    let deal = short(request.id);
    trace.sign(B, |peer| peer.receipt(request.deal(), commit.id, 0));
    trace.quiet();
    trace.expect(
        Check::Agreement,
        &["node 0", &deal, "doubt here and sold at node 1"],
    );
    trace.expect(Check::Accounts, &["node 0", "node 1"]);
}

#[test]
fn what_was_told_and_is_not_so_is_found() {
    let mut trace = Trace::new();
    let (request, _) = trace.held(2);
    trace.happened(B, request.deal(), "sold");
    trace.quiet();
    let deal = short(request.id);
    trace.expect(Check::Unsynced, &["node 1", &deal, "no synced entry gives"]);
    trace.expect(
        Check::Agreement,
        &["node 1", &deal, "its ledger has it held"],
    );
}

#[test]
fn both_decisions_are_found() {
    let mut trace = Trace::new();
    let (request, receipt) = trace.traded();
    let refusal = trace.sign(B, |peer| peer.refusal(request.deal(), Code::HoldOver));
    let ids = [request.id, receipt.id, refusal.id].map(short);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    trace.expect(Check::Contradiction, &[&["node 1"], &ids[..]].concat());
    trace.expect(Check::Twice, &["node 1, entry 0/7", "is sold"]);
}

#[test]
fn more_than_the_stock_is_found() {
    let mut trace = Trace::new();
    trace.held(8);
    let (request, _) = trace.held(3);
    let words = [
        "node 1, entry 0/5",
        "3 steps are granted where 2 are available",
    ];
    trace.expect(Check::Stock, &[&words[..], &[&short(request.id)]].concat());

    let mut trace = Trace::new();
    let proposal = trace.sign(A, |peer| {
        peer.thread = None;
        peer.firm_of_requester(vec![terms(3), terms(20)], 30)
    });
    trace.pass(A, &proposal);
    trace.sign(B, |peer| peer.receipt(proposal.deal(), proposal.id, 1));
    trace.expect(
        Check::Stock,
        &["20 steps are granted where 10 are available"],
    );
}

/// Each of these changes one synced batch of a good trace.
#[test]
fn a_changed_ledger_is_found() {
    type Change = fn(&mut Vec<Observation>, usize);
    let changes: [(&str, Change); 7] = [
        ("the body is not that of the header", |run, at| {
            change_batch(run, at, |entry, _| entry.body[0] ^= 1);
        }),
        ("does not follow", |run, at| {
            change_batch(run, at, |entry, _| entry.header[180] ^= 1);
        }),
        ("it should be", |run, at| {
            run.remove(at);
        }),
        ("not proved by its author's key", |run, at| {
            change_batch(run, at, |entry, _| {
                *entry.records[0].proof.last_mut().unwrap() ^= 1;
            });
        }),
        ("it lacks records that it names", |run, at| {
            change_batch(run, at, |entry, _| entry.records.clear());
        }),
        ("not signed by the node's key", |run, at| {
            change_batch(run, at, |_, note| {
                let end = note.len() - 5;
                note[end] = if note[end] == b'A' { b'B' } else { b'A' };
            });
        }),
        ("another root than the entries give", |run, at| {
            change_batch(run, at, |_, note| {
                let text = String::from_utf8(note.clone()).unwrap();
                let root = text.lines().nth(2).unwrap().to_owned();
                let other = format!("A{}", &root[1..]);
                assert_ne!(root, other);
                *note = text.replace(&root, &other).into_bytes();
            });
        }),
    ];
    for (why, change) in changes {
        let mut trace = Trace::new();
        trace.traded();
        let is_hold = |seen: &Observation| {
            matches!(seen, Observation::Synced { node: B, entries, .. }
                if entries[0].records.first().is_some_and(|r| r.record[0] == 39))
        };
        let at = trace.run.iter().position(is_hold).unwrap();
        change(&mut trace.run, at);
        trace.expect(Check::Chain, &["node 1, entry 0/", why]);
    }
}

fn change_batch(
    run: &mut [Observation],
    at: usize,
    change: impl FnOnce(&mut omni_tests::observation::EntryBytes, &mut Vec<u8>),
) {
    if let Observation::Synced {
        entries,
        checkpoint,
        ..
    } = &mut run[at]
    {
        change(&mut entries[0], checkpoint);
    }
}

#[test]
fn what_is_stored_beside_the_entries_is_found() {
    type Change = fn(&mut StoredDeal, &mut StoredStock, &mut StoredAccount);
    let changes: [(&str, Change); 5] = [
        ("stored is held", |deal, _, _| deal.state = "held"),
        ("another decision", |deal, _, _| deal.decision = None),
        ("1999", |deal, _, _| deal.amount = 1999),
        ("sold: 3", |_, stock, _| stock.sold = 3),
        ("receivable: 1999", |_, _, account| {
            account.receivable = 1999
        }),
    ];
    for (why, change) in changes {
        let mut trace = Trace::new();
        let (request, receipt) = trace.traded();
        trace.quiet();
        trace.stored(Moment::Quiet, (&request, &receipt), change);
        trace.expect(Check::Projection, &["node 1", why]);
    }
}

#[test]
fn what_is_signed_twice_is_found() {
    let mut trace = Trace::new();
    let (request, _) = trace.held(2);
    let again = trace.hold(&request, 2);
    trace.expect(Check::Twice, &["node 1", &short(again.id), "that is held"]);

    let mut trace = Trace::new();
    let (request, hold) = trace.held(2);
    trace.sign(A, |peer| peer.release(request.deal()));
    trace.sign(A, |peer| peer.commit(request.deal(), hold.id, 0));
    trace.expect(Check::Twice, &["node 0, entry 0/4", "that is released"]);

    // A Hold for a deal whose refusal was forgotten.
    let mut trace = Trace::new();
    let request = trace.request(2);
    trace.sign(B, |peer| peer.refusal(request.deal(), Code::Declined));
    trace.hold(&request, 2);
    trace.expect(Check::Twice, &["node 1", "that is refused"]);
}

#[test]
fn what_leaves_before_its_sync_is_found() {
    let mut trace = Trace::new();
    let request = trace.make(A, |peer| {
        peer.thread = None;
        peer.request(terms(2), 60, None)
    });
    trace.send(A, &request);
    trace.keep(A, &request);
    trace.expect(
        Check::Unsynced,
        &["node 0", &short(request.id), "of its own"],
    );

    let mut trace = Trace::new();
    let size = trace.nodes[A].sequence;
    trace.greet(A, size + 1, true);
    trace.expect(Check::Unsynced, &["node 0", "a head that is not synced"]);

    let mut trace = Trace::new();
    trace.run.push(Observation::Told {
        node: A,
        at_ms: trace.ms,
        asked: Asked::Request,
        thread: None,
        deal: None,
        answer: Answer::Made(vec![[9; 32]]),
    });
    trace.expect(Check::Unsynced, &["node 0", "09090909", "told Request"]);
}

/// The batch was told as synced, and is not there after a crash.
#[test]
fn a_sync_that_was_none_is_found() {
    let mut trace = Trace::new();
    trace.request(2);
    let before = trace.nodes[B].sequence - 1;
    trace.restore(B, before);
    let is_restored = |seen: &Observation| !matches!(seen, Observation::Restored { .. });
    trace.run.retain(is_restored);
    trace.expect(Check::Chain, &["node 1, entry 0/2", "it should be 0/3"]);
}

#[test]
fn a_hold_beyond_its_end_or_cut_short_is_found() {
    let mut trace = Trace::new();
    let (request, commit) = trace.committed(2);
    trace.ms += 700_000;
    let receipt = trace.sign(B, |peer| peer.receipt(request.deal(), commit.id, 0));
    trace.expect(
        Check::Hold,
        &["node 1, entry 0/5", &short(receipt.id), "after the end"],
    );

    let mut trace = Trace::new();
    let (request, _) = trace.held(2);
    trace.sign(B, |peer| peer.refusal(request.deal(), Code::HoldOver));
    trace.expect(Check::Hold, &["node 1", "its hold stands"]);

    let mut trace = Trace::new();
    let (request, _) = trace.held(2);
    trace.sign(B, |peer| peer.refusal(request.deal(), Code::Released));
    trace.expect(Check::Hold, &["node 1", "code 62"]);

    let mut trace = Trace::new();
    let (request, commit) = trace.committed(2);
    trace.ms += 700_000;
    trace.enter(B, Payload::Closed(request.deal()), Some(A), &[]);
    trace.sign(B, |peer| peer.receipt(request.deal(), commit.id, 0));
    trace.expect(Check::Hold, &["node 1", "that is closed"]);
}

#[test]
fn a_void_receipt_that_counts_is_found() {
    let mut trace = Trace::new();
    let (request, commit) = trace.committed(2);
    let before = trace.nodes[B].sequence;
    let lost = trace.sign(B, |peer| peer.receipt(request.deal(), commit.id, 0));
    trace.send(B, &lost);
    trace.restore(B, before);
    trace.greet(B, before, false);
    trace.arrive(A, &lost);
    trace.take(A, &lost);
    trace.expect(Check::Void, &["node 0", &short(lost.id), "void"]);

    let mut trace = Trace::new();
    let (request, commit) = trace.committed(2);
    let receipt = trace.sign(B, |peer| peer.receipt(request.deal(), commit.id, 0));
    trace.take(A, &receipt);
    trace.expect(Check::Void, &["node 0", "never arrived"]);
}

#[test]
fn what_stays_in_doubt_is_found() {
    let mut trace = Trace::new();
    let (request, _) = trace.held(2);
    trace.sign(A, |peer| peer.release(request.deal()));
    trace.quiet();
    let words = ["node 0", "it is released here and held at node 1"];
    trace.expect(Check::Doubt, &[&words[..], &[&short(request.id)]].concat());

    let mut trace = Trace::new();
    let (request, commit) = trace.committed(2);
    let receipt = trace.sign(B, |peer| peer.receipt(request.deal(), commit.id, 0));
    trace.run.push(Observation::Healed { at_ms: trace.ms });
    trace.ms += 60_001;
    trace.pass(B, &receipt);
    trace.expect(
        Check::Doubt,
        &["node 0, entry 0/4", "60011 ms while nothing failed"],
    );
}

#[test]
fn totals_that_do_not_add_up_are_found() {
    let mut trace = Trace::new();
    let good = trace.make(A, |peer| {
        peer.thread = None;
        peer.request(terms(2), 60, None)
    });
    // 2,000 minor units are 4,000 in zigzag: 251, 160, 15.
    let forged = trace.forged(A, &good, |bytes| {
        let places = bytes.windows(3).rposition(|three| three == [251, 160, 15]);
        bytes[places.unwrap() + 1] -= 2;
    });
    trace.keep(A, &forged);
    trace.expect(Check::Totals, &["node 0, entry 0/1", &short(forged.id)]);
}

#[test]
fn a_restart_that_changes_something_is_found() {
    let mut trace = Trace::new();
    let (request, receipt) = trace.traded();
    let papers = (&request, &receipt);
    trace.stored(Moment::RestartedOnce, papers, |_, _, _| {});
    trace.stored(Moment::RestartedTwice, papers, |_, stock, _| {
        stock.counted = 9
    });
    trace.expect(Check::Restart, &["node 1"]);
}

#[test]
fn what_can_not_be_read_is_found() {
    let mut trace = Trace::new();
    trace.run.push(Observation::Sent {
        from: A,
        to: B,
        at_ms: trace.ms,
        bytes: vec![4, 7],
    });
    trace.expect(Check::Form, &["node 0", "a frame can't be read"]);
}
