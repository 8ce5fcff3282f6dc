//! The one place that sends SQL.

#[cfg(feature = "local")]
pub(crate) mod local;
pub(crate) mod process;
#[cfg(feature = "remote")]
pub(crate) mod remote;

use memory_core::{Result, WriteBatch, WriteId, Written};

use crate::metrics::{Call, PerformanceMetrics, TransportRecorder};
use crate::schema::Index;
use crate::sql::{Columns, Statement, Step};

/// How a storage reaches its database.
#[derive(Debug)]
pub(crate) enum Transport {
    #[cfg(feature = "local")]
    Local(Box<local::Local>),
    #[cfg(feature = "remote")]
    Remote(Box<remote::Remote>),
}

impl Transport {
    /// Its name, and its figures.
    pub(crate) const fn recorder<'m>(&self, metrics: &'m PerformanceMetrics) -> (&'static str, &'m TransportRecorder) {
        match self {
            #[cfg(feature = "local")]
            Self::Local(_) => ("local", &metrics.local),
            #[cfg(feature = "remote")]
            Self::Remote(_) => ("remote", &metrics.remote),
        }
    }

    /// The largest row that the database takes, in bytes, where that is less
    /// than any record needs.
    #[cfg_attr(not(feature = "local"), expect(clippy::unnecessary_wraps, reason = "local rows have no such limit"))]
    pub(crate) const fn max_row_size(&self) -> Option<usize> {
        match self {
            #[cfg(feature = "local")]
            Self::Local(_) => None,
            #[cfg(feature = "remote")]
            Self::Remote(remote) => Some(remote.max_row_size()),
        }
    }

    /// Runs one statement and collects what `decode` makes of each row.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        call: &Call<'_>,
        statement: Statement,
        decode: impl Fn(&dyn Columns) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Vec<T>> {
        match self {
            #[cfg(feature = "local")]
            Self::Local(local) => local.read(call, statement, decode).await,
            #[cfg(feature = "remote")]
            Self::Remote(remote) => remote.read(call, statement, decode).await,
        }
    }

    /// As [`Self::read`], for an `EXPLAIN`.
    pub(crate) async fn read_plan<T: Send + 'static>(
        &self,
        call: &Call<'_>,
        statement: Statement,
        decode: impl Fn(&dyn Columns) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Vec<T>> {
        match self {
            #[cfg(feature = "local")]
            Self::Local(local) => local.read_plan(call, statement, decode).await,
            #[cfg(feature = "remote")]
            Self::Remote(remote) => remote.read(call, statement, decode).await,
        }
    }

    /// As [`Self::read`], for a statement that gives an integer, and looks
    /// whether the database is still there.
    pub(crate) async fn health(&self, call: &Call<'_>, statement: Statement) -> Result<Vec<i64>> {
        match self {
            #[cfg(feature = "local")]
            Self::Local(local) => local.health(call, statement).await,
            #[cfg(feature = "remote")]
            Self::Remote(remote) => remote.read(call, statement, |row| row.integer(0)).await,
        }
    }

    /// Runs the steps of a write that nobody knows by an id, as one transaction,
    /// and returns how many rows its counted statements changed.
    pub(crate) async fn write(&self, call: &Call<'_>, steps: Vec<Step>) -> Result<u64> {
        match self {
            #[cfg(feature = "local")]
            Self::Local(local) => local.write(call, local::Work::Whole(steps)).await,
            #[cfg(feature = "remote")]
            Self::Remote(remote) => Ok(remote.write(call, WriteId::new(), &[], steps).await?.counted),
        }
    }

    /// Commits a batch, the steps of which are made by `steps`, as one
    /// transaction.
    pub(crate) async fn commit(
        &self,
        call: &Call<'_>,
        batch: &WriteBatch,
        steps: impl Future<Output = Result<Vec<Step>>> + Send,
    ) -> Result<Written> {
        match self {
            #[cfg(feature = "local")]
            Self::Local(local) => local.commit(call, batch, steps).await,
            #[cfg(feature = "remote")]
            Self::Remote(remote) => {
                let done = remote.write(call, batch.id(), batch.fences(), steps.await?).await?;
                let written = if done.already { Written::already } else { Written::new };
                Ok(written(batch.id(), done.counted))
            }
        }
    }

    /// Creates the indexes that are missing, in one transaction.
    pub(crate) async fn create_indexes(&self, call: &Call<'_>, indexes: Vec<Index>) -> Result<()> {
        match self {
            #[cfg(feature = "local")]
            Self::Local(local) => local.create_indexes(call, indexes).await,
            #[cfg(feature = "remote")]
            Self::Remote(remote) => {
                remote.transaction(call, indexes.into_iter().map(|index| index.create).collect()).await
            }
        }
    }

    /// Returns once each of these writes has taken effect or never will.
    pub(crate) async fn settle(&self, call: &Call<'_>, writes: &[WriteId]) -> Result<()> {
        match self {
            #[cfg(feature = "local")]
            Self::Local(local) => local.settle(call, writes).await,
            #[cfg(feature = "remote")]
            Self::Remote(remote) => remote.settle(call, writes).await,
        }
    }

    /// Creates the schema or brings it up to date, and creates indexes.
    pub(crate) async fn initialize_schema(&self, call: &Call<'_>, indexes: Vec<Index>) -> Result<()> {
        match self {
            #[cfg(feature = "local")]
            Self::Local(local) => local.initialize_schema(call, indexes).await,
            #[cfg(feature = "remote")]
            Self::Remote(remote) => remote.initialize_schema(call, &indexes).await,
        }
    }

    #[cfg_attr(not(feature = "local"), expect(clippy::unused_async, reason = "only local databases are closed"))]
    pub(crate) async fn close(self) {
        match self {
            #[cfg(feature = "local")]
            Self::Local(local) => local.close().await,
            // Nothing is open at the server between two requests.
            #[cfg(feature = "remote")]
            Self::Remote(_) => {}
        }
    }
}
