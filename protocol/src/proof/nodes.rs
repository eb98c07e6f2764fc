//! The hashes of a tree of records, as far as they are known: all of one's own tree, or those that
//! the live leaves of another's batch and its cover give.

use alloc::vec::Vec;

use crate::{
    fence::List,
    limits::PROOF_PATH_MAX,
    tree::{self, Span},
};

/// Known hashes of a tree by their places; see [`place`].
#[derive(Debug, Default)]
pub(super) struct Nodes(Vec<Option<[u8; 32]>>);

/// Since when a hash is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    Before,
    Now,
}

/// Leaves with their indices, ascending.
type Leaves<'a> = &'a [(u64, [u8; 32])];

impl Nodes {
    /// Computes every node above the leaves in one pass, taking subtrees without a leaf from
    /// `cover`, left to right. Nothing if `cover` has too few or too many.
    pub(super) fn build(size: u64, leaves: Leaves<'_>, cover: &[[u8; 32]]) -> Option<Self> {
        let mut nodes = Self::default();
        let mut cover = cover.iter();
        nodes.climb(Span::whole(size), leaves, &mut cover)?;
        cover.next().is_none().then_some(nodes)
    }

    fn climb(
        &mut self,
        span: Span,
        leaves: Leaves<'_>,
        cover: &mut core::slice::Iter<'_, [u8; 32]>,
    ) -> Option<[u8; 32]> {
        let hash = match (leaves, span.split()) {
            ([], _) => *cover.next()?,
            ([(_, leaf)], None) => *leaf,
            (_, None) => return None,
            (_, Some((left, right))) => {
                let (before, after) = divide(leaves, right);
                let left = self.climb(left, before, cover)?;
                let right = self.climb(right, after, cover)?;
                tree::node(&left, &right)
            }
        };
        *self.at(span)? = Some(hash);
        Some(hash)
    }

    /// Takes in a leaf and its inclusion path, with every node that they give. Nothing if they
    /// contradict what is known.
    pub(super) fn insert(
        &mut self,
        size: u64,
        (index, leaf): (u64, [u8; 32]),
        path: &[[u8; 32]],
    ) -> Option<()> {
        let siblings = tree::path(size, index)?;
        if siblings.len() != path.len() {
            return None;
        }
        let (mut span, mut hash) = (
            Span {
                start: index,
                len: 1,
            },
            leaf,
        );
        let mut met = self.agree(span, hash)?;
        for (sibling, other) in siblings.into_iter().zip(path) {
            self.agree(sibling, *other)?;
            let start = span.start.min(sibling.start);
            span = Span {
                start,
                len: span.len + sibling.len,
            };
            // Above a hash that was known stands what was computed from it and this sibling.
            let above = self.get(span).filter(|_| met == Met::Before);
            hash = match above {
                Some(above) => above,
                None if sibling.start > start => tree::node(&hash, other),
                None => tree::node(other, &hash),
            };
            met = self.agree(span, hash)?;
        }
        Some(())
    }

    fn agree(&mut self, span: Span, hash: [u8; 32]) -> Option<Met> {
        let known = self.at(span)?;
        match known {
            Some(known) => (*known == hash).then_some(Met::Before),
            None => {
                *known = Some(hash);
                Some(Met::Now)
            }
        }
    }

    /// Where the hash over a span stands, known or not.
    fn at(&mut self, span: Span) -> Option<&mut Option<[u8; 32]>> {
        let place = place(span)?;
        if place >= self.0.len() {
            self.0.resize(place + 1, None);
        }
        self.0.get_mut(place)
    }

    fn get(&self, span: Span) -> Option<[u8; 32]> {
        *self.0.get(place(span)?)?
    }

    pub(super) fn all(&self) -> &[Option<[u8; 32]>] {
        &self.0
    }

    pub(super) fn root(&self, size: u64) -> Option<[u8; 32]> {
        self.get(Span::whole(size))
    }

    pub(super) fn path(&self, size: u64, index: u64) -> Option<List<[u8; 32], PROOF_PATH_MAX>> {
        let spans = tree::path(size, index)?;
        let mut hashes = Vec::with_capacity(spans.len());
        for span in spans {
            hashes.push(self.get(span)?);
        }
        List::new(hashes).ok()
    }

    /// The hashes of the largest subtrees without a leaf, left to right.
    pub(super) fn cover(&self, size: u64, leaves: Leaves<'_>) -> Option<Vec<[u8; 32]>> {
        let mut cover = Vec::new();
        self.descend(Span::whole(size), leaves, &mut cover)?;
        Some(cover)
    }

    fn descend(&self, span: Span, leaves: Leaves<'_>, cover: &mut Vec<[u8; 32]>) -> Option<()> {
        if leaves.is_empty() {
            cover.push(self.get(span)?);
        } else if let Some((left, right)) = span.split() {
            let (before, after) = divide(leaves, right);
            self.descend(left, before, cover)?;
            self.descend(right, after, cover)?;
        }
        Some(())
    }
}

/// The places of a tree's nodes from left to right: leaf i is at 2i, and a node above others between
/// the leaves at which it splits, so that each has a place of its own.
fn place(span: Span) -> Option<usize> {
    let place = match span.split() {
        Some((_, right)) => right.start.checked_mul(2)?.checked_sub(1)?,
        None => span.start.checked_mul(2)?,
    };
    usize::try_from(place).ok()
}

fn divide(leaves: Leaves<'_>, right: Span) -> (Leaves<'_>, Leaves<'_>) {
    let middle = leaves.partition_point(|(index, _)| *index < right.start);
    leaves.split_at_checked(middle).unwrap_or((leaves, &[]))
}
