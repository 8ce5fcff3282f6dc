//! Permits for requests: a bound on those under way at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::metrics::PerformanceMetrics;

/// Permits of requests. Where the server has too much to do at once, the pool
/// is narrowed, and widened again one by one as requests succeed.
///
/// Additive increase and multiplicative decrease, as in TCP: halved once for all
/// requests that were under way together, and widened by one after as many
/// successes as it is wide.
#[derive(Debug)]
pub(super) struct Pool {
    permits: Semaphore,
    width: Mutex<Width>,
    metrics: Arc<PerformanceMetrics>,
}

#[derive(Debug)]
struct Width {
    most: usize,
    now: usize,
    /// Permits that are given up once they are back.
    surplus: usize,
    under_way: usize,
    successes: usize,
    /// Goes up each time the pool is narrowed.
    generation: u64,
}

/// The permit of a request.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    pool: &'a Pool,
    held: Option<SemaphorePermit<'a>>,
    generation: u64,
    /// Requests that were under way when this one began, itself included.
    together: usize,
}

impl Pool {
    pub(super) const fn new(size: usize, metrics: Arc<PerformanceMetrics>) -> Self {
        let width = Width { most: size, now: size, surplus: 0, under_way: 0, successes: 0, generation: 0 };
        Self { permits: Semaphore::const_new(size), width: Mutex::new(width), metrics }
    }

    fn width(&self) -> MutexGuard<'_, Width> {
        self.width.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acquires a permit, waiting if necessary; `None` never comes.
    pub(super) async fn permit(&self) -> Option<Permit<'_>> {
        let permit = if let Ok(permit) = self.permits.try_acquire() {
            permit
        } else {
            let _waiting = self.waiting();
            // It is never closed.
            self.permits.acquire().await.ok()?
        };
        let mut width = self.width();
        width.under_way += 1;
        let (generation, together) = (width.generation, width.under_way);
        drop(width);
        Some(Permit { pool: self, held: Some(permit), generation, together })
    }

    /// A wait that is recorded when it ends.
    pub(super) fn waiting(&self) -> Waiting<'_> {
        Waiting { start: Instant::now(), metrics: &self.metrics }
    }
}

impl Permit<'_> {
    /// The server refused this request because there were too many: narrows the
    /// pool. False where this request was the only one, which narrowing cannot
    /// help.
    pub(super) fn narrow(&self) -> bool {
        let mut width = self.pool.width();
        if self.generation != width.generation {
            return true;
        }
        let together = self.together.max(width.under_way);
        if together <= 1 {
            return false;
        }
        let target = (width.now.min(together) / 2).max(1);
        let cut = width.now - target;
        width.surplus += cut - self.pool.permits.forget_permits(cut);
        (width.now, width.successes) = (target, 0);
        width.generation += 1;
        tracing::debug!(requests = target, "the server has too much to do at once");
        true
    }

    /// The server answered this request.
    pub(super) fn succeeded(&self) {
        let mut width = self.pool.width();
        if width.now == width.most || self.generation != width.generation {
            return;
        }
        width.successes += 1;
        if width.successes >= width.now {
            width.successes = 0;
            width.now += 1;
            if width.surplus > 0 {
                width.surplus -= 1;
            } else {
                self.pool.permits.add_permits(1);
            }
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut width = self.pool.width();
        width.under_way -= 1;
        if width.surplus > 0 {
            width.surplus -= 1;
            if let Some(permit) = self.held.take() {
                permit.forget();
            }
        }
    }
}

/// Records a wait, also one that is given up.
pub(super) struct Waiting<'a> {
    start: Instant,
    metrics: &'a PerformanceMetrics,
}

impl Waiting<'_> {
    /// Records nothing.
    pub(super) fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.metrics.remote.pool_waits.record(self.start.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(pool: &Pool) -> Option<Permit<'_>> {
        use std::task::{Context, Poll, Waker};
        let waiting = std::pin::pin!(pool.permit());
        match waiting.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(permit) => permit,
            Poll::Pending => None,
        }
    }

    fn all(pool: &Pool) -> Vec<Permit<'_>> {
        std::iter::from_fn(|| take(pool)).collect()
    }

    #[test]
    fn requests_that_were_refused_together_narrow_the_pool_once() {
        let pool = Pool::new(16, Arc::default());
        let together = all(&pool);
        assert_eq!(together.len(), 16);
        assert!(together.iter().all(Permit::narrow));
        drop(together);
        assert_eq!(all(&pool).len(), 8);
        for width in [4, 2, 1] {
            assert!(all(&pool).iter().all(Permit::narrow));
            assert_eq!(all(&pool).len(), width);
        }
        let alone = all(&pool);
        assert!(!alone[0].narrow(), "it was alone");
    }

    #[test]
    fn successes_widen_the_pool_up_to_its_size_again() {
        let pool = Pool::new(4, Arc::default());
        assert!(all(&pool)[0].narrow());
        for (successes, width) in [(1, 2), (1, 3), (2, 3), (1, 4), (9, 4)] {
            (0..successes).for_each(|_| take(&pool).unwrap().succeeded());
            assert_eq!(all(&pool).len(), width);
        }
        assert_eq!(pool.width().surplus, 0);
    }

    #[test]
    fn the_success_of_a_request_from_before_widens_nothing() {
        let pool = Pool::new(4, Arc::default());
        let together = all(&pool);
        assert!(together[0].narrow());
        together.iter().for_each(Permit::succeeded);
        drop(together);
        assert_eq!(all(&pool).len(), 2);
    }
}
