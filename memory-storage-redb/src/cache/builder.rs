//! Putting a cache together.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use memory_core::Result;

use super::adaptive::AdaptiveCache;
use super::clock::{Clock, CoarseClock};
use super::config::AdaptiveCacheConfig;
use super::shards::Shards;

/// Says what an entry weighs.
pub(crate) type Weigher<K, V> = dyn Fn(&K, &V) -> u64 + Send + Sync;

/// Makes an [`AdaptiveCache`] that differs from
/// [`AdaptiveCache::new`]'s in more than its settings.
pub struct AdaptiveCacheBuilder<K, V, C = CoarseClock> {
    config: AdaptiveCacheConfig,
    weigher: Option<Box<Weigher<K, V>>>,
    clock: C,
    seed: Option<u64>,
    shards: Option<u32>,
}

impl<K, V> AdaptiveCacheBuilder<K, V> {
    pub(crate) fn new(config: AdaptiveCacheConfig) -> Self {
        Self { config, weigher: None, clock: CoarseClock, seed: None, shards: None }
    }
}

impl<K, V, C> AdaptiveCacheBuilder<K, V, C> {
    /// What an entry weighs, in the unit of `max_weight`: bytes, in practice.
    /// It is asked once for each insertion, outside all locks. Default: every
    /// entry weighs 1.
    pub fn weigher(self, weigher: impl Fn(&K, &V) -> u64 + Send + Sync + 'static) -> Self {
        Self { weigher: Some(Box::new(weigher)), ..self }
    }

    /// Where the time comes from. Default: [`CoarseClock`].
    pub fn clock<D: Clock>(self, clock: D) -> AdaptiveCacheBuilder<K, V, D> {
        let Self { config, weigher, seed, shards, .. } = self;
        AdaptiveCacheBuilder { config, weigher, clock, seed, shards }
    }

    /// Makes what the cache does with the same calls the same each time, for
    /// measurements. Whoever knows the seed can make keys that collide.
    /// Default: seeded at random.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// So many shards, where a test wants several of them
    /// though there are few entries.
    #[cfg(test)]
    #[allow(dead_code, reason = "for the tests of interleavings, which build this module again")]
    pub(crate) fn shards(self, count: u32) -> Self {
        Self { shards: Some(count), ..self }
    }
}

impl<K: Eq + Hash, V, C: Clock> AdaptiveCacheBuilder<K, V, C> {
    /// Makes the cache.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](memory_core::Error::InvalidInput), which names the
    /// setting that no cache can have.
    pub fn build(self) -> Result<AdaptiveCache<K, V, C>> {
        let Self { config, weigher, clock, seed, shards } = self;
        config.validate()?;
        let seed = seed.unwrap_or_else(|| foldhash::fast::RandomState::default().hash_one(0_u64));
        let shared = if self.seed.is_some() { SharedSeed::global_fixed() } else { SharedSeed::global_random() };
        let hasher = SeedableRandomState::with_seed(seed, shared);
        let shards = match shards {
            Some(count) => Shards::with_count(count, clock.now(), &hasher),
            None => Shards::new(config.max_entries, clock.now(), &hasher),
        };
        Ok(AdaptiveCache::assemble(&config, shards, weigher, clock, hasher))
    }
}

impl<K, V, C: fmt::Debug> fmt::Debug for AdaptiveCacheBuilder<K, V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { config, clock, seed, .. } = self;
        f.debug_struct("AdaptiveCacheBuilder")
            .field("config", config)
            .field("clock", clock)
            .field("seed", seed)
            .finish_non_exhaustive()
    }
}
