//! What went through the proxy.

use std::ops::Sub;
use std::sync::Mutex;

use tokio::sync::watch;

use crate::lock::lock;

/// What a proxy has seen so far. Subtract an earlier snapshot for what came in between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Connections accepted.
    pub connections: u64,
    /// HTTP/1.1 requests read to their end, those that met a fault included.
    pub requests: u64,
    /// The most requests that were under way at once: read from the client, and not yet answered.
    /// In a difference, the value of the later snapshot.
    pub max_in_flight: u64,
    /// Bytes read from clients.
    pub bytes_up: u64,
    /// Bytes sent to clients.
    pub bytes_down: u64,
}

impl Sub for Counters {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            connections: self.connections - earlier.connections,
            requests: self.requests - earlier.requests,
            max_in_flight: self.max_in_flight,
            bytes_up: self.bytes_up - earlier.bytes_up,
            bytes_down: self.bytes_down - earlier.bytes_down,
        }
    }
}

/// Where a proxy counts. Everything is counted before the client can know of
/// it, so that a snapshot taken after an answer is complete.
#[derive(Debug)]
pub(super) struct Tally {
    counters: Mutex<Counters>,
    in_flight: watch::Sender<u64>,
}

/// A request under way, until it is dropped.
#[derive(Debug)]
pub(super) struct InFlight<'a>(&'a Tally);

impl Tally {
    pub(super) fn new() -> Self {
        Self { counters: Mutex::default(), in_flight: watch::Sender::new(0) }
    }

    pub(super) fn snapshot(&self) -> Counters {
        *lock(&self.counters)
    }

    /// Starts again from nothing, but for the requests that are under way.
    pub(super) fn reset(&self) {
        let mut counters = lock(&self.counters);
        *counters = Counters { max_in_flight: *self.in_flight.borrow(), ..Counters::default() };
    }

    pub(super) fn connection(&self) {
        lock(&self.counters).connections += 1;
    }

    pub(super) fn up(&self, bytes: usize) {
        lock(&self.counters).bytes_up += bytes as u64;
    }

    pub(super) fn down(&self, bytes: usize) {
        lock(&self.counters).bytes_down += bytes as u64;
    }

    pub(super) fn request(&self) -> InFlight<'_> {
        let mut counters = lock(&self.counters);
        counters.requests += 1;
        self.in_flight.send_modify(|in_flight| {
            *in_flight += 1;
            // Read later, it could have fallen: whoever waits for it may let another request go.
            counters.max_in_flight = counters.max_in_flight.max(*in_flight);
        });
        InFlight(self)
    }

    pub(super) async fn in_flight_reached(&self, count: u64) {
        // The sender is in `self`, so the channel cannot close.
        let _ = self.in_flight.subscribe().wait_for(|in_flight| *in_flight >= count).await;
    }

    pub(super) async fn in_flight_fell_to(&self, count: u64) {
        let _ = self.in_flight.subscribe().wait_for(|in_flight| *in_flight <= count).await;
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.send_modify(|in_flight| *in_flight -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_in_flight_is_not_the_number_of_requests() {
        let tally = Tally::new();
        drop(tally.request());
        let two = (tally.request(), tally.request());
        drop(two);
        drop(tally.request());
        let counters = tally.snapshot();
        assert_eq!((counters.requests, counters.max_in_flight), (4, 2));
    }

    #[test]
    fn a_request_that_ends_as_soon_as_another_begins_was_under_way_with_it() {
        let tally = Tally::new();
        let barrier = std::sync::Barrier::new(2);
        let mut most = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    let first = tally.request();
                    barrier.wait();
                    while *tally.in_flight.borrow() < 2 {
                        std::hint::spin_loop();
                    }
                    drop(first);
                    barrier.wait();
                }
            });
            for _ in 0..10_000 {
                barrier.wait();
                let second = tally.request();
                barrier.wait();
                most.push(tally.snapshot().max_in_flight);
                drop(second);
                tally.reset();
            }
        });
        // Not before: the other thread would wait for this one.
        assert!(most.iter().all(|&most| most == 2));
    }

    #[test]
    fn a_difference_holds_what_came_in_between() {
        let tally = Tally::new();
        tally.connection();
        tally.up(10);
        let before = tally.snapshot();
        tally.up(5);
        tally.down(7);
        let between = tally.snapshot() - before;
        assert_eq!((between.connections, between.bytes_up, between.bytes_down), (0, 5, 7));
    }
}
