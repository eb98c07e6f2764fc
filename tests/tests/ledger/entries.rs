//! Entries as SPEC.md lists them, written and read back.

use omni_protocol::{
    code::Code,
    deal::timetable::Timetable,
    fence::{List, to_bytes},
    hash::{BodyHash, DealId, EntryHash, RecordId, SubjectId, Tag, hash},
    ledger::{EntryBody, EntryHeader, EntryKind, Payload, Reason, Version},
    value::Time,
};
use omni_tests::{
    market::{Identity, network},
    spec::table,
};

#[test]
fn the_kinds_are_those_of_the_table() {
    let listed: Vec<(u16, String)> = table("entries")
        .into_iter()
        .filter(|row| row[2] != "reserved")
        .map(|row| (row[0].parse().unwrap(), row[1].clone()))
        .collect();
    let known: Vec<(u16, String)> = EntryKind::ALL
        .iter()
        .map(|kind| (kind.number(), kind.name().to_owned()))
        .collect();
    assert_eq!(known, listed);
}

fn payloads() -> Vec<Payload> {
    let record = RecordId::from_bytes([1; 32]);
    let deal = DealId::from_bytes([2; 32]);
    // As many as there may be.
    let begins = (0..512).map(|n| Time::new(1_800_000_000_000 + n * 3_600_000).unwrap());
    vec![
        Payload::Opened {
            reason: Reason::Recovery,
            open: List::new([deal]).unwrap(),
        },
        Payload::Lived { life: u64::MAX },
        Payload::Signed(List::new([record; 3]).unwrap()),
        Payload::Taken(record),
        Payload::Counted {
            subject: SubjectId::from_bytes([3; 32]),
            steps: 300,
        },
        Payload::Granted("credit 100 EUR".parse().unwrap()),
        Payload::Closed(deal),
        Payload::WrittenOff(deal),
        Payload::Recovered(List::new([record]).unwrap()),
        Payload::Timetable {
            subject: SubjectId::from_bytes([3; 32]),
            table: Timetable::new(2, 90, begins.collect()).unwrap(),
        },
    ]
}

#[test]
fn bodies_are_written_in_one_way() {
    for payload in payloads() {
        let kind = payload.kind();
        let salt = [9; 16];
        let body = EntryBody { salt, payload };
        let bytes = body.to_bytes();
        assert_eq!(bytes[..16], salt);
        assert_eq!(EntryBody::from_bytes(kind, &bytes), Ok(body.clone()));
        let expected = hash(Tag::EntryBody, &[&bytes]);
        assert_eq!(body.hash(), BodyHash::from_bytes(expected));
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(EntryBody::from_bytes(kind, &longer), Err(Code::Malformed));
        let shorter = &bytes[..bytes.len() - 1];
        assert_eq!(EntryBody::from_bytes(kind, shorter), Err(Code::Malformed));
    }
    assert_eq!(
        EntryBody::from_bytes(EntryKind::Taken, &[0; 15]),
        Err(Code::Malformed)
    );
}

#[test]
fn headers_are_written_in_one_way() {
    let author = Identity::new(1).partner;
    let header = EntryHeader {
        version: Version,
        network: network(),
        author,
        key_index: 3,
        epoch: 1,
        life: 0x0102_0304_0506_0708,
        sequence: 250,
        previous: EntryHash::from_bytes([4; 32]),
        kind: EntryKind::Granted,
        at: Time::new(1_700_000_000_000).unwrap(),
        counterparty: Some(author),
        body: BodyHash::from_bytes([5; 32]),
    };
    // Field by field, as section 2 of SPEC.md writes them.
    let expected = [
        &[1][..],
        network().as_bytes(),
        author.as_bytes(),
        &[3, 1],
        &[253, 8, 7, 6, 5, 4, 3, 2, 1],
        &[250],
        &[4; 32],
        &[6],
        &[253, 0x00, 0x68, 0xe5, 0xcf, 0x8b, 0x01, 0, 0],
        &[1],
        author.as_bytes(),
        &[5; 32],
    ]
    .concat();
    assert_eq!(header.to_bytes(), expected);
    assert_eq!(EntryHeader::from_bytes(&expected), Ok(header));
    assert_eq!(
        header.hash(),
        EntryHash::from_bytes(hash(Tag::Entry, &[&expected]))
    );
    let mut other = expected.clone();
    other[0] = 2;
    assert_eq!(EntryHeader::from_bytes(&other), Err(Code::Malformed));
    // A sequence of 250 fits one byte, so three are not its form.
    let at = 1 + 32 + 32 + 2 + 9;
    let longer = [&expected[..at], &[251, 250, 0], &expected[at + 1..]].concat();
    assert_eq!(EntryHeader::from_bytes(&longer), Err(Code::NotCanonical));
    assert_eq!(to_bytes(&Version), [1]);
}
