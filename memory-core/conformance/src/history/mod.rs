//! Random histories: tasks read, write, delete, query and give up at random
//! on a cached storage, over a backend that delays, reorders and fails at
//! random, and every answer is held against what it may be.
//!
//! A cache that takes its time from [`Unruly::time`] is held up in its lookups at random:
//! time passes and writes begin between the moment for which an entry is looked up and the
//! lookup itself. Writes are few in such a history, so that entries come to an end.
//!
//! Everything is drawn from one seed, and time is virtual, so that a history
//! can be run again.

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

/// What a history held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Answers that were checked.
    pub reads: u64,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Operations that were given up, or failed.
    pub failed: u64,
}

/// An answer that was older than it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// What the history was drawn from.
    pub seed: u64,
    /// What was asked, and what came.
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

/// Runs the history of a seed over what `wrap` makes of the backend.
///
/// # Errors
///
/// The first answer that is older than the newest write that was acknowledged,
/// or returned, before it was asked for.
///
/// # Panics
///
/// If no runtime can be started.
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
