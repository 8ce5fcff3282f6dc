//! The runner of the cases, each on a storage of its own.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::check::{Failure, Outcome};
use super::subject::Subject;
use super::{Report, cases};
use memory_core::{MemoryStorage, Result};

/// A case: one requirement for every storage.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) run: for<'a> fn(&'a Subject) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>,
}

/// Returns the names of all cases, in the order they run.
pub fn names() -> Vec<&'static str> {
    cases::all().iter().map(|case| case.name).collect()
}

/// Runs every case on a storage of its own from `factory`:
/// `Suite::new(factory).run()`.
///
/// # Panics
///
/// Those of [`Suite::new`].
pub async fn run<F, S>(factory: F) -> Report
where
    F: AsyncFn() -> Result<S>,
    S: MemoryStorage,
{
    Suite::new(factory).run().await
}

/// The conformance suite and its settings.
#[derive(Clone, Debug)]
#[must_use = "a suite does nothing until it runs"]
pub struct Suite<F> {
    factory: F,
    only: String,
    guard: Duration,
    seed: u64,
    generated: u32,
}

impl<F, S> Suite<F>
where
    F: AsyncFn() -> Result<S>,
    S: MemoryStorage,
{
    /// Creates a suite of all cases, on storages from `factory`, which must be
    /// empty.
    ///
    /// # Panics
    ///
    /// If `MEMORY_TEST_SEED` or `PROPTEST_CASES` is set to anything but a
    /// number.
    pub fn new(factory: F) -> Self {
        Self {
            factory,
            only: String::new(),
            guard: Duration::from_secs(60),
            seed: number_from_env("MEMORY_TEST_SEED").unwrap_or(0),
            generated: number_from_env("PROPTEST_CASES").map_or(24, |number| u32::try_from(number).unwrap_or(u32::MAX)),
        }
    }

    /// Restricts the suite to cases whose names begin with `prefix`.
    pub fn only(mut self, prefix: impl Into<String>) -> Self {
        self.only = prefix.into();
        self
    }

    /// Sets the time after which a waiting case fails, by tokio's clock. A case
    /// that never yields to the runtime cannot be stopped. Default: 60 s.
    pub const fn guard(mut self, guard: Duration) -> Self {
        self.guard = guard;
        self
    }

    /// Sets the seed of generated input. Default: `MEMORY_TEST_SEED`, or 0.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the number of inputs that a case with generated input draws.
    /// Default: `PROPTEST_CASES`, or 24.
    pub const fn generated(mut self, inputs: u32) -> Self {
        self.generated = inputs;
        self
    }

    /// Runs the cases one after another.
    pub async fn run(self) -> Report {
        let mut report = Report::default();
        for case in cases::all().into_iter().filter(|case| case.name.starts_with(&self.only)) {
            let outcome = match tokio::time::timeout(self.guard, caught(self.run_case(&case))).await {
                Ok(outcome) => outcome,
                Err(_) => Err(Failure::new(format!("did not end within {:?}", self.guard))),
            };
            report.add(case.name, outcome);
        }
        report
    }

    async fn run_case(&self, case: &Case) -> Outcome {
        let storage = (self.factory)().await.map_err(|error| Failure::from(error).at("the factory"))?;
        let subject = Subject::new(Arc::new(storage), self.seed, self.generated);
        (case.run)(&subject).await
    }
}

fn number_from_env(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(error) => panic!("{name}={text} is not a number: {error}"),
    }
}

/// Turns a panic of the future into a failure.
async fn caught(future: impl Future<Output = Outcome>) -> Outcome {
    let mut future = pin!(future);
    // After a panic the future is dropped and nothing else sees its state.
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)))
            .unwrap_or_else(|panic| Poll::Ready(Err(Failure::new(format!("panicked: {}", message(&*panic))))))
    })
    .await
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
