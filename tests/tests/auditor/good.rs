//! What honest nodes do passes: a trade, a refusal, a hold given back, a loss that is allowed.

use omni_protocol::{code::Code, ledger::Payload};
use omni_tests::observation::{Answer, Asked, Moment, Observation};

use crate::trace::{A, B, Trace, terms};

#[test]
fn a_trade_passes() {
    let mut trace = Trace::new();
    let (request, receipt) = trace.traded();
    for (node, state) in [(A, "agreed"), (B, "held"), (B, "sold")] {
        trace.happened(node, request.deal(), state);
    }
    trace.run.push(Observation::Told {
        node: B,
        at_ms: trace.ms,
        asked: Asked::Accept,
        thread: None,
        deal: None,
        answer: Answer::Made(vec![*receipt.id.as_bytes()]),
    });
    let size = trace.nodes[B].sequence;
    trace.greet(B, size, true);
    trace.quiet();
    for moment in [Moment::Quiet, Moment::RestartedOnce, Moment::RestartedTwice] {
        trace.stored(moment, (&request, &receipt), |_, _, _| {});
    }
    trace.expect_nothing();
}

#[test]
fn a_hold_that_is_given_back_or_over_passes() {
    let mut trace = Trace::new();
    let (request, _) = trace.held(10);
    let release = trace.sign(A, |peer| peer.release(request.deal()));
    trace.pass(A, &release);
    let refusal = trace.sign(B, |peer| peer.refusal(request.deal(), Code::Released));
    trace.pass(B, &refusal);
    // The units are free again, for a hold that nobody commits.
    let (request, _) = trace.held(10);
    trace.ms += 700_000;
    let refusal = trace.sign(B, |peer| peer.refusal(request.deal(), Code::HoldOver));
    trace.pass(B, &refusal);
    trace.held(10);
    trace.quiet();
    trace.expect_nothing();
}

#[test]
fn a_firm_proposal_that_is_accepted_passes() {
    let mut trace = Trace::new();
    let proposal = trace.sign(A, |peer| {
        peer.thread = None;
        peer.firm_of_requester(vec![terms(3), terms(20)], 30)
    });
    trace.pass(A, &proposal);
    trace.quiet(); // The provider's operator takes his time.
    let receipt = trace.sign(B, |peer| peer.receipt(proposal.deal(), proposal.id, 0));
    trace.pass(B, &receipt);
    trace.quiet();
    trace.expect_nothing();
}

/// PROTOCOL.md 4 and 10: what a restored provider lost and nobody has, it may decide anew.
#[test]
fn a_decision_that_was_lost_on_its_way_passes() {
    let mut trace = Trace::new();
    let (request, commit) = trace.committed(2);
    let before = trace.nodes[B].sequence;
    let lost = trace.sign(B, |peer| peer.receipt(request.deal(), commit.id, 0));
    trace.send(B, &lost);
    trace.restore(B, before);
    trace.greet(B, before + 1, false);
    trace.ms += 700_000;
    let refusal = trace.sign(B, |peer| peer.refusal(request.deal(), Code::HoldOver));
    trace.arrive(A, &lost);
    trace.pass(B, &refusal);
    trace.quiet();
    trace.expect_nothing();
}

#[test]
fn a_hold_that_is_closed_without_a_signature_passes() {
    let mut trace = Trace::new();
    let (request, _) = trace.held(10);
    trace.ms += 700_000;
    trace.enter(B, Payload::Closed(request.deal()), Some(A), &[]);
    trace.held(10);
    let refusal = trace.sign(B, |peer| peer.refusal(request.deal(), Code::HoldOver));
    trace.pass(B, &refusal);
    trace.expect_nothing();
}
