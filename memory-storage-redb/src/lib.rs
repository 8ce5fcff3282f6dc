#![doc = include_str!("../README.md")]

#[cfg(feature = "backend")]
mod backend;
mod cache;
mod sync;

#[cfg(feature = "backend")]
pub use backend::{CheckReport, Damage, RedbBuilder, RedbStorage};
pub use cache::{
    AdaptiveCache, AdaptiveCacheBuilder, AdaptiveCacheConfig, CacheConfig, CacheStats, Clock, CoarseClock, ManualClock,
    Moment,
};
