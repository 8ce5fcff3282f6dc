//! The parts of a snapshot.

use std::ops::Sub;

use serde::{Deserialize, Serialize};

use super::Latencies;

/// What caches answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CacheFirstMetrics {
    /// Gets of records by id.
    pub gets: ReadMetrics,
    /// Queries and counts.
    pub queries: ReadMetrics,
}

/// Reads of one sort through caches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReadMetrics {
    /// Answered from the cache, exactly counted: ids, or whole queries.
    pub hits: u64,
    /// Of the hits, ids that were known to be absent.
    pub negative_hits: u64,
    /// Not answered from the cache: ids, or whole queries.
    pub misses: u64,
    /// Of the misses, those that waited for a load of somebody else.
    pub coalesced: u64,
    /// Calls that were answered from the cache alone, each of which would have
    /// asked the storage; a get of many ids is one call.
    pub queries_avoided: u64,
    /// How long calls took that were answered from the cache, of which about
    /// one in 64 is timed.
    pub hit: Latencies,
    /// How long the calls took that were not.
    pub miss: Latencies,
}

/// Records that were read and written, one by one and in batches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchingMetrics {
    /// Gets by id that reached the database.
    pub reads: BatchMetrics,
    /// Puts, deletes and commits.
    pub writes: BatchMetrics,
}

/// Records of one direction. What failed is in [`OperationMetrics`] alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchMetrics {
    /// Calls with two records or more.
    pub batches: u64,
    /// The records of these.
    pub batched: u64,
    /// Calls with one record.
    pub single: u64,
    /// Round trips that the batches took less than one for each record.
    pub round_trips_avoided: u64,
    /// How long a record of a batch took: its part of the batch.
    pub batch_latency: Latencies,
    /// How long a single record took.
    pub single_latency: Latencies,
}

/// Statements of local databases. Across a network nothing is prepared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PreparedStatementMetrics {
    /// Uses of a statement that was prepared already.
    pub cached: u64,
    /// Uses of a statement that had to be prepared.
    pub uncached: u64,
    /// How long the first took, of statements with values: those without
    /// begin and end transactions, or create the schema.
    pub cached_execution: Latencies,
    /// How long the latter took, the same, preparation included.
    pub uncached_execution: Latencies,
    /// How long preparing took, of all statements.
    pub preparation: Latencies,
}

/// Queries and counts that test metadata and reached the database, by whether
/// the filter can be answered by a declared index on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MetadataQueryMetrics {
    /// How long those took that an index answers.
    pub indexed: Latencies,
    /// How long those took that look at every record.
    pub scanned: Latencies,
}

/// What went between a storage and its database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TransportMetrics {
    /// How often something was sent and its answer awaited: requests, or jobs
    /// for a local connection. A request that several writes share is one, and
    /// belongs to the operation that sent it; the others made none.
    pub round_trips: u64,
    /// Requests sent, retries included. None for a local database.
    pub requests: u64,
    /// Requests that repeat one that failed. A request that several writes share
    /// is one.
    pub retries: u64,
    /// Bytes of request bodies.
    pub sent_bytes: u64,
    /// Bytes of response bodies, unpacked.
    pub received_bytes: u64,
    /// Attempts that were not answered in time.
    pub timeouts: u64,
    /// Operations that failed because their time was up, whether they still
    /// waited for their turn, for an answer, or for another attempt.
    pub deadline_misses: u64,
    /// Waits for a connection because others had them all, or for the turn of a
    /// request that writes.
    pub pool_waits: Latencies,
}

/// What became of the calls of one operation that reached the database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OperationMetrics {
    /// Calls that succeeded.
    pub succeeded: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Calls whose future was dropped.
    pub cancelled: u64,
    /// How long those took that succeeded.
    pub latency: Latencies,
}

/// What a way of doing things saved, by the means of both ways. Negative where
/// it took longer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LatencySaved {
    /// Seconds in all.
    pub seconds: f64,
    /// The part of a latency that was saved: 0.85 says that 85 % were.
    pub part: f64,
}

impl LatencySaved {
    /// `None` where one of the ways was never seen.
    fn new(count: u64, this: &Latencies, other: &Latencies) -> Option<Self> {
        let (this, other) = (this.mean_nanos()?, other.mean_nanos()?);
        let part = if other > 0.0 { (other - this) / other } else { 0.0 };
        Some(Self { seconds: count as f64 * (other - this) / 1e9, part })
    }
}

impl CacheFirstMetrics {
    /// All reads: ids, queries and counts.
    pub fn reads(&self) -> u64 {
        self.gets.reads().saturating_add(self.queries.reads())
    }

    /// All calls that were answered from the cache alone.
    pub fn queries_avoided(&self) -> u64 {
        self.gets.queries_avoided.saturating_add(self.queries.queries_avoided)
    }
}

impl ReadMetrics {
    /// All that were asked for.
    pub fn reads(&self) -> u64 {
        self.hits.saturating_add(self.misses)
    }

    /// The hits as a part of all, 0 to 1; `None` before the first.
    pub fn hit_ratio(&self) -> Option<f64> {
        ratio(self.hits, self.reads())
    }

    /// What the calls saved that were answered from the cache alone, had each
    /// been like the mean of the others; `None` where one of the two was never
    /// seen.
    pub fn latency_saved(&self) -> Option<LatencySaved> {
        LatencySaved::new(self.queries_avoided, &self.hit, &self.miss)
    }
}

impl BatchMetrics {
    /// All records.
    pub fn operations(&self) -> u64 {
        self.batched.saturating_add(self.single)
    }

    /// The batched records as a part of all, 0 to 1; `None` before the first.
    pub fn batched_ratio(&self) -> Option<f64> {
        ratio(self.batched, self.operations())
    }

    /// Records of a batch on average; `None` before the first.
    pub fn average_size(&self) -> Option<f64> {
        ratio(self.batched, self.batches)
    }

    /// What the batched records saved, had each been like the mean of single
    /// ones; `None` where one of the two was never seen.
    pub fn latency_saved(&self) -> Option<LatencySaved> {
        LatencySaved::new(self.batched, &self.batch_latency, &self.single_latency)
    }
}

impl PreparedStatementMetrics {
    /// All uses of statements.
    pub fn queries(&self) -> u64 {
        self.cached.saturating_add(self.uncached)
    }

    /// The uses of prepared ones as a part of all, 0 to 1; `None` before the first.
    pub fn hit_ratio(&self) -> Option<f64> {
        ratio(self.cached, self.queries())
    }

    /// How many times as long an execution takes that has to prepare: the
    /// quotient of the means; `None` where one of the two was never seen.
    pub fn speed_up(&self) -> Option<f64> {
        let (cached, uncached) = (self.cached_execution.mean_nanos()?, self.uncached_execution.mean_nanos()?);
        (cached > 0.0).then(|| uncached / cached)
    }

    /// What the executions of prepared statements saved, had each been like
    /// the mean of the others; `None` where one of the two was never seen.
    pub fn latency_saved(&self) -> Option<LatencySaved> {
        LatencySaved::new(self.cached_execution.count(), &self.cached_execution, &self.uncached_execution)
    }
}

impl MetadataQueryMetrics {
    /// All of them.
    pub fn queries(&self) -> u64 {
        self.indexed.count().saturating_add(self.scanned.count())
    }

    /// Those by index as a part of all, 0 to 1; `None` before the first.
    pub fn indexed_ratio(&self) -> Option<f64> {
        ratio(self.indexed.count(), self.queries())
    }

    /// What those by index saved, had each been like the mean of the others;
    /// `None` where one of the two was never seen.
    pub fn latency_saved(&self) -> Option<LatencySaved> {
        LatencySaved::new(self.indexed.count(), &self.indexed, &self.scanned)
    }
}

impl OperationMetrics {
    /// All calls.
    pub fn calls(&self) -> u64 {
        self.succeeded.saturating_add(self.failed).saturating_add(self.cancelled)
    }
}

pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// What may be subtracted field by field.
pub(super) trait Since {
    /// What came after `earlier`.
    fn since(&self, earlier: &Self) -> Self;
}

impl Since for u64 {
    fn since(&self, earlier: &Self) -> Self {
        self.saturating_sub(*earlier)
    }
}

impl Since for Latencies {
    fn since(&self, earlier: &Self) -> Self {
        self.sub(earlier)
    }
}

macro_rules! since {
    ($($section:ident { $($field:ident),* })*) => {$(
        impl Since for $section {
            fn since(&self, earlier: &Self) -> Self {
                Self { $($field: self.$field.since(&earlier.$field)),* }
            }
        }
    )*};
}

since! {
    CacheFirstMetrics { gets, queries }
    ReadMetrics { hits, negative_hits, misses, coalesced, queries_avoided, hit, miss }
    BatchingMetrics { reads, writes }
    BatchMetrics { batches, batched, single, round_trips_avoided, batch_latency, single_latency }
    PreparedStatementMetrics { cached, uncached, cached_execution, uncached_execution, preparation }
    MetadataQueryMetrics { indexed, scanned }
    TransportMetrics {
        round_trips, requests, retries, sent_bytes, received_bytes, timeouts, deadline_misses, pool_waits
    }
    OperationMetrics { succeeded, failed, cancelled, latency }
}
