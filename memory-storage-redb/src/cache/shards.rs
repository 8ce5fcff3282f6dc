//! The shards of a cache.

use foldhash::fast::SeedableRandomState;

use super::clock::Moment;
use super::shard::Shard;
use crate::sync::{Announced, AtomicUsize, BiasedLock, Ordering, ReadGuard, ThreadIndex, WriteGuard};

/// Minimum number of entries in a shard. The queues of a smaller shard are too short to
/// distinguish popular entries.
const SMALLEST: usize = 1_024;
/// Maximum number of shards.
const MOST: u128 = 64;
/// Load factor of a full shard's table, in percent.
///
/// The number of buckets is a power of two, and `hashbrown` fills at most seven eighths of
/// them. A shard that holds slightly more would leave half of its buckets empty. Close to
/// seven eighths, tables are rebuilt too often, and some shards exceed their share.
const FILLED: u128 = 76;

/// A shard behind its lock, and its length, which is read without the lock. Each shard has
/// its own cache lines.
#[repr(C, align(128))]
pub(super) struct ShardLock<K, V> {
    shard: BiasedLock<Shard<K, V>>,
    length: AtomicUsize,
}

impl<K, V> ShardLock<K, V> {
    pub(super) fn read(&self, thread: Option<ThreadIndex>) -> ReadGuard<'_, Shard<K, V>> {
        self.shard.read(thread)
    }

    #[inline]
    pub(super) fn read_announced(&self, thread: ThreadIndex) -> Option<Announced<'_, Shard<K, V>>> {
        self.shard.read_announced(thread)
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

/// The shards, selected by the upper 32 bits of a hash.
pub(super) struct Shards<K, V> {
    locks: Box<[ShardLock<K, V>]>,
    /// Index at which the next search for a shard to evict from starts.
    next: AtomicUsize,
}

impl<K, V> Shards<K, V> {
    /// Creates the number of shards that suits a cache of `max_entries`.
    pub(super) fn new(max_entries: usize, now: Moment, hasher: &SeedableRandomState) -> Self {
        Self::with_count(count(max_entries), now, hasher)
    }

    /// Creates `count` shards.
    pub(super) fn with_count(count: u32, now: Moment, hasher: &SeedableRandomState) -> Self {
        let lock = |seed: u32| ShardLock {
            shard: BiasedLock::new(Shard::new(now, hasher.clone(), seed.wrapping_mul(0x9E37_79B9))),
            length: AtomicUsize::new(0),
        };
        Self { locks: (1..=count).map(lock).collect(), next: AtomicUsize::new(0) }
    }

    /// Returns the shard of a hash.
    #[inline]
    pub(super) fn of(&self, hash: u64) -> &ShardLock<K, V> {
        let index = (((hash >> 32) * self.locks.len() as u64) >> 32) as usize;
        &self.locks[index]
    }

    /// Returns the shard with this index.
    pub(super) fn at(&self, index: usize) -> &ShardLock<K, V> {
        &self.locks[index]
    }

    /// Returns the number of shards.
    pub(super) fn count(&self) -> usize {
        self.locks.len()
    }

    /// Returns whether a shard of `length` entries holds at least 15/16 of its share of all
    /// `entries`. Such a shard evicts its own entries to make room.
    pub(super) fn is_due(&self, length: usize, entries: usize) -> bool {
        self.count() == 1 || length * self.count() * 16 >= entries * 15
    }

    /// Returns a shard to evict from, or `None` if all shards are empty.
    ///
    /// Shards that hold their share are preferred, then other shards, then `own`, which has
    /// just received a new entry.
    pub(super) fn to_evict_from<'a>(&'a self, entries: usize, own: &'a ShardLock<K, V>) -> Option<&'a ShardLock<K, V>> {
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let around = || (0..self.count()).map(|step| self.at(start.wrapping_add(step) % self.count()));
        let others = || around().filter(|lock| lock.length() > 0 && !std::ptr::eq(*lock, own));
        let due = others().find(|lock| self.is_due(lock.length(), entries));
        due.or_else(|| others().next()).or_else(|| Some(own).filter(|own| own.length() > 0))
    }
}

/// Returns the number of shards for a cache of `max_entries`: the smallest number for which
/// full shards reach the load factor [`FILLED`], with the smallest tables that need at most
/// [`MOST`] shards.
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
    fn tables_of_a_full_cache_never_grow() {
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
    fn full_shards_reach_the_load_factor_and_are_neither_small_nor_many() {
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
