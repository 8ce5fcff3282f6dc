//! What has left the cache and is yet to be dropped.

use super::bounds::Amount;
use super::slot::Gone;

/// Entries taken out under a lock, to be dropped when it is free again: a
/// value's destructor may be slow, or come back to the cache.
pub(crate) struct Discarded<K, V> {
    /// Nearly always the only one, and so without an allocation.
    first: Option<Gone<K, V>>,
    rest: Vec<Gone<K, V>>,
    /// How many made room for others.
    pub(crate) evicted: u64,
    /// How many had come to the end of their lives.
    pub(crate) expired: u64,
}

impl<K, V> Discarded<K, V> {
    pub(crate) const fn new() -> Self {
        Self { first: None, rest: Vec::new(), evicted: 0, expired: 0 }
    }

    /// Takes an entry that made room for another.
    pub(crate) fn evict(&mut self, gone: Gone<K, V>) {
        self.evicted += 1;
        self.keep(gone);
    }

    /// Takes an entry that the caller removes.
    pub(crate) fn remove(&mut self, gone: Gone<K, V>) {
        self.keep(gone);
    }

    /// Takes an entry whose life is over.
    pub(crate) fn expire(&mut self, gone: Gone<K, V>) {
        self.expired += 1;
        self.keep(gone);
    }

    fn keep(&mut self, gone: Gone<K, V>) {
        if self.first.is_none() {
            self.first = Some(gone);
        } else {
            self.rest.push(gone);
        }
    }

    /// How many entries there are, and their weight.
    pub(crate) fn total(&self) -> Amount {
        self.first.iter().chain(&self.rest).fold(Amount::default(), |sum, gone| sum.plus(Amount::of(gone.weight)))
    }
}
