//! Edge cases of Ed25519, built from the curve's own arithmetic: what implementations are known to
//! disagree about (`Taming the many EdDSAs`, 2020) has one answer here. (I3)

use curve25519_dalek::{EdwardsPoint, Scalar, constants::EIGHT_TORSION};
use ed25519_dalek::SigningKey;
use omni_protocol::{
    code::Code,
    hash::{NetworkName, Tag, tagged},
    identity::{PublicKey, Signature, sign},
    value::Invalid,
};
use sha2::{Digest, Sha512};

use crate::fixtures::{self, public, secret};

const MESSAGE: &[u8] = b"what is signed";

/// p = 2^255 − 19 and a little, little endian: the y coordinates with two encodings.
fn p_plus(more: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed + more;
    bytes[31] = 0x7f;
    bytes
}

fn with_sign(mut bytes: [u8; 32]) -> [u8; 32] {
    bytes[31] |= 0x80;
    bytes
}

#[test]
fn keys_of_small_order_are_refused() {
    for point in EIGHT_TORSION {
        let bytes = point.compress().to_bytes();
        assert!(PublicKey::from_bytes(bytes).is_err(), "{bytes:?}");
        assert!(
            PublicKey::from_bytes(with_sign(bytes)).is_err(),
            "{bytes:?} with a sign"
        );
    }
}

#[test]
fn second_encodings_of_keys_are_refused() {
    for more in 0..19 {
        let bytes = p_plus(more);
        for bytes in [bytes, with_sign(bytes)] {
            let refused = matches!(PublicKey::from_bytes(bytes), Err(Invalid::Rule(_)));
            assert!(refused, "p + {more}");
        }
    }
    // The second lowest of those y coordinates that are on the curve and not of small order: its
    // canonical form is a key, so it is the form that is refused above and nothing else.
    let on_curve = (2..19).filter(|y| {
        let mut bytes = [0; 32];
        bytes[0] = *y;
        PublicKey::from_bytes(bytes).is_ok()
    });
    assert!(on_curve.count() > 0);
}

fn challenge(r: &[u8; 32], key: &[u8; 32]) -> Scalar {
    let mut hasher = Sha512::new();
    hasher.update(r);
    hasher.update(key);
    hasher.update(tagged(Tag::Proof, &[MESSAGE]));
    Scalar::from_bytes_mod_order_wide(&hasher.finalize().into())
}

/// A signature with R = r·B + `twist`, by the key a·B + `key_twist`.
fn forge(r: Scalar, twist: EdwardsPoint, key_twist: EdwardsPoint) -> ([u8; 32], Signature) {
    let secret = secret(1);
    let a = secret.to_scalar();
    let key = (EdwardsPoint::mul_base(&a) + key_twist)
        .compress()
        .to_bytes();
    let big_r = (EdwardsPoint::mul_base(&r) + twist).compress().to_bytes();
    let s = r + challenge(&big_r, &key) * a;
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&big_r);
    bytes[32..].copy_from_slice(s.as_bytes());
    (key, Signature::from_bytes(bytes))
}

fn verify(key: [u8; 32], signature: &Signature) -> Result<(), Code> {
    PublicKey::from_bytes(key)?.verify(Tag::Proof, &[MESSAGE], signature)
}

fn no_twist() -> EdwardsPoint {
    EIGHT_TORSION[0]
}

#[test]
fn the_equation_is_the_one_without_cofactor() {
    let r = Scalar::from(77_u64);
    let (key, honest) = forge(r, no_twist(), no_twist());
    assert_eq!(
        verify(key, &honest),
        Ok(()),
        "what the forger makes without a twist is valid"
    );
    for torsion in &EIGHT_TORSION[1..] {
        let (key, signature) = forge(r, *torsion, no_twist());
        assert_eq!(
            verify(key, &signature),
            Err(Code::BadSignature),
            "R of mixed order"
        );
        // With k·T = 0 for one challenge in eight the equation holds, as it must.
        let (key, signature) = forge(r, no_twist(), *torsion);
        let big_r: [u8; 32] = signature.as_bytes()[..32].try_into().unwrap();
        let vanishes = torsion * challenge(&big_r, &key) == no_twist();
        assert_eq!(
            verify(key, &signature).is_ok(),
            vanishes,
            "key of mixed order"
        );
    }
}

#[test]
fn an_r_of_small_order_is_refused() {
    for torsion in EIGHT_TORSION {
        let (key, signature) = forge(Scalar::ZERO, torsion, no_twist());
        assert_eq!(verify(key, &signature), Err(Code::BadSignature));
    }
}

#[test]
fn an_s_at_or_above_the_group_order_is_refused() {
    // L = 2^252 + 27742317777372353535851937790883648493, little endian.
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let key = *public(1).as_bytes();
    let good = sign(&secret(1), Tag::Proof, &[MESSAGE]);
    assert_eq!(verify(key, &good), Ok(()));
    let mut bytes = *good.as_bytes();
    for times in 1..=15 {
        let mut carry = 0;
        for (byte, more) in bytes[32..].iter_mut().zip(L) {
            let sum = u16::from(*byte) + u16::from(more) + carry;
            *byte = u8::try_from(sum & 0xff).unwrap();
            carry = sum >> 8;
        }
        if carry > 0 {
            break;
        }
        let again = Signature::from_bytes(bytes);
        assert_eq!(
            verify(key, &again),
            Err(Code::BadSignature),
            "S + {times} L"
        );
    }
    for bit in 253..256 {
        let mut bytes = *good.as_bytes();
        bytes[32 + bit / 8] |= 1 << (bit % 8);
        assert_eq!(
            verify(key, &Signature::from_bytes(bytes)),
            Err(Code::BadSignature),
            "{bit}"
        );
    }
}

#[test]
fn an_r_with_a_second_encoding_is_refused() {
    let key = *public(1).as_bytes();
    for more in 0..19 {
        let mut bytes = *sign(&secret(1), Tag::Proof, &[MESSAGE]).as_bytes();
        bytes[..32].copy_from_slice(&p_plus(more));
        assert_eq!(
            verify(key, &Signature::from_bytes(bytes)),
            Err(Code::BadSignature),
            "{more}"
        );
    }
}

/// What is signed with one tag verifies with no other, whatever the bytes.
#[test]
fn i3_no_tag_stands_for_another() {
    let key = public(1);
    for signed in Tag::ALL {
        let signature = sign(&secret(1), *signed, &[MESSAGE]);
        for tag in Tag::ALL {
            let expected = if tag == signed {
                Ok(())
            } else {
                Err(Code::BadSignature)
            };
            assert_eq!(
                key.verify(*tag, &[MESSAGE], &signature),
                expected,
                "{signed} as {tag}"
            );
        }
    }
    let mut beginnings: Vec<_> = Tag::ALL.iter().map(|tag| tagged(*tag, &[])).collect();
    beginnings.sort();
    let prefixed = beginnings
        .windows(2)
        .any(|pair| pair[1].starts_with(&pair[0]));
    assert!(!prefixed, "no tag with its zero byte begins another");
}

#[test]
fn i3_no_network_and_no_partner_stands_for_another() {
    let (elsewhere, here) = (NetworkName::new("test").unwrap().id(), fixtures::network());
    assert_ne!(elsewhere, here);
    let parts = [&elsewhere.as_bytes()[..], MESSAGE];
    let signature = sign(&secret(1), Tag::Delegation, &parts);
    let here = [&here.as_bytes()[..], MESSAGE];
    assert_eq!(
        public(1).verify(Tag::Delegation, &here, &signature),
        Err(Code::BadSignature)
    );
    assert_eq!(
        public(2).verify(Tag::Delegation, &parts, &signature),
        Err(Code::BadSignature)
    );
    assert_eq!(
        public(1).verify(Tag::Delegation, &parts, &signature),
        Ok(())
    );
    let other: SigningKey = secret(2);
    assert_ne!(sign(&other, Tag::Delegation, &parts), signature);
}
