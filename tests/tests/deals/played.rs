//! Machines whose runs are made by bytes, as the fuzzer has them: drawn by chance, and the corpus of
//! what the fuzzer met.

use std::{fs, panic::catch_unwind, path::PathBuf};

use omni_protocol::ledger::verify;
use omni_tests::{
    machines::{Played, Trouble, play, play_in},
    sim::Chance,
};

const SEEDS: u64 = 60;
/// About 220 steps.
const BYTES: usize = 800;

fn drawn(seed: u64) -> Vec<u8> {
    let mut chance = Chance::new(seed);
    let bytes = (0..BYTES / 32).flat_map(|_| chance.bytes());
    bytes.collect()
}

#[test]
fn machines_end_with_the_same_decisions() {
    let mut decided = 0;
    for seed in 1..=SEEDS {
        println!("seed {seed}");
        let mut played = play_in(Trouble::None, &drawn(seed));
        decided += played.decided;
        check_ledgers(&mut played);
    }
    assert!(
        decided > 100,
        "only {decided} decisions: the runs try too little"
    );
}

#[test]
fn old_copies_and_hostile_partners_break_no_machine() {
    for trouble in [Trouble::OldCopies, Trouble::Hostile] {
        let mut troubled = 0;
        for seed in 1..=SEEDS {
            println!("{trouble:?}, seed {seed}");
            let mut played = play_in(trouble, &drawn(seed));
            troubled += u64::from(played.is_troubled);
            check_ledgers(&mut played);
        }
        assert!(troubled > SEEDS / 2, "{trouble:?}: the runs try too little");
    }
}

/// Each of these bytes once made something new happen, or go wrong.
#[test]
fn the_corpus_is_replayed() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/machines");
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        println!("{}", path.display());
        check_ledgers(&mut play(&fs::read(path).unwrap()));
        count += 1;
    }
    assert!(count > 0, "there is no corpus");
}

#[test]
fn a_planted_bug_is_found() {
    let found = (1..=SEEDS).find(|seed| {
        let bytes = drawn(*seed);
        catch_unwind(|| play_in(Trouble::Unsynced, &bytes)).is_err()
    });
    println!("a node that does not sync is found by seed {found:?}");
    assert!(found.is_some(), "a node that does not sync is missed");
}

/// I15 and the whole check of a ledger.
fn check_ledgers(played: &mut Played) {
    let keys: Vec<_> = played
        .nodes
        .iter()
        .map(|node| node.identity.clone())
        .collect();
    let key_of = |partner, index| {
        keys.iter()
            .find(|known| known.partner == partner && index == 0)
            .map(|known| known.key.clone())
    };
    for node in &mut played.nodes {
        node.sign_checkpoint();
        let found = verify(&node.config(), &node.store, &key_of).unwrap();
        assert_eq!(found.entries, node.entries.len() as u64);
        assert_eq!(found.unchecked, 0);
        assert_eq!(found.head, *node.machine.head());
    }
}
