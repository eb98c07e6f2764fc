//! The tree over entries, read from kept hashes, beside one that holds all in memory.

use std::{cell::Cell, collections::BTreeMap};

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use omni_protocol::{
    ledger::growth::{Node, append, consistency, root},
    tree::is_consistent,
};
use sha2::Sha256;

#[test]
fn roots_and_consistency_are_those_of_ct_merkle() {
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let mut kept: BTreeMap<Node, [u8; 32]> = BTreeMap::new();
    let mut roots = Vec::new();
    for size in 0..130_u64 {
        let data = size.to_be_bytes().to_vec();
        let read = |node| kept.get(&node).copied();
        let new = append(size, &data, &read).unwrap();
        for (node, hash) in new {
            assert_eq!(kept.insert(node, hash), None, "a kept hash never changes");
        }
        theirs.push(data);
        let reads = Cell::new(0);
        let counted = |node| {
            reads.set(reads.get() + 1);
            kept.get(&node).copied()
        };
        let ours = root(size + 1, &counted).unwrap();
        assert_eq!(ours[..], theirs.root().as_bytes()[..], "size {}", size + 1);
        assert!(reads.get() <= 8, "a root is a few point reads");
        roots.push(ours);
    }
    let read = |node| kept.get(&node).copied();
    let newest = (130, &roots[129]);
    for old in 1..=130_u64 {
        let index = usize::try_from(old - 1).unwrap();
        let proof = consistency(old, 130, &read).unwrap();
        assert!(is_consistent((old, &roots[index]), newest, &proof), "{old}");
        if old < 130 {
            let oracle = theirs.prove_consistency(usize::try_from(130 - old).unwrap());
            assert_eq!(proof.concat(), oracle.as_bytes(), "{old}");
            assert!(!is_consistent((old, &[7; 32]), newest, &proof), "{old}");
        }
    }
}

#[test]
fn a_missing_hash_gives_no_root() {
    let nothing = |_: Node| None;
    assert!(root(0, &nothing).is_some());
    assert_eq!(root(3, &nothing), None);
    assert_eq!(consistency(1, 3, &nothing), None);
    assert_eq!(append(1, b"x", &nothing), None);
}
