//! Bundles of which a member fell back before any answer arrived: whoever knows more shows it.

use omni_protocol::{
    deal::Deal,
    hash::DealId,
    machine::{Bundle, Input, Key, Received, Verb, Verdict, deal_below},
};
use omni_tests::{
    market::{Node, network},
    party::{MINUTE_MS, Party, What, made},
};

use crate::chains::Line;

/// What the requester sent arrives, and nothing of what it is answered.
/// Given with it is how all stood before. The first provider's clock is ahead by this.
fn asked_to_arm(legs: &[usize], ahead_ms: u64) -> (Party, Vec<DealId>, Vec<Node>) {
    let mut party = Party::of(legs.len() + 1);
    party.settle();
    let (bundle, deals) = party.collect(legs);
    party.nodes[1].ms += ahead_ms;
    let before = party.nodes.clone();
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    party.round();
    (party, deals, before)
}

/// The same of two legs, and the requester falls back to before its Manifest.
fn fallen(ahead_ms: u64) -> (Party, Vec<DealId>, Vec<Node>) {
    let (mut party, deals, before) = asked_to_arm(&[1, 2], ahead_ms);
    party.cut_off(0);
    party.settle();
    party.put_back(0, before[0].clone());
    (party, deals, before)
}

fn is_recovering(party: &Party, node: usize) -> bool {
    party.nodes[node].store.0.contains_key(&Key::Recovery {})
}

/// Its ledger went on from an old copy, and is as long as what others saw of it.
#[test]
fn i21_a_requester_that_went_on_without_its_manifest_is_shown_it() {
    let (mut party, deals, _) = fallen(0);
    party.go_on(0);
    party.connect(0, 1);
    party.settle();
    assert!(is_recovering(&party, 0));
    party.meet_again();
    assert_eq!(party.states(&deals, &[1, 2]), [("agreed", "sold"); 2]);
    party.verify();
}

/// Its ledger is as long as what was seen of it by the entry alone that began its life. What it is
/// shown in that life is lost, and in the next its ledger is longer.
#[test]
fn i21_a_fall_that_a_new_life_hides_is_shown() {
    let (mut party, ..) = fallen(16 * MINUTE_MS);
    for _ in 0..2 {
        party.connect(0, 1);
        while let Some(mail) = party.mail.pop_front() {
            if !matches!(mail.what, What::Letter(..)) {
                party.deliver(mail);
            }
        }
        party.disconnect(0, 1);
        party.go_on(0);
    }
    party.restart(0);
    party.connect(0, 1);
    party.settle();
    assert!(is_recovering(&party, 0));
}

/// A life that fell back greets with a longer ledger, and is gone before it takes in what was seen of
/// the one before it.
#[test]
fn i21_a_fall_that_a_life_in_between_hides_is_shown() {
    let (mut party, ..) = fallen(16 * MINUTE_MS);
    party.go_on(0);
    party.connect(0, 1);
    while let Some(mail) = party.mail.pop_front() {
        if mail.to == 1 {
            party.deliver(mail);
        }
    }
    party.restart(0);
    party.connect(0, 1);
    party.settle();
    assert!(is_recovering(&party, 0));
}

/// Who could show a requester its Manifest lost that as well, and has it back from another member.
#[test]
fn i21_what_comes_back_shows_who_else_fell_back() {
    let (mut party, _, before) = fallen(16 * MINUTE_MS);
    party.put_back(1, before[1].clone());
    party.connect(1, 2);
    party.settle();
    party.disconnect(1, 2);
    party.put(1, Input::OpenEpoch);
    party.connect(0, 1);
    party.settle();
    assert!(!is_recovering(&party, 0));
    party.connect(1, 2);
    party.settle();
    assert!(is_recovering(&party, 0));
}

/// It has the Manifest from another member and may not refuse again before all have greeted: the
/// requester shows what there is, and the two don't drive each other.
#[test]
fn i21_a_provider_that_lost_its_refusal_is_shown_it() {
    let legs = [1, 2, 3];
    let (mut party, deals, before) = asked_to_arm(&legs, 16 * MINUTE_MS);
    for (one, other) in [(1, 2), (1, 3), (0, 2), (0, 3)] {
        party.disconnect(one, other);
    }
    party.settle();
    assert_eq!(party.states(&deals, &legs)[0], ("aborted", "refused"));
    party.put_back(1, before[1].clone());
    party.go_on(1);
    party.connect(1, 2);
    party.settle();
    assert_eq!(party.state(1, deals[0]), "waiting");
    let forked = party.nodes[1].clone();
    party.connect(1, 0);
    party.settle();
    party.put_back(1, forked);
    party.connect(1, 0);
    party.settle();
    party.meet_again();
    assert_eq!(party.states(&deals, &legs), [("aborted", "refused"); 3]);
    party.verify();
}

/// Requester and provider both lost a bundle, and a leg of it was refused alone once its hold was
/// over. What each of them signed comes back from the other member, and counts.
#[test]
fn i21_a_leg_that_was_refused_alone_is_armed_again() {
    let legs = [1, 2];
    let (mut party, deals, before) = asked_to_arm(&legs, 0);
    party.settle();
    party.cut_off(2);
    for node in [0, 1] {
        party.put_back(node, before[node].clone());
    }
    party.connect(0, 1);
    party.wait(16 * MINUTE_MS);
    assert_eq!(party.states(&deals, &legs)[0], ("aborted", "refused"));
    party.meet_again();
    assert_eq!(party.states(&deals, &legs), [("agreed", "sold"); 2]);
    party.verify();
}

/// All of a deal is lost at both its sides, and the requester has its Manifest back from another
/// member. Who provides the leg hears from all that nobody knows more, and refuses it.
#[test]
fn i21_a_leg_that_both_sides_lost_is_refused() {
    let legs = [1, 2];
    let mut party = Party::of(3);
    party.settle();
    let before = party.nodes.clone();
    let (bundle, deals) = party.collect(&legs);
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    party.round();
    party.cut_off(0);
    party.disconnect(1, 2);
    for node in [0, 1] {
        party.put_back(node, before[node].clone());
    }
    assert_eq!(party.states(&deals, &legs)[0], ("none", "none"));
    party.meet_again();
    assert_eq!(
        party.states(&deals, &legs),
        [("none", "refused"), ("aborted", "refused")]
    );
    party.verify();
}

/// The deal is at both sides and its hold at neither, since it was asked again and held anew. What
/// another member heard counts.
#[test]
fn i21_a_leg_whose_hold_both_sides_lost_ends_as_the_others_heard() {
    let legs = [1, 2];
    for (have_heard, expected) in [(false, ("aborted", "refused")), (true, ("agreed", "sold"))] {
        let mut party = Party::of(3);
        party.settle();
        let mut deals = vec![party.request(1, 1)];
        let asked = party.nodes.clone();
        party.settle();
        deals.push(party.request(2, 1));
        party.settle();
        let bundle = party.draft(&deals);
        assert!(matches!(party.commit(bundle), Verdict::Made(_)));
        party.round();
        if have_heard {
            party.settle();
        }
        party.cut_off(0);
        party.disconnect(1, 2);
        for node in [0, 1] {
            party.put_back(node, asked[node].clone());
        }
        assert_eq!(party.states(&deals, &legs)[0], ("requested", "none"));
        party.connect(0, 1);
        party.settle();
        assert_eq!(party.states(&deals, &legs)[0], ("held", "held"));
        party.meet_again();
        assert_eq!(party.states(&deals, &legs), [expected; 2]);
        assert_eq!(party.stock(1).held, 0);
        party.verify();
    }
}

/// A leg that was refused alone before its Manifest came, in an earlier life, names the leg once all
/// members have greeted. Until then it is open, so that its node looks for them.
#[test]
fn i12_a_leg_that_was_refused_before_its_manifest_came_looks_for_the_members() {
    let legs = [1, 2];
    let mut party = Party::of(3);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    party.cut_off(1);
    party.nodes[1].ms += 16 * MINUTE_MS;
    party.put(1, Input::Pulse);
    let open = Key::OpenDeal {
        partner: party.partner(0),
        deal: deals[0],
    };
    let is_open = |party: &Party| party.nodes[1].store.0.contains_key(&open);
    assert_eq!(
        (party.state(1, deals[0]), is_open(&party)),
        ("refused", false)
    );
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    party.settle();
    party.restart(1);
    party.connect(0, 1);
    party.settle();
    assert_eq!(party.states(&deals, &legs)[0], ("doubt", "refused"));
    assert!(is_open(&party));
    party.connect(1, 2);
    party.settle();
    party.wait(MINUTE_MS);
    assert_eq!(party.states(&deals, &legs), [("aborted", "refused"); 2]);
    assert!(!is_open(&party));
    party.verify();
}

/// The leg is armed again before its requester, which lacks the Manifest still, shows the Refusal.
#[test]
fn i21_a_refusal_alone_that_comes_back_decides_nothing_beside_what_armed() {
    let legs = [1, 2, 3];
    let mut party = Party::of(4);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    let before = party.nodes.clone();
    party.cut_off(3);
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    party.settle();
    party.cut_off(2);
    for node in [0, 1] {
        party.put_back(node, before[node].clone());
    }
    party.connect(0, 1);
    party.wait(16 * MINUTE_MS);
    assert_eq!(party.states(&deals, &legs)[0], ("aborted", "refused"));
    party.put_back(1, before[1].clone());
    for other in [2, 0] {
        party.connect(1, other);
        party.settle();
        party.put(1, Input::OpenEpoch);
        party.settle();
        assert_eq!(party.state(1, deals[0]), "armed", "with {other}");
        assert_eq!(party.stock(1).held, 1, "with {other}");
    }
    party.meet_again();
    assert_eq!(party.states(&deals, &legs), [("aborted", "refused"); 3]);
    assert_eq!(party.stock(1).held, 0);
    party.verify();
}

/// It has the certificate, which a member serves without the deals, before the letter that brings one
/// of them: that is shown until it has come.
#[test]
fn i12_a_requester_that_has_the_certificate_is_shown_its_deals() {
    let legs = [1, 2];
    let mut party = Party::of(3);
    party.settle();
    let before = party.nodes[0].clone();
    let (bundle, deals) = party.collect(&legs);
    assert!(matches!(party.commit(bundle), Verdict::Made(_)));
    party.settle();
    party.put_back(0, before);
    party.connect_all();
    party.settle();
    party.put(0, Input::OpenEpoch);
    while let Some(mail) = party.mail.pop_front() {
        let brings = |attached: &Received| attached.record.id() == deals[0].into();
        let is_lost = matches!(&mail.what, What::Letter(_, _, attached)
            if mail.to == 0 && attached.iter().any(brings));
        if !is_lost {
            party.deliver(mail);
        }
    }
    assert_eq!(party.state(0, deals[0]), "none");
    party.wait(2 * MINUTE_MS);
    assert_eq!(party.states(&deals, &legs), [("agreed", "sold"); 2]);
    party.verify();
}

/// Another member has the `ArmReceipt` that a provider lost, and the requester the one that it signed in
/// its place. Each keeps its own, and what is agreed is the same.
#[test]
fn i21_a_leg_that_armed_twice_is_agreed_by_either() {
    let legs = [1, 2];
    let mut party = Party::of(3);
    party.settle();
    let (bundle, deals) = party.collect(&legs);
    let before = party.nodes[1].clone();
    let Verdict::Made(made) = party.commit(bundle) else {
        panic!("the Manifest is not signed");
    };
    party.round();
    party.cut_off(0);
    party.settle();
    party.cut_off(2);
    party.put_back(1, before);
    party.connect(0, 1);
    party.settle();
    assert_eq!(party.state(1, deals[0]), "armed");
    party.meet_again();
    assert_eq!(party.states(&deals, &legs), [("agreed", "sold"); 2]);
    let manifest = made[0].into();
    let armed = |node: usize| {
        let known = Bundle::read(&party.nodes[node].store, manifest).unwrap();
        known.legs[0].armed.unwrap()
    };
    assert_ne!(armed(0), armed(2));
    party.verify();
}

/// Whoever may have lost a Manifest gives no leg of the draft back before the providers of the others
/// greeted, since one of them may know it.
#[test]
fn i11_a_leg_is_given_back_once_the_other_providers_greeted() {
    let legs = [1, 2];
    for is_committed in [true, false] {
        let mut party = Party::of(3);
        party.settle();
        let (bundle, deals) = party.collect(&legs);
        let before = party.nodes[0].clone();
        party.cut_off(1);
        if is_committed {
            assert!(matches!(party.commit(bundle), Verdict::Made(_)));
        }
        party.settle();
        party.put_back(0, before);
        party.connect(0, 1);
        party.settle();
        let cancel = || Verb::Cancel { deal: deals[0] };
        assert_eq!(party.verb(0, cancel()), Verdict::Away);
        party.connect(0, 2);
        party.settle();
        assert_eq!(is_recovering(&party, 0), is_committed);
        if is_committed {
            party.meet_again();
            assert_eq!(party.states(&deals, &legs), [("agreed", "sold"); 2]);
        } else {
            assert!(matches!(party.verb(0, cancel()), Verdict::Made(_)));
        }
        party.verify();
    }
}

/// Who holds in the middle lost its hold and what it rests on, and has heard that its part was refused
/// when it opens an epoch: nothing more can come of the part, and the deal above ends.
#[test]
fn i24_a_part_that_was_refused_before_an_epoch_holds_nothing_up() {
    let mut line = Line::new(2);
    let party = &mut line.party;
    line.deals = vec![party.request(1, 1)];
    party.settle();
    line.deals.push(made(&party.source(1, line.deals[0], 2)));
    let copy = party.nodes[1].clone();
    // Who provides the part does not hear that what it said was stored.
    while let Some(mail) = party.mail.pop_front() {
        if !matches!(mail.what, What::Stored(..)) {
            party.deliver(mail);
        }
    }
    assert_eq!(party.state(0, line.deals[0]), "held");
    party.put_back(1, copy);
    for other in [0, 2] {
        party.connect(other, 1);
        party.settle();
    }
    assert!(is_recovering(party, 1));
    party.wait(30 * MINUTE_MS);
    assert_eq!(party.state(1, line.deals[1]), "aborted");
    assert_eq!(party.put(1, Input::OpenEpoch).verdict, Verdict::Done);
    party.settle();
    let deal = line.deals[0];
    party.verb(0, Verb::Cancel { deal });
    party.settle();
    let ends = [0, 1].map(|at| party.state(at, deal));
    assert_eq!(ends, ["aborted", "refused"]);
    party.verify();
}

/// A node that lost what stands at the top of a chain is asked for a deal further down, and then shown
/// the top again. What it holds for each rests on the part that was asked for it.
#[test]
fn i24_who_is_twice_in_a_chain_after_a_loss_knows_what_rests_on_what() {
    let mut line = Line::new(4);
    let party = &mut line.party;
    party.befriend(3, 1);
    party.befriend(1, 4);
    party.count(3, 0);
    let copy = party.nodes[1].clone();
    let top = party.request(1, 1);
    party.settle();
    let part = made(&party.source(1, top, 2));
    party.settle();
    let below = made(&party.source(2, part, 3));
    party.settle();
    party.cut_off(1);
    let bottom = made(&party.source(3, below, 1));
    party.put_back(1, copy);
    for other in [3, 2] {
        party.connect(1, other);
        party.settle();
    }
    assert_eq!(party.put(1, Input::OpenEpoch).verdict, Verdict::Done);
    party.settle();
    for other in [0, 4] {
        party.connect(1, other);
        party.wait(2 * MINUTE_MS);
    }
    assert_eq!([top, bottom].map(|deal| party.state(1, deal)), ["asked"; 2]);
    let rest = made(&party.source(1, bottom, 4));
    party.settle();
    for (at, deal) in [(4, rest), (1, bottom), (3, below), (2, part), (1, top)] {
        assert_eq!(party.state(at, deal), "held");
    }
    let store = &party.nodes[1].store;
    let rests_on = |deal: DealId| {
        let known = Deal::read(store, deal).unwrap();
        deal_below(store, &network(), (deal, &known)).unwrap().0
    };
    assert_eq!([top, bottom].map(rests_on), [part, rest]);
    party.verify();
}
