//! All figures of one moment.

use std::collections::BTreeMap;
use std::ops::Sub;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::sections::Since;
use super::{
    BatchingMetrics, CacheFirstMetrics, MetadataQueryMetrics, OperationMetrics, PreparedStatementMetrics,
    TransportMetrics,
};

/// What a storage did and how long it took, up to one moment. Its display is
/// the report.
///
/// Subtract a former snapshot for what came in between; `uptime` is then the
/// time between the two, and [`per_second`](Self::per_second) a rate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PerformanceSnapshot {
    /// How long it took for all of this. As JSON, in seconds.
    #[serde(rename = "uptime_seconds", with = "in_seconds")]
    pub uptime: Duration,
    /// What caches answered.
    pub cache_first: CacheFirstMetrics,
    /// Records that reached the database, one by one and in batches.
    pub batching: BatchingMetrics,
    /// Statements of local databases.
    pub prepared_statements: PreparedStatementMetrics,
    /// Queries and counts that test metadata.
    pub metadata_queries: MetadataQueryMetrics,
    /// Between the storage and a database in this process.
    pub local: TransportMetrics,
    /// Between the storage and a server.
    pub remote: TransportMetrics,
    /// Calls that reached the database, by the name of the operation: those
    /// that there were.
    pub operations: BTreeMap<String, OperationMetrics>,
}

impl PerformanceSnapshot {
    /// So many in all of [`uptime`](Self::uptime), as a rate.
    pub fn per_second(&self, count: u64) -> f64 {
        let seconds = self.uptime.as_secs_f64();
        if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
    }

    /// Seconds that were saved in all, as far as both ways were seen; `None`
    /// where none was.
    pub fn seconds_saved(&self) -> Option<f64> {
        let savings = [
            self.cache_first.gets.latency_saved(),
            self.cache_first.queries.latency_saved(),
            self.batching.reads.latency_saved(),
            self.batching.writes.latency_saved(),
            self.prepared_statements.latency_saved(),
            self.metadata_queries.latency_saved(),
        ];
        savings.into_iter().flatten().map(|saved| saved.seconds).reduce(|sum, seconds| sum + seconds)
    }
}

impl Sub for &PerformanceSnapshot {
    type Output = PerformanceSnapshot;

    fn sub(self, earlier: Self) -> PerformanceSnapshot {
        let none = OperationMetrics::default();
        let operations = self
            .operations
            .iter()
            .map(|(name, operation)| (name.clone(), operation.since(earlier.operations.get(name).unwrap_or(&none))));
        PerformanceSnapshot {
            uptime: self.uptime.saturating_sub(earlier.uptime),
            cache_first: self.cache_first.since(&earlier.cache_first),
            batching: self.batching.since(&earlier.batching),
            prepared_statements: self.prepared_statements.since(&earlier.prepared_statements),
            metadata_queries: self.metadata_queries.since(&earlier.metadata_queries),
            local: self.local.since(&earlier.local),
            remote: self.remote.since(&earlier.remote),
            operations: operations.filter(|(_, operation)| operation.calls() > 0).collect(),
        }
    }
}

mod in_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(duration.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
