//! The line between client and server: how long bytes are under way.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::lock::lock;

/// One direction of the line, shared by all connections.
#[derive(Debug)]
pub(super) struct Link {
    delay: AtomicU64,
    bandwidth: Option<u64>,
    /// When the bytes that are already on it will have left the sender.
    busy_until: Mutex<Option<Instant>>,
}

impl Link {
    pub(super) fn new(delay: Duration, bandwidth: Option<u64>) -> Self {
        let link = Self { delay: AtomicU64::default(), bandwidth, busy_until: Mutex::default() };
        link.set_delay(delay);
        link
    }

    pub(super) fn set_delay(&self, delay: Duration) {
        let nanoseconds = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
        self.delay.store(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn delay(&self) -> Duration {
        Duration::from_nanos(self.delay.load(Ordering::Relaxed))
    }

    /// When the last of `bytes`, sent now, arrives.
    pub(super) fn arrival(&self, bytes: usize) -> Instant {
        let now = Instant::now();
        let sent = match self.bandwidth {
            None | Some(0) => now,
            Some(per_second) => {
                let mut busy_until = lock(&self.busy_until);
                let start = busy_until.map_or(now, |busy| busy.max(now));
                let nanoseconds = u128::from(u64::MAX).min(bytes as u128 * 1_000_000_000 / u128::from(per_second));
                let sent = start + Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
                *busy_until = Some(sent);
                sent
            }
        };
        sent + self.delay()
    }

    /// Waits until `bytes` that follow others without a pause have arrived: the bandwidth counts, the delay was paid.
    pub(super) async fn carry_more(&self, bytes: usize) {
        until(self.arrival(bytes) - self.delay()).await;
    }

    /// Waits until `bytes`, sent now, have arrived.
    pub(super) async fn carry(&self, bytes: usize) {
        until(self.arrival(bytes)).await;
    }
}

/// Waits until `instant`, without so much as a timer where it has passed.
pub(super) async fn until(instant: Instant) {
    if instant > Instant::now() {
        sleep_until(instant).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bytes_queue_for_the_bandwidth_and_then_take_the_delay() {
        let link = Link::new(Duration::from_millis(15), Some(1_000));
        let start = Instant::now();
        assert_eq!(link.arrival(100) - start, Duration::from_millis(115));
        assert_eq!(link.arrival(50) - start, Duration::from_millis(165));
        link.carry(0).await;
        assert_eq!(start.elapsed(), Duration::from_millis(165));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_delay_there_is_no_wait() {
        let start = Instant::now();
        Link::new(Duration::ZERO, None).carry(1_000_000).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
