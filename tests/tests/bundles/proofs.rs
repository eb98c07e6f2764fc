//! What the records of a bundle prove: for which leg they count, for whom a hold waits, and which
//! manifests contradict each other.

use omni_protocol::{
    body::AnyBody,
    bundle::{Leg, Manifest, Member},
    code::Code,
    fence::List,
    hash::{EntryHash, ManifestId, PartnerId},
    ledger::{Carried, Entry, EntryBody, EntryHeader, Payload, Version},
    machine::{ProofGroup, proof_groups},
    record::Signed,
    thread::{CoLegs, Header, LegName, ThreadBody},
};
use omni_tests::samples::{bodies, deal, header, network, partner, record, time};

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

/// What the legs of the samples name.
const LEGS: ManifestId = ManifestId::from_bytes([0x1f; 32]);

/// How an own record may share a tree with others.
fn group_of(body: ThreadBody) -> (Signed<ThreadBody>, ProofGroup) {
    let record = Signed::write(&network(), partner(1), body).unwrap();
    let body = EntryBody {
        salt: [0; 16],
        payload: Payload::Signed(List::new([record.id()]).unwrap()),
    };
    let header = EntryHeader {
        version: Version,
        network: network(),
        author: partner(1),
        key_index: 0,
        epoch: 0,
        life: 7,
        sequence: 0,
        previous: EntryHash::from_bytes([0; 32]),
        kind: body.payload.kind(),
        at: time(0),
        counterparty: None,
        body: body.hash(),
    };
    let carried = Carried {
        bytes: record.bytes().into(),
        proof: None,
    };
    let records = vec![carried];
    let groups = proof_groups(&Entry {
        header,
        body,
        records,
    });
    let [(group, id)] = groups.try_into().unwrap();
    assert_eq!(id, record.id());
    (record, group)
}

#[test]
fn a_tree_is_of_one_partner_or_of_one_manifest() {
    for (name, body) in bodies() {
        let body = match body {
            AnyBody::Thread(body) => body,
            AnyBody::Bundle(body) => ThreadBody::Bundle(body),
            AnyBody::Public(_) => continue,
        };
        let to = body.header().to;
        let (record, found) = group_of(body);
        let expected = match name {
            "ArmReceipt" | "Lapse" | "Refusal of a leg" => ProofGroup::Members(LEGS),
            "Manifest" | "Manifest of a part" => ProofGroup::Members(record.id().into()),
            _ => ProofGroup::Partner(to),
        };
        assert_eq!(found, expected, "{name}");
    }
}
