//! The ghost list.

/// Number of cells in a set.
const SET: usize = 8;
/// Number of bits in a cell that hold the stamp; the other bits hold the hash.
const STAMP_BITS: u32 = 12;
const STAMPS: u32 = 1 << STAMP_BITS;

/// The hashes of the entries that were last evicted from the small queue, 4 bytes each.
///
/// A hash selects a set of eight cells, which keeps the latest hashes inserted into it, so
/// an operation touches one cache line and moves nothing. About one lookup in 100,000 is a
/// false positive and promotes an entry that should not be promoted.
#[derive(Debug, Default)]
pub(crate) struct GhostList {
    cells: Box<[u32]>,
    capacity: usize,
    /// Number of insertions.
    inserted: u64,
}

impl GhostList {
    /// Creates an empty list of the last `capacity` hashes.
    pub(crate) fn new(capacity: usize) -> Self {
        // A quarter more cells than hashes, since sets fill unevenly.
        let sets = (capacity * 5 / 4).div_ceil(SET).max(1);
        // The count starts at half of all stamps, so that empty cells have the greatest age.
        let inserted = u64::from(STAMPS / 2) * tick(capacity);
        Self { cells: vec![0; sets * SET].into_boxed_slice(), capacity, inserted }
    }

    /// Returns the number of hashes that the list remembers.
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Inserts `hash` and overwrites the oldest hash of its set.
    pub(crate) fn insert(&mut self, hash: u32) {
        if self.capacity == 0 {
            return;
        }
        self.inserted += 1;
        let now = self.now();
        let set = self.set(hash);
        let oldest = self.cells[set.clone()].iter().enumerate().max_by_key(|(_, cell)| age(**cell, now));
        if let Some((oldest, _)) = oldest {
            self.cells[set.start + oldest] = hash_bits(hash) | now;
        }
    }

    /// Removes `hash` and returns whether the list contained it.
    pub(crate) fn take(&mut self, hash: u32) -> bool {
        if self.capacity == 0 {
            return false;
        }
        let now = self.now();
        let limit = self.capacity as u64 / tick(self.capacity);
        let set = self.set(hash);
        let found = self.cells[set]
            .iter_mut()
            .find(|cell| **cell & !(STAMPS - 1) == hash_bits(hash) && u64::from(age(**cell, now)) <= limit);
        // The removed cell gets the greatest age, so that it is overwritten next.
        found.map(|cell| *cell = now.wrapping_sub(STAMPS / 2) % STAMPS).is_some()
    }

    fn set(&self, hash: u32) -> std::ops::Range<usize> {
        let sets = (self.cells.len() / SET) as u64;
        let set = ((u64::from(hash) * sets) >> 32) as usize;
        set * SET..(set + 1) * SET
    }

    fn now(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "stamps are meant to wrap")]
        let now = (self.inserted / tick(self.capacity)) as u32;
        now % STAMPS
    }
}

/// Returns the number of insertions that share a stamp. The whole capacity then spans at
/// most half of the stamps, so ages stay comparable after a stamp wraps.
const fn tick(capacity: usize) -> u64 {
    (capacity as u64).div_ceil((STAMPS / 2 - 1) as u64) + (capacity == 0) as u64
}

const fn hash_bits(hash: u32) -> u32 {
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
    fn the_latest_hashes_are_taken_once_and_older_ones_never() {
        for capacity in [1, 10, 1_000, 20_000] {
            let mut ghosts = GhostList::new(capacity);
            let all = u32::try_from(3 * capacity).unwrap();
            (0..all).for_each(|i| ghosts.insert(hash(i)));
            let (old, latest) = (0..all - all / 3 - all / 30 - 1, all - all / 3..all);
            let found = latest.clone().filter(|i| ghosts.take(hash(*i))).count();
            assert!(found * 100 >= capacity * 90, "{found} of {capacity}");
            assert_eq!(latest.filter(|i| ghosts.take(hash(*i))).count(), 0);
            let mistaken = old.filter(|i| ghosts.take(hash(*i))).count();
            assert!(mistaken <= 1 + capacity / 1_000, "{mistaken} beyond {capacity}");
        }
    }

    #[test]
    fn a_hash_is_not_found_before_its_insertion_or_in_an_empty_list() {
        let mut ghosts = GhostList::new(100);
        assert!((0..10_000).all(|i| !ghosts.take(hash(i))) && !ghosts.take(0));
        let mut none = GhostList::new(0);
        none.insert(5);
        assert!(!none.take(5));
    }
}
