//! What proves the records of one batch, each alone: the hashes above them, kept once for all. Who
//! signed their root, and whether, is kept out.

use alloc::sync::Arc;

use super::{Proof, nodes::Nodes};
use crate::identity::Signature;

/// The proofs of the live records of one batch. A copy costs nothing.
#[derive(Clone, Debug)]
pub struct Paths(Arc<Tree>);

#[derive(Debug)]
struct Tree {
    key_index: u32,
    size: u16,
    signature: Signature,
    nodes: Nodes,
}

impl Paths {
    pub(super) fn new(key_index: u32, size: u16, signature: Signature, nodes: Nodes) -> Self {
        Self(Arc::new(Tree {
            key_index,
            size,
            signature,
            nodes,
        }))
    }

    /// The proof of the record at this place; nothing where none was live.
    #[must_use]
    pub fn proof(&self, leaf_index: u16) -> Option<Proof> {
        let Tree {
            key_index,
            size,
            signature,
            ref nodes,
        } = *self.0;
        Some(Proof {
            key_index,
            tree_size: size,
            leaf_index,
            path: nodes.path(size.into(), leaf_index.into())?,
            signature,
        })
    }

    /// Which of the author's keys signed.
    #[must_use]
    pub fn key_index(&self) -> u32 {
        self.0.key_index
    }

    /// Records under the signature.
    #[must_use]
    pub fn tree_size(&self) -> u16 {
        self.0.size
    }

    /// The signature over the root.
    #[must_use]
    pub fn signature(&self) -> Signature {
        self.0.signature
    }

    /// The hashes that are known, from left to right: that of leaf i is at 2i, and one above others
    /// between the leaves at which it splits.
    #[must_use]
    pub fn nodes(&self) -> &[Option<[u8; 32]>] {
        self.0.nodes.all()
    }
}

impl PartialEq for Paths {
    /// Of one batch.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Paths {}
