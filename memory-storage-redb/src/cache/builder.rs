//! Construction of a cache.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use memory_core::Result;

use super::adaptive::{AdaptiveCache, Weigher};
use super::clock::{Clock, CoarseClock};
use super::config::AdaptiveCacheConfig;
use super::shards::Shards;

/// Builder of an [`AdaptiveCache`] with a weigher, a clock or a fixed seed.
#[must_use]
pub struct AdaptiveCacheBuilder<K, V, C = CoarseClock> {
    config: AdaptiveCacheConfig,
    weigher: Option<Box<Weigher<K, V>>>,
    clock: C,
    seed: Option<u64>,
    shards: Option<u32>,
}

impl<K: Eq + Hash, V> AdaptiveCache<K, V> {
    /// Creates a cache that uses [`CoarseClock`]. Every entry weighs 1 unless it is inserted
    /// with a weight.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](memory_core::Error::InvalidInput) with the name of the first invalid
    /// setting.
    pub fn new(config: AdaptiveCacheConfig) -> Result<Self> {
        Self::builder(config).build()
    }

    /// Returns a builder, which also sets a weigher and a clock.
    pub fn builder(config: AdaptiveCacheConfig) -> AdaptiveCacheBuilder<K, V> {
        AdaptiveCacheBuilder { config, weigher: None, clock: CoarseClock, seed: None, shards: None }
    }
}

impl<K, V, C> AdaptiveCacheBuilder<K, V, C> {
    /// Sets the function that returns an entry's weight, in the unit of `max_weight` (usually
    /// bytes). The cache calls it once for each insertion, outside its locks. Default: every
    /// entry weighs 1.
    pub fn weigher(self, weigher: impl Fn(&K, &V) -> u64 + Send + Sync + 'static) -> Self {
        Self { weigher: Some(Box::new(weigher)), ..self }
    }

    /// Sets the clock. Default: [`CoarseClock`].
    pub fn clock<D: Clock>(self, clock: D) -> AdaptiveCacheBuilder<K, V, D> {
        let Self { config, weigher, seed, shards, .. } = self;
        AdaptiveCacheBuilder { config, weigher, clock, seed, shards }
    }

    /// Sets the seed of hashes and probes, so that the same calls always have the same
    /// results. An attacker who knows the seed can choose keys that collide. Default: random.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Overrides the number of shards.
    #[cfg(test)]
    #[allow(dead_code, reason = "for the tests of interleavings, which build this module again")]
    pub(crate) fn shards(self, count: u32) -> Self {
        Self { shards: Some(count), ..self }
    }
}

impl<K: Eq + Hash, V, C: Clock> AdaptiveCacheBuilder<K, V, C> {
    /// Builds the cache.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](memory_core::Error::InvalidInput) with the name of the first invalid
    /// setting.
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
