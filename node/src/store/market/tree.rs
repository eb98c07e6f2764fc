//! Proofs of records of one tree, kept together: their paths share most of their hashes, and all of
//! them the signature. What was verified before it came here is not verified again.

use omni_protocol::fence::List;
use omni_protocol::identity::Signature;
use omni_protocol::proof::Proof;
use omni_protocol::tree::{self, Span};

const SIGNATURE_BYTES: usize = 64;

/// The hashes by which records of one tree are proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tree {
    key_index: u32,
    size: u16,
    signature: Signature,
    /// By their places; see [`place`].
    nodes: Vec<Option<[u8; 32]>>,
}

impl Tree {
    pub(super) fn of(proof: &Proof) -> Self {
        let places = (2 * usize::from(proof.tree_size)).saturating_sub(1);
        Self {
            key_index: proof.key_index,
            size: proof.tree_size,
            signature: proof.signature,
            nodes: vec![None; places],
        }
    }

    pub(super) fn is_of(&self, proof: &Proof) -> bool {
        (self.key_index, self.size, self.signature)
            == (proof.key_index, proof.tree_size, proof.signature)
    }

    /// Keeps the proof of one more record.
    pub(super) fn add(&mut self, proof: &Proof) {
        let path = tree::path(self.size.into(), proof.leaf_index.into()).unwrap_or_default();
        for (span, hash) in path.into_iter().zip(&proof.path) {
            if let Some(node) = place(span).and_then(|place| self.nodes.get_mut(place)) {
                *node = Some(*hash);
            }
        }
    }

    /// The proof of the record at this leaf; `None` where it was not kept.
    pub(super) fn proof(&self, leaf_index: u16) -> Option<Proof> {
        let spans = tree::path(self.size.into(), leaf_index.into())?;
        let mut path = Vec::with_capacity(spans.len());
        for span in spans {
            path.push((*self.nodes.get(place(span)?)?)?);
        }
        Some(Proof {
            key_index: self.key_index,
            tree_size: self.size,
            leaf_index,
            path: List::new(path).ok()?,
            signature: self.signature,
        })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SIGNATURE_BYTES + 6 + 34 * self.nodes.len());
        bytes.extend_from_slice(&self.key_index.to_be_bytes());
        bytes.extend_from_slice(&self.size.to_be_bytes());
        bytes.extend_from_slice(self.signature.as_bytes());
        for (node, place) in self.nodes.iter().zip(0_u16..) {
            if let Some(hash) = node {
                bytes.extend_from_slice(&place.to_be_bytes());
                bytes.extend_from_slice(hash);
            }
        }
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (key_index, rest) = bytes.split_first_chunk::<4>()?;
        let (size, rest) = rest.split_first_chunk::<2>()?;
        let (signature, mut rest) = rest.split_first_chunk::<SIGNATURE_BYTES>()?;
        let size = u16::from_be_bytes(*size);
        let mut nodes = vec![None; (2 * usize::from(size)).saturating_sub(1)];
        while !rest.is_empty() {
            let (place, after) = rest.split_first_chunk::<2>()?;
            let (hash, after) = after.split_first_chunk::<32>()?;
            *nodes.get_mut(usize::from(u16::from_be_bytes(*place)))? = Some(*hash);
            rest = after;
        }
        Some(Self {
            key_index: u32::from_be_bytes(*key_index),
            size,
            signature: Signature::from_bytes(*signature),
            nodes,
        })
    }
}

/// The places of a tree's nodes from left to right: leaf i is at 2i, and a node above others between
/// the leaves at which it splits.
fn place(span: Span) -> Option<usize> {
    let place = match span.split() {
        Some((_, right)) => right.start.checked_mul(2)?.checked_sub(1)?,
        None => span.start.checked_mul(2)?,
    };
    usize::try_from(place).ok()
}
