//! One writer at a time, in the order they came, and none for ever.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::database::Database;
use crate::clock::Clock;
use crate::lock::lock;

/// The queue for the database's write lock.
///
/// A stream enters it before a statement that may write, and leaves it when its
/// connection is back in autocommit. Like libSQL's server, it lets a writer wait
/// in line rather than fail, and takes the turn from a transaction that has
/// held it for longer than the limit, but only when another stream wants it.
#[derive(Debug)]
pub(super) struct WriteLane {
    state: Mutex<State>,
    changed: Condvar,
    clock: Clock,
    limit: Duration,
    max_writers: usize,
}

#[derive(Debug, Default)]
struct State {
    holder: Option<Holder>,
    waiting: VecDeque<u64>,
    closed: bool,
    /// There were too many writers: none gets its turn any more.
    stuck: bool,
}

#[derive(Debug, Clone)]
struct Holder {
    stream: u64,
    since: Duration,
    database: Arc<Mutex<Database>>,
}

/// The server is being stopped.
#[derive(Debug)]
pub(super) struct Closed;

impl WriteLane {
    pub(super) fn new(clock: Clock, limit: Duration, max_writers: Option<usize>) -> Self {
        let max_writers = max_writers.unwrap_or(usize::MAX);
        Self { state: Mutex::default(), changed: Condvar::new(), clock, limit, max_writers }
    }

    /// Returns whether the server has stopped taking writes for good.
    pub(super) fn is_stuck(&self) -> bool {
        lock(&self.state).stuck
    }

    /// Waits until it is the stream's turn. Returns at once if it already is.
    ///
    /// The caller must not hold its own database locked.
    pub(super) fn enter(&self, stream: u64, database: &Arc<Mutex<Database>>) -> Result<(), Closed> {
        let mut state = lock(&self.state);
        if state.holder.as_ref().is_some_and(|holder| holder.stream == stream) {
            return Ok(());
        }
        state.waiting.push_back(stream);
        let writers = state.waiting.len() + usize::from(state.holder.is_some());
        state.stuck |= writers > self.max_writers;
        loop {
            if state.closed {
                state.waiting.retain(|waiting| *waiting != stream);
                return Err(Closed);
            }
            if state.stuck {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let Some(holder) = state.holder.clone() else {
                if state.waiting.front() == Some(&stream) {
                    state.waiting.pop_front();
                    let since = self.clock.now();
                    state.holder = Some(Holder { stream, since, database: Arc::clone(database) });
                    return Ok(());
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let remaining = holder.since.saturating_add(self.limit).saturating_sub(self.clock.now());
            if remaining.is_zero() {
                drop(state);
                self.evict(&holder);
                state = lock(&self.state);
            } else if let Some(wait) = self.clock.real_wait(remaining) {
                let woken = self.changed.wait_timeout(state, wait);
                state = woken.unwrap_or_else(PoisonError::into_inner).0;
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Gives the turn up. Does nothing where the stream does not have it.
    pub(super) fn leave(&self, stream: u64) {
        let mut state = lock(&self.state);
        if state.holder.as_ref().is_some_and(|holder| holder.stream == stream) {
            state.holder = None;
            self.changed.notify_all();
        }
    }

    /// Lets waiting writers look at the clock again.
    pub(super) fn wake(&self) {
        // Under the lock, or a writer between its look and its wait would miss it.
        let _state = lock(&self.state);
        self.changed.notify_all();
    }

    /// Turns everyone away, now and later.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_all();
    }

    /// Rolls the holder's transaction back, unless it finished in the meantime.
    ///
    /// A statement that is running is waited for. The database is locked before
    /// the state, here and nowhere the other way round.
    fn evict(&self, holder: &Holder) {
        let mut database = lock(&holder.database);
        let mut state = lock(&self.state);
        let still = state.holder.as_ref().is_some_and(|now| now.stream == holder.stream && now.since == holder.since);
        if still {
            database.force_rollback();
            state.holder = None;
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    struct Bench {
        lane: Arc<WriteLane>,
        clock: Clock,
        directory: tempfile::TempDir,
    }

    impl Bench {
        async fn new() -> Self {
            // Sets the library up, as the server does.
            libsql::Builder::new_local(":memory:").build().await.unwrap();
            let clock = Clock::manual();
            let lane = Arc::new(WriteLane::new(clock.clone(), Duration::from_secs(5), Some(3)));
            let waking = Arc::clone(&lane);
            clock.watch(move || waking.wake());
            Self { lane, clock, directory: tempfile::TempDir::new().unwrap() }
        }

        fn database(&self) -> Arc<Mutex<Database>> {
            let database = Database::open(&self.directory.path().join("lane.db"), 5_000_000).unwrap();
            Arc::new(Mutex::new(database))
        }

        /// Has a stream wait in line, and returns when it does.
        fn queue(&self, stream: u64) -> thread::JoinHandle<Result<(), Closed>> {
            let (lane, database) = (Arc::clone(&self.lane), self.database());
            let before = lock(&self.lane.state).waiting.len();
            let waiting = thread::spawn(move || lane.enter(stream, &database));
            while lock(&self.lane.state).waiting.len() == before {
                thread::yield_now();
            }
            waiting
        }
    }

    #[tokio::test]
    async fn turns_are_taken_in_the_order_of_arrival() {
        let bench = Bench::new().await;
        bench.lane.enter(1, &bench.database()).unwrap();
        let (second, third) = (bench.queue(2), bench.queue(3));
        bench.lane.leave(1);
        second.join().unwrap().unwrap();
        assert!(!third.is_finished());
        bench.lane.leave(2);
        third.join().unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_writer_in_line_gets_the_turn_of_one_that_took_too_long() {
        let bench = Bench::new().await;
        let slow = bench.database();
        bench.lane.enter(1, &slow).unwrap();
        lock(&slow).sqlite.execute_batch("BEGIN IMMEDIATE").unwrap();
        let waiting = bench.queue(2);
        bench.clock.advance(Duration::from_secs(4));
        assert!(!waiting.is_finished());
        bench.clock.advance(Duration::from_secs(1));
        waiting.join().unwrap().unwrap();
        assert!(lock(&slow).is_autocommit());
        assert!(lock(&slow).take_rolled_back());
    }

    #[tokio::test]
    async fn beyond_its_number_of_writers_it_is_stuck_until_it_is_closed() {
        let bench = Bench::new().await;
        bench.lane.enter(1, &bench.database()).unwrap();
        let mut waiting = vec![bench.queue(2), bench.queue(3)];
        assert!(!bench.lane.is_stuck());
        waiting.push(bench.queue(4));
        assert!(bench.lane.is_stuck());
        bench.lane.leave(1);
        bench.clock.advance(Duration::from_secs(60));
        assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
        bench.lane.close();
        assert!(waiting.into_iter().all(|waiting| waiting.join().unwrap().is_err()));
    }

    #[tokio::test]
    async fn a_closed_lane_turns_those_in_line_away() {
        let bench = Bench::new().await;
        bench.lane.enter(1, &bench.database()).unwrap();
        let waiting = bench.queue(2);
        bench.lane.close();
        assert!(waiting.join().unwrap().is_err());
    }
}
