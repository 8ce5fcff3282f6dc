#![doc = include_str!("../README.md")]

mod cache;
#[cfg(any(feature = "local", feature = "remote"))]
mod config;
mod metrics;
#[cfg(feature = "local")]
mod prepared;
#[cfg(any(feature = "local", feature = "remote"))]
mod schema;
#[cfg(any(feature = "local", feature = "remote"))]
mod sql;
#[cfg(any(feature = "local", feature = "remote"))]
mod storage;
#[cfg(any(feature = "local", feature = "remote"))]
mod transport;

pub use cache::{CachedStats, CachedStorage, KindCacheStats, QueryCache, QueryCacheStats, QueryKey};
#[cfg(any(feature = "local", feature = "remote"))]
pub use config::BatchConfig;
#[cfg(feature = "remote")]
pub use config::LedgerConfig;
#[cfg(feature = "local")]
pub use config::{PreparedCacheConfig, Synchronous};
/// The settings and the clock of the caches, from the crate that implements them.
pub use memory_storage_redb::{AdaptiveCacheConfig, CacheConfig, Clock, Moment};
pub use metrics::{
    BatchMetrics, BatchingMetrics, CacheFirstMetrics, Latencies, LatencySaved, MetadataQueryMetrics, OperationMetrics,
    PerformanceMetrics, PerformanceSnapshot, PreparedCacheStats, PreparedStatementMetrics, ReadMetrics,
    TransportMetrics,
};
#[cfg(any(feature = "local", feature = "remote"))]
pub use storage::{CachedTursoStorage, TursoBuilder, TursoStorage};
#[cfg(feature = "remote")]
pub use transport::remote::NetworkStats;
