//! The adaptive cache. `plans/ARCHITECTURE.md` shows how its modules depend on each other.
//!
//! - [`adaptive`], [`lookup`], [`insert`] and [`builder`] are the public interface.
//! - [`shards`] and [`shard`] divide the entries among locks.
//! - [`entry`] stores entries and decides when they expire.
//! - [`eviction`] removes entries that are evicted or expired.
//! - [`adaptation`] selects the eviction policy.
//! - [`bounds`] counts entries and weight over all shards.

mod adaptation;
mod adaptive;
mod bounds;
mod builder;
mod clock;
mod config;
mod entry;
mod eviction;
mod insert;
mod kinds;
mod lookup;
mod shard;
mod shards;
mod stats;

pub use adaptive::AdaptiveCache;
pub use builder::AdaptiveCacheBuilder;
pub use clock::{Clock, CoarseClock, ManualClock, Moment};
pub use config::AdaptiveCacheConfig;
pub use kinds::CacheConfig;
pub use stats::CacheStats;
