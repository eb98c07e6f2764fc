//! What the records of a bundle prove: for which leg they count, for whom a hold waits, and which
//! manifests contradict each other.

use omni_protocol::{
    bundle::{Leg, Manifest, Member},
    code::Code,
    fence::List,
    hash::{ManifestId, PartnerId},
    thread::{CoLegs, Header, LegName},
};
use omni_tests::samples::{deal, header, partner, record};

fn manifest(holds: [u8; 2]) -> Manifest {
    let member = |number| Member {
        partner: partner(number),
        keys: List::default(),
        addresses: List::default(),
        mailboxes: List::default(),
    };
    let leg = |member, number: u8, hold| Leg {
        member,
        deal: deal(number),
        hold: record(hold),
        alternative: 0,
    };
    let header = Header {
        to: partner(1),
        thread: None,
        parent: None,
        ..header()
    };
    let members = List::new([member(1), member(2), member(3)]).unwrap();
    let legs = List::new([leg(2, 10, holds[0]), leg(1, 11, holds[1])]).unwrap();
    Manifest::new(header, members, legs, None).unwrap()
}

const ID: ManifestId = ManifestId::from_bytes([5; 32]);

fn name(number: u16) -> LegName {
    LegName {
        manifest: ID,
        number,
    }
}

#[test]
fn a_record_counts_for_its_leg_only() {
    let manifest = manifest([20, 21]);
    let other = LegName {
        manifest: ManifestId::from_bytes([6; 32]),
        number: 0,
    };
    for (author, number, leg, expected) in [
        (3, 10, name(0), Ok(0)),
        (2, 11, name(1), Ok(1)),
        (2, 10, name(0), Err(Code::LegUnknown)),
        (3, 11, name(0), Err(Code::LegUnknown)),
        (3, 10, name(1), Err(Code::LegUnknown)),
        (3, 10, name(2), Err(Code::LegUnknown)),
        (3, 10, other, Err(Code::LegUnknown)),
        (1, 10, name(0), Err(Code::LegUnknown)),
    ] {
        let found = manifest.counts(ID, partner(author), (deal(number), leg));
        assert_eq!(found, expected, "{author} {number} {leg:?}");
    }
}

#[test]
fn a_manifest_is_of_its_first_member() {
    let manifest = manifest([20, 21]);
    assert_eq!(manifest.requester(partner(1)), Ok(partner(1)));
    assert_eq!(manifest.requester(partner(2)), Err(Code::NotAddressed));
    assert!(manifest.admits(partner(1)) && manifest.admits(partner(3)));
    assert!(!manifest.admits(partner(4)));
}

#[test]
fn a_hold_waits_for_whom_it_says() {
    fn check(co_legs: CoLegs, partners: &[u8], expected: Result<(), Code>) {
        let known: Vec<PartnerId> = partners.iter().map(|number| partner(*number)).collect();
        let found = manifest([20, 21]).waits(partner(2), co_legs, |one| known.contains(&one));
        assert_eq!(found, expected, "{co_legs} {partners:?}");
    }
    let refused = Err(Code::CoLegsRefused);
    check(CoLegs::None, &[1, 3], refused);
    check(CoLegs::Known, &[1, 3], Ok(()));
    check(CoLegs::Known, &[1], refused);
    check(CoLegs::Known, &[3], refused);
    check(CoLegs::Any, &[], Ok(()));
}

#[test]
fn two_manifests_over_one_hold_contradict_each_other() {
    let one = manifest([20, 21]);
    assert!(!one.contradicts(&one));
    assert!(one.contradicts(&manifest([20, 22])));
    assert!(
        one.contradicts(&manifest([21, 22])),
        "at another number too"
    );
    assert!(!one.contradicts(&manifest([22, 23])));
}
