//! What the storage did and how long it took, recorded where it happens.
//!
//! [`performance`] owns what is recorded: counters ([`count`]), histograms
//! ([`recorder`]), and what is counted by the caches themselves. A [`call`] is
//! one operation under way, and its span. [`snapshot`] and [`sections`] are the
//! figures of one moment, [`report`] shows them.

#![expect(clippy::cast_precision_loss, reason = "means and ratios, for which an f64 is exact enough")]

mod caches;
#[cfg_attr(
    not(any(feature = "local", feature = "remote")),
    expect(dead_code, reason = "no call is made without a transport")
)]
mod call;
mod count;
mod latencies;
mod operation;
pub(crate) mod performance;
#[cfg_attr(not(feature = "local"), expect(dead_code, reason = "only local connections prepare statements"))]
mod prepared;
mod recorder;
mod report;
mod sections;
mod series;
mod snapshot;
mod transport;

pub(crate) use caches::{CacheTotals, Counted, ReadTotals, Registration};
#[cfg(any(feature = "local", feature = "remote"))]
pub(crate) use call::Call;
pub(crate) use count::Count;
pub use latencies::Latencies;
pub(crate) use operation::{Operation, Over, error_kind};
pub use performance::PerformanceMetrics;
pub use prepared::PreparedCacheStats;
pub(crate) use prepared::PreparedStats;
pub(crate) use recorder::LatencyRecorder;
pub use sections::{
    BatchMetrics, BatchingMetrics, CacheFirstMetrics, LatencySaved, MetadataQueryMetrics, OperationMetrics,
    PreparedStatementMetrics, ReadMetrics, TransportMetrics,
};
pub(crate) use series::{seconds, total};
pub use snapshot::PerformanceSnapshot;
pub(crate) use transport::TransportRecorder;
