//! What was evicted a short while ago.

/// Cells that one hash may be in.
const SET: usize = 8;
/// The bits of a cell that say when; the others say what.
const STAMP_BITS: u32 = 12;
const STAMPS: u32 = 1 << STAMP_BITS;

/// The hashes of the last entries to be evicted from the small queue, four
/// bytes each. A set of cells keeps the latest that fall into it, so that
/// nothing needs to be moved or searched for beyond one cache line. One in
/// about 100,000 answers is wrong, which costs one wrong promotion.
#[derive(Debug, Default)]
pub(crate) struct Ghosts {
    cells: Box<[u32]>,
    /// How many are remembered.
    capacity: usize,
    /// Burials so far.
    buried: u64,
}

impl Ghosts {
    /// None yet, with room for the last `capacity`.
    pub(crate) fn new(capacity: usize) -> Self {
        // A quarter more than needed, since sets fill unevenly.
        let sets = (capacity * 5 / 4).div_ceil(SET).max(1);
        // The first cells look as old as can be.
        Self { cells: vec![0; sets * SET].into_boxed_slice(), capacity, buried: u64::from(STAMPS / 2) * tick(capacity) }
    }

    /// How many are remembered.
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Remembers `hash` as the latest.
    pub(crate) fn bury(&mut self, hash: u32) {
        if self.capacity == 0 {
            return;
        }
        self.buried += 1;
        let now = self.now();
        let set = self.set(hash);
        let oldest = self.cells[set.clone()].iter().enumerate().max_by_key(|(_, cell)| age(**cell, now));
        if let Some((oldest, _)) = oldest {
            self.cells[set.start + oldest] = what(hash) | now;
        }
    }

    /// Whether `hash` was among the latest; it no longer is.
    pub(crate) fn exhume(&mut self, hash: u32) -> bool {
        if self.capacity == 0 {
            return false;
        }
        let now = self.now();
        let limit = self.capacity as u64 / tick(self.capacity);
        let set = self.set(hash);
        let found = self.cells[set]
            .iter_mut()
            .find(|cell| **cell & !(STAMPS - 1) == what(hash) && u64::from(age(**cell, now)) <= limit);
        // As old as can be told, and so the next to be overwritten.
        found.map(|cell| *cell = now.wrapping_sub(STAMPS / 2) % STAMPS).is_some()
    }

    fn set(&self, hash: u32) -> std::ops::Range<usize> {
        let sets = (self.cells.len() / SET) as u64;
        let set = ((u64::from(hash) * sets) >> 32) as usize;
        set * SET..(set + 1) * SET
    }

    fn now(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "stamps are meant to wrap")]
        let now = (self.buried / tick(self.capacity)) as u32;
        now % STAMPS
    }
}

/// Burials for each stamp: few enough that the whole capacity is at most half
/// of all stamps, and ages are told apart.
const fn tick(capacity: usize) -> u64 {
    (capacity as u64).div_ceil((STAMPS / 2 - 1) as u64) + (capacity == 0) as u64
}

const fn what(hash: u32) -> u32 {
    hash << STAMP_BITS
}

const fn age(cell: u32, now: u32) -> u32 {
    now.wrapping_sub(cell) % STAMPS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(i: u32) -> u32 {
        i.wrapping_mul(0x9E37_79B9) ^ i >> 3
    }

    #[test]
    fn the_latest_are_found_once_and_older_ones_are_not() {
        for capacity in [1, 10, 1_000, 20_000] {
            let mut ghosts = Ghosts::new(capacity);
            let all = u32::try_from(3 * capacity).unwrap();
            (0..all).for_each(|i| ghosts.bury(hash(i)));
            let (old, latest) = (0..all - all / 3 - all / 30 - 1, all - all / 3..all);
            let found = latest.clone().filter(|i| ghosts.exhume(hash(*i))).count();
            assert!(found * 100 >= capacity * 90, "{found} of {capacity}");
            assert_eq!(latest.filter(|i| ghosts.exhume(hash(*i))).count(), 0);
            let mistaken = old.filter(|i| ghosts.exhume(hash(*i))).count();
            assert!(mistaken <= 1 + capacity / 1_000, "{mistaken} beyond {capacity}");
        }
    }

    #[test]
    fn nothing_is_found_before_it_is_buried_or_without_room() {
        let mut ghosts = Ghosts::new(100);
        assert!((0..10_000).all(|i| !ghosts.exhume(hash(i))) && !ghosts.exhume(0));
        let mut none = Ghosts::new(0);
        none.bury(5);
        assert!(!none.exhume(5));
    }
}
