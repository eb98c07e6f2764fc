//! Some of many, a bit for each: rows of a segment, records of a tree.

/// Those that are marked, of at most 65,535 in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marks(Vec<u8>);

impl Marks {
    /// None of so many.
    pub(super) fn none(count: u16) -> Self {
        Self(vec![0; usize::from(count).div_ceil(8)])
    }

    pub(super) fn of_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn add(&mut self, place: u16) {
        if let Some(byte) = self.0.get_mut(usize::from(place / 8)) {
            *byte |= 1 << (place % 8);
        }
    }

    pub(super) fn remove(&mut self, place: u16) {
        if let Some(byte) = self.0.get_mut(usize::from(place / 8)) {
            *byte &= !(1 << (place % 8));
        }
    }

    pub(super) fn add_all(&mut self, others: &[u8]) {
        self.0
            .iter_mut()
            .zip(others)
            .for_each(|(own, other)| *own |= other);
    }

    /// Keeps those that are also among others.
    pub(super) fn keep(&mut self, others: &Self) {
        self.0
            .iter_mut()
            .zip(&others.0)
            .for_each(|(own, other)| *own &= other);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    pub(super) fn has(&self, place: u16) -> bool {
        let byte = self.0.get(usize::from(place / 8));
        byte.is_some_and(|byte| byte & 1 << (place % 8) != 0)
    }

    /// Ascending.
    pub(super) fn places(&self) -> impl Iterator<Item = u16> {
        let bytes = self.0.iter().copied().zip((0_u16..).step_by(8));
        bytes
            .filter(|(byte, _)| *byte != 0)
            .flat_map(|(byte, first)| {
                let is_set = move |bit: &u16| byte & 1 << bit != 0;
                (0..8).filter(is_set).map(move |bit| first + bit)
            })
    }
}
