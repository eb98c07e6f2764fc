//! What two real nodes wrote is judged by the auditor, which shares no code with them.

use omni_node::{home, keys::Keys};
use omni_tests::{
    auditor::{Home, audit_homes},
    observation::{EntryBytes, RecordBytes},
    omni::Node,
};
use serde_json::Value;

use crate::trade::{customer, fulfil, negotiate, partners};

fn bytes(hex: &Value) -> Vec<u8> {
    let digits = hex.as_str().expect("digits").as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

/// A node's ledger as `omni ledger export` gives it.
fn exported(node: &Node) -> Home {
    let text = node.place().ok(&["ledger", "export"]);
    let mut entries = Vec::new();
    let mut checkpoint = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("a document");
        if let Some(note) = line["note"].as_str() {
            checkpoint = note.as_bytes().to_vec();
            continue;
        }
        let records = line["records"].as_array().expect("a list").iter();
        entries.push(EntryBytes {
            header: bytes(&line["header"]),
            body: bytes(&line["body"]),
            records: records
                .map(|record| RecordBytes {
                    record: bytes(&record["bytes"]),
                    proof: bytes(&record["proof"]),
                })
                .collect(),
        });
    }
    let home = home::Home::at(node.place().home());
    let keys = Keys::load(&home).expect("keys");
    Home {
        network: *keys.standing().network().as_bytes(),
        partner: *keys.standing().partner().as_bytes(),
        key: *keys.standing().key().as_bytes(),
        entries,
        checkpoint,
    }
}

fn findings(homes: &[Home]) -> Vec<String> {
    let found = audit_homes(homes);
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_real_trade_stands_before_the_auditor_and_a_tampered_one_does_not() {
    let (retailer, wholesaler) = partners();
    let thread = negotiate(&retailer, &wholesaler);
    let file = customer(retailer.place().path());
    retailer.json(&["deal", "accept", &thread, "--ship-to", &file, "--yes"]);
    retailer.json(&["deal", "wait", &thread, "--for", "agreed"]);
    fulfil(&retailer, &wholesaler, &thread);
    let homes = [exported(&retailer), exported(&wholesaler)];
    assert_eq!(findings(&homes), Vec::<String>::new());

    let is_receipt = |entry: &EntryBytes| {
        let record = entry.records.first();
        record.is_some_and(|record| record.record[0] == 41)
    };
    let place = homes[1].entries.iter().position(is_receipt).expect("sold");
    let expect = |homes: &[Home], words: &str| {
        let found = findings(homes);
        let is_there = found.iter().any(|finding| finding.contains(words));
        assert!(is_there, "no {words:?} in {found:#?}");
    };
    let mut changed = homes.clone();
    changed[1].entries[place].body[0] ^= 1;
    expect(&changed, "Chain: node 1, entry 0/");
    let mut changed = homes.clone();
    changed[1].entries[place].records[0].proof[10] ^= 1;
    expect(&changed, "not proved by its author's key");
    // The seller's ledger ends before its Receipt, and the buyer's has it.
    let mut changed = homes;
    changed[1].entries.truncate(place);
    expect(&changed, "Agreement: node 0");
    expect(&changed, "another root than the entries give");
}
