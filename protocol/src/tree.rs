//! Merkle trees of RFC 9162 section 2.1 over leaf hashes: roots, inclusion paths and consistency.
//! It keeps no tree; whoever has one looks up the spans that are named here.

use alloc::vec::Vec;

use crate::hash::sha256;

/// Hash of a leaf with this data.
#[must_use]
pub fn leaf(data: &[u8]) -> [u8; 32] {
    sha256(&[&[0], data])
}

/// Hash of a node above two others.
#[must_use]
pub fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    sha256(&[&[1], left, right])
}

/// The leaves `start .. start + len` of a tree, which have a hash of their own in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Index of the first leaf.
    pub start: u64,
    /// Number of leaves, at least 1.
    pub len: u64,
}

impl Span {
    /// The whole tree of a size.
    #[must_use]
    pub const fn whole(size: u64) -> Self {
        Self {
            start: 0,
            len: size,
        }
    }

    /// The two parts below it, the left one as large a power of two as leaves something right of
    /// it; nothing for a single leaf.
    #[must_use]
    pub fn split(self) -> Option<(Self, Self)> {
        let left = 1 << self.len.checked_sub(1)?.checked_ilog2()?;
        let right = Self {
            start: self.start + left,
            len: self.len - left,
        };
        Some((
            Self {
                start: self.start,
                len: left,
            },
            right,
        ))
    }

    /// The index after its last leaf.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.start + self.len
    }
}

/// Root of the tree with these leaf hashes; that of the empty tree is SHA-256 of nothing.
#[must_use]
pub fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

/// The spans whose hashes are the inclusion path of a leaf, bottom up; nothing for a leaf outside
/// the tree.
#[must_use]
pub fn path(size: u64, index: u64) -> Option<Vec<Span>> {
    if index >= size {
        return None;
    }
    let (mut span, mut siblings) = (Span::whole(size), Vec::new());
    while let Some((left, right)) = span.split() {
        let (next, sibling) = if index < right.start {
            (left, right)
        } else {
            (right, left)
        };
        siblings.push(sibling);
        span = next;
    }
    siblings.reverse();
    Some(siblings)
}

/// The root to which an inclusion path leads. Nothing for a leaf outside the tree, or a path whose
/// length is not the one that size and index require.
#[must_use]
pub fn root_of_path(
    size: u64,
    index: u64,
    leaf: [u8; 32],
    hashes: &[[u8; 32]],
) -> Option<[u8; 32]> {
    let siblings = path(size, index)?;
    if siblings.len() != hashes.len() {
        return None;
    }
    let climb = |below: [u8; 32], (sibling, hash): (&Span, &[u8; 32])| {
        if sibling.start > index {
            node(&below, hash)
        } else {
            node(hash, &below)
        }
    };
    Some(siblings.iter().zip(hashes).fold(leaf, climb))
}

/// The spans whose hashes prove that the tree of `old` leaves is the beginning of that of `new`
/// (RFC 9162 section 2.1.4.1); nothing unless 0 < `old` ≤ `new`.
#[must_use]
pub fn consistency(old: u64, new: u64) -> Option<Vec<Span>> {
    if old == 0 || old > new {
        return None;
    }
    let (mut span, mut spans) = (Span::whole(new), Vec::new());
    // Down to the subtree that ends where the old tree ended.
    while span.end() != old {
        let (left, right) = span.split()?;
        let (next, other) = if old <= right.start {
            (left, right)
        } else {
            (right, left)
        };
        spans.push(other);
        span = next;
    }
    if span.start > 0 {
        spans.push(span);
    }
    spans.reverse();
    Some(spans)
}

/// Whether the hashes prove that the tree of `old` leaves is the beginning of that of `new` (RFC
/// 9162 section 2.1.4.2). The empty tree is the beginning of any, with an empty proof.
#[must_use]
pub fn is_consistent(old: (u64, &[u8; 32]), new: (u64, &[u8; 32]), hashes: &[[u8; 32]]) -> bool {
    if old.0 == 0 {
        return hashes.is_empty() && *old.1 == root(&[]);
    }
    let Some(spans) = consistency(old.0, new.0) else {
        return false;
    };
    if spans.len() != hashes.len() {
        return false;
    }
    let mut proof = spans.iter().zip(hashes);
    // The proof begins with the subtree at the end of the old tree, unless that is all of it.
    let whole = spans.first().is_none_or(|span| span.end() != old.0);
    let first = if whole {
        Some(*old.1)
    } else {
        proof.next().map(|(_, hash)| *hash)
    };
    let Some(first) = first else { return false };
    let (mut old_root, mut new_root) = (first, first);
    for (span, hash) in proof {
        if span.start < old.0 {
            old_root = node(hash, &old_root);
            new_root = node(hash, &new_root);
        } else {
            new_root = node(&new_root, hash);
        }
    }
    old_root == *old.1 && new_root == *new.1
}

/// What must be kept to append to a tree and know its root: the hashes of its complete subtrees,
/// one for each bit of its size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Frontier {
    size: u64,
    peaks: Vec<[u8; 32]>,
}

impl Frontier {
    /// Takes up a tree of `size` leaves by the hashes of its complete subtrees, left to right;
    /// nothing unless there is one for each bit of `size`.
    #[must_use]
    pub fn new(size: u64, peaks: Vec<[u8; 32]>) -> Option<Self> {
        let count = u32::try_from(peaks.len()).ok()?;
        (count == size.count_ones()).then_some(Self { size, peaks })
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the complete subtrees, left to right.
    #[must_use]
    pub fn peaks(&self) -> &[[u8; 32]] {
        &self.peaks
    }

    /// Appends a leaf and names the subtrees that this completes, smallest first.
    pub fn push(&mut self, leaf: [u8; 32]) -> Vec<(Span, [u8; 32])> {
        let mut span = Span {
            start: self.size,
            len: 1,
        };
        let mut hash = leaf;
        let mut completed = Vec::from([(span, hash)]);
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            hash = node(&left, &hash);
            span = Span {
                start: span.start - span.len,
                len: span.len * 2,
            };
            completed.push((span, hash));
        }
        self.peaks.push(hash);
        self.size += 1;
        completed
    }

    /// Root of the tree.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        let above = |right: [u8; 32], left: &[u8; 32]| node(left, &right);
        match self.peaks.split_last() {
            Some((last, before)) => before.iter().rev().fold(*last, above),
            None => sha256(&[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 9162, word for word.
    fn defined(leaves: &[[u8; 32]]) -> [u8; 32] {
        match leaves {
            [] => sha256(&[]),
            [one] => *one,
            more => {
                let (_, right) = Span::whole(more.len() as u64).split().unwrap();
                let (left, right) = more.split_at(usize::try_from(right.start).unwrap());
                node(&defined(left), &defined(right))
            }
        }
    }

    fn leaves(count: u64) -> Vec<[u8; 32]> {
        (0..count).map(|i| leaf(&i.to_le_bytes())).collect()
    }

    fn of(span: Span, leaves: &[[u8; 32]]) -> [u8; 32] {
        let (start, end) = (usize::try_from(span.start), usize::try_from(span.end()));
        defined(&leaves[start.unwrap()..end.unwrap()])
    }

    #[test]
    fn roots_and_paths_are_those_of_rfc_9162() {
        assert_eq!(path(0, 0), None);
        for size in 1..=70 {
            let leaves = leaves(size);
            let expected = defined(&leaves);
            assert_eq!(root(&leaves), expected, "size {size}");
            assert_eq!(path(size, size), None);
            for index in 0..size {
                let mut hashes: Vec<_> = path(size, index)
                    .unwrap()
                    .iter()
                    .map(|span| of(*span, &leaves))
                    .collect();
                let at = usize::try_from(index).unwrap();
                let led = root_of_path(size, index, leaves[at], &hashes);
                assert_eq!(led, Some(expected), "{index} of {size}");
                if hashes.pop().is_some() {
                    assert_eq!(root_of_path(size, index, leaves[at], &hashes), None);
                    hashes.push([0; 32]);
                    assert_ne!(root_of_path(size, index, leaves[at], &hashes), led);
                }
            }
        }
    }

    #[test]
    fn an_old_tree_is_the_beginning_of_the_new() {
        for new in 1..=40 {
            let leaves = leaves(new);
            let new_root = defined(&leaves);
            for old in 1..=new {
                let old_root = of(Span::whole(old), &leaves);
                let hashes: Vec<_> = consistency(old, new)
                    .unwrap()
                    .iter()
                    .map(|span| of(*span, &leaves))
                    .collect();
                assert!(
                    is_consistent((old, &old_root), (new, &new_root), &hashes),
                    "{old} {new}"
                );
                for wrong in [[1; 32], new_root, old_root] {
                    if wrong != old_root {
                        assert!(!is_consistent((old, &wrong), (new, &new_root), &hashes));
                    }
                    if wrong != new_root {
                        assert!(!is_consistent((old, &old_root), (new, &wrong), &hashes));
                    }
                }
            }
        }
        assert_eq!((consistency(0, 1), consistency(2, 1)), (None, None));
        assert!(is_consistent((0, &root(&[])), (1, &[7; 32]), &[]));
    }

    #[test]
    fn completed_subtrees_are_named() {
        let leaves = leaves(40);
        let mut frontier = Frontier::default();
        for leaf in &leaves {
            for (span, hash) in frontier.push(*leaf) {
                assert_eq!(hash, of(span, &leaves), "{span:?}");
            }
            let again = Frontier::new(frontier.size(), frontier.peaks().to_vec());
            assert_eq!(again.as_ref(), Some(&frontier));
        }
        assert_eq!(Frontier::new(3, [[0; 32]].to_vec()), None);
    }
}
