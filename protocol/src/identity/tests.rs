//! Key chains, delegations and invites, with keys that are the same in every run.

use alloc::{string::ToString, vec::Vec};

use ed25519_dalek::SigningKey;

use super::*;
use crate::{
    code::Code,
    fence,
    hash::NetworkName,
    limits::{DAY_MS, INVITE_BYTES_MAX, KEY_EVENTS_MAX},
    value::Time,
};

type Proved = (Signed<KeyEvent>, Proof);

fn network() -> NetworkId {
    NetworkName::new("test").unwrap().id()
}

fn secret(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn public(number: u8) -> PublicKey {
    PublicKey::of(&secret(number))
}

fn digest(number: u8) -> KeyDigest {
    public(number).digest()
}

/// Market keys are 1, 2, 3 …, the recovery key is 100.
fn inception() -> Proved {
    let event = Inception::new(network(), public(1), digest(2), digest(100));
    sign_event(
        network(),
        event.partner(),
        KeyEvent::Inception(event),
        &secret(1),
    )
    .unwrap()
}

fn partner() -> PartnerId {
    inception().0.author()
}

fn rotation(after: &Proved, key: u8, next: u8) -> Proved {
    let event = KeyEvent::Rotation(Rotation {
        index: after.0.body().index() + 1,
        previous: after.0.id(),
        market_key: public(key),
        next: digest(next),
    });
    sign_event(network(), partner(), event, &secret(key)).unwrap()
}

fn recovery(after: &Proved, recovery_key: u8, key: u8, recovery_next: u8) -> Proved {
    let event = KeyEvent::Recovery(Recovery {
        index: after.0.body().index() + 1,
        previous: after.0.id(),
        recovery_key: public(recovery_key),
        market_key: public(key),
        next: digest(key + 1),
        recovery: digest(recovery_next),
    });
    sign_event(network(), partner(), event, &secret(recovery_key)).unwrap()
}

fn chain(events: &[&Proved]) -> KeyChain {
    KeyChain::read(network(), events.iter().map(|event| (*event).clone())).unwrap()
}

#[test]
fn a_rotation_shows_the_committed_key() {
    let first = inception();
    let mut chain = chain(&[&first]);
    assert_eq!(*chain.in_force().unwrap().key(), public(1));
    let second = rotation(&first, 2, 3);
    let third = rotation(&second, 3, 4);
    assert_eq!(
        chain.take(third.0.clone(), third.1.clone()),
        Err(Code::UnknownKeys)
    );
    assert_eq!(
        chain.take(second.0.clone(), second.1.clone()),
        Ok(Change::Grew)
    );
    assert_eq!(chain.take(second.0, second.1), Ok(Change::Known));
    assert_eq!(chain.take(third.0, third.1), Ok(Change::Grew));
    assert_eq!(*chain.in_force().unwrap().key(), public(3));
    assert_eq!(chain.in_force_at(1), Err(Code::StaleKey));
    assert_eq!(*chain.of_index(1).unwrap().key(), public(2));
    assert_eq!(chain.in_force_at(3), Err(Code::UnknownKeys));
    let events = chain
        .events()
        .map(|(record, proof)| (record.clone(), proof.clone()));
    assert_eq!(KeyChain::read(network(), events), Ok(chain.clone()));
}

#[test]
fn events_that_break_a_rule_are_refused() {
    fn check(what: &str, event: Proved, expected: Code) {
        let mut chain = chain(&[&inception()]);
        assert_eq!(chain.take(event.0, event.1), Err(expected), "{what}");
        assert_eq!(
            chain,
            self::chain(&[&inception()]),
            "{what}: nothing changes"
        );
    }
    let first = inception();
    check(
        "a key that was not committed",
        rotation(&first, 9, 3),
        Code::BadKeys,
    );
    check(
        "another recovery key",
        recovery(&first, 101, 50, 102),
        Code::BadKeys,
    );
    check(
        "the market key as recovery key",
        recovery(&first, 1, 50, 102),
        Code::BadKeys,
    );

    let right = rotation(&first, 2, 3);
    let other_proof = rotation(&first, 2, 7).1;
    check(
        "the proof of another event",
        (right.0.clone(), other_proof),
        Code::BadSignature,
    );
    let mut wrong_index = right.1.clone();
    wrong_index.key_index = 0;
    check(
        "another key index",
        (right.0.clone(), wrong_index),
        Code::BadProof,
    );

    let KeyEvent::Rotation(body) = right.0.body().clone() else {
        unreachable!()
    };
    let other = PartnerId::from_bytes([9; 32]);
    let foreign = KeyEvent::Rotation(body.clone());
    let foreign = sign_event(network(), other, foreign, &secret(2)).unwrap();
    check("another author", foreign, Code::BadKeys);
    let skipping = KeyEvent::Rotation(Rotation { index: 2, ..body });
    let skipping = sign_event(network(), partner(), skipping, &secret(2)).unwrap();
    check("an index that was skipped", skipping, Code::BadKeys);
    check("no event before", rotation(&right, 3, 4), Code::UnknownKeys);
}

#[test]
fn an_inception_makes_its_own_partner_in_its_own_network() {
    let (record, proof) = inception();
    let elsewhere = NetworkName::new("main").unwrap().id();
    let read = Signed::read(&elsewhere, record.bytes()).unwrap();
    assert_eq!(
        KeyChain::begin(elsewhere, read, proof).err(),
        Some(Code::WrongNetwork)
    );

    let other = PartnerId::from_bytes([9; 32]);
    let (record, proof) = sign_event(network(), other, record.body().clone(), &secret(1)).unwrap();
    assert_eq!(
        KeyChain::begin(network(), record, proof).err(),
        Some(Code::BadKeys)
    );
    assert_eq!(KeyChain::read(network(), []).err(), Some(Code::BadKeys));
}

#[test]
fn a_recovery_voids_what_a_thief_made() {
    let first = inception();
    let second = rotation(&first, 2, 3);
    let stolen = rotation(&second, 3, 66);
    let stolen_more = rotation(&stolen, 66, 67);
    let mut chain = chain(&[&first, &second, &stolen, &stolen_more]);
    let rescue = recovery(&second, 100, 50, 101);
    assert_eq!(
        chain.take(rescue.0.clone(), rescue.1.clone()),
        Ok(Change::Recovered { from: 2 })
    );
    assert_eq!(*chain.in_force().unwrap().key(), public(50));
    assert_eq!(*chain.of_index(1).unwrap().key(), public(2));

    assert_eq!(chain.take(stolen.0, stolen.1), Ok(Change::Outdated));
    let again = recovery(&first, 100, 55, 103);
    assert_eq!(
        chain.take(again.0, again.1),
        Ok(Change::Conflict { from: 1 })
    );
    let settled = recovery(&rescue, 101, 60, 102);
    assert_eq!(
        chain.take(settled.0, settled.1),
        Ok(Change::Recovered { from: 3 })
    );
    assert_eq!((chain.conflict(), chain.highest_index()), (None, 3));
}

#[test]
fn contradicting_events_prove_nothing_until_a_recovery_settles_it() {
    let first = inception();
    let second = rotation(&first, 2, 3);
    let (left, right) = (rotation(&second, 3, 4), rotation(&second, 3, 5));
    let mut chain = chain(&[&first, &second, &left]);
    assert_eq!(
        chain.take(right.0.clone(), right.1.clone()),
        Ok(Change::Conflict { from: 2 })
    );
    assert_eq!(chain.in_force(), Err(Code::BadKeys));
    assert_eq!(chain.of_index(2), Err(Code::BadKeys));
    assert!(chain.of_index(1).is_ok(), "keys below the conflict stand");
    assert_eq!(chain.events().count(), 4, "both are kept");
    let events = chain
        .events()
        .map(|(record, proof)| (record.clone(), proof.clone()));
    assert_eq!(KeyChain::read(network(), events), Ok(chain.clone()));

    let longer = rotation(&right, 5, 6);
    assert_eq!(
        chain.take(longer.0, longer.1),
        Ok(Change::Conflict { from: 2 })
    );
    let lower = rotation(&first, 2, 9);
    assert_eq!(
        chain.take(lower.0, lower.1),
        Ok(Change::Conflict { from: 1 })
    );
    let settled = recovery(&second, 100, 50, 101);
    assert_eq!(
        chain.take(settled.0, settled.1),
        Ok(Change::Recovered { from: 2 })
    );
    assert_eq!(*chain.in_force().unwrap().key(), public(50));
}

/// Whatever the order in which nodes hear of branches, the same keys stand with all of them.
#[test]
fn merging_gives_the_same_keys_in_any_order() {
    let first = inception();
    let second = rotation(&first, 2, 3);
    let (a, b) = (rotation(&second, 3, 4), rotation(&second, 3, 5));
    let c = rotation(&first, 2, 9);
    let rescued = recovery(&c, 100, 50, 101);
    let branches: [&[&Proved]; 4] = [
        &[&first, &second, &a],
        &[&first, &second, &b],
        &[&first, &c],
        &[&first, &c, &rescued],
    ];
    for rotation in 0..branches.len() {
        for count in 1..=branches.len() {
            let mut order = branches;
            order.rotate_left(rotation);
            let mut merged = chain(order[0]);
            for branch in &order[1..count] {
                merged.merge(chain(branch)).unwrap();
            }
            let mut backwards = chain(order[count - 1]);
            for branch in order[..count - 1].iter().rev() {
                backwards.merge(chain(branch)).unwrap();
            }
            assert_eq!(
                merged.conflict(),
                backwards.conflict(),
                "{rotation} {count}"
            );
            let keys =
                |chain: &KeyChain| (0..4).map(|i| chain.of_index(i).ok()).collect::<Vec<_>>();
            if merged.conflict().is_none() {
                assert_eq!(keys(&merged), keys(&backwards), "{rotation} {count}");
            }
        }
    }
    let all = chain(&[&first, &second, &a, &c, &rescued]);
    assert_eq!(
        *all.in_force().unwrap().key(),
        public(50),
        "judged when all is read"
    );
}

#[test]
fn a_chain_has_at_most_its_events() {
    let mut last = inception();
    let mut chain = chain(&[&last]);
    let mut key = 2;
    for _ in 1..KEY_EVENTS_MAX {
        last = rotation(&last, key, key + 1);
        key += 1;
        assert_eq!(chain.take(last.0.clone(), last.1.clone()), Ok(Change::Grew));
    }
    let over = rotation(&last, key, key + 1);
    assert_eq!(chain.take(over.0, over.1), Err(Code::BadKeys));
}

fn day(number: u64) -> Time {
    Time::default().plus_ms(number * DAY_MS)
}

#[test]
fn a_delegation_holds_for_its_partner_role_key_and_time() {
    let first = inception();
    let chain_before = chain(&[&first]);
    let key = chain_before.in_force().unwrap();
    let transport = *public(7).as_bytes();
    let delegation = Delegation::new(Role::Transport, transport, 0, day(10), day(20)).unwrap();
    let signed = delegation.clone().sign(&key, &secret(1)).unwrap();
    let check = |chain: &KeyChain, partner, role, now, expected: Result<(), Code>| {
        assert_eq!(
            signed.check(partner, role, chain, now).map(|_| ()),
            expected
        );
    };
    let rotated = chain(&[&first, &rotation(&first, 2, 3)]);
    let other = PartnerId::from_bytes([9; 32]);
    check(&chain_before, partner(), Role::Transport, day(10), Ok(()));
    check(&chain_before, partner(), Role::Transport, day(20), Ok(()));
    check(
        &chain_before,
        partner(),
        Role::Transport,
        day(9),
        Err(Code::BadDelegation),
    );
    check(
        &chain_before,
        partner(),
        Role::Transport,
        day(21),
        Err(Code::BadDelegation),
    );
    check(
        &chain_before,
        partner(),
        Role::Sealing,
        day(10),
        Err(Code::BadDelegation),
    );
    check(
        &chain_before,
        other,
        Role::Transport,
        day(10),
        Err(Code::BadDelegation),
    );
    check(
        &rotated,
        partner(),
        Role::Transport,
        day(10),
        Err(Code::BadDelegation),
    );

    let mut bytes = fence::encode(&signed, 200).unwrap();
    let last = bytes.last_mut().unwrap();
    *last ^= 1;
    let forged: SignedDelegation = fence::decode(&bytes, 200).unwrap();
    let forged = forged
        .check(partner(), Role::Transport, &chain_before, day(10))
        .err();
    assert_eq!(forged, Some(Code::BadSignature));
    assert!(delegation.sign(&key, &secret(2)).is_err());
}

#[test]
fn delegations_have_a_form() {
    fn check(key: [u8; 32], from: u64, to: u64, expected: bool) {
        let delegation = Delegation::new(Role::Transport, key, 0, day(from), day(to));
        assert_eq!(delegation.is_ok(), expected, "day {from} to {to}");
    }
    let key = *public(7).as_bytes();
    check(key, 5, 5, true);
    check(key, 5, 405, true);
    check(key, 5, 406, false);
    check(key, 6, 5, false);
    check([0; 32], 5, 6, false);
    assert!(Delegation::new(Role::Sealing, [9; 32], 0, day(1), day(2)).is_ok());
}

fn invite(addresses: usize) -> SignedInvite {
    let address = "/dns4/a-rather-long-name-of-a-host.example.org/udp/4001/quic-v1";
    let invite = Invite {
        network: NetworkName::new("test").unwrap(),
        partner: partner(),
        transport_key: public(7),
        addresses: fence::List::new(Vec::from_iter(
            (0..addresses).map(|_| address.parse().unwrap()),
        ))
        .unwrap(),
        not_after: day(20),
        token: [5; 16],
    };
    SignedInvite::sign(
        invite,
        &chain(&[&inception()]).in_force().unwrap(),
        &secret(1),
    )
    .unwrap()
}

#[test]
fn an_invite_is_read_as_it_is_shown() {
    for addresses in [0, 1, 8] {
        let signed = invite(addresses);
        let text = signed.to_string();
        assert!(text.starts_with("omniinvite1"), "{text}");
        assert_eq!(text.parse(), Ok(signed.clone()));
        assert_eq!(text.to_uppercase().parse(), Ok(signed.clone()));
        let (start, end) = text.split_at(70);
        assert_eq!(alloc::format!(" {start}\n  {end}\n").parse(), Ok(signed));
    }
    let text = invite(8).to_string();
    assert!(
        text.len() > 1023,
        "longer than bech32m alone allows: {}",
        text.len()
    );
    for at in [12, 500, text.len() - 1] {
        let mut wrong = text.clone().into_bytes();
        wrong[at] = if wrong[at] == b'q' { b'p' } else { b'q' };
        let wrong = alloc::string::String::from_utf8(wrong).unwrap();
        assert_eq!(wrong.parse::<SignedInvite>(), Err(BadInvite::Text), "{at}");
    }
    for bad in ["", "omniinvite1", &partner().to_string()] {
        assert_eq!(bad.parse::<SignedInvite>(), Err(BadInvite::Text), "{bad}");
    }
}

#[test]
fn an_invite_is_checked_by_the_chain_of_its_partner() {
    let signed = invite(1);
    let first = inception();
    let own = chain(&[&first]);
    assert!(signed.check(&own, day(20)).is_ok());
    assert_eq!(signed.check(&own, day(21)).err(), Some(Code::Expired));
    let rotated = chain(&[&first, &rotation(&first, 2, 3)]);
    assert_eq!(signed.check(&rotated, day(1)).err(), Some(Code::StaleKey));

    let event = Inception::new(network(), public(8), digest(9), digest(99));
    let other = event.partner();
    let other = sign_event(network(), other, KeyEvent::Inception(event), &secret(8)).unwrap();
    assert_eq!(
        signed.check(&chain(&[&other]), day(1)).err(),
        Some(Code::BadKeys)
    );
    let mut bytes = fence::encode(&signed, INVITE_BYTES_MAX).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let forged: SignedInvite = fence::decode(&bytes, INVITE_BYTES_MAX).unwrap();
    assert_eq!(forged.check(&own, day(1)).err(), Some(Code::BadSignature));
}
