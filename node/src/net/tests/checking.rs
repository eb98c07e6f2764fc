//! What becomes of single gossip messages: taken, ignored or refused, in the order of SPEC 6.

use std::sync::Arc;

use omni_protocol::{
    code::Code,
    limits::{CLOCK_AHEAD_MS_MAX, GOSSIP_FRAME_BYTES_MAX},
    proof::Batch,
    public::PublicBody,
    record::Signed,
    slot::Revision,
    thread::{Header, Inquiry, Life},
    value::{Prose, Time},
};

use super::market::{MemoryShelf, Person, encode, gather, network};
use crate::{
    clock::Clock,
    net::verify::{Checks, Unfit},
};

struct Bench {
    clock: Clock,
    shelf: Arc<MemoryShelf>,
    checks: Checks,
    author: Person,
}

fn bench() -> Bench {
    let clock = Clock::manual(Clock::System.now_ms());
    let shelf = Arc::new(MemoryShelf::default());
    let author = Person::new(2);
    shelf.learn(author.chain.clone());
    let own = Person::new(1).id();
    let checks = Checks::new(network().id(), own, clock.clone(), shelf.clone());
    Bench {
        clock,
        shelf,
        checks,
        author,
    }
}

impl Bench {
    /// How many records were taken, or why none.
    fn hear(&self, bytes: &[u8]) -> Result<usize, Unfit> {
        let fresh = self.checks.gossip(bytes)?;
        for (record, place) in fresh.batch.records() {
            let proof = fresh.batch.paths().proof(*place).expect("it came");
            self.shelf.keep((**record).clone(), proof);
        }
        Ok(fresh.batch.records().len())
    }
}

#[test]
fn a_message_is_taken_once() {
    let bench = bench();
    let bytes = bench
        .author
        .batch(vec![bench.author.offer("a"), bench.author.offer("b")]);
    assert_eq!(bench.hear(&bytes), Ok(2));
    assert_eq!(bench.hear(&bytes), Err(Unfit::Ignored(Code::Outdated)));
}

#[test]
fn what_is_known_costs_no_signature_check() {
    let bench = bench();
    let older = bench.author.offer("a");
    assert_eq!(
        bench.hear(&bench.author.batch(vec![bench.author.offer("a")])),
        Ok(1)
    );
    // With a signature that would be refused if anybody looked at it.
    let mut bytes = bench.author.batch(vec![older]);
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(bench.hear(&bytes), Err(Unfit::Ignored(Code::Outdated)));
}

#[test]
fn only_what_is_new_of_a_batch_is_taken() {
    let bench = bench();
    let (first, second) = (bench.author.offer("a"), bench.author.offer("b"));
    assert_eq!(bench.hear(&bench.author.batch(vec![first.clone()])), Ok(1));
    assert_eq!(bench.hear(&bench.author.batch(vec![first, second])), Ok(1));
}

#[test]
fn time_is_judged_before_the_signature() {
    let bench = bench();
    let mut bytes = bench.author.batch(vec![bench.author.offer("a")]);
    *bytes.last_mut().unwrap() ^= 1;
    // The offer is valid for an hour.
    bench.clock.advance(3_600_001 + 1_000);
    assert_eq!(bench.hear(&bytes), Err(Unfit::Ignored(Code::Expired)));

    let now = Time::new(bench.clock.now_ms()).unwrap();
    let ahead = now.plus_ms(CLOCK_AHEAD_MS_MAX + 1_000);
    let PublicBody::Profile(mut profile) = bench.author.profile("Anna") else {
        panic!("a profile is one");
    };
    profile.revision = Revision::next(None, ahead).unwrap();
    let bytes = bench.author.batch(vec![PublicBody::Profile(profile)]);
    assert_eq!(bench.hear(&bytes), Err(Unfit::Ignored(Code::FromFuture)));
}

#[test]
fn strangers_keys_are_asked_for() {
    let bench = bench();
    let stranger = Person::new(3);
    let bytes = stranger.batch(vec![stranger.offer("a")]);
    assert_eq!(bench.hear(&bytes), Err(Unfit::UnknownKeys(stranger.id())));
    bench.checks.learn(stranger.chain);
    assert_eq!(bench.hear(&bytes), Ok(1));
}

#[test]
fn what_is_not_for_everybody_is_not_taken() {
    let bench = bench();
    let own = Person::new(1).id();
    let bytes = bench
        .author
        .batch(vec![bench.author.offer_for("a", &[own])]);
    assert_eq!(bench.hear(&bytes), Err(Unfit::Ignored(Code::NotAddressed)));

    // A record of a thread has no place in gossip, whoever signed it.
    let inquiry = Inquiry {
        header: Header {
            salt: [1; 16],
            to: own,
            life: Life::new(1).unwrap(),
            epoch: 0,
            sequence: 0,
            at: Time::new(1).unwrap(),
            thread: None,
            parent: None,
        },
        text: Prose::new("Anybody there?").unwrap(),
    };
    let signed = Signed::write(&network().id(), bench.author.id(), inquiry).unwrap();
    let proof = bench.author.prove(&[signed.id()]).remove(0);
    let parts = vec![(signed.bytes().to_vec(), proof)];
    let batch = Batch::gather(&network().id(), bench.author.id(), parts);
    let bytes = encode(&batch.unwrap());
    assert_eq!(bench.hear(&bytes), Err(Unfit::Refused(Code::Malformed)));
}

#[test]
fn what_a_correct_peer_could_not_send_is_refused() {
    let bench = bench();
    let good = bench.author.batch(vec![bench.author.offer("a")]);
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let longer = [good.clone(), vec![0]].concat();
    let mixed = {
        let signed = bench.author.sign(vec![bench.author.offer("b")]);
        encode(&gather(Person::new(3).id(), &signed))
    };
    for (name, bytes, expected) in [
        ("empty", vec![], Code::Malformed),
        ("cut", good[..good.len() - 1].to_vec(), Code::Malformed),
        ("longer", longer, Code::Malformed),
        ("signature", flipped(good.len() - 1), Code::BadSignature),
        ("another author", mixed, Code::BadProof),
        (
            "too large",
            vec![0; GOSSIP_FRAME_BYTES_MAX + 1],
            Code::TooLarge,
        ),
    ] {
        assert_eq!(bench.hear(&bytes), Err(Unfit::Refused(expected)), "{name}");
    }
    assert_eq!(bench.hear(&good), Ok(1));
}

/// Each byte of an honest message changed in turn: nothing but its author's records is taken.
#[test]
fn no_changed_byte_is_taken() {
    let bench = bench();
    let good = bench
        .author
        .batch(vec![bench.author.offer("a"), bench.author.offer("b")]);
    for at in 0..good.len() {
        for change in [1, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] ^= change;
            assert!(
                bench.hear(&bytes).is_err(),
                "byte {at} changed by {change:#x}"
            );
        }
    }
    assert_eq!(bench.hear(&good), Ok(2));
}

#[test]
fn key_events_come_as_a_chain() {
    let bench = bench();
    let stranger = Person::new(3);
    let parts: Vec<_> = stranger
        .chain
        .events()
        .map(|(record, proof)| (record.bytes().to_vec(), proof.clone()))
        .collect();
    let batch = Batch::gather(&network().id(), stranger.id(), parts);
    let bytes = encode(&batch.unwrap());
    let fresh = bench.checks.gossip(&bytes).unwrap();
    assert_eq!(fresh.keys.as_deref(), Some(&stranger.chain));
    assert!(fresh.batch.records().is_empty());
    let again = bench.checks.gossip(&bytes).map(|_| ());
    assert_eq!(again, Err(Unfit::Ignored(Code::Outdated)));
}
