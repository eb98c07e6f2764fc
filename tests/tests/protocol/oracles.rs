//! Others who do the same: wincode for the encoding, ct-merkle for the trees.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use omni_protocol::{
    fence::{Bytes, List, to_bytes},
    tree::{self, Frontier, Span},
    value::Text,
};
use proptest::prelude::*;
use sha2::Sha256;
use wincode::{config, config::Configuration};

/// The shapes that structures are made of, beside each other.
type Shapes = (
    (u8, u16, u32, u64, i64, bool),
    (
        [u8; 32],
        Vec<u8>,
        String,
        Option<u64>,
        Vec<u16>,
        Vec<Option<String>>,
    ),
);

fn by_wincode<T: wincode::SchemaWrite<Varint, Src = T>>(value: &T) -> Vec<u8> {
    config::serialize(value, VARINT).unwrap()
}

const VARINT: Varint = Configuration::default().with_varint_encoding();

type Varint = Configuration<
    true,
    { config::DEFAULT_PREALLOCATION_SIZE_LIMIT },
    wincode::len::BincodeLen,
    wincode::int_encoding::LittleEndian,
    wincode::int_encoding::VarInt,
>;

fn by_the_fence(((a, b, c, d, e, f), (g, h, i, j, k, l)): &Shapes) -> Vec<u8> {
    let text = |text: &String| Text::<64>::new(text.as_str()).unwrap();
    [
        to_bytes(a),
        to_bytes(b),
        to_bytes(c),
        to_bytes(d),
        to_bytes(e),
        to_bytes(f),
        to_bytes(g),
        to_bytes(&Bytes::<600>::new(h.as_slice()).unwrap()),
        to_bytes(&text(i)),
        to_bytes(j),
        to_bytes(&List::<u16, 300>::new(k.as_slice()).unwrap()),
        to_bytes(
            &List::<Option<Text<64>>, 8>::new(
                l.iter()
                    .map(|item| item.as_ref().map(text))
                    .collect::<Vec<_>>(),
            )
            .unwrap(),
        ),
    ]
    .concat()
}

proptest! {
    #[test]
    fn wincode_writes_the_same_bytes(
        first in any::<(u8, u16, u32, u64, i64, bool)>(),
        second in (
            any::<[u8; 32]>(),
            prop::collection::vec(any::<u8>(), 0..600),
            "[a-zä€🦀]{0,16}",
            any::<Option<u64>>(),
            prop::collection::vec(any::<u16>(), 0..300),
            prop::collection::vec(prop::option::of("[a-z]{0,9}"), 0..8),
        ),
    ) {
        let shapes = (first, second);
        prop_assert_eq!(by_the_fence(&shapes), by_wincode(&shapes));
    }
}

#[test]
fn wincode_agrees_where_integers_change_their_width() {
    for bits in 0..64 {
        for near in [-1_i64, 0, 1] {
            let value = (1_u64 << bits).wrapping_add_signed(near);
            assert_eq!(to_bytes(&value), by_wincode(&value), "{value}");
            let (signed, negated) = (value.cast_signed(), value.cast_signed().wrapping_neg());
            assert_eq!(to_bytes(&signed), by_wincode(&signed), "{signed}");
            assert_eq!(to_bytes(&negated), by_wincode(&negated), "{negated}");
        }
    }
    for value in 240..=260_u16 {
        assert_eq!(to_bytes(&value), by_wincode(&value), "{value}");
    }
}

fn hashes(spans: &[Span], leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
    let at = |index: u64| usize::try_from(index).unwrap();
    spans
        .iter()
        .map(|span| tree::root(&leaves[at(span.start)..at(span.end())]))
        .collect()
}

#[test]
fn ct_merkle_has_the_same_roots_and_proofs() {
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let mut ours = Frontier::default();
    let mut leaves = Vec::new();
    for size in 1..=130_u64 {
        let data = size.to_le_bytes().to_vec();
        leaves.push(tree::leaf(&data));
        let _completed = ours.push(tree::leaf(&data));
        theirs.push(data);
        assert_eq!(ours.root()[..], theirs.root().as_bytes()[..], "size {size}");
        for index in [0, size / 3, size / 2, size - 1] {
            let path = hashes(&tree::path(size, index).unwrap(), &leaves).concat();
            let expected = theirs.prove_inclusion(usize::try_from(index).unwrap());
            assert_eq!(path, expected.as_bytes(), "{index} of {size}");
        }
        for old in [1, size / 2, size - 1, size]
            .into_iter()
            .filter(|old| *old > 0)
        {
            let proof = hashes(&tree::consistency(old, size).unwrap(), &leaves).concat();
            let added = usize::try_from(size - old).unwrap();
            let expected = theirs.prove_consistency(added);
            assert_eq!(proof, expected.as_bytes(), "{old} to {size}");
        }
    }
}
