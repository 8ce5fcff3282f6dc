//! Random histories on a cached storage. Tasks read, write, delete, query and
//! cancel at random, over a backend that delays, reorders and fails at random.
//! Every answer is checked.
//!
//! If a cache takes its time from [`Unruly::time`], its lookups are delayed at
//! random: time passes and writes begin between the moment for which an entry
//! is looked up and the lookup itself. Such a history has few writes, so that
//! entries expire.
//!
//! Every choice is drawn from one seed, and time is virtual, so that a history
//! can be repeated.

mod backend;
mod interruption;
mod lock;
mod record;
mod task;
mod time;

use std::fmt;
use std::sync::Arc;

use fastrand::Rng;
use memory_core::MemoryStorage;

pub use backend::Unruly;
use interruption::Interruptions;
use record::History;
use task::Task;
pub use time::Time;

/// The counts of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Number of checked answers.
    pub reads: u64,
    /// Number of acknowledged writes.
    pub acknowledged: u64,
    /// Number of operations that were cancelled or failed.
    pub failed: u64,
}

/// A stale answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The seed of the history.
    pub seed: u64,
    /// The operation and its answer.
    pub what: String,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: {}", self.seed, self.what)
    }
}

impl std::error::Error for Stale {}

const TASKS: usize = 6;
const OPERATIONS: usize = 25;

/// Runs the history of a seed over `wrap(backend)`.
///
/// # Errors
///
/// The first answer that is older than a write that was acknowledged, or
/// returned by a read, before the operation began.
///
/// # Panics
///
/// Panics if no runtime can be started.
pub fn history<S: MemoryStorage>(seed: u64, wrap: impl FnOnce(Unruly) -> S) -> Result<Summary, Stale> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime of one thread").block_on(async {
        let mut rng = Rng::with_seed(seed);
        let history = Arc::new(History::new(&mut rng));
        let time = Time::new(rng.fork());
        let storage = Arc::new(wrap(Unruly::new(Arc::clone(&history), time.clone(), rng.fork())));
        let interruptions = Interruptions::default();
        time.interrupt(interruptions.begin(&storage, &history, rng.fork()));
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                tokio::spawn(
                    Task::new(Arc::clone(&storage), Arc::clone(&history), rng.fork()).run(OPERATIONS, time.is_used()),
                )
            })
            .collect();
        for task in tasks {
            if let Err(panic) = task.await {
                history.fail(format!("a task ended: {panic}"));
            }
        }
        if let Some(panic) = interruptions.end().await {
            history.fail(format!("a write ended: {panic}"));
        }
        history.summary().map_err(|what| Stale { seed, what })
    })
}
