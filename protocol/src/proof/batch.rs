//! Batches (SPEC.md section 7): the live records of one tree under its one signature. A batch has
//! exactly one form, so two nodes that hold the same records send the same bytes.

use alloc::vec::Vec;

use super::{Claim, Paths, Proof, Seal, nodes::Nodes};
use crate::{
    code::Code,
    fence::{Bytes, List},
    hash::{NetworkId, PartnerId, RecordId},
    identity::Signature,
    limits::{BATCH_RECORDS_MAX, RECORD_BYTES_MAX},
    record::{Envelope, record_id},
    tree,
    value::Invalid,
};

/// One record at its place in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The place, from 0.
    pub index: u16,
    /// The record's bytes.
    pub record: Bytes<RECORD_BYTES_MAX>,
}

crate::wire!(Leaf { index, record });

/// Records of one author under one signature, with the hashes of those that are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub(super) author: PartnerId,
    pub(super) key_index: u32,
    pub(super) tree_size: u16,
    pub(super) leaves: List<Leaf, BATCH_RECORDS_MAX, 1>,
    pub(super) cover: List<[u8; 32], BATCH_RECORDS_MAX>,
    pub(super) signature: Signature,
}

crate::wire!(Batch { author, key_index, tree_size, leaves, cover, signature } check);

/// A batch whose records have the form of records, with the claim that they make together.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The records, in the order of the tree.
    pub records: Vec<Envelope>,
    /// What one check of the signature will prove of all of them.
    pub claim: Claim,
    /// Their places in the tree, in the same order.
    pub places: Vec<u16>,
    /// What proves each record alone, and is stored beside it.
    pub paths: Paths,
}

impl Batch {
    fn check(&self) -> Result<(), Invalid> {
        if usize::from(self.tree_size) > BATCH_RECORDS_MAX {
            return Err(Invalid::Rule("a tree must have at most 256 records"));
        }
        let ascending = self.leaves.windows(2).all(|pair| match pair {
            [before, after] => before.index < after.index,
            _ => false,
        });
        if !ascending || self.leaves.iter().any(|leaf| leaf.index >= self.tree_size) {
            return Err(Invalid::Rule("leaves must ascend and lie within the tree"));
        }
        Ok(())
    }

    /// Who says to have made its records.
    #[must_use]
    pub const fn author(&self) -> PartnerId {
        self.author
    }

    /// Puts records of one tree together that were stored each with its proof, in any order.
    ///
    /// # Errors
    /// `Rule` for records of several trees, or proofs that contradict each other; `TooMany` or
    /// `TooFew` records.
    pub fn gather(
        network: &NetworkId,
        author: PartnerId,
        mut parts: Vec<(Vec<u8>, Proof)>,
    ) -> Result<Self, Invalid> {
        const CONTRADICTION: Invalid = Invalid::Rule("the proofs must be of one tree");
        parts.sort_by_key(|(_, proof)| proof.leaf_index);
        let Some((_, first)) = parts.first() else {
            return Err(Invalid::TooFew { found: 0, min: 1 });
        };
        let (key_index, tree_size, signature) = (first.key_index, first.tree_size, first.signature);
        let size = tree_size.into();
        let (mut nodes, mut places, mut leaves) = (Nodes::default(), Vec::new(), Vec::new());
        for (bytes, proof) in parts {
            if (proof.key_index, proof.tree_size, proof.signature)
                != (key_index, tree_size, signature)
            {
                return Err(CONTRADICTION);
            }
            let place = (proof.leaf_index.into(), leaf_of(record_id(network, &bytes)));
            nodes
                .insert(size, place, &proof.path)
                .ok_or(CONTRADICTION)?;
            places.push(place);
            leaves.push(Leaf {
                index: proof.leaf_index,
                record: Bytes::new(bytes)?,
            });
        }
        let cover = List::new(nodes.cover(size, &places).ok_or(CONTRADICTION)?)?;
        let leaves = List::new(leaves)?;
        let batch = Self {
            author,
            key_index,
            tree_size,
            leaves,
            cover,
            signature,
        };
        batch.check()?;
        Ok(batch)
    }

    /// Reads the records' outsides and computes the root, its signature unchecked.
    ///
    /// # Errors
    /// `too-large` or `malformed` for a record; `bad-proof` for one of another author, one that
    /// stands twice, or a cover that does not fit.
    pub fn open(self, network: &NetworkId) -> Result<Opened, Code> {
        let mut records = Vec::with_capacity(self.leaves.len());
        let mut indices = Vec::with_capacity(self.leaves.len());
        for leaf in self.leaves.into_vec() {
            records.push(Envelope::read(network, leaf.record.into_vec())?);
            indices.push(leaf.index);
        }
        if records.iter().any(|record| record.author() != self.author) {
            return Err(Code::BadProof);
        }
        let mut ids: Vec<_> = records.iter().map(Envelope::id).collect();
        let places: Vec<_> = indices
            .iter()
            .zip(&ids)
            .map(|(index, id)| (u64::from(*index), leaf_of(*id)))
            .collect();
        ids.sort_unstable();
        if ids.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(Code::BadProof);
        }
        let size = self.tree_size.into();
        let nodes = Nodes::build(size, &places, &self.cover).ok_or(Code::BadProof)?;
        let seal = Seal {
            author: self.author,
            key_index: self.key_index,
            tree_size: self.tree_size,
            root: nodes.root(size).ok_or(Code::BadProof)?,
            signature: self.signature,
        };
        Ok(Opened {
            records,
            claim: Claim { seal, ids },
            places: indices,
            paths: Paths::new(self.key_index, self.tree_size, self.signature, nodes),
        })
    }
}

fn leaf_of(id: RecordId) -> [u8; 32] {
    tree::leaf(id.as_bytes())
}
