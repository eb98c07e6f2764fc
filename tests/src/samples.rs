//! One body of each kind and one frame of each type with every field filled, the same in every run:
//! what golden vectors hold and what hostile bytes are made from.

mod bundle;
mod frames;
mod public;
mod thread;

use ed25519_dalek::SigningKey;
use omni_protocol::{
    body::AnyBody,
    hash::{DealId, NetworkId, NetworkName, PartnerId, RecordId},
    identity::{
        self, Delegation, Inception, KeyChain, KeyEvent, PublicKey, SignedDelegation, StandingKey,
        sign_event,
    },
    proof::Proof,
    record::Signed,
    value::{Steps, Time},
};

pub use self::{
    frames::{all as frames, greeting, notice, proved},
    public::{offer_draft, revision},
    thread::{header, plain_terms, terms},
};

/// The network of all samples.
pub fn network() -> NetworkId {
    NetworkName::new("main").unwrap().id()
}

/// A secret key by its number.
pub fn secret(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// The inception of the partner with this number, as a record with its proof: its market key is
/// that number.
pub fn inception(number: u8) -> (Signed<KeyEvent>, Proof) {
    let key = |number: u8| PublicKey::of(&secret(number));
    let (next, recovery) = (key(number + 1).digest(), key(number + 100).digest());
    let inception = Inception::new(network(), key(number), next, recovery);
    let partner = inception.partner();
    sign_event(
        network(),
        partner,
        KeyEvent::Inception(inception),
        &secret(number),
    )
    .unwrap()
}

/// The key chain of the partner with this number.
pub fn chain(number: u8) -> KeyChain {
    let (record, proof) = inception(number);
    KeyChain::begin(network(), record, proof).unwrap()
}

/// The partner with this number.
pub fn partner(number: u8) -> PartnerId {
    chain(number).partner()
}

/// The key in force of the partner with this number.
pub fn key(number: u8) -> StandingKey {
    chain(number).in_force().unwrap()
}

/// The delegation of a node's transport key, which has the number 50 more than the partner.
pub fn delegation(number: u8) -> SignedDelegation {
    let node = *PublicKey::of(&secret(number + 50)).as_bytes();
    let (from, to) = (time(1_790_000_000_000), time(1_800_000_000_000));
    let delegation = Delegation::new(identity::Role::Transport, node, 0, from, to).unwrap();
    delegation.sign(&key(number), &secret(number)).unwrap()
}

/// A time by its milliseconds.
pub fn time(ms: u64) -> Time {
    Time::new(ms).unwrap()
}

/// A quantity by its number of steps.
pub fn steps(steps: u64) -> Steps {
    Steps::new(steps).unwrap()
}

/// A record id whose bytes are all the same.
pub fn record(byte: u8) -> RecordId {
    RecordId::from_bytes([byte; 32])
}

/// A deal id whose bytes are all the same.
pub fn deal(byte: u8) -> DealId {
    DealId::from_bytes([byte; 32])
}

/// A body of each kind, by the name of the kind or more.
pub fn bodies() -> Vec<(&'static str, AnyBody)> {
    let public = public::all()
        .into_iter()
        .map(|(name, body)| (name, AnyBody::Public(body)));
    let thread = thread::all()
        .into_iter()
        .map(|(name, body)| (name, AnyBody::Thread(body)));
    let bundle = bundle::all()
        .into_iter()
        .map(|(name, body)| (name, AnyBody::Bundle(body)));
    public.chain(thread).chain(bundle).collect()
}
