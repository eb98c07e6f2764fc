//! Proofs (SPEC.md section 7): one signature over the tree of up to 256 record ids. Which key is
//! an author's is the matter of `identity`.
//!
//! A [`Claim`] is what somebody says a signature covers; [`Attested`] is a claim whose signature
//! was checked, and the only thing by which a record becomes verified.

mod batch;
mod nodes;
mod paths;
#[cfg(test)]
mod tests;

use alloc::{collections::BTreeSet, vec::Vec};
use core::borrow::Borrow;

use ed25519_dalek::SigningKey;

use self::nodes::Nodes;
pub use self::{
    batch::{Batch, Leaf, Opened},
    paths::Paths,
};
use crate::{
    code::Code,
    fence::List,
    hash::{NetworkId, PartnerId, RecordId, Tag},
    identity::{PublicKey, Signature, StandingKey, sign},
    limits::{BATCH_RECORDS_MAX, PROOF_PATH_MAX},
    tree,
    value::Invalid,
};

/// The proof of one record, which travels and is stored beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Which of the author's keys signed.
    pub key_index: u32,
    /// Records under the signature, 1 to 256.
    pub tree_size: u16,
    /// The place of this one among them.
    pub leaf_index: u16,
    /// The inclusion path of RFC 9162, bottom up.
    pub path: List<[u8; 32], PROOF_PATH_MAX>,
    /// The signature over the root.
    pub signature: Signature,
}

crate::wire!(Proof {
    key_index,
    tree_size,
    leaf_index,
    path,
    signature
});

impl Proof {
    /// What the proof says of a record, its signature unchecked.
    ///
    /// # Errors
    /// `bad-proof` if size, index and path do not fit together.
    pub fn claim(&self, author: PartnerId, id: RecordId) -> Result<Claim, Code> {
        if usize::from(self.tree_size) > BATCH_RECORDS_MAX {
            return Err(Code::BadProof);
        }
        let (size, index) = (self.tree_size.into(), self.leaf_index.into());
        let root = tree::root_of_path(size, index, tree::leaf(id.as_bytes()), &self.path)
            .ok_or(Code::BadProof)?;
        let seal = Seal {
            author,
            key_index: self.key_index,
            tree_size: self.tree_size,
            root,
            signature: self.signature,
        };
        Ok(Claim {
            seal,
            ids: Vec::from([id]),
        })
    }
}

/// A signature over a root, whoever may have made it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seal {
    author: PartnerId,
    key_index: u32,
    tree_size: u16,
    root: [u8; 32],
    signature: Signature,
}

fn with_signed_parts<R>(
    network: &NetworkId,
    tree_size: u16,
    root: &[u8; 32],
    use_parts: impl FnOnce(&[&[u8]]) -> R,
) -> R {
    use_parts(&[network.as_bytes(), &tree_size.to_le_bytes(), root])
}

/// A seal, and the records that lead to its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    seal: Seal,
    /// In ascending order.
    ids: Vec<RecordId>,
}

impl Claim {
    /// Whose key must have signed.
    #[must_use]
    pub const fn author(&self) -> PartnerId {
        self.seal.author
    }

    /// Which key must have signed.
    #[must_use]
    pub const fn key_index(&self) -> u32 {
        self.seal.key_index
    }

    /// The seal, to look it up among those that were checked before.
    #[must_use]
    pub const fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Checks the signature: the one costly step.
    ///
    /// # Errors
    /// `bad-signature` if it is not that of the key, or the key is not the one that is claimed.
    pub fn verify(self, key: &StandingKey) -> Result<Attested, Code> {
        self.check_key(key)?;
        self.check_signature(key.network(), key.key())?;
        Ok(Attested {
            checked: CheckedSeal {
                seal: self.seal,
                key: *key.key(),
            },
            ids: self.ids,
        })
    }

    /// Does without the check where the same seal was checked before under the same key.
    ///
    /// # Errors
    /// `bad-signature` if it was another seal or key; then [`verify`](Self::verify) decides.
    pub fn recall(self, checked: &CheckedSeal, key: &StandingKey) -> Result<Attested, Code> {
        self.check_key(key)?;
        if checked.seal != self.seal || checked.key != *key.key() {
            return Err(Code::BadSignature);
        }
        Ok(Attested {
            checked: checked.clone(),
            ids: self.ids,
        })
    }

    fn check_key(&self, key: &StandingKey) -> Result<(), Code> {
        let same = key.partner() == self.seal.author && key.index() == self.seal.key_index;
        if same {
            Ok(())
        } else {
            Err(Code::BadSignature)
        }
    }

    /// For key events, which prove themselves by the key that they reveal.
    pub(crate) fn check_signature(&self, network: &NetworkId, key: &PublicKey) -> Result<(), Code> {
        let seal = &self.seal;
        with_signed_parts(network, seal.tree_size, &seal.root, |parts| {
            key.verify(Tag::Proof, parts, &seal.signature)
        })
    }
}

/// A seal whose signature was checked, for a bounded memory of such. It can be looked up by its
/// [`Seal`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckedSeal {
    seal: Seal,
    key: PublicKey,
}

impl Borrow<Seal> for CheckedSeal {
    fn borrow(&self) -> &Seal {
        &self.seal
    }
}

/// Records of which it is known that their author signed them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    checked: CheckedSeal,
    /// In ascending order.
    ids: Vec<RecordId>,
}

impl Attested {
    /// Who signed.
    #[must_use]
    pub const fn author(&self) -> PartnerId {
        self.checked.seal.author
    }

    /// With which key.
    #[must_use]
    pub const fn key_index(&self) -> u32 {
        self.checked.seal.key_index
    }

    /// Whether the record is one of those.
    #[must_use]
    pub fn covers(&self, id: RecordId) -> bool {
        self.ids.binary_search(&id).is_ok()
    }

    /// What to remember, so that the next record of the tree costs no check.
    #[must_use]
    pub const fn checked(&self) -> &CheckedSeal {
        &self.checked
    }
}

/// A tree of one's own records under one's own signature.
#[derive(Clone, Debug)]
pub struct SignedTree {
    attested: Attested,
    proofs: Vec<(RecordId, Proof)>,
}

impl SignedTree {
    /// Signs 1 to 256 records of one author at once. They are of one audience: the caller
    /// sees to that, since a path tells how much else was signed.
    ///
    /// # Errors
    /// `TooMany` or `TooFew` records, or `Rule` where one is named twice.
    pub fn sign(key: &StandingKey, secret: &SigningKey, ids: &[RecordId]) -> Result<Self, Invalid> {
        const INCOMPLETE: Invalid = Invalid::Rule("a tree must have all its leaves");
        let sorted: BTreeSet<_> = ids.iter().copied().collect();
        if sorted.len() != ids.len() {
            return Err(Invalid::Rule("a tree must name each record once"));
        }
        if PublicKey::of(secret) != *key.key() {
            return Err(Invalid::Rule(
                "the secret key must be that of the key index",
            ));
        }
        let leaves = (0..).zip(ids.iter().map(|id| tree::leaf(id.as_bytes())));
        let leaves = List::<_, BATCH_RECORDS_MAX, 1>::new(leaves.collect::<Vec<_>>())?;
        let too_many = Invalid::TooMany {
            found: ids.len() as u64,
            max: BATCH_RECORDS_MAX,
        };
        let tree_size = u16::try_from(leaves.len()).or(Err(too_many))?;
        let size = tree_size.into();
        let nodes = Nodes::build(size, &leaves, &[]).ok_or(INCOMPLETE)?;
        let root = nodes.root(size).ok_or(INCOMPLETE)?;
        let signature = with_signed_parts(key.network(), tree_size, &root, |parts| {
            sign(secret, Tag::Proof, parts)
        });
        let (author, key_index) = (key.partner(), key.index());
        let mut proofs = Vec::new();
        for (leaf_index, id) in (0..).zip(ids) {
            let path = nodes.path(size, u64::from(leaf_index)).ok_or(INCOMPLETE)?;
            proofs.push((
                *id,
                Proof {
                    key_index,
                    tree_size,
                    leaf_index,
                    path,
                    signature,
                },
            ));
        }
        let seal = Seal {
            author,
            key_index,
            tree_size,
            root,
            signature,
        };
        let checked = CheckedSeal {
            seal,
            key: *key.key(),
        };
        let attested = Attested {
            checked,
            ids: sorted.into_iter().collect(),
        };
        Ok(Self { attested, proofs })
    }

    /// The records with their proofs, in the order in which they were given.
    #[must_use]
    pub fn proofs(&self) -> &[(RecordId, Proof)] {
        &self.proofs
    }

    /// The same, taken apart.
    #[must_use]
    pub fn into_proofs(self) -> Vec<(RecordId, Proof)> {
        self.proofs
    }

    /// One's own signature needs no check.
    #[must_use]
    pub const fn attested(&self) -> &Attested {
        &self.attested
    }
}
