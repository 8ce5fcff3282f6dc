#![doc = include_str!("../README.md")]

mod cache;
mod sync;

pub use cache::{
    AdaptiveCache, AdaptiveCacheBuilder, AdaptiveCacheConfig, CacheConfig, CacheStats, Clock, CoarseClock, ManualClock,
    Moment,
};
