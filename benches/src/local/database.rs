//! Databases to measure on, and how ours is driven.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Result, ensure};
use libsql::Connection;
use memory_core::{Episode, MemoryStorage, MemoryStorageExt};
use memory_storage_turso::{TursoBuilder, TursoStorage};
use tokio::runtime::{Builder, Runtime};

use super::by_hand;
use crate::{Sample, timed};

/// A storage of ours, with the runtime that an application would await it on.
pub(crate) struct Ours<S = TursoStorage> {
    pub(crate) storage: Rc<S>,
    runtime: Rc<Runtime>,
}

impl<S> Clone for Ours<S> {
    fn clone(&self) -> Self {
        Self { storage: Rc::clone(&self.storage), runtime: Rc::clone(&self.runtime) }
    }
}

impl Ours {
    pub(crate) fn open(path: &Path, builder: TursoBuilder) -> Result<Self> {
        Self::new(builder.local(path))
    }
}

impl<S: MemoryStorage> Ours<S> {
    pub(crate) fn new(open: impl Future<Output = memory_core::Result<S>>) -> Result<Self> {
        let runtime = Rc::new(Builder::new_current_thread().build()?);
        let storage = Rc::new(runtime.block_on(open)?);
        Ok(Self { storage, runtime })
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Awaits an operation so many times under the clock.
    pub(crate) fn timed(&self, operations: u64, operate: impl AsyncFnMut(u64) -> Result<()>) -> Result<Sample> {
        self.block_on(timed(operations, operate))
    }

    pub(crate) fn load(&self, episodes: &[Episode]) -> Result<()> {
        for episodes in episodes.chunks(1_000) {
            self.block_on(self.storage.store_episodes_batch(episodes))?;
        }
        Ok(())
    }
}

/// A database of its own, to be emptied between turns.
pub(crate) struct Scratch {
    pub(crate) path: PathBuf,
    sweeper: Connection,
}

impl Scratch {
    /// A fresh database with our schema.
    pub(crate) fn new(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(format!("{name}.db"));
        ensure!(!path.exists(), "{} is there already", path.display());
        drop(Ours::open(&path, TursoStorage::builder())?);
        let sweeper = by_hand::connect(&path)?;
        Ok(Self { path, sweeper })
    }

    /// Removes every episode, and moves the log into the database, so that
    /// every turn begins alike.
    pub(crate) fn sweep(&self) -> Result<()> {
        by_hand::all(&self.sweeper, "DELETE FROM episodes")?;
        by_hand::all(&self.sweeper, "PRAGMA wal_checkpoint(TRUNCATE)")
    }

    /// [`sweep`](Self::sweep), then stores these.
    pub(crate) fn fill(&self, episodes: &[Episode]) -> Result<()> {
        self.sweep()?;
        by_hand::Writer::new(&self.sweeper)?.store(episodes)?;
        by_hand::all(&self.sweeper, "PRAGMA wal_checkpoint(TRUNCATE)")
    }
}
