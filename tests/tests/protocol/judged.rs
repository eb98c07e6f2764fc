//! Proofs, batches and ledgers, good and bad, with the verdict on each: golden in
//! tests/vectors/judged.json, as questions that any implementation can be asked.

use omni_protocol::{
    code::Code,
    fence::{self, to_bytes},
    hash::NetworkName,
    identity::{KeyChain, KeyEvent, SignedDelegation, SignedInvite, sign_bytes},
    ledger::{Entry, note::SignedCheckpoint},
    limits::{BATCH_BYTES_MAX, INVITE_BYTES_MAX},
    machine::Policy,
    proof::{Batch, Proof, SignedTree},
    record::{Envelope, Signed},
    thread::{Question, ThreadBody},
};
use omni_tests::{
    market::{self, Identity, Node, article},
    samples,
};
use serde_json::{Value, json};

use crate::{
    fixtures::{self, secret},
    vectors::{self, hex},
};

/// Largest proof: a path of eight hashes and what stands beside it.
const PROOF_BYTES_MAX: usize = 512;

/// The verdict on one question: what `ok` holds, or the code.
pub type Verdict = Result<Value, Code>;

/// One case: its name, the question, and what is to be answered. A ledger is good or is not; the
/// specification gives no code for how it is not.
fn case(name: &str, question: &Value, verdict: Verdict) -> Value {
    let expected = match verdict {
        Ok(ok) => json!({ "ok": ok }),
        Err(_) if question["ask"] == "ledger" => json!({ "refused": null }),
        Err(code) => json!({ "refused": code.name() }),
    };
    json!({ "name": name, "question": question, "answer": expected })
}

/// All cases.
pub fn cases() -> Vec<Value> {
    [identities(), proofs(), batches(), ledgers()].concat()
}

#[test]
fn vectors_hold_the_verdict_on_each_case() {
    let cases = cases();
    let refused = cases.iter().filter(|case| case["answer"]["ok"].is_null());
    assert!(refused.count() > 20 && cases.len() > 60);
    vectors::check("judged.json", &Value::from(cases));
}

/// The events of a chain, as questions give them.
fn events_of(events: &[(Signed<KeyEvent>, Proof)]) -> Value {
    events
        .iter()
        .map(|(record, proof)| {
            json!({ "record": hex(record.bytes()), "proof": hex(&to_bytes(proof)) })
        })
        .collect()
}

fn chain_of(events: &[(Signed<KeyEvent>, Proof)]) -> Result<KeyChain, Code> {
    KeyChain::read(fixtures::network(), events.to_vec())
}

fn identities() -> Vec<Value> {
    let all = fixtures::events();
    let mut cases = Vec::new();
    for count in 1..=3 {
        let events = &all[..count];
        let chain = chain_of(events).unwrap();
        let ok = json!({
            "partner": hex(chain.partner().as_bytes()),
            "keys": count,
            "in force": hex(chain.in_force().unwrap().key().as_bytes()),
        });
        let question = json!({ "ask": "chain", "events": events_of(events) });
        cases.push(case(&format!("a chain of {count}"), &question, Ok(ok)));
        let key = chain.in_force_at(0);
        let delegation = fixtures::signed_delegation();
        let question = json!({ "ask": "delegation", "events": events_of(events),
            "bytes": hex(&to_bytes(&delegation)) });
        let name = format!("a delegation by the first of {count} keys");
        let verdict = key.clone().map(|_| json!(true));
        cases.push(case(&name, &question, verdict));
        let question = json!({ "ask": "invite", "events": events_of(events),
            "bytes": hex(&to_bytes(&fixtures::signed_invite())) });
        let name = format!("an invite by the first of {count} keys");
        cases.push(case(&name, &question, key.map(|_| json!(true))));
    }
    for (name, events) in [
        (
            "a chain without its second event",
            vec![all[0].clone(), all[2].clone()],
        ),
        (
            "a rotation with the proof of the inception",
            vec![all[0].clone(), (all[1].0.clone(), all[0].1.clone())],
        ),
    ] {
        let question = json!({ "ask": "chain", "events": events_of(&events) });
        cases.push(case(
            name,
            &question,
            chain_of(&events).map(|_| json!(null)),
        ));
    }
    cases
}

/// The verdict of the program on a record with its proof.
fn judge_proof(events: &[(Signed<KeyEvent>, Proof)], record: &[u8], proof: &[u8]) -> Verdict {
    let record = Envelope::read(&fixtures::network(), record)?;
    let proof = fence::decode::<Proof>(proof, PROOF_BYTES_MAX)?;
    let key = chain_of(events)?.in_force_at(proof.key_index)?;
    let attested = proof.claim(record.author(), record.id())?.verify(&key)?;
    assert!(attested.covers(record.id()));
    Ok(json!(record.id().to_string()))
}

/// Records of the partner of the fixtures: short questions that differ.
fn records(count: usize) -> Vec<Signed<ThreadBody>> {
    (0..count)
        .map(|number| {
            let body = ThreadBody::Question(Question {
                header: samples::header(),
                text: format!("Which of {number}?").parse().unwrap(),
            });
            Signed::write(&fixtures::network(), fixtures::partner(), body).unwrap()
        })
        .collect()
}

fn proofs_of(records: &[Signed<ThreadBody>]) -> Vec<Proof> {
    let ids: Vec<_> = records.iter().map(Signed::id).collect();
    let tree = SignedTree::sign(&fixtures::key(), &secret(1), &ids).unwrap();
    tree.into_proofs().into_iter().map(|(_, p)| p).collect()
}

/// A change of a proof, by name.
type Spoiling = (&'static str, fn(&mut Proof));

fn proofs() -> Vec<Value> {
    let events = fixtures::events();
    let first = &events[..1];
    let mut cases = Vec::new();
    let mut put = |name: String, chain: &[_], record: &[u8], proof: &[u8]| {
        let question = json!({ "ask": "proof", "events": events_of(chain),
            "record": hex(record), "proof": hex(proof) });
        cases.push(case(&name, &question, judge_proof(chain, record, proof)));
    };
    for size in [1, 2, 3, 6, 7, 255, 256] {
        let records = records(size);
        let proofs = proofs_of(&records);
        let mut places = vec![0, size / 2, size - 1];
        places.dedup();
        for place in places {
            let (record, proof) = (records[place].bytes(), &proofs[place]);
            put(
                format!("leaf {place} of {size}"),
                first,
                record,
                &to_bytes(proof),
            );
        }
    }
    let records = records(6);
    let good = proofs_of(&records)[4].clone();
    let bytes = records[4].bytes();
    let changes: [Spoiling; 8] = [
        ("another key index", |proof| proof.key_index = 1),
        ("a larger tree", |proof| proof.tree_size = 7),
        ("a tree of another form", |proof| proof.tree_size = 16),
        ("another leaf", |proof| proof.leaf_index = 5),
        ("a leaf outside the tree", |proof| proof.leaf_index = 6),
        ("a tree without leaves", |proof| proof.tree_size = 0),
        ("a tree above 256", |proof| proof.tree_size = 257),
        ("another path", |proof| {
            let path: Vec<_> = proof.path.iter().rev().copied().collect();
            proof.path = fence::List::new(path).unwrap();
        }),
    ];
    for (name, change) in changes {
        let mut proof = good.clone();
        change(&mut proof);
        put(name.to_owned(), first, bytes, &to_bytes(&proof));
    }
    for (name, path) in [("a shorter path", 1), ("a longer path", 3)] {
        let mut proof = good.clone();
        let path: Vec<_> = proof.path.iter().cycle().take(path).copied().collect();
        proof.path = fence::List::new(path).unwrap();
        put(name.to_owned(), first, bytes, &to_bytes(&proof));
    }
    let mut proof = to_bytes(&good);
    *proof.last_mut().unwrap() ^= 1;
    put("another signature".into(), first, bytes, &proof);
    put(
        "another record".into(),
        first,
        records[3].bytes(),
        &to_bytes(&good),
    );
    put(
        "a key that was rotated away".into(),
        &events[..2],
        bytes,
        &to_bytes(&good),
    );
    cases
}

fn judge_batch(bytes: &[u8]) -> Verdict {
    let network = fixtures::network();
    let batch = fence::decode::<Batch>(bytes, BATCH_BYTES_MAX)?;
    let opened = batch.open(&network)?;
    opened.claim.verify(&fixtures::key())?;
    let ids = opened.records.iter().map(|record| record.id().to_string());
    Ok(ids.collect())
}

fn batches() -> Vec<Value> {
    let (network, author) = (fixtures::network(), fixtures::partner());
    let events = fixtures::events();
    let mut cases = Vec::new();
    let mut put = |name: String, bytes: &[u8]| {
        let question = json!({ "ask": "batch", "events": events_of(&events[..1]),
            "bytes": hex(bytes) });
        cases.push(case(&name, &question, judge_batch(bytes)));
    };
    let batch_of = |size: usize, live: &[usize]| {
        let records = records(size);
        let proofs = proofs_of(&records);
        let parts = live
            .iter()
            .map(|place| (records[*place].bytes().to_vec(), proofs[*place].clone()));
        Batch::gather(&network, author, parts.collect()).unwrap()
    };
    for (size, live) in [
        (1, &[0][..]),
        (2, &[1]),
        (6, &[1, 4]),
        (6, &[0, 1, 2, 3, 4, 5]),
        (7, &[6]),
        (256, &[0, 100, 255]),
    ] {
        let bytes = to_bytes(&batch_of(size, live));
        put(format!("a batch of {} of {size}", live.len()), &bytes);
    }
    let good = to_bytes(&batch_of(6, &[1, 4]));
    for (name, bytes) in changed_batches(&good) {
        put(name.to_owned(), &bytes);
    }
    cases
}

/// A batch of the leaves 1 and 4 of 6 has a cover of three hashes before its signature.
fn changed_batches(good: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let cover = good.len() - 64 - 3 * 32 - 1;
    assert_eq!(good[cover], 3, "where the cover begins");
    let (size, first) = (33, 35);
    assert_eq!(good[size..=first], [6, 2, 1], "size, leaves, first place");
    let with = |at: usize, byte: u8| {
        let mut bytes = good.to_vec();
        bytes[at] = byte;
        bytes
    };
    let recovered = |count: u8, hashes: &[u8]| {
        let end = &good[cover + 1 + 3 * 32..];
        [&good[..cover], &[count], hashes, end].concat()
    };
    let hashes = &good[cover + 1..cover + 1 + 3 * 32];
    let mut twice = good.to_vec();
    let length = usize::from(good[first + 1]);
    assert!(length < 251, "a length of one byte");
    let second = first + 2 + length;
    let record = good[first + 2..second].to_vec();
    twice[second + 2..second + 2 + length].copy_from_slice(&record);
    vec![
        ("a cover that is too short", recovered(2, &hashes[..2 * 32])),
        (
            "a cover that is too long",
            recovered(4, &[hashes, &[7; 32]].concat()),
        ),
        (
            "a cover with another hash",
            with(cover + 1, good[cover + 1] ^ 1),
        ),
        (
            "a batch with another signature",
            with(good.len() - 1, good[good.len() - 1] ^ 1),
        ),
        ("a batch of a smaller tree", with(size, 5)),
        ("a leaf of the batch outside the tree", with(size, 4)),
        ("leaves that do not ascend", with(first, 4)),
        ("leaves at other places", with(first, 0)),
        ("a record twice", twice),
        (
            "a record of another author",
            with(first + 4, good[first + 4] ^ 1),
        ),
    ]
}

/// A ledger of two lives with a checkpoint after each, by the production machine.
fn ledger() -> (Node, Vec<String>) {
    let mut node = Node::started(1, Policy::default());
    let mut notes = Vec::new();
    let mut close = |node: &mut Node| {
        node.sign_checkpoint();
        let key = omni_protocol::machine::Key::Checkpoint {};
        notes.push(String::from_utf8(node.store.0[&key].clone()).unwrap());
    };
    article(&mut node, "A", 1000, 10);
    close(&mut node);
    node.ms += 5000;
    node.restart(Policy::default());
    article(&mut node, "B", 500, 3);
    close(&mut node);
    (node, notes)
}

fn ledgers() -> Vec<Value> {
    let (node, notes) = ledger();
    let head = node.machine.head();
    let root = SignedCheckpoint::read(&notes[1], market::network(), node.partner())
        .unwrap()
        .checkpoint
        .root;
    let ok = json!({ "0": { "size": head.size, "root": hex(&root) } });
    let entries = &node.entries;
    let mut cases = vec![case(
        "a ledger of two lives",
        &ledger_question(&node.identity, entries, &notes),
        Ok(ok),
    )];
    let mut put = |name: &str, entries: &[Entry], notes: &[String]| {
        let question = ledger_question(&node.identity, entries, notes);
        cases.push(case(name, &question, Err(Code::BadProof)));
    };
    put("a ledger without its first entry", &entries[1..], &notes);
    put(
        "a ledger without its last entry",
        &entries[..entries.len() - 1],
        &notes,
    );
    let mut changed = entries.clone();
    changed.remove(2);
    put("a ledger without its third entry", &changed, &notes);
    let mut changed = entries.clone();
    changed[1].body.salt[0] ^= 1;
    put("an entry with another body", &changed, &notes);
    let mut changed = entries.clone();
    let last = changed.last_mut().unwrap();
    last.header.at = last.header.at.plus_ms(1);
    put("an entry at another time", &changed, &notes);
    let other = Identity::new(2);
    let mut forged = notes.clone();
    let read = SignedCheckpoint::read(&notes[1], market::network(), node.partner()).unwrap();
    let signature = sign_bytes(&other.secret, read.checkpoint.text().as_bytes());
    let key = node.identity.key.key().as_bytes();
    forged[1] = read.checkpoint.signed(0, key, *signature.as_bytes()).text();
    put("a checkpoint that another key signed", entries, &forged);
    let moved = vec![notes[0].replacen("\nlife 8", "\nlife 9", 1)];
    assert_ne!(moved[0], notes[0]);
    put("a checkpoint of another life", entries, &moved);
    cases
}

fn ledger_question(identity: &Identity, entries: &[Entry], notes: &[String]) -> Value {
    let entries: Value = entries
        .iter()
        .map(|entry| {
            json!({ "header": hex(&entry.header.to_bytes()), "body": hex(&entry.body.to_bytes()) })
        })
        .collect();
    json!({ "ask": "ledger", "network": "test",
        "events": events_of(std::slice::from_ref(&identity.inception)),
        "entries": entries, "checkpoints": notes })
}

/// What the decoders of the program say to the form of these bytes.
pub fn judge_form(of: &str, bytes: &[u8]) -> Result<(), Code> {
    let network = NetworkName::new("main")?.id();
    match of {
        "record" => Signed::<omni_protocol::body::AnyBody>::read(&network, bytes).map(drop),
        "proof" => fence::decode::<Proof>(bytes, PROOF_BYTES_MAX).map(drop),
        "batch" => fence::decode::<Batch>(bytes, BATCH_BYTES_MAX).map(drop),
        "delegation" => fence::decode::<SignedDelegation>(bytes, 200).map(drop),
        "invite" => fence::decode::<SignedInvite>(bytes, INVITE_BYTES_MAX).map(drop),
        "entry-header" => omni_protocol::ledger::EntryHeader::from_bytes(bytes).map(drop),
        other => unreachable!("{other} is not asked for"),
    }
}
