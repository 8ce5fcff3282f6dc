//! What a storage records of itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::caches::Registry;
use super::{
    BatchMetrics, BatchingMetrics, CacheFirstMetrics, Count, LatencyRecorder, MetadataQueryMetrics, Operation,
    OperationMetrics, Over, PerformanceSnapshot, PreparedStats, ReadMetrics, ReadTotals, TransportRecorder, seconds,
    total,
};

/// What a storage did and how long it took, so far.
///
/// A [`TursoStorage`](crate::TursoStorage) and its
/// [`CachedStorage`](crate::CachedStorage) record by themselves, inside what
/// they do; [`snapshot`](Self::snapshot) has the figures and
/// [`report`](Self::report) shows them. The `record_…` methods are for who
/// composes a storage of his own.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> memory_core::Result<()> {
/// use memory_core::{Episode, MemoryStorageExt, TaskContext, TaskType};
/// use memory_storage_turso::{CacheConfig, TursoStorage};
///
/// let storage = TursoStorage::memory().await?.with_cache(CacheConfig::default())?;
/// let episode = Episode::new("Fix the login form", TaskContext::new("web"), TaskType::Debugging);
/// storage.store_episode(&episode).await?;
/// storage.get_episode(episode.id).await?;
///
/// let before = storage.metrics().snapshot();
/// assert_eq!((before.cache_first.gets.hits, before.batching.writes.single), (1, 1));
/// println!("{}", storage.metrics().report());
///
/// storage.get_episode(episode.id).await?;
/// let since = &storage.metrics().snapshot() - &before;
/// assert_eq!(since.cache_first.gets.hits, 1);
/// println!("{:.0} reads a second", since.per_second(since.cache_first.reads()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PerformanceMetrics {
    #[cfg(feature = "metrics")]
    enabled: bool,
    started: Instant,
    pub(super) caches: Registry,
    pub(crate) gets: ReadRecorder,
    pub(crate) queries: ReadRecorder,
    reads: BatchRecorder,
    writes: BatchRecorder,
    pub(crate) prepared: PreparedStats,
    indexed: LatencyRecorder,
    scanned: LatencyRecorder,
    pub(crate) local: TransportRecorder,
    pub(crate) remote: TransportRecorder,
    operations: [OperationRecorder; Operation::ALL.len()],
    /// When hits are next told to the `metrics` facade, in milliseconds since
    /// the start.
    #[cfg(feature = "metrics")]
    due: AtomicU64,
}

/// Reads of one sort through caches.
#[derive(Debug)]
pub(crate) struct ReadRecorder {
    pub(crate) hit: LatencyRecorder,
    pub(crate) miss: LatencyRecorder,
    /// Told by [`PerformanceMetrics::record_cache_read`]; what caches do is
    /// counted there.
    told: [AtomicU64; 2],
    #[cfg(feature = "metrics")]
    facade: [Count; 3],
}

/// Records of one direction.
#[derive(Debug)]
struct BatchRecorder {
    batches: Count,
    batched: Count,
    single: Count,
    avoided: Count,
    batch_latency: LatencyRecorder,
    single_latency: LatencyRecorder,
}

#[derive(Debug)]
struct OperationRecorder {
    succeeded: Count,
    failed: Count,
    cancelled: Count,
    latency: LatencyRecorder,
}

impl Default for PerformanceMetrics {
    fn default() -> Self {
        Self::new()
    }
}

impl PerformanceMetrics {
    /// Nothing recorded yet. With the feature `metrics`, everything goes to the
    /// recorder as well that is installed at this moment.
    pub fn new() -> Self {
        Self::with(true)
    }

    /// Records no latency: for who will not spend even a few nanoseconds on a
    /// hit. What is counted anyway, by caches, statements and transports, still
    /// is.
    pub fn off() -> Self {
        Self::with(false)
    }

    fn with(enabled: bool) -> Self {
        let query = |access| {
            let about = "Queries and counts that test metadata, by whether an index answers them";
            LatencyRecorder::new(
                enabled,
                seconds("memory_storage_metadata_query_seconds", about),
                &[("access", access)],
            )
        };
        Self {
            #[cfg(feature = "metrics")]
            enabled,
            started: Instant::now(),
            caches: Registry::default(),
            gets: ReadRecorder::new(enabled, "get"),
            queries: ReadRecorder::new(enabled, "query"),
            reads: BatchRecorder::new(enabled, "read"),
            writes: BatchRecorder::new(enabled, "write"),
            prepared: PreparedStats::new(enabled),
            indexed: query("index"),
            scanned: query("scan"),
            local: TransportRecorder::new(enabled, "local"),
            remote: TransportRecorder::new(enabled, "remote"),
            operations: Operation::ALL.map(|operation| OperationRecorder::new(enabled, operation)),
            #[cfg(feature = "metrics")]
            due: AtomicU64::new(0),
        }
    }

    /// A read was answered, from a cache if it is a `hit`.
    pub fn record_cache_read(&self, hit: bool, latency: Duration) {
        self.gets.told[usize::from(hit)].fetch_add(1, Ordering::Relaxed);
        if hit { &self.gets.hit } else { &self.gets.miss }.record(latency);
    }

    /// So many records were written at once, in one round trip.
    pub fn record_batch_operation(&self, batch_size: usize, latency: Duration) {
        self.writes.batch(batch_size as u64, 1, latency);
    }

    /// One record was written by itself.
    pub fn record_individual_operation(&self, latency: Duration) {
        self.writes.single(latency);
    }

    /// A statement was run: one that was prepared before if it was `cached`,
    /// otherwise with the time that preparing took.
    pub fn record_prepared_statement(&self, cached: bool, latency: Duration) {
        if cached {
            self.prepared.hit();
        } else {
            self.prepared.miss();
        }
        self.prepared.executed(cached, latency);
    }

    /// A query that tests metadata was answered, by an index or by a scan.
    pub fn record_metadata_query(&self, by_index: bool, latency: Duration) {
        if by_index { &self.indexed } else { &self.scanned }.record(latency);
    }

    /// One call of an operation is over.
    pub(super) fn operation(&self, operation: Operation, over: Over, latency: Duration) {
        let recorder = &self.operations[operation as usize];
        match over {
            Over::Succeeded => {
                recorder.succeeded.add(1);
                recorder.latency.record(latency);
            }
            Over::Failed => recorder.failed.add(1),
            Over::Cancelled => recorder.cancelled.add(1),
        }
        self.tell_hits(false);
    }

    /// An operation on so many records succeeded.
    pub(super) fn records(&self, operation: Operation, count: u64, round_trips: u64, latency: Duration) {
        let recorder = match operation {
            Operation::Get => &self.reads,
            Operation::Put | Operation::Delete | Operation::Commit => &self.writes,
            _ => return,
        };
        match count {
            0 => {}
            1 => recorder.single(latency),
            count => recorder.batch(count, round_trips, latency),
        }
    }

    /// A read was a hit that was [due](LatencyRecorder::is_due) to be timed.
    #[cold]
    pub(crate) fn sampled_hit(&self, reads: &ReadRecorder, latency: Duration) {
        reads.hit.sampled(latency);
        self.tell_hits(false);
    }

    /// How long this has been recording.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// All figures of this moment. They are read one after the other, so that
    /// those of operations under way may be out of step with each other.
    pub fn snapshot(&self) -> PerformanceSnapshot {
        self.tell_hits(true);
        let caches = self.caches.totals();
        let operations = Operation::ALL.iter().zip(&self.operations);
        let operations = operations.map(|(operation, recorder)| (operation.name().to_owned(), recorder.snapshot()));
        PerformanceSnapshot {
            uptime: self.uptime(),
            cache_first: CacheFirstMetrics {
                gets: self.gets.snapshot(caches.gets),
                queries: self.queries.snapshot(caches.queries),
            },
            batching: BatchingMetrics { reads: self.reads.snapshot(), writes: self.writes.snapshot() },
            prepared_statements: self.prepared.metrics(),
            metadata_queries: MetadataQueryMetrics {
                indexed: self.indexed.snapshot(),
                scanned: self.scanned.snapshot(),
            },
            local: self.local.snapshot(),
            remote: self.remote.snapshot(),
            operations: operations.filter(|(_, metrics)| metrics.calls() > 0).collect(),
        }
    }

    /// The figures of this moment as a table, 80 columns wide: what
    /// [`PerformanceSnapshot`] displays.
    pub fn report(&self) -> String {
        self.snapshot().to_string()
    }

    /// Tells the `metrics` facade of the hits since the last time, unless that
    /// was a moment ago: a hit by itself is too short for it.
    #[cfg(feature = "metrics")]
    fn tell_hits(&self, now: bool) {
        const PAUSE_MS: u64 = 100;
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let due = self.due.load(Ordering::Relaxed);
        let next = elapsed.saturating_add(PAUSE_MS);
        let mine = || self.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if self.enabled && (now || (elapsed >= due && mine())) {
            let totals = self.caches.totals();
            self.gets.tell(totals.gets);
            self.queries.tell(totals.queries);
        }
    }

    #[cfg(not(feature = "metrics"))]
    #[expect(clippy::unused_self, reason = "there is nobody to tell")]
    const fn tell_hits(&self, _: bool) {}
}

impl ReadRecorder {
    fn new(enabled: bool, of: &'static str) -> Self {
        let latency = |result| {
            let about = "How long reads through a cache take; of hits, a sample";
            let labels = [("read", of), ("result", result)];
            LatencyRecorder::new(enabled, seconds("memory_storage_cache_read_seconds", about), &labels)
        };
        Self {
            hit: latency("hit"),
            miss: latency("miss"),
            told: Default::default(),
            #[cfg(feature = "metrics")]
            facade: ["hit", "miss", "coalesced"].map(|result| {
                let about = "Reads through a cache: ids, or whole queries";
                Count::new(total("memory_storage_cache_reads_total", about), &[("read", of), ("result", result)])
            }),
        }
    }

    /// Of hits and of misses.
    fn told(&self) -> (u64, u64) {
        (self.told[1].load(Ordering::Relaxed), self.told[0].load(Ordering::Relaxed))
    }

    fn snapshot(&self, counted: ReadTotals) -> ReadMetrics {
        let (hits, misses) = self.told();
        ReadMetrics {
            hits: counted.hits + hits,
            negative_hits: counted.negative_hits,
            misses: counted.misses + misses,
            coalesced: counted.coalesced,
            queries_avoided: counted.avoided + hits,
            hit: self.hit.snapshot(),
            miss: self.miss.snapshot(),
        }
    }

    /// A coalesced read is a miss, and told apart from those that asked.
    #[cfg(feature = "metrics")]
    fn tell(&self, counted: ReadTotals) {
        let (hits, misses) = self.told();
        let asked = counted.misses.saturating_sub(counted.coalesced);
        let totals = [counted.hits + hits, asked + misses, counted.coalesced];
        self.facade.iter().zip(totals).for_each(|(count, total)| count.raise_to(total));
    }
}

impl BatchRecorder {
    fn new(enabled: bool, direction: &'static str) -> Self {
        let count = |name, about| Count::new(total(name, about), &[("direction", direction)]);
        let records = |way| {
            let about = "Records read by id or written, by whether others were in the same call";
            Count::new(total("memory_storage_records_total", about), &[("direction", direction), ("way", way)])
        };
        let latency = |way| {
            let about = "How long a record took: its part of its call";
            let labels = [("direction", direction), ("way", way)];
            LatencyRecorder::new(enabled, seconds("memory_storage_record_seconds", about), &labels)
        };
        Self {
            batches: count("memory_storage_batches_total", "Calls with two records or more"),
            batched: records("batch"),
            single: records("single"),
            avoided: count("memory_storage_round_trips_avoided_total", "Round trips that batches did without"),
            batch_latency: latency("batch"),
            single_latency: latency("single"),
        }
    }

    fn single(&self, latency: Duration) {
        self.single.add(1);
        self.single_latency.record(latency);
    }

    fn batch(&self, count: u64, round_trips: u64, latency: Duration) {
        if count == 0 {
            return;
        }
        self.batches.add(1);
        self.batched.add(count);
        self.avoided.add(count.saturating_sub(round_trips));
        self.batch_latency.record_shared(latency, count);
    }

    fn snapshot(&self) -> BatchMetrics {
        BatchMetrics {
            batches: self.batches.get(),
            batched: self.batched.get(),
            single: self.single.get(),
            round_trips_avoided: self.avoided.get(),
            batch_latency: self.batch_latency.snapshot(),
            single_latency: self.single_latency.snapshot(),
        }
    }
}

impl OperationRecorder {
    fn new(enabled: bool, operation: Operation) -> Self {
        let name = operation.name();
        let calls = |outcome| {
            let about = "Calls that reached the database, by how they ended";
            Count::new(total("memory_storage_operations_total", about), &[("operation", name), ("outcome", outcome)])
        };
        let latency = seconds("memory_storage_operation_seconds", "How long calls took that succeeded");
        Self {
            succeeded: calls("ok"),
            failed: calls("error"),
            cancelled: calls("cancelled"),
            latency: LatencyRecorder::new(enabled, latency, &[("operation", name)]),
        }
    }

    fn snapshot(&self) -> OperationMetrics {
        OperationMetrics {
            succeeded: self.succeeded.get(),
            failed: self.failed.get(),
            cancelled: self.cancelled.get(),
            latency: self.latency.snapshot(),
        }
    }
}
