//! Random histories: tasks read, write, delete, query and give up at random
//! on a cached storage, over a backend that delays, reorders and fails at
//! random, and every answer is held against what it may be.
//!
//! Everything is drawn from one seed, and time is virtual, so that a history
//! can be run again.

mod backend;
mod lock;
mod record;
mod task;

use std::fmt;
use std::sync::Arc;

use fastrand::Rng;
use memory_core::MemoryStorage;

pub use backend::Unruly;
use record::History;
use task::Task;

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
        let storage = Arc::new(wrap(Unruly::new(Arc::clone(&history), rng.fork())));
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| tokio::spawn(Task::new(Arc::clone(&storage), Arc::clone(&history), rng.fork()).run(OPERATIONS)))
            .collect();
        for task in tasks {
            if let Err(panic) = task.await {
                history.fail(format!("a task ended: {panic}"));
            }
        }
        history.summary().map_err(|what| Stale { seed, what })
    })
}
