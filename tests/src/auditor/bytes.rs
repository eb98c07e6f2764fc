//! Bytes by the notation of SPEC.md section 2, and hashes, trees and signatures by sections 3 and 7,
//! written a second time. It reads what honest machines wrote, so that a form is the one form is
//! not its matter; it knows no structure.

use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

/// Ids, keys and hashes.
pub type Id = [u8; 32];

/// Reads one field after another; `None` where the bytes are not what was asked for.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub const fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// `bytes N`.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    pub fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub fn id(&mut self) -> Option<Id> {
        self.fixed()
    }

    pub fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    /// `u16`, `u32`, `u64`, `time` and `word`.
    pub fn number(&mut self) -> Option<u64> {
        let more = match self.u8()? {
            251 => 2,
            252 => 4,
            253 => 8,
            254 | 255 => return None,
            small => return Some(u64::from(small)),
        };
        let little = self.take(more)?.iter().rev();
        Some(little.fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// `i64`: 0, 1, 2, 3 … stand for 0, −1, 1, −2 …
    pub fn signed(&mut self) -> Option<i128> {
        let folded = i128::from(self.number()?);
        Some(if folded % 2 == 0 {
            folded / 2
        } else {
            -(folded + 1) / 2
        })
    }

    pub fn bool(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// `bytes ≤ N` and `text ≤ N`.
    pub fn counted(&mut self) -> Option<&'a [u8]> {
        let count = usize::try_from(self.number()?).ok()?;
        self.take(count)
    }

    /// `T?`.
    pub fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.bool()? {
            Some(Some(read(self)?))
        } else {
            Some(None)
        }
    }

    /// `[T]`.
    pub fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.number()?;
        (0..count).map(|_| read(self)).collect()
    }

    /// What `read` reads, and the bytes that it took.
    pub fn with_bytes<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<(T, &'a [u8])> {
        let from = self.at;
        let value = read(self)?;
        Some((value, &self.bytes[from..self.at]))
    }
}

/// The tagged bytes that are hashed or signed.
pub fn tagged(tag: &str, parts: &[&[u8]]) -> Vec<u8> {
    [&[tag.as_bytes(), &[0]], parts].concat().concat()
}

/// `H(tag; …)`.
pub fn hash(tag: &str, parts: &[&[u8]]) -> Id {
    Sha256::digest(tagged(tag, parts)).into()
}

pub fn record_id(network: &Id, record: &[u8]) -> Id {
    hash("omni/1/record", &[network, record])
}

pub fn leaf(data: &Id) -> Id {
    Sha256::digest([&[0][..], data].concat()).into()
}

pub fn node(left: &Id, right: &Id) -> Id {
    Sha256::digest([&[1][..], left, right].concat()).into()
}

/// A tree of RFC 9162 that grows: the roots of its whole subtrees with their sizes, large ones
/// first, as the bits of its size.
#[derive(Clone, Default)]
pub struct Tree {
    whole: Vec<(u64, Id)>,
}

impl Tree {
    pub fn push(&mut self, data: &Id) {
        let mut last = (1, leaf(data));
        while let Some((size, left)) = self.whole.pop_if(|(size, _)| *size == last.0) {
            last = (size * 2, node(&left, &last.1));
        }
        self.whole.push(last);
    }

    pub fn size(&self) -> u64 {
        self.whole.iter().map(|(size, _)| size).sum()
    }

    pub fn root(&self) -> Id {
        let mut roots = self.whole.iter().rev().map(|(_, root)| *root);
        let empty = || Sha256::digest([]).into();
        let last = roots.next().unwrap_or_else(empty);
        roots.fold(last, |right, left| node(&left, &right))
    }
}

/// The root to which an inclusion path leads.
pub fn root_of_path(leaf: Id, index: u64, size: u64, path: &[Id]) -> Option<Id> {
    if size == 1 {
        return path.is_empty().then_some(leaf);
    }
    let (last, rest) = path.split_last()?;
    let left = size.checked_next_power_of_two()? / 2;
    if index < left {
        Some(node(&root_of_path(leaf, index, left, rest)?, last))
    } else {
        let right = root_of_path(leaf, index - left, size - left, rest)?;
        Some(node(last, &right))
    }
}

/// Whether the signature under these bytes is the key's.
pub fn is_signed(key: &Id, message: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = Signature::from_slice(signature) else {
        return false;
    };
    VerifyingKey::from_bytes(key).is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
}

/// A partner id as text: bech32m of BIP 350.
pub fn partner_text(partner: &Id) -> String {
    const DIGITS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const FACTORS: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    let bit = |at: usize| {
        partner
            .get(at / 8)
            .map_or(0, |byte| byte >> (7 - at % 8) & 1)
    };
    let data = (0..52).map(|word| (0..5).fold(0, |sum, at| sum << 1 | bit(word * 5 + at)));
    let data: Vec<u8> = data.collect();
    let spread = b"omni".map(|letter| letter >> 5).into_iter().chain([0]);
    let spread = spread.chain(b"omni".map(|letter| letter & 31));
    let mut check = 1_u32;
    for value in spread.chain(data.iter().copied()).chain([0; 6]) {
        let top = check >> 25;
        check = (check & 0x01ff_ffff) << 5 ^ u32::from(value);
        let factors = FACTORS.iter().enumerate();
        let added = factors.filter(|(at, _)| top >> at & 1 == 1);
        check = added.fold(check, |check, (_, factor)| check ^ factor);
    }
    check ^= 0x2bc8_30a3;
    let check = (0..6).map(|at| (check >> (25 - 5 * at) & 31) as u8);
    let digits = data.iter().copied().chain(check);
    let letters = digits.map(|digit| char::from(DIGITS[usize::from(digit)]));
    format!("omni1{}", letters.collect::<String>())
}

/// An id as it is shown: its first eight digits are enough to find it.
pub fn short(id: &Id) -> String {
    id[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Id, Tree, leaf, node, root_of_path};

    /// The definition of RFC 9162, 2.1.1.
    fn root(leaves: &[Id]) -> Id {
        if let [only] = leaves {
            return leaf(only);
        }
        let left = leaves.len().next_power_of_two() / 2;
        node(&root(&leaves[..left]), &root(&leaves[left..]))
    }

    #[test]
    fn a_growing_tree_has_the_roots_of_the_definition() {
        let leaves: Vec<Id> = (0..70).map(|number| [number; 32]).collect();
        let mut tree = Tree::default();
        for size in 1..=leaves.len() {
            tree.push(&leaves[size - 1]);
            assert_eq!(tree.root(), root(&leaves[..size]), "{size}");
            assert_eq!(tree.size(), size as u64);
        }
    }

    #[test]
    fn a_path_leads_to_the_root() {
        let [a, b, c] = [[1; 32], [2; 32], [3; 32]].map(|data| leaf(&data));
        let whole = node(&node(&a, &b), &c);
        assert_eq!(root_of_path(b, 1, 3, &[a, c]), Some(whole));
        assert_eq!(root_of_path(c, 2, 3, &[node(&a, &b)]), Some(whole));
        assert_eq!(root_of_path(c, 2, 3, &[]), None);
        assert_eq!(root_of_path(a, 0, 1, &[b]), None);
    }
}
