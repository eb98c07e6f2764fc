//! A second encoder, written from section 2 of SPEC.md and from nothing else.
//!
//! It is slow and plain on purpose: no derive, no library, no generic list. What it writes must
//! equal, byte for byte, what the protocol's fence writes. It decodes nothing.

pub mod bodies;
pub mod frames;

/// Bytes under construction. Each method appends one item of the notation in section 2.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Naive(pub Vec<u8>);

impl Naive {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    /// `u16`, `u32` and `u64` share one form, for the shortest is taken whatever the width.
    pub fn unsigned(mut self, value: u64) -> Self {
        let little = value.to_le_bytes();
        if value < 251 {
            self.0.push(little[0]);
        } else if value < 1 << 16 {
            self.0.push(251);
            self.0.extend_from_slice(&little[..2]);
        } else if value < 1 << 32 {
            self.0.push(252);
            self.0.extend_from_slice(&little[..4]);
        } else {
            self.0.push(253);
            self.0.extend_from_slice(&little);
        }
        self
    }

    /// 0, −1, 1, −2 … become 0, 1, 2, 3 …
    pub fn signed(self, value: i64) -> Self {
        let doubled = if value < 0 {
            // −1 is 1, −2 is 3: twice the distance from −1, and one.
            2 * value.abs_diff(-1) + 1
        } else {
            2 * value.unsigned_abs()
        };
        self.unsigned(doubled)
    }

    pub fn bool(self, value: bool) -> Self {
        self.u8(u8::from(value))
    }

    /// `bytes N`: no length.
    pub fn fixed(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// `bytes ≤ N`: the length, then the bytes.
    pub fn bytes(self, bytes: &[u8]) -> Self {
        self.unsigned(bytes.len() as u64).fixed(bytes)
    }

    /// `text` and `prose`.
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// `T?`: 0, or 1 and what `some` appends.
    pub fn option<T>(self, value: Option<T>, some: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            None => self.u8(0),
            Some(value) => some(self.u8(1), value),
        }
    }

    /// `[T]`: the number of items, then each.
    pub fn list<T>(
        self,
        items: impl IntoIterator<Item = T>,
        each: impl Fn(Self, T) -> Self,
    ) -> Self {
        let items: Vec<T> = items.into_iter().collect();
        let count = items.len() as u64;
        items.into_iter().fold(self.unsigned(count), each)
    }

    /// `set of T`: as a list, ascending by the encoded bytes, whatever order it is given in.
    pub fn set<T>(
        self,
        items: impl IntoIterator<Item = T>,
        each: impl Fn(Self, T) -> Self,
    ) -> Self {
        let mut encoded: Vec<Vec<u8>> = items
            .into_iter()
            .map(|item| each(Self::new(), item).0)
            .collect();
        encoded.sort();
        self.list(encoded, |naive, item| naive.fixed(&item))
    }
}

#[cfg(test)]
mod tests {
    use super::Naive;

    #[test]
    fn numbers_take_the_forms_that_the_specification_lists() {
        fn check(naive: &Naive, expected: &[u8]) {
            assert_eq!(naive.0, expected);
        }
        check(&Naive::new().unsigned(250), &[250]);
        check(&Naive::new().unsigned(251), &[251, 251, 0]);
        check(&Naive::new().unsigned(65_535), &[251, 255, 255]);
        check(&Naive::new().unsigned(65_536), &[252, 0, 0, 1, 0]);
        check(
            &Naive::new().unsigned(1 << 32),
            &[253, 0, 0, 0, 0, 1, 0, 0, 0],
        );
        check(&Naive::new().signed(0), &[0]);
        check(&Naive::new().signed(-1), &[1]);
        check(&Naive::new().signed(1), &[2]);
        check(&Naive::new().signed(-2), &[3]);
        check(
            &Naive::new().signed(i64::MIN),
            &[253, 255, 255, 255, 255, 255, 255, 255, 255],
        );
    }
}
