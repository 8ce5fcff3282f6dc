//! One operation under way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use memory_core::Result;
use tracing::Span;

use super::{Operation, Over, PerformanceMetrics, TransportRecorder, error_kind};

/// One operation of a storage, from its beginning to its end: what it is
/// called, its span, and how often it went to the database. It is recorded when
/// it [ends](Self::end), or is dropped before.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    metrics: &'a PerformanceMetrics,
    operation: Operation,
    count: usize,
    /// Whether a query tests metadata, and is answered by an index on it.
    by_index: Option<bool>,
    transport: &'a TransportRecorder,
    round_trips: AtomicU64,
    start: Instant,
    span: Span,
    over: bool,
}

impl<'a> Call<'a> {
    /// An operation on `count` records begins.
    pub(crate) fn begin(
        metrics: &'a PerformanceMetrics,
        operation: Operation,
        kind: Option<&'static str>,
        count: usize,
        transport: (&'static str, &'a TransportRecorder),
    ) -> Self {
        let (name, transport) = transport;
        Self {
            metrics,
            operation,
            count,
            by_index: None,
            transport,
            round_trips: AtomicU64::new(0),
            start: Instant::now(),
            span: operation.span(kind, count, name),
            over: false,
        }
    }

    /// It is a query whose filter tests metadata if there is a value, which
    /// tells whether an index answers it.
    pub(crate) fn by_index(mut self, by_index: Option<bool>) -> Self {
        self.by_index = by_index;
        self
    }

    pub(crate) fn words(&self) -> &'static str {
        self.operation.words()
    }

    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Something is sent to the database, to be answered.
    pub(crate) fn round_trip(&self) {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        self.transport.round_trips.add(1);
    }

    /// Ends it with its result, which is given back.
    pub(crate) fn end<T>(mut self, result: Result<T>) -> Result<T> {
        match &result {
            Ok(_) => self.record(Over::Succeeded, "ok"),
            Err(error) => self.record(Over::Failed, error_kind(error)),
        }
        result
    }

    fn record(&mut self, over: Over, outcome: &'static str) {
        self.over = true;
        let round_trips = *self.round_trips.get_mut();
        self.span.record("round_trips", round_trips).record("outcome", outcome);
        let latency = self.start.elapsed();
        self.metrics.operation(self.operation, over, latency);
        if over == Over::Succeeded {
            self.metrics.records(self.operation, self.count as u64, round_trips, latency);
            if let Some(by_index) = self.by_index {
                self.metrics.record_metadata_query(by_index, latency);
            }
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.record(Over::Cancelled, "cancelled");
        }
    }
}
