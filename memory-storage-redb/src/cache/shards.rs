//! The cache's parts, side by side.

use foldhash::fast::SeedableRandomState;

use super::clock::Moment;
use super::shard::Shard;
use crate::sync::{AtomicUsize, BiasedLock, Ordering, ReadGuard, WriteGuard};

/// Fewer entries in a shard, and its queues are too short to tell much.
const SMALLEST: usize = 1_024;
const MOST: usize = 64;

/// A shard, its lock, and its length beside them for who looks for the longest.
/// Each is on cache lines of its own.
#[repr(align(128))]
pub(super) struct Place<K, V> {
    shard: BiasedLock<Shard<K, V>>,
    length: AtomicUsize,
}

impl<K, V> Place<K, V> {
    pub(super) fn read(&self) -> ReadGuard<'_, Shard<K, V>> {
        self.shard.read()
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

/// A power of two of shards, chosen by the highest bits of a hash.
pub(super) struct Shards<K, V> {
    places: Box<[Place<K, V>]>,
    /// Where the search for a long shard goes on.
    next: AtomicUsize,
}

impl<K, V> Shards<K, V> {
    pub(super) fn new(max_entries: usize, now: Moment, hasher: &SeedableRandomState) -> Self {
        let count = (max_entries / SMALLEST).clamp(1, MOST);
        Self::with_count(1 << count.ilog2(), now, hasher)
    }

    /// So many, which must be a power of two.
    pub(super) fn with_count(count: u32, now: Moment, hasher: &SeedableRandomState) -> Self {
        let place = |seed: u32| Place {
            shard: BiasedLock::new(Shard::new(now, hasher.clone(), seed.wrapping_mul(0x9E37_79B9))),
            length: AtomicUsize::new(0),
        };
        Self { places: (1..=count).map(place).collect(), next: AtomicUsize::new(0) }
    }

    pub(super) fn of(&self, hash: u64) -> &Place<K, V> {
        let most = MOST.ilog2();
        #[expect(clippy::cast_possible_truncation, reason = "six bits")]
        let index = (hash >> (u64::BITS - most)) as usize;
        &self.places[index & (self.places.len() - 1)]
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
