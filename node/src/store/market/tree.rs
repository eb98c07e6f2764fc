//! What proves the records of one tree, kept together: their paths share most of their hashes, and all
//! of them the signature. What was verified before it came here is not verified again.

use omni_protocol::fence::List;
use omni_protocol::hash::PartnerId;
use omni_protocol::identity::Signature;
use omni_protocol::proof::{Paths, Proof};
use omni_protocol::tree::{self, Span};

use super::marks::Marks;

const SIGNATURE_BYTES: usize = 64;

/// What proves a record on its way into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proved {
    /// A proof of its own.
    Alone(Proof),
    /// That of the record at this place of a batch.
    Together(Paths, u16),
}

impl Proved {
    fn key_index(&self) -> u32 {
        match self {
            Self::Alone(proof) => proof.key_index,
            Self::Together(paths, _) => paths.key_index(),
        }
    }

    pub(super) fn leaf_index(&self) -> u16 {
        match self {
            Self::Alone(proof) => proof.leaf_index,
            Self::Together(_, place) => *place,
        }
    }

    fn tree_size(&self) -> u16 {
        match self {
            Self::Alone(proof) => proof.tree_size,
            Self::Together(paths, _) => paths.tree_size(),
        }
    }

    fn signature(&self) -> Signature {
        match self {
            Self::Alone(proof) => proof.signature,
            Self::Together(paths, _) => paths.signature(),
        }
    }
}

impl From<Proof> for Proved {
    fn from(proof: Proof) -> Self {
        Self::Alone(proof)
    }
}

/// The hashes by which records of one tree are proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tree {
    /// Whose records these are.
    pub(super) author: PartnerId,
    /// The highest revision of those that are in a run; 0 if none is.
    pub(super) highest: u64,
    pub(super) key_index: u32,
    size: u16,
    signature: Signature,
    /// By their places; see [`place`].
    nodes: Vec<Option<[u8; 32]>>,
    /// The batch of which all of them were kept last.
    last: Option<Paths>,
}

impl Tree {
    pub(super) fn of(author: PartnerId, proof: &Proved) -> Self {
        let size = proof.tree_size();
        Self {
            author,
            highest: 0,
            key_index: proof.key_index(),
            size,
            signature: proof.signature(),
            nodes: vec![None; places(size)],
            last: None,
        }
    }

    pub(super) fn is_of(&self, author: PartnerId, proof: &Proved) -> bool {
        (self.author, self.key_index, self.size, self.signature)
            == (
                author,
                proof.key_index(),
                proof.tree_size(),
                proof.signature(),
            )
    }

    /// None of its leaves.
    pub(super) fn no_leaves(&self) -> Marks {
        Marks::none(self.size)
    }

    /// Keeps the proof of one more record.
    pub(super) fn add(&mut self, proof: &Proved) {
        match proof {
            Proved::Alone(proof) => self.add_one(proof),
            Proved::Together(paths, _) if self.last.as_ref() == Some(paths) => {}
            Proved::Together(paths, _) => {
                for (node, other) in self.nodes.iter_mut().zip(paths.nodes()) {
                    *node = node.or(*other);
                }
                self.last = Some(paths.clone());
            }
        }
    }

    fn add_one(&mut self, proof: &Proof) {
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
        let mut bytes = Vec::with_capacity(SIGNATURE_BYTES + 46 + 34 * self.nodes.len());
        bytes.extend_from_slice(self.author.as_bytes());
        bytes.extend_from_slice(&self.highest.to_be_bytes());
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
        let (author, rest) = bytes.split_first_chunk::<32>()?;
        let (highest, rest) = rest.split_first_chunk::<8>()?;
        let (key_index, rest) = rest.split_first_chunk::<4>()?;
        let (size, rest) = rest.split_first_chunk::<2>()?;
        let (signature, mut rest) = rest.split_first_chunk::<SIGNATURE_BYTES>()?;
        let size = u16::from_be_bytes(*size);
        let mut nodes = vec![None; places(size)];
        while !rest.is_empty() {
            let (place, after) = rest.split_first_chunk::<2>()?;
            let (hash, after) = after.split_first_chunk::<32>()?;
            *nodes.get_mut(usize::from(u16::from_be_bytes(*place)))? = Some(*hash);
            rest = after;
        }
        Some(Self {
            author: PartnerId::from_bytes(*author),
            highest: u64::from_be_bytes(*highest),
            key_index: u32::from_be_bytes(*key_index),
            size,
            signature: Signature::from_bytes(*signature),
            nodes,
            last: None,
        })
    }
}

/// How many places the nodes of a tree of this size have.
fn places(size: u16) -> usize {
    (2 * usize::from(size)).saturating_sub(1)
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
