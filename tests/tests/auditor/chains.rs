//! Chains by hand, of three nodes: what losses and lapses may leave of them passes.

use omni_protocol::{
    bundle::{ArmReceipt, BundleBody, Lapse, Leg, Manifest, chain::passed_on},
    code::Code,
    fence::List,
    hash::{DealId, PassedOn},
    ledger::Payload,
    record::Signed,
    slot,
    thread::{Chain, Change, ChangeWhat, CoLegs, Hold, HoldTerms, LegName, Request, ThreadBody},
    value::Time,
};
use omni_tests::{
    auditor::{Check, Finding, audit},
    market::{amendment, chained, network},
    observation::{Moment, Observation, StoredStock},
};

use crate::{
    bundles::member,
    trace::{A, B, C, Paper, Trace, terms},
};

const HOLD_MS: u64 = 600_000;
/// By so much more than an upper one a lower hold lasts.
const MARGIN_MS: u64 = 150_000;
const PATIENCE_MS: u64 = 60_000;

fn request_of(paper: &Paper) -> Request {
    request_in(&Signed::read(&network(), &*paper.bytes).unwrap())
}

fn request_in(record: &Signed<ThreadBody>) -> Request {
    match record.body() {
        ThreadBody::Request(request) => (**request).clone(),
        other => panic!("{other:?}"),
    }
}

/// One asks another for two pieces, for what it provides itself where that is given.
fn asked((from, to): (usize, usize), rests: Option<DealId>, trace: &mut Trace) -> Paper {
    trace.talk = [from, to];
    let request = trace.sign(from, |peer| {
        peer.thread = None;
        let terms = match rests {
            Some(_) => chained("A", 1000, 2),
            None => terms(2),
        };
        let received = peer.request(terms, 60, None);
        let mut request = request_in(&received.record);
        request.chain = rests.map(|id| Chain { id, depth: 1 });
        peer.sign(ThreadBody::Request(Box::new(request)))
    });
    trace.pass(from, &request);
    request
}

/// The hold for what was asked, for so long.
fn held(
    (from, to): (usize, usize),
    (request, ms, passed_on): (&Paper, u64, Option<PassedOn>),
    trace: &mut Trace,
) -> Paper {
    trace.talk = [from, to];
    let hold = trace.sign(to, |peer| {
        let hold = Hold {
            header: peer.header(),
            deal: request.deal(),
            terms: request_of(request).terms.hash(),
            hold: HoldTerms {
                passed_on,
                co_legs: CoLegs::Any,
                patience_ms: PATIENCE_MS,
                ..HoldTerms::alone(Time::new(peer.ms + ms).unwrap())
            },
        };
        peer.sign(ThreadBody::Hold(hold))
    });
    trace.pass(to, &hold);
    hold
}

fn leg(member: u16, request: &Paper, hold: &Paper) -> Leg {
    Leg {
        member,
        deal: request.deal(),
        hold: hold.id,
        alternative: 0,
    }
}

/// The commitment of a hold to this deal.
fn commitment(part: &Paper) -> PassedOn {
    passed_on(request_of(part).header.salt, &[part.deal()])
}

/// A shows B, which fell back, its own records again and the Commit among them, in their order.
fn show_again(papers: &[&Paper], commit: &Paper, trace: &mut Trace) {
    for paper in papers {
        let shown = trace.again(A, paper);
        trace.arrive(B, &shown);
        if shown.id == commit.id {
            trace.take(B, &shown);
        } else {
            let recovered = Payload::Recovered(List::new([shown.id]).unwrap());
            trace.enter(B, recovered, Some(A), &[&shown]);
        }
    }
}

/// SPEC.md 21: what the one in the middle and its provider both lost nobody shows, and the one in the
/// middle bears what comes back of what it signed upstream.
#[test]
fn what_a_middle_partner_and_its_provider_both_lost_passes() {
    let mut trace = Trace::of(3);
    let above = asked((A, B), None, &mut trace);
    let before = [trace.nodes[B].sequence, trace.nodes[C].sequence];
    let part = asked((B, C), Some(above.deal()), &mut trace);
    let below = held((B, C), (&part, HOLD_MS + 2 * MARGIN_MS, None), &mut trace);
    let on = Some(commitment(&part));
    let hold = held((A, B), (&above, HOLD_MS, on), &mut trace);
    let commit = trace.sign(A, |peer| peer.commit(above.deal(), hold.id, 0));
    trace.pass(A, &commit);
    trace.talk = [B, C];
    let bound = trace.sign(B, |peer| peer.commit(part.deal(), below.id, 0));
    trace.pass(B, &bound);
    let sold = trace.sign(C, |peer| peer.receipt(part.deal(), bound.id, 0));
    trace.pass(C, &sold);
    trace.talk = [A, B];
    let receipt = trace.sign(B, |peer| peer.receipt(above.deal(), commit.id, 0));
    trace.pass(B, &receipt);
    trace.restore(B, before[0]);
    trace.restore(C, before[1]);
    show_again(&[&hold, &commit, &receipt], &commit, &mut trace);
    trace.quiet();
    trace.expect_nothing();
}

/// So too where it signed nothing yet for the Commit from above: whoever committed may wait until the
/// hold is over, and no longer than that and what all may wait.
#[test]
fn what_both_lost_is_waited_for_until_the_hold_is_over() {
    for (after_ms, passes) in [(1_000, true), (PATIENCE_MS + 1_000, false)] {
        let mut trace = Trace::of(3);
        let above = asked((A, B), None, &mut trace);
        let before = [trace.nodes[B].sequence, trace.nodes[C].sequence];
        let part = asked((B, C), Some(above.deal()), &mut trace);
        held((B, C), (&part, HOLD_MS + 2 * MARGIN_MS, None), &mut trace);
        let on = Some(commitment(&part));
        let hold = held((A, B), (&above, HOLD_MS, on), &mut trace);
        trace.restore(B, before[0]);
        trace.restore(C, before[1]);
        trace.talk = [A, B];
        trace.run.push(Observation::Healed { at_ms: trace.ms });
        let commit = trace.sign(A, |peer| peer.commit(above.deal(), hold.id, 0));
        trace.run.push(Observation::Quiet { at_ms: trace.ms });
        trace.ms += HOLD_MS + after_ms;
        show_again(&[&hold, &commit], &commit, &mut trace);
        let refusal = trace.sign(B, |peer| peer.refusal(above.deal(), Code::HoldOver));
        trace.pass(B, &refusal);
        if passes {
            trace.expect_nothing();
        } else {
            trace.expect(Check::Doubt, &["in doubt for", "while nothing failed"]);
        }
    }
}

/// A Manifest of these legs, that of a part where a leg of a whole is given, with each of its members.
fn committed(
    members: &[usize],
    (legs, whole): (Vec<Leg>, Option<LegName>),
    trace: &mut Trace,
) -> Paper {
    let author = members[0];
    let named = members.iter().map(|node| member(trace.partner(*node)));
    let named = List::new(named.collect::<Vec<_>>()).unwrap();
    let manifest = trace.make(author, |peer| {
        (peer.to, peer.thread) = (peer.identity.partner, None);
        let (header, legs) = (peer.header(), List::new(legs).unwrap());
        let manifest = match whole {
            Some(whole) => Manifest::of_parts(header, whole, named, legs),
            None => Manifest::new(header, named, legs, None),
        };
        let manifest = Box::new(manifest.unwrap());
        peer.sign(ThreadBody::Bundle(BundleBody::Manifest(manifest)))
    });
    let signed = Payload::Signed(List::new([manifest.id]).unwrap());
    trace.enter(author, signed, None, &[&manifest]);
    for provider in &members[1..] {
        trace.talk = [author, *provider];
        let sent = trace.again(author, &manifest);
        trace.pass(author, &sent);
    }
    manifest
}

/// What one says of its leg to another.
fn said(
    (from, to): (usize, usize),
    (manifest, deal, number): (&Paper, DealId, u16),
    lapses: bool,
    trace: &mut Trace,
) -> Paper {
    trace.talk = [from, to];
    let leg = LegName {
        manifest: manifest.id.into(),
        number,
    };
    let said = trace.sign(from, |peer| {
        peer.thread = Some(manifest.id.into());
        let header = peer.header();
        let body = if lapses {
            BundleBody::Lapse(Lapse { header, deal, leg })
        } else {
            BundleBody::ArmReceipt(ArmReceipt { header, deal, leg })
        };
        peer.sign(ThreadBody::Bundle(body))
    });
    trace.pass(from, &said);
    said
}

/// SPEC.md 20 and 21: an `ArmReceipt` counts though its leg lapsed, so the certificate of a whole of which
/// all legs did binds the parts.
#[test]
fn a_part_of_a_whole_of_which_all_legs_lapsed_passes() {
    let mut trace = Trace::of(3);
    let mut legs = Vec::new();
    for (member, provider) in [(1, B), (2, C)] {
        let request = asked((A, provider), None, &mut trace);
        let hold = held((A, provider), (&request, HOLD_MS, None), &mut trace);
        legs.push(leg(member, &request, &hold));
    }
    let [first, second] = [legs[0].deal, legs[1].deal];
    let whole = committed(&[A, B, C], (legs, None), &mut trace);
    let part = asked((B, C), Some(first), &mut trace);
    let hold = held((B, C), (&part, HOLD_MS, None), &mut trace);
    let name = LegName {
        manifest: whole.id.into(),
        number: 0,
    };
    let parts = committed(
        &[B, C],
        (vec![leg(1, &part, &hold)], Some(name)),
        &mut trace,
    );
    said((C, B), (&parts, part.deal(), 0), false, &mut trace);
    let armed = [
        said((B, A), (&whole, first, 0), false, &mut trace),
        said((C, A), (&whole, second, 1), false, &mut trace),
    ];
    trace.ms += PATIENCE_MS;
    said((B, A), (&whole, first, 0), true, &mut trace);
    said((C, A), (&whole, second, 1), true, &mut trace);
    trace.talk = [B, C];
    for (from, armed) in [B, C].into_iter().zip(&armed) {
        let armed = trace.again(from, armed);
        trace.pass(from, &armed);
    }
    trace.quiet();
    trace.expect_nothing();
}

/// A leg of two pieces that B sold: it lost the hold, which was passed on, and not what tells that a
/// part was asked for.
fn sold_without_its_hold(trace: &mut Trace) -> Paper {
    let above = asked((A, B), None, trace);
    let part = asked((B, C), Some(above.deal()), trace);
    let before = trace.nodes[B].sequence;
    held((B, C), (&part, HOLD_MS + MARGIN_MS, None), trace);
    let on = Some(commitment(&part));
    let hold = held((A, B), (&above, HOLD_MS, on), trace);
    let beside = asked((A, C), None, trace);
    let other = held((A, C), (&beside, HOLD_MS, None), trace);
    let legs = vec![leg(1, &above, &hold), leg(2, &beside, &other)];
    let whole = committed(&[A, B, C], (legs, None), trace);
    let armed = said((B, A), (&whole, above.deal(), 0), false, trace);
    let beside = said((C, A), (&whole, beside.deal(), 1), false, trace);
    trace.restore(B, before);
    trace.talk = [A, B];
    trace.take(B, &whole);
    let recovered = Payload::Recovered(List::new([armed.id]).unwrap());
    trace.enter(B, recovered, Some(A), &[&armed]);
    trace.talk = [B, C];
    trace.take(B, &beside);
    above
}

/// Whether nothing is found about stock where B has stored that so much of ten is held and sold.
fn is_right_stock(trace: &Trace, held: u64, sold: u64) -> bool {
    let subject = slot::subject(&"A".parse().unwrap(), &"".parse().unwrap());
    let mut seen = trace.run.clone();
    seen.push(Observation::Stored {
        node: B,
        moment: Moment::Quiet,
        deals: vec![],
        stock: vec![StoredStock {
            subject: *subject.as_bytes(),
            begins: None,
            counted: 10,
            held,
            sold,
        }],
        accounts: vec![],
        questions: 0,
    });
    let found: Vec<String> = audit(&seen).iter().map(Finding::to_string).collect();
    !found.iter().any(|finding| finding.contains("Stock {"))
}

/// SPEC.md 20: of a leg whose hold its provider lost, a part that was asked for tells that what it takes
/// is not on the own shelf.
#[test]
fn a_leg_without_its_hold_that_rests_on_a_part_takes_no_stock() {
    let mut trace = Trace::of(3);
    sold_without_its_hold(&mut trace);
    assert!(is_right_stock(&trace, 0, 0));
    assert!(!is_right_stock(&trace, 0, 2));
}

/// SPEC.md 13: nor do changes of its order, while they are held and when they are agreed.
#[test]
fn a_change_of_what_was_sold_without_its_hold_moves_no_stock() {
    let mut trace = Trace::of(3);
    let order = sold_without_its_hold(&mut trace).deal();
    trace.talk = [A, B];
    let what = ChangeWhat::Amend;
    let (version, lines) = (1, [("A", 1000, 3)]);
    let on = Change {
        order,
        version,
        what,
    };
    let more = amendment(&terms(2), &lines, 0, on);
    let hash = more.hash();
    let request = trace.sign(A, |peer| peer.request(more, 60, None));
    trace.pass(A, &request);
    let hold = trace.sign(B, |peer| peer.hold(request.deal(), hash, 10));
    trace.pass(B, &hold);
    assert!(is_right_stock(&trace, 0, 0));
    assert!(!is_right_stock(&trace, 1, 0));
    let commit = trace.sign(A, |peer| peer.commit(request.deal(), hold.id, 0));
    trace.pass(A, &commit);
    let receipt = trace.sign(B, |peer| peer.receipt(request.deal(), commit.id, 0));
    trace.pass(B, &receipt);
    assert!(is_right_stock(&trace, 0, 0));
    assert!(!is_right_stock(&trace, 0, 1));
}
