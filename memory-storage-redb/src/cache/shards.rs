//! The cache's parts, side by side.

use foldhash::fast::SeedableRandomState;

use super::clock::Moment;
use super::shard::Shard;
use crate::sync::{Announced, AtomicUsize, BiasedLock, Ordering, ReadGuard, Stripe, WriteGuard};

/// Fewer entries in a shard, and its queues are too short to tell much.
const SMALLEST: usize = 1_024;
const MOST: u128 = 64;
/// The entries of a shard when the cache is full, in hundredths of its table's
/// buckets. Buckets come in powers of two: half of them would be empty where a
/// shard holds a little more than the largest part that a table lets be filled,
/// which is seven eighths. Near to that, tables are rebuilt too often, and some
/// shards hold a few entries more than others.
const FILLED: u128 = 76;

/// A shard, its lock, and its length beside them for who looks for the longest.
/// Each is on cache lines of its own.
#[repr(C, align(128))]
pub(super) struct Place<K, V> {
    shard: BiasedLock<Shard<K, V>>,
    length: AtomicUsize,
}

impl<K, V> Place<K, V> {
    pub(super) fn read(&self, stripe: Option<Stripe>) -> ReadGuard<'_, Shard<K, V>> {
        self.shard.read(stripe)
    }

    #[inline]
    pub(super) fn read_announced(&self, stripe: Stripe) -> Option<Announced<'_, Shard<K, V>>> {
        self.shard.read_announced(stripe)
    }

    pub(super) fn write(&self) -> WriteGuard<'_, Shard<K, V>> {
        self.shard.write()
    }

    pub(super) fn note_length(&self, length: usize) {
        self.length.store(length, Ordering::Relaxed);
    }

    pub(super) fn length(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }
}

/// Shards, chosen by the highest bits of a hash.
pub(super) struct Shards<K, V> {
    places: Box<[Place<K, V>]>,
    /// Where the search for a long shard goes on.
    next: AtomicUsize,
}

impl<K, V> Shards<K, V> {
    pub(super) fn new(max_entries: usize, now: Moment, hasher: &SeedableRandomState) -> Self {
        Self::with_count(count(max_entries), now, hasher)
    }

    /// So many.
    pub(super) fn with_count(count: u32, now: Moment, hasher: &SeedableRandomState) -> Self {
        let place = |seed: u32| Place {
            shard: BiasedLock::new(Shard::new(now, hasher.clone(), seed.wrapping_mul(0x9E37_79B9))),
            length: AtomicUsize::new(0),
        };
        Self { places: (1..=count).map(place).collect(), next: AtomicUsize::new(0) }
    }

    #[inline]
    pub(super) fn of(&self, hash: u64) -> &Place<K, V> {
        let index = (((hash >> 32) * self.places.len() as u64) >> 32) as usize;
        &self.places[index]
    }

    pub(super) fn at(&self, index: usize) -> &Place<K, V> {
        &self.places[index]
    }

    pub(super) fn count(&self) -> usize {
        self.places.len()
    }

    /// Whether a shard of so many entries holds its part of all of them, or
    /// nearly: it can make room for its own.
    pub(super) fn is_due(&self, length: usize, entries: usize) -> bool {
        self.count() == 1 || length * self.count() * 16 >= entries * 15
    }

    /// A shard that holds entries: its part of them, if there is one that
    /// does. Last of all comes `own`, in which a newcomer has just been put.
    pub(super) fn long<'a>(&'a self, entries: usize, own: &'a Place<K, V>) -> Option<&'a Place<K, V>> {
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let around = || (0..self.count()).map(|step| self.at(start.wrapping_add(step) % self.count()));
        let others = || around().filter(|place| place.length() > 0 && !std::ptr::eq(*place, own));
        let due = others().find(|place| self.is_due(place.length(), entries));
        due.or_else(|| others().next()).or_else(|| Some(own).filter(|own| own.length() > 0))
    }
}

/// How many shards for so many entries: as few as fill tables of the smallest
/// size that takes no more than [`MOST`].
fn count(max_entries: usize) -> u32 {
    let count = |buckets: u128| (max_entries as u128 * 100).div_ceil(buckets * FILLED);
    let sizes = (SMALLEST.ilog2() + 1..usize::BITS).map(|bits| 1 << bits);
    let count = sizes.map(count).find(|count| *count <= MOST).unwrap_or(MOST);
    let most = (max_entries / SMALLEST).max(1);
    u32::try_from(count.min(most as u128)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::super::{AdaptiveCache, AdaptiveCacheConfig};
    use super::*;

    #[test]
    fn a_full_cache_takes_no_more_memory_however_much_comes_and_goes() {
        let config = AdaptiveCacheConfig::with_max_entries(6_000);
        let cache = AdaptiveCache::<u64, u64>::builder(config).seed(1).build().expect("a valid configuration");
        let buckets = |cache: &AdaptiveCache<u64, u64>| {
            (0..cache.shards.count()).map(|index| cache.shards.at(index).read(None).buckets()).collect::<Vec<_>>()
        };
        (0..6_000).for_each(|key| assert!(cache.insert(key, key)));
        let full = buckets(&cache);
        (6_000..200_000).for_each(|key| assert!(cache.insert(key, key)));
        assert_eq!(buckets(&cache), full);
    }

    #[test]
    fn tables_are_filled_and_shards_are_neither_small_nor_many() {
        for entries in (1..200_000).chain((200_000..50_000_000).step_by(99_991)) {
            let count = count(entries) as usize;
            assert!((1..=64).contains(&count) && (count == 1 || entries / count >= SMALLEST), "{entries}: {count}");
            let buckets = (entries / count).next_power_of_two();
            let filled = entries * 100 / (count * buckets);
            assert!(entries < 10 * SMALLEST || (65..=76).contains(&filled), "{entries}: {count} of {buckets}");
        }
        assert!((1..=64).contains(&count(usize::MAX)));
    }
}
