//! Cache-first reads that are never stale. [`wrapper`] is what callers see,
//! [`read`], [`search`] and [`write`] are what it does, [`coherence`] says what
//! may be cached, [`flight`] lets many wait for one load, [`doubt`] ends writes
//! of unknown outcome, and [`query_cache`] holds whole results.

mod answer;
mod coherence;
mod doubt;
mod flight;
mod kind;
#[cfg(test)]
mod model;
mod query_cache;
mod query_key;
mod read;
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
