//! Ours and the others, behind one small trait.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use memory_storage_redb::{AdaptiveCache, AdaptiveCacheConfig};
use mini_moka::sync::ConcurrentCacheExt;
use uuid::Uuid;

/// What a storage looks records up by: 16 bytes.
pub(super) type Key = Uuid;
/// As large as an `Arc`, and without its count, which would cost all of them
/// the same.
pub(super) type Value = u64;

/// A cache, or what stands in for one.
pub(super) trait System: Send + Sync + 'static {
    fn get(&self, key: &Key) -> Option<Value>;
    fn insert(&self, key: Key, value: Value);

    /// Does what it has put off, so that it holds no more than it may.
    fn settle(&self) {}

    /// How many entries it holds.
    fn held(&self) -> usize;
}

/// A system's name, and how one for so many entries is made.
#[derive(Clone, Copy)]
pub(super) struct Maker {
    pub(super) name: &'static str,
    pub(super) make: fn(usize) -> Result<Box<dyn System>>,
}

pub(super) const OURS: &str = "ours";
pub(super) const QUICK: &str = "quick_cache";
pub(super) const MOKA: &str = "moka";

/// Ours as it is by default: lifetimes, adaptation and statistics on.
pub(super) type Ours = AdaptiveCache<Key, Value>;

pub(super) fn ours(entries: usize) -> Result<Ours> {
    Ok(AdaptiveCache::new(config(entries))?)
}

/// Without statistics.
pub(super) fn uncounted(entries: usize) -> Result<Ours> {
    Ok(AdaptiveCache::new(AdaptiveCacheConfig { statistics: false, ..config(entries) })?)
}

fn config(entries: usize) -> AdaptiveCacheConfig {
    let config = AdaptiveCacheConfig { max_weight: u64::MAX, ..AdaptiveCacheConfig::with_max_entries(entries) };
    // Longer than any run, as the others have no lifetimes.
    config.with_lifetimes(Duration::from_secs(24 * 3_600))
}

impl System for Ours {
    fn get(&self, key: &Key) -> Option<Value> {
        AdaptiveCache::get(self, key)
    }

    fn insert(&self, key: Key, value: Value) {
        AdaptiveCache::insert(self, key, value);
    }

    fn held(&self) -> usize {
        self.len()
    }
}

pub(super) type Quick = quick_cache::sync::Cache<Key, Value>;

pub(super) fn quick(entries: usize) -> Quick {
    Quick::new(entries)
}

impl System for Quick {
    fn get(&self, key: &Key) -> Option<Value> {
        Self::get(self, key)
    }

    fn insert(&self, key: Key, value: Value) {
        Self::insert(self, key, value);
    }

    fn held(&self) -> usize {
        self.len()
    }
}

pub(super) type Moka = moka::sync::Cache<Key, Value>;

pub(super) fn moka(entries: usize) -> Moka {
    Moka::new(entries as u64)
}

/// With a life for each entry, which grows with every read.
pub(super) fn moka_expiring(entries: usize) -> Moka {
    Moka::builder().max_capacity(entries as u64).expire_after(Extending).build()
}

struct Extending;

impl moka::Expiry<Key, Value> for Extending {
    fn expire_after_create(&self, _: &Key, _: &Value, _: Instant) -> Option<Duration> {
        Some(Duration::from_secs(3_600))
    }

    fn expire_after_read(
        &self,
        _: &Key,
        _: &Value,
        _: Instant,
        left: Option<Duration>,
        _: Instant,
    ) -> Option<Duration> {
        left.map(|left| left + Duration::from_secs(1))
    }
}

impl System for Moka {
    fn get(&self, key: &Key) -> Option<Value> {
        Self::get(self, key)
    }

    fn insert(&self, key: Key, value: Value) {
        Self::insert(self, key, value);
    }

    fn settle(&self) {
        self.run_pending_tasks();
    }

    fn held(&self) -> usize {
        // Its own count is of when it last settled.
        self.iter().count()
    }
}

pub(super) type MiniMoka = mini_moka::sync::Cache<Key, Value>;

pub(super) fn mini_moka(entries: usize) -> MiniMoka {
    MiniMoka::new(entries as u64)
}

impl System for MiniMoka {
    fn get(&self, key: &Key) -> Option<Value> {
        Self::get(self, key)
    }

    fn insert(&self, key: Key, value: Value) {
        Self::insert(self, key, value);
    }

    fn settle(&self) {
        self.sync();
    }

    fn held(&self) -> usize {
        self.iter().count()
    }
}

pub(super) type Foyer = foyer_memory::Cache<Key, Value>;

pub(super) fn foyer(entries: usize) -> Foyer {
    // Shards of a few dozen entries would say nothing about its eviction.
    let shards = (entries / 1_024).clamp(1, 8);
    let builder = foyer_memory::CacheBuilder::new(entries).with_shards(shards);
    builder.with_eviction_config(foyer_memory::S3FifoConfig::default()).build()
}

impl System for Foyer {
    fn get(&self, key: &Key) -> Option<Value> {
        Self::get(self, key).map(|entry| *entry.value())
    }

    fn insert(&self, key: Key, value: Value) {
        Self::insert(self, key, value);
    }

    fn held(&self) -> usize {
        // Every entry weighs 1.
        self.usage()
    }
}

pub(super) type Lru = Mutex<lru::LruCache<Key, Value>>;

pub(super) fn lru(entries: usize) -> Lru {
    Mutex::new(lru::LruCache::new(entries.max(1).try_into().unwrap_or(std::num::NonZeroUsize::MIN)))
}

impl System for Lru {
    fn get(&self, key: &Key) -> Option<Value> {
        self.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn insert(&self, key: Key, value: Value) {
        self.lock().unwrap_or_else(PoisonError::into_inner).put(key, value);
    }

    fn held(&self) -> usize {
        self.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A map without a bound: what there is to be had without an eviction.
pub(super) type Floor = dashmap::DashMap<Key, Value>;

impl System for Floor {
    fn get(&self, key: &Key) -> Option<Value> {
        Self::get(self, key).map(|value| *value)
    }

    fn insert(&self, key: Key, value: Value) {
        Self::insert(self, key, value);
    }

    fn held(&self) -> usize {
        self.len()
    }
}

/// Those whose hit ratios and memory are compared.
pub(super) const BOUNDED: [Maker; 6] = [
    Maker { name: OURS, make: |entries| Ok(Box::new(ours(entries)?)) },
    Maker { name: QUICK, make: |entries| Ok(Box::new(quick(entries))) },
    Maker { name: MOKA, make: |entries| Ok(Box::new(moka(entries))) },
    Maker { name: "foyer", make: |entries| Ok(Box::new(foyer(entries))) },
    Maker { name: "mini-moka", make: |entries| Ok(Box::new(mini_moka(entries))) },
    Maker { name: "lru", make: |entries| Ok(Box::new(lru(entries))) },
];

/// The key of a number. Numbers that follow each other have nothing in common
/// as keys.
pub(super) fn key(number: u64) -> Key {
    Uuid::from_u64_pair(number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15), number)
}
