//! Bundles by hand, of two legs of one provider: what honest members do passes, and what nobody may
//! do is found, by the check that is for it.

use omni_protocol::{
    bundle::{ArmReceipt, BundleBody, Lapse, Leg, Manifest, Member},
    code::Code,
    fence::List,
    hash::{DealId, PartnerId},
    ledger::Payload,
    machine::Received,
    thread::{AtFault, CoLegs, Hold, HoldTerms, LegName, Refusal, ThreadBody},
    value::Time,
};
use omni_tests::{auditor::Check, market::Peer, observation::Observation};

use crate::trace::{A, B, Paper, Trace, short, terms};

/// How long the holds last, and how long their legs wait once they armed.
const HOLD_MS: u64 = 600_000;
const PATIENCE_MS: u64 = 60_000;

/// A Manifest that the provider took, and the deals of its legs.
struct Bundle {
    manifest: Paper,
    deals: [DealId; 2],
}

impl Bundle {
    /// Both legs are held for whom the word says, and committed.
    fn committed(trace: &mut Trace, co_legs: CoLegs, last: Option<u16>) -> Self {
        let mut legs = Vec::new();
        for _ in 0..2 {
            let request = trace.request(2);
            let hold = trace.sign(B, |peer| {
                let hold = Hold {
                    header: peer.header(),
                    deal: request.deal(),
                    terms: terms(2).hash(),
                    hold: HoldTerms {
                        co_legs,
                        patience_ms: PATIENCE_MS,
                        ..HoldTerms::alone(Time::new(peer.ms + HOLD_MS).unwrap())
                    },
                };
                peer.sign(ThreadBody::Hold(hold))
            });
            trace.pass(B, &hold);
            legs.push(Leg {
                member: 1,
                deal: request.deal(),
                hold: hold.id,
                alternative: 0,
            });
        }
        let deals = [legs[0].deal, legs[1].deal];
        let members = [A, B].map(|node| member(trace.partner(node)));
        let manifest = trace.make(A, |peer| {
            (peer.to, peer.thread) = (peer.identity.partner, None);
            let (members, legs) = (List::new(members).unwrap(), List::new(legs).unwrap());
            let manifest = Manifest::new(peer.header(), members, legs, last).unwrap();
            peer.sign(ThreadBody::Bundle(BundleBody::Manifest(Box::new(manifest))))
        });
        let signed = Payload::Signed(List::new([manifest.id]).unwrap());
        trace.enter(A, signed, None, &[&manifest]);
        trace.pass(A, &manifest);
        Self { manifest, deals }
    }

    fn said(
        &self,
        trace: &mut Trace,
        number: u16,
        say: impl FnOnce(&mut Peer, DealId, LegName) -> Received,
    ) -> Paper {
        let deal = self.deals[usize::from(number)];
        let manifest = self.manifest.id.into();
        trace.sign(B, |peer| {
            peer.thread = Some(self.manifest.id.into());
            say(peer, deal, LegName { manifest, number })
        })
    }

    fn arms(&self, trace: &mut Trace, number: u16) -> Paper {
        self.said(trace, number, |peer, deal, leg| {
            let header = peer.header();
            let armed = ArmReceipt { header, deal, leg };
            peer.sign(ThreadBody::Bundle(BundleBody::ArmReceipt(armed)))
        })
    }

    fn lapses(&self, trace: &mut Trace, number: u16) -> Paper {
        self.said(trace, number, |peer, deal, leg| {
            let header = peer.header();
            let lapse = Lapse { header, deal, leg };
            peer.sign(ThreadBody::Bundle(BundleBody::Lapse(lapse)))
        })
    }

    fn refuses(&self, trace: &mut Trace, number: u16, code: Code) -> Paper {
        self.said(trace, number, |peer, deal, leg| {
            let refusal = Refusal {
                header: peer.header(),
                deal,
                code,
                fault: AtFault::of(code),
                leg: Some(leg),
            };
            peer.sign(ThreadBody::Refusal(refusal))
        })
    }
}

pub fn member(partner: PartnerId) -> Member {
    Member {
        partner,
        keys: List::default(),
        addresses: List::default(),
        mailboxes: List::default(),
    }
}

/// Both legs arm, and the requester has both `ArmReceipt`s.
fn agreed(trace: &mut Trace, last: Option<u16>) -> Bundle {
    let bundle = Bundle::committed(trace, CoLegs::Any, last);
    for number in [1, 0] {
        let armed = bundle.arms(trace, number);
        trace.pass(B, &armed);
    }
    bundle
}

#[test]
fn a_bundle_that_is_agreed_passes() {
    for last in [None, Some(0)] {
        let mut trace = Trace::new();
        agreed(&mut trace, last);
        trace.quiet();
        trace.expect_nothing();
    }
}

#[test]
fn a_bundle_that_is_refused_passes() {
    let mut trace = Trace::new();
    let bundle = Bundle::committed(&mut trace, CoLegs::Known, None);
    let armed = bundle.arms(&mut trace, 0);
    trace.pass(B, &armed);
    let refusal = bundle.refuses(&mut trace, 1, Code::CoLegsRefused);
    trace.pass(B, &refusal);
    // Its units are free again.
    trace.held(10);
    trace.quiet();
    trace.expect_nothing();
}

#[test]
fn a_leg_that_lapses_in_time_passes() {
    let mut trace = Trace::new();
    let bundle = Bundle::committed(&mut trace, CoLegs::Any, None);
    let armed = bundle.arms(&mut trace, 0);
    trace.ms += PATIENCE_MS;
    let lapse = bundle.lapses(&mut trace, 0);
    // The other leg arms all the same, and is agreed.
    let other = bundle.arms(&mut trace, 1);
    for paper in [armed, lapse, other] {
        trace.pass(B, &paper);
    }
    trace.quiet();
    trace.expect_nothing();
}

/// Its provider lost that the leg lapsed, and the bundle is aborted meanwhile.
#[test]
fn a_lapse_that_comes_back_after_the_abort_changes_nothing() {
    let mut trace = Trace::new();
    let bundle = Bundle::committed(&mut trace, CoLegs::Any, None);
    let armed = bundle.arms(&mut trace, 0);
    trace.pass(B, &armed);
    trace.ms += PATIENCE_MS;
    let before = trace.nodes[B].sequence;
    let lapse = bundle.lapses(&mut trace, 0);
    trace.pass(B, &lapse);
    trace.restore(B, before);
    trace.ms += HOLD_MS;
    let refusal = bundle.refuses(&mut trace, 1, Code::HoldOver);
    trace.pass(B, &refusal);
    let recovered = Payload::Recovered(List::new([lapse.id]).unwrap());
    trace.enter(B, recovered, Some(A), &[&lapse]);
    if let Some(Observation::Synced { deals, .. }) = trace.run.last_mut() {
        deals.push((*bundle.deals[0].as_bytes(), "refused"));
    }
    trace.expect_nothing();
}

type Say = fn(&Bundle, &mut Trace);

/// Which leg arms last, for whom the holds wait, what is said then, and what is found.
const WRONG: [(Option<u16>, CoLegs, Say, Check, &str); 9] = [
    (
        None,
        CoLegs::Any,
        |bundle, trace| {
            bundle.arms(trace, 0);
            bundle.arms(trace, 0);
        },
        Check::Twice,
        "a leg arms a second time",
    ),
    (
        None,
        CoLegs::Any,
        |bundle, trace| {
            bundle.arms(trace, 0);
            trace.ms += HOLD_MS + 1;
            bundle.refuses(trace, 0, Code::HoldOver);
        },
        Check::Twice,
        "an armed leg refuses",
    ),
    (
        None,
        CoLegs::Any,
        |bundle, trace| {
            bundle.arms(trace, 0);
            trace.ms += HOLD_MS + 1;
            bundle.refuses(trace, 0, Code::HoldOver);
        },
        Check::Contradiction,
        "a leg armed and refused",
    ),
    (
        None,
        CoLegs::Any,
        |bundle, trace| {
            bundle.refuses(trace, 0, Code::HoldOver);
        },
        Check::Hold,
        "a leg refuses whose hold stands",
    ),
    (
        None,
        CoLegs::Any,
        |bundle, trace| {
            trace.ms += HOLD_MS + 1;
            bundle.arms(trace, 0);
        },
        Check::Hold,
        "a leg arms after the end of its hold",
    ),
    (
        None,
        CoLegs::None,
        |bundle, trace| {
            bundle.arms(trace, 0);
        },
        Check::Hold,
        "a leg arms whose hold waits for nobody",
    ),
    (
        Some(0),
        CoLegs::Any,
        |bundle, trace| {
            bundle.arms(trace, 0);
        },
        Check::Certificate,
        "the leg that arms last arms before the others",
    ),
    (
        None,
        CoLegs::Any,
        |bundle, trace| {
            bundle.arms(trace, 0);
            trace.ms += PATIENCE_MS - 1;
            bundle.lapses(trace, 0);
        },
        Check::Hold,
        "a leg lapses before its patience is over",
    ),
    (
        None,
        CoLegs::Any,
        |bundle, trace| {
            trace.ms += PATIENCE_MS;
            bundle.lapses(trace, 0);
        },
        Check::Hold,
        "a leg lapses that is not armed",
    ),
];

#[test]
fn what_no_leg_may_say_is_found() {
    for (last, co_legs, say, check, why) in WRONG {
        let mut trace = Trace::new();
        let bundle = Bundle::committed(&mut trace, co_legs, last);
        say(&bundle, &mut trace);
        trace.expect(check, &["node 1", &short(bundle.manifest.id), why]);
    }
}

#[test]
fn a_leg_that_ends_without_the_whole_certificate_is_found() {
    for state in ["sold", "refused"] {
        let mut trace = Trace::new();
        let bundle = Bundle::committed(&mut trace, CoLegs::Any, None);
        bundle.arms(&mut trace, 0);
        if let Some(Observation::Synced { deals, .. }) = trace.run.last_mut() {
            deals.push((*bundle.deals[0].as_bytes(), state));
        }
        let why = format!("it becomes {state}, and the entries give armed");
        trace.expect(Check::Certificate, &["node 1, entry 0/7", &why]);
    }
}

#[test]
fn a_bundle_of_which_a_part_is_kept_is_found() {
    let mut trace = Trace::new();
    let bundle = agreed(&mut trace, None);
    // The provider loses that it armed, and refuses one leg.
    let before = trace.nodes[B].sequence - 2;
    trace.restore(B, before);
    trace.ms += HOLD_MS + 1;
    bundle.refuses(&mut trace, 0, Code::HoldOver);
    trace.quiet();
    let why = "it is refused, and its bundle is agreed";
    trace.expect(Check::Together, &["node 1", why]);
}

#[test]
fn a_bundle_that_nothing_ends_is_found() {
    let mut trace = Trace::new();
    let bundle = Bundle::committed(&mut trace, CoLegs::Any, None);
    bundle.arms(&mut trace, 0);
    trace.quiet();
    let words = ["node 1", "nothing ended its bundle, and it is armed"];
    trace.expect(Check::Doubt, &words);
}
