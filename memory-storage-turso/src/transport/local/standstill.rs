//! Keeping the threads of a lane from working for a moment.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::queue::JobSender;

/// Brings the threads of a lane to a standstill: each takes an urgent job that
/// ends when the standstill does. Jobs that wait in the queue wait on; only
/// those under way delay the standstill.
#[derive(Clone)]
pub(super) struct Standstill {
    pub(super) jobs: JobSender,
    pub(super) under_way: Arc<AtomicUsize>,
    pub(super) threads: usize,
}

/// Lasts until it is dropped.
pub(super) struct Held(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopped: usize,
    over: bool,
}

impl Standstill {
    /// Waits until every thread has ended what it does and stands still, but no
    /// longer than `patience`; then none does.
    pub(super) fn hold(&self, patience: Duration) -> Option<Held> {
        let held = Held(Arc::default());
        for _ in 0..self.threads {
            let shared = Arc::clone(&held.0);
            self.under_way.fetch_add(1, Ordering::Relaxed);
            self.jobs.send_urgent(Box::new(move |_| shared.stop()));
        }
        let all = self.threads;
        let waited = held.0.changed.wait_timeout_while(held.0.lock(), patience, |state| state.stopped < all);
        let stopped = waited.unwrap_or_else(PoisonError::into_inner).0.stopped;
        (stopped == all).then_some(held)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        let mut state = self.lock();
        state.stopped += 1;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| !state.over));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.changed.notify_all();
    }
}
