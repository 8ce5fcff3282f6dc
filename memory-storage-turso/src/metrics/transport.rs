//! What went between a storage and its database.

use super::series::{Series, Unit, seconds, total};
use super::{Count, LatencyRecorder, TransportMetrics};

/// The figures of one transport.
#[derive(Debug)]
pub(crate) struct TransportRecorder {
    pub(crate) round_trips: Count,
    pub(crate) requests: Count,
    pub(crate) retries: Count,
    pub(crate) sent_bytes: Count,
    pub(crate) received_bytes: Count,
    pub(crate) timeouts: Count,
    pub(crate) deadline_misses: Count,
    pub(crate) pool_waits: LatencyRecorder,
}

impl TransportRecorder {
    pub(crate) fn new(enabled: bool, transport: &'static str) -> Self {
        let labels = &[("transport", transport)];
        let count = |name, about| Count::new(total(name, about), labels);
        let bytes = |name, about| Count::new(Series { name, about, unit: Unit::Bytes }, labels);
        Self {
            round_trips: count("memory_storage_round_trips_total", "Requests sent, or jobs for a local connection"),
            requests: count("memory_storage_requests_total", "Requests sent over a network, retries included"),
            retries: count("memory_storage_retries_total", "Attempts that repeat one that failed"),
            sent_bytes: bytes("memory_storage_sent_bytes_total", "Bytes of request bodies"),
            received_bytes: bytes("memory_storage_received_bytes_total", "Bytes of response bodies, unpacked"),
            timeouts: count("memory_storage_timeouts_total", "Attempts that were not answered in time"),
            deadline_misses: count(
                "memory_storage_deadline_misses_total",
                "Operations that failed because their time was up",
            ),
            pool_waits: LatencyRecorder::new(
                enabled,
                seconds("memory_storage_pool_wait_seconds", "Waits for a connection that others had"),
                labels,
            ),
        }
    }

    pub(super) fn snapshot(&self) -> TransportMetrics {
        TransportMetrics {
            round_trips: self.round_trips.get(),
            requests: self.requests.get(),
            retries: self.retries.get(),
            sent_bytes: self.sent_bytes.get(),
            received_bytes: self.received_bytes.get(),
            timeouts: self.timeouts.get(),
            deadline_misses: self.deadline_misses.get(),
            pool_waits: self.pool_waits.snapshot(),
        }
    }
}
