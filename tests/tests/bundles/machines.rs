//! Bundles between production machines: what befalls the members, and how all of them end.

use omni_protocol::{
    bundle::BundleBody,
    code::Code,
    hash::{BundleId, DealId},
    machine::{Bundle, Bundling, Draft, Input, Received, Verb, Verdict, bundle_id},
    thread::ThreadBody,
};
use omni_tests::market::Node;

use omni_tests::party::{MINUTE_MS, Party, made};

/// All legs ended like this at both sides, nothing is held or in doubt, and nobody asks any more.
#[track_caller]
fn ended(party: &mut Party, deals: &[DealId], legs: &[usize], agreed: bool) {
    party.settle();
    let expected = if agreed {
        ("agreed", "sold")
    } else {
        ("aborted", "refused")
    };
    assert_eq!(party.states(deals, legs), vec![expected; legs.len()]);
    for leg in legs {
        let stock = party.stock(*leg);
        assert_eq!(stock.held, 0, "held at {leg}");
        assert_eq!(stock.sold, u64::from(agreed), "sold at {leg}");
        let (here, there) = (party.account(0, *leg), party.account(*leg, 0));
        assert_eq!(here.doubt.get(), 0, "in doubt at {leg}");
        assert_eq!(there.held.get(), 0, "held of {leg}");
        assert_eq!(here.payable, there.receivable, "owed to {leg}");
    }
    for at in 0..party.nodes.len() {
        assert_eq!(party.questions(at), [""; 0], "asked by {at}");
    }
    party.verify();
}

/// The provider's word that it waits no longer.
fn lapse(deal: DealId) -> Verb {
    Verb::Bundle(Bundling::Lapse { deal })
}

fn is_lapse(received: &Received) -> bool {
    let body = received.record.body();
    matches!(body, ThreadBody::Bundle(BundleBody::Lapse(_)))
}

/// A kill between the two would leave a hold that nobody gives back.
#[test]
fn a_leg_is_asked_for_and_taken_in_at_once_or_not_at_all() {
    let mut party = Party::of(3);
    let name = "kitchen".parse().unwrap();
    let bundle = bundle_id(&name);
    let ask = |party: &mut Party, of: BundleId| {
        let requesting = Box::new(party.requesting(1, 1));
        party.word(Bundling::Ask {
            bundle: of,
            requesting,
            after: Vec::new(),
        })
    };
    assert_eq!(ask(&mut party, bundle), Verdict::Refused(Code::DealUnknown));
    assert_eq!(party.questions(0), [""; 0]);
    assert_eq!(
        party.word(Bundling::New {
            name,
            changes: None,
        }),
        Verdict::Done
    );
    let deals = [
        made(&ask(&mut party, bundle)),
        made(&ask(&mut party, bundle)),
    ];
    // Of one partner a bundle has two legs at most.
    assert_eq!(ask(&mut party, bundle), Verdict::Refused(Code::TooLarge));
    assert_eq!(party.questions(0).len(), 2);
    let draft = Draft::read(&party.nodes[0].store, bundle).unwrap();
    let legs: Vec<_> = draft.legs.iter().map(|leg| leg.deal).collect();
    assert_eq!(legs, deals);
}

#[test]
fn all_legs_arm_and_are_agreed() {
    for legs in [&[1, 2][..], &[1, 2, 3], &[1, 2, 3, 2]] {
        let mut party = Party::of(4);
        party.settle();
        let (bundle, deals) = party.collect(legs);
        assert!(matches!(party.commit(bundle), Verdict::Made(_)));
        party.settle();
        let states = party.states(&deals, legs);
        assert!(
            states.iter().all(|state| *state == ("agreed", "sold")),
            "{states:?}"
        );
        if legs.len() < 4 {
            ended(&mut party, &deals, legs, true);
        } else {
            party.verify();
        }
        assert_eq!(party.commit(bundle), Verdict::Refused(Code::InDoubt));
    }
}

/// As many as a deal of one firm: Request, Hold, Manifest, `ArmReceipt`, the last to all at once.
#[test]
fn a_bundle_is_agreed_everywhere_after_two_round_trips() {
    for legs in [&[1, 2][..], &[1, 2, 3], &[1, 2, 3, 4]] {
        let mut party = Party::of(legs.len() + 1);
        party.settle();
        let deals: Vec<_> = legs.iter().map(|leg| party.request(*leg, 1)).collect();
        party.round();
        party.round();
        let bundle = party.draft(&deals);
        assert!(matches!(party.commit(bundle), Verdict::Made(_)));
        party.round();
        party.round();
        let expected = vec![("agreed", "sold"); legs.len()];
        assert_eq!(party.states(&deals, legs), expected);
    }
}

#[test]
fn one_hold_that_is_over_ends_all_legs() {
    let legs = [1, 2, 3];
    let mut party = Party::of(4);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    // The clock of the second provider runs ahead, beyond the end of its hold.
    party.nodes[2].ms += 16 * MINUTE_MS;
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    ended(&mut party, &deals, &legs, false);
}

#[test]
fn a_leg_that_sleeps_is_waited_for() {
    let legs = [1, 2, 3];
    let mut party = Party::of(4);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    party.cut_off(3);
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    party.settle();
    let states = party.states(&deals, &legs);
    assert_eq!(
        states,
        [("doubt", "armed"), ("doubt", "armed"), ("doubt", "held")]
    );
    // Armed holds do not end by time.
    party.wait(10 * MINUTE_MS);
    for deal in &deals {
        let cancel = Verb::Cancel { deal: *deal };
        assert_eq!(party.verb(0, cancel), Verdict::Refused(Code::InDoubt));
    }
    party.connect_all();
    ended(&mut party, &deals, &legs, true);
}

#[test]
fn a_leg_that_wakes_too_late_aborts() {
    let legs = [1, 2, 3];
    let mut party = Party::of(4);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    party.cut_off(3);
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    party.settle();
    party.wait(30 * MINUTE_MS);
    let states = party.states(&deals[..2], &legs[..2]);
    assert_eq!(states, [("doubt", "armed"); 2]);
    party.connect_all();
    ended(&mut party, &deals, &legs, false);
}

#[test]
fn the_members_end_it_without_the_requester() {
    let legs = [1, 2, 3];
    let mut party = Party::of(4);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    party.disconnect(0, 2);
    party.disconnect(0, 3);
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    // Only the first provider hears of it, then the requester is gone.
    while let Some(mail) = party.mail.pop_front() {
        let is_for_one = (mail.from, mail.to) == (0, 1);
        party.deliver(mail);
        if is_for_one {
            break;
        }
    }
    party.cut_off(0);
    party.settle();
    for (deal, leg) in deals.iter().zip(legs) {
        assert_eq!(party.state(leg, *deal), "sold", "at {leg}");
    }
    assert_eq!(party.state(0, deals[0]), "doubt");
    party.connect_all();
    ended(&mut party, &deals, &legs, true);
}

#[test]
fn one_leg_arms_last() {
    for sleeping in [false, true] {
        let legs = [1, 2, 3];
        let mut party = Party::of(4);
        // The providers don't reach each other.
        for (one, other) in [(1, 2), (1, 3), (2, 3)] {
            party.disconnect(one, other);
        }
        party.settle();
        let (bundle, deals) = party.collect(&legs);
        let last = Bundling::Last {
            bundle,
            deal: Some(deals[1]),
        };
        assert_eq!(party.word(last), Verdict::Done);
        if sleeping {
            party.cut_off(3);
        }
        assert!(matches!(party.commit(bundle), Verdict::Made(_)));
        party.settle();
        if sleeping {
            let states = party.states(&deals, &legs);
            assert_eq!(
                states,
                [("doubt", "armed"), ("doubt", "waiting"), ("doubt", "held")]
            );
            party.wait(16 * MINUTE_MS);
            party.connect(0, 3);
        }
        ended(&mut party, &deals, &legs, !sleeping);
    }
}

#[test]
fn everybody_restarts_in_the_middle() {
    for node in 0..4 {
        let legs = [1, 2, 3];
        let mut party = Party::of(4);
        party.settle();
        let (bundle, deals) = party.collect(&legs);
        party.cut_off(3);
        assert!(matches!(party.commit(bundle), Verdict::Made(_)));
        party.settle();
        party.restart(node);
        party.connect_all();
        ended(&mut party, &deals, &legs, true);
    }
}

#[test]
fn an_armed_leg_lapses_when_its_patience_is_over() {
    let legs = [1, 2, 3];
    let mut party = Party::of(4);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    party.cut_off(3);
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    party.settle();
    assert_eq!(
        party.verb(1, lapse(deals[0])),
        Verdict::Refused(Code::PatienceRuns)
    );
    party.wait(10 * MINUTE_MS);
    assert_eq!(
        party.verb(1, lapse(deals[0])),
        Verdict::Refused(Code::PatienceRuns)
    );
    party.wait(51 * MINUTE_MS);
    assert!(matches!(party.verb(1, lapse(deals[0])), Verdict::Made(_)));
    party.settle();
    assert_eq!(party.state(1, deals[0]), "lapsed");
    assert_eq!(party.stock(1).held, 0);
    // Its ArmReceipt counts as before, but the hold of the third is over by now.
    party.connect_all();
    party.settle();
    assert_eq!(party.state(0, deals[0]), "aborted");
    assert_eq!(party.state(1, deals[0]), "lapsed");
    assert_eq!(party.state(2, deals[1]), "refused");
    party.verify();
}

#[test]
fn a_leg_that_lapsed_owes_nothing_in_an_agreed_bundle() {
    let legs = [1, 2];
    let mut party = Party::of(3);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    // The first arms and hears nothing more; the second arms, and A agrees.
    party.disconnect(1, 2);
    party.cut_off(2);
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    party.settle();
    party.cut_off(1);
    party.connect(0, 2);
    party.settle();
    assert_eq!(
        party.states(&deals, &legs),
        [("agreed", "armed"), ("agreed", "sold")]
    );
    party.nodes[1].ms += 61 * MINUTE_MS;
    // It has not met its requester in this life for long, but its greeting still counts.
    assert!(matches!(party.verb(1, lapse(deals[0])), Verdict::Made(_)));
    party.connect_all();
    party.settle();
    assert_eq!(
        party.states(&deals, &legs),
        [("aborted", "lapsed"), ("agreed", "sold")]
    );
    assert_eq!(party.account(0, 1).payable.get(), 0);
    assert_eq!(party.account(1, 0).receivable.get(), 0);
    for at in 0..3 {
        assert_eq!(party.questions(at), [""; 0], "asked by {at}");
    }
    party.verify();
}

#[test]
fn a_leg_that_lapsed_unheard_still_says_that_it_armed() {
    let legs = [1, 2];
    let mut party = Party::of(3);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    while let Some(mail) = party.mail.pop_front() {
        let is_asked = (mail.from, mail.to) == (0, 1);
        party.deliver(mail);
        if is_asked {
            party.cut_off(1);
        }
    }
    party.wait(61 * MINUTE_MS);
    assert!(matches!(party.verb(1, lapse(deals[0])), Verdict::Made(_)));
    party.connect_all();
    party.wait(2 * MINUTE_MS);
    assert_eq!(
        party.states(&deals, &legs),
        [("aborted", "lapsed"), ("agreed", "sold")]
    );
    for at in 0..3 {
        assert_eq!(party.questions(at), [""; 0], "asked by {at}");
    }
    party.verify();
}

/// A bundle that is agreed, of which the requester did not hear that the first leg armed, and what
/// `loser` kept at each step on the way.
fn agreed_behind_the_requester(legs: &[usize], loser: usize) -> (Party, Vec<DealId>, Vec<Node>) {
    let mut party = Party::of(legs.iter().max().unwrap() + 1);
    party.settle();
    let mut copies = Vec::new();
    let mut see = |party: &Party| copies.push(party.nodes[loser].clone());
    let (bundle, deals) = party.collect_seen(legs, &mut see);
    copies.push(party.nodes[loser].clone());
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    while let Some(mail) = party.mail.pop_front() {
        let is_asked = (mail.from, mail.to) == (0, 1);
        party.deliver(mail);
        copies.push(party.nodes[loser].clone());
        if is_asked {
            party.disconnect(0, 1);
        }
    }
    copies.dedup_by(|one, other| one.store == other.store);
    (party, deals, copies)
}

#[test]
fn i21_members_that_lost_data_are_shown_it() {
    members_that_lost_data_are_shown_it(&[1, 2, 3]);
}

/// Of the two legs of one firm each may come back before the other.
#[test]
fn i21_two_legs_of_one_firm_come_back_in_any_order() {
    members_that_lost_data_are_shown_it(&[1, 2, 1]);
}

fn members_that_lost_data_are_shown_it(legs: &[usize]) {
    let members = 0..=*legs.iter().max().unwrap();
    for loser in members.clone() {
        for met_first in members.clone().filter(|other| *other != loser) {
            let (before, deals, copies) = agreed_behind_the_requester(legs, loser);
            for (place, copy) in copies.into_iter().enumerate() {
                let context = format!("{loser} fell back to {place}, met {met_first} first");
                let mut party = before.clone();
                party.put_back(loser, copy);
                // The holds are over by now.
                party
                    .nodes
                    .iter_mut()
                    .for_each(|node| node.ms += 30 * MINUTE_MS);
                for (one, other) in party.pairs() {
                    if one != loser && other != loser {
                        party.connect(one, other);
                    }
                }
                party.settle();
                party.connect(loser, met_first);
                party.settle();
                party.open_epochs();
                party.wait(MINUTE_MS);
                party.meet_again();
                let states = party.states(&deals, legs);
                assert_eq!(states, [("agreed", "sold"); 3], "{context}");
                for at in 0..party.nodes.len() {
                    assert_eq!(party.questions(at), [""; 0], "asked by {at}: {context}");
                }
                party.verify();
            }
        }
    }
}

/// Its Lapse was lost, and it is agreed before the requester shows it.
#[test]
fn a_lapse_that_comes_back_ends_what_was_agreed_since() {
    let legs = [1, 2];
    let mut party = Party::of(3);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    party.disconnect(1, 2);
    party.cut_off(2);
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    party.settle();
    let armed = party.nodes[1].clone();
    party.nodes[1].ms += 61 * MINUTE_MS;
    assert!(matches!(party.verb(1, lapse(deals[0])), Verdict::Made(_)));
    party.settle();
    party.put_back(1, armed);
    party.connect(1, 2);
    party.settle();
    assert_eq!(party.state(1, deals[0]), "sold");
    party.meet_again();
    assert_eq!(
        party.states(&deals, &legs),
        [("aborted", "lapsed"), ("agreed", "sold")]
    );
    assert_eq!(party.account(1, 0).receivable.get(), 0);
    assert_eq!((party.stock(1).held, party.stock(1).sold), (0, 0));
    party.verify();
}

/// What its requester shows it is lost while the session lasts.
#[test]
fn a_lapse_that_its_provider_lost_is_shown_until_it_is_stored() {
    let legs = [1, 2];
    let mut party = Party::of(3);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    party.cut_off(2);
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    party.settle();
    let armed = party.nodes[1].clone();
    party.nodes[1].ms += 61 * MINUTE_MS;
    assert!(matches!(party.verb(1, lapse(deals[0])), Verdict::Made(_)));
    party.settle();
    party.put_back(1, armed);
    party.connect(0, 1);
    party.settle();
    party.put(1, Input::OpenEpoch);
    party.settle_without(is_lapse);
    assert_eq!(party.state(1, deals[0]), "armed");
    party.meet_again();
    assert_eq!(
        party.states(&deals, &legs),
        [("aborted", "lapsed"), ("agreed", "sold")]
    );
    party.verify();
}

/// A requester that lost it asks, and what it is answered is lost while the session lasts.
#[test]
fn a_lapse_that_its_requester_lost_is_told_again_until_it_is_stored() {
    let legs = [1, 2];
    let mut party = Party::of(3);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    party.cut_off(2);
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    party.settle();
    let before = party.nodes[0].clone();
    party.nodes[1].ms += 61 * MINUTE_MS;
    assert!(matches!(party.verb(1, lapse(deals[0])), Verdict::Made(_)));
    party.settle();
    party.put_back(0, before);
    party.go_on(0);
    party.connect(0, 1);
    party.settle();
    party.put(0, Input::OpenEpoch);
    party.settle_without(is_lapse);
    party.wait(MINUTE_MS);
    party.cut_off(1);
    party.connect(0, 2);
    party.settle();
    assert_eq!(party.state(0, deals[0]), "aborted");
    party.meet_again();
    assert_eq!(
        party.states(&deals, &legs),
        [("aborted", "lapsed"), ("agreed", "sold")]
    );
    party.verify();
}

/// Of two legs of one firm one is shown that it armed, and the other, of which nobody heard, refuses.
#[test]
fn i20_a_leg_that_is_shown_that_it_armed_does_not_refuse() {
    let legs = [1, 2, 1];
    let mut party = Party::of(3);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    let before = party.nodes[1].clone();
    party.cut_off(2);
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    party.settle_without(|received| {
        let body = received.record.body();
        matches!(body, ThreadBody::Bundle(BundleBody::ArmReceipt(armed)) if armed.deal == deals[0])
    });
    party.put_back(1, before);
    party.nodes[1].ms += 30 * MINUTE_MS;
    party.meet_again();
    assert_eq!(party.states(&deals, &legs), [("aborted", "refused"); 3]);
    for node in &party.nodes {
        let manifest = Draft::read(&party.nodes[0].store, bundle).unwrap().manifest;
        let known = Bundle::read(&node.store, manifest.unwrap()).unwrap();
        let mut legs = known.legs.iter();
        assert!(legs.all(|leg| leg.armed.is_none() || leg.refused.is_none()));
    }
    party.verify();
}

#[test]
fn what_is_collected_is_given_back_or_written_off() {
    let legs = [1, 2];
    let mut party = Party::of(3);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    let thread = omni_protocol::deal::Deal::read(&party.nodes[0].store, deals[0])
        .unwrap()
        .thread;
    let accept = Verb::Accept {
        thread,
        alternative: 0,
    };
    assert_eq!(party.verb(0, accept), Verdict::Refused(Code::OtherManifest));
    assert!(matches!(
        party.word(Bundling::Cancel { bundle }),
        Verdict::Made(_)
    ));
    ended(&mut party, &deals, &legs, false);

    let mut party = Party::of(3);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    party.cut_off(2);
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    party.settle();
    let cancel = party.word(Bundling::Cancel { bundle });
    assert_eq!(cancel, Verdict::Refused(Code::InDoubt));
    assert_eq!(party.word(Bundling::WriteOff { bundle }), Verdict::Done);
    assert_eq!(
        party.states(&deals, &legs),
        [("written", "armed"), ("written", "held")]
    );
    assert_eq!(party.account(0, 1).doubt.get(), 0);
    party.connect_all();
    ended(&mut party, &deals, &legs, true);
}
