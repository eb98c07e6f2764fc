//! Golden vectors: the bytes of a record of each kind, which also seed the fuzzer, and their ids.
//! `OMNI_VECTORS=write` writes them anew, and the diff is then to be explained.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use omni_protocol::record::Signed;
use omni_tests::samples;

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(file)
}

fn check(file: &str, made: &[u8]) {
    let path = path(file);
    if env::var("OMNI_VECTORS").is_ok_and(|value| value == "write") {
        fs::write(&path, made).unwrap();
    }
    let golden = fs::read(&path).unwrap_or_default();
    assert!(
        golden == made,
        "{file} differs; if it must, write it anew with OMNI_VECTORS=write"
    );
}

fn file_name(name: &str) -> String {
    name.to_lowercase()
        .replace([',', '\''], "")
        .replace(' ', "-")
}

#[test]
fn vectors_hold_a_record_of_each_kind() {
    let mut ids = BTreeMap::new();
    for (name, body) in samples::bodies() {
        let record = Signed::write(&samples::network(), samples::partner(1), body).unwrap();
        check(
            &format!("fuzz/corpus/record/{}", file_name(name)),
            record.bytes(),
        );
        ids.insert(name, record.id().to_string());
    }
    ids.insert("terms hash", samples::terms().hash().to_string());
    let text = serde_json::to_string_pretty(&ids).unwrap() + "\n";
    check("tests/vectors/records.json", text.as_bytes());
}
