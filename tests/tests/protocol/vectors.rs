//! Golden vectors: every number, tag, id and signature that must never change. They stand in
//! tests/vectors; `OMNI_VECTORS=write` writes them anew, and the diff is then to be explained.

use std::{fs, path::PathBuf};

use omni_protocol::{
    code::Code,
    hash::{NetworkName, Tag, hash},
    identity::{DigestAlgorithm, KeyAlgorithm, Role},
    limits,
    record::{Kind, record_id},
    slot::{Family, subject},
    tree,
};
use serde_json::{Map, Value, json};

use crate::fixtures;

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn check(file: &str, made: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(file);
    let text = format!("{made:#}\n");
    if is_writing() {
        fs::write(&path, &text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text, golden,
        "{file} differs; if it must, write it anew with OMNI_VECTORS=write"
    );
}

fn map<K: ToString, V: Into<Value>>(items: impl IntoIterator<Item = (K, V)>) -> Value {
    Value::Object(
        items
            .into_iter()
            .map(|(k, v)| (k.to_string(), v.into()))
            .collect::<Map<_, _>>(),
    )
}

#[test]
fn vectors_hold_every_number() {
    let made = json!({
        "limits": map(limits::ALL.iter().map(|limit| (limit.name, limit.value))),
        "codes": map(Code::ALL.iter().map(|code| (code.name(), code.number()))),
        "kinds": map(Kind::ALL.iter().map(|kind| (kind.name(), kind.number()))),
        "families": map(Family::ALL.iter().map(|word| (word.name(), word.number()))),
        "key algorithms": map(KeyAlgorithm::ALL.iter().map(|word| (word.name(), word.number()))),
        "digest algorithms":
            map(DigestAlgorithm::ALL.iter().map(|word| (word.name(), word.number()))),
        "delegation roles": map(Role::ALL.iter().map(|word| (word.name(), word.number()))),
    });
    check("numbers.json", &made);
}

#[test]
fn vectors_hold_every_tag_and_id() {
    let name = |name| NetworkName::new(name).unwrap();
    let partner = fixtures::partner();
    let key_events = fixtures::events().map(|(record, _)| record.id().to_string());
    let record = b"any bytes";
    let leaves: Vec<_> = (0..5_u8).map(|i| tree::leaf(&[i])).collect();
    let made = json!({
        "hash of abc by tag": map(Tag::ALL.iter().map(|tag| (tag, hex(&hash(*tag, &[b"abc"]))))),
        "network ids": {
            "main": name("main").id().to_string(),
            "test-7": name("test-7").id().to_string(),
        },
        "partner": partner.to_string(),
        "partner as digits": hex(partner.as_bytes()),
        "key digest": fixtures::digest(1).to_string(),
        "key events": key_events,
        "record id of 'any bytes'": record_id(&fixtures::network(), record).to_string(),
        "subject of A-1": subject(&"A-1".parse().unwrap(), &"".parse().unwrap()).to_string(),
        "subject of A-1 in b2b":
            subject(&"A-1".parse().unwrap(), &"b2b".parse().unwrap()).to_string(),
        "tree roots of 0 to 5 leaves":
            (0..=5).map(|size| hex(&tree::root(&leaves[..size]))).collect::<Vec<_>>(),
    });
    check("ids.json", &made);
}

/// The structures are golden as files of the corpus, from which the fuzzer begins.
#[test]
fn vectors_hold_each_structure_signed() {
    for (decoder, name, bytes) in fixtures::structures() {
        let folder = corpus().join(*decoder);
        let path = folder.join(*name);
        if is_writing() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, bytes).unwrap();
        }
        let golden = fs::read(&path).unwrap_or_default();
        let made = hex(bytes);
        assert_eq!(
            made,
            hex(&golden),
            "{path:?} differs; if it must, OMNI_VECTORS=write"
        );
    }
}

pub fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

fn is_writing() -> bool {
    std::env::var("OMNI_VECTORS").is_ok_and(|wish| wish == "write")
}
