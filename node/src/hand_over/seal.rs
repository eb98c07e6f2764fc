//! HPKE base mode as SPEC.md section 13 has it: DHKEM X25519 HKDF-SHA256, HKDF-SHA256,
//! ChaCha20-Poly1305. Whose key it is, and whether that is so, is kept out.

use std::convert::Infallible;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{
    Deserializable, HpkeError, Kem, OpModeR, OpModeS, Serializable, single_shot_open,
    single_shot_seal_with_rng,
};
use omni_protocol::fence::Bytes;
use omni_protocol::hash::DealId;
use omni_protocol::limits::HANDOVER_BYTES_MAX;
use omni_protocol::thread::{Handover, Shipto};
use zeroize::Zeroizing;

use crate::keys::Secret;

/// SPEC.md section 13.
const INFO: &[u8] = b"omni/1/handover";

/// Customer details sealed for one fulfiller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The fulfiller's key.
    pub sealing_key: [u8; 32],
    /// The encapsulated key.
    pub encapsulated: [u8; 32],
    /// The sealed bytes.
    pub sealed: Bytes<HANDOVER_BYTES_MAX>,
}

/// Why details can't be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key is none, or one of small order, whose shared secret everybody knows.
    #[error("the sealing key is not a usable X25519 key")]
    Key,
    /// Too long together.
    #[error("the details are too long together: shorten the note")]
    TooLong,
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    Entropy,
    /// They were sealed for another key than this node's.
    #[error("the details were sealed for another key than this node's")]
    OtherKey,
    /// The bytes were not sealed for this deal and key, or changed on their way.
    #[error("the sealed details can't be opened: they were not sealed for this deal, or changed")]
    Broken,
}

/// Seals `clear` for the owner of `key`, so that it opens for this deal only.
///
/// # Errors
/// See [`SealError`].
pub fn seal(key: &[u8; 32], deal: DealId, clear: &Shipto) -> Result<Sealed, SealError> {
    let clear = Zeroizing::new(clear.encode().or(Err(SealError::TooLong))?);
    let recipient = PublicKey::from_bytes(key).or(Err(SealError::Key))?;
    let mut entropy = Entropy::draw()?;
    let sealed = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &recipient,
        INFO,
        &clear,
        &associated(deal, key),
        &mut entropy,
    );
    let (encapsulated, sealed) = sealed.map_err(|error| {
        if error == HpkeError::SealError {
            SealError::TooLong
        } else {
            SealError::Key
        }
    })?;
    Ok(Sealed {
        sealing_key: *key,
        encapsulated: encapsulated.to_bytes().into(),
        sealed: Bytes::new(sealed).or(Err(SealError::TooLong))?,
    })
}

type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;

fn associated(deal: DealId, key: &[u8; 32]) -> Vec<u8> {
    [deal.as_bytes().as_slice(), key].concat()
}

/// The key with which this node opens what was sealed for it.
#[derive(Debug, Clone)]
pub struct Sealing {
    secret: Secret,
    public: [u8; 32],
}

impl Sealing {
    /// With both halves of the key.
    #[must_use]
    pub const fn new(secret: Secret, public: [u8; 32]) -> Self {
        Self { secret, public }
    }

    /// Opens what a partner handed over.
    ///
    /// # Errors
    /// `OtherKey` or `Broken`.
    pub fn open(&self, handover: &Handover) -> Result<Shipto, SealError> {
        if handover.sealing_key != self.public {
            return Err(SealError::OtherKey);
        }
        let secret = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(self.secret.bytes());
        let secret = secret.or(Err(SealError::Key))?;
        let encapsulated =
            <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&handover.encapsulated);
        let clear = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &secret,
            &encapsulated.or(Err(SealError::Broken))?,
            INFO,
            &handover.sealed,
            &associated(handover.deal, &self.public),
        );
        let clear = Zeroizing::new(clear.or(Err(SealError::Broken))?);
        Shipto::decode(&clear).or(Err(SealError::Broken))
    }
}

/// Random bytes that were there before they are asked for, so that a system which refuses them is
/// an error and not a panic. One encapsulation takes 32.
struct Entropy {
    bytes: Zeroizing<[u8; 64]>,
    used: usize,
}

impl Entropy {
    fn draw() -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0; 64]);
        getrandom::fill(bytes.as_mut()).or(Err(SealError::Entropy))?;
        Ok(Self { bytes, used: 0 })
    }
}

impl TryRng for Entropy {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        let end = self.used.saturating_add(to.len());
        let fresh = self.bytes.get(self.used..end);
        // A key of too few random bytes must never leave this machine.
        assert!(
            fresh.is_some(),
            "one sealing takes no more than was drawn for it"
        );
        to.copy_from_slice(fresh.unwrap_or_default());
        self.used = end;
        Ok(())
    }
}

impl TryCryptoRng for Entropy {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::ship_to::ShipToDoc;
    use omni_protocol::hash::{PartnerId, RecordId, ThreadId};
    use omni_protocol::limits::SHIPTO_BYTES;
    use omni_protocol::thread::{Header, Life};
    use omni_protocol::value::Time;

    fn clear() -> Shipto {
        let doc = ShipToDoc {
            name: "Ada Moor".to_owned(),
            city: "Leeds".to_owned(),
            ..ShipToDoc::default()
        };
        doc.clear().unwrap()
    }

    fn sealing() -> Sealing {
        let (secret, public) = X25519HkdfSha256::derive_keypair(&[7; 32]);
        Sealing::new(
            Secret::new(secret.to_bytes().into()),
            public.to_bytes().into(),
        )
    }

    fn handover(sealed: Sealed, deal: DealId) -> Handover {
        let thread = ThreadId::from_bytes([3; 32]);
        let header = Header {
            salt: [0; 16],
            to: PartnerId::from_bytes([2; 32]),
            life: Life::new(1).unwrap(),
            epoch: 0,
            sequence: 0,
            at: Time::default(),
            thread: Some(thread),
            parent: Some(RecordId::from_bytes([3; 32])),
        };
        Handover {
            header,
            deal,
            sealing_key: sealed.sealing_key,
            encapsulated: sealed.encapsulated,
            sealed: sealed.sealed,
        }
    }

    #[test]
    fn only_the_fulfiller_opens_and_only_for_its_deal() {
        let (sealing, deal) = (sealing(), DealId::from_bytes([9; 32]));
        let sealed = seal(&sealing.public, deal, &clear()).unwrap();
        let good = handover(sealed, deal);
        assert!(sealing.open(&good) == Ok(clear()));
        let again = seal(&sealing.public, deal, &clear()).unwrap();
        assert_ne!(again.encapsulated, good.encapsulated);

        let other_deal = handover(
            seal(&sealing.public, deal, &clear()).unwrap(),
            DealId::from_bytes([8; 32]),
        );
        assert_eq!(sealing.open(&other_deal).err(), Some(SealError::Broken));
        let (secret, public) = X25519HkdfSha256::derive_keypair(&[8; 32]);
        let other = Sealing::new(
            Secret::new(secret.to_bytes().into()),
            public.to_bytes().into(),
        );
        assert_eq!(other.open(&good).err(), Some(SealError::OtherKey));
    }

    #[test]
    fn its_length_does_not_tell_that_of_the_address() {
        let (sealing, deal) = (sealing(), DealId::from_bytes([9; 32]));
        let long = ShipToDoc {
            name: "N".repeat(128),
            lines: vec!["L".repeat(128); 4],
            city: "C".repeat(128),
            postcode: "P".repeat(16),
            region: "GB-SCT".to_owned(),
            country: "GB".to_owned(),
            phone: "1".repeat(32),
            email: "e".repeat(128),
            note: "n".repeat(512),
        };
        let longest = long.clear().unwrap();
        let lengths = [clear(), longest]
            .map(|clear| seal(&sealing.public, deal, &clear).unwrap().sealed.len());
        assert_eq!(lengths, [SHIPTO_BYTES + 16; 2]);
    }

    #[test]
    fn hostile_bytes_do_not_open() {
        let (sealing, deal) = (sealing(), DealId::from_bytes([9; 32]));
        let good = handover(seal(&sealing.public, deal, &clear()).unwrap(), deal);
        for at in 0..good.sealed.len() {
            let mut bad = good.clone();
            let mut bytes = bad.sealed.into_vec();
            bytes[at] ^= 1;
            bad.sealed = Bytes::new(bytes).unwrap();
            assert_eq!(sealing.open(&bad).err(), Some(SealError::Broken), "{at}");
        }
        for encapsulated in [[0; 32], [0xff; 32], good.sealing_key] {
            let bad = Handover {
                encapsulated,
                ..good.clone()
            };
            assert_eq!(sealing.open(&bad).err(), Some(SealError::Broken));
        }
    }

    #[test]
    fn hostile_keys_of_small_order_are_refused() {
        // The points of small order of Curve25519 (RFC 7748, section 6.1; their list is that of
        // cr.yp.to/ecdh.html), as u-coordinates.
        let digits = [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ];
        let deal = DealId::from_bytes([9; 32]);
        for point in digits {
            let key = point.parse::<RecordId>().unwrap();
            let refused = seal(key.as_bytes(), deal, &clear());
            assert_eq!(refused.err(), Some(SealError::Key), "{point}");
        }
    }
}
