//! Cache-first reads that are never stale.
//!
//! - [`wrapper`] is the public storage; [`read`], [`search`] and [`write`] are its
//!   operations, and [`shared`] their state.
//! - [`caches`] has one [`kind`] cache for each kind of record, which owns its
//!   records and its [`results`]. [`query_cache`] offers the latter for direct use.
//! - [`coherence`] decides what may be cached, [`flight`] lets many callers wait for
//!   one load, and [`doubt`] ends indeterminate writes.

mod answer;
mod caches;
mod coherence;
mod doubt;
mod flight;
mod kind;
#[cfg(test)]
mod model;
mod query_cache;
mod query_key;
mod read;
mod results;
mod search;
mod shared;
#[cfg(test)]
mod shortcut;
mod span;
mod stats;
mod wrapper;
mod write;

pub use query_cache::QueryCache;
pub use query_key::QueryKey;
pub use stats::{CachedStats, KindCacheStats, QueryCacheStats};
pub use wrapper::CachedStorage;
