//! Time as the lab's server sees it.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::lock::lock;

/// The clock by which the server expires idle streams and ends transactions.
///
/// It measures the time since it was made. A [system](Clock::system) clock runs
/// by itself, a [manual](Clock::manual) one stands still; both jump ahead by
/// [`advance`](Clock::advance), so that a test need not wait for ten seconds to
/// pass. Clones are the same clock.
///
/// The proxy's delays are real ones and do not follow it.
#[derive(Clone)]
pub struct Clock {
    inner: Arc<Inner>,
}

struct Inner {
    started: Option<Instant>,
    advanced: Mutex<Duration>,
    watchers: Mutex<Vec<Watcher>>,
}

type Watcher = Arc<dyn Fn() + Send + Sync>;

impl Clock {
    /// A clock that runs with the machine's.
    pub fn system() -> Self {
        Self::new(Some(Instant::now()))
    }

    /// A clock that moves only by [`advance`](Clock::advance).
    pub fn manual() -> Self {
        Self::new(None)
    }

    fn new(started: Option<Instant>) -> Self {
        let inner = Inner { started, advanced: Mutex::default(), watchers: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// The time since the clock was made, what it was advanced by included.
    pub fn now(&self) -> Duration {
        let elapsed = self.inner.started.map_or(Duration::ZERO, |started| started.elapsed());
        elapsed.saturating_add(*lock(&self.inner.advanced))
    }

    /// Moves the clock ahead.
    ///
    /// - When it returns, streams that are due have expired, and their
    ///   transactions are rolled back.
    /// - Writers that wait for a transaction now too old are woken.
    pub fn advance(&self, by: Duration) {
        {
            let mut advanced = lock(&self.inner.advanced);
            *advanced = advanced.saturating_add(by);
        }
        // Called without the lock, since a watcher may read the clock.
        let watchers: Vec<Watcher> = lock(&self.inner.watchers).clone();
        for watcher in watchers {
            watcher();
        }
    }

    /// Calls `watcher` after every [`advance`](Clock::advance).
    pub(super) fn watch(&self, watcher: impl Fn() + Send + Sync + 'static) {
        lock(&self.inner.watchers).push(Arc::new(watcher));
    }

    /// How long to wait in real time for the clock to move on by `remaining`;
    /// `None` where only an [`advance`](Clock::advance) can do that.
    pub(super) fn real_wait(&self, remaining: Duration) -> Option<Duration> {
        self.inner.started.map(|_| remaining)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("now", &self.now()).field("runs", &self.inner.started.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual();
        assert_eq!(clock.now(), Duration::ZERO);
        clock.clone().advance(Duration::from_secs(3));
        assert_eq!(clock.now(), Duration::from_secs(3));
    }

    #[test]
    fn a_watcher_sees_the_time_it_was_advanced_to() {
        let clock = Clock::manual();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (watched, noted) = (clock.clone(), Arc::clone(&seen));
        clock.watch(move || lock(&noted).push(watched.now()));
        clock.advance(Duration::from_secs(1));
        clock.advance(Duration::from_secs(2));
        assert_eq!(*lock(&seen), [Duration::from_secs(1), Duration::from_secs(3)]);
    }
}
