//! How often, how soon and how long to try again.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use memory_core::{Error, Result, WriteId};
use tokio::time::{Instant, sleep, timeout_at};

use super::failure::Failure;
use crate::config::BatchConfig;

/// The times of one operation.
#[derive(Clone, Debug)]
pub(crate) struct RetryPolicy {
    pub(crate) deadline: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) batch: BatchConfig,
}

/// What retries may cost all operations together, so that a dead server is not
/// hammered: each takes ten tokens of a hundred, each success gives one back.
/// Where the server answers, one request in ten may be a retry for ever.
#[derive(Debug)]
pub(super) struct RetryBudget(Mutex<u32>);

const BUDGET: u32 = 100;
const RETRY_COST: u32 = 10;

impl RetryBudget {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(BUDGET))
    }

    fn take(&self) -> bool {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = tokens.checked_sub(RETRY_COST);
        *tokens = left.unwrap_or(*tokens);
        left.is_some()
    }

    fn give_back(&self) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = (*tokens + 1).min(BUDGET);
    }
}

impl RetryPolicy {
    /// Runs `attempt` until it succeeds or may not be tried again, and tells
    /// `retried` of each new try.
    ///
    /// The pause before each is drawn between nothing and a limit that doubles
    /// (full jitter, as in "Exponential Backoff And Jitter", AWS Architecture
    /// Blog, 2015), or is what the server asked for if that is longer. For a
    /// `write`, once the outcome of an attempt is unknown, only success makes
    /// it known again.
    pub(super) async fn run<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        operation: &str,
        write: Option<WriteId>,
        budget: &RetryBudget,
        retried: impl Fn(),
        attempt: impl Fn() -> F,
    ) -> Result<T> {
        let deadline = Instant::now() + self.deadline;
        let mut made = 0;
        let mut unknown = false;
        loop {
            let until = deadline.min(Instant::now() + self.attempt_timeout);
            let failure = match timeout_at(until, attempt()).await {
                Ok(Ok(value)) => {
                    budget.give_back();
                    return Ok(value);
                }
                Ok(Err(failure)) => failure,
                Err(_) => Failure::unknown(Error::timeout(operation, "the server did not answer in time")),
            };
            unknown |= failure.unknown;
            let limit = self.batch.delay_limit(made).mul_f64(fastrand::f64());
            let pause = failure.retry_after.map_or(limit, |asked| asked.max(limit));
            let possible = failure.retry && made < self.batch.max_retries && Instant::now() + pause < deadline;
            if !possible || !budget.take() {
                return Err(match write {
                    Some(write) if unknown => Error::indeterminate(write, format!("{operation}: {}", failure.error)),
                    _ => failure.error,
                });
            }
            sleep(pause).await;
            made += 1;
            retried();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    fn policy() -> RetryPolicy {
        RetryPolicy {
            deadline: Duration::from_secs(30),
            attempt_timeout: Duration::from_secs(10),
            batch: BatchConfig::default(),
        }
    }

    fn unavailable() -> Error {
        Error::unavailable("get", "away")
    }

    /// Runs a script of attempts, and returns the result and how many were made.
    async fn script(
        policy: &RetryPolicy,
        write: Option<WriteId>,
        failures: Vec<Failure>,
    ) -> (Result<&'static str>, usize) {
        let script = RefCell::new(failures.into_iter());
        let made = Cell::new(0);
        let result = policy
            .run(
                "get",
                write,
                &RetryBudget::new(),
                || {},
                || async {
                    made.set(made.get() + 1);
                    script.borrow_mut().next().map_or(Ok("done"), Err)
                },
            )
            .await;
        (result, made.get())
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_be_tried_again_is_tried_up_to_the_limit() {
        let again = |n| (0..n).map(|_| Failure::again(unavailable())).collect::<Vec<_>>();
        let (result, made) = script(&policy(), None, again(3)).await;
        assert_eq!((result.unwrap(), made), ("done", 4));
        let (result, made) = script(&policy(), None, again(4)).await;
        assert!(matches!(result, Err(Error::Unavailable { .. })));
        assert_eq!(made, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_is_not_tried_again() {
        let (result, made) = script(&policy(), None, vec![Failure::last(Error::unauthorized("get", "401"))]).await;
        assert!(matches!(result, Err(Error::Unauthorized { .. })));
        assert_eq!(made, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_outcome_stays_unknown_until_a_success() {
        let write = WriteId::new();
        let failures = || vec![Failure::unknown(unavailable()), Failure::last(Error::unauthorized("put", "401"))];
        let (result, _) = script(&policy(), Some(write), failures()).await;
        assert!(matches!(result, Err(Error::Indeterminate { write: id, .. }) if id == write));
        let (result, _) = script(&policy(), None, failures()).await;
        assert!(matches!(result, Err(Error::Unauthorized { .. })), "a read leaves nothing in doubt");
        let (result, _) = script(&policy(), Some(write), vec![Failure::unknown(unavailable())]).await;
        assert_eq!(result.unwrap(), "done");
        let refused = vec![Failure::again(unavailable()), Failure::last(Error::unauthorized("put", "401"))];
        let (result, _) = script(&policy(), Some(write), refused).await;
        assert!(matches!(result, Err(Error::Unauthorized { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn the_server_is_left_alone_as_long_as_it_asks_and_never_beyond_the_deadline() {
        let asked = |seconds| {
            vec![Failure { retry_after: Some(Duration::from_secs(seconds)), ..Failure::again(unavailable()) }]
        };
        let start = Instant::now();
        let (result, _) = script(&policy(), None, asked(7)).await;
        assert!(result.is_ok() && start.elapsed() >= Duration::from_secs(7));
        let start = Instant::now();
        let (result, made) = script(&policy(), None, asked(31)).await;
        assert!(result.is_err() && start.elapsed() < Duration::from_secs(1));
        assert_eq!(made, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_answers_is_given_up_at_the_deadline() {
        let start = Instant::now();
        let policy = RetryPolicy { attempt_timeout: Duration::from_secs(20), ..policy() };
        let result: Result<()> = policy.run("get", None, &RetryBudget::new(), || {}, std::future::pending).await;
        assert!(matches!(result, Err(Error::Timeout { .. })), "{result:?}");
        assert!(start.elapsed() <= policy.deadline);
    }

    #[tokio::test(start_paused = true)]
    async fn a_spent_budget_ends_all_retries_until_the_server_answers_again() {
        let budget = RetryBudget::new();
        let made = Cell::new(0);
        for _ in 0..50 {
            let failing = || async {
                made.set(made.get() + 1);
                Err::<(), _>(Failure::again(unavailable()))
            };
            assert!(policy().run("get", None, &budget, || {}, failing).await.is_err());
        }
        assert_eq!(made.get(), 50 + (BUDGET / RETRY_COST) as usize);
        for _ in 0..RETRY_COST {
            policy().run("get", None, &budget, || {}, || async { Ok(()) }).await.unwrap();
        }
        assert!(budget.take() && !budget.take());
    }
}
