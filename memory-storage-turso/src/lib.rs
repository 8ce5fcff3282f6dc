#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(all(feature = "local", feature = "remote")),
    allow(dead_code, unused_imports, unused_variables, reason = "some parts are for one of the transports alone")
)]

#[cfg(not(any(feature = "local", feature = "remote")))]
compile_error!("a storage needs a way to its database: enable the feature `local`, `remote` or both");

mod cache;
mod config;
mod metrics;
#[cfg(feature = "local")]
mod prepared;
mod schema;
mod sql;
mod storage;
mod transport;

pub use cache::{CachedStats, CachedStorage, KindCacheStats, QueryCache, QueryCacheStats, QueryKey};
#[cfg(feature = "remote")]
pub use config::LedgerConfig;
pub use config::{BatchConfig, PreparedCacheConfig, Synchronous};
/// The settings and the clock of the caches, from the crate that implements them.
pub use memory_storage_redb::{AdaptiveCacheConfig, CacheConfig, Clock, Moment};
pub use metrics::{
    BatchMetrics, BatchingMetrics, CacheFirstMetrics, Latencies, LatencySaved, MetadataQueryMetrics, OperationMetrics,
    PerformanceMetrics, PerformanceSnapshot, PreparedCacheStats, PreparedStatementMetrics, ReadMetrics,
    TransportMetrics,
};
pub use storage::{CachedTursoStorage, TursoBuilder, TursoStorage};
#[cfg(feature = "remote")]
pub use transport::remote::NetworkStats;
