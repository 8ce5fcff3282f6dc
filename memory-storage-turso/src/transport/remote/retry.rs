//! How often, how soon and how long to try again.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use memory_core::{Cause, Error, Result, WriteId};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::departure::Departure;
use super::failure::{Failure, Outcome};
use super::pool::{Permit, Pool};
use crate::config::BatchConfig;
use crate::metrics::PerformanceMetrics;

/// The times of one operation.
#[derive(Clone, Debug)]
pub(crate) struct RetryPolicy {
    pub(crate) deadline: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) batch: BatchConfig,
    /// The server's, for errors.
    pub(crate) host: String,
}

/// What retries may cost all operations together, so that a dead server is not
/// hammered: each takes ten tokens of a hundred, each success gives one back.
/// Where the server answers, one request in ten may be a retry for ever.
#[derive(Debug)]
struct RetryBudget(Mutex<u32>);

const BUDGET: u32 = 100;
const RETRY_COST: u32 = 10;

impl RetryBudget {
    const fn new() -> Self {
        Self(Mutex::new(BUDGET))
    }

    fn take(&self) -> bool {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = tokens.checked_sub(RETRY_COST);
        *tokens = left.unwrap_or(*tokens);
        left.is_some()
    }

    /// Takes for a retry, or does as was decided for the others of its request.
    fn take_for(&self, failure: &Failure) -> bool {
        failure.ticket.as_ref().map_or_else(|| self.take(), |ticket| *ticket.get_or_init(|| self.take()))
    }

    fn give_back(&self) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = (*tokens + 1).min(BUDGET);
    }
}

/// What all operations of a storage have in common.
#[derive(Debug)]
pub(super) struct Shared {
    budget: RetryBudget,
    pub(super) pool: Pool,
    metrics: Arc<PerformanceMetrics>,
}

impl Shared {
    pub(super) fn new(pool_size: usize, metrics: Arc<PerformanceMetrics>) -> Self {
        Self { budget: RetryBudget::new(), pool: Pool::new(pool_size, Arc::clone(&metrics)), metrics }
    }

    /// Notes how a request ended, and whether it failed for the number of those
    /// that were under way with it.
    pub(super) fn noted<T>(&self, permit: &Permit<'_>, made: Result<T, Failure>) -> Result<T, Failure> {
        match made {
            Ok(value) => {
                self.budget.give_back();
                permit.succeeded();
                Ok(value)
            }
            Err(mut failure) => {
                failure.crowded = failure.crowded && permit.narrow();
                Err(failure)
            }
        }
    }
}

/// One operation, which may take several requests, and each several attempts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation<'a> {
    pub(super) name: &'a str,
    /// What it writes, if it does.
    pub(super) write: Option<WriteId>,
    /// When all of it must have ended.
    pub(super) deadline: Instant,
}

/// One attempt of a request.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    /// The first is 1.
    pub(super) number: u32,
    pub(super) until: Instant,
    pub(super) departure: Departure,
}

impl RetryPolicy {
    /// An operation that begins now.
    pub(super) fn begin<'a>(&self, name: &'a str, write: Option<WriteId>) -> Operation<'a> {
        Operation { name, write, deadline: Instant::now() + self.deadline }
    }

    /// Sends a request until an attempt succeeds or no other may be made.
    pub(super) async fn run<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        operation: Operation<'_>,
        shared: &Shared,
        attempt: impl Fn(Attempt) -> F,
    ) -> Result<T> {
        self.retry(operation, shared, |number| self.attempt(operation, shared, number, &attempt)).await
    }

    /// Makes attempts, each of which is told its number, until one succeeds or
    /// no other may be made.
    ///
    /// The pause before each is drawn between nothing and a limit that doubles
    /// (full jitter, as in "Exponential Backoff And Jitter", AWS Architecture
    /// Blog, 2015), or is what the server asked for if that is longer. For a
    /// write, once the outcome of an attempt is unknown, only success makes
    /// it known again, or the certainty that it can never be. An attempt that
    /// failed because too many were under way counts for nothing: the next one is
    /// made in a narrower pool.
    pub(super) async fn retry<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        operation: Operation<'_>,
        shared: &Shared,
        attempt: impl Fn(u32) -> F,
    ) -> Result<T> {
        let (mut number, mut failed) = (1, 0);
        let mut unknown = false;
        loop {
            let failure = match attempt(number).await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            unknown = match failure.outcome {
                Outcome::NotDone => unknown,
                Outcome::Unknown => true,
                Outcome::Never => false,
            };
            let limit = self.batch.delay_limit(failed).mul_f64(fastrand::f64());
            let pause = failure.retry_after.map_or(limit, |asked| asked.max(limit));
            let resumed = Instant::now().checked_add(pause).filter(|resumed| *resumed < operation.deadline);
            let in_time = resumed.is_some();
            let may_retry = failure.crowded || (failure.retry && failed < self.batch.max_retries);
            let resumed = resumed.filter(|_| may_retry && (failure.crowded || shared.budget.take_for(&failure)));
            let Some(resumed) = resumed else {
                if Instant::now() >= operation.deadline || (may_retry && !in_time) {
                    shared.metrics.remote.deadline_misses.add(1);
                }
                return Err(match operation.write {
                    Some(write) if unknown => {
                        let error = Error::indeterminate(write, failure.error.to_string());
                        match source(failure.error) {
                            Some(source) => error.with_source(source),
                            None => error,
                        }
                    }
                    _ => failure.error,
                });
            };
            sleep_until(resumed).await;
            number += 1;
            failed += u32::from(!failure.crowded);
        }
    }

    /// One attempt of a request.
    pub(super) async fn attempt<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        operation: Operation<'_>,
        shared: &Shared,
        number: u32,
        attempt: impl Fn(Attempt) -> F,
    ) -> Result<T, Failure> {
        let permit = self.permit(operation, shared).await?;
        let until = self.until(operation.deadline);
        shared.noted(&permit, self.timed(operation.name, shared, number, until, attempt).await)
    }

    /// Waits for a permit, which takes none of an attempt's own time.
    pub(super) async fn permit<'a>(&self, operation: Operation<'_>, shared: &'a Shared) -> Result<Permit<'a>, Failure> {
        match timeout_at(operation.deadline, shared.pool.permit()).await {
            Ok(Some(permit)) => Ok(permit),
            _ => Err(Failure::last(
                self.timeout(operation.name, "other requests took its turn; a larger `pool_size` lets more of them go"),
            )),
        }
    }

    pub(super) fn timeout(&self, name: &str, reason: &str) -> Error {
        Error::timeout(name, format!("{}: {reason}", self.host))
    }

    /// When an attempt that begins now is given up.
    pub(super) fn until(&self, deadline: Instant) -> Instant {
        deadline.min(Instant::now() + self.attempt_timeout)
    }

    /// Runs an attempt within its time.
    pub(super) async fn timed<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        name: &str,
        shared: &Shared,
        number: u32,
        until: Instant,
        attempt: impl Fn(Attempt) -> F,
    ) -> Result<T, Failure> {
        if number > 1 {
            shared.metrics.remote.retries.add(1);
        }
        let departure = Departure::default();
        let made = timeout_at(until, attempt(Attempt { number, until, departure: departure.clone() })).await;
        made.unwrap_or_else(|_| {
            shared.metrics.remote.timeouts.add(1);
            Err(if departure.cancel() {
                Failure::again(self.timeout(name, "the request could not be sent in time"))
            } else {
                Failure::unknown(self.timeout(name, "the server did not answer in time"))
            })
        })
    }
}

/// The source of a failed attempt's error.
fn source(error: Error) -> Option<Cause> {
    match error {
        Error::Unavailable { source, .. } | Error::Misconfigured { source, .. } => source,
        Error::Backend { source, .. } => Some(source),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
