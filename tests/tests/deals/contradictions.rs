//! Contradictions: what a partner signed and could not have signed honestly is kept, shown once,
//! and ends new deals with it.

use omni_protocol::{
    code::Code,
    identity::sign_bytes,
    ledger::note::{Checkpoint, SignedCheckpoint},
    machine::{
        Approval, GrantTerms, Input, Key, Policy, Standing, Verb, Verdict, View, evidence_against,
    },
    public::{Claim, Evidence, PublicBody},
    record::Signed,
    value::Time,
};
use omni_tests::market::{BEGINNING_MS, network, signed, verified};

use crate::{
    rules::{requesting, signed_id},
    scene::{Scene, goods},
};

fn two_decisions(scene: &mut Scene) {
    let partner = scene.them.identity.partner;
    let step = scene.verb(Verb::Request(requesting(scene, Approval::Given)));
    scene.opened_by(signed_id(&step));
    let deal = scene.deal_id();
    let hold = scene.them.hold(deal, goods().hash(), 15);
    assert_eq!(signed(&scene.letter(&[&hold])), ["Commit"]);
    let receipt = scene.them.receipt(deal, scene.own_commit(), 0);
    scene.letter(&[&receipt]);
    let refusal = scene.them.refusal(deal, Code::HoldOver);
    assert_eq!(signed(&scene.letter(&[&refusal])), ["Evidence"]);
    let standing = GrantTerms::read(&scene.us.store, partner).standing;
    assert_eq!(standing, Standing::Quarantined);
}

#[test]
fn who_decides_twice_begins_no_new_deal() {
    let mut scene = Scene::new(Policy::default());
    two_decisions(&mut scene);
    assert_eq!(scene.state(), "agreed", "its agreements go on");
    let step = scene.verb(Verb::Request(requesting(&scene, Approval::Given)));
    assert_eq!(step.verdict, Verdict::Refused(Code::Quarantined));
    scene.them.thread = None;
    scene.them.parent = None;
    let request = scene.them.request(goods(), 60, None);
    assert_eq!(signed(&scene.letter(&[&request])), ["Refusal quarantined"]);
}

/// The Evidence that a node keeps against the partner of the scene.
fn kept_evidence(scene: &Scene) -> Vec<Evidence> {
    let accused = scene.them.identity.partner;
    let kept = evidence_against(&scene.us.store, accused).into_iter();
    kept.map(|(record, _)| {
        let bytes = scene.us.store.read(&Key::Record { id: record }).unwrap();
        match Signed::<PublicBody>::read(&network(), bytes)
            .unwrap()
            .body()
        {
            PublicBody::Evidence(evidence) => evidence.clone(),
            other => panic!("{other:?}"),
        }
    })
    .collect()
}

#[test]
fn a_release_beside_a_commit_is_shown_whichever_came_first() {
    for release_first in [true, false] {
        let mut scene = Scene::new(Policy::default());
        let request = scene.them.request(goods(), 60, None);
        scene.opened_by(request.record.id());
        scene.letter(&[&request]);
        let (deal, hold) = (scene.deal_id(), scene.own_hold());
        let pair = [scene.them.commit(deal, hold, 0), scene.them.release(deal)];
        let [first, second] = if release_first { [1, 0] } else { [0, 1] };
        scene.letter(&[&pair[first]]);
        assert!(kept_evidence(&scene).is_empty(), "one alone is no lie");
        let step = scene.letter(&[&pair[second]]);
        assert_eq!(signed(&step), ["Evidence"]);
        // What shows it is what the partner signed, and it proves itself to anybody.
        let [evidence] = &kept_evidence(&scene)[..] else {
            panic!("one of them");
        };
        assert_eq!(evidence.claim, Claim::ReleaseBesideCommit);
        let shown = evidence.exhibits.iter().map(|exhibit| {
            let proof = exhibit.proof.clone().unwrap();
            verified(&scene.them.identity, &exhibit.bytes, proof)
                .record
                .id()
        });
        let signed_by_them = [first, second].map(|one| pair[one].record.id());
        assert_eq!(shown.collect::<Vec<_>>(), signed_by_them);
        // It is told once, and the deal stays as it was decided.
        let again = scene.letter(&[&pair[second]]);
        assert_eq!(signed(&again), Vec::<String>::new());
        assert_eq!(
            scene.state(),
            if release_first { "refused" } else { "sold" }
        );
    }
}

#[test]
fn a_node_in_recovery_accuses_nobody_yet() {
    let mut scene = Scene::new(Policy::default());
    let request = scene.them.request(goods(), 60, None);
    scene.opened_by(request.record.id());
    scene.letter(&[&request]);
    let (deal, hold) = (scene.deal_id(), scene.own_hold());
    let commit = scene.them.commit(deal, hold, 0);
    scene.letter(&[&commit]);
    let mut ahead = scene.us.machine.checkpoint(&scene.us.store).unwrap();
    ahead.size += 3;
    scene.us.put(Input::Shown(ahead));
    let release = scene.them.release(deal);
    let step = scene.letter(&[&release]);
    assert!(
        step.changes.is_empty() && step.replies.is_empty(),
        "{step:#?}"
    );
    scene.us.must(Input::OpenEpoch);
    scene.greet(&[]);
    assert_eq!(signed(&scene.letter(&[&release])), ["Evidence"]);
}

/// A checkpoint of the scene's partner, signed by it.
fn their_note(scene: &Scene, place: (u64, u64), root: u8, life: u64) -> SignedCheckpoint {
    let (size, at) = place;
    let identity = &scene.them.identity;
    let checkpoint = Checkpoint {
        network: network(),
        partner: identity.partner,
        epoch: 0,
        size,
        root: [root; 32],
        at: Time::new(BEGINNING_MS + at).unwrap(),
        life,
    };
    let signature = sign_bytes(&identity.secret, checkpoint.text().as_bytes());
    checkpoint.signed(0, identity.key.key().as_bytes(), *signature.as_bytes())
}

#[test]
fn checkpoints_that_no_one_ledger_has_are_evidence() {
    for (first, second, is_lie, why) in [
        (
            ((5, 50), 1, 7),
            ((5, 50), 2, 7),
            true,
            "two roots at one size",
        ),
        (
            ((5, 50), 1, 7),
            ((5, 51), 1, 7),
            true,
            "two times at one size",
        ),
        (
            ((5, 50), 1, 7),
            ((6, 49), 2, 7),
            true,
            "time that runs back",
        ),
        (
            ((6, 49), 2, 7),
            ((5, 50), 1, 7),
            true,
            "the same, told the other way round",
        ),
        (
            ((5, 50), 1, 7),
            ((5, 50), 2, 8),
            false,
            "another life: a restore",
        ),
        (((5, 50), 1, 7), ((6, 50), 2, 7), false, "the next entry"),
        (
            ((6, 60), 2, 7),
            ((5, 50), 1, 7),
            false,
            "a letter that comes late",
        ),
    ] {
        let mut scene = Scene::new(Policy::default());
        let note = |(place, root, life)| their_note(&scene, place, root, life);
        let notes = Box::new([note(first), note(second)]);
        let from = scene.them.identity.partner;
        let input = Input::Checkpoints { from, notes };
        let step = scene.us.must(input.clone());
        let expected: &[&str] = if is_lie { &["Evidence"] } else { &[] };
        assert_eq!(signed(&step), expected, "{why}");
        let kept: Vec<_> = kept_evidence(&scene).iter().map(|one| one.claim).collect();
        let claims: &[Claim] = if is_lie {
            &[Claim::InconsistentCheckpoints]
        } else {
            &[]
        };
        assert_eq!(kept, claims, "{why}");
        let again = scene.us.must(input);
        assert_eq!(signed(&again), Vec::<String>::new(), "{why}: once");
    }
}
