//! Bounds on reads that run on the caller's thread.

use memory_core::{Error, Result};
use tokio::runtime::Handle;

use super::error::guarded;

/// The most bytes that a read on the caller's thread looks at: some 100 µs of work.
const ON_CALLER: usize = 64 << 10;

/// The bytes that one entry of an index counts as.
const ENTRY: usize = 64;

/// The rest of what a read may look at.
#[derive(Debug)]
pub(super) struct Budget(Option<usize>);

/// Why a read ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is too long for the caller's thread.
    Long,
    /// It failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Budget {
    /// An entry was looked at.
    pub(super) fn entry(&mut self) -> Result<(), Stop> {
        self.spend(ENTRY)
    }

    /// A record of so many bytes was read.
    pub(super) fn record(&mut self, bytes: usize) -> Result<(), Stop> {
        self.spend(bytes + 2 * ENTRY)
    }

    /// Stops a read on the caller's thread whose rest is known to be long.
    pub(super) const fn long(&self) -> Result<(), Stop> {
        if self.0.is_some() { Err(Stop::Long) } else { Ok(()) }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Stop> {
        match &mut self.0 {
            None => Ok(()),
            Some(left) => {
                *left = left.checked_sub(bytes).ok_or(Stop::Long)?;
                Ok(())
            }
        }
    }
}

/// Runs a read on the caller's thread, and if that is long, anew on a worker of
/// the runtime. Without a runtime, it runs where it is called.
pub(super) async fn run<T, F>(operation: &'static str, read: F) -> Result<T>
where
    T: Send + 'static,
    F: Fn(&mut Budget) -> Result<T, Stop> + Send + 'static,
{
    let attempt = |read: &F, mut budget: Budget| {
        guarded(operation, || match read(&mut budget) {
            Ok(done) => Ok(Some(done)),
            Err(Stop::Long) => Ok(None),
            Err(Stop::Failed(error)) => Err(error),
        })
    };
    if let Some(done) = attempt(&read, Budget(Some(ON_CALLER)))? {
        return Ok(done);
    }
    let unbounded = move || {
        guarded(operation, || match read(&mut Budget(None)) {
            Ok(done) => Ok(done),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Long) => Err(Error::unavailable(operation, "the database is in use; try again")),
        })
    };
    match Handle::try_current() {
        Err(_) => unbounded(),
        Ok(runtime) => runtime
            .spawn_blocking(unbounded)
            .await
            .unwrap_or_else(|_| Err(Error::unavailable(operation, "the runtime is shutting down"))),
    }
}
