//! The tree over a ledger's entries as it grows: which hashes are kept, and how roots and
//! consistency proofs are read from them. It keeps out where the hashes are stored; the shape of
//! the tree is [`crate::tree`]'s.
//!
//! Kept are the hashes of all whole subtrees, each at its level and index, so that an appended leaf
//! writes at most one hash a level, and a root or a proof is a few point reads however long the
//! ledger is. `ct-merkle` holds its tree in memory and rewrites unfinished nodes, which does not
//! fit a store that only grows; the tests compare the two.

use alloc::vec::Vec;

use crate::tree::{self, Span};

/// Place of a whole subtree: 2^`level` leaves, the `index`-th such group from the left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Node {
    /// Height above the leaves.
    pub level: u8,
    /// Position among the subtrees of this level.
    pub index: u64,
}

/// Reads a kept hash. `None` means that the store lacks what it was given.
pub trait Kept {
    /// The hash of the whole subtree at `node`.
    fn hash_at(&self, node: Node) -> Option<[u8; 32]>;
}

impl<F: Fn(Node) -> Option<[u8; 32]>> Kept for F {
    fn hash_at(&self, node: Node) -> Option<[u8; 32]> {
        self(node)
    }
}

/// The hashes to keep when a leaf with these data is appended to a tree of `size` leaves: the
/// leaf's, and that of each subtree which it completes. `None` if a kept hash is missing.
#[must_use]
pub fn append(size: u64, data: &[u8], kept: &impl Kept) -> Option<Vec<(Node, [u8; 32])>> {
    let mut node = Node {
        level: 0,
        index: size,
    };
    let mut hash = tree::leaf(data);
    let mut new = Vec::from([(node, hash)]);
    while node.index % 2 == 1 {
        let left = kept.hash_at(Node {
            level: node.level,
            index: node.index - 1,
        })?;
        hash = tree::node(&left, &hash);
        node = Node {
            level: node.level + 1,
            index: node.index / 2,
        };
        new.push((node, hash));
    }
    Some(new)
}

/// The root of the tree of the first `size` leaves. `None` if a kept hash is missing.
#[must_use]
pub fn root(size: u64, kept: &impl Kept) -> Option<[u8; 32]> {
    if size == 0 {
        return Some(tree::root(&[]));
    }
    hash_of(Span::whole(size), kept)
}

/// The proof that the tree of `old` leaves is a beginning of that of `new` leaves. `None` unless
/// 0 < `old` ≤ `new` and all hashes are kept.
#[must_use]
pub fn consistency(old: u64, new: u64, kept: &impl Kept) -> Option<Vec<[u8; 32]>> {
    tree::consistency(old, new)?
        .into_iter()
        .map(|span| hash_of(span, kept))
        .collect()
}

/// The hash of a span, which is kept if it is a whole subtree; only the last span of a tree is not.
fn hash_of(span: Span, kept: &impl Kept) -> Option<[u8; 32]> {
    let (mut span, mut lefts) = (span, Vec::new());
    while !span.len.is_power_of_two() {
        let (left, right) = span.split()?;
        lefts.push(whole(left, kept)?);
        span = right;
    }
    let mut hash = whole(span, kept)?;
    while let Some(left) = lefts.pop() {
        hash = tree::node(&left, &hash);
    }
    Some(hash)
}

fn whole(span: Span, kept: &impl Kept) -> Option<[u8; 32]> {
    let level = span.len.trailing_zeros();
    kept.hash_at(Node {
        level: u8::try_from(level).ok()?,
        index: span.start.checked_shr(level)?,
    })
}
