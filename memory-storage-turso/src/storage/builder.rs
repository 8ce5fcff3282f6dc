//! Opening a storage with settings.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use memory_core::{Error, Result};

use super::TursoStorage;
use crate::config::{BatchConfig, LocalConfig, PreparedCacheConfig, Synchronous};
use crate::prepared::PreparedStats;
use crate::schema::IndexedKey;
use crate::transport::local::{Local, Place};

/// Settings for a [`TursoStorage`], and the ways to open one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> memory_core::Result<()> {
/// use memory_storage_turso::TursoStorage;
///
/// let storage = TursoStorage::builder().index_metadata("session").memory().await?;
/// # drop(storage);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TursoBuilder {
    indexes: Vec<String>,
    local: LocalConfig,
}

impl Default for TursoBuilder {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            indexes: Vec::new(),
            local: LocalConfig {
                readers: threads.min(4),
                busy_timeout: Duration::from_secs(5),
                synchronous: Synchronous::default(),
                batch: BatchConfig::default(),
                prepared: PreparedCacheConfig::default(),
            },
        }
    }
}

impl TursoBuilder {
    /// Declares that queries filter on this metadata key: each table gets an
    /// index on it, unless it has one. 1 to 128 letters, digits, `_`, `.` and
    /// `-`; any other key is refused where the storage is opened.
    pub fn index_metadata(mut self, key: impl Into<String>) -> Self {
        self.indexes.push(key.into());
        self
    }

    /// How writes are cut into parts and tried again.
    pub fn batch(mut self, config: BatchConfig) -> Self {
        self.local.batch = config;
        self
    }

    /// What each connection's cache of prepared statements may hold.
    pub fn prepared_cache(mut self, config: PreparedCacheConfig) -> Self {
        self.local.prepared = config;
        self
    }

    /// How many connections read a local file at once, at least 1. Default:
    /// one for each processor, at most 4.
    pub fn readers(mut self, readers: usize) -> Self {
        self.local.readers = readers;
        self
    }

    /// How long a local operation waits for another process that has the
    /// database locked, before it fails with [`Error::Timeout`]. Default: 5 s.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.local.busy_timeout = timeout;
        self
    }

    /// When a local write counts as stored. Default: [`Synchronous::Normal`].
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.local.synchronous = synchronous;
        self
    }

    /// Opens the database in the file at `path`, creating it and its schema as
    /// needed, and the declared indexes.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a setting that cannot work, by its name, and
    /// for a path that is none; [`Error::Unavailable`] where the file cannot be
    /// opened; [`Error::Corrupt`] where it is no database;
    /// [`Error::Unsupported`] where its schema is newer than this library.
    pub async fn local(self, path: impl AsRef<Path>) -> Result<TursoStorage> {
        let place = Place::file(path.as_ref())?;
        self.open(place).await
    }

    /// Opens a new database in memory, which lives as long as the storage.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a setting that cannot work, by its name.
    pub async fn memory(self) -> Result<TursoStorage> {
        self.open(Place::Memory).await
    }

    async fn open(self, place: Place) -> Result<TursoStorage> {
        self.local.batch.validate()?;
        self.local.prepared.validate()?;
        if self.local.readers == 0 {
            return Err(Error::invalid_input("readers", "with 0 readers nothing can be read; use at least 1"));
        }
        let indexes = self.indexes.iter().map(|key| IndexedKey::new(key)).collect::<Result<Vec<_>>>()?;
        let stats = Arc::new(PreparedStats::default());
        let batch_size = self.local.batch.batch_size;
        let local = Local::open(place, self.local, Arc::clone(&stats)).await?;
        let storage = TursoStorage::new_local(local, batch_size, stats);
        storage.create_indexes(indexes).await?;
        Ok(storage)
    }
}
