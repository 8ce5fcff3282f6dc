//! Statements that are prepared once and used many times.

#[cfg(feature = "local")]
mod cache;
mod stats;

#[cfg(feature = "local")]
pub(crate) use cache::PreparedStatementCache;
pub use stats::PreparedCacheStats;
pub(crate) use stats::PreparedStats;
