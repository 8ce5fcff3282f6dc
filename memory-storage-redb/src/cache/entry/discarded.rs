//! Removed entries that are yet to be dropped.

use super::slot::Removed;
use crate::cache::bounds::Amount;

/// Entries removed under a lock, which are dropped after the lock is released. A value's
/// destructor may be slow, or call the cache.
pub(crate) struct Discarded<K, V> {
    /// The first entry. Usually it is the only one, so that no memory is allocated.
    first: Option<Removed<K, V>>,
    rest: Vec<Removed<K, V>>,
    /// Number of evicted entries.
    pub(crate) evicted: u64,
    /// Number of expired entries.
    pub(crate) expired: u64,
}

impl<K, V> Discarded<K, V> {
    pub(crate) const fn new() -> Self {
        Self { first: None, rest: Vec::new(), evicted: 0, expired: 0 }
    }

    /// Adds an evicted entry.
    pub(crate) fn evict(&mut self, removed: Removed<K, V>) {
        self.evicted += 1;
        self.keep(removed);
    }

    /// Adds an entry that the caller removed.
    pub(crate) fn remove(&mut self, removed: Removed<K, V>) {
        self.keep(removed);
    }

    /// Adds an expired entry.
    pub(crate) fn expire(&mut self, removed: Removed<K, V>) {
        self.expired += 1;
        self.keep(removed);
    }

    fn keep(&mut self, removed: Removed<K, V>) {
        if self.first.is_none() {
            self.first = Some(removed);
        } else {
            self.rest.push(removed);
        }
    }

    /// Returns the number of entries and their weight.
    pub(crate) fn total(&self) -> Amount {
        self.first.iter().chain(&self.rest).fold(Amount::default(), |sum, removed| sum.plus(Amount::of(removed.weight)))
    }
}
