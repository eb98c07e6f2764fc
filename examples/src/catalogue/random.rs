//! A small generator of pseudo-random numbers that gives the same run on every machine and with every version of every library.

/// `SplitMix64` (Steele, Lea and Flood, 2014). Good enough for catalogues, and for nothing that has to be secret.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The run of one seed and one purpose.
    pub(super) fn of(seed: u64, purpose: &str) -> Self {
        let mut random = Self(seed);
        for byte in purpose.bytes() {
            random.0 = random.next() ^ u64::from(byte);
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 for 0.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        let wide = u128::from(self.next()).wrapping_mul(u128::from(n)) >> 64;
        u64::try_from(wide).unwrap_or(0)
    }

    /// One of the two ends or a number between them.
    pub(super) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// One of the items, the first where there is but one.
    pub(super) fn pick<T: Copy>(&mut self, first: T, more: &[T]) -> T {
        let at = usize::try_from(self.below(more.len() as u64 + 1)).unwrap_or(0);
        at.checked_sub(1)
            .and_then(|at| more.get(at))
            .copied()
            .unwrap_or(first)
    }

    /// The items in another order.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap_or(0);
            items.swap(last, other);
        }
    }
}
